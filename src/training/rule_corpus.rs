//! The comments that weights of rules are fitted to: what fired in each, and what a classifier says that never saw it.
//!
//! Owns how much each set counts, and cross-fitting the classifier. Does not own the fit (`rule_fit`).
//!
//! A classifier knows the comments it was trained on nearly by heart; beside it rules would seem to say nothing. So the
//! comments are dealt into folds, near-copies together, and each is judged by a classifier of the other folds.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::TrainError;
use super::corpus::Group;
use super::cross_fit::FOLDS;
use super::dump::Example;
use super::extraction::{Extract, Extraction};
use super::learner::{Learner, Settings};
use super::rule_stats::{Hit, Probed, Stats};
use super::seen::Seen;
use crate::classifier::Classifier;
use crate::classifier::features::Features;
use crate::text::Text;
use crate::verdict::Label;

/// Comments kept, and bytes of their texts: beyond, whole groups of near-copies are left out by their hash.
const MAX_COMMENTS: usize = 300_000;
const MAX_BYTES: usize = 256 << 20;

/// A row of a set that says nothing else counts as so many at most: a handful of comments is no language.
const MAX_ROW_WEIGHT: f64 = 8.0;

/// One comment.
#[derive(Clone, Debug)]
pub struct Labelled {
    pub example: Example,
    pub group: Group,
    pub hits: Vec<Hit>,
    set: usize,
}

impl Labelled {
    /// The fold that it is judged in, from 0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to FOLDS - 1")]
    pub fn fold(&self) -> usize {
        (self.group.place(6) * f64::from(FOLDS)) as usize
    }
}

/// Labelled comments with what fired in them, in bounded memory.
#[derive(Debug)]
pub struct Corpus {
    rows: Vec<Labelled>,
    /// Rows that each set counts as, if that was said.
    sets: Vec<Option<f64>>,
    places: HashMap<String, usize>,
    /// Of all comments, kept or not.
    pub stats: Stats,
    bytes: usize,
    /// Groups whose place is below this are in.
    share: f64,
}

impl Default for Corpus {
    fn default() -> Corpus {
        let (rows, sets, places) = (Vec::new(), Vec::new(), HashMap::new());
        Corpus { rows, sets, places, stats: Stats::default(), bytes: 0, share: 1.0 }
    }
}

impl Corpus {
    /// Takes a comment of the set of this name, which counts as so many rows; if that is not said, all such sets count
    /// alike as far as their size allows.
    pub fn add(&mut self, example: Example, probed: Probed, set: &str, counts_as: Option<f64>) {
        self.stats.add(&probed, example.label);
        let Probed { group, hits, .. } = probed;
        if group.place(7) >= self.share {
            return;
        }
        let place = self.places.get(set).copied().unwrap_or_else(|| {
            self.sets.push(counts_as);
            self.places.insert(set.to_owned(), self.sets.len() - 1);
            self.sets.len() - 1
        });
        self.bytes += example.comment.content.len();
        self.rows.push(Labelled { example, group, hits, set: place });
        while self.rows.len() > MAX_COMMENTS || (self.bytes > MAX_BYTES && self.rows.len() > 1) {
            self.share /= 2.0;
            self.rows.retain(|row| row.group.place(7) < self.share);
            self.bytes = self.rows.iter().map(|row| row.example.comment.content.len()).sum();
        }
    }

    pub fn rows(&self) -> &[Labelled] {
        &self.rows
    }

    /// Leaves out what the classifier was trained on, as far as is known; how many that were.
    pub fn leave_out(&mut self, seen: &Seen) -> usize {
        let before = self.rows.len();
        self.rows.retain(|row| !seen.has(&row.example));
        before - self.rows.len()
    }

    /// How many rows each comment counts as, 1 on average, so that no set drowns the others.
    #[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
    pub fn weights(&self) -> Vec<f64> {
        let mut sizes = vec![0.0_f64; self.sets.len()];
        for row in &self.rows {
            if let Some(size) = sizes.get_mut(row.set) {
                *size += 1.0;
            }
        }
        let sets = sizes.iter().filter(|size| **size > 0.0).count().max(1) as f64;
        let mean = self.rows.len() as f64 / sets;
        let of_row = |(counts_as, size): (&Option<f64>, f64)| match counts_as {
            Some(rows) => rows / size,
            None => (mean / size).min(MAX_ROW_WEIGHT),
        };
        let of_set: Vec<f64> = self.sets.iter().zip(sizes).map(of_row).collect();
        let weights: Vec<f64> = self.rows.iter().map(|row| of_set.get(row.set).copied().unwrap_or(1.0)).collect();
        let scale = weights.len() as f64 / weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        weights.into_iter().map(|weight| weight * scale).collect()
    }

    /// Ham and spam that are kept.
    pub fn counts(&self) -> [u64; 2] {
        let spam = self.rows.iter().filter(|row| row.example.label == Label::Spam).count() as u64;
        [self.rows.len() as u64 - spam, spam]
    }

    /// Trains on the rows for which `is_in` holds.
    fn train(
        &self,
        weights: &[f64],
        settings: &Settings,
        is_in: impl Fn(&Labelled) -> bool,
    ) -> Result<Classifier, TrainError> {
        let mut learner = Learner::new(settings.clone());
        let mut extraction = Extraction::default();
        let mut learn = |extract: Extract| {
            let Extract { example, weight, group, features } = extract;
            learner.learn(&features, group, example.label, weight);
            learner.hear(&example.comment, group, example.label, weight);
        };
        for (row, weight) in self.rows.iter().zip(weights).filter(|(row, _)| is_in(row)) {
            extraction.push(row.example.clone(), *weight, &mut learn);
        }
        extraction.finish(&mut learn);
        Ok(Classifier::new("rules fit".to_owned(), learner.finish(Value::Null)?))
    }

