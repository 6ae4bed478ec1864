//! JSON Lines: an object a line, `content` and `label`, and whatever else is known of the comment.
//!
//! Lenient where dumps differ: unknown fields are passed over, `author` is a name or an object, a label is a word, a
//! number or a truth value. Only the text and the label must be there.

use std::borrow::Cow;
use std::io::{BufReader, Read};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::charset::{Fields, without_nul};
use super::lines::{Line, bounded_line};
use super::{Break, Example, Item, LabelMap, MAX_RECORD_BYTES, Meaning, Options, Place, Reader, What, date};
use crate::comment::{Author, Comment, ContentFormat};

const CHUNK_BYTES: usize = 128 << 10;

/// All that is read of a line. No two names share a field: a dump may have several of them, and the first here is taken.
#[derive(Deserialize)]
struct Row<'a> {
    // The text.
    #[serde(borrow)]
    content: Option<Word<'a>>,
    #[serde(borrow)]
    comment_content: Option<Word<'a>>,
    #[serde(borrow)]
    comment: Option<Word<'a>>,
    #[serde(borrow)]
    text: Option<Word<'a>>,
    #[serde(borrow)]
    body: Option<Word<'a>>,
    // The label.
    #[serde(borrow)]
    label: Option<Word<'a>>,
    #[serde(borrow)]
    is_spam: Option<Word<'a>>,
    #[serde(borrow)]
    class: Option<Word<'a>>,
    #[serde(borrow)]
    author: Option<Writer<'a>>,
    // Of an author that is a name alone.
    #[serde(borrow)]
    email: Option<Word<'a>>,
    #[serde(borrow)]
    url: Option<Word<'a>>,
    #[serde(borrow)]
    ip: Option<Word<'a>>,
    #[serde(borrow)]
    user_agent: Option<Word<'a>>,
    // The page, and what else is known.
    #[serde(borrow)]
    lang: Option<Word<'a>>,
    #[serde(borrow)]
    source: Option<Word<'a>>,
    #[serde(borrow)]
    permalink: Option<Word<'a>>,
    #[serde(borrow)]
    post_title: Option<Word<'a>>,
    #[serde(borrow)]
    title: Option<Word<'a>>,
    #[serde(borrow)]
    honeypot: Option<Word<'a>>,
    #[serde(borrow)]
    kind: Option<Word<'a>>,
    #[serde(borrow)]
    content_format: Option<Word<'a>>,
    #[serde(borrow)]
    external_id: Option<Word<'a>>,
    #[serde(borrow)]
    id: Option<Word<'a>>,
    #[serde(borrow)]
    parent_id: Option<Word<'a>>,
    // The moment.
    #[serde(borrow)]
    submitted_at: Option<Word<'a>>,
    #[serde(borrow)]
    date: Option<Word<'a>>,
    #[serde(borrow)]
    created_at: Option<Word<'a>>,
    #[serde(borrow)]
    timestamp: Option<Word<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Word<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Number(i64),
    Truth(bool),
    Fraction(f64),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Writer<'a> {
    Name(String),
    Known(#[serde(borrow)] Known<'a>),
}

#[derive(Deserialize)]
struct Known<'a> {
    name: Option<String>,
    email: Option<String>,
    url: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    role: Option<String>,
    #[serde(borrow)]
    id: Option<Word<'a>>,
}

