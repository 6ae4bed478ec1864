//! The worker with a real store and a CMS that listens: what was admitted is decided, and what was decided is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use hamlet::classifier::Classifier;
use hamlet::clock::Clock;
use hamlet::comment::{Comment, CommentId};
use hamlet::decision::Judge;
use hamlet::pipeline::{Pipeline, Said, Submission, key_hash};
use hamlet::random;
use hamlet::rules::RuleSet;
use hamlet::site::{Policy, Site};
use hamlet::store::{self, Act, DeliveryFilter, Endpoint, EndpointKind, EndpointSecret, QueueStatus, Status, Store};
use hamlet::verdict::{Decision, Label};
use hamlet::webhook::signature::{Headers, TOLERANCE, verify};
use hamlet::webhook::{Allow, Client, Schedule, Secret, Settings as ClientSettings};
use hamlet::worker::{Settings, Worker};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::receiver::{Answer, Receiver, Told};

/// The daemon without its doors: a store in a folder, a worker, and a clock that only a test moves.
struct House {
    pipeline: Arc<Pipeline>,
    site: Arc<Site>,
    hand: Arc<AtomicI64>,
    settings: Settings,
    allow: Allow,
    timeout: Duration,
    _folder: tempfile::TempDir,
}

/// A worker at work.
struct Working {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl House {
    async fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::frozen_at(Clock::System.now());
        let store = store::open("sqlite", folder.path(), store::Settings::default()).await.unwrap();
        let key = key_hash(&random::api_key());
        store.add_site("news", "https://news.example/", Policy::standard(), key, clock.now()).await.unwrap();
        let directory = store.directory().await.unwrap();
        let site = Arc::clone(&directory.sites[0]);
        let pipeline = Arc::new(Pipeline::new(store, clock, Judge::new(RuleSet::embedded(), Classifier::shipped())));
        pipeline.set_directory(directory);
        let settings =
            Settings { poll: Duration::from_millis(20), drain: Duration::from_secs(2), ..Settings::default() };
        let timeout = Duration::from_secs(3);
        House { pipeline, site, hand, settings, allow: Allow::All, timeout, _folder: folder }
    }

    fn store(&self) -> &dyn Store {
        self.pipeline.store.as_ref()
    }

    /// From now on comments and endpoints are those of another, new site.
    async fn move_to(&mut self, name: &str) {
        let (key, now) = (key_hash(&random::api_key()), self.pipeline.clock.now());
        self.store().add_site(name, "https://blog.example/", Policy::standard(), key, now).await.unwrap();
        self.pipeline.refresh().await.unwrap();
        self.site = self.pipeline.site_named(name).unwrap();
    }

    /// Makes `cms` an endpoint of the site; its secret.
    async fn tells(&self, cms: &Receiver) -> String {
        let secret = random::webhook_secret();
        self.tells_with(cms, vec![EndpointSecret { secret: secret.clone(), expires_at: None }]).await;
        secret
    }

    async fn tells_with(&self, cms: &Receiver, secrets: Vec<EndpointSecret>) {
        let id = format!("ep_{}", cms.address.port());
        let (url, created_at) = (cms.url(), self.pipeline.clock.now());
        let endpoint = Endpoint {
            id,
            site: self.site.id,
            kind: EndpointKind::Webhook,
            url,
            events: None,
            created_at,
            disabled: None,
            failing_since: None,
            secrets,
        };
        self.store().add_endpoint(endpoint).await.unwrap();
    }

    async fn submit(&self, text: &str) -> CommentId {
        let submission = Submission::of(Comment::of_text(text), None);
        self.pipeline.submit(&self.site, submission).await.unwrap().id()
    }

    fn work(&self) -> Working {
        let client = Client::new(ClientSettings {
            timeout: self.timeout,
            allow: self.allow.clone(),
            ..ClientSettings::default()
        });
        let worker = Worker::new(Arc::clone(&self.pipeline), client.unwrap(), self.settings.clone());
        let (stop, stopped) = watch::channel(false);
        Working { stop, task: tokio::spawn(worker.run(stopped)) }
    }

