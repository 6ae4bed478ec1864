//! `hamlet model`: the models that the store keeps, and which of them serves.

mod card;
mod verify;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;

use super::screen::{self, Output};
use super::whole_file;
use crate::classifier::Classifier;
use crate::daemon::timing;
use crate::store::{ModelRecord, Store};
use crate::training::seen::{self, Seen};

/// The word for the model that is compiled in.
pub(super) const SHIPPED: &str = "shipped";

/// List, inspect, promote and move models.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  hamlet model list")]
pub enum Command {
    /// List the store's models, newest first, and the shipped one.
    #[command(after_help = "Example:\n  hamlet model list --json")]
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Show what a model says of itself: data, counts, figures.
    #[command(after_help = "Examples:\n  hamlet model show\n  hamlet model show 3f9a0c2b41de --json")]
    Show {
        /// A model's id, or `shipped` [default: the champion].
        id: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Let a model serve, whatever its figures; a running daemon follows within a second.
    #[command(
        after_help = "Examples:\n  hamlet model promote 3f9a0c2b41de --note 'spring dump'\n  hamlet model promote shipped"
    )]
    Promote {
        /// A model's id, or `shipped`.
        id: String,
        /// Why; kept with the model.
        #[arg(long, default_value = "promoted by hand")]
        note: String,
        #[command(flatten)]
        output: Output,
    },
    /// Let the model before the present one serve again.
    #[command(after_help = "Example:\n  hamlet model rollback")]
    Rollback {
        #[command(flatten)]
        output: Output,
    },
    /// Write a model to a file.
    #[command(after_help = "Example:\n  hamlet model export 3f9a0c2b41de news.hamlet")]
    Export {
        /// A model's id, or `shipped`.
        id: String,
        file: PathBuf,
    },
    /// See whether models are sound: checksum, format, linfa's own numbers, and a verdict on known comments.
    #[command(after_help = "Examples:
  hamlet model verify                      the champion
  hamlet model verify --all
  hamlet model verify news.hamlet")]
    Verify {
        /// A model's id, `shipped`, or a file [default: the champion].
        #[arg(value_name = "ID|FILE")]
        model: Option<String>,
        /// Every model of the store, and the shipped one.
        #[arg(long, conflicts_with = "model")]
        all: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Take a model file into the store; it serves once it is promoted.
    #[command(after_help = "Example:\n  hamlet model import news.hamlet")]
    Import {
        file: PathBuf,
        #[command(flatten)]
        output: Output,
    },
}

impl Command {
    /// Does what needs no store, if that is what was asked.
    pub(super) fn run_offline(&self) -> Option<anyhow::Result<()>> {
        match self {
            Command::Verify { model: Some(file), output, .. } if verify::is_file(file) => {
                Some(verify::file(Path::new(file), *output))
            }
            _ => None,
        }
    }

    pub(super) async fn run(&self, store: &dyn Store) -> anyhow::Result<()> {
        let now = timing::now(store).await?;
        let mut out = screen::out();
        match self {
            Command::List { output } => list(store, *output).await,
            Command::Show { id, output } => {
                let champion = store.champion().await?;
                let id = id.as_deref().or(champion.as_deref()).unwrap_or(SHIPPED);
                show(&record(store, id).await?, *output)
            }
            Command::Promote { id, note, output } => {
                let record = record(store, id).await?;
                if id != SHIPPED {
                    // A model that this program cannot read must not become the one that serves.
                    Classifier::from_bytes(&store.model_bytes(id).await?).with_context(|| format!("model {id}"))?;
                }
                store.promote((id != SHIPPED).then_some(id), note, now).await?;
                told(&record.id, "serves now", *output)
            }
            Command::Verify { model, all, output } => verify::stored(store, model.as_deref(), *all, *output).await,
            Command::Rollback { output } => {
                let id = store.rollback(now).await?;
                told(id.as_deref().unwrap_or(SHIPPED), "serves again", *output)
            }
            Command::Export { id, file } => {
                let bytes = match id.as_str() {
                    SHIPPED => Classifier::shipped_bytes().to_vec(),
                    id => store.model_bytes(id).await?,
                };
                whole_file::write(file, &bytes).with_context(|| format!("{} cannot be written", file.display()))?;
                Ok(writeln!(out, "Wrote {} ({} bytes).", file.display(), bytes.len())?)
            }
            Command::Import { file, output } => {
                let bytes = bytes(file)?;
                let model = Classifier::from_bytes(&bytes).with_context(|| file.display().to_string())?;
                let record = ModelRecord {
                    id: model.id().to_owned(),
                    created_at: now,
                    card: model.card().clone(),
                    promoted_at: None,
                    note: "imported".to_owned(),
                    is_champion: false,
                };
                store.keep_model(record, bytes).await?;
                told(model.id(), "is in the store; `hamlet model promote` lets it serve", *output)
            }
        }
    }
}

