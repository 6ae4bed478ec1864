//! The candidate's trial: measured on comments it never saw, then beside the champion on those that neither saw.
//!
//! Owns which comments these are. Does not own the figures (`evaluation`) nor the rule (`promotion`).

use serde_json::Value;

use super::TrainError;
use super::corpus::Group;
use super::cross_fit;
use super::dump::Example;
use super::evaluation::{Evaluation, Report};
use super::held_out::{Examiner, HeldOut};
use super::learner::{Learner, Settings};
use super::promotion::{self, Choice};
use super::seen::{self, Seen};
use crate::classifier::Classifier;
use crate::classifier::features::Features;
use crate::classifier::model::Model;
use crate::text::Text;

/// How a candidate did.
#[derive(Debug)]
pub struct Trial<'a> {
    /// What it was measured on.
    pub examples: &'a [Example],
    /// What it, or the models of its folds, said of each.
    pub candidate: Evaluation,
    /// Each comment was judged by a model of the others; see `cross_fit`.
    pub is_cross_fit: bool,
}

impl<'a> Trial<'a> {
    /// Finishes the model and measures it; of a small set it learns the held-out part as well.
    ///
    /// # Errors
    /// As [`Learner::finish`].
    pub fn of(
        mut learner: Learner,
        held_out: &'a HeldOut,
        settings: &Settings,
        mut card: Value,
    ) -> Result<(Model, Trial<'a>), TrainError> {
        let small = held_out.small();
        let split = small.map(|_| seen::card_of_small()).or_else(|| held_out.card());
        if let (Some(card), Some(split)) = (card.as_object_mut(), split) {
            card.insert("split".to_owned(), split);
        }
        let Some(examples) = small else {
            let model = learner.finish(card)?;
            let examiner = Examiner::full(Classifier::new("candidate".to_owned(), model.clone()));
            let examples = held_out.examples();
            let candidate = examiner.judge(examples);
            return Ok((model, Trial { examples, candidate, is_cross_fit: false }));
        };
        for example in held_out.examples() {
            let text = Text::of(&example.comment);
            let group = Group::of(&text);
            learner.learn(&Features::of(&example.comment, &text), group, example.label, 1.0);
            learner.hear(&example.comment, group, example.label, 1.0);
        }
        let model = learner.finish(card)?;
        match cross_fit::judge(examples, settings) {
            Ok(candidate) => Ok((model, Trial { examples, candidate, is_cross_fit: true })),
            // So few of one kind that a fold has them all: there is a model, and nothing to measure it with.
            Err(TrainError::OneClass { .. }) => {
                Ok((model, Trial { examples: &[], candidate: Evaluation::default(), is_cross_fit: true }))
            }
            Err(error) => Err(error),
        }
    }

    /// Has the champion judge what it never saw either: its figures, and whether the candidate takes its place.
    ///
    /// * `seen`: what the champion was trained on.
    pub fn meet(&self, champion: Classifier, seen: &Seen) -> (Report, Choice) {
        let is_new: Vec<bool> = self.examples.iter().map(|example| !seen.has(example)).collect();
        let left_out = is_new.iter().filter(|is_new| !**is_new).count();
        let former = Examiner::full(champion).judge(self.examples).only(&is_new);
        let mut choice = promotion::choose(&self.candidate.only(&is_new), &former);
        if left_out > 0 {
            choice
                .reason
                .push_str(&format!("; {left_out} more are not compared, for the champion was trained on them"));
        }
        (former.report(), choice)
    }
}
