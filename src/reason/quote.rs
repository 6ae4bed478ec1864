//! Quoting what strangers wrote inside a sentence of ours.
//!
//! Owns that a quotation cannot turn the sentence around, drive a terminal or swallow the page. Does not own the words
//! around it.

use super::messages;
use crate::language::{Language, is_right_to_left};

/// Longest quotation in a sentence, characters.
const MAX_CHARS: usize = 80;
/// First strong isolate and pop directional isolate, Unicode UAX #9.
const ISOLATE: char = '\u{2068}';
const POP: char = '\u{2069}';

/// A note of evidence in a sentence: words in quotation marks, counts and addresses as they are.
pub(super) fn note(language: Language, note: &str) -> String {
    let text = tame(note);
    if is_number(&text) || is_address(&text) || text.contains('→') {
        return isolated(language, text);
    }
    messages::sentence(language, "quoted", &[("words", &isolated(language, text))])
}

/// A name, a list entry: as it is, but tame.
pub(super) fn name(language: Language, name: &str) -> String {
    isolated(language, tame(name))
}

/// Set apart, so that its direction moves nothing around it; where nothing in it can, as it is.
pub(super) fn isolated(language: Language, text: String) -> String {
    if language.is_right_to_left() || text.chars().any(is_right_to_left) {
        format!("{ISOLATE}{text}{POP}")
    } else {
        text
    }
}

/// `× 12`, `1.2 s`, a telephone number.
fn is_number(text: &str) -> bool {
    text.starts_with("× ")
        || text.trim_end_matches(" s").bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'.'))
}

/// Hosts, e-mail addresses, paths.
fn is_address(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic()) && text.contains(['.', '@', '/'])
}

/// On one line, no longer than [`MAX_CHARS`], without controls of terminal and direction.
fn tame(text: &str) -> String {
    let mut tame = String::with_capacity(text.len().min(4 * MAX_CHARS));
    for (count, c) in text.chars().filter(|c| !is_direction(*c)).enumerate() {
        if count == MAX_CHARS {
            tame.push('…');
            break;
        }
        tame.push(if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c });
    }
    tame
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: Language, text: &str, expected: &str) {
        assert_eq!(note(language, text), expected);
    }

    #[test]
    fn words_are_quoted_and_addresses_are_not() {
        check(Language::English, "casino", "\"casino\"");
        check(Language::English, "bit.ly", "bit.ly");
        check(Language::English, "× 12", "× 12");
        check(Language::English, "+15550109999", "+15550109999");
        check(Language::German, "1.2 s", "1.2 s");
        check(Language::English, "v1agra → viagra", "v1agra → viagra");
        check(Language::German, "online casino", "„online casino“");
        check(Language::Arabic, "casino", "«\u{2068}casino\u{2069}»");
        check(Language::Arabic, "bit.ly", "\u{2068}bit.ly\u{2069}");
        check(Language::English, "قروض سريعة", "\"\u{2068}قروض سريعة\u{2069}\"");
    }

    #[test]
    fn a_quotation_commands_nothing() {
        check(Language::English, "a\u{1b}[2Jb\nc", "\"a [2Jb c\"");
        check(Language::English, "\u{202E}abc\u{2069}\u{2069}", "\"abc\"");
        check(Language::Arabic, "\u{2069}\u{202E}x y", "«\u{2068}x y\u{2069}»");
        let long = note(Language::English, &"x".repeat(1_000_000));
        assert_eq!(long.chars().count(), MAX_CHARS + 3);
    }
}
