//! The loops behind the doors: they decide queued comments, send deliveries and keep the store in order.
//!
//! Owns when work is taken up, how much of it at once, and what happens when it panics or the store is away. Does not
//! own how a comment is judged (`pipeline`), how a webhook is sent (`webhook`), nor what is due (`store`).
//!
//! A [`Trade`] is one kind of work. Its loop claims what is due, gives each job a task of its own, and claims again when
//! a bell rings, when a job is done that stood in the way of others, or at the latest after `poll`. Whatever is lost on
//! the way (a panic, a kill, a store that stays away) comes back when its lease runs out.

mod deciding;
mod delivering;
mod progress;
mod remembering;
mod sweeping;

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::pipeline::Pipeline;
use crate::store::{JobId, StoreError};
use crate::webhook::{Client, Schedule};

use deciding::Deciding;
use delivering::Delivering;
pub use progress::Progress;

/// How long a loop waits after a bell, so that what comes at the same time is claimed together.
const GATHER: Duration = Duration::from_millis(3);

/// Waits before a job's result is offered to the store again; some six seconds in all.
const RECORD_WAITS_MS: [u64; 7] = [50, 100, 200, 400, 800, 1_600, 3_200];

/// Waits after a failed claim: from the first to the last, doubling.
const CLAIM_WAIT_MIN: Duration = Duration::from_millis(100);
const CLAIM_WAIT_MAX: Duration = Duration::from_secs(5);

/// How much is done at once, and how long things may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Comments that are claimed and not yet decided.
    pub decisions_at_once: usize,
    /// How often a comment is claimed before it becomes a dead letter; only a crash makes it more than once.
    pub decision_attempts: u32,
    /// Deliveries under way, over all endpoints.
    pub deliveries_at_once: usize,
    /// Deliveries under way to one endpoint: a slow one holds no more hands than these.
    pub deliveries_per_endpoint: usize,
    /// How long a claim holds. Longer than an attempt at a delivery may take.
    pub lease: Duration,
    /// The longest time that work queued by another process waits to be seen.
    pub poll: Duration,
    /// How long work in hand may take to finish after a stop.
    pub drain: Duration,
    pub schedule: Schedule,
    /// How long a delivery that arrived is kept with its attempts.
    pub keep_delivered: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            decisions_at_once: 256,
            decision_attempts: 5,
            deliveries_at_once: 64,
            deliveries_per_endpoint: 8,
            lease: Duration::from_secs(60),
            poll: Duration::from_millis(500),
            drain: Duration::from_secs(10),
            schedule: Schedule::default(),
            keep_delivered: Duration::from_secs(30 * 86_400),
        }
    }
}

/// Decides what is queued and sends what is to be told, until it is stopped.
#[derive(Debug)]
pub struct Worker {
    pipeline: Arc<Pipeline>,
    client: Client,
    settings: Settings,
    progress: Arc<Progress>,
}

impl Worker {
    pub fn new(pipeline: Arc<Pipeline>, client: Client, settings: Settings) -> Worker {
        Worker { pipeline, client, settings, progress: Arc::new(Progress::new()) }
    }

    /// Whether its loops go round.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Works until `stop` becomes true (or its sender is gone), then finishes what is in hand within `drain`.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pipeline = self.pipeline;
        let deciding = Arc::new(Deciding::new(Arc::clone(&pipeline), &self.settings));
        let delivering = Arc::new(Delivering::new(Arc::clone(&pipeline), self.client, &self.settings));
        let mut loops = JoinSet::new();
        let (swept, keep, ended) = (Arc::clone(&pipeline), self.settings.keep_delivered, stop.clone());
        let sweep = move || sweeping::sweep(Arc::clone(&swept), keep, ended.clone());
        loops.spawn(keep_going("sweep", CLAIM_WAIT_MAX, sweep));
        let (seen, ended) = (pipeline, stop.clone());
        loops.spawn(keep_going("remember", CLAIM_WAIT_MAX, move || {
            remembering::remember(Arc::clone(&seen), ended.clone())
        }));
        let progress = self.progress;
        loops.spawn(supervise(deciding, self.settings.clone(), Arc::clone(&progress), stop.clone()));
        loops.spawn(supervise(delivering, self.settings, progress, stop));
        while loops.join_next().await.is_some() {}
    }
}

/// One kind of work, and where it is found.
trait Trade: Send + Sync + 'static {
    /// For logs and metrics.
    const NAME: &'static str;
    type Job: Send + 'static;

    /// Rung when there may be work.
    fn bell(&self) -> &Notify;

    /// How many more jobs to claim when `in_hand` are being done; 0: wait until one of them is finished.
    fn room(&self, in_hand: usize) -> usize;

    fn claim(&self, room: usize) -> impl Future<Output = Result<Claimed<Self::Job>, StoreError>> + Send;

    fn id(job: &Self::Job) -> JobId;

    /// Does one job to its end. What fails here is logged here.
    fn finish(&self, job: Self::Job) -> impl Future<Output = ()> + Send;
}

struct Claimed<Job> {
    jobs: Vec<Job>,
    /// Whether more may be due than there was room for.
    is_cut: bool,
}

/// Keeps the loop of a trade running; see [`keep_going`].
async fn supervise<T: Trade>(trade: Arc<T>, settings: Settings, progress: Arc<Progress>, stop: watch::Receiver<bool>) {
    // What somebody is to be warned of is shown before it happens for the first time.
    metrics::counter!("hamlet_lease_expiries_total", "work" => T::NAME).increment(0);
    let wait = CLAIM_WAIT_MAX.min(settings.poll);
    keep_going(T::NAME, wait, || work(Arc::clone(&trade), settings.clone(), Arc::clone(&progress), stop.clone())).await;
}

