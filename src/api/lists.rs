//! `/v1/lists`: what a site lets through and keeps out, whatever else is said of a comment; `/v1/lists/shared`: what all
//! sites do.
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

use super::caller::{Admin, Caller, Operator, Read};
use super::json::{self, Json};
use super::params::{Limit, Next, Params, optional, position};
use super::problem::{Problem, Refusal};
use super::{Doors, Route, limits};
use crate::key::Key;
use crate::lists::{List, Put};
use crate::site::{ListEntry, ListKind, ListPattern};
use crate::store::{ListFilter, ListOwner};

pub fn routes() -> Vec<Route> {
    let route = |path: &'static str, handlers| Route { path: path.to_owned(), door: path, handlers };
    vec![
        route("/v1/lists", get(show).post(add).delete(remove)),
        route("/v1/lists/shared", get(show_shared).post(add_shared).delete(remove_shared)),
    ]
}

/// What `/openapi.json` says of these calls.
#[derive(OpenApi)]
#[openapi(paths(show, add, remove, show_shared, add_shared, remove_shared))]
pub(super) struct Calls;

/// Entries of an allow and block list, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = ListEntries)]
struct Entries {
    entries: Vec<ListEntry>,
    #[serde(flatten)]
    next: Next,
}

/// An entry to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewListEntry)]
struct NewEntry {
    list: ListKind,
    #[serde(rename = "match")]
    #[schema(value_type = String, pattern = "^(email|ip|domain|link|phrase):.", examples("domain:spam.example"))]
    pattern: ListPattern,
    /// Why it is there; verdicts quote it.
    #[serde(default)]
    reason: String,
    /// Who put it on; without it, the name of the key.
    added_by: Option<String>,
    expires_at: Option<Timestamp>,
}

/// One entry, or several as `entries`: all of them are put on, or none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewListEntries)]
struct NewEntries {
    entries: Option<Vec<NewEntry>>,
    list: Option<ListKind>,
    #[serde(default, rename = "match")]
    #[schema(value_type = Option<String>, pattern = "^(email|ip|domain|link|phrase):.", examples("domain:spam.example"))]
    pattern: Option<ListPattern>,
    /// Why it is there; verdicts quote it.
    reason: Option<String>,
    /// Who put it on; without it, the name of the key.
    added_by: Option<String>,
    expires_at: Option<Timestamp>,
}

impl NewEntries {
    fn all(self) -> Result<Vec<NewEntry>, Problem> {
        let NewEntries { entries, list, pattern, reason, added_by, expires_at } = self;
        let invalid = |detail: &str| Err(Problem::new(Refusal::InvalidField, detail));
        match (entries, list, pattern) {
            (Some(entries), None, None) if reason.is_none() && added_by.is_none() && expires_at.is_none() => {
                Ok(entries)
            }
            (Some(_), ..) => invalid("The field `entries` stands alone: each entry has its own `list` and `match`."),
            (None, Some(list), Some(pattern)) => {
                Ok(vec![NewEntry { list, pattern, reason: reason.unwrap_or_default(), added_by, expires_at }])
            }
            (None, None, _) => invalid("The field `list` is missing: say `allow` or `block`."),
            (None, Some(_), None) => invalid("The field `match` is missing: write email:…, ip:…, domain:… or phrase:…"),
        }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The entry, as it was put on.
    #[serde(rename = "match")]
    #[param(value_type = String, required, pattern = "^(email|ip|domain|link|phrase):.")]
    pattern: Option<String>,
}

/// Which entries are asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    #[serde(default, deserialize_with = "optional")]
    list: Option<ListKind>,
    /// The entry for this and nothing else.
    #[serde(default, rename = "match", deserialize_with = "optional")]
    #[param(value_type = Option<String>, pattern = "^(email|ip|domain|link|phrase):.")]
    pattern: Option<ListPattern>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    #[param(schema_with = Limit::schema, required = false)]
    limit: Option<Limit>,
}

/// What a site lets through and keeps out.
#[utoipa::path(get, path = "/v1/lists", security(("key" = ["read"])), params(Filter),
    responses((status = 200, description = "A page, oldest first.", body = Entries)))]
async fn show(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Params(asked): Params<Filter>,
) -> Result<Response, Problem> {
    page(&doors, Some(site.id), asked).await
}

/// Put entries on; one that says something else of the same pattern is replaced.
#[utoipa::path(post, path = "/v1/lists", security(("key" = ["admin"])), request_body = NewEntries,
    responses((status = 200, description = "The entries, as they are now.", body = Entries)))]
async fn add(
    State(doors): State<Arc<Doors>>,
    Caller { site, key, .. }: Caller<Admin>,
    Json(new): Json<NewEntries>,
) -> Result<Response, Problem> {
    put_on(&doors, Some(site.id), &key, new).await
}

