//! Labelled dumps: files of comments with what a person said of each.
//!
//! Owns finding out what a file is, unpacking and decoding it, and one reader per format; streaming, in bounded memory,
//! whatever the size. Does not own what is done with the comments. A record that cannot be read is an item like any
//! other: the caller counts it ([`Tally`]) and goes on. `docs/dumps.md` says what each format is and where it comes from.
//!
//! ```text
//!   source (file, glob, standard input; unpacked) ─► charset ─► detect ─► { jsonl, remark42, csv, sql, wxr, disqus } ─► reading
//!                                                                            csv, sql, wxr ─► record, wordpress
//! ```

mod charset;
mod columns;
mod contradiction;
mod csv;
mod date;
mod detect;
mod disqus;
mod jsonl;
mod label;
mod lines;
mod preview;
mod reading;
mod record;
mod remark42;
mod source;
mod sql;
mod tally;
mod window;
mod wordpress;
mod wxr;
mod xml;

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

pub use charset::{Charset, charset_named};
pub use columns::ColumnMap;
pub use contradiction::Contradictions;
pub use label::{LabelMap, Meaning};
pub use preview::{Preview, Shown, Summary};
pub use reading::{FileReport, Reading, open, read};
pub use tally::Tally;

use crate::comment::Comment;
use crate::verdict::Label;

/// A longer record is no comment: WordPress keeps 64 KiB of one at most. Most likely a quote was never closed.
pub const MAX_RECORD_BYTES: usize = 4 << 20;

/// One labelled comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub comment: Comment,
    pub label: Label,
    /// Where the dump says that it comes from; figures are given by it.
    pub source: Option<String>,
}

/// How dumps are to be read, where they do not say it themselves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub labels: LabelMap,
    pub columns: ColumnMap,
    /// The charset that all of them are in, whatever they look like.
    pub charset: Option<Charset>,
}

/// Where in a file a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// From 1.
    Line(u64),
    /// Byte of the text, unpacked and in UTF-8, from 0; lines of SQL and XML are too long to find anything by.
    Byte(u64),
    /// The dump's own id of the comment, and the byte.
    Comment(u64, u64),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(formatter, "line {line}"),
            Place::Byte(byte) => write!(formatter, "byte {byte}"),
            Place::Comment(id, byte) => write!(formatter, "comment {id} at byte {byte}"),
        }
    }
}

/// A record that cannot be learned from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    pub file: PathBuf,
    pub place: Place,
    pub reason: String,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {}: {}", self.file.display(), self.place, self.reason)
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

/// What reading yields: a record, a bad one, or the end of all reading.
pub type Record = Result<Result<Example, BadRecord>, DumpError>;

/// What the reader of a format makes of one record.
#[derive(Debug)]
struct Item {
    place: Place,
    what: What,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are examples")]
enum What {
    Example(Example),
    /// It cannot be learned from, and why.
    Bad(String),
    /// It says itself that it is neither ham nor spam; the kind that it is counted under.
    PassedOver(Cow<'static, str>),
}

/// Why the reader of a format cannot go on; whoever knows the file makes a [`DumpError`] of it.
#[derive(Debug)]
enum Break {
    Io(std::io::Error),
    Unreadable(String),
}

impl From<std::io::Error> for Break {
    fn from(error: std::io::Error) -> Break {
        Break::Io(error)
    }
}

/// One format. `None` at the end; nothing is asked after a [`Break`].
trait Reader {
    fn next(&mut self) -> Option<Result<Item, Break>>;

    /// What there is to say of the file when it has been read: sentences for people.
    fn notes(&self) -> Vec<String>;
}

#[cfg(test)]
mod tests;
