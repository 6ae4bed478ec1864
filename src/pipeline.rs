//! The one road from a comment to a verdict that is kept.
//!
//! Owns the order of things: judge, then store comment, verdict and message in one transaction. Every door and the
//! worker go through here. Does not own how a comment is judged (`decision`), kept (`store`) or told (`webhook`).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, mpsc};

use crate::clock::Clock;
use crate::comment::{Comment, CommentId};
use crate::decision::Judge;
use crate::event::{Event, EventData, EventKind};
use crate::key::{Key, KeyHash};
use crate::lists::Lists;
use crate::random;
use crate::site::{Site, SiteId};
use crate::statistics;
use crate::store::{Act, Admission, Change, DecisionJob, Directory, HistoryEntry, NewComment, Outgoing, Status, Store};
use crate::store::{Endpoint, EndpointId, EndpointKind, EndpointSecret, StoreError, StoredComment};
use crate::verdict::{Decision, Label, Verdict};
use crate::webhook::{CallBack, Word};

/// How long a comment that was handed over stays out of other workers' sight: a queue in memory is gone with its
/// process, and this is how long its comments then wait.
const HAND_OVER_LEASE: Duration = Duration::from_secs(10);

/// How many call-backs are remembered; a site has one.
const CALLBACKS_KNOWN: usize = 10_000;

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
    hand_over: ArcSwapOption<mpsc::Sender<DecisionJob>>,
    /// Rung when there may be a message to send.
    pub told: Notify,
    judge: ArcSwap<Judge>,
    callers: ArcSwap<Callers>,
    /// Call-backs that were seen, so that the store need not be asked each time: their endpoints, and with which key.
    callbacks: Mutex<HashMap<(SiteId, String), (EndpointId, KeyHash)>>,
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
    by_key: HashMap<KeyHash, Known>,
    by_id: HashMap<SiteId, Tenant>,
}

