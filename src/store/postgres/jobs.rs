//! Jobs and their leases: who may decide or deliver what, until when, and how it ended.
//!
//! What waits is `state = 'pending'` where it is looked for by its turn, as the partial indexes have it, and `finished_at IS NULL`
//! where it is found by its id: while the queue is short the server takes those indexes for as cheap as the key, and it keeps to its plan.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::columns::shown;
use super::endpoints::disable;
use super::failure::Outcome;
use super::fanout::{Telling, To, fan_out};
use super::ledger::Ledger;
use crate::site::SiteId;
use crate::store::rows::{ClaimedComment, ClaimedDelivery, micros, time};
use crate::store::{Attempt, Full, Lease, NextStep, StoreError};

/// How many times as many as it wants a claim looks at: others may be claiming the same at the same time.
const OTHERS: i64 = 2;

/// The sites with comments that wait, and since when each one's oldest does: a look into the index for each site, however
/// long the queue is.
macro_rules! waiting {
    ($then:literal) => {
        concat!(
            "WITH RECURSIVE sites (site) AS (
                 (SELECT site FROM jobs_to_decide WHERE state = 'pending' ORDER BY site LIMIT 1)
                 UNION ALL
                 SELECT (SELECT site FROM jobs_to_decide WHERE state = 'pending' AND site > sites.site ORDER BY site LIMIT 1)
                   FROM sites WHERE site IS NOT NULL
             ), waiting AS MATERIALIZED (
                 SELECT sites.site, oldest.due_at
                   FROM sites
                  CROSS JOIN LATERAL (SELECT due_at FROM jobs_to_decide
                                       WHERE state = 'pending' AND site = sites.site
                                       ORDER BY due_at, id
                                       LIMIT 1) AS oldest
             )",
            $then
        )
    };
}

/// Sites take turns, those first whose oldest comment has waited longest: a flood at one delays no other, and nothing waits
/// for ever. It reads as much from a long queue as from a short one.
///
/// SKIP LOCKED leaves out what another daemon is just claiming; only as many as are wanted are locked. The row as it was
/// before: its attempts are counted up here. The partition is named, because the server gathers no statistics of the whole table by
/// itself: it would take what was claimed for half of all there is, and read every comment to join them.
pub(super) async fn claim_decisions(
    conn: &mut PgConnection,
    now: Timestamp,
    lease: Duration,
    limit: u32,
) -> Outcome<Vec<ClaimedComment>> {
    let claimed = sqlx::query_as(waiting!(
        ", first AS MATERIALIZED (
             SELECT site FROM waiting WHERE due_at <= $1 ORDER BY due_at LIMIT $4
         ), turns AS MATERIALIZED (
             SELECT oldest.id, oldest.due_at, row_number() OVER (PARTITION BY first.site ORDER BY oldest.due_at, oldest.id) AS turn
               FROM first
              CROSS JOIN LATERAL (SELECT id, due_at FROM jobs_to_decide
                                   WHERE state = 'pending' AND site = first.site AND due_at <= $1
                                   ORDER BY due_at, id
                                   LIMIT $4) AS oldest
         ), due AS MATERIALIZED (
             SELECT free.id, turns.turn, turns.due_at
               FROM (SELECT * FROM turns ORDER BY turn, due_at, id) AS turns
              CROSS JOIN LATERAL (SELECT id FROM jobs_to_decide
                                   WHERE id = turns.id AND finished_at IS NULL AND due_at <= $1
                                     FOR UPDATE SKIP LOCKED) AS free
              LIMIT $2
         ), leased AS (
             UPDATE jobs_to_decide AS jobs SET due_at = $3, attempts = attempts + 1
               FROM due
              WHERE jobs.id = due.id
             RETURNING jobs.id, jobs.attempts - 1 AS attempts, jobs.comment, due.turn, due.due_at
         )
         SELECT leased.id AS job, leased.attempts, comments.id, comments.site, comments.comment, comments.received_at
           FROM leased JOIN comments ON comments.row = leased.comment
          ORDER BY leased.turn, leased.due_at, leased.id"
    ))
    .bind(micros(now))
    .bind(i64::from(limit))
    .bind(until(now, lease))
    .bind(i64::from(limit).saturating_mul(OTHERS))
    .fetch_all(conn)
    .await?;
    Ok(claimed)
}

/// Takes from every endpoint its oldest ones, so that a long queue at one of them is not walked through each time, and of
/// these a site's first before any other's second.
pub(super) async fn claim_deliveries(
    conn: &mut PgConnection,
    now: Timestamp,
    lease: Duration,
    limit: u32,
    except: &Full,
) -> Outcome<Vec<ClaimedDelivery>> {
    let claimed = sqlx::query_as(
        "WITH due AS MATERIALIZED (
             SELECT oldest.id, oldest.due_at,
                    row_number() OVER (PARTITION BY endpoints.site ORDER BY oldest.due_at, oldest.id) AS turn
               FROM endpoints
              CROSS JOIN LATERAL (SELECT id, due_at FROM jobs_to_deliver
                                   WHERE state = 'pending' AND endpoint = endpoints.row
                                     AND due_at <= $1
                                   ORDER BY due_at, id
                                   LIMIT $2
                                     FOR UPDATE SKIP LOCKED) AS oldest
              WHERE endpoints.disabled IS NULL AND endpoints.id <> ALL($4) AND endpoints.site <> ALL($5)
              ORDER BY turn, oldest.due_at, oldest.id
              LIMIT $2
         ), leased AS (
             UPDATE jobs_to_deliver AS jobs SET due_at = $3, attempts = attempts + 1
               FROM due
              WHERE jobs.id = due.id
             RETURNING jobs.id, jobs.attempts - 1 AS attempts, jobs.message, jobs.endpoint, due.turn, due.due_at
         )
         SELECT leased.id AS job, leased.attempts, messages.id AS message_id, messages.body,
                messages.created_at AS message_created_at,
                endpoints.id, endpoints.site, endpoints.kind, endpoints.url, endpoints.events, endpoints.created_at,
                endpoints.disabled, endpoints.failing_since, endpoints.secrets
           FROM leased
           JOIN messages  ON messages.row = leased.message
           JOIN endpoints ON endpoints.row = leased.endpoint
          ORDER BY leased.turn, leased.due_at, leased.id",
    )
    .bind(micros(now))
    .bind(i64::from(limit))
    .bind(until(now, lease))
    .bind(&except.endpoints)
    .bind(except.sites.iter().map(|site| site.0).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(claimed)
}

