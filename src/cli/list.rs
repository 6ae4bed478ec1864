//! `hamlet list`: allow and block lists, of one site and shared by all.

mod import;
pub(super) mod lint;

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::screen::{self, Output};
use super::{Usage, site_named, when, whole_file};
use crate::lists::{List, Put, formats};
use crate::site::{ListEntry, ListKind, ListPattern};
use crate::store::{ListFilter, ListOwner, Store, StoreError};
use anyhow::Context as _;

/// Entries that are read from the store at once.
const PAGE: u32 = 10_000;

/// Change and show allow and block lists: e-mail addresses, IP addresses and networks, domains, link hosts, phrases.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  hamlet list add block domain:spam.example --shared --reason 'three waves in May'")]
pub enum Command {
    /// Put entries on a list; one that says something else of the same is replaced.
    #[command(after_help = "Examples:
  hamlet list add block domain:spam.example 'phrase:cheap watches' --site news --reason 'three waves in May'
  hamlet list add allow ip:192.0.2.0/24 --shared --expires 2030-01-31")]
    Add {
        /// allow or block
        list: ListKind,
        /// email:…, ip:…, domain:…, link:… (a domain in links only) or phrase:…
        #[arg(required = true)]
        entries: Vec<ListPattern>,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        output: Output,
    },
    /// Take entries off a list.
    #[command(after_help = "Example:\n  hamlet list remove domain:spam.example --site news")]
    Remove {
        /// As `hamlet list show` shows them.
        #[arg(required = true)]
        entries: Vec<ListPattern>,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        output: Output,
    },
    /// Show entries, oldest first.
    #[command(
        after_help = "Examples:\n  hamlet list show --shared\n  hamlet list show domain:spam.example --site news --json"
    )]
    Show {
        /// The entry for this and nothing else.
        entry: Option<ListPattern>,
        /// Only entries of this list: allow or block.
        #[arg(long, value_name = "KIND")]
        list: Option<ListKind>,
        /// How many at most.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        output: Output,
    },
    Import(import::Args),
    /// Print a list as a file of Hamlet's own format.
    #[command(after_help = "Example:\n  hamlet list export --site news --write news.list")]
    Export {
        #[command(flatten)]
        owner: Owner,
        /// Write it there instead, whole or not at all.
        #[arg(long, value_name = "FILE")]
        write: Option<PathBuf>,
    },
    Test(lint::Args),
}

/// Whose list.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Owner {
    /// That of one site.
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// The one that all sites share.
    #[arg(long)]
    shared: bool,
}

impl Owner {
    async fn found(&self, store: &dyn Store) -> anyhow::Result<ListOwner> {
        match &self.site {
            Some(name) => Ok(Some(site_named(store, name).await?.id)),
            None => Ok(None),
        }
    }

    fn name(&self) -> String {
        self.site.as_ref().map_or("the list of all sites".to_owned(), |name| format!("the list of site `{name}`"))
    }
}

/// What else is said of entries.
#[derive(Args, Clone, Debug)]
pub(super) struct Why {
    /// Why they are there; verdicts quote it.
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    /// Who puts them on [default: the user's name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// When they expire: a day (2030-01-31) or a moment (2030-01-31T12:00:00Z).
    #[arg(long, value_name = "WHEN", value_parser = when)]
    expires: Option<Timestamp>,
}

impl Why {
    /// An entry that is to be filled in.
    fn given(&self, list: ListKind, now: Timestamp) -> Result<ListEntry, Usage> {
        if self.expires.is_some_and(|expires| expires <= now) {
            return Err(Usage("--expires lies in the past".to_owned()));
        }
        Ok(ListEntry {
            list,
            pattern: ListPattern::Phrase(String::new()),
            reason: self.reason.clone(),
            added_by: self.by.clone().unwrap_or_else(whoever),
            added_at: now,
            expires_at: self.expires,
        })
    }
}

/// The name of the user who runs the command, who may have become another by sudo; empty if nobody says it.
pub(super) fn whoever() -> String {
    ["SUDO_USER", "USER"].into_iter().find_map(|name| std::env::var(name).ok()).unwrap_or_default()
}

