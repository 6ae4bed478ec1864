//! Markup off: HTML tags and entities, BBCode and Markdown links.
//!
//! Owns what a reader sees of a marked-up comment and where its anchors point. Does not own what counts as a link in
//! plain text (`links`).
//!
//! This is no parser of documents but a stripper of fragments: a tag is what starts like one and ends before the next `<`.

use std::borrow::Cow;
use std::ops::Range;

use super::links::Syntax;

/// What the markup of a comment gave away besides its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markup {
    /// HTML tags, comments and declarations.
    pub tags: u32,
    /// Anchors in HTML, in BBCode and in Markdown.
    pub html_anchors: u32,
    pub bbcode_anchors: u32,
    pub markdown_anchors: u32,
    /// A style that hides text from readers; the style itself.
    pub hidden: Option<String>,
    /// `<script`, `<style`, `<iframe`, `<object` or `<embed` was there.
    pub is_active: bool,
    /// Where `<code>` and `<pre>` reach in the raw text, bytes.
    pub code: Vec<Range<usize>>,
}

/// An anchor: where it points, and which part of the visible text it covers.
#[derive(Debug)]
pub(super) struct Anchor {
    pub target: String,
    pub shown: Range<usize>,
    pub syntax: Syntax,
}

#[derive(Debug)]
pub(super) struct Unmarked {
    /// `None`: the text has no markup at all.
    pub visible: Option<String>,
    pub anchors: Vec<Anchor>,
    pub markup: Markup,
}

/// Longest target and longest bracket that is looked at, bytes.
const MAX_TARGET: usize = 2_048;
/// Anchors and code ranges kept; more are counted only.
const MAX_KEPT: usize = 1_000;
/// Longest entity, `&CounterClockwiseContourIntegral;`, with room for leading zeroes in a numeric one.
const MAX_ENTITY: usize = 40;

/// Takes the markup off. Costs one scan for three bytes when there is none.
pub(super) fn unmark(raw: &str) -> Unmarked {
    if !raw.bytes().any(|byte| matches!(byte, b'<' | b'&' | b'[')) {
        return Unmarked { visible: None, anchors: Vec::new(), markup: Markup::default() };
    }
    let mut stripper = Stripper::new(raw);
    stripper.run();
    stripper.finish()
}

struct Stripper<'a> {
    raw: &'a str,
    at: usize,
    out: String,
    anchors: Vec<Anchor>,
    markup: Markup,
    /// Indices into `anchors` of the HTML and the BBCode anchor whose text is being read.
    open_html: Option<usize>,
    open_bbcode: Option<usize>,
    /// Where in `out` the last `[` stands that may begin a Markdown link.
    open_bracket: Option<usize>,
    open_code: Option<usize>,
    /// Bytes that scans for the end of a tag may still waste; keeps hostile nesting of quotes linear.
    fuel: usize,
    /// No `-->`, no end of script or of style follows any more: do not search for it again.
    no_more: [bool; 3],
}

impl<'a> Stripper<'a> {
    fn new(raw: &'a str) -> Stripper<'a> {
        Stripper {
            raw,
            at: 0,
            out: String::with_capacity(raw.len()),
            anchors: Vec::new(),
            markup: Markup::default(),
            open_html: None,
            open_bbcode: None,
            open_bracket: None,
            open_code: None,
            fuel: 4 * raw.len(),
            no_more: [false; 3],
        }
    }

    fn rest(&self) -> &'a str {
        self.raw.get(self.at..).unwrap_or_default()
    }

    fn run(&mut self) {
        loop {
            let rest = self.rest();
            let Some(plain) = rest.bytes().position(|byte| matches!(byte, b'<' | b'&' | b'[' | b']')) else {
                self.out.push_str(rest);
                break;
            };
            self.out.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            let rest = self.rest();
            let taken = match rest.as_bytes().first() {
                Some(b'<') => self.tag(rest),
                Some(b'&') => self.entity(rest),
                Some(b'[') => self.open(rest),
                _ => self.close(rest),
            };
            if taken == 0 {
                // No markup after all: the byte stands for itself.
                self.out.push_str(rest.get(..1).unwrap_or_default());
                self.at += 1;
            } else {
                self.at += taken;
            }
        }
    }

    /// `&amp;` and its kin; the bytes taken.
    fn entity(&mut self, rest: &str) -> usize {
        let window = rest.as_bytes().get(..MAX_ENTITY.min(rest.len())).unwrap_or_default();
        let Some(end) = window.iter().position(|&byte| byte == b';') else { return 0 };
        let written = rest.get(..=end).unwrap_or_default();
        match html_escape::decode_html_entities(written) {
            Cow::Borrowed(_) => 0,
            Cow::Owned(decoded) => {
                self.out.push_str(&decoded);
                written.len()
            }
        }
    }

