//! `hamlet rules fit`: weights from labelled comments, beside the hand values, measured.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::labelled::{self, LabelledArgs, Read, grouped};
use super::{overlay, stats};
use crate::cli::evaluate::table;
use crate::cli::model::{self, SHIPPED};
use crate::cli::{screen, whole_file};
use crate::rules::{Family, RuleSet};
use crate::training::cross_fit::FOLDS;
use crate::training::evaluation::{Evaluation, Figures};
use crate::training::interval::Measure;
use crate::training::learner;
use crate::training::recipe::Recipe;
use crate::training::rule_corpus::Corpus;
use crate::training::rule_fit;
use crate::training::rule_stats::Probe;
use crate::training::rule_trial::{self, Change, FittedRule, Judges, Means, RuleTrial};

/// Fit the rules' weights to labelled comments
///
/// Weights are fitted beside the classifier, on what it says of comments that it was not trained on, so that the two do not
/// count the same thing twice. Each keeps its side, is pulled towards the hand value, goes to twice of it at most, and keeps
/// it below 30 hits. Before and after are measured on comments that neither weights nor classifier saw.
/// docs/rules.md says more.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hamlet rules fit dump.jsonl.gz
  hamlet rules fit dump.jsonl.gz --out my-rules.toml         then set rules.file to it
  hamlet rules fit train.jsonl.gz --measure later.jsonl.gz --ablation
  hamlet rules fit --recipe models/default.toml --data DATA --out rules.toml")]
pub struct Args {
    #[command(flatten)]
    labelled: LabelledArgs,
    /// Measure on these dumps instead of by cross-fitting; labels mean what they mean in the others
    #[arg(long, value_name = "DUMP", num_args = 1..)]
    measure: Vec<PathBuf>,
    /// In the dumps of --measure, what a label means, where a recipe says it for the others: WORD=ham, spam or skip
    #[arg(long, value_name = "WORD=MEANING", requires = "recipe")]
    measure_label: Vec<String>,
    /// Write the weights to this file, for `rules.file`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rules file with the hand values [default: the weights in force]
    #[arg(long, value_name = "FILE")]
    toward: Option<PathBuf>,
    /// Fit beside this model, a file or `shipped`, which was not trained on these comments [default: models trained on them,
    /// each judging what it did not see]
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// How strongly weights are pulled to the hand value; 10 is about fifty hits
    #[arg(long, value_name = "NUMBER", default_value_t = rule_fit::Settings::default().ridge, value_parser = ridge)]
    ridge: f64,
    /// Let the classifier's part be stretched, which what serves cannot do; to see what the fit would make of it
    #[arg(long)]
    free_slope: bool,
    /// Show what each family is worth: the figures without it
    #[arg(long)]
    ablation: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn ridge(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| format!("`{text}` is no number from 0 up"))
}

