//! From the fields of a check to a comment.
//!
//! Owns which Akismet field means what, what is kept of the rest, the fixed test values, and by what a later submit-*
//! finds the comment again. Does not own how fields are decoded (`form`).
//!
//! What is not taken: `POST_ak_js` is a time of the visitor's clock, so that no `form_seconds` can be had from it;
//! `comment_ID` is no `external_id`, because a re-check of an edited comment would then be taken for a repeat.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::Xxh3;

use crate::api::form::{Form, address, instant, is_item};
use crate::api::is_yes;
use crate::api::limits::{self, cut};
use crate::comment::{Author, Comment, CommentId, ContentFormat};
use crate::verdict::Decision;

/// Longest value kept in `extra`, bytes.
const EXTRA_VALUE_BYTES: usize = 1024;

/// Fields that become a part of the comment or of the call, and are not kept a second time in `extra`.
const KNOWN: &[&str] = &[
    "api_key",
    "key",
    "comment_type",
    "content_type",
    "comment_content",
    "comment_author",
    "comment_author_email",
    "comment_author_url",
    "user_ip",
    "comment_author_IP",
    "user_agent",
    "comment_agent",
    "user_role",
    "user_id",
    "user_ID",
    "permalink",
    "referrer",
    "comment_post_modified_gmt",
    "comment_date_gmt",
    "comment_parent",
    "comment_context",
    "blog_charset",
    "POST_ak_hp_textarea",
];

/// Server variables that are about the visitor's request. Others (paths, software, whatever stands in the server's
/// environment) are nobody's business.
const SERVER_VARIABLES: &[&str] = &[
    "DOCUMENT_URI",
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_ORIGIN",
    "HTTP_VIA",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_REQUESTED_WITH",
    "REMOTE_ADDR",
    "REQUEST_METHOD",
    "REQUEST_URI",
    "SERVER_PROTOCOL",
];

/// Words in a name that promise a secret.
const SECRETS: &[&str] = &["pass", "pwd", "secret", "token", "cookie", "nonce", "auth_", "authorization", "session"];

/// The fields of comment-check, submit-spam or submit-ham.
#[derive(Debug)]
pub struct CheckForm<'a>(pub &'a Form<'a>);

