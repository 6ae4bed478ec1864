//! Jobs and their leases: who may decide or deliver what, until when, and how it ended.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::endpoints::disable;
use super::fanout::{Telling, To, fan_out};
use super::ledger::Ledger;
use super::rows::{ClaimedComment, ClaimedDelivery, json_array, micros, time, to_json};
use crate::site::SiteId;
use crate::store::{Attempt, Full, Lease, NextStep, StoreError};

/// The sites with comments that wait, and since when each one's oldest does: a look into the index for each site, however
/// long the queue is.
macro_rules! waiting {
    ($then:literal) => {
        concat!(
            "WITH RECURSIVE sites (site) AS (
                 SELECT min(site) FROM jobs WHERE kind = 'decide' AND state = 'pending'
                 UNION ALL
                 SELECT (SELECT min(jobs.site) FROM jobs
                          WHERE kind = 'decide' AND state = 'pending' AND jobs.site > sites.site)
                   FROM sites WHERE site IS NOT NULL
             ), waiting AS (
                 SELECT site, (SELECT min(due_at) FROM jobs
                                WHERE kind = 'decide' AND state = 'pending' AND jobs.site = sites.site) AS due_at
                   FROM sites WHERE site IS NOT NULL
             )",
            $then
        )
    };
}

/// Sites take turns, those first whose oldest comment has waited longest: a flood at one delays no other, and nothing waits
/// for ever. It reads as much from a long queue as from a short one.
pub(super) async fn claim_decisions(
    conn: &mut SqliteConnection,
    now: Timestamp,
    lease: Duration,
    limit: u32,
) -> Result<Vec<ClaimedComment>, StoreError> {
    let claimed: Vec<ClaimedComment> = sqlx::query_as(waiting!(
        ", first AS MATERIALIZED (
             SELECT site FROM waiting WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2
         ), turns AS MATERIALIZED (
             SELECT jobs.id, jobs.due_at, row_number() OVER (PARTITION BY jobs.site ORDER BY jobs.due_at, jobs.id) AS turn
               FROM first
              CROSS JOIN jobs ON jobs.id IN (SELECT id FROM jobs AS due
                                              WHERE due.kind = 'decide' AND due.state = 'pending'
                                                AND due.site = first.site AND due.due_at <= ?1
                                              ORDER BY due.due_at, due.id
                                              LIMIT ?2)
              ORDER BY turn, jobs.due_at, jobs.id
              LIMIT ?2
         )
         SELECT jobs.id AS job, jobs.attempts, comments.id, comments.site, comments.comment, comments.received_at
           FROM turns
          CROSS JOIN jobs     ON jobs.id = turns.id
          CROSS JOIN comments ON comments.row = jobs.comment
          ORDER BY turns.turn, turns.due_at, turns.id"
    ))
    .bind(micros(now))
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    lease_all(conn, claimed.iter().map(|claimed| claimed.lease().job.0), now, lease).await?;
    Ok(claimed)
}

/// Takes from every endpoint its oldest ones, so that a long queue at one of them is not walked through each time, and of
/// these a site's first before any other's second.
pub(super) async fn claim_deliveries(
    conn: &mut SqliteConnection,
    now: Timestamp,
    lease: Duration,
    limit: u32,
    except: Full,
) -> Result<Vec<ClaimedDelivery>, StoreError> {
    let claimed: Vec<ClaimedDelivery> = sqlx::query_as(
        "SELECT jobs.id AS job, jobs.attempts, messages.id AS message_id, messages.body,
                messages.created_at AS message_created_at,
                endpoints.id, endpoints.site, endpoints.kind, endpoints.url, endpoints.events, endpoints.created_at,
                endpoints.disabled,
                endpoints.failing_since, endpoints.secrets
           FROM endpoints
          CROSS JOIN jobs ON jobs.id IN (SELECT id FROM jobs AS due
                                          WHERE due.kind = 'deliver' AND due.state = 'pending'
                                            AND due.endpoint = endpoints.row AND due.due_at <= ?1
                                          ORDER BY due.due_at
                                          LIMIT ?2)
          CROSS JOIN messages ON messages.row = jobs.message
          WHERE endpoints.disabled IS NULL
            AND endpoints.id NOT IN (SELECT value FROM json_each(?3))
            AND endpoints.site NOT IN (SELECT value FROM json_each(?4))
          ORDER BY row_number() OVER (PARTITION BY endpoints.site ORDER BY jobs.due_at, jobs.id), jobs.due_at, jobs.id
          LIMIT ?2",
    )
    .bind(micros(now))
    .bind(limit)
    .bind(to_json(&except.endpoints)?)
    .bind(json_array(except.sites.iter().map(|site| site.0)))
    .fetch_all(&mut *conn)
    .await?;
    lease_all(conn, claimed.iter().map(|claimed| claimed.lease().job.0), now, lease).await?;
    Ok(claimed)
}

