//! `/v1/endpoints`: where a site's events are told.
//!
//! Owns the shapes of these requests and answers. Does not own sending (`webhook`) nor the rotation of secrets
//! (`store::rotated`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::caller::{Admin, Caller, Read};
use super::json::{self, Json};
use super::params::Named;
use super::problem::{Problem, Refusal};
use super::{Doors, Route};
use crate::event::{Event, EventKind};
use crate::random;
use crate::site::Site;
use crate::store::{
    Endpoint, EndpointChange, EndpointKind, EndpointSecret, EndpointState, Outgoing, StoreError, rotated,
};

/// Endpoints of one site; each event is kept for every one of them.
const ENDPOINTS_MAX: usize = 100;

pub fn routes() -> Vec<Route> {
    let route = |path: &'static str, handlers| Route { path: path.to_owned(), door: path, handlers };
    vec![
        route("/v1/endpoints", get(list).post(add)),
        route("/v1/endpoints/{id}", get(show).patch(change).delete(remove)),
        route("/v1/endpoints/{id}/rotate-secret", post(rotate_secret)),
        route("/v1/endpoints/{id}/test", post(test)),
    ]
}

/// What `/openapi.json` says of these calls.
#[derive(OpenApi)]
#[openapi(paths(list, add, show, change, remove, rotate_secret, test))]
pub(super) struct Calls;

/// The endpoints of a site.
#[derive(Serialize, ToSchema)]
#[schema(as = Endpoints)]
struct All {
    endpoints: Vec<Endpoint>,
}

/// An endpoint on the one occasion that its secret is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = EndpointWithSecret)]
struct WithSecret<'a> {
    #[serde(flatten)]
    endpoint: &'a Endpoint,
    /// `whsec_…`, with which messages are signed.
    secret: &'a str,
}

/// An endpoint to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEndpoint {
    /// Where messages go.
    #[schema(pattern = "^https?://.", examples("https://news.example/hamlet"))]
    url: String,
    /// What it is told; every event when this is missing.
    events: Option<Vec<EventKind>>,
}

/// What is to be changed of an endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndpointChange)]
struct ChangeBody {
    #[schema(pattern = "^https?://.")]
    url: Option<String>,
    /// `null`: every event.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<EventKind>>)]
    events: Option<Option<Vec<EventKind>>>,
    /// Whether it is told anything.
    enabled: Option<bool>,
}

/// What stands there, `null` too, as opposed to what is missing.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// A message that is on its way.
#[derive(Serialize, ToSchema)]
#[schema(as = SentMessage)]
struct Sent<'a> {
    message_id: &'a str,
}

/// The endpoints of a site.
#[utoipa::path(get, path = "/v1/endpoints", security(("key" = ["read"])),
    responses((status = 200, description = "All of them.", body = All)))]
async fn list(State(doors): State<Arc<Doors>>, Caller { site, .. }: Caller<Read>) -> Result<Response, Problem> {
    let endpoints = doors.pipeline.store.endpoints(Some(site.id)).await?;
    Ok(json::answer(StatusCode::OK, &All { endpoints }))
}

/// Have events told to a URL.
#[utoipa::path(post, path = "/v1/endpoints", security(("key" = ["admin"])), request_body = NewEndpoint,
    responses((status = 201, description = "The signing secret is shown this once.", body = WithSecret,
               headers(("Location" = String))), (status = 409)))]
async fn add(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Json(new): Json<NewEndpoint>,
) -> Result<Response, Problem> {
    check_url(&doors, &new.url)?;
    let store = &doors.pipeline.store;
    if store.endpoints(Some(site.id)).await?.len() >= ENDPOINTS_MAX {
        let detail = format!("A site may have {ENDPOINTS_MAX} endpoints; remove one first.");
        return Err(Problem::new(Refusal::Conflict, detail));
    }
    let (now, secret) = (doors.pipeline.clock.now(), random::webhook_secret());
    let endpoint = Endpoint {
        id: random::endpoint_id(now),
        site: site.id,
        kind: EndpointKind::Webhook,
        url: new.url,
        events: new.events,
        created_at: now,
        disabled: None,
        failing_since: None,
        secrets: vec![EndpointSecret { secret: secret.clone(), expires_at: None }],
    };
    store.add_endpoint(endpoint.clone()).await?;
    let mut response = json::answer(StatusCode::CREATED, &WithSecret { endpoint: &endpoint, secret: &secret });
    if let Ok(place) = HeaderValue::try_from(format!("/v1/endpoints/{}", endpoint.id)) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// One endpoint.
#[utoipa::path(get, path = "/v1/endpoints/{id}", security(("key" = ["read"])), params(("id" = String, Path)),
    responses((status = 200, description = "The endpoint.", body = Endpoint)))]
