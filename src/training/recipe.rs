//! A recipe: which dumps make a model, what their labels mean, and how much each counts.
//!
//! Lets the shipped model be made again with one command; `models/default.toml` is the one there is. Sets of very
//! different sizes drown each other: a recipe says how many rows a set counts as, whatever its size.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::dump::{DumpError, LabelMap, Options, Tally, open};
use super::learner::Settings;

/// How a model is made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Lidstone smoothing; the program's own when absent.
    pub alpha: Option<f64>,
    /// Log-odds of spam where the model will serve.
    pub prior: Option<f64>,
    /// The most that addresses may say for spam, nats; what the sets bear out when absent.
    pub link_cut: Option<f64>,
    /// What the card says of the model, in a sentence.
    pub description: String,
    #[serde(rename = "set")]
    pub sets: Vec<Set>,
    /// Where the recipe lies.
    #[serde(skip)]
    folder: PathBuf,
}

/// One dump.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Within the folder that `--data` names; one that begins with `./` lies beside the recipe, and was made up for it.
    pub file: PathBuf,
    /// Rows that the whole set counts as: each row weighs this over the number of rows.
    pub counts_as: f64,
    /// Meanings of labels, as for `--label`: `ok=ham`.
    #[serde(default)]
    pub labels: Vec<String>,
    pub licence: String,
}

/// Why a recipe cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    #[error("{}: {error}", file.display())]
    Io { file: PathBuf, error: std::io::Error },
    #[error("{}: {reason}", file.display())]
    Wrong { file: PathBuf, reason: String },
    #[error(transparent)]
    Dump(#[from] DumpError),
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// [`RecipeError`] when it is not there, is no TOML, or has a key that is not known.
    pub fn read(file: &Path) -> Result<Recipe, RecipeError> {
        let text = std::fs::read_to_string(file).map_err(|error| RecipeError::Io { file: file.to_owned(), error })?;
        let wrong = |reason: String| RecipeError::Wrong { file: file.to_owned(), reason };
        let mut recipe: Recipe = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let is_sound = |number: f64| number.is_finite() && number > 0.0;
        let numbers = recipe.sets.iter().map(|set| set.counts_as).chain(recipe.alpha).chain(recipe.link_cut);
        if !numbers.into_iter().all(is_sound) {
            return Err(wrong("alpha, link_cut and counts_as are numbers above 0".to_owned()));
        }
        recipe.folder = file.parent().map(Path::to_owned).unwrap_or_default();
        Ok(recipe)
    }

    /// Where a set lies, given the folder that `--data` names.
    pub fn file(&self, set: &Set, data: &Path) -> PathBuf {
        if set.is_made_up() { self.folder.join(&set.file) } else { data.join(&set.file) }
    }

    /// How to train by it: what it does not say is as in `otherwise`.
    pub fn settings(&self, otherwise: Settings) -> Settings {
        Settings {
            alpha: self.alpha.unwrap_or(otherwise.alpha),
            prior: self.prior.or(otherwise.prior),
            link_cut: self.link_cut.or(otherwise.link_cut),
            ..otherwise
        }
    }
}

impl Set {
    /// Was the set made up for the recipe? It teaches; nothing is measured on it.
    pub fn is_made_up(&self) -> bool {
        self.file.starts_with(".")
    }

    /// What labels mean in it.
    ///
    /// # Errors
    /// A sentence that names the meaning which is none.
    pub fn label_map(&self) -> Result<LabelMap, String> {
        LabelMap::with(self.labels.iter().map(String::as_str))
    }

    /// Reads the set through once; what each of its rows weighs.
    ///
    /// # Errors
    /// When the dump cannot be read.
    pub fn row_weight(&self, file: &Path, labels: &LabelMap) -> Result<f64, DumpError> {
        let mut tally = Tally::default();
        let options = Options { labels: labels.clone(), ..Options::default() };
        for record in open(&[file.to_owned()], &options) {
            tally.sort(record)?;
        }
        tally.check()?;
        #[expect(clippy::cast_precision_loss, reason = "fewer rows than 2^53")]
        Ok(self.counts_as / tally.good as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_recipe_is_read() {
        let recipe = Recipe::read(Path::new("models/default.toml")).unwrap();
        assert!(recipe.sets.len() > 10);
        recipe.sets.iter().for_each(|set| drop(set.label_map().unwrap()));
        let made_up: Vec<_> = recipe.sets.iter().filter(|set| set.is_made_up()).collect();
        assert_eq!(recipe.file(made_up[0], Path::new("DATA")), Path::new("models/made-up.jsonl"));
        assert_eq!(recipe.file(&recipe.sets[0], Path::new("DATA")), Path::new("DATA/tubespam.train.jsonl.gz"));
        let settings = recipe.settings(Settings::default());
        assert_eq!((settings.alpha, settings.prior, settings.link_cut), (2.0, Some(-1.5), Some(1.0)));
    }

    #[test]
    fn a_wrong_recipe_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("recipe.toml");
        let refusal = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Recipe::read(&file).unwrap_err().to_string()
        };
        let set = "[[set]]\nfile = \"a\"\nlicence = \"MIT\"\n";
        assert!(refusal("description = 1").contains("recipe.toml: "));
        assert!(refusal(&format!("description = \"\"\n{set}counts_as = 1\nwieght = 2")).contains("wieght"));
        assert!(refusal(&format!("description = \"\"\n{set}counts_as = 0")).contains("above 0"));
    }
}
