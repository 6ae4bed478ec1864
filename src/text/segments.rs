//! Words of scripts that are written without spaces.
//!
//! Owns parting runs of Chinese, Japanese, Thai, Lao, Khmer and Burmese into words. Does not own the words that spaces part
//! (`tokens`), nor what the classifier counts: it counts runs of characters there.
//!
//! # Source
//! Unicode Standard Annex 29 with the dictionaries of ICU4X.

use icu_segmenter::WordSegmenter;
use icu_segmenter::options::WordBreakInvariantOptions;

use super::tokens::{is_unspaced, places_of_words};

/// Bytes of such runs that are parted in one text; more stay as they are.
const MAX_BYTES: usize = 65_536;

/// `normal` as the dictionaries spell it, and the byte ranges of its words there.
///
/// NFKC takes two vowels of Thai and Lao apart, which no dictionary does.
pub(super) fn part(normal: &str) -> (String, Vec<(usize, usize)>) {
    let spelled = normal.replace("\u{E4D}\u{E32}", "\u{E33}").replace("\u{ECD}\u{EB2}", "\u{EB3}");
    let words = places_of_words(&spelled);
    let mut segments = Vec::with_capacity(words.len());
    let mut segmenter = None;
    let mut left = MAX_BYTES;
    for (start, end) in words {
        let word = spelled.get(start..end).unwrap_or_default();
        if !word.starts_with(is_unspaced) || word.len() > left {
            segments.push((start, end));
            continue;
        }
        left -= word.len();
        // The dictionaries lie in the program: making one costs less than a microsecond.
        let segmenter =
            segmenter.get_or_insert_with(|| WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()));
        let mut from = 0;
        for to in segmenter.segment_str(word).skip(1) {
            segments.push((start + from, start + to));
            from = to;
        }
    }
    (spelled, segments)
}
