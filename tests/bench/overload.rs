//! What becomes of several times more comments than can be decided: some are accepted and decided, the others are sent away
//! quickly, another site is served meanwhile, memory stays, and all is well soon after.
//!
//!     cargo bench --bench overload                     # 5 times capacity for 10 seconds
//!     cargo bench --bench overload -- --times 10 --seconds 30 --connections 512
//!     cargo bench --bench overload -- --store postgres://hamlet@localhost/bench   # an empty database
//!
//! The queue is bounded to few comments and the requests inside to 128 (`limits.queue_depth`, `http.in_flight`), so that
//! both are full within a moment. Capacity is measured first, in the same run: what is accepted and decided of as much as some connections send one after the other. Then
//! requests come at their times, whether or not those before were answered, as far as there are connections to send them on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, reads the clock, and stops when it cannot go on"
)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "percentiles of a list")]

mod rig;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use rig::{Answer, Hamlet, at, comments, get, post};

const USAGE: &str =
    "usage: cargo bench --bench overload -- [--store URL] [--times N] [--seconds S] [--connections N] [--depth N]";

/// Requests that the daemon works on at once: fewer than there are connections, so that it refuses some at the gate.
const IN_FLIGHT: &str = "128";

struct Options {
    store: String,
    times: f64,
    seconds: f64,
    connections: usize,
    depth: String,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut options =
        Options { store: "sqlite".to_owned(), times: 5.0, seconds: 10.0, connections: 512, depth: "2000".to_owned() };
    while let Some(name) = arguments.next() {
        let value = arguments.next().expect(USAGE);
        match name.as_str() {
            "--store" => options.store = value,
            "--times" => options.times = value.parse().expect(USAGE),
            "--seconds" => options.seconds = value.parse().expect(USAGE),
            "--connections" => options.connections = value.parse().expect(USAGE),
            "--depth" => options.depth = value,
            _ => panic!("{USAGE}"),
        }
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(&options));
}

/// What was answered, and after how many seconds.
#[derive(Default)]
struct Answered {
    accepted: Vec<f64>,
    refused: Vec<f64>,
}

impl Answered {
    fn sorted(mut self) -> Answered {
        self.accepted.sort_by(f64::total_cmp);
        self.refused.sort_by(f64::total_cmp);
        self
    }
}

/// One connection's requests: `every` so often, or one after the other.
async fn send(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    first: usize,
    every: Option<Duration>,
    until: Instant,
) -> Answered {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut answer, mut answered) = (Answer::default(), Answered::default());
    // Not all of them at the same moment.
    let mut next = Instant::now() + every.unwrap_or_default().mul_f64((first % 97) as f64 / 97.0);
    for number in first.. {
        if let Some(every) = every {
            tokio::time::sleep_until(next.into()).await;
            next += every;
        }
        if Instant::now() >= until {
            break;
        }
        let started = Instant::now();
        stream.write_all(&requests[number % requests.len()]).await.unwrap();
        answer.read(&mut stream).await.unwrap();
        let took = started.elapsed().as_secs_f64();
        match answer.status {
            202 => answered.accepted.push(took),
            429 | 503 => {
                assert!(answer.retry_after.is_some_and(|wait| (1..=60).contains(&wait)), "no Retry-After");
                answered.refused.push(took);
            }
            status => panic!("answered {status}: {}", String::from_utf8_lossy(answer.body())),
        }
    }
    answered
}

/// Sends for so many seconds; what was answered, and how long it really took.
async fn drive(
    hamlet: &Hamlet,
    requests: &Arc<Vec<Vec<u8>>>,
    connections: usize,
    rate: Option<f64>,
    seconds: f64,
) -> (Answered, f64) {
    let started = Instant::now();
    let until = started + Duration::from_secs_f64(seconds);
    let every = rate.map(|rate| Duration::from_secs_f64(connections as f64 / rate));
    let tasks: Vec<_> = (0..connections)
        .map(|number| tokio::spawn(send(hamlet.address, Arc::clone(requests), number * 31, every, until)))
        .collect();
    let mut all = Answered::default();
    for task in tasks {
        let answered = task.await.unwrap();
        all.accepted.extend(answered.accepted);
        all.refused.extend(answered.refused);
    }
    (all.sorted(), started.elapsed().as_secs_f64())
}

/// What another site sees: it sends a comment now and then, and waits for its verdict each time.
#[derive(Default)]
struct Quiet {
    sent: usize,
    refused: usize,
    verdicts: Vec<f64>,
}

