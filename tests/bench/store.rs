//! How many verbs a second the store commits, with many callers at once.
//!
//! `cargo bench --bench store [-- [CALLERS [SECONDS]] [NAME]]` (64 and 3, all). The store lies in the target's temporary folder, on a
//! real disk: what is measured is mostly how many comments share a flush.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark speaks to a terminal, reads the clock, and stops when something is wrong"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hamlet::comment::{Author, Comment};
use hamlet::event::EventKind;
use hamlet::random;
use hamlet::site::{Policy, SiteId};
use hamlet::store::{Admission, DecisionJob, Endpoint, EndpointKind, NewComment, Outgoing, Settings, Store, Traces};
use hamlet::verdict::{Decision, Evidence, Nats, Score, Token, Verdict};
use jiff::Timestamp;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// What each caller does, again and again.
#[derive(Clone, Copy)]
enum Work {
    /// `admit_decided`.
    Checked,
    /// `admit_queued` with a lease, then `record_verdict`.
    QueuedAndRecorded,
    /// `admit_queued` only; sixteen more callers claim in dozens and record.
    QueuedForWorkers,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let numbers: Vec<u64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let wanted = arguments.iter().find(|argument| argument.parse::<u64>().is_err());
    let callers = numbers.first().copied().unwrap_or(64);
    let seconds = numbers.get(1).copied().unwrap_or(3);
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("{callers} callers, {seconds} s each");
    println!(
        "{:<32} {:>11} {:>9} {:>10} {:>13} {:>15}",
        "", "comments/s", "verbs/s", "commits/s", "verbs/commit", "CPU us/comment"
    );
    for (name, work, endpoints) in [
        ("checked", Work::Checked, 0),
        ("checked, one endpoint", Work::Checked, 1),
        ("queued, then recorded", Work::QueuedAndRecorded, 0),
        ("queued, claimed by workers", Work::QueuedForWorkers, 0),
        ("queued, workers, one endpoint", Work::QueuedForWorkers, 1),
    ] {
        if wanted.is_some_and(|wanted| !name.contains(wanted.as_str())) {
            continue;
        }
        let (before, processor_before) = (counted(&metrics), processor_time());
        let (comments, elapsed) = runtime.block_on(run(work, endpoints, callers, seconds));
        let after = counted(&metrics);
        let (verbs, commits) = (after.0 - before.0, after.1 - before.1);
        let per_second = |count: u64| count as f64 / elapsed.as_secs_f64();
        println!(
            "{name:<32} {:>11.0} {:>9.0} {:>10.0} {:>13.1} {:>15.1}",
            per_second(comments),
            per_second(verbs),
            per_second(commits),
            verbs as f64 / commits as f64,
            (processor_time() - processor_before).as_micros() as f64 / comments as f64
        );
    }
}

