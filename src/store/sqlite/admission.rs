//! Comments coming in: many callers, one statement.
//!
//! Owns `admit_queued` and `admit_decided`, which differ only in what is kept along with the comment.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::fanout::{Telling, To, fan_out};
use super::history::{Hashed, Kept, Secret, keep};
use super::ledger::Ledger;
use super::many::{MOST, many};
pub(super) use super::rows::body_hash;
use super::rows::{Packed, comment_id, id_bytes, micros, to_json};
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::statistics::{Count, counts};
use crate::store::{Admission, EndpointId, JobId, Lease, NewComment, Outgoing, StoreError};
use crate::verdict::{Decision, Verdict};

/// A comment, made ready by its caller so that the writer has nothing left to compute.
#[derive(Debug)]
pub(super) struct Admit {
    id: CommentId,
    site: SiteId,
    received_at: i64,
    comment: Packed,
    external_id: Option<String>,
    idempotency_key: Option<String>,
    /// Tells a repeat from a key that was used twice; only kept with a key.
    body_hash: Option<i64>,
    fingerprint: Option<i64>,
    callback: Option<EndpointId>,
    along: Along,
}

/// What is kept along with the comment.
#[derive(Debug)]
enum Along {
    Job {
        claimed_until: Option<i64>,
    },
    Verdict {
        verdict: String,
        packed: Packed,
        decision: Decision,
        counts: Vec<Count>,
        event: Outgoing,
        at: i64,
        traces: Box<Hashed>,
    },
}

impl Admit {
    pub(super) fn queued(new: NewComment, claimed_until: Option<Timestamp>) -> Result<Admit, StoreError> {
        Admit::new(new, Along::Job { claimed_until: claimed_until.map(micros) })
    }

    pub(super) fn decided(
        new: NewComment,
        verdict: &Verdict,
        event: Outgoing,
        secret: &Secret,
    ) -> Result<Admit, StoreError> {
        let at = micros(verdict.decided_at);
        let counts = counts(&new.comment, verdict.decision, &verdict.evidence, None);
        let (decision, traces) = (verdict.decision, Box::new(secret.hashed(new.site, &new.traces)));
        let verdict = to_json(verdict)?;
        let packed = Packed::of(&verdict);
        Admit::new(new, Along::Verdict { verdict, packed, decision, counts, event, at, traces })
    }

    fn new(new: NewComment, along: Along) -> Result<Admit, StoreError> {
        let comment = to_json(&new.comment)?;
        let body_hash = new.idempotency_key.as_ref().map(|_| body_hash(&comment));
        Ok(Admit {
            id: new.id,
            site: new.site,
            received_at: micros(new.received_at),
            comment: Packed::of(&comment),
            external_id: new.comment.external_id,
            idempotency_key: new.idempotency_key,
            body_hash,
            fingerprint: new.fingerprint,
            callback: new.callback,
            along,
        })
    }

    fn verdict(&self) -> Option<(&[u8], &'static str)> {
        match &self.along {
            Along::Job { .. } => None,
            Along::Verdict { packed, decision, .. } => Some((packed.bytes(), decision.as_str())),
        }
    }
}

/// Admits all of `admits`; one answer each, in their order.
///
/// # Errors
/// When the engine refuses: then nothing is certain, and the caller rolls back.
pub(super) async fn admit_all(
    conn: &mut SqliteConnection,
    ledger: &mut Ledger,
    admits: &[&Admit],
) -> Result<Vec<Result<Admission, StoreError>>, StoreError> {
    let placed: Vec<(i64, &Admit)> = admits
        .iter()
        .filter(|admit| ledger.has_site(admit.site))
        .copied()
        .collect::<Vec<_>>()
        .into_iter()
        .map(|admit| (ledger.next_comment(), admit))
        .collect();
    let repeats = insert_comments(conn, &placed).await?;
    let fresh = || placed.iter().filter(|(row, _)| !repeats.contains(row));

    let queued: Vec<(i64, i64, &Admit, Option<i64>)> = fresh()
        .filter_map(|(row, admit)| match admit.along {
            Along::Job { claimed_until } => Some((ledger.next_job(), *row, *admit, claimed_until)),
            Along::Verdict { .. } => None,
        })
        .collect();
    insert_jobs(conn, &queued).await?;

    for (_, admit) in fresh() {
        if let Along::Verdict { counts, .. } = &admit.along {
            ledger.tallies.add(admit.site, admit.received_at, counts);
        }
    }
    let arrivals: Vec<Kept<'_>> = fresh()
        .filter_map(|(row, admit)| match &admit.along {
            Along::Job { .. } => None,
            Along::Verdict { decision, traces, .. } => {
                let Admit { site, received_at, .. } = **admit;
                Some(Kept { row: *row, site, received_at, decision: *decision, traces })
            }
        })
        .collect();
    keep(conn, &arrivals).await?;
    let tellings = fresh().filter_map(|(row, admit)| match &admit.along {
        Along::Job { .. } => None,
        Along::Verdict { event, verdict, at, .. } => {
            let (verdict, to) = (Some(verdict.as_str()), To::Listeners);
            Some(Telling { site: admit.site, comment: Some(*row), event, verdict, at: *at, to })
        }
    });
    fan_out(conn, ledger, tellings).await?;

    let mut answers = Vec::with_capacity(admits.len());
    let (mut placed, mut queued) = (placed.iter(), queued.iter().peekable());
    for admit in admits {
        answers.push(if !ledger.has_site(admit.site) {
            Err(StoreError::NotFound(format!("site {}", admit.site)))
        } else if placed.next().is_some_and(|(row, _)| repeats.contains(row)) {
            first_of(conn, admit).await
        } else {
            let job = match admit.along {
                Along::Job { .. } => queued.next(),
                Along::Verdict { .. } => None,
            };
            let lease = job
                .filter(|(.., claimed_until)| claimed_until.is_some())
                .map(|(job, ..)| Lease { job: JobId(*job), attempt: 1 });
            Ok(Admission::New { id: admit.id, lease })
        });
    }
    Ok(answers)
}

