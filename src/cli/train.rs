//! `hamlet train`: from labelled comments to a model, measured beside the champion.

mod session;
mod split;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde_json::json;

use self::session::{Session, Sources};
use super::background::Background;
use super::dumps::{self, DumpArgs};
use super::evaluate::table;
use super::model::SHIPPED;
use super::whole_file;
use crate::classifier::Classifier;
use crate::classifier::model::{self, Model};
use crate::store::{ModelRecord, Store};
use crate::training::learner::Settings;
use crate::training::promotion::Choice;
use crate::training::recipe::Recipe;
use crate::training::seen::{self, Seen};
use crate::training::trial::Trial;

/// Share of the comments that is held out, unless another is said.
const DEFAULT_HELD_OUT: f64 = 0.1;

/// Trains a model from labelled dumps and the store's labels
///
/// A part of the comments is held out, near-copies together; the new model (the candidate) and the one that serves (the
/// champion) both judge it, and the candidate is promoted if it is no worse.
///
/// Dumps are JSON Lines (`content`, `label` and any other field of a comment), CSV or TSV with a header, WordPress's table
/// of comments as CSV or in an SQL dump, WordPress's export (WXR, which has no spam in it), or Disqus's; plain or packed
/// with gzip or zstd. What a file is shows by its content. docs/dumps.md says how to get each.
///
/// Labels are spam or ham, also 1 or 0, true or false; say with --label what others mean.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hamlet train dump.jsonl.gz                              promote if no worse than the champion
  hamlet train --labels                                   from what moderators said
  hamlet train wordpress.sql.gz --dry-run                 show what would be learned, learn nothing
  hamlet train a.csv 'exports/*.xml' --out my.hamlet --promote never
  hamlet train forum.csv --column content=post --column label=verdict --label ok=ham --label toxic=skip
  hamlet train old.csv --charset windows-1256
  hamlet train spring.jsonl --from shipped                go on from the shipped model instead of beginning anew
  mysqldump news wp_commentmeta wp_comments | hamlet train -")]
pub struct Args {
    /// Labelled dumps; `-` is standard input
    #[arg(value_name = "DUMP")]
    dumps: Vec<PathBuf>,
    /// Learn from the store's labels too
    #[arg(long)]
    labels: bool,
    /// Of the store's labels, those of this site only
    #[arg(long, value_name = "NAME", requires = "labels")]
    site: Option<String>,
    #[command(flatten)]
    reading: DumpArgs,
    /// Show what would be learned from the dumps, and learn nothing
    #[arg(long, requires = "dumps", conflicts_with_all = ["labels", "recipe", "out"])]
    dry_run: bool,
    /// With --dry-run, show the beginning of some comments
    #[arg(long, requires = "dry_run")]
    show_texts: bool,
    /// What to go on from: a model file, the id of a model in the store, `shipped`, or `none` to begin anew [default: shipped
    /// with --labels, else none]
    ///
    /// A model that goes on knows what it knew before, of other languages too; one that begins anew knows these comments
    /// alone, and knows them a little better. Do not go on from a model that has learned the same comments: they would
    /// count twice.
    #[arg(long, value_name = "MODEL", conflicts_with = "recipe")]
    from: Option<String>,
    /// Write the model to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Whether the new model is to serve; with `never` and --out no store is needed
    #[arg(long, value_enum, default_value_t)]
    promote: Promote,
    /// Hold out this share of the comments to measure with, 0 to 0.9, chosen by a hash of their text [default: the newest
    /// tenth where the comments have dates and do not mostly repeat older ones, else a tenth by hash]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    held_out: Option<f64>,
    /// Hold out what was written from this day or moment on: how a model of the past does on what came after it
    #[arg(long, value_name = "WHEN", value_parser = since, conflicts_with = "held_out")]
    held_out_since: Option<Timestamp>,
    /// Train by a recipe, such as models/default.toml, instead of dumps
    #[arg(long, value_name = "FILE", requires = "data", conflicts_with_all = ["dumps", "labels", "meanings", "columns", "charset"])]
    recipe: Option<PathBuf>,
    /// Folder of the recipe's dumps
    #[arg(long, value_name = "FOLDER", requires = "recipe")]
    data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) background: Background,
}

