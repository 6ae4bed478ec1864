//! The queue as an operator sees it: what waits, what was given up, and what to do about it.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::failure::Outcome;
use crate::store::rows::{DeadRow, StatusRow, micros};
use crate::store::{DeadLetter, JobId, QueueStatus, StoreError};

pub(super) async fn queue_status(pool: &PgPool, now: Timestamp) -> Outcome<QueueStatus> {
    let row: StatusRow = sqlx::query_as(
        "SELECT (SELECT count(*) FROM jobs WHERE kind = 'decide'  AND state = 'pending') AS decisions,
                (SELECT count(*) FROM jobs WHERE kind = 'deliver' AND state = 'pending') AS deliveries,
                (SELECT count(*) FROM jobs WHERE kind = 'decide'  AND state = 'dead') AS dead_decisions,
                (SELECT count(*) FROM jobs WHERE kind = 'deliver' AND state = 'dead') AS dead_deliveries,
                (SELECT min(due_at) FROM jobs WHERE kind = 'decide'  AND state = 'pending') AS oldest_decision,
                (SELECT min(due_at) FROM jobs WHERE kind = 'deliver' AND state = 'pending') AS oldest_delivery",
    )
    .fetch_one(pool)
    .await?;
    Ok(row.into_status(now))
}

pub(super) async fn dead_letters(pool: &PgPool, limit: u32) -> Outcome<Vec<DeadLetter>> {
    let rows: Vec<DeadRow> = sqlx::query_as(
        "SELECT dead.id AS job, dead.kind, dead.site, comments.id AS comment, endpoints.id AS endpoint, dead.attempts,
                dead.last_error, dead.finished_at
           FROM (SELECT * FROM jobs WHERE state = 'dead' ORDER BY finished_at DESC, id DESC LIMIT $1) AS dead
           LEFT JOIN comments  ON comments.row = dead.comment
           LEFT JOIN endpoints ON endpoints.row = dead.endpoint
          ORDER BY dead.finished_at DESC, dead.id DESC",
    )
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(DeadRow::into_letter).collect::<Result<_, _>>()?)
}

/// See [`crate::store::Store::retry_dead`]. A pending delivery is one of an enabled endpoint, and so it stays.
pub(super) async fn retry_dead(conn: &mut PgConnection, job: Option<JobId>, now: Timestamp) -> Outcome<u64> {
    if let Some(job) = job {
        let disabled: Option<(String, String)> = sqlx::query_as(
            "SELECT endpoints.id, endpoints.disabled FROM jobs JOIN endpoints ON endpoints.row = jobs.endpoint
              WHERE jobs.id = $1 AND jobs.state = 'dead' AND endpoints.disabled IS NOT NULL",
        )
        .bind(job.0)
        .fetch_optional(&mut *conn)
        .await?;
        if let Some((endpoint, reason)) = disabled {
            return Err(StoreError::Conflict(format!(
                "endpoint {endpoint} is disabled ({reason}); enable it before anything is sent to it again"
            ))
            .into());
        }
    }
    let retried = sqlx::query(
        "UPDATE jobs
            SET state = 'pending', due_at = $2, attempts = 0, finished_at = NULL
          WHERE state = 'dead' AND ($1::bigint IS NULL OR id = $1)
            AND (endpoint IS NULL OR endpoint IN (SELECT row FROM endpoints WHERE disabled IS NULL))",
    )
    .bind(job.map(|job| job.0))
    .bind(micros(now))
    .execute(conn)
    .await?;
    Ok(retried.rows_affected())
}

/// See [`crate::store::Store::purge_dead`].
pub(super) async fn purge_dead(conn: &mut PgConnection, job: Option<JobId>) -> Outcome<u64> {
    let purged: Vec<(i64, Option<i64>)> = sqlx::query_as(
        "DELETE FROM jobs WHERE state = 'dead' AND ($1::bigint IS NULL OR id = $1) RETURNING id, message",
    )
    .bind(job.map(|job| job.0))
    .fetch_all(&mut *conn)
    .await?;
    let jobs: Vec<i64> = purged.iter().map(|(job, _)| *job).collect();
    forget_attempts(conn, &jobs).await?;
    let messages: Vec<i64> = purged.iter().filter_map(|(_, message)| *message).collect();
    forget_messages(conn, &messages).await?;
    Ok(purged.len() as u64)
}

pub(super) async fn forget_attempts(conn: &mut PgConnection, jobs: &[i64]) -> Outcome<()> {
    sqlx::query("DELETE FROM attempts WHERE job = ANY($1)").bind(jobs).execute(conn).await?;
    Ok(())
}

/// Forgets those of `messages` that no job is about any more.
pub(super) async fn forget_messages(conn: &mut PgConnection, messages: &[i64]) -> Outcome<()> {
    sqlx::query(
        "DELETE FROM messages
          WHERE row = ANY($1)
            AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.kind = 'deliver' AND jobs.message = messages.row)",
    )
    .bind(messages)
    .execute(conn)
    .await?;
    Ok(())
}
