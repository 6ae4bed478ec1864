//! The one road from a comment to a verdict that is kept.
//!
//! Owns the order of things: judge, then store comment, verdict and message in one transaction. Every door and the
//! worker go through here. Does not own how a comment is judged (`decision`), kept (`store`) or told (`webhook`).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, mpsc};

use crate::clock::Clock;
use crate::comment::{Comment, CommentId};
use crate::decision::Judge;
use crate::event::{Event, EventData, EventKind};
use crate::lists::Lists;
use crate::random;
use crate::site::{Site, SiteId};
use crate::store::{Act, Admission, DecisionJob, Directory, HumanAct, KeyHash, NewComment, Outgoing, Status, Store};
use crate::store::{StoreError, StoredComment};
use crate::verdict::{Decision, Verdict};

/// How long a comment that was handed over stays out of other workers' sight: a queue in memory is gone with its
/// process, and this is how long its comments then wait.
const HAND_OVER_LEASE: Duration = Duration::from_secs(10);

/// What doors and worker share: the store, the clock, the judge of the hour, and who may knock.
pub struct Pipeline {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    /// Rung when a comment was queued. Who waits for it also looks now and then: other processes cannot ring.
    pub queued: Notify,
    /// Where this process's worker takes comments over, so that it need not ask the store for what was just in hand.
    hand_over: ArcSwapOption<mpsc::Sender<DecisionJob>>,
    /// Rung when there may be a message to send.
    pub told: Notify,
    judge: ArcSwap<Judge>,
    callers: ArcSwap<Callers>,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pipeline").field("judge", &self.judge).finish_non_exhaustive()
    }
}

/// The directory, ready for look-ups. Swapped whole when the store's generation rises.
#[derive(Debug, Default)]
struct Callers {
    generation: u64,
    by_key: HashMap<KeyHash, Arc<Site>>,
    by_id: HashMap<SiteId, Tenant>,
}

/// A site with its lists made ready.
#[derive(Debug)]
struct Tenant {
    site: Arc<Site>,
    lists: Lists,
}

/// A comment as a door hands it over.
#[derive(Clone, Debug)]
pub struct Submission {
    pub comment: Comment,
    pub idempotency_key: Option<String>,
    /// By which a later label finds the comment again; only the Akismet door needs it.
    pub fingerprint: Option<i64>,
}

/// The hash under which a key is stored and looked up. Keys are case-insensitive: host names carry them lower-cased.
pub fn key_hash(key: &str) -> KeyHash {
    Sha256::digest(key.trim().to_ascii_lowercase().as_bytes()).into()
}

impl Pipeline {
    pub fn new(store: Arc<dyn Store>, clock: Clock, judge: Judge) -> Pipeline {
        Pipeline {
            store,
            clock,
            queued: Notify::new(),
            hand_over: ArcSwapOption::empty(),
            told: Notify::new(),
            judge: ArcSwap::from_pointee(judge),
            callers: ArcSwap::from_pointee(Callers::default()),
        }
    }

    /// Puts another judge in place; requests in flight finish with the old one.
    pub fn set_judge(&self, judge: Judge) {
        self.judge.store(Arc::new(judge));
    }

    pub fn current_judge(&self) -> Arc<Judge> {
        self.judge.load_full()
    }

    /// Puts sites and keys in place as the store has them now.
    pub fn set_directory(&self, directory: Directory) {
        let ready = |site: Arc<Site>| (site.id, Tenant { lists: Lists::of(&site.policy.lists), site });
        let by_id: HashMap<_, _> = directory.sites.into_iter().map(ready).collect();
        let site_of = |id| by_id.get(&id).map(|tenant: &Tenant| Arc::clone(&tenant.site));
        let by_key = directory.keys.into_iter().filter_map(|(key, id)| Some((key, site_of(id)?))).collect();
        self.callers.store(Arc::new(Callers { generation: directory.generation, by_key, by_id }));
    }

    /// The store's generation at which the directory was read.
    pub fn generation(&self) -> u64 {
        self.callers.load().generation
    }

    /// The site that `key` speaks for.
    pub fn site_of_key(&self, key: &str) -> Option<Arc<Site>> {
        self.callers.load().by_key.get(&key_hash(key)).cloned()
    }

    pub fn site(&self, id: SiteId) -> Option<Arc<Site>> {
        self.callers.load().by_id.get(&id).map(|tenant| Arc::clone(&tenant.site))
    }

    pub fn site_named(&self, name: &str) -> Option<Arc<Site>> {
        let callers = self.callers.load();
        callers.by_id.values().find(|tenant| tenant.site.name == name).map(|tenant| Arc::clone(&tenant.site))
    }

    /// The verdict on `comment` as if it came in now; nothing is kept.
    pub fn judge(&self, comment: &Comment, site: &Site) -> Verdict {
        let started = Instant::now();
        let now = self.clock.now();
        let callers = self.callers.load();
        let mut verdict = match callers.by_id.get(&site.id) {
            Some(tenant) => self.judge.load().judge(comment, site, &tenant.lists, now),
            None => self.judge.load().judge(comment, site, &Lists::of(&site.policy.lists), now),
        };
        verdict.micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        verdict
    }

