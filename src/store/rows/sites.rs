//! Sites, their keys and their lists as rows.

use super::{Document, from_json, time, unreadable};
use crate::key::{Key, KeyHash, KeyId};
use crate::site::{ListEntry, Site, SiteId};
use crate::store::{PlacedEntry, StoreError};

#[derive(sqlx::FromRow)]
pub(in crate::store) struct SiteRow {
    id: i64,
    name: String,
    url: String,
    policy: Document,
    created_at: i64,
}

impl SiteRow {
    pub(in crate::store) fn into_site(self) -> Result<Site, StoreError> {
        let SiteRow { id, name, url, policy, created_at } = self;
        let named = format_args!("site {id}");
        Ok(Site {
            id: SiteId(id),
            policy: from_json(&policy, format_args!("the policy of {named} ({name})"))?,
            name,
            url,
            created_at: time(created_at, named)?,
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(in crate::store) struct KeyRow {
    id: i64,
    hash: Vec<u8>,
    site: Option<i64>,
    name: String,
    scopes: Document,
    created_at: i64,
    expires_at: Option<i64>,
}

impl KeyRow {
    pub(in crate::store) fn into_key(self) -> Result<Key, StoreError> {
        let named = format_args!("key {}", self.id);
        Ok(Key {
            id: KeyId(self.id),
            site: self.site.map(SiteId),
            name: self.name,
            scopes: from_json(&self.scopes, named)?,
            created_at: time(self.created_at, named)?,
            expires_at: self.expires_at.map(|at| time(at, named)).transpose()?,
            hash: KeyHash::try_from(self.hash)
                .map_err(|hash| unreadable(named, format_args!("a hash of {} bytes", hash.len())))?,
        })
    }
}

/// Row, list, pattern, reason, who, when, until when.
pub(in crate::store) type ListRow = (i64, String, String, String, String, i64, Option<i64>);

pub(in crate::store) fn placed(
    (row, list, pattern, reason, added_by, added_at, expires_at): ListRow,
) -> Result<PlacedEntry, StoreError> {
    let named = format_args!("entry {row} of the lists");
    let entry = ListEntry {
        list: list.parse().map_err(|error| unreadable(named, error))?,
        pattern: pattern.parse().map_err(|error| unreadable(named, error))?,
        reason,
        added_by,
        added_at: time(added_at, named)?,
        expires_at: expires_at.map(|at| time(at, named)).transpose()?,
    };
    Ok(PlacedEntry { row, entry })
}