    /// What a classifier says of the rows for which `is_in` holds, in their order, with its prior, nats.
    pub fn judged(&self, classifier: &Arc<Classifier>, is_in: impl Fn(&Labelled) -> bool) -> Vec<f64> {
        let classifier = Arc::clone(classifier);
        let mut extraction = Extraction::of(move |example: Example, _| {
            let text = Text::of(&example.comment);
            classifier.evidence(&Features::of(&example.comment, &text), &text).get() + classifier.prior().get()
        });
        let mut said = Vec::new();
        let mut note = |nats| said.push(nats);
        self.rows.iter().filter(|row| is_in(row)).for_each(|row| extraction.push(row.example.clone(), 1.0, &mut note));
        extraction.finish(&mut note);
        said
    }

    /// What classifiers say that did not see the row, in the order of the rows, and the classifier of all rows.
    /// `told` hears how many of the classifiers are done.
    ///
    /// # Errors
    /// [`TrainError::OneClass`] when all but one fold have no ham or no spam; [`TrainError::Fit`] when linfa fails.
    pub fn cross_fit(
        &self,
        settings: &Settings,
        mut told: impl FnMut(u64),
    ) -> Result<(Vec<f64>, Arc<Classifier>), TrainError> {
        let weights = self.weights();
        let mut said = vec![0.0; self.rows.len()];
        for fold in 0..usize::from(FOLDS) {
            let classifier = Arc::new(self.train(&weights, settings, |row| row.fold() != fold)?);
            let of_fold = self.rows.iter().zip(&mut said).filter(|(row, _)| row.fold() == fold);
            for ((_, place), nats) in of_fold.zip(self.judged(&classifier, |row| row.fold() == fold)) {
                *place = nats;
            }
            told(fold as u64 + 1);
        }
        let whole = self.train(&weights, settings, |_| true)?;
        told(u64::from(FOLDS) + 1);
        Ok((said, Arc::new(whole)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;
    use crate::rules::RuleSet;
    use crate::training::rule_stats::Probe;

    fn corpus(sets: &[(&str, Option<f64>, usize)]) -> Corpus {
        let (probe, mut corpus) = (Probe::of(RuleSet::shipped()), Corpus::default());
        for (name, counts_as, rows) in sets {
            for number in 0..*rows {
                let comment = Comment::of_text(format!("{name} {}", "x".repeat(number)));
                let label = if number.is_multiple_of(2) { Label::Ham } else { Label::Spam };
                let example = Example { comment, label, source: None };
                let probed = probe.probe(&example);
                corpus.add(example, probed, name, *counts_as);
            }
        }
        corpus
    }

    #[test]
    fn sets_count_as_they_were_told_or_alike() {
        let sums = |corpus: &Corpus| {
            let mut sums = vec![0.0; corpus.sets.len()];
            corpus.rows.iter().zip(corpus.weights()).for_each(|(row, weight)| sums[row.set] += weight);
            sums
        };
        let told = sums(&corpus(&[("a", Some(100.0), 10), ("b", Some(300.0), 30)]));
        assert!((told[0] - 10.0).abs() < 1e-9 && (told[1] - 30.0).abs() < 1e-9, "{told:?}");
        let alike = sums(&corpus(&[("a", None, 10), ("b", None, 30)]));
        assert!((alike[0] - 20.0).abs() < 1e-9 && (alike[1] - 20.0).abs() < 1e-9, "{alike:?}");
        // One comment among so many does not count as half of all.
        let few = sums(&corpus(&[("a", None, 1), ("b", None, 99)]));
        assert!(few[0] < 0.2 * few[1], "{few:?}");
    }

    #[test]
    fn no_comment_is_judged_by_a_classifier_that_saw_it() {
        // The words tell nothing, so whoever saw a comment knows its label, and whoever did not can only guess.
        let (probe, mut corpus) = (Probe::of(RuleSet::shipped()), Corpus::default());
        for number in 0..200_u32 {
            let hex = format!("{:x}", number.wrapping_mul(2_654_435_761));
            let letter = |c: char| char::from(b'a' + u8::try_from(c.to_digit(16).unwrap()).unwrap());
            let comment = Comment::of_text(hex.chars().map(letter).collect::<String>());
            let label = if number.is_multiple_of(2) { Label::Ham } else { Label::Spam };
            let example = Example { comment, label, source: None };
            let probed = probe.probe(&example);
            corpus.add(example, probed, "all", None);
        }
        let mut steps = 0;
        let (said, whole) = corpus.cross_fit(&Settings::default(), |done| steps = done).unwrap();
        let right = |said: &[f64]| {
            let is_spam = |row: &Labelled| row.example.label == Label::Spam;
            let mean = said.iter().sum::<f64>() / said.len() as f64;
            corpus.rows.iter().zip(said).filter(|(row, nats)| (**nats > mean) == is_spam(row)).count()
        };
        let (apart, knowing) = (right(&said), right(&corpus.judged(&whole, |_| true)));
        // Whoever knows them tells them all apart; the sign is calibration's, which found nothing to go by.
        assert!((70..130).contains(&apart) && !(30..170).contains(&knowing), "{apart} {knowing}");
        assert_eq!(steps, u64::from(FOLDS) + 1);
    }
}
