//! Words spelled so that a filter does not read them: with gaps, with digits for letters, in small capitals.
//!
//! Owns finding such spellings and the text without them. Does not own whether one counts against a comment (`rules`).
//!
//! Ordinary text is left as it is, to the letter: what is read here is what the classifier counts. So a single odd word,
//! a product code or an abbreviation changes nothing; a text is respelled when the habit runs through it.

use super::normalize::{is_invisible, is_mark};
use super::skeleton::small_capital;
use super::survey::{Oddities, Script, Scripts};
use super::tokens::{is_alphanumeric, is_unspaced, tokens_with};

/// A word whose letters stand apart: `c.a.s.i.n.o`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelled {
    /// As it stands in the visible text.
    pub written: String,
    /// Its letters joined, not folded.
    pub word: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Respelled {
    /// `None`: the text reads as it is written.
    pub text: Option<String>,
    /// Words of four letters or more with gaps, the first few.
    pub spelled: Vec<Spelled>,
    /// Words with digits for letters that made the text be respelled; 0 when it was not.
    pub leet_words: usize,
}

/// Spelled words kept of one text.
const MAX_KEPT: usize = 50;
/// The longest run of single letters that is joined; more is a pattern, not a word.
const MAX_LETTERS: usize = 40;
/// The longest word that may be in leet, bytes.
const MAX_LEET: usize = 24;

/// Reads `visible` with gaps closed and odd letters replaced, where the text is written so throughout.
pub(super) fn respell(visible: &str, scripts: &Scripts, oddities: &Oddities) -> Respelled {
    let mut found = Respelled::default();
    if oddities.small_capitals >= 4 {
        found.text = Some(visible.chars().map(|c| small_capital(c).unwrap_or(c)).collect());
    }
    let runs = runs(found.text.as_deref().unwrap_or(visible));
    if !runs.is_empty() {
        let text = found.text.as_deref().unwrap_or(visible);
        let four = runs.iter().filter(|run| run.letters >= 4);
        found.spelled = four.clone().take(MAX_KEPT).map(|run| run.spelled(text)).collect();
        // Abbreviations have four letters and come alone.
        let is_habit = four.clone().any(|run| run.letters >= 5) || four.count() >= 2;
        if is_habit {
            found.text = Some(joined(text, &runs));
        }
    }
    let has_signs = |text: &str| text.bytes().any(|byte| matches!(byte, b'@' | b'$'));
    if scripts.count(Script::Latin) > 0 && (scripts.digits > 0 || has_signs(visible)) {
        let text = found.text.as_deref().unwrap_or(visible);
        found.leet_words = leet_words(text);
        if found.leet_words > 0 {
            found.text = Some(text.split_inclusive(char::is_whitespace).map(plain).collect());
        }
    }
    found
}

/// Single letters with one and the same sign between each two: bytes from the first to behind the last.
#[derive(Debug)]
struct Run {
    start: usize,
    end: usize,
    letters: usize,
}

impl Run {
    fn written<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    fn word(&self, text: &str) -> String {
        self.written(text).chars().filter(|&c| is_letter(c) || is_mark(c)).collect()
    }

    fn spelled(&self, text: &str) -> Spelled {
        Spelled { written: self.written(text).to_owned(), word: self.word(text) }
    }
}

/// What may stand for a letter in a spelled word. Scripts that need no blanks, and Hangul, are written so anyway.
fn is_letter(c: char) -> bool {
    matches!(c, '@' | '$')
        || (is_alphanumeric(c) && !is_unspaced(c) && !matches!(c, '\u{1100}'..='\u{11FF}' | '\u{AC00}'..='\u{D7A3}'))
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '.' | '-' | '_' | '*' | '·' | '•' | '~' | '+' | '|' | '\u{A0}')
}

/// The runs of three letters or more in `text`. One pass.
fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    if text.is_ascii() && !has_single_letters(text.as_bytes()) {
        return runs;
    }
    let mut reader = Reader::default();
    for (at, c) in text.char_indices() {
        // Inside a word a letter changes nothing.
        let is_plain = c.is_ascii_lowercase()
            || matches!(c, '\u{0621}'..='\u{063A}' | '\u{0641}'..='\u{064A}' | '\u{0400}'..='\u{0481}');
        if is_plain && reader.is_in_word() {
            continue;
        }
        if !is_mark(c) && !is_invisible(c) {
            reader.read(text, at, c, &mut runs);
        }
    }
    reader.close(text, &mut runs);
    runs
}

/// Do three letters of this plain text stand alone? Without them there is no run.
fn has_single_letters(text: &[u8]) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'@') | (byte == b'$');
    let (mut singles, mut before_last, mut last) = (0_usize, false, false);
    // No branch at a letter: it would be foretold wrong at every word's end.
    let mut read = |is_this: bool| {
        singles += usize::from(last & !before_last & !is_this);
        (before_last, last) = (last, is_this);
    };
    text.iter().for_each(|&byte| read(is_letter(byte)));
    read(false);
    singles >= 3
}

/// What stands before the character in hand.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    /// Nothing, or what no run goes over.
    #[default]
    Edge,
    /// A letter that stands alone so far, from this byte on.
    Single(usize, usize),
    /// The gap behind a single letter.
    Gap,
    /// Two letters side by side.
    Word,
}

