//! The one road from a comment to a verdict that is kept.
//!
//! Owns the order of things: judge, then store comment, verdict and message in one transaction. Every door and the
//! worker go through here. Who may knock is in `callers`, what happens after the first verdict in `afterwards`, what labels
//! taught in `learning`. Does not own how a comment is judged (`decision`), kept (`store`) or told (`webhook`).

mod afterwards;
mod asking;
mod backlog;
mod budgets;
mod callbacks;
mod callers;
mod campaigns;
mod duty;
mod gathering;
mod hand_over;
mod history;
mod learning;
mod lists;
mod muting;
mod telling;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::comment::{Comment, CommentId};
use crate::decision::Judge;
use crate::facts::Facts;
use crate::language::Language;
use crate::network::Network;
use crate::random;
use crate::rules::Case;
use crate::rules::mute::Seen;
use crate::site::{Site, SiteId};
use crate::store::StoredComment;
use crate::store::{
    Admission, DecisionJob, Directory, EndpointId, NewComment, Status, Store, StoreError, Traces, Verbs, timed,
};
use crate::text::Text;
use crate::verdict::{Decision, Verdict};
pub use afterwards::{Overruled, Said};
pub use backlog::{Backlog, Backlogged, Bounds};
use callbacks::CallBacks;
use callers::Callers;
pub use callers::{Known, key_hash};
pub use campaigns::{CampaignChange, Common};
pub use duty::{Duty, TERM};
use hand_over::HandOver;
pub use hand_over::TakeOver;
pub use learning::Learned;
use learning::Learning;
use lists::Shelf;
pub use muting::Muted;
use muting::Muting;
use telling::first_outgoing;

/// How long a comment that was handed over stays out of other workers' sight: a queue in memory is gone with its
/// process, and this is how long its comments then wait.
const HAND_OVER_LEASE: Duration = Duration::from_secs(10);

/// The door through which a CMS that speaks the Akismet protocol tells what a moderator did.
pub const VIA_AKISMET: &str = "akismet";
/// A message that brings a known comment with another text.
const VIA_CMS: &str = "cms";
/// The answer to a call-back.
const VIA_CALLBACK: &str = "callback";

/// What doors and worker share: the store, the clock, the judge of the hour, and who may knock.
pub struct Pipeline {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    /// Rung when a comment was queued. Who waits for it also looks now and then: other processes cannot ring.
    pub queued: Notify,
    /// Where this process's worker takes comments over, so that it need not ask the store for what was just in hand.
    hand_over: ArcSwapOption<HandOver>,
    /// Rung when there may be a message to send.
    pub told: Notify,
    /// Rung when a comment was judged and waits to be counted.
    pub judged: Notify,
    judge: ArcSwap<Judge>,
    callers: ArcSwap<Callers>,
    shelf: Shelf,
    call_backs: CallBacks,
    learning: Learning,
    network: ArcSwapOption<Network>,
    muting: Muting,
    /// How much waits for a verdict.
    pub backlog: Backlog,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pipeline").field("judge", &self.judge).finish_non_exhaustive()
    }
}

/// A comment as a door hands it over.
#[derive(Clone, Debug)]
pub struct Submission {
    pub comment: Comment,
    pub idempotency_key: Option<String>,
    /// By which a later label finds the comment again; only the Akismet door needs it.
    pub fingerprint: Option<i64>,
    /// Whom the CMS wants told when the decision changes; see [`Pipeline::callback`].
    pub callback: Option<EndpointId>,
}

impl Submission {
    /// A comment of which nothing else is said.
    pub fn of(comment: Comment, idempotency_key: Option<String>) -> Submission {
        Submission { comment, idempotency_key, fingerprint: None, callback: None }
    }
}

/// What became of a comment that was to be queued.
#[derive(Debug)]
pub enum Submitted {
    Queued(CommentId),
    /// It was there before: as it stands now.
    Known(Box<StoredComment>),
}

impl Submitted {
    pub fn id(&self) -> CommentId {
        match self {
            Submitted::Queued(id) => *id,
            Submitted::Known(stored) => stored.id,
        }
    }
}

impl Pipeline {
    pub fn new(store: Arc<dyn Store>, clock: Clock, judge: Judge) -> Pipeline {
        Pipeline {
            store,
            clock,
            queued: Notify::new(),
            hand_over: ArcSwapOption::empty(),
            told: Notify::new(),
            judged: Notify::new(),
            judge: ArcSwap::from_pointee(judge),
            callers: ArcSwap::from_pointee(Callers::default()),
            shelf: Shelf::default(),
            call_backs: CallBacks::default(),
            learning: Learning::default(),
            network: ArcSwapOption::empty(),
            muting: Muting::default(),
            backlog: Backlog::default(),
        }
    }

