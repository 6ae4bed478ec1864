//! From a comment to hashed features: columns that are there or not.
//!
//! Owns what the classifier looks at and the numbers it goes by. Does not own reading text (`text`) nor what a column
//! weighs (`model`). A change here makes other numbers of the same comment: raise [`FEATURES_VERSION`].
//!
//! | of | features |
//! |---|---|
//! | words | each, and each with the one before it |
//! | within words | runs of 3 to 5 characters, the edges counting as one; 1 to 3 in scripts without spaces and in Hangul |
//! | disguised words | their look-alike, as the word that a reader sees |
//! | signs | each distinct sign that is neither letter, digit nor blank: `!`, `$`, emoji |
//! | links | none, how many, host, registrable domain, top-level domain, markup they stand in |
//! | author | words of the name; is there an e-mail, a URL; the domain of each |
//! | shape | length in powers of two, share of capitals and of digits |
//!
//! # Source
//! Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (ICML 2009), unsigned, because naive Bayes
//! counts cannot be negative. xxh3 with a fixed seed: the numbers are stored in models.

use std::cell::Cell;
use std::ops::{Range, RangeInclusive};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::comment::{Author, Comment};
use crate::text::{Link, Text, is_alphanumeric, normalize};

/// Tells models apart that were trained on other features.
pub const FEATURES_VERSION: u32 = 2;
/// Columns that features are hashed to. More made no dev set better and the file three times as long.
pub const COLUMNS: usize = 1 << 18;
/// Bits that n-grams are hashed to for coverage.
pub const SEEN_BITS: usize = 1 << 22;

/// Words looked at, from the front; a comment of more is no comment, and its first words tell as much.
const MAX_WORDS: usize = 20_000;
/// Characters of a word whose n-grams are taken.
const MAX_WORD_CHARS: usize = 40;
/// Characters of a run without spaces whose n-grams are taken.
const MAX_RUN_CHARS: usize = 20_000;
const MAX_LINKS: usize = 100;

/// Which kind a hashed string is of: `win` the word is not `win` in an author's name.
#[derive(Clone, Copy)]
enum Kind {
    Word = 1,
    Gram,
    Sign,
    Host,
    Domain,
    TopLevel,
    Links,
    AuthorWord,
    AuthorFlag,
    AuthorDomain,
    Shape,
}

/// Whose word a feature is, for explaining a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The word with this number in [`Text::words`].
    Word(usize),
    /// The link with this number in [`Text::links`].
    Link(usize),
    /// A part of an address in the text, with its number in [`Text::words`] if it is a word; or how many links there are, if any.
    Address(Option<usize>),
    /// Anything else: signs, author, shape.
    Other,
}

/// The features of one comment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Distinct columns below [`COLUMNS`], in the order of the text.
    pub columns: Vec<u32>,
    /// Whose the columns are, and where among them its run ends: neighbours mostly come from one word.
    origins: Vec<(Origin, usize)>,
    /// Hashed n-grams below [`SEEN_BITS`], by which coverage is told; about one a character. Runs of five, because of
    /// shorter ones a language shares most with its neighbours: of Portuguese, 81 % of runs of four were known to a model
    /// of Arabic, English, German and Indonesian, and 50 % of runs of five.
    pub grams: Vec<u32>,
}

impl Features {
    /// Where each column came from first: runs of columns, in their order, without gaps.
    pub fn runs(&self) -> impl Iterator<Item = (Origin, Range<usize>)> {
        let mut start = 0;
        self.origins.iter().map(move |&(origin, end)| (origin, std::mem::replace(&mut start, end)..end))
    }

    /// Does the text hold an address?
    pub fn has_address(&self) -> bool {
        self.runs().any(|(origin, _)| matches!(origin, Origin::Link(_) | Origin::Address(_)))
    }

    /// Reads the comment. Linear in the length of its text.
    pub fn of(comment: &Comment, text: &Text) -> Features {
        let room = text.normal().len().min(1 << 16);
        let mut reader = Reader {
            met: met_none(),
            features: Features {
                columns: Vec::with_capacity(room * 2 + 64),
                origins: Vec::with_capacity(room / 4 + 16),
                grams: Vec::with_capacity(room),
            },
            buffer: String::new(),
            edges: Vec::new(),
        };
        reader.words(text);
        reader.signs(text);
        reader.links(text);
        reader.author(&comment.author);
        reader.shape(text);
        let Reader { mut met, features, .. } = reader;
        for column in &features.columns {
            if let Some(word) = met.get_mut(*column as usize / 64) {
                *word = 0;
            }
        }
        MET.set(met);
        features
    }
}

