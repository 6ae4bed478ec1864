//! A rule gone mad, through the real daemon: a page cache fills the hidden field of every form.

use serde_json::{Value, json};

use crate::daemon::{Daemon, LOG, folder, get};

/// Comments of readers, each another; what a cache put into the hidden field, if anything.
pub async fn reader(daemon: &Daemon, key: &str, number: usize, honeypot: &str) -> Value {
    // Each its own words: what repeats is evidence, too.
    let pick = |words: [&'static str; 8], stride: usize| words[(number / stride + number * stride) % words.len()];
    let text = format!(
        "The {} about {} reminded me of {}, although I think that the {} of our {} should {} the {} in {}.",
        pick(["article", "chapter", "interview", "report", "column", "letter", "photograph", "review"], 1),
        pick(["winter", "schools", "bread", "trains", "the river", "our library", "old maps", "the theatre"], 3),
        pick(
            [
                "my grandmother",
                "a lecture",
                "the harbour",
                "last summer",
                "an old film",
                "my brother",
                "a song",
                "home"
            ],
            5
        ),
        pick(["teachers", "farmers", "drivers", "doctors", "neighbours", "musicians", "students", "gardeners"], 7),
        pick(["town", "county", "village", "street", "country", "valley", "region", "island"], 11),
        pick(["discuss", "remember", "repair", "describe", "visit", "protect", "question", "understand"], 13),
        pick(["bridge", "museum", "station", "market", "church", "garden", "archive", "school"], 17),
        pick(["spring", "public", "detail", "writing", "autumn", "private", "winter", "earnest"], 19),
    );
    let body = json!({"content": text, "honeypot": honeypot, "author": {"name": format!("Reader {number}")}});
    let (status, verdict) = daemon.post("/v1/comments/check", key, &body).await;
    assert_eq!(status, 200, "{verdict}");
    verdict
}

fn trap(verdict: &Value) -> Option<f64> {
    let evidence = verdict["evidence"].as_array().unwrap();
    let sum: f64 = evidence.iter().map(|piece| piece["weight"].as_f64().unwrap()).sum();
    let score = verdict["score"].as_f64().unwrap();
    assert!((sum - (score / (1.0 - score)).ln()).abs() < 1e-6, "weights add up to the score: {verdict}");
    let piece = evidence.iter().find(|piece| piece["symbol"] == "HONEYPOT_FILLED");
    piece.map(|piece| piece["weight"].as_f64().unwrap())
}

#[tokio::test]
async fn a_trap_that_a_page_cache_springs_is_muted_and_heard_again() {
    let folder = folder();
    // What the trap weighs shall be enough to hold by itself, whatever the model thinks of the text.
    let weights = folder.path().join("rules.toml");
    std::fs::write(&weights, "[weights]\nHONEYPOT_FILLED = 12.0\n[caps]\ntraps = 12.0\n").unwrap();
    let settings = folder.path().join("hamlet.toml");
    std::fs::write(&settings, format!("[rules]\nfile = '{}'\n[policy]\nhold = 0.8\n", weights.display())).unwrap();
    let daemon = Daemon::start_with(folder.path(), &["--config", settings.to_str().unwrap()]).await;
    let key = daemon.key();
    for number in 0..200 {
        let verdict = reader(&daemon, &key, number, "cached").await;
        assert_eq!(trap(&verdict), Some(12.0), "{number}: {verdict}");
        assert_ne!(verdict["decision"], "approve", "{number}: {verdict}");
    }
    for number in 200..300 {
        let verdict = reader(&daemon, &key, number, "cached").await;
        assert_eq!((trap(&verdict), &verdict["decision"]), (Some(0.0), &json!("approve")), "{number}: {verdict}");
        assert_eq!(verdict["facts"]["muted"], json!(["HONEYPOT_FILLED"]), "{verdict}");
    }
    let (status, ready) = get(daemon.address, "/readyz", "").await.unwrap();
    assert_eq!((status, &ready["status"]), (200, &json!("ready")), "{ready}");
    let muted = &ready["muted"][0];
    assert_eq!((&muted["site"], &muted["symbol"]), (&json!("default"), &json!("HONEYPOT_FILLED")), "{ready}");
    let log = || std::fs::read_to_string(folder.path().join(LOG)).unwrap();
    assert_eq!(log().matches("is a page cache or the CMS at fault?").count(), 1, "{}", log());

    // The cache is cleared: some 230 comments later the trap speaks again.
    for number in 300..560 {
        assert_eq!(trap(&reader(&daemon, &key, number, "").await), None, "{number}");
    }
    let verdict = reader(&daemon, &key, 560, "a machine").await;
    assert_eq!(trap(&verdict), Some(12.0), "{verdict}");
    let (_, ready) = get(daemon.address, "/readyz", "").await.unwrap();
    assert_eq!(ready.get("muted"), None, "{ready}");
    assert_eq!(log().matches("heard again").count(), 1, "{}", log());
}