impl CheckForm<'_> {
    /// The comment that the fields describe. Fields longer than [`limits`] allows are cut.
    pub fn comment(&self) -> Comment {
        let form = self.0;
        let short = |name| form.get(name).map(|value| cut(value, limits::SHORT_BYTES).to_owned());
        let long = |name| form.get(name).map(|value| cut(value, limits::LONG_BYTES).to_owned());
        let kind = form.filled("comment_type").or_else(|| form.filled("content_type")).unwrap_or("comment");
        Comment {
            kind: cut(kind, limits::SHORT_BYTES).to_owned(),
            content: cut(form.get("comment_content").unwrap_or_default(), limits::CONTENT_BYTES).to_owned(),
            content_format: ContentFormat::Html,
            author: Author {
                name: short("comment_author"),
                email: short("comment_author_email"),
                url: long("comment_author_url"),
                ip: form.filled("user_ip").or_else(|| form.filled("comment_author_IP")).and_then(address),
                user_agent: long("user_agent").or_else(|| long("comment_agent")),
                role: short("user_role"),
                id: ["user_id", "user_ID"].into_iter().find_map(|name| self.id(name)),
            },
            permalink: long("permalink"),
            post_modified_at: form.filled("comment_post_modified_gmt").and_then(instant),
            referrer: long("referrer"),
            lang: form.filled("blog_lang").and_then(first_language),
            submitted_at: form.filled("comment_date_gmt").and_then(instant),
            parent_id: self.id("comment_parent"),
            honeypot: self.honeypot(),
            context: form
                .list("comment_context")
                .filter(|topic| !topic.trim().is_empty())
                .take(limits::CONTEXT_ITEMS)
                .map(|topic| cut(topic, limits::SHORT_BYTES).to_owned())
                .collect(),
            extra: self.extra(),
            post_title: None,
            external_id: None,
            form_seconds: None,
        }
    }

    /// By what a later submit-spam or submit-ham finds the comment again when it brings no guid: what the author wrote
    /// and who he says he is, whatever page it was on.
    pub fn fingerprint(&self) -> i64 {
        /// Kept in the store, hence never to be changed.
        const SEED: u64 = 0x68616d_6c6574;
        let mut hasher = Xxh3::with_seed(SEED);
        let field = |name| self.0.get(name).unwrap_or_default().trim();
        for part in [field("comment_content"), field("comment_author"), &field("comment_author_email").to_lowercase()] {
            hasher.update(part.as_bytes());
            hasher.update(&[0xFF]);
        }
        hasher.digest().cast_signed()
    }

    /// What the fixed test values ask for (protocol § 7); they win over a role.
    pub fn fixed(&self) -> Option<Decision> {
        let field = |name| self.0.get(name).unwrap_or_default().trim().replace('\u{2011}', "-");
        let is_spam = ["akismet-guaranteed-spam", "viagra-test-123"].contains(&field("comment_author").as_str())
            || field("comment_author_email") == "akismet-guaranteed-spam@example.com"
            || field("comment_content") == "akismet-guaranteed-spam";
        if field("comment_author") == "viagra-test-discard" {
            Some(Decision::Discard)
        } else {
            is_spam.then_some(Decision::Spam)
        }
    }

    /// Whether the author is an administrator of the site, whose comments are never spam.
    pub fn is_administrator(&self) -> bool {
        let roles = self.0.get("user_role").unwrap_or_default();
        roles.split(',').any(|role| role.trim().eq_ignore_ascii_case("administrator"))
    }

    /// Not to be kept, learned from or counted.
    pub fn is_test(&self) -> bool {
        self.0.get("is_test").is_some_and(is_yes)
    }

    /// Content that was checked before (`edit`, `recheck`, `recheck_queue`, `retry`).
    pub fn is_recheck(&self) -> bool {
        self.0.filled("recheck_reason").is_some()
    }

    /// That content reads otherwise than before.
    pub fn is_edit(&self) -> bool {
        self.0.filled("recheck_reason") == Some("edit")
    }

    /// The comment that the form says it is about.
    pub fn guid(&self) -> Option<CommentId> {
        ["guid", "akismet_guid"].into_iter().find_map(|name| CommentId::of_guid(self.0.filled(name)?))
    }

    /// CMSs write `0` for "none".
    fn id(&self, name: &str) -> Option<String> {
        self.0.filled(name).filter(|id| *id != "0").map(|id| cut(id, limits::SHORT_BYTES).to_owned())
    }

    /// The plugin's own hidden field, or the one that the form names. What is filled counts more than what is empty.
    fn honeypot(&self) -> Option<String> {
        let named = self.0.filled("honeypot_field_name").filter(|name| !KNOWN.contains(name));
        let mut values = [Some("POST_ak_hp_textarea"), named].into_iter().flatten().filter_map(|name| self.0.get(name));
        let first = values.next()?;
        let value = if first.is_empty() { values.next().unwrap_or(first) } else { first };
        Some(cut(value, limits::LONG_BYTES).to_owned())
    }

    /// The other fields, as far as they are about this comment, within bounds.
    fn extra(&self) -> BTreeMap<String, String> {
        let mut extra = BTreeMap::new();
        let mut left = limits::EXTRA_BYTES;
        for (name, value) in self.0.iter() {
            if extra.len() == limits::EXTRA_FIELDS || !is_worth_keeping(name) || value.is_empty() {
                continue;
            }
            let value = cut(value, EXTRA_VALUE_BYTES);
            let Some(rest) = left.checked_sub(name.len() + value.len()) else { continue };
            left = rest;
            extra.insert(name.to_owned(), value.to_owned());
        }
        extra
    }
}

