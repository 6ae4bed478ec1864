//! `hamlet rules`: the symptoms that are looked for, and what each weighs here.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;

use super::screen::{self, Output};
use crate::config::Config;
use crate::rules::{RuleSet, Weighed};

/// List the heuristic rules and what each weighs.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  hamlet rules list")]
pub enum Command {
    /// List all rules with their weights in nats.
    #[command(after_help = "Example:\n  hamlet rules list --json")]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show one rule.
    #[command(after_help = "Example:\n  hamlet rules show URL_SHORTENER")]
    Show {
        symbol: String,
        #[command(flatten)]
        output: Output,
    },
}

/// A rule as it is printed.
#[derive(Serialize)]
struct Shown<'a> {
    symbol: &'a str,
    family: &'static str,
    weight: f64,
    says: &'a str,
    /// What a composite is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<&'a str>,
}

impl<'a> From<Weighed<'a>> for Shown<'a> {
    fn from(Weighed { rule, weight }: Weighed<'a>) -> Shown<'a> {
        Shown { symbol: rule.symbol, family: rule.family.as_str(), weight, says: rule.says, when: rule.when }
    }
}

impl Command {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<()> {
        let rules = in_force(config)?;
        match self {
            Command::List { output } => {
                let shown: Vec<Shown<'_>> = rules.iter().map(Shown::from).collect();
                if output.json {
                    return Ok(screen::json(&shown)?);
                }
                let row = |rule: &Shown<'_>| {
                    let weight = format!("{:>+6.2}", rule.weight);
                    vec![rule.symbol.to_owned(), rule.family.to_owned(), weight, rule.says.to_owned()]
                };
                let rows: Vec<_> = shown.iter().map(row).collect();
                Ok(screen::table(&["SYMBOL", "FAMILY", "WEIGHT", "SAYS"], &rows)?)
            }
            Command::Show { symbol, output } => {
                let named = |weighed: &Weighed<'_>| weighed.rule.symbol.eq_ignore_ascii_case(symbol);
                let weighed = rules.iter().find(named).with_context(|| unknown(&rules, symbol))?;
                let cap = rules.cap(weighed.rule.family);
                let rule = Shown::from(weighed);
                if output.json {
                    return Ok(screen::json(&rule)?);
                }
                let mut out = screen::out();
                writeln!(out, "symbol  {}", rule.symbol)?;
                writeln!(out, "says    {}", rule.says)?;
                if let Some(when) = rule.when {
                    writeln!(out, "when    {when}")?;
                }
                writeln!(out, "weight  {:+} nats: the odds of spam times {:.2}", rule.weight, rule.weight.exp())?;
                Ok(writeln!(out, "family  {}: together ±{cap} nats at most", rule.family)?)
            }
        }
    }
}

/// The rules with the weights that the settings ask for.
pub(super) fn in_force(config: &Config) -> anyhow::Result<RuleSet> {
    let Some(file) = config.rules.file.as_deref() else { return Ok(RuleSet::embedded()) };
    let text = std::fs::read_to_string(file).with_context(|| unreadable(file))?;
    Ok(RuleSet::parse(&text, &file.display().to_string())?)
}

fn unreadable(file: &Path) -> String {
    format!("{} cannot be read (it is named by `rules.file`)", file.display())
}

fn unknown(rules: &RuleSet, symbol: &str) -> String {
    let likeness = |candidate: &str| strsim::jaro_winkler(candidate, &symbol.to_ascii_uppercase());
    let symbols = rules.iter().map(|weighed| weighed.rule.symbol);
    let near = symbols.max_by(|left, right| likeness(left).total_cmp(&likeness(right))).unwrap_or_default();
    format!("there is no rule `{symbol}`; did you mean `{near}`?")
}
