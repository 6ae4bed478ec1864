//! What stands before each door: too many requests are sent away, slow ones are ended, all are counted.
//!
//! Owns the number of requests in flight, how many of them may be one client's, and the figures per door. Does not own
//! bodies (`api::body`), connections (`server`) nor how often one client may come (`api::limiter`). One small middleware
//! instead of a stack of general ones: it runs on every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use metrics::{Counter, Histogram};
use tracing::Instrument as _;
use xxhash_rust::xxh3::xxh3_64;

use super::Settings;
use crate::api::problem::{Problem, Refusal};
use crate::api::{Doors, akismet};

/// In which way a door refuses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Speaks {
    Json,
    Akismet,
}

/// Into how many parts clients are sorted. Two that meet in one share it.
const PARTS: usize = 1024;

/// What all doors share.
#[derive(Debug)]
pub(super) struct Gate {
    doors: Arc<Doors>,
    in_flight: AtomicUsize,
    /// The same by client.
    of_clients: Box<[AtomicU32]>,
    max_in_flight: usize,
    timeout: Duration,
}

/// One door with its figures.
#[derive(Debug)]
struct Door {
    gate: Arc<Gate>,
    speaks: Speaks,
    /// For the log.
    name: &'static str,
    seconds: Histogram,
    /// Answers with status 2xx and 3xx, 4xx, 5xx.
    good: Counter,
    refused: Counter,
    failed: Counter,
}

impl Gate {
    pub(super) fn new(doors: Arc<Doors>, settings: &Settings) -> Arc<Gate> {
        let max_in_flight = settings.in_flight;
        let of_clients = (0..PARTS).map(|_| AtomicU32::new(0)).collect();
        let (in_flight, timeout) = (AtomicUsize::new(0), settings.request_timeout);
        Arc::new(Gate { doors, in_flight, of_clients, max_in_flight, timeout })
    }

    /// Puts the gate before `handlers`.
    pub(super) fn before(
        self: &Arc<Gate>,
        name: &'static str,
        speaks: Speaks,
        handlers: MethodRouter<Arc<Doors>>,
    ) -> MethodRouter<Arc<Doors>> {
        let answers = |status| metrics::counter!("hamlet_http_requests_total", "door" => name, "status" => status);
        let door = Door {
            gate: Arc::clone(self),
            speaks,
            name,
            seconds: metrics::histogram!("hamlet_http_request_seconds", "door" => name),
            good: answers("2xx"),
            refused: answers("4xx"),
            failed: answers("5xx"),
        };
        handlers.layer(from_fn_with_state(Arc::new(door), pass))
    }

    /// Refused when its client comes too often, or when too many are inside already: of all, or of its own. A client may
    /// have less than twice as many inside as there is room for, so that a flood of one leaves room for others.
    fn enter(&self, request: &Request) -> Result<Inside<'_>, Problem> {
        self.doors.limiter.address(request.extensions(), request.headers())?;
        let Some(of_client) = self.of_clients.get(self.client(request) % PARTS) else { return Err(overloaded()) };
        let inside = Inside { all: &self.in_flight, of_client };
        let all = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let own = of_client.fetch_add(1, Ordering::Relaxed) as usize;
        if own < self.max_in_flight.saturating_sub(all) * 2 {
            return Ok(inside);
        }
        metrics::counter!("hamlet_overload_refusals_total", "reason" => "in_flight").increment(1);
        Err(overloaded())
    }

    /// Who sends this, as far as the head tells: a key, or else an address and the name under which it knows this daemon
    /// (Akismet's has the key in it).
    fn client(&self, request: &Request) -> usize {
        let header = |name| request.headers().get(name).map_or(&[][..], HeaderValue::as_bytes);
        let hash = match header(AUTHORIZATION) {
            [] => {
                let address = self.doors.limiter.client(request.extensions(), request.headers());
                xxh3_64(header(HOST)) ^ address.map_or(0, |address| xxh3_64(address.to_string().as_bytes()))
            }
            key => xxh3_64(key),
        };
        usize::try_from(hash & 0xffff_ffff).unwrap_or(0)
    }
}

/// One request in flight; counted out when it is dropped, also if its client went away.
struct Inside<'a> {
    all: &'a AtomicUsize,
    of_client: &'a AtomicU32,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        self.of_client.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn pass(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let response = match door.gate.enter(&request) {
        Err(problem) => door.refuse(problem),
        Ok(_inside) => match tokio::time::timeout(door.gate.timeout, door.run(next, request)).await {
            Ok(response) => response,
            Err(_) => door.refuse(overloaded()),
        },
    };
    door.seconds.record(started.elapsed());
    door.count(response.status());
    response
}

fn overloaded() -> Problem {
    let detail = "More comes in than can be handled now; it is not certain that anything was kept. Try again in a \
                  second; with an `Idempotency-Key` that is harmless.";
    Problem::new(Refusal::Overloaded, detail)
}

impl Door {
    /// Answers within a span that carries the comment's id once it has one.
    async fn run(&self, next: Next, request: Request) -> Response {
        let span = tracing::debug_span!("door", door = self.name, comment = tracing::field::Empty);
        next.run(request).instrument(span).await
    }

    fn refuse(&self, problem: Problem) -> Response {
        match self.speaks {
            Speaks::Json => problem.into_response(),
            Speaks::Akismet => akismet::refused(&self.gate.doors, problem.refusal),
        }
    }

    fn count(&self, status: StatusCode) {
        let counter = match status.as_u16() {
            ..400 => &self.good,
            400..500 => &self.refused,
            500.. => &self.failed,
        };
        counter.increment(1);
    }
}
