//! SQL dumps of a WordPress database, by mysqldump, phpMyAdmin or `wp db export`: the rows of its comments.
//!
//! Owns finding the tables and their columns, and the rows. The order of columns is the statement's own, else that of the
//! table's CREATE, else WordPress's. Other tables are passed over. Tables stand in the order of the alphabet, so that what
//! Akismet noted (`…_commentmeta`) is known before the comments come (`…_comments`).

mod scanner;

use std::collections::HashMap;
use std::io::Read;

use self::scanner::Scanner;
use super::charset::Fields;
use super::columns::{SLOTS, Slot};
use super::record::{self, Cells, Words};
use super::wordpress::{Deciders, Histories, History};
use super::{Break, Item, LabelMap, MAX_RECORD_BYTES, Options, Place, Reader, What};

/// The columns of `wp_comments` since WordPress 1.5, as `wp_get_db_schema` has them.
const COMMENTS: [&str; 15] = [
    "comment_ID",
    "comment_post_ID",
    "comment_author",
    "comment_author_email",
    "comment_author_url",
    "comment_author_IP",
    "comment_date",
    "comment_date_gmt",
    "comment_content",
    "comment_karma",
    "comment_approved",
    "comment_agent",
    "comment_type",
    "comment_parent",
    "user_id",
];
const META: [&str; 4] = ["meta_id", "comment_id", "meta_key", "meta_value"];
/// Tables whose columns are remembered; a network of sites has two for each.
const MAX_TABLES: usize = 20_000;

/// Statements that a dump may begin with.
pub(super) const FIRST_WORDS: [&str; 16] = [
    "INSERT",
    "REPLACE",
    "CREATE",
    "DROP",
    "SET",
    "USE",
    "LOCK",
    "UNLOCK",
    "START",
    "BEGIN",
    "ALTER",
    "DELETE",
    "TRUNCATE",
    "DELIMITER",
    "COMMIT",
    "DO",
];

/// Does a file with this beginning look like SQL?
pub(super) fn is_sql(head: &str) -> bool {
    let mut rest = head.trim_start();
    let mut comments = 0;
    loop {
        let after =
            if rest.starts_with("-- ") || rest.starts_with("--\n") || rest.starts_with("--\r") || rest.starts_with('#')
            {
                rest.split_once('\n').map(|(_, after)| after)
            } else if rest.starts_with("/*") {
                rest.split_once("*/").map(|(_, after)| after.trim_start().trim_start_matches(';'))
            } else {
                let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
                let after = rest.get(word.len()..).unwrap_or_default();
                return after.starts_with(|c: char| c.is_ascii_whitespace() || c == ';')
                    && FIRST_WORDS.iter().any(|first| first.eq_ignore_ascii_case(word));
            };
        match after {
            Some(after) => rest = after.trim_start(),
            None => return comments > 0 || rest.starts_with("/*!"),
        }
        comments += 1;
    }
}

/// What a table is to us; where in its rows what is wanted stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Comments,
    Meta,
}

/// For each column, the slot that its cell goes to.
type Layout = Vec<Option<usize>>;

/// Of meta: the comment's id, the key, the value.
const META_SLOTS: [&str; 3] = ["comment_id", "meta_key", "meta_value"];

impl Kind {
    fn of(table: &str) -> Option<Kind> {
        let table = table.to_ascii_lowercase();
        match table {
            _ if table.ends_with("commentmeta") => Some(Kind::Meta),
            _ if table.ends_with("comments") => Some(Kind::Comments),
            _ => None,
        }
    }

    /// `None` when these are the columns of some other program's table.
    fn layout<'a>(self, columns: impl IntoIterator<Item = &'a str>) -> Option<Layout> {
        let slot = |column: &str| match self {
            Kind::Comments => Slot::of_wordpress(column).map(|slot| slot as usize),
            Kind::Meta => META_SLOTS.iter().position(|name| name.eq_ignore_ascii_case(column)),
        };
        let layout: Layout = columns.into_iter().map(slot).collect();
        let needed: &[usize] = match self {
            Kind::Comments => &[Slot::Content as usize, Slot::Label as usize],
            Kind::Meta => &[0, 1, 2],
        };
        needed.iter().all(|slot| layout.contains(&Some(*slot))).then_some(layout)
    }

    fn standard(self) -> Option<Layout> {
        match self {
            Kind::Comments => self.layout(COMMENTS),
            Kind::Meta => self.layout(META),
        }
    }
}

/// The rows of one statement.
#[derive(Clone)]
struct Rows {
    kind: Kind,
    layout: Layout,
}

