//! Endpoints: where a site's events are told.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::columns::shown;
use super::dead_letters::{forget_attempts, forget_messages};
use super::failure::Outcome;
use super::ledger::raise_generation;
use super::sites::must_exist;
use crate::site::SiteId;
use crate::store::rows::{EndpointRow, micros, to_json};
use crate::store::{Endpoint, EndpointChange, EndpointId, EndpointState, Outgoing, StoreError};

pub(super) async fn endpoints(pool: &PgPool, site: Option<SiteId>) -> Outcome<Vec<Endpoint>> {
    let rows: Vec<EndpointRow> = sqlx::query_as(
        "SELECT id, site, kind, url, events, created_at, disabled, failing_since, secrets
           FROM endpoints
          WHERE $1::bigint IS NULL OR site = $1
          ORDER BY row",
    )
    .bind(site.map(|site| site.0))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(EndpointRow::into_endpoint).collect::<Result<_, _>>()?)
}

pub(super) async fn add(conn: &mut PgConnection, endpoint: &Endpoint) -> Outcome<()> {
    must_exist(conn, endpoint.site).await?;
    let added = sqlx::query(
        "INSERT INTO endpoints (id, site, kind, url, events, created_at, disabled, failing_since, secrets)
         VALUES ($1, $2, 'webhook', $3, $4, $5, $6, $7, $8)
         ON CONFLICT DO NOTHING",
    )
    .bind(&endpoint.id)
    .bind(endpoint.site.0)
    .bind(shown(&endpoint.url))
    .bind(endpoint.events.as_ref().map(to_json).transpose()?)
    .bind(micros(endpoint.created_at))
    .bind(endpoint.disabled.as_deref().map(shown))
    .bind(endpoint.failing_since.map(micros))
    .bind(to_json(&endpoint.secrets)?)
    .execute(&mut *conn)
    .await?;
    if added.rows_affected() == 0 {
        return Err(StoreError::Conflict(format!("there is an endpoint {} already", endpoint.id)).into());
    }
    raise_generation(conn).await
}

pub(super) async fn remove(conn: &mut PgConnection, id: &str) -> Outcome<()> {
    let (row, _) = find(conn, id).await?;
    sqlx::query("UPDATE comments SET callback = NULL WHERE callback = $1").bind(row).execute(&mut *conn).await?;
    let gone: Vec<(i64, i64)> =
        sqlx::query_as("DELETE FROM jobs WHERE kind = 'deliver' AND endpoint = $1 RETURNING id, message")
            .bind(row)
            .fetch_all(&mut *conn)
            .await?;
    let (jobs, messages): (Vec<i64>, Vec<i64>) = gone.into_iter().unzip();
    forget_attempts(conn, &jobs).await?;
    forget_messages(conn, &messages).await?;
    sqlx::query("DELETE FROM endpoints WHERE row = $1").bind(row).execute(&mut *conn).await?;
    raise_generation(conn).await
}

/// See [`crate::store::Store::set_endpoint`].
pub(super) async fn set(conn: &mut PgConnection, id: &str, change: &EndpointChange, now: Timestamp) -> Outcome<()> {
    let (row, _) = find(conn, id).await?;
    // Its secret is the site's API key, which must not follow it to another address.
    if change.url.is_some() || change.events.is_some() || change.secrets.is_some() {
        must_be_webhook(conn, row, id).await?;
    }
    let events = match &change.events {
        Some(Some(events)) => Some(to_json(events)?),
        _ => None,
    };
    sqlx::query(
        "UPDATE endpoints
            SET url = coalesce($2, url), secrets = coalesce($3, secrets), events = CASE WHEN $4 THEN $5 ELSE events END
          WHERE row = $1",
    )
    .bind(row)
    .bind(change.url.as_deref())
    .bind(change.secrets.as_ref().map(to_json).transpose()?)
    .bind(change.events.is_some())
    .bind(events)
    .execute(&mut *conn)
    .await?;
    match &change.state {
        Some(EndpointState::Disabled { reason }) => disable(conn, row, reason, now).await?,
        Some(EndpointState::Enabled) => {
            sqlx::query("UPDATE endpoints SET disabled = NULL, failing_since = NULL WHERE row = $1")
                .bind(row)
                .execute(&mut *conn)
                .await?;
        }
        None => {}
    }
    raise_generation(conn).await
}