/// The jobs were seen in this transaction, so nobody else can have them.
async fn lease_all(
    conn: &mut SqliteConnection,
    jobs: impl Iterator<Item = i64>,
    now: Timestamp,
    lease: Duration,
) -> Result<(), StoreError> {
    let until = micros(now).saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX));
    sqlx::query("UPDATE jobs SET due_at = ?, attempts = attempts + 1 WHERE id IN (SELECT value FROM json_each(?))")
        .bind(until)
        .bind(json_array(jobs))
        .execute(conn)
        .await?;
    Ok(())
}

/// See [`crate::store::Store::give_up`].
pub(super) async fn give_up(
    conn: &mut SqliteConnection,
    lease: Lease,
    error: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let buried = sqlx::query(
        "UPDATE jobs SET state = 'dead', last_error = ?, finished_at = ? WHERE id = ? AND attempts = ? AND state = \
         'pending'",
    )
    .bind(error)
    .bind(micros(now))
    .bind(lease.job.0)
    .bind(lease.attempt)
    .execute(conn)
    .await?;
    if buried.rows_affected() == 0 { Err(StoreError::LeaseLost(lease.job)) } else { Ok(()) }
}

/// See [`crate::store::Store::record_attempt`].
pub(super) async fn record_attempt(
    conn: &mut SqliteConnection,
    lease: Lease,
    attempt: Attempt,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (state, retry_at) = match &attempt.next {
        NextStep::Delivered => ("done", None),
        NextStep::RetryAt(at) => ("pending", Some(micros(*at))),
        NextStep::DeadLetter | NextStep::DisableEndpoint { .. } => ("dead", None),
    };
    let finished_at = if retry_at.is_none() { Some(micros(now)) } else { None };
    let endpoint: Option<(i64, i64)> = sqlx::query_as(
        "UPDATE jobs
            SET state = ?3, due_at = coalesce(?4, due_at), last_status = ?5, last_error = ?6, finished_at = ?7
          WHERE id = ?1 AND attempts = ?2 AND state = 'pending' AND kind = 'deliver'
         RETURNING endpoint, site",
    )
    .bind(lease.job.0)
    .bind(lease.attempt)
    .bind(state)
    .bind(retry_at)
    .bind(attempt.status)
    .bind(&attempt.error)
    .bind(finished_at)
    .fetch_optional(&mut *conn)
    .await?;
    let Some((endpoint, site)) = endpoint else { return Err(StoreError::LeaseLost(lease.job)) };
    sqlx::query("INSERT INTO attempts (job, at, status, latency, error, answer) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(lease.job.0)
        .bind(micros(now))
        .bind(attempt.status)
        .bind(i64::try_from(attempt.latency.as_micros()).unwrap_or(i64::MAX))
        .bind(&attempt.error)
        .bind(&attempt.answer)
        .execute(&mut *conn)
        .await?;
    match attempt.next {
        NextStep::Delivered => {
            sqlx::query("UPDATE endpoints SET failing_since = NULL WHERE row = ? AND failing_since IS NOT NULL")
                .bind(endpoint)
                .execute(&mut *conn)
                .await?;
        }
        NextStep::RetryAt(_) | NextStep::DeadLetter => {
            sqlx::query("UPDATE endpoints SET failing_since = ? WHERE row = ? AND failing_since IS NULL")
                .bind(micros(now))
                .bind(endpoint)
                .execute(&mut *conn)
                .await?;
        }
        NextStep::DisableEndpoint { reason, event } => {
            disable(conn, endpoint, &reason, now).await?;
            let site = SiteId(site);
            let mut ledger = Ledger::of_site(conn, site).await?;
            let telling =
                Telling { site, comment: None, event: &event, verdict: None, at: micros(now), to: To::Listeners };
            fan_out(conn, &mut ledger, [telling]).await?;
        }
    }
    Ok(())
}

/// See [`crate::store::Store::next_due`]. One look into an index for each site and for each endpoint.
pub(super) async fn next_due(readers: &SqlitePool) -> Result<Option<Timestamp>, StoreError> {
    let due: Option<i64> = sqlx::query_scalar(waiting!(
        " SELECT min(due_at) FROM (
             SELECT min(due_at) AS due_at FROM waiting
             UNION ALL
             SELECT (SELECT min(due_at) FROM jobs
                      WHERE kind = 'deliver' AND state = 'pending' AND endpoint = endpoints.row)
               FROM endpoints WHERE disabled IS NULL)"
    ))
    .fetch_one(readers)
    .await?;
    due.map(|due| time(due, "the due time of a job")).transpose()
}
