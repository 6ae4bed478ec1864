//! 10,000 deliveries to 50 endpoints, five of them dead: how long until the healthy ones have theirs.
//!
//!     cargo bench --bench deliveries [-- ROUNDS]      # 5
//!
//! A round is a fresh store on a real disk, 200 queued comments of a site with 50 endpoints, and the worker as the daemon
//! runs it: it judges the comments, which makes 10,000 deliveries, and sends them. The clock runs from the worker's start
//! until the 45 healthy endpoints, which answer 204 at once, have had all 200 messages each. Of the dead ones two refuse
//! the connection, two take it and never answer, and one answers 500.
//!
//! The floor is the same HTTP client, bare: it posts as many messages of the same size to the same 45 receivers with as
//! many requests at once, and keeps nothing. Rounds and floors alternate, medians are told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, reads the clock, and stops when it cannot go on"
)]

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use futures_util::StreamExt as _;
use hamlet::classifier::Classifier;
use hamlet::clock::Clock;
use hamlet::comment::Comment;
use hamlet::decision::Judge;
use hamlet::pipeline::{Pipeline, Submission};
use hamlet::random;
use hamlet::rules::RuleSet;
use hamlet::site::{Policy, Site};
use hamlet::store::{self, Endpoint, EndpointKind, EndpointSecret};
use hamlet::webhook::{Allow, Client, Settings as ClientSettings};
use hamlet::worker::{Settings, Worker};
use tokio::sync::{Notify, watch};

const COMMENTS: usize = 200;
const HEALTHY: usize = 45;
/// About as long as the message of a verdict with six pieces of evidence and the words that told.
const FLOOR_BODY_BYTES: usize = 1_400;

/// What the healthy receivers were told.
#[derive(Debug, Default)]
struct Told {
    /// Receiver and message, once however often it came.
    messages: Mutex<HashSet<(usize, String)>>,
    all: Notify,
}

impl Told {
    fn hear(&self, receiver: usize, message: &str) {
        let mut messages = self.messages.lock().unwrap();
        if messages.insert((receiver, message.to_owned())) && messages.len() == HEALTHY * COMMENTS {
            self.all.notify_one();
        }
    }

    fn forget(&self) {
        self.messages.lock().unwrap().clear();
    }
}

/// Receivers on a thread of their own, so that they share no runtime with the worker.
struct Receivers {
    told: Arc<Told>,
    healthy: Vec<SocketAddr>,
    dead: Vec<SocketAddr>,
}

impl Receivers {
    fn listening() -> Receivers {
        let told = Arc::new(Told::default());
        let listeners: Vec<TcpListener> = (0..HEALTHY + 5).map(|_| listener()).collect();
        let addresses: Vec<SocketAddr> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let shared = Arc::clone(&told);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut serving = tokio::task::JoinSet::new();
                let mut silent = Vec::new();
                for (number, listener) in listeners.into_iter().enumerate() {
                    let router = match number - number.min(HEALTHY) {
                        _ if number < HEALTHY => healthy(number, Arc::clone(&shared)),
                        // Closed: whoever comes is refused.
                        0 | 1 => continue,
                        // Never accepted: the system takes the connection, and nobody ever reads it.
                        2 | 3 => {
                            silent.push(listener);
                            continue;
                        }
                        _ => Router::new().fallback(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
                    };
                    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
                    serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
                }
                serving.join_all().await;
            });
        });
        Receivers { told, healthy: addresses[..HEALTHY].to_vec(), dead: addresses[HEALTHY..].to_vec() }
    }
}

fn listener() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn healthy(number: usize, told: Arc<Told>) -> Router {
    let hear = move |State(told): State<Arc<Told>>, headers: HeaderMap, _body: axum::body::Bytes| async move {
        told.hear(number, headers["webhook-id"].to_str().unwrap());
        StatusCode::NO_CONTENT
    };
    Router::new().route("/hamlet", post(hear)).with_state(told)
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let rounds: usize = arguments.next().map_or(5, |rounds| rounds.parse().expect("a number of rounds"));
    let receivers = Receivers::listening();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let settings = Settings::default();
    println!(
        "{COMMENTS} comments to {} endpoints, {} of them dead; {} deliveries at once, {} to one endpoint",
        HEALTHY + receivers.dead.len(),
        receivers.dead.len(),
        settings.deliveries_at_once,
        settings.deliveries_per_endpoint
    );
    println!(
        "{:>6} {:>22} {:>14} {:>10} {:>12} {:>7}",
        "round", "healthy have theirs, s", "deliveries/s", "floor, s", "floor/s", "ratio"
    );
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        floors.push(runtime.block_on(floor(&receivers, settings.deliveries_at_once)));
        ours.push(runtime.block_on(deliver(&receivers, &settings)));
        tell(&round.to_string(), ours[round - 1], floors[round - 1]);
    }
    tell("median", median(ours), median(floors));
}

