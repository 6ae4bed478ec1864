//! Training by itself: when enough was labelled, or on a schedule, `hamlet train --labels` runs as a process of its own.
//!
//! Of several daemons that would train for one store one does, as long as it lives; if it goes, the next takes over.
//!
//! Owns when a training starts, how its end is told, and that a failure is not repeated at once. Does not own what a
//! training does (`cli::train`) nor whether its model serves (`training::promotion`): the child writes to the store, and
//! the daemon follows that as it follows any command beside it.

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::config::{Config, Training};
use crate::pipeline::{Duty, Pipeline, TERM};
use crate::store::NewLabels;

/// How often is looked whether a training is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The wait after a failure doubles so often.
const DOUBLINGS: u32 = 6;
/// Lines of a training's complaints that are logged.
const LOGGED_LINES: usize = 20;
/// Where a log line is cut, in bytes.
const LINE_BYTES: usize = 400;

/// What starts a training: this program, on the same store.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
    /// Flags that name the places.
    places: Vec<String>,
}

impl Program {
    /// The program as it lies on the disk now; an update put in its place is what runs from then on.
    pub(super) fn of(config: &Config) -> Program {
        let mut places = vec!["--data-dir".to_owned(), config.data_dir.display().to_string()];
        places.extend(["--store".to_owned(), config.store.url.clone()]);
        if let Some(file) = config.file() {
            places.extend(["--config".to_owned(), file.display().to_string()]);
        }
        // Where the system does not say it, the one that is found by its name.
        let path = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("hamlet"));
        Program { path, places }
    }

    fn command(&self, settings: &Training) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("train").arg("--labels").arg("--json").args(&self.places);
        command.args(["--nice", &settings.nice.to_string(), "--memory-mb", &settings.memory_mb.to_string()]);
        command.arg("--").args(&settings.dumps);
        // The allocator else asks for a gigabyte at once, most of which it never writes to: the bound would count it.
        command.env("MIMALLOC_ARENA_EAGER_COMMIT", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

/// How a training ended.
#[derive(Debug, PartialEq)]
enum Ended {
    /// Its model serves.
    Promoted,
    /// It made a model that was no better.
    NotPromoted,
    Failed(String),
    Killed(String),
}

impl Ended {
    fn word(&self) -> &'static str {
        match self {
            Ended::Promoted => "promoted",
            Ended::NotPromoted => "not_promoted",
            Ended::Failed(_) => "failed",
            Ended::Killed(_) => "killed",
        }
    }
}

/// What is remembered of trainings between two looks.
#[derive(Debug, Default)]
struct Past {
    /// When the last one that made a model began. The store need not show it: the same model again is the model of before.
    done: Option<Timestamp>,
    /// Failures since, and when the last of them ended.
    failures: u32,
    failed_at: Option<Timestamp>,
}

impl Past {
    /// Whether it is too early to try again after a failure.
    fn is_waiting(&self, retry: Duration, now: Timestamp) -> bool {
        let wait = retry * 2u32.pow(self.failures.saturating_sub(1).min(DOUBLINGS));
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        self.failed_at.is_some_and(|at| now.duration_since(at).abs() < wait)
    }
}

/// Trains when it is due, one training at a time, until it is stopped; a training under way is ended then.
pub(super) async fn train(
    pipeline: Arc<Pipeline>,
    program: Program,
    settings: watch::Receiver<Training>,
    mut stop: watch::Receiver<bool>,
) {
    let mut past = Past::default();
    let mut duty = Duty::new(&pipeline, "training");
    loop {
        let wanted = settings.borrow().clone();
        let started = pipeline.clock.now();
        if is_off(&wanted) {
            duty.give_back().await;
        } else if duty.is_ours().await && is_time(&pipeline, &wanted, &past, started).await {
            tracing::info!("a training begins");
            let Some(ended) = run(&program, &wanted, &mut duty, &mut stop).await else {
                tracing::info!("the training was ended to stop; it begins anew when it is due again");
                break;
            };
            metrics::counter!("hamlet_trainings_total", "outcome" => ended.word()).increment(1);
            past = match ended {
                Ended::Promoted | Ended::NotPromoted => Past { done: Some(started), failures: 0, failed_at: None },
                Ended::Failed(why) | Ended::Killed(why) => {
                    tracing::warn!(
                        why,
                        "the training failed; the model that serves stays, and it is tried again later"
                    );
                    Past { failures: past.failures + 1, failed_at: Some(pipeline.clock.now()), ..past }
                }
            };
        }
        if timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_ok() {
            break;
        }
    }
    duty.give_back().await;
}

fn is_off(settings: &Training) -> bool {
    settings.after_labels == 0 && settings.every.is_zero()
}

/// Returns when another daemon trains.
async fn relieved(duty: &mut Duty) {
    while duty.is_ours().await {
        sleep(TERM / 12).await;
    }
}

async fn is_time(pipeline: &Pipeline, settings: &Training, past: &Past, now: Timestamp) -> bool {
    if past.is_waiting(settings.retry, now) {
        return false;
    }
    match pipeline.store.new_labels(past.done, settings.after_labels.max(1)).await {
        Ok(labels) => is_due(settings, labels, now),
        Err(error) => {
            tracing::debug!(%error, "new labels cannot be counted now");
            false
        }
    }
}

