//! What the outside is told: the body of an outbound webhook.
//!
//! Owns the names and the JSON shape of events. Does not own to whom they go (`store`) nor how (`webhook`).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::comment::CommentId;
use crate::language::Language;
use crate::verdict::Verdict;

/// Why an endpoint is called. The names are the `type` of Standard Webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum EventKind {
    #[serde(rename = "comment.decided")]
    Decided,
    /// A person, or a later check, changed the decision.
    #[serde(rename = "comment.redecided")]
    Redecided,
    /// An operator asked for a sign of life.
    #[serde(rename = "delivery.test")]
    Test,
    /// Another endpoint of the site is told nothing any more.
    #[serde(rename = "endpoint.disabled")]
    EndpointDisabled,
}

impl EventKind {
    pub const ALL: [EventKind; 4] =
        [EventKind::Decided, EventKind::Redecided, EventKind::Test, EventKind::EndpointDisabled];

    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Decided => "comment.decided",
            EventKind::Redecided => "comment.redecided",
            EventKind::Test => "delivery.test",
            EventKind::EndpointDisabled => "endpoint.disabled",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = String;

    fn from_str(text: &str) -> Result<EventKind, String> {
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == text.trim()).ok_or_else(|| {
            let known: Vec<&str> = EventKind::ALL.into_iter().map(EventKind::as_str).collect();
            format!("`{text}` is no event; there are {}", known.join(", "))
        })
    }
}

/// One event, serialised once: every attempt signs and sends the same bytes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event<'a> {
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// When it happened, not when it is sent.
    pub timestamp: Timestamp,
    pub data: EventData<'a>,
}

/// The comment's ids and its verdict; the comment's text and its author stay at home.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct EventData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<CommentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<&'a str>,
    pub site: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Verdict>)]
    pub verdict: Option<Judged<'a>>,
    /// What may be shown to the comment's author; the verdict may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_commenter: Option<ForCommenter>,
    /// The endpoint that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
}

/// A verdict, or what was already written of it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Judged<'a> {
    Verdict(&'a Verdict),
    Json(&'a RawValue),
}

/// What may be told to who wrote a comment: where it stands, and nothing that helps to get past the filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ForCommenter {
    pub status: PublicStatus,
    /// Of `message`: that of the comment or its page, as the CMS said, else the site's.
    pub language: Language,
    #[schema(examples("Your comment is held for review."))]
    pub message: String,
}

/// Where a comment stands, for its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PublicStatus {
    Approved,
    Held,
    Rejected,
}

impl<'a> Event<'a> {
    /// A sign of life for an endpoint of `site`.
    pub fn test(site: &'a str, now: Timestamp) -> Event<'a> {
        Event { kind: EventKind::Test, timestamp: now, data: EventData { site, ..EventData::default() } }
    }
}

/// The comment that a stored event is about, if it is about one.
pub fn comment_of(body: &str) -> Option<CommentId> {
    #[derive(Deserialize)]
    struct Stored {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        id: Option<CommentId>,
    }
    serde_json::from_str::<Stored>(body).ok()?.data.id
}

impl Event<'_> {
    /// The bytes that are stored, signed and sent.
    pub fn body(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| unreachable!("an event is plain data: {error}"))
    }
}