/// Fits, prints, and writes the file if asked to.
///
/// # Errors
/// A sentence with the mend; no file is left half written.
pub(super) fn run(args: &Args, in_force: &RuleSet) -> anyhow::Result<()> {
    let toward = match &args.toward {
        None => in_force.clone(),
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
            RuleSet::parse(&text, &file.display().to_string())?
        }
    };
    let probe = Probe::of(&toward);
    let classifier = match args.model.as_deref() {
        None => None,
        Some(name) => Some(model::read_with_seen((name.as_os_str() != SHIPPED).then_some(name))?),
    };
    let mut training = learner::Settings::default();
    if let Some(recipe) = &args.labelled.recipe {
        training = Recipe::read(recipe)?.settings(training);
    }
    let mut corpus = Corpus::default();
    let dumps = args.labelled.read(&probe, |read| add(&mut corpus, read))?;
    if let Some((_, seen)) = &classifier {
        let seen = corpus.leave_out(seen);
        if seen > 0 {
            say(&format!("{} comments are left out, for the model was trained on them", grouped(seen as u64)));
        }
    }
    let mut other = Corpus::default();
    if !args.measure.is_empty() {
        let options = match args.labelled.recipe {
            None => args.labelled.reading.options()?,
            Some(_) => labelled::options_with_labels(&args.measure_label)?,
        };
        labelled::read(&args.measure, &options, &probe, None, |read| add(&mut other, read))?;
    }
    let fit = rule_fit::Settings { ridge: args.ridge, is_slope_free: args.free_slope };
    let classifier = classifier.map(|(classifier, _)| Arc::new(classifier));
    let means = Means { toward, training, fit, classifier };
    let bar = progress(means.classifier.is_none());
    let other = (!args.measure.is_empty()).then_some(&other);
    let trial = rule_trial::run(corpus, other, &probe, &means, |done| bar.set_position(done))?;
    bar.finish_and_clear();
    if let Some(file) = &args.out {
        let text = overlay::written(&trial.rules, &means.toward, &dumps);
        // What is written must be what the daemon reads.
        RuleSet::parse(&text, &file.display().to_string())?;
        whole_file::write(file, text.as_bytes()).with_context(|| format!("{} could not be written", file.display()))?;
    }
    if args.json {
        return Ok(screen::json(&as_json(&trial, args))?);
    }
    let mut said = fitted(&trial.rules);
    said.push_str(&lines(&trial));
    let judges = trial.measured.as_ref().unwrap_or(&trial.cross_fitted);
    let how = if trial.measured.is_some() { "on the dumps of --measure" } else { "cross-fitted" };
    said.push_str(&compared(judges, how));
    if args.ablation {
        said.push_str(&ablation(judges));
    }
    if let Some(file) = &args.out {
        let _ = writeln!(said, "\nwritten to {}", file.display());
    }
    Ok(screen::line(said.trim_end())?)
}

/// Figures are given by set, so the set's name is the source.
fn add(corpus: &mut Corpus, read: Read<'_>) {
    let Read { mut example, probed, set, counts_as } = read;
    // One dump may hold several sources and languages; each of them counts.
    let of_row = match counts_as {
        Some(_) => set.to_owned(),
        None => format!(
            "{set}\n{}\n{}",
            example.source.as_deref().unwrap_or_default(),
            example.comment.lang.as_deref().unwrap_or_default()
        ),
    };
    example.source = Some(set.to_owned());
    corpus.add(example, probed, &of_row, counts_as);
}

#[expect(clippy::print_stderr, reason = "a command's remarks go to stderr")]
fn say(remark: &str) {
    eprintln!("{remark}");
}

/// Classifiers trained, on a terminal.
fn progress(is_shown: bool) -> ProgressBar {
    let bar = if is_shown { ProgressBar::new(u64::from(FOLDS) + 1) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} classifiers, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.tick();
    bar
}

/// Symbol, hand value, fitted value, hits.
fn fitted(rules: &[FittedRule]) -> String {
    let mut said = format!(
        "{:<28} {:>6} {:>7} {:>7} {:>7}  {:<18} {}\n",
        "symbol", "hand", "fitted", "spam", "ham", "precision %", "remark"
    );
    for rule in rules {
        let (hits, groups) = (rule.stats.count.hits, rule.stats.groups);
        let remark = match rule.is_kept {
            true if rule.hand == 0.0 => "off".to_owned(),
            true if rule.stats.count.of.sum() == 0 => "kept: no data".to_owned(),
            true => format!("kept: {groups} hits that are no near-copies"),
            false => String::new(),
        };
        let line = format!(
            "{:<28} {:>+6.2} {:>+7.2} {:>7} {:>7}  {:<18} {remark}",
            rule.stats.symbol,
            rule.hand,
            rule.weight,
            hits.spam,
            hits.ham,
            stats::percent(rule.stats.precision, 1)
        );
        let _ = writeln!(said, "{}", line.trim_end());
    }
    said
}

/// What the classifiers would have needed besides.
fn lines(trial: &RuleTrial) -> String {
    let of = |number: fn(&rule_fit::Line) -> f64| {
        trial.lines.iter().map(|line| format!("{:+.2}", number(line))).collect::<Vec<_>>().join(" ")
    };
    format!(
        "\nbeside these weights each fold's classifier would need an intercept of {} (near 0: calibrated), its slope being {}\n",
        of(|line| line.intercept),
        of(|line| line.slope)
    )
}

const NAMES: [&str; 3] = ["classifier alone", "hand weights", "fitted weights"];

