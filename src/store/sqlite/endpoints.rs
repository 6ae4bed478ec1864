//! Endpoints: where a site's events are told.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::dead_letters::forget_messages;
use super::ledger::raise_generation;
use super::rows::{EndpointRow, micros, to_json};
use super::sites::must_exist;
use crate::site::SiteId;
use crate::store::{Endpoint, EndpointChange, EndpointId, EndpointState, Outgoing, StoreError};

pub(super) async fn endpoints(readers: &SqlitePool, site: Option<SiteId>) -> Result<Vec<Endpoint>, StoreError> {
    let rows: Vec<EndpointRow> = sqlx::query_as(
        "SELECT id, site, kind, url, events, created_at, disabled, failing_since, secrets
           FROM endpoints
          WHERE ?1 IS NULL OR site = ?1
          ORDER BY row",
    )
    .bind(site.map(|site| site.0))
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(EndpointRow::into_endpoint).collect()
}

pub(super) async fn add(conn: &mut SqliteConnection, endpoint: Endpoint) -> Result<(), StoreError> {
    must_exist(conn, endpoint.site).await?;
    let added = sqlx::query(
        "INSERT INTO endpoints (id, site, kind, url, events, created_at, disabled, failing_since, secrets)
         VALUES (?, ?, 'webhook', ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(&endpoint.id)
    .bind(endpoint.site.0)
    .bind(&endpoint.url)
    .bind(endpoint.events.as_ref().map(to_json).transpose()?)
    .bind(micros(endpoint.created_at))
    .bind(&endpoint.disabled)
    .bind(endpoint.failing_since.map(micros))
    .bind(to_json(&endpoint.secrets)?)
    .execute(&mut *conn)
    .await?;
    if added.rows_affected() == 0 {
        return Err(StoreError::Conflict(format!("there is an endpoint {} already", endpoint.id)));
    }
    raise_generation(conn).await
}

pub(super) async fn remove(conn: &mut SqliteConnection, id: String) -> Result<(), StoreError> {
    let (row, _) = find(conn, &id).await?;
    sqlx::query("DELETE FROM attempts WHERE job IN (SELECT id FROM jobs WHERE endpoint = ?)")
        .bind(row)
        .execute(&mut *conn)
        .await?;
    sqlx::query("UPDATE comments SET callback = NULL WHERE callback = ?").bind(row).execute(&mut *conn).await?;
    let messages: Vec<i64> = sqlx::query_scalar("DELETE FROM jobs WHERE endpoint = ? RETURNING message")
        .bind(row)
        .fetch_all(&mut *conn)
        .await?;
    forget_messages(conn, messages.into_iter()).await?;
    sqlx::query("DELETE FROM endpoints WHERE row = ?").bind(row).execute(&mut *conn).await?;
    raise_generation(conn).await
}

/// See [`crate::store::Store::set_endpoint`].
pub(super) async fn set(
    conn: &mut SqliteConnection,
    id: String,
    change: EndpointChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (row, _) = find(conn, &id).await?;
    // Its secret is the site's API key, which must not follow it to another address.
    if change.url.is_some() || change.events.is_some() || change.secrets.is_some() {
        must_be_webhook(conn, row, &id).await?;
    }
    let events = match &change.events {
        Some(Some(events)) => Some(to_json(events)?),
        _ => None,
    };
    sqlx::query(
        "UPDATE endpoints
            SET url = coalesce(?2, url), secrets = coalesce(?3, secrets), events = CASE WHEN ?4 THEN ?5 ELSE events END
          WHERE row = ?1",
    )
    .bind(row)
    .bind(change.url)
    .bind(change.secrets.as_ref().map(to_json).transpose()?)
    .bind(change.events.is_some())
    .bind(events)
    .execute(&mut *conn)
    .await?;
    match change.state {
        Some(EndpointState::Disabled { reason }) => disable(conn, row, &reason, now).await?,
        Some(EndpointState::Enabled) => {
            sqlx::query("UPDATE endpoints SET disabled = NULL, failing_since = NULL WHERE row = ?")
                .bind(row)
                .execute(&mut *conn)
                .await?;
        }
        None => {}
    }
    raise_generation(conn).await
}

/// Nothing more goes to this endpoint; what waits for it becomes dead letters, which a person may retry.
pub(super) async fn disable(
    conn: &mut SqliteConnection,
    endpoint: i64,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE endpoints SET disabled = ?, failing_since = coalesce(failing_since, ?) WHERE row = ?")
        .bind(reason)
        .bind(micros(now))
        .bind(endpoint)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "UPDATE jobs
            SET state = 'dead', last_error = 'the endpoint was disabled: ' || ?2, finished_at = ?3
          WHERE kind = 'deliver' AND state = 'pending' AND endpoint = ?1",
    )
    .bind(endpoint)
    .bind(reason)
    .bind(micros(now))
    .execute(&mut *conn)
    .await?;
    raise_generation(conn).await
}

/// See [`crate::store::Store::callback_endpoint`]. No event goes to it but those that name it, so the generation stays.
pub(super) async fn callback(conn: &mut SqliteConnection, endpoint: Endpoint) -> Result<EndpointId, StoreError> {
    must_exist(conn, endpoint.site).await?;
    let id = sqlx::query_scalar(
        "INSERT INTO endpoints (id, site, kind, url, events, created_at, secrets) VALUES (?, ?, 'callback', ?, '[]', ?, ?)
         ON CONFLICT (site, url) WHERE kind = 'callback' DO UPDATE SET secrets = excluded.secrets
         RETURNING id",
    )
    .bind(&endpoint.id)
    .bind(endpoint.site.0)
    .bind(&endpoint.url)
    .bind(micros(endpoint.created_at))
    .bind(to_json(&endpoint.secrets)?)
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// See [`crate::store::Store::enqueue_message`].
pub(super) async fn enqueue(
    conn: &mut SqliteConnection,
    id: String,
    event: Outgoing,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (row, disabled) = find(conn, &id).await?;
    if let Some(reason) = disabled {
        return Err(StoreError::Conflict(format!("endpoint {id} is disabled ({reason}); enable it first")));
    }
    must_be_webhook(conn, row, &id).await?;
    let message = sqlx::query(
        "INSERT INTO messages (id, site, type, body, created_at)
         SELECT ?2, site, ?5, ?3, ?4 FROM endpoints WHERE row = ?1",
    )
    .bind(row)
    .bind(event.message_id)
    .bind(event.body.text(None))
    .bind(micros(now))
    .bind(event.kind.as_str())
    .execute(&mut *conn)
    .await?
    .last_insert_rowid();
    sqlx::query(
        "INSERT INTO jobs (kind, state, due_at, attempts, site, message, endpoint)
         SELECT 'deliver', 'pending', ?2, 0, site, ?3, row FROM endpoints WHERE row = ?1",
    )
    .bind(row)
    .bind(micros(now))
    .bind(message)
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// Its row, and why it is disabled.
async fn find(conn: &mut SqliteConnection, id: &str) -> Result<(i64, Option<String>), StoreError> {
    sqlx::query_as("SELECT row, disabled FROM endpoints WHERE id = ?")
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| StoreError::NotFound(format!("endpoint {id}")))
}

async fn must_be_webhook(conn: &mut SqliteConnection, row: i64, id: &str) -> Result<(), StoreError> {
    let kind: String = sqlx::query_scalar("SELECT kind FROM endpoints WHERE row = ?").bind(row).fetch_one(conn).await?;
    if kind == "webhook" {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "endpoint {id} is the call-back of an Akismet plugin: its address and key are those that the plugin sends, and it \
         understands nothing but decisions"
    )))
}
