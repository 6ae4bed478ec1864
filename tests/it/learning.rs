//! A site teaches Hamlet: what a label does to that site's next comments, and to nobody else's.

use std::sync::Arc;

use hamlet::classifier::Classifier;
use hamlet::classifier::features::Features;
use hamlet::classifier::site::SiteCounts;
use hamlet::comment::{Author, Comment};
use hamlet::decision::Judge;
use hamlet::pipeline::Pipeline;
use hamlet::rules::RuleSet;
use hamlet::site::SiteId;
use hamlet::text::Text;
use hamlet::verdict::Label;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{DISCARDING, HOLDING, Hamlet, KEY};

/// An advertisement that the shipped model does not know for one, and the same by somebody in a hurry.
const ADVERT: &str =
    "Our carpet weavers in Tabriz deliver hand-knotted runners to your door, ask for the autumn catalogue";
const LIKE_IT: &str =
    "Our carpet weavers from Tabriz deliver hand-knotted runners to the door, ask for our autumn catalogue";

/// The verdict that a comment would get at the site with this key.
async fn dry(hamlet: &Hamlet, key: &str, text: &str) -> Value {
    let body = json!({"content": text}).to_string();
    let reply = hamlet.json(key, "POST", "/v1/comments/check?dry_run=true", &[], body.as_bytes()).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

async fn score(hamlet: &Hamlet, key: &str, text: &str) -> f64 {
    dry(hamlet, key, text).await["score"].as_f64().unwrap()
}

/// Keeps a comment and labels it; what the label answered.
async fn teach(hamlet: &Hamlet, text: &str, label: &str) -> Value {
    let id = hamlet.check(&json!({"content": text})).await["id"].as_str().unwrap().to_owned();
    relabel(hamlet, &id, label).await
}

async fn relabel(hamlet: &Hamlet, id: &str, label: &str) -> Value {
    let reply = hamlet.post(&format!("/v1/comments/{id}/label"), &json!({"label": label})).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn of_site(verdict: &Value) -> Option<&Value> {
    verdict["evidence"].as_array().unwrap().iter().find(|piece| piece["symbol"] == "BAYES_SITE")
}

fn features(comment: &Comment) -> Features {
    Features::of(comment, &Text::of(comment))
}

fn default_site(hamlet: &Hamlet) -> SiteId {
    hamlet.pipeline.site_named("default").unwrap().id
}

/// What a daemon that starts now would know.
async fn after_a_restart(hamlet: &Hamlet) -> Pipeline {
    let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
    let pipeline = Pipeline::new(Arc::clone(&hamlet.pipeline.store), hamlet.pipeline.clock.clone(), judge);
    pipeline.follow_labels().await.unwrap();
    pipeline
}

#[tokio::test]
async fn a_label_counts_from_the_next_comment_on() {
    let hamlet = Hamlet::start().await;
    let before = dry(&hamlet, KEY, LIKE_IT).await;
    assert_eq!(of_site(&before), None, "no label, no word of it: {before}");
    teach(&hamlet, ADVERT, "spam").await;
    let after = dry(&hamlet, KEY, LIKE_IT).await;
    let piece = of_site(&after).unwrap();
    assert_eq!(piece["note"], "learned from 1 spam label of this site");
    assert!(piece["weight"].as_f64().unwrap() > 0.3, "a near-copy is moved visibly: {after}");
    assert!(after["score"].as_f64() > before["score"].as_f64(), "{after}");
    let elsewhere = score(&hamlet, KEY, "The mayor opened the new bridge on Sunday").await;
    let moved = elsewhere - score(&hamlet, HOLDING, "The mayor opened the new bridge on Sunday").await;
    assert!(moved.abs() < 0.05, "another text is hardly moved: {moved}");
}

#[tokio::test]
async fn a_few_labels_turn_the_decision_and_the_reason_says_so() {
    let hamlet = Hamlet::start().await;
    assert_eq!(dry(&hamlet, KEY, LIKE_IT).await["decision"], "approve");
    for number in 0..8 {
        teach(&hamlet, &format!("{ADVERT} {number}"), "spam").await;
        teach(&hamlet, &format!("I walked over the bridge with my {number} children and they loved it"), "ham").await;
    }
    let verdict = dry(&hamlet, KEY, LIKE_IT).await;
    assert_ne!(verdict["decision"], "approve", "{verdict}");
    let reason = verdict["reason"].as_str().unwrap();
    assert!(reason.contains("words of comments that this site's moderators called spam"), "{reason}");
    assert_eq!(of_site(&verdict).unwrap()["note"], "learned from 8 ham and 8 spam labels of this site");
    let tokens = verdict["tokens"].as_array().unwrap();
    assert!(tokens.iter().any(|token| token["text"] == "carpet" || token["text"] == "tabriz"), "{verdict}");
    let friendly = dry(&hamlet, KEY, "We walked over the bridge with our children, lovely").await;
    assert_eq!(friendly["decision"], "approve", "{friendly}");
}

#[tokio::test]
async fn one_sites_labels_never_move_anothers_verdicts() {
    let hamlet = Hamlet::start().await;
    let before = dry(&hamlet, HOLDING, LIKE_IT).await;
    for number in 0..5 {
        teach(&hamlet, &format!("{ADVERT} {number}"), "spam").await;
    }
    let after = dry(&hamlet, HOLDING, LIKE_IT).await;
    assert_eq!((&before["score"], &before["evidence"]), (&after["score"], &after["evidence"]));
    assert_ne!(dry(&hamlet, KEY, LIKE_IT).await["score"], before["score"]);
}

#[tokio::test]
async fn the_reply_says_what_a_label_did() {
    let hamlet = Hamlet::start().await;
    let id = hamlet.check(&json!({"content": ADVERT})).await["id"].as_str().unwrap().to_owned();
    let mut last = score(&hamlet, KEY, ADVERT).await;
    for label in ["spam", "ham", "spam"] {
        let learned = relabel(&hamlet, &id, label).await["learned"].clone();
        assert_eq!(learned["score_before"].as_f64().unwrap(), last, "{learned}");
        // One that read the same would be known as its copy; this is about the comment itself.
        let now = learned["score_after"].as_f64().unwrap();
        assert_eq!(now > last, label == "spam", "{learned}");
        let note = learned["note"].as_str().unwrap();
        assert!(note.starts_with("this label moved the score of this comment from 0."), "{note}");
        last = now;
    }
    let again = relabel(&hamlet, &id, "spam").await["learned"].clone();
    assert_eq!((&again["score_before"], &again["score_after"]), (&json!(last), &json!(last)));
    assert_eq!(again["note"], "this comment has that label already: nothing moved");
    // What is to become of a comment teaches nothing.
    let decided = hamlet.post(&format!("/v1/comments/{id}/decision"), &json!({"decision": "approve"})).await.json();
    assert_eq!(decided["learned"], Value::Null);
    // Who, when and through which door stays written down.
    let shown = hamlet.show(&id).await;
    let labels: Vec<&Value> =
        shown["history"].as_array().unwrap().iter().filter(|one| one["label"].is_string()).collect();
    assert_eq!(labels.len(), 3);
    assert!(labels.iter().all(|one| one["by"] == "default" && one["via"] == "api" && one["at"].is_string()));
    let again = relabel(&hamlet, &id, "spam").await["learned"].clone();
    assert_eq!((&again["score_before"], &again["score_after"]), (&json!(last), &json!(last)));
}

#[tokio::test]
async fn a_label_that_is_taken_back_leaves_nothing_behind() {
    let hamlet = Hamlet::start().await;
    let site = default_site(&hamlet);
    teach(&hamlet, "A first comment about the harvest", "ham").await;
    let id = hamlet.check(&json!({"content": ADVERT, "external_id": "c-1"})).await["id"].as_str().unwrap().to_owned();
    relabel(&hamlet, &id, "spam").await;
    relabel(&hamlet, &id, "ham").await;
    let mut expected = SiteCounts::default();
    expected.learn(&features(&Comment::of_text("A first comment about the harvest")), Label::Ham);
    let without = expected.clone();
    let advert = Comment { external_id: Some("c-1".into()), ..Comment::of_text(ADVERT) };
    expected.learn(&features(&advert), Label::Ham);
    assert_eq!(*hamlet.pipeline.taught(site), expected);
    // Its author edits it: the label was about the old text.
    hamlet.check(&json!({"content": "Something else altogether", "external_id": "c-1"})).await;
    assert_eq!(*hamlet.pipeline.taught(site), without);
    assert_eq!(*after_a_restart(&hamlet).await.taught(site), without);
}

#[tokio::test]
async fn labels_at_once_and_from_beside_are_learned_once_each() {
    let hamlet = Arc::new(Hamlet::start().await);
    let beside = Arc::new(after_a_restart(&hamlet).await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..24 {
        let (hamlet, beside) = (Arc::clone(&hamlet), Arc::clone(&beside));
        tasks.spawn(async move {
            let label = if number % 3 == 0 { "spam" } else { "ham" };
            teach(&hamlet, &format!("comment number {number} of many"), label).await;
            beside.follow_labels().await.unwrap();
        });
    }
    tasks.join_all().await;
    let site = default_site(&hamlet);
    let mut expected = SiteCounts::default();
    for one in hamlet.pipeline.store.labelled(Some(site), None, 99).await.unwrap() {
        expected.learn(&features(&one.comment), one.label);
    }
    assert_eq!(expected.rows(), [16, 8]);
    beside.follow_labels().await.unwrap();
    assert_eq!(*hamlet.pipeline.taught(site), expected);
    assert_eq!(*beside.taught(site), expected, "another process follows the same log");
}

#[tokio::test]
async fn every_door_teaches() {
    let hamlet = Hamlet::start().await;
    let site = default_site(&hamlet);
    let call = async |name: &str| {
        let body = format!(
            "api_key={KEY}&blog=https%3A%2F%2Fnews.example%2F&user_ip=192.0.2.1&comment_content=carpets+for+sale"
        );
        let head = format!(
            "POST /1.1/{name} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        hamlet.raw(&[head.as_bytes(), body.as_bytes()].concat()).await
    };
    let checked = call("comment-check").await;
    let told = call("submit-spam").await;
    assert!(told.header("x-hamlet-learned").unwrap().starts_with("this label moved the score"), "{told:?}");
    assert_eq!(told.text(), "Thanks for making the web a better place.");
    assert_eq!(hamlet.pipeline.taught(site).rows(), [0, 1]);
    call("submit-ham").await;
    assert_eq!(hamlet.pipeline.taught(site).rows(), [1, 0]);
    assert!(call("submit-ham").await.header("x-hamlet-learned").unwrap().ends_with("nothing moved"));
    // A moderator who was there before the call-back.
    let guid = checked.header("x-akismet-guid").unwrap();
    hamlet.pipeline.heard_from_cms(site, guid, hamlet::webhook::Word::Spam).await.unwrap();
    assert_eq!(hamlet.pipeline.taught(site).rows(), [0, 1]);
}

#[tokio::test]
async fn a_site_that_is_removed_is_forgotten() {
    let hamlet = Hamlet::start().await;
    let site = default_site(&hamlet);
    teach(&hamlet, ADVERT, "spam").await;
    hamlet.pipeline.store.remove_site(site).await.unwrap();
    hamlet.pipeline.refresh().await.unwrap();
    assert_eq!(*hamlet.pipeline.taught(site), SiteCounts::default());
    let reply = hamlet.json(DISCARDING, "GET", "/v1/comments", &[], b"").await;
    assert_eq!(reply.status, 200, "others go on: {reply:?}");
}

/// A comment as some author of a small world might write it.
fn comments() -> impl Strategy<Value = Comment> {
    let words = "(carpet|bridge|casino|شكرا|写得很好|!|https://x\\.example/|[a-c]{1,3}| ){0,12}";
    (words, proptest::option::of("(ann|bob)")).prop_map(|(content, name)| Comment {
        author: Author { name, ..Author::default() },
        ..Comment::of_text(content)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Comments are labelled, labelled anew and unlabelled in any order: what is left is what the last labels teach.
    #[test]
    fn counts_are_those_of_the_labels_that_hold(
        texts in proptest::collection::vec(comments(), 1..6),
        acts in proptest::collection::vec((any::<proptest::sample::Index>(), 0..3_u8), 0..40),
    ) {
        let texts: Vec<Features> = texts.iter().map(features).collect();
        let mut now: Vec<Option<Label>> = vec![None; texts.len()];
        let mut counts = SiteCounts::default();
        for (which, act) in acts {
            let which = which.index(texts.len());
            let label = [None, Some(Label::Ham), Some(Label::Spam)][usize::from(act)];
            if let Some(before) = now[which] {
                counts.unlearn(&texts[which], before);
            }
            if let Some(label) = label {
                counts.learn(&texts[which], label);
            }
            now[which] = label;
        }
        let mut anew = SiteCounts::default();
        for (features, label) in texts.iter().zip(now).rev() {
            if let Some(label) = label {
                anew.learn(features, label);
            }
        }
        prop_assert_eq!(counts, anew);
    }
}