    /// Judges and keeps comment, verdict and deliveries. A repeat gets the verdict that was kept first.
    pub async fn check(&self, site: &Site, submission: Submission) -> Result<(CommentId, Verdict), StoreError> {
        let new = self.new_comment(site, submission);
        let verdict = self.judge(&new.comment, site);
        let event = outgoing(EventKind::Decided, site, new.id, new.comment.external_id.as_deref(), &verdict);
        match self.store.admit_decided(new, verdict.clone(), event).await? {
            Admission::New { id, .. } => {
                self.decided(verdict.decision);
                Ok((id, verdict))
            }
            Admission::Repeat { id } => {
                let stored = self.existing(site, id).await?;
                match stored.status {
                    Status::Decided { verdict } => Ok((id, verdict)),
                    Status::Queued | Status::DeadLetter { .. } => Ok((id, self.judge(&stored.comment, site))),
                }
            }
        }
    }

    /// From now on comments are handed over as they are queued, `room` of them at most; those beyond, and all whose
    /// lease runs out, are found in the store.
    pub fn take_over(&self, room: usize) -> mpsc::Receiver<DecisionJob> {
        let (sender, receiver) = mpsc::channel(room.max(1));
        self.hand_over.store(Some(Arc::new(sender)));
        receiver
    }

    /// Keeps the comment for the worker; durable when this returns.
    pub async fn submit(&self, site: &Site, submission: Submission) -> Result<Admission, StoreError> {
        let new = self.new_comment(site, submission);
        let worker = self.hand_over.load_full();
        let place = worker.as_deref().and_then(|worker| worker.try_reserve().ok());
        let Some(place) = place else {
            let admission = self.store.admit_queued(new, None).await?;
            self.queued.notify_one();
            return Ok(admission);
        };
        let (received_at, comment) = (new.received_at, new.comment.clone());
        let admission = self.store.admit_queued(new, Some(received_at + HAND_OVER_LEASE)).await?;
        if let Admission::New { id, lease: Some(lease) } = admission {
            place.send(DecisionJob { lease, id, site: site.id, comment, received_at });
            self.queued.notify_one();
        }
        Ok(admission)
    }

    /// Judges a claimed comment and keeps the verdict. May be tried again with the same job as long as its lease holds.
    pub async fn decide(&self, job: &DecisionJob) -> Result<(), StoreError> {
        let Some(site) = self.site(job.site) else {
            // The site was removed, or is newer than the directory: the lease runs out and the job comes back.
            return Ok(());
        };
        let verdict = self.judge(&job.comment, &site);
        let decision = verdict.decision;
        let event = outgoing(EventKind::Decided, &site, job.id, job.comment.external_id.as_deref(), &verdict);
        self.store.record_verdict(job.lease, job.id, verdict, event).await?;
        self.decided(decision);
        Ok(())
    }

    /// Keeps what a person said and the verdict that follows; endpoints are told if the decision changed or is new.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such comment.
    pub async fn overrule(
        &self,
        site: &Site,
        id: CommentId,
        what: Act,
        by: &str,
        via: &str,
    ) -> Result<Verdict, StoreError> {
        let stored = self.existing(site, id).await?;
        let (before, mut verdict) = match stored.status {
            Status::Decided { verdict } => (Some(verdict.decision), verdict),
            Status::Queued | Status::DeadLetter { .. } => (None, self.judge(&stored.comment, site)),
        };
        let now = self.clock.now();
        verdict.decision = match what {
            Act::Label(label) => label.decision(),
            Act::Decision(decision) => decision,
        };
        verdict.decided_at = now;
        verdict.reason = match what {
            Act::Label(label) => format!("{by} said that this is {label}."),
            Act::Decision(decision) => format!("{by} decided: {decision}."),
        };
        let kind = if before.is_some() { EventKind::Redecided } else { EventKind::Decided };
        let event = outgoing(kind, site, id, stored.comment.external_id.as_deref(), &verdict);
        let act = HumanAct { at: now, by: by.to_owned(), via: via.to_owned(), what, before };
        self.store.record_act(site.id, id, act, verdict.clone(), event).await?;
        self.decided(verdict.decision);
        Ok(verdict)
    }

    /// A verdict was kept: counts it and wakes who tells endpoints of it.
    fn decided(&self, decision: Decision) {
        metrics::counter!("hamlet_decisions_total", "decision" => decision.as_str()).increment(1);
        self.told.notify_one();
    }

    async fn existing(&self, site: &Site, id: CommentId) -> Result<StoredComment, StoreError> {
        self.store.comment(site.id, id).await?.ok_or_else(|| StoreError::NotFound(format!("comment {id}")))
    }

    fn new_comment(&self, site: &Site, submission: Submission) -> NewComment {
        let received_at = self.clock.now();
        NewComment {
            id: random::comment_id(received_at),
            site: site.id,
            comment: submission.comment,
            received_at,
            idempotency_key: submission.idempotency_key,
            fingerprint: submission.fingerprint,
        }
    }
}

/// The message that tells endpoints of a verdict.
fn outgoing(kind: EventKind, site: &Site, id: CommentId, external_id: Option<&str>, verdict: &Verdict) -> Outgoing {
    let timestamp: Timestamp = verdict.decided_at;
    let data = EventData { id: Some(id), external_id, site: &site.name, verdict: Some(verdict) };
    Outgoing { message_id: random::message_id(timestamp), body: Event { kind, timestamp, data }.body() }
}