/// Take an entry off.
#[utoipa::path(delete, path = "/v1/lists", security(("key" = ["admin"])), params(Which),
    responses((status = 200, description = "The first of those that are left.", body = Entries)))]
async fn remove(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    take_off(&doors, Some(site.id), which).await
}

/// What all sites let through and keep out.
#[utoipa::path(get, path = "/v1/lists/shared", security(("operator" = ["admin"])), params(Filter),
    responses((status = 200, description = "A page, oldest first.", body = Entries)))]
async fn show_shared(
    State(doors): State<Arc<Doors>>,
    _: Operator,
    Params(asked): Params<Filter>,
) -> Result<Response, Problem> {
    page(&doors, None, asked).await
}

/// Put entries on the list that all sites share.
#[utoipa::path(post, path = "/v1/lists/shared", security(("operator" = ["admin"])), request_body = NewEntries,
    responses((status = 200, description = "The entries, as they are now.", body = Entries)))]
async fn add_shared(
    State(doors): State<Arc<Doors>>,
    Operator(key): Operator,
    Json(new): Json<NewEntries>,
) -> Result<Response, Problem> {
    put_on(&doors, None, &key, new).await
}

/// Take an entry off the list that all sites share.
#[utoipa::path(delete, path = "/v1/lists/shared", security(("operator" = ["admin"])), params(Which),
    responses((status = 200, description = "The first of those that are left.", body = Entries)))]
async fn remove_shared(
    State(doors): State<Arc<Doors>>,
    _: Operator,
    Params(which): Params<Which>,
) -> Result<Response, Problem> {
    take_off(&doors, None, which).await
}

async fn page(doors: &Doors, owner: ListOwner, asked: Filter) -> Result<Response, Problem> {
    let Filter { list, pattern, cursor, limit } = asked;
    let after = position(cursor.as_deref())?.unwrap_or(0);
    let filter = ListFilter { list, pattern };
    let limit = limit.unwrap_or_default();
    let (found, next) = doors.pipeline.store.list_entries(owner, &filter, after, limit.0).await?;
    let next = Next { next_cursor: next.map(|row| row.to_string()) };
    let entries = found.into_iter().map(|placed| placed.entry).collect();
    Ok(json::answer(StatusCode::OK, &Entries { entries, next }))
}

async fn put_on(doors: &Doors, owner: ListOwner, key: &Key, new: NewEntries) -> Result<Response, Problem> {
    let now = doors.pipeline.clock.now();
    let entries = new.all()?.into_iter().map(|new| entry(new, key, now)).collect::<Result<Vec<_>, Problem>>()?;
    doors.pipeline.store.change_lists(owner, Vec::new(), entries.clone()).await?;
    doors.pipeline.refresh().await?;
    Ok(json::answer(StatusCode::OK, &Entries { entries, next: Next { next_cursor: None } }))
}

async fn take_off(doors: &Doors, owner: ListOwner, Which { pattern }: Which) -> Result<Response, Problem> {
    let missing = || "Say which entry: `?match=domain:spam.example`.".to_owned();
    let pattern = pattern.ok_or_else(missing).and_then(|pattern| pattern.parse::<ListPattern>());
    let pattern = pattern.map_err(|detail| Problem::new(Refusal::InvalidParameter, detail))?;
    doors.pipeline.store.change_lists(owner, vec![pattern], Vec::new()).await?;
    doors.pipeline.refresh().await?;
    page(doors, owner, Filter::default()).await
}

/// The entry, if it may be one.
fn entry(new: NewEntry, key: &Key, now: Timestamp) -> Result<ListEntry, Problem> {
    let NewEntry { list, pattern, reason, added_by, expires_at } = new;
    let invalid = |detail: String| Problem::new(Refusal::InvalidField, detail);
    if expires_at.is_some_and(|expires| expires <= now) {
        return Err(invalid("The field `expires_at` lies in the past.".to_owned()));
    }
    let added_by = added_by.unwrap_or_else(|| key.name.clone());
    for (field, bytes) in [("match", pattern.to_string().len()), ("reason", reason.len()), ("added_by", added_by.len())]
    {
        if bytes > limits::SHORT_BYTES {
            let detail = format!("The field `{field}` has {bytes} bytes; it may have {}.", limits::SHORT_BYTES);
            return Err(Problem::new(Refusal::FieldTooLong, detail));
        }
    }
    let entry = ListEntry { list, pattern, reason, added_by, added_at: now, expires_at };
    match List::default().put(&entry, 0) {
        Put::Useless(why) => Err(invalid(format!("The field `match`: {}: {why}.", entry.pattern))),
        Put::New | Put::Replaced => Ok(entry),
    }
}
