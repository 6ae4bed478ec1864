//! Instructions that it takes to judge one comment, counted by callgrind: the same today and tomorrow, busy or quiet.
//!
//!     cargo bench --bench instructions                # beside what is written down in instructions.json
//!     cargo bench --bench instructions -- --check     # fails when anything takes more than 5 % more
//!     cargo bench --bench instructions -- --renew     # writes them down
//!     cargo bench --bench instructions -- --profile spam   # and leaves callgrind.out.spam for callgrind_annotate
//!
//! Needs valgrind. A time says how fast; a count says whether a change made it slower, which a time on a shared machine
//! does not. Counts of another compiler differ by some percent: renew them with the compiler.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on stops"
)]
#![allow(clippy::print_stdout, clippy::panic, reason = "a bench prints")]
#![allow(clippy::cast_precision_loss, reason = "percents")]

#[path = "texts.rs"]
mod texts;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::Command;

use hamlet::comment::Comment;
use hamlet::lists::Lists;
use hamlet::text::Text;
use jiff::Timestamp;
use texts::{LANGUAGES, as_they_come, judge, of_bytes, site};

const WRITTEN_DOWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/instructions.json");
/// How much more is a regression, percent.
const LEEWAY: f64 = 5.0;
/// The case of all comments of the load generator, judged one after the other.
const AS_THEY_COME: &str = "judge-comments";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["of", case] => measure(case),
        ["--profile", case] => {
            println!("{} instructions; see callgrind.out.{case}", count(case, &format!("callgrind.out.{case}")));
        }
        [] | ["--check" | "--renew"] => compare(words.first().copied()),
        _ => panic!("usage: cargo bench --bench instructions -- [--check | --renew | --profile CASE]"),
    }
}

/// Each case and what it does.
fn cases() -> Vec<String> {
    let of = |what: &'static str| LANGUAGES.iter().map(move |(language, _)| format!("{what}-{language}"));
    let of_500_bytes = of("judge").chain(of("text")).chain(of("verdict-as-json"));
    of_500_bytes.chain([AS_THEY_COME.to_owned()]).collect()
}

fn compare(what: Option<&str>) {
    let before: BTreeMap<String, u64> =
        std::fs::read_to_string(WRITTEN_DOWN).map(|json| serde_json::from_str(&json).unwrap()).unwrap_or_default();
    let folder = tempfile::tempdir().unwrap();
    let mut now = BTreeMap::new();
    let mut regressions = Vec::new();
    println!("{:<28}{:>14}{:>14}{:>9}", "of 500 bytes", "instructions", "written down", "");
    for case in cases() {
        let count = count(&case, folder.path().join(&case).to_str().unwrap());
        let change = before.get(&case).map(|&before| (count as f64 / before as f64 - 1.0) * 100.0);
        let shown = before.get(&case).map_or_else(|| "-".to_owned(), u64::to_string);
        println!("{case:<28}{count:>14}{shown:>14}{:>8.1}%", change.unwrap_or(0.0));
        if change.is_some_and(|change| change > LEEWAY) {
            regressions.push(case.clone());
        }
        now.insert(case, count);
    }
    if what == Some("--renew") {
        std::fs::write(WRITTEN_DOWN, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
    }
    assert!(what != Some("--check") || regressions.is_empty(), "more than {LEEWAY} % more: {}", regressions.join(", "));
}

/// Runs a case under callgrind, in a process of its own.
fn count(case: &str, out: &str) -> u64 {
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=instructions::counted*"])
        .arg(format!("--callgrind-out-file={out}"))
        .arg(std::env::current_exe().unwrap())
        .args(["of", case])
        .output()
        .expect("valgrind; on Debian: apt-get install valgrind");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let written = std::fs::read_to_string(out).unwrap();
    let count =
        written.lines().find_map(|line| line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: ")));
    count.unwrap().trim().parse().unwrap()
}

fn measure(case: &str) {
    if case == AS_THEY_COME {
        let (judge, site, lists, comments) = (judge(), site(), Lists::default(), as_they_come());
        let verdict = |comment| judge.judge(black_box(comment), &site, &lists, Timestamp::UNIX_EPOCH);
        return warm(|| comments.iter().for_each(|comment| drop(black_box(verdict(comment)))));
    }
    let (what, language) = case.rsplit_once('-').expect("a case");
    let (_, text) = LANGUAGES.into_iter().find(|(name, _)| *name == language).expect("a language");
    let comment: Comment = of_bytes(text, 500);
    let (judge, site, lists) = (judge(), site(), Lists::default());
    let verdict = || judge.judge(black_box(&comment), &site, &lists, Timestamp::UNIX_EPOCH);
    match what {
        "judge" => warm(verdict),
        "text" => warm(|| Text::of(black_box(&comment))),
        "verdict-as-json" => {
            let verdict = verdict();
            warm(|| serde_json::to_string(black_box(&verdict)).unwrap());
        }
        _ => panic!("no case {case}"),
    }
}

/// What is made when first asked for is made before anything is counted.
fn warm<T>(work: impl Fn() -> T) {
    black_box(work());
    black_box(work());
    counted(&work);
}

#[inline(never)]
fn counted<T>(work: &impl Fn() -> T) {
    black_box(work());
}