fn is_due(settings: &Training, labels: NewLabels, now: Timestamp) -> bool {
    let enough = settings.after_labels > 0 && labels.count >= settings.after_labels;
    let every = SignedDuration::try_from(settings.every).unwrap_or(SignedDuration::MAX);
    let long_ago = labels.since.is_none_or(|since| now.duration_since(since) >= every);
    enough || (!every.is_zero() && long_ago && labels.count > 0)
}

/// Runs one training to its end; `None` when it was ended because of `stop`.
async fn run(
    program: &Program,
    settings: &Training,
    duty: &mut Duty,
    stop: &mut watch::Receiver<bool>,
) -> Option<Ended> {
    let mut child = match program.command(settings).spawn() {
        Ok(child) => child,
        Err(error) => return Some(Ended::Failed(format!("{} cannot be started: {error}", program.path.display()))),
    };
    tracing::debug!(process = child.id(), "training");
    let (out, complaints) = (child.stdout.take(), child.stderr.take());
    let ended = async { tokio::join!(child.wait(), last_line(out, false), last_line(complaints, true)) };
    let ended = tokio::select! {
        ended = ended => Ok(ended),
        () = relieved(duty) => {
            Err(Some(Ended::Killed("this daemon was not heard of for too long, and another trains now".to_owned())))
        }
        () = sleep(settings.limit) => {
            let limit = settings.limit.as_secs();
            Err(Some(Ended::Killed(format!("it took longer than `training.limit_s`, {limit} s; does it wait for a file?"))))
        }
        _ = stop.wait_for(|stop| *stop) => Err(None),
    };
    match ended {
        Ok((Ok(status), report, complaint)) => Some(judge(status, &report, complaint)),
        Ok((Err(error), ..)) => Some(Ended::Failed(error.to_string())),
        Err(ended) => {
            // What it has written so far is a transaction that never was.
            let _ = child.kill().await;
            ended
        }
    }
}

/// What the end of a training says.
fn judge(status: ExitStatus, report: &str, complaint: String) -> Ended {
    if !status.success() {
        let why = if complaint.is_empty() { status.to_string() } else { format!("{complaint} ({status})") };
        return if status.code().is_some() { Ended::Failed(why) } else { Ended::Killed(why) };
    }
    if !complaint.is_empty() {
        says(&complaint);
    }
    let report: serde_json::Value = serde_json::from_str(report).unwrap_or_default();
    let text = |key: &str| report.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let is_promoted = report.get("promoted").and_then(serde_json::Value::as_bool) == Some(true);
    tracing::info!(model = text("model"), is_promoted, reason = text("reason"), "trained");
    if is_promoted { Ended::Promoted } else { Ended::NotPromoted }
}

fn says(line: &str) {
    tracing::info!(line = line.get(..line.floor_char_boundary(LINE_BYTES)), "the training says");
}

/// Reads to the end; the last line that is not blank. Logs the first of those before it if asked to.
async fn last_line(source: Option<impl AsyncRead + Unpin>, is_logged: bool) -> String {
    let Some(source) = source else { return String::new() };
    let (mut source, mut bytes, mut last, mut logged) = (BufReader::new(source), Vec::new(), String::new(), 0);
    while source.read_until(b'\n', &mut bytes).await.is_ok_and(|read| read > 0) {
        let line = String::from_utf8_lossy(&bytes).trim().to_owned();
        bytes.clear();
        if line.is_empty() {
            continue;
        }
        // The last one is for whoever tells how it ended.
        if is_logged && !last.is_empty() && logged < LOGGED_LINES {
            logged += 1;
            says(&last);
        }
        last = line;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3600).unwrap()
    }

    fn settings(after_labels: u32, every_hours: u64) -> Training {
        Training {
            after_labels,
            every: Duration::from_secs(every_hours * 3600),
            dumps: Vec::new(),
            memory_mb: 1024,
            nice: 10,
            limit: Duration::from_secs(7_200),
            retry: Duration::from_secs(60),
        }
    }

    #[track_caller]
    fn check(after_labels: u32, every_hours: u64, since: Option<i64>, count: u32, expected: bool) {
        let labels = NewLabels { since: since.map(at), count };
        assert_eq!(is_due(&settings(after_labels, every_hours), labels, at(100)), expected, "{labels:?}");
    }

    #[test]
    fn a_training_is_due_after_labels_or_hours_and_never_without_labels() {
        check(200, 0, None, 199, false);
        check(200, 0, None, 200, true);
        check(200, 0, Some(99), 200, true);
        check(0, 24, Some(77), 1, false);
        check(0, 24, Some(76), 1, true);
        check(0, 24, Some(0), 0, false);
        check(0, 24, None, 1, true);
        check(0, 0, None, 1000, false);
        check(200, 24, Some(0), 3, true);
    }

    #[test]
    fn a_failure_is_repeated_later_and_later() {
        let waits = |failures, seconds| {
            let past = Past { failures, failed_at: Some(at(0)), done: None };
            past.is_waiting(Duration::from_secs(60), Timestamp::from_second(seconds).unwrap())
        };
        assert!(waits(1, 59) && !waits(1, 60));
        assert!(waits(3, 239) && !waits(3, 240));
        assert!(waits(7, 3839) && !waits(7, 3840));
        assert!(waits(4_000_000_000, 3839) && !waits(4_000_000_000, 3840));
        assert!(!Past::default().is_waiting(Duration::from_secs(60), at(0)));
    }
}