    /// Puts another judge in place; requests in flight finish with the old one.
    pub fn set_judge(&self, judge: Judge) {
        self.judge.store(Arc::new(judge));
    }

    pub fn current_judge(&self) -> Arc<Judge> {
        self.judge.load_full()
    }

    /// Puts sites and keys in place, unless what is there was read later.
    pub fn set_directory(&self, directory: Directory) {
        let new = Arc::new(Callers::of(directory));
        let before = self.callers.rcu(|now| Arc::clone(if now.is_newer_than(&new) { now } else { &new }));
        self.learning.forget_removed(&before, &self.callers.load());
        self.muting.forget_removed(&self.callers.load());
    }

    /// Reads sites, keys and lists anew, so that what was just changed here counts from the next request on.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let directory = self.store.directory().await?;
        self.follow_lists(&directory).await?;
        self.set_directory(directory);
        Ok(())
    }

    /// Who has this key, if it is valid now.
    pub fn caller(&self, key: &str) -> Option<Known> {
        let known = self.callers.load().known(key).cloned()?;
        known.key.is_valid(self.clock.now()).then_some(known)
    }

    /// The site of this name.
    pub fn site_named(&self, name: &str) -> Option<Arc<Site>> {
        self.callers.load().site_named(name).cloned()
    }

    /// The sites that have a budget.
    pub fn sites_with_budget(&self) -> Vec<Arc<Site>> {
        self.callers.load().sites().filter(|site| site.policy.budget.is_some()).cloned().collect()
    }

    pub fn site(&self, id: SiteId) -> Option<Arc<Site>> {
        self.callers.load().site(id).cloned()
    }

    /// The verdict on `comment` as if it came in now; nothing is kept. `id` is its own, when it is stored already.
    pub async fn judge(&self, comment: &Comment, site: &Site, id: Option<CommentId>) -> Verdict {
        self.judge_traced(comment, site, id).await.0
    }

    /// The same, with what the comment is known by from then on.
    async fn judge_traced(&self, comment: &Comment, site: &Site, id: Option<CommentId>) -> (Verdict, Traces) {
        let started = Instant::now();
        let text = Text::of(comment);
        let traces = history::traces(comment, &text, site);
        let facts = self.facts(comment, &text, site, id, &traces).await;
        (self.judge_knowing(comment, &text, site, &facts, started), traces)
    }

    /// The verdict on `comment` as if it came in now, with the facts of another time: nobody is asked.
    pub fn judge_anew(&self, comment: &Comment, site: &Site, facts: &Facts) -> Verdict {
        self.judge_knowing(comment, &Text::of(comment), site, facts, Instant::now())
    }

    fn judge_knowing(&self, comment: &Comment, text: &Text, site: &Site, facts: &Facts, started: Instant) -> Verdict {
        let case = Case { comment, text, facts, site };
        let now = self.clock.now();
        let (lists, taught) = (self.lists(site.id), self.taught(site.id));
        let mut verdict = self.judge.load().judge_case(&case, &lists, &taught, now);
        let language = Language::of_site(site.policy.language, comment.lang.as_deref());
        history::follow_campaign(&mut verdict, site, language);
        verdict.micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        verdict
    }

    /// Judges and keeps comment, verdict and deliveries. A repeat gets the verdict that stands; an edit is judged anew.
    pub async fn check(&self, site: &Site, submission: Submission) -> Result<(CommentId, Verdict), StoreError> {
        let mut new = self.new_comment(site, submission);
        let edit = edit_of(&new);
        let (verdict, traces) = self.judge_traced(&new.comment, site, None).await;
        new.traces = traces;
        let event = first_outgoing(site, new.id, &new.comment, &verdict);
        match timed(Verbs::Admit, self.store.admit_decided(new, &verdict, event)).await? {
            Admission::New { id, .. } => {
                follow(id, "checked");
                self.muting.observe(site, &Seen::in_verdict(&verdict));
                self.decided(site, verdict.decision);
                Ok((id, verdict))
            }
            Admission::Repeat { id, may_be_edit } => {
                // Boxed, because it is rare and its future large: what a request's future holds is moved for each.
                let stored = Box::pin(self.repeated(site, id, edit.filter(|_| may_be_edit))).await?;
                match stored.status {
                    Status::Decided { verdict } => Ok((id, verdict)),
                    Status::Queued | Status::DeadLetter { .. } => {
                        let verdict = self.judge(&stored.comment, site, Some(id)).await;
                        Ok((id, verdict))
                    }
                }
            }
        }
    }

    /// A comment that was there before, as it stands once it is known whether its author edited it.
    async fn repeated(
        &self,
        site: &Site,
        id: CommentId,
        edit: Option<Submission>,
    ) -> Result<StoredComment, StoreError> {
        let stored = self.existing(site, id).await?;
        let Some(edit) = edit.filter(|edit| edit.comment.is_edit_of(&stored.comment)) else { return Ok(stored) };
        self.edit(site, stored, edit, VIA_CMS).await?;
        self.existing(site, id).await
    }

    /// From now on comments are handed over as they are queued, `room` of them at most; those beyond, and all whose
    /// lease runs out, are found in the store.
    pub fn take_over(&self, room: usize) -> TakeOver {
        let (hand_over, worker) = HandOver::new(room);
        self.hand_over.store(Some(hand_over));
        worker
    }

    /// Keeps the comment for the worker; durable when this returns. An edit of one that is there is judged at once.
    pub async fn submit(&self, site: &Site, submission: Submission) -> Result<Submitted, StoreError> {
        let new = self.new_comment(site, submission);
        let edit = edit_of(&new);
        // Before it is written: many may come at once.
        self.backlog.queued(site.id);
        let admission = self.admit(new).await;
        if !matches!(admission, Ok(Admission::New { .. })) {
            self.backlog.taken_back(site.id);
        }
        match admission? {
            Admission::New { id, .. } => {
                follow(id, "queued");
                Ok(Submitted::Queued(id))
            }
            Admission::Repeat { id, may_be_edit } => {
                Ok(Submitted::Known(Box::new(Box::pin(self.repeated(site, id, edit.filter(|_| may_be_edit))).await?)))
            }
        }
    }

    /// Admits a comment to the queue and hands it over, if there is room.
    async fn admit(&self, new: NewComment) -> Result<Admission, StoreError> {
        let worker = self.hand_over.load_full();
        let place = worker.and_then(|worker| worker.place(new.site));
        let Some(place) = place else {
            let admission = timed(Verbs::Admit, self.store.admit_queued(new, None)).await?;
            self.queued.notify_one();
            return Ok(admission);
        };
        let (site, received_at, comment) = (new.site, new.received_at, new.comment.clone());
        let admission = self.store.admit_queued(new, Some(received_at + HAND_OVER_LEASE));
        let admission = timed(Verbs::Admit, admission).await?;
        if let Admission::New { id, lease: Some(lease) } = admission {
            place.fill(DecisionJob { lease, id, site, comment, received_at });
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
        let (verdict, traces) = self.judge_traced(&job.comment, &site, Some(job.id)).await;
        let (decision, seen) = (verdict.decision, Seen::in_verdict(&verdict));
        let event = first_outgoing(&site, job.id, &job.comment, &verdict);
        timed(Verbs::Verdict, self.store.record_verdict(job, verdict, event, traces)).await?;
        let waited = self.clock.now().duration_since(job.received_at).as_secs_f64();
        metrics::histogram!("hamlet_decision_wait_seconds").record(waited.max(0.0));
        tracing::debug!(site = %site.name, decision = decision.as_str(), "decided");
        self.backlog.decided(site.id);
        self.muting.observe(&site, &seen);
        self.decided(&site, decision);
        Ok(())
    }

    /// A verdict was kept: counts it and wakes who tells endpoints of it, and who remembers it.
    fn decided(&self, site: &Site, decision: Decision) {
        let site = site.name.clone();
        metrics::counter!("hamlet_decisions_total", "site" => site, "decision" => decision.as_str()).increment(1);
        self.told.notify_one();
        self.judged.notify_one();
    }

    async fn existing(&self, site: &Site, id: CommentId) -> Result<StoredComment, StoreError> {
        timed(Verbs::Read, self.store.comment(site.id, id))
            .await?
            .ok_or_else(|| StoreError::NotFound(format!("comment {id}")))
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
            callback: submission.callback,
            traces: Traces::default(),
        }
    }
}

/// Says at which door a comment came in and under which id, for whoever follows it through the log.
fn follow(id: CommentId, what: &'static str) {
    if tracing::enabled!(tracing::Level::DEBUG) {
        tracing::Span::current().record("comment", tracing::field::display(id));
        tracing::debug!("{what}");
    }
}

/// The same comment, for the case that it turns out to be an edit of one that was there before: only an id of the CMS's own can
/// tell.
fn edit_of(new: &NewComment) -> Option<Submission> {
    new.comment.external_id.as_ref()?;
    let NewComment { comment, idempotency_key, fingerprint, callback, .. } = new.clone();
    Some(Submission { comment, idempotency_key, fingerprint, callback })
}
