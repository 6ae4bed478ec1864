//! What it costs to remember comments and to ask what was seen before.
//!
//! `cargo bench --bench history -- [N]` (100,000) fills a store with N comments, a fifth of them near copies of one of a few
//! thousand texts, and prints the times of the look-up and of admissions, with a history and without. The store lies in the
//! target's temporary folder, on a real disk.
//!
//! `cargo bench --bench history -- copies [FILE.jsonl]` says of real comments how many disguised copies are known as such, and how many
//! pairs of strangers are taken for copies.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a benchmark speaks to a terminal, reads the clock, and stops when something is wrong"
)]

mod grown;
#[path = "made.rs"]
mod made;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hamlet::comment::Comment;
use hamlet::facts::Facts;
use hamlet::random;
use hamlet::site::{Policy, SiteId};
use hamlet::store::{NewComment, Settings, Store, Traces};
use hamlet::text::{Fingerprint, Text};
use hamlet::verdict::{Decision, Evidence, Nats, Score, Verdict};
use made::{AT_ONCE, at, count_all, event, fill, mixed, traces};

const CALLERS: u64 = 64;
/// Five hundred bytes are usual, which is a dozen of it.
const TEXT: &str = "Some five hundred bytes of text are usual. ";
const LOOK_UPS: u64 = 20_000;
/// Comments whose traces are made before the clock runs.
const READY: u64 = 20_000;

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    if std::env::args().any(|argument| argument == "copies") {
        return copies();
    }
    let comments = numbers.first().copied().unwrap_or(100_000);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        println!("{:<36} {:>10} {:>9} {:>9} {:>9}", "", "per second", "p50 us", "p99 us", "max us");
        // Without first, then with, then without: what the disk does meanwhile shows.
        for has_history in [false, true, false] {
            let (store, site, _folder) = fresh().await;
            let counting = tokio::spawn(count(Arc::clone(&store), 3));
            admit(&store, site, 20_000.min(comments), 0, has_history).await;
            counting.abort();
            if has_history {
                let (started, waited) = (Instant::now(), count_all(&store).await);
                let rate = waited as f64 / started.elapsed().as_secs_f64();
                println!("{waited} of them were still to be counted, {rate:.0} a second with nothing else to do");
            }
        }
        let (store, site, folder) = fresh().await;
        let (stored, copies) = grown::parts(comments);
        let started = Instant::now();
        fill(&store, site, stored, |_| Comment::of_text(TEXT)).await;
        let rate = stored as f64 / started.elapsed().as_secs_f64();
        store.close().await;
        let file = folder.path().join("hamlet.db");
        grown::grow(&file, stored, copies).await;
        let each = std::fs::metadata(file).unwrap().len() / (stored * (copies + 1));
        println!(
            "{} short comments kept, {rate:.0} a second; the file has {each} bytes for each",
            stored * (copies + 1)
        );
        let store = hamlet::store::open("sqlite", folder.path(), Settings::default()).await.unwrap();
        look_up(&store, site, stored, 1).await;
        look_up(&store, site, stored, 8).await;
        let counting = tokio::spawn(count(Arc::clone(&store), 3));
        admit(&store, site, 20_000.min(comments), stored, true).await;
        counting.abort();
        let (started, waited) = (Instant::now(), count_all(&store).await);
        let rate = waited as f64 / started.elapsed().as_secs_f64();
        println!("{waited} of them were still to be counted, {rate:.0} a second with nothing else to do");
        store.close().await;
    });
}

async fn fresh() -> (Arc<dyn Store>, SiteId, tempfile::TempDir) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = hamlet::store::open("sqlite", folder.path(), Settings::default()).await.unwrap();
    let site = store.add_site("bench", "", Policy::standard(), [0; 32], at(0)).await.unwrap().id;
    (store, site, folder)
}

/// Admits `count` comments, from the `from`th on, of many callers.
async fn admit(store: &Arc<dyn Store>, site: SiteId, count: u64, from: u64, has_history: bool) {
    // Reading the text is not what is measured here.
    let made = |number| if has_history { traces(number) } else { Traces::default() };
    let ready: Arc<Vec<Traces>> = Arc::new((from..from + count.min(READY)).map(made).collect());
    let next = Arc::new(AtomicU64::new(from));
    let started = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (store, next, ready) = (Arc::clone(store), Arc::clone(&next), Arc::clone(&ready));
        callers.spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= from + count {
                    return times;
                }
                let of_ready = ready.get((number - from) as usize).cloned();
                let traces = of_ready.unwrap_or_else(|| traces(number));
                let new = NewComment {
                    id: random::comment_id(at(number as i64)),
                    site,
                    comment: Comment::of_text(TEXT.repeat(12)),
                    received_at: at(number as i64),
                    idempotency_key: None,
                    fingerprint: None,
                    callback: None,
                    traces,
                };
                let started = Instant::now();
                store.admit_decided(new, &verdict(), event()).await.unwrap();
                times.push(started.elapsed());
            }
        });
    }
    let times: Vec<Duration> = callers.join_all().await.into_iter().flatten().collect();
    let rate = count as f64 / started.elapsed().as_secs_f64();
    let what = if has_history { "with a history" } else { "without" };
    tell(&format!("admit {what}, {from} before"), rate, times);
}

/// Counts what is judged meanwhile, as the daemon does; `rest` as in its worker.
async fn count(store: Arc<dyn Store>, rest: u32) {
    loop {
        let started = Instant::now();
        if store.remember(AT_ONCE).await.unwrap() < u64::from(AT_ONCE) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(started.elapsed() * rest).await;
    }
}

