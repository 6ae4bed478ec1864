//! `hamlet queue`: what waits, what was given up, and what becomes of it.

mod status;

use std::io::Write as _;

use clap::{ArgGroup, Args, Subcommand};

use super::screen::{self, Output};
use crate::daemon::timing;
use crate::store::{DeadLetter, JobId, Store};

/// See what waits; retry or purge what was given up.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  hamlet queue status")]
pub enum Command {
    /// Count what waits and what was given up.
    #[command(after_help = "Examples:\n  hamlet queue status --watch\n  hamlet queue status --json")]
    Status {
        /// Look again every second, until Ctrl-C.
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        output: Output,
    },
    /// List dead letters, newest first.
    #[command(after_help = "Example:\n  hamlet queue dead --limit 5")]
    Dead {
        /// How many at most.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Make dead letters due again, with their attempts counted from zero.
    #[command(after_help = "Examples:\n  hamlet queue retry 17\n  hamlet queue retry --all")]
    Retry {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        output: Output,
    },
    /// Forget dead letters; a comment that was never decided stays.
    #[command(after_help = "Examples:\n  hamlet queue purge 17 --yes\n  hamlet queue purge --all --yes")]
    Purge {
        #[command(flatten)]
        which: Which,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        output: Output,
    },
}

/// One dead letter or all.
#[derive(Args, Clone, Copy, Debug)]
#[command(group(ArgGroup::new("which").required(true)))]
pub struct Which {
    /// Number of the job, as `hamlet queue dead` shows it.
    #[arg(group = "which", value_name = "JOB")]
    job: Option<i64>,
    /// All dead letters.
    #[arg(long, group = "which")]
    all: bool,
}

impl Command {
    pub(super) async fn run(&self, store: &dyn Store) -> anyhow::Result<()> {
        let now = timing::now(store).await?;
        match self {
            Command::Status { watch, output } => status::run(store, output.json, *watch).await,
            Command::Dead { limit, output } => {
                let letters = store.dead_letters(*limit).await?;
                if output.json {
                    return Ok(screen::json(&letters)?);
                }
                let rows: Vec<_> = letters.iter().map(row).collect();
                Ok(screen::table(&["JOB", "KIND", "SITE", "ABOUT", "ATTEMPTS", "DIED AT", "LAST ERROR"], &rows)?)
            }
            Command::Retry { which, output } => {
                done(store.retry_dead(which.job.map(JobId), now).await?, *which, "retried", *output)
            }
            Command::Purge { which, yes, output } => {
                let what = which.job.map_or("forget all dead letters".to_owned(), |job| format!("forget job {job}"));
                screen::confirm(&what, *yes)?;
                done(store.purge_dead(which.job.map(JobId)).await?, *which, "purged", *output)
            }
        }
    }
}

fn row(letter: &DeadLetter) -> Vec<String> {
    let comment = letter.comment.map(|id| id.to_string());
    let about = letter.endpoint.clone().or(comment).unwrap_or_default();
    vec![
        letter.job.to_string(),
        letter.kind.to_owned(),
        letter.site.to_string(),
        about,
        letter.attempts.to_string(),
        format!("{:.0}", letter.died_at),
        screen::foreign(&letter.last_error, 100),
    ]
}

fn done(count: u64, which: Which, verb: &str, output: Output) -> anyhow::Result<()> {
    if let (0, Some(job)) = (count, which.job) {
        anyhow::bail!("there is no dead letter {job}; `hamlet queue dead` lists them");
    }
    if output.json {
        return Ok(screen::json(&serde_json::json!({ verb: count }))?);
    }
    Ok(writeln!(screen::out(), "{count} dead letter{} {verb}.", if count == 1 { "" } else { "s" })?)
}
