//! `hamlet list test`: what a list would do to comments whose label is known, before it is in force.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;

use super::import::complain;
use crate::cli::dumps::{DumpArgs, Meter, tell};
use crate::cli::screen::{self, Output};
use crate::list_files;
use crate::lists::formats::Format;
use crate::lists::{List, Put, Trial, Tried};
use crate::site::ListKind;
use crate::text::Text;
use crate::training::dump::{self, Tally};
use crate::training::evaluation::Measure;
use crate::training::interval::wilson;
use crate::verdict::Label;

/// So much ham is too much for an entry, however long the dumps are,
const MOST_HAM: u64 = 3;
/// and so great a share of it, however short they are.
const MOST_HAM_SHARE: f64 = 0.005;
/// Entries that people see, texts of each, and characters of each text.
const ROWS: usize = 50;
const TEXTS: usize = 3;
const TEXT_CHARS: usize = 160;

/// Show which ham a list would block and which spam it would catch; exit code 1 when an entry blocks too much.
///
/// An entry is flagged that speaks of three ham or more, or of more than 0.5 % of all.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  hamlet list test disallowed_keys.txt comments.jsonl.gz
  hamlet list test spam.list wordpress.sql.gz --texts")]
pub struct Args {
    /// The list; see `hamlet list import` for the formats.
    pub(in crate::cli) list: PathBuf,
    /// Labelled comments; see `hamlet train` for the formats.
    #[arg(required = true)]
    pub(in crate::cli) dumps: Vec<PathBuf>,
    /// hamlet, wordpress, hosts, domains or networks [default: told by the list's lines]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) format: Option<Format>,
    /// Show the ham that flagged entries would block.
    #[arg(long)]
    pub(in crate::cli) texts: bool,
    #[command(flatten)]
    pub(in crate::cli) reading: DumpArgs,
    #[command(flatten)]
    pub(in crate::cli) output: Output,
}

/// An entry and what it would do.
#[derive(Debug, Serialize)]
struct Row {
    list: ListKind,
    #[serde(rename = "match")]
    pattern: String,
    line: u32,
    ham: u64,
    spam: u64,
    /// Of all ham.
    ham_share: Option<Measure>,
    /// It keeps out too much ham.
    is_flagged: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    texts: Vec<String>,
}

/// What the whole list would do.
#[derive(Debug, Serialize)]
struct Report {
    entries: usize,
    ham: u64,
    spam: u64,
    /// Comments that a block entry speaks of and no allow entry does.
    ham_blocked: u64,
    ham_blocked_share: Option<Measure>,
    spam_caught: u64,
    spam_caught_share: Option<Measure>,
    flagged: usize,
    rows: Vec<Row>,
}

impl Args {
    pub(in crate::cli) fn run(&self, now: Timestamp) -> anyhow::Result<()> {
        let list = self.list(now)?;
        let report = self.report(&list, now)?;
        if self.output.json {
            screen::json(&report)?;
        } else {
            show(&report)?;
        }
        let flagged = report.flagged;
        anyhow::ensure!(
            flagged == 0,
            "{flagged} entries would block too much ham; take them out or make them narrower"
        );
        Ok(())
    }

    fn list(&self, now: Timestamp) -> anyhow::Result<List> {
        let unreadable = || format!("{} cannot be read", self.list.display());
        let format = self.format.map_or_else(|| list_files::format_of(&self.list), Ok).with_context(unreadable)?;
        read(&self.list, format, now).with_context(unreadable)
    }

