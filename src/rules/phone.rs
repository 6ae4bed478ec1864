//! Telephone numbers in any digits.
//!
//! Owns telling a number that one can call from a price, a date or an order number. Does not own what it weighs.

use crate::text::is_unseen;

/// A telephone number as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phone {
    /// ASCII digits, with a leading `+` when it had one.
    pub number: String,
    /// Written in digits of more than one script.
    pub is_mixed: bool,
}

impl Phone {
    /// Is it a mobile number of an Arab country, written in its own way or the international one?
    ///
    /// # Source
    /// ITU-T E.164 national numbering plans of the countries.
    pub fn is_arab(&self) -> bool {
        let digits = self.number.trim_start_matches('+');
        let digits = digits.strip_prefix("00").unwrap_or(digits);
        if let Some(national) = digits.strip_prefix('0') {
            return match national.len() {
                8 => national.starts_with(['7', '3']),
                9 => national.starts_with(['5', '6', '7', '9', '1', '3']),
                10 => national.starts_with(['7', '1']),
                _ => false,
            };
        }
        const MOBILE: [(&str, &[char]); 19] = [
            ("966", &['5']),
            ("971", &['5']),
            ("965", &['5', '6', '9']),
            ("974", &['3', '5', '6', '7']),
            ("973", &['3', '6']),
            ("968", &['7', '9']),
            ("967", &['7']),
            ("964", &['7']),
            ("962", &['7']),
            ("963", &['9']),
            ("961", &['3', '7', '8']),
            ("970", &['5']),
            ("249", &['1', '9']),
            ("218", &['9']),
            ("216", &['2', '4', '5', '9']),
            ("213", &['5', '6', '7']),
            ("212", &['6', '7']),
            ("222", &['2', '3', '4']),
            ("20", &['1']),
        ];
        let is_mobile =
            |&(code, first): &(&str, &[char])| digits.strip_prefix(code).is_some_and(|rest| rest.starts_with(first));
        MOBILE.iter().any(is_mobile)
    }
}

/// The first run of exactly eight digits that begins like a mobile number of Kuwait, Qatar, Bahrain or Oman.
pub(super) fn find_of_eight(text: &str) -> Option<String> {
    let mut run = String::new();
    for c in text.chars().chain([' ']) {
        match digit(c) {
            // One digit more tells that it is too long.
            Some((digit, _)) if run.len() < 9 => run.push(digit),
            Some(_) => {}
            None if run.len() == 8 && run.starts_with(['3', '5', '6', '7', '9']) => return Some(run),
            None => run.clear(),
        }
    }
    None
}

/// Country codes before which `+` or `00` is often left out.
const COUNTRY_CODES: [&str; 22] = [
    "966", "971", "965", "974", "973", "968", "967", "964", "962", "963", "961", "970", "249", "218", "216", "213",
    "212", "20", "62", "234", "91", "92",
];

/// The first telephone number in `text`. Linear: each character is looked at once.
pub(super) fn find(text: &str) -> Option<Phone> {
    let mut run = Run::default();
    let mut before = ' ';
    for c in text.chars().filter(|&c| !is_unseen(c)) {
        match digit(c) {
            Some((digit, script)) if run.is_open() => run.digit(digit, script),
            Some((digit, script)) if !joins(before) => {
                run.has_plus = before == '+';
                run.digit(digit, script);
            }
            Some(_) => {}
            None => {
                if run.is_open() && !run.separator(c) {
                    let is_glued = !run.gap && (c.is_alphanumeric() || matches!(c, '_' | '@' | '%' | '='));
                    if !is_glued && let Some(phone) = run.phone() {
                        return Some(phone);
                    }
                    run = Run::default();
                }
                // `+` opens a number again after a separator.
                if c == '+' {
                    run = Run::default();
                }
            }
        }
        before = c;
    }
    run.phone()
}

/// May a number not begin after `c`? Then it is part of a word, an address, a price or a tag.
fn joins(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '/' | '=' | '#' | '@' | '_' | '%' | '&' | '$' | '€' | '£' | ',' | '.' | '-' | ':')
}

fn digit(c: char) -> Option<(char, u8)> {
    match c {
        '0'..='9' => Some((c, 1)),
        '\u{0660}'..='\u{0669}' => char::from_digit(u32::from(c) - 0x0660, 10).map(|digit| (digit, 2)),
        '\u{06F0}'..='\u{06F9}' => char::from_digit(u32::from(c) - 0x06F0, 10).map(|digit| (digit, 4)),
        '\u{FF10}'..='\u{FF19}' => char::from_digit(u32::from(c) - 0xFF10, 10).map(|digit| (digit, 8)),
        _ => None,
    }
}

/// Digits with single separators between them.
#[derive(Debug, Default)]
struct Run {
    digits: String,
    has_plus: bool,
    scripts: u8,
    /// Lengths of the groups between separators.
    groups: Vec<u8>,
    gap: bool,
    last_separator: Option<char>,
    dots: usize,
    slashes: usize,
}

