//! From a message to a comment.
//!
//! Owns how the values that a source's settings point at become the fields of a comment, and their bounds: a CMS's hook
//! cannot be told that a name was too long, so what is too long is cut and what cannot be read is unknown. Only a
//! missing text is refused, or a label that does not say of which comment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::message::Message;
use crate::api::form::{address, instant};
use crate::api::limits::{self, cut};
use crate::api::problem::{Problem, Refusal};
use crate::comment::{Author, Comment, ContentFormat};
use crate::config::hooks::{Hook, Lookup};

/// From here on a number is a time in milliseconds, not in seconds: as seconds it lies in the year 5138.
const MILLISECONDS: f64 = 100_000_000_000.0;

/// The comment that `message` tells of.
///
/// # Errors
/// 422 that names the places where the text was looked for.
pub fn comment(hook: &Hook, message: &Message<'_>) -> Result<Comment, Problem> {
    let text = |name| message.text(hook.field(name)?);
    let filled = |name| text(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let bounded = |text: String, limit| cut(&text, limit).to_owned();
    let short = |name| text(name).map(|text| bounded(text, limits::SHORT_BYTES));
    let long = |name| text(name).map(|text| bounded(text, limits::LONG_BYTES));
    let id = |name| filled(name).map(|id| bounded(id, limits::SHORT_BYTES));
    let content = text("content").ok_or_else(|| missing("content", hook.field("content")))?;
    let form_seconds = filled("form_seconds").and_then(|seconds| seconds.parse().ok());
    Ok(Comment {
        kind: id("kind").unwrap_or_else(|| "comment".to_owned()),
        content: bounded(content, limits::CONTENT_BYTES),
        content_format: filled("content_format").and_then(|name| ContentFormat::named(&name)).unwrap_or_default(),
        author: Author {
            name: short("author.name"),
            email: short("author.email"),
            url: long("author.url"),
            ip: filled("author.ip").and_then(|text| address(&text)),
            user_agent: long("author.user_agent"),
            role: short("author.role"),
            id: id("author.id"),
        },
        permalink: long("permalink"),
        post_title: long("post_title"),
        post_modified_at: filled("post_modified_at").and_then(|text| time(&text)),
        referrer: long("referrer"),
        lang: id("lang"),
        submitted_at: filled("submitted_at").and_then(|text| time(&text)),
        external_id: id("external_id"),
        parent_id: id("parent_id"),
        honeypot: long("honeypot"),
        form_seconds: form_seconds.filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0),
        context: hook.field("context").map(|lookup| message.list(lookup)).map(context).unwrap_or_default(),
        extra: extra(hook, message),
    })
}

/// The CMS's own id of the comment that `message` is about.
///
/// # Errors
/// 422 that names the places where it was looked for.
pub fn external_id(hook: &Hook, message: &Message<'_>) -> Result<String, Problem> {
    let lookup = hook.field("external_id");
    let id = lookup.and_then(|lookup| message.text(lookup)).filter(|id| !id.trim().is_empty());
    let id = id.ok_or_else(|| missing("external_id", lookup))?;
    Ok(cut(id.trim(), limits::SHORT_BYTES).to_owned())
}

fn missing(field: &str, lookup: Option<&Lookup>) -> Problem {
    let place = lookup.map(ToString::to_string).unwrap_or_default();
    let detail = format!("The field `{field}` is not in this message: there is no text at {place}.");
    Problem::new(Refusal::InvalidField, detail)
}

fn context(topics: Vec<String>) -> Vec<String> {
    topics.iter().take(limits::CONTEXT_ITEMS).map(|topic| cut(topic, limits::SHORT_BYTES).to_owned()).collect()
}

/// What the settings want kept besides, as far as there is room.
fn extra(hook: &Hook, message: &Message<'_>) -> BTreeMap<String, String> {
    let mut extra = BTreeMap::new();
    let mut left = limits::EXTRA_BYTES;
    for (name, lookup) in hook.extra().take(limits::EXTRA_FIELDS) {
        let Some(value) = message.text(lookup) else { continue };
        let value = cut(&value, limits::SHORT_BYTES);
        let Some(rest) = left.checked_sub(name.len() + value.len()) else { continue };
        left = rest;
        extra.insert(name.to_owned(), value.to_owned());
    }
    extra
}

