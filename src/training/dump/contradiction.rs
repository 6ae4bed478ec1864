//! Texts that a dump calls both ham and spam.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::Example;
use crate::verdict::Label;

/// Texts that are remembered, some 20 MiB; later ones are not looked at.
const MAX_TEXTS: usize = 900_000;

/// Counts texts with both labels.
///
/// Both labels are learned: a text that people judged both ways says nothing, and that is what the counts then say. It
/// is told, because more often than not one of the labels is a slip.
#[derive(Debug, Default)]
pub struct Contradictions {
    seen: HashMap<u64, Labels>,
    /// How many texts.
    pub texts: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Labels {
    ham: bool,
    spam: bool,
}

impl Contradictions {
    /// Looks at an example; true when it is the first that calls its text otherwise than those before it.
    pub fn note(&mut self, example: &Example) -> bool {
        let hash = xxh3_64(example.comment.content.trim().as_bytes());
        if self.seen.len() >= MAX_TEXTS && !self.seen.contains_key(&hash) {
            return false;
        }
        let labels = self.seen.entry(hash).or_default();
        let were_both = labels.ham && labels.spam;
        match example.label {
            Label::Ham => labels.ham = true,
            Label::Spam => labels.spam = true,
        }
        let is_new = labels.ham && labels.spam && !were_both;
        self.texts += u64::from(is_new);
        is_new
    }

    /// The sentence to say of them, if there are some.
    pub fn warning(&self) -> Option<String> {
        let texts = self.texts;
        (texts > 0).then(|| {
            format!("{texts} texts are labelled both ham and spam; both labels are learned, so that such a text says nothing")
        })
    }
}
