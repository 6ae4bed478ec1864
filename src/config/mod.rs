//! Settings, read once and checked: after [`Config::load`] no value is missing or out of range.
//!
//! Owns the shape of the settings, their ranges and how they hang together. `config/hamlet.toml` says what each means
//! and what it costs to change; `layers` says where each came from. Does not own what is done with them: the daemon
//! hands each part its own.

pub mod hooks;
mod layers;
mod network;
mod values;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use crate::site::Policy;
use hooks::Hooks;

pub use layers::{DEFAULTS, Setting, Sources};
pub use network::Network;
pub use values::{LogFormat, PrivateAddresses};

/// What is wrong with the settings, and where: one sentence that carries the mend.
#[derive(Debug, thiserror::Error)]
#[error("{origin}: {problem}")]
pub struct ConfigError {
    /// The file, environment variable or flag.
    origin: String,
    problem: String,
}

impl ConfigError {
    fn new(origin: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError { origin: origin.to_owned(), problem: problem.into() }
    }
}

/// All settings, as `config/hamlet.toml` describes them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(deserialize_with = "values::address")]
    pub listen: SocketAddr,
    /// Never empty: where `hamlet.toml` leaves it open, the environment has been asked.
    pub data_dir: PathBuf,
    pub log: Log,
    pub store: Store,
    pub http: Http,
    pub limits: Limits,
    pub akismet: Akismet,
    pub worker: Worker,
    pub webhooks: Webhooks,
    /// What a new site begins with.
    #[serde(deserialize_with = "values::policy")]
    pub policy: Policy,
    pub budget: Budget,
    pub model: Model,
    pub training: Training,
    pub rules: Rules,
    pub network: Network,
    pub lists: Lists,
    #[serde(skip)]
    sources: Sources,
    #[serde(skip)]
    settings: BTreeMap<String, Setting>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Directives of tracing's `EnvFilter`, known to parse.
    #[serde(deserialize_with = "values::directives")]
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    pub url: String,
    pub waiting_writes: usize,
    pub commit_batch: usize,
    pub readers: u32,
    pub busy_timeout_ms: u64,
    pub connections: u32,
    pub statement_timeout_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub body_bytes: usize,
    pub all_bodies_bytes: usize,
    pub header_bytes: usize,
    pub connections: usize,
    pub in_flight: usize,
    #[serde(rename = "header_timeout_ms", deserialize_with = "values::milliseconds")]
    pub header_timeout: Duration,
    #[serde(rename = "request_timeout_ms", deserialize_with = "values::milliseconds")]
    pub request_timeout: Duration,
    #[serde(rename = "drain_s", deserialize_with = "values::seconds")]
    pub drain: Duration,
}

/// What may come how often; 0 is no limit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub per_key_s: u32,
    pub per_key_burst: u32,
    pub per_address_s: u32,
    pub per_address_burst: u32,
    pub refused_keys_per_minute: u32,
    #[serde(deserialize_with = "values::networks")]
    pub trusted_proxies: Vec<IpNet>,
    pub queue_depth: u64,
    #[serde(rename = "queue_age_s", deserialize_with = "values::seconds")]
    pub queue_age: Duration,
    pub queue_site_percent: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Akismet {
    /// Lower-case host names below which a key may stand.
    #[serde(deserialize_with = "values::host_names")]
    pub hosts: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    pub decisions_at_once: usize,
    #[serde(rename = "lease_s", deserialize_with = "values::seconds")]
    pub lease: Duration,
    pub attempts: u32,
    #[serde(rename = "poll_ms", deserialize_with = "values::milliseconds")]
    pub poll: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    #[serde(rename = "timeout_ms", deserialize_with = "values::milliseconds")]
    pub timeout: Duration,
    #[serde(rename = "connect_timeout_ms", deserialize_with = "values::milliseconds")]
    pub connect_timeout: Duration,
    /// One wait before each further attempt.
    #[serde(rename = "retry_waits_s", deserialize_with = "values::list_of_seconds")]
    pub retry_waits: Vec<Duration>,
    #[serde(deserialize_with = "values::private_addresses")]
    pub allow_private_addresses: PrivateAddresses,
    pub concurrency: usize,
    pub per_endpoint: usize,
    #[serde(rename = "retry_after_max_s", deserialize_with = "values::seconds")]
    pub retry_after_max: Duration,
    #[serde(rename = "disable_after_s", deserialize_with = "values::seconds")]
    pub disable_after: Duration,
    #[serde(rename = "keep_days", deserialize_with = "values::days")]
    pub keep: Duration,
    pub answer_bytes: usize,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// `None`: the model compiled in.
    #[serde(deserialize_with = "values::optional_path")]
    pub file: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    #[serde(rename = "measure_every_s", deserialize_with = "values::seconds")]
    pub measure_every: Duration,
}

