//! A signature by which near copies of a text are known, however their letters, gaps, names, links and numbers differ.
//!
//! Owns what counts as the same text. Does not own where signatures are kept (`store`) nor what a copy means (`rules`).
//!
//! Letters are folded to their look-alikes and run together without blanks, digits and links are left out, and so are the
//! author's name and the title of the post. What is left is cut into overlapping shingles; of their hashes the least one
//! in each of [`MINS`] bins is kept. Two texts share as many of these as of their shingles (Jaccard similarity).
//!
//! # Source
//! Broder, *On the resemblance and containment of documents* (1997); Li, Owen and Zhang, *One Permutation Hashing* (2012);
//! Shrivastava and Li, *Densifying One Permutation Hashing via Rotation* (2014).

use hashbrown::HashSet;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::survey::{Script, script};
use super::tokens::{self, joins_words};
use super::{Text, normalize, skeleton};

/// Hashes that a signature keeps.
pub const MINS: usize = 32;
/// Pairs of hashes under which a signature is looked up: of two texts that share 80 % of their shingles, 99 % share one.
pub const BANDS: usize = 5;
/// Letters in a shingle; where a letter is a word or a syllable, fewer say as much.
const SHINGLE: usize = 6;
const SHINGLE_UNSPACED: usize = 3;
/// Words that a text must have to be told from others: "thank you very much" is nobody's.
const INFORMATIVE: usize = 6;
/// Letters that are read, so that a megabyte takes no longer than it must.
const MAX_LETTERS: usize = 20_000;

/// The signature of a text that says enough to have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The same for texts that are equal in matching form, links and numbers included.
    pub exact: u64,
    /// The least hash of each bin, its lower half.
    pub mins: [u16; MINS],
    /// Two near copies share at least one of these.
    pub bands: [u64; BANDS],
}

impl Fingerprint {
    /// From which similarity on two texts are taken for copies of one.
    pub const NEAR: f64 = 0.5;

    /// `None` for a text of fewer than six different words that mean something. Linear in the text.
    ///
    /// * `name`: the author's; `title`: that of the post. What they say is left out.
    pub fn of(text: &Text, name: &str, title: &str) -> Option<Fingerprint> {
        let whole = text.normal();
        let title = normalize(title);
        // A shorter title is a word or two that anybody may write.
        let parted = (title.len() >= 12 && whole.contains(&title)).then(|| whole.replace(&title, " "));
        let letters = Letters::of(parted.as_deref().unwrap_or(whole), &normalize(name));
        if letters.informative() < INFORMATIVE {
            return None;
        }
        let mins = letters.mins()?;
        let bands = std::array::from_fn(|band| {
            let pair = [mins.get(2 * band), mins.get(2 * band + 1)].map(|min| min.copied().unwrap_or_default());
            let bytes: Vec<u8> = pair.iter().flat_map(|min| min.to_le_bytes()).collect();
            xxh3_64_with_seed(&bytes, band as u64)
        });
        #[expect(clippy::cast_possible_truncation, reason = "the lower half tells two hashes apart as well")]
        let mins = mins.map(|min| min as u16);
        Some(Fingerprint { exact: xxh3_64(whole.as_bytes()), mins, bands })
    }

    /// The share of shingles that two texts have in common, estimated from their signatures: 0 to 1, ±0.07 at 0.8.
    pub fn similarity(&self, mins: &[u16; MINS]) -> f64 {
        let equal = self.mins.iter().zip(mins).filter(|(one, other)| one == other).count();
        f64::from(u32::try_from(equal).unwrap_or_default()) / MINS as f64
    }
}

/// The letters of a text, run together.
#[derive(Debug, Default)]
struct Letters {
    letters: Vec<char>,
    /// Letters of scripts without spaces between words.
    unspaced: usize,
    /// Hashes of different words, [`INFORMATIVE`] at most: nobody asks for more.
    words: Vec<u64>,
    /// Runs between blanks, and those of a single letter among them.
    runs: usize,
    single: usize,
    /// Words that runs of unusual length would make: who spells with gaps is read without any.
    glued: usize,
}

/// From this length on, in letters, a run is taken for several words.
const GLUED: usize = 20;
/// Letters of a word, about.
const WORD: usize = 6;

impl Letters {
    fn of(normal: &str, name: &str) -> Letters {
        let names: HashSet<&str> = name.split(' ').filter(|part| part.chars().count() >= 3).collect();
        let mut letters = Letters { letters: Vec::with_capacity(normal.len().min(MAX_LETTERS)), ..Letters::default() };
        for run in normal.split(' ') {
            if letters.letters.len() >= MAX_LETTERS {
                break;
            }
            let word = run.trim_matches(|c: char| !c.is_alphanumeric());
            if word.is_empty() || names.contains(word) {
                continue;
            }
            let is_address = tokens::is_address(run);
            let folded = if word.is_ascii() { None } else { folded(word) };
            letters.take(folded.as_deref().unwrap_or(word), is_address);
        }
        letters
    }

    fn take(&mut self, word: &str, is_address: bool) {
        let before = self.letters.len();
        // Of an address that touches a word in another script, the word stays.
        let kept = |c: &char| c.is_alphabetic() && !(is_address && c.is_ascii());
        for c in word.chars().filter(kept).take(MAX_LETTERS) {
            self.unspaced += usize::from(!c.is_ascii() && !joins_words(c));
            self.letters.push(c);
        }
        let count = self.letters.len() - before;
        self.runs += usize::from(count > 0);
        self.single += usize::from(count == 1);
        self.glued += if count >= GLUED { count / WORD } else { 0 };
        if count >= if word.is_ascii() { 4 } else { 3 } && self.words.len() < INFORMATIVE {
            let word = xxh3_64(word.as_bytes());
            if !self.words.contains(&word) {
                self.words.push(word);
            }
        }
    }

