//! Verdicts on queued comments: many workers, one statement.

use std::collections::HashMap;

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::fanout::{Telling, fan_out};
use super::ledger::{Ledger, runs};
use super::rows::{id_bytes, json_array, micros, to_json};
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::{Lease, Outgoing, StoreError};
use crate::verdict::Verdict;

/// A verdict, made ready by its caller.
#[derive(Debug)]
pub(super) struct Record {
    lease: Lease,
    id: CommentId,
    verdict: String,
    at: i64,
    event: Outgoing,
}

/// An open job to decide, with the comment that it is about.
#[derive(Debug, sqlx::FromRow)]
struct OpenJob {
    job: i64,
    attempts: i64,
    comment: i64,
    site: i64,
    id: Vec<u8>,
    person_spoke: bool,
}

impl Record {
    pub(super) fn new(lease: Lease, id: CommentId, verdict: &Verdict, event: Outgoing) -> Result<Record, StoreError> {
        Ok(Record { lease, id, verdict: to_json(verdict)?, at: micros(verdict.decided_at), event })
    }
}

/// Records all of `records`; one answer each, in their order.
///
/// # Errors
/// When the engine refuses: then nothing is certain, and the caller rolls back.
pub(super) async fn record_all(
    conn: &mut SqliteConnection,
    ledger: &mut Ledger,
    records: &[&Record],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    // CROSS JOIN keeps the order as written: from the few jobs that were named to their comments.
    let open: Vec<OpenJob> = sqlx::query_as(
        "SELECT jobs.id AS job, jobs.attempts, jobs.comment, comments.site, comments.id,
                comments.said IS NOT NULL AS person_spoke
           FROM json_each(?) AS named
          CROSS JOIN jobs     ON jobs.id = named.value
          CROSS JOIN comments ON comments.row = jobs.comment
          WHERE jobs.kind = 'decide' AND jobs.state = 'pending'",
    )
    .bind(json_array(records.iter().map(|record| record.lease.job.0)))
    .fetch_all(&mut *conn)
    .await?;
    let mut open: HashMap<i64, OpenJob> = open.into_iter().map(|job| (job.job, job)).collect();

    let mut answers = Vec::with_capacity(records.len());
    let (mut closed, mut verdicts) = (Vec::new(), Vec::new());
    for record in records {
        let is_held = open
            .get(&record.lease.job.0)
            .is_some_and(|job| job.attempts == i64::from(record.lease.attempt) && job.id == record.id.0.to_bytes());
        // Taken out, so that the same lease twice in one batch is lost the second time.
        let job = if is_held { open.remove(&record.lease.job.0) } else { None };
        let Some(job) = job else {
            answers.push(overruled_or_lost(conn, record).await);
            continue;
        };
        closed.push(job.job);
        if !job.person_spoke {
            verdicts.push((job, *record));
        }
        answers.push(Ok(()));
    }
    sqlx::query("DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?))")
        .bind(json_array(closed))
        .execute(&mut *conn)
        .await?;
    for run in runs(&verdicts) {
        QueryBuilder::<Sqlite>::new("UPDATE comments SET verdict = given.column2 FROM (")
            .push_values(run, |mut values, (job, record)| {
                values.push_bind(job.comment).push_bind(record.verdict.as_str());
            })
            .push(") AS given WHERE comments.row = given.column1")
            .build()
            .execute(&mut *conn)
            .await?;
    }
    let tellings = verdicts.iter().map(|(job, record)| Telling {
        site: SiteId(job.site),
        comment: Some(job.comment),
        event: &record.event,
        at: record.at,
    });
    fan_out(conn, ledger, tellings).await?;
    Ok(answers)
}

/// A person who speaks closes the job: then there is nothing left to do, and nobody else had the lease.
async fn overruled_or_lost(conn: &mut SqliteConnection, record: &Record) -> Result<(), StoreError> {
    let person_spoke: Option<bool> = sqlx::query_scalar("SELECT said IS NOT NULL FROM comments WHERE id = ?")
        .bind(id_bytes(record.id))
        .fetch_optional(&mut *conn)
        .await?;
    if person_spoke == Some(true) { Ok(()) } else { Err(StoreError::LeaseLost(record.lease.job)) }
}
