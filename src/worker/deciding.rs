//! Deciding what is queued: what this process's doors hand over, and what the store holds besides.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::pipeline::{Pipeline, TakeOver};
use crate::store::{DecisionJob, JobId, StoreError, Verbs, timed};

use super::{Claimed, Settings, Trade, record};

/// Comments that share a task: waking one task for all of them costs much less than waking one for each.
const HANDFUL: usize = 8;

/// Judges claimed comments and has the verdicts kept, many at once, so that the store commits them together.
pub(super) struct Deciding {
    pipeline: Arc<Pipeline>,
    /// Comments that this process admitted; most never need to be asked for.
    handed_over: TakeOver,
    /// When the store was last asked for what others left.
    last_look: Mutex<Option<Instant>>,
    poll: Duration,
    at_once: usize,
    attempts: u32,
    lease: Duration,
}

impl Deciding {
    pub(super) fn new(pipeline: Arc<Pipeline>, settings: &Settings) -> Deciding {
        let at_once = settings.decisions_at_once.max(1);
        Deciding {
            handed_over: pipeline.take_over(at_once * 4),
            last_look: Mutex::new(None),
            pipeline,
            poll: settings.poll,
            at_once,
            attempts: settings.decision_attempts,
            lease: settings.lease,
        }
    }

    /// Whether it is time to ask the store; if so, the time counts anew.
    fn looks_now(&self) -> bool {
        let mut last_look = self.last_look.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = last_look.is_none_or(|last| last.elapsed() >= self.poll);
        if is_time {
            *last_look = Some(Instant::now());
        }
        is_time
    }

    fn look_again(&self) {
        *self.last_look.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Trade for Deciding {
    const NAME: &'static str = "decide";
    /// A comment that comes for the second time comes alone: if it makes judging panic, it takes no other along.
    type Job = Vec<DecisionJob>;

    fn bell(&self) -> &Notify {
        &self.pipeline.queued
    }

    /// In handfuls; none until half of the hands are free: one claim for many comments costs as much as one for a
    /// single one.
    fn room(&self, in_hand: usize) -> usize {
        let most = self.at_once.div_ceil(HANDFUL);
        let free = most.saturating_sub(in_hand);
        if free * 2 >= most { free } else { 0 }
    }

    /// What was handed over comes first; the store is asked when that was nothing, and now and then for what others
    /// queued or what found no place, which then has half of the room: a flood is no reason to leave it there.
    async fn claim(&self, room: usize) -> Result<Claimed<Vec<DecisionJob>>, StoreError> {
        let room = room * HANDFUL;
        let is_time = self.looks_now();
        let mut jobs = self.handed_over.take(if is_time { room.div_ceil(2) } else { room });
        if is_time || jobs.is_empty() {
            let limit = u32::try_from(room - jobs.len()).unwrap_or(u32::MAX);
            let now = self.pipeline.clock.now();
            match timed(Verbs::Claim, self.pipeline.store.claim_decisions(now, self.lease, limit)).await {
                Ok(claimed) => {
                    // There is more: no need to wait for the next time.
                    if claimed.len() == room - jobs.len() {
                        self.look_again();
                    }
                    jobs.extend(claimed);
                }
                Err(error) if jobs.is_empty() => return Err(error),
                // What is in hand goes on; the store is asked again soon.
                Err(error) => tracing::warn!(%error, "cannot claim comments; deciding those in hand"),
            }
        }
        jobs.extend(self.handed_over.take(room - jobs.len()));
        let is_cut = jobs.len() >= room;
        let (first_time, again): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.lease.attempt <= 1);
        metrics::counter!("hamlet_lease_expiries_total", "work" => Self::NAME).increment(again.len() as u64);
        let mut handfuls: Vec<Vec<DecisionJob>> = again.into_iter().map(|job| vec![job]).collect();
        let mut first_time = first_time.into_iter().peekable();
        while first_time.peek().is_some() {
            handfuls.push(first_time.by_ref().take(HANDFUL).collect());
        }
        Ok(Claimed { jobs: handfuls, is_cut })
    }

    /// One of them, for the log.
    fn id(jobs: &Vec<DecisionJob>) -> JobId {
        jobs.first().map_or(JobId(0), |job| job.lease.job)
    }

    async fn finish(&self, jobs: Vec<DecisionJob>) {
        let decide = |job: DecisionJob| {
            let span = tracing::debug_span!("decide", comment = %job.id, job = %job.lease.job);
            self.decide(job).instrument(span)
        };
        join_all(jobs.into_iter().map(decide)).await;
    }
}

impl Deciding {
    async fn decide(&self, job: DecisionJob) {
        let lease = job.lease;
        if lease.attempt <= self.attempts {
            record(Self::NAME, lease.job, || self.pipeline.decide(&job)).await;
            return;
        }
        tracing::error!(comment = %job.id, job = %lease.job, "a comment was claimed too often and is a dead letter now");
        let error = format!("claimed {} times and never decided", self.attempts);
        record(Self::NAME, lease.job, || self.pipeline.store.give_up(lease, error.clone(), self.pipeline.clock.now()))
            .await;
    }
}
