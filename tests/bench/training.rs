//! How fast training counts, how much memory it takes, and how long one comment takes to score.
//!
//! `cargo bench --bench training` makes up its comments (words of a Zipf-like vocabulary, some 100 bytes each, as long
//! as the comments of the shipped model's sets); `-- N` makes N of them, `-- FILE…` reads labelled dumps instead.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on says so")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::path::PathBuf;
use std::time::Instant;

use hamlet::classifier::Classifier;
use hamlet::classifier::features::Features;
use hamlet::comment::Comment;
use hamlet::text::Text;
use hamlet::training::corpus::Group;
use hamlet::training::dump::{self, Example, LabelMap, Options};
use hamlet::training::learner::{Learner, Settings};
use hamlet::verdict::Label;

const DEFAULT_COMMENTS: u64 = 1_000_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let count = match words.as_slice() {
        [] => Some(DEFAULT_COMMENTS),
        [number] => number.parse().ok(),
        _ => None,
    };
    let mut learner = Learner::new(Settings::default());
    let (mut comments, mut bytes) = (0_u64, 0_usize);
    let started = Instant::now();
    let mut learn = |Example { comment, label, .. }: Example| {
        let text = Text::of(&comment);
        let group = Group::of(&text);
        learner.learn(&Features::of(&comment, &text), group, label, 1.0);
        learner.hear(&comment, group, label, 1.0);
        comments += 1;
        bytes += comment.content.len();
    };
    match count {
        Some(count) => (0..count).map(made_up).for_each(&mut learn),
        None => {
            let files: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
            let labels = LabelMap::with(["ok=ham", "toxic=ham"]).expect("these are meanings");
            dump::open(&files, &Options { labels, ..Options::default() }).for_each(|record| {
                if let Ok(example) = record.expect("the dump can be read") {
                    learn(example);
                }
            });
        }
    }
    let counting = started.elapsed();
    let started = Instant::now();
    let model = learner.finish(serde_json::json!({})).expect("there is ham and spam");
    let fitting = started.elapsed();
    let started = Instant::now();
    let file = model.to_bytes().expect("memory suffices");
    let writing = started.elapsed();
    let started = Instant::now();
    let classifier = Classifier::from_bytes(&file).expect("it was just made");
    let reading = started.elapsed();

    println!("{:<34}{:>14}", "comments", comments);
    println!("{:<34}{:>14.0}", "bytes a comment", bytes as f64 / comments as f64);
    println!("{:<34}{:>14.0}", "counted a second, one core", comments as f64 / counting.as_secs_f64());
    println!("{:<34}{:>14.1}", "fit and calibration, s", fitting.as_secs_f64());
    println!("{:<34}{:>14.1}", "model file written, s", writing.as_secs_f64());
    println!("{:<34}{:>14.1}", "model file read, ms", reading.as_secs_f64() * 1e3);
    println!("{:<34}{:>14}", "model file, bytes", file.len());
    println!("{:<34}{:>14}", "peak memory, MB", peak_memory_mb().map_or("?".to_owned(), |mb| mb.to_string()));
    for bytes in [100, 500, 10_000] {
        let (features, opinion) = score_micros(&classifier, bytes);
        println!("{:<34}{features:>14.1}", format!("features of {bytes} bytes, median µs"));
        println!("{:<34}{opinion:>14.1}", format!("opinion on {bytes} bytes, median µs"));
    }
}

/// Median microseconds for the features, and for the whole opinion, of a comment of about so many bytes.
fn score_micros(classifier: &Classifier, bytes: usize) -> (f64, f64) {
    let content: String = (0..).map(|n| made_up(n).comment.content + " ").take(bytes / 60 + 1).collect();
    let content = content.get(..bytes.min(content.len())).unwrap_or_default();
    let comment = Comment::of_text(content);
    let text = Text::of(&comment);
    let median = |work: &dyn Fn()| {
        let mut times: Vec<f64> = (0..500)
            .map(|_| {
                let started = Instant::now();
                work();
                started.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
    };
    (
        median(&|| drop(std::hint::black_box(Features::of(&comment, &text)))),
        median(&|| drop(std::hint::black_box(classifier.opinion(&comment, &text)))),
    )
}

/// A comment like any other: about sixteen words, common ones more often; one in five is spam, with words of its own.
fn made_up(number: u64) -> Example {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let is_spam = number.is_multiple_of(5);
    let mut content = String::with_capacity(128);
    for _ in 0..12 + draw() % 9 {
        // Multiplying two even draws makes small ranks likely, as in speech.
        let rank = (draw() % 256) * (draw() % 256) + if is_spam && draw().is_multiple_of(3) { 65_536 } else { 0 };
        let mut letters = rank.wrapping_mul(0xD134_2543_DE82_EF95) | 1;
        for _ in 0..2 + rank % 7 {
            letters = letters.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            content.push(char::from(b'a' + u8::try_from((letters >> 33) % 26).unwrap_or(0)));
        }
        content.push(' ');
    }
    let label = if is_spam { Label::Spam } else { Label::Ham };
    Example { comment: Comment::of_text(content), label, source: None }
}

/// The most memory this process ever had, as Linux counts it.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024)
}
