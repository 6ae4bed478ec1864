//! What the outside is told: the body of an outbound webhook.
//!
//! Owns the names and the JSON shape of events. Does not own to whom they go (`store`) nor how (`webhook`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::comment::CommentId;
use crate::verdict::Verdict;

/// Why an endpoint is called. The names are the `type` of Standard Webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    #[serde(rename = "comment.decided")]
    Decided,
    /// A person, or a later check, changed the decision.
    #[serde(rename = "comment.redecided")]
    Redecided,
    /// An operator asked for a sign of life.
    #[serde(rename = "delivery.test")]
    Test,
}

impl EventKind {
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Decided => "comment.decided",
            EventKind::Redecided => "comment.redecided",
            EventKind::Test => "delivery.test",
        }
    }
}

/// One event, serialised once: every attempt signs and sends the same bytes.
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it happened, not when it is sent.
    pub timestamp: Timestamp,
    pub data: EventData<'a>,
}

/// The comment's ids and its verdict; the comment's text and its author stay at home.
#[derive(Debug, Default, Serialize)]
pub struct EventData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<CommentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<&'a str>,
    pub site: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'a Verdict>,
}

impl Event<'_> {
    /// The bytes that are stored, signed and sent.
    pub fn body(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| unreachable!("an event is plain data: {error}"))
    }
}
