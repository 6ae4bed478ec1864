//! `hamlet rules`: the symptoms that are looked for, what each weighs here, how often it was met, and what it should weigh.

mod fit;
mod labelled;
mod overlay;
mod stats;
mod test;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;

use super::Usage;
use super::screen::{self, Output};
use crate::config::Config;
use crate::rules::{RuleSet, Weighed};
use crate::training::interval::wilson;
use crate::training::rule_measured::Measured;
use crate::training::rule_stats::Count;
use labelled::{LabelledArgs, grouped};

/// List the heuristic rules and what each weighs, test them, and fit their weights.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  hamlet rules list
  hamlet rules test 'cheap watches https://bit.ly/x'
  hamlet rules fit dump.jsonl.gz --out my-rules.toml")]
pub enum Command {
    /// List all rules with their weights in nats, and the share of spam and ham that each hit where it was measured.
    ///
    /// Near-copies are counted once in all intervals. With --stats the rules are measured on labelled dumps of your own.
    #[command(after_help = "Examples:
  hamlet rules list --json
  hamlet rules list --stats dump.jsonl.gz")]
    List {
        /// Measure the rules on labelled dumps: hits, precision, ham hit, likelihood ratio
        #[arg(long)]
        stats: bool,
        #[command(flatten)]
        labelled: Box<LabelledArgs>,
        /// With --stats, write the counts to this file, as config/rules-measured.toml has them
        #[arg(long, value_name = "FILE", requires = "stats")]
        write: Option<PathBuf>,
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
    Test(test::Args),
    Fit(Box<fit::Args>),
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
    /// What it hit where it was measured; `None` where no data could tell.
    measured: Option<Count>,
}

impl<'a> From<Weighed<'a>> for Shown<'a> {
    fn from(Weighed { rule, weight }: Weighed<'a>) -> Shown<'a> {
        let measured = Measured::embedded().of(rule.symbol);
        Shown { symbol: rule.symbol, family: rule.family.as_str(), weight, says: rule.says, when: rule.when, measured }
    }
}

impl Shown<'_> {
    /// Shares of spam and ham that it hit.
    fn shares(&self) -> [String; 2] {
        #[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
        let share = |hits: u64, of: u64| {
            if of == 0 { "-".to_owned() } else { format!("{:>6.2} %", 100.0 * hits as f64 / of as f64) }
        };
        match self.measured {
            None => ["no data".to_owned(), "no data".to_owned()],
            Some(Count { hits, of }) => [share(hits.spam, of.spam), share(hits.ham, of.ham)],
        }
    }
}

impl Command {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<()> {
        let rules = in_force(config)?;
        match self {
            Command::Test(args) => test::run(args, &rules, config.http.body_bytes),
            Command::Fit(args) => fit::run(args, &rules),
            Command::List { stats: true, labelled, write, output } => {
                stats::run(labelled, &rules, write.as_ref(), output.json)
            }
            Command::List { labelled, output, .. } => {
                if !labelled.is_empty() {
                    return Err(Usage("dumps are measured with --stats".to_owned()).into());
                }
                let shown: Vec<Shown<'_>> = rules.iter().map(Shown::from).collect();
                if output.json {
                    return Ok(screen::json(&shown)?);
                }
                let row = |rule: &Shown<'_>| {
                    let weight = format!("{:>+6.2}", rule.weight);
                    let [spam, ham] = rule.shares();
                    vec![rule.symbol.to_owned(), rule.family.to_owned(), weight, spam, ham, rule.says.to_owned()]
                };
                let rows: Vec<_> = shown.iter().map(row).collect();
                Ok(screen::table(&["SYMBOL", "FAMILY", "WEIGHT", "SPAM HIT", "HAM HIT", "SAYS"], &rows)?)
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
                writeln!(out, "family  {}: together ±{cap} nats at most", rule.family)?;
                write!(out, "{}", measured(&rule))?;
                Ok(out.flush()?)
            }
        }
    }
}

/// What the rule hit in the data that it was measured on, with 95 % intervals.
#[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
fn measured(rule: &Shown) -> String {
    let Some(Count { hits, of }) = rule.measured else {
        return "hit     no data: in no comment that rules were measured on was there anything for it to look at\n"
            .to_owned();
    };
    let share = |part: u64, whole: u64| stats::percent(wilson(part as f64, whole as f64, whole as f64), 2);
    let part = |part: u64, whole: u64| format!("{} of {}: {} %", grouped(part), grouped(whole), share(part, whole));
    format!(
        "hit     spam  {}\n        ham   {}\n        precision  {} %\n",
        part(hits.spam, of.spam),
        part(hits.ham, of.ham),
        share(hits.spam, hits.sum())
    )
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
