//! Which languages a model knows: those that much of its ham was in, and those that much of its spam was in.
//!
//! Owns when a comment is in a language that the model does not know, or knows the ham of and not the spam, and what words may then say.
//! Does not own telling languages (`text`), nor what coverage does (`calibration`).
//!
//! N-grams alone do not tell languages apart: two of three of English tweets' were known to a model of Arabic, German and
//! Indonesian. A word that only spam had there may be what everybody writes elsewhere: in that model `RT` said five nats of
//! spam, and a sixth of ordinary English tweets was held for it.
//!
//! And where all comments of a language were ham, its commonest words speak for ham whatever is sold in it: articles and prepositions
//! said eight nats for German offers of casinos, pills and loans.

use serde_json::{Map, Value, json};

use crate::text::Language;

/// What one word may say for spam where the language is not known, nats: less than the prior says against it, so that no word
/// holds a comment alone.
pub const WORD_CUT: f64 = 1.0;
/// What the words of a comment may say together for ham where no spam of its language is known, nats.
pub const HAM_CUT: f64 = 1.0;
/// Of so many times the level of coverage a text is surely known, where the guess at its language is not sure.
const SURELY_KNOWN: f64 = 1.2;
/// From this coverage on a text is in a known language: nobody need be asked. Of the English tweets that a model without English
/// holds, none is covered so well.
const KNOWN_FROM: f64 = 0.85;
/// Where a model's card keeps the codes of the languages, of ham and of spam.
const KEYS: [&str; 2] = ["languages", "spam_languages"];

/// The languages that a model knows the ham of, at least one, and those that it knows the spam of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Languages {
    ham: Vec<String>,
    /// `None` where it is not told, as with models of earlier versions.
    spam: Option<Vec<String>>,
}

impl Languages {
    /// `None` where the card names none, as with models of earlier versions: then no word is cut.
    pub fn of(card: &Value) -> Option<Languages> {
        let [ham, spam] = KEYS.map(|key| codes(card, key));
        ham.filter(|ham| !ham.is_empty()).map(|ham| Languages { ham, spam })
    }

    /// Has a card keep the languages of `[ham, spam]`; none are told of what is `None`.
    pub fn keep(card: &mut Map<String, Value>, known: [Option<Vec<String>>; 2]) {
        for (key, known) in KEYS.into_iter().zip(known) {
            let Some(mut known) = known else { continue };
            known.sort_unstable();
            known.dedup();
            card.insert(key.to_owned(), json!(known));
        }
    }

    /// The languages of `[ham, spam]`; `None` where it is not told.
    pub fn codes(&self) -> [Option<&[String]>; 2] {
        [Some(&self.ham), self.spam.as_deref()]
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
        let is_known = language == Language::UNKNOWN || self.ham.iter().any(|known| known == language.code);
        !is_known && (language.confidence >= Language::SURE || coverage < SURELY_KNOWN * level)
    }

    /// Is a text surely in a language that the model knows no spam of?
    ///
    /// * `language`: asked where it matters, because it takes long to tell.
    pub fn lacks_spam(&self, language: impl FnOnce() -> Language) -> bool {
        let Some(spam) = &self.spam else { return false };
        let language = language();
        language.confidence >= Language::SURE && !spam.iter().any(|known| known == language.code)
    }
}

fn codes(card: &Value, key: &str) -> Option<Vec<String>> {
    let codes = card.get(key)?.as_array()?;
    Some(codes.iter().filter_map(Value::as_str).map(str::to_owned).collect())
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
        Languages::keep(&mut card, [Some(Vec::new()), None]);
        assert_eq!(Languages::of(&Value::Object(card.clone())), None, "none is known: nothing can be told");
        let ham = ["de", "ar", "de"].map(str::to_owned).to_vec();
        Languages::keep(&mut card, [Some(ham.clone()), None]);
        let known = ["ar", "de"].map(str::to_owned);
        assert_eq!(Languages::of(&Value::Object(card.clone())).unwrap().codes(), [Some(&known[..]), None]);
        Languages::keep(&mut card, [Some(ham), Some(vec!["ar".to_owned()])]);
        assert_eq!(Languages::of(&Value::Object(card)).unwrap().codes(), [Some(&known[..]), Some(&known[..1])]);
    }

    #[test]
    fn spam_of_a_language_is_lacking_where_the_guess_is_sure() {
        let known = |spam: Option<&[&str]>| Languages {
            ham: vec!["de".to_owned()],
            spam: spam.map(|spam| spam.iter().map(|&code| code.to_owned()).collect()),
        };
        assert!(known(Some(&["ar"])).lacks_spam(|| language("de", 0.9)));
        assert!(known(Some(&[])).lacks_spam(|| language("pt", 0.9)));
        assert!(!known(Some(&["ar"])).lacks_spam(|| language("de", 0.3)));
        assert!(!known(Some(&["ar", "de"])).lacks_spam(|| language("de", 0.9)));
        assert!(!known(None).lacks_spam(|| panic!("asked")), "an older card does not tell");
    }

    #[test]
    fn a_text_is_foreign_where_the_guess_is_sure_or_little_is_known_of_it() {
        let known = Languages { ham: vec!["ar".to_owned()], spam: None };
        assert!(!known.is_foreign(|| language("ar", 0.3), 0.1, 0.5));
        assert!(!known.is_foreign(|| Language::UNKNOWN, 0.1, 0.5), "nothing to go by");
        assert!(known.is_foreign(|| language("pt", 0.9), 0.8, 0.5));
        assert!(known.is_foreign(|| language("pt", 0.3), 0.55, 0.5));
        assert!(!known.is_foreign(|| language("pt", 0.3), 0.65, 0.5));
        assert!(!known.is_foreign(|| panic!("asked"), 0.9, 0.5), "too well known to ask");
    }
}
