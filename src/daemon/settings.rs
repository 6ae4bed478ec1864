//! Which setting goes to which part: from `Config` to what store, doors, worker and webhooks ask for.
//!
//! The parts do not know the configuration, and it does not know them; here they meet.

use std::sync::Arc;

use crate::api::hooks::Register;
use crate::config::hooks::Hooks;
use crate::config::{Config, PrivateAddresses};
use crate::webhook::{self, Allow, Schedule};
use crate::{http, store, worker};

pub fn store(config: &Config) -> store::Settings {
    store::Settings {
        waiting_writes: config.store.waiting_writes,
        commit_together: config.store.commit_batch,
        readers: config.store.readers,
        busy_timeout_ms: config.store.busy_timeout_ms,
    }
}

pub fn doors(config: &Config, hooks: Hooks) -> http::Settings {
    http::Settings {
        body_bytes: config.http.body_bytes,
        all_bodies_bytes: config.http.all_bodies_bytes,
        header_bytes: config.http.header_bytes,
        max_connections: config.http.connections,
        in_flight: config.http.in_flight,
        header_timeout: config.http.header_timeout,
        request_timeout: config.http.request_timeout,
        drain: config.http.drain,
        akismet_hosts: config.akismet.hosts.clone(),
        endpoint_addresses: client(config).allow,
        policy: config.policy.clone(),
        hooks: Arc::new(Register::new(hooks)),
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
            retry_after_max: config.webhooks.retry_after_max,
            disable_after: config.webhooks.disable_after,
        },
        keep_delivered: config.webhooks.keep,
    }
}
