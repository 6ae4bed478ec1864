//! CSV and TSV with a header, in the dialects that databases and spreadsheets write.
//!
//! Owns the dialect (what parts columns, how a quote within a text is written) and getting out of a quote that was never
//! closed. What columns mean is `columns`' and `record`'s.

use std::io::Read;

use csv_core::{ReadRecordResult, Terminator};

use super::charset::Fields;
use super::columns::{NoColumn, SLOTS, Slot, at};
use super::record::{self, Cells, Words};
use super::window::Window;
use super::wordpress::History;
use super::{Break, ColumnMap, Item, LabelMap, MAX_RECORD_BYTES, Options, Place, Reader, What};

/// Bytes that are looked through once more because of open quotes, each up to the length of a record; then it is enough.
const MAX_REREAD_BYTES: usize = 100 * MAX_RECORD_BYTES;

/// How a file writes its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    delimiter: u8,
    is_quoted: bool,
    /// Is a backslash before a quote a part of it? phpMyAdmin writes so, and PHP's own `fputcsv`.
    is_escaped: bool,
    /// `mysql --batch`: no quotes; tab, line end and backslash as `\t`, `\n`, `\\`.
    is_mysql: bool,
}

/// What a file of comments looks like.
#[derive(Clone, Debug)]
pub(super) struct Table {
    dialect: Dialect,
    places: [Option<usize>; SLOTS],
    columns: usize,
    words: Words,
}

impl Table {
    /// Reads the header at the beginning of `head`.
    ///
    /// # Errors
    /// A sentence with the mend when it is none.
    pub(super) fn guess(head: &[u8], map: &ColumnMap) -> Result<Table, String> {
        let mut nearest = None;
        for delimiter in [b',', b'\t', b';', b'|'] {
            let names = header(head, delimiter);
            match map.places(&names) {
                Ok(places) => {
                    let label = at(&places, Slot::Label).and_then(|place| names.get(place));
                    let is_wordpress = label.is_some_and(|name| name == "comment_approved");
                    let words = if is_wordpress { Words::WordPress } else { Words::Usual };
                    let dialect = Dialect::guess(head, delimiter, is_wordpress);
                    return Ok(Table { dialect, places, columns: names.len(), words });
                }
                Err(NoColumn::Any) => {}
                Err(error) if names.len() > 1 => nearest = Some((error, names)),
                Err(error) => nearest = nearest.or(Some((error, names))),
            }
        }
        Err(match nearest {
            Some((NoColumn::Of(what, known), _)) => format!(
                "the header has no column for the {what}; name it one of {known}, or say which it is, such as --column {}=NAME",
                if what == "text" { "content" } else { what }
            ),
            Some((NoColumn::Named(column), names)) => {
                let names: String = names.join(", ").chars().take(300).collect();
                format!("the header has no column `{column}`; it has {names}")
            }
            _ => "neither JSON Lines nor CSV, SQL or XML that is known; a CSV's first line must name a column `content` and a \
                  column `label`, or those of WordPress (phpMyAdmin: \"Put columns names in the first row\")"
                .to_owned(),
        })
    }

    pub(super) fn name(&self) -> &'static str {
        match (self.words, self.dialect.delimiter) {
            (Words::WordPress, b'\t') => "wp_comments as TSV",
            (Words::WordPress, _) => "wp_comments as CSV",
            (Words::Usual, b'\t') => "TSV",
            (Words::Usual, _) => "CSV",
        }
    }
}

impl Dialect {
    fn guess(head: &[u8], delimiter: u8, is_wordpress: bool) -> Dialect {
        let (first, rest) = head.split_at(memchr::memchr(b'\n', head.trim_ascii_start()).unwrap_or(head.len()));
        let begins_quoted =
            |text: &[u8]| text.windows(2).any(|pair| matches!(pair, [before, b'"'] if *before == delimiter));
        let escapes = |text: &[u8]| text.windows(2).any(|pair| matches!(pair, [b'\\', b'n' | b't' | b'\\' | b'0']));
        let is_mysql = delimiter == b'\t'
            && memchr::memchr(b'"', first).is_none()
            && (is_wordpress || (escapes(rest) && !begins_quoted(rest)));
        let (mut doubled, mut escaped) = (0_u32, 0_u32);
        for window in rest.windows(4) {
            let ends = |byte: u8| byte == delimiter || byte == b'\n' || byte == b'\r' || byte == b'"';
            match *window {
                // A backslash may be the last sign of a text; then the quote closes it.
                [before, b'\\', b'"', after] if before != b'\\' && !ends(after) => escaped += 1,
                [b'\\', b'\\', b'\\', b'"'] => escaped += 1,
                [before, b'"', b'"', after] if !ends(before) && !ends(after) && before != b'\\' => doubled += 1,
                _ => {}
            }
        }
        Dialect { delimiter, is_quoted: !is_mysql, is_escaped: escaped > doubled, is_mysql }
    }

