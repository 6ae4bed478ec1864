//! Labelled dumps: files of comments with what a person said of each.
//!
//! Owns finding out what a file is, unpacking it, and one reader per format; streaming, in bounded memory, whatever the
//! size. Does not own what is done with the comments. A record that cannot be read is an item like any other: the
//! caller counts it ([`Tally`]) and goes on.

mod csv;
mod jsonl;
mod label;
mod tally;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

pub use label::{LabelMap, Meaning};
pub use tally::Tally;

use crate::comment::Comment;
use crate::verdict::Label;

/// A longer record is no comment: most likely a quote that was never closed.
const MAX_RECORD_BYTES: usize = 4 << 20;
/// How much of the beginning tells the format.
const SNIFF_BYTES: u64 = 64 << 10;

/// One labelled comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub comment: Comment,
    pub label: Label,
    /// Where the dump says that it comes from; figures are given by it.
    pub source: Option<String>,
}

/// A record that cannot be learned from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    pub file: PathBuf,
    /// Line at which the record begins, from 1.
    pub line: u64,
    pub reason: String,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, line {}: {}", self.file.display(), self.line, self.reason)
    }
}

/// Why a dump cannot be read (any further). The sentence carries the mend.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error("{}: {error}", file.display())]
    Io { file: PathBuf, error: std::io::Error },
    #[error("{}: {reason}", file.display())]
    Unreadable { file: PathBuf, reason: String },
    #[error("{bad} of {read} records are bad, the first: {first}")]
    MostlyBad { bad: u64, read: u64, first: BadRecord },
    #[error("there is no labelled comment in it; each record needs a text and a label")]
    Empty,
}

/// What a reader yields: a record, a bad one, or the end of all reading.
pub type Record = Result<Result<Example, BadRecord>, DumpError>;

/// The records of one dump, in its order.
pub type Records = Box<dyn Iterator<Item = Record>>;

/// The records of all `paths`, one after the other; `-` is standard input. Records whose label means
/// [`Meaning::Skip`] are passed over.
///
/// A file is opened when its turn comes; a [`DumpError`] is the last item.
pub fn open(paths: &[PathBuf], labels: &LabelMap) -> impl Iterator<Item = Record> + use<> {
    let labels = labels.clone();
    let mut is_broken = false;
    let paths = paths.to_vec();
    paths
        .into_iter()
        .flat_map(move |path| open_one(&path, &labels).unwrap_or_else(|error| Box::new(std::iter::once(Err(error)))))
        .take_while(move |record| !std::mem::replace(&mut is_broken, record.is_err()))
}

fn open_one(path: &Path, labels: &LabelMap) -> Result<Records, DumpError> {
    let io = |error| DumpError::Io { file: path.to_owned(), error };
    let source: Box<dyn Read> =
        if path.as_os_str() == "-" { Box::new(std::io::stdin()) } else { Box::new(File::open(path).map_err(io)?) };
    read(source, path, labels)
}

/// The records of one stream, which messages call `name`: JSON Lines, CSV or TSV, plain or packed with gzip or zstd.
///
/// # Errors
/// [`DumpError`] when it cannot be read, or is of no format that is known.
pub fn read(source: Box<dyn Read>, name: &Path, labels: &LabelMap) -> Result<Records, DumpError> {
    let io = |error| DumpError::Io { file: name.to_owned(), error };
    let unreadable = |reason: &str| DumpError::Unreadable { file: name.to_owned(), reason: reason.to_owned() };
    let (head, packed) = peek(source).map_err(io)?;
    let plain: Box<dyn Read> = match head.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::stream::read::Decoder::new(packed).map_err(io)?),
        _ => packed,
    };
    let (head, mut plain) = peek(plain).map_err(io)?;
    let mut head = head.as_slice();
    if let Some(rest) = head.strip_prefix(b"\xef\xbb\xbf") {
        head = rest;
        plain.read_exact(&mut [0; 3]).map_err(io)?;
    }
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Ok(Box::new(std::iter::empty())),
        Some(b'{') => Ok(Box::new(jsonl::records(BufReader::new(plain), name, labels.clone()))),
        Some(b'[') => Err(unreadable("a JSON array; write one object a line instead (`jq -c '.[]'`)")),
        Some(b'<') => Err(unreadable("looks like XML; JSON Lines, CSV and TSV are read")),
        Some(_) if head.contains(&0) => Err(unreadable("binary data; JSON Lines, CSV and TSV are read")),
        Some(_) => {
            let columns = csv::Columns::guess(head).map_err(|reason| unreadable(&reason))?;
            Ok(Box::new(csv::records(plain, columns, name, labels.clone())))
        }
    }
}

/// The beginning of `source`, and all of it again.
fn peek(mut source: Box<dyn Read>) -> std::io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut head = Vec::new();
    source.by_ref().take(SNIFF_BYTES).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(source))))
}

/// One line of a file.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// Longer than the limit; it was passed over.
    TooLong,
}

/// The next line; `None` at the end.
fn bounded_line(source: &mut impl BufRead, limit: usize) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    if source.by_ref().take(limit as u64 + 1).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Line::Whole(line)));
    }
    if line.len() <= limit {
        return Ok(Some(Line::Whole(line)));
    }
    loop {
        let buffer = source.fill_buf()?;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let (used, is_over) = end.map_or((buffer.len(), buffer.is_empty()), |at| (at + 1, true));
        source.consume(used);
        if is_over {
            return Ok(Some(Line::TooLong));
        }
    }
}

#[cfg(test)]
mod tests;