    /// `<…>`; the bytes taken.
    fn tag(&mut self, rest: &'a str) -> usize {
        let bytes = rest.as_bytes();
        match bytes.get(1) {
            Some(b'!') if rest.starts_with("<!--") => {
                self.markup.tags += 1;
                return self.skip_to(rest, "-->", 0);
            }
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'/' | b'!' | b'?') => {}
            _ => return 0,
        }
        let Some(end) = self.end_of_tag(bytes) else { return 0 };
        let body = rest.get(1..end).unwrap_or_default();
        let is_closing = body.starts_with('/');
        let body = body.trim_start_matches('/');
        let name_end = body.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(body.len());
        let (name, attributes) = body.split_at(name_end);
        self.markup.tags += 1;
        let mut taken = end + 1;
        match name.to_ascii_lowercase().as_str() {
            "a" => {
                self.close_html();
                if !is_closing && let Some(target) = attribute(attributes, "href") {
                    self.markup.html_anchors += 1;
                    self.open_html = self.begin(target, Syntax::Html);
                }
            }
            name @ ("script" | "style") if !is_closing => {
                self.markup.is_active = true;
                let (close, slot) = if name == "script" { ("</script", 1) } else { ("</style", 2) };
                taken += self.skip_to(rest.get(taken..).unwrap_or_default(), close, slot);
            }
            "iframe" | "object" | "embed" => self.markup.is_active = true,
            "code" | "pre" => self.code(is_closing),
            "br" | "p" | "div" | "li" | "ul" | "ol" | "tr" | "table" | "blockquote" | "h1" | "h2" | "h3" | "h4"
            | "h5" | "h6" | "hr" => self.out.push('\n'),
            "td" | "th" => self.out.push(' '),
            _ => {}
        }
        if self.markup.hidden.is_none() && attributes.len() > 8 {
            self.markup.hidden = attribute(attributes, "style").filter(|style| hides(style)).map(Cow::into_owned);
        }
        taken
    }

    /// Bytes up to and with `end`, or none when it does not follow: what looked like an opening is then dropped alone.
    fn skip_to(&mut self, rest: &str, end: &str, slot: usize) -> usize {
        let Some(none_left) = self.no_more.get_mut(slot) else { return 0 };
        if *none_left {
            return 0;
        }
        match find_ignoring_case(rest, end) {
            // The closing tag itself is read as a tag; a comment's end is not one.
            Some(found) if end.starts_with('<') => found,
            Some(found) => found + end.len(),
            None => {
                *none_left = true;
                0
            }
        }
    }

    /// Offset of the `>` that ends the tag at the start of `bytes`; quotes may hold a `>`.
    fn end_of_tag(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut quote = None;
        for (offset, &byte) in bytes.iter().enumerate().skip(1).take(self.fuel) {
            match (quote, byte) {
                (None, b'>') => return Some(offset),
                (None, b'<') => {
                    self.fuel = self.fuel.saturating_sub(offset);
                    return None;
                }
                // Quotes open a value only after `=`; elsewhere they are typing errors.
                (None, b'"' | b'\'') if bytes.get(offset - 1) == Some(&b'=') => quote = Some(byte),
                (Some(open), byte) if byte == open => quote = None,
                _ => {}
            }
        }
        self.fuel = self.fuel.saturating_sub(bytes.len());
        None
    }

    fn code(&mut self, is_closing: bool) {
        if !is_closing {
            self.open_code.get_or_insert(self.at);
        } else if let Some(start) = self.open_code.take()
            && self.markup.code.len() < MAX_KEPT
        {
            self.markup.code.push(start..self.at);
        }
    }

    /// `[url=…]`, `[/url]`, other BBCode, or the beginning of a Markdown link; the bytes taken.
    fn open(&mut self, rest: &str) -> usize {
        let window = rest.as_bytes().get(1..MAX_TARGET.min(rest.len())).unwrap_or_default();
        let name_len = window.iter().position(|byte| !byte.is_ascii_alphabetic() && *byte != b'/').unwrap_or(0);
        let name = rest.get(1..=name_len).unwrap_or_default().to_ascii_lowercase();
        let is_bbcode = matches!(
            name.as_str(),
            "url"
                | "/url"
                | "link"
                | "/link"
                | "img"
                | "/img"
                | "b"
                | "/b"
                | "i"
                | "/i"
                | "u"
                | "/u"
                | "quote"
                | "/quote"
        );
        let end = if is_bbcode { window.iter().position(|&byte| byte == b']' || byte == b'\n') } else { None };
        let Some(end) = end.map(|offset| offset + 1).filter(|&end| rest.as_bytes().get(end) == Some(&b']')) else {
            self.open_bracket = Some(self.out.len());
            return 0;
        };
        match name.as_str() {
            "url" | "link" => {
                self.markup.bbcode_anchors += 1;
                let value = rest.get(1 + name_len..end).unwrap_or_default();
                let value = value.trim_start_matches('=').trim_matches(['"', '\'', ' ']);
                let target = value.split_whitespace().next().unwrap_or_default();
                self.open_bbcode = self.begin(Cow::Borrowed(target), Syntax::BbCode);
            }
            "/url" | "/link" => self.close_bbcode(),
            _ => {}
        }
        end + 1
    }

    /// `](target)` of a Markdown link; the bytes taken.
    fn close(&mut self, rest: &str) -> usize {
        let Some(open) = self.open_bracket.take() else { return 0 };
        let window = rest.as_bytes().get(..MAX_TARGET.min(rest.len())).unwrap_or_default();
        if window.get(1) != Some(&b'(') {
            return 0;
        }
        let Some(end) = window.iter().position(|&byte| byte == b')' || byte == b'\n') else { return 0 };
        let target = rest.get(2..end).unwrap_or_default().split_whitespace().next().unwrap_or_default();
        let is_link = target.contains('.') || target.contains(':') || target.starts_with('/');
        if window.get(end) != Some(&b')') || !is_link {
            return 0;
        }
        self.markup.markdown_anchors += 1;
        if self.out.as_bytes().get(open) == Some(&b'[') {
            self.out.remove(open);
        }
        if self.anchors.len() < MAX_KEPT {
            let shown = open..self.out.len();
            self.anchors.push(Anchor { target: target.to_owned(), shown, syntax: Syntax::Markdown });
        }
        end + 1
    }

    fn begin(&mut self, target: Cow<'_, str>, syntax: Syntax) -> Option<usize> {
        let start = self.out.len();
        if self.anchors.len() >= MAX_KEPT {
            return None;
        }
        self.anchors.push(Anchor { target: target.into_owned(), shown: start..start, syntax });
        Some(self.anchors.len() - 1)
    }

    fn close_html(&mut self) {
        if let Some(anchor) = self.open_html.take().and_then(|index| self.anchors.get_mut(index)) {
            anchor.shown.end = self.out.len();
        }
    }

    fn close_bbcode(&mut self) {
        if let Some(anchor) = self.open_bbcode.take().and_then(|index| self.anchors.get_mut(index)) {
            anchor.shown.end = self.out.len();
            if anchor.target.is_empty() {
                // `[url]https://…[/url]`: the text is the target.
                anchor.target = self.out.get(anchor.shown.clone()).unwrap_or_default().trim().to_owned();
            }
        }
    }

    fn finish(mut self) -> Unmarked {
        self.close_html();
        self.close_bbcode();
        let visible = (self.out != self.raw).then_some(self.out);
        Unmarked { visible, anchors: self.anchors, markup: self.markup }
    }
}