    fn wait(&self, time: Duration) {
        self.hand.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::Relaxed);
    }

    async fn queue(&self) -> QueueStatus {
        self.store().queue_status(self.pipeline.clock.now()).await.unwrap()
    }

    /// Waits until the queue is as `is_right` wants it.
    async fn until(&self, is_right: impl Fn(&QueueStatus) -> bool) {
        let started = Instant::now();
        loop {
            let queue = self.queue().await;
            if is_right(&queue) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{queue:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the newest delivery has had `times` attempts and the last is written down: a receiver has heard of
    /// an attempt before the store knows how it ended, and a clock moved between the two makes it end later.
    async fn attempted(&self, times: usize) {
        let started = Instant::now();
        let mut attempts = 0;
        while attempts < times {
            assert!(started.elapsed() < Duration::from_secs(20), "{attempts} attempts");
            tokio::time::sleep(Duration::from_millis(5)).await;
            let newest = self.store().deliveries(self.site.id, &DeliveryFilter::default(), None, 1).await.unwrap();
            let Some(delivery) = newest.first() else { continue };
            attempts = self.store().attempts(self.site.id, delivery.id).await.unwrap().len();
        }
    }

    /// Waits until an aborted worker's loops are gone as well: they could still be handed a comment.
    async fn until_no_worker_is_left(&self) {
        while Arc::strong_count(&self.pipeline) > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_all_is_told(&self) {
        self.until(|queue| queue.decisions == 0 && queue.deliveries == 0).await;
    }

    async fn endpoint(&self, cms: &Receiver) -> Endpoint {
        let endpoints = self.store().endpoints(Some(self.site.id)).await.unwrap();
        endpoints.into_iter().find(|endpoint| endpoint.url == cms.url()).unwrap()
    }
}

impl Working {
    async fn stop(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

fn id(told: &Told) -> &str {
    told.header("webhook-id")
}

#[tokio::test]
async fn a_verdict_is_told_with_a_valid_signature() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    let secret = house.tells(&cms).await;
    let comment = house.submit("cheap watches https://x.example").await;
    let working = house.work();
    let [told] = cms.told_at_least(1).await.try_into().unwrap();
    assert!(told.is_believed_with(&secret));
    assert!(id(&told).starts_with("msg_") && !id(&told).contains('.'), "{}", id(&told));
    let body = told.json();
    assert_eq!(body["type"], "comment.decided");
    assert_eq!(body["data"]["id"], comment.to_string());
    assert_eq!(body["data"]["site"], "news");
    let stored = house.store().comment(house.site.id, comment).await.unwrap().unwrap();
    let Status::Decided { verdict } = stored.status else { panic!("{stored:?}") };
    assert_eq!(body["data"]["verdict"]["decision"], verdict.decision.as_str());
    let for_commenter = &body["data"]["for_commenter"];
    assert_eq!(for_commenter["language"], "en");
    assert!(for_commenter["message"].as_str().unwrap().starts_with("Your comment "), "{for_commenter}");
    assert!(!String::from_utf8_lossy(&told.body).contains("watches https"), "the text stays at home");
    house.until_all_is_told().await;
    working.stop().await;
}

#[tokio::test]
async fn every_comment_is_decided_and_told_exactly_once() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    house.tells(&cms).await;
    let working = house.work();
    let mut sent = Vec::new();
    for number in 0..300 {
        sent.push(house.submit(&format!("comment {number}")).await.to_string());
    }
    house.until_all_is_told().await;
    let mut told: Vec<_> =
        cms.told().iter().map(|told| told.json()["data"]["id"].as_str().unwrap().to_owned()).collect();
    told.sort();
    sent.sort();
    assert_eq!(told, sent);
    working.stop().await;
}

#[tokio::test]
async fn a_failed_delivery_comes_again_with_the_same_id_and_a_new_timestamp() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    let secret = house.tells(&cms).await;
    cms.will_answer([Answer::Status(500)]);
    house.submit("hello").await;
    let working = house.work();
    house.attempted(1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(cms.told().len(), 1, "not before its time");
    assert!(house.endpoint(&cms).await.failing_since.is_some());
    house.wait(Duration::from_secs(6));
    let [first, second] = cms.told_at_least(2).await.try_into().unwrap();
    assert_eq!(id(&first), id(&second));
    assert_eq!(first.body, second.body);
    let sent_at = |told: &Told| told.header("webhook-timestamp").parse::<i64>().unwrap();
    assert_eq!(sent_at(&second) - sent_at(&first), 6);
    assert!(first.is_believed_with(&secret) && second.is_believed_with(&secret));
    assert_ne!(first.header("webhook-signature"), second.header("webhook-signature"));
    house.until_all_is_told().await;
    assert_eq!(house.endpoint(&cms).await.failing_since, None);
    working.stop().await;
}

#[tokio::test]
async fn an_overloaded_receiver_is_left_alone_as_long_as_it_asks() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    house.tells(&cms).await;
    cms.will_answer([Answer::RetryAfter(503, "120".to_owned())]);
    house.submit("hello").await;
    let working = house.work();
    house.attempted(1).await;
    house.wait(Duration::from_secs(119));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(cms.told().len(), 1);
    house.wait(Duration::from_secs(1));
    cms.told_at_least(2).await;
    working.stop().await;
}

#[tokio::test]
async fn gone_means_gone() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    house.tells(&cms).await;
    cms.will_answer([Answer::Status(410)]);
    house.submit("hello").await;
    let working = house.work();
    cms.told_at_least(1).await;
    house.until(|queue| queue.dead_deliveries == 1).await;
    let reason = house.endpoint(&cms).await.disabled.unwrap();
    assert!(reason.contains("410"), "{reason}");
    house.submit("and again").await;
    house.until(|queue| queue.decisions == 0).await;
    house.wait(Duration::from_secs(3600));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(cms.told().len(), 1);
    working.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_for_five_days_is_disabled() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    house.tells(&cms).await;
    cms.will_always_answer(Answer::Status(500));
    let working = house.work();
    house.submit("monday").await;
    house.attempted(1).await;
    house.wait(Duration::from_secs(5 * 24 * 3600));
    house.until(|queue| queue.dead_deliveries == 1).await;
    let reason = house.endpoint(&cms).await.disabled.unwrap();
    assert!(reason.contains("120 hours"), "{reason}");
    working.stop().await;
}

#[tokio::test]
async fn after_the_last_attempt_it_is_a_dead_letter_and_can_be_sent_again() {
    let (mut house, cms) = (House::new().await, Receiver::listening().await);
    house.settings.schedule = Schedule { retry_waits: vec![Duration::from_secs(60); 2], ..Schedule::default() };
    let secret: Secret = house.tells(&cms).await.parse().unwrap();
    cms.will_answer([Answer::Status(500), Answer::Redirect, Answer::Status(404)]);
    house.submit("hello").await;
    let working = house.work();
    for attempt in 1..=3 {
        house.attempted(attempt).await;
        house.wait(Duration::from_secs(70));
    }
    house.until(|queue| queue.dead_deliveries == 1).await;
    let [letter] = house.store().dead_letters(10).await.unwrap().try_into().unwrap();
    assert_eq!((letter.kind, letter.attempts), ("deliver", 3));
    assert!(letter.last_error.contains("404"), "{letter:?}");
    house.store().retry_dead(Some(letter.job), house.pipeline.clock.now()).await.unwrap();
    let told = cms.told_at_least(4).await;
    let last = told.last().unwrap();
    assert_eq!(id(last), id(&told[0]));
    let headers = Headers {
        id: id(last),
        timestamp: last.header("webhook-timestamp"),
        signature: last.header("webhook-signature"),
    };
    assert_eq!(verify([&secret], headers, &last.body, house.pipeline.clock.now(), TOLERANCE), Ok(()));
    house.until(|queue| *queue == QueueStatus::default()).await;
    working.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_hangs_delays_nobody_else() {
    let house = House::new().await;
    let (healthy, hanging) = (Receiver::listening().await, Receiver::listening().await);
    house.tells(&healthy).await;
    house.tells(&hanging).await;
    hanging.will_always_answer(Answer::Never);
    for number in 0..100 {
        house.submit(&format!("comment {number}")).await;
    }
    let started = Instant::now();
    let working = house.work();
    healthy.told_at_least(100).await;
    // One attempt at the hanging endpoint takes three seconds.
    assert!(started.elapsed() < Duration::from_millis(2500), "{:?}", started.elapsed());
    assert!(hanging.told().len() <= 8, "{} at once", hanging.told().len());
    drop(hanging);
    working.stop().await;
}

#[tokio::test]
async fn a_site_of_many_hanging_endpoints_delays_no_other_site() {
    let mut house = House::new().await;
    house.timeout = Duration::from_secs(600);
    let mut hanging = Vec::new();
    for _ in 0..12 {
        let endpoint = Receiver::listening().await;
        endpoint.will_always_answer(Answer::Never);
        house.tells(&endpoint).await;
        hanging.push(endpoint);
    }
    for number in 0..20 {
        house.submit(&format!("comment {number}")).await;
    }
    let working = house.work();
    let hands = || hanging.iter().map(|endpoint| endpoint.told().len()).sum::<usize>();
    while hands() < 32 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.move_to("blog").await;
    let healthy = Receiver::listening().await;
    house.tells(&healthy).await;
    for number in 0..20 {
        house.submit(&format!("comment {number}")).await;
    }
    healthy.told_at_least(20).await;
    // Of sixty-four; each endpoint alone may have eight.
    assert_eq!(hands(), 32);
    drop(hanging);
    working.stop().await;
}

#[tokio::test]
async fn a_receiver_that_answers_ten_megabytes_has_been_told() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    house.tells(&cms).await;
    cms.will_always_answer(Answer::Huge(10 << 20));
    for number in 0..20 {
        house.submit(&format!("comment {number}")).await;
    }
    let working = house.work();
    house.until_all_is_told().await;
    assert_eq!(cms.told().len(), 20);
    working.stop().await;
}

#[tokio::test]
async fn during_a_rotation_both_secrets_sign_and_afterwards_one() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    let (new, old) = (random::webhook_secret(), random::webhook_secret());
    let expires_at = house.pipeline.clock.now() + Duration::from_secs(100);
    house
        .tells_with(
            &cms,
            vec![
                EndpointSecret { secret: new.clone(), expires_at: None },
                EndpointSecret { secret: old.clone(), expires_at: Some(expires_at) },
            ],
        )
        .await;
    let working = house.work();
    house.submit("during").await;
    cms.told_at_least(1).await;
    house.wait(Duration::from_secs(100));
    house.submit("afterwards").await;
    let [during, afterwards] = cms.told_at_least(2).await.try_into().unwrap();
    assert!(during.is_believed_with(&new) && during.is_believed_with(&old));
    assert!(afterwards.is_believed_with(&new) && !afterwards.is_believed_with(&old));
    working.stop().await;
}

