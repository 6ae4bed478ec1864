//! Inbound hooks: who may send comments by a CMS's own webhook, and what its messages look like.
//!
//! Owns the shape of a source; `keys` says which keys its table below `hooks` may have, `table` reads them, `lookup` is
//! how a place in a message is written. Does not own verifying a message or taking a comment from it (`api::hooks`),
//! nor which sites there are (`store`).

pub(super) mod keys;
mod lookup;
pub(super) mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::verdict::Label;
use crate::webhook;

pub use lookup::{Lookup, Piece, Template};

/// All sources, by name.
pub type Hooks = BTreeMap<String, Arc<Hook>>;

/// Discourse's own minimum, bytes. Shorter ones are guessed, and `***` is what `hamlet config show` prints.
const SECRET_BYTES: usize = 12;

/// One source of messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// As in the path, `/v1/hooks/NAME`: lower-case letters, digits and single `_`.
    pub name: String,
    /// The name of the site whose comments these are. Whether there is one, only the store knows.
    pub site: String,
    pub scheme: Scheme,
    /// What names a message: the same again is the same comment.
    pub id: Option<Lookup>,
    /// `None`: each message is a comment to check.
    pub events: Option<Events>,
    pub answer: Answer,
    fields: BTreeMap<String, Lookup>,
}

/// How a message proves where it comes from. At least one secret; each is good.
#[derive(Clone, Debug, PartialEq)]
pub enum Scheme {
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    StandardWebhooks { secrets: Vec<webhook::Secret>, tolerance: Duration },
    /// `header: <prefix><hexadecimal HMAC-SHA256 of the body>`, as GitHub and Discourse send. Signs no time.
    HmacSha256 { secrets: Vec<Key>, header: String, prefix: String },
    /// `header: sha256=<hexadecimal>, t=<milliseconds>`.
    Ghost { secrets: Vec<Key>, header: String, tolerance: Duration },
    /// `header: <prefix><secret>`. Signs nothing.
    Bearer { secrets: Vec<Key>, header: String, prefix: String },
}

/// A secret as its bytes; its text is the key itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(…)")
    }
}

impl Key {
    fn new(text: &str) -> Result<Key, String> {
        let found = text.len();
        if found < SECRET_BYTES {
            return Err(format!(
                "it has {found} bytes; take {SECRET_BYTES} or more, for instance `openssl rand -hex 32`"
            ));
        }
        Ok(Key(text.as_bytes().to_vec()))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What to do about which event.
#[derive(Clone, Debug, PartialEq)]
pub struct Events {
    pub name: Lookup,
    acts: BTreeMap<String, Act>,
}

/// What to do about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is a comment to judge.
    Check,
    /// A moderator of the CMS said what is true of the comment with this `external_id`.
    Label(Label),
    /// It is none of ours.
    Ignore,
}

/// What a message that was taken is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 202 with the comment's id once it is durable; a worker judges it.
    Accepted,
    /// 200 with the verdict.
    Verdict,
    /// 204; a worker judges it.
    Empty,
}

impl Hook {
    /// Where a field of the comment is found (`author.name`); `None` when the source does not send it.
    pub fn field(&self, name: &str) -> Option<&Lookup> {
        self.fields.get(name)
    }

    /// What is to be kept besides, by its name in `extra`.
    pub fn extra(&self) -> impl Iterator<Item = (&str, &Lookup)> {
        self.fields.iter().filter_map(|(name, lookup)| Some((name.strip_prefix("extra.")?, lookup)))
    }
}

impl Events {
    /// What to do about the event of this name; what is not listed is ignored.
    pub fn act(&self, name: &str) -> Act {
        self.acts.get(name).copied().unwrap_or(Act::Ignore)
    }
}

#[cfg(test)]
mod tests;
