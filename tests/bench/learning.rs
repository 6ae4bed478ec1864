//! What a site's labels are worth, and what they cost.
//!
//! `cargo bench --bench learning [-- LABELS]` (20,000) makes up comments and measures: how long a label takes until it
//! counts, on a real store; how long a start takes that reads all labels; what an opinion costs with and without; memory.
//!
//! `cargo bench --bench learning -- DATA [STRENGTH]` takes labelled sets from that folder as if each were a site: the shipped
//! model and all rules judge one comment after the other, and only then is its label learned. Told for the first 50, 200
//! and 1000 comments, with and without what was learned, by which labels a moderator gives: all, those of mistakes, of ham
//! alone, of spam alone. STRENGTH are the seven numbers of `classifier::site::Strength`, parted by commas.
//!
//! Comments come in the order of a hash of their text: some sets are sorted by class.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark that cannot go on says so"
)]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

#[allow(dead_code, reason = "other benchmarks use its texts")]
#[path = "texts.rs"]
mod texts;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hamlet::classifier::features::Features;
use hamlet::classifier::site::{SiteCounts, Strength};
use hamlet::clock::Clock;
use hamlet::comment::Comment;
use hamlet::decision::Judge;
use hamlet::facts::Facts;
use hamlet::lists::Lists;
use hamlet::pipeline::{Pipeline, Said, Submission};
use hamlet::rules::Case;
use hamlet::site::{Policy, Site};
use hamlet::store::Settings;
use hamlet::text::Text;
use hamlet::training::dump::{self, LabelMap, Options};
use hamlet::verdict::{Label, Nats, Score};
use jiff::Timestamp;
use texts::{judge, site};
use xxhash_rust::xxh3::xxh3_64;

/// Sets, and whether the strengths were chosen on them. Of sets that the shipped model learned from, the other part.
const SETS: [(&str, &str); 9] = [
    ("tr_sms.train", "chosen on"),
    ("tubespam.dev", "chosen on"),
    ("zh_telegram.dev", "chosen on"),
    ("ar_spam_tweets.dev", "chosen on"),
    ("vi_spam_reviews.train", "chosen on (one_kind)"),
    ("sms_spam.train", "confirmed on"),
    ("id_judol_youtube.dev", "confirmed on"),
    ("blog_django_cast.dev", "confirmed on"),
    ("pt_hatebr.dev", "confirmed on: ham alone"),
];
const LENGTHS: [usize; 3] = [50, 200, 1000];
const DEFAULT_LABELS: usize = 20_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.first().map(|word| word.parse::<usize>()) {
        None => costs(DEFAULT_LABELS),
        Some(Ok(labels)) => costs(labels),
        Some(Err(_)) => worth(Path::new(&words[0]), words.get(1).map_or(Strength::STANDARD, |text| strength(text))),
    }
}

fn strength(text: &str) -> Strength {
    let numbers: Vec<f64> = text.split(',').map(|number| number.parse().unwrap()).collect();
    let [pseudo, shift, least_rate, slope, half, one_kind, most] = numbers.try_into().unwrap();
    Strength { pseudo, shift, least_rate, slope, half, one_kind, most }
}

// ---- what labels are worth ---------------------------------------------------------------------------------------------

/// A comment, and what is said of it without any learning.
struct Row {
    features: Features,
    logit: f64,
    label: Label,
}

/// Which labels a moderator gives.
#[derive(Clone, Copy, Debug)]
enum Told {
    All,
    Mistakes,
    Ham,
    Spam,
}

/// How the judging went.
#[derive(Clone, Copy, Default)]
struct Tally {
    /// `[ham, spam]`, and how many of each were not approved.
    all: [f64; 2],
    blocked: [f64; 2],
    log_loss: f64,
}

impl Tally {
    fn add(&mut self, logit: f64, label: Label) {
        let class = label as usize;
        self.all[class] += 1.0;
        self.blocked[class] += f64::from(u8::from(logit >= 0.0));
        let wrong = if label == Label::Spam { -logit } else { logit };
        self.log_loss += wrong.exp().ln_1p();
    }

