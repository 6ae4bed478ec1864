//! Endpoints and what they are told, as the store takes and gives them.
//!
//! Owns plain data: messages, endpoints, deliveries, attempts. Does not own what a verb promises (`super::Store`).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{JobId, Lease};
use crate::comment::CommentId;
use crate::event::EventKind;
use crate::site::SiteId;

/// A message for every endpoint of a site: kept once, sent to each.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// By which an endpoint chooses what it is told.
    pub kind: EventKind,
    /// `msg_…`, the same for every attempt and every endpoint; the receiver's idempotency key.
    pub message_id: String,
    pub body: Body,
}

/// What a message says: JSON, exactly as it will be signed and sent.
#[derive(Clone)]
pub enum Body {
    Written(String),
    /// Written around the JSON of the comment's verdict, once it is known that somebody is told: most comments are judged for a
    /// site without endpoints, and an admission writes the verdict's JSON anyway.
    Around(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

impl Body {
    /// * `verdict`: as the store keeps it; `None` for what is no comment's first verdict, which is always written.
    pub(super) fn text(&self, verdict: Option<&str>) -> Cow<'_, str> {
        match self {
            Body::Written(body) => Cow::Borrowed(body),
            Body::Around(write) => {
                debug_assert!(verdict.is_some(), "only a first verdict is told around its JSON");
                Cow::Owned(write(verdict.unwrap_or("null")))
            }
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Written(body) => formatter.write_str(body),
            Body::Around(_) => formatter.write_str("around the verdict"),
        }
    }
}

impl<T: Into<String>> From<T> for Body {
    fn from(body: T) -> Body {
        Body::Written(body.into())
    }
}

/// Names one endpoint: `ep_` and a ULID.
pub type EndpointId = String;

/// To whom nothing more is to be sent for now, because enough is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Full {
    pub endpoints: Vec<EndpointId>,
    /// None of their endpoints.
    pub sites: Vec<SiteId>,
}

/// What an endpoint understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EndpointKind {
    /// Signed events, as Standard Webhooks has them.
    #[default]
    Webhook,
    /// The call-back of an Akismet plugin: what became of the comments that came with it, and nothing else.
    Callback,
}

/// Where a site's events are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Endpoint {
    #[schema(value_type = String)]
    pub id: EndpointId,
    pub site: SiteId,
    #[serde(default)]
    pub kind: EndpointKind,
    pub url: String,
    /// What it is told; every event when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<EventKind>>,
    pub created_at: Timestamp,
    /// Why nothing is sent to it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<String>,
    /// When the present run of failures began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// `whsec_…`; each signs. Newest first; the others sign along until they expire. Of a call-back: the site's API key,
    /// which the plugin wants to be shown.
    #[serde(skip)]
    pub secrets: Vec<EndpointSecret>,
}

/// A signing secret and until when it signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointSecret {
    pub secret: String,
    /// `None` for the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What is to be changed of an endpoint; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    pub url: Option<String>,
    /// `Some(None)`: every event.
    pub events: Option<Option<Vec<EventKind>>>,
    pub secrets: Option<Vec<EndpointSecret>>,
    /// Tell it again what was disabled, or nothing any more, for this reason.
    pub state: Option<EndpointState>,
}

/// Whether an endpoint is told anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointState {
    Enabled,
    Disabled { reason: String },
}

/// One message that is to be sent to one endpoint.
#[derive(Clone, Debug)]
pub struct DeliveryJob {
    pub lease: Lease,
    pub message_id: String,
    pub body: String,
    pub endpoint: Endpoint,
    /// When the event was stored; retries count from here.
    pub created_at: Timestamp,
}

/// How one attempt at a delivery ended, and what follows.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// Why it failed, one line; empty on success.
    pub error: String,
    pub latency: Duration,
    /// How the answer's body begins; for the endpoint's owner only.
    pub answer: String,
    pub next: NextStep,
}

/// What follows an attempt.
#[derive(Clone, Debug)]
pub enum NextStep {
    /// The receiver has it.
    Delivered,
    RetryAt(Timestamp),
    /// Given up: kept, shown, retried or purged by a person.
    DeadLetter,
    /// Given up, and nothing more is to be sent to this endpoint; its waiting deliveries become dead letters too.
    DisableEndpoint {
        reason: String,
        /// What the other endpoints of the site are told of it.
        event: Outgoing,
    },
}

/// A delivery as its log shows it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Delivery {
    pub id: JobId,
    #[serde(skip)]
    pub site: SiteId,
    pub message_id: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentId>,
    #[schema(value_type = String)]
    pub endpoint: EndpointId,
    pub state: DeliveryState,
    /// Attempts since it was queued, or since a person had it tried anew.
    pub attempts: u32,
    pub created_at: Timestamp,
    /// When the next attempt is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// HTTP status of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Pending,
    Delivered,
    DeadLetter,
}

impl FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<DeliveryState, String> {
        match text {
            "pending" => Ok(DeliveryState::Pending),
            "delivered" => Ok(DeliveryState::Delivered),
            "dead_letter" => Ok(DeliveryState::DeadLetter),
            _ => Err(format!("`{text}` is no state; say pending, delivered or dead_letter")),
        }
    }
}

/// An attempt as it was logged.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LoggedAttempt {
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    pub latency_ms: f64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    /// How the answer's body begins.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub answer: String,
}

/// Which deliveries are meant; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub id: Option<JobId>,
    pub endpoint: Option<EndpointId>,
    pub comment: Option<CommentId>,
    pub state: Option<DeliveryState>,
    /// Whose event was stored at this moment or later.
    pub from: Option<Timestamp>,
    /// Whose event was stored before this moment.
    pub to: Option<Timestamp>,
}
