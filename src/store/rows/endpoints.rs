//! Endpoints as rows, and the log of what went to them.

use std::time::Duration;

use super::{Document, comment_id, from_json, time};
use crate::site::SiteId;
use crate::store::{Delivery, DeliveryState, Endpoint, EndpointKind, JobId, LoggedAttempt, StoreError};

#[derive(Debug, sqlx::FromRow)]
pub(in crate::store) struct EndpointRow {
    id: String,
    site: i64,
    kind: String,
    url: String,
    events: Option<Document>,
    created_at: i64,
    disabled: Option<String>,
    failing_since: Option<i64>,
    secrets: Document,
}

impl EndpointRow {
    pub(in crate::store) fn into_endpoint(self) -> Result<Endpoint, StoreError> {
        let named = format!("endpoint {}", self.id);
        Ok(Endpoint {
            id: self.id,
            site: SiteId(self.site),
            kind: if self.kind == "callback" { EndpointKind::Callback } else { EndpointKind::Webhook },
            url: self.url,
            events: self.events.map(|events| from_json(&events, &named)).transpose()?,
            created_at: time(self.created_at, &named)?,
            disabled: self.disabled,
            failing_since: self.failing_since.map(|at| time(at, &named)).transpose()?,
            secrets: from_json(&self.secrets, &named)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct DeliveryRow {
    id: i64,
    message_id: String,
    kind: Option<String>,
    comment: Option<Vec<u8>>,
    endpoint: String,
    state: String,
    attempts: i64,
    created_at: i64,
    due_at: i64,
    finished_at: Option<i64>,
    last_status: Option<i32>,
    last_error: Option<String>,
}

impl DeliveryRow {
    pub(in crate::store) fn into_delivery(self, site: SiteId) -> Result<Delivery, StoreError> {
        let named = format_args!("delivery {}", self.id);
        let state = match self.state.as_str() {
            "pending" => DeliveryState::Pending,
            "done" => DeliveryState::Delivered,
            _ => DeliveryState::DeadLetter,
        };
        Ok(Delivery {
            id: JobId(self.id),
            site,
            message_id: self.message_id,
            kind: self.kind.unwrap_or_default(),
            comment: self.comment.map(|id| comment_id(&id, named)).transpose()?,
            endpoint: self.endpoint,
            state,
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            created_at: time(self.created_at, named)?,
            due_at: if state == DeliveryState::Pending { Some(time(self.due_at, named)?) } else { None },
            finished_at: self.finished_at.map(|at| time(at, named)).transpose()?,
            last_status: self.last_status.and_then(|status| u16::try_from(status).ok()),
            last_error: self.last_error.filter(|error| !error.is_empty()),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct AttemptRow {
    at: i64,
    status: Option<i32>,
    /// Microseconds.
    latency: i64,
    error: String,
    answer: String,
}

impl AttemptRow {
    pub(in crate::store) fn into_attempt(self, delivery: JobId) -> Result<LoggedAttempt, StoreError> {
        let latency = Duration::from_micros(u64::try_from(self.latency).unwrap_or(0));
        Ok(LoggedAttempt {
            at: time(self.at, format_args!("an attempt at delivery {delivery}"))?,
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            latency_ms: latency.as_secs_f64() * 1000.0,
            error: self.error,
            answer: self.answer,
        })
    }
}

/// How a job's row says where a delivery stands.
pub(in crate::store) fn state_word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "done",
        DeliveryState::DeadLetter => "dead",
    }
}
