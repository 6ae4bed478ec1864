//! Verdicts on queued comments: many workers, one statement.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::failure::Outcome;
use super::fanout::{Telling, To, fan_out};
use super::history::{self, Hashed, Kept};
use super::ledger::Ledger;
use super::search;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::statistics::{Count, counts};
use crate::store::rows::{Packed, id_bytes, micros, to_json};
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

/// A job that is held: by which of the records (counted from 1), itself, its comment and its site.
type Held = (i64, i64, i64, i64);

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
pub(super) async fn record_all(
    conn: &mut PgConnection,
    ledger: &mut Ledger,
    records: &[&Record],
) -> Outcome<Vec<Result<(), StoreError>>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let mut held = held(conn, records).await?;
    // The same lease twice in one batch is lost the second time.
    let mut seen = HashSet::new();
    held.retain(|(_, job, ..)| seen.insert(*job));
    let verdicts: Vec<(i64, i64, SiteId, &Record)> = held
        .iter()
        .filter_map(|(number, job, comment, site)| {
            Some((*job, *comment, SiteId(*site), *records.get(usize::try_from(*number).ok()?.checked_sub(1)?)?))
        })
        .collect();
    keep(conn, &verdicts).await?;
    for (_, _, site, record) in &verdicts {
        ledger.tallies.add(*site, record.received_at, &record.counts);
    }
    let left: Vec<Kept<'_>> = verdicts
        .iter()
        .map(|(_, row, site, record)| {
            let Record { received_at, decision, ref traces, .. } = **record;
            Kept { row: *row, site: *site, received_at, decision, traces }
        })
        .collect();
    history::keep(conn, &left).await?;
    let tellings = verdicts.iter().map(|(_, comment, site, record)| Telling {
        site: *site,
        comment: Some(*comment),
        event: &record.event,
        verdict: Some(&record.verdict),
        at: record.at,
        to: To::Listeners,
    });
    fan_out(conn, ledger, tellings).await?;

    let held: HashSet<i64> = held.into_iter().map(|(number, ..)| number).collect();
    let mut answers = Vec::with_capacity(records.len());
    for (number, record) in (1..).zip(records) {
        answers.push(if held.contains(&number) { Ok(()) } else { overruled_or_lost(conn, record).await? });
    }
    Ok(answers)
}

/// Those of `records` whose lease holds, each with its job locked: nobody claims or closes it until this is kept. In the
/// order of the jobs, so that none of two writers waits for the other; and one by one, or the server reads the whole queue.
async fn held(conn: &mut PgConnection, records: &[&Record]) -> Outcome<Vec<Held>> {
    let held = sqlx::query_as(
        "SELECT lease.number, job.id, job.comment, job.site
           FROM (SELECT *
                   FROM UNNEST($1::bigint[], $2::bigint[], $3::bytea[])
                        WITH ORDINALITY AS given (job, attempts, comment, number)
                  ORDER BY job, number) AS lease
          CROSS JOIN LATERAL (SELECT id, comment, site FROM jobs_to_decide
                               WHERE id = lease.job AND attempts = lease.attempts AND finished_at IS NULL
                                 FOR UPDATE) AS job
           JOIN comments ON comments.row = job.comment AND comments.id = lease.comment
          ORDER BY job.id, lease.number",
    )
    .bind(records.iter().map(|record| record.lease.job.0).collect::<Vec<_>>())
    .bind(records.iter().map(|record| i64::from(record.lease.attempt)).collect::<Vec<_>>())
    .bind(records.iter().map(|record| id_bytes(record.id)).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(held)
}

/// Closes the jobs and keeps the verdicts.
async fn keep(conn: &mut PgConnection, verdicts: &[(i64, i64, SiteId, &Record)]) -> Outcome<()> {
    if verdicts.is_empty() {
        return Ok(());
    }
    let comments: Vec<i64> = verdicts.iter().map(|(_, comment, ..)| *comment).collect();
    // Only a dead letter that was revived is in the index before it is decided, or has a verdict of a person's.
    let indexed: Vec<i64> = sqlx::query_scalar(
        "WITH closed AS (
             DELETE FROM jobs WHERE kind = 'decide' AND id = ANY($1)
         ), kept AS (
             INSERT INTO verdicts (comment, site, received_at, verdict, decision, judged)
             SELECT comment, site, received_at, verdict, decision, decision
               FROM UNNEST($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::text[])
                    AS given (comment, site, received_at, verdict, decision)
             ON CONFLICT (comment) DO UPDATE
                SET verdict = excluded.verdict, decision = excluded.decision, judged = excluded.judged
         )
         SELECT comment FROM search WHERE comment = ANY($2) AND words IS NOT NULL",
    )
    .bind(verdicts.iter().map(|(job, ..)| *job).collect::<Vec<_>>())
    .bind(&comments)
    .bind(verdicts.iter().map(|(_, _, site, _)| site.0).collect::<Vec<_>>())
    .bind(verdicts.iter().map(|(.., record)| record.received_at).collect::<Vec<_>>())
    .bind(verdicts.iter().map(|(.., record)| record.packed.bytes()).collect::<Vec<_>>())
    .bind(verdicts.iter().map(|(.., record)| record.decision.as_str()).collect::<Vec<_>>())
    .fetch_all(&mut *conn)
    .await?;
    search::refresh(conn, &indexed).await
}

/// A person who speaks closes the job: then there is nothing left to do, and nobody else had the lease.
async fn overruled_or_lost(conn: &mut PgConnection, record: &Record) -> Outcome<Result<(), StoreError>> {
    let person_spoke: Option<bool> = sqlx::query_scalar(
        "SELECT verdicts.said IS NOT NULL FROM comments JOIN verdicts ON verdicts.comment = comments.row WHERE id = $1",
    )
    .bind(id_bytes(record.id))
    .fetch_optional(&mut *conn)
    .await?;
    Ok(if person_spoke == Some(true) { Ok(()) } else { Err(StoreError::LeaseLost(record.lease.job)) })
}
