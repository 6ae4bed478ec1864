//! What `train` and `evaluate` have in common: how dumps are read, how far reading is, and what was found.
//!
//! Owns flags, the progress bar and the sentences; reading itself is `training::dump`'s.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::training::dump::{self, ColumnMap, FileReport, LabelMap, Options, Preview, Reading, Tally};

/// Records between two tellings of how many there are.
const STEP: u64 = 256;

/// How dumps are to be read, where they do not say it themselves.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct DumpArgs {
    /// What a label of the dumps means: WORD=ham, WORD=spam or WORD=skip
    #[arg(long = "label", value_name = "WORD=MEANING")]
    meanings: Vec<String>,
    /// Which column of a CSV or TSV is what: content, label, author, email, url, ip, user_agent, lang, source, date,
    /// permalink, title and others; such as content=comment_body [default: by usual names]
    #[arg(long = "column", value_name = "WHAT=COLUMN")]
    columns: Vec<String>,
    /// Charset of the dumps, such as windows-1256 [default: told by their bytes]
    #[arg(long, value_name = "NAME")]
    charset: Option<String>,
}

impl DumpArgs {
    /// What was asked for.
    ///
    /// # Errors
    /// A sentence that names the flag which says nothing.
    pub(super) fn options(&self) -> anyhow::Result<Options> {
        let labels = LabelMap::with(self.meanings.iter().map(String::as_str)).map_err(anyhow::Error::msg)?;
        let columns = ColumnMap::with(self.columns.iter().map(String::as_str)).map_err(anyhow::Error::msg)?;
        let charset = self.charset.as_deref().map(dump::charset_named).transpose().map_err(anyhow::Error::msg)?;
        Ok(Options { labels, columns, charset })
    }
}

/// A line on stderr: bytes read, how fast, how long to go; nothing when stderr is no terminal.
pub(super) struct Meter {
    bar: ProgressBar,
    records: u64,
}

impl Meter {
    pub(super) fn of(reading: &Reading) -> Meter {
        let (bar, template) = match reading.progress() {
            (_, Some(total)) => {
                let template = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left, {msg}";
                (ProgressBar::new(total), template)
            }
            (_, None) => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}, {elapsed}, {msg}"),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style);
        if !bar.is_hidden() {
            let bar = bar.clone();
            reading.on_progress(move |bytes| bar.set_position(bytes));
        }
        Meter { bar, records: 0 }
    }

