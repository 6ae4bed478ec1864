//! `POST /v1/hooks/{source}`: a CMS's own webhook, as the operator's settings describe it.
//!
//! Owns the order of things at this door: believe (`signature`), understand (`message`), take the fields (`fields`),
//! hand over and answer. Does not own what a source looks like (`config::hooks`) nor what becomes of a comment
//! (`pipeline`).
//!
//! What proves a message to be the same as one before: the id that the source's settings point at, else the one that its
//! signature scheme has. The same id with another comment is a contradiction (409); a message without any is known by the
//! comment's `external_id` alone.

mod fields;
mod message;
mod signature;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::{OpenApi, ToSchema};

use super::comments::{Checked, Receipt};
use super::problem::{Problem, Refusal};
use super::{Doors, Route, comments, json as reply, limits};
use crate::config::hooks::{Act, Answer, Hook, Hooks};
use crate::pipeline::{Overruled, Said, Submission};
use crate::site::Site;
use crate::store::{StatusWord, StoreError};
use crate::verdict::Label;
use message::Message;
use signature::Believed;

/// As a comment's history names this door.
const VIA: &str = "hook";

pub fn routes() -> Vec<Route> {
    let path = "/v1/hooks/{source}";
    vec![Route { path: path.to_owned(), door: path, handlers: post(receive) }]
}

/// What `/openapi.json` says of this call.
#[derive(OpenApi)]
#[openapi(paths(receive))]
pub(super) struct Calls;

/// What a source is answered, as its `answer` in the settings wants it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Answered<'a> {
    Kept(Receipt),
    Judged(Checked<'a>),
    Passed { status: Passed },
}

/// This kind of event is not one that the settings want taken.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Passed {
    Ignored,
}

/// The sources that are known; swapped whole when the settings are read anew.
#[derive(Debug, Default)]
pub struct Register(ArcSwap<Hooks>);

impl Register {
    pub fn new(hooks: Hooks) -> Register {
        Register(ArcSwap::from_pointee(hooks))
    }

    /// Puts other sources in place; messages in hand are finished as they were begun.
    pub fn replace(&self, hooks: Hooks) {
        self.0.store(Arc::new(hooks));
    }

    fn hook(&self, name: &str) -> Option<Arc<Hook>> {
        self.0.load().get(name).cloned()
    }
}

/// Take a CMS's own webhook.
///
/// Sources, how their messages are signed and where a comment's fields are stand in the settings, in tables
/// `[hooks.SOURCE]`; so does what is answered.
#[utoipa::path(post, path = "/v1/hooks/{source}", params(("source" = String, Path)),
    request_body(content((Object = "application/json"), (Object = "application/x-www-form-urlencoded"))),
    responses((status = 200, description = "The verdict; or it was there before, or is ignored.", body = Answered),
              (status = 202, description = "It waits for its verdict.", body = Receipt, headers(("Location" = String))),
              (status = 204, description = "Done; `answer` is `empty`."), (status = 401), (status = 409)))]
async fn receive(
    State(doors): State<Arc<Doors>>,
    source: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let hook = source.ok().and_then(|Path(name)| doors.hooks.hook(&name)).ok_or_else(|| {
        let detail = "No source of this name may send here; a table `[hooks.NAME]` in the settings makes one.";
        Problem::new(Refusal::NotFound, detail)
    })?;
    let (head, body) = request.into_parts();
    let sent = doors.bodies.read(&head.headers, body).await?;
    let believed = signature::believed(&hook.scheme, &head.headers, &sent.bytes, doors.pipeline.clock.now()).map_err(
        |problem| {
            tracing::debug!(hook = hook.name, why = problem.detail, "a message is not believed");
            doors.limiter.refused(&head.extensions, &head.headers).map_or_else(Problem::from, |()| problem)
        },
    )?;
    let site = doors.pipeline.site_named(&hook.site).ok_or_else(|| no_site(&hook))?;
    let message = Message::read(&head, &sent.bytes)?;
    match act(&hook, &message) {
        Act::Ignore => Ok(ignored(&hook)),
        Act::Check => check(&doors, &hook, &site, &message, believed).await,
        Act::Label(label) => self::label(&doors, &hook, &site, &message, label).await,
    }
}

