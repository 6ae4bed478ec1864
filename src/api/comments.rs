//! The native doors: submit, check, look up, label, decide and re-check a comment as JSON.
//!
//! Owns the shapes of these requests and answers. Does not own judging and keeping (`pipeline`).
//!
//! `Idempotency-Key` with the same comment again gives the first answer; with another comment it is refused with 409
//! (the IETF draft leaves the status open between 409 and 422; a contradiction with what is kept is 409 everywhere here).

use std::str::FromStr as _;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::caller::{Caller, Check, Read, Submit};
use super::json::{self, Json};
use super::limits::{self, Exceeded};
use super::problem::{Problem, Refusal};
use super::{Doors, Route, batch, is_yes, listing};
use crate::comment::{Comment, CommentId};
use crate::pipeline::{Said, Submission, Submitted};
use crate::site::Site;
use crate::store::{HistoryEntry, Status, StatusWord, StoreError, StoredComment};
use crate::verdict::{Decision, Label, Verdict};

pub fn routes() -> Vec<Route> {
    let route = |path: &'static str, handlers| Route { path: path.to_owned(), door: path, handlers };
    vec![
        route("/v1/comments", get(listing::list).post(submit)),
        route("/v1/comments/batch", post(batch::submit)),
        route("/v1/comments/check", post(check)),
        route("/v1/comments/{id}", get(show)),
        route("/v1/comments/{id}/label", post(label)),
        route("/v1/comments/{id}/decision", post(decide)),
        route("/v1/comments/{id}/recheck", post(recheck)),
    ]
}

/// The `Idempotency-Key` header.
pub(super) struct Idempotency(pub(super) Option<String>);

impl<S: Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Idempotency, Problem> {
        let Some(header) = parts.headers.get("idempotency-key") else { return Ok(Idempotency(None)) };
        let is_right = (1..=limits::IDEMPOTENCY_KEY_BYTES).contains(&header.len())
            && header.as_bytes().iter().all(u8::is_ascii_graphic);
        match header.to_str() {
            Ok(key) if is_right => Ok(Idempotency(Some(key.to_owned()))),
            _ => {
                let detail = format!(
                    "`Idempotency-Key` is not 1 to {} visible ASCII characters; send for instance a UUID.",
                    limits::IDEMPOTENCY_KEY_BYTES
                );
                Err(Problem::new(Refusal::MalformedHeader, detail))
            }
        }
    }
}

/// The `{id}` in the path.
struct Id(CommentId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        text.and_then(|Path(text)| CommentId::from_str(&text).ok()).map(Id).ok_or_else(|| {
            Problem::new(
                Refusal::NotFound,
                "There is no such comment at this site; what was asked for is no comment id.",
            )
        })
    }
}

#[derive(Serialize)]
struct Receipt {
    id: CommentId,
    status: StatusWord,
}

