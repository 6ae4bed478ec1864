//! Sites, and the directory of all callers.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::keys;
use super::ledger::raise_generation;
use super::rows::{KeyRow, SiteRow, from_json, micros, time, to_json, unreadable};
use super::{lists, search};
use crate::budget::Measured;
use crate::key::{Key, KeyHash, NewKey, Scopes};
use crate::site::{Policy, Site, SiteId};
use crate::store::{Directory, StoreError};
use crate::verdict::Share;

pub(super) async fn generation(readers: &SqlitePool) -> Result<u64, StoreError> {
    let generation: i64 =
        sqlx::query_scalar("SELECT value FROM meta WHERE name = 'generation'").fetch_one(readers).await?;
    u64::try_from(generation).map_err(|error| unreadable("the generation", error))
}

/// In one read transaction, so that generation, sites and keys are of the same moment.
pub(super) async fn directory(readers: &SqlitePool) -> Result<Directory, StoreError> {
    let mut moment = readers.begin().await?;
    let generation: i64 =
        sqlx::query_scalar("SELECT value FROM meta WHERE name = 'generation'").fetch_one(&mut *moment).await?;
    let sites: Vec<SiteRow> = sqlx::query_as("SELECT id, name, url, policy, created_at FROM sites ORDER BY id")
        .fetch_all(&mut *moment)
        .await?;
    let keys: Vec<KeyRow> = sqlx::query_as(keys::ALL).fetch_all(&mut *moment).await?;
    let lists = lists::changes(&mut moment).await?;
    moment.commit().await?;
    let sites = sites.into_iter().map(|row| row.into_site().map(Arc::new)).collect::<Result<_, StoreError>>()?;
    let keys = keys.into_iter().map(|row| row.into_key().map(Arc::new)).collect::<Result<_, StoreError>>()?;
    let generation = u64::try_from(generation).map_err(|error| unreadable("the generation", error))?;
    Ok(Directory { generation, sites, keys, lists })
}

pub(super) async fn add(
    conn: &mut SqliteConnection,
    name: String,
    url: String,
    policy: Policy,
    key: KeyHash,
    now: Timestamp,
) -> Result<Site, StoreError> {
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO sites (name, url, policy, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(&name)
    .bind(&url)
    .bind(to_json(&policy)?)
    .bind(micros(now))
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = id else { return Err(name_taken(&name)) };
    let (name_of_key, site) = (Key::OF_SITE.to_owned(), Some(SiteId(id)));
    let key = NewKey { site, name: name_of_key, scopes: Scopes::CMS, hash: key, expires_at: None };
    keys::add(conn, key, now).await?;
    Ok(Site { id: SiteId(id), name, url, policy, created_at: time(micros(now), "the time of now")? })
}

pub(super) async fn set(conn: &mut SqliteConnection, site: Site) -> Result<(), StoreError> {
    let taken: Option<i64> = sqlx::query_scalar("SELECT id FROM sites WHERE name = ? AND id <> ?")
        .bind(&site.name)
        .bind(site.id.0)
        .fetch_optional(&mut *conn)
        .await?;
    if taken.is_some() {
        return Err(name_taken(&site.name));
    }
    let changed = sqlx::query("UPDATE sites SET name = ?, url = ?, policy = ? WHERE id = ?")
        .bind(&site.name)
        .bind(&site.url)
        .bind(to_json(&site.policy)?)
        .bind(site.id.0)
        .execute(&mut *conn)
        .await?;
    if changed.rows_affected() == 0 {
        return Err(no_site(site.id));
    }
    raise_generation(conn).await
}

/// See [`crate::store::Store::record_measured`].
pub(super) async fn record_measured(
    conn: &mut SqliteConnection,
    site: SiteId,
    max_blocked_ham: Share,
    measured: Measured,
) -> Result<bool, StoreError> {
    let mut policy = policy_of(conn, site).await?;
    let Some(budget) = policy.budget.as_mut().filter(|budget| budget.max_blocked_ham == max_blocked_ham) else {
        return Ok(false);
    };
    budget.measured = Some(measured);
    set_policy(conn, site, &policy).await?;
    Ok(true)
}

async fn policy_of(conn: &mut SqliteConnection, site: SiteId) -> Result<Policy, StoreError> {
    let policy: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT policy FROM sites WHERE id = ?").bind(site.0).fetch_optional(conn).await?;
    let policy = policy.ok_or_else(|| no_site(site))?;
    from_json(&policy, format_args!("the policy of site {site}"))
}

async fn set_policy(conn: &mut SqliteConnection, site: SiteId, policy: &Policy) -> Result<(), StoreError> {
    sqlx::query("UPDATE sites SET policy = ? WHERE id = ?")
        .bind(to_json(policy)?)
        .bind(site.0)
        .execute(&mut *conn)
        .await?;
    raise_generation(conn).await
}

pub(super) async fn remove(conn: &mut SqliteConnection, site: SiteId) -> Result<(), StoreError> {
    must_exist(conn, site).await?;
    search::forget_site(conn, site).await?;
    for forget in [
        "DELETE FROM acts WHERE comment IN (SELECT row FROM comments WHERE site = ?)",
        "DELETE FROM overruled WHERE comment IN (SELECT row FROM comments WHERE site = ?)",
        "DELETE FROM traces WHERE site = ?",
        "DELETE FROM arrivals WHERE site = ?",
        "DELETE FROM campaigns WHERE site = ?",
        "DELETE FROM attempts WHERE job IN (SELECT id FROM jobs WHERE site = ?)",
        "DELETE FROM jobs WHERE site = ?",
        "DELETE FROM messages WHERE site = ?",
        "DELETE FROM comments WHERE site = ?",
        "DELETE FROM endpoints WHERE site = ?",
        "DELETE FROM statistics WHERE site = ?",
        "DELETE FROM edit_keys WHERE site = ?",
        "DELETE FROM api_keys WHERE site = ?",
        "DELETE FROM list_entries WHERE site = ?",
        "DELETE FROM list_changes WHERE site = ?",
        "DELETE FROM sites WHERE id = ?",
    ] {
        sqlx::query(forget).bind(site.0).execute(&mut *conn).await?;
    }
    raise_generation(conn).await
}

pub(super) async fn must_exist(conn: &mut SqliteConnection, site: SiteId) -> Result<(), StoreError> {
    let there: Option<i64> =
        sqlx::query_scalar("SELECT id FROM sites WHERE id = ?").bind(site.0).fetch_optional(conn).await?;
    there.map(|_| ()).ok_or_else(|| no_site(site))
}

fn no_site(site: SiteId) -> StoreError {
    StoreError::NotFound(format!("site {site}"))
}

fn name_taken(name: &str) -> StoreError {
    StoreError::Conflict(format!("there is a site `{name}` already; take another name"))
}
