//! Which languages a model knows: those that much of its ham was in.
//!
//! Owns when a comment is in a language that the model does not know, and what a word may then say. Does not own telling
//! languages (`text`), nor what coverage does (`calibration`).
//!
//! N-grams alone do not tell languages apart: two of three of English tweets' were known to a model of Arabic, German and
//! Indonesian. A word that only spam had there may be what everybody writes elsewhere: in that model `RT` said five nats of
//! spam, and a sixth of ordinary English tweets was held for it.

use serde_json::{Map, Value, json};

use crate::text::Language;

/// What one word may say for spam where the language is not known, nats: no more than the lowest prior that training sets says
/// against it, so that no word holds a comment alone.
pub const WORD_CUT: f64 = 1.5;
/// Of so many times the level of coverage a text is surely known, where the guess at its language is not sure.
const SURELY_KNOWN: f64 = 1.2;
/// From this coverage on a text is in a known language: nobody need be asked. Of the English tweets that a model without English
/// holds, none is covered so well.
const KNOWN_FROM: f64 = 0.85;
/// Where a model's card keeps the codes of the languages.
const KEY: &str = "languages";

/// The languages that a model knows, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Languages(Vec<String>);

impl Languages {
    /// `None` where the card names none, as with models of earlier versions: then no word is cut.
    pub fn of(card: &Value) -> Option<Languages> {
        let codes = card.get(KEY)?.as_array()?.iter().filter_map(Value::as_str);
        let known: Vec<String> = codes.map(str::to_owned).collect();
        (!known.is_empty()).then_some(Languages(known))
    }

    /// Has a card keep these.
    pub fn keep(card: &mut Map<String, Value>, known: impl IntoIterator<Item = String>) {
        let mut known: Vec<String> = known.into_iter().collect();
        known.sort_unstable();
        known.dedup();
        card.insert(KEY.to_owned(), json!(known));
    }

    pub fn codes(&self) -> &[String] {
        &self.0
    }

    /// Is a text, as well covered, in a language that the model does not know? The guess at it goes wrong in short
    /// texts and in disguised ones; where it is not sure, a text of which nearly all is known is none.
    ///
    /// * `language`: asked last, because it takes long to tell.
    /// * `level`: [`super::calibration::Calibration::coverage_level`].
    pub fn is_foreign(&self, language: impl FnOnce() -> Language, coverage: f64, level: f64) -> bool {
        if coverage >= KNOWN_FROM {
            return false;
        }
        let language = language();
        let is_known = language == Language::UNKNOWN || self.0.iter().any(|known| known == language.code);
        !is_known && (language.confidence >= Language::SURE || coverage < SURELY_KNOWN * level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(code: &'static str, confidence: f64) -> Language {
        Language { code, confidence }
    }

    #[test]
    fn a_card_keeps_what_is_known() {
        let mut card = Map::from_iter([("rows".to_owned(), json!({"ham": 1000.0, "spam": 5.0}))]);
        assert_eq!(Languages::of(&Value::Object(card.clone())), None, "an older card");
        Languages::keep(&mut card, []);
        assert_eq!(Languages::of(&Value::Object(card.clone())), None, "none is known: nothing can be told");
        Languages::keep(&mut card, ["de", "ar", "de"].map(str::to_owned));
        assert_eq!(Languages::of(&Value::Object(card)).unwrap().codes(), ["ar", "de"]);
    }

    #[test]
    fn a_text_is_foreign_where_the_guess_is_sure_or_little_is_known_of_it() {
        let known = Languages(vec!["ar".to_owned()]);
        assert!(!known.is_foreign(|| language("ar", 0.3), 0.1, 0.5));
        assert!(!known.is_foreign(|| Language::UNKNOWN, 0.1, 0.5), "nothing to go by");
        assert!(known.is_foreign(|| language("pt", 0.9), 0.8, 0.5));
        assert!(known.is_foreign(|| language("pt", 0.3), 0.55, 0.5));
        assert!(!known.is_foreign(|| language("pt", 0.3), 0.65, 0.5));
        assert!(!known.is_foreign(|| panic!("asked"), 0.9, 0.5), "too well known to ask");
    }
}
