//! The store's contract about what was seen before, as stories on each engine.

use std::sync::Arc;

use hamlet::comment::{Comment, CommentId};
use hamlet::event::EventKind;
use hamlet::facts::History;
use hamlet::facts::history::{Alike, Seen};
use hamlet::random;
use hamlet::site::{Policy, Site};
use hamlet::store::{
    Act, CampaignDecision, CampaignWord, Change, HistoryEntry, NewComment, Outgoing, Settings, Status, Store,
    StoreError, Traces, Trait,
};
use hamlet::text::{Fingerprint, Text};
use hamlet::verdict::{Decision, Evidence, Label, Nats, Score, Verdict};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::postgres::fresh_database;

const DAY: i64 = 86_400;
const AD: &str = "We are happy to tell every family in the county that our office lends money without any questions";

struct House {
    store: Arc<dyn Store>,
    site: Site,
    _folder: TempDir,
}

/// One on each engine.
async fn houses() -> Vec<House> {
    let mut houses = Vec::new();
    for url in ["sqlite".to_owned(), fresh_database()] {
        let folder = TempDir::new().unwrap();
        let store = hamlet::store::open(&url, folder.path(), Settings::default()).await.unwrap();
        let site = store.add_site("news", "https://news.example/", Policy::standard(), [1; 32], at(0)).await.unwrap();
        houses.push(House { store, site, _folder: folder });
    }
    houses
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn verdict(decision: Decision) -> Verdict {
    Verdict {
        decision,
        score: Score::new(0.5).unwrap(),
        evidence: vec![Evidence::new("BAYES", Nats::clamped(0.0), "")],
        tokens: Vec::new(),
        thresholds: Policy::standard().thresholds,
        max_blocked_ham: None,
        facts: hamlet::facts::Facts::NONE,
        reason: format!("checks: {decision}"),
        otherwise: None,
        not_sent: Vec::new(),
        model: "m".into(),
        rules: "r".into(),
        decided_at: at(0),
        micros: 1,
    }
}

fn event() -> Outgoing {
    Outgoing { kind: EventKind::Decided, message_id: random::message_id(at(0)), body: "{}".into() }
}

fn traces(text: &str, author: &str, post: &str) -> Traces {
    let fingerprint = Fingerprint::of(&Text::of(&Comment::of_text(text)), "", "");
    Traces {
        identities: vec![(Trait::Email, author.to_owned()), (Trait::Domain, "shop.example".to_owned())],
        email_spelling: Some(author.to_owned()),
        author: Some(author.to_owned()),
        post: Some(post.to_owned()),
        is_short: fingerprint.is_none(),
        fingerprint,
        has_link: true,
    }
}

impl House {
    async fn keep(&self, site: &Site, traces: &Traces, decision: Decision, seconds: i64) -> CommentId {
        let id = self.keep_uncounted(site, traces, decision, seconds).await;
        self.counted().await;
        id
    }

    async fn counted(&self) {
        while self.store.remember(2).await.unwrap() > 0 {}
    }

    async fn keep_uncounted(&self, site: &Site, traces: &Traces, decision: Decision, seconds: i64) -> CommentId {
        let new = NewComment {
            id: random::comment_id(at(seconds)),
            site: site.id,
            comment: Comment::of_text("text"),
            received_at: at(seconds),
            idempotency_key: None,
            fingerprint: None,
            callback: None,
            traces: traces.clone(),
        };
        self.store.admit_decided(new, &verdict(decision), event()).await.unwrap().id()
    }

    async fn said(&self, id: CommentId, what: Act, seconds: i64, traces: Option<Traces>) -> bool {
        let is_of_checks = matches!(what, Act::Recheck(_) | Act::Edit(_));
        let decision = match what {
            Act::Recheck(decision) | Act::Edit(decision) | Act::Undo(decision) | Act::Decision(decision) => decision,
            Act::Label(label) => label.decision(),
        };
        let change = Change {
            entry: HistoryEntry { at: at(seconds), by: "ada".into(), via: "api".into(), what, before: None },
            verdict: verdict(decision),
            judged: is_of_checks.then_some(decision),
            comment: matches!(what, Act::Edit(_)).then(|| Comment::of_text("edited")),
            idempotency_key: None,
            fingerprint: None,
            event: None,
            call_back: None,
            campaign: None,
            traces,
        };
        self.store.record_change(self.site.id, id, change).await.unwrap()
    }

    async fn seen(&self, site: &Site, traces: &Traces, except: Option<CommentId>, seconds: i64) -> History {
        self.store.history(site.id, traces, except, at(seconds)).await.unwrap()
    }
}

fn about(count: f32, expected: f32) -> bool {
    (count - expected).abs() < 0.02
}

#[tokio::test]
async fn authors_and_domains_are_counted_and_fade() {
    for house in houses().await {
        let ada = traces("hello", "ada@mail.example", "/1");
        assert_eq!(house.seen(&house.site, &ada, None, 0).await.email, Some(Seen::default()));
        let first = house.keep(&house.site, &ada, Decision::Approve, 0).await;
        house.keep(&house.site, &ada, Decision::Hold, 60).await;
        let third = house.keep(&house.site, &ada, Decision::Spam, 120).await;
        let seen = house.seen(&house.site, &ada, None, 120).await;
        let email = seen.email.unwrap();
        assert!(about(email.passed, 1.0) && about(email.held, 1.0) && about(email.blocked, 1.0), "{email:?}");
        assert!(email.in_10_minutes > 2.5 && email.short_in_hour > 2.8 && email.first_seconds_ago == 120, "{email:?}");
        assert_eq!(seen.domains["shop.example"].comments(), email.comments());
        // Its own part is not counted.
        let own = house.seen(&house.site, &ada, Some(third), 120).await.email.unwrap();
        assert!(about(own.passed, 1.0) && about(own.blocked, 0.0) && own.in_10_minutes < 2.0, "{own:?}");
        let other = house.seen(&house.site, &traces("hello", "bob@mail.example", "/1"), None, 120).await;
        assert!(other.email.unwrap().is_new() && !other.domains["shop.example"].is_new());

        house.said(first, Act::Label(Label::Spam), 200, None).await;
        let email = house.seen(&house.site, &ada, None, 200).await.email.unwrap();
        assert!(about(email.rejected, 1.0) && about(email.passed, 1.0), "{email:?}");
        house.said(first, Act::Decision(Decision::Approve), 300, None).await;
        let email = house.seen(&house.site, &ada, None, 300).await.email.unwrap();
        assert!(about(email.rejected, 0.0) && about(email.approved, 1.0) && email.days == 0, "short: {email:?}");
        house.said(third, Act::Recheck(Decision::Approve), 300, None).await;
        let email = house.seen(&house.site, &ada, None, 300).await.email.unwrap();
        assert!(about(email.passed, 2.0) && about(email.blocked, 0.0), "{email:?}");

        let faded = house.seen(&house.site, &ada, None, 300 + 30 * DAY).await.email.unwrap();
        assert!(about(faded.passed, 1.0) && about(faded.approved, 0.5) && faded.in_day == 0.0, "{faded:?}");
        // What was seen at one site is not seen at another.
        let elsewhere =
            house.store.add_site("blog", "https://blog.example/", Policy::standard(), [2; 32], at(0)).await.unwrap();
        assert!(house.seen(&elsewhere, &ada, None, 300).await.email.unwrap().is_new());
    }
}

#[tokio::test]
async fn what_happens_to_a_comment_before_it_is_counted_counts_too() {
    for house in houses().await {
        let (ada, bob) = (traces(AD, "ada@mail.example", "/1"), traces(AD, "bob@mail.example", "/2"));
        let spoken_of = house.keep_uncounted(&house.site, &ada, Decision::Approve, 0).await;
        let edited = house.keep_uncounted(&house.site, &bob, Decision::Hold, 0).await;
        assert_eq!(house.seen(&house.site, &ada, None, 1).await.email, Some(Seen::default()), "not counted yet");
        let own = house.seen(&house.site, &ada, Some(spoken_of), 1).await;
        assert_eq!((own.email, own.text), (Some(Seen::default()), Some(Alike::default())), "nothing to be taken out");

        house.said(spoken_of, Act::Label(Label::Ham), 2, None).await;
        house.said(spoken_of, Act::Label(Label::Spam), 3, None).await;
        let other = traces(
            "The mayor never answered a single question about the eastern harbour gate",
            "bob@mail.example",
            "/2",
        );
        house.said(edited, Act::Edit(Decision::Approve), 4, Some(other.clone())).await;
        house.counted().await;
        let seen = house.seen(&house.site, &ada, None, 5).await;
        let (email, text) = (seen.email.unwrap(), seen.text.unwrap());
        assert!(about(email.passed, 1.0) && about(email.rejected, 1.0) && about(email.approved, 0.0), "{email:?}");
        assert_eq!((text.exact, text.near, text.ham, text.spam), (1, 1, 0, 1), "the edited one is no copy any more");
        let seen = house.seen(&house.site, &other, None, 5).await;
        let email = seen.email.unwrap();
        assert!(about(email.passed, 1.0) && about(email.held, 0.0) && seen.text.unwrap().exact == 1, "{email:?}");
        // Once more, now that they are counted.
        house.said(spoken_of, Act::Label(Label::Ham), 6, None).await;
        let text = house.seen(&house.site, &bob, None, 7).await.text.unwrap();
        assert_eq!((text.ham, text.spam), (1, 0));
        assert_eq!(house.store.remember(10).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn copies_are_found_among_authors_posts_and_sites() {
    for house in houses().await {
        let blog =
            house.store.add_site("blog", "https://b.example/", Policy::standard(), [2; 32], at(0)).await.unwrap();
        let one = traces(AD, "ada@mail.example", "/1");
        let near = traces(&AD.replace("happy", "glad"), "bob@mail.example", "/2");
        let far = traces(
            "The mayor has never answered a single question about the eastern harbour gate",
            "eve@mail.example",
            "/3",
        );
        assert_eq!(house.seen(&house.site, &one, None, 0).await.text, Some(Alike::default()));
        let first = house.keep(&house.site, &one, Decision::Approve, 0).await;
        let same = house.seen(&house.site, &one, None, 1).await.text.unwrap();
        assert_eq!((same.exact, same.near, same.other_authors, same.other_posts), (1, 1, 0, 0));
        assert_eq!(
            house.seen(&house.site, &one, Some(first), 1).await.text,
            Some(Alike::default()),
            "itself is no copy"
        );
        let copy = house.seen(&house.site, &near, None, 1).await.text.unwrap();
        assert_eq!((copy.exact, copy.near, copy.other_authors, copy.other_posts, copy.other_sites), (0, 1, 1, 1, 0));
        assert_eq!(house.seen(&house.site, &far, None, 1).await.text, Some(Alike::default()));
        assert_eq!(house.seen(&house.site, &traces("شكرا", "x@mail.example", "/1"), None, 1).await.text, None);

        house.keep(&blog, &near, Decision::Approve, 2).await;
        let copy = house.seen(&blog, &one, None, 3).await.text.unwrap();
        assert_eq!((copy.near, copy.other_sites, copy.campaign), (2, 1, None));
        // What people say counts at their own site.
        house.said(first, Act::Label(Label::Spam), 4, None).await;
        let here = house.seen(&house.site, &near, None, 5).await.text.unwrap();
        let there = house.seen(&blog, &near, None, 5).await.text.unwrap();
        assert_eq!((here.spam, here.ham, there.spam), (1, 0, 0));
        let pinned = house.seen(&house.site, &one, None, 5).await.text.unwrap();
        assert!(about(pinned.exact_rejected, 1.0) && here.exact_rejected < 0.01, "{pinned:?}");
        assert_eq!(
            house.seen(&house.site, &one, Some(first), 5).await.text.unwrap().spam,
            0,
            "its own label is not its like's"
        );
        // An edit leaves the others.
        assert!(house.said(first, Act::Edit(Decision::Approve), 6, Some(far.clone())).await);
        let left = house.seen(&house.site, &traces(AD, "new@mail.example", "/9"), None, 7).await.text.unwrap();
        assert_eq!((left.exact, left.near, left.spam), (0, 1, 0));
        house.counted().await;
        assert_eq!(house.seen(&house.site, &far, None, 7).await.text.unwrap().exact, 1);
    }
}

#[tokio::test]
async fn a_campaign_is_decided_and_restored() {
    for house in houses().await {
        let store = &house.store;
        let mut ids = Vec::new();
        for number in 0..5 {
            assert!(store.campaigns(house.site.id, 3, None, 10).await.unwrap().len() == usize::from(number > 2));
            let text = format!("{AD} {number}");
            ids.push(
                house
                    .keep(&house.site, &traces(&text, &format!("{number}@x.example"), "/1"), Decision::Approve, number)
                    .await,
            );
        }
        let [campaign] = store.campaigns(house.site.id, 3, None, 10).await.unwrap().try_into().unwrap();
        assert_eq!((campaign.comments, campaign.authors, campaign.posts, campaign.sites), (5, 5, 1, 1));
        assert_eq!((campaign.first_seen, campaign.last_seen, campaign.example), (at(0), at(4), ids[4]));
        assert_eq!(store.campaign(house.site.id, campaign.id).await.unwrap().as_ref(), Some(&campaign));
        assert!(store.campaigns(house.site.id, 6, None, 10).await.unwrap().is_empty());
        let before = Some((campaign.last_seen, campaign.id));
        assert!(store.campaigns(house.site.id, 3, before, 10).await.unwrap().is_empty(), "a page further");
        let page = store.campaign_comments(house.site.id, campaign.id, Some(ids[1]), 2).await.unwrap();
        assert_eq!(page, ids[2..4]);

        let word = CampaignWord::Label(Label::Spam);
        let decision = CampaignDecision { word, by: "ada".into(), at: at(9) };
        store.decide_campaign(house.site.id, campaign.id, Some(decision.clone())).await.unwrap();
        assert_eq!(store.campaign(house.site.id, campaign.id).await.unwrap().unwrap().decision, Some(decision));
        let probe = house.seen(&house.site, &traces(AD, "new@x.example", "/1"), None, 9).await.text.unwrap();
        assert_eq!((probe.campaign, probe.campaign_decision), (Some(campaign.id.0), Some("spam".to_owned())));
        let missing = store.decide_campaign(house.site.id, hamlet::store::CampaignId(99), None).await;
        assert!(matches!(missing, Err(StoreError::NotFound(_))));

        house.said(ids[0], Act::Label(Label::Ham), 10, None).await;
        let change = |what, verdict| Change {
            entry: HistoryEntry { at: at(11), by: "ada".into(), via: "api".into(), what, before: None },
            verdict,
            judged: None,
            comment: None,
            idempotency_key: None,
            fingerprint: None,
            event: None,
            call_back: None,
            campaign: Some(campaign.id),
            traces: None,
        };
        for id in &ids[..3] {
            let spam = change(Act::Label(Label::Spam), verdict(Decision::Spam));
            assert!(store.record_change(house.site.id, *id, spam).await.unwrap());
        }
        assert_eq!(store.label_counts(house.site.id).await.unwrap(), [0, 3]);
        // Somebody contradicts before it is undone.
        house.said(ids[2], Act::Label(Label::Ham), 12, None).await;
        let set_aside = store.overruled(house.site.id, campaign.id, 10).await.unwrap();
        assert_eq!(set_aside.iter().map(|before| before.id).collect::<Vec<_>>(), ids[..3]);
        assert_eq!(set_aside[1].verdict.reason, "checks: approve");
        let mut undone = Vec::new();
        for before in set_aside {
            let undo = change(Act::Undo(before.verdict.decision), before.verdict);
            undone.push(store.record_change(house.site.id, before.id, undo).await.unwrap());
        }
        assert_eq!(undone, [true, true, false]);
        assert!(store.overruled(house.site.id, campaign.id, 10).await.unwrap().is_empty());
        let stored = |id| async move { store.comment(house.site.id, id).await.unwrap().unwrap() };
        let (labelled, plain, contradicted) = (stored(ids[0]).await, stored(ids[1]).await, stored(ids[2]).await);
        assert_eq!(plain.status, Status::Decided { verdict: verdict(Decision::Approve) });
        assert!(labelled.has_a_persons_word() && !plain.has_a_persons_word() && contradicted.has_a_persons_word());
        assert_eq!(store.label_counts(house.site.id).await.unwrap(), [2, 0], "the first and the contradicted one");
        let text = house.seen(&house.site, &traces(AD, "new@x.example", "/1"), None, 13).await.text.unwrap();
        assert_eq!((text.ham, text.spam), (2, 0));
        // What the labels taught is what holds.
        let lessons = store.lessons(0, 100).await.unwrap().lessons;
        let balance = |label| {
            let learned = lessons.iter().filter(|lesson| lesson.learn == Some(label)).count();
            learned - lessons.iter().filter(|lesson| lesson.unlearn == Some(label)).count()
        };
        assert_eq!((balance(Label::Ham), balance(Label::Spam)), (2, 0));
    }
}

#[tokio::test]
async fn what_was_not_seen_for_long_is_forgotten() {
    for house in houses().await {
        let old = traces(AD, "ada@mail.example", "/1");
        for number in 0..4 {
            house
                .keep(
                    &house.site,
                    &Traces { author: Some(format!("{number}")), ..old.clone() },
                    Decision::Approve,
                    number,
                )
                .await;
        }
        let new = traces(
            "The mayor has never answered a single question about the eastern harbour gate",
            "eve@mail.example",
            "/3",
        );
        house.keep(&house.site, &new, Decision::Approve, 200 * DAY).await;
        assert_eq!(house.store.campaigns(house.site.id, 3, None, 9).await.unwrap().len(), 1);
        // Small bites, until it has gone round.
        while house.store.forget_seen(at(100 * DAY), 2).await.unwrap() > 0 {
            let seen = house.seen(&house.site, &old, None, 200 * DAY).await;
            if seen.email.unwrap().is_new() && seen.text == Some(Alike::default()) {
                break;
            }
        }
        for _ in 0..20 {
            house.store.forget_seen(at(100 * DAY), 2).await.unwrap();
        }
        let seen = house.seen(&house.site, &old, None, 200 * DAY).await;
        assert!(seen.email.unwrap().is_new() && seen.text == Some(Alike::default()));
        assert!(house.store.campaigns(house.site.id, 3, None, 9).await.unwrap().is_empty());
        let seen = house.seen(&house.site, &new, None, 200 * DAY).await;
        assert!(!seen.email.unwrap().is_new() && seen.text.unwrap().exact == 1);
        house.store.remove_site(house.site.id).await.unwrap();
    }
}
