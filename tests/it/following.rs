//! One comment through the log, from the door to the webhook, by its id; and nothing of what it says or who wrote it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{Daemon, LOG, beside, client, folder};
use crate::receiver::Receiver;

/// Words of comments that are nobody's business, one for each field.
const MARKERS: [&str; 9] =
    ["xqtextxq", "xqnamexq", "xqmailxq", "xqpagexq", "xqagentxq", "203.0.113.77", "xqsitexq", "xqrefxq", "xqtitlexq"];

fn comment() -> Value {
    json!({
        "content": "a word xqtextxq with https://xqsitexq.example/xqtextxq",
        "author": {"name": "xqnamexq", "email": "xqmailxq@mail.example", "ip": "203.0.113.77", "user_agent": "xqagentxq/1.0",
                   "url": "https://xqsitexq.example/"},
        "permalink": "https://news.example/xqpagexq", "referrer": "https://xqrefxq.example/", "post_title": "xqtitlexq",
    })
}

/// The lines of the log that are JSON.
fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Whether the line is told within a span of this name that carries the comment.
fn is_within(line: &Value, span: &str, id: &str) -> bool {
    let spans = line["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    spans.iter().any(|found| found["name"] == span && found["comment"] == id)
}

#[tokio::test]
async fn a_comment_is_followed_by_its_id_and_nothing_of_it_is_told() {
    let folder = folder();
    let receiver = Receiver::listening().await;
    let environment = [
        ("HAMLET_LOG__LEVEL", "trace"),
        ("HAMLET_LOG__FORMAT", "json"),
        ("HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true"),
    ];
    let daemon = Daemon::start_in(folder.path(), &[], &environment).await;
    let key = daemon.key();
    let settings = folder.path().join("beside.toml");
    std::fs::write(&settings, "[webhooks]\nallow_private_addresses = true\n").unwrap();
    let settings = settings.to_str().unwrap();
    beside(folder.path(), &["endpoint", "add", "--site", "default", &receiver.url(), "--config", settings]);

    let (status, queued) = daemon.post("/v1/comments", &key, &comment()).await;
    assert_eq!(status, 202, "{queued}");
    let id = queued["id"].as_str().unwrap();
    let (status, checked) = daemon.post("/v1/comments/check", &key, &comment()).await;
    assert_eq!(status, 200, "{checked}");
    let label = format!("/v1/comments/{id}/label");
    assert_eq!(daemon.post(&label, &key, &json!({"label": "spam", "by": "xqnamexq"})).await.0, 200);
    // The other doors, and bodies that are refused.
    let form = [
        ("api_key", key.as_str()),
        ("blog", "https://news.example/"),
        ("user_ip", "203.0.113.77"),
        ("user_agent", "xqagentxq/1.0"),
        ("comment_author", "xqnamexq"),
        ("comment_author_email", "xqmailxq@mail.example"),
        ("comment_content", "a word xqtextxq"),
    ];
    let form = form.map(|(name, value)| format!("{name}={value}")).join("&");
    let akismet = client().post(format!("http://{}/1.1/comment-check", daemon.address)).body(form);
    let akismet = akismet.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!(akismet.status().as_u16(), 200);
    for body in [json!({"content": "xqtextxq", "xqnamexq": 1}), json!({"content": ["xqtextxq"]}), json!("xqtextxq")] {
        let (status, refused) = daemon.post("/v1/comments", &key, &body).await;
        assert!((400..500).contains(&status), "{refused}");
    }
    let batch = format!("{}\n{{\"content\": xqtextxq\n", comment());
    let batch = client().post(format!("http://{}/v1/comments/batch", daemon.address)).bearer_auth(&key).body(batch);
    let answer = batch.header("content-type", "application/x-ndjson").send().await.unwrap().text().await.unwrap();
    assert_eq!(answer.lines().count(), 2, "{answer}");

    let log = || std::fs::read_to_string(folder.path().join(LOG)).unwrap();
    let started = Instant::now();
    let told = loop {
        let log = log();
        let whole = &log[..=log.rfind('\n').unwrap_or(0)];
        let told = lines(whole.trim_end());
        if told.iter().any(|line| line["message"] == "delivered" && is_within(line, "deliver", id)) {
            break told;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "no delivery of {id} in the log");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let has =
        |message: &str, span: &str| told.iter().any(|line| line["message"] == message && is_within(line, span, id));
    assert!(has("queued", "door"), "the id is known at the door");
    assert!(has("decided", "decide"), "and where it is decided");
    let door = told.iter().find(|line| line["message"] == "queued" && is_within(line, "door", id)).unwrap();
    assert_eq!(door["spans"][0]["door"], "/v1/comments");
    let other = checked["id"].as_str().unwrap();
    assert!(told.iter().any(|line| line["message"] == "checked" && is_within(line, "door", other)), "a check as well");

    assert_eq!(daemon.terminate(), Some(0));
    for line in log().lines() {
        let found = MARKERS.iter().find(|marker| line.contains(**marker));
        assert_eq!(found, None, "the log tells it: {line}");
    }
}

/// Where there is no journal to write to, that is said rather than swallowed.
#[test]
fn a_journal_that_is_not_there_is_named_with_the_mend() {
    if std::path::Path::new("/run/systemd/journal/socket").exists() {
        eprintln!("skipped: there is a journal on this machine");
        return;
    }
    let folder = folder();
    let mut command = crate::daemon::hamlet(folder.path());
    let output =
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("HAMLET_LOG__FORMAT", "journald").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("journald") && said.contains("text or json"), "{said}");
}
