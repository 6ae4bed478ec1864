//! `hamlet doctor`: is this installation in order?
//!
//! Owns the order of the checks, how a finding is told, and the exit code. What is looked at is in the parts, a file per
//! subject; none of them changes anything, so that it may be run beside a daemon at any time.

mod clock;
mod comments;
mod daemon;
mod endpoints;
mod folder;
mod model;
mod settings;
mod store;
mod unit;

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use anyhow::bail;
use serde::Serialize;

use super::screen::{self, Output};
use super::{Places, open_store, runtime};
use crate::clock::Clock;
use crate::config::Config;

/// Check this installation: settings, store, clock, model, endpoints, what the CMS sends, the daemon, permissions.
///
/// Each finding says the fact and, where something is wrong, the mend. Nothing is changed. The exit code is 1 when there
/// is an error, else 0.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  hamlet doctor
  hamlet doctor --data-dir /var/lib/hamlet --json
  hamlet doctor --deep")]
pub struct Args {
    /// Read the whole store for damage, however large it is.
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    output: Output,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    /// It works, but not as well as it could, or not for long.
    Warning,
    /// Something does not work, or is open to others.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    level: Level,
    fact: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// What one subject's checks add to.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, check: &'static str, fact: impl Into<String>) {
        self.0.push(Finding { check, level: Level::Ok, fact: fact.into(), mend: None });
    }

    fn warning(&mut self, check: &'static str, fact: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { check, level: Level::Warning, fact: fact.into(), mend: Some(mend.into()) });
    }

    fn error(&mut self, check: &'static str, fact: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { check, level: Level::Error, fact: fact.into(), mend: Some(mend.into()) });
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }
}

pub(super) fn run(places: &Places, args: &Args) -> anyhow::Result<()> {
    let mut findings = Findings::default();
    match places.config(&[]) {
        Ok(config) => {
            settings::check(&mut findings, &config);
            runtime()?.block_on(examine(&mut findings, &config, args.deep));
        }
        Err(error) => findings.error(
            "settings",
            error.to_string(),
            "mend it; nothing else can be looked at before. `hamlet config show --defaults` is the manual",
        ),
    }
    unit::check(&mut findings);
    if args.output.json {
        screen::json(&findings.0)?;
    } else {
        told(&findings)?;
    }
    match findings.count(Level::Error) {
        0 => Ok(()),
        1 => bail!("1 error was found"),
        errors => bail!("{errors} errors were found"),
    }
}

async fn examine(findings: &mut Findings, config: &Config, deep: bool) {
    let now = Clock::System.now();
    folder::check(findings, &config.data_dir);
    let answered = daemon::check(findings, config);
    if let Some(served_at) = answered {
        clock::against_daemon(findings, served_at, Clock::System.now());
    }
    if !store::may_be_opened(findings, config, deep).await {
        return;
    }
    let store = match open_store(config).await {
        Ok(store) => store,
        Err(error) => return findings.error("store", error.to_string(), "nothing is kept until that is mended"),
    };
    store::check(findings, store.as_ref(), answered.is_some(), now).await;
    let asked = async {
        settings::countries(findings, store.as_ref(), config).await?;
        model::check(findings, store.as_ref(), config, now).await?;
        endpoints::check(findings, store.as_ref(), config).await?;
        let recent = comments::recent(store.as_ref()).await?;
        clock::against_store(findings, store.as_ref(), &recent, &Clock::System).await?;
        comments::check(findings, &recent);
        Ok::<_, crate::store::StoreError>(())
    };
    if let Err(error) = asked.await {
        findings.error(
            "store",
            error.to_string(),
            "what was not looked at may be wrong, too; `hamlet doctor --deep` reads all",
        );
    }
    store.close().await;
}

/// One line for each finding, its mend below it; a sum at the end.
fn told(findings: &Findings) -> anyhow::Result<()> {
    let mut out = screen::out();
    for Finding { check, level, fact, mend } in &findings.0 {
        let (word, colour) = match level {
            Level::Ok => ("ok", AnsiColor::Green),
            Level::Warning => ("warning", AnsiColor::Yellow),
            Level::Error => ("error", AnsiColor::Red),
        };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        writeln!(out, "{style}{word:<8}{style:#} {check:<10} {fact}")?;
        if let Some(mend) = mend {
            writeln!(out, "{:20}→ {mend}", "")?;
        }
    }
    let [ok, warnings, errors] = [Level::Ok, Level::Warning, Level::Error].map(|level| findings.count(level));
    Ok(writeln!(out, "\n{ok} in order, {warnings} to look at, {errors} wrong.")?)
}

/// Some 1,536 bytes as `1.5 KiB`.
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut step = 0;
    #[expect(clippy::cast_precision_loss, reason = "a figure of two digits")]
    let mut amount = count as f64;
    while amount >= 1024.0 && step + 1 < UNITS.len() {
        amount /= 1024.0;
        step += 1;
    }
    let unit = UNITS.get(step).copied().unwrap_or_default();
    if step == 0 { format!("{count} {unit}") } else { format!("{amount:.1} {unit}") }
}

/// A number of seconds as people say it.
fn lasting(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} minutes", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} hours", s / 3_600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_told_in_a_unit_that_fits() {
        assert_eq!([0, 1023, 1536, 5 << 30].map(bytes), ["0 bytes", "1023 bytes", "1.5 KiB", "5.0 GiB"]);
        assert_eq!([5.2, 600.0, 7_200.0, 864_000.0].map(lasting), ["5 s", "10 minutes", "2 hours", "10 days"]);
    }
}
