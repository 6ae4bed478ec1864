//! What machines call: native JSON (`comments`), a CMS's own webhook (`hooks`) and the Akismet protocol (`akismet`).
//!
//! Owns who is calling (API keys), reading a body within bounds, and how a refusal looks (`problem`). Does not own the
//! router, overload and probes (`http`), nor what becomes of a comment (`pipeline`).

pub mod akismet;
pub mod body;
pub mod comments;
pub mod form;
pub mod hooks;
pub mod json;
pub mod limits;
pub mod problem;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::MethodRouter;

use crate::pipeline::Pipeline;
use crate::site::Site;
use body::BodyLimits;
use problem::{Problem, Refusal};

/// What every door needs.
#[derive(Debug)]
pub struct Doors {
    pub pipeline: Arc<Pipeline>,
    pub bodies: BodyLimits,
    /// Who may send by a webhook of its own.
    pub hooks: Arc<hooks::Register>,
    /// Host names under which `<key>.<host>` addresses the Akismet calls; lower case, without a port.
    pub akismet_hosts: Vec<String>,
}

/// One path and who answers there.
#[derive(Debug)]
pub struct Route {
    pub path: String,
    /// Names the door in metrics: the same for all spellings of one path.
    pub door: &'static str,
    pub handlers: MethodRouter<Arc<Doors>>,
}

/// The site whose key the request carries as `Authorization: Bearer <key>`.
#[derive(Debug)]
pub struct Caller(pub Arc<Site>);

impl FromRequestParts<Arc<Doors>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, doors: &Arc<Doors>) -> Result<Caller, Problem> {
        let missing = || {
            let detail = "This needs a site's API key: send the header `Authorization: Bearer <key>`.";
            Problem::new(Refusal::KeyMissing, detail)
        };
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing)?;
        let (scheme, key) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(missing());
        }
        doors.pipeline.site_of_key(key).map(Caller).ok_or_else(|| {
            let detail = "No site has this API key; `hamlet site list` shows the sites, `hamlet site rotate-key` \
                          makes a new key.";
            Problem::new(Refusal::KeyUnknown, detail)
        })
    }
}

/// Whether a query or form value means yes: empty, `0`, `false` and `no` mean no, anything else yes.
pub fn is_yes(value: &str) -> bool {
    !["", "0", "false", "no"].iter().any(|no| value.trim().eq_ignore_ascii_case(no))
}
