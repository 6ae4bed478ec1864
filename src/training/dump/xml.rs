//! XML without its dangers: a pull parser that goes only so deep, keeps only so much of an element, and expands nothing.
//!
//! quick-xml does the parsing. Around it: [`Guard`] drops what is beyond the limit of one text or tag while it streams by
//! (a post with pictures in it may be longer than any comment), [`Escaped`] brings bytes that are no UTF-8 through to
//! the field they stand in. Entities of the file's own are never expanded; a file that declares some is refused, because
//! no CMS writes such a dump.

use std::io::{BufRead, BufReader, Read};

use quick_xml::events::Event;

use super::charset::{Fields, without_nul};
use super::{Break, MAX_RECORD_BYTES};

/// Exports are some six deep.
const MAX_DEPTH: u32 = 64;
const CHUNK_BYTES: usize = 128 << 10;

/// What stands next in the file, so far as readers of exports care; [`Xml::name`] says of which element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An element begins; an empty one begins and ends.
    Start,
    /// It ends.
    End,
}

pub(super) struct Xml<R: Read> {
    reader: quick_xml::Reader<Guard<BufReader<Escaped<R>>>>,
    buffer: Vec<u8>,
    depth: u32,
    /// What stands between `<` and `>` of the last token.
    tag: String,
    /// The text that is being collected, perhaps of several pieces.
    text: String,
    is_collecting: bool,
    was_cut: bool,
    fields: Fields,
}

impl<R: Read> Xml<R> {
    pub(super) fn new(source: R) -> Xml<R> {
        let source = BufReader::with_capacity(CHUNK_BYTES, Escaped::new(source));
        let mut reader = quick_xml::Reader::from_reader(Guard::new(source));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        // Depth is counted here, and exports that were put together by hand may be sloppy.
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Xml {
            reader,
            buffer: Vec::new(),
            depth: 0,
            tag: String::new(),
            text: String::new(),
            is_collecting: false,
            was_cut: false,
            fields: Fields::new(),
        }
    }

    /// How far it has come, bytes.
    pub(super) fn position(&self) -> u64 {
        self.reader.buffer_position() + self.reader.get_ref().dropped
    }

    /// The name of the last token's element, without its prefix.
    pub(super) fn name(&self) -> &str {
        let name = self.tag.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        name.rsplit_once(':').map_or(name, |(_, local)| local)
    }

