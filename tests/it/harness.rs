//! Hamlet as its users meet it: the real router and worker over a real store in a folder of its own, on a port of the
//! loopback, with a clock that stands still.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use hamlet::classifier::Classifier;
use hamlet::clock::Clock;
use hamlet::decision::Judge;
use hamlet::http;
use hamlet::key::NewKey;
use hamlet::pipeline::{Pipeline, key_hash};
use hamlet::rules::RuleSet;
use hamlet::site::Policy;
use hamlet::store::{self, Store};
use hamlet::verdict::{Score, Thresholds};
use hamlet::webhook;
use hamlet::worker::{self, Worker};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The key of the site `default`, whose policy is the standard one.
pub const KEY: &str = "0123456789ab";
/// Keys of sites that approve, hold and discard whatever the model says.
pub const APPROVING: &str = "aaaaaaaaaaaa";
pub const HOLDING: &str = "bbbbbbbbbbbb";
pub const DISCARDING: &str = "dddddddddddd";

/// When everything in tests happens, unless the clock's hand is moved.
/// Keys that [`Hamlet::with_keys`] makes: of the site `default` for everything, and of no site.
pub const ADMIN: &str = "adadadadadad";
pub const OPERATOR: &str = "hk_operator";
pub const NOW: &str = "2026-01-02T03:04:05Z";

/// A Hamlet that runs until it is dropped.
#[derive(Debug)]
pub struct Hamlet {
    pub address: SocketAddr,
    pub pipeline: Arc<Pipeline>,
    pub router: Router,
    pub stop: watch::Sender<bool>,
    pub serving: JoinHandle<()>,
    /// Moves the clock: microseconds since 1970.
    pub clock_hand: Arc<AtomicI64>,
    /// Where its store is.
    pub folder: TempDir,
}

/// An answer, taken apart.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Hamlet {
    pub async fn start() -> Hamlet {
        Hamlet::start_with(http::Settings::default()).await
    }

    pub async fn start_with(settings: http::Settings) -> Hamlet {
        let folder = tempfile::tempdir().unwrap();
        let store = store::open("sqlite", folder.path(), store::Settings::default()).await.unwrap();
        let (clock, clock_hand) = Clock::frozen_at(NOW.parse().unwrap());
        add_sites(store.as_ref(), &clock).await;
        let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
        let pipeline = Arc::new(Pipeline::new(Arc::clone(&store), clock, judge));
        pipeline.set_directory(store.directory().await.unwrap());
        let router = http::router(Arc::clone(&pipeline), &settings, None);

        let (stop, mut stopped) = watch::channel(false);
        let client = webhook::Client::new(webhook::Settings::default()).unwrap();
        tokio::spawn(Worker::new(Arc::clone(&pipeline), client, worker::Settings::default()).run(stopped.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = router.clone();
        let serving = tokio::spawn(async move {
            let stop = async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            http::serve(listener, served, &settings, stop).await;
        });
        Hamlet { address, pipeline, router, stop, serving, clock_hand, folder }
    }

    /// Makes [`ADMIN`] and [`OPERATOR`] keys, which go by these names.
    pub async fn with_keys(self, names: [&str; 2]) -> Hamlet {
        let site = self.pipeline.site_named("default").unwrap().id;
        for ((site, key), name) in [(Some(site), ADMIN), (None, OPERATOR)].into_iter().zip(names) {
            let (scopes, hash) = ("check,submit,read,admin".parse().unwrap(), key_hash(key));
            let key = NewKey { site, name: name.into(), scopes, hash, expires_at: None };
            self.pipeline.store.add_key(key, self.pipeline.clock.now()).await.unwrap();
        }
        self.pipeline.refresh().await.unwrap();
        self
    }

    /// A call such as `POST /v1/lists`, with a body unless it is null.
    pub async fn ask(&self, key: &str, line: &str, body: &Value) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.json(key, method, path, &[], body.as_bytes()).await
    }

    /// Sends a JSON body to `path` as the site `default`.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.json(KEY, "POST", path, &[], body.to_string().as_bytes()).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.json(KEY, "GET", path, &[], b"").await
    }

    /// A request with a bearer key and further header lines.
    pub async fn json(&self, key: &str, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Reply {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: hamlet\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        self.raw(&[head.as_bytes(), body].concat()).await
    }

    /// Queues a comment of which only the text is known; its id.
    pub async fn submit(&self, text: &str) -> String {
        let reply = self.post("/v1/comments", &json!({"content": text})).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// Checks a comment; the verdict.
    /// The verdict, once the comment counts for those that come after it.
    pub async fn check(&self, comment: &Value) -> Value {
        let reply = self.post("/v1/comments/check", comment).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        while self.pipeline.store.remember(256).await.unwrap() > 0 {}
        reply.json()
    }

    pub async fn show(&self, id: &str) -> Value {
        let reply = self.get(&format!("/v1/comments/{id}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    /// The comment once it is decided.
    pub async fn decided(&self, id: &str) -> Value {
        for _ in 0..1000 {
            let shown = self.show(id).await;
            if shown["status"] == "decided" {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("comment {id} was not decided within ten seconds");
    }

    /// Moves the clock on.
    pub fn wait(&self, time: Duration) {
        self.clock_hand.fetch_add(time.as_micros().try_into().unwrap(), Ordering::Relaxed);
    }

    pub async fn raw(&self, bytes: &[u8]) -> Reply {
        self.raw_from(Ipv4Addr::LOCALHOST.into(), bytes).await
    }

    /// Sends bytes on a connection of their own, from an address of the loopback, and reads until it is closed.
    ///
    /// Writing may fail when the answer comes early; a reset after the answer is as good as an end.
    pub async fn raw_from(&self, own: IpAddr, bytes: &[u8]) -> Reply {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(own, 0)).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        let (mut from, mut to) = stream.into_split();
        let bytes = bytes.to_vec();
        let writing = tokio::spawn(async move {
            let _ = to.write_all(&bytes).await;
            to
        });
        let mut answer = Vec::new();
        let reading = from.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the connection stays open");
        drop(writing.await);
        Reply::read(&answer)
    }
}

impl Drop for Hamlet {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Reply {
    /// Takes one answer apart, and sees to it that its length is told and right.
    pub fn read(answer: &[u8]) -> Reply {
        let shown = || String::from_utf8_lossy(answer).into_owned();
        let head_end =
            answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{:?}", shown()));
        let head = std::str::from_utf8(&answer[..head_end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let reply = Reply { status, headers, body: answer[head_end + 4..].to_vec() };
        assert_eq!(reply.header("transfer-encoding"), None, "{}", shown());
        // RFC 9110 § 8.6: these need not tell their length.
        if ![100, 204, 304].contains(&status) {
            assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()), "{}", shown());
        }
        reply
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

async fn add_sites(store: &dyn Store, clock: &Clock) {
    let score = |p| Score::new(p).unwrap();
    let with = |hold, spam, discard: Option<f64>| {
        let thresholds = Thresholds { hold: score(hold), spam: score(spam), discard: discard.map(score) };
        Policy { thresholds, ..Policy::standard() }
    };
    for (name, key, policy) in [
        ("default", KEY, Policy::standard()),
        ("approving", APPROVING, with(1.0, 1.0, None)),
        ("holding", HOLDING, with(0.0, 1.0, None)),
        ("discarding", DISCARDING, with(0.0, 0.0, Some(0.0))),
    ] {
        store.add_site(name, "https://news.example/", policy, key_hash(key), clock.now()).await.unwrap();
    }
}
