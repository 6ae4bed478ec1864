//! The router: joins the doors, and answers what is about the daemon itself.
//!
//! Owns `/healthz`, `/readyz`, `/metrics`, what an unknown path gets, and the settings of all doors. `GET /` is
//! in `front`, `/openapi.json` in `openapi`, shedding load in `gate`, connections are in `server`. Does not own what a door does (`api`).

mod front;
mod gate;
mod openapi;
mod server;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::BodyLimits;
use crate::api::hooks::Register;
use crate::api::limiter::{self, Limiter};
use crate::api::problem::{Problem, Refusal};
use crate::api::{self, Doors, akismet, json as reply};
use crate::pipeline::Pipeline;
use crate::site::Policy;
use crate::store::QueueStatus;
use crate::webhook::Allow;
use gate::{Gate, Speaks};
pub use server::serve;

/// The bounds of the doors, and who may send hooks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest body of a request, bytes.
    pub body_bytes: usize,
    /// The most that the bodies of all requests may hold together, bytes.
    pub all_bodies_bytes: usize,
    /// The largest head of a request (its first line and headers), bytes. At least 8,192. 100 headers are the most.
    pub header_bytes: usize,
    /// Connections beyond this wait to be accepted.
    pub max_connections: usize,
    /// Requests beyond this are answered 503 at once.
    pub in_flight: usize,
    /// How long the head of a request may take to arrive, and how long a connection may stay idle between two.
    pub header_timeout: Duration,
    /// How long a request may take from head to answer before it is answered 503. Its body has half of that to arrive,
    /// or else it is answered 408.
    pub request_timeout: Duration,
    /// How long requests in flight may go on once the daemon was told to stop.
    pub drain: Duration,
    /// Host names under which `<key>.<host>` addresses the Akismet calls; lower case, without a port.
    pub akismet_hosts: Vec<String>,
    /// Private addresses at which an endpoint may be.
    pub endpoint_addresses: Allow,
    /// What a new site begins with.
    pub policy: Policy,
    /// May be changed while the doors are open.
    pub hooks: Arc<Register>,
    /// How often one key or address may come.
    pub limits: limiter::Settings,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            body_bytes: 4 * 1024 * 1024,
            all_bodies_bytes: 128 * 1024 * 1024,
            header_bytes: 64 * 1024,
            max_connections: 4096,
            in_flight: 1024,
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(20),
            akismet_hosts: vec!["rest.akismet.com".to_owned()],
            endpoint_addresses: Allow::None,
            policy: Policy::standard(),
            hooks: Arc::default(),
            limits: limiter::Settings::default(),
        }
    }
}

/// All doors over one pipeline.
///
/// * `metrics`: what `/metrics` shows; without it that path is unknown. A metrics recorder must be installed before
///   this is called, for the doors take hold of their counters here.
pub fn router(pipeline: Arc<Pipeline>, settings: &Settings, metrics: Option<PrometheusHandle>) -> Router {
    let limiter = Limiter::new(&settings.limits, &pipeline.clock);
    let doors = Arc::new(Doors {
        pipeline,
        bodies: BodyLimits::new(settings.body_bytes, settings.all_bodies_bytes, settings.request_timeout / 2),
        hooks: Arc::clone(&settings.hooks),
        limiter,
        akismet_hosts: settings.akismet_hosts.clone(),
        endpoint_addresses: settings.endpoint_addresses.clone(),
        policy: settings.policy.clone(),
    });
    let gate = Gate::new(Arc::clone(&doors), settings);
    let mut router = Router::new()
        .route("/", get(front::show))
        .route("/openapi.json", get(openapi::show))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz));
    if let Some(metrics) = metrics {
        router = router.route("/metrics", get(move || show_metrics(metrics)));
    }
    for (speaks, routes) in [(Speaks::Json, api::json_routes()), (Speaks::Akismet, akismet::routes())] {
        for route in routes {
            router = router.route(&route.path, gate.before(route.door, speaks, route.handlers));
        }
    }
    router.fallback(unknown_path).method_not_allowed_fallback(wrong_method).with_state(doors)
}

