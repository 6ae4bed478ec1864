//! `/v1/keys`: the API keys of a site, for whoever may administer it.
//!
//! Owns the shapes of these requests and answers. Does not own what a scope opens (`caller`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::caller::{Admin, Caller};
use super::json::{self, Json};
use super::params::Named;
use super::problem::{Problem, Refusal};
use super::{Doors, Route, limits};
use crate::key::{Key, KeyId, NewKey, Scope, Scopes};
use crate::pipeline::key_hash;
use crate::random;
use crate::site::Site;
use crate::store::StoreError;

/// How long a rotated key works on when nobody says so, seconds.
const OVERLAP_SECONDS: u32 = 24 * 3600;
/// Keys of one site.
const KEYS_MAX: usize = 100;

pub fn routes() -> Vec<Route> {
    let route = |path: &'static str, handlers| Route { path: path.to_owned(), door: path, handlers };
    vec![
        route("/v1/keys", get(list).post(add)),
        route("/v1/keys/{id}", delete(remove)),
        route("/v1/keys/{id}/rotate", post(rotate)),
    ]
}

/// What `/openapi.json` says of these calls.
#[derive(OpenApi)]
#[openapi(paths(list, add, rotate, remove))]
pub(super) struct Calls;

/// The keys of a site.
#[derive(Serialize, ToSchema)]
#[schema(as = Keys)]
struct All {
    #[schema(value_type = Vec<Key>)]
    keys: Vec<Arc<Key>>,
}

/// A key on the one occasion that it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyWithSecret)]
struct WithSecret<'a> {
    #[serde(flatten)]
    key: &'a Key,
    /// The key itself.
    api_key: &'a str,
}

/// A key to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
struct KeyBody {
    /// What you call it.
    #[serde(default)]
    name: String,
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Scopes,
    /// From then on it is as if it were not there; never when this is missing.
    expires_at: Option<Timestamp>,
}

/// How a key is rotated.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyRotation)]
struct RotateBody {
    /// How long the old key works on, seconds; a day when this is missing.
    #[schema(format = Int64, maximum = 4_294_967_295_u64)]
    overlap_s: Option<u32>,
}

/// The keys of a site, without the keys themselves: only their hashes are kept.
#[utoipa::path(get, path = "/v1/keys", security(("key" = ["admin"])),
    responses((status = 200, description = "All of them.", body = All)))]
async fn list(State(doors): State<Arc<Doors>>, Caller { site, .. }: Caller<Admin>) -> Result<Response, Problem> {
    Ok(json::answer(StatusCode::OK, &All { keys: keys(&doors, &site).await? }))
}

/// Make a further key.
#[utoipa::path(post, path = "/v1/keys", security(("key" = ["admin"])), request_body = KeyBody,
    responses((status = 201, description = "The key is shown this once.", body = WithSecret), (status = 409)))]
async fn add(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Json(KeyBody { name, scopes, expires_at }): Json<KeyBody>,
) -> Result<Response, Problem> {
    let now = doors.pipeline.clock.now();
    let invalid = |detail: &str| Err(Problem::new(Refusal::InvalidField, detail));
    if scopes.is_empty() {
        return invalid("The field `scopes` names none; say at least one of check, submit, read, admin.");
    }
    if name.len() > limits::SHORT_BYTES {
        return invalid("The field `name` is too long.");
    }
    if expires_at.is_some_and(|expires| expires <= now) {
        return invalid("The field `expires_at` lies in the past.");
    }
    if keys(&doors, &site).await?.len() >= KEYS_MAX {
        let detail = format!("A site may have {KEYS_MAX} keys; remove one first.");
        return Err(Problem::new(Refusal::Conflict, detail));
    }
    let secret = random::api_key();
    let new = NewKey { site: Some(site.id), name, scopes, hash: key_hash(&secret), expires_at };
    let key = doors.pipeline.store.add_key(new, now).await?;
    doors.pipeline.refresh().await?;
    Ok(json::answer(StatusCode::CREATED, &WithSecret { key: &key, api_key: &secret }))
}

/// Make a new key in the place of an old one, which works on for a while.
#[utoipa::path(post, path = "/v1/keys/{id}/rotate", security(("key" = ["admin"])), params(("id" = KeyId, Path)),
    request_body = RotateBody,
    responses((status = 201, description = "The new key is shown this once.", body = WithSecret)))]
async fn rotate(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Named(id): Named<i64>,
    Json(RotateBody { overlap_s }): Json<RotateBody>,
) -> Result<Response, Problem> {
    let old = existing(&doors, &site, KeyId(id)).await?;
    let (now, secret) = (doors.pipeline.clock.now(), random::api_key());
    let overlap = SignedDuration::from_secs(i64::from(overlap_s.unwrap_or(OVERLAP_SECONDS)));
    let until = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
    let key = doors.pipeline.store.rotate_key(old, key_hash(&secret), until, now).await?;
    doors.pipeline.refresh().await?;
    Ok(json::answer(StatusCode::CREATED, &WithSecret { key: &key, api_key: &secret }))
}

/// Forget a key: it stops working at once.
#[utoipa::path(delete, path = "/v1/keys/{id}", security(("key" = ["admin"])), params(("id" = KeyId, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn remove(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Named(id): Named<i64>,
) -> Result<Response, Problem> {
    let id = existing(&doors, &site, KeyId(id)).await?;
    doors.pipeline.store.remove_key(id).await?;
    doors.pipeline.refresh().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn keys(doors: &Doors, site: &Site) -> Result<Vec<Arc<Key>>, StoreError> {
    let directory = doors.pipeline.store.directory().await?;
    Ok(directory.keys.into_iter().filter(|key| key.site == Some(site.id)).collect())
}

async fn existing(doors: &Doors, site: &Site, id: KeyId) -> Result<KeyId, StoreError> {
    let is_there = keys(doors, site).await?.iter().any(|key| key.id == id);
    is_there.then_some(id).ok_or_else(|| StoreError::NotFound(format!("key {id}")))
}
