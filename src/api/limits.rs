//! How long each field of a comment may be.
//!
//! Owns the numbers. The JSON door refuses what is longer ([`exceeded`]), so that nobody wonders where the rest went;
//! the Akismet door, whose clients cannot be told, cuts it ([`cut`]).

use crate::comment::Comment;

/// The text, bytes.
pub const CONTENT_BYTES: usize = 1024 * 1024;
/// Names, addresses of people, ids, roles, kind, language, bytes.
pub const SHORT_BYTES: usize = 1024;
/// Addresses of pages, titles, user agents, what stood in the hidden field, bytes.
pub const LONG_BYTES: usize = 8 * 1024;
/// Topics of the page.
pub const CONTEXT_ITEMS: usize = 200;
/// Fields kept besides.
pub const EXTRA_FIELDS: usize = 100;
/// All names and values of `extra` together, bytes.
pub const EXTRA_BYTES: usize = 64 * 1024;
/// An idempotency key, bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 255;

/// A field that is too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    pub field: &'static str,
    pub limit: usize,
    /// `bytes`, `items` or `fields`.
    pub unit: &'static str,
    pub found: usize,
}

/// Every text of a comment: the name of its field, how many bytes it may have, and the text.
pub fn texts(comment: &Comment) -> [(&'static str, usize, Option<&String>); 15] {
    let author = &comment.author;
    [
        ("content", CONTENT_BYTES, Some(&comment.content)),
        ("kind", SHORT_BYTES, Some(&comment.kind)),
        ("author.name", SHORT_BYTES, author.name.as_ref()),
        ("author.email", SHORT_BYTES, author.email.as_ref()),
        ("author.role", SHORT_BYTES, author.role.as_ref()),
        ("author.id", SHORT_BYTES, author.id.as_ref()),
        ("lang", SHORT_BYTES, comment.lang.as_ref()),
        ("external_id", SHORT_BYTES, comment.external_id.as_ref()),
        ("parent_id", SHORT_BYTES, comment.parent_id.as_ref()),
        ("author.url", LONG_BYTES, author.url.as_ref()),
        ("author.user_agent", LONG_BYTES, author.user_agent.as_ref()),
        ("permalink", LONG_BYTES, comment.permalink.as_ref()),
        ("post_title", LONG_BYTES, comment.post_title.as_ref()),
        ("referrer", LONG_BYTES, comment.referrer.as_ref()),
        ("honeypot", LONG_BYTES, comment.honeypot.as_ref()),
    ]
}

/// The first field of `comment` that is longer than it may be.
pub fn exceeded(comment: &Comment) -> Option<Exceeded> {
    let bytes = |field, text: &str, limit| {
        (text.len() > limit).then_some(Exceeded { field, limit, unit: "bytes", found: text.len() })
    };
    texts(comment)
        .into_iter()
        .find_map(|(field, limit, text)| bytes(field, text?, limit))
        .or_else(|| comment.context.iter().find_map(|topic| bytes("context", topic, SHORT_BYTES)))
        .or_else(|| {
            let found = comment.context.len();
            (found > CONTEXT_ITEMS).then_some(Exceeded { field: "context", limit: CONTEXT_ITEMS, unit: "items", found })
        })
        .or_else(|| {
            let found = comment.extra.len();
            (found > EXTRA_FIELDS).then_some(Exceeded { field: "extra", limit: EXTRA_FIELDS, unit: "fields", found })
        })
        .or_else(|| {
            let found = comment.extra.iter().map(|(name, value)| name.len() + value.len()).sum();
            (found > EXTRA_BYTES).then_some(Exceeded { field: "extra", limit: EXTRA_BYTES, unit: "bytes", found })
        })
}

/// `text` cut to at most `limit` bytes, between two characters.
pub fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Comment), expected: Option<(&str, usize)>) {
        let mut comment = Comment::of_text("hello");
        change(&mut comment);
        assert_eq!(exceeded(&comment).map(|exceeded| (exceeded.field, exceeded.found)), expected);
    }

    #[test]
    fn every_field_has_its_bound() {
        let text = |bytes: usize| "a".repeat(bytes);
        check(|_| {}, None);
        check(|comment| comment.content = text(CONTENT_BYTES), None);
        check(|comment| comment.content = text(CONTENT_BYTES + 1), Some(("content", CONTENT_BYTES + 1)));
        check(|comment| comment.author.name = Some(text(SHORT_BYTES + 1)), Some(("author.name", SHORT_BYTES + 1)));
        check(|comment| comment.permalink = Some(text(LONG_BYTES + 1)), Some(("permalink", LONG_BYTES + 1)));
        check(|comment| comment.context = vec![text(1); CONTEXT_ITEMS + 1], Some(("context", CONTEXT_ITEMS + 1)));
        check(
            |comment| comment.extra = (0..=EXTRA_FIELDS).map(|n| (n.to_string(), text(1))).collect(),
            Some(("extra", EXTRA_FIELDS + 1)),
        );
        check(|comment| comment.extra = [("a".into(), text(EXTRA_BYTES))].into(), Some(("extra", EXTRA_BYTES + 1)));
    }

    #[test]
    fn a_cut_falls_between_two_characters() {
        assert_eq!(cut("سلام", 3), "س");
        assert_eq!(cut("سلام", 8), "سلام");
        assert_eq!(cut("", 8), "");
    }
}