#[tokio::test]
async fn a_private_address_is_not_called_unless_the_operator_allows_it() {
    let (mut house, cms) = (House::new().await, Receiver::listening().await);
    house.allow = Allow::None;
    house.settings.schedule = Schedule { retry_waits: Vec::new(), ..Schedule::default() };
    house.tells(&cms).await;
    house.submit("hello").await;
    let working = house.work();
    house.until(|queue| queue.dead_deliveries == 1).await;
    let [letter] = house.store().dead_letters(10).await.unwrap().try_into().unwrap();
    assert!(letter.last_error.contains("loopback"), "{letter:?}");
    assert_eq!(cms.told().len(), 0);
    working.stop().await;
}

#[tokio::test]
async fn what_a_worker_leaves_behind_another_finishes() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    house.tells(&cms).await;
    cms.will_answer([Answer::Never]);
    // One comment is claimed by a worker that dies at once, another is decided but its delivery never ends.
    house.submit("delivery under way").await;
    let working = house.work();
    cms.told_at_least(1).await;
    working.task.abort();
    let _ = working.task.await;
    house.until_no_worker_is_left().await;
    house.submit("decision under way").await;
    let claimed = house.store().claim_decisions(house.pipeline.clock.now(), house.settings.lease, 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let working = house.work();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(cms.told().len(), 1, "both are leased to others");
    house.wait(house.settings.lease);
    let told = cms.told_at_least(3).await;
    house.until_all_is_told().await;
    assert_eq!(told.iter().filter(|other| id(other) == id(&told[0])).count(), 2, "the same message twice, by its id");
    working.stop().await;
}

