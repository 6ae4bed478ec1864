//! What kinds of characters a text is made of: its scripts, and the oddities that hide words from filters.
//!
//! Owns counting, once, over the text as a reader gets it. Does not own what a count means (`rules`).

use super::skeleton::small_capital;

/// The scripts that are told apart; the others count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Script {
    Latin,
    Cyrillic,
    Greek,
    Arabic,
    Hebrew,
    Devanagari,
    Thai,
    Han,
    Kana,
    Hangul,
    Other,
}

/// Characters of a text by kind. Counts of characters, not bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scripts {
    letters: [u32; 11],
    /// Letters that have a case, and those of them that are upper case.
    pub cased: u32,
    pub uppercase: u32,
    /// Decimal digits of any script.
    pub digits: u32,
    /// Combining marks of any script.
    pub marks: u32,
    /// Pictographs; what ZWJ joins, a skin tone or a flag is one.
    pub emoji: u32,
    /// All characters that are not white space.
    pub visible: u32,
}

impl Scripts {
    /// Letters of one script.
    pub fn count(&self, script: Script) -> u32 {
        self.letters.get(script as usize).copied().unwrap_or_default()
    }

    /// Letters of all scripts.
    pub fn letters(&self) -> u32 {
        self.letters.iter().sum()
    }

    /// The script of most letters; `None` without letters.
    pub fn main(&self) -> Option<Script> {
        use Script::{Arabic, Cyrillic, Devanagari, Greek, Han, Hangul, Hebrew, Kana, Latin, Other, Thai};
        [Latin, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Thai, Han, Kana, Hangul, Other]
            .into_iter()
            .rev()
            .max_by_key(|&script| self.count(script))
            .filter(|&script| self.count(script) > 0)
    }
}

/// Tricks with characters. Each field counts one; all are 0 in ordinary text of any language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Words with a zero-width space, word joiner, BOM or soft hyphen between two letters. Not ZWNJ and ZWJ.
    pub zero_width_words: u32,
    /// LRO and RLO, which reverse text.
    pub bidi_overrides: u32,
    /// Embeddings that are not closed, or closed without being open. Not isolates, which telephones leave open.
    pub bidi_unbalanced: u32,
    /// Two or more LRM, RLM or ALM in a row inside a word.
    pub bidi_mark_runs: u32,
    /// Mathematical, circled, squared and similar letters.
    pub styled_letters: u32,
    /// Small capitals and phonetic letters that read as Latin ones.
    pub small_capitals: u32,
    /// Superscripts, subscripts, ligatures and Roman numerals that stand for plain letters.
    pub compatibility: u32,
    /// Full-width Latin letters and digits.
    pub fullwidth: u32,
    /// Letters with more than three marks.
    pub stacked_marks: u32,
    /// Marks of the Latin and general ranges.
    pub loose_marks: u32,
    /// Tag characters (U+E0000–E007F) outside a flag.
    pub tag_characters: u32,
    /// Variation selectors that follow another selector: a way to smuggle bytes.
    pub stray_selectors: u32,
    /// Private-use code points.
    pub private_use: u32,
    /// Letters in Arabic presentation forms; not the signs ﷲ, ﷺ, ﷻ, ﷽.
    pub presentation_forms: u32,
    /// Words with tatweel between two letters.
    pub tatweel_words: u32,
    /// Arabic vowel marks, and those of them that repeat the mark before them or sit on no letter.
    pub arabic_marks: u32,
    pub stray_arabic_marks: u32,
    /// Bytes of direction marks, zero-width signs, tatweel and Arabic vowel marks: what anybody may add and nobody reads. Not
    /// ZWNJ and ZWJ, which spelling and pictographs need, nor a BOM.
    pub idle_bytes: u32,
    /// `#` before a letter.
    pub hashtags: u32,
}