fn tell(name: &str, ours: Duration, floor: Duration) {
    let (ours, floor) = (ours.as_secs_f64(), floor.as_secs_f64());
    let rate = |seconds: f64| (HEALTHY * COMMENTS) as f64 / seconds;
    println!("{name:>6} {ours:>22.2} {:>14.0} {floor:>10.2} {:>12.0} {:>7.2}", rate(ours), rate(floor), ours / floor);
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// From the worker's start until every healthy receiver has had every message.
async fn deliver(receivers: &Receivers, settings: &Settings) -> Duration {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (pipeline, site) = house(folder.path(), receivers).await;
    for number in 0..COMMENTS {
        let text = format!("Comment {number}: I have read this article twice, see https://news.example/2026/bridge");
        pipeline.submit(&site, Submission::of(Comment::of_text(text), None)).await.unwrap();
    }
    receivers.told.forget();
    let client = Client::new(ClientSettings { allow: Allow::All, ..ClientSettings::default() }).unwrap();
    // What hangs at the end of a round is not waited for.
    let settings = Settings { drain: Duration::from_millis(100), ..settings.clone() };
    let (stop, stopped) = watch::channel(false);
    let started = Instant::now();
    let working = tokio::spawn(Worker::new(Arc::clone(&pipeline), client, settings).run(stopped));
    receivers.told.all.notified().await;
    let elapsed = started.elapsed();
    stop.send(true).unwrap();
    working.await.unwrap();
    pipeline.store.close().await;
    elapsed
}

/// A store with one site, whose endpoints are all of `receivers`.
async fn house(folder: &std::path::Path, receivers: &Receivers) -> (Arc<Pipeline>, Arc<Site>) {
    let store = store::open("sqlite", folder, store::Settings::default()).await.unwrap();
    let now = Clock::System.now();
    let site = store.add_site("bench", "", Policy::standard(), [0; 32], now).await.unwrap().id;
    for address in receivers.healthy.iter().chain(&receivers.dead) {
        let endpoint = Endpoint {
            id: random::endpoint_id(now),
            site,
            url: format!("http://{address}/hamlet"),
            created_at: now,
            kind: EndpointKind::Webhook,
            events: None,
            disabled: None,
            failing_since: None,
            secrets: vec![EndpointSecret { secret: random::webhook_secret(), expires_at: None }],
        };
        store.add_endpoint(endpoint).await.unwrap();
    }
    let directory = store.directory().await.unwrap();
    let site = Arc::clone(&directory.sites[0]);
    let pipeline = Pipeline::new(store, Clock::System, Judge::new(RuleSet::embedded(), Classifier::shipped()));
    pipeline.set_directory(directory);
    (Arc::new(pipeline), site)
}

/// The client alone: as many messages to the same receivers, `at_once` at a time.
async fn floor(receivers: &Receivers, at_once: usize) -> Duration {
    receivers.told.forget();
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().http1_only().no_proxy().build().unwrap();
    let body = "x".repeat(FLOOR_BODY_BYTES);
    let started = Instant::now();
    let posts = (0..HEALTHY * COMMENTS).map(|number| {
        let url = format!("http://{}/hamlet", receivers.healthy[number % HEALTHY]);
        let request = client.post(url).header("webhook-id", number.to_string()).body(body.clone());
        async move { assert_eq!(tokio::spawn(request.send()).await.unwrap().unwrap().status(), 204) }
    });
    futures_util::stream::iter(posts).buffer_unordered(at_once).for_each(|()| async {}).await;
    let elapsed = started.elapsed();
    receivers.told.all.notified().await;
    elapsed
}
