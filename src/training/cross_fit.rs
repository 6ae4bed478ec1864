//! Small sets: every comment is judged by a model that did not see it, and none is lost to training.
//!
//! Owns k-fold cross-fitting. Does not own the split of large sets (`held_out`) nor knowing which comments a model was trained on
//! (`seen`).
//!
//! A tenth of a few hundred comments tells nothing. So below [`MAX_COMMENTS`] the comments are dealt into [`FOLDS`] folds,
//! near-copies together; as many models each learn from all folds but one and judge that one, and the model that may serve
//! learns from all. Its figures are those of the fold models, which had a fifth less to learn from: a little too low
//! rather than too high.
//!
//! The price is that no comment is left which such a model never saw: a later candidate does not meet it on those.

use serde_json::Value;

use super::TrainError;
use super::corpus::Group;
use super::dump::Example;
use super::evaluation::Evaluation;
use super::held_out::Examiner;
use super::learner::{Learner, Settings};
use crate::classifier::Classifier;
use crate::classifier::features::Features;
use crate::text::Text;

/// Sets up to this size are cross-fitted: a tenth of more is a hundred comments, the least that can be compared.
pub const MAX_COMMENTS: usize = 1_000;
pub const FOLDS: u8 = 5;

/// Judges each example by a model of the other folds, in their order.
///
/// # Errors
/// [`TrainError::OneClass`] when the folds of the rest have no ham or no spam; [`TrainError::Fit`] when linfa fails.
pub fn judge(examples: &[Example], settings: &Settings) -> Result<Evaluation, TrainError> {
    let read: Vec<(Features, Group)> = examples
        .iter()
        .map(|example| {
            let text = Text::of(&example.comment);
            (Features::of(&example.comment, &text), Group::of(&text))
        })
        .collect();
    let fold_of = |group: Group| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to FOLDS - 1")]
        let fold = (group.place(6) * f64::from(FOLDS)) as u8;
        fold
    };
    let mut judged = vec![None; examples.len()];
    for fold in 0..FOLDS {
        let mut learner = Learner::new(settings.clone());
        let rest = examples.iter().zip(&read).filter(|(_, (_, group))| fold_of(*group) != fold);
        rest.for_each(|(example, (features, group))| {
            learner.learn(features, *group, example.label, 1.0);
            learner.hear(&example.comment, *group, example.label, 1.0);
        });
        let model = learner.finish(Value::Null)?;
        let examiner = Examiner::full(Classifier::new("fold".to_owned(), model));
        for ((example, (_, group)), place) in examples.iter().zip(&read).zip(&mut judged) {
            if fold_of(*group) == fold {
                *place = Some(examiner.examine(example).judged);
            }
        }
    }
    let mut evaluation = Evaluation::default();
    for (example, judged) in examples.iter().zip(judged) {
        if let Some(judged) = judged {
            evaluation.add(judged, example.comment.lang.as_deref(), example.source.as_deref());
        }
    }
    Ok(evaluation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;
    use crate::verdict::Label;

    fn example(content: &str, label: Label) -> Example {
        Example { comment: Comment::of_text(content), label, source: None }
    }

    #[test]
    fn no_comment_is_judged_by_a_model_that_saw_it() {
        // The words tell nothing, so whoever saw a comment knows its label, and whoever did not can only guess.
        let examples: Vec<Example> = (0..120_u32)
            .map(|number| {
                let word: String = format!("{:x}", number.wrapping_mul(2_654_435_761))
                    .chars()
                    .map(|c| char::from(b'a' + u8::try_from(c.to_digit(16).unwrap()).unwrap()))
                    .collect();
                example(&word, if number.is_multiple_of(2) { Label::Ham } else { Label::Spam })
            })
            .collect();
        let judged = judge(&examples, &Settings::default()).unwrap();
        assert_eq!(judged.rows().len(), 120);
        let auc = judged.report().all.roc_auc.unwrap();
        assert!((0.3..0.7).contains(&auc.value), "{auc:?}");
    }
}
