//! The log of deliveries: what went to whom and how it ended, and what is sent once more.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::dead_letters::{forget_attempts, forget_messages};
use super::failure::Outcome;
use crate::site::SiteId;
use crate::store::rows::{AttemptRow, DeliveryRow, id_bytes, micros, state_word};
use crate::store::{Delivery, DeliveryFilter, DeliveryState, JobId, LoggedAttempt};

/// Which jobs a filter means: $1 site, $2 id, $3 endpoint, $4 comment, $5 state, $6 from, $7 to.
macro_rules! meant {
    () => {
        "jobs.kind = 'deliver' AND jobs.site = $1
           AND ($2::bigint IS NULL OR jobs.id = $2)
           AND ($3::text IS NULL OR jobs.endpoint = (SELECT row FROM endpoints WHERE id = $3))
           AND ($4::bytea IS NULL OR jobs.comment = (SELECT row FROM comments WHERE id = $4))
           AND ($5::text IS NULL OR jobs.state = $5)
           AND ($6::bigint IS NULL OR messages.created_at >= $6)
           AND ($7::bigint IS NULL OR messages.created_at < $7)"
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
    pool: &PgPool,
    site: SiteId,
    filter: &DeliveryFilter,
    before: Option<JobId>,
    limit: u32,
) -> Outcome<Vec<Delivery>> {
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
        " AND jobs.id < $8
          ORDER BY jobs.id DESC
          LIMIT $9"
    ));
    let rows: Vec<DeliveryRow> = bound!(query, site, filter, filter.state)
        .bind(before.map_or(i64::MAX, |id| id.0))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(|row| row.into_delivery(site)).collect::<Result<_, _>>()?)
}

pub(super) async fn attempts(pool: &PgPool, site: SiteId, delivery: JobId) -> Outcome<Vec<LoggedAttempt>> {
    let rows: Vec<AttemptRow> = sqlx::query_as(
        "SELECT attempts.at, attempts.status, attempts.latency, attempts.error, attempts.answer
           FROM attempts JOIN jobs ON jobs.id = attempts.job
          WHERE attempts.job = $1 AND jobs.site = $2 AND jobs.kind = 'deliver'
          ORDER BY attempts.row",
    )
    .bind(delivery.0)
    .bind(site.0)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| row.into_attempt(delivery)).collect::<Result<_, _>>()?)
}

/// See [`crate::store::Store::redeliver`].
pub(super) async fn redeliver(
    conn: &mut PgConnection,
    site: SiteId,
    filter: &DeliveryFilter,
    now: Timestamp,
) -> Outcome<u64> {
    let state = filter.state.or(filter.id.is_none().then_some(DeliveryState::DeadLetter));
    // A job under way has no record of its present attempt yet: who has it is to finish it.
    let query = sqlx::query(concat!(
        "UPDATE jobs AS again
            SET state = 'pending', due_at = $8, attempts = 0, finished_at = NULL
          WHERE again.kind = 'deliver'
            AND again.id IN (SELECT jobs.id
                         FROM jobs
                         JOIN messages  ON messages.row = jobs.message
                         JOIN endpoints ON endpoints.row = jobs.endpoint AND endpoints.disabled IS NULL
                        WHERE ",
        meant!(),
        "                 AND (jobs.state <> 'pending'
                               OR jobs.attempts <= (SELECT count(*) FROM attempts WHERE attempts.job = jobs.id))
                          FOR UPDATE OF jobs)"
    ));
    Ok(bound!(query, site, filter, state).bind(micros(now)).execute(conn).await?.rows_affected())
}

/// See [`crate::store::Store::forget_delivered`].
pub(super) async fn forget(conn: &mut PgConnection, before: Timestamp, limit: u32) -> Outcome<u64> {
    let gone: Vec<(i64, i64)> = sqlx::query_as(
        "DELETE FROM jobs
          WHERE kind = 'deliver'
            AND id IN (SELECT id FROM jobs
                        WHERE kind = 'deliver' AND state = 'done' AND finished_at < $1
                        ORDER BY finished_at
                        LIMIT $2
                          FOR UPDATE SKIP LOCKED)
         RETURNING id, message",
    )
    .bind(micros(before))
    .bind(i64::from(limit))
    .fetch_all(&mut *conn)
    .await?;
    let (jobs, messages): (Vec<i64>, Vec<i64>) = gone.into_iter().unzip();
    forget_attempts(conn, &jobs).await?;
    forget_messages(conn, &messages).await?;
    Ok(jobs.len() as u64)
}
