//! From the bytes of a dump to text, whatever charset they are in.
//!
//! Owns finding the charset of a stream, decoding a stream, and decoding the odd field that is in another charset than
//! the rest. A stream is decoded whole when somebody says its charset, when a byte-order mark or an XML prolog does, or when
//! its beginning is no UTF-8. A dump in UTF-8 with broken places stays one: old databases hold texts of several charsets,
//! and guessing one for all of it would spoil the others. Only the broken field is decoded, by what all broken fields
//! so far look like. Where no charset fits, U+FFFD stands for what was lost.

use std::io::Read;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// A charset by which dumps are decoded.
pub type Charset = &'static Encoding;

/// Broken fields that the guess is made from: more makes it no better.
const MAX_FED_BYTES: usize = 1 << 20;
const INPUT_BYTES: usize = 32 << 10;
/// Three bytes of UTF-8 for each byte of input, and what the decoder holds back.
const OUTPUT_BYTES: usize = 3 * INPUT_BYTES + 64;

/// The charset of this name, as the web names them: `windows-1256`, `latin1`, `utf-16le`.
///
/// # Errors
/// A sentence with the mend.
pub fn charset_named(name: &str) -> Result<Charset, String> {
    Encoding::for_label_no_replacement(name.as_bytes()).ok_or_else(|| {
        format!("`{name}` is no charset that is known; windows-1256, latin1, utf-8, utf-16le and their like are")
    })
}

/// The charset that a stream with this beginning is in, and the length of its byte-order mark.
pub(super) fn detect(head: &[u8], asked: Option<Charset>) -> (Charset, usize) {
    if let Some((charset, mark_bytes)) = Encoding::for_bom(head) {
        return (asked.unwrap_or(charset), mark_bytes);
    }
    if let Some(charset) = asked {
        return (charset, 0);
    }
    // What every format begins with is ASCII.
    match head {
        [1..=255, 0, 1..=255, 0, ..] => return (UTF_16LE, 0),
        [0, 1..=255, 0, 1..=255, ..] => return (UTF_16BE, 0),
        _ => {}
    }
    if is_mostly_utf8(head) {
        return (UTF_8, 0);
    }
    if let Some(charset) = declared(head).filter(|charset| charset.is_ascii_compatible() && *charset != UTF_8) {
        return (charset, 0);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(head, true);
    (detector.guess(None, Utf8Detection::Deny), 0)
}

/// Are there more characters of several bytes than broken places? Other charsets hardly ever look like that.
fn is_mostly_utf8(head: &[u8]) -> bool {
    // The beginning of a file may end within a character.
    let head = match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_none() => head.get(..error.valid_up_to()).unwrap_or(head),
        _ => head,
    };
    let (mut broken, mut characters) = (0, 0);
    for chunk in head.utf8_chunks() {
        characters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    broken == 0 || characters > broken
}

/// What the prolog of an XML file says.
fn declared(head: &[u8]) -> Option<Charset> {
    let prolog = head.strip_prefix(b"<?xml")?;
    let prolog = prolog.get(..memchr::memchr(b'>', prolog)?)?;
    let value = prolog.get(memchr::memmem::find(prolog, b"encoding")? + "encoding".len()..)?;
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    Encoding::for_label_no_replacement(value.get(..memchr::memchr(*quote, value)?)?)
}

/// Decodes a stream: yields UTF-8.
pub(super) struct Transcoder<R> {
    source: R,
    decoder: encoding_rs::Decoder,
    input: Vec<u8>,
    output: Vec<u8>,
    /// What of `output` is yet to be read.
    ready: std::ops::Range<usize>,
    is_over: bool,
}

impl<R: Read> Transcoder<R> {
    pub(super) fn new(source: R, charset: Charset) -> Transcoder<R> {
        let decoder = charset.new_decoder_without_bom_handling();
        let (input, output) = (vec![0; INPUT_BYTES], vec![0; OUTPUT_BYTES]);
        Transcoder { source, decoder, input, output, ready: 0..0, is_over: false }
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.ready.is_empty() && !self.is_over {
            let read = self.source.read(&mut self.input)?;
            self.is_over = read == 0;
            let input = self.input.get(..read).unwrap_or_default();
            // The output holds whatever so much input becomes.
            let (_, _, written, _) = self.decoder.decode_to_utf8(input, &mut self.output, self.is_over);
            self.ready = 0..written;
        }
        let ready = self.output.get(self.ready.clone()).unwrap_or_default();
        let length = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), ready.get(..length)) {
            to.copy_from_slice(from);
        }
        self.ready.start += length;
        Ok(length)
    }
}

