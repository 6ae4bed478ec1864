//! What only Arabic script allows. Persian, Urdu and Kurdish are languages, not tricks; verses keep their vowels.

use super::clues::Clues;
use super::phrases::Hit;
use super::{Category, Note};
use crate::text::Script;

/// The first listed spam phrase of the Arabic list.
fn listed(clues: &Clues<'_>) -> Option<Hit> {
    clues.hits.iter().copied().find(|hit| hit.phrase.language == "ar" && hit.phrase.category.is_spam())
}

/// `AR_TATWEEL_STUFFING`: stretched words and a listed one among the words. Many stretched words alone say little:
/// titles and greetings are stretched for beauty.
pub(super) fn tatweel(clues: &Clues<'_>) -> Option<Note> {
    let words = clues.text.oddities().tatweel_words;
    match listed(clues) {
        Some(hit) if words >= 2 => Some(Note::new(hit.phrase.words.as_str())),
        _ if words >= 5 => Some(Note::graded(format!("× {words}"), 0.25)),
        _ => None,
    }
}

/// `AR_DIACRITIC_STUFFING`: marks twice or on no letter, in company of a listed word; half of it for five of them alone, or
/// for more marks than any verse has (1.3 a letter). Poets put a mark after a blank, or draw it out.
pub(super) fn diacritics(clues: &Clues<'_>) -> Option<Note> {
    let odd = clues.text.oddities();
    let letters = clues.text.scripts().count(Script::Arabic);
    let is_overfull = odd.arabic_marks >= 10 && 10 * u64::from(odd.arabic_marks) > 13 * u64::from(letters);
    match listed(clues) {
        Some(hit) if odd.stray_arabic_marks > 0 => Some(Note::new(hit.phrase.words.as_str())),
        _ if odd.stray_arabic_marks >= 5 || is_overfull => Some(Note::graded(format!("× {}", odd.arabic_marks), 0.5)),
        _ => None,
    }
}

/// `AR_LOOKALIKE_MIX`: Persian or Urdu letters beside their Arabic twins, and a listed word. Telephones of many countries
/// write such letters, so without a listed word it is nothing.
pub(super) fn lookalikes(clues: &Clues<'_>) -> Option<Note> {
    let hit = listed(clues)?;
    let visible = clues.text.visible();
    let is_mixed = visible.contains(['ک', 'ی', 'ہ', 'ھ', 'ٱ', 'ە']) && visible.contains(['ك', 'ي', 'ة', 'ى']);
    is_mixed.then(|| Note::new(hit.phrase.words.as_str()))
}

/// `AR_PRESENTATION_FORMS`: letters in the forms of old print systems, four or more. ﷺ and its kin do not count.
pub(super) fn presentation_forms(clues: &Clues<'_>) -> Option<Note> {
    let letters = clues.text.oddities().presentation_forms;
    (letters >= 4).then(|| Note::new(format!("× {letters}")))
}

/// `AR_MIXED_DIGITS`: a telephone number in digits of two scripts.
pub(super) fn mixed_digits(clues: &Clues<'_>) -> Option<Note> {
    clues.phone.as_ref().filter(|phone| phone.is_mixed).map(|phone| Note::new(phone.number.as_str()))
}

/// `AR_CHAIN_PRAYER`: "share and be rewarded" with a link. A prayer without a link is a prayer.
pub(super) fn chain(clues: &Clues<'_>) -> Option<Note> {
    let hit = clues.first(Category::Chain)?;
    (!clues.foreign.is_empty()).then(|| Note::new(hit.phrase.words.as_str()))
}

/// `AR_PHONE`: a mobile number of the Gulf, Egypt, the Levant, Iraq, the Sudan, Yemen or the Maghreb in an Arabic text; eight
/// digits without a prefix, as the small Gulf states have them, count beside the name of a messenger or "call".
pub(super) fn phone(clues: &Clues<'_>) -> Option<Note> {
    if clues.text.scripts().main() != Some(Script::Arabic) || clues.text.scripts().digits < 8 {
        return None;
    }
    if let Some(phone) = clues.phone.as_ref() {
        return phone.is_arab().then(|| Note::new(phone.number.as_str()));
    }
    clues.first(Category::Messenger)?;
    super::phone::find_of_eight(clues.text.visible()).map(Note::new)
}