/// When and how the daemon trains by itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// 0: never.
    pub after_labels: u32,
    /// Zero: never.
    #[serde(rename = "every_hours", deserialize_with = "values::hours")]
    pub every: Duration,
    pub dumps: Vec<PathBuf>,
    pub memory_mb: u64,
    pub nice: i32,
    /// How long one may take.
    #[serde(rename = "limit_s", deserialize_with = "values::seconds")]
    pub limit: Duration,
    #[serde(rename = "retry_s", deserialize_with = "values::seconds")]
    pub retry: Duration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// `None`: the weights compiled in.
    #[serde(deserialize_with = "values::optional_path")]
    pub file: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lists {
    /// Allow and block lists for all sites, one entry a line.
    pub files: Vec<PathBuf>,
}

/// What each number may be; both ends are allowed. The upper ends keep a slip of the finger from exhausting memory.
const RANGES: [(&str, f64, f64); 44] = [
    ("store.waiting_writes", 1.0, 1_048_576.0),
    ("store.commit_batch", 1.0, 65_536.0),
    ("store.readers", 1.0, 256.0),
    ("store.busy_timeout_ms", 0.0, 600_000.0),
    ("store.connections", 3.0, 1_000.0),
    ("store.statement_timeout_ms", 100.0, 3_600_000.0),
    ("http.body_bytes", 1_024.0, 268_435_456.0),
    ("http.all_bodies_bytes", 1_024.0, 68_719_476_736.0),
    ("http.connections", 1.0, 1_048_576.0),
    ("http.header_bytes", 8_192.0, 1_048_576.0),
    ("http.in_flight", 1.0, 1_048_576.0),
    ("http.header_timeout_ms", 10.0, 600_000.0),
    ("http.request_timeout_ms", 10.0, 3_600_000.0),
    ("http.drain_s", 0.0, 3_600.0),
    ("limits.per_key_s", 0.0, 1_000_000.0),
    ("limits.per_key_burst", 1.0, 1_000_000.0),
    ("limits.per_address_s", 0.0, 1_000_000.0),
    ("limits.per_address_burst", 1.0, 1_000_000.0),
    ("limits.refused_keys_per_minute", 0.0, 1_000_000.0),
    ("limits.queue_depth", 0.0, 1_000_000_000.0),
    ("limits.queue_age_s", 0.0, 31_536_000.0),
    ("limits.queue_site_percent", 1.0, 100.0),
    ("worker.decisions_at_once", 1.0, 65_536.0),
    ("worker.lease_s", 1.0, 86_400.0),
    ("worker.attempts", 1.0, 1_000.0),
    ("worker.poll_ms", 10.0, 60_000.0),
    ("webhooks.timeout_ms", 10.0, 600_000.0),
    ("webhooks.connect_timeout_ms", 10.0, 600_000.0),
    ("webhooks.retry_waits_s", 0.0, 2_592_000.0),
    ("webhooks.concurrency", 1.0, 65_536.0),
    ("webhooks.per_endpoint", 1.0, 65_536.0),
    ("webhooks.retry_after_max_s", 0.0, 2_592_000.0),
    ("webhooks.disable_after_s", 60.0, 31_536_000.0),
    ("webhooks.keep_days", 1.0, 3_650.0),
    ("webhooks.answer_bytes", 1_024.0, 16_777_216.0),
    ("policy.hold", 0.0, 1.0),
    ("policy.spam", 0.0, 1.0),
    ("budget.measure_every_s", 1.0, 31_536_000.0),
    ("training.after_labels", 0.0, 1_000_000_000.0),
    ("training.every_hours", 0.0, 87_600.0),
    ("training.memory_mb", 64.0, 1_048_576.0),
    ("training.nice", 0.0, 19.0),
    ("training.limit_s", 1.0, 2_592_000.0),
    ("training.retry_s", 1.0, 86_400.0),
];

impl Config {
    /// Reads all places in their order and checks what they say.
    ///
    /// # Errors
    /// The first thing that is wrong: an unknown key, a value of the wrong kind or out of range, an unreadable file.
    pub fn load(sources: Sources) -> Result<Config, ConfigError> {
        let (whole, settings) = layers::merged(&sources)?;
        for (key, low, high) in RANGES.into_iter().chain(network::RANGES) {
            settings.get(key).map_or(Ok(()), |setting| in_range(setting, low, high))?;
        }
        let config: Config = whole.try_deserialize().map_err(|error| complaint(&error, &settings))?;
        let config = Config { sources, settings, ..config };
        config.hangs_together()?;
        config.with_data_dir()
    }

    /// Reads the same places again, as they are now; the environment and the flags stay as they were.
    pub fn reload(&self) -> Result<Config, ConfigError> {
        Config::load(self.sources.clone())
    }