pub(super) struct Sql<R> {
    scanner: Scanner<R>,
    labels: LabelMap,
    fields: Fields,
    /// Columns by CREATE TABLE; `None` for a table that is not WordPress's.
    tables: HashMap<String, Option<Layout>>,
    rows: Option<Rows>,
    /// One buffer for each slot, and which of them the row in hand has filled.
    cells: Vec<Vec<u8>>,
    filled: [bool; SLOTS],
    histories: Histories,
    /// Table prefix that the histories belong to.
    prefix: String,
    deciders: Deciders,
    has_comments: bool,
}

impl<R: Read> Sql<R> {
    pub(super) fn new(source: R, options: &Options) -> Sql<R> {
        Sql {
            scanner: Scanner::new(source),
            labels: options.labels.clone(),
            fields: Fields::new(),
            tables: HashMap::new(),
            rows: None,
            cells: vec![Vec::new(); SLOTS],
            filled: [false; SLOTS],
            histories: Histories::default(),
            prefix: String::new(),
            deciders: Deciders::default(),
            has_comments: false,
        }
    }

    /// Reads up to the rows of a statement that is wanted; false at the end of the file.
    fn statement(&mut self) -> Result<bool, Break> {
        self.scanner.skip_blank()?;
        let Some(first) = self.scanner.peek()? else { return Ok(false) };
        if first == b';' {
            self.scanner.bump();
            return Ok(true);
        }
        let word = self.scanner.word()?;
        if word.is_empty() {
            self.scanner.bump();
            return Ok(true);
        }
        match word.to_ascii_uppercase().as_str() {
            "INSERT" | "REPLACE" => self.insert()?,
            "CREATE" => self.create()?,
            "DELIMITER" => self.scanner.skip_line()?,
            _ => self.scanner.skip_statement()?,
        }
        Ok(true)
    }

    fn create(&mut self) -> Result<(), Break> {
        loop {
            self.scanner.skip_blank()?;
            match self.scanner.peek_word()?.to_ascii_uppercase().as_str() {
                "TABLE" | "TEMPORARY" | "IF" | "NOT" | "EXISTS" => drop(self.scanner.word()?),
                _ => break,
            }
        }
        let table = self.scanner.name()?;
        if let Some(kind) = Kind::of(&table)
            && self.tables.len() < MAX_TABLES
        {
            self.scanner.skip_blank()?;
            if self.scanner.peek()? == Some(b'(') {
                let columns = self.scanner.columns()?;
                self.tables.insert(table, kind.layout(columns.iter().map(String::as_str)));
            }
        }
        self.scanner.skip_statement()
    }

    fn insert(&mut self) -> Result<(), Break> {
        loop {
            self.scanner.skip_blank()?;
            match self.scanner.peek_word()?.to_ascii_uppercase().as_str() {
                "INTO" | "IGNORE" | "DELAYED" | "LOW_PRIORITY" | "HIGH_PRIORITY" => drop(self.scanner.word()?),
                _ => break,
            }
        }
        let table = self.scanner.name()?;
        let Some(kind) = Kind::of(&table) else { return self.scanner.skip_statement() };
        self.scanner.skip_blank()?;
        let layout = if self.scanner.peek()? == Some(b'(') {
            let columns = self.scanner.columns()?;
            kind.layout(columns.iter().map(String::as_str))
        } else {
            self.tables.get(&table).cloned().unwrap_or_else(|| kind.standard())
        };
        self.scanner.skip_blank()?;
        let is_values = matches!(self.scanner.word()?.to_ascii_uppercase().as_str(), "VALUES" | "VALUE");
        let Some(layout) = layout.filter(|_| is_values) else { return self.scanner.skip_statement() };
        let prefix = table.to_ascii_lowercase();
        let prefix = prefix.trim_end_matches("commentmeta").trim_end_matches("comments");
        if prefix != self.prefix {
            self.histories.clear();
            prefix.clone_into(&mut self.prefix);
        }
        self.has_comments |= kind == Kind::Comments;
        self.rows = Some(Rows { kind, layout });
        Ok(())
    }