/// The script of a letter; `None` for what is no letter. Signs with no script of their own count as no letter.
#[inline]
pub(super) fn script(c: char) -> Option<Script> {
    // What most text is made of comes first: the whole list is long.
    match c {
        'a'..='z' | 'A'..='Z' => Some(Script::Latin),
        '\u{0641}'..='\u{064A}' | '\u{0620}'..='\u{063F}' => Some(Script::Arabic),
        '\u{0400}'..='\u{0482}' => Some(Script::Cyrillic),
        '\u{4E00}'..='\u{9FFF}' => Some(Script::Han),
        '\0'..='\x7F' => None,
        _ => rare_script(c),
    }
}

fn rare_script(c: char) -> Option<Script> {
    let script = match c {
        'a'..='z' | 'A'..='Z' => Script::Latin,
        '\0'..='\u{A9}' | '\u{AB}'..='\u{B9}' | '\u{BB}'..='\u{BF}' | '×' | '÷' => return None,
        '\u{AA}'..='\u{02AF}' | '\u{1D00}'..='\u{1DBF}' | '\u{1E00}'..='\u{1EFF}' | '\u{A722}'..='\u{A7FF}' => {
            Script::Latin
        }
        '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}' => Script::Latin,
        '\u{0370}'..='\u{03FF}' | '\u{1F00}'..='\u{1FFF}' => Script::Greek,
        '\u{0400}'..='\u{0482}' | '\u{048A}'..='\u{052F}' | '\u{1C80}'..='\u{1C8F}' => Script::Cyrillic,
        '\u{05D0}'..='\u{05F2}' => Script::Hebrew,
        '\u{0620}'..='\u{063F}' | '\u{0641}'..='\u{064A}' | '\u{066E}' | '\u{066F}' => Script::Arabic,
        '\u{0671}'..='\u{06D3}' | '\u{06D5}' | '\u{06EE}' | '\u{06EF}' | '\u{06FA}'..='\u{06FF}' => Script::Arabic,
        '\u{0750}'..='\u{077F}' | '\u{08A0}'..='\u{08C9}' => Script::Arabic,
        '\u{FB50}'..='\u{FBB1}' | '\u{FBD3}'..='\u{FD3D}' | '\u{FD50}'..='\u{FDFB}' | '\u{FE70}'..='\u{FEFC}' => {
            Script::Arabic
        }
        '\u{0904}'..='\u{0939}' | '\u{0958}'..='\u{0961}' => Script::Devanagari,
        '\u{0E01}'..='\u{0E30}' | '\u{0E32}' | '\u{0E33}' | '\u{0E40}'..='\u{0E46}' => Script::Thai,
        '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FE}' | '\u{FF66}'..='\u{FF9D}' => Script::Kana,
        '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}' => {
            Script::Han
        }
        '\u{AC00}'..='\u{D7A3}' | '\u{1100}'..='\u{11FF}' | '\u{3131}'..='\u{318E}' => Script::Hangul,
        // Modifiers, punctuation, arrows, enclosed letters, pictographs: no script of their own.
        '\u{02B0}'..='\u{036F}' | '\u{2000}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{E0000}'..='\u{E0FFF}' => {
            return None;
        }
        // Tatweel and many marks are alphabetic to Unicode; they are no letters here.
        '\u{0640}' => return None,
        _ if c.is_alphabetic() && !super::normalize::is_mark(c) => Script::Other,
        _ => return None,
    };
    Some(script)
}

/// Counts the characters of `text`. One pass; bytes only when it is ASCII.
pub fn survey(text: &str) -> (Scripts, Oddities) {
    let mut surveyor = Surveyor::default();
    if text.is_ascii() {
        surveyor.ascii(text.as_bytes());
    } else {
        text.chars().for_each(|c| surveyor.look(c));
        surveyor.oddities.bidi_unbalanced += surveyor.bidi_open;
    }
    (surveyor.scripts, surveyor.oddities)
}

/// What the last character was, as far as the next one cares.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Gap,
    Letter,
    /// A sign that hides between two letters.
    ZeroWidth,
    Tatweel,
    BidiMark(u32),
}

