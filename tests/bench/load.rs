//! Throughput and latency of the doors, as ratios to a floor measured in the same run.
//!
//!     cargo bench --bench load                         # built-in comments
//!     cargo bench --bench load -- --data FILE.jsonl --rounds 5 --connections 1,16,64,256
//!     cargo bench --bench load -- --store postgres     # on a PostgreSQL server of its own, from the installed binaries
//!     cargo bench --bench load -- --store postgres://hamlet@localhost/bench   # an empty database
//!     cargo bench --bench load -- --stored 1000000     # beside so many stored comments, each of a text and author of its own
//!     cargo bench --bench load -- --rspamd             # beside an rspamd too: apt-get install rspamd redis-server
//!
//! The floor is a bare axum handler that reads the body and answers a fixed word: no daemon on the same stack can
//! answer faster. Floor and daemon are processes of their own; the generator is this process, on one thread, over
//! keep-alive connections, with every request serialised before the clock starts. Rounds alternate, medians are told,
//! because machines are noisy. After each queued round the clock runs on until every comment has its verdict, so
//! that "decisions keep up" is measured, not hoped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, reads the clock, and stops when it cannot go on"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "percentiles of a list, rates"
)]

mod grown;
#[path = "made.rs"]
mod made;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../it/postgres.rs"]
mod postgres;
mod rspamd;

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const USAGE: &str = "usage: cargo bench --bench load -- [--data FILE.jsonl] [--rounds N] [--connections N[,N…]] [--seconds S] [--store URL] [--stored N] [--rspamd]";

/// After so long the allocator has given back what starting took: it does so when the daemon's chores of each minute call it.
const SETTLED: Duration = Duration::from_secs(70);

struct Options {
    data: Option<String>,
    rounds: usize,
    connections: Vec<usize>,
    seconds: f64,
    /// What the daemon keeps its data in.
    store: String,
    /// How many comments it holds before the load.
    stored: u64,
    /// Whether the peer runs too.
    rspamd: bool,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut options = Options {
        data: None,
        rounds: 3,
        connections: vec![64],
        seconds: 3.0,
        store: "sqlite".to_owned(),
        stored: 0,
        rspamd: false,
    };
    while let Some(name) = arguments.next() {
        if name == "floor" {
            return floor();
        }
        if name == "--rspamd" {
            options.rspamd = true;
            continue;
        }
        let value = arguments.next().expect(USAGE);
        match name.as_str() {
            "--data" => options.data = Some(value),
            "--rounds" => options.rounds = value.parse().expect(USAGE),
            "--connections" => options.connections = value.split(',').map(|n| n.parse().expect(USAGE)).collect(),
            "--store" if value == "postgres" => options.store = postgres::fresh_database(),
            "--store" => options.store = value,
            "--stored" => options.stored = value.parse().expect(USAGE),
            "--seconds" => options.seconds = value.parse().expect(USAGE),
            _ => panic!("{USAGE}"),
        }
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(&options));
}

/// The child process that the ratios are given to.
fn floor() {
    use axum::{Router, body::Bytes, http::header, routing::post, serve::ListenerExt as _};
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let answer = |body: Bytes| async move {
            std::hint::black_box(body.len());
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "false")
        };
        let doors = ["/v1/comments", "/v1/comments/check", "/1.1/comment-check"];
        let app = doors.iter().fold(Router::new(), |app, door| app.route(door, post(answer)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, app).await.unwrap();
    });
}

/// A process under test; it ends with the bench.
struct Server {
    process: Child,
    address: SocketAddr,
    key: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn start_floor() -> Server {
    let mut process =
        Command::new(std::env::current_exe().unwrap()).arg("floor").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Server { process, address: line.trim().parse().unwrap(), key: "0".repeat(12) }
}

/// Where a daemon has its data.
struct Home {
    folder: tempfile::TempDir,
    store: String,
}

fn hamlet(home: &Home) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hamlet"));
    command.env("HAMLET_DATA_DIR", home.folder.path()).env("HAMLET_LOG__LEVEL", "warn").args(["--store", &home.store]);
    command
}