/// How many comments got their verdict, and in what time.
async fn run(work: Work, endpoints: usize, callers: u64, seconds: u64) -> (u64, Duration) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = hamlet::store::open("sqlite", folder.path(), Settings::default()).await.unwrap();
    let site = store.add_site("bench", "", Policy::standard(), [0; 32], now()).await.unwrap().id;
    for number in 0..endpoints {
        let endpoint = Endpoint {
            id: format!("ep_{number}"),
            site,
            url: "https://cms.example/".into(),
            created_at: now(),
            kind: EndpointKind::Webhook,
            events: None,
            disabled: None,
            failing_since: None,
            secrets: Vec::new(),
        };
        store.add_endpoint(endpoint).await.unwrap();
    }
    let (is_over, comments) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    let workers = if matches!(work, Work::QueuedForWorkers) { 16 } else { 0 };
    for caller in 0..callers + workers {
        let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
        let comments = Arc::clone(&comments);
        tasks.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let decided =
                    if caller < callers { knock(work, store.as_ref(), site).await } else { decide(&store).await };
                comments.fetch_add(decided, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    is_over.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    let elapsed = started.elapsed();
    store.close().await;
    (comments.load(Ordering::Relaxed), elapsed)
}

/// Brings one comment in; how many have got their verdict by that.
async fn knock(work: Work, store: &dyn Store, site: SiteId) -> u64 {
    let new = new(site);
    match work {
        Work::Checked => {
            store.admit_decided(new, &verdict(), event()).await.unwrap();
            1
        }
        Work::QueuedAndRecorded => {
            let until = now() + Duration::from_secs(30);
            let (comment, received_at) = (new.comment.clone(), new.received_at);
            let Admission::New { id, lease: Some(lease) } = store.admit_queued(new, Some(until)).await.unwrap() else {
                return 0;
            };
            let job = DecisionJob { lease, id, site, comment, received_at };
            store.record_verdict(&job, verdict(), event(), Traces::default()).await.unwrap();
            1
        }
        Work::QueuedForWorkers => {
            store.admit_queued(new, None).await.unwrap();
            0
        }
    }
}

/// Claims some and records their verdicts; how many.
async fn decide(store: &Arc<dyn Store>) -> u64 {
    let claimed = store.claim_decisions(now(), Duration::from_secs(30), 32).await.unwrap();
    let count = claimed.len() as u64;
    if claimed.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // A worker judges one after the other, but need not wait for each verdict to be kept.
    let mut recording = tokio::task::JoinSet::new();
    for job in claimed {
        let store = Arc::clone(store);
        recording
            .spawn(async move { store.record_verdict(&job, verdict(), event(), Traces::default()).await.unwrap() });
    }
    recording.join_all().await;
    count
}

/// How many verbs were committed, and in how many commits, by every store of this process so far.
fn counted(metrics: &PrometheusHandle) -> (u64, u64) {
    let text = metrics.render();
    let read = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    (read("hamlet_store_verbs_total"), read("hamlet_store_commits_total"))
}

/// What this process has used of the processors, caller's work included: it tells more than the rates when other
/// programs run beside. Zero where there is no `/proc`.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // proc_pid_stat(5): fields 14 and 15, in ticks of a hundredth of a second; the name in field 2 may hold blanks.
    let after_name = stat.rsplit(')').next().unwrap_or("");
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn new(site: SiteId) -> NewComment {
    let text = "I have read this article twice and still do not see how the council means to pay for it. The figures \
                on page three do not add up: if the bridge costs eleven million and the road another four, then where \
                does the ferry come in? Somebody should ask them at the next meeting. See also the earlier discussion \
                at https://news.example/2026/bridge and what the mayor said in spring.";
    let author = Author {
        name: Some("Ada Reader".into()),
        email: Some("ada.reader@mail.example".into()),
        ip: "192.0.2.7".parse().ok(),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into()),
        ..Author::default()
    };
    let permalink = Some("https://news.example/2026/11/the-bridge-and-the-ferry/".into());
    NewComment {
        id: random::comment_id(now()),
        site,
        comment: Comment { author, permalink, ..Comment::of_text(text) },
        received_at: now(),
        idempotency_key: None,
        fingerprint: None,
        callback: None,
        traces: Traces::default(),
    }
}

fn verdict() -> Verdict {
    let evidence: Vec<Evidence> = ["BAYES", "PRIOR", "URL_SHORTENER", "SHORT_VISIT"]
        .into_iter()
        .map(|symbol| Evidence::new(symbol, Nats::clamped(0.7), "bit.ly"))
        .collect();
    let tokens = ["cheap", "council", "ferry", "watches", "mayor", "bridge"]
        .map(|text| Token { text: text.into(), weight: Nats::clamped(0.41) })
        .to_vec();
    Verdict {
        decision: Decision::Hold,
        score: Score::of(&evidence),
        evidence,
        tokens,
        thresholds: Policy::standard().thresholds,
        facts: hamlet::facts::Facts::NONE,
        max_blocked_ham: None,
        reason: "It links through a shortening service and reads like an advertisement.".into(),
        otherwise: None,
        not_sent: Vec::new(),
        model: "default-2026-11".into(),
        rules: "1".into(),
        decided_at: now(),
        micros: 41,
    }
}

fn event() -> Outgoing {
    let body = format!("{{\"type\":\"comment.decided\",\"data\":\"{}\"}}", "x".repeat(700));
    Outgoing { kind: EventKind::Decided, message_id: random::message_id(now()), body: body.into() }
}