#[derive(Default)]
struct Surveyor {
    scripts: Scripts,
    oddities: Oddities,
    last: Last,
    /// This word has counted for zero-width signs, for tatweel.
    counted: (bool, bool),
    marks_on_base: u32,
    last_mark: char,
    bidi_open: u32,
    is_selector: bool,
    is_hash: bool,
    is_joined: bool,
    is_half_flag: bool,
    /// Inside a flag of a region: tags are at home there.
    is_tag_flag: bool,
}

impl Surveyor {
    fn ascii(&mut self, bytes: &[u8]) {
        let mut last = 0;
        for &byte in bytes {
            let is_letter = byte.is_ascii_alphabetic();
            self.scripts.cased += u32::from(is_letter);
            self.scripts.uppercase += u32::from(byte.is_ascii_uppercase());
            self.scripts.digits += u32::from(byte.is_ascii_digit());
            self.scripts.visible += u32::from(!byte.is_ascii_whitespace());
            self.oddities.hashtags += u32::from(last == b'#' && is_letter);
            last = byte;
        }
        self.letter_count(Script::Latin, self.scripts.cased);
    }

    fn letter_count(&mut self, script: Script, by: u32) {
        if let Some(count) = self.scripts.letters.get_mut(script as usize) {
            *count += by;
        }
    }

