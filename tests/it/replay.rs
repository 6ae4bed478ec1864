//! Invariants 1 and 2: judging is a function of its arguments, and the evidence adds up to the score.

use std::sync::LazyLock;

use hamlet::classifier::Classifier;
use hamlet::classifier::features::Features;
use hamlet::classifier::site::SiteCounts;
use hamlet::comment::{Author, Comment};
use hamlet::decision::Judge;
use hamlet::facts::Facts;
use hamlet::lists::Lists;
use hamlet::rules::{Case, RuleSet};
use hamlet::site::{Policy, Site, SiteId};
use hamlet::text::Text;
use hamlet::verdict::{Label, Score, Verdict};
use jiff::Timestamp;
use proptest::prelude::*;

fn lists() -> Lists {
    let entries = ["block:phrase:casino", "allow:domain:friend.example", "block:ip:203.0.113.0/24"]
        .map(|entry| {
            let (list, pattern) = entry.split_once(':').unwrap();
            serde_json::from_value(
                serde_json::json!({"list": list, "match": pattern, "added_at": "2026-01-01T00:00:00Z"}),
            )
            .unwrap()
        })
        .to_vec();
    Lists::of(&entries)
}

pub fn site() -> Site {
    Site {
        id: SiteId(1),
        name: "news".into(),
        url: "https://news.example/".into(),
        policy: Policy::standard(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// What the site's labels taught.
fn taught() -> &'static SiteCounts {
    static TAUGHT: LazyLock<SiteCounts> = LazyLock::new(|| {
        let mut counts = SiteCounts::default();
        for (text, label) in [("casino https://bit.ly/x", Label::Spam), ("viagra", Label::Ham), ("كازينو", Label::Spam)]
        {
            let comment = Comment::of_text(text);
            counts.learn(&Features::of(&comment, &Text::of(&comment)), label);
        }
        counts
    });
    &TAUGHT
}

#[track_caller]
fn check(judge: &Judge, comment: &Comment) -> Verdict {
    let site = site();
    let (lists, taught) = (lists(), taught());
    let case = Case { comment, text: &Text::of(comment), facts: &Facts::NONE, site: &site };
    let judged = || judge.judge_case(&case, &lists, taught, Timestamp::UNIX_EPOCH);
    let verdict = judged();
    let sum: f64 = verdict.evidence.iter().map(|piece| piece.weight.get()).sum();
    assert!((sum - verdict.score.logit()).abs() < 1e-6, "{sum} is not the logit of {:?}", verdict.score);
    assert!(sum.abs() <= Score::MAX_LOGIT + 1e-9, "{sum} is beyond the bound");
    assert!(verdict.evidence.iter().any(|piece| piece.symbol == "BAYES_SITE"));
    assert_eq!(verdict, judged(), "the same again, bit for bit");
    let kept: Verdict = serde_json::from_str(&serde_json::to_string(&verdict).unwrap()).unwrap();
    assert_eq!(kept, verdict, "a stored verdict is the verdict");
    verdict
}

fn judge() -> Judge {
    Judge::new(RuleSet::embedded(), Classifier::shipped())
}

#[test]
fn real_comments_add_up() {
    let judge = judge();
    for line in include_str!("../bench/comments.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut comment = Comment::of_text(row["content"].as_str().unwrap());
        comment.author.name = row["author"].as_str().map(str::to_owned);
        check(&judge, &comment);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_comment_gets_a_verdict_that_adds_up(
        content in any::<String>(),
        tricks in "(casino|https://bit\\.ly/x |<a href='//x'>|\\[url=|\u{202E}|\u{200B}|كازينو|viagra| ){0,40}",
        name in proptest::option::of(any::<String>()),
        email in proptest::option::of("[a-z]{0,5}@?(friend\\.example|x)?"),
        url in proptest::option::of(any::<String>()),
        role in proptest::option::of("(administrator|guest|,)*"),
        honeypot in proptest::option::of(any::<String>()),
        form_seconds in proptest::option::of(any::<f64>()),
    ) {
        thread_local!(static JUDGE: Judge = judge());
        let author = Author { name, email, url, role, ..Author::default() };
        let comment = Comment { author, honeypot, form_seconds, ..Comment::of_text(content + &tricks) };
        JUDGE.with(|judge| check(judge, &comment));
    }
}

/// What was seen before is kept with the verdict: without it the verdict could not be judged again.
#[test]
fn a_verdict_with_facts_is_replayed() {
    let judge = judge();
    let site = site();
    let facts: Facts = serde_json::from_value(serde_json::json!({"history": {
        "email": {"approved": 3.5, "days": 3, "in_hour": 2.0},
        "ip": {"in_10_minutes": 12.25},
        "domains": {"shop.example": {"rejected": 6.0}},
        "text": {"near": 12, "other_authors": 4, "campaign": 7},
    }}))
    .unwrap();
    let author = Author { email: Some("ada@mail.example".into()), ip: "192.0.2.1".parse().ok(), ..Author::default() };
    let comment = Comment { author, ..Comment::of_text("see https://shop.example/ for what I mean") };
    let judged = |facts: &Facts| {
        let case = Case { comment: &comment, text: &Text::of(&comment), facts, site: &site };
        judge.judge_case(&case, &Lists::default(), taught(), Timestamp::UNIX_EPOCH)
    };
    let verdict = judged(&facts);
    for symbol in ["AUTHOR_APPROVED", "AUTHOR_FIRST_LINK", "IP_BURST", "URL_DOMAIN_REPUTATION", "DUP_NEAR"] {
        assert!(verdict.evidence.iter().any(|piece| piece.symbol == symbol), "{symbol}: {verdict:?}");
    }
    let kept: Verdict = serde_json::from_str(&serde_json::to_string(&verdict).unwrap()).unwrap();
    assert_eq!(judged(&kept.facts), kept);
    assert_ne!(judged(&Facts::NONE), kept);
}
