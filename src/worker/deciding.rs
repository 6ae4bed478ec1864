//! Deciding what is queued.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::pipeline::Pipeline;
use crate::store::{DecisionJob, JobId, StoreError};

use super::{Claimed, Settings, Trade, record};

/// Judges claimed comments and has the verdicts kept. A task for each, so that the store commits many together.
pub(super) struct Deciding {
    pipeline: Arc<Pipeline>,
    at_once: usize,
    attempts: u32,
    lease: Duration,
}

impl Deciding {
    pub(super) fn new(pipeline: Arc<Pipeline>, settings: &Settings) -> Deciding {
        let at_once = settings.decisions_at_once.max(1);
        Deciding { pipeline, at_once, attempts: settings.decision_attempts, lease: settings.lease }
    }
}

impl Trade for Deciding {
    const NAME: &'static str = "decide";
    type Job = DecisionJob;

    fn bell(&self) -> &Notify {
        &self.pipeline.queued
    }

    /// Nothing until half of the hands are free: one claim for many comments costs as much as one for a single one.
    fn room(&self, in_hand: usize) -> usize {
        let free = self.at_once.saturating_sub(in_hand);
        if free * 2 >= self.at_once { free } else { 0 }
    }

    async fn claim(&self, room: usize) -> Result<Claimed<DecisionJob>, StoreError> {
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let jobs = self.pipeline.store.claim_decisions(self.pipeline.clock.now(), self.lease, limit).await?;
        Ok(Claimed { is_cut: jobs.len() >= room, jobs })
    }

    fn id(job: &DecisionJob) -> JobId {
        job.lease.job
    }

    async fn finish(&self, job: DecisionJob) {
        let lease = job.lease;
        if lease.attempt <= self.attempts {
            record(lease.job, || self.pipeline.decide(&job)).await;
            return;
        }
        tracing::error!(comment = %job.id, job = %lease.job, "a comment was claimed too often and is a dead letter now");
        let error = format!("claimed {} times and never decided", self.attempts);
        record(lease.job, || self.pipeline.store.give_up(lease, error.clone(), self.pipeline.clock.now())).await;
    }
}
