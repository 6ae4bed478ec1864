//! Small sets: every comment is judged by a model that did not see it, and none is lost to training.
//!
//! Owns k-fold cross-fitting, and knowing which comments a model was trained on. Does not own the split of large sets
//! (`held_out`).
//!
//! A tenth of a few hundred comments tells nothing. So below [`MAX_COMMENTS`] the comments are dealt into [`FOLDS`] folds,
//! near-copies together; as many models each learn from all folds but one and judge that one, and the model that may serve
//! learns from all. Its figures are those of the fold models, which had a fifth less to learn from: a little too low
//! rather than too high.
//!
//! The price is that no comment is left which such a model never saw. A later candidate must not meet it on those: there
//! it knows the answers. So its card keeps a 32-bit number for each group of near-copies it learned from (a hash: no text
//! can be read out of it), and what it has seen is left out of the comparison. A model of a large set keeps the share that
//! was held out, from which the same follows. Of a model that keeps neither (the shipped one, those of earlier
//! versions) it is taken that it saw none.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

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

/// What a model's card keeps of a small set that it learned from.
pub fn card_of_small(examples: &[Example]) -> Value {
    let mut groups: Vec<u32> = examples.iter().map(|example| Group::of(&Text::of(&example.comment)).number()).collect();
    groups.sort_unstable();
    groups.dedup();
    let bytes: Vec<u8> = groups.iter().flat_map(|group| group.to_le_bytes()).collect();
    json!({"kind": "cross-fit", "folds": FOLDS, "groups": STANDARD.encode(bytes)})
}

/// What a model's card keeps of a set of which `share` was held out.
pub fn card_of_large(share: f64) -> Value {
    json!({"kind": "hash", "share": share})
}

/// What a model's card keeps of a set of which the newer part was held out.
pub fn card_of_newer(since: Timestamp) -> Value {
    json!({"kind": "time", "since": since})
}

/// Which comments a model was trained on, as far as its card tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Nothing is known; taken for none.
    Unknown,
    /// Groups that stand beyond this share.
    Beyond(f64),
    Groups(HashSet<u32>),
    /// Comments that were written before.
    Before(Timestamp),
}

impl Seen {
    pub fn by(card: &Value) -> Seen {
        let Some(split) = card.get("split") else { return Seen::Unknown };
        if let Some(share) = split.get("share").and_then(Value::as_f64) {
            return Seen::Beyond(share);
        }
        if let Some(since) = split.get("since").and_then(Value::as_str).and_then(|since| since.parse().ok()) {
            return Seen::Before(since);
        }
        let bytes = split.get("groups").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        bytes.map_or(Seen::Unknown, |bytes| {
            let (numbers, _) = bytes.as_chunks::<4>();
            Seen::Groups(numbers.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
        })
    }

    pub fn has(&self, example: &Example) -> bool {
        let group = || Group::of(&Text::of(&example.comment));
        match self {
            Seen::Unknown => false,
            Seen::Beyond(share) => !group().is_held_out(*share),
            Seen::Groups(groups) => groups.contains(&group().number()),
            Seen::Before(since) => example.comment.submitted_at.is_none_or(|at| at < *since),
        }
    }
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
    fn a_card_tells_what_its_model_has_seen() {
        let learned = [example("first text", Label::Ham), example("second text", Label::Spam)];
        let seen = Seen::by(&json!({"split": card_of_small(&learned)}));
        assert!(seen.has(&example("Second text 17 http://a.example", Label::Ham)), "a near-copy is seen as well");
        assert!(!seen.has(&example("third text", Label::Ham)));

        let seen = Seen::by(&json!({"split": card_of_large(0.1)}));
        let texts = |held_out: bool| {
            (0..500)
                .map(|n| example(&format!("text {n:b} of {}", "x".repeat(n)), Label::Ham))
                .filter(move |example| Group::of(&Text::of(&example.comment)).is_held_out(0.1) == held_out)
        };
        assert!(texts(true).all(|example| !seen.has(&example)) && texts(false).all(|example| seen.has(&example)));
        let noon: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let seen = Seen::by(&json!({"split": card_of_newer(noon)}));
        let mut dated = example("fourth text", Label::Ham);
        assert!(seen.has(&dated), "without a date it may have been there");
        dated.comment.submitted_at = Some(noon);
        assert!(!seen.has(&dated));

        assert_eq!(Seen::by(&json!({"split": {"groups": "no base64!"}})), Seen::Unknown);
        assert!(!Seen::by(&json!({})).has(&learned[0]));
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
