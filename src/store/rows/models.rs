//! Models as rows.

use super::{Document, from_json, time};
use crate::store::{ModelRecord, StoreError};

#[derive(sqlx::FromRow)]
pub(in crate::store) struct ModelRow {
    id: String,
    created_at: i64,
    card: Document,
    promoted_at: Option<i64>,
    note: String,
    is_champion: bool,
}

impl ModelRow {
    pub(in crate::store) fn into_record(self) -> Result<ModelRecord, StoreError> {
        let named = format!("model {}", self.id);
        Ok(ModelRecord {
            id: self.id,
            created_at: time(self.created_at, &named)?,
            card: from_json(&self.card, format_args!("the card of {named}"))?,
            promoted_at: self.promoted_at.map(|at| time(at, &named)).transpose()?,
            note: self.note,
            is_champion: self.is_champion,
        })
    }
}