    /// The value of an attribute of the element that has just begun, by its name without prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let at = |(place, _): (usize, &str)| {
            let before = self.tag.get(..place)?.chars().next_back()?;
            let value = self.tag.get(place + name.len()..)?.trim_start().strip_prefix('=')?.trim_start();
            let quote = value
                .chars()
                .next()
                .filter(|quote| (before == ':' || before.is_whitespace()) && "'\"".contains(*quote))?;
            value.get(1..)?.split(quote).next()
        };
        self.tag.match_indices(name).find_map(at)
    }

    /// Begins to collect the text of the element that has just begun.
    pub(super) fn collect(&mut self) {
        self.text.clear();
        self.is_collecting = true;
        self.was_cut = false;
    }

    /// The text of the element that has just ended.
    ///
    /// # Errors
    /// A reason when it was too long to be kept.
    pub(super) fn collected(&mut self) -> Result<String, String> {
        self.is_collecting = false;
        if self.was_cut {
            return Err(format!("a text longer than {MAX_RECORD_BYTES} bytes"));
        }
        Ok(match unescaped(&self.text) {
            Some(bytes) => self.fields.text(&bytes),
            None => without_nul(self.text.clone()),
        })
    }

    pub(super) fn note(&self) -> Option<String> {
        self.fields.note()
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Break> {
        loop {
            self.buffer.clear();
            let position = self.position();
            self.reader.get_mut().begin();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(error)) => {
                    return Err(Break::Io(std::io::Error::new(error.kind(), error.to_string())));
                }
                Err(error) => return Err(Break::Unreadable(format!("broken XML at byte {position}: {error}"))),
            };
            self.was_cut |= self.reader.get_ref().was_cut;
            let mut keep = |text: &str| {
                self.was_cut |= self.text.len() + text.len() > MAX_RECORD_BYTES;
                if !self.was_cut {
                    self.text.push_str(text);
                }
            };
            match event {
                Event::Eof if self.depth == 0 => return Ok(None),
                Event::Eof => {
                    let reason = "ends within an element: it was cut short; export or copy it again";
                    return Err(Break::Unreadable(reason.to_owned()));
                }
                Event::Start(_) if self.depth >= MAX_DEPTH => {
                    return Err(Break::Unreadable(format!(
                        "elements more than {MAX_DEPTH} deep within each other at byte {position}; no export is like that"
                    )));
                }
                Event::Start(tag) => {
                    self.depth += 1;
                    self.tag.clear();
                    self.tag.push_str(&tag);
                    return Ok(Some(Token::Start));
                }
                Event::End(tag) => {
                    self.depth = self.depth.saturating_sub(1);
                    self.tag.clear();
                    self.tag.push_str(&tag);
                    return Ok(Some(Token::End));
                }
                Event::DocType(text) if text.contains("<!ENTITY") => {
                    let reason = "declares entities of its own, which no export does; take the <!DOCTYPE …> out";
                    return Err(Break::Unreadable(reason.to_owned()));
                }
                Event::Text(text) if self.is_collecting => keep(&text),
                Event::CData(text) if self.is_collecting => keep(&text),
                Event::GeneralRef(name) if self.is_collecting => match name.resolve_char_ref() {
                    Ok(Some(character)) => keep(character.encode_utf8(&mut [0; 4])),
                    _ => match quick_xml::escape::resolve_predefined_entity(&name) {
                        Some(text) => keep(text),
                        // HTML's own, or nobody's: it stays as it is written.
                        None => keep(&format!("&{};", &*name)),
                    },
                },
                _ => {}
            }
        }
    }
}

/// Counts what the parser takes for one event, and lets no more than the limit through.
struct Guard<R> {
    source: R,
    taken: usize,
    /// How the event begins: that tells how it ends.
    first: [u8; 9],
    /// The end of an event whose inside was dropped.
    pending: &'static [u8],
    was_cut: bool,
    /// Bytes that the parser never saw.
    dropped: u64,
}

impl<R: BufRead> Guard<R> {
    fn new(source: R) -> Guard<R> {
        Guard { source, taken: 0, first: [0; 9], pending: &[], was_cut: false, dropped: 0 }
    }

    /// An event begins.
    fn begin(&mut self) {
        (self.taken, self.first, self.was_cut) = (0, [0; 9], false);
    }

    /// Drops the rest of an event that is too long, up to its end.
    fn drop_rest(&mut self) -> std::io::Result<()> {
        self.was_cut = true;
        self.pending = match &self.first {
            b"<![CDATA[" => b"]]>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', ..] => {
                let reason = format!("a tag or declaration longer than {MAX_RECORD_BYTES} bytes; no export has such");
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, reason));
            }
            _ => &[],
        };
        let last = if self.pending.is_empty() { b'<' } else { b'>' };
        let mut before = [0; 2];
        loop {
            let buffer = self.source.fill_buf()?;
            if buffer.is_empty() {
                self.pending = &[];
                return Ok(());
            }
            let Some(at) = memchr::memchr(last, buffer) else {
                let length = buffer.len();
                for &byte in buffer.get(length.saturating_sub(2)..).unwrap_or_default() {
                    before = [before[1], byte];
                }
                self.source.consume(length);
                self.dropped += length as u64;
                continue;
            };
            if self.pending.is_empty() {
                self.source.consume(at);
                self.dropped += at as u64;
                return Ok(());
            }
            for &byte in buffer.get(at.saturating_sub(2)..at).unwrap_or_default() {
                before = [before[1], byte];
            }
            self.source.consume(at + 1);
            self.dropped += at as u64 + 1;
            if self.pending.starts_with(&before) {
                return Ok(());
            }
            before = [0, b'>'];
        }
    }
}