    /// Reads one row into `cells`; what is wrong with it, if something is. `None` after the last row.
    fn row(&mut self, layout: &Layout) -> Result<Option<Result<(), String>>, Break> {
        self.scanner.skip_blank()?;
        if self.scanner.peek()? != Some(b'(') {
            // `;`, or ON DUPLICATE KEY UPDATE … and its like.
            self.scanner.skip_statement()?;
            return Ok(None);
        }
        self.scanner.bump();
        self.filled = [false; SLOTS];
        let (mut count, mut bytes, mut trouble) = (0, 0, None);
        loop {
            let slot = layout.get(count).copied().flatten();
            let buffer = slot.and_then(|slot| self.cells.get_mut(slot));
            let is_wanted = buffer.is_some();
            let mut ignored = Vec::new();
            let buffer = buffer.unwrap_or(&mut ignored);
            buffer.clear();
            let value = self.scanner.value(is_wanted.then_some(&mut *buffer), MAX_RECORD_BYTES)?;
            bytes += buffer.len();
            match value {
                scanner::Value::Null => {}
                scanner::Value::Text => {
                    if let Some(filled) = slot.and_then(|slot| self.filled.get_mut(slot)) {
                        *filled = true;
                    }
                }
                scanner::Value::TooLong => trouble = Some(format!("longer than {MAX_RECORD_BYTES} bytes")),
                scanner::Value::Unknown if is_wanted => {
                    trouble = Some("an expression instead of a value; dump plain rows".to_owned());
                }
                scanner::Value::Unknown => {}
            }
            count += 1;
            self.scanner.skip_blank()?;
            match self.scanner.peek()? {
                Some(b',') => self.scanner.bump(),
                Some(b')') => {
                    self.scanner.bump();
                    break;
                }
                None => return Err(self.scanner.cut_short()),
                Some(_) => {
                    self.scanner.skip_statement()?;
                    self.rows = None;
                    return Ok(Some(Err(
                        "not written as SQL writes rows; the rest of its statement is passed over".to_owned()
                    )));
                }
            }
        }
        self.scanner.skip_blank()?;
        if self.scanner.peek()? == Some(b',') {
            self.scanner.bump();
        }
        if count != layout.len() {
            trouble = Some(format!("{count} values for {} columns", layout.len()));
        } else if bytes > MAX_RECORD_BYTES {
            trouble = Some(format!("longer than {MAX_RECORD_BYTES} bytes"));
        }
        Ok(Some(trouble.map_or(Ok(()), Err)))
    }

    fn cell(&self, slot: usize) -> Option<&[u8]> {
        let is_filled = self.filled.get(slot).copied().unwrap_or_default();
        self.cells.get(slot).filter(|_| is_filled).map(Vec::as_slice)
    }

    fn number(&self, slot: usize) -> Option<u64> {
        std::str::from_utf8(self.cell(slot)?).ok()?.trim().parse().ok()
    }

    fn comment(&mut self, began: u64, row: Result<(), String>) -> Item {
        let id = self.number(Slot::Id as usize);
        let place = id.map_or(Place::Byte(began), |id| Place::Comment(id, began));
        if let Err(reason) = row {
            return Item { place, what: What::Bad(reason) };
        }
        let history = id.map_or(History::default(), |id| self.histories.of(id));
        let mut cells: Cells<'_> = [None; SLOTS];
        for (slot, cell) in cells.iter_mut().enumerate() {
            let is_filled = self.filled.get(slot).copied().unwrap_or_default();
            *cell = self.cells.get(slot).filter(|_| is_filled).map(Vec::as_slice);
        }
        let what = record::read(&cells, Words::WordPress, &self.labels, history, &mut self.fields);
        if let What::Example(example) = &what {
            self.deciders.count(example.label, history);
        }
        Item { place, what }
    }

    fn step(&mut self) -> Result<Option<Item>, Break> {
        loop {
            let Some(rows) = self.rows.take() else {
                if self.statement()? {
                    continue;
                }
                if !self.has_comments {
                    let reason = "SQL without a row of a WordPress comments table; dump it, such as \
                                  `mysqldump DATABASE wp_commentmeta wp_comments`";
                    return Err(Break::Unreadable(reason.to_owned()));
                }
                return Ok(None);
            };
            self.scanner.skip_blank()?;
            let began = self.scanner.offset();
            let Some(row) = self.row(&rows.layout)? else { continue };
            let is_broken = row.as_ref().is_err_and(|reason| reason.starts_with("not written"));
            match rows.kind {
                Kind::Comments => {
                    let item = self.comment(began, row);
                    self.rows = (!is_broken).then_some(rows);
                    return Ok(Some(item));
                }
                Kind::Meta => {
                    // Apart from the buffers, so that both may be borrowed.
                    let mut histories = std::mem::take(&mut self.histories);
                    if let (Ok(()), Some(comment), Some(key)) = (row, self.number(0), self.cell(1)) {
                        histories.learn(comment, key, self.cell(2).unwrap_or_default());
                    }
                    self.histories = histories;
                    self.rows = (!is_broken).then_some(rows);
                }
            }
        }
    }
}

impl<R: Read> Reader for Sql<R> {
    fn next(&mut self) -> Option<Result<Item, Break>> {
        self.step().transpose()
    }

    fn notes(&self) -> Vec<String> {
        self.fields.note().into_iter().chain(self.deciders.note(&self.histories)).collect()
    }
}
