//! `GET /v1/stats`: what happened to a site's comments, by day, symbol and language.
//!
//! Owns which days are meant. Does not own what is counted (`statistics`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use utoipa::OpenApi;

use super::caller::{Caller, Read};
use super::json;
use super::params::{Params, optional};
use super::problem::{Problem, Refusal};
use super::{Doors, Route};
use crate::statistics::{Day, Kind, Report};

/// Days that are told of when nobody says which, the present one included.
const DAYS_DEFAULT: i64 = 30;
/// Days that are told of at once; the numbers of each are kept, so this bounds the answer.
const DAYS_MAX: i64 = 3_660;

pub fn routes() -> Vec<Route> {
    let path = "/v1/stats";
    vec![Route { path: path.to_owned(), door: path, handlers: get(show) }]
}

/// What `/openapi.json` says of this call.
#[derive(OpenApi)]
#[openapi(paths(show))]
pub(super) struct Calls;

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Days {
    /// The first day, UTC; 30 days are told of when this is missing.
    #[serde(default, deserialize_with = "optional")]
    from: Option<Day>,
    /// The last day, UTC; today when this is missing.
    #[serde(default, deserialize_with = "optional")]
    to: Option<Day>,
}

/// What happened to a site's comments, by day, symbol and language.
#[utoipa::path(get, path = "/v1/stats", security(("key" = ["read"])), params(Days),
    responses((status = 200, description = "The numbers of those days.", body = Report)))]
async fn show(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Params(Days { from, to }): Params<Days>,
) -> Result<Response, Problem> {
    let to = to.unwrap_or_else(|| Day::of(doors.pipeline.clock.now()));
    let from = from.unwrap_or_else(|| to.days_before(DAYS_DEFAULT - 1));
    let days = to.number() - from.number() + 1;
    if !(1..=DAYS_MAX).contains(&days) {
        let detail = format!("From {from} to {to} are {days} days; ask for 1 to {DAYS_MAX}.");
        return Err(Problem::new(Refusal::InvalidParameter, detail));
    }
    let kinds = [Kind::Decision, Kind::Mistake, Kind::Symbol, Kind::Language];
    let counted = doors.pipeline.store.statistics(Some(site.id), &kinds, from, to).await?;
    Ok(json::answer(StatusCode::OK, &Report::of(&counted, from, to)))
}
