//! The evaluation as one page for a browser.
//!
//! Owns what is kept of each comment for it (counts, and the worst mistakes, in bounded memory), and the page. Does not
//! own the figures (`evaluation`), nor where the page is written (`cli`).
//!
//! The page is one file that asks the network for nothing and says so in a policy of its own. Plots are drawn here; the
//! one script in it moves the threshold, and without it a table says the same. Texts of comments are in it only if they
//! were asked for, and words only if several comments have them: a word that stands in one comment is that comment's text.

mod curve;
mod page;
mod svg;
mod symbols;
mod words;
mod worst;

pub use words::Language;

use jiff::Timestamp;

use super::dump::Example;
use super::evaluation::{Evaluation, Report};
use super::held_out::Examined;
use symbols::{Symbols, Tokens};
use worst::Worst;

/// What is kept for the page besides the [`Evaluation`].
#[derive(Debug)]
pub struct Gathered {
    shows_texts: bool,
    missed_spam: Worst,
    blocked_ham: Worst,
    symbols: Symbols,
    tokens: Tokens,
}

/// What the page says of its own making.
#[derive(Clone, Debug)]
pub struct Heading {
    /// The model's id.
    pub model: String,
    /// Names of the dumps.
    pub dumps: Vec<String>,
    pub made_at: Timestamp,
    pub language: Language,
    /// Rules were left out.
    pub is_bayes_only: bool,
    /// Comments that the model was trained on, or near-copies of those.
    pub seen: u64,
    /// They count all the same.
    pub is_seen_counted: bool,
}

impl Gathered {
    /// `shows_texts`: the page is to quote comments.
    pub fn new(shows_texts: bool) -> Gathered {
        Gathered {
            shows_texts,
            missed_spam: Worst::default(),
            blocked_ham: Worst::default(),
            symbols: Symbols::default(),
            tokens: Tokens::default(),
        }
    }

    /// Keeps what the page needs of one comment, which is the `number`th of `file`, from 1.
    pub fn add(&mut self, example: &Example, examined: &Examined, file: &str, number: u64) {
        let judged = examined.judged;
        self.symbols.add(&examined.evidence, judged.is_spam);
        self.tokens.add(&examined.tokens, judged.is_spam);
        let worst = match (judged.is_spam, judged.is_blocked) {
            (true, false) => &mut self.missed_spam,
            (false, true) => &mut self.blocked_ham,
            _ => return,
        };
        worst.offer(example, examined, file, number, self.shows_texts);
    }

    /// The page, as HTML.
    pub fn page(&self, heading: &Heading, evaluation: &Evaluation, report: &Report) -> String {
        page::page(self, heading, evaluation, report)
    }
}
