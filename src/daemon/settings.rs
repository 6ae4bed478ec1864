//! Which setting goes to which part: from `Config` to what store, doors, worker and webhooks ask for.
//!
//! The parts do not know the configuration, and it does not know them; here they meet.

use std::time::Duration;

use crate::config::{Config, PrivateAddresses};
use crate::webhook::{self, Allow, Schedule};
use crate::{http, store, worker};

/// What other processes on the same store may take to commit before this one gives up, milliseconds.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// A receiver may put a delivery off for a day at most.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

pub fn store(config: &Config) -> store::Settings {
    store::Settings {
        waiting_writes: config.store.waiting_writes,
        commit_together: config.store.commit_batch,
        readers: config.store.readers,
        busy_timeout_ms: BUSY_TIMEOUT_MS,
    }
}

pub fn doors(config: &Config) -> http::Settings {
    http::Settings {
        body_bytes: config.http.body_bytes,
        header_bytes: config.http.header_bytes,
        in_flight: config.http.in_flight,
        header_timeout: config.http.header_timeout,
        request_timeout: config.http.request_timeout,
        drain: config.http.drain,
        akismet_hosts: config.akismet.hosts.clone(),
        ..http::Settings::default()
    }
}

pub fn client(config: &Config) -> webhook::Settings {
    webhook::Settings {
        connect_timeout: config.webhooks.connect_timeout,
        timeout: config.webhooks.timeout,
        answer_bytes: config.webhooks.answer_bytes,
        allow: match &config.webhooks.allow_private_addresses {
            PrivateAddresses::Refused => Allow::None,
            PrivateAddresses::Allowed => Allow::All,
            PrivateAddresses::Within(networks) => Allow::Nets(networks.clone()),
        },
    }
}

pub fn worker(config: &Config) -> worker::Settings {
    worker::Settings {
        decisions_at_once: config.worker.decisions_at_once,
        decision_attempts: config.worker.attempts,
        deliveries_at_once: config.webhooks.concurrency,
        deliveries_per_endpoint: config.webhooks.per_endpoint,
        lease: config.worker.lease,
        poll: config.worker.poll,
        drain: config.http.drain,
        schedule: Schedule {
            retry_waits: config.webhooks.retry_waits.clone(),
            retry_after_max: RETRY_AFTER_MAX,
            disable_after: config.webhooks.disable_after,
        },
    }
}