/// When the candidate becomes champion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Promote {
    /// If it is no worse on the held-out part
    #[default]
    Auto,
    Never,
    Always,
}

fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.0..=0.9).contains(&number) { Ok(number) } else { Err(format!("{number} is not between 0 and 0.9")) }
}

/// A moment, or the beginning of a day.
fn since(text: &str) -> Result<Timestamp, String> {
    let day = || jiff::tz::TimeZone::UTC.to_timestamp(text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0)).ok();
    let usage =
        || format!("`{text}` is no time; write a day such as 2026-10-01 or a moment such as 2026-10-01T12:00:00Z");
    text.parse().ok().or_else(day).ok_or_else(usage)
}

impl Args {
    /// Must the store be open for this? `--out FILE --promote never` needs none, nor does a dry run.
    pub fn needs_store(&self) -> bool {
        let from_store = self.base_name().is_some_and(|name| name != SHIPPED && !Path::new(name).exists());
        !self.dry_run && (from_store || self.labels || self.promote != Promote::Never || self.out.is_none())
    }

    /// What to go on from. Labels of one site must not make a model forget what others need of it.
    fn base_name(&self) -> Option<&str> {
        let usual = if self.labels { Some(SHIPPED) } else { None };
        self.from.as_deref().or(usual).filter(|name| *name != "none")
    }
}

