//! A steady load for a given time: memory, file descriptors, queue depth and latency, second by second, as a table and a picture.
//!
//!     cargo bench --bench soak -- --minutes 60 --picture soak.svg
//!     cargo bench --bench soak -- --minutes 10 --rate 1000 --store postgres://hamlet@localhost/bench   # an empty database
//!
//! Comments come at a fixed rate on a few connections, to the door that answers and to the one that queues in turn; each is
//! told to an endpoint that this process listens at. What grows here grows without end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, reads the clock, and stops when it cannot go on"
)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "percentiles of a list")]

mod picture;
mod rig;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use picture::{Panel, Series};
use rig::{Answer, Hamlet, at, comments, post};

const USAGE: &str =
    "usage: cargo bench --bench soak -- --minutes N [--rate N] [--connections N] [--store URL] [--picture FILE.svg]";

struct Options {
    minutes: f64,
    rate: f64,
    connections: usize,
    store: String,
    picture: Option<String>,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut options = Options { minutes: 1.0, rate: 500.0, connections: 16, store: "sqlite".to_owned(), picture: None };
    while let Some(name) = arguments.next() {
        let value = arguments.next().expect(USAGE);
        match name.as_str() {
            "--minutes" => options.minutes = value.parse().expect(USAGE),
            "--rate" => options.rate = value.parse().expect(USAGE),
            "--connections" => options.connections = value.parse().expect(USAGE),
            "--store" => options.store = value,
            "--picture" => options.picture = Some(value),
            _ => panic!("{USAGE}"),
        }
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(&options));
}

/// One second.
struct Sample {
    memory_mib: f64,
    descriptors: f64,
    depth: f64,
    p50_ms: f64,
    p99_ms: f64,
    requests: usize,
}

/// An endpoint that says 204 to everything; where it is, and how much it was told.
async fn endpoint() -> (String, Arc<AtomicU64>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let told = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&told);
    let app = axum::Router::new().fallback(move || {
        counter.fetch_add(1, Relaxed);
        std::future::ready(axum::http::StatusCode::NO_CONTENT)
    });
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, told)
}

async fn run(options: &Options) {
    let settings = [("HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true")];
    let (hamlet, keys) = Hamlet::start(&options.store, &settings, &["soak"]).await;
    let (url, told) = endpoint().await;
    hamlet.beside(&["endpoint", "add", "--site", "soak", &url]);

    let (stop, latencies) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let comments = Arc::new(comments());
    let every = Duration::from_secs_f64(options.connections as f64 / options.rate);
    let mut clients = Vec::new();
    for number in 0..options.connections {
        let (stop, latencies, comments, key, address) =
            (Arc::clone(&stop), Arc::clone(&latencies), Arc::clone(&comments), keys[0].clone(), hamlet.address);
        clients.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut answer, mut sent) = (Answer::default(), 0_u64);
            let mut next = Instant::now() + every.mul_f64(number as f64 / 16.0 % 1.0);
            while !stop.load(Relaxed) {
                tokio::time::sleep_until(next.into()).await;
                next += every;
                // Authors and texts come anew each time, so that all that is remembered of them grows as it would.
                let mut comment = comments[sent as usize % comments.len()].clone();
                let text = comment["content"].as_str().unwrap().to_owned();
                comment["content"] = format!("{text} ({number}-{sent})").into();
                comment["author"]["email"] = format!("reader{}@mail.example", sent % 5_000).into();
                let path = if sent.is_multiple_of(2) { "/v1/comments" } else { "/v1/comments/check" };
                let request = post(path, &key, &comment);
                let started = Instant::now();
                stream.write_all(&request).await.unwrap();
                answer.read(&mut stream).await.unwrap();
                assert!(answer.status == 200 || answer.status == 202, "answered {}", answer.status);
                latencies.lock().unwrap().push(started.elapsed().as_secs_f64() * 1e3);
                sent += 1;
            }
            sent
        }));
    }

    let (started, mut samples) = (Instant::now(), Vec::new());
    let until = started + Duration::from_secs_f64(options.minutes * 60.0);
    let mut next = started;
    while Instant::now() < until {
        next += Duration::from_secs(1);
        tokio::time::sleep_until(next.into()).await;
        let mut took = std::mem::take(&mut *latencies.lock().unwrap());
        took.sort_by(f64::total_cmp);
        samples.push(Sample {
            memory_mib: hamlet.resident_mib(),
            descriptors: hamlet.descriptors() as f64,
            depth: hamlet.depth().await.unwrap_or(0) as f64,
            p50_ms: at(&took, 0.5),
            p99_ms: at(&took, 0.99),
            requests: took.len(),
        });
    }
    stop.store(true, Relaxed);
    let mut sent = 0;
    for client in clients {
        sent += client.await.unwrap();
    }
    hamlet.catch_up().await;
    let checked = hamlet.checked(&keys[0]).await;
    assert_eq!(checked, sent, "what was answered is judged");

    print(&samples);
    println!("\n{sent} comments answered and judged, {} told.", told.load(Relaxed));
    if let Some(file) = &options.picture {
        std::fs::write(file, draw(&samples, options)).unwrap();
        println!("The picture is in {file}.");
    }
}

/// A line for each tenth of the time: medians, and the highest of p99.
fn print(samples: &[Sample]) {
    println!(
        "{:>9}{:>12}{:>12}{:>12}{:>8}{:>10}{:>10}",
        "seconds", "requests/s", "memory MiB", "descriptors", "queue", "p50 ms", "p99 ms"
    );
    for (number, part) in samples.chunks(samples.len().div_ceil(10).max(1)).enumerate() {
        let median = |value: fn(&Sample) -> f64| {
            let mut values: Vec<f64> = part.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            at(&values, 0.5)
        };
        println!(
            "{:>9}{:>12.0}{:>12.1}{:>12.0}{:>8.0}{:>10.2}{:>10.2}",
            number * samples.len().div_ceil(10) + part.len(),
            median(|sample| sample.requests as f64),
            median(|sample| sample.memory_mib),
            median(|sample| sample.descriptors),
            median(|sample| sample.depth),
            median(|sample| sample.p50_ms),
            part.iter().map(|sample| sample.p99_ms).fold(0.0, f64::max),
        );
    }
}

fn draw(samples: &[Sample], options: &Options) -> String {
    let series = |name, value: fn(&Sample) -> f64| Series { name, values: samples.iter().map(value).collect() };
    let panels = [
        Panel { title: "resident memory, MiB", series: vec![series("memory", |sample| sample.memory_mib)] },
        Panel { title: "open file descriptors", series: vec![series("descriptors", |sample| sample.descriptors)] },
        Panel { title: "comments that wait for a verdict", series: vec![series("queue", |sample| sample.depth)] },
        Panel {
            title: "latency, ms",
            series: vec![series("p50", |sample| sample.p50_ms), series("p99", |sample| sample.p99_ms)],
        },
    ];
    let engine = if options.store.starts_with("postgres") { "PostgreSQL" } else { "SQLite" };
    let title = format!(
        "Hamlet on {engine}: {} comments/s for {} min, {} connections",
        options.rate, options.minutes, options.connections
    );
    picture::svg(&title, &panels)
}
