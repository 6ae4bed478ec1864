//! JSON bodies: bytes to a value, or a refusal that names the place and the field.
//!
//! Owns how a JSON mistake is told. Does not own what a value means.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::Doors;
use super::problem::{Problem, Refusal};

/// How alike an unknown field must be to a known one to be taken for a slip of the pen (Jaro-Winkler, 0 to 1).
const SLIP: f64 = 0.8;

/// A body that spells a `T`.
///
/// A missing or sloppy `Content-Type` is no reason to refuse JSON; it only says more when the body is none.
///
/// # Errors
/// Those of [`BodyLimits::read`](super::body::BodyLimits::read); 400 with line and column when the body is not JSON or
/// not UTF-8, 415 when moreover another type was declared, 422 with the field's name when the JSON is not what was
/// expected.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Doors>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, doors: &Arc<Doors>) -> Result<Json<T>, Problem> {
        let (head, body) = request.into_parts();
        let sent = doors.bodies.read(&head.headers, body).await?;
        read(&head.headers, &sent.bytes).map(Json)
    }
}

/// One JSON object; `headers` are those of the request.
pub fn read<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    // RFC 8259 § 8.1 allows to ignore a byte order mark.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // Serde would read an array as the fields in order; nobody means that.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(no_json(headers, "it does not begin with `{`; send a JSON object"));
    }
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => wrong_field::<T>(bytes),
        _ => no_json(headers, &error.to_string()),
    })
}

fn no_json(headers: &HeaderMap, fact: &str) -> Problem {
    if declares_another_type(headers) {
        let detail = "The body is not JSON; send a JSON object with `Content-Type: application/json`.";
        return Problem::new(Refusal::UnsupportedMediaType, detail);
    }
    Problem::new(Refusal::MalformedBody, format!("The body is not JSON in UTF-8: {fact}."))
}

fn declares_another_type(headers: &HeaderMap) -> bool {
    let Some(declared) = headers.get(CONTENT_TYPE) else { return false };
    !declared.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("json"))
}

/// Reads once more, this time keeping the path, to say which field is wrong.
fn wrong_field<T: DeserializeOwned>(bytes: &[u8]) -> Problem {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut reader) else {
        return Problem::new(Refusal::MalformedBody, "There is more after the JSON object; send one object.");
    };
    let field = error.path().to_string();
    let fact = error.inner().to_string();
    if fact.starts_with("unknown field") {
        let mut names = fact.split('`').skip(1).step_by(2);
        let unknown = names.next().unwrap_or_default();
        let nearest = nearest(unknown, names).map(|known| format!("; did you mean `{known}`?")).unwrap_or_default();
        let detail = format!("The field `{field}` is not known{nearest}");
        return Problem::new(Refusal::UnknownField, if nearest.is_empty() { detail + "." } else { detail });
    }
    let place = if field == "." { String::new() } else { format!("The field `{field}`: ") };
    Problem::new(Refusal::InvalidField, format!("{place}{fact}."))
}

/// The known name that `unknown` was most likely meant to be.
fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness >= SLIP)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// `value` as a JSON answer.
pub fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    // As long as most verdicts are: from serde_json's 128 bytes on, it would be moved three times.
    let mut body = Vec::with_capacity(1024);
    serde_json::to_writer(&mut body, value).unwrap_or_else(|error| unreachable!("answers are plain data: {error}"));
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;

    #[track_caller]
    fn check(body: &[u8], refusal: Refusal, part: &str) {
        let problem = read::<Comment>(&HeaderMap::new(), body).unwrap_err();
        assert_eq!(problem.refusal, refusal, "{}", problem.detail);
        assert!(problem.detail.contains(part), "{}", problem.detail);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        check(b"", Refusal::MalformedBody, "send a JSON object");
        check(b"{", Refusal::MalformedBody, "EOF while parsing an object at line 1 column 1");
        check(b"{\n \"content\": tru }", Refusal::MalformedBody, "line 2 column 16");
        check(b"{\"content\": \"\xFF\"}", Refusal::MalformedBody, "line 1 column 14");
        check(b"{\"content\": \"a\"} {}", Refusal::MalformedBody, "trailing characters");
        check(br#"{"contnet": "a"}"#, Refusal::UnknownField, "`contnet` is not known; did you mean `content`?");
        check(br#"{"zzz": "a"}"#, Refusal::UnknownField, "`zzz` is not known.");
        check(br#"{"content":"a","author":{"mail":"b"}}"#, Refusal::UnknownField, "`author.mail`");
        check(br#"{"content": 5}"#, Refusal::InvalidField, "`content`: invalid type: integer `5`, expected a string");
        check(br#"{"content":"a","author":{"ip":"1.2.3"}}"#, Refusal::InvalidField, "`author.ip`");
        check(br#"{"content":"a","author":["Bob"]}"#, Refusal::InvalidField, "`author`: invalid type: sequence");
        check(br#"{"kind": "comment"}"#, Refusal::InvalidField, "missing field `content`");
        check(br#"{"content":"a","content":"b"}"#, Refusal::InvalidField, "duplicate field `content`");
        check(br#"["comment", "a"]"#, Refusal::MalformedBody, "send a JSON object");
        check(&[b"{\"extra\":".as_slice(), &[b'['; 100_000]].concat(), Refusal::InvalidField, "`extra`");
    }

    #[test]
    fn another_declared_type_is_named_only_when_the_body_is_no_json() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        assert_eq!(read::<Comment>(&headers, br#"{"content":"a"}"#).unwrap().content, "a");
        assert_eq!(read::<Comment>(&headers, b"content=a").unwrap_err().refusal, Refusal::UnsupportedMediaType);
        assert_eq!(read::<Comment>(&headers, br#"{"content":1}"#).unwrap_err().refusal, Refusal::InvalidField);
    }

    #[test]
    fn a_byte_order_mark_is_no_mistake() {
        assert_eq!(read::<Comment>(&HeaderMap::new(), b"\xEF\xBB\xBF{\"content\":\"\"}").unwrap().content, "");
    }
}
