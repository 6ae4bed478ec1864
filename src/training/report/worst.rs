//! The mistakes that were furthest off.
//!
//! Owns which are kept (so many, whatever the size of the dump) and what is kept of each.

use crate::training::dump::Example;
use crate::training::held_out::Examined;
use crate::verdict::Evidence;

/// Mistakes of one kind that are kept.
const KEPT: usize = 25;
/// Characters of a text that are kept, when texts are shown.
const TEXT_CHARS: usize = 600;
/// Pieces of evidence that are kept of each.
const PIECES: usize = 8;

/// Mistakes, worst first.
#[derive(Debug, Default)]
pub(super) struct Worst(Vec<Mistake>);

#[derive(Debug)]
pub(super) struct Mistake {
    pub score: f64,
    pub file: String,
    /// Which comment of the file, from 1.
    pub number: u64,
    pub lang: Option<String>,
    pub source: Option<String>,
    pub evidence: Vec<Evidence>,
    pub text: Option<String>,
}

impl Worst {
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Mistake> {
        self.0.iter()
    }

    /// Keeps it if it is among the worst. Of equals the first stays.
    pub fn offer(&mut self, example: &Example, examined: &Examined, file: &str, number: u64, with_text: bool) {
        let score = examined.judged.score();
        let distance = |score: f64| if examined.judged.is_spam { 1.0 - score } else { score };
        let at = self.0.partition_point(|kept| distance(kept.score) >= distance(score));
        if at >= KEPT {
            return;
        }
        let short = |text: &str| text.chars().take(60).collect::<String>();
        let speaks = |piece: &&Evidence| !matches!(piece.symbol.as_ref(), "PRIOR" | "BOUND");
        let mistake = Mistake {
            score,
            file: file.to_owned(),
            number,
            lang: example.comment.lang.as_deref().map(short),
            source: example.source.as_deref().map(short),
            // A note quotes the comment; without its text only the symbol and the weight are its mistake's.
            evidence: (examined.evidence.iter().filter(speaks).take(PIECES))
                .map(|piece| Evidence {
                    note: if with_text { piece.note.clone() } else { String::new() },
                    ..piece.clone()
                })
                .collect(),
            text: with_text.then(|| clip(&example.comment.content)),
        };
        self.0.insert(at, mistake);
        self.0.truncate(KEPT);
    }
}

fn clip(text: &str) -> String {
    let mut clipped: String = text.chars().take(TEXT_CHARS).collect();
    if clipped.len() < text.len() {
        clipped.push('…');
    }
    clipped
}
