//! Trails read, changed and written together.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::trail::{Seconds, Trail};
use super::unhex;
use crate::store::StoreError;
use crate::store::sqlite::many::{MOST, many};
use crate::store::sqlite::rows::{from_json, json_array};

/// The trails that a batch changes.
#[derive(Debug, Default)]
pub(super) struct Trails(BTreeMap<i64, Trail>);

impl Trails {
    /// In one row: each row is a message between threads.
    pub async fn read(conn: &mut SqliteConnection, keys: impl Iterator<Item = i64>) -> Result<Trails, StoreError> {
        let rows: String = sqlx::query_scalar(
            "SELECT json_group_array(json_array(seen.key, seen.at, hex(seen.value)))
               FROM json_each(?) AS wanted CROSS JOIN seen ON seen.key = wanted.value",
        )
        .bind(json_array(keys))
        .fetch_one(conn)
        .await?;
        let rows: Vec<(i64, Seconds, String)> = from_json(rows.as_bytes(), "what was seen")?;
        Ok(Trails(rows.into_iter().map(|(key, at, value)| (key, Trail::read(at, &unhex(&value)))).collect()))
    }

    pub fn of(&mut self, key: i64) -> &mut Trail {
        self.0.entry(key).or_default()
    }

    pub async fn write(&self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        let trails: Vec<(&i64, &Trail)> = self.0.iter().collect();
        for run in trails.chunks(MOST) {
            let mut insert = many(
                "INSERT OR REPLACE INTO seen (key, at, value) SELECT column1, column2, column3 FROM",
                3,
                run.len(),
                "WHERE column1 IS NOT NULL",
            );
            for (key, trail) in run {
                insert = insert.bind(**key).bind(trail.at).bind(trail.bytes());
            }
            insert.execute(&mut *conn).await?;
        }
        Ok(())
    }
}
