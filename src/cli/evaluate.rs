//! `hamlet evaluate`: how good a model is on labelled comments.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use super::train::warn_of_bad;
use crate::classifier::Classifier;
use crate::training::dump::{self, LabelMap, Tally};
use crate::training::evaluation::{Evaluation, Figures, Measure};
use crate::training::held_out::Examiner;

/// Measures a model on labelled dumps it was not trained on
///
/// Judges each comment as a site with standard policy would, with rules and classifier, and prints the usual figures with
/// 95 % intervals: over all, by language and by source. A comment is blocked when it is held or worse.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hamlet evaluate held-out.jsonl.gz
  hamlet evaluate dump.csv --model my.hamlet --bayes-only
  hamlet evaluate tweets.jsonl --label ok=ham --label toxic=skip --json")]
pub struct Args {
    /// Labelled dumps, as for `hamlet train`; `-` is standard input
    #[arg(value_name = "DUMP", required = true)]
    dumps: Vec<PathBuf>,
    /// Model to measure [default: the shipped one]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// What a label of the dumps means: WORD=ham, WORD=spam or WORD=skip
    #[arg(long = "label", value_name = "WORD=MEANING")]
    meanings: Vec<String>,
    /// Judge by the classifier alone, without rules
    #[arg(long)]
    bayes_only: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Judges every record of the dumps and prints the figures.
///
/// # Errors
/// A sentence with the mend, when the model or a dump cannot be read.
#[expect(clippy::print_stdout, reason = "a command's result goes to stdout")]
pub fn run(args: &Args) -> anyhow::Result<()> {
    let classifier = match &args.model {
        None => Classifier::shipped(),
        Some(file) => {
            let bytes = std::fs::read(file).with_context(|| format!("{} could not be read", file.display()))?;
            Classifier::from_bytes(&bytes).with_context(|| file.display().to_string())?
        }
    };
    let model = classifier.id().to_owned();
    let examiner = if args.bayes_only { Examiner::BayesOnly(Box::new(classifier)) } else { Examiner::full(classifier) };
    let labels = LabelMap::with(args.meanings.iter().map(String::as_str)).map_err(anyhow::Error::msg)?;
    let (mut tally, mut evaluation) = (Tally::default(), Evaluation::default());
    for record in dump::open(&args.dumps, &labels) {
        if let Some(example) = tally.sort(record)? {
            let judged = examiner.examine(&example).judged;
            evaluation.add(judged, example.comment.lang.as_deref(), example.source.as_deref());
        }
    }
    warn_of_bad(&tally);
    tally.check()?;
    let report = evaluation.report();
    if args.json {
        println!("{}", json!({"model": model, "bad_records": tally.bad, "all": report.all, "by": report.by}));
        return Ok(());
    }
    let mut said = table(&format!("model {model}"), &[("all".to_owned(), report.all)]);
    for (what, figures) in report.by {
        said.push('\n');
        said.push_str(&table(&format!("by {what}"), &figures.into_iter().collect::<Vec<_>>()));
    }
    print!("{said}");
    Ok(())
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
