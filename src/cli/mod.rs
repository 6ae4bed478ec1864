//! The command line: one file per noun, and what they share.
//!
//! Owns words, flags and exit codes; a command opens the store beside a running daemon, does one thing and ends. Does
//! not own what is done: that is the store's, the judge's and the daemon's.

mod background;
mod backup;
mod campaign;
mod check;
mod config;
mod doctor;
mod dumps;
mod endpoint;
mod evaluate;
mod key;
mod list;
mod model;
mod queue;
mod rules;
mod screen;
mod serve;
mod site;
mod stats;
mod train;
mod whole_file;
mod wordpress;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use background::OnlyTraining;

use crate::clock::Clock;
use crate::config::{Config, ConfigError, Sources};
use crate::daemon::{settings, timing};
use crate::site::Site;
use crate::store::{self, Store};

/// Comment moderation and spam filter: naive Bayes and rules, with a reason for every verdict.
#[derive(Debug, Parser)]
#[command(name = "hamlet", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  hamlet serve
  echo 'cheap watches https://x.example' | hamlet check
  hamlet site add news --url https://news.example/")]
pub struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

/// Where settings and data are.
#[derive(Args, Clone, Debug)]
pub struct Places {
    /// Settings to read [default: $HAMLET_CONFIG, else /etc/hamlet/hamlet.toml if it is there]
    #[arg(long, global = true, help_heading = "Where things are", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the store [default: $STATE_DIRECTORY, else ~/.local/share/hamlet]
    #[arg(long, global = true, help_heading = "Where things are", value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Store to use: sqlite, sqlite:///path/to/file.db or postgres://user@host/database
    #[arg(long, global = true, help_heading = "Where things are", value_name = "URL")]
    store: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Check(check::Args),
    #[command(subcommand)]
    Site(Box<site::Command>),
    #[command(subcommand)]
    Key(key::Command),
    #[command(subcommand)]
    List(Box<list::Command>),
    #[command(subcommand)]
    Endpoint(endpoint::Command),
    #[command(subcommand)]
    Queue(queue::Command),
    #[command(subcommand)]
    Campaign(campaign::Command),
    #[command(subcommand)]
    Rules(rules::Command),
    #[command(subcommand)]
    Model(model::Command),
    Train(Box<train::Args>),
    Evaluate(Box<evaluate::Args>),
    Backup(backup::Backup),
    Restore(backup::Restore),
    #[command(subcommand)]
    Config(config::Command),
    Doctor(doctor::Args),
}

/// The command line asks for something that cannot be: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<()> {
        let places = self.places;
        match self.command {
            Command::Serve(args) => serve::run(&places, &args),
            Command::Check(args) => check::run(&places, &args),
            Command::Site(command) => places.with_shared_store(async |store, config| command.run(store, config).await),
            Command::Key(command) => places.with_store(async |store, _| command.run(store).await),
            Command::List(command) => match command.run_offline(Clock::System.now()) {
                Some(done) => done,
                None => places.with_store(async |store, _| command.run(store, timing::now(store).await?).await),
            },
            Command::Endpoint(command) => places.with_store(async |store, config| command.run(store, config).await),
            Command::Queue(command) => places.with_store(async |store, _| command.run(store).await),
            Command::Campaign(command) => {
                places.with_shared_store(async |store, config| command.run(store, config).await)
            }
            Command::Rules(command) => command.run(&places.config(&[])?),
            Command::Model(command) => match command.run_offline() {
                Some(done) => done,
                None => places.with_store(async |store, _| command.run(store).await),
            },
            Command::Train(args) if args.needs_store() => places.with_store(async |store, config| {
                let _only = OnlyTraining::in_folder(&config.data_dir)?;
                args.background.give_way()?;
                train::run(&args, Some(store), timing::now(store).await?).await
            }),
            Command::Train(args) => runtime()?.block_on(train::run(&args, None, Clock::System.now())),
            Command::Evaluate(args) => evaluate::run(&args, Clock::System.now()),
            Command::Backup(args) => places.with_store(async |store, _| args.run(store).await),
            Command::Restore(args) if args.dry_run => args.rehearse(),
            Command::Restore(args) => places.with_store(async |store, _| args.run(store).await),
            Command::Config(command) => command.run(&places),
            Command::Doctor(args) => doctor::run(&places, &args),
        }
    }
}

impl Places {
    /// The settings in force; `more` are flags of the command itself: flag, key, value.
    fn config(&self, more: &[(&'static str, &'static str, &Option<String>)]) -> Result<Config, ConfigError> {
        let flags = [("--data-dir", "data_dir", &self.data_dir), ("--store", "store.url", &self.store)];
        let flags = flags.iter().chain(more).filter_map(|(flag, key, value)| Some((*flag, *key, (*value).clone()?)));
        Config::load(Sources::of_process(self.config.clone(), flags.collect()))
    }

    /// Runs `work` with the store open, and closes it.
    fn with_store(&self, work: impl AsyncFnOnce(&dyn Store, &Config) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.with_shared_store(async |store, config| work(&**store, config).await)
    }

    /// The same for work that hands the store on.
    fn with_shared_store(
        &self,
        work: impl AsyncFnOnce(&Arc<dyn Store>, &Config) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let config = self.config(&[])?;
        runtime()?.block_on(async {
            let store = open_store(&config).await?;
            let done = work(&store, &config).await;
            store.close().await;
            done
        })
    }
}

/// One thread is enough for a command that does one thing.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("the runtime cannot be started")
}

/// The store that the settings name.
async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    Ok(store::open(&config.store.url, &config.data_dir, settings::store(config)).await?)
}

/// The site of this name.
async fn site_named(store: &dyn Store, name: &str) -> anyhow::Result<Arc<Site>> {
    let directory = store.directory().await?;
    let site = directory.sites.into_iter().find(|site| site.name == name);
    site.with_context(|| format!("there is no site `{name}`; `hamlet site list` shows those there are"))
}

/// A day counts until it is over, UTC.
fn when(text: &str) -> Result<jiff::Timestamp, String> {
    let day = || {
        let after = text.parse::<jiff::civil::Date>().ok()?.tomorrow().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(after.at(0, 0, 0, 0)).ok()
    };
    let moment = text.parse().ok().or_else(day);
    moment.ok_or_else(|| "write a day such as 2030-01-31 or a moment such as 2030-01-31T12:00:00Z".to_owned())
}
