//! The store's contract as stories; every engine in [`ENGINES`] passes all of them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hamlet::budget::{Chosen, Measured};
use hamlet::comment::{Comment, CommentId};
use hamlet::event::EventKind;
use hamlet::key::{KeyHash, NewKey, Scopes};
use hamlet::random;
use hamlet::site::{Policy, Site, SiteId};
use hamlet::statistics::{Day, Kind};
use hamlet::store::{
    Act, Admission, Attempt, Change, CommentFilter, DecisionJob, DeliveryFilter, DeliveryJob, DeliveryState, Directory,
    Endpoint, EndpointChange, EndpointKind, EndpointSecret, EndpointState, Full, HamWord, HistoryEntry, JobId, Lease,
    Lesson, Lessons, ModelRecord, NewComment, NewLabels, NextStep, Outgoing, Query, Settings, Status, StatusWord,
    Store, StoreError, Traces,
};
use hamlet::verdict::{Decision, Evidence, Label, Nats, Score, Share, Verdict};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::postgres::fresh_database;

/// An engine: its name, and the URL of a fresh store that may keep files in the folder.
struct Engine {
    name: &'static str,
    url: fn(&Path) -> String,
}

const ENGINES: &[Engine] =
    &[Engine { name: "sqlite", url: |_| "sqlite".to_owned() }, Engine { name: "postgres", url: |_| fresh_database() }];

const LEASE: Duration = Duration::from_secs(30);

/// A store with one site in it.
struct House {
    store: Arc<dyn Store>,
    site: Site,
    url: String,
    folder: TempDir,
}

impl House {
    async fn on(engine: &Engine) -> House {
        let folder = TempDir::new().unwrap();
        let url = (engine.url)(folder.path());
        let store = hamlet::store::open(&url, folder.path(), Settings::default()).await.unwrap();
        let site = store.add_site("news", "https://news.example/", Policy::standard(), [1; 32], at(0)).await.unwrap();
        House { store, site, url, folder }
    }

    /// The same store, opened once more.
    async fn once_more(&self) -> Arc<dyn Store> {
        hamlet::store::open(&self.url, self.folder.path(), Settings::default()).await.unwrap()
    }

    fn fresh(&self, text: &str) -> NewComment {
        NewComment {
            id: random::comment_id(at(0)),
            site: self.site.id,
            comment: Comment::of_text(text),
            received_at: at(0),
            idempotency_key: None,
            fingerprint: None,
            callback: None,
            traces: Traces::default(),
        }
    }

    async fn queue(&self, text: &str) -> CommentId {
        self.store.admit_queued(self.fresh(text), None).await.unwrap().id()
    }

    async fn check(&self, text: &str, decision: Decision) -> CommentId {
        self.store.admit_decided(self.fresh(text), &verdict(decision), event(text)).await.unwrap().id()
    }

    async fn claim(&self, seconds: i64) -> Vec<DecisionJob> {
        self.store.claim_decisions(at(seconds), LEASE, 100).await.unwrap()
    }

    async fn status(&self, id: CommentId) -> Status {
        self.store.comment(self.site.id, id).await.unwrap().unwrap().status
    }

    async fn listen(&self, id: &str) {
        let endpoint = Endpoint {
            id: id.to_owned(),
            site: self.site.id,
            url: format!("https://{id}.example/"),
            created_at: at(0),
            kind: EndpointKind::Webhook,
            events: None,
            disabled: None,
            failing_since: None,
            secrets: vec![EndpointSecret { secret: format!("whsec_{id}"), expires_at: None }],
        };
        self.store.add_endpoint(endpoint).await.unwrap();
    }

    async fn deliveries(&self, seconds: i64) -> Vec<DeliveryJob> {
        self.store.claim_deliveries(at(seconds), LEASE, 100, &Full::default()).await.unwrap()
    }

    /// What is due, as `endpoint: message`.
    async fn told(&self, seconds: i64) -> Vec<String> {
        let mut told: Vec<String> = self
            .deliveries(seconds)
            .await
            .iter()
            .map(|delivery| format!("{}: {}", delivery.endpoint.id, delivery.body))
            .collect();
        told.sort();
        told
    }

    async fn attempt(&self, lease: Lease, status: u16, next: NextStep, seconds: i64) -> Result<(), StoreError> {
        let error = if status < 300 { String::new() } else { format!("HTTP {status}") };
        let (latency, answer) = (Duration::from_millis(7), format!("answer {status}"));
        let attempt = Attempt { status: Some(status), error, latency, answer, next };
        self.store.record_attempt(lease, attempt, at(seconds)).await
    }

    async fn say(&self, id: CommentId, what: Act, seconds: i64, body: &str) -> Result<(), StoreError> {
        let decision = match what {
            Act::Label(label) => label.decision(),
            Act::Decision(decision) | Act::Recheck(decision) | Act::Edit(decision) | Act::Undo(decision) => decision,
        };
        self.change(id, what, seconds, verdict(decision), Some(event(body))).await.map(drop)
    }

    /// Records `what`, of which the checks said the verdict's decision if they were asked.
    async fn change(
        &self,
        id: CommentId,
        what: Act,
        seconds: i64,
        verdict: Verdict,
        event: Option<Outgoing>,
    ) -> Result<bool, StoreError> {
        let entry = HistoryEntry { at: at(seconds), by: "ada".into(), via: "api".into(), what, before: None };
        let is_of_checks = matches!(what, Act::Recheck(_) | Act::Edit(_));
        let judged = is_of_checks.then_some(verdict.decision);
        let comment = matches!(what, Act::Edit(_)).then(edited);
        let idempotency_key = comment.as_ref().map(|_| format!("edit {seconds}"));
        let call_back = Some(self::event("called back"));
        let (campaign, traces) = (None, None);
        let change = Change {
            entry,
            verdict,
            judged,
            comment,
            idempotency_key,
            fingerprint: None,
            event,
            call_back,
            campaign,
            traces,
        };
        self.store.record_change(self.site.id, id, change).await
    }
}

/// Queues so many comments at the house's site, each a microsecond after the one before, from 256 callers at once.
/// Comments of one site, each a microsecond after the one before.
async fn flood(house: &House, count: usize, since: Timestamp) {
    let mut queueing = tokio::task::JoinSet::new();
    for number in 0..count {
        if queueing.len() >= 256 {
            queueing.join_next().await.unwrap().unwrap();
        }
        let received_at = since + Duration::from_micros(u64::try_from(number).unwrap());
        let new = NewComment { received_at, ..house.fresh("one of a flood") };
        let store = Arc::clone(&house.store);
        queueing.spawn(async move { store.admit_queued(new, None).await.map(|_| ()).unwrap() });
    }
    while let Some(queued) = queueing.join_next().await {
        queued.unwrap();
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn verdict(decision: Decision) -> Verdict {
    let evidence = vec![Evidence::new("BAYES", Nats::clamped(1.5), "")];
    Verdict {
        decision,
        score: Score::of(&evidence),
        evidence,
        tokens: Vec::new(),
        thresholds: Policy::standard().thresholds,
        facts: hamlet::facts::Facts::NONE,
        max_blocked_ham: None,
        reason: "It reads like an advertisement.".into(),
        otherwise: None,
        not_sent: Vec::new(),
        model: "test".into(),
        rules: "1".into(),
        decided_at: at(1),
        micros: 41,
    }
}

/// The comment that every edit of these stories leaves behind.
fn edited() -> Comment {
    Comment { external_id: Some("7".into()), ..Comment::of_text("edited") }
}

/// A claim on a comment of [`House::site`] about which the store knows better.
fn held(lease: Lease, id: CommentId) -> DecisionJob {
    DecisionJob { lease, id, site: SiteId(1), comment: Comment::of_text(""), received_at: at(0) }
}

fn enabled() -> EndpointChange {
    EndpointChange { state: Some(EndpointState::Enabled), ..EndpointChange::default() }
}

fn keys(directory: &Directory) -> Vec<(KeyHash, Option<SiteId>)> {
    directory.keys.iter().map(|key| (key.hash, key.site)).collect()
}

fn new_key(site: Option<SiteId>, byte: u8) -> NewKey {
    NewKey { site, name: String::new(), scopes: Scopes::ALL, hash: [byte; 32], expires_at: None }
}

fn event(body: &str) -> Outgoing {
    Outgoing { kind: EventKind::Decided, message_id: random::message_id(at(0)), body: body.into() }
}

fn decided(decision: Decision) -> Status {
    Status::Decided { verdict: verdict(decision) }
}

/// How often a text of a site has a label.
type Counts = BTreeMap<(SiteId, String, &'static str), i64>;

/// Takes the lessons after `up_to`, `limit` at once; up to where they went.
async fn follow(store: &dyn Store, mut up_to: i64, limit: u32, counts: &mut Counts) -> i64 {
    loop {
        let stretch = store.lessons(up_to, limit).await.unwrap();
        for lesson in &stretch.lessons {
            for (label, by) in [(lesson.unlearn, -1), (lesson.learn, 1)] {
                let Some(label) = label else { continue };
                let name = (lesson.site, lesson.comment.content.clone(), label.as_str());
                let count = counts.entry(name.clone()).or_default();
                *count += by;
                assert!(*count >= 0, "{name:?} was taken back before it was learned");
                if *count == 0 {
                    counts.remove(&name);
                }
            }
        }
        if stretch.up_to == up_to {
            return up_to;
        }
        up_to = stretch.up_to;
    }
}

/// The same, from the labels that hold.
async fn labels_now(store: &dyn Store) -> Counts {
    let mut counts = Counts::new();
    for one in store.labelled(None, None, 999).await.unwrap() {
        *counts.entry((one.site, one.comment.content, one.label.as_str())).or_default() += 1;
    }
    counts
}

#[track_caller]
fn is_lost<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::LeaseLost(_))), "{outcome:?}");
}

#[track_caller]
fn is_missing<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::NotFound(_))), "{outcome:?}");
}

#[track_caller]
fn is_conflict<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}");
}

