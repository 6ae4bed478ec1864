//! Clients that go on sending whatever becomes of the daemon, and the balance afterwards: whatever was acknowledged is there,
//! decided once, told with a signature or shown as a dead letter, and counted.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{Daemon, client, get, hamlet};
use crate::receiver::{Receiver, Told};

/// What the daemon said that it has.
#[derive(Debug, Default)]
pub struct Acknowledged {
    /// The id of each comment, by its external id.
    pub comments: HashMap<String, String>,
    /// Comments that were labelled, and the word.
    pub labels: HashMap<String, &'static str>,
}

/// How clients send.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Of the first comment.
    pub number: usize,
    /// After each comment.
    pub rest: Duration,
    /// How long to wait for an answer.
    pub patience: Duration,
}

impl Manner {
    /// One after the other, however long each takes.
    pub const STEADY: Manner = Manner { number: 0, rest: Duration::ZERO, patience: Duration::from_secs(3600) };
}

/// Clients, and what was acknowledged to them so far.
#[derive(Debug)]
pub struct Load {
    addresses: Mutex<Vec<SocketAddr>>,
    manner: Manner,
    acknowledged: Mutex<Acknowledged>,
    next: AtomicUsize,
    /// Comments and labels that were not acknowledged.
    refused: AtomicUsize,
    is_over: AtomicBool,
    clients: Mutex<Vec<tokio::task::JoinHandle<()>>>,
}

impl Load {
    /// So many clients that send to this address with this key until [`Load::stop`].
    pub fn start(address: SocketAddr, key: &str, clients: usize) -> Arc<Load> {
        Load::start_with(vec![address], key, clients, Manner::STEADY)
    }

    /// The same to several daemons in turns, in this manner.
    pub fn start_with(addresses: Vec<SocketAddr>, key: &str, clients: usize, manner: Manner) -> Arc<Load> {
        let load = Arc::new(Load {
            addresses: Mutex::new(addresses),
            manner,
            acknowledged: Mutex::default(),
            next: AtomicUsize::new(manner.number),
            refused: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            clients: Mutex::default(),
        });
        let tasks = (0..clients).map(|_| tokio::spawn(Arc::clone(&load).send(key.to_owned()))).collect();
        *load.clients.lock().unwrap() = tasks;
        load
    }

    /// The daemon was started anew, and listens here.
    pub fn moved_to(&self, address: SocketAddr) {
        self.turn_to(vec![address]);
    }

    /// These daemons are sent to from now on.
    pub fn turn_to(&self, addresses: Vec<SocketAddr>) {
        *self.addresses.lock().unwrap() = addresses;
    }

    /// Comments and labels that were not acknowledged so far.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    /// Comments that were acknowledged so far.
    pub fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().comments.len()
    }

    /// Waits until `more` comments were acknowledged from now on: things work.
    pub async fn until_more(&self, more: usize) {
        let (started, wanted) = (Instant::now(), self.count() + more);
        while self.count() < wanted {
            assert!(started.elapsed() < Duration::from_secs(60), "{} of {wanted} are acknowledged", self.count());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends the load, and tells what was acknowledged.
    pub async fn stop(&self) -> Acknowledged {
        self.is_over.store(true, Ordering::Relaxed);
        let clients = std::mem::take(&mut *self.clients.lock().unwrap());
        for client in clients {
            client.await.unwrap();
        }
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }

    /// Sends comments by both doors and labels some of them, until it is over. What fails is not tried again: nobody was
    /// told that it was kept.
    async fn send(self: Arc<Load>, key: String) {
        let client = client();
        while !self.is_over.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let address = {
                let addresses = self.addresses.lock().unwrap();
                // Not in the same turns as the doors.
                addresses[number / 2 % addresses.len()]
            };
            let external = format!("c{number}");
            let body = json!({
                "content": format!("reader {number} on the harbour of {}, with a word of his own", number % 97),
                "external_id": external,
                "author": {"name": "Ada", "email": format!("r{}@mail.example", number % 500), "ip": "192.0.2.7"},
            });
            let path = if number.is_multiple_of(2) { "/v1/comments" } else { "/v1/comments/check" };
            let patience = self.manner.patience;
            let Some((200 | 202, answer)) = post(&client, address, path, &key, &body, patience).await else {
                self.refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let id = answer["id"].as_str().unwrap().to_owned();
            self.acknowledged.lock().unwrap().comments.insert(external, id.clone());
            if number.is_multiple_of(7) {
                let label = if number.is_multiple_of(2) { "ham" } else { "spam" };
                let path = format!("/v1/comments/{id}/label");
                match post(&client, address, &path, &key, &json!({ "label": label }), patience).await {
                    Some((200..300, _)) => drop(self.acknowledged.lock().unwrap().labels.insert(id, label)),
                    _ => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
                }
            }
            tokio::time::sleep(self.manner.rest).await;
        }
    }
}

async fn post(
    client: &reqwest::Client,
    address: SocketAddr,
    path: &str,
    key: &str,
    body: &Value,
    patience: Duration,
) -> Option<(u16, Value)> {
    let request = client.post(format!("http://{address}{path}")).bearer_auth(key).timeout(patience);
    let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
    Some((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.ok()?).ok()?))
}