    fn figures(&self) -> [f64; 4] {
        let [ham, spam] = self.all;
        let [false_positives, caught] = self.blocked;
        let blocked = false_positives + caught;
        let approved = ham + spam - blocked;
        let product = caught * (ham - false_positives) - false_positives * (spam - caught);
        let mcc = product / (ham * spam * blocked * approved).sqrt();
        let share = |part: f64, whole: f64| 100.0 * part / whole;
        [share(false_positives, ham), share(caught, spam), self.log_loss / (ham + spam), mcc]
    }
}

fn worth(data: &Path, strength: Strength) {
    let (judge, site) = (judge(), site());
    println!("{strength:?}");
    println!("without → with: blocked ham %, caught spam %, log loss, MCC");
    for (name, role) in SETS {
        let file = data.join(format!("{name}.jsonl.gz"));
        if !file.exists() {
            println!("{name}: not in {}", data.display());
            continue;
        }
        let rows = rows(&judge, &site, file);
        println!("\n{name} ({role})");
        for told in [Told::All, Told::Mistakes, Told::Ham, Told::Spam] {
            for length in LENGTHS.into_iter().filter(|length| *length < rows.len() * 2) {
                let rows = &rows[..length.min(rows.len())];
                let without = run(&judge, rows, None, told).figures();
                let with = run(&judge, rows, Some(&strength), told).figures();
                let number =
                    |value: f64, digits| if value.is_nan() { "–".to_owned() } else { format!("{value:.digits$}") };
                let pair =
                    |at: usize, digits| format!("{} → {}", number(without[at], digits), number(with[at], digits));
                let label = format!("{told:?}").to_lowercase();
                println!(
                    "  {label:<9}{:>5}   {:>14}   {:>14}   {:>15}   {:>15}",
                    rows.len(),
                    pair(0, 1),
                    pair(1, 1),
                    pair(2, 3),
                    pair(3, 3)
                );
            }
        }
    }
}

fn rows(judge: &Judge, site: &Site, file: PathBuf) -> Vec<Row> {
    let labels = LabelMap::with(["ok=ham", "toxic=skip"]).unwrap();
    let options = Options { labels, ..Options::default() };
    let mut rows: Vec<(u64, Row)> = Vec::new();
    for record in dump::open(&[file], &options) {
        let Ok(example) = record.unwrap() else { continue };
        let features = Features::of(&example.comment, &Text::of(&example.comment));
        let verdict = judge.judge(&example.comment, site, &Lists::default(), Timestamp::UNIX_EPOCH);
        let row = Row { features, logit: verdict.score.logit(), label: example.label };
        rows.push((xxh3_64(example.comment.content.as_bytes()), row));
    }
    rows.sort_by_key(|(order, _)| *order);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn run(judge: &Judge, rows: &[Row], strength: Option<&Strength>, told: Told) -> Tally {
    let (mut taught, mut tally) = (SiteCounts::default(), Tally::default());
    for row in rows {
        let of_site =
            strength.and_then(|strength| judge.classifier().evidence_of_site(&row.features, &taught, strength));
        let logit = (row.logit + of_site.map_or(0.0, Nats::get)).clamp(-Score::MAX_LOGIT, Score::MAX_LOGIT);
        tally.add(logit, row.label);
        let is_told = match told {
            Told::All => true,
            Told::Mistakes => (logit >= 0.0) != (row.label == Label::Spam),
            Told::Ham => row.label == Label::Ham,
            Told::Spam => row.label == Label::Spam,
        };
        if is_told {
            taught.learn(&row.features, row.label);
        }
    }
    tally
}

// ---- what labels cost --------------------------------------------------------------------------------------------------

/// A comment of some 100 bytes whose words are as common as words are.
fn made_up(number: usize) -> Comment {
    let mut chance = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut content = String::new();
    for _ in 0..16 {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        // Log-uniform: the word of rank r comes about once in r.
        let rank = 60_000_f64.powf((chance >> 11) as f64 / (1_u64 << 53) as f64);
        content.push_str(&word(rank));
        content.push(' ');
    }
    Comment::of_text(content)
}

/// The word of a rank, in syllables.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank is small and positive")]
fn word(rank: f64) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "ter", "lo", "mi", "kan", "su", "re", "no", "vi", "ga", "pol", "de", "hu", "sin", "ta", "ro"];
    let mut rank = rank as usize;
    let mut word = String::new();
    loop {
        word.push_str(SYLLABLES[rank % 16]);
        rank /= 16;
        if rank == 0 {
            return word;
        }
    }
}