/// Each story is a test, told to every engine.
macro_rules! contract {
    ($($(#[$attribute:meta])* async fn $story:ident($house:ident: &House) $body:block)*) => {$(
        $(#[$attribute])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $story() {
            async fn story($house: &House) $body
            for engine in ENGINES {
                eprintln!("engine {}", engine.name);
                let house = House::on(engine).await;
                story(&house).await;
                house.store.close().await;
            }
        }
    )*};
}

contract! {
    async fn a_queued_comment_is_decided_once(house: &House) {
        let id = house.queue("hello").await;
        let stored = house.store.comment(house.site.id, id).await.unwrap().unwrap();
        assert_eq!((stored.status, stored.comment), (Status::Queued, Comment::of_text("hello")));
        assert_eq!(stored.received_at, at(0));

        let jobs = house.claim(1).await;
        assert_eq!(jobs.len(), 1);
        let job = &jobs[0];
        assert_eq!((job.id, job.lease.attempt, &job.comment), (id, 1, &Comment::of_text("hello")));
        assert!(house.claim(2).await.is_empty(), "somebody has it");

        house.store.record_verdict(job, verdict(Decision::Hold), event("x"), Traces::default()).await.unwrap();
        assert_eq!(house.status(id).await, decided(Decision::Hold));
        is_lost(house.store.record_verdict(job, verdict(Decision::Spam), event("x"), Traces::default()).await);
        assert_eq!(house.status(id).await, decided(Decision::Hold));
        assert!(house.claim(9999).await.is_empty());
        assert_eq!(house.store.next_due().await.unwrap(), None);
    }

    async fn a_checked_comment_is_decided_from_the_start(house: &House) {
        let id = house.check("buy", Decision::Spam).await;
        assert_eq!(house.status(id).await, decided(Decision::Spam));
        assert!(house.claim(9999).await.is_empty());
    }

    async fn comments_are_claimed_oldest_first_and_only_as_many_as_asked_for(house: &House) {
        let mut ids = Vec::new();
        for second in [3, 1, 2] {
            let new = NewComment { received_at: at(second), ..house.fresh("x") };
            ids.push(house.store.admit_queued(new, None).await.unwrap().id());
        }
        let claimed = house.store.claim_decisions(at(10), LEASE, 2).await.unwrap();
        assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [ids[1], ids[2]]);
        assert_eq!(house.claim(10).await[0].id, ids[0]);
    }

    async fn a_flood_at_one_site_is_not_before_what_another_sends(house: &House) {
        flood(house, 25_000, at(0)).await;
        let blog = house.store.add_site("blog", "https://blog.example/", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let mut late = HashSet::new();
        for number in 0..10 {
            let comment = NewComment { site: blog.id, received_at: at(1), ..house.fresh(&format!("late {number}")) };
            late.insert(house.store.admit_queued(comment, None).await.unwrap().id());
        }
        // It goes on behind them, too.
        flood(house, 25_000, at(1)).await;
        let claimed = house.store.claim_decisions(at(2), LEASE, 32).await.unwrap();
        let first: HashSet<CommentId> = claimed.iter().take(20).map(|job| job.id).collect();
        assert_eq!(claimed.len(), 32);
        assert!(late.is_subset(&first), "they come in turn with the flood");
        // The flood itself goes on in its order, and nothing is claimed twice.
        let (mut seen, mut last) = (HashSet::new(), Timestamp::UNIX_EPOCH);
        for job in claimed.iter().chain(&house.claim(2).await) {
            assert!(seen.insert(job.id), "{} twice", job.id);
            if job.site == house.site.id {
                assert!(last <= job.received_at, "a newer one of the flood came first");
                last = job.received_at;
            }
        }
    }

    async fn of_many_sites_those_come_first_that_have_waited_longest(house: &House) {
        let mut expected = Vec::new();
        for number in 0..12_u8 {
            let (name, hash) = (format!("blog {number}"), [number + 2; 32]);
            let site = house.store.add_site(&name, "https://blog.example/", Policy::standard(), hash, at(0)).await.unwrap();
            for second in 0..3 {
                let received_at = at(i64::from(100 - number) + second * 100);
                let new = NewComment { site: site.id, received_at, ..house.fresh("x") };
                let id = house.store.admit_queued(new, None).await.unwrap().id();
                expected.push((received_at, id));
            }
        }
        expected.sort();
        let expected: Vec<CommentId> = expected.into_iter().map(|(_, id)| id).collect();
        for (round, limit) in [(0, 8), (8, 4), (12, 24)] {
            let claimed = house.store.claim_decisions(at(999), LEASE, limit).await.unwrap();
            let claimed: Vec<CommentId> = claimed.iter().map(|job| job.id).collect();
            assert_eq!(claimed, expected[round..round + limit as usize]);
        }
        assert!(house.claim(999).await.is_empty());
    }

    async fn a_claim_takes_no_longer_from_a_long_queue(house: &House) {
        let quickest = async || {
            let mut quickest = Duration::MAX;
            for _ in 0..8 {
                let started = std::time::Instant::now();
                assert_eq!(house.store.claim_decisions(at(2), LEASE, 32).await.unwrap().len(), 32);
                quickest = quickest.min(started.elapsed());
            }
            quickest
        };
        flood(house, 500, at(0)).await;
        let of_few = quickest().await;
        flood(house, 50_000, at(0)).await;
        let of_many = quickest().await;
        // Reading all that is due would take some 50 ms.
        assert!(of_many < of_few * 3 + Duration::from_millis(10), "{of_few:?} of few, {of_many:?} of many");
    }

    async fn a_site_that_has_much_to_tell_is_not_before_another(house: &House) {
        house.listen("ep_a").await;
        let blog = house.store.add_site("blog", "https://blog.example/", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let endpoint = house.store.endpoints(None).await.unwrap().remove(0);
        let other = Endpoint { id: "ep_b".to_owned(), site: blog.id, ..endpoint };
        house.store.add_endpoint(other).await.unwrap();
        for number in 0..40 {
            house.check(&format!("flood {number}"), Decision::Hold).await;
        }
        for number in 0..3 {
            let comment = NewComment { site: blog.id, received_at: at(1), ..house.fresh(&format!("late {number}")) };
            house.store.admit_decided(comment, &verdict(Decision::Hold), event("late")).await.unwrap();
        }
        let claimed = house.store.claim_deliveries(at(2), LEASE, 8, &Full::default()).await.unwrap();
        let endpoints: Vec<&str> = claimed.iter().map(|job| job.endpoint.id.as_str()).collect();
        assert_eq!(endpoints, ["ep_a", "ep_b", "ep_a", "ep_b", "ep_a", "ep_b", "ep_a", "ep_a"]);
    }

    async fn a_site_sees_its_own_comments_only(house: &House) {
        let other = house.store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let id = house.queue("hello").await;
        assert_eq!(house.store.comment(other.id, id).await.unwrap(), None);
        assert_eq!(house.store.comment(house.site.id, random::comment_id(at(0))).await.unwrap(), None);
    }

    async fn any_text_comes_back_as_it_went_in(house: &House) {
        for text in ["", "a\0b", "عربي \u{202e}x", "\"}]\\", "'; DROP TABLE comments; --", &"x".repeat(2_000_000)] {
            let mut new = house.fresh(text);
            new.comment.external_id = Some(text.chars().take(300).collect());
            new.comment.author.name = Some(String::new());
            new.comment.form_seconds = Some(0.1 + 0.2);
            new.comment.extra = BTreeMap::from([(text.chars().take(9).collect(), "v".to_owned())]);
            let comment = new.comment.clone();
            let id = house.store.admit_queued(new.clone(), None).await.unwrap().id();
            assert_eq!(house.store.comment(house.site.id, id).await.unwrap().unwrap().comment, comment);
            let again = house.store.admit_queued(NewComment { id: random::comment_id(at(0)), ..new }, None).await;
            assert_eq!(again.unwrap(), Admission::Repeat { id, may_be_edit: true }, "{text:.20}");
        }
    }

    // ---- repeats -------------------------------------------------------------------------------------------------

    async fn a_repeat_gets_the_first_id(house: &House) {
        let keyed = |text: &str| NewComment { idempotency_key: Some("k1".into()), ..house.fresh(text) };
        let first = house.store.admit_queued(keyed("one"), None).await.unwrap();
        let again = house.store.admit_queued(keyed("one"), Some(at(30))).await.unwrap();
        assert_eq!(again, Admission::Repeat { id: first.id(), may_be_edit: false });
        let checked = house.store.admit_decided(keyed("one"), &verdict(Decision::Spam), event("x")).await.unwrap();
        assert_eq!(checked, Admission::Repeat { id: first.id(), may_be_edit: false });
        assert_eq!(house.status(first.id()).await, Status::Queued, "a repeat writes nothing");
        is_conflict(house.store.admit_queued(keyed("another"), None).await);

        let mut external = house.fresh("two");
        external.comment.external_id = Some("wp-7".into());
        let first = house.store.admit_queued(external.clone(), None).await.unwrap();
        external.id = random::comment_id(at(0));
        external.comment.content = "two, edited".into();
        let again = house.store.admit_queued(external.clone(), None).await.unwrap();
        assert_eq!(again, Admission::Repeat { id: first.id(), may_be_edit: true });

        let other = house.store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        external.site = other.id;
        assert!(matches!(house.store.admit_queued(external, None).await, Ok(Admission::New { .. })));
        assert!(matches!(
            house.store.admit_queued(NewComment { site: other.id, ..keyed("another") }, None).await,
            Ok(Admission::New { .. })
        ));
        assert_eq!(house.claim(99).await.len(), 4);
    }

    async fn sixty_four_who_send_the_same_at_once_get_one_comment(house: &House) {
        house.listen("ep_a").await;
        for (round, by_key) in [(0, true), (1, false)] {
            let mut senders = tokio::task::JoinSet::new();
            for sender in 0..64 {
                let mut new = house.fresh("same");
                if by_key {
                    new.idempotency_key = Some(format!("key {round}"));
                } else {
                    new.comment.external_id = Some(format!("id {round}"));
                }
                let store = Arc::clone(&house.store);
                senders.spawn(async move {
                    if sender % 2 == 0 {
                        store.admit_queued(new, None).await.unwrap()
                    } else {
                        store.admit_decided(new, &verdict(Decision::Hold), event("x")).await.unwrap()
                    }
                });
            }
            let answers = senders.join_all().await;
            let ids: HashSet<CommentId> = answers.iter().map(Admission::id).collect();
            assert_eq!(ids.len(), 1);
            assert_eq!(answers.iter().filter(|answer| matches!(answer, Admission::New { .. })).count(), 1);
            assert_eq!(house.claim(99).await.len() + house.deliveries(99).await.len(), 1);
        }
    }

    async fn one_that_fails_takes_no_neighbour_down(house: &House) {
        let taken = NewComment { idempotency_key: Some("taken".into()), ..house.fresh("first") };
        house.store.admit_queued(taken, None).await.unwrap();
        let lease = Lease { job: JobId(4711), attempt: 1 };
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..96 {
            let mut new = house.fresh(&format!("comment {sender}"));
            let store = Arc::clone(&house.store);
            senders.spawn(async move {
                let id = new.id;
                match sender % 6 {
                    0 => is_missing(
                        store.admit_queued(NewComment { site: SiteId(99), ..new }, None).await,
                    ),
                    1 => {
                        new.idempotency_key = Some("taken".into());
                        is_conflict(store.admit_queued(new, None).await);
                    }
                    2 => is_lost(store.record_verdict(&held(lease, id), verdict(Decision::Spam), event("x"), Traces::default()).await),
                    3 => is_missing(store.remove_endpoint("ep_none").await),
                    4 => assert_eq!(store.admit_queued(new, None).await.unwrap().id(), id),
                    _ => {
                        let admission = store.admit_decided(new, &verdict(Decision::Approve), event("x")).await;
                        assert_eq!(admission.unwrap().id(), id);
                    }
                }
            });
        }
        senders.join_all().await;
        let status = house.store.queue_status(at(0)).await.unwrap();
        assert_eq!(status.decisions, 1 + 16);
    }

    // ---- leases --------------------------------------------------------------------------------------------------

    async fn a_comment_may_come_in_claimed(house: &House) {
        let admission = house.store.admit_queued(house.fresh("mine"), Some(at(30))).await.unwrap();
        let Admission::New { id, lease: Some(lease) } = admission else { panic!("{admission:?}") };
        assert_eq!(lease.attempt, 1);
        assert!(house.claim(29).await.is_empty());
        assert_eq!(house.store.next_due().await.unwrap(), Some(at(30)));
        house.store.record_verdict(&held(lease, id), verdict(Decision::Approve), event("x"), Traces::default()).await.unwrap();
        assert_eq!(house.status(id).await, decided(Decision::Approve));

        let admission = house.store.admit_queued(house.fresh("forgotten"), Some(at(30))).await.unwrap();
        let Admission::New { id, lease: Some(stale) } = admission else { panic!("{admission:?}") };
        let claimed = house.claim(30).await;
        assert_eq!((claimed[0].id, claimed[0].lease.attempt), (id, 2));
        is_lost(house.store.record_verdict(&held(stale, id), verdict(Decision::Spam), event("x"), Traces::default()).await);
        house.store.record_verdict(&claimed[0], verdict(Decision::Hold), event("x"), Traces::default()).await.unwrap();
        assert_eq!(house.status(id).await, decided(Decision::Hold));
    }

    async fn a_lease_that_runs_out_is_somebody_elses(house: &House) {
        let id = house.queue("slow").await;
        let slow = house.claim(0).await[0].lease;
        let quick = house.claim(30).await[0].lease;
        assert_eq!((quick.job, quick.attempt), (slow.job, 2));
        is_lost(house.store.give_up(slow, "too slow".into(), at(31)).await);
        is_lost(house.store.record_verdict(&held(slow, id), verdict(Decision::Spam), event("x"), Traces::default()).await);
        assert_eq!(house.status(id).await, Status::Queued);
        house.store.record_verdict(&held(quick, id), verdict(Decision::Hold), event("x"), Traces::default()).await.unwrap();
        is_lost(house.store.give_up(quick, "late".into(), at(31)).await);
    }

    async fn a_verdict_goes_to_the_comment_that_was_claimed(house: &House) {
        let (one, two) = (house.queue("one").await, house.queue("two").await);
        let lease = house.claim(0).await.iter().find(|job| job.id == one).unwrap().lease;
        is_lost(house.store.record_verdict(&held(lease, two), verdict(Decision::Spam), event("x"), Traces::default()).await);
        assert_eq!((house.status(one).await, house.status(two).await), (Status::Queued, Status::Queued));
    }

    // ---- people --------------------------------------------------------------------------------------------------

    async fn a_persons_word_stands(house: &House) {
        house.listen("ep_a").await;
        let id = house.queue("friend or foe").await;
        let lease = house.claim(0).await[0].lease;
        house.say(id, Act::Label(Label::Ham), 5, "ham").await.unwrap();
        assert_eq!(house.status(id).await, decided(Decision::Approve));
        house.store.record_verdict(&held(lease, id), verdict(Decision::Spam), event("late"), Traces::default()).await.unwrap();
        assert_eq!(house.status(id).await, decided(Decision::Approve));
        assert!(house.claim(9999).await.is_empty(), "the job is closed");
        assert_eq!(house.told(10).await, ["ep_a: ham"]);

        // Twice the same is once; another word is a new one.
        house.say(id, Act::Label(Label::Ham), 6, "ham again").await.unwrap();
        house.say(id, Act::Decision(Decision::Hold), 7, "hold").await.unwrap();
        assert_eq!(house.told(10).await, ["ep_a: hold"]);
        let stored = house.store.comment(house.site.id, id).await.unwrap().unwrap();
        assert_eq!(stored.status, decided(Decision::Hold));
        let history: Vec<_> = stored.history.iter().map(|act| (act.at, act.what, act.by.as_str())).collect();
        assert_eq!(history, [
            (at(5), Act::Label(Label::Ham), "ada"),
            (at(7), Act::Decision(Decision::Hold), "ada"),
        ]);

        is_missing(house.say(random::comment_id(at(0)), Act::Label(Label::Ham), 0, "x").await);
    }

    async fn a_recheck_gives_way_to_a_person_and_an_edit_reopens(house: &House) {
        house.listen("ep_a").await;
        let mut new = house.fresh("first");
        new.comment.external_id = Some("7".into());
        new.idempotency_key = Some("k7".into());
        let admission = house.store.admit_decided(new.clone(), &verdict(Decision::Hold), event("held")).await.unwrap();
        let id = admission.id();
        let recheck = async |decision, seconds| {
            let event = Some(event("rechecked"));
            house.change(id, Act::Recheck(decision), seconds, verdict(decision), event).await.unwrap()
        };
        assert!(recheck(Decision::Spam, 2).await);
        assert_eq!(house.status(id).await, decided(Decision::Spam));
        house.say(id, Act::Label(Label::Ham), 3, "ham").await.unwrap();
        assert!(!recheck(Decision::Spam, 4).await);
        assert_eq!(house.status(id).await, decided(Decision::Approve));
        assert!(house.store.comment(house.site.id, id).await.unwrap().unwrap().has_a_persons_word());

        let edit = Act::Edit(Decision::Hold);
        assert!(house.change(id, edit, 5, verdict(Decision::Hold), Some(event("edited"))).await.unwrap());
        let stored = house.store.comment(house.site.id, id).await.unwrap().unwrap();
        assert_eq!((stored.status.clone(), stored.comment.content.as_str()), (decided(Decision::Hold), "edited"));
        assert!(!stored.has_a_persons_word());
        assert!(house.store.labelled(None, None, 9).await.unwrap().is_empty(), "it was about another text");
        assert!(recheck(Decision::Approve, 6).await);
        assert_eq!(stored.history.iter().map(|entry| entry.what).collect::<Vec<_>>(), [
            Act::Recheck(Decision::Spam),
            Act::Label(Label::Ham),
            Act::Edit(Decision::Hold),
        ]);
        assert_eq!(house.told(10).await, ["ep_a: edited", "ep_a: ham", "ep_a: held", "ep_a: rechecked", "ep_a: rechecked"]);

        // The messages that brought the first text and the edit are known, whichever comes again.
        let again = NewComment { id: random::comment_id(at(7)), ..new };
        let repeat = Admission::Repeat { id, may_be_edit: false };
        assert_eq!(house.store.admit_queued(again.clone(), None).await.unwrap(), repeat);
        let mut edited = NewComment { idempotency_key: Some("edit 5".into()), ..again.clone() };
        edited.comment = self::edited();
        assert_eq!(house.store.admit_queued(edited, None).await.unwrap(), repeat);
        let mut keyless = NewComment { idempotency_key: None, ..again };
        keyless.comment.content = "another edit".into();
        assert_eq!(
            house.store.admit_queued(keyless, None).await.unwrap(),
            Admission::Repeat { id, may_be_edit: true }
        );
        assert_eq!(house.store.find_by_external_id(house.site.id, "7").await.unwrap(), Some(id));
        assert_eq!(house.store.find_by_external_id(house.site.id, "8").await.unwrap(), None);
    }

    async fn counts_and_comments_agree(house: &House) {
        let other = house.store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let of_blog = |text: &str, received_at: Timestamp| {
            let mut new = NewComment { received_at, ..house.fresh(text) };
            new.comment.lang = Some("ar-EG".into());
            new.comment.extra.insert("blog".into(), "https://a.example/".into());
            new
        };
        let day = Day::of(at(0));
        let counted = async |site: Option<SiteId>, from: Day, to: Day| {
            let counted = house.store.statistics(site, &Kind::ALL, from, to).await.unwrap();
            counted.into_iter().map(|one| format!("{} {}: {}", one.kind.as_str(), one.name, one.count)).collect::<Vec<_>>()
        };
        let today = async || counted(Some(house.site.id), day, day).await;
        assert!(today().await.is_empty());
        let held = house.store.admit_decided(of_blog("held", at(0)), &verdict(Decision::Hold), event("x")).await.unwrap().id();
        house.check("plain", Decision::Approve).await;
        let queued = house.store.admit_queued(of_blog("queued", at(0)), None).await.unwrap().id();
        assert_eq!(today().await.len(), 6, "what is not decided is not counted");
        let job = house.claim(1).await.remove(0);
        house.store.record_verdict(&job, verdict(Decision::Approve), event("x"), Traces::default()).await.unwrap();
        is_lost(house.store.record_verdict(&job, verdict(Decision::Approve), event("x"), Traces::default()).await);
        let repeat = NewComment { id: held, ..of_blog("held", at(0)) };
        house.store.admit_decided(repeat, &verdict(Decision::Hold), event("x")).await.unwrap();
        assert_eq!(today().await, [
            "blog_ham a.example: 1",
            "blog_spam a.example: 1",
            "decision approve: 2",
            "decision hold: 1",
            "language ar: 2",
            "language und: 1",
            "symbol BAYES: 3",
        ]);

        // A label shows a mistake, another label takes it back; a decision says nothing of what is true.
        house.say(held, Act::Label(Label::Ham), 90_000, "x").await.unwrap();
        house.say(queued, Act::Label(Label::Spam), 90_000, "x").await.unwrap();
        let mistakes = async || {
            let all = today().await;
            all.into_iter().filter(|one| one.contains("mistake") || one.contains("missed") || one.contains("false")).collect::<Vec<_>>()
        };
        assert_eq!(mistakes().await, [
            "blog_false_positive a.example: 1",
            "blog_missed_spam a.example: 1",
            "mistake false_positive: 1",
            "mistake missed_spam: 1",
        ]);
        house.say(held, Act::Decision(Decision::Spam), 90_001, "x").await.unwrap();
        house.say(queued, Act::Label(Label::Ham), 90_001, "x").await.unwrap();
        assert_eq!(mistakes().await, ["blog_false_positive a.example: 1", "mistake false_positive: 1"]);

        // An edit is counted as what it is now, and as no mistake: nobody has spoken on it.
        house.change(held, Act::Edit(Decision::Approve), 90_002, verdict(Decision::Approve), None).await.unwrap();
        assert_eq!(today().await, [
            "blog_ham a.example: 1",
            "decision approve: 3",
            "language ar: 1",
            "language und: 2",
            "symbol BAYES: 3",
        ]);

        let later = NewComment { site: other.id, ..of_blog("later", at(86_400)) };
        house.store.admit_decided(later, &verdict(Decision::Spam), event("x")).await.unwrap();
        let tomorrow = Day::of(at(86_400));
        assert_eq!(counted(Some(house.site.id), tomorrow, tomorrow).await, Vec::<String>::new());
        assert_eq!(counted(None, tomorrow, tomorrow).await.len(), 4);
        assert_eq!(counted(None, day, tomorrow).await.len(), 9);
        house.store.remove_site(other.id).await.unwrap();
        assert_eq!(counted(None, day, tomorrow).await.len(), 5);
    }

    async fn training_reads_the_newest_label(house: &House) {
        let other = house.store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let mut ids = Vec::new();
        for text in ["a", "b", "c", "d"] {
            ids.push(house.check(text, Decision::Hold).await);
        }
        ids.sort();
        for id in &ids[..3] {
            house.say(*id, Act::Label(Label::Spam), 1, "x").await.unwrap();
        }
        house.say(ids[0], Act::Label(Label::Ham), 2, "x").await.unwrap();
        // What is to become of a comment says nothing of what is true.
        house.say(ids[1], Act::Decision(Decision::Approve), 3, "x").await.unwrap();
        house.say(ids[3], Act::Decision(Decision::Approve), 3, "x").await.unwrap();

        let all = house.store.labelled(None, None, 10).await.unwrap();
        let read: Vec<_> = all.iter().map(|one| (one.id, one.label, one.labelled_at)).collect();
        assert_eq!(read, [(ids[0], Label::Ham, at(2)), (ids[1], Label::Spam, at(1)), (ids[2], Label::Spam, at(1))]);
        let page = house.store.labelled(Some(house.site.id), Some(ids[0]), 1).await.unwrap();
        assert_eq!(page.iter().map(|one| one.id).collect::<Vec<_>>(), [ids[1]]);
        assert!(house.store.labelled(Some(other.id), None, 10).await.unwrap().is_empty());
    }

    async fn lessons_in_order_leave_the_labels_that_hold(house: &House) {
        let other = house.store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let mut comments = Vec::new();
        for number in 0..12 {
            let site = if number % 3 == 0 { other.id } else { house.site.id };
            let new = NewComment { site, ..house.fresh(&format!("first of {number}")) };
            comments.push((site, house.store.admit_decided(new, &verdict(Decision::Hold), event("x")).await.unwrap().id()));
        }
        let (mut followed, mut up_to) = (Counts::new(), 0);
        // Any order of acts will do; this one is the same each time.
        let mut chance = 1_u64;
        let mut draw = |of: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) % of
        };
        for step in 0..150_i64 {
            let (site, id) = comments[usize::try_from(draw(12)).unwrap()];
            let what = match draw(7) {
                0 | 1 => Act::Label(Label::Ham),
                2 | 3 => Act::Label(Label::Spam),
                4 => Act::Decision(Decision::Approve),
                5 => Act::Recheck(Decision::Hold),
                _ => Act::Edit(Decision::Hold),
            };
            // A text may come back that had been there before.
            let comment = matches!(what, Act::Edit(_)).then(|| Comment::of_text(format!("text {}", draw(3))));
            let entry = HistoryEntry { at: at(step), by: "ada".into(), via: "api".into(), what, before: None };
            let (verdict, judged) = (verdict(Decision::Hold), Some(Decision::Hold));
            let change = Change {
                entry, verdict, judged, comment, idempotency_key: None, fingerprint: None, event: None, call_back: None,
                campaign: None,
                traces: None,
            };
            house.store.record_change(site, id, change).await.unwrap();
            if draw(5) == 0 {
                up_to = follow(house.store.as_ref(), up_to, 3, &mut followed).await;
                assert_eq!(followed, labels_now(house.store.as_ref()).await, "after step {step}");
            }
        }
        assert!(followed.len() > 3 && followed.values().any(|count| *count > 1), "{followed:?}");
        for limit in [1, 7, 1000] {
            let mut anew = Counts::new();
            follow(house.store.as_ref(), 0, limit, &mut anew).await;
            assert_eq!(anew, labels_now(house.store.as_ref()).await, "{limit} at once");
        }
        let [ham, spam] = house.store.label_counts(house.site.id).await.unwrap();
        let of_site = house.store.labelled(Some(house.site.id), None, 99).await.unwrap();
        assert_eq!(ham + spam, u64::try_from(of_site.len()).unwrap());
        assert_eq!(spam, u64::try_from(of_site.iter().filter(|one| one.label == Label::Spam).count()).unwrap());
    }

    async fn a_label_given_after_a_site_was_removed_is_a_lesson(house: &House) {
        let id = house.check("a", Decision::Hold).await;
        house.say(id, Act::Label(Label::Spam), 1, "x").await.unwrap();
        let before = house.store.lessons(0, 9).await.unwrap();
        assert_eq!((before.lessons.len(), before.up_to), (1, 1));
        house.store.remove_site(house.site.id).await.unwrap();
        assert_eq!(house.store.lessons(0, 9).await.unwrap(), Lessons { lessons: Vec::new(), up_to: 0 });

        let site = house.store.add_site("again", "", Policy::standard(), [3; 32], at(0)).await.unwrap().id;
        let new = NewComment { site, ..house.fresh("b") };
        let id = house.store.admit_decided(new, &verdict(Decision::Hold), event("x")).await.unwrap().id();
        let entry = HistoryEntry {
            at: at(2), by: "ada".into(), via: "api".into(), what: Act::Label(Label::Ham), before: None,
        };
        let change = Change {
            entry, verdict: verdict(Decision::Approve), judged: None, comment: None, idempotency_key: None,
            fingerprint: None, event: None, call_back: None,
            campaign: None,
            traces: None,
        };
        house.store.record_change(site, id, change).await.unwrap();
        let lessons = house.store.lessons(before.up_to, 9).await.unwrap().lessons;
        let expected = Lesson { site, comment: Comment::of_text("b"), unlearn: None, learn: Some(Label::Ham) };
        assert_eq!(lessons, [expected], "who followed the log up to then must not miss it");
    }

    async fn the_newest_comment_with_a_fingerprint_is_found(house: &House) {
        let mut last = None;
        for _ in 0..3 {
            let new = NewComment { fingerprint: Some(-5), ..house.fresh("same") };
            last = Some(house.store.admit_decided(new, &verdict(Decision::Spam), event("x")).await.unwrap().id());
        }
        house.queue("none").await;
        assert_eq!(house.store.find_by_fingerprint(house.site.id, -5).await.unwrap(), last);
        assert_eq!(house.store.find_by_fingerprint(house.site.id, 6).await.unwrap(), None);
    }

    // ---- finding -------------------------------------------------------------------------------------------------

    async fn old_comments_are_found_by_what_stands_in_them(house: &House) {
        let store = &house.store;
        let admit = async |text: &str, name: &str, url: &str, decision: Decision| {
            let mut new = house.fresh(text);
            new.comment.author.name = Some(name.into());
            new.comment.author.email = Some(format!("{}@mail.example", name.to_lowercase()));
            new.comment.author.url = Some(url.into());
            new.comment.author.ip = "192.0.2.7".parse().ok();
            new.comment.external_id = Some(format!("wp-{}", text.len()));
            store.admit_decided(new, &verdict(decision), event("x")).await.unwrap().id()
        };
        let arabic = admit("السَّلامُ عليكم يا أحمد", "Bob", "", Decision::Approve).await;
        let cheap = admit("Cheap <b>watches</b> at https://shop.example/buy?x=1", "Ann", "https://ann.example", Decision::Spam).await;
        let chinese = admit("我想买便宜的手表", "Li", "", Decision::Hold).await;
        let queued = house.queue("cheap, but nobody knows yet").await;
        let other = store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        store.admit_decided(NewComment { site: other.id, ..house.fresh("cheap elsewhere") }, &verdict(Decision::Spam), event("x")).await.unwrap();

        assert_eq!(store.make_findable(2).await.unwrap(), 2);
        assert_eq!(store.make_findable(100).await.unwrap(), 1, "up to the one that waits");
        assert_eq!(store.make_findable(100).await.unwrap(), 0);
        let found = async |query: &str| {
            let query = Query::parse(query).unwrap_or_else(|| panic!("{query}"));
            let filter = CommentFilter { query: Some(query), ..CommentFilter::default() };
            let found = store.comments(house.site.id, &filter, None, 10).await.unwrap();
            found.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        for (query, expected) in [
            ("السلام", vec![arabic]),
            ("احمد", vec![arabic]),
            ("سلام", vec![]),
            ("سلـام*", vec![]),
            ("السل*", vec![arabic]),
            ("cheap", vec![cheap]),
            ("CHEAP watches", vec![cheap]),
            ("\"watches cheap\"", vec![]),
            ("cheap -watches", vec![]),
            ("author:ann", vec![cheap]),
            ("text:ann", vec![]),
            ("bob@mail.example", vec![arabic]),
            ("mail.example", vec![chinese, cheap, arabic]),
            ("author:192.0.2.7", vec![chinese, cheap, arabic]),
            ("link:shop.example", vec![cheap]),
            ("link:https://ann.example", vec![cheap]),
            ("便宜", vec![chinese]),
            ("宜便", vec![]),
            ("symbol:BAYES", vec![chinese, cheap, arabic]),
            ("symbol:BAY", vec![]),
            ("symbol:BAY* -便宜", vec![cheap, arabic]),
            ("bayes", vec![chinese, cheap, arabic]),
        ] {
            assert_eq!(found(query).await, expected, "{query}");
        }
        assert_eq!(found(&cheap.to_string()).await, [cheap]);
        assert_eq!(found("wp-52 OR cheap").await, Vec::<CommentId>::new(), "OR is a word like any other");

        // An edit is found by what it reads now; what was decided since, too.
        house.change(cheap, Act::Edit(Decision::Spam), 5, verdict(Decision::Spam), None).await.unwrap();
        assert_eq!((found("cheap").await, found("edited").await), (vec![], vec![cheap]));
        let job = house.claim(1).await.remove(0);
        store.record_verdict(&job, verdict(Decision::Hold), event("x"), Traces::default()).await.unwrap();
        assert_eq!(store.make_findable(100).await.unwrap(), 2);
        assert_eq!(found("cheap").await, [queued]);

        // A dead letter is found, and by its verdict once it has one.
        let dead = house.queue("never read").await;
        let lease = house.claim(2).await.remove(0).lease;
        store.give_up(lease, "why".into(), at(3)).await.unwrap();
        assert_eq!(store.make_findable(100).await.unwrap(), 1);
        assert_eq!((found("never").await, found("never symbol:BAYES").await), (vec![dead], vec![]));
        store.retry_dead(None, at(4)).await.unwrap();
        let job = house.claim(4).await.remove(0);
        store.record_verdict(&job, verdict(Decision::Hold), event("x"), Traces::default()).await.unwrap();
        assert_eq!(found("never symbol:BAYES").await, [dead]);

        store.remove_site(house.site.id).await.unwrap();
        assert!(found("cheap").await.is_empty());
        assert_eq!(store.make_findable(100).await.unwrap(), 0);
    }

    async fn comments_are_listed_newest_first_page_by_page(house: &House) {
        let store = &house.store;
        let mut ids = Vec::new();
        for second in 0..9 {
            let new = NewComment { received_at: at(second / 2), ..house.fresh(&format!("number {second}")) };
            let decision = if second % 3 == 0 { Decision::Hold } else { Decision::Spam };
            ids.push(store.admit_decided(new, &verdict(decision), event("x")).await.unwrap().id());
        }
        let queued = NewComment { received_at: at(9), ..house.fresh("queued") };
        ids.push(store.admit_queued(queued, None).await.unwrap().id());
        let dead = NewComment { received_at: at(0), ..house.fresh("dead") };
        let dead = store.admit_queued(dead, None).await.unwrap().id();
        let lease = house.claim(0).await.remove(0).lease;
        store.give_up(lease, "why".into(), at(1)).await.unwrap();
        house.say(ids[3], Act::Label(Label::Ham), 1, "x").await.unwrap();
        ids.insert(2, dead);
        ids.reverse();

        let list = async |filter: CommentFilter, before, limit| {
            let page = store.comments(house.site.id, &filter, before, limit).await.unwrap();
            page.into_iter().map(|one| one.id).collect::<Vec<_>>()
        };
        let all = CommentFilter::default;
        assert_eq!(list(all(), None, 100).await, ids);
        assert_eq!(list(all(), Some(ids[3]), 4).await, ids[4..8]);
        assert_eq!(list(all(), Some(ids[10]), 4).await, []);
        is_missing(store.comments(house.site.id, &all(), Some(random::comment_id(at(0))), 4).await);
        let held = CommentFilter { decision: Some(Decision::Hold), ..all() };
        assert_eq!(list(held, None, 100).await.len(), 2, "the third was approved by a person");
        let status = |word| CommentFilter { status: Some(word), ..all() };
        assert_eq!(list(status(StatusWord::Queued), None, 9).await, [ids[0]]);
        assert_eq!(list(status(StatusWord::DeadLetter), None, 9).await, [dead]);
        assert_eq!(list(status(StatusWord::Decided), None, 100).await.len(), 9);
        let labelled = CommentFilter { label: Some(Label::Ham), ..all() };
        assert_eq!(list(labelled, None, 9).await.len(), 1);
        let time = CommentFilter { from: Some(at(1)), to: Some(at(3)), ..all() };
        assert_eq!(list(time, None, 9).await.len(), 4);
        let other = store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        assert!(store.comments(other.id, &all(), None, 9).await.unwrap().is_empty());
        is_missing(store.comments(other.id, &all(), Some(ids[3]), 9).await);
    }

    // ---- events --------------------------------------------------------------------------------------------------

    async fn every_enabled_endpoint_is_told_and_nobody_else(house: &House) {
        house.check("before anyone listens", Decision::Hold).await;
        house.listen("ep_a").await;
        house.listen("ep_b").await;
        let other = house.store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        house.store.admit_queued(NewComment { site: other.id, ..house.fresh("other") }, Some(at(60))).await.unwrap();
        house.check("checked", Decision::Hold).await;
        let id = house.queue("queued").await;
        let lease = house.claim(0).await[0].lease;
        house.store.record_verdict(&held(lease, id), verdict(Decision::Spam), event("queued"), Traces::default()).await.unwrap();

        let deliveries = house.deliveries(10).await;
        assert_eq!(deliveries.len(), 4);
        for delivery in &deliveries {
            assert_eq!((delivery.lease.attempt, delivery.created_at), (1, at(1)));
            assert_eq!(delivery.endpoint.secrets[0].secret, format!("whsec_{}", delivery.endpoint.id));
        }
        let ids: HashSet<_> = deliveries.iter().map(|delivery| (&delivery.message_id, &delivery.body)).collect();
        assert_eq!(ids.len(), 2, "one message, however many endpoints");
        assert!(house.deliveries(11).await.is_empty());
    }

    async fn a_delivery_is_tried_until_it_is_done(house: &House) {
        house.listen("ep_a").await;
        house.check("x", Decision::Hold).await;
        let first = house.deliveries(1).await.remove(0);
        house.attempt(first.lease, 503, NextStep::RetryAt(at(100)), 2).await.unwrap();
        assert!(house.deliveries(99).await.is_empty());
        assert_eq!(house.store.next_due().await.unwrap(), Some(at(100)));
        let second = house.deliveries(100).await.remove(0);
        assert_eq!((second.lease.attempt, &second.message_id), (2, &first.message_id));
        assert_eq!(second.endpoint.failing_since, Some(at(2)));
        is_lost(house.attempt(first.lease, 200, NextStep::Delivered, 101).await);
        house.attempt(second.lease, 503, NextStep::RetryAt(at(200)), 101).await.unwrap();
        let third = house.deliveries(200).await.remove(0);
        assert_eq!(third.endpoint.failing_since, Some(at(2)), "since the first of the run");
        house.attempt(third.lease, 204, NextStep::Delivered, 201).await.unwrap();
        assert_eq!(house.store.endpoints(Some(house.site.id)).await.unwrap()[0].failing_since, None);
        is_lost(house.attempt(third.lease, 204, NextStep::Delivered, 201).await);
        assert_eq!(house.store.next_due().await.unwrap(), None);
    }

    async fn busy_endpoints_are_left_out(house: &House) {
        house.listen("ep_a").await;
        house.listen("ep_b").await;
        for _ in 0..3 {
            house.check("x", Decision::Hold).await;
        }
        let full = |endpoints: &[&str], sites: &[SiteId]| Full {
            endpoints: endpoints.iter().map(|&endpoint| endpoint.to_owned()).collect(),
            sites: sites.to_vec(),
        };
        let some = house.store.claim_deliveries(at(1), LEASE, 2, &full(&["ep_a"], &[])).await.unwrap();
        assert_eq!(some.iter().map(|one| one.endpoint.id.as_str()).collect::<Vec<_>>(), ["ep_b", "ep_b"]);
        for none in [full(&["ep_a", "ep_b"], &[]), full(&[], &[house.site.id])] {
            assert!(house.store.claim_deliveries(at(1), LEASE, 9, &none).await.unwrap().is_empty());
        }
        assert_eq!(house.deliveries(1).await.len(), 4);
    }

    async fn a_disabled_endpoint_is_told_nothing_until_it_is_enabled(house: &House) {
        house.listen("ep_a").await;
        house.listen("ep_b").await;
        house.check("one", Decision::Hold).await;
        house.check("two", Decision::Hold).await;
        let generation = house.store.generation().await.unwrap();
        let gone = house.deliveries(1).await.into_iter().find(|one| one.endpoint.id == "ep_a").unwrap();
        let next = NextStep::DisableEndpoint { reason: "410 Gone".into(), event: event("ep_a is disabled") };
        house.attempt(gone.lease, 410, next, 2).await.unwrap();
        assert!(house.store.generation().await.unwrap() > generation);
        assert_eq!(house.store.endpoints(None).await.unwrap()[0].disabled.as_deref(), Some("410 Gone"));
        house.check("three", Decision::Hold).await;
        assert_eq!(house.told(99).await, ["ep_b: ep_a is disabled", "ep_b: one", "ep_b: three", "ep_b: two"]);

        let dead = house.store.dead_letters(10).await.unwrap();
        assert_eq!(dead.len(), 2);
        assert!(dead.iter().all(|letter| letter.endpoint.as_deref() == Some("ep_a")), "{dead:?}");
        is_conflict(house.store.retry_dead(Some(dead[0].job), at(100)).await);
        assert_eq!(house.store.retry_dead(None, at(100)).await.unwrap(), 0);
        is_conflict(house.store.enqueue_message("ep_a", event("test"), at(100)).await);

        house.store.set_endpoint("ep_a", enabled(), at(100)).await.unwrap();
        assert_eq!(house.store.retry_dead(None, at(200)).await.unwrap(), 2);
        assert_eq!(house.told(200).await.iter().filter(|told| told.starts_with("ep_a")).count(), 2);
    }

    async fn endpoints_are_added_changed_and_removed(house: &House) {
        house.listen("ep_a").await;
        let endpoint = house.store.endpoints(None).await.unwrap().remove(0);
        is_conflict(house.store.add_endpoint(endpoint.clone()).await);
        let stray = Endpoint { id: "ep_z".into(), site: SiteId(99), ..endpoint.clone() };
        is_missing(house.store.add_endpoint(stray).await);

        let secrets = vec![
            EndpointSecret { secret: "whsec_new".into(), expires_at: None },
            EndpointSecret { secret: "whsec_ep_a".into(), expires_at: Some(at(86_400)) },
        ];
        let change = EndpointChange { secrets: Some(secrets.clone()), ..EndpointChange::default() };
        house.store.set_endpoint("ep_a", change, at(0)).await.unwrap();
        assert_eq!(house.store.endpoints(None).await.unwrap(), [Endpoint { secrets, ..endpoint }]);

        house.store.enqueue_message("ep_a", event("hello"), at(5)).await.unwrap();
        assert_eq!(house.told(5).await, ["ep_a: hello"]);
        house.store.remove_endpoint("ep_a").await.unwrap();
        assert!(house.deliveries(9999).await.is_empty());
        is_missing(house.store.remove_endpoint("ep_a").await);
        is_missing(house.store.set_endpoint("ep_a", enabled(), at(100)).await);
        is_missing(house.store.enqueue_message("ep_a", event("hello"), at(5)).await);
    }

    async fn an_endpoint_is_told_only_what_it_wants(house: &House) {
        house.listen("ep_all").await;
        house.listen("ep_some").await;
        house.listen("ep_none").await;
        for (id, events) in [("ep_some", vec![EventKind::Redecided]), ("ep_none", vec![])] {
            let change = EndpointChange { events: Some(Some(events.clone())), ..EndpointChange::default() };
            house.store.set_endpoint(id, change, at(0)).await.unwrap();
            let endpoints = house.store.endpoints(None).await.unwrap();
            assert_eq!(endpoints.iter().find(|endpoint| endpoint.id == id).unwrap().events, Some(events));
        }
        let id = house.check("decided", Decision::Hold).await;
        let redecided = Outgoing { kind: EventKind::Redecided, ..event("redecided") };
        house.change(id, Act::Label(Label::Ham), 1, verdict(Decision::Approve), Some(redecided)).await.unwrap();
        house.store.enqueue_message("ep_none", event("asked for"), at(1)).await.unwrap();
        assert_eq!(house.told(9).await, ["ep_all: decided", "ep_all: redecided", "ep_none: asked for", "ep_some: redecided"]);

        let change = EndpointChange { events: Some(None), url: Some("https://new.example/".into()), ..enabled() };
        house.store.set_endpoint("ep_some", change, at(2)).await.unwrap();
        house.check("more", Decision::Hold).await;
        assert_eq!(house.told(9).await, ["ep_all: more", "ep_some: more"]);
        assert_eq!(house.store.endpoints(None).await.unwrap()[1].url, "https://new.example/");

        let reason = "not now".to_owned();
        let change = EndpointChange { state: Some(EndpointState::Disabled { reason }), ..EndpointChange::default() };
        house.store.set_endpoint("ep_some", change, at(3)).await.unwrap();
        house.check("last", Decision::Hold).await;
        assert_eq!(house.told(9).await, ["ep_all: last"]);
        assert_eq!(house.store.dead_letters(9).await.unwrap().len(), 2, "what it had not got yet");
    }

    async fn a_call_back_is_told_of_its_own_comments_only(house: &House) {
        house.listen("ep_a").await;
        let callback = |id: &str, key: &str| Endpoint {
            id: id.into(),
            site: house.site.id,
            kind: EndpointKind::Callback,
            url: "https://news.example/wp-json/akismet/v1/webhook".into(),
            events: None,
            created_at: at(0),
            disabled: None,
            failing_since: None,
            secrets: vec![EndpointSecret { secret: key.into(), expires_at: None }],
        };
        assert_eq!(house.store.callback_endpoint(callback("ep_c", "old")).await.unwrap(), "ep_c");
        assert_eq!(house.store.callback_endpoint(callback("ep_d", "new")).await.unwrap(), "ep_c");
        let stray = Endpoint { site: SiteId(99), ..callback("ep_e", "x") };
        is_missing(house.store.callback_endpoint(stray).await);

        let new = NewComment { callback: Some("ep_c".into()), ..house.fresh("with") };
        let with = house.store.admit_decided(new, &verdict(Decision::Hold), event("held")).await.unwrap().id();
        let without = house.check("without", Decision::Hold).await;
        assert_eq!(house.told(9).await, ["ep_a: held", "ep_a: without"]);
        house.say(with, Act::Decision(Decision::Approve), 10, "with").await.unwrap();
        house.say(without, Act::Decision(Decision::Approve), 10, "without").await.unwrap();
        let due = house.deliveries(20).await;
        let called: Vec<_> = due.iter().filter(|one| one.endpoint.kind == EndpointKind::Callback).collect();
        assert_eq!((due.len(), called.len()), (3, 1));
        assert_eq!((called[0].body.as_str(), called[0].endpoint.secrets[0].secret.as_str()), ("called back", "new"));

        // The key must not follow it to another address; it may be switched off and on.
        let elsewhere = EndpointChange { url: Some("https://evil.example/".into()), ..EndpointChange::default() };
        let secrets = EndpointChange { secrets: Some(Vec::new()), ..EndpointChange::default() };
        for change in [elsewhere, secrets] {
            is_conflict(house.store.set_endpoint("ep_c", change, at(20)).await);
        }
        is_conflict(house.store.enqueue_message("ep_c", event("test"), at(20)).await);
        house.store.set_endpoint("ep_c", enabled(), at(20)).await.unwrap();
        let endpoints = house.store.endpoints(None).await.unwrap();
        let kept = endpoints.iter().find(|endpoint| endpoint.id == "ep_c").unwrap();
        assert_eq!((kept.url.as_str(), kept.secrets[0].secret.as_str()), (called[0].endpoint.url.as_str(), "new"));

        house.store.remove_endpoint("ep_c").await.unwrap();
        house.say(with, Act::Decision(Decision::Spam), 30, "again").await.unwrap();
        assert_eq!(house.told(32).await, ["ep_a: again"]);
    }

    async fn every_attempt_is_logged_and_a_range_is_sent_again(house: &House) {
        let store = &house.store;
        house.listen("ep_a").await;
        house.listen("ep_b").await;
        let other = store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let id = house.check("one", Decision::Hold).await;
        let all = async |filter: DeliveryFilter| store.deliveries(house.site.id, &filter, None, 10).await.unwrap();
        let of_a = DeliveryFilter { endpoint: Some("ep_a".into()), ..DeliveryFilter::default() };
        let [waiting] = all(of_a.clone()).await.try_into().unwrap();
        assert_eq!((waiting.state, waiting.attempts, waiting.due_at), (DeliveryState::Pending, 0, Some(at(1))));
        assert_eq!((waiting.kind.as_str(), waiting.comment, waiting.created_at), ("comment.decided", Some(id), at(1)));

        let lease = |due: &[DeliveryJob], endpoint: &str| due.iter().find(|one| one.endpoint.id == endpoint).unwrap().lease;
        let due = house.deliveries(1).await;
        let (a, b) = (lease(&due, "ep_a"), lease(&due, "ep_b"));
        let under_way = DeliveryFilter { id: Some(a.job), ..DeliveryFilter::default() };
        assert_eq!(store.redeliver(house.site.id, under_way.clone(), at(2)).await.unwrap(), 0, "somebody is at it");
        house.attempt(a, 500, NextStep::RetryAt(at(100)), 2).await.unwrap();
        house.attempt(b, 200, NextStep::Delivered, 2).await.unwrap();
        // A person need not wait for the schedule.
        assert_eq!(store.redeliver(house.site.id, under_way, at(3)).await.unwrap(), 1);
        let again = house.deliveries(3).await;
        assert_eq!((again.len(), again[0].message_id.as_str()), (1, waiting.message_id.as_str()));
        house.attempt(again[0].lease, 404, NextStep::DeadLetter, 4).await.unwrap();
        let [dead] = all(of_a.clone()).await.try_into().unwrap();
        assert_eq!((dead.state, dead.last_status, dead.finished_at), (DeliveryState::DeadLetter, Some(404), Some(at(4))));
        assert_eq!((dead.last_error.as_deref(), dead.due_at), (Some("HTTP 404"), None));
        let log = store.attempts(house.site.id, dead.id).await.unwrap();
        let log: Vec<_> = log.iter().map(|one| (one.at, one.status, one.latency_ms, one.answer.as_str())).collect();
        assert_eq!(log, [(at(2), Some(500), 7.0, "answer 500"), (at(4), Some(404), 7.0, "answer 404")]);
        assert!(store.attempts(other.id, dead.id).await.unwrap().is_empty());
        assert!(store.deliveries(other.id, &DeliveryFilter::default(), None, 10).await.unwrap().is_empty());

        // By range: dead letters unless another state is asked for, and only those of the time.
        for second in 10..13 {
            let (new, body) = (house.fresh("more"), format!("at {second}"));
            let verdict = Verdict { decided_at: at(second), ..verdict(Decision::Hold) };
            store.admit_decided(new, &verdict, event(&body)).await.unwrap();
        }
        for one in house.deliveries(20).await {
            house.attempt(one.lease, 200, NextStep::Delivered, 21).await.unwrap();
        }
        let range = DeliveryFilter { from: Some(at(11)), to: Some(at(12)), ..DeliveryFilter::default() };
        assert_eq!(store.redeliver(house.site.id, range.clone(), at(30)).await.unwrap(), 0, "nothing of it is dead");
        let range = DeliveryFilter { state: Some(DeliveryState::Delivered), ..range };
        assert_eq!(store.redeliver(other.id, range.clone(), at(30)).await.unwrap(), 0);
        assert_eq!(store.redeliver(house.site.id, range, at(30)).await.unwrap(), 2);
        assert_eq!(house.told(30).await, ["ep_a: at 11", "ep_b: at 11"]);
        assert_eq!(store.redeliver(house.site.id, DeliveryFilter::default(), at(40)).await.unwrap(), 1);
        assert_eq!(house.told(40).await, ["ep_a: one"]);

        let page = store.deliveries(house.site.id, &DeliveryFilter::default(), None, 3).await.unwrap();
        let rest = store.deliveries(house.site.id, &DeliveryFilter::default(), Some(page[2].id), 10).await.unwrap();
        assert_eq!((page.len(), rest.len()), (3, 5));
        assert!(page.iter().chain(&rest).is_sorted_by(|newer, older| newer.id.0 > older.id.0));

        // What was delivered is forgotten after a while, what was given up is not.
        assert_eq!(store.forget_delivered(at(21), 10).await.unwrap(), 1);
        assert_eq!(store.forget_delivered(at(22), 3).await.unwrap(), 3);
        assert_eq!(store.forget_delivered(at(22), 10).await.unwrap(), 1);
        assert_eq!(all(DeliveryFilter::default()).await.len(), 3);
    }

    // ---- dead letters --------------------------------------------------------------------------------------------

    async fn what_is_given_up_is_shown_retried_or_purged(house: &House) {
        house.listen("ep_a").await;
        let checked = house.check("told", Decision::Hold).await;
        let queued = house.queue("poison").await;
        assert_eq!(house.store.queue_status(at(4)).await.unwrap().oldest_due_seconds, Some(4.0));
        let lease = house.claim(1).await[0].lease;
        house.store.give_up(lease, "no model".into(), at(2)).await.unwrap();
        assert_eq!(house.status(queued).await, Status::DeadLetter { attempts: 1, last_error: "no model".into() });
        let delivery = house.deliveries(2).await.remove(0);
        house.attempt(delivery.lease, 500, NextStep::DeadLetter, 3).await.unwrap();

        let dead = house.store.dead_letters(10).await.unwrap();
        let shown: Vec<_> = dead
            .iter()
            .map(|one| (one.kind, one.comment, one.endpoint.as_deref(), one.attempts, one.last_error.as_str(), one.died_at))
            .collect();
        assert_eq!(shown, [
            ("deliver", Some(checked), Some("ep_a"), 1, "HTTP 500", at(3)),
            ("decide", Some(queued), None, 1, "no model", at(2)),
        ]);
        assert!(dead.iter().all(|one| one.site == house.site.id));
        assert_eq!(house.store.dead_letters(1).await.unwrap(), dead[..1]);
        let status = house.store.queue_status(at(4)).await.unwrap();
        assert_eq!((status.decisions, status.deliveries), (0, 0));
        assert_eq!((status.dead_decisions, status.dead_deliveries), (1, 1));
        assert_eq!(status.oldest_due_seconds, None);

        assert_eq!(house.store.retry_dead(Some(dead[1].job), at(10)).await.unwrap(), 1);
        assert_eq!(house.store.retry_dead(Some(dead[1].job), at(10)).await.unwrap(), 0, "it is not dead any more");
        assert_eq!(house.status(queued).await, Status::Queued);
        let again = house.claim(10).await.remove(0);
        assert_eq!((again.id, again.lease.attempt), (queued, 1));
        house.store.give_up(again.lease, "still no model".into(), at(11)).await.unwrap();

        assert_eq!(house.store.purge_dead(Some(JobId(4711))).await.unwrap(), 0);
        assert_eq!(house.store.purge_dead(None).await.unwrap(), 2);
        assert!(house.store.dead_letters(10).await.unwrap().is_empty());
        assert!(matches!(house.status(queued).await, Status::DeadLetter { .. }), "the comment stays");
        assert_eq!(house.status(checked).await, decided(Decision::Hold));
        // A person can still decide it.
        house.say(queued, Act::Label(Label::Spam), 20, "spam").await.unwrap();
        assert_eq!(house.status(queued).await, decided(Decision::Spam));
    }

    // ---- sites ---------------------------------------------------------------------------------------------------

    async fn a_change_beside_the_daemon_is_seen(house: &House) {
        let beside = house.once_more().await;
        let mut seen = house.store.generation().await.unwrap();
        let mut has_risen = async |what: &str| {
            let now = house.store.generation().await.unwrap();
            assert!(now > seen, "{what}");
            assert_eq!(house.store.directory().await.unwrap().generation, now);
            seen = now;
        };
        let site = beside.add_site("blog", "https://blog.example/", Policy::standard(), [7; 32], at(9)).await.unwrap();
        has_risen("add_site").await;
        let directory = house.store.directory().await.unwrap();
        assert_eq!(directory.sites.iter().map(|site| site.as_ref().clone()).collect::<Vec<_>>(), [
            house.site.clone(),
            site.clone()
        ]);
        assert_eq!(keys(&directory), [([1; 32], Some(house.site.id)), ([7; 32], Some(site.id))]);

        // The daemon's writer knows the new site and the new endpoint at once.
        let new = NewComment { site: site.id, ..house.fresh("x") };
        house.store.admit_queued(new, None).await.unwrap();
        let endpoint = Endpoint {
            id: "ep_beside".into(),
            site: house.site.id,
            url: "https://cms.example/".into(),
            created_at: at(0),
            kind: EndpointKind::Webhook,
            events: None,
            disabled: None,
            failing_since: None,
            secrets: Vec::new(),
        };
        beside.add_endpoint(endpoint).await.unwrap();
        has_risen("add_endpoint").await;
        house.check("told", Decision::Hold).await;
        assert_eq!(house.told(9).await, ["ep_beside: told"]);
        beside.set_endpoint("ep_beside", EndpointChange::default(), at(0)).await.unwrap();
        has_risen("set_endpoint").await;
        beside.remove_endpoint("ep_beside").await.unwrap();
        has_risen("remove_endpoint").await;
        house.check("not told", Decision::Hold).await;
        assert!(house.told(99).await.is_empty());

        let mut changed = Site { name: "weblog".into(), url: String::new(), ..site };
        changed.policy.shadow = true;
        beside.set_site(&changed).await.unwrap();
        has_risen("set_site").await;
        assert_eq!(*house.store.directory().await.unwrap().sites[1], changed);
        let old = house.store.directory().await.unwrap().keys[1].id;
        let rotated = beside.rotate_key(old, [8; 32], at(99), at(9)).await.unwrap();
        has_risen("rotate_key").await;
        beside.remove_key(old).await.unwrap();
        has_risen("remove_key").await;
        assert_eq!(keys(&house.store.directory().await.unwrap())[1], ([8; 32], Some(changed.id)));
        assert_eq!(*house.store.directory().await.unwrap().keys[1], rotated);
        beside.add_key(new_key(None, 9), at(9)).await.unwrap();
        has_risen("add_key").await;
        assert_eq!(keys(&house.store.directory().await.unwrap())[0], ([9; 32], None));
        beside.keep_model(model("m1"), vec![1]).await.unwrap();
        beside.promote(Some("m1"), "better", at(5)).await.unwrap();
        has_risen("promote").await;
        beside.rollback(at(6)).await.unwrap();
        has_risen("rollback").await;
        beside.remove_site(changed.id).await.unwrap();
        has_risen("remove_site").await;
        is_missing(house.store.admit_queued(NewComment { site: changed.id, ..house.fresh("x") }, None).await);
        beside.close().await;
    }

    async fn names_and_keys_are_unique(house: &House) {
        let generation = house.store.generation().await.unwrap();
        is_conflict(house.store.add_site("news", "", Policy::standard(), [2; 32], at(0)).await);
        is_conflict(house.store.add_site("blog", "", Policy::standard(), [1; 32], at(0)).await);
        assert_eq!(house.store.directory().await.unwrap().sites.len(), 1, "nothing is left of the site");
        assert_eq!(house.store.generation().await.unwrap(), generation);
        let blog = house.store.add_site("blog", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        is_conflict(house.store.set_site(&Site { name: "news".into(), ..blog.clone() }).await);
        let nobody = SiteId(99);
        is_missing(house.store.set_site(&Site { id: nobody, name: "x".into(), ..blog }).await);
        is_missing(house.store.remove_site(nobody).await);
    }

    async fn a_site_has_several_keys_and_an_old_one_works_on_for_a_while(house: &House) {
        let store = &house.store;
        let first = Arc::clone(&store.directory().await.unwrap().keys[0]);
        assert_eq!((first.name.as_str(), first.scopes, first.expires_at), ("site", Scopes::CMS, None));
        let reader = NewKey {
            scopes: "read".parse().unwrap(),
            name: "reader".into(),
            expires_at: Some(at(50)),
            ..new_key(Some(house.site.id), 2)
        };
        let reader = store.add_key(reader, at(1)).await.unwrap();
        assert_eq!((reader.scopes.to_string().as_str(), reader.is_valid(at(49))), ("read", true));
        assert!(!reader.is_valid(at(50)));
        is_conflict(store.add_key(new_key(Some(house.site.id), 1), at(1)).await);
        is_missing(store.add_key(new_key(Some(SiteId(99)), 3), at(1)).await);

        let second = store.rotate_key(first.id, [4; 32], at(100), at(2)).await.unwrap();
        assert_eq!((second.name.as_str(), second.scopes, second.expires_at), ("site", Scopes::CMS, None));
        is_conflict(store.rotate_key(second.id, [1; 32], at(100), at(2)).await);
        let of = |id| {
            let directory = store.directory();
            async move { directory.await.unwrap().keys.iter().find(|key| key.id == id).unwrap().as_ref().clone() }
        };
        assert_eq!(of(first.id).await.expires_at, Some(at(100)));
        assert_eq!(of(second.id).await, second, "a refused rotation changes nothing");
        // What ends earlier does not live longer for being rotated.
        store.rotate_key(reader.id, [5; 32], at(100), at(3)).await.unwrap();
        assert_eq!(of(reader.id).await.expires_at, Some(at(50)));

        store.remove_key(first.id).await.unwrap();
        is_missing(store.remove_key(first.id).await);
        is_missing(store.rotate_key(first.id, [6; 32], at(9), at(3)).await);
        store.remove_site(house.site.id).await.unwrap();
        assert!(store.directory().await.unwrap().keys.is_empty());
    }

    async fn a_site_goes_with_all_it_has(house: &House) {
        let other = house.store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let stays = NewComment { site: other.id, ..house.fresh("stays") };
        let stays = house.store.admit_queued(stays, None).await.unwrap().id();
        house.listen("ep_a").await;
        let id = house.check("x", Decision::Hold).await;
        house.queue("y").await;
        house.say(id, Act::Label(Label::Spam), 1, "x").await.unwrap();
        house.store.remove_site(house.site.id).await.unwrap();
        assert_eq!(house.store.comment(house.site.id, id).await.unwrap(), None);
        assert!(house.store.labelled(None, None, 9).await.unwrap().is_empty());
        assert!(house.store.endpoints(None).await.unwrap().is_empty());
        assert!(house.deliveries(9999).await.is_empty());
        let directory = house.store.directory().await.unwrap();
        assert_eq!((directory.sites.len(), keys(&directory)), (1, vec![([2; 32], Some(other.id))]));
        assert_eq!(house.claim(9999).await.iter().map(|job| job.id).collect::<Vec<_>>(), [stays]);
    }

    // ---- models --------------------------------------------------------------------------------------------------

    async fn models_are_promoted_and_rolled_back(house: &House) {
        let store = &house.store;
        assert_eq!(store.champion().await.unwrap(), None);
        is_missing(store.rollback(at(0)).await);
        is_missing(store.promote(Some("m1"), "", at(0)).await);
        store.keep_model(ModelRecord { created_at: at(1), ..model("m1") }, vec![1; 3_000_000]).await.unwrap();
        store.keep_model(ModelRecord { created_at: at(2), ..model("m2") }, vec![2]).await.unwrap();
        store.keep_model(model("m2"), vec![3]).await.unwrap();
        assert_eq!(store.model_bytes("m1").await.unwrap().len(), 3_000_000);
        assert_eq!(store.model_bytes("m2").await.unwrap(), [2], "the same id is the same model");
        is_missing(store.model_bytes("m3").await);

        store.promote(Some("m1"), "first", at(10)).await.unwrap();
        store.promote(Some("m2"), "better", at(20)).await.unwrap();
        store.promote(Some("m2"), "again", at(21)).await.unwrap();
        store.promote(None, "as shipped", at(30)).await.unwrap();
        assert_eq!(store.champion().await.unwrap(), None);
        assert_eq!(store.rollback(at(40)).await.unwrap().as_deref(), Some("m2"));
        let models = store.models().await.unwrap();
        let shown: Vec<_> =
            models.iter().map(|one| (one.id.as_str(), one.promoted_at, one.note.as_str(), one.is_champion)).collect();
        assert_eq!(shown, [("m2", Some(at(40)), "again", true), ("m1", Some(at(10)), "first", false)]);
        assert_eq!(models[0].card, model("m2").card);
        assert_eq!(store.rollback(at(41)).await.unwrap().as_deref(), Some("m1"));
        assert_eq!(store.champion().await.unwrap().as_deref(), Some("m1"));
        assert_eq!(store.rollback(at(42)).await.unwrap(), None);
        is_missing(store.rollback(at(43)).await);
    }

    async fn new_labels_are_those_since_the_newest_model(house: &House) {
        let store = &house.store;
        let count = async |after: Option<i64>, up_to| store.new_labels(after.map(at), up_to).await.unwrap();
        assert_eq!(count(None, 10).await, NewLabels { since: None, count: 0 });
        for second in 1..=300 {
            let id = house.check(&format!("number {second}"), Decision::Approve).await;
            let what = if second % 3 == 0 { Act::Decision(Decision::Spam) } else { Act::Label(Label::Spam) };
            house.say(id, what, second, "").await.unwrap();
        }
        assert_eq!(count(None, 1000).await, NewLabels { since: None, count: 200 });
        assert_eq!(count(None, 7).await.count, 7);
        store.keep_model(ModelRecord { created_at: at(292), ..model("m1") }, vec![1]).await.unwrap();
        assert_eq!(count(None, 1000).await, NewLabels { since: Some(at(292)), count: 6 });
        assert_eq!(count(Some(298), 1000).await, NewLabels { since: Some(at(298)), count: 2 });
        assert_eq!(count(Some(5), 1000).await.since, Some(at(292)));
    }

    // ---- budgets -------------------------------------------------------------------------------------------------

    async fn ham_is_what_was_said_or_taken_to_be_it_and_not_contradicted(house: &House) {
        let store = &house.store;
        let admit = async |second, decision, site| {
            let new = NewComment { received_at: at(second), site, id: random::comment_id(at(second)), ..house.fresh("x") };
            store.admit_decided(new, &verdict(decision), event("x")).await.unwrap().id()
        };
        let own = async |second, decision| admit(second, decision, house.site.id).await;
        let presumed = own(1, Decision::Approve).await;
        own(2, Decision::Hold).await;
        own(3, Decision::Spam).await;
        let labelled = own(4, Decision::Spam).await;
        house.say(labelled, Act::Label(Label::Ham), 10, "").await.unwrap();
        let approved = own(5, Decision::Hold).await;
        house.say(approved, Act::Decision(Decision::Approve), 10, "").await.unwrap();
        let missed = own(6, Decision::Approve).await;
        house.say(missed, Act::Label(Label::Spam), 10, "").await.unwrap();
        house.say(missed, Act::Decision(Decision::Approve), 11, "").await.unwrap();
        let blocked = own(7, Decision::Approve).await;
        house.say(blocked, Act::Label(Label::Ham), 10, "").await.unwrap();
        house.say(blocked, Act::Decision(Decision::Spam), 11, "").await.unwrap();
        let rechecked = own(8, Decision::Approve).await;
        house.say(rechecked, Act::Recheck(Decision::Spam), 10, "").await.unwrap();
        house.queue("not judged yet").await;
        let other = store.add_site("other", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let foreign = admit(5, Decision::Approve, other.id).await;

        let found = store.ham(house.site.id, at(0), at(100), None, 10).await.unwrap();
        let found: Vec<_> = found.iter().map(|ham| (ham.id, ham.word, ham.verdict.score)).collect();
        let score = verdict(Decision::Hold).score;
        assert_eq!(found, [
            (approved, HamWord::Approved, score),
            (labelled, HamWord::Labelled, score),
            (presumed, HamWord::Presumed, score),
        ]);
        let within = async |from, to, before, limit| {
            let page = store.ham(house.site.id, at(from), at(to), before, limit).await.unwrap();
            page.iter().map(|ham| ham.id).collect::<Vec<_>>()
        };
        assert_eq!(within(1, 5, None, 10).await, [labelled, presumed]);
        assert_eq!(within(2, 5, None, 10).await, [labelled]);
        assert_eq!(within(0, 100, None, 1).await, [approved]);
        assert_eq!(within(0, 100, Some(approved), 1).await, [labelled]);
        assert_eq!(within(0, 100, Some(presumed), 1).await, []);
        is_missing(store.ham(house.site.id, at(0), at(100), Some(foreign), 10).await);
        assert_eq!(store.unreviewed(house.site.id, at(0), at(100)).await.unwrap(), 1);
        assert_eq!(store.unreviewed(house.site.id, at(3), at(100)).await.unwrap(), 0);
    }

    async fn what_was_measured_changes_nothing_else_and_only_the_same_budget(house: &House) {
        let (store, site) = (&house.store, house.site.id);
        let share = |share| Share::new(share).unwrap();
        let measured = Measured {
            ham: 1240,
            needed: 598,
            chosen: Some(Chosen { hold: Score::new(0.731).unwrap(), above: 2 }),
            unreviewed: 3,
            model: "m1".into(),
            rules: "1".into(),
            at: at(7),
        };
        let record = async |budget| store.record_measured(site, share(budget), measured.clone()).await;
        assert!(!record(0.005).await.unwrap(), "there is no budget");
        let mut changed = house.site.clone();
        changed.policy.set_budget(Some(share(0.005)));
        store.set_site(&changed).await.unwrap();
        let before = store.generation().await.unwrap();
        assert!(!record(0.01).await.unwrap(), "it is another one by now");
        assert_eq!(store.generation().await.unwrap(), before);
        assert!(record(0.005).await.unwrap());
        assert!(store.generation().await.unwrap() > before);
        changed.policy.budget.as_mut().unwrap().measured = Some(measured.clone());
        assert_eq!(*store.directory().await.unwrap().sites[0], changed);
        is_missing(store.record_measured(SiteId(4711), share(0.005), measured).await);
    }

    // ---- the engine ----------------------------------------------------------------------------------------------

    async fn what_was_answered_is_there_after_opening_again(house: &House) {
        let id = house.queue("kept").await;
        house.store.ping().await.unwrap();
        house.store.close().await;
        house.store.close().await;
        let closed = house.store.admit_queued(house.fresh("late"), None).await;
        assert!(matches!(closed, Err(StoreError::Unavailable(_))), "{closed:?}");
        let closed = house.store.comment(house.site.id, id).await;
        assert!(matches!(closed, Err(StoreError::Unavailable(_))), "{closed:?}");
        assert!(house.store.ping().await.is_err());

        let again = house.once_more().await;
        assert_eq!(again.comment(house.site.id, id).await.unwrap().unwrap().status, Status::Queued);
        again.close().await;
    }

    async fn closing_finishes_what_is_being_written(house: &House) {
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..200 {
            let (store, new) = (Arc::clone(&house.store), house.fresh(&format!("{sender}")));
            senders.spawn(async move { store.admit_queued(new, None).await });
        }
        tokio::task::yield_now().await;
        house.store.close().await;
        let again = house.once_more().await;
        for answer in senders.join_all().await {
            match answer {
                Ok(admission) => assert!(again.comment(house.site.id, admission.id()).await.unwrap().is_some()),
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
            }
        }
        again.close().await;
    }

    async fn what_one_does_for_all_is_one_holders_until_it_is_given_back_or_the_term_is_over(house: &House) {
        let beside = house.once_more().await;
        let (here, there) = (&house.store, &beside);
        let ask = async |store: &Arc<dyn Store>, holder: &str, seconds: i64| {
            store.lease("training", holder, Duration::from_secs(60), at(seconds)).await.unwrap()
        };
        let (first, second) = tokio::join!(ask(here, "a", 0), ask(there, "b", 0));
        assert!(first != second, "one of those who ask at once");
        let (mine, theirs) = if first { ("a", "b") } else { ("b", "a") };
        assert!(!ask(there, theirs, 59).await);
        assert!(there.lease("budgets", theirs, LEASE, at(59)).await.unwrap(), "other work is another matter");
        assert!(ask(here, mine, 50).await, "it is prolonged");
        assert!(!ask(there, theirs, 109).await);
        assert!(ask(there, theirs, 110).await, "the term is over");
        assert!(!ask(here, mine, 111).await);
        here.release("training", mine).await.unwrap();
        assert!(!ask(here, mine, 112).await, "what is another's cannot be given back");
        there.release("training", theirs).await.unwrap();
        assert!(ask(here, mine, 113).await);
        // Clocks that differ a little take nothing away; one that was hours ahead keeps nothing for hours.
        assert!(ask(here, mine, 163).await && !ask(there, theirs, 113).await);
        assert!(ask(here, mine, 9_999).await && ask(there, theirs, 113).await);
        beside.close().await;
    }

    async fn two_processes_share_one_store(house: &House) {
        let beside = house.once_more().await;
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..100 {
            let store = Arc::clone(if sender % 2 == 0 { &house.store } else { &beside });
            let new = house.fresh(&format!("{sender}"));
            senders.spawn(async move { store.admit_queued(new, None).await.unwrap() });
        }
        senders.join_all().await;
        let (mine, theirs) = tokio::join!(
            house.store.claim_decisions(at(1), LEASE, 60),
            beside.claim_decisions(at(1), LEASE, 60)
        );
        let (mine, theirs) = (mine.unwrap(), theirs.unwrap());
        assert_eq!(mine.len() + theirs.len(), 100);
        let different: HashSet<JobId> = mine.iter().chain(&theirs).map(|job| job.lease.job).collect();
        assert_eq!(different.len(), 100, "no job is claimed twice");
        beside.close().await;
    }
}

fn model(id: &str) -> ModelRecord {
    ModelRecord {
        id: id.into(),
        created_at: at(0),
        card: serde_json::json!({"comments": 12, "name": id}),
        promoted_at: None,
        note: String::new(),
        is_champion: false,
    }
}