/// Which rows were not inserted, because their comment is there already, be it from this same batch.
async fn insert_comments(conn: &mut SqliteConnection, placed: &[(i64, &Admit)]) -> Result<HashSet<i64>, StoreError> {
    let mut repeats = HashSet::new();
    for run in placed.chunks(MOST) {
        let mut insert = many(
            "INSERT INTO comments (row, id, site, received_at, comment, verdict, external_id, idempotency_key,
                                   body_hash, fingerprint, decision, judged, callback)
             SELECT column1, column2, column3, column4, column5, column6, column7, column8, column9, column10, column11,
                    column11, (SELECT row FROM endpoints WHERE id = column12)
               FROM",
            12,
            run.len(),
            "WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING",
        );
        for (row, admit) in run {
            insert = insert
                .bind(row)
                .bind(id_bytes(admit.id))
                .bind(admit.site.0)
                .bind(admit.received_at)
                .bind(admit.comment.bytes())
                .bind(admit.verdict().map(|(verdict, _)| verdict))
                .bind(admit.external_id.as_deref())
                .bind(admit.idempotency_key.as_deref())
                .bind(admit.body_hash)
                .bind(admit.fingerprint)
                .bind(admit.verdict().map(|(_, decision)| decision))
                .bind(admit.callback.as_deref());
        }
        if insert.execute(&mut *conn).await?.rows_affected() == run.len() as u64 {
            continue;
        }
        // Row numbers were given out in this transaction: what stands there now is what was inserted.
        let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else { continue };
        let there: HashSet<i64> = sqlx::query_scalar("SELECT row FROM comments WHERE row BETWEEN ? AND ?")
            .bind(*first)
            .bind(*last)
            .fetch_all(&mut *conn)
            .await?
            .into_iter()
            .collect();
        repeats.extend(run.iter().map(|(row, _)| *row).filter(|row| !there.contains(row)));
    }
    Ok(repeats)
}

async fn insert_jobs(
    conn: &mut SqliteConnection,
    queued: &[(i64, i64, &Admit, Option<i64>)],
) -> Result<(), StoreError> {
    for run in queued.chunks(MOST) {
        let mut insert = many(
            "INSERT INTO jobs (id, kind, state, due_at, attempts, site, comment)
             SELECT column1, 'decide', 'pending', column2, column3, column4, column5 FROM",
            5,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for (job, row, admit, claimed_until) in run {
            insert = insert
                .bind(job)
                .bind(claimed_until.unwrap_or(admit.received_at))
                .bind(i64::from(claimed_until.is_some()))
                .bind(admit.site.0)
                .bind(row);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

/// The comment that `admit` repeats.
async fn first_of(conn: &mut SqliteConnection, admit: &Admit) -> Result<Admission, StoreError> {
    if let Some(key) = &admit.idempotency_key {
        let first: Option<(Vec<u8>, Option<i64>)> = sqlx::query_as(
            "SELECT id, body_hash FROM comments WHERE site = ?1 AND idempotency_key = ?2
             UNION ALL
             SELECT comments.id, edit_keys.body_hash
               FROM edit_keys JOIN comments ON comments.row = edit_keys.comment
              WHERE edit_keys.site = ?1 AND edit_keys.idempotency_key = ?2",
        )
        .bind(admit.site.0)
        .bind(key)
        .fetch_optional(&mut *conn)
        .await?;
        if let Some((id, body_hash)) = first {
            if body_hash != admit.body_hash {
                return Err(StoreError::Conflict(
                    "this idempotency key was used for another comment; take a fresh key for each comment".to_owned(),
                ));
            }
            return Ok(Admission::Repeat { id: comment_id(&id, "a comment")?, may_be_edit: false });
        }
    }
    if let Some(external_id) = &admit.external_id {
        let first: Option<Vec<u8>> = sqlx::query_scalar("SELECT id FROM comments WHERE site = ? AND external_id = ?")
            .bind(admit.site.0)
            .bind(external_id)
            .fetch_optional(&mut *conn)
            .await?;
        if let Some(id) = first {
            return Ok(Admission::Repeat { id: comment_id(&id, "a comment")?, may_be_edit: true });
        }
    }
    // Nothing but the id itself is left: a caller that tries again after it missed the answer.
    let site: Option<i64> = sqlx::query_scalar("SELECT site FROM comments WHERE id = ?")
        .bind(id_bytes(admit.id))
        .fetch_optional(&mut *conn)
        .await?;
    if site == Some(admit.site.0) {
        Ok(Admission::Repeat { id: admit.id, may_be_edit: false })
    } else {
        Err(StoreError::Conflict(format!("the id {} is taken", admit.id)))
    }
}