/// What `/openapi.json` says of the calls about the daemon itself.
#[derive(utoipa::OpenApi)]
#[openapi(paths(healthz, readyz, show_metrics, openapi::show))]
struct Calls;

#[derive(Serialize, ToSchema)]
struct Health {
    status: &'static str,
}

/// Whether the daemon can do its work.
#[derive(Serialize, ToSchema)]
struct Readiness {
    /// `ready` or `not ready`.
    status: &'static str,
    /// `ok`, or what is wrong with the store.
    store: String,
    /// The model that judges.
    model: String,
    /// What waits; `null` when the store cannot be asked.
    #[schema(required)]
    queue: Option<QueueStatus>,
    /// How those are doing that network rules ask; absent when they are off. Does not make the daemon unready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    network: Vec<Source>,
    /// Symbols that weigh nothing for a site, because they fire on much of what its readers write: look for a page cache or a
    /// CMS at fault. Absent when there are none. Does not make the daemon unready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    muted: Vec<Muted>,
}

/// A DNS list, a service or a file that network rules read.
#[derive(Serialize, ToSchema)]
struct Source {
    #[schema(examples("dbl.spamhaus.org"))]
    source: String,
    /// `ok`, `untested`, or what is wrong.
    state: &'static str,
}

/// A symbol that has gone mad on a site.
#[derive(Serialize, ToSchema)]
struct Muted {
    site: String,
    #[schema(examples("HONEYPOT_FILLED"))]
    symbol: &'static str,
    /// Of the site's last comments, those that carry it, 0 to 1.
    share: f32,
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "It does.", body = Health)))]
async fn healthz() -> Response {
    reply::answer(StatusCode::OK, &Health { status: "ok" })
}

/// The daemon can do its work: the store reads and writes, a model judges.
#[utoipa::path(get, path = "/readyz",
    responses((status = 200, description = "It can.", body = Readiness),
              (status = 503, description = "It cannot.", body = Readiness)))]
async fn readyz(State(doors): State<Arc<Doors>>) -> Response {
    let pipeline = &doors.pipeline;
    let store = match pipeline.store.ping().await {
        Ok(()) => pipeline.store.queue_status(pipeline.clock.now()).await,
        Err(error) => Err(error),
    };
    let model = pipeline.current_judge().classifier().id().to_owned();
    let health = pipeline.network().map(|network| network.health()).unwrap_or_default();
    let network = health.into_iter().map(|health| Source { source: health.source, state: health.state }).collect();
    let muted = pipeline.muted().into_iter();
    let muted = muted.map(|muted| Muted { site: muted.site, symbol: muted.symbol, share: muted.share }).collect();
    match store {
        Ok(queue) => {
            let body = Readiness { status: "ready", store: "ok".to_owned(), model, queue: Some(queue), network, muted };
            reply::answer(StatusCode::OK, &body)
        }
        Err(error) => {
            let body = Readiness { status: "not ready", store: error.to_string(), model, queue: None, network, muted };
            reply::answer(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
    }
}

/// How the daemon is doing, for Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics",
    responses((status = 200, description = "Counters and histograms.", body = String, content_type = "text/plain")))]
async fn show_metrics(metrics: PrometheusHandle) -> Response {
    let mut response = plain(StatusCode::OK, metrics.render());
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

async fn unknown_path(uri: Uri) -> Response {
    if is_akismet(&uri) {
        return plain(StatusCode::NOT_FOUND, "There is no such call.".to_owned());
    }
    let detail = "There is nothing at this path; `GET /` says what there is.";
    Problem::new(Refusal::NotFound, detail).into_response()
}

async fn wrong_method(uri: Uri, method: Method) -> Response {
    if is_akismet(&uri) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "Send this call by POST.".to_owned());
    }
    let detail = format!("{method} is not for this path; the header `Allow` says what is.");
    Problem::new(Refusal::MethodNotAllowed, detail).into_response()
}

fn is_akismet(uri: &Uri) -> bool {
    ["/1.1/", "/1.2/"].iter().any(|prefix| uri.path().starts_with(prefix))
}

fn plain(status: StatusCode, text: String) -> Response {
    let mut response = (status, text).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
