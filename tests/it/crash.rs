//! Kills at random moments under load: nothing that was acknowledged is lost.
//!
//! `HAMLET_KILLS=200 cargo test --release --test it crash -- --nocapture` kills as often as that and prints what was
//! counted; without it a daemon is killed a few times.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{Daemon, client, folder, get, hamlet};
use crate::receiver::{Answer, Receiver};

/// Clients that go on sending, whatever becomes of the daemon.
const CLIENTS: usize = 12;

/// What the daemon said that it has.
#[derive(Debug, Default)]
struct Acknowledged {
    /// The id of each comment, by its external id.
    comments: HashMap<String, String>,
    /// Comments that were labelled, and the word.
    labels: HashMap<String, &'static str>,
}

/// Clients and daemon, and what was acknowledged so far.
#[derive(Debug)]
struct Load {
    address: Mutex<SocketAddr>,
    acknowledged: Mutex<Acknowledged>,
    next: AtomicUsize,
    is_over: AtomicBool,
}

impl Load {
    /// Sends comments by both doors and labels some of them, until it is over. What fails is not tried again: nobody was
    /// told that it was kept.
    async fn send(self: Arc<Load>, key: String) {
        let client = client();
        while !self.is_over.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let address = *self.address.lock().unwrap();
            let external = format!("c{number}");
            let body = json!({
                "content": format!("reader {number} on the harbour of {}, with a word of his own", number % 97),
                "external_id": external,
                "author": {"name": "Ada", "email": format!("r{}@mail.example", number % 500), "ip": "192.0.2.7"},
            });
            let path = if number.is_multiple_of(2) { "/v1/comments" } else { "/v1/comments/check" };
            let Some((200 | 202, answer)) = post(&client, address, path, &key, &body).await else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let id = answer["id"].as_str().unwrap().to_owned();
            self.acknowledged.lock().unwrap().comments.insert(external, id.clone());
            if number.is_multiple_of(7) {
                let label = if number.is_multiple_of(2) { "ham" } else { "spam" };
                let path = format!("/v1/comments/{id}/label");
                if let Some((200..300, _)) = post(&client, address, &path, &key, &json!({ "label": label })).await {
                    self.acknowledged.lock().unwrap().labels.insert(id, label);
                }
            }
        }
    }
}

async fn post(
    client: &reqwest::Client,
    address: SocketAddr,
    path: &str,
    key: &str,
    body: &Value,
) -> Option<(u16, Value)> {
    let request = client.post(format!("http://{address}{path}")).bearer_auth(key);
    let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
    Some((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.ok()?).ok()?))
}

fn kills() -> usize {
    std::env::var("HAMLET_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(5)
}

/// Kills the daemon on `store` again and again, and counts afterwards.
async fn survives(store: &str) {
    let (folder, cms) = (folder(), Receiver::listening().await);
    // Of ten deliveries one fails, and one is answered late.
    let settings = folder.path().join("hamlet.toml");
    let lines = "[webhooks]\nallow_private_addresses = true\nretry_waits_s = [1, 1, 1, 1, 1, 1]\ntimeout_ms = 1_500\nconnect_timeout_ms = 1_000\n[worker]\nlease_s = 2\n";
    std::fs::write(&settings, lines).unwrap();
    let flags = ["--store", store, "--config", settings.to_str().unwrap()];
    let daemon = Daemon::start_with(folder.path(), &flags).await;
    let key = daemon.key();
    let secret = endpoint(folder.path(), store, &cms.url());
    cms.will_answer((0..50).map(|number| if number % 5 == 0 { Answer::Status(503) } else { Answer::Status(204) }));

    let load = Arc::new(Load {
        address: Mutex::new(daemon.address),
        acknowledged: Mutex::default(),
        next: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    });
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(Arc::clone(&load).send(key.clone()))).collect();
    let mut daemon = daemon;
    for _ in 0..kills() {
        tokio::time::sleep(Duration::from_millis(20) + Duration::from_millis(700).mul_f64(hamlet::random::jitter()))
            .await;
        daemon.kill();
        daemon = Daemon::start_with(folder.path(), &flags).await;
        *load.address.lock().unwrap() = daemon.address;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    load.is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }

    let acknowledged = std::mem::take(&mut *load.acknowledged.lock().unwrap());
    let sent = (acknowledged.comments.len(), acknowledged.labels.len());
    assert!(sent.0 > 20 * kills() && sent.1 > 0, "there was hardly any load: {sent:?}");
    // Leases of the dead run out, and then nothing waits any more.
    daemon.until("/readyz", "", |status, _| status == 200).await;
    let started = Instant::now();
    let queue = loop {
        let queue = beside(folder.path(), store, &["queue", "status", "--json"]);
        if queue["decisions"] == 0 && queue["deliveries"] == 0 {
            break queue;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "it is not done: {queue}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!((&queue["dead_decisions"], &queue["dead_deliveries"]), (&json!(0), &json!(0)), "{queue}");

    let mut told: HashMap<String, HashSet<String>> = HashMap::new();
    let mut messages = 0;
    for message in cms.told() {
        assert!(message.is_believed_with(&secret), "a message that was not signed as it should be");
        let json = message.json();
        messages += 1;
        let id = json["data"]["id"].as_str().unwrap().to_owned();
        told.entry(id).or_default().insert(message.header("webhook-id").to_owned());
    }
    for (external, id) in &acknowledged.comments {
        let (status, comment) = get(daemon.address, &format!("/v1/comments/{id}"), &key).await.unwrap();
        assert_eq!((status, &comment["comment"]["external_id"]), (200, &json!(external)), "lost: {comment}");
        assert_eq!(comment["status"], "decided", "{comment}");
        if let Some(label) = acknowledged.labels.get(id) {
            let is_label = |act: &Value| act["label"] == *label;
            assert!(comment["history"].as_array().unwrap().iter().any(is_label), "a label is gone: {comment}");
        }
        // Told at least once, and of one decision: a repeat has the same message id. A label is a decision of its own.
        let messages = told.get(id).map_or(0, HashSet::len);
        let most = 1 + comment["history"].as_array().unwrap().len();
        assert!((1..=most).contains(&messages), "told {messages} times of {id}: {comment}");
    }
    // What nobody was told of may be there too; the counts agree with the rows.
    let stats = daemon.until("/v1/stats", &key, |status, _| status == 200).await;
    let checked = stats["totals"]["checked"].as_u64().unwrap();
    let mut pages = 0;
    let mut before = String::new();
    loop {
        let (_, page) = get(daemon.address, &format!("/v1/comments?limit=100{before}"), &key).await.unwrap();
        pages += page["comments"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else { break };
        before = format!("&cursor={next}");
    }
    assert_eq!(checked, pages as u64, "the counts and the comments differ");
    eprintln!(
        "{}: {} kills, {} comments acknowledged ({checked} kept), {} labels, {messages} messages for {} comments",
        if store.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" },
        kills(),
        acknowledged.comments.len(),
        acknowledged.labels.len(),
        told.len(),
    );
}

/// A command beside the daemon.
fn beside(folder: &Path, store: &str, arguments: &[&str]) -> Value {
    let done = hamlet(folder).args(["--store", store]).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Adds an endpoint; its secret.
fn endpoint(folder: &Path, store: &str, url: &str) -> String {
    let mut add = hamlet(folder);
    add.env("HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true");
    let done = add.args(["--store", store, "endpoint", "add", "--site", "default", url, "--json"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice::<Value>(&done.stdout).unwrap()["secret"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_sqlite() {
    survives("sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_postgresql() {
    survives(&crate::postgres::fresh_database()).await;
}