    fn parser(self) -> csv_core::Reader {
        let escape = self.is_escaped.then_some(b'\\');
        // mysql leaves a carriage return as it is.
        let end = if self.is_mysql { Terminator::Any(b'\n') } else { Terminator::CRLF };
        let mut builder = csv_core::ReaderBuilder::new();
        builder.delimiter(self.delimiter).quoting(self.is_quoted).escape(escape).terminator(end).build()
    }
}

/// The names in the first record, in lower case.
fn header(head: &[u8], delimiter: u8) -> Vec<String> {
    let mut parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut output, mut ends) = (vec![0; head.len()], vec![0; 1 << 12]);
    let (mut result, used, mut length, mut count) = parser.read_record(head, &mut output, &mut ends);
    if result == ReadRecordResult::InputEmpty {
        let (last, _, more, ended) = parser.read_record(
            head.get(used..).unwrap_or_default(),
            output.get_mut(length..).unwrap_or_default(),
            ends.get_mut(count..).unwrap_or_default(),
        );
        (result, length, count) = (last, length + more, count + ended);
    }
    if result != ReadRecordResult::Record {
        return Vec::new();
    }
    let output = output.get(..length).unwrap_or_default();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let names = starts.zip(ends.iter().copied()).take(count).map(|(from, to)| output.get(from..to).unwrap_or_default());
    names.map(|name| String::from_utf8_lossy(name).trim().to_lowercase()).collect()
}

pub(super) struct Csv<R> {
    window: Window<R>,
    parser: csv_core::Reader,
    table: Table,
    labels: LabelMap,
    fields: Fields,
    row: Row,
    /// Where `row` begins.
    line: u64,
    reread_bytes: usize,
    is_past_header: bool,
}

/// The cells of one record, end to end.
#[derive(Default)]
struct Row {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    length: usize,
    count: usize,
}

impl Row {
    fn cell(&self, at: usize) -> Option<&[u8]> {
        let from = if at == 0 { 0 } else { *self.ends.get(at - 1)? };
        self.bytes.get(from..*self.ends.get(at).filter(|_| at < self.count)?)
    }

    /// Takes the escapes of `mysql --batch` out.
    fn unescape(&mut self) {
        let Some(first) = memchr::memchr(b'\\', self.bytes.get(..self.length).unwrap_or_default()) else { return };
        let (mut from, mut to) = (first, first);
        let mut ends = self.ends.iter_mut().take(self.count).skip_while(|end| **end <= first).peekable();
        while from < self.length {
            let is_escape = self.bytes.get(from) == Some(&b'\\') && from + 1 < self.length;
            let byte = match (is_escape, self.bytes.get(from + usize::from(is_escape)).copied().unwrap_or(0)) {
                (true, b'n') => b'\n',
                (true, b't') => b'\t',
                (true, b'r') => b'\r',
                (true, b'0') => 0,
                (_, byte) => byte,
            };
            if let Some(cell) = self.bytes.get_mut(to) {
                *cell = byte;
            }
            (from, to) = (from + 1 + usize::from(is_escape), to + 1);
            while let Some(end) = ends.next_if(|end| **end <= from) {
                *end = to;
            }
        }
        self.length = to;
    }
}

/// What was read of a record.
enum Step {
    Whole,
    OpenQuote,
    End,
}

impl<R: Read> Csv<R> {
    pub(super) fn new(source: R, table: Table, options: &Options) -> Csv<R> {
        Csv {
            window: Window::new(source),
            parser: table.dialect.parser(),
            table,
            labels: options.labels.clone(),
            fields: Fields::new(),
            row: Row { bytes: vec![0; 1 << 16], ends: vec![0; 64], length: 0, count: 0 },
            line: 1,
            reread_bytes: 0,
            is_past_header: false,
        }
    }

