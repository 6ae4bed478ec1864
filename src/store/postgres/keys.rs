//! API keys: their hashes, scopes and ends.

use jiff::Timestamp;
use sqlx::PgConnection;

use super::columns::shown;
use super::failure::Outcome;
use super::ledger::raise_generation;
use super::sites::must_exist;
use crate::key::{Key, KeyHash, KeyId, NewKey};
use crate::store::StoreError;
use crate::store::rows::{KeyRow, micros, to_json};

pub(super) const ALL: &str =
    "SELECT id, hash, site, name, scopes, created_at, expires_at FROM api_keys ORDER BY site NULLS FIRST, id";

pub(super) async fn add(conn: &mut PgConnection, key: &NewKey, now: Timestamp) -> Outcome<Key> {
    if let Some(site) = key.site {
        must_exist(conn, site).await?;
    }
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO api_keys (hash, site, name, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(key.hash.as_slice())
    .bind(key.site.map(|site| site.0))
    .bind(shown(&key.name))
    .bind(to_json(&key.scopes)?)
    .bind(micros(now))
    .bind(key.expires_at.map(micros))
    .fetch_optional(&mut *conn)
    .await?;
    let id = id.ok_or_else(|| StoreError::Conflict("this key is there already; make a fresh one".to_owned()))?;
    raise_generation(conn).await?;
    let NewKey { site, name, scopes, hash, expires_at } = key.clone();
    Ok(Key { id: KeyId(id), site, name, scopes, created_at: now, expires_at, hash })
}

/// See [`crate::store::Store::rotate_key`].
pub(super) async fn rotate(
    conn: &mut PgConnection,
    old: KeyId,
    new: KeyHash,
    until: Timestamp,
    now: Timestamp,
) -> Outcome<Key> {
    let row: Option<KeyRow> = sqlx::query_as(
        "UPDATE api_keys SET expires_at = least(coalesce(expires_at, $2), $2) WHERE id = $1
         RETURNING id, hash, site, name, scopes, created_at, expires_at",
    )
    .bind(old.0)
    .bind(micros(until))
    .fetch_optional(&mut *conn)
    .await?;
    let old = row.ok_or_else(|| no_key(old))?.into_key()?;
    let key = NewKey { site: old.site, name: old.name, scopes: old.scopes, hash: new, expires_at: None };
    add(conn, &key, now).await
}

pub(super) async fn remove(conn: &mut PgConnection, id: KeyId) -> Outcome<()> {
    let removed = sqlx::query("DELETE FROM api_keys WHERE id = $1").bind(id.0).execute(&mut *conn).await?;
    if removed.rows_affected() == 0 {
        return Err(no_key(id).into());
    }
    raise_generation(conn).await
}

fn no_key(id: KeyId) -> StoreError {
    StoreError::NotFound(format!("key {id}"))
}
