//! Which languages ham or spam is in, told as it streams by.
//!
//! Owns which comments are looked at. Does not own what follows from it (`classifier::languages`).

use std::collections::BTreeMap;

use super::corpus::Group;
use crate::text::Language;

/// Comments that are all looked at, the first ones: a small set has no more.
const FIRST: usize = 1_000;
/// Of the later ones a part, for telling a language takes four times as long as reading the comment.
const ONE_OF: f64 = 64.0;

/// A language is known from this share of the rows on, and from so many comments that are surely in it.
const MIN_SHARE: f64 = 0.01;
const MIN_COMMENTS: usize = 5;

/// Comments of one kind, ham or spam, by language.
#[derive(Clone, Debug, Default)]
pub struct Languages {
    by: BTreeMap<String, Met>,
    met: usize,
    rows: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Met {
    comments: usize,
    /// About how many rows it is, for it stands for others that were not looked at.
    rows: f64,
}

impl Languages {
    /// Notes a comment that counts as `weight` rows; `language` is asked when it is one that is looked at.
    pub fn note(&mut self, group: Group, weight: f64, language: impl FnOnce() -> Language) {
        self.met = self.met.saturating_add(1);
        self.rows += weight;
        let stands_for = if self.met <= FIRST {
            weight
        } else if group.place(8) < 1.0 / ONE_OF {
            weight * ONE_OF
        } else {
            return;
        };
        let language = language();
        if language.confidence >= Language::SURE {
            let met = self.by.entry(language.code.to_owned()).or_default();
            met.comments += 1;
            met.rows += stands_for;
        }
    }

    /// The languages that enough of them were surely in.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        let is_known = |met: &Met| met.comments >= MIN_COMMENTS && met.rows >= MIN_SHARE * self.rows;
        self.by.iter().filter(move |(_, met)| is_known(met)).map(|(code, _)| code.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::classifier::features::Features;
    use crate::classifier::model::Model;
    use crate::comment::Comment;
    use crate::text::Text;
    use crate::training::learner::{Learner, Settings};
    use crate::verdict::Label;

    #[test]
    fn a_part_of_many_stands_for_all() {
        let mut languages = Languages::default();
        let mut asked = 0;
        for number in 0..40_000 {
            let group = Group::of(&Text::of(&Comment::of_text(format!("{number}"))));
            languages.note(group, 2.0, || {
                asked += 1;
                Language { code: if number % 4 == 0 { "de" } else { "en" }, confidence: 0.9 }
            });
        }
        assert!((1_300..2_000).contains(&asked), "{asked}");
        let (german, all) = (languages.by["de"].rows, languages.by.values().map(|ham| ham.rows).sum::<f64>());
        assert!((0.2..0.3).contains(&(german / all)) && (70_000.0..90_000.0).contains(&all), "{german} of {all}");
    }

    #[test]
    fn a_language_is_known_from_a_few_comments_and_a_hundredth_of_the_ham_on() {
        let group = Group::of(&Text::of(&Comment::of_text("ok")));
        let known = |counts: &[(&'static str, f64, usize)]| {
            let mut languages = Languages::default();
            for &(code, confidence, count) in counts {
                (0..count).for_each(|_| languages.note(group, 0.5, || Language { code, confidence }));
            }
            languages.known().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(known(&[("en", 0.9, 40), ("de", 0.9, 4), ("fr", 0.4, 40)]), ["en"]);
        assert_eq!(known(&[("en", 0.9, 692), ("de", 0.9, 8), ("ar", 0.9, 6)]), ["de", "en"]);
        assert!(known(&[]).is_empty());
    }

    #[test]
    fn a_model_tells_what_its_ham_was_in_and_what_that_of_its_base_was_in() {
        let of = |base: Option<std::sync::Arc<Model>>, ham: &str| {
            let mut learner = Learner::new(Settings { base, ..Settings::default() });
            for number in 0..20 {
                for (content, label) in [(ham, Label::Ham), ("Buy cheap pills and win the casino bonus", Label::Spam)] {
                    let comment = Comment::of_text(format!("{content} {number}"));
                    let text = Text::of(&comment);
                    learner.learn(&Features::of(&comment, &text), Group::of(&text), label, 1.0);
                    learner.hear(&comment, Group::of(&text), label, 1.0);
                }
            }
            learner.finish(json!({})).unwrap()
        };
        let english = of(None, "I think that the second half of the article was much better than the first");
        assert_eq!((&english.card["languages"], &english.card["spam_languages"]), (&json!(["en"]), &json!(["en"])));
        let german = "Das finde ich nicht, denn die Leute sind noch immer mit dem Zug gefahren";
        let both = of(Some(std::sync::Arc::new(english)), german);
        assert_eq!((&both.card["languages"], &both.card["spam_languages"]), (&json!(["de", "en"]), &json!(["en"])));
        let older = Model { card: json!({}), ..both };
        assert!(
            of(Some(std::sync::Arc::new(older)), german).card.get("languages").is_none(),
            "what it knew is not told"
        );
    }
}
