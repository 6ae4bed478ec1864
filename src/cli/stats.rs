//! `hamlet site stats`: what happened to a site's comments.

use std::io::Write as _;

use clap::Args;

use super::screen::{self, Output};
use super::{Usage, site_named};
use crate::clock::Clock;
use crate::statistics::{Day, Kind, Named, Report, Totals};
use crate::store::Store;
use crate::verdict::Share;

/// Days that are told of when nobody says which, the present one included.
const DAYS: i64 = 30;
/// Symbols and languages that are printed.
const RANKED: usize = 15;
/// Columns of the widest bar.
const BAR: u64 = 24;

/// Which site and days.
#[derive(Args, Clone, Debug)]
pub struct Asked {
    name: String,
    /// The first day, UTC [default: 29 days before the last]
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// The last day, UTC [default: today]
    #[arg(long, value_name = "DAY")]
    to: Option<Day>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(store: &dyn Store, asked: &Asked) -> anyhow::Result<()> {
    let site = site_named(store, &asked.name).await?;
    let to = asked.to.unwrap_or_else(|| Day::of(Clock::System.now()));
    let from = asked.from.unwrap_or_else(|| to.days_before(DAYS - 1));
    if from > to {
        return Err(Usage(format!("--from {from} lies after --to {to}")).into());
    }
    let kinds = [Kind::Decision, Kind::Mistake, Kind::Symbol, Kind::Language];
    let report = Report::of(&store.statistics(Some(site.id), &kinds, from, to).await?, from, to);
    if asked.output.json {
        return Ok(screen::json(&report)?);
    }
    writeln!(screen::out(), "Site `{}`, {from} to {to}, by the day on which a comment came (UTC)\n", site.name)?;
    if report.totals.checked == 0 {
        return Ok(writeln!(screen::out(), "Nothing was checked.")?);
    }
    days(&report)?;
    if let Some(budget) = &site.policy.budget {
        writeln!(screen::out(), "\n{}", against(&report.totals, budget.max_blocked_ham))?;
    }
    ranked("SYMBOL", &report.symbols, &report.totals)?;
    ranked("LANGUAGE", &report.languages, &report.totals)
}

fn days(report: &Report) -> anyhow::Result<()> {
    let most = report.days.iter().map(|day| day.totals.checked).max().unwrap_or(1).max(1);
    let row = |label: String, totals: &Totals, bar: String| {
        let Totals { checked, approved, held, spam, discarded, missed_spam, false_positives } = totals;
        let numbers = [checked, approved, held, spam, discarded, missed_spam, false_positives];
        let numbers = numbers.into_iter().map(|number| format!("{number:>8}"));
        std::iter::once(label).chain(numbers).chain([bar]).collect::<Vec<_>>()
    };
    let mut rows: Vec<_> = report
        .days
        .iter()
        .map(|day| row(day.day.to_string(), &day.totals, bar(day.totals.checked, day.totals.approved, most)))
        .collect();
    rows.push(row("all".to_owned(), &report.totals, String::new()));
    let heading =
        ["DAY", " CHECKED", "APPROVED", "    HELD", "    SPAM", " DISCARD", "  MISSED", "   WRONG", "▒ kept out"];
    Ok(screen::table(&heading, &rows)?)
}

/// What labels and approvals showed of the budget, so far.
fn against(totals: &Totals, budget: Share) -> String {
    let blocked = totals.false_positives;
    let ham = totals.approved.saturating_sub(totals.missed_spam) + blocked;
    #[expect(clippy::cast_precision_loss, reason = "a percentage with two decimals")]
    let share = 100.0 * blocked as f64 / ham.max(1) as f64;
    format!("Blocked ham, as far as labels show: {blocked} of {ham} ({share:.2} %); the budget is {budget}.")
}

/// `████▒▒`: what was approved and what was not, to the scale of the busiest day.
fn bar(checked: u64, approved: u64, most: u64) -> String {
    let columns = |count: u64| usize::try_from((count * BAR).div_ceil(most)).unwrap_or(0);
    let all = columns(checked);
    let let_through = columns(approved).min(all);
    format!("{}{}", "█".repeat(let_through), "▒".repeat(all - let_through))
}

fn ranked(heading: &str, named: &[Named], totals: &Totals) -> anyhow::Result<()> {
    writeln!(screen::out())?;
    let row = |one: &Named| {
        #[expect(clippy::cast_precision_loss, reason = "a percentage with one decimal")]
        let share = 100.0 * one.count as f64 / totals.checked.max(1) as f64;
        vec![one.name.clone(), format!("{:>8}", one.count), format!("{share:>5.1} %")]
    };
    let rows: Vec<_> = named.iter().take(RANKED).map(row).collect();
    screen::table(&[heading, "COMMENTS", "  SHARE"], &rows)?;
    if let Some(left) = named.len().checked_sub(RANKED).filter(|left| *left > 0) {
        writeln!(screen::out(), "and {left} more; --json prints all")?;
    }
    Ok(())
}