fn compared(judges: &Judges, how: &str) -> String {
    let reports = [&judges.bayes, &judges.hand, &judges.fitted].map(Evaluation::report);
    let all: Vec<(String, Figures)> =
        NAMES.iter().zip(&reports).map(|(name, report)| ((*name).to_owned(), report.all)).collect();
    let mut said = format!("\n{}", table(how, &all));
    for (name, judge) in [("hand weights", &judges.hand), ("fitted weights", &judges.fitted)] {
        let _ = writeln!(said, "{name} against the classifier alone: {}", told(Change::between(&judges.bayes, judge)));
    }
    let change = told(Change::between(&judges.hand, &judges.fitted));
    let _ = writeln!(said, "fitted against hand weights: {change}");
    let first = &reports[0];
    for (what, names) in &first.by {
        let mut rows = Vec::new();
        for name in names.keys() {
            let of = |report: &crate::training::evaluation::Report| report.by.get(what)?.get(name).copied();
            let figures = NAMES
                .iter()
                .zip(&reports)
                .filter_map(|(judge, report)| Some((format!("{name}, {judge}"), of(report)?)));
            rows.extend(figures);
        }
        let _ = write!(said, "\n{}", table(&format!("by {what}"), &rows));
    }
    said
}

fn told(change: Change) -> String {
    format!("caught spam {}, blocked ham {}", points(change.caught_spam), points(change.blocked_ham))
}

/// A difference in points of a per cent.
fn points(measure: Option<Measure>) -> String {
    measure.map_or_else(
        || "-".to_owned(),
        |Measure { value, low, high }| {
            format!("{:+.2} points ({:+.2} to {:+.2})", 100.0 * value, 100.0 * low, 100.0 * high)
        },
    )
}

/// A table in Markdown, for docs/rules.md.
fn ablation(judges: &Judges) -> String {
    let mut said = String::from(
        "\n| without | caught spam % | change, points | blocked ham % | change, points | log loss |\n|---|---|---|---|---|---|\n",
    );
    let row = |name: &str, evaluation: &Evaluation| {
        let (figures, change) = (evaluation.report().all, Change::between(&judges.fitted, evaluation));
        let loss = figures
            .log_loss
            .map_or_else(|| "-".to_owned(), |Measure { value, low, high }| format!("{value:.4} ({low:.4}-{high:.4})"));
        let short = |measure| points(measure).replace(" points", "");
        format!(
            "| {name} | {} | {} | {} | {} | {loss} |\n",
            stats::percent(figures.caught_spam, 2),
            short(change.caught_spam),
            stats::percent(figures.blocked_ham, 2),
            short(change.blocked_ham)
        )
    };
    said.push_str(&row("nothing", &judges.fitted));
    for (family, evaluation) in Family::ALL.iter().zip(&judges.without) {
        said.push_str(&row(family.as_str(), evaluation));
    }
    said.push_str(&row("all rules", &judges.bayes));
    said
}

fn as_json(trial: &RuleTrial, args: &Args) -> Value {
    let of = |judges: &Judges| {
        let without: serde_json::Map<String, Value> = Family::ALL
            .iter()
            .zip(&judges.without)
            .filter(|_| args.ablation)
            .map(|(family, evaluation)| {
                let change = Change::between(&judges.fitted, evaluation);
                (family.as_str().to_owned(), json!({"figures": evaluation.report().all, "change": change}))
            })
            .collect();
        json!({
            "classifier": judges.bayes.report(),
            "hand": judges.hand.report(),
            "fitted": judges.fitted.report(),
            "hand_against_classifier": Change::between(&judges.bayes, &judges.hand),
            "fitted_against_classifier": Change::between(&judges.bayes, &judges.fitted),
            "fitted_against_hand": Change::between(&judges.hand, &judges.fitted),
            "without": without,
        })
    };
    let rules: Vec<Value> = trial
        .rules
        .iter()
        .map(|rule| json!({"hand": rule.hand, "fitted": rule.weight, "kept": rule.is_kept, "stats": rule.stats}))
        .collect();
    let lines: Vec<Value> =
        trial.lines.iter().map(|line| json!({"intercept": line.intercept, "slope": line.slope})).collect();
    json!({
        "rules": rules,
        "folds": lines,
        "cross_fitted": of(&trial.cross_fitted),
        "measured": trial.measured.as_ref().map(of),
        "out": args.out,
    })
}
