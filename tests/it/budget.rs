//! A budget as an operator meets it: said, measured with the site's own ham, shown, and in the verdicts.

use std::path::Path;
use std::sync::Arc;

use hamlet::classifier::Classifier;
use hamlet::clock::Clock;
use hamlet::comment::Comment;
use hamlet::decision::Judge;
use hamlet::pipeline::{Pipeline, Said, Submission};
use hamlet::rules::RuleSet;
use hamlet::store::{self, Store};
use hamlet::verdict::Decision;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::daemon::{Daemon, beside, folder, hamlet};

const SPAM: &str = "Buy cheap viagra online casino bonus [url=http://casino.example]casino[/url] https://bit.ly/x";

/// The site `default` in a folder of its own, before any daemon has the folder.
struct House {
    store: Arc<dyn Store>,
    pipeline: Pipeline,
}

impl House {
    /// A pipeline in which everything happens so many days ago.
    async fn in_folder(folder: &Path, days_ago: i64) -> House {
        let store = store::open("sqlite", folder, store::Settings::default()).await.unwrap();
        let (clock, _) = Clock::frozen_at(Clock::System.now() - SignedDuration::from_hours(24 * days_ago));
        let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
        let pipeline = Pipeline::new(Arc::clone(&store), clock, judge);
        pipeline.refresh().await.unwrap();
        House { store, pipeline }
    }

    async fn admit(&self, text: &str) -> Decision {
        let site = self.pipeline.site_named("default").unwrap();
        let comment = Submission::of(Comment::of_text(text), None);
        self.pipeline.check(&site, comment).await.unwrap().1.decision
    }

    /// Ham that the checks let through; it comes back with how much was let through.
    async fn friendly(&self, numbers: std::ops::Range<u32>) -> u64 {
        let mut approved = 0;
        for number in numbers {
            let text = format!("I read paragraph {number} of the article twice and agree with most of what it says");
            approved += u64::from(self.admit(&text).await == Decision::Approve);
        }
        approved
    }

    /// What looks like spam, and a person let through.
    async fn odd(&self, count: usize) {
        let site = self.pipeline.site_named("default").unwrap();
        for number in 0..count {
            let comment = Submission::of(Comment::of_text(format!("{SPAM} {number}")), None);
            let (id, _) = self.pipeline.check(&site, comment).await.unwrap();
            self.pipeline.overrule(&site, id, Said::Decision(Decision::Approve), "ada", "api").await.unwrap();
        }
    }
}

