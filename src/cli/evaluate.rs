//! `hamlet evaluate`: how good a model is on labelled comments.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde_json::json;

use super::dumps::{DumpArgs, Meter, tell};
use super::{model, whole_file};
use crate::training::dump::{self, Tally};
use crate::training::evaluation::{Evaluation, Figures, Measure};
use crate::training::held_out::Examiner;
use crate::training::report::{Gathered, Heading, Language};

/// Measures a model on labelled dumps it was not trained on
///
/// Judges each comment as a site with standard policy would, with rules and classifier, and prints the usual figures with
/// 95 % intervals: over all, by language and by source. A comment is blocked when it is held or worse. What the model was trained
/// on, and near-copies of it, is left out as far as the model's file tells.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hamlet evaluate held-out.jsonl.gz
  hamlet evaluate held-out.jsonl.gz --report report.html
  hamlet evaluate dump.csv --model my.hamlet --bayes-only
  hamlet evaluate tweets.jsonl --label ok=ham --label toxic=skip --json")]
pub struct Args {
    /// Labelled dumps, as for `hamlet train`; `-` is standard input
    #[arg(value_name = "DUMP", required = true)]
    dumps: Vec<PathBuf>,
    #[command(flatten)]
    reading: DumpArgs,
    /// Model to measure [default: the shipped one]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Write a page for the browser to this file: one file, which needs no network
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Language of the page's own words
    #[arg(long, value_enum, default_value_t, requires = "report")]
    report_lang: ReportLang,
    /// Quote the worst mistakes, and rare words, in the page; without it no comment can be read there
    #[arg(long, requires = "report")]
    show_texts: bool,
    /// Judge by the classifier alone, without rules
    #[arg(long)]
    bayes_only: bool,
    /// Count comments that the model was trained on as well: the figures are then too good
    #[arg(long)]
    with_seen: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Languages of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ReportLang {
    #[default]
    En,
    Ar,
}

/// Judges every record of the dumps and prints the figures.
///
/// # Errors
/// A sentence with the mend, when the model or a dump cannot be read.
#[expect(clippy::print_stdout, reason = "a command's result goes to stdout")]
pub fn run(args: &Args, now: Timestamp) -> anyhow::Result<()> {
    let (classifier, seen) = model::read_with_seen(args.model.as_deref())?;
    let seen = seen.by_text();
    let model = classifier.id().to_owned();
    let examiner = if args.bayes_only { Examiner::BayesOnly(Box::new(classifier)) } else { Examiner::full(classifier) };
    let (mut tally, mut evaluation, mut trained_on) = (Tally::default(), Evaluation::default(), 0_u64);
    let mut gathered = args.report.is_some().then(|| Gathered::new(args.show_texts));
    let mut reading = dump::open(&args.dumps, &args.reading.options()?);
    let mut meter = Meter::of(&reading);
    while let Some(record) = reading.next() {
        meter.follow();
        let Some(example) = tally.sort(record)? else { continue };
        if seen.has(&example) {
            trained_on += 1;
            if !args.with_seen {
                continue;
            }
        }
        let examined = examiner.examine(&example);
        if let (Some(gathered), Some(file)) = (&mut gathered, reading.reports().last()) {
            gathered.add(&example, &examined, &dump_name(&file.file), file.ham + file.spam);
        }
        evaluation.add(examined.judged, example.comment.lang.as_deref(), example.source.as_deref());
    }
    drop(meter);
    tell(&tally, reading.reports());
    tally.check()?;
    ensure!(
        trained_on == 0 || evaluation.rows().len() > 0,
        "nothing to measure on: the model was trained on all {trained_on} comments, or on near-copies of them; name a dump that it has not \
         seen, or say --with-seen, whose figures are too good"
    );
    let report = evaluation.report();
    if let (Some(file), Some(gathered)) = (&args.report, gathered) {
        let heading = Heading {
            model: model.clone(),
            dumps: args.dumps.iter().map(|dump| dump_name(dump)).collect(),
            made_at: now,
            language: match args.report_lang {
                ReportLang::En => Language::English,
                ReportLang::Ar => Language::Arabic,
            },
            is_bayes_only: args.bayes_only,
            seen: trained_on,
            is_seen_counted: args.with_seen,
        };
        let page = gathered.page(&heading, &evaluation, &report);
        whole_file::write(file, page.as_bytes()).with_context(|| format!("{} could not be written", file.display()))?;
    }
    let left_out = if args.with_seen { 0 } else { trained_on };
    if args.json {
        println!(
            "{}",
            json!({"model": model, "bad_records": tally.bad, "left_out": left_out, "trained_on": trained_on, "all": report.all, "by": report.by})
        );
        return Ok(());
    }
    let mut said = table(&format!("model {model}"), &[("all".to_owned(), report.all)]);
    for (what, figures) in report.by {
        said.push('\n');
        said.push_str(&table(&format!("by {what}"), &figures.into_iter().collect::<Vec<_>>()));
    }
    if left_out > 0 {
        let _ = writeln!(
            said,
            "\n{left_out} comments are left out, for the model was trained on them or on near-copies; --with-seen counts them."
        );
    } else if trained_on > 0 {
        let _ = writeln!(
            said,
            "\n{trained_on} of the comments, or near-copies, were there when the model was trained: the figures are too good."
        );
    }
    if let Some(file) = &args.report {
        let _ = writeln!(said, "\nThe report is in {}.", file.display());
    }
    print!("{said}");
    Ok(())
}

/// The file's name alone: a page that is sent around need not say where its author keeps files.
fn dump_name(dump: &Path) -> String {
    if dump.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    dump.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Rows of figures, in per cent where a share is told, each with its interval.
pub(super) fn table(title: &str, rows: &[(String, Figures)]) -> String {
    type Column = (&'static str, f64, fn(&Figures) -> Option<Measure>);
    const COLUMNS: [Column; 9] = [
        ("accuracy %", 100.0, |figures| figures.accuracy),
        ("caught spam %", 100.0, |figures| figures.caught_spam),
        ("blocked ham %", 100.0, |figures| figures.blocked_ham),
        ("precision %", 100.0, |figures| figures.precision),
        ("F1 %", 100.0, |figures| figures.f1),
        ("MCC", 1.0, |figures| figures.mcc),
        ("ROC AUC", 1.0, |figures| figures.roc_auc),
        ("log loss", 1.0, |figures| figures.log_loss),
        ("calibration", 1.0, |figures| figures.calibration_error),
    ];
    let name_width =
        rows.iter().map(|(name, _)| name.chars().count()).chain([title.chars().count()]).max().unwrap_or(0);
    let mut said = format!("{title:name_width$} {:>8} {:>8}", "ham", "spam");
    for (head, ..) in COLUMNS {
        let _ = write!(said, " {head:>19}");
    }
    said.push('\n');
    for (name, figures) in rows {
        let pad = name_width - name.chars().count();
        let _ = write!(said, "{name}{:pad$} {:>8} {:>8}", "", figures.ham, figures.spam);
        for (_, scale, figure) in COLUMNS {
            let digits = if scale > 1.0 { 1 } else { 3 };
            let cell = figure(figures).map_or_else(
                || "-".to_owned(),
                |Measure { value, low, high }| {
                    let [value, low, high] = [value, low, high].map(|number| number * scale);
                    format!("{value:.digits$} ({low:.digits$}-{high:.digits$})")
                },
            );
            let _ = write!(said, " {cell:>19}");
        }
        said.push('\n');
    }
    said
}
