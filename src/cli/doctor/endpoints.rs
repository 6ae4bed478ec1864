//! Endpoints: whether each is told, may be told, and listens.

use super::Findings;
use crate::cli::screen;
use crate::config::Config;
use crate::daemon::settings;
use crate::store::{Endpoint, Store, StoreError};
use crate::webhook;

pub(super) async fn check(findings: &mut Findings, store: &dyn Store, config: &Config) -> Result<(), StoreError> {
    let endpoints = store.endpoints(None).await?;
    let sites = store.directory().await?.sites;
    let allow = settings::client(config).allow;
    let mut well = 0;
    for endpoint in &endpoints {
        let Endpoint { id, url, disabled, failing_since, .. } = endpoint;
        let site = sites.iter().find(|site| site.id == endpoint.site).map_or("?", |site| site.name.as_str());
        let named = format!("{id} of `{site}` ({})", screen::foreign(url, 100));
        match (disabled, webhook::check_url(url, &allow), failing_since) {
            (Some(why), _, _) => findings.warning(
                "endpoints",
                format!("{named} is told nothing: {}", screen::foreign(why, 100)),
                format!("`hamlet endpoint enable {id}` once it listens again, or `hamlet endpoint remove {id}`"),
            ),
            (None, Err(refused), _) => findings.error(
                "endpoints",
                format!("{named} is never reached: {refused}"),
                "allow its address in `webhooks.allow_private_addresses`, or give it another URL",
            ),
            (None, Ok(_), Some(since)) => findings.warning(
                "endpoints",
                format!("{named} has not taken anything since {since:.0}"),
                format!("`hamlet endpoint test {id}` sends a test; see what its server says"),
            ),
            (None, Ok(_), None) => well += 1,
        }
    }
    match (endpoints.len(), well) {
        (0, _) => findings.ok("endpoints", "there are none: verdicts are told in replies only"),
        (all, well) => findings.ok("endpoints", format!("{well} of {all} are in order")),
    }
    Ok(())
}