/// Trains, measures, and promotes if asked to. `store` is open when [`Args::needs_store`].
///
/// # Errors
/// A sentence with the mend; nothing was promoted, and no file was left half written.
#[expect(clippy::print_stdout, reason = "a command's result goes to stdout")]
pub async fn run(args: &Args, store: Option<&dyn Store>, now: Timestamp) -> anyhow::Result<()> {
    ensure!(
        !args.dumps.is_empty() || args.labels || args.recipe.is_some(),
        "nothing to learn from: name a dump, or --labels for the store's own labels"
    );
    let options = args.reading.options()?;
    if args.dry_run {
        return dumps::dry_run(&args.dumps, &options, args.show_texts, args.json);
    }
    let from = base(args.base_name(), store).await?;
    let base_id = from.as_ref().map(|(id, _)| id.clone());
    let recipe = args.recipe.as_deref().map(Recipe::read).transpose()?;
    let settings = Settings { base: from.map(|(_, base)| base), ..Settings::default() };
    let settings = match &recipe {
        Some(recipe) => recipe.settings(settings),
        None => settings,
    };
    let sources = Sources { args, options: &options, recipe: recipe.as_ref().zip(args.data.as_deref()), store };
    let held_out = split::of(args, &options, store, serving(store).await?.0.card()).await?;
    let session = Session::of(sources, settings.clone(), held_out).await?;
    let Session { learner, held_out, tally, reports, contradictions, counts, mend, sources, .. } = session;
    dumps::tell(&tally, &reports);
    dumps::warn(contradictions.warning());
    tally.check()?;
    dumps::both_classes(counts, mend)?;

    let mut card = json!({
        "description": recipe.as_ref().map_or("trained from labelled comments", |recipe| &recipe.description),
        "program": concat!("hamlet ", env!("CARGO_PKG_VERSION")),
        "sources": sources,
        "alpha": settings.alpha,
    });
    if let (Some(card), Some(id)) = (card.as_object_mut(), base_id) {
        card.insert("from".to_owned(), json!(id));
    }
    let (mut candidate, trial) = Trial::of(learner, &held_out, &settings, card)?;
    let figures = trial.candidate.report();
    if let Some(card) = candidate.card.as_object_mut() {
        card.insert("held_out".to_owned(), json!(figures));
    }
    let bytes = candidate.to_bytes()?;
    let id = model::id(&bytes);
    if let Some(out) = &args.out {
        whole_file::write(out, &bytes).with_context(|| format!("{} could not be written", out.display()))?;
    }
    let (champion, seen) = serving(store).await?;
    let (former, compared) = trial.meet(champion, &seen);
    let choice = match args.promote {
        Promote::Never => Choice { is_promoted: false, reason: "not promoted: --promote never".to_owned() },
        Promote::Always => Choice { is_promoted: true, reason: "promoted: --promote always".to_owned() },
        Promote::Auto => compared,
    };
    if let Some(store) = store {
        let record = ModelRecord {
            id: id.clone(),
            created_at: now,
            card: candidate.card.clone(),
            promoted_at: None,
            note: choice.reason.clone(),
            is_champion: false,
        };
        store.keep_model(record, bytes).await?;
        if choice.is_promoted {
            store.promote(Some(&id), &choice.reason, now).await?;
        }
    }
    let counted = candidate.card.get("comments").cloned().unwrap_or_default();
    if args.json {
        let report = json!({
            "model": id,
            "comments": counted,
            "held_out": if trial.is_cross_fit { 0 } else { held_out.examples().len() },
            "measured_on": trial.examples.len(),
            "held_out_since": held_out.since(),
            "cross_fit": trial.is_cross_fit,
            "bad_records": tally.bad,
            "candidate": figures,
            "champion": former,
            "promoted": choice.is_promoted,
            "reason": choice.reason,
            "out": args.out,
        });
        println!("{report}");
        return Ok(());
    }
    let [ham, spam] = ["ham", "spam"].map(|kind| counted.get(kind).map_or(0, |number| number.as_u64().unwrap_or(0)));
    let measured = trial.examples.len();
    let how = match held_out.since() {
        _ if trial.is_cross_fit => "all judged by models that did not see them".to_owned(),
        Some(since) => format!("held out, all that was written since {}", since.strftime("%F")),
        None => "held out".to_owned(),
    };
    let mut said = format!("model {id}: learned from {ham} ham and {spam} spam; {measured} {how}\n\n");
    if measured > 0 {
        let rows = [("candidate".to_owned(), figures.all), ("champion".to_owned(), former.all)];
        let rows = rows.into_iter().filter(|(_, figures)| figures.ham + figures.spam > 0);
        said.push_str(&table("on comments it never saw", &rows.collect::<Vec<_>>()));
        said.push('\n');
    }
    if let Some(out) = &args.out {
        let _ = writeln!(said, "written to {}", out.display());
    }
    println!("{said}{}", choice.reason);
    Ok(())
}

/// The id of the model that training goes on from, and the model.
async fn base(from: Option<&str>, store: Option<&dyn Store>) -> anyhow::Result<Option<(String, Arc<Model>)>> {
    let bytes = match (from, store) {
        (None, _) => return Ok(None),
        (Some(SHIPPED), _) => Classifier::shipped_bytes().to_vec(),
        (Some(name), Some(store)) if !Path::new(name).exists() => {
            let known = store.models().await?.into_iter().any(|model| model.id == name);
            ensure!(known, "--from {name}: there is no such file, and no such model; `hamlet model list` shows them");
            store.model_bytes(name).await?
        }
        (Some(file), _) => std::fs::read(file).with_context(|| format!("--from {file}"))?,
    };
    let base = Model::from_bytes(&bytes).with_context(|| format!("--from {}", from.unwrap_or_default()))?;
    Ok(Some((model::id(&bytes), Arc::new(base))))
}

/// The model that serves, or would if the daemon started now: the store's champion; where it cannot be read, or there is
/// none, the shipped one; and what it was trained on.
async fn serving(store: Option<&dyn Store>) -> anyhow::Result<(Classifier, Seen)> {
    if let Some(store) = store
        && let Some(id) = store.champion().await?
        && let Ok(champion) = seen::read(&store.model_bytes(&id).await?)
    {
        return Ok(champion);
    }
    Ok(seen::read(Classifier::shipped_bytes())?)
}