/// Adds an endpoint beside the daemon; its secret.
pub fn endpoint(folder: &Path, store: &str, url: &str) -> String {
    let mut add = hamlet(folder);
    add.env("HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true");
    let done = add.args(["--store", store, "endpoint", "add", "--site", "default", url, "--json"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice::<Value>(&done.stdout).unwrap()["secret"].as_str().unwrap().to_owned()
}

/// What was found by [`balance`].
#[derive(Clone, Copy, Debug)]
pub struct Balance {
    /// Comments that the store holds; some of them nobody was told of.
    pub kept: u64,
    /// Messages that arrived, repeats included, and the comments they are about.
    pub messages: usize,
    pub told: usize,
    /// Deliveries that were given up and are shown.
    pub dead: usize,
}

/// Waits until nothing waits any more, and compares what was acknowledged with what is there.
///
/// * `ask`: runs a command of `hamlet` beside the daemon, with `--json`.
/// * `is_believed`: whether `cms` believes a message; it remembers what it was told whatever it answered.
pub async fn balance(
    daemon: &Daemon,
    ask: impl Fn(&[&str]) -> Value,
    key: &str,
    acknowledged: &Acknowledged,
    cms: &Receiver,
    is_believed: impl Fn(&Told) -> bool,
) -> Balance {
    daemon.until("/readyz", "", |status, _| status == 200).await;
    let started = Instant::now();
    let queue = loop {
        let queue = ask(&["queue", "status"]);
        if queue["decisions"] == 0 && queue["deliveries"] == 0 {
            break queue;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "it is not done: {queue}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(queue["dead_decisions"], json!(0), "{queue}");
    let dead = ask(&["queue", "dead", "--limit", "100000"]);
    let dead: Vec<&str> = dead.as_array().unwrap().iter().filter_map(|letter| letter["comment"].as_str()).collect();
    assert_eq!(queue["dead_deliveries"], json!(dead.len()), "{queue}");

    let mut told: HashMap<String, HashSet<String>> = HashMap::new();
    let mut messages = 0;
    for message in cms.told() {
        assert!(is_believed(&message), "a message that was not signed as it should be");
        let json = message.json();
        messages += 1;
        let id = json["data"]["id"].as_str().unwrap().to_owned();
        told.entry(id).or_default().insert(message.header("webhook-id").to_owned());
    }
    let given_up: HashSet<&str> = dead.iter().copied().collect();
    for (external, id) in &acknowledged.comments {
        let (status, comment) = get(daemon.address, &format!("/v1/comments/{id}"), key).await.unwrap();
        assert_eq!((status, &comment["comment"]["external_id"]), (200, &json!(external)), "lost: {comment}");
        assert_eq!(comment["status"], "decided", "{comment}");
        if let Some(label) = acknowledged.labels.get(id) {
            let is_label = |act: &Value| act["label"] == *label;
            assert!(comment["history"].as_array().unwrap().iter().any(is_label), "a label is gone: {comment}");
        }
        // Told at least once, and of one decision: a repeat has the same message id. A label is a decision of its own.
        let messages = told.get(id).map_or(0, HashSet::len);
        let most = 1 + comment["history"].as_array().unwrap().len();
        let least = usize::from(!given_up.contains(id.as_str()));
        assert!((least..=most).contains(&messages), "told {messages} times of {id}: {comment}");
    }
    // What nobody was told of may be there too; the counts agree with the rows.
    let kept = count(daemon, key).await;
    let stats = daemon.until("/v1/stats", key, |_, stats| stats["totals"]["checked"] == json!(kept)).await;
    assert_eq!(stats["totals"]["checked"].as_u64(), Some(kept), "the counts and the comments differ");
    Balance { kept, messages, told: told.len(), dead: dead.len() }
}

/// How many comments there are, page by page.
async fn count(daemon: &Daemon, key: &str) -> u64 {
    let (mut count, mut cursor) = (0, String::new());
    loop {
        let (_, page) = get(daemon.address, &format!("/v1/comments?limit=100{cursor}"), key).await.unwrap();
        count += page["comments"].as_array().unwrap().len() as u64;
        let Some(next) = page["next_cursor"].as_str() else { return count };
        cursor = format!("&cursor={next}");
    }
}
