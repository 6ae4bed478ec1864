//! Finding old comments: what one is found by, and what a query asks for. The same for every engine.
//!
//! Owns the words that are indexed and the syntax of queries. Both are folded as matching folds them (`text`), so that
//! an Arabic word is found however it is written. Does not own the index (`sqlite::search`).

use serde::Deserialize;

use crate::comment::{Comment, CommentId};
use crate::text::{each_word, visible_and_links, words_of};
use crate::verdict::Symbol;

/// Words of one comment that are indexed at most, of its text and of all else; a megabyte of text is no dictionary.
const WORDS_MAX: usize = 20_000;
/// Terms of a query that are looked at.
const TERMS_MAX: usize = 32;

/// Where a word may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The comment's id and the CMS's own.
    Id,
    Text,
    /// Name, e-mail and IP address.
    Author,
    /// Links in the text, and the author's own.
    Link,
    /// Symbols of the verdict's evidence.
    Symbol,
}

impl Field {
    pub const ALL: [Field; 5] = [Field::Id, Field::Text, Field::Author, Field::Link, Field::Symbol];

    pub fn as_str(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::Text => "text",
            Field::Author => "author",
            Field::Link => "link",
            Field::Symbol => "symbol",
        }
    }
}

/// What one comment is found by: words parted by blanks.
#[derive(Debug)]
pub struct Entry {
    pub id: String,
    pub text: String,
    pub author: String,
    pub link: String,
    pub symbol: String,
}

/// What a comment is found by of its verdict: the rest of it is passed over, which is quicker than making all of it.
#[derive(Debug, Deserialize)]
pub struct Symbols {
    evidence: Vec<Piece>,
}

/// A piece of evidence, as far as it is looked for.
#[derive(Debug, Deserialize)]
struct Piece {
    symbol: Symbol,
}

impl Entry {
    /// * `verdict`: of the comment, as its row has it; `None` while there is none.
    pub fn of(id: CommentId, comment: &Comment, verdict: Option<&Symbols>) -> Entry {
        let (visible, links) = visible_and_links(comment);
        let author = &comment.author;
        let (id, ip) = (id.to_string(), author.ip.map(|ip| ip.to_string()));
        let ids = [Some(id.as_str()), comment.external_id.as_deref()];
        let who = [author.name.as_deref(), author.email.as_deref(), ip.as_deref()];
        let links = links.iter().flat_map(|link| [link.host(), link.path()]);
        let symbols = verdict.iter().flat_map(|verdict| &verdict.evidence);
        let mut symbol = Line::default();
        symbols.for_each(|piece| symbol.add(&piece.symbol.to_ascii_lowercase()));
        Entry {
            id: words(ids.into_iter().flatten()),
            text: words([visible.as_ref()]),
            author: words(who.into_iter().flatten()),
            link: words(links.chain(author.url.as_deref())),
            symbol: symbol.words,
        }
    }
}

/// The words of several texts in one line.
fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = Line::default();
    texts.into_iter().for_each(|text| each_word(text, |word| line.add(word)));
    line.words
}

/// Words parted by blanks, [`WORDS_MAX`] of them at most.
#[derive(Default)]
struct Line {
    words: String,
    count: usize,
}

impl Line {
    fn add(&mut self, word: &str) {
        if self.count == WORDS_MAX {
            return;
        }
        if self.count > 0 {
            self.words.push(' ');
        }
        self.words.push_str(word);
        self.count += 1;
    }
}

/// What to look for. Every term must be found, but for those that must not be.
///
/// ```text
/// cheap watches            both words, anywhere
/// "cheap watches"          one after the other
/// watch*                   words that begin so
/// -free                    not this word
/// author:bob link:x.example text:hi id:4711 symbol:URL_SHORTENER
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
}

/// Words that stand one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// `None`: in any field.
    pub field: Option<Field>,
    pub words: Vec<String>,
    /// The last word may go on.
    pub is_prefix: bool,
    pub is_excluded: bool,
}

impl Query {
    /// `None` when `text` asks for no word that could be found.
    pub fn parse(text: &str) -> Option<Query> {
        let terms: Vec<Term> = pieces(text).filter_map(term).take(TERMS_MAX).collect();
        terms.iter().any(|term| !term.is_excluded).then_some(Query { terms })
    }

    /// Comments whose verdict has this symbol.
    pub fn of_symbol(symbol: &str) -> Option<Query> {
        let words = symbol_words(symbol);
        let term = Term { field: Some(Field::Symbol), words, is_prefix: false, is_excluded: false };
        (!term.words.is_empty()).then(|| Query { terms: vec![term] })
    }

    /// Both.
    pub fn and(mut self, other: Query) -> Query {
        self.terms.extend(other.terms);
        self
    }

    pub fn terms(&self) -> &[Term] {
        &self.terms
    }
}

/// Parts a query at blanks, but not within quotes.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    text.split(move |c: char| {
        if c == '"' {
            is_quoted = !is_quoted;
        }
        c.is_whitespace() && !is_quoted
    })
    .filter(|piece| !piece.is_empty())
}

fn term(piece: &str) -> Option<Term> {
    let (is_excluded, piece) = match piece.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, piece),
    };
    let named = piece.split_once(':').and_then(|(name, rest)| {
        let field = Field::ALL.into_iter().find(|field| name.eq_ignore_ascii_case(field.as_str()))?;
        Some((field, rest))
    });
    let (field, rest) = named.map_or((None, piece), |(field, rest)| (Some(field), rest));
    let words = if field == Some(Field::Symbol) { symbol_words(rest) } else { words_of(rest) };
    let is_prefix = rest.trim_end_matches('"').ends_with('*');
    (!words.is_empty()).then_some(Term { field, words, is_prefix, is_excluded })
}

/// A symbol is one word.
fn symbol_words(text: &str) -> Vec<String> {
    let word: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    if word.is_empty() { Vec::new() } else { vec![word.to_ascii_lowercase()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let shown = |term: &Term| {
            let not = if term.is_excluded { "-" } else { "" };
            let field = term.field.map(|field| format!("{}:", field.as_str())).unwrap_or_default();
            let more = if term.is_prefix { "*" } else { "" };
            format!("{not}{field}{}{more}", term.words.join("+"))
        };
        let found: Vec<String> =
            Query::parse(text).map(|query| query.terms.iter().map(shown).collect()).unwrap_or_default();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn queries_are_read_as_people_write_them() {
        check("cheap  Watches", &["cheap", "watches"]);
        check("\"cheap watches\" -free", &["cheap+watches", "-free"]);
        check("author:Bob@mail.example", &["author:bob+mail+example"]);
        check("author:\"Bob B\" text:hi", &["author:bob+b", "text:hi"]);
        check("symbol:URL_SHORTENER -symbol:BAYES", &["symbol:url_shortener", "-symbol:bayes"]);
        check("watch* https://x.example/a", &["watch*", "https+x+example+a"]);
        check("السَّلام", &["السلام"]);
        check("买便宜", &["买+便+宜"]);
        check("\"never closed", &["never+closed"]);
        check("-only -these", &[]);
        check("", &[]);
        check("!!! ** \"\" :", &[]);
        check("NEAR(a b) OR c AND \u{0}d", &["near+a", "b", "or", "c", "and", "d"]);
    }
}