    /// Who may send comments by a webhook of its own; files of secrets are read anew.
    ///
    /// Apart from [`Config::load`], because a command beside the daemon needs no secrets, and its user may have none.
    ///
    /// # Errors
    /// The first thing that is missing or wrong in a source's table.
    pub fn hooks(&self) -> Result<Hooks, ConfigError> {
        hooks::table::of_settings(&self.settings)
    }

    /// What is in force and where it came from, by key.
    pub fn settings(&self) -> impl Iterator<Item = &Setting> {
        self.settings.values()
    }

    /// The file that was read besides the defaults.
    pub fn file(&self) -> Option<PathBuf> {
        self.sources.file()
    }

    fn hangs_together(&self) -> Result<(), ConfigError> {
        let thresholds = &self.policy.thresholds;
        if thresholds.hold > thresholds.spam {
            return Err(self.about("policy.hold", "must not be above `policy.spam`"));
        }
        if thresholds.discard.is_some_and(|discard| discard < thresholds.spam) {
            return Err(self.about("policy.discard", "must not be below `policy.spam`"));
        }
        if self.http.all_bodies_bytes < self.http.body_bytes {
            return Err(self.about("http.all_bodies_bytes", "must not be below `http.body_bytes`"));
        }
        if self.worker.lease <= self.webhooks.timeout {
            return Err(self.about("worker.lease_s", "must be longer than `webhooks.timeout_ms`"));
        }
        if self.webhooks.connect_timeout > self.webhooks.timeout {
            return Err(self.about("webhooks.connect_timeout_ms", "must not be above `webhooks.timeout_ms`"));
        }
        if self.webhooks.per_endpoint > self.webhooks.concurrency {
            return Err(self.about("webhooks.per_endpoint", "must not be above `webhooks.concurrency`"));
        }
        Ok(())
    }

    /// Says where `key` got the value that contradicts another.
    fn about(&self, key: &str, problem: &str) -> ConfigError {
        let setting = self.settings.get(key);
        let value = setting.map_or_else(String::new, |setting| format!(" ({})", setting.value));
        let origin = setting.map_or("the settings", |setting| setting.origin.as_str());
        ConfigError::new(origin, format!("`{key}`{value} {problem}"))
    }

    /// Asks the environment where data belongs if nobody said it.
    fn with_data_dir(mut self) -> Result<Config, ConfigError> {
        if self.data_dir.as_os_str().is_empty() {
            let below = |variable, path: &str| Some(PathBuf::from(self.sources.variable(variable)?).join(path));
            // systemd gives a list when a unit has several state directories; ours is the first.
            let systemd = self.sources.variable("STATE_DIRECTORY").and_then(|list| list.split(':').next());
            let folder = systemd.map(PathBuf::from);
            let folder = folder.or_else(|| below("XDG_DATA_HOME", "hamlet"));
            let folder = folder.or_else(|| below("HOME", ".local/share/hamlet"));
            self.data_dir = folder.ok_or_else(|| {
                self.about("data_dir", "is open and the environment names no home; give it with --data-dir")
            })?;
        }
        Ok(self)
    }
}

fn in_range(setting: &Setting, low: f64, high: f64) -> Result<(), ConfigError> {
    let out_of_range = |value: &config::ValueKind| {
        let number = value.to_string().parse::<f64>();
        number.is_ok_and(|number| !(low..=high).contains(&number))
    };
    let wrong = match &setting.value {
        config::ValueKind::Array(items) => items.iter().any(|item| out_of_range(&item.kind)),
        single => out_of_range(single),
    };
    let problem = || format!("`{}` must be from {low} to {high}, not {}", setting.key, setting.value);
    if wrong { Err(ConfigError::new(&setting.origin, problem())) } else { Ok(()) }
}

/// Takes a complaint of the `config` crate apart, to say it our way: place first, then key and problem.
fn complaint(error: &config::ConfigError, settings: &BTreeMap<String, Setting>) -> ConfigError {
    let (key, problem) = match error {
        config::ConfigError::At { error, key: Some(key), .. } => (key.as_str(), error.to_string()),
        config::ConfigError::Type { key: Some(key), unexpected, expected, .. } => {
            (key.as_str(), format!("must be {expected}, not {unexpected}"))
        }
        other => ("", other.to_string()),
    };
    // Items of a list and fields of a section are complained of below their key (`webhooks.list[2]`, `policy.`).
    let key = key.trim_end_matches('.');
    let key = key.split_once('[').map_or(key, |(list, _)| list);
    let named = settings.iter().find(|(known, _)| *known == key || problem.contains(&format!("`{known}`")));
    let origin = named.map_or("the settings", |(_, setting)| setting.origin.as_str());
    let problem = if problem.contains('`') { problem } else { format!("`{key}` {problem}") };
    ConfigError::new(origin, problem)
}

#[cfg(test)]
mod tests;