impl Word<'_> {
    fn into_text(self) -> Option<String> {
        match self {
            Word::Text(text) => Some(without_nul(text.into_owned())),
            Word::Number(number) => Some(number.to_string()),
            Word::Truth(truth) => Some(truth.to_string()),
            // Tables that had a gap somewhere write whole numbers so: 1.0.
            Word::Fraction(number) => Some(number.to_string()),
            Word::Other(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^53")]
    fn as_date(&self) -> Option<Timestamp> {
        match self {
            Word::Text(text) => date::parse(text),
            Word::Number(number) => date::of_seconds(*number as f64),
            Word::Fraction(number) => date::of_seconds(*number),
            Word::Truth(_) | Word::Other(_) => None,
        }
    }
}

pub(super) struct JsonLines<R> {
    lines: Lines<R>,
    labels: LabelMap,
}

impl<R: Read> JsonLines<R> {
    pub(super) fn new(source: R, options: &Options) -> JsonLines<R> {
        JsonLines { lines: Lines::new(source), labels: options.labels.clone() }
    }
}

impl<R: Read> Reader for JsonLines<R> {
    fn next(&mut self) -> Option<Result<Item, Break>> {
        let labels = &self.labels;
        self.lines.next(|line| example(line, labels))
    }

    fn notes(&self) -> Vec<String> {
        self.lines.fields.note().into_iter().collect()
    }
}

/// Lines that are not blank, as text.
pub(super) struct Lines<R> {
    source: BufReader<R>,
    buffer: Vec<u8>,
    number: u64,
    pub(super) fields: Fields,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R) -> Lines<R> {
        let source = BufReader::with_capacity(CHUNK_BYTES, source);
        Lines { source, buffer: Vec::new(), number: 0, fields: Fields::new() }
    }

    /// The next line as `read` reads it.
    pub(super) fn next(&mut self, read: impl FnOnce(&str) -> What) -> Option<Result<Item, Break>> {
        loop {
            let line = match bounded_line(&mut self.source, MAX_RECORD_BYTES, &mut self.buffer) {
                Ok(line) => line?,
                Err(error) => return Some(Err(Break::Io(error))),
            };
            self.number += 1;
            let place = Place::Line(self.number);
            if line == Line::TooLong {
                return Some(Ok(Item { place, what: What::Bad(format!("longer than {MAX_RECORD_BYTES} bytes")) }));
            }
            let line = self.buffer.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let what = match std::str::from_utf8(line) {
                Ok(text) if memchr::memchr(0, line).is_none() => read(text),
                _ => read(&self.fields.text(line)),
            };
            return Some(Ok(Item { place, what }));
        }
    }
}

/// What `serde_json` says of a line: it counts lines too, but only ever sees one.
pub(super) fn complaint(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column", ", column")
}

fn example(line: &str, labels: &LabelMap) -> What {
    let row: Row<'_> = match serde_json::from_str(line) {
        Ok(row) => row,
        Err(error) => return What::Bad(complaint(&error)),
    };
    let text = |word: Option<Word<'_>>| word.and_then(Word::into_text);
    let first = |words: [Option<Word<'_>>; 5]| words.into_iter().find_map(text);
    let Some(content) = first([row.content, row.comment_content, row.comment, row.text, row.body]) else {
        return What::Bad("missing field `content`".to_owned());
    };
    let Some(word) = first([row.label, row.is_spam, row.class, None, None]) else {
        return What::Bad("missing field `label`".to_owned());
    };
    let label = match labels.meaning(&word) {
        Ok(Meaning::Is(label)) => label,
        Ok(Meaning::Skip) => return What::PassedOver(format!("label {}", word.trim()).into()),
        Err(reason) => return What::Bad(reason),
    };
    let mut author = match row.author {
        None => Author::default(),
        Some(Writer::Name(name)) => Author { name: Some(name), ..Author::default() },
        Some(Writer::Known(known)) => Author {
            name: known.name,
            email: known.email,
            url: known.url,
            ip: known.ip.and_then(|ip| ip.parse().ok()),
            user_agent: known.user_agent,
            role: known.role,
            id: text(known.id),
        },
    };
    author.email = author.email.or_else(|| text(row.email));
    author.url = author.url.or_else(|| text(row.url));
    author.ip = author.ip.or_else(|| text(row.ip)?.trim().parse().ok());
    author.user_agent = author.user_agent.or_else(|| text(row.user_agent));
    let dates = [row.submitted_at, row.date, row.created_at, row.timestamp];
    let comment = Comment {
        author,
        lang: text(row.lang),
        permalink: text(row.permalink),
        post_title: first([row.post_title, row.title, None, None, None]),
        honeypot: text(row.honeypot),
        submitted_at: dates.into_iter().flatten().find_map(|date| date.as_date()),
        content_format: text(row.content_format).and_then(|name| ContentFormat::named(&name)).unwrap_or_default(),
        external_id: first([row.external_id, row.id, None, None, None]),
        parent_id: text(row.parent_id),
        ..Comment::of_text(content)
    };
    let kind = text(row.kind).filter(|kind| !kind.is_empty());
    let comment = Comment { kind: kind.unwrap_or(comment.kind), ..comment };
    What::Example(Example { comment, label, source: text(row.source) })
}
