//! A comment's text, computed once: what a reader sees, what matching reads, its words and links.

use crate::comment::Comment;

/// The readings of one comment's text; all that rules and classifier look at.
#[derive(Debug)]
pub struct Text {
    raw: String,
}

impl Text {
    /// Reads the comment once. Linear in its length, whatever the bytes.
    pub fn of(comment: &Comment) -> Text {
        Text { raw: comment.content.clone() }
    }

    /// The content as sent.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}