fn is_worth_keeping(name: &str) -> bool {
    if name.is_empty() || name.len() > 255 || KNOWN.iter().any(|known| is_item(name, known)) {
        return false;
    }
    let is_server_variable = !name.bytes().any(|byte| byte.is_ascii_lowercase());
    if is_server_variable {
        return SERVER_VARIABLES.contains(&name);
    }
    let lower = name.to_ascii_lowercase();
    !SECRETS.iter().any(|word| lower.contains(word))
}

/// `en, fr_ca` → `en`; `en_US` → `en-US`.
fn first_language(list: &str) -> Option<String> {
    let first = list.split(',').map(str::trim).find(|language| !language.is_empty())?;
    Some(cut(first, limits::SHORT_BYTES).replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(body: &str) -> Comment {
        CheckForm(&Form::parse("", body.as_bytes(), None)).comment()
    }

    #[test]
    fn wordpress_is_understood() {
        let comment = comment(
            "api_key=123456789abc&blog=https%3A%2F%2Fnews.example&comment_post_ID=7&comment_author=Ann&\
             comment_author_email=ann%40a.example&comment_author_url&comment_content=%3Cb%3EHi%3C%2Fb%3E&\
             comment_type=comment&comment_parent=0&user_ip=2001%3Adb8%3A%3A1&user_agent=Firefox&referrer&\
             blog_lang=en_US&blog_charset=UTF-8&permalink=https%3A%2F%2Fnews.example%2F1&user_role=&user_id=0&\
             comment_post_modified_gmt=2026-01-02+03%3A04%3A05&comment_date_gmt=2026-01-02T03%3A04%3A06Z&\
             POST_ak_hp_textarea=&POST_ak_js=1767322000000&comment_context%5B0%5D=News&comment_context%5B1%5D=Sport",
        );
        assert_eq!(comment.content, "<b>Hi</b>");
        assert_eq!(comment.content_format, ContentFormat::Html);
        assert_eq!(comment.author.name.as_deref(), Some("Ann"));
        assert_eq!(comment.author.url.as_deref(), Some(""), "sent empty is not the same as not sent");
        assert_eq!(comment.author.id, None);
        assert_eq!(comment.author.ip, Some("2001:db8::1".parse().unwrap()));
        assert_eq!(comment.author.role.as_deref(), Some(""));
        assert_eq!(comment.post_modified_at, Some("2026-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(comment.submitted_at, Some("2026-01-02T03:04:06Z".parse().unwrap()));
        assert_eq!(comment.lang.as_deref(), Some("en-US"));
        assert_eq!(comment.honeypot.as_deref(), Some(""));
        assert_eq!(comment.context, ["News", "Sport"]);
        assert_eq!(comment.parent_id, None);
        assert_eq!(
            comment.extra.keys().map(String::as_str).collect::<Vec<_>>(),
            ["POST_ak_js", "blog", "blog_lang", "comment_post_ID"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let comment = comment("user_ip=localhost&comment_date_gmt=yesterday&comment_post_modified_gmt=0000-00-00");
        assert_eq!(comment.author.ip, None);
        assert_eq!(comment.submitted_at, None);
        assert_eq!(comment.content, "");
        assert_eq!(comment.kind, "comment");
        assert_eq!(comment.honeypot, None);
    }

    #[test]
    fn discourse_sends_the_type_under_another_name() {
        assert_eq!(comment("content_type=forum-post").kind, "forum-post");
        assert_eq!(comment("content_type=a&comment_type=b").kind, "b");
        assert_eq!(comment("comment_type=").kind, "comment");
    }

    #[test]
    fn the_hidden_field_may_have_any_name() {
        assert_eq!(comment("honeypot_field_name=trap&trap=gotcha").honeypot.as_deref(), Some("gotcha"));
        assert_eq!(comment("honeypot_field_name=trap&trap=x&POST_ak_hp_textarea=").honeypot.as_deref(), Some("x"));
        assert_eq!(comment("honeypot_field_name=trap&trap=").honeypot.as_deref(), Some(""));
        assert_eq!(comment("honeypot_field_name=trap").honeypot, None);
        assert_eq!(comment("honeypot_field_name=comment_content&comment_content=hi").honeypot, None);
    }

    #[test]
    fn secrets_of_server_and_visitor_are_not_kept() {
        let comment = comment(
            "HTTP_COOKIE=a&DB_PASSWORD=b&PATH=/bin&POST_password=c&akismet_comment_nonce=d&HTTP_ACCEPT=e&\
             REMOTE_ADDR=192.0.2.1&HTTP_AUTHORIZATION=f&SERVER_ADMIN=g&key=h",
        );
        assert_eq!(comment.extra.keys().map(String::as_str).collect::<Vec<_>>(), ["HTTP_ACCEPT", "REMOTE_ADDR"]);
    }

    #[test]
    fn every_field_is_bounded() {
        let long = "ä".repeat(2 * limits::CONTENT_BYTES);
        let names =
            ["comment_content", "comment_author", "user_agent", "comment_type", "blog_lang", "x", "comment_context"];
        let mut body: String = names.iter().map(|name| format!("{name}={long}&")).collect();
        body.extend((0..1000).map(|n| format!("field{n}=value&comment_context[{n}]=topic&")));
        let comment = comment(&body);
        assert_eq!(limits::exceeded(&comment), None);
        assert_eq!(comment.content.len(), limits::CONTENT_BYTES);
        assert_eq!(comment.extra.len(), limits::EXTRA_FIELDS);
    }

    #[test]
    fn a_comment_is_found_again_by_text_and_author() {
        let fingerprint = |body: &str| CheckForm(&Form::parse("", body.as_bytes(), None)).fingerprint();
        let first = fingerprint("comment_content=Hi+&comment_author=Ann&comment_author_email=A@a.example&permalink=1");
        assert_eq!(first, fingerprint("comment_content=Hi&comment_author=Ann&comment_author_email=a%40A.example&x=y"));
        assert_ne!(first, fingerprint("comment_content=Hi&comment_author=Bob&comment_author_email=a@a.example"));
        assert_ne!(
            fingerprint("comment_content=ab&comment_author=c"),
            fingerprint("comment_content=a&comment_author=bc")
        );
        assert_eq!(fingerprint(""), 1_131_311_335_689_739_253, "kept in stores: must never change");
    }

    #[test]
    fn test_values_and_roles() {
        let form = |body: &'static str| Form::parse("", body.as_bytes(), None);
        for (body, expected) in [
            ("comment_author=akismet-guaranteed-spam", Some(Decision::Spam)),
            ("comment_author=akismet\u{2011}guaranteed\u{2011}spam", Some(Decision::Spam)),
            ("comment_author=viagra-test-123&user_role=administrator", Some(Decision::Spam)),
            ("comment_author=viagra-test-discard", Some(Decision::Discard)),
            ("comment_author_email=akismet-guaranteed-spam%40example.com", Some(Decision::Spam)),
            ("comment_content=akismet-guaranteed-spam", Some(Decision::Spam)),
            ("comment_content=what+is+akismet-guaranteed-spam%3F", None),
        ] {
            assert_eq!(CheckForm(&form(body)).fixed(), expected, "{body}");
        }
        assert!(CheckForm(&form("user_role=editor,+Administrator")).is_administrator());
        assert!(!CheckForm(&form("user_role=")).is_administrator());
        assert!(CheckForm(&form("is_test=1")).is_test());
        assert!(!CheckForm(&form("is_test=0")).is_test());
        assert!(!CheckForm(&form("")).is_test());
    }
}