/// The model in a file.
pub(super) fn read(file: &Path) -> anyhow::Result<Classifier> {
    Classifier::from_bytes(&bytes(file)?).with_context(|| file.display().to_string())
}

/// The model in a file, or the shipped one, and what it was trained on.
pub(super) fn read_with_seen(file: Option<&Path>) -> anyhow::Result<(Classifier, Seen)> {
    match file {
        None => Ok(seen::read(Classifier::shipped_bytes())?),
        Some(file) => seen::read(&bytes(file)?).with_context(|| file.display().to_string()),
    }
}

fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

async fn list(store: &dyn Store, output: Output) -> anyhow::Result<()> {
    let mut models = store.models().await?;
    let champion = store.champion().await?;
    models.push(shipped(champion.is_none()));
    if output.json {
        return Ok(screen::json(&models)?);
    }
    let row = |model: &ModelRecord| {
        vec![
            if model.is_champion { "*" } else { "" }.to_owned(),
            model.id.clone(),
            if model.id == SHIPPED { "-".to_owned() } else { format!("{:.0}", model.created_at) },
            model.promoted_at.map_or("-".to_owned(), |at| format!("{at:.0}")),
            card::key_figure(&model.card, "mcc", 1.0),
            card::key_figure(&model.card, "blocked_ham", 100.0),
            screen::foreign(&model.note, 120),
        ]
    };
    let rows: Vec<_> = models.iter().map(row).collect();
    Ok(screen::table(&["", "ID", "CREATED", "PROMOTED", "MCC", "BLOCKED HAM %", "NOTE"], &rows)?)
}

/// The model that is compiled in, as if the store kept it.
fn shipped(is_champion: bool) -> ModelRecord {
    let model = Classifier::shipped();
    ModelRecord {
        id: SHIPPED.to_owned(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
        card: model.card().clone(),
        promoted_at: None,
        note: format!("compiled in ({})", model.id()),
        is_champion,
    }
}

async fn record(store: &dyn Store, id: &str) -> anyhow::Result<ModelRecord> {
    if id == SHIPPED {
        return Ok(shipped(store.champion().await?.is_none()));
    }
    let model = store.models().await?.into_iter().find(|model| model.id == id);
    model.with_context(|| format!("there is no model `{id}`; `hamlet model list` shows those there are"))
}

fn show(model: &ModelRecord, output: Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(screen::json(model)?);
    }
    let mut out = screen::out();
    writeln!(out, "model        {}{}", model.id, if model.is_champion { " (serves)" } else { "" })?;
    writeln!(out, "note         {}", screen::foreign(&model.note, 1_000))?;
    if model.created_at != jiff::Timestamp::UNIX_EPOCH {
        writeln!(out, "created      {:.0}", model.created_at)?;
    }
    if let Some(promoted) = model.promoted_at {
        writeln!(out, "promoted     {promoted:.0}")?;
    }
    Ok(write!(out, "{}", card::told(&model.card))?)
}

fn told(id: &str, what: &str, output: Output) -> anyhow::Result<()> {
    if output.json {
        return Ok(screen::json(&serde_json::json!({ "id": id }))?);
    }
    Ok(writeln!(screen::out(), "Model {id} {what}.")?)
}