    /// How many words say something; of letters without blanks between words, how many words they would make.
    fn informative(&self) -> usize {
        let spelled_out = if self.single * 2 > self.runs { self.letters.len() / WORD } else { 0 };
        (self.words.len() + self.glued).max(self.unspaced / 3).max(spelled_out)
    }

    /// `None` when there is no shingle.
    fn mins(&self) -> Option<[u32; MINS]> {
        let length = if self.unspaced * 2 > self.letters.len() { SHINGLE_UNSPACED } else { SHINGLE };
        let mut bins: [Option<u32>; MINS] = [None; MINS];
        for shingle in self.letters.windows(length) {
            let hash = shingle.iter().fold(0x9E37_79B9_7F4A_7C15_u64, |hash, &c| {
                (hash ^ u64::from(u32::from(c))).wrapping_mul(0x100_0000_01B3).rotate_left(23)
            });
            let hash = mixed(hash);
            #[expect(clippy::cast_possible_truncation, reason = "the upper bits choose the bin, the lower ones stay")]
            let value = hash as u32;
            let bin = usize::try_from(hash >> 59).unwrap_or_default();
            if let Some(least) = bins.get_mut(bin) {
                *least = Some(least.map_or(value, |least| least.min(value)));
            }
        }
        // An empty bin takes what the next full one has, marked by how far it is.
        let mut mins = [0_u32; MINS];
        for (bin, min) in mins.iter_mut().enumerate() {
            let (distance, value) = (0..MINS).find_map(|step| {
                let value = *bins.get((bin + step) % MINS)?;
                value.map(|value| (u32::try_from(step).unwrap_or_default(), value))
            })?;
            *min = value.wrapping_add(distance.wrapping_mul(0x9E37_79B1));
        }
        Some(mins)
    }
}

/// SplitMix64's finalizer: every bit of the input moves every bit of the output.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

/// Look-alikes of Latin letters as those letters. Arabic forms are made one by `normalize`; other scripts have none.
fn folded(word: &str) -> Option<String> {
    let imitates =
        |c: char| matches!(script(c), Some(Script::Latin | Script::Cyrillic | Script::Greek | Script::Other));
    word.chars().any(|c| !c.is_ascii() && imitates(c)).then(|| skeleton(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;

    fn print(content: &str) -> Option<Fingerprint> {
        Fingerprint::of(
            &Text::of(&Comment::of_text(content)),
            "Ada Example",
            "Why the harbour stays closed this winter",
        )
    }

    const AD: &str =
        "We help with cheap loans for every family, call Ada today at 0123 456789 or see https://a.example/x";

    #[track_caller]
    fn near(one: &str, other: &str) {
        let (one, other) = (print(one).unwrap(), print(other).unwrap());
        let similarity = one.similarity(&other.mins);
        let shares = one.bands.iter().zip(&other.bands).any(|(one, other)| one == other);
        assert!(similarity >= Fingerprint::NEAR && shares, "{similarity}");
    }

    #[test]
    fn copies_are_known_in_disguise() {
        for copy in [
            "We help with cheap loans for every family, call Bob today at 0999 111222 or see http://b.example/yyy",
            "We hеlр with chеар lоаns for еvеrу fаmilу, call Ada today at 0123 456789",
            "W e h e l p w i t h c h e a p l o a n s f o r e v e r y f a m i l y, call Ada today",
            "we   help with CHEAP loans\nfor every family, call Example today www.c.example",
            "We help with cheap loans for every family, call us today! Best wishes to all of you",
        ] {
            near(AD, copy);
        }
        near(
            "نقدم لكم قروضا ميسرة لجميع العائلات في المملكة اتصلوا بنا اليوم على الرقم ٠٥٥١٢٣٤٥٦٧",
            "نقـــدم لكم قُروضا مُيسرة لجميع العائلات فى المملكة اتصلوا بنا اليوم على الرقم 0559876543",
        );
        near(
            "我们为所有家庭提供便宜的贷款服务，欢迎今天联系我们的客服 https://a.example/",
            "我们为所有家庭提供便宜的贷款服务，欢迎今天联系我们客服http://b.example/",
        );
    }

    #[test]
    fn what_says_little_is_like_nothing() {
        for short in [
            "thank you",
            "شكرا",
            "شكرا جزيلا على المقال الرائع",
            "Thank you so much for this!",
            "",
            "lol lol lol lol lol lol lol lol",
            "👍👍👍",
            "https://a.example/ https://b.example/",
            "谢谢你",
            "Why the harbour stays closed this winter",
            "12345 67890 12345",
            "first! first! first! first! first! first! first!",
        ] {
            assert_eq!(print(short), None, "{short}");
        }
    }

    #[test]
    fn other_texts_are_other_texts() {
        let one = print(AD).unwrap();
        for other in [
            "The mayor did not answer a single question about the harbour, and nobody in the council asked again",
            "We help our neighbours every winter because the council does not, call me a dreamer if you want",
        ] {
            let other = print(other).unwrap();
            assert!(one.similarity(&other.mins) < 0.2 && one.exact != other.exact);
        }
    }

    #[test]
    fn a_quoted_title_is_not_the_readers_own() {
        let quoted = print(
            "Why the harbour stays closed this winter: because nobody repaired the eastern gate last summer, obviously",
        );
        let plain = print("because nobody repaired the eastern gate last summer, obviously");
        assert_eq!(quoted.map(|print| print.mins), plain.map(|print| print.mins));
    }
}
