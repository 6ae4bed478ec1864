//! `/v1/deliveries`: the log of what was told to whom, and what is told once more.
//!
//! Owns the filters. Does not own what is sent (`webhook`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::caller::{Caller, Read, Submit};
use super::json::{self, Json};
use super::params::{Limit, Named, Next, Params, optional, position};
use super::problem::{Problem, Refusal};
use super::{Doors, Route};
use crate::comment::CommentId;
use crate::store::{Delivery, DeliveryFilter, DeliveryState, EndpointId, JobId, LoggedAttempt, StoreError};

pub fn routes() -> Vec<Route> {
    let route = |path: &'static str, handlers| Route { path: path.to_owned(), door: path, handlers };
    vec![
        route("/v1/deliveries", get(list)),
        route("/v1/deliveries/retry", post(retry_range)),
        route("/v1/deliveries/{id}", get(show)),
        route("/v1/deliveries/{id}/retry", post(retry_one)),
    ]
}

/// What `/openapi.json` says of these calls.
#[derive(OpenApi)]
#[openapi(paths(list, show, retry_one, retry_range))]
pub(super) struct Calls;

/// Which deliveries are asked for; each filter that is given must fit.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    #[serde(default, deserialize_with = "optional")]
    #[param(value_type = Option<String>)]
    endpoint: Option<EndpointId>,
    #[serde(default, deserialize_with = "optional")]
    comment: Option<CommentId>,
    #[serde(default, deserialize_with = "optional")]
    state: Option<DeliveryState>,
    /// Of events from this moment on.
    #[serde(default, deserialize_with = "optional")]
    from: Option<Timestamp>,
    /// Of events before this moment.
    #[serde(default, deserialize_with = "optional")]
    to: Option<Timestamp>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    #[param(schema_with = Limit::schema, required = false)]
    limit: Option<Limit>,
}

/// Deliveries, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryPage)]
struct Page {
    deliveries: Vec<Delivery>,
    #[serde(flatten)]
    next: Next,
}

/// A delivery with its attempts.
#[derive(Serialize, ToSchema)]
#[schema(as = LoggedDelivery)]
struct Shown {
    #[serde(flatten)]
    delivery: Delivery,
    attempts_made: Vec<LoggedAttempt>,
}

/// Which deliveries are sent again; at least one of the first three must be said, so that nobody does it by accident.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeliveryRange)]
struct Range {
    #[schema(value_type = Option<String>)]
    endpoint: Option<EndpointId>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// `dead_letter` when it is not said; `delivered` sends again what has arrived.
    state: Option<DeliveryState>,
}

/// How many deliveries are sent again.
#[derive(Serialize, ToSchema)]
struct Retried {
    retried: u64,
}

/// What was told to whom, newest first, page by page.
#[utoipa::path(get, path = "/v1/deliveries", security(("key" = ["read"])), params(Filter),
    responses((status = 200, description = "A page.", body = Page)))]
async fn list(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Params(asked): Params<Filter>,
) -> Result<Response, Problem> {
    let limit = asked.limit.unwrap_or_default();
    let before = position(asked.cursor.as_deref())?.map(JobId);
    let Filter { endpoint, comment, state, from, to, .. } = asked;
    let filter = DeliveryFilter { id: None, endpoint, comment, state, from, to };
    let deliveries = doors.pipeline.store.deliveries(site.id, &filter, before, limit.0).await?;
    let next = Next::after(deliveries.len(), limit, deliveries.last().map(|last| last.id.to_string()));
    Ok(json::answer(StatusCode::OK, &Page { deliveries, next }))
}

/// A delivery with every attempt: its status, latency and how the answer began.
#[utoipa::path(get, path = "/v1/deliveries/{id}", security(("key" = ["read"])), params(("id" = JobId, Path)),
    responses((status = 200, description = "The delivery.", body = Shown)))]
async fn show(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Named(id): Named<i64>,
) -> Result<Response, Problem> {
    let id = JobId(id);
    let delivery = existing(&doors, site.id, id).await?;
    let attempts_made = doors.pipeline.store.attempts(site.id, id).await?;
    Ok(json::answer(StatusCode::OK, &Shown { delivery, attempts_made }))
}

/// Send a delivery again at once, under the same `webhook-id`, whatever became of it.
#[utoipa::path(post, path = "/v1/deliveries/{id}/retry", security(("key" = ["submit"])), params(("id" = JobId, Path)),
    responses((status = 202, description = "It is due.", body = Retried), (status = 409)))]
async fn retry_one(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Named(id): Named<i64>,
) -> Result<Response, Problem> {
    let id = JobId(id);
    let delivery = existing(&doors, site.id, id).await?;
    let retried = again(&doors, site.id, DeliveryFilter { id: Some(id), ..DeliveryFilter::default() }).await?;
    if retried == 0 {
        let detail = if delivery.state == DeliveryState::Pending {
            "This delivery is under way at this moment."
        } else {
            "The endpoint of this delivery is disabled; enable it first."
        };
        return Err(Problem::new(Refusal::Conflict, detail));
    }
    Ok(json::answer(StatusCode::ACCEPTED, &Retried { retried }))
}

/// Send a range of deliveries again.
#[utoipa::path(post, path = "/v1/deliveries/retry", security(("key" = ["submit"])), request_body = Range,
    responses((status = 202, description = "They are due.", body = Retried)))]
async fn retry_range(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Submit>,
    Json(Range { endpoint, from, to, state }): Json<Range>,
) -> Result<Response, Problem> {
    if endpoint.is_none() && from.is_none() && to.is_none() {
        let detail = "Say which deliveries are meant: `endpoint`, `from` or `to`.";
        return Err(Problem::new(Refusal::InvalidField, detail));
    }
    let filter = DeliveryFilter { id: None, endpoint, comment: None, state, from, to };
    let retried = again(&doors, site.id, filter).await?;
    Ok(json::answer(StatusCode::ACCEPTED, &Retried { retried }))
}

async fn again(doors: &Doors, site: crate::site::SiteId, filter: DeliveryFilter) -> Result<u64, StoreError> {
    let retried = doors.pipeline.store.redeliver(site, filter, doors.pipeline.clock.now()).await?;
    doors.pipeline.told.notify_one();
    Ok(retried)
}

async fn existing(doors: &Doors, site: crate::site::SiteId, id: JobId) -> Result<Delivery, StoreError> {
    let filter = DeliveryFilter { id: Some(id), ..DeliveryFilter::default() };
    let delivery = doors.pipeline.store.deliveries(site, &filter, None, 1).await?.pop();
    delivery.ok_or_else(|| StoreError::NotFound(format!("delivery {id}")))
}
