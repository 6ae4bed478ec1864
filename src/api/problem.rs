//! Refusals of the JSON doors: `application/problem+json` (RFC 9457).
//!
//! Owns every kind of refusal with its stable `type` and its status. Does not own the sentence in `detail`: whoever
//! refuses knows the fact and the mend.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::pipeline::Backlogged;
use crate::store::StoreError;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    KeyMissing,
    KeyUnknown,
    SignatureMissing,
    SignatureInvalid,
    SignatureExpired,
    ScopeMissing,
    NotFound,
    MethodNotAllowed,
    MalformedBody,
    MalformedHeader,
    UnsupportedMediaType,
    BodyTooLarge,
    BodyTimeout,
    UnknownField,
    InvalidField,
    FieldTooLong,
    InvalidParameter,
    Conflict,
    /// Too often; after so many seconds it will do.
    RateLimited {
        retry_after_s: u32,
    },
    Overloaded,
    /// Too much waits for a verdict; after so many seconds there is likely to be room.
    QueueFull {
        retry_after_s: u32,
    },
    Unavailable,
    SiteMissing,
    Internal,
}

impl Refusal {
    pub const ALL: [Refusal; 24] = [
        Refusal::KeyMissing,
        Refusal::KeyUnknown,
        Refusal::SignatureMissing,
        Refusal::SignatureInvalid,
        Refusal::SignatureExpired,
        Refusal::ScopeMissing,
        Refusal::NotFound,
        Refusal::MethodNotAllowed,
        Refusal::MalformedBody,
        Refusal::MalformedHeader,
        Refusal::UnsupportedMediaType,
        Refusal::BodyTooLarge,
        Refusal::BodyTimeout,
        Refusal::UnknownField,
        Refusal::InvalidField,
        Refusal::FieldTooLong,
        Refusal::InvalidParameter,
        Refusal::Conflict,
        Refusal::RateLimited { retry_after_s: 1 },
        Refusal::Overloaded,
        Refusal::QueueFull { retry_after_s: 1 },
        Refusal::Unavailable,
        Refusal::SiteMissing,
        Refusal::Internal,
    ];

