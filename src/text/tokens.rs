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
pub fn places_of_words(normal: &str) -> Vec<(usize, usize)> {
    let mut words = Vec::with_capacity(normal.len() / 6);
    if normal.is_ascii() {
        ascii_words(normal.as_bytes(), &mut words);
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

/// The runs of letters and digits of plain text, found by sixty-four bytes: a branch at each of them would be foretold wrong
/// twice a word, and half of all text is plain.
fn ascii_words(normal: &[u8], words: &mut Vec<(usize, usize)>) {
    let mut open = None;
    let mut turn = |at| match open.take() {
        Some(start) => words.push((start, at)),
        None => open = Some(at),
    };
    let mut last = 0;
    for (block, bytes) in normal.chunks(64).enumerate() {
        let letters = bytes.iter().rev().fold(0_u64, |bits, byte| bits << 1 | u64::from(byte.is_ascii_alphanumeric()));
        // A bit where a word begins or has ended.
        let mut turns = letters ^ (letters << 1 | last);
        last = letters >> 63;
        while turns != 0 {
            turn(block * 64 + turns.trailing_zeros() as usize);
            turns &= turns - 1;
        }
    }
    if last == 1 {
        turn(normal.len());
    }
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

/// The tokens of `text`, as ASCII white space parts them, that hold a byte of ASCII which `is_wanted`, and where each begins. Most
/// texts have few such bytes: to look for them first spares parting the text.
pub fn tokens_with(text: &str, is_wanted: impl Fn(u8) -> bool) -> impl Iterator<Item = (usize, &str)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = done + text.as_bytes().get(done..)?.iter().position(|&byte| is_wanted(byte))?;
        let start = text.get(done..at)?.rfind(|c: char| c.is_ascii_whitespace()).map_or(done, |blank| done + blank + 1);
        let end = text.get(at..)?.find(|c: char| c.is_ascii_whitespace()).map_or(text.len(), |blank| at + blank);
        done = end;
        Some((start, text.get(start..end)?))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The same words, one letter after the other.
    fn plainly(normal: &str) -> Vec<&str> {
        normal.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect()
    }

    #[test]
    fn plain_words_are_found_wherever_blocks_of_the_text_end() {
        for length in 0..200 {
            for gap in 1..70 {
                let text: String = (0..length).map(|at| if at % gap == 0 { '.' } else { 'w' }).collect();
                for text in [&text, &text.replace('.', "a").replace('w', "-")] {
                    let found: Vec<_> =
                        places_of_words(text).into_iter().map(|(start, end)| &text[start..end]).collect();
                    assert_eq!(found, plainly(text), "{text}");
                }
            }
        }
    }

    #[test]
    fn tokens_are_told_by_what_they_hold() {
        let digits = |text| tokens_with(text, |byte| byte.is_ascii_digit()).collect::<Vec<_>>();
        assert_eq!(digits("a1 bc\n2\u{e9}3  4"), [(0, "a1"), (6, "2\u{e9}3"), (12, "4")]);
        assert_eq!(digits("سعر 500ريال"), [(7, "500ريال")]);
        assert_eq!(digits(""), []);
        assert_eq!(digits("none at all"), []);
    }
}
