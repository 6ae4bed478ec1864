//! What a file is, by how it begins; its name says nothing.

use std::io::Read;

use super::charset::{Charset, Transcoder, detect as detect_charset};
use super::csv::{Csv, Table};
use super::disqus::Disqus;
use super::jsonl::JsonLines;
use super::remark42::{Remark42, is_backup};
use super::source::peek;
use super::sql::{Sql, is_sql};
use super::wxr::Wxr;
use super::{Break, Options, Reader};

/// The names of formats of which something else is said than what they are.
pub(super) const WXR: &str = "WordPress export (WXR)";
pub(super) const DISQUS: &str = "Disqus export";
pub(super) const REMARK42: &str = "Remark42 backup";

/// A file whose reader is ready.
pub(super) struct Found {
    pub(super) format: &'static str,
    pub(super) charset: Charset,
    /// `None` for a file with nothing in it.
    pub(super) reader: Option<Box<dyn Reader>>,
}

/// What files of other programs begin with, what they are, and the mend.
const FOREIGN: [(&[u8], &str); 10] = [
    (
        b"SQLite format 3\0",
        "an SQLite database; write it out first: `sqlite3 -header -csv FILE 'SELECT … AS content, … AS label FROM …'`, for Isso \
         `sqlite3 -header -csv comments.db \"SELECT text AS content, 'ham' AS label, author, email, website AS url, remote_addr \
         AS ip, datetime(created, 'unixepoch') AS date FROM comments WHERE mode = 1\"`",
    ),
    (b"PK\x03\x04", "a zip file or an Excel workbook; unpack it, or save the sheet as CSV in UTF-8"),
    (b"PK\x05\x06", "an empty zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV in UTF-8"),
    (b"BZh", "packed with bzip2; unpack it (`bunzip2`), gzip and zstd are read as they are"),
    (b"\xfd7zXZ\0", "packed with xz; unpack it (`unxz`), gzip and zstd are read as they are"),
    (b"7z\xbc\xaf", "packed with 7-Zip; unpack it, gzip and zstd are read as they are"),
    (b"Rar!", "packed with RAR; unpack it, gzip and zstd are read as they are"),
    (b"%PDF", "a PDF; export the comments as CSV"),
    (b"PAR1", "a Parquet file; write it out as JSON Lines or CSV"),
];

const READ: &str = "JSON Lines, CSV, TSV, SQL dumps of WordPress, WXR and Disqus exports are read";

/// Decodes what was unpacked, and finds the reader for it.
pub(super) fn detect(source: Box<dyn Read>, is_packed: bool, options: &Options) -> Result<Found, Break> {
    let (head, mut plain) = peek(source)?;
    let unreadable = |reason: &str| Err(Break::Unreadable(reason.to_owned()));
    if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return unreadable(what);
    }
    if head.get(257..262) == Some(b"ustar") {
        return unreadable("a tar archive; unpack it and name the files in it");
    }
    if is_packed && matches!(head.as_slice(), [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..]) {
        return unreadable("packed twice; unpack it once");
    }
    let (charset, mark_bytes) = detect_charset(&head, options.charset);
    plain.read_exact(&mut vec![0; mark_bytes])?;
    if charset != encoding_rs::UTF_8 {
        plain = Box::new(Transcoder::new(plain, charset));
    }
    let (head, plain) = peek(plain)?;
    // Odd bytes in texts are no reason to refuse them; a file full of them is none of texts.
    let controls = head.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31)).count();
    if controls * 20 > head.len() {
        return unreadable(&format!("binary data; {READ}"));
    }
    let text = String::from_utf8_lossy(&head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let found = |format, reader| Ok(Found { format, charset, reader: Some(reader) });
    match text.chars().find(|c| *c != '\0') {
        None => Ok(Found { format: "empty", charset, reader: None }),
        Some('{') if is_backup(text) => found(REMARK42, Box::new(Remark42::new(plain))),
        Some('{') => found("JSON Lines", Box::new(JsonLines::new(plain, options))),
        Some('[') => unreadable("a JSON array; write one object a line instead (`jq -c '.[]'`)"),
        Some('<') => {
            let has = |part: &str| text.contains(part);
            if has("wp:wxr_version") || has("wordpress.org/export") || has("<wp:comment>") {
                found(WXR, Box::new(Wxr::new(plain, options)))
            } else if has("<disqus") {
                found(DISQUS, Box::new(Disqus::new(plain)))
            } else if has("<html") || has("<HTML") || has("<!doctype html") || has("<!DOCTYPE html") {
                unreadable("a web page; was the download an error page, or a log-in?")
            } else if has("pma_xml_export") || has("<mysqldump") {
                unreadable("looks like XML of a database; export the comments as SQL or CSV instead")
            } else {
                unreadable(&format!("looks like XML, but is neither WordPress's export (WXR) nor Disqus's; {READ}"))
            }
        }
        Some(_) if is_sql(text) => found("SQL dump", Box::new(Sql::new(plain, options))),
        Some(_) => {
            let table = Table::guess(&head, &options.columns).map_err(Break::Unreadable)?;
            found(table.name(), Box::new(Csv::new(plain, table, options)))
        }
    }
}