/// The value of `name` among the attributes of a tag, entities decoded.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let mut rest = attributes;
    // One value per turn, so a hostile tag costs its length; 64 attributes are more than any tag has.
    for _ in 0..64 {
        let equals = rest.find('=')?;
        let (before, after) = rest.split_at(equals);
        let key = before.trim_end().rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or_default();
        let after = after.get(1..)?.trim_start();
        let (value, next) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = after.get(1..)?;
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            _ => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
        };
        if key.eq_ignore_ascii_case(name) {
            let value = value.get(..value.floor_char_boundary(MAX_TARGET)).unwrap_or(value);
            return Some(html_escape::decode_html_entities(value.trim()));
        }
        rest = next;
    }
    None
}

/// Does this style hide text from readers?
fn hides(style: &str) -> bool {
    let style: String = style.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
    style.split(';').any(|rule| {
        matches!(rule, "display:none" | "visibility:hidden" | "opacity:0" | "color:transparent")
            || rule
                .strip_prefix("font-size:")
                .is_some_and(|size| matches!(size, "0" | "0px" | "0em" | "0pt" | "0%" | "1px"))
            || rule.strip_prefix("text-indent:-").is_some_and(|far| far.len() > 4)
            || rule.strip_prefix("left:-").is_some_and(|far| far.len() > 4)
            || rule.strip_prefix("color:").is_some_and(|color| matches!(color, "#fff" | "#ffffff" | "white"))
    })
}

/// Offset of `needle`, which is ASCII and begins with a byte that has no case.
fn find_ignoring_case(haystack: &str, needle: &str) -> Option<usize> {
    let first = *needle.as_bytes().first()?;
    haystack
        .as_bytes()
        .windows(needle.len())
        .position(|window| window.first() == Some(&first) && window.eq_ignore_ascii_case(needle.as_bytes()))
}