thread_local! {
    /// [`Reader::met`], all zero, for the next comment of this thread: 32 kB, of which one comment touches a part.
    static MET: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

/// No column met.
fn met_none() -> Vec<u64> {
    let mut met = MET.take();
    // The first comment of a thread, or one whose reader panicked, finds nothing there.
    met.resize(COLUMNS / 64, 0);
    met
}

struct Reader {
    /// One bit per column that is in `features` already.
    met: Vec<u64>,
    features: Features,
    /// The word in hand between its edges.
    buffer: String,
    /// Where its characters begin, and where the last one ends.
    edges: Vec<usize>,
}

impl Reader {
    fn add(&mut self, kind: Kind, value: &[u8], origin: Origin) {
        self.add_hash(xxh3_64_with_seed(value, kind as u64));
        self.came_from(origin);
    }

    /// Says of the columns since the last such word whose they are.
    fn came_from(&mut self, origin: Origin) {
        let Features { columns, origins, .. } = &mut self.features;
        match origins.last_mut() {
            Some((last, end)) if *last == origin => *end = columns.len(),
            Some((_, end)) if *end == columns.len() => {}
            None if columns.is_empty() => {}
            _ => origins.push((origin, columns.len())),
        }
    }

    #[inline]
    fn add_hash(&mut self, hash: u64) {
        #[expect(clippy::cast_possible_truncation, reason = "masked to 18 bits")]
        let column = (hash & (COLUMNS as u64 - 1)) as u32;
        let bit = 1_u64 << (column % 64);
        if let Some(word) = self.met.get_mut(column as usize / 64)
            && *word & bit == 0
        {
            *word |= bit;
            self.features.columns.push(column);
        }
    }

    fn gram_seen(&mut self, hash: u64) {
        self.features.grams.push(((hash >> 32) & (SEEN_BITS as u64 - 1)) as u32);
    }

    fn words(&mut self, text: &Text) {
        let mut before = 0;
        for (index, (word, is_address)) in text.words_and_addresses().take(MAX_WORDS).enumerate() {
            let origin = if is_address { Origin::Address(Some(index)) } else { Origin::Word(index) };
            before = self.word(word, before, origin);
        }
        for word in text.skeleton_words() {
            self.word(word, 0, Origin::Other);
        }
    }

    /// Adds a word, its pair and its n-grams; its hash, for the next pair.
    fn word(&mut self, word: &str, before: u64, origin: Origin) -> u64 {
        let hash = xxh3_64_with_seed(word.as_bytes(), Kind::Word as u64);
        let is_dense = word.chars().next().is_some_and(is_dense);
        if !is_dense || word.len() <= 12 {
            self.add_hash(hash);
            // A pair of words: two hashes make its own, cheaper than joining two strings and as good.
            self.add_hash(before.rotate_left(29) ^ hash.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        }
        // A word too short for a run of five counts as a whole: `de` and `the` tell languages apart.
        let is_covered = if is_dense {
            self.grams(word.chars().take(MAX_RUN_CHARS), "", 1..=3, 2)
        } else if word.is_ascii() {
            self.ascii_grams(word)
        } else {
            self.grams(word.chars().take(MAX_WORD_CHARS), " ", 3..=5, 5)
        };
        if !is_covered {
            self.gram_seen(hash);
        }
        self.came_from(origin);
        hash
    }

    /// Adds the n-grams of a word between `edge`s, `lengths` characters long; whether any was of the length by which coverage is
    /// told, `covered`.
    fn grams(
        &mut self,
        word: impl Iterator<Item = char>,
        edge: &str,
        lengths: RangeInclusive<usize>,
        covered: usize,
    ) -> bool {
        let (mut buffer, mut edges) = (std::mem::take(&mut self.buffer), std::mem::take(&mut self.edges));
        buffer.clear();
        edges.clear();
        for c in edge.chars().chain(word).chain(edge.chars()) {
            edges.push(buffer.len());
            buffer.push(c);
        }
        edges.push(buffer.len());
        for length in lengths {
            for (&start, &end) in edges.iter().zip(edges.iter().skip(length)) {
                self.gram(buffer.as_bytes().get(start..end).unwrap_or_default(), length == covered);
            }
        }
        let is_covered = edges.len() > covered;
        (self.buffer, self.edges) = (buffer, edges);
        is_covered
    }

    /// The same for a word of ASCII, where a character is a byte.
    fn ascii_grams(&mut self, word: &str) -> bool {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.push(' ');
        buffer.push_str(word.get(..MAX_WORD_CHARS).unwrap_or(word));
        buffer.push(' ');
        self.grams_of::<3>(buffer.as_bytes());
        self.grams_of::<4>(buffer.as_bytes());
        self.grams_of::<5>(buffer.as_bytes());
        let is_covered = buffer.len() >= 5;
        self.buffer = buffer;
        is_covered
    }

    /// The n-grams of `N` characters of a word of ASCII. Their length is known when this is compiled, which makes hashing them twice
    /// as fast.
    fn grams_of<const N: usize>(&mut self, word: &[u8]) {
        for gram in word.windows(N).filter_map(|gram| <&[u8; N]>::try_from(gram).ok()) {
            self.gram(gram, N == 5);
        }
    }

    #[inline]
    fn gram(&mut self, gram: &[u8], is_covered: bool) {
        let hash = xxh3_64_with_seed(gram, Kind::Gram as u64);
        self.add_hash(hash);
        if is_covered {
            self.gram_seen(hash);
        }
    }

    fn signs(&mut self, text: &Text) {
        let mut last = ' ';
        let mut buffer = [0; 4];
        let has_links = text.link_count() > 0;
        for c in text.normal().chars() {
            if is_sign(c) && c != last {
                let is_of_address = has_links && is_of_address(c);
                let origin = if is_of_address { Origin::Address(None) } else { Origin::Other };
                self.add(Kind::Sign, c.encode_utf8(&mut buffer).as_bytes(), origin);
            }
            last = c;
        }
    }

    fn links(&mut self, text: &Text) {
        let count = text.link_count();
        let origin = if count > 0 { Origin::Address(None) } else { Origin::Other };
        self.add(Kind::Links, &[u8::try_from(count.min(4)).unwrap_or(4)], origin);
        for (index, link) in text.links().iter().take(MAX_LINKS).enumerate() {
            let origin = Origin::Link(index);
            self.add(Kind::Links, &[b's', link.syntax as u8], origin);
            self.add(Kind::Host, link.host().as_bytes(), origin);
            self.domain(Kind::Domain, link.domain(), origin);
        }
    }

    fn domain(&mut self, kind: Kind, domain: &str, origin: Origin) {
        self.add(kind, domain.as_bytes(), origin);
        if let Some((_, top)) = domain.rsplit_once('.') {
            self.add(Kind::TopLevel, top.as_bytes(), origin);
        }
    }

    fn author(&mut self, author: &Author) {
        if let Some(name) = author.name.as_deref() {
            for word in normalize(name).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(10) {
                self.add(Kind::AuthorWord, word.as_bytes(), Origin::Other);
            }
        }
        for (flag, field) in [(b"email", &author.email), (b"url  ", &author.url)] {
            // A dump without the field says nothing; an empty one was left empty.
            let state = match field.as_deref() {
                None => continue,
                Some("") => 0,
                Some(_) => 1,
            };
            self.add(Kind::AuthorFlag, &[flag.as_slice(), &[state]].concat(), Origin::Other);
        }
        if let Some((_, host)) = author.email.as_deref().and_then(|email| email.rsplit_once('@')) {
            self.add(Kind::AuthorDomain, host.to_ascii_lowercase().as_bytes(), Origin::Other);
        }
        if let Some(url) = author.url.as_deref().filter(|url| !url.is_empty()) {
            self.domain(Kind::AuthorDomain, Link::of_url(url).domain(), Origin::Other);
        }
    }

    fn shape(&mut self, text: &Text) {
        let visible = text.visible();
        let (mut letters, mut capitals, mut digits) = (0_usize, 0_usize, 0_usize);
        for byte in visible.bytes() {
            letters += usize::from(byte.is_ascii_alphabetic());
            capitals += usize::from(byte.is_ascii_uppercase());
            digits += usize::from(byte.is_ascii_digit());
        }
        let length = text.bytes_read().max(1).ilog2().min(14).to_le_bytes()[0];
        let share = |part: usize, whole: usize| u8::try_from(part * 8 / whole.max(8)).unwrap_or(8);
        self.add(Kind::Shape, &[0, length], Origin::Other);
        self.add(Kind::Shape, &[1, share(capitals, letters)], Origin::Other);
        self.add(Kind::Shape, &[2, share(digits, text.bytes_read())], Origin::Other);
    }
}

/// Neither letter, digit nor blank. Most text is ASCII, where a table tells.
#[inline]
fn is_sign(c: char) -> bool {
    #[expect(clippy::indexing_slicing, reason = "a place beyond the end would not compile")]
    static SIGNS: [bool; 128] = {
        let mut signs = [false; 128];
        let mut byte = 0_u8;
        while byte < 128 {
            let is_blank = matches!(byte, b' ' | b'\t'..=b'\r');
            signs[byte as usize] = !byte.is_ascii_alphanumeric() && !is_blank;
            byte += 1;
        }
        signs
    };
    SIGNS.get(c as usize).copied().unwrap_or_else(|| !is_alphanumeric(c) && !c.is_whitespace())
}

/// Signs that addresses are written with.
fn is_of_address(sign: char) -> bool {
    matches!(sign, ':' | '/' | '?' | '=' | '&' | '%' | '#' | '_' | '-' | '.')
}

/// Is this letter of a script whose single characters say as much as a few Latin ones?
fn is_dense(c: char) -> bool {
    matches!(c,
        '\u{0E01}'..='\u{0EDF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3005}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{20000}'..='\u{3FFFF}')
}