async fn show(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    Ok(json::answer(StatusCode::OK, &existing(&doors, &site, &id).await?))
}

/// Change an endpoint; what is not named stays.
#[utoipa::path(patch, path = "/v1/endpoints/{id}", security(("key" = ["admin"])), params(("id" = String, Path)),
    request_body = ChangeBody, responses((status = 200, description = "As it is now.", body = Endpoint), (status = 409)))]
async fn change(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Named(id): Named<String>,
    Json(body): Json<ChangeBody>,
) -> Result<Response, Problem> {
    existing(&doors, &site, &id).await?;
    if let Some(url) = &body.url {
        check_url(&doors, url)?;
    }
    let state = body.enabled.map(|enabled| {
        if enabled {
            EndpointState::Enabled
        } else {
            EndpointState::Disabled { reason: "switched off by the API".to_owned() }
        }
    });
    let change = EndpointChange { url: body.url, events: body.events, secrets: None, state };
    doors.pipeline.store.set_endpoint(&id, change, doors.pipeline.clock.now()).await?;
    Ok(json::answer(StatusCode::OK, &existing(&doors, &site, &id).await?))
}

/// Forget an endpoint, with what waits for it.
#[utoipa::path(delete, path = "/v1/endpoints/{id}", security(("key" = ["admin"])), params(("id" = String, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn remove(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    existing(&doors, &site, &id).await?;
    doors.pipeline.store.remove_endpoint(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Sign with a new secret; the old one signs along for a day.
#[utoipa::path(post, path = "/v1/endpoints/{id}/rotate-secret", security(("key" = ["admin"])),
    params(("id" = String, Path)),
    responses((status = 200, description = "The new secret is shown this once.", body = WithSecret), (status = 409)))]
async fn rotate_secret(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    let endpoint = existing(&doors, &site, &id).await?;
    let (now, secret) = (doors.pipeline.clock.now(), random::webhook_secret());
    let secrets = Some(rotated(endpoint.secrets.clone(), secret.clone(), now));
    doors.pipeline.store.set_endpoint(&id, EndpointChange { secrets, ..EndpointChange::default() }, now).await?;
    Ok(json::answer(StatusCode::OK, &WithSecret { endpoint: &endpoint, secret: &secret }))
}

/// Send a `delivery.test` event.
#[utoipa::path(post, path = "/v1/endpoints/{id}/test", security(("key" = ["admin"])), params(("id" = String, Path)),
    responses((status = 202, description = "It is on its way.", body = Sent), (status = 409)))]
async fn test(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Admin>,
    Named(id): Named<String>,
) -> Result<Response, Problem> {
    existing(&doors, &site, &id).await?;
    let now = doors.pipeline.clock.now();
    let message_id = random::message_id(now);
    let message = Outgoing {
        kind: EventKind::Test,
        message_id: message_id.clone(),
        body: Event::test(&site.name, now).body().into(),
    };
    doors.pipeline.store.enqueue_message(&id, message, now).await?;
    doors.pipeline.told.notify_one();
    Ok(json::answer(StatusCode::ACCEPTED, &Sent { message_id: &message_id }))
}

async fn existing(doors: &Doors, site: &Site, id: &str) -> Result<Endpoint, StoreError> {
    let endpoints = doors.pipeline.store.endpoints(Some(site.id)).await?;
    let endpoint = endpoints.into_iter().find(|endpoint| endpoint.id == id);
    endpoint.ok_or_else(|| StoreError::NotFound("endpoint of that id".to_owned()))
}

fn check_url(doors: &Doors, url: &str) -> Result<(), Problem> {
    let refused =
        |error: crate::webhook::UrlRefused| Problem::new(Refusal::InvalidField, format!("The field `url`: {error}."));
    crate::webhook::check_url(url, &doors.endpoint_addresses).map(drop).map_err(refused)
}
