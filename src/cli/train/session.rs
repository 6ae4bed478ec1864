//! Reading what `hamlet train` learns from: dumps, the store's labels, or a recipe.
//!
//! Owns which comment is learned and which is held out, and what is known of the reading afterwards. Does not own what is
//! held out (`split`) nor the model that is made (`training::trial`).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::Args;
use crate::cli::dumps::Meter;
use crate::store::Store;
use crate::training::dump::{self, Contradictions, Example, FileReport, Options, Tally};
use crate::training::extraction::{Extract, Extraction};
use crate::training::held_out::HeldOut;
use crate::training::learner::{Learner, Settings};
use crate::training::recipe::Recipe;
use crate::verdict::Label;

/// Labels read from the store at once.
const PAGE: u32 = 500;

/// Where comments come from.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) args: &'a Args,
    pub(super) options: &'a Options,
    pub(super) recipe: Option<(&'a Recipe, &'a Path)>,
    pub(super) store: Option<&'a dyn Store>,
}

/// What was read, and what is made of it.
pub(super) struct Session {
    extraction: Extraction,
    pub(super) learner: Learner,
    pub(super) held_out: HeldOut,
    pub(super) tally: Tally,
    /// What was found in the dumps, file by file.
    pub(super) reports: Vec<FileReport>,
    pub(super) contradictions: Contradictions,
    /// Ham and spam that came, held out or not.
    pub(super) counts: [u64; 2],
    /// What to do where there is one kind only, by the format.
    pub(super) mend: Option<&'static str>,
    /// What the model is made of, for its card.
    pub(super) sources: Vec<Value>,
}

impl Session {
    /// Reads all there is, and learns what is not held out.
    ///
    /// # Errors
    /// A sentence with the mend.
    pub(super) async fn of(sources: Sources<'_>, settings: Settings, held_out: HeldOut) -> anyhow::Result<Session> {
        let mut session = Session {
            extraction: Extraction::default(),
            learner: Learner::new(settings),
            held_out,
            tally: Tally::default(),
            reports: Vec::new(),
            contradictions: Contradictions::default(),
            counts: [0; 2],
            mend: None,
            sources: Vec::new(),
        };
        session.read(sources).await?;
        let (learner, held_out) = (&mut session.learner, &mut session.held_out);
        session.extraction.finish(&mut |extract| absorb(learner, held_out, extract));
        session.held_out.settle();
        Ok(session)
    }

    async fn read(&mut self, Sources { args, options, recipe, store }: Sources<'_>) -> anyhow::Result<()> {
        if let Some((recipe, data)) = recipe {
            self.held_out.weigh();
            for set in &recipe.sets {
                let labels = set.label_map().map_err(anyhow::Error::msg)?;
                let file = recipe.file(set, data);
                let weight = set.row_weight(&file, &labels)?;
                self.learn_dumps(&[file], &Options { labels, ..Options::default() }, weight)?;
                let name = set.file.file_name().unwrap_or_default().to_string_lossy();
                self.sources.push(json!({"file": name, "counts_as": set.counts_as, "licence": set.licence}));
            }
        }
        self.learn_dumps(&args.dumps, options, 1.0)?;
        for dump in &args.dumps {
            // The name only: where an operator keeps dumps is nobody's business who gets the model.
            let name = dump.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.sources.push(json!({"file": name}));
        }
        if args.labels {
            let Some(store) = store else { bail!("--labels needs the store") };
            self.learn_labels(store, args.site.as_deref()).await?;
            self.sources.push(json!({"labels": args.site.as_deref().unwrap_or("all sites")}));
        }
        Ok(())
    }

    fn learn(&mut self, example: Example, weight: f64) {
        let [ham, spam] = &mut self.counts;
        *if example.label == Label::Ham { ham } else { spam } += 1;
        self.contradictions.note(&example);
        let (learner, held_out) = (&mut self.learner, &mut self.held_out);
        self.extraction.push(example, weight, &mut |extract| absorb(learner, held_out, extract));
    }

    fn learn_dumps(&mut self, paths: &[PathBuf], options: &Options, weight: f64) -> anyhow::Result<()> {
        let mut reading = dump::open(paths, options);
        let mut meter = Meter::of(&reading);
        for record in &mut reading {
            meter.follow();
            if let Some(example) = self.tally.sort(record)? {
                self.learn(example, weight);
            }
        }
        self.reports.extend_from_slice(reading.reports());
        self.mend = self.mend.or(reading.mend_of_one_class());
        Ok(())
    }

    async fn learn_labels(&mut self, store: &dyn Store, site: Option<&str>) -> anyhow::Result<()> {
        for_each_label(store, site, |example| {
            self.tally.good += 1;
            self.learn(example, 1.0);
        })
        .await
    }
}

/// Reads the store's labels, those of one site if it is named.
pub(super) async fn for_each_label(
    store: &dyn Store,
    site: Option<&str>,
    mut take: impl FnMut(Example),
) -> anyhow::Result<()> {
    let site = match site {
        None => None,
        Some(name) => {
            let sites = store.directory().await?.sites;
            let site = sites.iter().find(|site| site.name == name);
            Some(site.with_context(|| format!("there is no site `{name}`; `hamlet site list` shows them"))?.id)
        }
    };
    let mut after = None;
    loop {
        let page = store.labelled(site, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for labelled in page {
            let source = Some(format!("labels of site {}", labelled.site));
            take(Example { comment: labelled.comment, label: labelled.label, source });
        }
    }
}

/// Holds a comment out or learns from it.
fn absorb(learner: &mut Learner, held_out: &mut HeldOut, extract: Extract) {
    let Extract { example, weight, group, features } = extract;
    if let Some(example) = held_out.take(example, group) {
        learner.learn(&features, group, example.label, weight);
        learner.hear(&example.comment, group, example.label, weight);
    }
}