impl Command {
    /// What needs no store.
    pub(super) fn run_offline(&self, now: Timestamp) -> Option<anyhow::Result<()>> {
        match self {
            Command::Test(args) => Some(args.run(now)),
            Command::Import(args) if args.is_dry() => Some(args.run_dry(now)),
            _ => None,
        }
    }

    pub(super) async fn run(&self, store: &dyn Store, now: Timestamp) -> anyhow::Result<()> {
        match self {
            Command::Add { list, entries, owner, why, output } => {
                let given = why.given(*list, now)?;
                let entry = |pattern: &ListPattern| ListEntry { pattern: pattern.clone(), ..given.clone() };
                let entries: Vec<ListEntry> = entries.iter().map(entry).collect();
                let mut trial = List::default();
                for entry in &entries {
                    if let Put::Useless(why) = trial.put(entry, 0) {
                        return Err(Usage(format!("`{}` would never hit: {why}", entry.pattern)).into());
                    }
                }
                let change = store.change_lists(owner.found(store).await?, Vec::new(), entries).await?;
                if output.json {
                    return Ok(screen::json(&change)?);
                }
                let (added, replaced) = (change.added, change.replaced);
                Ok(writeln!(screen::out(), "{added} added to {}, {replaced} replaced.", owner.name())?)
            }
            Command::Remove { entries, owner, output } => {
                let removed = store.change_lists(owner.found(store).await?, entries.clone(), Vec::new()).await;
                let change = match removed {
                    Err(StoreError::NotFound(_)) => {
                        let name = owner.name();
                        anyhow::bail!("not all of these are on {name}, so none was removed; see `hamlet list show`")
                    }
                    removed => removed?,
                };
                if output.json {
                    return Ok(screen::json(&change)?);
                }
                Ok(writeln!(screen::out(), "{} removed from {}.", change.removed, owner.name())?)
            }
            Command::Show { entry, list, limit, owner, output } => {
                let filter = ListFilter { list: *list, pattern: entry.clone() };
                show(store, owner, &filter, *limit, *output).await
            }
            Command::Import(args) => args.run(store, now).await,
            Command::Export { owner, write } => {
                let owner = owner.found(store).await?;
                match write {
                    None => export(store, owner, &mut BufWriter::new(std::io::stdout().lock())).await,
                    Some(file) => {
                        let mut text = Vec::new();
                        export(store, owner, &mut text).await?;
                        let said = || format!("{} could not be written", file.display());
                        whole_file::write(file, &text).with_context(said)
                    }
                }
            }
            Command::Test(_) => Ok(()),
        }
    }
}

async fn show(store: &dyn Store, owner: &Owner, filter: &ListFilter, limit: u32, output: Output) -> anyhow::Result<()> {
    let (placed, more) = store.list_entries(owner.found(store).await?, filter, 0, limit.max(1)).await?;
    let entries: Vec<ListEntry> = placed.into_iter().map(|placed| placed.entry).collect();
    if output.json {
        return Ok(screen::json(&entries)?);
    }
    let row = |entry: &ListEntry| {
        vec![
            entry.list.to_string(),
            screen::foreign(&entry.pattern.to_string(), 60),
            format!("{:.0}", entry.added_at),
            entry.expires_at.map_or("never".to_owned(), |expires| format!("{expires:.0}")),
            screen::foreign(&entry.added_by, 24),
            screen::foreign(&entry.reason, 200),
        ]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    screen::table(&["LIST", "ENTRY", "ADDED", "EXPIRES", "BY", "REASON"], &rows)?;
    if more.is_some() {
        writeln!(screen::out(), "There are more than these {limit}: --limit N, or `hamlet list export`.")?;
    }
    Ok(())
}

async fn export(store: &dyn Store, owner: ListOwner, out: &mut impl Write) -> anyhow::Result<()> {
    let mut after = Some(0);
    while let Some(row) = after {
        let (placed, next) = store.list_entries(owner, &ListFilter::default(), row, PAGE).await?;
        for placed in placed {
            writeln!(out, "{}", formats::line(&placed.entry))?;
        }
        after = next;
    }
    Ok(out.flush()?)
}