async fn quiet(address: SocketAddr, key: String, stop: Arc<AtomicBool>) -> Quiet {
    let mut seen = Quiet::default();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Answer::default();
    while !stop.load(Relaxed) {
        seen.sent += 1;
        let body = serde_json::json!({"content": format!("a word from a quiet place, number {}", seen.sent)});
        let started = Instant::now();
        stream.write_all(&post("/v1/comments", &key, &body)).await.unwrap();
        answer.read(&mut stream).await.unwrap();
        if answer.status == 202 {
            let id: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
            let path = format!("/v1/comments/{}", id["id"].as_str().unwrap());
            while get(address, &path, &key).await.is_none_or(|(_, comment)| comment["status"] != "decided") {
                assert!(started.elapsed() < Duration::from_secs(60), "the quiet site's comment is not decided");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            seen.verdicts.push(started.elapsed().as_secs_f64());
        } else {
            seen.refused += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    seen.verdicts.sort_by(f64::total_cmp);
    seen
}

async fn run(options: &Options) {
    let limits = [("HAMLET_LIMITS__QUEUE_DEPTH", options.depth.as_str()), ("HAMLET_HTTP__IN_FLIGHT", IN_FLIGHT)];
    let (hamlet, keys) = Hamlet::start(&options.store, &limits, &["flood", "quiet"]).await;
    let requests = Arc::new(comments().iter().map(|one| post("/v1/comments", &keys[0], one)).collect::<Vec<_>>());

    // Twice: the first time caches are filled and memory grows to its size.
    let mut accepted = 0;
    let mut capacity = 0.0;
    for _ in 0..2 {
        let (answered, took) = drive(&hamlet, &requests, 64, None, options.seconds / 2.0).await;
        accepted += answered.accepted.len();
        capacity = answered.accepted.len() as f64 / (took + hamlet.catch_up().await);
    }
    let before = hamlet.resident_mib();

    let stop = Arc::new(AtomicBool::new(false));
    let other = tokio::spawn(quiet(hamlet.address, keys[1].clone(), Arc::clone(&stop)));
    let watching = Arc::clone(&stop);
    let (answered, took, most) = {
        let watch = async {
            let mut most: f64 = 0.0;
            while !watching.load(Relaxed) {
                most = most.max(hamlet.resident_mib());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            most
        };
        let flood = async {
            let rate = Some(capacity * options.times);
            let driven = drive(&hamlet, &requests, options.connections, rate, options.seconds).await;
            stop.store(true, Relaxed);
            driven
        };
        let ((answered, took), most) = tokio::join!(flood, watch);
        (answered, took, most)
    };
    let ended = Instant::now();
    accepted += answered.accepted.len();
    // There is room again, and nothing waits.
    let mut stream = TcpStream::connect(hamlet.address).await.unwrap();
    let mut answer = Answer::default();
    loop {
        stream.write_all(&requests[0]).await.unwrap();
        answer.read(&mut stream).await.unwrap();
        if answer.status == 202 {
            accepted += 1;
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let open_again = ended.elapsed().as_secs_f64();
    hamlet.catch_up().await;
    let recovered = ended.elapsed().as_secs_f64();
    let quiet = other.await.unwrap();

    let queue = hamlet.beside(&["queue", "status"]);
    assert_eq!((queue["decisions"].as_u64(), queue["dead_decisions"].as_u64()), (Some(0), Some(0)), "{queue}");
    let checked = hamlet.checked(&keys[0]).await;
    assert_eq!(checked, accepted as u64, "accepted and decided");

    let rate = |count: usize| count as f64 / took;
    let line = |name: &str, value: String| println!("{name:<44}{value:>14}");
    line("capacity, accepted and decided", format!("{capacity:.0}/s"));
    line("offered", format!("{:.0}/s", rate(answered.accepted.len() + answered.refused.len())));
    line(
        "  of that, times capacity",
        format!("{:.1}", rate(answered.accepted.len() + answered.refused.len()) / capacity),
    );
    line("accepted", format!("{:.0}/s", rate(answered.accepted.len())));
    line("refused", format!("{:.0}/s", rate(answered.refused.len())));
    line("p99 until accepted", format!("{:.1} ms", at(&answered.accepted, 0.99) * 1e3));
    line("p99 until refused", format!("{:.1} ms", at(&answered.refused, 0.99) * 1e3));
    line("another site: sent, refused", format!("{}, {}", quiet.sent, quiet.refused));
    let verdicts = format!("{:.0} / {:.0} ms", at(&quiet.verdicts, 0.5) * 1e3, at(&quiet.verdicts, 0.99) * 1e3);
    line("another site: verdict after, p50 / p99", verdicts);
    line("resident memory before", format!("{before:.1} MiB"));
    line("resident memory, most", format!("{most:.1} MiB"));
    line("resident memory after", format!("{:.1} MiB", hamlet.resident_mib()));
    line("the door is open again after", format!("{open_again:.2} s"));
    line("nothing waits after", format!("{recovered:.2} s"));
    println!("\n{accepted} comments were accepted, and every one is decided.");
}
