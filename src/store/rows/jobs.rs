//! Jobs as rows.

use std::time::Duration;

use jiff::Timestamp;

use super::{EndpointRow, Packed, comment_id, micros, time};
use crate::site::SiteId;
use crate::store::{DeadLetter, DecisionJob, DeliveryJob, JobId, Lease, QueueStatus, StoreError};

/// A claimed comment, not yet parsed: parsing is the caller's work, so that whoever writes can go on.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::store) struct ClaimedComment {
    job: i64,
    attempts: i64,
    id: Vec<u8>,
    site: i64,
    comment: Packed,
    received_at: i64,
}

/// A claimed delivery, not yet parsed.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::store) struct ClaimedDelivery {
    job: i64,
    attempts: i64,
    message_id: String,
    body: String,
    message_created_at: i64,
    #[sqlx(flatten)]
    endpoint: EndpointRow,
}

impl ClaimedComment {
    pub(in crate::store) fn lease(&self) -> Lease {
        held(self.job, self.attempts)
    }

    pub(in crate::store) fn into_job(self) -> Result<DecisionJob, StoreError> {
        let lease = self.lease();
        let id = comment_id(&self.id, format_args!("the comment of job {}", self.job))?;
        let named = format_args!("comment {id}");
        Ok(DecisionJob {
            lease,
            id,
            site: SiteId(self.site),
            comment: self.comment.read(named)?,
            received_at: time(self.received_at, named)?,
        })
    }
}

impl ClaimedDelivery {
    pub(in crate::store) fn lease(&self) -> Lease {
        held(self.job, self.attempts)
    }

    pub(in crate::store) fn into_job(self) -> Result<DeliveryJob, StoreError> {
        Ok(DeliveryJob {
            lease: self.lease(),
            created_at: time(self.message_created_at, format_args!("message {}", self.message_id))?,
            message_id: self.message_id,
            body: self.body,
            endpoint: self.endpoint.into_endpoint()?,
        })
    }
}

/// The row was read before the claim counted its attempts up.
fn held(job: i64, attempts_before: i64) -> Lease {
    Lease { job: JobId(job), attempt: u32::try_from(attempts_before.saturating_add(1)).unwrap_or(u32::MAX) }
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct StatusRow {
    decisions: i64,
    deliveries: i64,
    dead_decisions: i64,
    dead_deliveries: i64,
    oldest_decision: Option<i64>,
    oldest_delivery: Option<i64>,
}

impl StatusRow {
    pub(in crate::store) fn into_status(self, now: Timestamp) -> QueueStatus {
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        let oldest = [self.oldest_decision, self.oldest_delivery].into_iter().flatten().min();
        let age = |oldest: Option<i64>| {
            // Negative: not due yet.
            let micros = u64::try_from(micros(now).saturating_sub(oldest?)).ok()?;
            Some(Duration::from_micros(micros).as_secs_f64())
        };
        QueueStatus {
            decisions: count(self.decisions),
            deliveries: count(self.deliveries),
            dead_decisions: count(self.dead_decisions),
            dead_deliveries: count(self.dead_deliveries),
            oldest_due_seconds: age(oldest),
            oldest_decision_seconds: age(self.oldest_decision),
        }
    }
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct DeadRow {
    job: i64,
    kind: String,
    site: i64,
    comment: Option<Vec<u8>>,
    endpoint: Option<String>,
    attempts: i64,
    last_error: Option<String>,
    finished_at: i64,
}

impl DeadRow {
    pub(in crate::store) fn into_letter(self) -> Result<DeadLetter, StoreError> {
        let named = format_args!("job {}", self.job);
        Ok(DeadLetter {
            job: JobId(self.job),
            kind: if self.kind == "decide" { "decide" } else { "deliver" },
            site: SiteId(self.site),
            comment: self.comment.map(|id| comment_id(&id, named)).transpose()?,
            endpoint: self.endpoint,
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            last_error: self.last_error.unwrap_or_default(),
            died_at: time(self.finished_at, named)?,
        })
    }
}