/// Runs a loop until it ends by itself: a panic in it is logged, and it starts anew after `wait`.
async fn keep_going<F>(name: &'static str, wait: Duration, start: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    metrics::counter!("hamlet_worker_panics_total", "work" => name).increment(0);
    loop {
        // A set of one, and not a bare task, because a set takes its task along when it is dropped.
        let mut only = JoinSet::new();
        only.spawn(start());
        match only.join_next().await {
            Some(Err(error)) if error.is_panic() => {
                metrics::counter!("hamlet_worker_panics_total", "work" => name).increment(1);
                tracing::error!(work = name, "the worker's loop panicked and starts anew");
                sleep(wait).await;
            }
            _ => return,
        }
    }
}

/// The loop of one trade.
async fn work<T: Trade>(trade: Arc<T>, settings: Settings, progress: Arc<Progress>, mut stop: watch::Receiver<bool>) {
    let mut in_hand = InHand::<T>::default();
    let mut claim_wait = CLAIM_WAIT_MIN;
    let mut last_claim = Instant::now();
    // Whether to claim as soon as there is room, and whether a finished job is a reason to claim again.
    let (mut is_hungry, mut is_cut) = (true, false);
    while !is_stopped(&stop) {
        progress.round(T::NAME);
        let room = trade.room(in_hand.tasks.len());
        if is_hungry && room > 0 {
            last_claim = Instant::now();
            match trade.claim(room).await {
                Ok(claimed) => {
                    claim_wait = CLAIM_WAIT_MIN;
                    is_cut = claimed.is_cut;
                    is_hungry = is_cut && !claimed.jobs.is_empty();
                    in_hand.take_up(&trade, claimed.jobs);
                    if is_hungry {
                        continue;
                    }
                }
                Err(error) => {
                    tracing::warn!(work = T::NAME, %error, "cannot claim work; trying again");
                    let _ = timeout(claim_wait, stopped(&mut stop)).await;
                    claim_wait = CLAIM_WAIT_MAX.min(claim_wait * 2);
                    continue;
                }
            }
        }
        tokio::select! {
            () = stopped(&mut stop) => break,
            () = in_hand.one_done(), if !in_hand.tasks.is_empty() => is_hungry |= is_cut,
            () = trade.bell().notified(), if !is_hungry => {
                sleep(GATHER).await;
                is_hungry = true;
            }
            () = tokio::time::sleep_until(last_claim + settings.poll), if !is_hungry => is_hungry = true,
        }
    }
    if timeout(settings.drain, in_hand.all_done()).await.is_err() {
        let jobs = in_hand.tasks.len();
        tracing::warn!(work = T::NAME, jobs, "stopped with work in hand; it comes back when its leases run out");
    }
}

/// The jobs that are being done, a task each, so that one that panics takes nothing along.
struct InHand<T> {
    tasks: JoinSet<()>,
    jobs: HashMap<Id, JobId>,
    trade: std::marker::PhantomData<T>,
}

impl<T> Default for InHand<T> {
    fn default() -> InHand<T> {
        InHand { tasks: JoinSet::new(), jobs: HashMap::new(), trade: std::marker::PhantomData }
    }
}

impl<T: Trade> InHand<T> {
    fn take_up(&mut self, trade: &Arc<T>, jobs: Vec<T::Job>) {
        for job in jobs {
            let id = T::id(&job);
            let trade = Arc::clone(trade);
            let task = self.tasks.spawn(async move { trade.finish(job).await });
            self.jobs.insert(task.id(), id);
        }
    }

    /// Waits until a job is done, and clears away all that are.
    async fn one_done(&mut self) {
        let mut done = self.tasks.join_next_with_id().await;
        while let Some(result) = done {
            self.clear(result);
            done = self.tasks.try_join_next_with_id();
        }
    }

    async fn all_done(&mut self) {
        while !self.tasks.is_empty() {
            self.one_done().await;
        }
    }

    /// A panic's own words are not logged: they may quote the comment.
    fn clear(&mut self, result: Result<(Id, ()), JoinError>) {
        let (task, is_panic) = match result {
            Ok((task, ())) => (task, false),
            Err(error) => (error.id(), error.is_panic()),
        };
        let job = self.jobs.remove(&task);
        if is_panic {
            metrics::counter!("hamlet_worker_panics_total", "work" => T::NAME).increment(1);
            tracing::error!(work = T::NAME, ?job, "a job panicked; it comes back when its lease runs out");
        }
    }
}

/// Offers a job's result to the store until it is kept, or nobody wants it any more.
async fn record<F>(work: &'static str, job: JobId, write: impl Fn() -> F)
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut waits = RECORD_WAITS_MS.into_iter();
    loop {
        let error = match write().await {
            Ok(()) => return,
            Err(error @ (StoreError::LeaseLost(_) | StoreError::NotFound(_))) => {
                if matches!(error, StoreError::LeaseLost(_)) {
                    metrics::counter!("hamlet_lease_expiries_total", "work" => work).increment(1);
                }
                tracing::debug!(%job, %error, "a result is not wanted any more");
                return;
            }
            Err(error) => error,
        };
        let wait_ms = match error {
            StoreError::Unavailable(_) | StoreError::Overloaded => waits.next(),
            _ => None,
        };
        let Some(wait_ms) = wait_ms else {
            tracing::warn!(%job, %error, "a result cannot be kept; the job comes back when its lease runs out");
            return;
        };
        sleep(Duration::from_millis(wait_ms)).await;
    }
}

/// True when asked to stop, or when nobody is left who could ask.
fn is_stopped(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests;