/// What the settings want done about this message.
fn act(hook: &Hook, message: &Message<'_>) -> Act {
    match &hook.events {
        None => Act::Check,
        Some(events) => message.text(&events.name).map_or(Act::Ignore, |name| events.act(&name)),
    }
}

async fn check(
    doors: &Doors,
    hook: &Hook,
    site: &Site,
    message: &Message<'_>,
    believed: Believed,
) -> Result<Response, Problem> {
    let id = hook.id.as_ref().and_then(|lookup| message.text(lookup)).filter(|id| !id.trim().is_empty());
    let idempotency_key = id.or(believed.id).map(|id| idempotency_key(hook, id.trim()));
    let submission = Submission::of(fields::comment(hook, message)?, idempotency_key);
    if hook.answer != Answer::Verdict {
        doors.pipeline.backlog.room(site.id)?;
    }
    let answer = match hook.answer {
        Answer::Verdict => comments::checked(doors, site, submission).await,
        Answer::Accepted => comments::submitted(doors, site, submission).await,
        Answer::Empty => comments::submitted(doors, site, submission).await.map(|_| empty()),
    };
    answer.map_err(|error| match error {
        StoreError::Conflict(_) => {
            let detail = "A message with this id brought another comment before; a message that is sent again must stay \
                          as it was.";
            Problem::new(Refusal::Conflict, detail)
        }
        other => other.into(),
    })
}

/// Keeps what a moderator of the CMS said: of the comment with this `external_id`, or of one that is kept now (it came
/// before Hamlet did), so that nothing a moderator says is lost.
async fn label(
    doors: &Doors,
    hook: &Hook,
    site: &Site,
    message: &Message<'_>,
    label: Label,
) -> Result<Response, Problem> {
    let external_id = fields::external_id(hook, message)?;
    let id = match doors.pipeline.store.find_by_external_id(site.id, &external_id).await? {
        Some(id) => id,
        None => doors.pipeline.check(site, Submission::of(fields::comment(hook, message)?, None)).await?.0,
    };
    let Overruled { verdict, for_commenter, .. } =
        doors.pipeline.overrule(site, id, Said::Label(label), &hook.name, VIA).await?;
    Ok(match hook.answer {
        Answer::Accepted => reply::answer(StatusCode::OK, &Answered::Kept(Receipt { id, status: StatusWord::Decided })),
        Answer::Verdict => {
            let checked = Checked { id: Some(id), verdict: &verdict, for_commenter };
            reply::answer(StatusCode::OK, &Answered::Judged(checked))
        }
        Answer::Empty => empty(),
    })
}

/// Below the site's other keys, and of bounded length.
fn idempotency_key(hook: &Hook, id: &str) -> String {
    if id.len() > limits::IDEMPOTENCY_KEY_BYTES {
        return format!("hook:{}:sha256:{:x}", hook.name, Sha256::digest(id));
    }
    format!("hook:{}:{id}", hook.name)
}

fn ignored(hook: &Hook) -> Response {
    match hook.answer {
        Answer::Empty => empty(),
        Answer::Accepted | Answer::Verdict => {
            reply::answer(StatusCode::OK, &Answered::Passed { status: Passed::Ignored })
        }
    }
}

fn empty() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Said to somebody who is believed, and to the operator: the message is good, the settings are not.
fn no_site(hook: &Hook) -> Problem {
    tracing::error!(
        hook = hook.name,
        site = hook.site,
        "a message came for a site that does not exist; make it with `hamlet site add`, or mend `hooks.{}.site`",
        hook.name
    );
    let detail = format!("The site `{}`, whose comments these would be, does not exist; nothing was kept.", hook.site);
    Problem::new(Refusal::SiteMissing, detail)
}