#[tokio::test]
async fn a_comment_that_always_takes_its_worker_along_is_given_up() {
    let house = House::new().await;
    house.submit("poison").await;
    for _ in 0..5 {
        let claimed =
            house.store().claim_decisions(house.pipeline.clock.now(), house.settings.lease, 10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        house.wait(house.settings.lease);
    }
    let working = house.work();
    house.until(|queue| queue.dead_decisions == 1).await;
    let [letter] = house.store().dead_letters(10).await.unwrap().try_into().unwrap();
    assert_eq!(letter.kind, "decide");
    assert!(letter.last_error.contains("5 times"), "{letter:?}");
    house.store().retry_dead(None, house.pipeline.clock.now()).await.unwrap();
    house.until_all_is_told().await;
    working.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_hand() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    house.tells(&cms).await;
    cms.will_answer([Answer::After(Duration::from_millis(300))]);
    house.submit("hello").await;
    let working = house.work();
    cms.told_at_least(1).await;
    working.stop().await;
    assert_eq!(house.queue().await, QueueStatus::default());
}

#[tokio::test]
async fn what_was_handed_over_and_lost_comes_back_and_what_found_no_room_was_never_away() {
    let house = House::new().await;
    // A worker with room for one, which dies with what it was handed.
    let handed_over = house.pipeline.take_over(1);
    let first = house.submit("this one is handed over").await;
    let second = house.submit("for this one there is no room").await;
    assert_eq!(handed_over.take(9).iter().map(|job| job.id).collect::<Vec<_>>(), [first]);
    drop(handed_over);
    let third = house.submit("nobody is there to take this one").await;

    let claim = async || {
        let jobs = house.store().claim_decisions(house.pipeline.clock.now(), Duration::from_secs(5), 10).await.unwrap();
        jobs.into_iter().map(|job| (job.id, job.lease.attempt)).collect::<Vec<_>>()
    };
    // Ids of the same millisecond are in no order.
    let sorted = |mut claimed: Vec<(CommentId, u32)>| {
        claimed.sort_unstable();
        claimed
    };
    assert_eq!(sorted(claim().await), sorted(vec![(second, 1), (third, 1)]));
    house.wait(Duration::from_secs(11));
    assert_eq!(sorted(claim().await), sorted(vec![(first, 2), (second, 2), (third, 2)]));
}

#[tokio::test]
async fn a_decision_is_pushed_to_the_cms_that_asked_and_a_person_there_is_heard() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    let callback = house.pipeline.callback(&house.site, &cms.url(), "ABCDEF012345").await.unwrap();
    assert_eq!(house.pipeline.callback(&house.site, &cms.url(), "ABCDEF012345").await.unwrap(), callback);
    let submission = Submission { callback: Some(callback), ..Submission::of(Comment::of_text("hello"), None) };
    let (id, _) = house.pipeline.check(&house.site, submission).await.unwrap();
    let other = house.pipeline.check(&house.site, Submission::of(Comment::of_text("another"), None)).await.unwrap().0;
    let guid = id.guid();
    let answer = |rest: &str| Answer::Body(format!(r#"{{"comments":{{"{guid}":{{{rest}}}}}}}"#));
    cms.will_answer([
        answer(r#""status":"error","message":"Could not find matching comment.""#),
        answer(r#""status":"success","decided_by":"person","comment_status":"spam""#),
    ]);
    let working = house.work();
    // A hold is what the CMS has already.
    house.pipeline.overrule(&house.site, id, Said::Decision(Decision::Hold), "ada", "api").await.unwrap();
    for comment in [id, other] {
        house.pipeline.overrule(&house.site, comment, Said::Decision(Decision::Approve), "ada", "api").await.unwrap();
    }
    let [told] = cms.told_at_least(1).await.try_into().unwrap();
    assert_eq!((told.header("x-akismet-webhook"), told.header("webhook-signature")), ("1", ""));
    let expected = serde_json::json!({
        "key": "abcdef012345", "endpoint": "comment-check", "comments": [{"guid": guid, "result": "false"}]
    });
    assert_eq!(told.json(), expected);

    // The plugin's error is a failure like any other: tried again, logged.
    let filter = DeliveryFilter { comment: Some(id), ..DeliveryFilter::default() };
    house.until(|queue| queue.deliveries == 1).await;
    let [delivery] = house.store().deliveries(house.site.id, &filter, None, 9).await.unwrap().try_into().unwrap();
    let log = async || house.store().attempts(house.site.id, delivery.id).await.unwrap();
    while log().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(log().await[0].error, "the plugin said: Could not find matching comment.");
    house.wait(Duration::from_secs(6));
    cms.told_at_least(2).await;
    house.until_all_is_told().await;
    let stored = house.store().comment(house.site.id, id).await.unwrap().unwrap();
    let last = stored.history.last().unwrap();
    assert_eq!((last.what, last.by.as_str(), last.via.as_str()), (Act::Label(Label::Spam), "a moderator", "callback"));
    assert_eq!(cms.told().len(), 2, "what the CMS said is not told to it");
    assert!(log().await[1].answer.contains("decided_by"));
    working.stop().await;
}

#[tokio::test]
async fn a_call_back_that_stays_away_is_a_dead_letter_and_its_endpoint_lives_on() {
    let (house, cms) = (House::new().await, Receiver::listening().await);
    let callback = house.pipeline.callback(&house.site, &cms.url(), "abcdef012345").await.unwrap();
    let submission = Submission { callback: Some(callback), ..Submission::of(Comment::of_text("hello"), None) };
    let (id, _) = house.pipeline.check(&house.site, submission).await.unwrap();
    cms.will_always_answer(Answer::Status(410));
    let working = house.work();
    house.pipeline.overrule(&house.site, id, Said::Label(Label::Spam), "ada", "api").await.unwrap();
    let filter = DeliveryFilter { comment: Some(id), ..DeliveryFilter::default() };
    let [delivery] = house.store().deliveries(house.site.id, &filter, None, 9).await.unwrap().try_into().unwrap();
    for attempt in 1..=10 {
        // Only once an attempt is written down is it known when the next is due.
        while house.store().attempts(house.site.id, delivery.id).await.unwrap().len() < attempt {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        house.wait(Duration::from_secs(5 * 86_400));
    }
    house.until(|queue| queue.dead_deliveries == 1).await;
    assert_eq!(house.endpoint(&cms).await.disabled, None);
    working.stop().await;
}

#[tokio::test]
async fn the_other_endpoints_hear_of_one_that_was_disabled() {
    let (house, gone, cms) = (House::new().await, Receiver::listening().await, Receiver::listening().await);
    let secret = house.tells(&cms).await;
    house.tells(&gone).await;
    gone.will_answer([Answer::Status(410)]);
    house.submit("hello").await;
    let working = house.work();
    let told = cms.told_at_least(2).await;
    let event = told.iter().find(|told| told.json()["type"] == "endpoint.disabled").expect("the event");
    assert!(event.is_believed_with(&secret));
    let data = &event.json()["data"];
    assert_eq!(data["endpoint"], house.endpoint(&gone).await.id);
    assert_eq!(
        (data["site"].as_str(), data["reason"].as_str()),
        (Some("news"), Some("the endpoint answered 410 Gone"))
    );
    house.until_all_is_told().await;
    working.stop().await;
}
