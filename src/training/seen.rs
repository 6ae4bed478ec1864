//! Which comments a model was trained on, so that it is never measured on them.
//!
//! Owns what a card keeps of the split, and telling by a model whether it has seen a comment. Does not own the set of groups in a
//! model's file (`classifier::learned`) nor the splits (`held_out`, `cross_fit`).
//!
//! A file says which groups of near-copies its model learned from. Files of earlier versions, and models of more comments than a
//! set is kept of, are known by the split alone: what was held out then, by hash or by time, was not seen.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::corpus::Group;
use super::cross_fit::FOLDS;
use super::dump::Example;
use crate::classifier::Classifier;
use crate::classifier::learned::Learned;
use crate::classifier::model::{self, Model, ModelError};
use crate::text::Text;

/// The classifier of a model's file, and what it was trained on.
///
/// # Errors
/// As [`Model::from_bytes`].
pub fn read(file: &[u8]) -> Result<(Classifier, Seen), ModelError> {
    let model = Model::from_bytes(file)?;
    let seen = Seen::of(&model);
    Ok((Classifier::new(model::id(file), model), seen))
}

/// What a model's card keeps of a small set that was cross-fitted.
pub fn card_of_small() -> Value {
    json!({"kind": "cross-fit", "folds": FOLDS})
}

/// What a model's card keeps of a set of which `share` was held out.
pub fn card_of_large(share: f64) -> Value {
    json!({"kind": "hash", "share": share})
}

/// What a model's card keeps of a set of which the newer part was held out.
pub fn card_of_newer(since: Timestamp) -> Value {
    json!({"kind": "time", "since": since})
}

/// Which comments a model was trained on, as far as can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Nothing is known; taken for none.
    Unknown,
    /// Groups that stand beyond this share.
    Beyond(f64),
    Groups(Learned),
    /// Comments that were written before.
    Before(Timestamp),
}

impl Seen {
    /// By all that the model says.
    pub fn of(model: &Model) -> Seen {
        model.learned.clone().map_or_else(|| Seen::by(&model.card), Seen::Groups)
    }

    /// By its split, as the card tells it. Cards of earlier versions keep the groups of small sets.
    pub fn by(card: &Value) -> Seen {
        let Some(split) = card.get("split") else { return Seen::Unknown };
        if let Some(share) = split.get("share").and_then(Value::as_f64) {
            return Seen::Beyond(share);
        }
        if let Some(since) = split.get("since").and_then(Value::as_str).and_then(|since| since.parse().ok()) {
            return Seen::Before(since);
        }
        let bytes = split.get("groups").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        let groups = bytes.map(|bytes| bytes.as_chunks::<4>().0.iter().copied().map(u32::from_le_bytes).collect());
        groups.and_then(Learned::of).map_or(Seen::Unknown, Seen::Groups)
    }

    /// What was met text by text. A split tells of the comments that were split, and nothing of those of another dump.
    pub fn by_text(self) -> Seen {
        if matches!(self, Seen::Groups(_)) { self } else { Seen::Unknown }
    }

    pub fn has(&self, example: &Example) -> bool {
        let group = || Group::of(&Text::of(&example.comment));
        match self {
            Seen::Unknown => false,
            Seen::Beyond(share) => !group().is_held_out(*share),
            Seen::Groups(groups) => groups.has(group().number()),
            Seen::Before(since) => example.comment.submitted_at.is_none_or(|at| at < *since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::features::Features;
    use crate::comment::Comment;
    use crate::training::learner::{Learner, Settings};
    use crate::verdict::Label;

    fn example(content: &str, label: Label) -> Example {
        Example { comment: Comment::of_text(content), label, source: None }
    }

    fn learn(base: Option<Model>, examples: &[Example]) -> Model {
        let mut learner = Learner::new(Settings { base: base.map(std::sync::Arc::new), ..Settings::default() });
        for example in examples {
            let text = Text::of(&example.comment);
            learner.learn(&Features::of(&example.comment, &text), Group::of(&text), example.label, 1.0);
        }
        learner.finish(json!({})).unwrap()
    }

    #[test]
    fn a_model_knows_what_it_and_its_base_learned_from() {
        let first = [example("one of ham", Label::Ham), example("one of spam", Label::Spam)];
        let second = [example("two of ham", Label::Ham), example("two of spam", Label::Spam)];
        let base = learn(None, &first);
        let model = learn(Some(base.clone()), &second);
        let read = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
        let seen = Seen::of(&read);
        assert!(first.iter().chain(&second).all(|example| seen.has(example)), "{seen:?}");
        assert!(seen.has(&example("One of HAM 23!", Label::Ham)), "a near-copy");
        assert!(!seen.has(&example("three of ham", Label::Ham)));
        assert!(!Seen::of(&base).has(&second[0]));

        let card = json!({"split": card_of_large(1.0)});
        let older = Model { learned: None, card, ..base };
        assert_eq!(Seen::of(&older), Seen::Beyond(1.0));
        assert_eq!((Seen::of(&older).by_text(), seen.clone().by_text()), (Seen::Unknown, seen));
    }

    #[test]
    fn a_card_tells_what_its_model_has_seen() {
        let learned = [example("first text", Label::Ham), example("second text", Label::Spam)];
        let number = |example: &Example| Group::of(&Text::of(&example.comment)).number();
        let bytes: Vec<u8> = learned.iter().flat_map(|example| number(example).to_le_bytes()).collect();
        let seen = Seen::by(&json!({"split": {"kind": "cross-fit", "groups": STANDARD.encode(bytes)}}));
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
}
