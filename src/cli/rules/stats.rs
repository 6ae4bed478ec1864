//! `hamlet rules list --stats`: how often each rule fires in labelled comments.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use super::labelled::{LabelledArgs, grouped};
use crate::cli::{screen, whole_file};
use crate::rules::{Family, RuleSet};
use crate::training::interval::Measure;
use crate::training::rule_measured;
use crate::training::rule_stats::{Probe, RuleStats, Stats};

/// Measures, prints, and writes the table if asked to.
///
/// # Errors
/// A sentence with the mend, when a dump cannot be read or the file not be written.
pub(super) fn run(
    labelled: &LabelledArgs,
    rules: &RuleSet,
    file: Option<&PathBuf>,
    as_json: bool,
) -> anyhow::Result<()> {
    let (probe, mut stats) = (Probe::of(rules), Stats::default());
    let dumps = labelled.read(&probe, |read| stats.add(&read.probed, read.example.label))?;
    let comments = stats.comments();
    let mut told = stats.finish(&probe);
    if let Some(file) = file {
        let text = rule_measured::written(&told, comments, &dumps, &command(labelled, file));
        whole_file::write(file, text.as_bytes()).with_context(|| format!("{} could not be written", file.display()))?;
    }
    // The sort is stable: within a family the order of the list stays.
    told.sort_by_key(|stats| Family::ALL.iter().position(|family| family.as_str() == stats.family));
    if as_json {
        return Ok(screen::json(&json!({"dumps": dumps, "comments": comments, "rules": told}))?);
    }
    let weight =
        |symbol: &str| rules.iter().find(|weighed| weighed.rule.symbol == symbol).map(|weighed| weighed.weight);
    let rows: Vec<Vec<String>> = told
        .iter()
        .map(|stats| {
            let weight = weight(&stats.symbol).map(|weight| format!("{weight:>+6.2}")).unwrap_or_default();
            let mut row = vec![stats.symbol.clone(), stats.family.to_owned(), weight];
            row.extend(cells(stats));
            row
        })
        .collect();
    screen::table(
        &[
            "SYMBOL",
            "FAMILY",
            "WEIGHT",
            "SPAM",
            "HAM",
            "PRECISION %",
            "SPAM HIT %",
            "HAM HIT %",
            "LIKELIER",
            "NOT EVALUATED",
        ],
        &rows,
    )?;
    let note = format!(
        "\n{} spam and {} ham. SPAM, HAM: comments hit. In brackets 95 % intervals; the upper end of HAM HIT is the most ham\n\
         that the rule may be expected to speak against. LIKELIER: how much likelier in spam than in ham.",
        grouped(comments.spam),
        grouped(comments.ham)
    );
    Ok(screen::line(&note)?)
}

/// From the hits on: what is told of a rule.
fn cells(stats: &RuleStats) -> Vec<String> {
    let count = stats.count;
    if count.of.sum() == 0 {
        return vec!["no data".to_owned()];
    }
    vec![
        format!("{:>6}", grouped(count.hits.spam)),
        format!("{:>6}", grouped(count.hits.ham)),
        percent(stats.precision, 1),
        percent(stats.spam_hit, 2),
        percent(stats.ham_hit, 2),
        stats.likelihood_ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:>8.1}")),
        format!("{:.0} %", 100.0 * stats.not_evaluated),
    ]
}

/// A share in per cent with its interval.
pub(super) fn percent(measure: Option<Measure>, digits: usize) -> String {
    measure.map_or_else(
        || "-".to_owned(),
        |Measure { value, low, high }| {
            let [value, low, high] = [value, low, high].map(|share| 100.0 * share);
            format!("{value:.digits$} ({low:.digits$}-{high:.digits$})")
        },
    )
}

/// The command that makes the table anew, without folders.
fn command(labelled: &LabelledArgs, file: &Path) -> String {
    let what = match &labelled.recipe {
        Some(recipe) => format!("--recipe {} --data DATA", recipe.display()),
        None => "DUMP…".to_owned(),
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!("hamlet rules list --stats {what} --write config/{name}")
}
