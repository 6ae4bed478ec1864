//! JSON Lines: an object a line, `content` and `label`, and whatever else is known of the comment.
//!
//! Lenient where dumps differ: unknown fields are passed over, `author` is a name or an object, a label is a word, a
//! number or a truth value. Only the text and the label must be there.

use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{BadRecord, DumpError, Example, LabelMap, Line, MAX_RECORD_BYTES, Meaning, Record, bounded_line};
use crate::comment::{Author, Comment};

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "comment", alias = "comment_content", alias = "text", alias = "body")]
    content: String,
    #[serde(alias = "class", alias = "is_spam")]
    label: Word,
    author: Option<Writer>,
    lang: Option<String>,
    source: Option<String>,
    permalink: Option<String>,
    #[serde(alias = "title")]
    post_title: Option<String>,
    honeypot: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Number(i64),
    Truth(bool),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Writer {
    Name(String),
    Known(Known),
}

#[derive(Deserialize)]
struct Known {
    name: Option<String>,
    email: Option<String>,
    url: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    role: Option<String>,
}

pub(super) fn records<R: Read>(
    lines: BufReader<R>,
    name: &Path,
    labels: LabelMap,
) -> impl Iterator<Item = Record> + use<R> {
    let mut reader = Reader { lines, file: name.to_owned(), number: 0, labels };
    std::iter::from_fn(move || reader.next())
}

struct Reader<R> {
    lines: R,
    file: PathBuf,
    number: u64,
    labels: LabelMap,
}

impl<R: BufRead> Reader<R> {
    fn next(&mut self) -> Option<Record> {
        loop {
            let line = match bounded_line(&mut self.lines, MAX_RECORD_BYTES) {
                Ok(line) => line?,
                Err(error) => return Some(Err(DumpError::Io { file: self.file.clone(), error })),
            };
            self.number += 1;
            let read = match line {
                Line::TooLong => Err(format!("longer than {MAX_RECORD_BYTES} bytes")),
                Line::Whole(line) if line.trim_ascii().is_empty() => Ok(None),
                Line::Whole(line) => example(&line, &self.labels),
            };
            match read {
                Ok(Some(example)) => return Some(Ok(Ok(example))),
                Ok(None) => {}
                Err(reason) => {
                    return Some(Ok(Err(BadRecord { file: self.file.clone(), line: self.number, reason })));
                }
            }
        }
    }
}

/// `None`: a record that is to be passed over.
fn example(line: &[u8], labels: &LabelMap) -> Result<Option<Example>, String> {
    // serde counts lines too, but it only ever sees one.
    let row: Row =
        serde_json::from_slice(line).map_err(|error| error.to_string().replace(" at line 1 column", ", column"))?;
    let word = match row.label {
        Word::Text(word) => word,
        Word::Number(number) => number.to_string(),
        Word::Truth(truth) => truth.to_string(),
    };
    let Meaning::Is(label) = labels.meaning(&word)? else { return Ok(None) };
    let author = match row.author {
        None => Author::default(),
        Some(Writer::Name(name)) => Author { name: Some(name), ..Author::default() },
        Some(Writer::Known(known)) => Author {
            name: known.name,
            email: known.email,
            url: known.url,
            ip: known.ip.and_then(|ip| ip.parse::<IpAddr>().ok()),
            user_agent: known.user_agent,
            role: known.role,
            id: None,
        },
    };
    let comment = Comment {
        author,
        lang: row.lang,
        permalink: row.permalink,
        post_title: row.post_title,
        honeypot: row.honeypot,
        ..Comment::of_text(row.content)
    };
    Ok(Some(Example { comment, label, source: row.source }))
}
