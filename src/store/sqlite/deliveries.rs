//! The log of deliveries: what went to whom and how it ended, and what is sent once more.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::dead_letters::forget_messages;
use super::rows::{AttemptRow, DeliveryRow, id_bytes, json_array, micros, state_word};
use crate::site::SiteId;
use crate::store::{Delivery, DeliveryFilter, DeliveryState, JobId, LoggedAttempt, StoreError};

/// Which jobs a filter means: ?1 site, ?2 id, ?3 endpoint, ?4 comment, ?5 state, ?6 from, ?7 to.
macro_rules! meant {
    () => {
        "jobs.kind = 'deliver' AND jobs.site = ?1
           AND (?2 IS NULL OR jobs.id = ?2)
           AND (?3 IS NULL OR jobs.endpoint = (SELECT row FROM endpoints WHERE id = ?3))
           AND (?4 IS NULL OR jobs.comment = (SELECT row FROM comments WHERE id = ?4))
           AND (?5 IS NULL OR jobs.state = ?5)
           AND (?6 IS NULL OR messages.created_at >= ?6)
           AND (?7 IS NULL OR messages.created_at < ?7)"
    };
}

macro_rules! bound {
    ($query:expr, $site:expr, $filter:expr, $state:expr) => {
        $query
            .bind($site.0)
            .bind($filter.id.map(|id| id.0))
            .bind($filter.endpoint.as_deref())
            .bind($filter.comment.map(id_bytes))
            .bind($state.map(state_word))
            .bind($filter.from.map(micros))
            .bind($filter.to.map(micros))
    };
}

pub(super) async fn deliveries(
    readers: &SqlitePool,
    site: SiteId,
    filter: &DeliveryFilter,
    before: Option<JobId>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let query = sqlx::query_as(concat!(
        "SELECT jobs.id, messages.id AS message_id, messages.type AS kind, comments.id AS comment,
                endpoints.id AS endpoint, jobs.state, jobs.attempts, messages.created_at, jobs.due_at, jobs.finished_at,
                jobs.last_status, jobs.last_error
           FROM jobs
           JOIN messages  ON messages.row = jobs.message
           JOIN endpoints ON endpoints.row = jobs.endpoint
           LEFT JOIN comments ON comments.row = jobs.comment
          WHERE ",
        meant!(),
        " AND (?8 IS NULL OR jobs.id < ?8)
          ORDER BY jobs.id DESC
          LIMIT ?9"
    ));
    let rows: Vec<DeliveryRow> =
        bound!(query, site, filter, filter.state).bind(before.map(|id| id.0)).bind(limit).fetch_all(readers).await?;
    rows.into_iter().map(|row| row.into_delivery(site)).collect()
}

pub(super) async fn attempts(
    readers: &SqlitePool,
    site: SiteId,
    delivery: JobId,
) -> Result<Vec<LoggedAttempt>, StoreError> {
    let rows: Vec<AttemptRow> = sqlx::query_as(
        "SELECT attempts.at, attempts.status, attempts.latency, attempts.error, attempts.answer
           FROM attempts JOIN jobs ON jobs.id = attempts.job
          WHERE attempts.job = ? AND jobs.site = ?
          ORDER BY attempts.row",
    )
    .bind(delivery.0)
    .bind(site.0)
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(|row| row.into_attempt(delivery)).collect()
}

/// See [`crate::store::Store::redeliver`].
pub(super) async fn redeliver(
    conn: &mut SqliteConnection,
    site: SiteId,
    filter: DeliveryFilter,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let state = filter.state.or(filter.id.is_none().then_some(DeliveryState::DeadLetter));
    // A job under way has no record of its present attempt yet: who has it is to finish it.
    let query = sqlx::query(concat!(
        "UPDATE jobs
            SET state = 'pending', due_at = ?8, attempts = 0, finished_at = NULL
          WHERE id IN (SELECT jobs.id
                         FROM jobs
                         JOIN messages  ON messages.row = jobs.message
                         JOIN endpoints ON endpoints.row = jobs.endpoint AND endpoints.disabled IS NULL
                        WHERE ",
        meant!(),
        "                 AND (jobs.state <> 'pending'
                               OR jobs.attempts <= (SELECT count(*) FROM attempts WHERE attempts.job = jobs.id)))"
    ));
    Ok(bound!(query, site, filter, state).bind(micros(now)).execute(conn).await?.rows_affected())
}

/// See [`crate::store::Store::forget_delivered`].
pub(super) async fn forget(conn: &mut SqliteConnection, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let gone: Vec<(i64, i64)> = sqlx::query_as(
        "DELETE FROM jobs
          WHERE id IN (SELECT id FROM jobs
                        WHERE kind = 'deliver' AND state = 'done' AND finished_at < ?
                        ORDER BY finished_at
                        LIMIT ?)
         RETURNING id, message",
    )
    .bind(micros(before))
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM attempts WHERE job IN (SELECT value FROM json_each(?))")
        .bind(json_array(gone.iter().map(|(job, _)| *job)))
        .execute(&mut *conn)
        .await?;
    forget_messages(conn, gone.iter().map(|(_, message)| *message)).await?;
    Ok(gone.len() as u64)
}
