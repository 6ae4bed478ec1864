//! Comments coming in: many callers, one statement.
//!
//! Owns `admit_queued` and `admit_decided`, which differ only in what is kept along with the comment.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::PgConnection;

use super::columns::key;
use super::failure::Outcome;
use super::fanout::{Telling, To, fan_out};
use super::history::{Hashed, Kept, Secret, keep};
use super::ledger::Ledger;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::statistics::{Count, counts};
use crate::store::rows::{Packed, body_hash, comment_id, id_bytes, micros, to_json};
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

/// A comment that is there now: its row and its open job.
type Placed = (i64, Option<i64>);

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
            external_id: new.comment.external_id.as_deref().map(|id| key(id).into_owned()),
            idempotency_key: new.idempotency_key.as_deref().map(|text| key(text).into_owned()),
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

    /// When its job is due, and how often that was claimed already.
    fn job(&self) -> Option<(i64, i64)> {
        match self.along {
            Along::Job { claimed_until } => {
                Some((claimed_until.unwrap_or(self.received_at), i64::from(claimed_until.is_some())))
            }
            Along::Verdict { .. } => None,
        }
    }
}

/// Admits all of `admits`; one answer each, in their order.
pub(super) async fn admit_all(
    conn: &mut PgConnection,
    ledger: &mut Ledger,
    admits: &[&Admit],
) -> Outcome<Vec<Result<Admission, StoreError>>> {
    // An id that comes twice in one batch is a repeat the second time.
    let mut given: HashMap<CommentId, usize> = HashMap::with_capacity(admits.len());
    for (number, admit) in admits.iter().enumerate().filter(|(_, admit)| ledger.has_site(admit.site)) {
        given.entry(admit.id).or_insert(number);
    }
    let first = |number: usize, admit: &Admit| given.get(&admit.id) == Some(&number);
    let firsts: Vec<&Admit> =
        admits.iter().enumerate().filter(|(number, admit)| first(*number, admit)).map(|(_, admit)| *admit).collect();
    let placed = insert(conn, &firsts).await?;

    let (mut left, mut tellings) = (Vec::new(), Vec::new());
    for admit in &firsts {
        let Some((row, _)) = placed.get(&admit.id) else { continue };
        if let Along::Verdict { verdict, counts, event, at, decision, traces, .. } = &admit.along {
            let Admit { site, received_at, .. } = **admit;
            ledger.tallies.add(site, received_at, counts);
            left.push(Kept { row: *row, site, received_at, decision: *decision, traces });
            let (verdict, to) = (Some(verdict.as_str()), To::Listeners);
            tellings.push(Telling { site: admit.site, comment: Some(*row), event, verdict, at: *at, to });
        }
    }
    keep(conn, &left).await?;
    fan_out(conn, ledger, tellings).await?;

    let mut answers = Vec::with_capacity(admits.len());
    for (number, admit) in admits.iter().enumerate() {
        answers.push(if !ledger.has_site(admit.site) {
            Err(StoreError::NotFound(format!("site {}", admit.site)))
        } else if let Some((_, job)) = placed.get(&admit.id).filter(|_| first(number, admit)) {
            let is_claimed = matches!(admit.along, Along::Job { claimed_until: Some(_) });
            let lease = job.filter(|_| is_claimed).map(|job| Lease { job: JobId(job), attempt: 1 });
            Ok(Admission::New { id: admit.id, lease })
        } else {
            first_of(conn, admit).await?
        });
    }
    Ok(answers)
}

