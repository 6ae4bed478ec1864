//! Phrases in a text, however many there are: a trie whose steps are words.
//!
//! Owns what a word of a phrase is and how phrases are found. A phrase is found only as whole words, `cialis` not in
//! `specialist`; scripts without spaces have no boundaries to ask for, and each of their characters is a step.
//!
//! Words, not bytes: an Aho-Corasick automaton finds a little faster, but takes nine times as long to build for 100,000
//! phrases, on each change of a list, and the number of finds in phrases that lie in each other knows no bound
//! (`tests/bench/lists.rs` has the figures).

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::text::joins_words;

/// No such word, node or entry.
const NONE: u32 = u32::MAX;

/// Phrases, each with the number that its user knows it by.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    /// All words of all phrases, one after the other.
    letters: String,
    /// Where each word ends in `letters`.
    word_ends: Vec<u32>,
    words: HashTable<u32>,
    steps: HashTable<Step>,
    /// Which phrase ends at each node; node 0 is where all begin.
    ends: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    node: u32,
    word: u32,
    next: u32,
}

impl Phrases {
    /// Longest phrase, in words (characters, where a script has no spaces). It bounds how often a text's word is looked at.
    pub(super) const MOST_WORDS: usize = 64;

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Puts a phrase in, folded as the texts will be. The number that it had before, if any: `Some(Err)` is returned for
    /// what cannot be a phrase.
    pub(super) fn insert(&mut self, normal: &str, number: u32) -> Result<Option<u32>, &'static str> {
        let count = words_of(normal).take(Phrases::MOST_WORDS + 1).count();
        if count == 0 {
            return Err("nothing of it is left when it is compared");
        }
        if count > Phrases::MOST_WORDS {
            return Err("it has more than 64 words");
        }
        if self.ends.is_empty() {
            self.ends.push(NONE);
        }
        let mut node = 0;
        for word in words_of(normal) {
            node = self.step(node, word).ok_or("there is no room for more words")?;
        }
        let end = self.ends.get_mut(node as usize).ok_or("there is no room for more words")?;
        let before = std::mem::replace(end, number);
        Ok((before != NONE).then_some(before))
    }

    /// Calls `found` with the number of each phrase in `normal`, as often as it is there.
    pub(super) fn find(&self, normal: &str, mut found: impl FnMut(u32)) {
        if self.is_empty() {
            return;
        }
        let words: Vec<u32> = words_of(normal).map(|word| self.known(word).unwrap_or(NONE)).collect();
        let mut rest = words.as_slice();
        while !rest.is_empty() {
            let mut node = 0;
            for &word in rest.iter().take(Phrases::MOST_WORDS).take_while(|&&word| word != NONE) {
                let Some(next) = self.next(node, word) else { break };
                node = next;
                if let Some(&number) = self.ends.get(node as usize).filter(|&&number| number != NONE) {
                    found(number);
                }
            }
            rest = rest.get(1..).unwrap_or_default();
        }
    }

    /// The node behind `word`, made if there is none; `None` when numbers run out.
    fn step(&mut self, node: u32, word: &str) -> Option<u32> {
        let word = match self.known(word) {
            Some(known) => known,
            None => self.learn(word)?,
        };
        if let Some(next) = self.next(node, word) {
            return Some(next);
        }
        let next = u32::try_from(self.ends.len()).ok().filter(|&next| next != NONE)?;
        self.ends.push(NONE);
        let step = Step { node, word, next };
        self.steps.insert_unique(hash_of(node, word), step, |step| hash_of(step.node, step.word));
        Some(next)
    }

    fn learn(&mut self, word: &str) -> Option<u32> {
        let number = u32::try_from(self.word_ends.len()).ok().filter(|&number| number != NONE)?;
        let end = u32::try_from(self.letters.len() + word.len()).ok()?;
        self.letters.push_str(word);
        self.word_ends.push(end);
        let (letters, ends) = (&self.letters, &self.word_ends);
        self.words.insert_unique(xxh3_64(word.as_bytes()), number, |&number| {
            xxh3_64(word_at(letters, ends, number).as_bytes())
        });
        Some(number)
    }

    fn known(&self, word: &str) -> Option<u32> {
        let is_it = |&number: &u32| word_at(&self.letters, &self.word_ends, number) == word;
        self.words.find(xxh3_64(word.as_bytes()), is_it).copied()
    }

    fn next(&self, node: u32, word: u32) -> Option<u32> {
        let step = self.steps.find(hash_of(node, word), |step| step.node == node && step.word == word);
        step.map(|step| step.next)
    }
}

fn word_at<'l>(letters: &'l str, ends: &[u32], number: u32) -> &'l str {
    let number = number as usize;
    let start = number.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |&end| end as usize);
    let end = ends.get(number).map_or(start, |&end| end as usize);
    letters.get(start..end).unwrap_or_default()
}

/// Fibonacci hashing (Knuth, *The Art of Computer Programming* 3, § 6.4), folded because tables look at both ends.
fn hash_of(node: u32, word: u32) -> u64 {
    let mixed = (u64::from(node) << 32 | u64::from(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 29
}

/// Words, and every other character but blanks on its own.
fn words_of(normal: &str) -> impl Iterator<Item = &str> {
    let mut rest = normal;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(' ');
        let first = rest.chars().next()?;
        let is_over = |c: char| !joins_words(c);
        let end = if joins_words(first) { rest.find(is_over).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrases: &[&str], text: &str, expected: &[u32]) {
        let mut ready = Phrases::default();
        for (number, phrase) in (0..).zip(phrases) {
            ready.insert(phrase, number).unwrap();
        }
        let mut found = Vec::new();
        ready.find(text, |number| found.push(number));
        assert_eq!(found, expected, "{phrases:?} in {text:?}");
    }

    #[test]
    fn a_phrase_is_found_as_whole_words() {
        check(&["cialis", "my specialist"], "see my specialist, cialis", &[1, 0]);
        check(&["cheap", "cheap watches", "watches here"], "cheap watches here", &[0, 1, 2]);
        check(&["cheap watches"], "cheap, watches", &[]);
        check(&["c++", "50 %"], "c++ at 50 %", &[0, 1]);
        check(&["赌场"], "最好的赌场在这里 vip赌场", &[0, 0]);
        check(&["كازينو"], "في كازينو جديد", &[0]);
        check(&["a b"], "", &[]);
    }

    #[test]
    fn the_newer_number_of_a_phrase_counts() {
        let mut phrases = Phrases::default();
        assert_eq!(phrases.insert("buy now", 1), Ok(None));
        assert_eq!(phrases.insert("buy  now", 2), Ok(Some(1)));
        assert!(phrases.insert("  ", 3).is_err());
        assert!(phrases.insert(&"a ".repeat(65), 3).is_err());
    }

    /// Each phrase ends within the next, and the text is a run of all of them.
    #[test]
    fn nested_phrases_take_as_many_steps_as_the_longest_has_words() {
        let mut phrases = Phrases::default();
        for length in 1..=Phrases::MOST_WORDS {
            phrases.insert(&"a ".repeat(length), u32::try_from(length).unwrap()).unwrap();
        }
        let (text, mut found) = ("a ".repeat(10_000), 0_usize);
        phrases.find(&text, |_| found += 1);
        assert!(found <= 10_000 * Phrases::MOST_WORDS && found > 9_000 * Phrases::MOST_WORDS, "{found}");
    }
}