/// `hamlet site set default` in words.
#[track_caller]
fn said(folder: &Path, arguments: &[&str]) -> String {
    let done = hamlet(folder).args(["site", "set", "default"]).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[track_caller]
fn hold_of(shown: &Value) -> f64 {
    shown["policy"]["budget"]["measured"]["chosen"]["hold"].as_f64().unwrap_or_else(|| panic!("no threshold: {shown}"))
}

fn new_site(folder: &Path) {
    beside(folder, &["site", "add", "default", "--url", "https://news.example/"]);
}

#[tokio::test]
async fn too_little_ham_is_said_and_the_thresholds_stay() {
    let folder = folder();
    new_site(folder.path());
    let house = House::in_folder(folder.path(), 5).await;
    assert_eq!(house.friendly(0..120).await, 120);
    house.admit(SPAM).await;
    // What came today does not count yet: nobody has had the time to contradict.
    House::in_folder(folder.path(), 0).await.friendly(1000..1040).await;

    let shown = said(folder.path(), &["--max-blocked-ham", "1%"]);
    let expected = "at most 1 % of ham blocked: 299 ham needed, 120 seen; until then the thresholds that were set hold";
    assert!(shown.contains(expected) && shown.contains("hold           from 0.5\n"), "{shown}");
    let shown = beside(folder.path(), &["site", "show", "default"]);
    let measured = &shown["policy"]["budget"]["measured"];
    assert_eq!((&measured["ham"], &measured["needed"], measured.get("chosen")), (&json!(120), &json!(299), None));
    let done = hamlet(folder.path()).args(["site", "set", "default", "--max-blocked-ham", "7"]).output().unwrap();
    assert_eq!(done.status.code(), Some(2));
    house.store.close().await;
}

#[tokio::test]
async fn enough_ham_moves_the_threshold_and_the_verdict_says_so() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let key = daemon.key();
    let house = House::in_folder(folder.path(), 10).await;
    assert_eq!(house.friendly(0..400).await, 400);
    let check = async |text: &str| {
        let (status, verdict) = daemon.post("/v1/comments/check?dry_run=true", &key, &json!({"content": text})).await;
        assert_eq!(status, 200, "{verdict}");
        verdict
    };
    let became = async |text: &str, is_wanted: &dyn Fn(&Value) -> bool| {
        let started = std::time::Instant::now();
        loop {
            let verdict = check(text).await;
            if is_wanted(&verdict) {
                return verdict;
            }
            assert!(started.elapsed().as_secs() < 20, "not as wanted: {verdict}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let before = check(SPAM).await;
    assert_eq!((&before["decision"], before.get("max_blocked_ham")), (&json!("spam"), None));

    // All ham is far from spam: the threshold may be low, but not lower than it may be.
    let shown = said(folder.path(), &["--max-blocked-ham", "0.01"]);
    assert!(shown.contains("(the budget's; 0.5 without it)") && shown.contains("of 400 ham at or above it"), "{shown}");
    let low = hold_of(&beside(folder.path(), &["site", "show", "default"]));
    assert!((0.2..0.5).contains(&low), "{low}");
    let verdict = became(SPAM, &|verdict| verdict["max_blocked_ham"] == json!(0.01)).await;
    assert_eq!((&verdict["decision"], &verdict["thresholds"]["hold"]), (&json!("spam"), &json!(low)));

    // A site whose ham looks like spam: no more than the budget of it is blocked, and so that spam passes.
    house.odd(20).await;
    said(folder.path(), &["--max-blocked-ham", "2%"]);
    let shown = beside(folder.path(), &["site", "show", "default"]);
    let high = hold_of(&shown);
    assert_eq!(shown["policy"]["budget"]["measured"]["ham"], json!(420));
    assert!(high > before["score"].as_f64().unwrap(), "{high}");
    let verdict = became(SPAM, &|verdict| verdict["max_blocked_ham"] == json!(0.02)).await;
    assert_eq!((&verdict["decision"], &verdict["thresholds"]["spam"]), (&json!("approve"), &json!(high)));

    // Another model gives other scores: the daemon measures anew by itself.
    let dump = folder.path().join("dump.csv");
    let rows =
        (0..60).map(|number| format!("zorblax offer {number} zorblax,spam\nparagraph {number} of the article,ham\n"));
    std::fs::write(&dump, format!("content,label\n{}", rows.collect::<String>())).unwrap();
    let trained = beside(folder.path(), &["train", dump.to_str().unwrap(), "--promote", "always"]);
    let started = std::time::Instant::now();
    let measured_by = || beside(folder.path(), &["site", "show", "default"])["policy"]["budget"]["measured"].clone();
    while measured_by()["model"] != trained["model"] {
        assert!(started.elapsed().as_secs() < 20, "{}", measured_by());
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    let shown = said(folder.path(), &["--max-blocked-ham", "none"]);
    assert!(shown.contains("hold           from 0.5\n") && !shown.contains("budget"), "{shown}");
    became(SPAM, &|verdict| verdict.get("max_blocked_ham").is_none() && verdict["thresholds"]["hold"] == 0.5).await;
    house.store.close().await;
}

#[tokio::test]
async fn a_budget_is_set_over_http_and_the_daemon_measures_it() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let house = House::in_folder(folder.path(), 10).await;
    assert_eq!(house.friendly(0..70).await, 70);
    let key = beside(folder.path(), &["key", "add", "--all-sites", "--scopes", "admin", "--name", "chief"]);
    let key = key["api_key"].as_str().or(key["key"].as_str()).unwrap_or_else(|| panic!("{key}")).to_owned();
    let patch = async |body: Value| {
        let request = crate::daemon::client().patch(format!("http://{}/v1/sites/default", daemon.address));
        let request = request.bearer_auth(&key).header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap())
    };
    let mut shown = Value::Null;
    for _ in 0..100 {
        // The key is known within a second.
        let (status, answer) = patch(json!({"max_blocked_ham": 0.05})).await;
        shown = answer;
        if status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(shown["budget"]["max_blocked_ham"], json!(0.05), "{shown}");
    let has_chosen = |_: u16, site: &Value| site["budget"]["measured"]["chosen"]["hold"].is_f64();
    let shown = daemon.until("/v1/sites/default", &key, has_chosen).await;
    assert_eq!((&shown["budget"]["measured"]["ham"], &shown["thresholds"]["hold"]), (&json!(70), &json!(0.5)));

    assert_eq!(patch(json!({"max_blocked_ham": 7})).await.0, 422);
    let (_, shown) = patch(json!({"shadow": false})).await;
    assert_eq!(shown["budget"]["max_blocked_ham"], json!(0.05), "what is not named stays");
    let (_, shown) = patch(json!({"max_blocked_ham": null})).await;
    assert_eq!(shown.get("budget"), None, "{shown}");
    house.store.close().await;
}

#[tokio::test]
async fn what_shadow_mode_let_through_is_not_presumed_to_be_ham_and_lists_decide_alone() {
    let folder = folder();
    new_site(folder.path());
    beside(folder.path(), &["site", "set", "default", "--shadow", "on"]);
    let house = House::in_folder(folder.path(), 5).await;
    assert_eq!(house.friendly(0..60).await, 60);
    for number in 0..20 {
        assert_eq!(house.admit(&format!("{SPAM} {number}")).await, Decision::Approve);
    }
    said(folder.path(), &["--max-blocked-ham", "5%", "--allow", "phrase:paragraph 7"]);
    let shown = beside(folder.path(), &["site", "show", "default"]);
    assert_eq!(shown["policy"]["budget"]["measured"]["ham"], json!(59), "{shown}");
    assert!(hold_of(&shown) < 0.5);
    house.store.close().await;
}
