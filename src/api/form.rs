//! Form bodies as clients write them: raw bytes to names and values.
//!
//! Owns percent-escapes, character sets, the spellings of lists, addresses and times. Does not own which fields there are
//! (`akismet::check`, `hooks`). Nothing is refused here: any bytes are a form.

use std::borrow::Cow;
use std::net::IpAddr;

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode;

/// More names than any client sends; what comes after them is not read.
const MAX_PAIRS: usize = 10_000;

/// The fields of a request: those of the query, then those of the body.
#[derive(Debug, Default)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// Reads query and body.
    ///
    /// * `content_type`: the header, whose `charset` counts when the form has no `blog_charset`.
    ///
    /// Values are decoded as `blog_charset` says, by the labels of the WHATWG; UTF-8 when it is absent or unknown, and
    /// when the bytes plainly are UTF-8 whatever was declared: many libraries never send anything else.
    pub fn parse(query: &'a str, body: &'a [u8], content_type: Option<&str>) -> Form<'a> {
        let raw: Vec<(Cow<'a, str>, Cow<'a, [u8]>)> = [query.as_bytes(), body]
            .into_iter()
            .flat_map(|part| part.split(|&byte| byte == b'&'))
            .filter(|piece| !piece.is_empty())
            .take(MAX_PAIRS)
            .map(|piece| {
                let (name, value) = split_once(piece);
                (to_text(unescaped(name), UTF_8), unescaped(value))
            })
            .collect();
        let declared = raw.iter().rev().find(|(name, _)| name == "blog_charset").map(|(_, value)| value.as_ref());
        let charset = declared
            .and_then(encoding)
            .or_else(|| encoding(charset_parameter(content_type?)?.as_bytes()))
            .unwrap_or(UTF_8);
        Form { pairs: raw.into_iter().map(|(name, value)| (name, to_text(value, charset))).collect() }
    }

    /// The value of `name`; the last one when it was sent more than once. `Some("")` when it was sent empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_ref())
    }

    /// The value of `name` unless it is absent or blank, trimmed.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The values of a list, however it was spelt: `name`, `name[]`, `name[0]`, …
    pub fn list<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.pairs.iter().filter(move |(found, _)| is_item(found, name)).map(|(_, value)| value.as_ref())
    }

    /// Every field as sent, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// Whether `found` is `name` itself or an item of the list `name`.
pub fn is_item(found: &str, name: &str) -> bool {
    found.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// An IP address; IPv6 may stand in brackets.
pub fn address(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// ISO 8601, or `YYYY-MM-DD HH:MM:SS` in UTC as WordPress writes it.
pub fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })
}

/// A name without `=` has an empty value: WordPress sends empty fields so.
fn split_once(piece: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = piece.splitn(2, |&byte| byte == b'=');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn unescaped(escaped: &[u8]) -> Cow<'_, [u8]> {
    if !escaped.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(escaped);
    }
    let spaced: Vec<u8> = escaped.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    Cow::Owned(percent_decode(&spaced).collect())
}

/// The encoding with this label; none for those that do not spell ASCII as ASCII, which no form is written in.
fn encoding(label: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_label(label).filter(|found| found.is_ascii_compatible() || *found == ISO_2022_JP)
}

fn charset_parameter(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

fn to_text<'a>(bytes: Cow<'a, [u8]>, charset: &'static Encoding) -> Cow<'a, str> {
    let is_utf8_anyway = || !bytes.is_ascii() && std::str::from_utf8(&bytes).is_ok();
    if charset != UTF_8 && !is_utf8_anyway() {
        return Cow::Owned(charset.decode_without_bom_handling(&bytes).0.into_owned());
    }
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &[u8], expected: &[(&str, &str)]) {
        let form = Form::parse("", body, None);
        let found: Vec<_> = form.iter().collect();
        assert_eq!(found, expected, "{}", body.escape_ascii());
    }

    #[test]
    fn fields_are_read_as_clients_write_them() {
        check(b"", &[]);
        check(b"a=1&b=2", &[("a", "1"), ("b", "2")]);
        check(b"a&b=&=c&&", &[("a", ""), ("b", ""), ("", "c")]);
        check(b"a=x+y%20z%2B", &[("a", "x y z+")]);
        check(b"blog=http://b.example/?q=1=2", &[("blog", "http://b.example/?q=1=2")]);
        check(b"a=%zz%4", &[("a", "%zz%4")]);
        check(b"%63omment=%00", &[("comment", "\0")]);
        check("a=سلام&b=%D8%B3".as_bytes(), &[("a", "سلام"), ("b", "س")]);
    }

    #[test]
    fn the_character_set_is_that_of_the_blog_unless_the_bytes_know_better() {
        check(b"a=caf%E9", &[("a", "caf\u{FFFD}")]);
        check(b"a=caf%E9&blog_charset=ISO-8859-1", &[("a", "café"), ("blog_charset", "ISO-8859-1")]);
        check(b"a=%C7&blog_charset=windows-1256", &[("a", "ا"), ("blog_charset", "windows-1256")]);
        check(b"a=caf%C3%A9&blog_charset=latin1", &[("a", "café"), ("blog_charset", "latin1")]);
        check(b"a=caf%E9&blog_charset=martian", &[("a", "caf\u{FFFD}"), ("blog_charset", "martian")]);
        check(b"a=ab&blog_charset=UTF-16", &[("a", "ab"), ("blog_charset", "UTF-16")]);
        let type_says = Some("application/x-www-form-urlencoded; charset=\"ISO-8859-1\"");
        assert_eq!(Form::parse("", b"a=caf%E9", type_says).get("a"), Some("café"));
        assert_eq!(Form::parse("", b"a=%C7&blog_charset=cp1256", type_says).get("a"), Some("ا"));
    }

    #[test]
    fn the_last_value_wins_and_the_body_wins_over_the_query() {
        let form = Form::parse("a=query&only=query", b"a=1&a=2", None);
        assert_eq!(form.get("a"), Some("2"));
        assert_eq!(form.get("only"), Some("query"));
        assert_eq!(form.get("b"), None);
    }

    #[test]
    fn a_list_has_several_spellings() {
        for body in ["t[0]=a&t[1]=b", "t[]=a&t[]=b", "t=a&t=b", "t%5B0%5D=a&t%5B1%5D=b", "t=a&t[]=b&tt=c"] {
            assert_eq!(Form::parse("", body.as_bytes(), None).list("t").collect::<Vec<_>>(), ["a", "b"], "{body}");
        }
    }

    #[test]
    fn no_number_of_fields_is_too_much() {
        let form = "a&".repeat(1_000_000);
        assert_eq!(Form::parse("", form.as_bytes(), None).iter().count(), MAX_PAIRS);
    }
}
