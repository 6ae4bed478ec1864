//! The file of a backup: JSON lines under zstd, which anything can read.
//!
//! A head, for each table a line that names it and its columns, its rows as arrays, and an end that counts them. Bytes are
//! `{"b": "base64"}`. zstd's checksum finds what was altered, the end what is missing.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::transfer::{Cell, Piece, Rows, Table};

/// The number of this format.
const FORMAT: u32 = 1;
/// zstd's: half the size of the rows in a fifth of the time that the store takes to give them.
const LEVEL: i32 = 3;
/// Rows that are handed over together.
const TOGETHER: usize = 256;
/// The longest line that is read: a model is some megabytes, and base64 a third more.
const MAX_LINE: u64 = 256 * 1024 * 1024;

/// What a backup begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    hamlet: String,
    format: u32,
    schema: i64,
    pub made_at: Timestamp,
    /// Of the program that wrote it.
    pub version: String,
}

/// How many rows of which table.
pub(super) type Counts = BTreeMap<String, u64>;

/// A line that is not a row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Table { name: String, columns: Vec<String> },
    End { rows: Counts },
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Wrong {
    #[error("it is no backup of Hamlet's")]
    Foreign,
    #[error("it has format {0}, and this program reads format {FORMAT}; use the version of Hamlet that wrote it")]
    Format(u32),
    #[error("it is cut short: the end is missing after line {0}")]
    CutShort(u64),
    #[error("line {0} is damaged: {1}")]
    Damaged(u64, String),
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Writes pieces as they come.
pub(super) struct Writer<W: Write> {
    out: BufWriter<zstd::Encoder<'static, W>>,
    made_at: Timestamp,
    table: Option<&'static Table>,
    pub counts: Counts,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W, made_at: Timestamp) -> io::Result<Writer<W>> {
        let mut out = zstd::Encoder::new(out, LEVEL)?;
        out.include_checksum(true)?;
        Ok(Writer { out: BufWriter::new(out), made_at, table: None, counts: Counts::new() })
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }

    pub fn put(&mut self, piece: Piece) -> io::Result<()> {
        match piece {
            Piece::Schema(schema) => self.line(&Head {
                hamlet: "backup".to_owned(),
                format: FORMAT,
                schema,
                made_at: self.made_at,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            }),
            Piece::Rows(Rows { table, rows }) => {
                if self.table.is_none_or(|now| now.name != table.name) {
                    let columns = table.columns.iter().map(|column| (*column).to_owned()).collect();
                    self.line(&Mark::Table { name: table.name.to_owned(), columns })?;
                    self.table = Some(table);
                }
                *self.counts.entry(table.name.to_owned()).or_default() += rows.len() as u64;
                for row in rows {
                    self.line(&row.into_iter().map(to_value).collect::<Vec<Value>>())?;
                }
                Ok(())
            }
            Piece::End => {
                let rows = self.counts.clone();
                self.line(&Mark::End { rows })
            }
        }
    }

    /// Ends the file; the writer below is given back.
    pub fn finish(self) -> io::Result<W> {
        self.out.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
    }
}

fn to_value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => number.into(),
        Cell::Text(text) => text.into(),
        Cell::Bytes(bytes) => serde_json::json!({ "b": BASE64.encode(bytes) }),
    }
}

fn to_cell(value: Value) -> Option<Cell> {
    Some(match value {
        Value::Null => Cell::Null,
        Value::Number(number) => Cell::Integer(number.as_i64()?),
        Value::String(text) => Cell::Text(text),
        Value::Object(bytes) => Cell::Bytes(BASE64.decode(bytes.get("b")?.as_str()?).ok()?),
        Value::Bool(_) | Value::Array(_) => return None,
    })
}

/// A line after the head.
enum Line {
    Row(Vec<Cell>),
    Table(&'static Table),
    End(Counts),
}

/// Reads a backup, piece by piece.
pub(super) struct Reader<R: Read> {
    lines: BufReader<zstd::Decoder<'static, BufReader<R>>>,
    /// Of the line that was read last, counted from 1.
    number: u64,
    pub head: Head,
    pub counts: Counts,
    table: Option<&'static Table>,
    /// Read, and not yet used.
    ahead: Option<Line>,
    is_begun: bool,
    is_done: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the head.
    pub fn new(file: R) -> Result<Reader<R>, Wrong> {
        let mut lines = BufReader::new(zstd::Decoder::new(file)?);
        let mut line = Vec::new();
        let read = (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line);
        // What is no zstd at all is something else than a damaged backup.
        if read.is_err() && line.is_empty() {
            return Err(Wrong::Foreign);
        }
        read?;
        let head: Head = serde_json::from_slice(&line).map_err(|_| Wrong::Foreign)?;
        match (head.hamlet.as_str(), head.format) {
            ("backup", FORMAT) => {}
            ("backup", other) => return Err(Wrong::Format(other)),
            _ => return Err(Wrong::Foreign),
        }
        let counts = Counts::new();
        Ok(Reader { lines, number: 1, head, counts, table: None, ahead: None, is_begun: false, is_done: false })
    }