/// Makes text of fields.
pub(super) struct Fields {
    detector: Option<EncodingDetector>,
    fed: usize,
    broken: u64,
}

impl Fields {
    pub(super) fn new() -> Fields {
        Fields { detector: None, fed: 0, broken: 0 }
    }

    /// The text of a field; without NUL characters, which are no part of any text.
    pub(super) fn text(&mut self, bytes: &[u8]) -> String {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => self.guess(bytes),
        };
        without_nul(text)
    }

    #[cold]
    fn guess(&mut self, bytes: &[u8]) -> String {
        self.broken += 1;
        let detector = self.detector.get_or_insert_with(|| EncodingDetector::new(Iso2022JpDetection::Deny));
        if self.fed < MAX_FED_BYTES {
            self.fed += bytes.len();
            detector.feed(bytes, false);
        }
        if is_mostly_utf8(bytes) {
            return String::from_utf8_lossy(bytes).into_owned();
        }
        let charset = detector.guess(None, Utf8Detection::Deny);
        charset.decode_without_bom_handling(bytes).0.into_owned()
    }

    /// What there is to say when all has been read.
    pub(super) fn note(&self) -> Option<String> {
        let detector = self.detector.as_ref()?;
        let charset = detector.guess(None, Utf8Detection::Deny).name();
        Some(format!("{} texts are not in UTF-8 like the rest; they were read as {charset}", self.broken))
    }
}

/// The text without NUL characters.
pub(super) fn without_nul(text: String) -> String {
    if memchr::memchr(0, text.as_bytes()).is_some() { text.replace('\0', "") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], asked: Option<Charset>) -> (&'static str, String) {
        let (charset, mark_bytes) = detect(bytes, asked);
        let mut text = String::new();
        Transcoder::new(&bytes[mark_bytes..], charset).read_to_string(&mut text).unwrap();
        (charset.name(), text)
    }

    #[test]
    fn charsets_are_told_by_their_bytes() {
        let arabic = "{\"content\":\"السلام عليكم ورحمة الله وبركاته، شكرا على المقال\"}".repeat(3);
        assert_eq!(read(arabic.as_bytes(), None), ("UTF-8", arabic.clone()));
        let (legacy, ..) = encoding_rs::WINDOWS_1256.encode(&arabic);
        assert_eq!(read(&legacy, None), ("windows-1256", arabic.clone()));
        let german = "label,content\nham,Schöne Grüße aus Köln, für die Straße\n";
        let (latin, ..) = encoding_rs::WINDOWS_1252.encode(german);
        assert_eq!(read(&latin, None), ("windows-1252", german.to_owned()));
        for (charset, swap) in [(UTF_16LE, false), (UTF_16BE, true)] {
            let units = arabic.encode_utf16().map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() });
            let wide: Vec<u8> = units.flatten().collect();
            assert_eq!(read(&wide, None), (charset.name(), arabic.clone()));
            let marked: Vec<u8> = if swap { b"\xfe\xff".to_vec() } else { b"\xff\xfe".to_vec() };
            assert_eq!(read(&[marked, wide].concat(), None), (charset.name(), arabic.clone()));
        }
        assert_eq!(read(b"\xef\xbb\xbfab", None), ("UTF-8", "ab".to_owned()));
        assert_eq!(read("é".as_bytes(), Some(encoding_rs::WINDOWS_1252)), ("windows-1252", "Ã©".to_owned()));
        assert_eq!(read(b"<?xml version='1.0' encoding='koi8-r'?><a>\xe8\xf0</a>", None).0, "KOI8-R");
        assert!(charset_named("utf-99").unwrap_err().contains("windows-1256"));
    }

    #[test]
    fn a_broken_place_does_not_make_mojibake_of_the_rest() {
        let mixed = [&"Schöne Grüße aus Köln ".repeat(9).into_bytes(), &b"gr\xfc\xdfe"[..]].concat();
        assert_eq!(detect(&mixed, None).0.name(), "UTF-8");
        let mut fields = Fields::new();
        assert_eq!(fields.text("Grüße\0".as_bytes()), "Grüße");
        assert_eq!(fields.note(), None);
        assert_eq!(fields.text(b"sch\xf6ne Gr\xfc\xdfe aus K\xf6ln"), "schöne Grüße aus Köln");
        assert!(fields.note().unwrap().starts_with("1 texts are not in UTF-8"));
    }

    #[test]
    fn a_character_across_two_reads_is_whole() {
        let text = format!("{}{}", "a".repeat(INPUT_BYTES - 1), "م".repeat(INPUT_BYTES));
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut decoded = String::new();
        Transcoder::new(&wide[..], UTF_16LE).read_to_string(&mut decoded).unwrap();
        assert!(decoded == text);
    }
}
