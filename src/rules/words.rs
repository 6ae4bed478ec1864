//! Listed words of spam by category.

use super::Note;
use super::clues::Clues;
use super::phrases::{Category, Hit};
use crate::text::Script;

/// `SPAM_<CATEGORY>`: a listed phrase, or weak words in company.
///
/// News speaks of casinos, loans and pills as well: a weak word counts with a second one of its category, or with a
/// way to reach somebody. A second phrase makes the evidence whole; people who complain of spam name one.
pub(super) fn category(clues: &Clues<'_>, category: Category) -> Option<Note> {
    let mut strong: Vec<Hit> = Vec::new();
    let mut weak: Vec<Hit> = Vec::new();
    for hit in clues.hits.iter().copied().filter(|hit| hit.phrase.category == category) {
        if hit.phrase.language == "ar" && is_persian(clues) {
            continue;
        }
        if hit.phrase.is_weak { weak.push(hit) } else { strong.push(hit) }
    }
    let first = strong.first().or(weak.first())?;
    let strength = match (strong.len(), weak.len()) {
        (2.., _) | (1, 2..) => 1.0,
        (1, _) if clues.has_contact() => 0.8,
        (1, _) => 0.6,
        (0, 2..) if clues.has_contact() => 0.7,
        (0, 2..) => 0.4,
        (0, 1) if clues.has_contact() => 0.4,
        _ => return None,
    };
    Some(Note::graded(first.phrase.words.as_str(), strength))
}

/// Is this Persian? Its own letters are there and the Arabic ones are not: Arabic lists do not speak of it.
pub(super) fn is_persian(clues: &Clues<'_>) -> bool {
    if clues.text.scripts().count(Script::Arabic) == 0 {
        return false;
    }
    let visible = clues.text.visible();
    visible.contains(['پ', 'چ', 'ژ', 'گ']) && visible.contains(['ی', 'ک']) && !visible.contains(['ي', 'ك', 'ة'])
}