impl<R: BufRead> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Guard<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.taken > MAX_RECORD_BYTES && !self.was_cut {
            self.drop_rest()?;
        }
        if self.pending.is_empty() { self.source.fill_buf() } else { Ok(self.pending) }
    }

    fn consume(&mut self, bytes: usize) {
        if !self.pending.is_empty() {
            self.pending = self.pending.get(bytes..).unwrap_or_default();
            return;
        }
        if self.taken < self.first.len()
            && let Ok(buffer) = self.source.fill_buf()
        {
            let room = self.first.get_mut(self.taken..).unwrap_or_default();
            room.iter_mut().zip(buffer.iter().take(bytes)).for_each(|(to, from)| *to = *from);
        }
        self.taken += bytes;
        self.source.consume(bytes);
    }
}

/// Where bytes that are no UTF-8 hide: the last 256 characters of all, which no text has, one for each byte.
const HIDING: u32 = 0x10_FF00;

/// Makes UTF-8 of a stream by hiding what is none, so that the parser lets it pass.
struct Escaped<R> {
    source: R,
    input: Vec<u8>,
    /// What of `input` is not looked at yet.
    kept: usize,
    output: Vec<u8>,
    sent: usize,
    is_over: bool,
}

impl<R: Read> Escaped<R> {
    fn new(source: R) -> Escaped<R> {
        Escaped { source, input: vec![0; CHUNK_BYTES], kept: 0, output: Vec::new(), sent: 0, is_over: false }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let read = self.source.read(self.input.get_mut(self.kept..).unwrap_or_default())?;
        self.is_over = read == 0;
        self.output.clear();
        self.sent = 0;
        let end = self.kept + read;
        let mut used = 0;
        // Nearly always all of it is UTF-8, but for a character that is cut at the end.
        let whole = match std::str::from_utf8(self.input.get(..end).unwrap_or_default()) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() && !self.is_over => error.valid_up_to(),
            Err(_) => 0,
        };
        if whole > 0 {
            self.output.extend_from_slice(self.input.get(..whole).unwrap_or_default());
            self.input.copy_within(whole..end, 0);
            self.kept = end - whole;
            return Ok(());
        }
        for chunk in self.input.get(..end).unwrap_or_default().utf8_chunks() {
            self.output.extend_from_slice(chunk.valid().as_bytes());
            used += chunk.valid().len();
            // The beginning of a character whose rest is yet to come.
            if used + chunk.invalid().len() == end && !self.is_over && chunk.invalid().len() < 4 {
                break;
            }
            for &byte in chunk.invalid() {
                let hidden = char::from_u32(HIDING + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER);
                self.output.extend_from_slice(hidden.encode_utf8(&mut [0; 4]).as_bytes());
            }
            used += chunk.invalid().len();
        }
        self.input.copy_within(used..end, 0);
        self.kept = end - used;
        Ok(())
    }
}

impl<R: Read> Read for Escaped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.sent == self.output.len() && !self.is_over {
            self.fill()?;
        }
        let ready = self.output.get(self.sent..).unwrap_or_default();
        let length = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), ready.get(..length)) {
            to.copy_from_slice(from);
        }
        self.sent += length;
        Ok(length)
    }
}

/// The bytes that stood in the file, if some are hidden in `text`.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let is_hidden = |c: char| (HIDING..HIDING + 256).contains(&u32::from(c));
    // All of them begin with this byte, and nothing else that anybody writes.
    memchr::memchr(0xf4, text.as_bytes())?;
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(u32::from(character).wrapping_sub(HIDING)) {
            Ok(byte) if is_hidden(character) => bytes.push(byte),
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(bytes)
}
