//! The words, names and values of MySQL's SQL, taken from a stream.
//!
//! Knows as much as dumps write. Texts may be as long as they like; they are kept up to a limit.

use std::io::Read;

use super::super::Break;
use super::super::window::Window;

/// Names and words are short; what is longer is none.
const MAX_NAME_BYTES: usize = 256;
const MAX_COLUMNS: usize = 1_000;

/// What stood where a value was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    /// A text or a number.
    Text,
    TooLong,
    /// An expression; it was passed over.
    Unknown,
}

pub(super) struct Scanner<R> {
    window: Window<R>,
}

/// Takes a text as it is scanned, up to a limit.
struct Sink<'a> {
    to: Option<&'a mut Vec<u8>>,
    limit: usize,
    is_over: bool,
}

impl Sink<'_> {
    fn push(&mut self, bytes: &[u8]) {
        if let Some(to) = &mut self.to {
            self.is_over |= to.len() + bytes.len() > self.limit;
            if !self.is_over {
                to.extend_from_slice(bytes);
            }
        }
    }
}

impl<R: Read> Scanner<R> {
    pub(super) fn new(source: R) -> Scanner<R> {
        Scanner { window: Window::new(source) }
    }

    pub(super) fn offset(&self) -> u64 {
        self.window.offset()
    }

    pub(super) fn peek(&mut self) -> Result<Option<u8>, Break> {
        Ok(self.window.peek()?)
    }

    pub(super) fn bump(&mut self) {
        self.window.consume(1);
    }

    /// The file ends where it may not.
    pub(super) fn cut_short(&self) -> Break {
        Break::Unreadable(format!(
            "ends within a statement at byte {}: it was cut short; dump or copy it again",
            self.offset()
        ))
    }