fn until(now: Timestamp, lease: Duration) -> i64 {
    micros(now).saturating_add(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX))
}

/// See [`crate::store::Store::give_up`].
pub(super) async fn give_up(conn: &mut PgConnection, lease: Lease, error: &str, now: Timestamp) -> Outcome<()> {
    let buried = sqlx::query(
        "UPDATE jobs SET state = 'dead', last_error = $3, finished_at = $4
          WHERE id = $1 AND attempts = $2 AND finished_at IS NULL",
    )
    .bind(lease.job.0)
    .bind(i64::from(lease.attempt))
    .bind(shown(error))
    .bind(micros(now))
    .execute(conn)
    .await?;
    if buried.rows_affected() == 0 { Err(StoreError::LeaseLost(lease.job).into()) } else { Ok(()) }
}

/// See [`crate::store::Store::record_attempt`]. In a transaction that may change the directory, if the endpoint is to be
/// disabled.
pub(super) async fn record_attempt(
    conn: &mut PgConnection,
    lease: Lease,
    attempt: &Attempt,
    now: Timestamp,
) -> Outcome<()> {
    let (state, retry_at) = match &attempt.next {
        NextStep::Delivered => ("done", None),
        NextStep::RetryAt(at) => ("pending", Some(micros(*at))),
        NextStep::DeadLetter | NextStep::DisableEndpoint { .. } => ("dead", None),
    };
    let finished_at = if retry_at.is_none() { Some(micros(now)) } else { None };
    let endpoint: Option<(i64, i64)> = sqlx::query_as(
        "WITH tried AS (
             UPDATE jobs
                SET state = $3, due_at = coalesce($4, due_at), last_status = $5, last_error = $6, finished_at = $7
              WHERE kind = 'deliver' AND id = $1 AND attempts = $2 AND finished_at IS NULL
             RETURNING id, endpoint, site
         ), logged AS (
             INSERT INTO attempts (job, at, status, latency, error, answer)
             SELECT id, $8, $5, $9, $6, $10 FROM tried
         )
         SELECT endpoint, site FROM tried",
    )
    .bind(lease.job.0)
    .bind(i64::from(lease.attempt))
    .bind(state)
    .bind(retry_at)
    .bind(attempt.status.map(i32::from))
    .bind(shown(&attempt.error))
    .bind(finished_at)
    .bind(micros(now))
    .bind(i64::try_from(attempt.latency.as_micros()).unwrap_or(i64::MAX))
    .bind(shown(&attempt.answer))
    .fetch_optional(&mut *conn)
    .await?;
    let Some((endpoint, site)) = endpoint else { return Err(StoreError::LeaseLost(lease.job).into()) };
    match &attempt.next {
        NextStep::Delivered => {
            sqlx::query("UPDATE endpoints SET failing_since = NULL WHERE row = $1 AND failing_since IS NOT NULL")
                .bind(endpoint)
                .execute(conn)
                .await?;
        }
        NextStep::RetryAt(_) | NextStep::DeadLetter => {
            sqlx::query("UPDATE endpoints SET failing_since = $2 WHERE row = $1 AND failing_since IS NULL")
                .bind(endpoint)
                .bind(micros(now))
                .execute(conn)
                .await?;
        }
        NextStep::DisableEndpoint { reason, event } => {
            disable(conn, endpoint, reason, now).await?;
            let ledger = Ledger::read_anew(conn).await?;
            let telling =
                Telling { site: SiteId(site), comment: None, event, verdict: None, at: micros(now), to: To::Listeners };
            fan_out(conn, &ledger, [telling]).await?;
        }
    }
    Ok(())
}

/// See [`crate::store::Store::next_due`]. One look into an index for each site and for each endpoint.
pub(super) async fn next_due(pool: &PgPool) -> Outcome<Option<Timestamp>> {
    let due: Option<i64> = sqlx::query_scalar(waiting!(
        " SELECT min(due_at) FROM (
             SELECT min(due_at) AS due_at FROM waiting
             UNION ALL
             SELECT (SELECT min(due_at) FROM jobs
                      WHERE kind = 'deliver' AND state = 'pending' AND endpoint = endpoints.row)
               FROM endpoints WHERE disabled IS NULL) AS earliest"
    ))
    .fetch_one(pool)
    .await?;
    Ok(due.map(|due| time(due, "the due time of a job")).transpose()?)
}