/// A verdict with the id of its comment; no id when nothing was kept.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<CommentId>,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// A comment as the store knows it.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    id: CommentId,
    status: StatusWord,
    received_at: Timestamp,
    comment: &'a Comment,
    verdict: Option<&'a Verdict>,
    history: &'a [HistoryEntry],
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(stored: &'a StoredComment) -> Shown<'a> {
        let (verdict, attempts, last_error) = match &stored.status {
            Status::Queued => (None, None, None),
            Status::Decided { verdict } => (Some(verdict), None, None),
            Status::DeadLetter { attempts, last_error } => (None, Some(*attempts), Some(last_error.as_str())),
        };
        Shown {
            id: stored.id,
            status: stored.status.word(),
            received_at: stored.received_at,
            comment: &stored.comment,
            verdict,
            history: &stored.history,
            attempts,
            last_error,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelBody {
    label: Label,
    by: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    decision: Decision,
    by: Option<String>,
}

/// `POST /v1/comments`: 202 once the comment is durable; a repeat gets the first id and where it stands now.
async fn submit(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Check>,
    Idempotency(idempotency_key): Idempotency,
    Json(comment): Json<Comment>,
) -> Result<Response, Problem> {
    bounded(&comment)?;
    Ok(submitted(&doors, &site, Submission::of(comment, idempotency_key)).await?)
}

/// Keeps a comment for the worker: 202 with its id, or 200 and where it stands when it was there before.
pub(super) async fn submitted(doors: &Doors, site: &Site, submission: Submission) -> Result<Response, StoreError> {
    let (id, status) = match doors.pipeline.submit(site, submission).await? {
        Submitted::Queued(id) => (id, StatusWord::Queued),
        Submitted::Known(stored) => (stored.id, stored.status.word()),
    };
    let code = if status == StatusWord::Queued { StatusCode::ACCEPTED } else { StatusCode::OK };
    let mut response = json::answer(code, &Receipt { id, status });
    if let Ok(place) = HeaderValue::try_from(format!("/v1/comments/{id}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// `POST /v1/comments/check`: the verdict at once; kept, unless `?dry_run=true`.
async fn check(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Check>,
    Idempotency(idempotency_key): Idempotency,
    RawQuery(query): RawQuery,
    Json(comment): Json<Comment>,
) -> Result<Response, Problem> {
    bounded(&comment)?;
    if query.is_some_and(|query| asks_for_dry_run(&query)) {
        let verdict = doors.pipeline.judge(&comment, &site);
        return Ok(json::answer(StatusCode::OK, &Checked { id: None, verdict: &verdict }));
    }
    Ok(checked(&doors, &site, Submission::of(comment, idempotency_key)).await?)
}

/// Judges a comment and keeps it: 200 with the verdict.
pub(super) async fn checked(doors: &Doors, site: &Site, submission: Submission) -> Result<Response, StoreError> {
    let (id, verdict) = doors.pipeline.check(site, submission).await?;
    Ok(self::verdict(id, &verdict))
}

/// 200 with the verdict on a comment that is kept.
pub(super) fn verdict(id: CommentId, verdict: &Verdict) -> Response {
    json::answer(StatusCode::OK, &Checked { id: Some(id), verdict })
}

/// `GET /v1/comments/{id}`
async fn show(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let stored = existing(&doors, &site, id).await?;
    Ok(json::answer(StatusCode::OK, &Shown::of(&stored)))
}

/// `POST /v1/comments/{id}/label`: what is true of it; learned from.
async fn label(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Id(id): Id,
    Json(body): Json<LabelBody>,
) -> Result<Response, Problem> {
    overrule(&doors, &site, id, Said::Label(body.label), body.by).await
}

/// `POST /v1/comments/{id}/decision`: what is to become of it; no later check overrules it.
async fn decide(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Id(id): Id,
    Json(body): Json<DecisionBody>,
) -> Result<Response, Problem> {
    if body.decision == Decision::Discard {
        let detail = "The field `decision`: a person decides approve, hold or spam; only Hamlet itself discards.";
        return Err(Problem::new(Refusal::InvalidField, detail));
    }
    overrule(&doors, &site, id, Said::Decision(body.decision), body.by).await
}

/// `POST /v1/comments/{id}/recheck`: judged again with the model, rules and lists of now; a person's word stands.
async fn recheck(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let verdict = doors.pipeline.recheck(&site, id, &site.name, "api").await?;
    Ok(json::answer(StatusCode::OK, &Checked { id: Some(id), verdict: &verdict }))
}

async fn overrule(
    doors: &Doors,
    site: &Site,
    id: CommentId,
    said: Said,
    by: Option<String>,
) -> Result<Response, Problem> {
    let by = by.filter(|by| !by.trim().is_empty()).unwrap_or_else(|| site.name.clone());
    if by.len() > limits::SHORT_BYTES {
        let (limit, found) = (limits::SHORT_BYTES, by.len());
        return Err(too_long(&Exceeded { field: "by", limit, unit: "bytes", found }));
    }
    let verdict = doors.pipeline.overrule(site, id, said, &by, "api").await?;
    Ok(self::verdict(id, &verdict))
}

/// Whether every field is within its bound.
pub(super) fn bounded(comment: &Comment) -> Result<(), Problem> {
    if let Some(exceeded) = limits::exceeded(comment) {
        return Err(too_long(&exceeded));
    }
    if comment.form_seconds.is_some_and(|seconds| seconds < 0.0) {
        let detail = "The field `form_seconds` is negative; leave it out when it is not known.";
        return Err(Problem::new(Refusal::InvalidField, detail));
    }
    Ok(())
}

fn too_long(Exceeded { field, limit, unit, found }: &Exceeded) -> Problem {
    let detail = format!("The field `{field}` has {found} {unit}; it may have {limit}.");
    Problem::new(Refusal::FieldTooLong, detail)
}

async fn existing(doors: &Doors, site: &Site, id: CommentId) -> Result<StoredComment, StoreError> {
    let stored = doors.pipeline.store.comment(site.id, id).await?;
    stored.ok_or_else(|| StoreError::NotFound(format!("comment {id}")))
}

fn asks_for_dry_run(query: &str) -> bool {
    // `?dry_run` alone is a yes as well.
    url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "dry_run")
        .last()
        .is_some_and(|(_, value)| value.is_empty() || is_yes(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_asked_for_in_the_query() {
        for (query, expected) in [
            ("dry_run=true", true),
            ("dry_run", true),
            ("dry_run=1&x=y", true),
            ("dry_run=false", false),
            ("dry_run=true&dry_run=0", false),
            ("dry=true", false),
            ("", false),
        ] {
            assert_eq!(asks_for_dry_run(query), expected, "{query}");
        }
    }
}