    /// Reads the next record into `row`.
    fn record(&mut self) -> Result<Step, Break> {
        self.line = self.parser.line();
        while let Some(b'\n' | b'\r') = self.window.peek()? {
            self.line += u64::from(self.window.data().first() == Some(&b'\n'));
            self.window.consume(1);
        }
        self.parser.set_line(self.line);
        (self.row.length, self.row.count) = (0, 0);
        let mut scanned = 0;
        loop {
            let (result, used, length, count) = self.parser.read_record(
                self.window.data().get(scanned..).unwrap_or_default(),
                self.row.bytes.get_mut(self.row.length..).unwrap_or_default(),
                self.row.ends.get_mut(self.row.count..).unwrap_or_default(),
            );
            scanned += used;
            self.row.length += length;
            self.row.count += count;
            if scanned > MAX_RECORD_BYTES {
                self.reread_bytes += scanned;
                return Ok(Step::OpenQuote);
            }
            match result {
                ReadRecordResult::Record if self.is_torn(scanned) => {
                    self.reread_bytes += scanned;
                    return Ok(Step::OpenQuote);
                }
                ReadRecordResult::Record => {
                    self.window.consume(scanned);
                    return Ok(Step::Whole);
                }
                ReadRecordResult::End => return Ok(Step::End),
                ReadRecordResult::OutputFull => self.row.bytes.resize(self.row.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.row.ends.resize(self.row.ends.len() * 2, 0),
                // Nothing more in hand: an empty input tells the parser that it is over.
                ReadRecordResult::InputEmpty => {
                    self.window.more()?;
                }
            }
        }
    }

    /// Does the record run over lines because a quote was never closed? Then something stands after the next quote, or
    /// the file ends within it.
    fn is_torn(&self, bytes: usize) -> bool {
        let Dialect { delimiter, is_quoted, is_escaped, .. } = self.table.dialect;
        let record = self.window.data().get(..bytes).unwrap_or_default();
        if !is_quoted || memchr::memchr(b'\n', record.trim_ascii_end()).is_none() {
            return false;
        }
        let (mut at, mut is_cell_start) = (0, true);
        while let Some(&byte) = record.get(at) {
            at += 1;
            if byte != b'"' || !is_cell_start {
                is_cell_start = byte == delimiter;
                continue;
            }
            loop {
                let Some(length) = memchr::memchr2(b'"', b'\\', record.get(at..).unwrap_or_default()) else {
                    return true;
                };
                at += length + 1;
                let (is_quote, next) = (record.get(at - 1) == Some(&b'"'), record.get(at).copied());
                match next {
                    _ if !is_quote => at += usize::from(is_escaped),
                    Some(b'"') => at += 1,
                    None | Some(b'\r' | b'\n') => break,
                    Some(next) if next == delimiter => break,
                    Some(_) => return true,
                }
            }
            is_cell_start = false;
        }
        false
    }

    /// Goes on at the line after the one where the record began.
    fn leave_quote(&mut self) -> Result<(), Break> {
        if self.reread_bytes > MAX_REREAD_BYTES {
            let reason = format!("too many quotes are opened and never closed, the last in line {}", self.line);
            return Err(Break::Unreadable(reason));
        }
        self.parser = self.table.dialect.parser();
        loop {
            if let Some(at) = memchr::memchr(b'\n', self.window.data()) {
                self.window.consume(at + 1);
                break;
            }
            let length = self.window.data().len();
            self.window.consume(length);
            if !self.window.more()? {
                break;
            }
        }
        self.parser.set_line(self.line + 1);
        Ok(())
    }

    fn what(&mut self) -> What {
        let Row { count, .. } = self.row;
        let wanted = [Slot::Content, Slot::Label].iter().filter_map(|slot| at(&self.table.places, *slot)).max();
        if wanted.is_some_and(|place| place >= count) {
            return What::Bad(format!("{count} columns, fewer than the header has"));
        }
        if (self.table.columns..count).any(|at| self.row.cell(at).is_some_and(|cell| !cell.trim_ascii().is_empty())) {
            return What::Bad(format!("{count} columns, the header has {}; is a text not quoted?", self.table.columns));
        }
        if self.table.dialect.is_mysql {
            self.row.unescape();
        }
        let mut cells: Cells<'_> = [None; SLOTS];
        for (slot, (cell, place)) in cells.iter_mut().zip(&self.table.places).enumerate() {
            // Databases write NULL for nothing; as a text it may be meant.
            let is_there = |bytes: &&[u8]| slot == Slot::Content as usize || *bytes != b"NULL";
            *cell = place.and_then(|place| self.row.cell(place)).filter(is_there);
        }
        record::read(&cells, self.table.words, &self.labels, History::default(), &mut self.fields)
    }
}

impl<R: Read> Reader for Csv<R> {
    fn next(&mut self) -> Option<Result<Item, Break>> {
        loop {
            match self.record() {
                Err(error) => return Some(Err(error)),
                Ok(Step::End) => return None,
                Ok(Step::Whole) if !std::mem::replace(&mut self.is_past_header, true) => {}
                Ok(Step::Whole) => {
                    let what = self.what();
                    return Some(Ok(Item { place: Place::Line(self.line), what }));
                }
                Ok(Step::OpenQuote) => {
                    let what = What::Bad(format!("a quote is left open, or longer than {MAX_RECORD_BYTES} bytes"));
                    let item = Item { place: Place::Line(self.line), what };
                    return Some(self.leave_quote().map(|()| item));
                }
            }
        }
    }

    fn notes(&self) -> Vec<String> {
        self.fields.note().into_iter().collect()
    }
}