/// Starts the daemon and waits until it is ready; its site's key comes from `hamlet site …`.
async fn start_hamlet(home: &Home, site_command: &[&str]) -> Server {
    let done = hamlet(home).arg("site").args(site_command).arg("--json").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let site: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let started = Instant::now();
    let process = hamlet(home).args(["serve", "--listen", &address.to_string()]).stdout(Stdio::null()).spawn().unwrap();
    let server = Server { process, address, key: site["api_key"].as_str().unwrap().to_owned() };
    while !get(address, "/readyz").await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
        assert!(started.elapsed() < Duration::from_secs(10), "hamlet was not ready within 10 s");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("start to ready: {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
    server
}

async fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

#[derive(Clone, Copy, PartialEq)]
enum Door {
    Check,
    Queue,
    Akismet,
    DryRun,
}

impl Door {
    const ALL: [(Door, &'static str); 4] = [
        (Door::Check, "POST /v1/comments/check"),
        (Door::Queue, "POST /v1/comments"),
        (Door::Akismet, "POST /1.1/comment-check"),
        (Door::DryRun, "POST /v1/comments/check?dry_run=true"),
    ];

    fn request(self, (author, content, _): &(String, String, bool), key: &str) -> Vec<u8> {
        let path = match self {
            Door::Check => "/v1/comments/check",
            Door::Queue => "/v1/comments",
            Door::Akismet => "/1.1/comment-check",
            Door::DryRun => "/v1/comments/check?dry_run=true",
        };
        const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        let (kind, body) = if self == Door::Akismet {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([("api_key", key), ("blog", "http://localhost/"), ("user_ip", "127.0.0.1")])
                .extend_pairs([("user_agent", BROWSER), ("permalink", "http://localhost/post/1")])
                .extend_pairs([("comment_type", "comment"), ("comment_author", author), ("comment_content", content)])
                .finish();
            ("application/x-www-form-urlencoded", form)
        } else {
            let json = serde_json::json!({
                "content": content, "permalink": "http://localhost/post/1",
                "author": {"name": author, "ip": "127.0.0.1", "user_agent": BROWSER},
            });
            ("application/json", json.to_string())
        };
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.into_bytes(), body.into_bytes()].concat()
    }
}

/// Author and text of each comment, and whether it is spam.
fn comments(path: Option<&str>) -> Vec<(String, String, bool)> {
    let built_in = include_str!("comments.jsonl").to_owned();
    let text = path.map_or(built_in, |path| std::fs::read_to_string(path).expect(path));
    let field = |row: &serde_json::Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    text.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a JSON object a line"))
        .map(|row| (field(&row, "author"), field(&row, "content"), row["label"] == "spam"))
        .collect()
}

struct Round {
    answers: usize,
    seconds: f64,
    p50_us: f64,
    p99_us: f64,
}

impl Round {
    fn per_second(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

/// A closed loop: each connection sends its next request when it has the answer to the last.
///
/// * `keeps`: whether a connection serves the next request too.
async fn drive(address: SocketAddr, requests: Vec<Vec<u8>>, keeps: bool, connections: usize, seconds: f64) -> Round {
    let requests = Arc::new(requests);
    let (next, stop, measuring) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let (requests, next, stop, measuring) =
            (Arc::clone(&requests), Arc::clone(&next), Arc::clone(&stop), Arc::clone(&measuring));
        tasks.push(tokio::spawn(async move {
            let mut stream = connected(address).await;
            let (mut answer, mut latencies) = (Vec::with_capacity(8192), Vec::new());
            while !stop.load(Relaxed) {
                let request = &requests[next.fetch_add(1, Relaxed) % requests.len()];
                let started = Instant::now();
                stream.write_all(request).await.unwrap();
                read_answer(&mut stream, &mut answer).await;
                if !keeps {
                    stream = connected(address).await;
                }
                if measuring.load(Relaxed) {
                    latencies.push(started.elapsed());
                }
            }
            latencies
        }));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    measuring.store(true, Relaxed);
    let started = Instant::now();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    stop.store(true, Relaxed);
    let elapsed = started.elapsed();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.unwrap());
    }
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    Round { answers: latencies.len(), seconds: elapsed.as_secs_f64(), p50_us: at(0.5), p99_us: at(0.99) }
}

async fn connected(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Seconds until no comment waits for a verdict any more.
async fn catch_up(address: SocketAddr) -> f64 {
    let started = Instant::now();
    loop {
        let ready = get(address, "/readyz").await.unwrap_or_default();
        let details = ready.split("\r\n\r\n").nth(1).unwrap_or("{}");
        let details: serde_json::Value = serde_json::from_str(details).unwrap_or_default();
        if details["queue"]["decisions"].as_u64() == Some(0) {
            return started.elapsed().as_secs_f64();
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the queue does not empty: {ready}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    loop {
        assert!(stream.read_buf(answer).await.unwrap() > 0, "the server closed the connection");
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        assert!(head.starts_with("HTTP/1.1 20"), "{head}");
        let length = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().unwrap());
        while answer.len() < end + 4 + length {
            assert!(stream.read_buf(answer).await.unwrap() > 0, "the server closed the connection");
        }
        return;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn resident_mib(process: &Child) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

/// Fills the store and tells how long it took and how large it is.
async fn store_before(home: &Home, count: u64, comments: &[(String, String, bool)]) {
    let store = hamlet::store::open(&home.store, home.folder.path(), hamlet::store::Settings::default()).await.unwrap();
    let site = store.directory().await.unwrap().sites.first().unwrap().id;
    let comment = |number: u64| {
        let (author, content, _) = &comments[number as usize % comments.len()];
        let mut comment = hamlet::comment::Comment::of_text(content.clone());
        comment.author.name = Some(author.clone());
        comment.author.ip = Some(std::net::IpAddr::from([127, 0, 0, 1]));
        comment.permalink = Some("http://localhost/post/1".to_owned());
        comment
    };
    let own: usize = (0..4_096).map(|number| serde_json::to_string(&comment(number)).unwrap().len()).sum();
    let file = home.folder.path().join("hamlet.db");
    let (stored, copies) = if file.exists() { grown::parts(count) } else { (count, 0) };
    let started = Instant::now();
    made::fill(&store, site, stored, comment).await;
    let rate = stored as f64 / started.elapsed().as_secs_f64();
    // As after a while of serving: nothing is left to be done behind.
    while store.make_findable(1_000).await.unwrap() > 0 {}
    store.close().await;
    let count = stored * (copies + 1);
    grown::grow(&file, stored, copies).await;
    let size = std::fs::metadata(&file).map_or(0, |file| file.len());
    let (each, own) = (size as f64 / count as f64, own as f64 / 4_096.0);
    println!(
        "{count} comments stored, {rate:.0} a second; {each:.0} bytes each, where their text and metadata are {own:.0}"
    );
    if size > 0 {
        let file = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
        let mut file = file.connect().await.unwrap();
        let tables: Vec<(String, i64)> =
            sqlx::query_as("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 16")
                .fetch_all(&mut file)
                .await
                .unwrap();
        let shown = |(name, bytes): &(String, i64)| format!("{name} {:.0}", *bytes as f64 / count as f64);
        println!("bytes a comment by table: {}", tables.iter().map(shown).collect::<Vec<_>>().join(", "));
    }
}

async fn run(options: &Options) {
    let comments = comments(options.data.as_deref());
    let home = Home { folder: tempfile::tempdir().unwrap(), store: options.store.clone() };
    let floor = start_floor();
    drop(start_hamlet(&home, &["add", "bench", "--url", "http://localhost/"]).await);
    if options.stored > 0 {
        store_before(&home, options.stored, &comments).await;
    }
    let hamlet = start_hamlet(&home, &["rotate-key", "bench"]).await;
    let at_start = resident_mib(&hamlet.process);
    tokio::time::sleep(SETTLED).await;
    println!("resident memory: {at_start:.1} MiB when ready, {:.1} MiB idle", resident_mib(&hamlet.process));
    println!("{} comments, {} rounds of {} s, medians\n", comments.len(), options.rounds, options.seconds);
    println!(
        "{:<40}{:>5}{:>12}{:>10}{:>10}{:>12}{:>8}",
        "door", "conn", "requests/s", "p50 µs", "p99 µs", "floor/s", "ratio"
    );
    let requests = |door: Door, key: &str| comments.iter().map(|one| door.request(one, key)).collect::<Vec<_>>();
    for &connections in &options.connections {
        for (door, name) in Door::ALL {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..options.rounds {
                let floor_door = if door == Door::DryRun { Door::Check } else { door };
                let to_floor = requests(floor_door, &floor.key);
                theirs.push(drive(floor.address, to_floor, true, connections, options.seconds).await);
                let to_us = requests(door, &hamlet.key);
                let mut round = drive(hamlet.address, to_us, true, connections, options.seconds).await;
                if door == Door::Queue {
                    round.seconds += catch_up(hamlet.address).await;
                }
                ours.push(round);
            }
            print_row(name, connections, &ours, &theirs);
        }
    }
    println!("\nresident memory after the load: {:.1} MiB", resident_mib(&hamlet.process));
    if !options.rspamd {
        return;
    }
    // Last, because it has work of its own.
    let peer = rspamd::Rspamd::start(&comments).await;
    for &connections in &options.connections {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..options.rounds {
            let mails = comments.iter().map(|(author, content, _)| rspamd::mail(author, content));
            let mails = mails.map(|mail| rspamd::request("/checkv2", &mail)).collect();
            theirs.push(drive(peer.address, mails, false, connections, options.seconds).await);
            let checks = requests(Door::Check, &hamlet.key);
            ours.push(drive(hamlet.address, checks, true, connections, options.seconds).await);
        }
        print_row("check beside rspamd's /checkv2", connections, &ours, &theirs);
    }
}

fn print_row(name: &str, connections: usize, ours: &[Round], theirs: &[Round]) {
    let of = |rounds: &[Round], what: fn(&Round) -> f64| median(rounds.iter().map(what).collect());
    let (rate, floor_rate) = (of(ours, Round::per_second), of(theirs, Round::per_second));
    let (p50, p99) = (of(ours, |round| round.p50_us), of(ours, |round| round.p99_us));
    println!(
        "{name:<40}{connections:>5}{rate:>12.0}{p50:>10.0}{p99:>10.0}{floor_rate:>12.0}{:>8.3}",
        rate / floor_rate
    );
}
