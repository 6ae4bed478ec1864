//! Tricks with Unicode and spelling: what a reader does not see and a filter should.
//!
//! Blocked ham to expect is named at each rule; Persian ZWNJ, joined emoji, direction marks in Arabic and Hebrew,
//! vocalised verses, accents and single-script words never count.

use super::Note;
use super::clues::Clues;
use super::phrases::{self, Phrase};
use crate::text::{Disguise, Script, normalize, tokens_with};

/// `ZW_IN_WORD`: zero-width signs between the letters of at least two words.
///
/// Soft hyphens come with text pasted from a CMS, so one word is not enough.
pub(super) fn zero_width(clues: &Clues<'_>) -> Option<Note> {
    let words = clues.text.oddities().zero_width_words;
    (words >= 2).then(|| Note::new(format!("× {words}")))
}

/// `BIDI_OVERRIDE`: text is reversed; half of it when an embedding is left open. Marks and isolates are normal: telephones
/// write an isolate before a name or a pictograph and often lose its end.
pub(super) fn bidi_override(clues: &Clues<'_>) -> Option<Note> {
    let odd = clues.text.oddities();
    match (odd.bidi_overrides, odd.bidi_unbalanced) {
        (0, 0) => None,
        (0, _) => Some(Note::graded("", 0.5)),
        _ => Some(Note::new("")),
    }
}

/// `BIDI_MARK_STUFFING`: direction marks in a row inside words, five times or more; bad editors leave one or two.
pub(super) fn bidi_marks(clues: &Clues<'_>) -> Option<Note> {
    let runs = clues.text.oddities().bidi_mark_runs;
    (runs >= 5).then(|| Note::new(format!("× {runs}")))
}

/// `MIXED_SCRIPT_WORD`: Latin and look-alike letters in one word (UTS-39). A foreign ending on a name is none, nor is one odd letter in a
/// Cyrillic word.
pub(super) fn mixed_script(clues: &Clues<'_>) -> Option<Note> {
    let mut mixed = clues.text.disguises().iter().filter(|disguise| disguise.is_mixed);
    let first = mixed.next()?;
    // The first word says most; each further one adds half of that.
    let more = u32::try_from(mixed.take(4).count()).unwrap_or(4);
    Some(Note::graded(first.word.as_str(), (0.4 + 0.2 * f64::from(more)).min(1.0)))
}

/// `HOMOGLYPH_WORD`: a word whose look-alike is a listed spam word. Only a listed one: Cyrillic `сор` is just a word. Latin `c` lies
/// under the key of Cyrillic `с`, so that alone is a slip of the layout.
pub(super) fn homoglyph(clues: &Clues<'_>) -> Option<Note> {
    let is_slip = |disguise: &Disguise| {
        !disguise.skeleton.is_ascii() && disguise.word.chars().all(|c| !c.is_ascii_alphabetic() || c == 'c')
    };
    let is_listed = |disguise: &&Disguise| phrases::spam_word(&disguise.skeleton).is_some() && !is_slip(disguise);
    let found = clues.text.disguises().iter().find(is_listed)?;
    Some(Note::new(format!("{} → {}", found.word, found.skeleton)))
}

/// `STYLED_LETTERS`: mathematical, circled or small-capital letters in place of plain ones. Maths quotes one or two.
pub(super) fn styled(clues: &Clues<'_>) -> Option<Note> {
    let odd = clues.text.oddities();
    let letters = odd.styled_letters + odd.small_capitals;
    (letters >= 4).then(|| Note::new(format!("× {letters}")))
}

/// `FULLWIDTH_LATIN`: full-width letters in a text without Chinese, Japanese or Korean, where they are at home.
pub(super) fn fullwidth(clues: &Clues<'_>) -> Option<Note> {
    let scripts = clues.text.scripts();
    let is_at_home = scripts.count(Script::Han) + scripts.count(Script::Kana) + scripts.count(Script::Hangul) > 0;
    let letters = clues.text.oddities().fullwidth;
    (letters >= 3 && !is_at_home).then(|| Note::new(format!("× {letters}")))
}

/// `ZALGO_COMBINING`: more than three marks on a letter, or Latin text half made of marks.
pub(super) fn zalgo(clues: &Clues<'_>) -> Option<Note> {
    let odd = clues.text.oddities();
    let is_heaped =
        odd.stacked_marks >= 2 || (odd.loose_marks >= 10 && odd.loose_marks > clues.text.scripts().letters() / 2);
    is_heaped.then(|| Note::new(format!("× {}", odd.loose_marks)))
}