/// ISO 8601, a date and time as WordPress writes it, or a number of seconds or milliseconds since 1970.
fn time(text: &str) -> Option<Timestamp> {
    let of_number = |number: f64| {
        let milliseconds = if number.abs() < MILLISECONDS { number * 1000.0 } else { number };
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and jiff refuses what is too much")]
        Timestamp::from_millisecond(milliseconds as i64).ok()
    };
    instant(text).or_else(|| text.parse().ok().filter(|number: &f64| number.is_finite()).and_then(of_number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};
    use axum::http::Request;
    use serde_json::{Value, json};

    /// The comment that these fields of a source make of this body.
    fn comment_of(fields: &str, body: &Value) -> Comment {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hamlet.toml");
        let source = "[hooks.cms]\nsite = \"a\"\nscheme = \"bearer\"\nsecret = \"0123456789ab\"\n[hooks.cms.fields]\n";
        std::fs::write(&file, format!("{source}{fields}")).unwrap();
        let environment = [("HOME".to_owned(), "/".to_owned())].into();
        let config = Config::load(Sources { file: Some(file), environment, flags: Vec::new() }).unwrap();
        let head = Request::post("/v1/hooks/cms").body(()).unwrap().into_parts().0;
        comment(&config.hooks().unwrap()["cms"], &Message::read(&head, body.to_string().as_bytes()).unwrap()).unwrap()
    }

    /// Every field of a comment, each found where its name says.
    const ALL: &str = "kind = \"/kind\"\ncontent = \"/content\"\ncontent_format = \"/content_format\"\n\
        author.name = \"/author/name\"\nauthor.email = \"/author/email\"\nauthor.url = \"/author/url\"\n\
        author.ip = \"/author/ip\"\nauthor.user_agent = \"/author/user_agent\"\nauthor.role = \"/author/role\"\n\
        author.id = \"/author/id\"\npermalink = \"/permalink\"\npost_title = \"/post_title\"\n\
        post_modified_at = \"/post_modified_at\"\nreferrer = \"/referrer\"\nlang = \"/lang\"\n\
        submitted_at = \"/submitted_at\"\nexternal_id = \"/external_id\"\nparent_id = \"/parent_id\"\n\
        honeypot = \"/honeypot\"\nform_seconds = \"/form_seconds\"\ncontext = \"/context\"\nextra.shoe = \"/extra/shoe\"\n";

    #[test]
    fn every_field_of_a_comment_can_be_taken() {
        let sent = json!({
            "kind": "reply", "content": "Hi <b>there</b>", "content_format": "html",
            "author": {"name": "Ann", "email": "ann@a.example", "url": "https://a.example", "ip": "192.0.2.1",
                       "user_agent": "Firefox", "role": "editor", "id": "7"},
            "permalink": "https://news.example/1", "post_title": "A title", "post_modified_at": "2026-01-02T03:04:05Z",
            "referrer": "https://news.example/", "lang": "en", "submitted_at": "2026-01-02T03:04:06Z",
            "external_id": "c-1", "parent_id": "c-0", "honeypot": "", "form_seconds": 12.5,
            "context": ["News", "Sport"], "extra": {"shoe": "43"},
        });
        assert_eq!(serde_json::to_value(comment_of(ALL, &sent)).unwrap(), sent);
    }

    #[test]
    fn what_was_not_sent_or_cannot_be_read_is_unknown() {
        assert_eq!(comment_of(ALL, &json!({"content": ""})), Comment::of_text(""));
        let strange = json!({
            "content": "", "content_format": "bbcode", "author": {"ip": "here", "id": " "}, "kind": "",
            "submitted_at": "yesterday", "form_seconds": -1, "context": [" ", null], "external_id": "",
        });
        assert_eq!(comment_of(ALL, &strange), Comment::of_text(""));
    }

    #[test]
    fn every_field_is_bounded() {
        let long = "ä".repeat(2 * limits::CONTENT_BYTES);
        let many: Vec<&str> = vec!["topic"; 1000];
        let sent = json!({
            "kind": long, "content": long, "author": {"name": long, "email": long, "url": long, "user_agent": long,
            "role": long, "id": long}, "permalink": long, "post_title": long, "referrer": long, "lang": long,
            "external_id": long, "parent_id": long, "honeypot": long, "context": many, "extra": {"shoe": long},
        });
        let extra: String = (0..200).map(|n| format!("extra.more{n} = \"/content\"\n")).collect();
        let comment = comment_of(&format!("{ALL}{extra}"), &sent);
        assert_eq!(limits::exceeded(&comment), None);
        assert_eq!(comment.content.len(), limits::CONTENT_BYTES);
        assert!(comment.extra.len() > 50);
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(time(text), expected.map(|text| text.parse().unwrap()), "{text}");
    }

    #[test]
    fn a_time_is_read_as_systems_write_it() {
        check("2026-01-02T03:04:05.678Z", Some("2026-01-02T03:04:05.678Z"));
        check("2026-01-02T04:04:05+01:00", Some("2026-01-02T03:04:05Z"));
        check("2026-01-02 03:04:05", Some("2026-01-02T03:04:05Z"));
        check("1767323045", Some("2026-01-02T03:04:05Z"));
        check("1767323045.5", Some("2026-01-02T03:04:05.5Z"));
        check("1767323045678", Some("2026-01-02T03:04:05.678Z"));
        check("0", Some("1970-01-01T00:00:00Z"));
        for none in ["", "yesterday", "NaN", "inf", "-inf", "1e300", "-1e300", "2026-13-01"] {
            check(none, None);
        }
    }
}
