//! Where in a message a value is found: places, texts made of them, alternatives.
//!
//! Owns how an operator writes that down. Does not own messages, nor finding anything in one (`api::hooks`).

use std::fmt;

/// How to write a place; ends the complaint about one that is none.
const USAGE: &str = "a JSON Pointer (/post/raw), header:NAME, query:NAME, a constant (=markdown), or a text with the \
                     first three in braces ({/post/url}#{/post/id})";

/// Where a value is found: alternatives, the first that says something wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup(Vec<Template>);

/// One alternative: pieces put together. If one of them is not there, nothing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
    written: String,
}

/// A piece of a text, or where to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// A value of the body, by JSON Pointer (RFC 6901). In a form, `/name` is the field of that name.
    Pointer(String),
    /// A header of the request; lower case.
    Header(String),
    /// A parameter of the URL.
    Query(String),
}

impl Lookup {
    /// # Errors
    /// What is wrong, to be read after the key.
    pub fn new(alternatives: &[&str]) -> Result<Lookup, String> {
        if alternatives.is_empty() {
            return Err(format!("must name at least one place: {USAGE}"));
        }
        alternatives.iter().map(|written| Template::new(written)).collect::<Result<_, _>>().map(Lookup)
    }

    pub fn alternatives(&self) -> impl Iterator<Item = &Template> {
        self.0.iter()
    }
}

/// For a sentence: `` `/post/raw` or `/post/cooked` ``.
impl fmt::Display for Lookup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, template) in self.0.iter().enumerate() {
            write!(formatter, "{}`{}`", if at == 0 { "" } else { " or " }, template.written)?;
        }
        Ok(())
    }
}

impl Template {
    fn new(written: &str) -> Result<Template, String> {
        let pieces = match written.strip_prefix('=') {
            Some(constant) => vec![Piece::Text(constant.to_owned())],
            None if written.contains(['{', '}']) => pieces_in_braces(written)?,
            None => vec![place(written)?],
        };
        Ok(Template { pieces, written: written.to_owned() })
    }

    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The value, if it does not depend on the message.
    pub fn constant(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

fn pieces_in_braces(written: &str) -> Result<Vec<Piece>, String> {
    let wrong = || format!("has braces that do not pair up: \"{written}\"");
    let mut pieces = Vec::new();
    let mut rest = written;
    while let Some((text, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}').ok_or_else(wrong)?;
        if text.contains('}') || inside.contains('{') {
            return Err(wrong());
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        pieces.push(place(inside)?);
        rest = after;
    }
    if rest.contains('}') {
        return Err(wrong());
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

fn place(written: &str) -> Result<Piece, String> {
    if written.starts_with('/') {
        // RFC 6901 § 3: a tilde is written ~0 and a slash ~1; nothing else follows a tilde.
        let is_right = written.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
        let wrong = || format!("is no JSON Pointer: in \"{written}\" a `~` is followed by neither 0 nor 1");
        return if is_right { Ok(Piece::Pointer(written.to_owned())) } else { Err(wrong()) };
    }
    match written.split_once(':') {
        Some(("header", name)) => header(name).map(Piece::Header),
        Some(("query", name)) if !name.is_empty() => Ok(Piece::Query(name.to_owned())),
        _ => Err(format!("must be {USAGE}, not \"{written}\"")),
    }
}

/// The name of a header, in lower case.
///
/// # Errors
/// What is wrong, to be read after the key.
pub(super) fn header(name: &str) -> Result<String, String> {
    // RFC 9110 § 5.6.2: the characters of a token.
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(is_token) {
        return Err(format!("must be the name of a header such as X-Hub-Signature-256, not \"{name}\""));
    }
    Ok(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(written: &str) -> Vec<Piece> {
        Template::new(written).unwrap().pieces
    }

    #[test]
    fn a_place_is_written_in_few_ways() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let pointer = |pointer: &str| Piece::Pointer(pointer.to_owned());
        assert_eq!(pieces("/post/raw"), [pointer("/post/raw")]);
        assert_eq!(pieces("/a~1b/~0"), [pointer("/a~1b/~0")]);
        assert_eq!(pieces("/"), [pointer("/")]);
        assert_eq!(pieces("=markdown"), [text("markdown")]);
        assert_eq!(pieces("="), [text("")]);
        assert_eq!(pieces("={/not/a/place}"), [text("{/not/a/place}")]);
        assert_eq!(pieces("header:X-Event"), [Piece::Header("x-event".to_owned())]);
        assert_eq!(pieces("query:event"), [Piece::Query("event".to_owned())]);
        assert_eq!(
            pieces("{header:X-Instance}/t/{/post/id}?p=1"),
            [Piece::Header("x-instance".to_owned()), text("/t/"), pointer("/post/id"), text("?p=1")]
        );
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for (written, part) in [
            ("", "must be a JSON Pointer"),
            ("post.raw", "not \"post.raw\""),
            ("/a~2", "is no JSON Pointer"),
            ("/a~", "is no JSON Pointer"),
            ("header:", "must be the name of a header"),
            ("header:a b", "must be the name of a header"),
            ("query:", "must be a JSON Pointer"),
            ("cookie:a", "must be a JSON Pointer"),
            ("{/a", "do not pair up"),
            ("/a}", "do not pair up"),
            ("{/a{/b}}", "do not pair up"),
            ("{}", "must be a JSON Pointer"),
            ("{=a}", "must be a JSON Pointer"),
        ] {
            let error = Lookup::new(&["/fine", written]).unwrap_err();
            assert!(error.contains(part), "{written}: {error}");
        }
        assert!(Lookup::new(&[]).is_err());
    }
}