fn label(number: usize) -> Label {
    if number.is_multiple_of(5) { Label::Spam } else { Label::Ham }
}

fn costs(labels: usize) {
    for labels in [1_000, labels] {
        in_memory(labels);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(in_the_store(labels));
}

fn in_memory(labels: usize) {
    let features = |comment: &Comment| Features::of(comment, &Text::of(comment));
    let before = resident();
    let mut taught = SiteCounts::default();
    for number in 0..labels {
        taught.learn(&features(&made_up(number)), label(number));
    }
    let (columns, bytes) = (taught.columns(), resident().saturating_sub(before));
    println!("{labels} labels: {columns} columns, {:.1} MiB more resident", bytes as f64 / f64::from(1 << 20));
    let (judge, site, nothing) = (judge(), site(), SiteCounts::default());
    let comments: Vec<Comment> = (0..2_000).map(|number| made_up(number * 7)).collect();
    for (name, counts) in [("without", &nothing), ("with", &taught)] {
        let times = comments.iter().map(|comment| {
            let started = Instant::now();
            let case = Case { comment, text: &Text::of(comment), facts: &Facts::NONE, site: &site };
            black_box(judge.judge_case(&case, &Lists::default(), counts, Timestamp::UNIX_EPOCH));
            started.elapsed()
        });
        println!("  a verdict {name:<8} {}", told(times.collect()));
    }
}

async fn in_the_store(labels: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = hamlet::store::open("sqlite", folder.path(), Settings::default()).await.unwrap();
    let site = Arc::new(store.add_site("bench", "", Policy::standard(), [0; 32], Timestamp::now()).await.unwrap());
    let pipeline = Arc::new(Pipeline::new(Arc::clone(&store), Clock::System, judge()));
    let started = Instant::now();
    let mut hands = tokio::task::JoinSet::new();
    for hand in 0..64 {
        let (pipeline, site) = (Arc::clone(&pipeline), Arc::clone(&site));
        hands.spawn(async move {
            for number in (hand..labels).step_by(64) {
                one_label(&pipeline, &site, number).await;
            }
        });
    }
    hands.join_all().await;
    let rate = labels as f64 / started.elapsed().as_secs_f64();
    println!("{labels} labels by 64 hands at once: {rate:.0} a second, each with its comment kept first");

    let mut times = Vec::new();
    for number in labels..labels + 500 {
        times.push(one_label(&pipeline, &site, number).await);
    }
    println!("a label, kept and learned, with scores before and after: {}", told(times));

    let started = Instant::now();
    let anew = Pipeline::new(Arc::clone(&store), Clock::System, judge());
    anew.follow_labels().await.unwrap();
    println!("a start reads {} labels in {:.2} s", labels + 500, started.elapsed().as_secs_f64());
    assert_eq!(*anew.taught(site.id), *pipeline.taught(site.id), "the same counts");
    let times = (0..2_000).map(|_| Instant::now());
    let mut idle = Vec::new();
    for started in times {
        anew.follow_labels().await.unwrap();
        idle.push(started.elapsed());
    }
    println!("a look for new labels where there is none: {}", told(idle));
    store.close().await;
}

/// Keeps a comment, then labels it: how long the label took.
async fn one_label(pipeline: &Pipeline, site: &Site, number: usize) -> Duration {
    let (id, _) = pipeline.check(site, Submission::of(made_up(number), None)).await.unwrap();
    let started = Instant::now();
    let said = Said::Label(label(number));
    let overruled = pipeline.overrule(site, id, said, "ada", "api").await.unwrap();
    let elapsed = started.elapsed();
    if overruled.learned.is_none_or(|learned| !learned.is_news) {
        panic!("comment {number} taught nothing");
    }
    elapsed
}

fn told(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1e6;
    format!("median {:.0} µs, p99 {:.0} µs", at(50), at(99))
}

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap() * 4096
}
