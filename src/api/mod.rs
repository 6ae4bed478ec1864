//! What machines call: native JSON (`comments`), a CMS's own webhook (`hooks`) and the Akismet protocol (`akismet`).
//!
//! Owns who is calling (`caller`, `address`) and how often (`limiter`), reading a body within bounds, and how a refusal
//! looks (`problem`). Does not own the router, overload and probes (`http`), nor what becomes of a comment (`pipeline`).

pub mod address;
pub mod akismet;
pub mod batch;
pub mod body;
pub mod caller;
pub mod campaigns;
pub mod comments;
pub mod deliveries;
pub mod endpoints;
pub mod form;
pub mod hooks;
pub mod json;
pub mod keys;
pub mod limiter;
pub mod limits;
pub mod listing;
pub mod lists;
pub mod openapi;
pub mod params;
pub mod problem;
pub mod sites;
pub mod stats;

use std::sync::Arc;

use axum::routing::MethodRouter;

use crate::pipeline::Pipeline;
use crate::site::Policy;
use crate::webhook::Allow;
use body::BodyLimits;
use limiter::Limiter;

/// What every door needs.
#[derive(Debug)]
pub struct Doors {
    pub pipeline: Arc<Pipeline>,
    pub bodies: BodyLimits,
    /// Who may send by a webhook of its own.
    pub hooks: Arc<hooks::Register>,
    pub limiter: Limiter,
    /// Host names under which `<key>.<host>` addresses the Akismet calls; lower case, without a port.
    pub akismet_hosts: Vec<String>,
    /// Private addresses at which an endpoint may be.
    pub endpoint_addresses: Allow,
    /// What a new site begins with.
    pub policy: Policy,
}

/// One path and who answers there.
#[derive(Debug)]
pub struct Route {
    pub path: String,
    /// Names the door in metrics: the same for all spellings of one path.
    pub door: &'static str,
    pub handlers: MethodRouter<Arc<Doors>>,
}

/// Every path that speaks JSON.
pub fn json_routes() -> Vec<Route> {
    let routes = [
        comments::routes(),
        endpoints::routes(),
        deliveries::routes(),
        lists::routes(),
        stats::routes(),
        campaigns::routes(),
        keys::routes(),
        sites::routes(),
        hooks::routes(),
    ];
    routes.into_iter().flatten().collect()
}

/// Whether a query or form value means yes: empty, `0`, `false` and `no` mean no, anything else yes.
pub fn is_yes(value: &str) -> bool {
    !["", "0", "false", "no"].iter().any(|no| value.trim().eq_ignore_ascii_case(no))
}
