//! `hamlet queue status`: readable at a glance, once or every second.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::cli::screen;
use crate::daemon::timing;
use crate::store::{QueueStatus, Store};

/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(1);
/// Columns of a bar; each power of ten has a fifth of them.
const BAR: usize = 30;
/// A job that is due for longer is late: somebody should work on it at once.
const LATE: f64 = 5.0;
/// One that is due for longer than this shows that nobody works, or not fast enough.
const VERY_LATE: f64 = 60.0;

pub(super) async fn run(store: &dyn Store, json: bool, watch: bool) -> anyhow::Result<()> {
    let is_screen = watch && !json && std::io::stdout().is_terminal();
    let mut before: Option<QueueStatus> = None;
    loop {
        let status = store.queue_status(timing::now(store).await?).await?;
        if json {
            screen::json(&status)?;
        } else {
            let mut out = screen::out();
            if is_screen {
                write!(out, "\u{1b}[H\u{1b}[J")?;
            }
            for line in lines(&status, before.as_ref()) {
                writeln!(out, "{line}")?;
            }
            out.flush()?;
        }
        if !watch {
            return Ok(());
        }
        before = Some(status);
        tokio::time::sleep(EVERY).await;
    }
}

/// A line for each thing that waits, and one on how it goes.
fn lines(status: &QueueStatus, before: Option<&QueueStatus>) -> Vec<String> {
    let QueueStatus { decisions, deliveries, dead_decisions, dead_deliveries, .. } = *status;
    let change = |now: u64, then: fn(&QueueStatus) -> u64| {
        let Some(before) = before else { return String::new() };
        match (now, then(before)) {
            (now, then) if now > then => format!(" +{}/s", now - then),
            (now, then) if now < then => format!(" -{}/s", then - now),
            _ => String::new(),
        }
    };
    let wait = |seconds: Option<f64>| if seconds.unwrap_or(0.0) > LATE { AnsiColor::Red } else { AnsiColor::Yellow };
    let row = |what: &str, count: u64, colour: AnsiColor, change: String| {
        let colour = if count == 0 { AnsiColor::Green } else { colour };
        let style = Style::new().fg_color(Some(colour.into()));
        let bar = "█".repeat(columns(count));
        let space = if bar.is_empty() && change.is_empty() { "" } else { "  " };
        format!("{what:<32} {style}{count:>10}{space}{bar}{style:#}{change}")
    };
    let mut lines = vec![
        row(
            "comments waiting for a verdict",
            decisions,
            wait(status.oldest_decision_seconds),
            change(decisions, |s| s.decisions),
        ),
        row("messages waiting to be sent", deliveries, AnsiColor::Yellow, change(deliveries, |s| s.deliveries)),
        row("dead letters, comments", dead_decisions, AnsiColor::Red, change(dead_decisions, |s| s.dead_decisions)),
        row("dead letters, messages", dead_deliveries, AnsiColor::Red, change(dead_deliveries, |s| s.dead_deliveries)),
    ];
    let (colour, word) = match status.oldest_due_seconds {
        None => (AnsiColor::Green, "nothing is due".to_owned()),
        Some(age) if age > VERY_LATE => (
            AnsiColor::Red,
            format!("the oldest has been due for {age:.0} s: does a daemon run? `hamlet doctor` looks"),
        ),
        Some(age) if age > LATE => (AnsiColor::Yellow, format!("the oldest has been due for {age:.1} s")),
        Some(age) => (AnsiColor::Green, format!("the oldest has been due for {age:.1} s")),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    lines.push(format!("{style}{word}{style:#}"));
    if dead_decisions + dead_deliveries > 0 {
        lines.push("`hamlet queue dead` lists what was given up, `hamlet queue retry --all` tries again".to_owned());
    }
    lines
}

/// The length of a bar: 5 columns for each power of ten, because a queue of ten and one of ten thousand are both to be seen.
fn columns(count: u64) -> usize {
    let digits = usize::try_from(count.checked_ilog10().map_or(0, |digits| digits + 1)).unwrap_or(0);
    let power = 10_u64.saturating_pow(u32::try_from(digits.saturating_sub(1)).unwrap_or(0));
    let within = usize::try_from(count.checked_div(power).unwrap_or(0) / 2).unwrap_or(0);
    if count == 0 { 0 } else { (5 * (digits - 1) + within.max(1)).min(BAR) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_with_the_count_and_ends() {
        assert_eq!([0, 1, 3, 9, 10, 99, 100, 10_000, u64::MAX].map(columns), [0, 1, 1, 4, 6, 9, 11, 21, BAR]);
        let counts = (0..2_000_000_u64).step_by(997).map(columns).collect::<Vec<_>>();
        assert!(counts.is_sorted(), "longer is more");
    }

    #[test]
    fn what_waits_is_told_with_how_fast_it_changes() {
        let status = QueueStatus { decisions: 40, dead_deliveries: 2, ..QueueStatus::default() };
        let before = QueueStatus { decisions: 30, ..QueueStatus::default() };
        let told = lines(&status, Some(&before)).join("\n");
        let plain = anstream::adapter::strip_str(&told).to_string();
        assert!(plain.contains("comments waiting for a verdict           40  ███████ +10/s"), "{plain}");
        assert!(plain.contains("nothing is due") && plain.contains("hamlet queue dead"), "{plain}");
    }
}