impl Run {
    fn is_open(&self) -> bool {
        !self.digits.is_empty()
    }

    fn digit(&mut self, digit: char, script: u8) {
        // Longer than any number: keep counting as one group, so that it is refused.
        if self.digits.len() < 40 {
            self.digits.push(digit);
            match self.groups.last_mut() {
                Some(length) if !self.gap => *length = length.saturating_add(1),
                _ => self.groups.push(1),
            }
        }
        self.scripts |= script;
        self.gap = false;
        self.last_separator = None;
    }

    /// Takes `c` as a separator inside the number; `false` when the number ends here.
    fn separator(&mut self, c: char) -> bool {
        if !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{00A0}' | '\u{200E}' | '\u{2011}' | '\u{2013}') {
            return false;
        }
        // ") " and " (" are two; more is a gap in a text.
        if self.last_separator.is_some_and(|last| !matches!((last, c), (')', ' ' | '-') | (' ', '(' | ')'))) {
            return false;
        }
        self.dots += usize::from(c == '.');
        self.slashes += usize::from(c == '/');
        self.gap = true;
        self.last_separator = Some(c);
        true
    }

    fn phone(&self) -> Option<Phone> {
        let digits = self.digits.as_str();
        let length = digits.len();
        if !(8..=16).contains(&length) || self.slashes > 1 {
            return None;
        }
        let groups = self.groups.as_slice();
        let looks_like_date = matches!(groups, [1 | 2, 1 | 2, 4, ..] | [4, 1 | 2, 1 | 2, ..]);
        let looks_like_decimal = matches!(groups, [1, _]) && self.dots == 1;
        let looks_like_address = self.dots == 3 && groups.len() == 4;
        let looks_like_isbn = matches!(groups, [1, _, _, 1] | [3, 1, _, _, 1]);
        if !self.has_plus && (looks_like_date || looks_like_decimal || looks_like_address || looks_like_isbn) {
            return None;
        }
        let is_spaced_out = groups.len() >= 8 && groups.iter().all(|&group| group == 1);
        let is_phone = self.has_plus
            || (digits.starts_with("00") && length >= 11)
            || (digits.starts_with('0') && (9..=11).contains(&length) && !digits.starts_with("00"))
            || matches!(groups, [3, 3, 4] | [1, 3, 3, 4])
            || (is_spaced_out && digits.starts_with(['0', '9', '1']))
            || ((11..=13).contains(&length) && COUNTRY_CODES.iter().any(|code| digits.starts_with(code)))
            // Saudi and Egyptian mobile numbers with the leading zero left out.
            || (length == 9 && digits.starts_with("05"));
        // One digit over and over, or 12345678, is no number that anybody has.
        let first = digits.chars().next();
        let is_uniform = digits.chars().all(|digit| Some(digit) == first);
        (is_phone && !is_uniform).then(|| Phone {
            number: if self.has_plus { format!("+{digits}") } else { digits.to_owned() },
            is_mixed: self.scripts.count_ones() > 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(find(text).map(|phone| phone.number).as_deref(), expected, "{text}");
    }

    #[test]
    fn numbers_are_found_in_any_digits() {
        check("call +1 (555) 010-9999 now", Some("+15550109999"));
        check("اتصل ٠٥٠١٢٣٤٥٦٧", Some("0501234567"));
        check("واتس 00966501234567", Some("00966501234567"));
        check("wa 966501234567.", Some("966501234567"));
        check("۰۵۰ ۱۲۳ ۴۵۶۷", Some("0501234567"));
        check("06 12 34 56 78", Some("0612345678"));
        check("0 5 0 1 2 3 4 5 6 7", Some("0501234567"));
        check("call\u{200F} 0800\u{200F} 1956669\u{200F} now", Some("08001956669"));
        check("05\u{200B}0123\u{AD}4567", Some("0501234567"));
        check("555-010-9999", Some("5550109999"));
        check("01012345678", Some("01012345678"));
    }

    #[test]
    fn other_numbers_are_not() {
        for text in [
            "in 2021 and 2022, 1500 people",
            "on 02.03.2021 10:28",
            "2021-03-02 10",
            "it costs $1,500,000,000",
            "0.12345678901",
            "192.168.100.100",
            "ISBN 0-306-40615-2",
            "https://example.com/id=00966501234567",
            "order 123456789012",
            "1 000 000 000",
            "00000000000",
            "٢٠٢١ و ١٥٠٠ ريال",
            "",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn digits_of_two_scripts_are_told() {
        assert!(find("٠5٥١٢٣٤٥٦٧").is_some_and(|phone| phone.is_mixed));
        assert!(find("٠٥٥١٢٣٤٥٦٧").is_some_and(|phone| !phone.is_mixed));
    }
}
