//! Texts as PostgreSQL keeps them: without U+0000, which its `text` cannot hold, and keys short enough for an index.
//!
//! Documents need none of this: in JSON that character is written `\u0000`.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

/// Longest key that is kept as it is, bytes. An index takes 2,700.
const KEY_BYTES: usize = 512;
/// Begins what stands for something else; not a character, so that no text means it.
const ESCAPE: char = '\u{FFFE}';

/// What is looked up by: as it is, or (long, or with U+0000) what stands for it and for nothing else.
pub(super) fn key(text: &str) -> Cow<'_, str> {
    if text.len() > KEY_BYTES {
        let start = text.get(..text.floor_char_boundary(64)).unwrap_or_default();
        return Cow::Owned(format!("{ESCAPE}#{}{:x}", exact(start), Sha256::digest(text.as_bytes())));
    }
    exact(text)
}

/// What comes back exactly, by [`read_exact`]: each character that must not be, or that begins an escape, as an escape.
pub(super) fn exact(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(ESCAPE, "\u{FFFE}1").replace('\0', "\u{FFFE}0"))
}

/// Whether it is the key of a text that was too long to be one.
pub(super) fn stands_for_another(key: &str) -> bool {
    key.starts_with("\u{FFFE}#")
}

pub(super) fn read_exact(text: String) -> String {
    if text.contains(ESCAPE) { text.replace("\u{FFFE}0", "\0").replace("\u{FFFE}1", "\u{FFFE}") } else { text }
}

/// What people read, such as the answer of a receiver: U+0000 is shown by its picture.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{2400}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_texts_have_different_keys_that_can_be_kept() {
        let long = "x".repeat(2000);
        let longer = "x".repeat(2001);
        let texts = ["", "a", "a\0", "a\u{FFFE}0", "a\u{FFFE}", "\u{FFFE}#", "\0\0", &long, &longer];
        let keys: std::collections::HashSet<_> = texts.iter().map(|text| key(text)).collect();
        assert_eq!(keys.len(), texts.len());
        assert!(keys.iter().all(|key| !key.contains('\0') && key.len() < 2000), "{keys:?}");
        assert_eq!(key("wp-7"), "wp-7");
        for text in texts {
            assert_eq!(read_exact(exact(text).into_owned()), text);
        }
        assert_eq!(shown("a\0b"), "a\u{2400}b");
    }
}
