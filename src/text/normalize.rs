//! The form of a text that matching compares.
//!
//! Owns folding: what counts as the same letter. Does not own where words begin and end (`tokens`), nor Latin
//! look-alikes of other scripts (`skeleton`).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Folds `text` so that equal words look equal: for content, list phrases and author names alike.
///
/// In this order: NFKC (but ﷺ and its kin stay one sign); invisible format characters dropped, except that ZWNJ parts
/// words where Persian, Urdu or Kurdish is written; tatweel, Arabic vowel marks and leftover combining marks
/// dropped; forms of alef, yeh, kaf and heh made one; digits of all scripts to 0–9; lower case; runs of more than two
/// of the same character cut to two (digits excepted); white space to single blanks.
///
/// # Source
/// Arabic folding after Lucene's `ArabicNormalizer`, with Persian and Urdu letter forms added.
pub fn normalize(text: &str) -> String {
    let mut out = if text.is_ascii() {
        ascii(text)
    } else {
        let parts_at_zwnj = text.contains('\u{200C}') && (is_persian(text) || has_persian_ending(text));
        let mut folder = Folder { out: String::with_capacity(text.len()), last: '\0', run: 0, parts_at_zwnj };
        folder.unicode(text);
        folder.out
    };
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

struct Folder {
    out: String,
    last: char,
    run: u32,
    parts_at_zwnj: bool,
}

/// Is this a language that writes ZWNJ between the parts of a word? Persian, Urdu and Kurdish have letters of their own; so
/// have their yeh and kaf. In Arabic a ZWNJ only hides a word.
pub(super) fn is_persian(text: &str) -> bool {
    text.contains(['ی', 'ک', 'گ', 'پ', 'چ', 'ژ', 'ہ', 'ے', 'ۆ', 'ێ', 'ە', 'ڵ', 'ڕ', 'ڤ', 'ٹ', 'ڈ', 'ں'])
}

/// Does a Persian ending stand after a ZWNJ? `خانه‌ها` has no letter that Arabic has not.
fn has_persian_ending(text: &str) -> bool {
    ["ه\u{200C}ها", "ه\u{200C}اي"].iter().any(|ending| text.contains(ending))
}

/// Lower case of ASCII; white space and NUL are blanks.
#[expect(clippy::indexing_slicing, reason = "read when compiled: a place beyond the end would not compile")]
static FOLDED: [u8; 128] = {
    let mut folded = [b' '; 128];
    let mut byte = 1_u8;
    while byte < 128 {
        if !byte.is_ascii_whitespace() {
            folded[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    folded
};

/// What [`Folder`] makes of plain ASCII, byte by byte: half of all text, and four times as fast.
fn ascii(text: &str) -> String {
    let mut out = vec![0; text.len()];
    let mut length = 0;
    // As if a blank stood before the text: blanks at its front go as any second blank goes.
    let (mut last, mut run) = (b' ', 1_usize);
    for byte in text.bytes() {
        let byte = FOLDED.get(usize::from(byte)).copied().unwrap_or(byte);
        run = if byte == last { run + 1 } else { 1 };
        last = byte;
        // Written in any case and kept or written over: without a branch, which doubled letters would make go wrong.
        if let Some(place) = out.get_mut(length) {
            *place = byte;
        }
        let most = if byte == b' ' { 1 } else { 2 };
        length += usize::from(run <= most || byte.is_ascii_digit());
    }
    out.truncate(length);
    String::from_utf8(out).unwrap_or_default()
}

impl Folder {
    /// Letters that NFKC leaves alone are folded at once; others are gathered, with the letter before them, and composed.
    fn unicode(&mut self, text: &str) {
        let mut chars = text.char_indices().peekable();
        while let Some((start, first)) = chars.next() {
            if is_ligature(first) || (is_stable(first) && chars.peek().is_none_or(|&(_, next)| is_stable(next))) {
                self.fold(first);
                continue;
            }
            let mut end = start + first.len_utf8();
            while let Some((at, next)) = chars.next_if(|&(_, next)| !is_stable(next)) {
                end = at + next.len_utf8();
            }
            for composed in text.get(start..end).unwrap_or_default().nfkc() {
                self.fold(composed);
            }
        }
    }

    /// One character of NFKC form.
    fn fold(&mut self, c: char) {
        match c {
            '\0'..='\x7F' => self.push(c.to_ascii_lowercase()),
            // ZWNJ parts a word in two, as Persian writes it; elsewhere it is invisible.
            '\u{200C}' => {
                if self.parts_at_zwnj && matches!(self.last, '\u{0620}'..='\u{06FF}') {
                    self.push(' ');
                }
            }
            // Tatweel; Arabic marks; Quranic signs.
            '\u{0640}' | '\u{0610}'..='\u{061A}' | '\u{064B}'..='\u{065F}' | '\u{0670}' => {}
            '\u{06D6}'..='\u{06DC}' | '\u{06DF}'..='\u{06E4}' | '\u{06E7}' | '\u{06E8}' | '\u{06EA}'..='\u{06ED}' => {}
            '\u{0622}' | '\u{0623}' | '\u{0625}' | '\u{0671}'..='\u{0673}' | '\u{0675}' => self.push('\u{0627}'),
            '\u{0649}' | '\u{06CC}' | '\u{06CE}' | '\u{06D0}' => self.push('\u{064A}'),
            '\u{06A9}' | '\u{06AA}' => self.push('\u{0643}'),
            '\u{0629}' | '\u{06BE}' | '\u{06C0}'..='\u{06C3}' | '\u{06D5}' => self.push('\u{0647}'),
            '\u{0621}'..='\u{06D3}' if !matches!(c, '\u{0660}'..='\u{0669}') => self.push(c),
            'ς' => self.push('σ'),
            // What composes with nothing is no letter of any language that composes.
            '\u{0300}'..='\u{036F}' | '\u{FE00}'..='\u{FE0F}' | '\u{20D0}'..='\u{20FF}' => {}
            _ if is_invisible(c) => {}
            _ if c.is_whitespace() => self.push(' '),
            _ => {
                if let Some(digit) = digit(c) {
                    self.push(digit);
                } else {
                    for lower in c.to_lowercase().filter(|lower| *lower != '\u{0307}') {
                        self.push(lower);
                    }
                }
            }
        }
    }

    fn push(&mut self, c: char) {
        let c = if c.is_ascii_whitespace() || c == '\0' { ' ' } else { c };
        if c == self.last {
            let most = if c == ' ' { 1 } else { 2 };
            if self.run >= most && !c.is_ascii_digit() {
                return;
            }
            self.run += 1;
        } else {
            if c == ' ' && self.out.is_empty() {
                return;
            }
            self.last = c;
            self.run = 1;
        }
        self.out.push(c);
    }
}

/// Is NFKC certain to leave this character as it is, whatever stands before it? Not all such characters, but most text.
fn is_stable(c: char) -> bool {
    match c {
        '\0'..='\x7F' => true,
        '\u{00C0}'..='\u{024F}' => {
            !matches!(c, '\u{0132}' | '\u{0133}' | '\u{013F}' | '\u{0140}' | '\u{0149}' | '\u{017F}' | '\u{01C4}'..='\u{01CC}' | '\u{01F1}'..='\u{01F3}')
        }
        '\u{0391}'..='\u{03CE}' | '\u{0400}'..='\u{0482}' | '\u{048A}'..='\u{052F}' | '\u{0531}'..='\u{0556}' => true,
        '\u{05D0}'..='\u{05EA}' => true,
        '\u{0600}'..='\u{06FF}' => !matches!(c, '\u{0653}'..='\u{0655}' | '\u{0675}'..='\u{0678}'),
        '\u{200B}'..='\u{2010}' | '\u{2012}'..='\u{2016}' | '\u{2018}'..='\u{2023}' | '\u{2066}'..='\u{2069}' => true,
        '\u{3001}'..='\u{3029}' | '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FA}' | '\u{4E00}'..='\u{9FFF}' => true,
        '\u{FDF0}'..='\u{FDFB}' => true, // see `is_ligature`
        '\u{AC00}'..='\u{D7A3}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F300}'..='\u{1FAFF}' => true,
        _ => false,
    }
}

/// Signs that NFKC would spell out as a sentence: ﷲ, ﷺ, ﷻ and their neighbours.
fn is_ligature(c: char) -> bool {
    matches!(c, '\u{FDF0}'..='\u{FDFB}')
}

/// `text` without the characters that nobody sees: for addresses, where they part nothing.
pub(super) fn seen(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|&c| !is_unseen(c)).collect())
}

/// Does `c` leave nothing to see, neither sign nor gap?
pub fn is_unseen(c: char) -> bool {
    c >= '\u{AD}' && (c == '\u{200C}' || is_invisible(c))
}

/// Format characters (category Cf) and other default-ignorable ones, which nobody sees.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{0600}'..='\u{0605}' | '\u{061C}' | '\u{06DD}' | '\u{070F}' | '\u{115F}' | '\u{1160}'
        | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200D}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// 0–9 for a decimal digit of the scripts that comments are written in.
pub(super) fn digit(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' => return Some(c),
        '\u{0660}'..='\u{0669}' => 0x0660,
        '\u{06F0}'..='\u{06F9}' => 0x06F0,
        '\u{07C0}'..='\u{07C9}' => 0x07C0,
        '\u{0966}'..='\u{096F}' => 0x0966,
        '\u{09E6}'..='\u{09EF}' => 0x09E6,
        '\u{0A66}'..='\u{0A6F}' => 0x0A66,
        '\u{0AE6}'..='\u{0AEF}' => 0x0AE6,
        '\u{0BE6}'..='\u{0BEF}' => 0x0BE6,
        '\u{0C66}'..='\u{0C6F}' => 0x0C66,
        '\u{0CE6}'..='\u{0CEF}' => 0x0CE6,
        '\u{0D66}'..='\u{0D6F}' => 0x0D66,
        '\u{0E50}'..='\u{0E59}' => 0x0E50,
        '\u{0ED0}'..='\u{0ED9}' => 0x0ED0,
        '\u{1040}'..='\u{1049}' => 0x1040,
        '\u{17E0}'..='\u{17E9}' => 0x17E0,
        '\u{FF10}'..='\u{FF19}' => 0xFF10,
        _ => return None,
    };
    char::from_digit(u32::from(c) - zero, 10)
}

/// Is this a mark that sits on the letter before it?
pub(super) fn is_mark(c: char) -> bool {
    c >= '\u{0300}' && is_combining_mark(c)
}
