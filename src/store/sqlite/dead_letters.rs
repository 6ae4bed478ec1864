//! The queue as an operator sees it: what waits, what was given up, and what to do about it.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::rows::{DeadRow, StatusRow, micros};
use crate::store::{DeadLetter, JobId, QueueStatus, StoreError};

pub(super) async fn queue_status(readers: &SqlitePool, now: Timestamp) -> Result<QueueStatus, StoreError> {
    let row: StatusRow = sqlx::query_as(
        "SELECT (SELECT count(*) FROM jobs WHERE kind = 'decide'  AND state = 'pending') AS decisions,
                (SELECT count(*) FROM jobs WHERE kind = 'deliver' AND state = 'pending') AS deliveries,
                (SELECT count(*) FROM jobs WHERE kind = 'decide'  AND state = 'dead') AS dead_decisions,
                (SELECT count(*) FROM jobs WHERE kind = 'deliver' AND state = 'dead') AS dead_deliveries,
                (SELECT min(due_at) FROM jobs WHERE kind = 'decide'  AND state = 'pending') AS oldest_decision,
                (SELECT min(due_at) FROM jobs WHERE kind = 'deliver' AND state = 'pending') AS oldest_delivery",
    )
    .fetch_one(readers)
    .await?;
    Ok(row.into_status(now))
}

pub(super) async fn dead_letters(readers: &SqlitePool, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
    let rows: Vec<DeadRow> = sqlx::query_as(
        "SELECT jobs.id AS job, jobs.kind, jobs.site, comments.id AS comment, endpoints.id AS endpoint, jobs.attempts,
                jobs.last_error, jobs.finished_at
           FROM jobs
           LEFT JOIN comments  ON comments.row = jobs.comment
           LEFT JOIN endpoints ON endpoints.row = jobs.endpoint
          WHERE jobs.state = 'dead'
          ORDER BY jobs.finished_at DESC, jobs.id DESC
          LIMIT ?",
    )
    .bind(limit)
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(DeadRow::into_letter).collect()
}

/// See [`crate::store::Store::retry_dead`]. A pending delivery is one of an enabled endpoint, and so it stays.
pub(super) async fn retry_dead(
    conn: &mut SqliteConnection,
    job: Option<JobId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    if let Some(job) = job {
        let disabled: Option<(String, String)> = sqlx::query_as(
            "SELECT endpoints.id, endpoints.disabled FROM jobs JOIN endpoints ON endpoints.row = jobs.endpoint
              WHERE jobs.id = ? AND jobs.state = 'dead' AND endpoints.disabled IS NOT NULL",
        )
        .bind(job.0)
        .fetch_optional(&mut *conn)
        .await?;
        if let Some((endpoint, reason)) = disabled {
            return Err(StoreError::Conflict(format!(
                "endpoint {endpoint} is disabled ({reason}); enable it before anything is sent to it again"
            )));
        }
    }
    let retried = sqlx::query(
        "UPDATE jobs
            SET state = 'pending', due_at = ?2, attempts = 0, finished_at = NULL
          WHERE state = 'dead' AND (?1 IS NULL OR id = ?1)
            AND (endpoint IS NULL OR endpoint IN (SELECT row FROM endpoints WHERE disabled IS NULL))",
    )
    .bind(job.map(|job| job.0))
    .bind(micros(now))
    .execute(conn)
    .await?;
    Ok(retried.rows_affected())
}

/// See [`crate::store::Store::purge_dead`].
pub(super) async fn purge_dead(conn: &mut SqliteConnection, job: Option<JobId>) -> Result<u64, StoreError> {
    let messages: Vec<Option<i64>> =
        sqlx::query_scalar("DELETE FROM jobs WHERE state = 'dead' AND (?1 IS NULL OR id = ?1) RETURNING message")
            .bind(job.map(|job| job.0))
            .fetch_all(&mut *conn)
            .await?;
    sqlx::query("DELETE FROM attempts WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = attempts.job)")
        .execute(&mut *conn)
        .await?;
    let purged = messages.len() as u64;
    forget_messages(conn, messages.into_iter().flatten()).await?;
    Ok(purged)
}

/// Forgets those of `messages` that no job is about any more.
pub(super) async fn forget_messages(
    conn: &mut SqliteConnection,
    messages: impl Iterator<Item = i64>,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM messages
          WHERE row IN (SELECT value FROM json_each(?))
            AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.message = messages.row)",
    )
    .bind(super::rows::json_array(messages))
    .execute(conn)
    .await?;
    Ok(())
}