/// `TAG_OR_VARIATION_PAYLOAD`: tag characters outside a flag, or rows of variation selectors: data that nobody sees.
pub(super) fn payload(clues: &Clues<'_>) -> Option<Note> {
    let odd = clues.text.oddities();
    // The flags of three countries are six tags; some systems lose the flag before them.
    (odd.tag_characters > 6 || odd.stray_selectors >= 8).then(|| Note::new(""))
}

/// `PRIVATE_USE_CHARS`: three or more; icon fonts and the Apple logo are one or two.
pub(super) fn private_use(clues: &Clues<'_>) -> Option<Note> {
    let count = clues.text.oddities().private_use;
    (count >= 3).then(|| Note::new(format!("× {count}")))
}

/// `NON_NFC_HEAVY`: superscripts, ligatures and Roman numerals in place of every fifth letter or more. `m²`, `1ª` and `H₂O`
/// have one or two; accents written as marks of their own (NFD) are spelling.
pub(super) fn compatibility(clues: &Clues<'_>) -> Option<Note> {
    let forms = clues.text.oddities().compatibility;
    (forms >= 5 && 5 * u64::from(forms) > u64::from(clues.text.scripts().letters()))
        .then(|| Note::new(format!("× {forms}")))
}

/// `LEET_WORD`: `c4s1n0`, `v1@gra`: a listed word, or a text that is written so throughout: six words or more, half for four.
///
/// Arabizi (`ma3lesh 7abibi`) writes digits for letters that Latin has not; it and product codes are none.
pub(super) fn leet(clues: &Clues<'_>) -> Option<Note> {
    match clues.text.leet_words() {
        0 => listed_leet(clues).filter(|_| !clues.text.is_arabizi()),
        // Six words of one text are no slip and no brand.
        words if words >= 6 || clues.hits.iter().any(|hit| hit.phrase.category.is_spam()) => {
            Some(Note::new(format!("× {words}")))
        }
        words @ 4.. => Some(Note::graded(format!("× {words}"), 0.5)),
        // People joke: `w00t`, `h4x0r`.
        _ => None,
    }
}

fn listed_leet(clues: &Clues<'_>) -> Option<Note> {
    let normal = clues.text.normal();
    if clues.text.scripts().digits == 0 && !normal.bytes().any(|byte| matches!(byte, b'@' | b'$')) {
        return None;
    }
    let is_candidate = |token: &&str| {
        (4..=24).contains(&token.len()) && token.is_ascii() && token.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    let odd = tokens_with(normal, |byte| matches!(byte, b'0'..=b'9' | b'@' | b'$' | b'!')).map(|(_, token)| token);
    let trim = |token: &'_ str| token.trim_matches(['.', ',', '?', '"', '(', ')', ':', ';']).to_owned();
    for token in odd.filter(is_candidate).take(200) {
        let token = trim(token);
        for one in ['i', 'l'] {
            for token in [token.as_str(), token.trim_end_matches('!')] {
                let plain: String = token.chars().map(|c| unleet(c, one)).collect();
                if plain != token && phrases::spam_word(&plain).is_some() {
                    return Some(Note::new(format!("{token} → {plain}")));
                }
            }
        }
    }
    None
}

fn unleet(c: char, one: char) -> char {
    match c {
        '4' | '@' => 'a',
        '8' => 'b',
        '3' => 'e',
        '1' | '!' => one,
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    }
}

/// `GAPPY_WORD`: single letters that spell a listed word, `v i a g r a`; half of it for three other words spelled so.
/// Acronyms and initials spell none.
pub(super) fn gappy(clues: &Clues<'_>) -> Option<Note> {
    let spelled = clues.text.spelled();
    let listed = spelled.iter().take(20).find_map(|one| {
        let word: String = normalize(&one.word).chars().map(|c| unleet(c, 'i')).collect();
        spelled_word(&word)
    });
    match listed {
        Some(phrase) => Some(Note::new(phrase.words.as_str())),
        None if spelled.len() >= 3 => spelled.first().map(|first| Note::graded(first.written.as_str(), 0.5)),
        None => None,
    }
}

/// A listed word that `letters` are, or hold when it is long enough not to be chance.
fn spelled_word(letters: &str) -> Option<&'static Phrase> {
    if let Some(phrase) = phrases::spam_word(letters) {
        return Some(phrase);
    }
    let starts = letters.char_indices().map(|(at, _)| at).chain(std::iter::once(letters.len()));
    let bounds: Vec<usize> = starts.collect();
    bounds.iter().enumerate().find_map(|(from, &start)| {
        bounds.iter().skip(from + 5).find_map(|&end| phrases::spam_word(letters.get(start..end)?))
    })
}
