//! Where words begin and end.
//!
//! Owns the one tokeniser of the house. Does not own what a word looks like (`normalize`): it is given folded text.

use super::normalize::is_mark;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Parts words.
    Gap,
    /// Letters and digits of a script that parts words by spaces.
    Letter,
    /// Han, Kana, Thai and others written without spaces.
    Unspaced,
    /// Belongs to the letter before it.
    Mark,
}

/// The byte ranges of the words of `normal`: runs of letters and digits, marks inside, one run per kind of script.
pub(super) fn words(normal: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::with_capacity(normal.len() / 6);
    if normal.is_ascii() {
        let mut end = 0;
        for run in normal.as_bytes().chunk_by(|one, other| one.is_ascii_alphanumeric() == other.is_ascii_alphanumeric())
        {
            let start = end;
            end += run.len();
            if run.first().is_some_and(u8::is_ascii_alphanumeric) {
                words.push((start, end));
            }
        }
        return words;
    }
    let mut open: Option<(usize, Class)> = None;
    for (at, c) in normal.char_indices() {
        let class = class(c);
        match (open, class) {
            (Some(_), Class::Mark) => {}
            (Some((_, running)), class) if running == class => {}
            (Some((start, _)), class) => {
                words.push((start, at));
                open = (class != Class::Gap).then_some((at, class));
            }
            (None, Class::Letter | Class::Unspaced) => open = Some((at, class)),
            (None, Class::Gap | Class::Mark) => {}
        }
    }
    if let Some((start, _)) = open {
        words.push((start, normal.len()));
    }
    words
}

/// Does `c` stand inside a word, and is it of a script that parts words by spaces?
pub fn joins_words(c: char) -> bool {
    matches!(class(c), Class::Letter | Class::Mark)
}

/// Is `c` of a script that is written without spaces?
pub(super) fn is_unspaced(c: char) -> bool {
    class(c) == Class::Unspaced
}

/// `bit.ly/x`, `https://…`, `a@b.example`: parts of a word joined by a dot, or what only addresses have.
pub(super) fn is_address(run: &str) -> bool {
    let bytes = run.as_bytes();
    bytes.contains(&b'@')
        || bytes.windows(3).any(|three| match three {
            [a, b'.', c] => a.is_ascii_alphanumeric() && c.is_ascii_alphabetic(),
            _ => three == b"://",
        })
}

/// As [`char::is_alphanumeric`], which looks most scripts up in a table, slowly.
#[inline]
pub fn is_alphanumeric(c: char) -> bool {
    match c {
        '\0'..='\x7F' => c.is_ascii_alphanumeric(),
        _ => is_common_letter(c) || c.is_alphanumeric(),
    }
}

/// Letters of which most text is made: Arabic, Cyrillic, Han, Hangul.
#[inline]
pub(super) fn is_common_letter(c: char) -> bool {
    matches!(c, '\u{0620}'..='\u{064A}' | '\u{0400}'..='\u{0481}' | '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

#[inline]
fn class(c: char) -> Class {
    match c {
        'a'..='z' | '0'..='9' | 'A'..='Z' => Class::Letter,
        '\0'..='\x7F' => Class::Gap,
        _ => class_beyond_ascii(c),
    }
}

fn class_beyond_ascii(c: char) -> Class {
    match c {
        '\u{0621}'..='\u{064A}' | '\u{0400}'..='\u{0481}' => Class::Letter,
        '\u{0E01}'..='\u{0E3A}' | '\u{0E40}'..='\u{0E4E}' | '\u{0E81}'..='\u{0ECD}' => Class::Unspaced,
        '\u{1000}'..='\u{103F}' | '\u{1780}'..='\u{17D3}' => Class::Unspaced,
        '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FE}' => Class::Unspaced,
        '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}' => Class::Unspaced,
        _ if is_alphanumeric(c) => Class::Letter,
        _ if is_mark(c) => Class::Mark,
        _ => Class::Gap,
    }
}