/// Keeps those that are not there already, be it from this same batch, with all that belongs to them.
async fn insert(conn: &mut PgConnection, admits: &[&Admit]) -> Outcome<HashMap<CommentId, Placed>> {
    if admits.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Vec<u8>, i64, Option<i64>)> = sqlx::query_as(
        "WITH given AS MATERIALIZED (
             SELECT * FROM UNNEST($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[],
                                  $7::bigint[], $8::bigint[], $9::text[], $10::bytea[], $11::text[], $12::bigint[],
                                  $13::bigint[])
                        WITH ORDINALITY
                        AS given (id, site, received_at, comment, external_id, idempotency_key, body_hash,
                                  fingerprint, callback, verdict, decision, due_at, attempts, number)
         ), kept AS (
             INSERT INTO comments (id, site, received_at, comment, external_id, idempotency_key, body_hash, fingerprint,
                                   callback)
             SELECT id, site, received_at, comment, external_id, idempotency_key, body_hash, fingerprint,
                    (SELECT row FROM endpoints WHERE endpoints.id = given.callback)
               FROM given
              ORDER BY number
             ON CONFLICT DO NOTHING
             RETURNING row, id
         ), findable AS (
             INSERT INTO search (comment) SELECT row FROM kept
         ), decided AS (
             INSERT INTO verdicts (comment, site, received_at, verdict, decision, judged)
             SELECT kept.row, site, received_at, verdict, decision, decision
               FROM kept JOIN given USING (id) WHERE verdict IS NOT NULL
         ), queued AS (
             INSERT INTO jobs (kind, state, due_at, attempts, site, comment)
             SELECT 'decide', 'pending', due_at, attempts, site, kept.row
               FROM kept JOIN given USING (id) WHERE due_at IS NOT NULL
              ORDER BY number
             RETURNING id, comment
         )
         SELECT kept.id, kept.row, queued.id FROM kept LEFT JOIN queued ON queued.comment = kept.row",
    )
    .bind(admits.iter().map(|admit| id_bytes(admit.id)).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.site.0).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.received_at).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.comment.bytes()).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.external_id.as_deref()).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.idempotency_key.as_deref()).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.body_hash).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.fingerprint).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.callback.as_deref()).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.verdict().map(|(verdict, _)| verdict)).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.verdict().map(|(_, decision)| decision)).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.job().map(|(due_at, _)| due_at)).collect::<Vec<_>>())
    .bind(admits.iter().map(|admit| admit.job().map(|(_, attempts)| attempts)).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|(id, row, job)| Ok((comment_id(&id, "a comment")?, (row, job)))).collect()
}

/// The comment that `admit` repeats.
async fn first_of(conn: &mut PgConnection, admit: &Admit) -> Outcome<Result<Admission, StoreError>> {
    if let Some(key) = &admit.idempotency_key {
        let first: Option<(Vec<u8>, Option<i64>)> = sqlx::query_as(
            "SELECT id, body_hash FROM comments WHERE site = $1 AND idempotency_key = $2
             UNION ALL
             SELECT comments.id, edit_keys.body_hash
               FROM edit_keys JOIN comments ON comments.row = edit_keys.comment
              WHERE edit_keys.site = $1 AND edit_keys.idempotency_key = $2",
        )
        .bind(admit.site.0)
        .bind(key)
        .fetch_optional(&mut *conn)
        .await?;
        if let Some((id, body_hash)) = first {
            if body_hash != admit.body_hash {
                return Ok(Err(StoreError::Conflict(
                    "this idempotency key was used for another comment; take a fresh key for each comment".to_owned(),
                )));
            }
            return Ok(Ok(Admission::Repeat { id: comment_id(&id, "a comment")?, may_be_edit: false }));
        }
    }
    if let Some(external_id) = &admit.external_id {
        let first: Option<Vec<u8>> = sqlx::query_scalar("SELECT id FROM comments WHERE site = $1 AND external_id = $2")
            .bind(admit.site.0)
            .bind(external_id)
            .fetch_optional(&mut *conn)
            .await?;
        if let Some(id) = first {
            return Ok(Ok(Admission::Repeat { id: comment_id(&id, "a comment")?, may_be_edit: true }));
        }
    }
    // Nothing but the id itself is left: a caller that tries again after it missed the answer.
    let site: Option<i64> = sqlx::query_scalar("SELECT site FROM comments WHERE id = $1")
        .bind(id_bytes(admit.id))
        .fetch_optional(&mut *conn)
        .await?;
    Ok(if site == Some(admit.site.0) {
        Ok(Admission::Repeat { id: admit.id, may_be_edit: false })
    } else {
        Err(StoreError::Conflict(format!("the id {} is taken", admit.id)))
    })
}
