//! Sites, and the directory of all callers.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::columns::shown;
use super::failure::Outcome;
use super::keys;
use super::ledger::raise_generation;
use super::{history, lists};
use crate::budget::Measured;
use crate::key::{Key, KeyHash, NewKey, Scopes};
use crate::site::{Policy, Site, SiteId};
use crate::store::rows::{Document, KeyRow, SiteRow, from_json, micros, time, to_json, unreadable};
use crate::store::{Directory, StoreError};
use crate::verdict::Share;

pub(super) async fn generation(pool: &PgPool) -> Outcome<u64> {
    let generation: i64 =
        sqlx::query_scalar("SELECT value FROM meta WHERE name = 'generation'").fetch_one(pool).await?;
    Ok(u64::try_from(generation).map_err(|error| unreadable("the generation", error))?)
}

/// In one read transaction, so that generation, sites and keys are of the same moment.
pub(super) async fn directory(pool: &PgPool) -> Outcome<Directory> {
    let mut moment = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
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
    conn: &mut PgConnection,
    name: &str,
    url: &str,
    policy: &Policy,
    key: KeyHash,
    now: Timestamp,
) -> Outcome<Site> {
    let id: Option<i64> = sqlx::query_scalar(
        "INSERT INTO sites (name, url, policy, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(shown(name))
    .bind(shown(url))
    .bind(to_json(policy)?)
    .bind(micros(now))
    .fetch_optional(&mut *conn)
    .await?;
    let Some(id) = id else { return Err(name_taken(name).into()) };
    let (name_of_key, site) = (Key::OF_SITE.to_owned(), Some(SiteId(id)));
    let key = NewKey { site, name: name_of_key, scopes: Scopes::CMS, hash: key, expires_at: None };
    keys::add(conn, &key, now).await?;
    let (name, url, policy) = (name.to_owned(), url.to_owned(), policy.clone());
    Ok(Site { id: SiteId(id), name, url, policy, created_at: time(micros(now), "the time of now")? })
}

pub(super) async fn set(conn: &mut PgConnection, site: &Site) -> Outcome<()> {
    let taken: Option<i64> = sqlx::query_scalar("SELECT id FROM sites WHERE name = $1 AND id <> $2")
        .bind(shown(&site.name))
        .bind(site.id.0)
        .fetch_optional(&mut *conn)
        .await?;
    if taken.is_some() {
        return Err(name_taken(&site.name).into());
    }
    let changed = sqlx::query("UPDATE sites SET name = $1, url = $2, policy = $3 WHERE id = $4")
        .bind(shown(&site.name))
        .bind(shown(&site.url))
        .bind(to_json(&site.policy)?)
        .bind(site.id.0)
        .execute(&mut *conn)
        .await?;
    if changed.rows_affected() == 0 {
        return Err(no_site(site.id).into());
    }
    raise_generation(conn).await
}

/// See [`crate::store::Store::record_measured`].
pub(super) async fn record_measured(
    conn: &mut PgConnection,
    site: SiteId,
    max_blocked_ham: Share,
    measured: &Measured,
) -> Outcome<bool> {
    let mut policy = policy_of(conn, site).await?;
    let Some(budget) = policy.budget.as_mut().filter(|budget| budget.max_blocked_ham == max_blocked_ham) else {
        return Ok(false);
    };
    budget.measured = Some(measured.clone());
    set_policy(conn, site, &policy).await?;
    Ok(true)
}

async fn policy_of(conn: &mut PgConnection, site: SiteId) -> Outcome<Policy> {
    let policy: Option<Document> =
        sqlx::query_scalar("SELECT policy FROM sites WHERE id = $1").bind(site.0).fetch_optional(conn).await?;
    let policy = policy.ok_or_else(|| no_site(site))?;
    Ok(from_json(&policy, format_args!("the policy of site {site}"))?)
}

async fn set_policy(conn: &mut PgConnection, site: SiteId, policy: &Policy) -> Outcome<()> {
    sqlx::query("UPDATE sites SET policy = $1 WHERE id = $2")
        .bind(to_json(policy)?)
        .bind(site.0)
        .execute(&mut *conn)
        .await?;
    raise_generation(conn).await
}

pub(super) async fn remove(conn: &mut PgConnection, site: SiteId) -> Outcome<()> {
    must_exist(conn, site).await?;
    history::lock(conn).await?;
    for forget in [
        "DELETE FROM search USING comments WHERE search.comment = comments.row AND comments.site = $1",
        "DELETE FROM acts USING comments WHERE acts.comment = comments.row AND comments.site = $1",
        "DELETE FROM overruled USING comments WHERE overruled.comment = comments.row AND comments.site = $1",
        "DELETE FROM traces USING comments WHERE traces.comment = comments.row AND comments.site = $1",
        "DELETE FROM arrivals WHERE site = $1",
        "DELETE FROM campaigns WHERE site = $1",
        "DELETE FROM attempts USING jobs WHERE attempts.job = jobs.id AND jobs.kind = 'deliver' AND jobs.site = $1",
        "DELETE FROM jobs WHERE site = $1",
        "DELETE FROM messages WHERE site = $1",
        "DELETE FROM verdicts USING comments WHERE verdicts.comment = comments.row AND comments.site = $1",
        "DELETE FROM comments WHERE site = $1",
        "DELETE FROM endpoints WHERE site = $1",
        "DELETE FROM statistics WHERE site = $1",
        "DELETE FROM edit_keys WHERE site = $1",
        "DELETE FROM api_keys WHERE site = $1",
        "DELETE FROM list_entries WHERE site = $1",
        "DELETE FROM list_changes WHERE site = $1",
        "DELETE FROM sites WHERE id = $1",
    ] {
        sqlx::query(forget).bind(site.0).execute(&mut *conn).await?;
    }
    raise_generation(conn).await
}

pub(super) async fn must_exist(conn: &mut PgConnection, site: SiteId) -> Outcome<()> {
    let there: Option<i64> =
        sqlx::query_scalar("SELECT id FROM sites WHERE id = $1").bind(site.0).fetch_optional(conn).await?;
    Ok(there.map(|_| ()).ok_or_else(|| no_site(site))?)
}

fn no_site(site: SiteId) -> StoreError {
    StoreError::NotFound(format!("site {site}"))
}

fn name_taken(name: &str) -> StoreError {
    StoreError::Conflict(format!("there is a site `{name}` already; take another name"))
}
