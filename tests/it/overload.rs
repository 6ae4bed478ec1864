//! More than the daemon can do: others are served before the flood is over, and what is too much is refused quickly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hamlet::clock::Clock;
use hamlet::comment::Comment;
use hamlet::random;
use hamlet::site::SiteId;
use hamlet::store::{self, NewComment, Store, Traces};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::daemon::{Daemon, beside, client, folder};

/// What of a flood is decided at most until another site's comments are.
const POSITIONS: u64 = 2_000;
const FLOOD: usize = 8_000;

fn on<'a>(url: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    [&["--store", url], words].concat()
}

/// Queues so many comments of a site, as a daemon would that died after it.
async fn queue(store: &Arc<dyn Store>, site: SiteId, count: usize) {
    let mut queueing = tokio::task::JoinSet::new();
    for number in 0..count {
        if queueing.len() >= 256 {
            queueing.join_next().await.unwrap().unwrap();
        }
        let now = Clock::System.now();
        let new = NewComment {
            id: random::comment_id(now),
            site,
            comment: Comment::of_text(format!("one of a flood, number {number}")),
            received_at: now,
            idempotency_key: None,
            fingerprint: None,
            callback: None,
            traces: Traces::default(),
        };
        let store = Arc::clone(store);
        queueing.spawn(async move { store.admit_queued(new, None).await.map(|_| ()).unwrap() });
    }
    while let Some(queued) = queueing.join_next().await {
        queued.unwrap();
    }
}