    /// The next piece; `None` after the end.
    pub fn next(&mut self) -> Result<Option<Piece>, Wrong> {
        if self.is_done {
            return Ok(None);
        }
        if !self.is_begun {
            self.is_begun = true;
            return Ok(Some(Piece::Schema(self.head.schema)));
        }
        let mut rows = Vec::with_capacity(TOGETHER);
        loop {
            let line = match self.ahead.take() {
                Some(line) => line,
                None => self.line()?,
            };
            match (line, self.table) {
                (Line::Row(row), Some(table)) => {
                    rows.push(row);
                    if rows.len() >= TOGETHER {
                        return Ok(Some(self.counted(table, rows)));
                    }
                }
                (line, Some(table)) if !rows.is_empty() => {
                    self.ahead = Some(line);
                    return Ok(Some(self.counted(table, rows)));
                }
                (Line::Row(_), None) => return Err(self.damaged("a row of no table")),
                (Line::Table(table), _) => self.table = Some(table),
                (Line::End(counts), _) if counts == self.counts => {
                    self.is_done = true;
                    // zstd checks its sum when it is asked for what is not there.
                    if self.read_line()?.is_empty() {
                        return Ok(Some(Piece::End));
                    }
                    return Err(self.damaged("something follows the end"));
                }
                (Line::End(_), _) => return Err(self.damaged("the end counts other rows than there are")),
            }
        }
    }

    fn counted(&mut self, table: &'static Table, rows: Vec<Vec<Cell>>) -> Piece {
        *self.counts.entry(table.name.to_owned()).or_default() += rows.len() as u64;
        Piece::Rows(Rows { table, rows })
    }

    fn line(&mut self) -> Result<Line, Wrong> {
        let line = self.read_line()?;
        if line.last() != Some(&b'\n') {
            return Err(Wrong::CutShort(self.number - 1));
        }
        let read = |what: serde_json::Error| self.damaged(&what.to_string());
        if line.first() == Some(&b'[') {
            let values: Vec<Value> = serde_json::from_slice(&line).map_err(read)?;
            let cells: Option<Vec<Cell>> = values.into_iter().map(to_cell).collect();
            let width = self.table.map(|table| table.columns.len());
            let cells = cells.filter(|cells| Some(cells.len()) == width);
            return cells.map(Line::Row).ok_or_else(|| self.damaged("it is no row of its table"));
        }
        match serde_json::from_slice(&line).map_err(read)? {
            Mark::End { rows } => Ok(Line::End(rows)),
            Mark::Table { name, columns } => {
                let table = Table::named(&name).filter(|table| table.columns == columns);
                table
                    .map(Line::Table)
                    .ok_or_else(|| self.damaged(&format!("this program keeps no such table `{name}`")))
            }
        }
    }

    /// One line with its end; nothing at the end of the file.
    fn read_line(&mut self) -> Result<Vec<u8>, Wrong> {
        let mut line = Vec::new();
        self.number += 1;
        match (&mut self.lines).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(_) => Ok(line),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Wrong::CutShort(self.number - 1)),
            Err(error) => Err(self.damaged(&error.to_string())),
        }
    }

    fn damaged(&self, why: &str) -> Wrong {
        Wrong::Damaged(self.number, why.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (Vec<Piece>, Vec<u8>) {
        let (sites, meta) = (Table::named("sites").unwrap(), Table::named("meta").unwrap());
        let meta_rows = vec![vec![Cell::Text("generation".into()), Cell::Integer(i64::MIN)]];
        let site = |id| {
            let name = Cell::Text(format!("a \u{0} b \n {id}"));
            vec![Cell::Integer(id), name, Cell::Bytes(vec![0, 255, 10]), Cell::Null, Cell::Integer(i64::MAX)]
        };
        let pieces = vec![
            Piece::Schema(9),
            Piece::Rows(Rows { table: meta, rows: meta_rows }),
            Piece::Rows(Rows { table: sites, rows: (0..256).map(site).collect() }),
            Piece::Rows(Rows { table: sites, rows: (256..300).map(site).collect() }),
            Piece::End,
        ];
        let mut writer = Writer::new(Vec::new(), Timestamp::UNIX_EPOCH).unwrap();
        pieces.iter().for_each(|piece| writer.put(piece.clone()).unwrap());
        (pieces, writer.finish().unwrap())
    }

    fn read(bytes: &[u8]) -> Result<Vec<Piece>, Wrong> {
        let mut reader = Reader::new(bytes)?;
        std::iter::from_fn(|| reader.next().transpose()).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        let (pieces, bytes) = written();
        assert_eq!(read(&bytes).unwrap(), pieces);
        let reader = Reader::new(&bytes[..]).unwrap();
        assert_eq!((reader.head.made_at, reader.head.schema), (Timestamp::UNIX_EPOCH, 9));
    }

    #[test]
    fn what_was_cut_short_or_altered_is_refused() {
        let (pieces, bytes) = written();
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "cut at {length}");
        }
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 4;
            // Some bits of zstd's own head say nothing of what is inside.
            assert!(read(&altered).is_err() || read(&altered).is_ok_and(|read| read == pieces), "altered at {place}");
        }
        let plain = |lines: &str| read(&zstd::encode_all(lines.as_bytes(), 1).unwrap()).unwrap_err().to_string();
        let head = "{\"hamlet\":\"backup\",\"format\":1,\"schema\":9,\"made_at\":\"2026-01-01T00:00:00Z\",\"version\":\"1\"}\n";
        assert_eq!(plain("hello"), "it is no backup of Hamlet's");
        assert!(plain(&head.replace(":1,", ":7,")).contains("format 7"));
        assert_eq!(plain(head), "it is cut short: the end is missing after line 1");
        assert_eq!(plain(&format!("{head}[1]\n")), "line 2 is damaged: it is no row of its table");
        let end = "{\"end\":{\"rows\":{\"sites\":1}}}\n";
        assert_eq!(plain(&format!("{head}{end}")), "line 2 is damaged: the end counts other rows than there are");
        assert!(
            plain(&format!("{head}{{\"table\":{{\"name\":\"x\",\"columns\":[]}}}}\n")).contains("no such table `x`")
        );
        assert_eq!(read(b"PK\x03\x04").unwrap_err().to_string(), "it is no backup of Hamlet's");
    }
}