    /// A record was read.
    pub(super) fn follow(&mut self) {
        self.records += 1;
        if self.records.is_multiple_of(STEP) && !self.bar.is_hidden() {
            self.bar.set_message(format!("{} comments", grouped(self.records)));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Says on stderr which records were bad, how many were passed over, and what else there is to know of the files.
#[expect(clippy::print_stderr, reason = "a command's complaints go to stderr")]
pub(super) fn tell(tally: &Tally, reports: &[FileReport]) {
    for bad in &tally.shown {
        eprintln!("skipped: {bad}");
    }
    if tally.bad > tally.shown.len() as u64 {
        eprintln!("skipped: {} bad records in all", grouped(tally.bad));
    }
    for report in reports {
        let file = report.file.display();
        if let Some(kinds) = passed_over(report) {
            eprintln!("{file}: passed over {kinds}");
        }
        for note in &report.notes {
            eprintln!("{file}: {note}");
        }
    }
}

/// Says a warning on stderr, if there is one.
#[expect(clippy::print_stderr, reason = "a command's complaints go to stderr")]
pub(super) fn warn(warning: Option<String>) {
    if let Some(warning) = warning {
        eprintln!("warning: {warning}");
    }
}

/// Is there ham and spam? `mend` is what to do if there is not, by the format.
///
/// # Errors
/// A sentence with the mend.
pub(super) fn both_classes([ham, spam]: [u64; 2], mend: Option<&'static str>) -> anyhow::Result<()> {
    let seen = match (ham, spam) {
        (0, 0) => return Ok(()),
        (ham, 0) => format!("{} ham and no spam", grouped(ham)),
        (0, spam) => format!("{} spam and no ham", grouped(spam)),
        _ => return Ok(()),
    };
    match mend.filter(|_| spam == 0) {
        Some(mend) => bail!("{seen}: a model needs both; {mend}"),
        None => bail!("{seen}: a model needs both; add the other kind, or name its label with --label"),
    }
}

/// Reads the dumps and shows what would be learned from them.
///
/// # Errors
/// Those that training would end with, after what was found was shown.
#[expect(clippy::print_stdout, reason = "a command's result goes to stdout")]
pub(super) fn dry_run(paths: &[PathBuf], options: &Options, show_texts: bool, as_json: bool) -> anyhow::Result<()> {
    let mut reading = dump::open(paths, options);
    let mut meter = Meter::of(&reading);
    let (mut tally, mut preview) = (Tally::default(), Preview::default());
    while let Some(record) = reading.next() {
        meter.follow();
        if let Some(example) = tally.sort(record)?
            && let Some(report) = reading.reports().last()
        {
            preview.note(&example, &report.file, reading.place(), show_texts);
        }
    }
    drop(meter);
    let summary = preview.finish();
    let counts = [summary.ham, summary.spam];
    if as_json {
        let bad: Vec<String> = tally.shown.iter().map(ToString::to_string).collect();
        let mut said = json!(summary);
        if let Some(said) = said.as_object_mut() {
            said.insert("files".to_owned(), json!(reading.reports()));
            said.insert("bad".to_owned(), json!(tally.bad));
            said.insert("bad_records".to_owned(), json!(bad));
        }
        println!("{said}");
    } else {
        tell(&tally, &[]);
        print!("{}", described(&summary, reading.reports()));
    }
    tally.check()?;
    both_classes(counts, reading.mend_of_one_class())
}

/// A dry run in words.
fn described(summary: &dump::Summary, reports: &[FileReport]) -> String {
    let mut said = String::new();
    for report in reports {
        let packing = report.packing.map(|packing| format!(", {packing}")).unwrap_or_default();
        let _ = writeln!(said, "{}: {}, {}{packing}", report.file.display(), report.format, report.charset);
        let _ = write!(said, "  {} ham, {} spam", grouped(report.ham), grouped(report.spam));
        if let Some(kinds) = passed_over(report) {
            let _ = write!(said, "; passed over {kinds}");
        }
        if report.bad > 0 {
            let _ = write!(said, "; {} bad", grouped(report.bad));
        }
        said.push('\n');
        for note in &report.notes {
            let _ = writeln!(said, "  {note}");
        }
    }
    let _ = writeln!(said, "would learn from {} ham and {} spam", grouped(summary.ham), grouped(summary.spam));
    if let Some([first, last]) = summary.dates {
        let _ = writeln!(said, "  written {} to {}", first.strftime("%F"), last.strftime("%F"));
    }
    for (what, counts) in [("languages", &summary.langs), ("sources", &summary.sources)] {
        let mut counts: Vec<_> = counts.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let counts: Vec<String> =
            counts.iter().take(10).map(|(name, count)| format!("{name} {}", grouped(**count))).collect();
        if !counts.is_empty() {
            let _ = writeln!(said, "  {what}: {}", counts.join(", "));
        }
    }
    if summary.near_copies > 0 {
        let copies = grouped(summary.near_copies);
        let _ = writeln!(
            said,
            "  {copies} are near-copies of an earlier one; they stay on one side when a part is held out"
        );
    }
    if summary.contradictory_texts > 0 {
        let texts = grouped(summary.contradictory_texts);
        let _ = writeln!(
            said,
            "  {texts} texts are labelled both ham and spam; both are learned, which says nothing. Look at:"
        );
        shown(&mut said, &summary.contradictions);
    }
    shown(&mut said, &summary.examples);
    let _ = writeln!(said, "  digest {}", summary.digest);
    said
}

fn shown(said: &mut String, comments: &[dump::Shown]) {
    for comment in comments {
        let _ = write!(said, "    {}, {}: {}", comment.file.display(), comment.place, comment.label);
        if let Some(text) = &comment.text {
            let _ = write!(said, " {text:?}");
        }
        said.push('\n');
    }
}

fn passed_over(report: &FileReport) -> Option<String> {
    let kinds = report.passed_over.iter().map(|(kind, count)| format!("{} {kind}", grouped(*count)));
    let kinds: Vec<String> = kinds.collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

/// A number for people: 12,431.
fn grouped(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}
