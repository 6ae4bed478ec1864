//! Verdicts on queued comments: many workers, one statement.

use std::collections::HashSet;

use sqlx::SqliteConnection;

use super::fanout::{Telling, To, fan_out};
use super::history::{Hashed, Kept, keep};
use super::ledger::Ledger;
use super::many::{MOST, many};
use super::rows::{Packed, from_json, id_bytes, json_array, micros, to_json};
use super::search;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::statistics::{Count, counts};
use crate::store::{DecisionJob, Lease, Outgoing, StoreError};
use crate::verdict::{Decision, Verdict};

/// A verdict, made ready by its caller.
#[derive(Debug)]
pub(super) struct Record {
    lease: Lease,
    id: CommentId,
    received_at: i64,
    verdict: String,
    packed: Packed,
    decision: Decision,
    counts: Vec<Count>,
    at: i64,
    event: Outgoing,
    traces: Hashed,
}

/// A job that is held: by which of the records, its comment and its site.
type Held = (usize, i64, i64, i64);

impl Record {
    pub(super) fn new(
        job: &DecisionJob,
        verdict: &Verdict,
        event: Outgoing,
        traces: Hashed,
    ) -> Result<Record, StoreError> {
        let json = to_json(verdict)?;
        Ok(Record {
            lease: job.lease,
            id: job.id,
            received_at: micros(job.received_at),
            packed: Packed::of(&json),
            verdict: json,
            decision: verdict.decision,
            counts: counts(&job.comment, verdict.decision, &verdict.evidence, None),
            at: micros(verdict.decided_at),
            event,
            traces,
        })
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
    let mut held = held(conn, records).await?;
    // The same lease twice in one batch is lost the second time.
    let mut seen = HashSet::new();
    held.retain(|(_, job, ..)| seen.insert(*job));
    sqlx::query("DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?))")
        .bind(json_array(held.iter().map(|(_, job, ..)| *job)))
        .execute(&mut *conn)
        .await?;
    let verdicts: Vec<(i64, SiteId, &Record)> = held
        .iter()
        .filter_map(|(record, _, comment, site)| Some((*comment, SiteId(*site), *records.get(*record)?)))
        .collect();
    for run in verdicts.chunks(MOST) {
        let mut update = many(
            "UPDATE comments
                SET verdict = given.column2, decision = given.column3, judged = given.column3
               FROM",
            3,
            run.len(),
            "AS given WHERE comments.row = given.column1",
        );
        for (comment, _, record) in run {
            update = update.bind(comment).bind(record.packed.bytes()).bind(record.decision.as_str());
        }
        update.execute(&mut *conn).await?;
    }
    // Only a dead letter that was revived is in the index before it is decided.
    search::refresh(conn, verdicts.iter().map(|(comment, ..)| *comment).filter(|comment| ledger.is_indexed(*comment)))
        .await?;
    for (_, site, record) in &verdicts {
        ledger.tallies.add(*site, record.received_at, &record.counts);
    }
    let arrivals: Vec<Kept<'_>> = verdicts
        .iter()
        .map(|(row, site, record)| Kept {
            row: *row,
            site: *site,
            received_at: record.received_at,
            decision: record.decision,
            traces: &record.traces,
        })
        .collect();
    keep(conn, &arrivals).await?;
    let tellings = verdicts.iter().map(|(comment, site, record)| Telling {
        site: *site,
        comment: Some(*comment),
        event: &record.event,
        verdict: Some(&record.verdict),
        at: record.at,
        to: To::Listeners,
    });
    fan_out(conn, ledger, tellings).await?;

    let held: HashSet<usize> = held.into_iter().map(|(record, ..)| record).collect();
    let mut answers = Vec::with_capacity(records.len());
    for (number, record) in records.iter().enumerate() {
        answers.push(if held.contains(&number) { Ok(()) } else { overruled_or_lost(conn, record).await });
    }
    Ok(answers)
}

/// Those of `records` whose lease holds, in one row: each row is a message between threads.
async fn held(conn: &mut SqliteConnection, records: &[&Record]) -> Result<Vec<Held>, StoreError> {
    let leases: Vec<(i64, u32, String)> = records
        .iter()
        .map(|record| (record.lease.job.0, record.lease.attempt, format!("{:032x}", record.id.0.0)))
        .collect();
    // CROSS JOIN keeps the order as written: from the few leases to their jobs.
    let held: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(lease.key, jobs.id, jobs.comment, jobs.site))
           FROM json_each(?) AS lease
          CROSS JOIN jobs     ON jobs.id = lease.value ->> 0 AND jobs.attempts = lease.value ->> 1
          CROSS JOIN comments ON comments.row = jobs.comment AND comments.id = unhex(lease.value ->> 2)
          WHERE jobs.kind = 'decide' AND jobs.state = 'pending'",
    )
    .bind(to_json(&leases)?)
    .fetch_one(conn)
    .await?;
    from_json(held.as_bytes(), "an open job")
}

/// A person who speaks closes the job: then there is nothing left to do, and nobody else had the lease.
async fn overruled_or_lost(conn: &mut SqliteConnection, record: &Record) -> Result<(), StoreError> {
    let person_spoke: Option<bool> = sqlx::query_scalar("SELECT said IS NOT NULL FROM comments WHERE id = ?")
        .bind(id_bytes(record.id))
        .fetch_optional(&mut *conn)
        .await?;
    if person_spoke == Some(true) { Ok(()) } else { Err(StoreError::LeaseLost(record.lease.job)) }
}
