//! What stands before each door: too many requests are sent away, slow ones are ended, all are counted.
//!
//! Owns the number of requests in flight and the figures per door. Does not own bodies (`api::body`), connections
//! (`server`) nor how often one client may come (`api::limiter`). One small middleware instead of a stack of general
//! ones: it runs on every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use metrics::{Counter, Histogram};
use tracing::Instrument as _;

use super::Settings;
use crate::api::problem::{Problem, Refusal};
use crate::api::{Doors, akismet};

/// In which way a door refuses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Speaks {
    Json,
    Akismet,
}

/// What all doors share.
#[derive(Debug)]
pub(super) struct Gate {
    doors: Arc<Doors>,
    in_flight: AtomicUsize,
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
        Arc::new(Gate { doors, in_flight: AtomicUsize::new(0), max_in_flight, timeout: settings.request_timeout })
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

    /// Refused when its client comes too often, or when too many are inside already.
    fn enter(&self, request: &Request) -> Result<Inside<'_>, Problem> {
        self.doors.limiter.address(request.extensions(), request.headers())?;
        let inside = Inside(&self.in_flight);
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        if before < self.max_in_flight {
            return Ok(inside);
        }
        metrics::counter!("hamlet_overload_refusals_total", "reason" => "in_flight").increment(1);
        Err(overloaded())
    }
}

/// One request in flight; counted out when it is dropped, also if its client went away.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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
