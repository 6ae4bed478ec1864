//! Logs and metrics: their names and where they go.
//!
//! Owns the set-up of both, and the one list of metrics. Does not own what is logged or counted: whoever handles a
//! thing says so there, with ids and never with a comment's text or author.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::{Log, LogFormat};

/// What is counted and measured, as `GET /metrics` shows it. The only place where a metric is described.
pub const METRICS: [(&str, Kind, &str); 32] = [
    ("hamlet_build_info", Kind::Gauge, "1; the `version` that runs."),
    ("hamlet_decision_wait_seconds", Kind::Seconds, "Time from a queued comment's receipt until its verdict is kept."),
    ("hamlet_decisions_total", Kind::Counter, "Verdicts kept, by `site` and `decision`; those of people too."),
    ("hamlet_deliveries_total", Kind::Counter, "Attempts at a webhook delivery, by `outcome`."),
    ("hamlet_delivery_seconds", Kind::Seconds, "Time until an endpoint answered or was given up."),
    ("hamlet_endpoints_disabled", Kind::Gauge, "Endpoints that are told nothing until somebody enables them."),
    (
        "hamlet_history_misses_total",
        Kind::Counter,
        "Comments judged without what was seen before: the store was slow or away.",
    ),
    ("hamlet_history_seconds", Kind::Seconds, "Time until the store said what it had seen before of a comment."),
    ("hamlet_http_requests_total", Kind::Counter, "Requests answered, by `door` and class of `status`."),
    ("hamlet_http_request_seconds", Kind::Seconds, "Time from a request's head to its answer, by `door`."),
    ("hamlet_labels_total", Kind::Counter, "Labels that people gave, by `site` and `label`."),
    (
        "hamlet_lease_expiries_total",
        Kind::Counter,
        "Leases that ran out, by `work`: comments that were claimed again, results that came too late.",
    ),
    ("hamlet_lookups_total", Kind::Counter, "Questions of network rules, by `source` and `outcome`."),
    ("hamlet_lookup_seconds", Kind::Seconds, "Time until a source of network rules answered or was given up."),
    ("hamlet_mistakes_total", Kind::Counter, "What labels showed to be wrong, by `site` and `mistake`."),
    ("hamlet_model_info", Kind::Gauge, "1 for the `model` that judges, 0 for those that did before."),
    ("hamlet_muted_symbols", Kind::Gauge, "1 while a symbol that has gone mad is muted, by `site` and `symbol`."),
    (
        "hamlet_overload_refusals_total",
        Kind::Counter,
        "Requests and lines of batches answered 503 at once, by `reason`.",
    ),
    ("hamlet_queue_jobs", Kind::Gauge, "Jobs that wait or were given up, by `kind` and `state`."),
    ("hamlet_queue_oldest_seconds", Kind::Gauge, "How long the oldest job has been due: of `kind` decide, and any."),
    ("hamlet_rate_limited_total", Kind::Counter, "Requests refused for coming too often, by `limit`."),
    (
        "hamlet_remembered_total",
        Kind::Counter,
        "Comments counted in what was seen before; those of `hamlet_decisions_total` beyond it wait for that.",
    ),
    ("hamlet_store_commits_total", Kind::Counter, "Transactions committed by the store's writer."),
    ("hamlet_store_commit_seconds", Kind::Seconds, "Time that a commit took, waiting for the disk included."),
    ("hamlet_store_commit_verbs", Kind::Sizes, "Writes that share a commit."),
    ("hamlet_store_seconds", Kind::Seconds, "Time until the store answered, by kind of `verbs`."),
    ("hamlet_store_verbs_total", Kind::Counter, "Writes committed; over the commits, how many share one."),
    ("hamlet_trainings_total", Kind::Counter, "Trainings that the daemon started, by `outcome`."),
    ("hamlet_worker_panics_total", Kind::Counter, "Jobs that panicked, by `work`; each is a bug to report."),
    ("process_max_fds", Kind::Gauge, "Files and connections that the process may have open."),
    ("process_open_fds", Kind::Gauge, "Files and connections that the process has open."),
    ("process_resident_memory_bytes", Kind::Gauge, "Memory of the process that is in RAM."),
];

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A histogram of durations.
    Seconds,
    /// A histogram of counts.
    Sizes,
}

/// Upper ends of the duration histograms, seconds: judging takes microseconds, a slow endpoint half a minute.
const SECONDS: [f64; 14] = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 30.0];

/// Upper ends of the histograms of counts: a commit holds `store.commit_batch` writes at most, 256 unless it is changed.
const SIZES: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];

/// Counters that somebody is warned by, with their labels: they are shown before they first rise, because a rise from nothing
/// is not seen as one.
const FROM_ZERO: [(&str, &str, &[&str]); 3] = [
    ("hamlet_overload_refusals_total", "reason", &["age", "depth", "in_flight", "site"]),
    ("hamlet_deliveries_total", "outcome", &["dead_letter", "delivered", "disabled", "failed"]),
    ("hamlet_trainings_total", "outcome", &["failed"]),
];

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    #[error(transparent)]
    Twice(#[from] TryInitError),
    #[error("`log.format` is journald, and systemd's journal cannot be reached: {0}; say text or json")]
    Journal(#[source] std::io::Error),
}

/// Sends log lines to stderr or to systemd's journal as `log` says; `directives`, when given, are used instead of its level
/// (`RUST_LOG`).
///
/// Directives that make no sense are left out.
///
/// # Errors
/// When logging was set up before in this process, or there is no journal.
pub fn start_logging(log: &Log, directives: Option<&str>) -> Result<(), LoggingError> {
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let filter = EnvFilter::builder().parse_lossy(directives.unwrap_or(&log.level));
    if log.format == LogFormat::Journald {
        let journal = tracing_journald::layer().map_err(LoggingError::Journal)?;
        let journal = journal.with_field_prefix(Some("HAMLET".to_owned())).with_syslog_identifier("hamlet".to_owned());
        return Ok(tracing_subscriber::registry().with(filter).with(journal).try_init()?);
    }
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A collector that went away must not take the daemon along: the complaint about a lost line would go to stderr too.
    let lines = lines.log_internal_errors(false);
    if log.format == LogFormat::Json {
        return Ok(lines.json().flatten_event(true).finish().try_init()?);
    }
    // systemd's journal and files get no colours.
    Ok(lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).finish().try_init()?)
}

/// Starts counting; the handle renders what `GET /metrics` answers. Its `run_upkeep` is to be called every few seconds.
///
/// # Errors
/// When counting was started before in this process.
pub fn start_counting() -> Result<PrometheusHandle, BuildError> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let builder = builder.set_buckets_for_metric(Matcher::Suffix("_verbs".to_owned()), &SIZES)?;
    let handle = builder.install_recorder()?;
    for (name, kind, meaning) in METRICS {
        match kind {
            Kind::Counter => metrics::describe_counter!(name, meaning),
            Kind::Gauge => metrics::describe_gauge!(name, meaning),
            Kind::Seconds => metrics::describe_histogram!(name, metrics::Unit::Seconds, meaning),
            Kind::Sizes => metrics::describe_histogram!(name, meaning),
        }
    }
    metrics::counter!("hamlet_history_misses_total").increment(0);
    for (name, label, values) in FROM_ZERO {
        values.iter().for_each(|value| metrics::counter!(name, label => *value).increment(0));
    }
    Ok(handle)
}