#[derive(Default)]
struct Reader {
    before: Before,
    /// The run before the letter in hand: where it began and ended, its letters, and those of them that are none of the alphabet.
    start: usize,
    end: usize,
    letters: usize,
    odd: usize,
    gap: Option<char>,
    first: char,
    is_varied: bool,
    hand: char,
}

impl Reader {
    fn is_in_word(&self) -> bool {
        self.before == Before::Word
    }

    fn read(&mut self, text: &str, at: usize, c: char, runs: &mut Vec<Run>) {
        if is_letter(c) {
            self.before = match self.before {
                Before::Edge | Before::Gap => {
                    self.hand = c;
                    Before::Single(at, at + c.len_utf8())
                }
                Before::Single(..) | Before::Word => {
                    // No single letter after all: the run ended before it.
                    self.close(text, runs);
                    Before::Word
                }
            };
            return;
        }
        let is_gap = is_gap(c);
        match self.before {
            Before::Single(start, end) => {
                // `a c.a.s.i.n.o`: the first letter stood alone, its neighbour begins a word.
                if is_gap && self.letters == 1 && self.gap != Some(c) {
                    self.forget();
                }
                self.take(start, end);
                if is_gap && self.gap.is_none_or(|gap| gap == c) {
                    self.gap = Some(c);
                    self.before = Before::Gap;
                } else {
                    self.before = Before::Edge;
                    self.close(text, runs);
                }
            }
            _ => {
                self.close(text, runs);
                self.before = Before::Edge;
            }
        }
    }

    fn take(&mut self, start: usize, end: usize) {
        if self.letters == 0 {
            self.start = start;
            self.first = self.hand;
        }
        self.is_varied |= self.hand != self.first;
        self.odd += usize::from(!self.hand.is_alphabetic());
        self.letters += 1;
        self.end = end;
    }

    fn close(&mut self, text: &str, runs: &mut Vec<Run>) {
        if let Before::Single(start, end) = self.before
            && end == text.len()
        {
            self.take(start, end);
        }
        let is_word = (3..=MAX_LETTERS).contains(&self.letters) && self.is_varied && 2 * self.odd <= self.letters;
        if is_word {
            runs.push(Run { start: self.start, end: self.end, letters: self.letters });
        }
        self.forget();
    }

    fn forget(&mut self) {
        (self.letters, self.odd, self.gap, self.is_varied) = (0, 0, None, false);
    }
}

/// `text` with the gaps inside its runs closed.
fn joined(text: &str, runs: &[Run]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for run in runs {
        out.push_str(text.get(at..run.start).unwrap_or_default());
        out.push_str(&run.word(text));
        at = run.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// How many words of `text` have digits for letters, if that is its habit: two words that can be nothing else, or one beside
/// two that may be, and every fifth in all.
///
/// In the first the digit stands inside the word and is one that Arabizi does not use for a sound (0, 1, 4). Numbers at either
/// end make codes and names (`covid19`, `mp3`, `b737`) as well, of which a text may hold many.
fn leet_words(text: &str) -> usize {
    let is_word = |word: &&str| word.len() >= 3;
    let (mut sure, mut likely) = (0_usize, 0_usize);
    let odd = tokens_with(text, is_sign).map(|(_, token)| token);
    for word in odd.flat_map(str::split_whitespace).map(core).filter(is_word) {
        let is_sure = is_leet(word);
        sure += usize::from(is_sure);
        likely += usize::from(!is_sure && is_spelled(word) && word.bytes().filter(u8::is_ascii_digit).count() >= 2);
    }
    let is_habit = sure >= 2 || (sure == 1 && likely >= 2);
    let words = || text.split_whitespace().map(core).filter(is_word).count();
    if is_habit && 5 * (sure + likely) >= words() { sure + likely } else { 0 }
}

/// A token without the punctuation around it.
fn core(token: &str) -> &str {
    token.trim_matches(['.', ',', '?', '"', '(', ')', ':', ';', '\'', '!', '*'])
}

/// Letters and signs that stand for one, and no others: `8`, `2` and `9` make codes more often than words.
fn is_spelled(word: &str) -> bool {
    (3..=MAX_LEET).contains(&word.len())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
        && word.bytes().all(|byte| byte.is_ascii_alphabetic() || is_sign(byte))
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b'0' | b'1' | b'3'..=b'5' | b'7' | b'@' | b'$')
}

fn is_leet(word: &str) -> bool {
    let is_end = |c: char| c.is_ascii_digit() || matches!(c, '@' | '$');
    is_spelled(word)
        && word.bytes().filter(u8::is_ascii_alphabetic).count() >= 2
        && word.trim_matches(is_end).contains(['0', '1', '4', '@', '$'])
}

/// A token of a text in leet, with letters for its digits; numbers with a unit stay.
fn plain(token: &str) -> String {
    let word = core(token.trim_end());
    let letters = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_measure = letters.len() < word.len()
        && !word.starts_with('0')
        && letters.len() <= 2
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_spelled(word) && !is_measure { token.chars().map(unleet).collect() } else { token.to_owned() }
}

fn unleet(c: char) -> char {
    match c {
        '4' | '@' => 'a',
        '3' => 'e',
        '1' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    }
}
