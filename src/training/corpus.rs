//! Which comments belong together, and on which side of a split they stand.
//!
//! Owns the key by which near-copies are known, and the parts that are made of it. No randomness: the same comment
//! stands on the same side in every run, so that champion and candidate meet on comments neither was trained on.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::text::Text;

/// Names a set of near-identical texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group(u64);

impl Group {
    /// The same letters after folding, links, digits and punctuation off, are one group: a template with another
    /// number or address in it is no new evidence. A text without letters is its own group.
    pub fn of(text: &Text) -> Group {
        let mut letters = String::with_capacity(text.normal().len());
        for word in text.normal().split(' ').filter(|word| !word.contains("://") && !word.starts_with("www.")) {
            letters.extend(word.chars().filter(|c| c.is_alphabetic()));
        }
        if letters.is_empty() { Group(xxh3_64(text.raw().as_bytes())) } else { Group(xxh3_64(letters.as_bytes())) }
    }

    /// A number from 0 to 1 that belongs to the group; `purpose` keeps one split from following another.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are plenty to choose by")]
    pub fn place(self, purpose: u64) -> f64 {
        (xxh3_64_with_seed(&self.0.to_le_bytes(), purpose) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A short name; of a million groups some hundred share theirs with another.
    pub fn number(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
        let number = xxh3_64_with_seed(&self.0.to_le_bytes(), 5) as u32;
        number
    }

    /// Does the group stand in the part of this share that training never sees?
    pub fn is_held_out(self, share: f64) -> bool {
        self.place(1) < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;

    #[track_caller]
    fn check(left: &str, right: &str, same: bool) {
        let group = |content: &str| Group::of(&Text::of(&Comment::of_text(content)));
        assert_eq!(group(left) == group(right), same, "{left} | {right}");
    }

    #[test]
    fn templates_with_other_links_and_numbers_are_one_group() {
        check("Call 0800 111 now! http://a.example/x", "call 0800 222 NOW http://b.example", true);
        check("كسبت ١٠٠٠ ريال", "كسبت 2000 ريال!", true);
        check("free money", "free honey", false);
        check("12", "13", false);
        check("", "", true);
    }

    #[test]
    fn parts_have_about_the_size_asked_for() {
        let group = |n: usize| Group::of(&Text::of(&Comment::of_text(format!("{n}"))));
        let held_out = (0..2_000).filter(|&n| group(n).is_held_out(0.1)).count();
        assert!((150..250).contains(&held_out), "{held_out}");
    }
}
