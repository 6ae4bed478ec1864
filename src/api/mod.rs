//! What machines call: native JSON (`comments`) and the Akismet protocol (`akismet`).
//!
//! Owns who is calling (`caller`), reading a body within bounds, and how a refusal looks (`problem`). Does not own the
//! router, overload and probes (`http`), nor what becomes of a comment (`pipeline`).

pub mod akismet;
pub mod body;
pub mod caller;
pub mod comments;
pub mod json;
pub mod limits;
pub mod problem;

use std::sync::Arc;

use axum::routing::MethodRouter;

use crate::pipeline::Pipeline;
use body::BodyLimits;

/// What every door needs.
#[derive(Debug)]
pub struct Doors {
    pub pipeline: Arc<Pipeline>,
    pub bodies: BodyLimits,
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

/// Whether a query or form value means yes: empty, `0`, `false` and `no` mean no, anything else yes.
pub fn is_yes(value: &str) -> bool {
    !["", "0", "false", "no"].iter().any(|no| value.trim().eq_ignore_ascii_case(no))
}
