//! Which setting goes to which part: from `Config` to what store, doors, worker and webhooks ask for.
//!
//! The parts do not know the configuration, and it does not know them; here they meet.

use std::sync::Arc;

use crate::api::hooks::Register;
use crate::api::limiter;
use crate::config::hooks::Hooks;
use crate::config::{Config, PrivateAddresses};
use crate::pipeline::Bounds;
use crate::webhook::{self, Allow, Schedule};
use crate::{http, network, store, worker};

pub fn store(config: &Config) -> store::Settings {
    store::Settings {
        waiting_writes: config.store.waiting_writes,
        commit_together: config.store.commit_batch,
        readers: config.store.readers,
        busy_timeout_ms: config.store.busy_timeout_ms,
        connections: config.store.connections,
        statement_timeout_ms: config.store.statement_timeout_ms,
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
        limits: limiter::Settings {
            per_key_s: config.limits.per_key_s,
            per_key_burst: config.limits.per_key_burst,
            per_address_s: config.limits.per_address_s,
            per_address_burst: config.limits.per_address_burst,
            refused_keys_per_minute: config.limits.refused_keys_per_minute,
            trusted_proxies: config.limits.trusted_proxies.clone(),
        },
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

pub fn bounds(config: &Config) -> Bounds {
    let limits = &config.limits;
    Bounds { depth: limits.queue_depth, age: limits.queue_age, site_percent: limits.queue_site_percent }
}

pub fn network(config: &Config) -> network::Settings {
    let given = config.network.clone();
    network::Settings {
        resolvers: given.resolvers,
        zones: given.domain_lists.into_iter().chain(given.ip_lists).collect(),
        stop_forum_spam: given.stopforumspam,
        stop_forum_spam_url: given.stopforumspam_url,
        gravatar: given.gravatar.then_some(given.gravatar_url),
        backlinks: given.backlinks,
        // Where webhooks may go is the operator's word on endpoints, and strangers name these pages.
        allow: Allow::None,
        tor_exits: given.tor_exits,
        countries: given.countries,
        host_lists: given.host_lists,
        budget: given.budget,
        domains: given.domains,
        at_once: given.at_once,
        cache_entries: given.cache_entries,
        keep_hit: given.keep_hit,
        keep_miss: given.keep_miss,
        limits: network::Limits { failures: given.failures, pause: given.pause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    /// Tests and benches start their doors with [`http::Settings::default`]: that is what a daemon does, too.
    #[test]
    fn doors_without_settings_are_those_of_the_file() {
        let environment = [("HOME".to_owned(), "/home/bob".to_owned())].into();
        let config = Config::load(Sources { environment, ..Sources::default() }).unwrap();
        let shown = |settings: http::Settings| format!("{settings:?}");
        assert_eq!(shown(doors(&config, Hooks::default())), shown(http::Settings::default()));
        assert_eq!(bounds(&config), Bounds::default());
    }
}