    fn look(&mut self, c: char) {
        self.scripts.visible += u32::from(!c.is_whitespace());
        let was_selector = std::mem::take(&mut self.is_selector);
        let was_hash = std::mem::replace(&mut self.is_hash, c == '#');
        let was_joined = std::mem::take(&mut self.is_joined);
        if let Some(script) = script(c) {
            self.letter(c, script);
            self.oddities.hashtags += u32::from(was_hash);
            return;
        }
        match c {
            '\0'..='\x7F' => {
                self.scripts.digits += u32::from(c.is_ascii_digit());
                self.end_word();
            }
            '\u{0640}' => {
                self.oddities.idle_bytes += 2;
                // Tatweel and marks belong to the word they stand in.
                if self.last == Last::Letter {
                    self.last = Last::Tatweel;
                }
                self.marks_on_base = 0;
                self.last_mark = c;
            }
            '\u{064B}'..='\u{0652}' | '\u{0670}' => {
                self.oddities.arabic_marks += 1;
                self.oddities.idle_bytes += 2;
                let sits_on_no_letter = self.last == Last::Gap;
                self.oddities.stray_arabic_marks += u32::from(sits_on_no_letter || self.last_mark == c);
                self.mark(c);
            }
            '\u{200D}' => self.is_joined = true,
            '\u{200C}' => {}
            '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}' => {
                self.oddities.idle_bytes += match c {
                    '\u{FEFF}' => 0,
                    '\u{00AD}' => 2,
                    _ => 3,
                };
                if self.last == Last::Letter {
                    self.last = Last::ZeroWidth;
                }
            }
            '\u{200E}' | '\u{200F}' | '\u{061C}' => {
                self.oddities.idle_bytes += if c == '\u{061C}' { 2 } else { 3 };
                self.last = match self.last {
                    Last::Letter => Last::BidiMark(1),
                    Last::BidiMark(run) => Last::BidiMark(run + 1),
                    other => other,
                };
            }
            '\u{202D}' | '\u{202E}' => {
                self.oddities.bidi_overrides += 1;
                self.bidi_open += 1;
            }
            '\u{202A}' | '\u{202B}' => self.bidi_open += 1,
            '\u{202C}' => match self.bidi_open.checked_sub(1) {
                Some(open) => self.bidi_open = open,
                None => self.oddities.bidi_unbalanced += 1,
            },
            '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => {
                self.oddities.stray_selectors += u32::from(was_selector);
                self.is_selector = true;
            }
            '\u{E0000}'..='\u{E007F}' => self.oddities.tag_characters += u32::from(!self.is_tag_flag),
            '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}' => self.oddities.private_use += 1,
            '\u{249C}'..='\u{24E9}' | '\u{1F110}'..='\u{1F16B}' | '\u{1F170}'..='\u{1F189}' => {
                self.oddities.styled_letters += 1;
            }
            _ => self.other(c, was_joined),
        }
    }

    fn letter(&mut self, c: char, script: Script) {
        match self.last {
            Last::ZeroWidth if !self.counted.0 => {
                self.oddities.zero_width_words += 1;
                self.counted.0 = true;
            }
            Last::Tatweel if !self.counted.1 => {
                self.oddities.tatweel_words += 1;
                self.counted.1 = true;
            }
            Last::BidiMark(run) if run >= 2 => self.oddities.bidi_mark_runs += 1,
            _ => {}
        }
        self.last = Last::Letter;
        self.end_marks();
        self.is_tag_flag = false;
        match c {
            '\u{1D400}'..='\u{1D7CB}' | '\u{2100}'..='\u{214F}' => {
                self.oddities.styled_letters += 1;
                return self.letter_count(Script::Latin, 1);
            }
            '\u{1D2C}'..='\u{1D6A}' | '\u{1D9B}'..='\u{1DBF}' | '\u{FB00}'..='\u{FB06}' => {
                self.oddities.compatibility += 1;
            }
            '\u{FF21}'..='\u{FF5A}' => self.oddities.fullwidth += 1,
            '\u{FB50}'..='\u{FDEF}' | '\u{FE70}'..='\u{FEFC}' => self.oddities.presentation_forms += 1,
            _ => {}
        }
        self.letter_count(script, 1);
        if matches!(script, Script::Latin | Script::Cyrillic | Script::Greek) {
            self.scripts.cased += 1;
            self.scripts.uppercase += u32::from(c.is_uppercase());
            // `ғ` is a letter of Kazakh; small capitals are Latin.
            let is_small = script == Script::Latin && !c.is_ascii() && small_capital(c).is_some();
            self.oddities.small_capitals += u32::from(is_small);
        }
    }

    /// Neither letter nor one of the usual tricks: a mark, a digit, a pictograph, punctuation.
    fn other(&mut self, c: char, was_joined: bool) {
        if super::normalize::is_mark(c) {
            self.oddities.loose_marks += u32::from(matches!(c, '\u{0300}'..='\u{036F}' | '\u{20D0}'..='\u{20FF}'));
            return self.mark(c);
        }
        self.scripts.digits += u32::from(super::normalize::digit(c).is_some());
        self.is_tag_flag = c == '\u{1F3F4}';
        match c {
            '\u{2B0}'..='\u{2B8}'
            | '\u{2E0}'..='\u{2E4}'
            | '\u{2071}'
            | '\u{207F}'
            | '\u{2090}'..='\u{209C}'
            | '\u{2160}'..='\u{217F}' => {
                self.oddities.compatibility += 1;
                // Not the end of a word, as a sign would be.
                return;
            }
            '\u{1F3FB}'..='\u{1F3FF}' => {}
            '\u{1F1E6}'..='\u{1F1FF}' => {
                self.scripts.emoji += u32::from(!self.is_half_flag);
                self.is_half_flag = !self.is_half_flag;
            }
            '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}' | '\u{2B50}' | '\u{2B55}' => {
                self.scripts.emoji += u32::from(!was_joined);
            }
            _ => {}
        }
        self.end_word();
    }

    fn mark(&mut self, c: char) {
        self.scripts.marks += 1;
        self.marks_on_base += 1;
        self.oddities.stacked_marks += u32::from(self.marks_on_base == 4);
        self.last_mark = c;
    }

    fn end_marks(&mut self) {
        self.marks_on_base = 0;
        self.last_mark = '\0';
    }

    fn end_word(&mut self) {
        self.last = Last::Gap;
        self.counted = (false, false);
        self.end_marks();
    }
}