    /// Passes blanks and comments over.
    pub(super) fn skip_blank(&mut self) -> Result<(), Break> {
        loop {
            match self.window.peek()? {
                Some(byte) if byte.is_ascii_whitespace() || byte == 0 => self.bump(),
                Some(b'#') => self.skip_line()?,
                Some(b'-') if self.window.peek_second()? == Some(b'-') => self.skip_line()?,
                Some(b'/') if self.window.peek_second()? == Some(b'*') => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn skip_line(&mut self) -> Result<(), Break> {
        loop {
            let end = memchr::memchr(b'\n', self.window.data());
            self.window.consume(end.map_or(self.window.data().len(), |at| at + 1));
            if end.is_some() || !self.window.more()? {
                return Ok(());
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), Break> {
        self.window.consume(2);
        loop {
            let star = memchr::memchr(b'*', self.window.data());
            self.window.consume(star.unwrap_or(self.window.data().len()));
            if star.is_none() {
                if !self.window.more()? {
                    return Ok(());
                }
                continue;
            }
            let is_end = self.window.peek_second()? == Some(b'/');
            self.window.consume(if is_end { 2 } else { 1 });
            if is_end {
                return Ok(());
            }
        }
    }

    /// The rest of a statement, its `;` included.
    pub(super) fn skip_statement(&mut self) -> Result<(), Break> {
        loop {
            let Some(at) = memchr::memchr3(b'\'', b'"', b';', self.window.data()) else {
                let length = self.window.data().len();
                self.window.consume(length);
                if self.window.more()? {
                    continue;
                }
                return Ok(());
            };
            self.window.consume(at);
            match self.window.peek()? {
                Some(b';') => {
                    self.bump();
                    return Ok(());
                }
                Some(quote) => self.text(quote, &mut Sink { to: None, limit: 0, is_over: false })?,
                None => return Ok(()),
            }
        }
    }

    /// A word, which may be empty.
    pub(super) fn word(&mut self) -> Result<String, Break> {
        let word = self.peek_word()?;
        self.window.consume(word.len());
        Ok(word)
    }

    /// The word that comes, left where it is.
    pub(super) fn peek_word(&mut self) -> Result<String, Break> {
        loop {
            let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(*byte, b'_' | b'$') || *byte >= 0x80;
            let data = self.window.data();
            let length = data.iter().take(MAX_NAME_BYTES).take_while(|byte| is_part(byte)).count();
            if length < data.len() || length == MAX_NAME_BYTES || !self.window.more()? {
                let word = self.window.data().get(..length).unwrap_or_default();
                // Its length in bytes is counted on: what is no UTF-8 becomes a letter of one byte.
                return Ok(match std::str::from_utf8(word) {
                    Ok(word) => word.to_owned(),
                    Err(_) => word.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '_' }).collect(),
                });
            }
        }
    }

    /// The name of a table or column, without quotes and without the database before it.
    pub(super) fn name(&mut self) -> Result<String, Break> {
        loop {
            self.skip_blank()?;
            let name = match self.window.peek()? {
                Some(quote @ (b'`' | b'"')) => {
                    let mut name = Vec::new();
                    self.text(quote, &mut Sink { to: Some(&mut name), limit: MAX_NAME_BYTES, is_over: false })?;
                    String::from_utf8_lossy(&name).into_owned()
                }
                _ => self.word()?,
            };
            self.skip_blank()?;
            if self.window.peek()? != Some(b'.') {
                return Ok(name);
            }
            self.bump();
        }
    }

    /// The names in parentheses: of an INSERT, or of the columns that a CREATE TABLE describes.
    pub(super) fn columns(&mut self) -> Result<Vec<String>, Break> {
        const NO_COLUMNS: [&str; 10] =
            ["PRIMARY", "KEY", "UNIQUE", "INDEX", "FULLTEXT", "SPATIAL", "CONSTRAINT", "FOREIGN", "CHECK", "PERIOD"];
        self.bump();
        let mut columns = Vec::new();
        loop {
            self.skip_blank()?;
            let is_quoted = matches!(self.window.peek()?, Some(b'`' | b'"'));
            let name = self.name()?;
            let is_column = is_quoted || !NO_COLUMNS.iter().any(|word| word.eq_ignore_ascii_case(&name));
            if is_column && columns.len() < MAX_COLUMNS {
                columns.push(name);
            }
            if !self.skip_to_comma()? {
                return Ok(columns);
            }
        }
    }

    /// Passes over what stands up to a comma, which is taken, or up to the closing parenthesis, which is too: false.
    fn skip_to_comma(&mut self) -> Result<bool, Break> {
        let mut depth = 0_u32;
        loop {
            match self.window.peek()? {
                None => return Err(self.cut_short()),
                Some(quote @ (b'\'' | b'"' | b'`')) => {
                    self.text(quote, &mut Sink { to: None, limit: 0, is_over: false })?;
                    continue;
                }
                Some(b'(') => depth = depth.saturating_add(1),
                Some(b',') if depth == 0 => {
                    self.bump();
                    return Ok(true);
                }
                Some(b')') if depth == 0 => {
                    self.bump();
                    return Ok(false);
                }
                Some(b')') => depth -= 1,
                Some(_) => {}
            }
            self.bump();
        }
    }

    /// A value of a row; its text is added to `to`, up to `limit` bytes.
    pub(super) fn value(&mut self, to: Option<&mut Vec<u8>>, limit: usize) -> Result<Value, Break> {
        let mut sink = Sink { to, limit, is_over: false };
        self.skip_blank()?;
        let value = match self.window.peek()? {
            Some(b'\'' | b'"') => self.texts(&mut sink)?,
            Some(b'0') if matches!(self.window.peek_second()?, Some(b'x' | b'X')) => {
                self.window.consume(2);
                self.hexadecimal(&mut sink)?
            }
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => self.number(&mut sink)?,
            Some(b'x' | b'X' | b'n' | b'N') if self.window.peek_second()? == Some(b'\'') => {
                let is_hexadecimal = matches!(self.window.peek()?, Some(b'x' | b'X'));
                self.bump();
                if is_hexadecimal { self.quoted_hexadecimal(&mut sink)? } else { self.texts(&mut sink)? }
            }
            Some(_) => {
                let word = self.word()?;
                self.skip_blank()?;
                match self.window.peek()? {
                    _ if word.eq_ignore_ascii_case("NULL") => Value::Null,
                    // A charset, `_binary '…'`, `_utf8mb4 0x…`: the bytes are the text's all the same.
                    Some(b'\'' | b'"') if word.starts_with('_') => self.texts(&mut sink)?,
                    Some(b'0') if word.starts_with('_') => {
                        self.window.consume(2);
                        self.hexadecimal(&mut sink)?
                    }
                    Some(b'x' | b'X') if word.starts_with('_') => {
                        self.bump();
                        self.quoted_hexadecimal(&mut sink)?
                    }
                    _ => Value::Unknown,
                }
            }
            None => return Err(self.cut_short()),
        };
        self.skip_blank()?;
        match self.window.peek()? {
            Some(b',' | b')') => Ok(if sink.is_over { Value::TooLong } else { value }),
            _ => {
                self.skip_expression()?;
                Ok(Value::Unknown)
            }
        }
    }

    /// Up to the comma or parenthesis that ends a value.
    fn skip_expression(&mut self) -> Result<(), Break> {
        let mut depth = 0_u32;
        loop {
            match self.window.peek()? {
                None => return Err(self.cut_short()),
                Some(b',' | b')' | b';') if depth == 0 => return Ok(()),
                Some(quote @ (b'\'' | b'"')) => {
                    self.text(quote, &mut Sink { to: None, limit: 0, is_over: false })?;
                    continue;
                }
                Some(b'(') => depth = depth.saturating_add(1),
                Some(b')') => depth -= 1,
                Some(_) => {}
            }
            self.bump();
        }
    }

    fn number(&mut self, sink: &mut Sink<'_>) -> Result<Value, Break> {
        while let Some(byte @ (b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) = self.window.peek()? {
            sink.push(&[byte]);
            self.bump();
        }
        Ok(Value::Text)
    }

    fn hexadecimal(&mut self, sink: &mut Sink<'_>) -> Result<Value, Break> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        while let Some(high) = self.window.peek()?.and_then(digit) {
            self.bump();
            let Some(low) = self.window.peek()?.and_then(digit) else { return Ok(Value::Unknown) };
            self.bump();
            sink.push(&[high << 4 | low]);
        }
        Ok(Value::Text)
    }

    fn quoted_hexadecimal(&mut self, sink: &mut Sink<'_>) -> Result<Value, Break> {
        self.bump();
        let value = self.hexadecimal(sink)?;
        if self.window.peek()? == Some(b'\'') {
            self.bump();
            return Ok(value);
        }
        Ok(Value::Unknown)
    }

    /// A text, or several side by side, which are one.
    fn texts(&mut self, sink: &mut Sink<'_>) -> Result<Value, Break> {
        while let Some(quote @ (b'\'' | b'"')) = self.window.peek()? {
            self.text(quote, sink)?;
            self.skip_blank()?;
        }
        Ok(Value::Text)
    }

    /// A text between quotes, its escapes undone.
    fn text(&mut self, quote: u8, sink: &mut Sink<'_>) -> Result<(), Break> {
        self.bump();
        // Between backquotes a backslash is itself.
        let escape = if quote == b'`' { quote } else { b'\\' };
        loop {
            let data = self.window.data();
            let at = memchr::memchr2(quote, escape, data);
            let plain = data.get(..at.unwrap_or(data.len())).unwrap_or_default();
            sink.push(plain);
            let length = plain.len();
            self.window.consume(length);
            if at.is_none() {
                if !self.window.more()? {
                    return Err(self.cut_short());
                }
                continue;
            }
            let second = self.window.peek_second()?;
            if self.window.peek()? == Some(quote) {
                if second != Some(quote) {
                    self.bump();
                    return Ok(());
                }
                sink.push(&[quote]);
            } else {
                let Some(second) = second else { return Err(self.cut_short()) };
                match second {
                    b'n' => sink.push(b"\n"),
                    b'r' => sink.push(b"\r"),
                    b't' => sink.push(b"\t"),
                    b'0' => sink.push(b"\0"),
                    b'b' => sink.push(b"\x08"),
                    b'Z' => sink.push(b"\x1a"),
                    // For LIKE, where the backslash stays.
                    b'%' | b'_' => sink.push(&[b'\\', second]),
                    other => sink.push(&[other]),
                }
            }
            self.window.consume(2);
        }
    }
}
