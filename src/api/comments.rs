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
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{OpenApi, ToSchema};

use super::caller::{Caller, Check, Read, Submit};
use super::json::{self, Json};
use super::limits::{self, Exceeded};
use super::problem::{Problem, Refusal};
use super::{Doors, Route, batch, listing};
use crate::comment::{Comment, CommentId};
use crate::event::ForCommenter;
use crate::language::Language;
use crate::pipeline::{Learned, Overruled, Said, Submission, Submitted};
use crate::reason;
use crate::site::Site;
use crate::store::{HistoryEntry, Status, StatusWord, StoreError, StoredComment, Verbs, timed};
use crate::verdict::{Decision, Label, Score, Verdict};

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

/// What `/openapi.json` says of these calls.
#[derive(OpenApi)]
#[openapi(paths(listing::list, submit, batch::submit, check, show, label, decide, recheck))]
pub(super) struct Calls;

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

impl utoipa::IntoParams for Idempotency {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "With the same comment again it gives the first answer, with another comment 409.";
        let key = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(limits::IDEMPOTENCY_KEY_BYTES))
            .pattern(Some("^[!-~]+$"));
        let header = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header);
        vec![header.description(Some(about)).schema(Some(key)).build()]
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

/// A comment that is kept, and where it stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Receipt {
    pub(super) id: CommentId,
    pub(super) status: StatusWord,
}

/// A verdict with the id of its comment; no id when nothing was kept.
#[derive(Serialize, ToSchema)]
pub(super) struct Checked<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<CommentId>,
    #[serde(flatten)]
    pub(super) verdict: &'a Verdict,
    /// What may be shown to the comment's author; nothing else of this may.
    pub(super) for_commenter: ForCommenter,
}

/// The verdict that a label left, and what it taught.
#[derive(Serialize, ToSchema)]
struct Labelled<'a> {
    #[serde(flatten)]
    checked: Checked<'a>,
    learned: LearnedShown,
}

/// What a label did to the score that its comment would get if it came now.
#[derive(Serialize, ToSchema)]
#[schema(as = Learned)]
struct LearnedShown {
    score_before: Score,
    score_after: Score,
    #[schema(examples("this label moved the score of this comment from 0.71 to 0.23"))]
    note: String,
}

impl From<Learned> for LearnedShown {
    fn from(learned: Learned) -> LearnedShown {
        LearnedShown { score_before: learned.before, score_after: learned.after, note: learned.note() }
    }
}

/// A comment as the store knows it.
#[derive(Serialize, ToSchema)]
#[schema(as = StoredComment)]
pub(super) struct Shown<'a> {
    id: CommentId,
    status: StatusWord,
    received_at: Timestamp,
    comment: &'a Comment,
    /// `null` as long as there is none.
    #[schema(required)]
    verdict: Option<&'a Verdict>,
    /// What may be shown to the comment's author; nothing else of this may. There once there is a verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    for_commenter: Option<ForCommenter>,
    /// What happened to it after it was first decided, oldest first.
    history: &'a [HistoryEntry],
    /// Of a dead letter: how often deciding it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(site: &Site, stored: &'a StoredComment) -> Shown<'a> {
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
            for_commenter: verdict.map(|verdict| for_commenter(site, stored.comment.lang.as_deref(), verdict)),
            history: &stored.history,
            attempts,
            last_error,
        }
    }
}

/// What is true of a comment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LabelBody {
    label: Label,
    /// Who says so; the site's name when it is missing.
    by: Option<String>,
}

/// What is to become of a comment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecisionBody {
    #[schema(schema_with = persons_decisions)]
    decision: Decision,
    /// Who says so; the site's name when it is missing.
    by: Option<String>,
}

fn persons_decisions() -> Schema {
    let words = Decision::ALL.into_iter().filter(|decision| *decision != Decision::Discard).map(Decision::as_str);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
}

/// Queue a comment.
///
/// The answer comes when the comment is durable. A repeat, known by its `Idempotency-Key` or `external_id`, gets the
/// first id and where it stands now; another text under the same `external_id` is an edit.
#[utoipa::path(post, path = "/v1/comments", security(("key" = ["check"])), params(Idempotency), request_body = Comment,
    responses((status = 202, description = "It waits for its verdict.", body = Receipt, headers(("Location" = String))),
              (status = 200, description = "It was there before.", body = Receipt, headers(("Location" = String))),
              (status = 409)))]
async fn submit(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Check>,
    Idempotency(idempotency_key): Idempotency,
    Json(comment): Json<Comment>,
) -> Result<Response, Problem> {
    bounded(&comment)?;
    doors.pipeline.backlog.room(site.id)?;
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

/// Judge a comment at once, and keep it.
#[utoipa::path(post, path = "/v1/comments/check", security(("key" = ["check"])), request_body = Comment,
    params(Idempotency, ("dry_run" = Option<bool>, Query, description = "Keep nothing; the answer then has no `id`.")),
    responses((status = 200, description = "The verdict.", body = Checked), (status = 409)))]