async fn look_up(store: &Arc<dyn Store>, site: SiteId, comments: u64, at_once: u64) {
    let mut callers = tokio::task::JoinSet::new();
    let started = Instant::now();
    for caller in 0..at_once {
        let store = Arc::clone(store);
        callers.spawn(async move {
            let mut times = Vec::new();
            for number in 0..LOOK_UPS / at_once {
                // Half of them known authors and texts, half new ones.
                let number = mixed(number * at_once + caller) % (2 * comments);
                let traces = traces(number);
                let started = Instant::now();
                store.history(site, &traces, None, at(comments as i64)).await.unwrap();
                times.push(started.elapsed());
            }
            times
        });
    }
    let times: Vec<Duration> = callers.join_all().await.into_iter().flatten().collect();
    let rate = times.len() as f64 / started.elapsed().as_secs_f64();
    tell(&format!("look up, {at_once} at once, {comments} before"), rate, times);
}

fn tell(what: &str, rate: f64, mut times: Vec<Duration>) {
    times.sort_unstable();
    let of = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros();
    println!("{what:<36} {rate:>10.0} {:>9} {:>9} {:>9}", of(0.5), of(0.99), of(1.0));
}

/// A way to disguise a copy.
type Trick = (&'static str, fn(&str) -> String);

const TRICKS: [Trick; 8] = [
    ("look-alike letters", |text| {
        let swap = |c| match c {
            'a' => 'а',
            'e' => 'е',
            'o' => 'о',
            'c' => 'с',
            'ي' => 'ی',
            'ك' => 'ک',
            c => c,
        };
        text.chars().map(swap).collect()
    }),
    ("capitals and gaps", |text| text.to_uppercase().replace(' ', "   ")),
    ("blanks inside words", |text| {
        let mut out = String::new();
        for (place, c) in text.chars().enumerate() {
            out.push(c);
            if place % 5 == 3 && c.is_alphabetic() {
                out.push(' ');
            }
        }
        out
    }),
    ("another link", |text| format!("{text} https://other.example/page?id=77")),
    ("other numbers", |text| text.chars().map(|c| if c.is_ascii_digit() { '7' } else { c }).collect()),
    ("every ninth word another", |text| {
        let words = text.split(' ').enumerate();
        let words: Vec<&str> = words.map(|(place, word)| if place % 9 == 4 { "Gustav" } else { word }).collect();
        words.join(" ")
    }),
    ("a tail of five words", |text| format!("{text} best wishes from the team")),
    ("a head of five words", |text| format!("Good morning to all here: {text}")),
];

/// Real comments: how many have a signature, how many disguised copies are found by it, how many strangers are.
fn copies() {
    let file = std::env::args().find(|argument| argument.ends_with(".jsonl"));
    let file = file.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/comments.jsonl").to_owned());
    let lines = std::fs::read_to_string(file).unwrap();
    let contents = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let contents: Vec<String> =
        contents.filter_map(|row| Some(row["content"].as_str()?.to_owned())).take(20_000).collect();
    let print = |text: &str| Fingerprint::of(&Text::of(&Comment::of_text(text)), "", "");
    let started = Instant::now();
    let prints: Vec<(&String, Fingerprint)> =
        contents.iter().filter_map(|content| Some((content, print(content)?))).collect();
    let spent = started.elapsed().as_micros() as f64 / contents.len() as f64;
    println!("{} comments, {} with a signature, {spent:.1} us each with their text", contents.len(), prints.len());
    let near = |one: &Fingerprint, other: &Fingerprint| {
        let shares = one.bands.iter().zip(&other.bands).any(|(one, other)| one == other);
        shares && one.similarity(&other.mins) >= Fingerprint::NEAR
    };
    for (name, trick) in TRICKS {
        let known = prints.iter().filter(|(text, one)| print(&trick(text)).is_some_and(|other| near(one, &other)));
        let known = known.count();
        println!("{name:<28} {:.2} % known", 100.0 * known as f64 / prints.len() as f64);
    }
    let mut by_band: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    for (number, (_, one)) in prints.iter().enumerate() {
        one.bands.iter().enumerate().for_each(|(place, band)| by_band.entry((place, *band)).or_default().push(number));
    }
    let mut pairs: Vec<(usize, usize)> = by_band
        .values()
        .filter(|same| same.len() < 200)
        .flat_map(|same| {
            same.iter().enumerate().flat_map(|(at, one)| same[at + 1..].iter().map(|other| (*one, *other)))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let copies: Vec<&(usize, usize)> =
        pairs.iter().filter(|(one, other)| near(&prints[*one].1, &prints[*other].1)).collect();
    println!("{} pairs share a band, {} of them are taken for copies; some:", pairs.len(), copies.len());
    let step = (copies.len() / 8).max(1);
    for (one, other) in copies.iter().step_by(step) {
        let shown = |number: &usize| prints[*number].0.chars().take(70).collect::<String>().replace('\n', " ");
        println!("    {}\n  = {}", shown(one), shown(other));
    }
}

fn verdict() -> Verdict {
    Verdict {
        decision: Decision::Approve,
        score: Score::new(0.5).unwrap(),
        evidence: vec![Evidence::new("BAYES", Nats::clamped(0.0), "50 % of its features are known")],
        tokens: Vec::new(),
        thresholds: Policy::standard().thresholds,
        max_blocked_ham: None,
        facts: Facts::NONE,
        reason: "Approved: nothing in it looks like spam.".into(),
        otherwise: None,
        not_sent: Vec::new(),
        model: "m".into(),
        rules: "r".into(),
        decided_at: at(0),
        micros: 60,
    }
}
