//! The labelled comments that rules are measured on: dumps, or the sets of a recipe.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use indicatif::HumanCount;

use crate::cli::dumps::{self, DumpArgs, Meter};
use crate::training::dump::{self, Example, LabelMap, Options, Tally};
use crate::training::extraction::Extraction;
use crate::training::recipe::Recipe;
use crate::training::rule_stats::{Probe, Probed};

/// Where they are, and how they are read.
#[derive(Clone, Debug, clap::Args)]
pub struct LabelledArgs {
    /// Labelled dumps, as for `hamlet train`; `-` is standard input
    #[arg(value_name = "DUMP")]
    pub(super) dumps: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) reading: DumpArgs,
    /// Read the sets of a recipe, such as models/default.toml, instead of dumps
    #[arg(long, value_name = "FILE", requires = "data", conflicts_with_all = ["dumps", "meanings", "columns", "charset"])]
    pub(super) recipe: Option<PathBuf>,
    /// Folder of the recipe's dumps
    #[arg(long, value_name = "FOLDER", requires = "recipe")]
    data: Option<PathBuf>,
}

/// A comment with what fired in it, and the set that it belongs to.
pub(super) struct Read<'a> {
    pub(super) example: Example,
    pub(super) probed: Probed,
    /// Name of the file without folder and endings: `tubespam` of `data/tubespam.train.jsonl.gz`.
    pub(super) set: &'a str,
    /// Rows that the set counts as, if the recipe says so.
    pub(super) counts_as: Option<f64>,
}

impl LabelledArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.dumps.is_empty() && self.recipe.is_none()
    }

    /// Hands all comments over, in their order; returns the names of the files.
    ///
    /// # Errors
    /// A sentence with the mend, when there is nothing to read or it cannot be read.
    pub(super) fn read(&self, probe: &Probe, mut each: impl FnMut(Read<'_>)) -> anyhow::Result<Vec<String>> {
        ensure!(!self.is_empty(), "nothing to measure on: name a dump, or --recipe and --data");
        if let (Some(recipe), Some(data)) = (&self.recipe, &self.data) {
            let mut names = Vec::new();
            // What was made up says nothing of how often a rule is right.
            for set in Recipe::read(recipe)?.sets.into_iter().filter(|set| !set.is_made_up()) {
                let labels = set.label_map().map_err(anyhow::Error::msg)?;
                let options = Options { labels, ..Options::default() };
                names.extend(read(&[data.join(&set.file)], &options, probe, Some(set.counts_as), &mut each)?);
            }
            return Ok(names);
        }
        read(&self.dumps, &self.reading.options()?, probe, None, &mut each)
    }
}

/// Dumps that say everything themselves but the meaning of labels.
///
/// # Errors
/// A sentence that names the meaning which is none.
pub(super) fn options_with_labels(meanings: &[String]) -> anyhow::Result<Options> {
    let labels = LabelMap::with(meanings.iter().map(String::as_str)).map_err(anyhow::Error::msg)?;
    Ok(Options { labels, ..Options::default() })
}

/// Hands the comments of these dumps over, and says on stderr what could not be read.
pub(super) fn read(
    paths: &[PathBuf],
    options: &Options,
    probe: &Probe,
    counts_as: Option<f64>,
    mut each: impl FnMut(Read<'_>),
) -> anyhow::Result<Vec<String>> {
    let (mut reading, mut tally) = (dump::open(paths, options), Tally::default());
    let mut meter = Meter::of(&reading);
    let probe = probe.clone();
    let mut extraction = Extraction::of(move |example: Example, file: f64| {
        let probed = probe.probe(&example);
        (example, probed, file)
    });
    // The number of its file rides along with each comment.
    let mut sets: Vec<String> = Vec::new();
    while let Some(record) = reading.next() {
        meter.follow();
        let Some(example) = tally.sort(record)? else { continue };
        let files = reading.reports();
        for report in files.iter().skip(sets.len()) {
            sets.push(stem(&report.file));
        }
        #[expect(clippy::cast_precision_loss, reason = "fewer files than 2^53")]
        let file = files.len().saturating_sub(1) as f64;
        extraction.push(example, file, &mut |read| hand_over(read, &sets, counts_as, &mut each));
    }
    extraction.finish(&mut |read| hand_over(read, &sets, counts_as, &mut each));
    drop(meter);
    dumps::tell(&tally, reading.reports());
    tally.check()?;
    Ok(reading.reports().iter().map(|report| name(&report.file)).collect())
}

fn hand_over(
    (example, probed, file): (Example, Probed, f64),
    sets: &[String],
    counts_as: Option<f64>,
    each: &mut impl FnMut(Read<'_>),
) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the number of a file")]
    let set = sets.get(file as usize).map_or("", String::as_str);
    each(Read { example, probed, set, counts_as });
}

/// The file's name alone: where its owner keeps files is nobody's business.
fn name(file: &Path) -> String {
    if file.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn stem(file: &Path) -> String {
    let name = name(file);
    name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or(&name).to_owned()
}

/// A number for people: 12,431.
pub(super) fn grouped(number: u64) -> String {
    HumanCount(number).to_string()
}