    fn report(&self, list: &List, now: Timestamp) -> anyhow::Result<Report> {
        let (mut trial, mut tally) = (Trial::of(list), Tally::default());
        let (mut all, mut kept_out) = ([0_u64; 2], [0_u64; 2]);
        let mut texts: HashMap<u32, Vec<String>> = HashMap::new();
        let mut reading = dump::open(&self.dumps, &self.reading.options()?);
        let mut meter = Meter::of(&reading);
        for record in reading.by_ref() {
            meter.follow();
            let Some(example) = tally.sort(record)? else { continue };
            let class = usize::from(example.label == Label::Spam);
            let text = Text::of(&example.comment);
            let found = trial.count(&example.comment, &text, class, now);
            let is = |wanted| found.iter().any(|&(_, kind)| kind == wanted);
            let is_kept_out = is(ListKind::Block) && !is(ListKind::Allow);
            if let (Some(all), Some(kept_out)) = (all.get_mut(class), kept_out.get_mut(class)) {
                *all += 1;
                *kept_out += u64::from(is_kept_out);
            }
            if self.texts && example.label == Label::Ham {
                for &(number, _) in found.iter().filter(|(_, kind)| *kind == ListKind::Block) {
                    let of_entry = texts.entry(number).or_default();
                    if of_entry.len() < TEXTS {
                        of_entry.push(screen::foreign(text.visible(), TEXT_CHARS));
                    }
                }
            }
        }
        drop(meter);
        tell(&tally, reading.reports());
        tally.check()?;
        let [ham, spam] = all;
        let [ham_blocked, spam_caught] = kept_out;
        let row = |tried: Tried| {
            let [of_ham, of_spam] = tried.hits;
            let is_flagged = tried.list == ListKind::Block && is_too_much(of_ham, ham);
            let texts = if is_flagged { texts.remove(&tried.number).unwrap_or_default() } else { Vec::new() };
            let Tried { list, pattern, line, .. } = tried;
            Row { list, pattern, line, ham: of_ham, spam: of_spam, ham_share: share(of_ham, ham), is_flagged, texts }
        };
        let mut rows: Vec<Row> = trial.tried(now).into_iter().map(row).collect();
        rows.sort_by_key(|row| !row.is_flagged);
        let flagged = rows.iter().filter(|row| row.is_flagged).count();
        Ok(Report {
            entries: list.len(),
            ham,
            spam,
            ham_blocked,
            ham_blocked_share: share(ham_blocked, ham),
            spam_caught,
            spam_caught_share: share(spam_caught, spam),
            flagged,
            rows,
        })
    }
}

fn is_too_much(ham: u64, all: u64) -> bool {
    ham >= MOST_HAM || (ham > 0 && float(ham) > MOST_HAM_SHARE * float(all))
}

fn share(part: u64, whole: u64) -> Option<Measure> {
    wilson(float(part), float(whole), float(whole))
}

#[expect(clippy::cast_precision_loss, reason = "counts of comments are far below 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}

fn read(file: &Path, format: Format, now: Timestamp) -> std::io::Result<List> {
    let mut list = List::default();
    let findings = list_files::read(file, format, &list_files::given(now), |entry, line, findings| {
        if let Put::Useless(why) = list.put(&entry, u32::try_from(line).unwrap_or(u32::MAX)) {
            findings.bad(line, format!("{}: {why}", entry.pattern));
        }
    })?;
    complain(file, &findings);
    Ok(list)
}

/// `0.123 % (0.045–0.310)`
fn per_cent(share: Option<Measure>) -> String {
    share.map_or("none".to_owned(), |Measure { value, low, high }| {
        format!("{:.3} % ({:.3}–{:.3})", value * 100.0, low * 100.0, high * 100.0)
    })
}

fn show(report: &Report) -> anyhow::Result<()> {
    let Report { entries, ham, spam, ham_blocked, spam_caught, .. } = report;
    let mut out = screen::out();
    writeln!(out, "{entries} entries, {ham} ham, {spam} spam")?;
    writeln!(out, "ham that would be blocked  {ham_blocked}  {}", per_cent(report.ham_blocked_share))?;
    writeln!(out, "spam that would be caught  {spam_caught}  {}", per_cent(report.spam_caught_share))?;
    if report.rows.is_empty() {
        return Ok(writeln!(out, "No entry speaks of any of these comments.")?);
    }
    writeln!(out)?;
    drop(out);
    let cells = |row: &Row| {
        vec![
            if row.is_flagged { "!" } else { "" }.to_owned(),
            row.ham.to_string(),
            per_cent(row.ham_share),
            row.spam.to_string(),
            row.line.to_string(),
            format!("{} {}", row.list, screen::foreign(&row.pattern, 80)),
        ]
    };
    let rows: Vec<_> = report.rows.iter().take(ROWS).map(cells).collect();
    screen::table(&["", "HAM", "OF ALL HAM", "SPAM", "LINE", "ENTRY"], &rows)?;
    let mut out = screen::out();
    if report.rows.len() > ROWS {
        writeln!(out, "and {} more; --json shows all", report.rows.len() - ROWS)?;
    }
    for row in report.rows.iter().filter(|row| !row.texts.is_empty()).take(ROWS) {
        writeln!(out, "\n{} {}", row.list, screen::foreign(&row.pattern, 80))?;
        for text in &row.texts {
            writeln!(out, "    {text}")?;
        }
    }
    Ok(())
}