async fn check(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Check>,
    Idempotency(idempotency_key): Idempotency,
    RawQuery(query): RawQuery,
    Json(comment): Json<Comment>,
) -> Result<Response, Problem> {
    bounded(&comment)?;
    if asks_for_dry_run(query.as_deref().unwrap_or_default())? {
        let verdict = doors.pipeline.judge(&comment, &site, None).await;
        let for_commenter = for_commenter(&site, comment.lang.as_deref(), &verdict);
        return Ok(json::answer(StatusCode::OK, &Checked { id: None, verdict: &verdict, for_commenter }));
    }
    Ok(checked(&doors, &site, Submission::of(comment, idempotency_key)).await?)
}

/// Judges a comment and keeps it: 200 with the verdict.
pub(super) async fn checked(doors: &Doors, site: &Site, submission: Submission) -> Result<Response, StoreError> {
    let lang = submission.comment.lang.clone();
    let (id, verdict) = doors.pipeline.check(site, submission).await?;
    let for_commenter = for_commenter(site, lang.as_deref(), &verdict);
    Ok(json::answer(StatusCode::OK, &Checked { id: Some(id), verdict: &verdict, for_commenter }))
}

fn for_commenter(site: &Site, lang: Option<&str>, verdict: &Verdict) -> ForCommenter {
    reason::for_commenter(Language::of_commenter(site.policy.language, lang), verdict.decision)
}

/// Where a comment stands, its verdict and what people said of it.
#[utoipa::path(get, path = "/v1/comments/{id}", security(("key" = ["read"])), params(("id" = CommentId, Path)),
    responses((status = 200, description = "The comment.", body = Shown)))]
async fn show(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let stored = existing(&doors, &site, id).await?;
    Ok(json::answer(StatusCode::OK, &Shown::of(&site, &stored)))
}

/// Say what is true of a comment: learned from, and no later check overrules it.
///
/// The site's next comment is judged with it. A label takes back what the one before taught.
#[utoipa::path(post, path = "/v1/comments/{id}/label", security(("key" = ["submit"])),
    params(("id" = CommentId, Path)), request_body = LabelBody,
    responses((status = 200, description = "The verdict that stands, and what was learned.", body = Labelled)))]
async fn label(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Id(id): Id,
    Json(body): Json<LabelBody>,
) -> Result<Response, Problem> {
    overrule(&doors, &site, id, Said::Label(body.label), body.by).await
}

/// Say what is to become of a comment: not learned from, and no later check overrules it.
#[utoipa::path(post, path = "/v1/comments/{id}/decision", security(("key" = ["submit"])),
    params(("id" = CommentId, Path)), request_body = DecisionBody,
    responses((status = 200, description = "The verdict that stands.", body = Checked)))]
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

/// Judge a comment again with the model, rules and lists of now; a person's word stands.
#[utoipa::path(post, path = "/v1/comments/{id}/recheck", security(("key" = ["submit"])),
    params(("id" = CommentId, Path)),
    responses((status = 200, description = "The verdict that stands.", body = Checked)))]
async fn recheck(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let lang = existing(&doors, &site, id).await?.comment.lang;
    let verdict = doors.pipeline.recheck(&site, id, &site.name, "api").await?;
    let for_commenter = for_commenter(&site, lang.as_deref(), &verdict);
    Ok(json::answer(StatusCode::OK, &Checked { id: Some(id), verdict: &verdict, for_commenter }))
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
    let Overruled { verdict, learned, for_commenter } = doors.pipeline.overrule(site, id, said, &by, "api").await?;
    let checked = Checked { id: Some(id), verdict: &verdict, for_commenter };
    Ok(match learned {
        Some(learned) => json::answer(StatusCode::OK, &Labelled { checked, learned: learned.into() }),
        None => json::answer(StatusCode::OK, &checked),
    })
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
    let stored = timed(Verbs::Read, doors.pipeline.store.comment(site.id, id)).await?;
    stored.ok_or_else(|| StoreError::NotFound(format!("comment {id}")))
}

/// A slip of the pen is refused: taken for a yes, it would lose the comment.
fn asks_for_dry_run(query: &str) -> Result<bool, Problem> {
    let asked = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "dry_run").last();
    let Some((_, value)) = asked else { return Ok(false) };
    match &*value {
        // `?dry_run` alone is a yes as well.
        "" | "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => {
            let detail = format!("`dry_run` is `{value}`; say true or false.");
            Err(Problem::new(Refusal::InvalidParameter, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_asked_for_in_the_query() {
        for (query, expected) in [
            ("dry_run=true", Some(true)),
            ("dry_run", Some(true)),
            ("dry_run=1&x=y", Some(true)),
            ("dry_run=false", Some(false)),
            ("dry_run=true&dry_run=0", Some(false)),
            ("dry=true", Some(false)),
            ("", Some(false)),
            ("dry_run=flase", None),
        ] {
            assert_eq!(asks_for_dry_run(query).ok(), expected, "{query}");
        }
    }
}
