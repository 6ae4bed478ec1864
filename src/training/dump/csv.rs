//! CSV and TSV with a header: columns are known by their usual names.

use std::cell::Cell;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;

use super::{BadRecord, DumpError, Example, LabelMap, MAX_RECORD_BYTES, Meaning, Record};
use crate::comment::{Author, Comment};

// Names under which dumps keep what is wanted; the first that a header has is taken.
const CONTENT: &[&str] = &["content", "comment_content", "comment", "comment_text", "text", "body", "message"];
const LABEL: &[&str] = &["label", "spam", "is_spam", "class", "category"];
const AUTHOR: &[&str] = &["author", "comment_author", "author_name", "name", "username"];
const EMAIL: &[&str] = &["email", "comment_author_email", "author_email"];
const URL: &[&str] = &["url", "comment_author_url", "author_url", "website"];
const IP: &[&str] = &["ip", "comment_author_ip", "author_ip"];
const LANG: &[&str] = &["lang", "language"];
const SOURCE: &[&str] = &["source"];

/// Where in a record each field stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    delimiter: u8,
    content: usize,
    label: usize,
    author: Option<usize>,
    email: Option<usize>,
    url: Option<usize>,
    ip: Option<usize>,
    lang: Option<usize>,
    source: Option<usize>,
}

impl Columns {
    /// Reads the header at the beginning of `head`, whatever parts its columns.
    pub(super) fn guess(head: &[u8]) -> Result<Columns, String> {
        let line = head.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
        let header = String::from_utf8_lossy(line).trim().to_lowercase();
        let mut missing = None;
        for delimiter in [b',', b'\t', b';', b'|'] {
            let names: Vec<&str> =
                header.split(char::from(delimiter)).map(|name| name.trim().trim_matches('"').trim()).collect();
            let find = |known: &[&str]| known.iter().find_map(|wanted| names.iter().position(|name| name == wanted));
            match (find(CONTENT), find(LABEL)) {
                (Some(content), Some(label)) => {
                    let [author, email, url, ip, lang, source] = [AUTHOR, EMAIL, URL, IP, LANG, SOURCE].map(find);
                    return Ok(Columns { delimiter, content, label, author, email, url, ip, lang, source });
                }
                (Some(_), None) => missing = Some(("label", LABEL)),
                (None, Some(_)) => missing = Some(("text", CONTENT)),
                (None, None) => {}
            }
        }
        Err(match missing {
            Some((what, names)) => {
                format!("the header has no column for the {what}; name it one of {}", names.join(", "))
            }
            None => "neither JSON Lines nor CSV; a CSV's first line must name a column `content` and a column `label`"
                .to_owned(),
        })
    }
}

pub(super) fn records<R: Read>(
    source: R,
    columns: Columns,
    name: &Path,
    labels: LabelMap,
) -> impl Iterator<Item = Record> + use<R> {
    let file = name.to_owned();
    let since_record = Rc::new(Cell::new(0));
    let source = Bounded { source, since_record: Rc::clone(&since_record) };
    let mut reader = csv::ReaderBuilder::new().delimiter(columns.delimiter).flexible(true).from_reader(source);
    let mut record = csv::ByteRecord::new();
    std::iter::from_fn(move || {
        loop {
            since_record.set(0);
            match reader.read_byte_record(&mut record) {
                Ok(false) => return None,
                Ok(true) => {}
                Err(error) => {
                    let reason = format!("record at line {}: {error}", reader.position().line());
                    return Some(Err(DumpError::Unreadable { file: file.clone(), reason }));
                }
            }
            match example(&record, &columns, &labels) {
                Ok(Some(example)) => return Some(Ok(Ok(example))),
                Ok(None) => {}
                Err(reason) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    return Some(Ok(Err(BadRecord { file: file.clone(), line, reason })));
                }
            }
        }
    })
}

/// `None`: a record that is to be passed over.
fn example(record: &csv::ByteRecord, columns: &Columns, labels: &LabelMap) -> Result<Option<Example>, String> {
    let field = |at: usize| record.get(at).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let optional = |at: Option<usize>| at.and_then(field);
    let (Some(content), Some(label)) = (field(columns.content), field(columns.label)) else {
        return Err(format!("{} columns, fewer than the header has", record.len()));
    };
    let Meaning::Is(label) = labels.meaning(&label)? else { return Ok(None) };
    let author = Author {
        name: optional(columns.author),
        email: optional(columns.email),
        url: optional(columns.url),
        ip: optional(columns.ip).and_then(|ip| ip.trim().parse().ok()),
        ..Author::default()
    };
    let lang = optional(columns.lang).filter(|lang| !lang.is_empty());
    let source = optional(columns.source).filter(|source| !source.is_empty());
    Ok(Some(Example { comment: Comment { author, lang, ..Comment::of_text(content) }, label, source }))
}

/// Breaks off when far more was read than one record may be long: a quote was opened and never closed.
struct Bounded<R> {
    source: R,
    since_record: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.since_record.get() > MAX_RECORD_BYTES {
            return Err(std::io::Error::other(format!("longer than {MAX_RECORD_BYTES} bytes; is a quote left open?")));
        }
        let read = self.source.read(buffer)?;
        self.since_record.set(self.since_record.get() + read);
        Ok(read)
    }
}
