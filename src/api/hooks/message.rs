//! A message of a hook, once it is believed: its body as JSON, its headers, its URL's query.
//!
//! Owns reading a body of either kind, and finding places in a message. Does not own which places there are
//! (`config::hooks`) nor what stands there (`fields`).

use std::borrow::Cow;

use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde_json::{Map, Value};

use crate::api::form::Form;
use crate::api::problem::{Problem, Refusal};
use crate::config::hooks::{Lookup, Piece, Template};

/// A message whose body was understood.
#[derive(Debug)]
pub struct Message<'a> {
    body: Value,
    head: &'a Parts,
}

impl<'a> Message<'a> {
    /// JSON is taken whatever its type says: Discourse declares a form when it is told to, and sends JSON all the same.
    /// A form post becomes a JSON object of texts.
    ///
    /// # Errors
    /// 400 with line and column when the body is neither; 415 when it declares to be something else.
    pub fn read(head: &'a Parts, bytes: &[u8]) -> Result<Message<'a>, Problem> {
        let declared = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_form = kind == "application/x-www-form-urlencoded";
        // RFC 8259 § 8.1 allows to ignore a byte order mark.
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if bytes.trim_ascii_start().starts_with(b"{") || bytes.trim_ascii_start().starts_with(b"[") {
            match serde_json::from_slice(bytes) {
                Ok(body) => return Ok(Message { body, head }),
                Err(_) if is_form => {}
                Err(error) => {
                    let detail = format!("The body is not JSON in UTF-8: {error}.");
                    return Err(Problem::new(Refusal::MalformedBody, detail));
                }
            }
        }
        if is_form {
            return Ok(Message { body: object(&Form::parse("", bytes, Some(declared))), head });
        }
        if !kind.is_empty() && !kind.contains("json") {
            let detail =
                "A hook takes JSON or a form as `application/x-www-form-urlencoded`; have the CMS send one of these.";
            return Err(Problem::new(Refusal::UnsupportedMediaType, detail));
        }
        let detail = "The body does not begin with `{`; send a JSON object.";
        Err(Problem::new(Refusal::MalformedBody, detail))
    }

    /// The first alternative that is there and not blank, else the first that is there.
    pub fn text(&self, lookup: &Lookup) -> Option<String> {
        let mut blank = None;
        for text in lookup.alternatives().filter_map(|template| self.put_together(template)) {
            if !text.trim().is_empty() {
                return Some(text);
            }
            blank.get_or_insert(text);
        }
        blank
    }

    /// The items of the first alternative that has any; a text is a list of one.
    pub fn list(&self, lookup: &Lookup) -> Vec<String> {
        let items = |template: &Template| match template.pieces() {
            [Piece::Pointer(pointer)] => match self.body.pointer(pointer) {
                Some(Value::Array(items)) => items.iter().filter_map(scalar).map(Cow::into_owned).collect(),
                found => found.and_then(scalar).map(Cow::into_owned).into_iter().collect(),
            },
            _ => Vec::from_iter(self.put_together(template)),
        };
        let filled = |items: Vec<String>| items.into_iter().filter(|item| !item.trim().is_empty()).collect();
        lookup.alternatives().map(items).map(filled).find(|items: &Vec<String>| !items.is_empty()).unwrap_or_default()
    }

    fn put_together(&self, template: &Template) -> Option<String> {
        template.pieces().iter().map(|piece| self.piece(piece)).collect()
    }

    fn piece<'s>(&'s self, piece: &'s Piece) -> Option<Cow<'s, str>> {
        match piece {
            Piece::Text(text) => Some(Cow::Borrowed(text)),
            Piece::Pointer(pointer) => text_of(self.body.pointer(pointer)?),
            Piece::Header(name) => Some(String::from_utf8_lossy(self.head.headers.get(name)?.as_bytes())),
            Piece::Query(name) => {
                let pairs = url::form_urlencoded::parse(self.head.uri.query()?.as_bytes());
                pairs.filter(|(found, _)| found == name).last().map(|(_, value)| value)
            }
        }
    }
}

/// A text, or several joined with commas. What has parts of its own is none.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(scalar).collect::<Option<_>>()?;
            Some(Cow::Owned(items.join(", ")))
        }
        single => scalar(single),
    }
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A field sent twice has its last value; one whose name ends in `[]` is a list.
fn object(form: &Form<'_>) -> Value {
    let mut fields = Map::new();
    for (name, value) in form.iter() {
        let value = Value::from(value);
        match fields.get_mut(name) {
            Some(Value::Array(items)) => items.push(value),
            _ if name.ends_with("[]") => drop(fields.insert(name.to_owned(), Value::Array(vec![value]))),
            _ => drop(fields.insert(name.to_owned(), value)),
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn head(content_type: &str) -> Parts {
        let request = Request::post("/v1/hooks/cms?event=a%20b&event=c+d").header("X-Name", "Ann Ä");
        request.header(CONTENT_TYPE, content_type).body(()).unwrap().into_parts().0
    }

    fn lookup(alternatives: &[&str]) -> Lookup {
        Lookup::new(alternatives).unwrap()
    }

    #[test]
    fn a_text_is_put_together_from_places() {
        let head = head("application/json");
        let body = r#"{"a":"text","n":17,"f":0.5,"yes":true,"null":null,"blank":" ","tags":["x",1],"deep":{"~/":"found"},"none":[]}"#;
        let message = Message::read(&head, body.as_bytes()).unwrap();
        for (alternatives, expected) in [
            (&["/a"][..], Some("text")),
            (&["/n"], Some("17")),
            (&["/f"], Some("0.5")),
            (&["/yes"], Some("true")),
            (&["/null"], None),
            (&["/deep"], None),
            (&["/deep/~0~1"], Some("found")),
            (&["/tags"], Some("x, 1")),
            (&["/tags/0"], Some("x")),
            (&["/none"], Some("")),
            (&["/a/b"], None),
            (&["/missing", "/a"], Some("text")),
            (&["/blank", "/a"], Some("text")),
            (&["/blank", "/missing"], Some(" ")),
            (&["=fixed"], Some("fixed")),
            (&["header:x-name"], Some("Ann Ä")),
            (&["header:X-Other"], None),
            (&["query:event"], Some("c d")),
            (&["query:other"], None),
            (&["{/a}/{/n}?{query:event}"], Some("text/17?c d")),
            (&["{/a}/{/missing}", "{/n}!"], Some("17!")),
        ] {
            assert_eq!(message.text(&lookup(alternatives)).as_deref(), expected, "{alternatives:?}");
        }
        assert_eq!(message.list(&lookup(&["/missing", "/tags"])), ["x", "1"]);
        assert_eq!(message.list(&lookup(&["/a"])), ["text"]);
        assert_eq!(message.list(&lookup(&["{/a}!"])), ["text!"]);
        assert!(message.list(&lookup(&["/none", "/deep", "/blank"])).is_empty());
    }

    #[test]
    fn a_form_is_an_object_of_texts() {
        let head = head("application/x-www-form-urlencoded; charset=ISO-8859-1");
        let message = Message::read(&head, b"name=J%FCrgen&t[]=a&t%5B%5D=b&twice=1&twice=2&a%2Fb=c&empty").unwrap();
        for (place, expected) in
            [("/name", Some("Jürgen")), ("/twice", Some("2")), ("/a~1b", Some("c")), ("/empty", Some("")), ("/x", None)]
        {
            assert_eq!(message.text(&lookup(&[place])).as_deref(), expected, "{place}");
        }
        assert_eq!(message.list(&lookup(&["/t[]"])), ["a", "b"]);
    }

    #[test]
    fn the_bytes_say_what_they_are_before_the_type_does() {
        let form = "application/x-www-form-urlencoded";
        for (content_type, body, expected) in [
            ("application/json", r#"{"a":1}"#, Ok("1")),
            ("application/vnd.api+json", r#" {"a":1}"#, Ok("1")),
            ("", "\u{FEFF}{\"a\":1}", Ok("1")),
            ("text/plain", r#"{"a":1}"#, Ok("1")),
            (form, r#"{"a":1}"#, Ok("1")),
            (form, "a=1", Ok("1")),
            ("APPLICATION/X-WWW-FORM-URLENCODED;charset=utf-8", "a=1", Ok("1")),
            (form, "{x=y&a=1", Ok("1")),
            ("application/json", "a=1", Err(Refusal::MalformedBody)),
            ("application/json", "{\"a\":1", Err(Refusal::MalformedBody)),
            ("", "", Err(Refusal::MalformedBody)),
            ("multipart/form-data; boundary=x", "--x", Err(Refusal::UnsupportedMediaType)),
            ("text/xml", "<a/>", Err(Refusal::UnsupportedMediaType)),
        ] {
            let head = head(content_type);
            let found = Message::read(&head, body.as_bytes()).map(|message| message.text(&lookup(&["/a"])));
            let expected = expected.map(|text| Some(text.to_owned()));
            assert_eq!(found.map_err(|problem| problem.refusal), expected, "{content_type} {body}");
        }
        let deep = "[".repeat(100_000);
        let problem = Message::read(&head(""), deep.as_bytes()).unwrap_err();
        assert!(problem.detail.contains("recursion limit"), "{}", problem.detail);
    }
}
