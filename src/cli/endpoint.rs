//! `hamlet endpoint`: to whom a site's verdicts are told.

use std::io::Write as _;

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;

use super::screen::{self, Output};
use super::site_named;
use crate::config::Config;
use crate::daemon::{settings, timing};
use crate::event::{Event, EventKind};
use crate::random;
use crate::store::{Endpoint, EndpointChange, EndpointKind, EndpointSecret, EndpointState, Outgoing, Store, rotated};
use crate::webhook;

/// Add, test and remove webhook endpoints.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  hamlet endpoint add --site news https://news.example/hamlet")]
pub enum Command {
    /// Tell a site's verdicts to a URL; prints the signing secret, once.
    #[command(after_help = "Examples:
  hamlet endpoint add --site news https://news.example/hamlet --json
  hamlet endpoint add --site news https://news.example/hamlet --event comment.redecided --event endpoint.disabled")]
    Add {
        #[arg(long, value_name = "NAME")]
        site: String,
        url: String,
        /// What it is told, such as comment.redecided; may be given several times [default: every event]
        #[arg(long = "event", value_name = "TYPE")]
        events: Vec<EventKind>,
        #[command(flatten)]
        output: Output,
    },
    /// List endpoints, of one site or all.
    #[command(after_help = "Example:\n  hamlet endpoint list --site news")]
    List {
        #[arg(long, value_name = "NAME")]
        site: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Forget an endpoint and what waits for it.
    #[command(after_help = "Example:\n  hamlet endpoint remove ep_01JXA0000000000000000000000 --yes")]
    Remove {
        id: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Make a new signing secret and print it, once; the old one signs along for 24 hours.
    #[command(after_help = "Example:\n  hamlet endpoint rotate-secret ep_01JXA0000000000000000000000")]
    RotateSecret {
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Change an endpoint; what is not named stays.
    #[command(after_help = "Examples:
  hamlet endpoint set ep_01JXA0000000000000000000000 --event comment.redecided
  hamlet endpoint set ep_01JXA0000000000000000000000 --every-event --url https://news.example/hooks/hamlet")]
    Set {
        id: String,
        #[arg(long)]
        url: Option<String>,
        /// What it is told from now on; may be given several times.
        #[arg(long = "event", value_name = "TYPE")]
        events: Vec<EventKind>,
        /// Tell it every event.
        #[arg(long, conflicts_with = "events")]
        every_event: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Send nothing more to an endpoint; what waits for it becomes dead letters.
    #[command(
        after_help = "Example:\n  hamlet endpoint disable ep_01JXA0000000000000000000000 --reason 'moving house'"
    )]
    Disable {
        id: String,
        /// Why; shown where the endpoint is.
        #[arg(long, default_value = "switched off by hand")]
        reason: String,
    },
    /// Send to an endpoint again that was disabled.
    #[command(after_help = "Example:\n  hamlet endpoint enable ep_01JXA0000000000000000000000")]
    Enable { id: String },
    /// Have the running daemon send a `delivery.test` event.
    #[command(after_help = "Example:\n  hamlet endpoint test ep_01JXA0000000000000000000000")]
    Test {
        id: String,
        #[command(flatten)]
        output: Output,
    },
}

impl Command {
    pub(super) async fn run(&self, store: &dyn Store, config: &Config) -> anyhow::Result<()> {
        let now = timing::now(store).await?;
        let mut out = screen::out();
        match self {
            Command::Add { site, url, events, output } => {
                webhook::check_url(url, &settings::client(config).allow)?;
                let site = site_named(store, site).await?;
                let secret = random::webhook_secret();
                let secrets = vec![EndpointSecret { secret: secret.clone(), expires_at: None }];
                let (id, disabled, failing_since) = (random::endpoint_id(now), None, None);
                let (site, url) = (site.id, url.clone());
                let (kind, events) = (EndpointKind::Webhook, (!events.is_empty()).then(|| events.clone()));
                let endpoint =
                    Endpoint { id, site, kind, url, events, created_at: now, disabled, failing_since, secrets };
                store.add_endpoint(endpoint.clone()).await?;
                show_secret(&endpoint, &secret, "was added", *output)
            }
            Command::List { site, output } => list(store, site.as_deref(), *output).await,
            Command::Remove { id, yes } => {
                let endpoint = endpoint(store, id).await?;
                screen::confirm(&format!("forget endpoint {id} ({}) and what waits for it", endpoint.url), *yes)?;
                store.remove_endpoint(id).await?;
                Ok(writeln!(out, "Endpoint {id} was removed.")?)
            }
            Command::RotateSecret { id, output } => {
                let endpoint = endpoint(store, id).await?;
                let secret = random::webhook_secret();
                let secrets = rotated(endpoint.secrets.clone(), secret.clone(), now);
                let change = EndpointChange { secrets: Some(secrets), ..EndpointChange::default() };
                store.set_endpoint(id, change, now).await?;
                show_secret(&endpoint, &secret, "has a new secret; the old one signs along for 24 hours", *output)
            }
            Command::Set { id, url, events, every_event, output } => {
                if let Some(url) = url {
                    webhook::check_url(url, &settings::client(config).allow)?;
                }
                let events = match (events.as_slice(), every_event) {
                    (_, true) => Some(None),
                    ([], false) => None,
                    (events, false) => Some(Some(events.to_vec())),
                };
                let change = EndpointChange { url: url.clone(), events, ..EndpointChange::default() };
                store.set_endpoint(id, change, now).await?;
                let changed = endpoint(store, id).await?;
                if output.json {
                    return Ok(screen::json(&changed)?);
                }
                Ok(writeln!(out, "Endpoint {id} at {} is told {}.", changed.url, wanted(&changed))?)
            }
            Command::Disable { id, reason } => {
                let state = Some(EndpointState::Disabled { reason: reason.clone() });
                store.set_endpoint(id, EndpointChange { state, ..EndpointChange::default() }, now).await?;
                Ok(writeln!(out, "Endpoint {id} is disabled. `hamlet endpoint enable {id}` enables it.")?)
            }
            Command::Enable { id } => {
                let change = EndpointChange { state: Some(EndpointState::Enabled), ..EndpointChange::default() };
                store.set_endpoint(id, change, now).await?;
                Ok(writeln!(out, "Endpoint {id} is enabled. `hamlet queue retry` sends what was given up.")?)
            }
            Command::Test { id, output } => {
                let endpoint = endpoint(store, id).await?;
                if let Some(why) = &endpoint.disabled {
                    anyhow::bail!("endpoint {id} is disabled ({why}); `hamlet endpoint enable {id}` enables it");
                }
                let message_id = test(store, &endpoint, now).await?;
                if output.json {
                    return Ok(screen::json(&serde_json::json!({ "id": id, "message_id": message_id }))?);
                }
                Ok(writeln!(out, "Queued {message_id} for {}; the running daemon sends it.", endpoint.url)?)
            }
        }
    }
}

async fn list(store: &dyn Store, site: Option<&str>, output: Output) -> anyhow::Result<()> {
    let directory = store.directory().await?;
    let site = match site {
        Some(name) => Some(site_named(store, name).await?.id),
        None => None,
    };
    let endpoints = store.endpoints(site).await?;
    if output.json {
        return Ok(screen::json(&endpoints)?);
    }
    let row = |endpoint: &Endpoint| {
        let site = directory.sites.iter().find(|site| site.id == endpoint.site);
        let state = match (&endpoint.disabled, endpoint.failing_since) {
            (Some(why), _) => format!("disabled: {}", screen::foreign(why, 100)),
            (None, Some(since)) => format!("failing since {since:.0}"),
            (None, None) => "ok".to_owned(),
        };
        let site = site.map_or_else(|| endpoint.site.to_string(), |site| site.name.clone());
        vec![endpoint.id.clone(), site, endpoint.url.clone(), wanted(endpoint), state]
    };
    let rows: Vec<_> = endpoints.iter().map(row).collect();
    Ok(screen::table(&["ID", "SITE", "URL", "TOLD", "STATE"], &rows)?)
}

/// What an endpoint is told, in words.
fn wanted(endpoint: &Endpoint) -> String {
    match (endpoint.kind, &endpoint.events) {
        (EndpointKind::Callback, _) => "what becomes of comments that came with it".to_owned(),
        (EndpointKind::Webhook, None) => "every event".to_owned(),
        (EndpointKind::Webhook, Some(events)) if events.is_empty() => "nothing".to_owned(),
        (EndpointKind::Webhook, Some(events)) => events.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// Queues a sign of life; its message id.
async fn test(store: &dyn Store, endpoint: &Endpoint, now: jiff::Timestamp) -> anyhow::Result<String> {
    let directory = store.directory().await?;
    let site = directory.sites.iter().find(|site| site.id == endpoint.site);
    let body = Event::test(site.map_or("", |site| &site.name), now).body().into();
    let message_id = random::message_id(now);
    store
        .enqueue_message(&endpoint.id, Outgoing { kind: EventKind::Test, message_id: message_id.clone(), body }, now)
        .await?;
    Ok(message_id)
}

async fn endpoint(store: &dyn Store, id: &str) -> anyhow::Result<Endpoint> {
    let endpoints = store.endpoints(None).await?;
    let endpoint = endpoints.into_iter().find(|endpoint| endpoint.id == id);
    endpoint.with_context(|| format!("there is no endpoint `{id}`; `hamlet endpoint list` shows those there are"))
}

#[derive(Serialize)]
struct NewSecret<'a> {
    id: &'a str,
    url: &'a str,
    secret: &'a str,
}

/// The one time that a secret is shown.
fn show_secret(endpoint: &Endpoint, secret: &str, what: &str, output: Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(screen::json(&NewSecret { id: &endpoint.id, url: &endpoint.url, secret })?);
    }
    let mut out = screen::out();
    writeln!(out, "Endpoint {} ({}) {what}. Its signing secret is shown this once:\n", endpoint.id, endpoint.url)?;
    writeln!(out, "    {secret}\n")?;
    Ok(writeln!(out, "Verify with any Standard Webhooks library; `hamlet endpoint test {}` tries it.", endpoint.id)?)
}
