//! `hamlet key`: who may knock, and what for.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{ArgGroup, Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::screen::{self, Output};
use super::{site_named, when};
use crate::daemon::timing;
use crate::key::{Key, KeyId, NewKey, Scopes};
use crate::pipeline::key_hash;
use crate::random;
use crate::store::{Directory, Store};

/// Add, rotate and remove API keys.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  hamlet key add --site news --scopes read,submit --name 'moderation page'")]
pub enum Command {
    /// Make a further key and print it, once.
    #[command(after_help = "Examples:
  hamlet key add --site news --scopes check --name 'import job' --expires 2030-01-31
  hamlet key add --all-sites --scopes admin --name deployment --json")]
    Add {
        #[command(flatten)]
        whose: Whose,
        /// What it may be used for: check, submit, read, admin.
        #[arg(long, value_name = "SCOPE,…", default_value = "check,submit,read")]
        scopes: Scopes,
        /// What you call it.
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// When it stops working: a day (2030-01-31) or a moment (2030-01-31T12:00:00Z).
        #[arg(long, value_name = "WHEN", value_parser = when)]
        expires: Option<Timestamp>,
        #[command(flatten)]
        output: Output,
    },
    /// List keys, of one site or all; the keys themselves are not kept, only their hashes.
    #[command(after_help = "Example:\n  hamlet key list --site news")]
    List {
        #[arg(long, value_name = "NAME")]
        site: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Make a new key in the place of an old one and print it, once; the old one works on for a while.
    #[command(after_help = "Examples:\n  hamlet key rotate 7\n  hamlet key rotate 7 --overlap 0s")]
    Rotate {
        /// Number of the key, as `hamlet key list` shows it.
        id: i64,
        #[command(flatten)]
        overlap: Overlap,
        #[command(flatten)]
        output: Output,
    },
    /// Forget a key: it stops working within a second.
    #[command(after_help = "Example:\n  hamlet key remove 7 --yes")]
    Remove {
        /// Number of the key, as `hamlet key list` shows it.
        id: i64,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// For which site a key speaks.
#[derive(Args, Clone, Debug)]
#[command(group(ArgGroup::new("whose").required(true)))]
pub struct Whose {
    /// For this site.
    #[arg(long, group = "whose", value_name = "NAME")]
    site: Option<String>,
    /// For every site; callers say `?site=NAME`.
    #[arg(long, group = "whose")]
    all_sites: bool,
}

/// How long the old key works on.
#[derive(Args, Clone, Copy, Debug)]
pub struct Overlap {
    /// How long the old key works on, so that callers need not switch in the same instant: 24h, 30m, 0s.
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    overlap: SignedDuration,
}

impl Overlap {
    /// The moment at which the old key stops working.
    pub fn until(self, now: Timestamp) -> Timestamp {
        now.checked_add(self.overlap.max(SignedDuration::ZERO)).unwrap_or(Timestamp::MAX)
    }
}

impl Command {
    pub(super) async fn run(&self, store: &dyn Store) -> anyhow::Result<()> {
        let now = timing::now(store).await?;
        match self {
            Command::Add { whose, scopes, name, expires, output } => {
                let site = match &whose.site {
                    Some(name) => Some(site_named(store, name).await?.id),
                    None => None,
                };
                // Clients of the Akismet protocol take 12 hex digits and nothing else.
                let secret = if site.is_some() { random::api_key() } else { random::admin_key() };
                let (name, expires_at) = (name.clone(), *expires);
                let key = NewKey { site, name, scopes: *scopes, hash: key_hash(&secret), expires_at };
                show_once(&store.add_key(key, now).await?, &secret, "was added", *output)
            }
            Command::List { site, output } => list(store, site.as_deref(), now, *output).await,
            Command::Rotate { id, overlap, output } => {
                let old = find(&store.directory().await?, *id)?;
                let secret = if old.site.is_some() { random::api_key() } else { random::admin_key() };
                let until = overlap.until(now);
                let key = store.rotate_key(old.id, key_hash(&secret), until, now).await?;
                show_once(&key, &secret, &format!("takes the place of key {id}, which works until {until:.0}"), *output)
            }
            Command::Remove { id, yes } => {
                let key = find(&store.directory().await?, *id)?;
                screen::confirm(&format!("forget key {id} ({})", screen::foreign(&key.name, 100)), *yes)?;
                store.remove_key(key.id).await?;
                Ok(writeln!(screen::out(), "Key {id} was removed.")?)
            }
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    key: &'a Key,
    api_key: &'a str,
}

/// The one time that a key is shown.
fn show_once(key: &Key, secret: &str, what: &str, output: Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(screen::json(&Shown { key, api_key: secret })?);
    }
    let mut out = screen::out();
    writeln!(out, "Key {} {what}. It is shown this once:\n", key.id)?;
    writeln!(out, "    {secret}\n")?;
    Ok(writeln!(out, "It may be used for: {}", key.scopes)?)
}

async fn list(store: &dyn Store, site: Option<&str>, now: Timestamp, output: Output) -> anyhow::Result<()> {
    let site = match site {
        Some(name) => Some(site_named(store, name).await?.id),
        None => None,
    };
    let directory = store.directory().await?;
    let keys: Vec<&Key> =
        directory.keys.iter().map(Arc::as_ref).filter(|key| site.is_none() || key.site == site).collect();
    if output.json {
        return Ok(screen::json(&keys)?);
    }
    let row = |key: &&Key| {
        let site = match key.site {
            None => "(all)".to_owned(),
            Some(id) => {
                let site = directory.sites.iter().find(|site| site.id == id);
                site.map_or_else(|| id.to_string(), |site| site.name.clone())
            }
        };
        let until = match key.expires_at {
            None => "for ever".to_owned(),
            Some(at) if key.is_valid(now) => format!("until {at:.0}"),
            Some(at) => format!("expired {at:.0}"),
        };
        let scopes = key.scopes.to_string();
        vec![key.id.to_string(), site, scopes, format!("{:.0}", key.created_at), until, screen::foreign(&key.name, 100)]
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    Ok(screen::table(&["ID", "SITE", "SCOPES", "SINCE", "VALID", "NAME"], &rows)?)
}

fn find(directory: &Directory, id: i64) -> anyhow::Result<Arc<Key>> {
    let key = directory.keys.iter().find(|key| key.id == KeyId(id)).cloned();
    key.with_context(|| format!("there is no key {id}; `hamlet key list` shows those there are"))
}
