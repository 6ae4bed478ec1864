//! What tricks do to the catch: trick by language, before and after, over the dev comments of a folder of labelled sets.
//!
//!     cargo bench --bench evasion -- FOLDER [COMMENTS [TRICK]]
//!
//! The folder holds `NAME.dev.jsonl.gz`, one JSON object a line with `content`, `lang` and `label` (`spam`, `ham` or `ok`;
//! others are left out). Spam that is caught must stay caught. Honest text too comes as the tricks with a star have it: they
//! must not hold ham that passed. With a trick's name as a third argument the comments that it changes the verdict of are shown.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a bench prints, or stops")]

mod tricks;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use hamlet::classifier::Classifier;
use hamlet::comment::Comment;
use hamlet::decision::Judge;
use hamlet::lists::Lists;
use hamlet::rules::RuleSet;
use hamlet::site::{Policy, Site, SiteId};
use hamlet::verdict::{Decision, Verdict};
use jiff::Timestamp;
use serde_json::Value;
use tricks::TRICKS;

struct Row {
    language: String,
    is_spam: bool,
    content: String,
}

/// As many comments of each set and label as it takes to have `wanted` in all, evenly spread over each file.
fn rows(folder: &Path, wanted: usize) -> Vec<Row> {
    let mut groups: BTreeMap<(String, bool), Vec<Row>> = BTreeMap::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.to_string_lossy().ends_with(".dev.jsonl.gz")) {
        for line in BufReader::new(GzDecoder::new(std::fs::File::open(file).unwrap())).lines() {
            let row: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let (Some(content), Some(label)) = (row["content"].as_str(), row["label"].as_str()) else { continue };
            let is_spam = match label {
                "spam" => true,
                "ham" | "ok" => false,
                _ => continue,
            };
            let name = file.file_name().unwrap().to_string_lossy();
            let language = row["lang"].as_str().unwrap_or(name.get(..2).unwrap()).get(..2).unwrap().to_owned();
            let row = Row { language, is_spam, content: content.to_owned() };
            groups.entry((name.into_owned(), is_spam)).or_default().push(row);
        }
    }
    let kinds = [true, false].map(|kind| groups.keys().filter(|(_, is_spam)| *is_spam == kind).count().max(1));
    let mut chosen = Vec::new();
    for ((_, is_spam), mut group) in groups {
        let share = wanted / 2 / kinds[usize::from(!is_spam)];
        let step = (group.len() / share.max(1)).max(1);
        let mut at = 0;
        group.retain(|_| {
            at += 1;
            (at - 1) % step == 0
        });
        group.truncate(share);
        chosen.extend(group);
    }
    chosen
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let Some(folder) = arguments.first() else {
        println!("give the folder of the labelled sets: cargo bench --bench evasion -- FOLDER [COMMENTS]");
        return;
    };
    let wanted = arguments.get(1).and_then(|count| count.parse().ok()).unwrap_or(2_000);
    let shown = arguments.get(2);
    let rows = rows(Path::new(folder), wanted);
    let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
    let site = Site {
        id: SiteId(1),
        name: "bench".into(),
        url: "https://news.example/".into(),
        policy: Policy::standard(),
        created_at: Timestamp::UNIX_EPOCH,
    };
    let verdict =
        |content: &str| judge.judge(&Comment::of_text(content), &site, &Lists::default(), Timestamp::UNIX_EPOCH);
    let is_held = |verdict: &Verdict| verdict.decision >= Decision::Hold;
    let before: Vec<bool> = rows.iter().map(|row| is_held(&verdict(&row.content))).collect();
    println!("{} comments, {} of them spam", rows.len(), rows.iter().filter(|row| row.is_spam).count());
    println!(
        "| trick | language | spam | caught before | after | points | ham | blocked before | after | pushed over |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for trick in TRICKS {
        // Per language and in all: spam, caught before, after; ham, blocked before, after, newly.
        let mut cells: BTreeMap<&str, [usize; 7]> = BTreeMap::new();
        for (row, &before) in rows.iter().zip(&before) {
            let Some(written) = trick.apply(&row.content) else { continue };
            let verdict = verdict(&written);
            let after = is_held(&verdict);
            let is_worse = if row.is_spam { before && !after } else { after && !before };
            if is_worse && shown.is_some_and(|shown| shown == trick.name) {
                println!("{} {} {:?}", row.language, written, verdict.evidence);
            }
            for language in [row.language.as_str(), "~all"] {
                let cell = cells.entry(language).or_default();
                if row.is_spam {
                    cell[0] += 1;
                    cell[1] += usize::from(before);
                    cell[2] += usize::from(after);
                } else {
                    cell[3] += 1;
                    cell[4] += usize::from(before);
                    cell[5] += usize::from(after);
                    cell[6] += usize::from(after && !before);
                }
            }
        }
        for (language, [spam, before, after, ham, blocked_before, blocked_after, pushed]) in cells {
            #[expect(clippy::cast_precision_loss, reason = "some thousands")]
            let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
            println!(
                "| {}{} | {} | {spam} | {:.1} % | {:.1} % | {:+.1} | {ham} | {blocked_before} | {blocked_after} | {pushed} |",
                trick.name,
                if trick.is_honest { " *" } else { "" },
                language.trim_start_matches('~'),
                percent(before, spam),
                percent(after, spam),
                percent(after, spam) - percent(before, spam),
            );
        }
    }
}