/// A daemon finds a flood in its store: what another site queued after it, and what it sends then, is decided long before.
async fn is_fair(url: &str) {
    let folder = folder();
    let daemon = Daemon::start_with(folder.path(), &["--store", url]).await;
    let blog = beside(folder.path(), &on(url, &["site", "add", "blog", "--url", "https://blog.example/"]));
    let blog = blog["api_key"].as_str().unwrap().to_owned();
    assert_eq!(daemon.terminate(), Some(0));
    let store = store::open(url, folder.path(), store::Settings::default()).await.unwrap();
    let sites = store.directory().await.unwrap().sites;
    let named = |name: &str| sites.iter().find(|site| site.name == name).unwrap().id;
    queue(&store, named("default"), FLOOD).await;
    queue(&store, named("blog"), 20).await;
    store.close().await;

    let waiting = || beside(folder.path(), &on(url, &["queue", "status"]))["decisions"].as_u64().unwrap();
    let daemon = Daemon::start_with(folder.path(), &["--store", url]).await;
    daemon.until("/v1/stats", &blog, |_, stats| stats["totals"]["checked"] == 20).await;
    let left = waiting();
    assert!(left + POSITIONS >= FLOOD as u64, "{left} of the flood are left");
    let mut ids = Vec::new();
    for number in 0..10 {
        let (status, answer) = daemon.post("/v1/comments", &blog, &json!({"content": format!("hello {number}")})).await;
        assert_eq!(status, 202, "{answer}");
        ids.push(answer["id"].as_str().unwrap().to_owned());
    }
    for id in ids {
        daemon.until(&format!("/v1/comments/{id}"), &blog, |_, comment| comment["status"] == "decided").await;
    }
    let later = waiting();
    assert!(later + 2 * POSITIONS >= left, "{later} of the flood are left, of {left}");
    daemon.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_in_the_store_delays_no_other_site_on_sqlite() {
    is_fair("sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_in_the_store_delays_no_other_site_on_postgresql() {
    is_fair(&crate::postgres::fresh_database()).await;
}

/// What the clients of one site were answered, and after how long.
#[derive(Debug, Default)]
struct Answered {
    accepted: Vec<Duration>,
    refused: Vec<Duration>,
}

async fn insist(address: std::net::SocketAddr, key: String, stop: Arc<AtomicBool>, pause: Duration) -> Answered {
    let (client, mut answered) = (client(), Answered::default());
    let url = format!("http://{address}/v1/comments");
    while !stop.load(Ordering::Relaxed) {
        let body = json!({"content": "one of too many"}).to_string();
        let started = Instant::now();
        let request = client.post(&url).bearer_auth(&key).header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        let (status, wait) = (answer.status().as_u16(), answer.headers().get("retry-after").cloned());
        let problem = answer.bytes().await.unwrap();
        match status {
            202 => answered.accepted.push(started.elapsed()),
            429 | 503 => {
                let wait: u32 = wait.expect("Retry-After").to_str().unwrap().parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                let problem: Value = serde_json::from_slice(&problem).unwrap();
                assert_eq!(problem["type"], "/problems/queue-full", "{problem}");
                answered.refused.push(started.elapsed());
            }
            _ => panic!("{status}: {problem:?}"),
        }
        tokio::time::sleep(pause).await;
    }
    answered
}

/// `tests/bench/overload.rs` measures it; here all is small: one site may fill 40 of 160 places, and has 64
/// clients, of which each may find the last place free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_is_refused_quickly_and_what_was_accepted_is_decided() {
    let folder = folder();
    let daemon = Daemon::start_in(
        folder.path(),
        &[],
        &[("HAMLET_LIMITS__QUEUE_DEPTH", "160"), ("HAMLET_LIMITS__QUEUE_SITE_PERCENT", "25")],
    )
    .await;
    let key = daemon.key();
    let blog = beside(folder.path(), &["site", "add", "blog", "--url", "https://blog.example/"]);
    let blog = blog["api_key"].as_str().unwrap().to_owned();
    daemon.until("/v1/stats", &blog, |status, _| status == 200).await;
    let stop = Arc::new(AtomicBool::new(false));
    let start = |key: &str, pause| tokio::spawn(insist(daemon.address, key.to_owned(), Arc::clone(&stop), pause));
    let flood: Vec<_> = (0..64).map(|_| start(&key, Duration::ZERO)).collect();
    let other = start(&blog, Duration::from_millis(50));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = daemon.resident_mib();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let after = daemon.resident_mib();
    stop.store(true, Ordering::Relaxed);
    let ended = Instant::now();
    let mut all = Answered::default();
    for client in flood {
        let answered = client.await.unwrap();
        all.accepted.extend(answered.accepted);
        all.refused.extend(answered.refused);
    }
    let other = other.await.unwrap();

    let mut accepted = all.accepted.len();
    while daemon.post("/v1/comments", &key, &json!({"content": "after the flood"})).await.0 != 202 {
        assert!(ended.elapsed() < Duration::from_secs(5), "no room five seconds after the flood");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    accepted += 1;
    daemon.until("/v1/stats", &key, |_, stats| stats["totals"]["checked"] == accepted).await;
    let queue = beside(folder.path(), &["queue", "status"]);
    assert_eq!((&queue["decisions"], &queue["dead_decisions"]), (&json!(0), &json!(0)), "{queue}");

    assert!(!all.accepted.is_empty() && !all.refused.is_empty(), "{} and {}", all.accepted.len(), all.refused.len());
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let (accepting, refusing) = (median(all.accepted), median(all.refused));
    assert!(
        refusing <= accepting + Duration::from_millis(100),
        "refused after {refusing:?}, accepted after {accepting:?}"
    );
    assert!(other.accepted.len() > 10 && other.refused.is_empty(), "the other site was refused: {other:?}");
    assert!(after < before + 32.0, "memory grew from {before} to {after} MiB");
}

/// A request that is inside: its body is not all there.
async fn begin(address: std::net::SocketAddr, key: &str) -> tokio::net::TcpStream {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/comments HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn one_key_does_not_take_all_the_room_inside() {
    let folder = folder();
    let daemon = Daemon::start_in(folder.path(), &[], &[("HAMLET_HTTP__IN_FLIGHT", "3")]).await;
    let key = daemon.key();
    let blog = beside(folder.path(), &["site", "add", "blog", "--url", "https://blog.example/"]);
    let blog = blog["api_key"].as_str().unwrap().to_owned();
    daemon.until("/v1/stats", &blog, |status, _| status == 200).await;
    let inside = [begin(daemon.address, &key).await, begin(daemon.address, &key).await];
    let comment = json!({"content": "hello"});
    let started = Instant::now();
    while daemon.post("/v1/comments", &key, &comment).await.0 != 503 {
        assert!(started.elapsed() < Duration::from_secs(5), "its third request finds room");
    }
    assert_eq!(daemon.post("/v1/comments", &blog, &comment).await.0, 202, "another site finds the last place");
    for mut stream in inside {
        stream.write_all(b"{\"content\":\"hello\"}").await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 202", "what was inside goes on");
    }
    assert_eq!(daemon.post("/v1/comments", &key, &comment).await.0, 202);
}