/// Nothing more goes to this endpoint; what waits for it becomes dead letters, which a person may retry.
pub(super) async fn disable(conn: &mut PgConnection, endpoint: i64, reason: &str, now: Timestamp) -> Outcome<()> {
    sqlx::query("UPDATE endpoints SET disabled = $1, failing_since = coalesce(failing_since, $2) WHERE row = $3")
        .bind(shown(reason))
        .bind(micros(now))
        .bind(endpoint)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "UPDATE jobs
            SET state = 'dead', last_error = 'the endpoint was disabled: ' || $2, finished_at = $3
          WHERE kind = 'deliver' AND state = 'pending' AND endpoint = $1",
    )
    .bind(endpoint)
    .bind(shown(reason))
    .bind(micros(now))
    .execute(&mut *conn)
    .await?;
    raise_generation(conn).await
}

/// See [`crate::store::Store::callback_endpoint`]. No event goes to it but those that name it, so the generation stays.
pub(super) async fn callback(conn: &mut PgConnection, endpoint: &Endpoint) -> Outcome<EndpointId> {
    must_exist(conn, endpoint.site).await?;
    let id = sqlx::query_scalar(
        "INSERT INTO endpoints (id, site, kind, url, events, created_at, secrets) VALUES ($1, $2, 'callback', $3, '[]', $4, $5)
         ON CONFLICT (site, url) WHERE kind = 'callback' DO UPDATE SET secrets = excluded.secrets
         RETURNING id",
    )
    .bind(&endpoint.id)
    .bind(endpoint.site.0)
    .bind(shown(&endpoint.url))
    .bind(micros(endpoint.created_at))
    .bind(to_json(&endpoint.secrets)?)
    .fetch_one(conn)
    .await?;
    Ok(id)
}

/// See [`crate::store::Store::enqueue_message`].
pub(super) async fn enqueue(conn: &mut PgConnection, id: &str, event: &Outgoing, now: Timestamp) -> Outcome<()> {
    let (row, disabled) = find(conn, id).await?;
    if let Some(reason) = disabled {
        return Err(StoreError::Conflict(format!("endpoint {id} is disabled ({reason}); enable it first")).into());
    }
    must_be_webhook(conn, row, id).await?;
    sqlx::query(
        "WITH endpoint AS (
             SELECT row, site FROM endpoints WHERE row = $1
         ), told AS (
             INSERT INTO messages (id, site, type, body, created_at)
             SELECT $2, site, $3, $4, $5 FROM endpoint
             RETURNING row
         )
         INSERT INTO jobs (kind, state, due_at, attempts, site, message, endpoint)
         SELECT 'deliver', 'pending', $5, 0, endpoint.site, told.row, endpoint.row FROM endpoint, told",
    )
    .bind(row)
    .bind(&event.message_id)
    .bind(event.kind.as_str())
    .bind(event.body.text(None))
    .bind(micros(now))
    .execute(conn)
    .await?;
    Ok(())
}

/// Its row, and why it is disabled.
async fn find(conn: &mut PgConnection, id: &str) -> Outcome<(i64, Option<String>)> {
    sqlx::query_as("SELECT row, disabled FROM endpoints WHERE id = $1")
        .bind(id)
        .fetch_optional(conn)
        .await?
        .ok_or_else(|| StoreError::NotFound(format!("endpoint {id}")).into())
}

async fn must_be_webhook(conn: &mut PgConnection, row: i64, id: &str) -> Outcome<()> {
    let kind: String =
        sqlx::query_scalar("SELECT kind FROM endpoints WHERE row = $1").bind(row).fetch_one(conn).await?;
    if kind == "webhook" {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "endpoint {id} is the call-back of an Akismet plugin: its address and key are those that the plugin sends, and it \
         understands nothing but decisions"
    ))
    .into())
}