    /// (last part of the `type`, title, status)
    fn facts(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Refusal::KeyMissing => ("key-missing", "No API key", StatusCode::UNAUTHORIZED),
            Refusal::KeyUnknown => ("key-unknown", "Unknown API key", StatusCode::UNAUTHORIZED),
            Refusal::SignatureMissing => ("signature-missing", "No signature", StatusCode::UNAUTHORIZED),
            Refusal::SignatureInvalid => ("signature-invalid", "The signature does not fit", StatusCode::UNAUTHORIZED),
            Refusal::SignatureExpired => ("signature-expired", "Signed at another time", StatusCode::UNAUTHORIZED),
            Refusal::ScopeMissing => ("scope-missing", "The key may not do this", StatusCode::FORBIDDEN),
            Refusal::NotFound => ("not-found", "Not found", StatusCode::NOT_FOUND),
            Refusal::MethodNotAllowed => ("method-not-allowed", "Method not allowed", StatusCode::METHOD_NOT_ALLOWED),
            Refusal::MalformedBody => ("malformed-body", "The body cannot be read", StatusCode::BAD_REQUEST),
            Refusal::MalformedHeader => ("malformed-header", "A header cannot be read", StatusCode::BAD_REQUEST),
            Refusal::UnsupportedMediaType => {
                ("unsupported-media-type", "Not a JSON body", StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            Refusal::BodyTooLarge => ("body-too-large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE),
            Refusal::BodyTimeout => ("body-timeout", "The body did not arrive in time", StatusCode::REQUEST_TIMEOUT),
            Refusal::UnknownField => ("unknown-field", "Unknown field", StatusCode::UNPROCESSABLE_ENTITY),
            Refusal::InvalidField => ("invalid-field", "A field is missing or wrong", StatusCode::UNPROCESSABLE_ENTITY),
            Refusal::FieldTooLong => ("field-too-long", "A field is too long", StatusCode::UNPROCESSABLE_ENTITY),
            Refusal::InvalidParameter => {
                ("invalid-parameter", "A parameter is missing or wrong", StatusCode::UNPROCESSABLE_ENTITY)
            }
            Refusal::Conflict => ("conflict", "This contradicts what is kept", StatusCode::CONFLICT),
            Refusal::RateLimited { .. } => ("rate-limited", "Too many requests", StatusCode::TOO_MANY_REQUESTS),
            Refusal::Overloaded => ("overloaded", "Too much at once", StatusCode::SERVICE_UNAVAILABLE),
            Refusal::QueueFull { .. } => ("queue-full", "Too much waits", StatusCode::SERVICE_UNAVAILABLE),
            Refusal::Unavailable => ("unavailable", "The store is not available", StatusCode::SERVICE_UNAVAILABLE),
            Refusal::SiteMissing => ("site-missing", "The site does not exist", StatusCode::SERVICE_UNAVAILABLE),
            Refusal::Internal => ("internal", "Something is wrong in Hamlet", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The `type` by which a program knows it; a reference relative to this server.
    pub fn kind(self) -> String {
        format!("/problems/{}", self.facts().0)
    }

    pub fn title(self) -> &'static str {
        self.facts().1
    }

    pub fn status(self) -> StatusCode {
        self.facts().2
    }

    /// After how many seconds to try again, where trying again helps.
    pub fn retry_after_seconds(self) -> Option<u32> {
        match self {
            Refusal::RateLimited { retry_after_s } | Refusal::QueueFull { retry_after_s } => Some(retry_after_s),
            Refusal::Overloaded => Some(1),
            Refusal::Unavailable => Some(5),
            Refusal::SiteMissing => Some(60),
            _ => None,
        }
    }
}

/// A refusal with its sentence.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub refusal: Refusal,
    /// One sentence: what is wrong and how to mend it.
    pub detail: String,
}

/// A refusal (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Members<'a> {
    /// Which kind of refusal; stays as it is from version to version.
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    /// One sentence: what is wrong and how to mend it.
    detail: &'a str,
}

impl Problem {
    pub fn new(refusal: Refusal, detail: impl Into<String>) -> Problem {
        Problem { refusal, detail: detail.into() }
    }

    pub fn members(&self) -> Members<'_> {
        let Problem { refusal, detail } = self;
        Members { kind: refusal.kind(), title: refusal.title(), status: refusal.status().as_u16(), detail }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.members()).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.refusal.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.refusal.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // RFC 6750 § 3.1: `error` only when a key was sent.
        let challenge = match self.refusal {
            Refusal::KeyMissing => Some("Bearer realm=\"hamlet\""),
            Refusal::KeyUnknown => Some("Bearer realm=\"hamlet\", error=\"invalid_token\""),
            // RFC 9110 § 11.6.1 wants a challenge with each 401; no scheme of this kind is registered.
            Refusal::SignatureMissing | Refusal::SignatureInvalid | Refusal::SignatureExpired => {
                Some("Signature realm=\"hamlet\"")
            }
            Refusal::ScopeMissing => Some("Bearer realm=\"hamlet\", error=\"insufficient_scope\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<StoreError> for Problem {
    /// The store's errors are sorted by what the caller does next; so are the statuses. Logged here, once.
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::NotFound(what) => Problem::new(Refusal::NotFound, format!("There is no {what} here.")),
            StoreError::Conflict(fact) => Problem::new(Refusal::Conflict, fact),
            StoreError::Overloaded => {
                let detail = "More is waiting to be written than the store may hold; nothing was kept, try again.";
                Problem::new(Refusal::Overloaded, detail)
            }
            StoreError::Unavailable(_) => {
                tracing::error!(%error, "the store refused a request");
                let detail = "The store is not available; it is not certain that anything was kept. Try again; with \
                              an `Idempotency-Key` that is harmless.";
                Problem::new(Refusal::Unavailable, detail)
            }
            StoreError::LeaseLost(_) | StoreError::Unusable(_) => {
                tracing::error!(%error, "the store failed a request");
                Problem::new(Refusal::Internal, "The store failed in an unexpected way; the log has the reason.")
            }
        }
    }
}

impl From<Backlogged> for Problem {
    fn from(backlogged: Backlogged) -> Problem {
        let why = match backlogged.reason {
            "age" => "comments have waited for a verdict longer than `limits.queue_age_s`",
            "site" => "this site's comments fill their share of the queue (`limits.queue_site_percent`)",
            _ => "as many comments wait for a verdict as `limits.queue_depth` allows",
        };
        let detail =
            format!("Nothing was kept: {why}. Try again later, or ask `/v1/comments/check`, which answers at once.");
        Problem::new(Refusal::QueueFull { retry_after_s: backlogged.retry_after_s }, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: StoreError, status: u16, retry_after: Option<&str>) {
        let response = Problem::from(error).into_response();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap()), retry_after);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn an_error_of_the_store_says_what_to_do_next() {
        check(StoreError::NotFound("comment 1".into()), 404, None);
        check(StoreError::Conflict("taken".into()), 409, None);
        check(StoreError::Overloaded, 503, Some("1"));
        check(StoreError::Unavailable("locked".into()), 503, Some("5"));
        check(StoreError::Unusable("corrupt".into()), 500, None);
    }
}