/// A key and the site it speaks for; `None`: every site.
#[derive(Clone, Debug)]
pub struct Known {
    pub key: Arc<Key>,
    pub site: Option<Arc<Site>>,
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
            callbacks: Mutex::default(),
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
        let ready = |site: Arc<Site>| (site.id, Tenant { lists: Lists::of(&site.policy.lists), site });
        let by_id: HashMap<_, _> = directory.sites.into_iter().map(ready).collect();
        let site_of = |id| by_id.get(&id).map(|tenant: &Tenant| Arc::clone(&tenant.site));
        let known = |key: Arc<Key>| {
            // A key whose site is gone must not become one of every site.
            let site = match key.site {
                Some(id) => Some(site_of(id)?),
                None => None,
            };
            Some((key.hash, Known { key, site }))
        };
        let by_key = directory.keys.into_iter().filter_map(known).collect();
        let new = Arc::new(Callers { generation: directory.generation, by_key, by_id });
        self.callers.rcu(|now| if now.generation > new.generation { Arc::clone(now) } else { Arc::clone(&new) });
    }

    /// Reads sites and keys anew, so that what was just changed here counts from the next request on.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.set_directory(self.store.directory().await?);
        Ok(())
    }

    /// Who has this key, if it is valid now.
    ///
    /// Hashes are looked up, not keys: how long it takes says nothing of a key that is nearly right.
    pub fn caller(&self, key: &str) -> Option<Known> {
        let known = self.callers.load().by_key.get(&key_hash(key)).cloned()?;
        known.key.is_valid(self.clock.now()).then_some(known)
    }

    /// The site of this name.
    pub fn site_named(&self, name: &str) -> Option<Arc<Site>> {
        let callers = self.callers.load();
        callers.by_id.values().find(|tenant| tenant.site.name == name).map(|tenant| Arc::clone(&tenant.site))
    }

    pub fn site(&self, id: SiteId) -> Option<Arc<Site>> {
        self.callers.load().by_id.get(&id).map(|tenant| Arc::clone(&tenant.site))
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

    /// Judges and keeps comment, verdict and deliveries. A repeat gets the verdict that stands; an edit is judged anew.
    pub async fn check(&self, site: &Site, submission: Submission) -> Result<(CommentId, Verdict), StoreError> {
        let new = self.new_comment(site, submission);
        let again = again_of(&new);
        let verdict = self.judge(&new.comment, site);
        let event = outgoing(EventKind::Decided, site, new.id, new.comment.external_id.as_deref(), &verdict);
        match self.store.admit_decided(new, verdict.clone(), event).await? {
            Admission::New { id, .. } => {
                self.decided(site, verdict.decision);
                Ok((id, verdict))
            }
            Admission::Repeat { id, may_be_edit } => {
                let stored = self.repeated(site, id, again, may_be_edit).await?;
                match stored.status {
                    Status::Decided { verdict } => Ok((id, verdict)),
                    Status::Queued | Status::DeadLetter { .. } => Ok((id, self.judge(&stored.comment, site))),
                }
            }
        }
    }

    /// A comment that was there before, as it stands once it is known whether its author edited it.
    async fn repeated(
        &self,
        site: &Site,
        id: CommentId,
        again: Submission,
        may_be_edit: bool,
    ) -> Result<StoredComment, StoreError> {
        let stored = self.existing(site, id).await?;
        if !may_be_edit || !again.comment.is_edit_of(&stored.comment) {
            return Ok(stored);
        }
        self.edit(site, stored, again, VIA_CMS).await?;
        self.existing(site, id).await
    }

    /// From now on comments are handed over as they are queued, `room` of them at most; those beyond, and all whose
    /// lease runs out, are found in the store.
    pub fn take_over(&self, room: usize) -> mpsc::Receiver<DecisionJob> {
        let (sender, receiver) = mpsc::channel(room.max(1));
        self.hand_over.store(Some(Arc::new(sender)));
        receiver
    }

    /// Keeps the comment for the worker; durable when this returns. An edit of one that is there is judged at once.
    pub async fn submit(&self, site: &Site, submission: Submission) -> Result<Submitted, StoreError> {
        let new = self.new_comment(site, submission);
        let again = again_of(&new);
        match self.admit(new).await? {
            Admission::New { id, .. } => Ok(Submitted::Queued(id)),
            Admission::Repeat { id, may_be_edit } => {
                Ok(Submitted::Known(Box::new(self.repeated(site, id, again, may_be_edit).await?)))
            }
        }
    }

    /// Admits a comment to the queue and hands it over, if there is room.
    async fn admit(&self, new: NewComment) -> Result<Admission, StoreError> {
        let worker = self.hand_over.load_full();
        let place = worker.as_deref().and_then(|worker| worker.try_reserve().ok());
        let Some(place) = place else {
            let admission = self.store.admit_queued(new, None).await?;
            self.queued.notify_one();
            return Ok(admission);
        };
        let (site, received_at, comment) = (new.site, new.received_at, new.comment.clone());
        let admission = self.store.admit_queued(new, Some(received_at + HAND_OVER_LEASE)).await?;
        if let Admission::New { id, lease: Some(lease) } = admission {
            place.send(DecisionJob { lease, id, site, comment, received_at });
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
        self.store.record_verdict(job, verdict, event).await?;
        self.decided(&site, decision);
        Ok(())
    }

    /// Keeps what a person said and the verdict that follows; endpoints are told.
    ///
    /// * `what`: a label or a decision;
    /// * `by`, `via`: who, and through which door.
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
        let (before, judged, mut verdict) = match stored.status {
            Status::Decided { verdict } => (Some(verdict.decision), None, verdict),
            Status::Queued | Status::DeadLetter { .. } => {
                let verdict = self.judge(&stored.comment, site);
                (None, Some(verdict.decision), verdict)
            }
        };
        let decided_by_checks = stored.judged.or(judged).unwrap_or(verdict.decision);
        let now = self.clock.now();
        let said = match what {
            Act::Label(label) => Some((label.decision(), format!("{by} said that this is {label}."))),
            Act::Decision(decision) => Some((decision, format!("{by} decided: {decision}."))),
            Act::Recheck(_) | Act::Edit(_) => None,
        };
        if let Some((decision, reason)) = said {
            (verdict.decision, verdict.reason, verdict.decided_at) = (decision, reason, now);
        }
        let kind = if before.is_some() { EventKind::Redecided } else { EventKind::Decided };
        let event = outgoing(kind, site, id, stored.comment.external_id.as_deref(), &verdict);
        let entry = HistoryEntry { at: now, by: by.to_owned(), via: via.to_owned(), what, before };
        // What the CMS said need not be told to it.
        let call_back = (![VIA_AKISMET, VIA_CALLBACK].contains(&via)).then(|| call_back(id, &verdict)).flatten();
        let verdict_now = verdict.clone();
        let change = Change {
            entry,
            verdict: verdict_now,
            judged,
            comment: None,
            idempotency_key: None,
            fingerprint: None,
            event: Some(event),
            call_back,
        };
        if self.store.record_change(site.id, id, change).await? {
            self.decided(site, verdict.decision);
            if let Act::Label(label) = what
                && let Some(mistake) = statistics::mistake(decided_by_checks, label)
            {
                let site = site.name.clone();
                metrics::counter!("hamlet_mistakes_total", "site" => site, "mistake" => mistake).increment(1);
            }
        }
        Ok(verdict)
    }

    /// Judges a comment again, with the model, rules and lists of now. The verdict that stands afterwards: a person's
    /// word is not touched. Endpoints are told if the decision changed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such comment.
    pub async fn recheck(&self, site: &Site, id: CommentId, by: &str, via: &str) -> Result<Verdict, StoreError> {
        let stored = self.existing(site, id).await?;
        let is_final = stored.has_a_persons_word();
        let before = match stored.status {
            Status::Decided { verdict } if is_final => return Ok(verdict),
            Status::Decided { verdict } => Some(verdict.decision),
            Status::Queued | Status::DeadLetter { .. } => None,
        };
        let verdict = self.judge(&stored.comment, site);
        let what = Act::Recheck(verdict.decision);
        let change = self.rejudged(site, id, &stored.comment, what, before, verdict.clone(), by, via);
        if self.store.record_change(site.id, id, change).await? {
            self.decided(site, verdict.decision);
            return Ok(verdict);
        }
        // A person spoke in between.
        match self.existing(site, id).await?.status {
            Status::Decided { verdict } => Ok(verdict),
            Status::Queued | Status::DeadLetter { .. } => Ok(verdict),
        }
    }

    /// A comment that comes again, which the CMS says is `id`: judged anew as it reads now if its author edited it (what
    /// people said was about the old text), else as [`Pipeline::recheck`] does.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such comment.
    pub async fn again(
        &self,
        site: &Site,
        id: CommentId,
        submission: Submission,
        via: &str,
    ) -> Result<Verdict, StoreError> {
        let stored = self.existing(site, id).await?;
        if submission.comment.is_edit_of(&stored.comment) {
            self.edit(site, stored, submission, via).await
        } else {
            self.recheck(site, id, &site.name, via).await
        }
    }

    /// Puts another text in the place of a comment's and judges it.
    async fn edit(
        &self,
        site: &Site,
        stored: StoredComment,
        submission: Submission,
        via: &str,
    ) -> Result<Verdict, StoreError> {
        let before = match &stored.status {
            Status::Decided { verdict } => Some(verdict.decision),
            Status::Queued | Status::DeadLetter { .. } => None,
        };
        let Submission { comment, idempotency_key, fingerprint, .. } = submission;
        let verdict = self.judge(&comment, site);
        let what = Act::Edit(verdict.decision);
        let change = self.rejudged(site, stored.id, &comment, what, before, verdict.clone(), &site.name, via);
        let change = Change { comment: Some(comment), idempotency_key, fingerprint, ..change };
        self.store.record_change(site.id, stored.id, change).await?;
        self.decided(site, verdict.decision);
        Ok(verdict)
    }

    /// The endpoint that stands for the call-back of a site's CMS, which is made if it is not there.
    ///
    /// * `key`: the API key that the CMS uses, which its plugin wants to be shown.
    pub async fn callback(&self, site: &Site, url: &str, key: &str) -> Result<EndpointId, StoreError> {
        let name = (site.id, url.to_owned());
        let hash = key_hash(key);
        let known = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some((id, _)) = known.filter(|(_, known)| *known == hash) {
            return Ok(id);
        }
        let now = self.clock.now();
        let endpoint = Endpoint {
            id: random::endpoint_id(now),
            site: site.id,
            kind: EndpointKind::Callback,
            url: url.to_owned(),
            events: None,
            created_at: now,
            disabled: None,
            failing_since: None,
            secrets: vec![EndpointSecret { secret: key.to_ascii_lowercase(), expires_at: None }],
        };
        let id = self.store.callback_endpoint(endpoint).await?;
        let mut callbacks = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        if callbacks.len() >= CALLBACKS_KNOWN {
            callbacks.clear();
        }
        callbacks.insert(name, (id.clone(), hash));
        Ok(id)
    }

    /// A call-back came too late: a moderator had decided in the CMS, and that is the label.
    pub async fn heard_from_cms(&self, site: SiteId, guid: &str, word: Word) -> Result<(), StoreError> {
        let (Some(site), Some(id)) = (self.site(site), CommentId::of_guid(guid)) else { return Ok(()) };
        let label = match word {
            Word::Ham => Label::Ham,
            Word::Spam => Label::Spam,
        };
        match self.overrule(&site, id, Act::Label(label), "a moderator", VIA_CALLBACK).await {
            Err(StoreError::NotFound(_)) => Ok(()),
            done => done.map(drop),
        }
    }

    /// What follows from a verdict of the checks on a comment that was there before.
    #[expect(clippy::too_many_arguments, reason = "the parts of one record")]
    fn rejudged(
        &self,
        site: &Site,
        id: CommentId,
        comment: &Comment,
        what: Act,
        before: Option<Decision>,
        verdict: Verdict,
        by: &str,
        via: &str,
    ) -> Change {
        let kind = if before.is_some() { EventKind::Redecided } else { EventKind::Decided };
        let is_news = before != Some(verdict.decision) || matches!(what, Act::Edit(_));
        let event = is_news.then(|| outgoing(kind, site, id, comment.external_id.as_deref(), &verdict));
        let entry = HistoryEntry { at: verdict.decided_at, by: by.to_owned(), via: via.to_owned(), what, before };
        let call_back = (is_news && via != VIA_AKISMET).then(|| call_back(id, &verdict)).flatten();
        let judged = Some(verdict.decision);
        let (comment, idempotency_key, fingerprint) = (None, None, None);
        Change { entry, judged, verdict, comment, idempotency_key, fingerprint, event, call_back }
    }

    /// A verdict was kept: counts it and wakes who tells endpoints of it.
    fn decided(&self, site: &Site, decision: Decision) {
        let site = site.name.clone();
        metrics::counter!("hamlet_decisions_total", "site" => site, "decision" => decision.as_str()).increment(1);
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
            callback: submission.callback,
        }
    }
}

/// The same comment, for the case that it turns out to have been there before.
fn again_of(new: &NewComment) -> Submission {
    let NewComment { comment, idempotency_key, fingerprint, callback, .. } = new.clone();
    Submission { comment, idempotency_key, fingerprint, callback }
}

/// The message that tells endpoints of a verdict.
fn outgoing(kind: EventKind, site: &Site, id: CommentId, external_id: Option<&str>, verdict: &Verdict) -> Outgoing {
    let timestamp: Timestamp = verdict.decided_at;
    let data =
        EventData { id: Some(id), external_id, site: &site.name, verdict: Some(verdict), ..EventData::default() };
    Outgoing { kind, message_id: random::message_id(timestamp), body: Event { kind, timestamp, data }.body() }
}

/// The message that tells a CMS's call-back of a verdict. A hold is none: that is what it has already.
fn call_back(id: CommentId, verdict: &Verdict) -> Option<Outgoing> {
    let is_spam = match verdict.decision {
        Decision::Approve => false,
        Decision::Spam | Decision::Discard => true,
        Decision::Hold => return None,
    };
    let body = CallBack { guid: id.guid(), is_spam }.body();
    Some(Outgoing { kind: EventKind::Redecided, message_id: random::message_id(verdict.decided_at), body })
}
