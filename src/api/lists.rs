//! `/v1/lists`: what a site lets through and keeps out, whatever else is said of a comment.
//!
//! Owns the shapes of these requests and answers. Does not own what an entry matches (`lists`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::caller::{Admin, Caller, Read};
use super::json::{self, Json};
use super::params::Params;
use super::problem::{Problem, Refusal};
use super::{Doors, Route, limits};
use crate::site::{ListEntry, ListKind, ListPattern};
use crate::store::StoreError;

pub fn routes() -> Vec<Route> {
    let path = "/v1/lists";
    vec![Route { path: path.to_owned(), door: path, handlers: get(show).post(add).delete(remove) }]
}

/// What `/openapi.json` says of these calls.
#[derive(OpenApi)]
#[openapi(paths(show, add, remove))]
pub(super) struct Calls;

/// The allow and block lists of a site.
#[derive(Serialize, ToSchema)]
#[schema(as = ListEntries)]
struct Entries {
    entries: Vec<ListEntry>,
}

/// An entry to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewListEntry)]
struct NewEntry {
    list: ListKind,
    #[serde(rename = "match")]
    #[schema(value_type = String, pattern = "^(email|ip|domain|phrase):.", examples("domain:spam.example"))]
    pattern: ListPattern,
    /// Why it is there; verdicts quote it.
    #[serde(default)]
    reason: String,
    expires_at: Option<Timestamp>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The entry, as it was put on.
    #[serde(rename = "match")]
    #[param(value_type = String, required, pattern = "^(email|ip|domain|phrase):.")]
    pattern: Option<String>,
}

/// What a site lets through and keeps out.
#[utoipa::path(get, path = "/v1/lists", security(("key" = ["read"])),
    responses((status = 200, description = "All entries.", body = Entries)))]
async fn show(State(doors): State<Arc<Doors>>, Caller { site, .. }: Caller<Read>) -> Result<Response, Problem> {
    let directory = doors.pipeline.store.directory().await?;
    let site = directory.sites.iter().find(|found| found.id == site.id);
    let site = site.ok_or_else(|| StoreError::NotFound("site".to_owned()))?;
    Ok(json::answer(StatusCode::OK, &Entries { entries: site.policy.lists.clone() }))
}

/// Put an entry on; one that says something else of the same pattern is replaced.
#[utoipa::path(post, path = "/v1/lists", security(("key" = ["admin"])), request_body = NewEntry,
    responses((status = 200, description = "All entries, as they are now.", body = Entries)))]
async fn add(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Json(NewEntry { list, pattern, reason, expires_at }): Json<NewEntry>,
) -> Result<Response, Problem> {
    let now = doors.pipeline.clock.now();
    let invalid = |detail: String| Problem::new(Refusal::InvalidField, detail);
    if expires_at.is_some_and(|expires| expires <= now) {
        return Err(invalid("The field `expires_at` lies in the past.".to_owned()));
    }
    for (field, bytes) in [("match", pattern.to_string().len()), ("reason", reason.len())] {
        if bytes > limits::SHORT_BYTES {
            let detail = format!("The field `{field}` has {bytes} bytes; it may have {}.", limits::SHORT_BYTES);
            return Err(Problem::new(Refusal::FieldTooLong, detail));
        }
    }
    let entry = ListEntry { list, pattern, reason, added_at: now, expires_at };
    let policy = doors.pipeline.store.change_lists(site.id, Vec::new(), vec![entry]).await?;
    doors.pipeline.refresh().await?;
    Ok(json::answer(StatusCode::OK, &Entries { entries: policy.lists }))
}

/// Take an entry off.
#[utoipa::path(delete, path = "/v1/lists", security(("key" = ["admin"])), params(Which),
    responses((status = 200, description = "All entries, as they are now.", body = Entries)))]
async fn remove(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Params(Which { pattern }): Params<Which>,
) -> Result<Response, Problem> {
    let missing = || "Say which entry: `?match=domain:spam.example`.".to_owned();
    let pattern = pattern.ok_or_else(missing).and_then(|pattern| pattern.parse::<ListPattern>());
    let pattern = pattern.map_err(|detail| Problem::new(Refusal::InvalidParameter, detail))?;
    let policy = doors.pipeline.store.change_lists(site.id, vec![pattern], Vec::new()).await?;
    doors.pipeline.refresh().await?;
    Ok(json::answer(StatusCode::OK, &Entries { entries: policy.lists }))
}
