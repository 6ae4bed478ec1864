//! Telling an endpoint: outbound webhooks as Standard Webhooks wants them.
//!
//! Owns what goes over the wire and when it goes again: signatures, an HTTP client that cannot be turned against the
//! operator's own network, the schedule of retries. Does not own what is told (`event`), to whom (`store`), nor the
//! loop that does it (`worker`).
//!
//! Source: Standard Webhooks specification 1.0.0, <https://www.standardwebhooks.com>.

pub mod address;
pub mod callback;
pub mod client;
pub mod schedule;
pub mod signature;

use std::time::Duration;

pub use address::{Allow, UrlRefused, check_url};
pub use callback::{CallBack, Word};
pub use client::{Client, Message, Settings};
pub use schedule::{Next, RetryAfter, Schedule};
pub use signature::{Secret, sign};

/// How one attempt at sending ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// When the receiver asked to be called again.
    pub retry_after: Option<RetryAfter>,
    /// Why it failed, one line; empty on success. Holds nothing of a webhook's answer.
    pub error: String,
    /// How the answer's body begins, at most [`Settings::answer_bytes`] of it.
    pub answer: Vec<u8>,
    /// The answer was a success, but not what it should have been.
    pub is_refuted: bool,
    /// From the start of the attempt to its end.
    pub latency: Duration,
}

impl Outcome {
    /// 2xx is success, everything else is not: a redirect too.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status)) && !self.is_refuted
    }

    /// Makes it a failure, whatever the status says.
    pub fn fail(&mut self, why: &str) {
        self.is_refuted = true;
        self.error = client::one_line(why);
    }
}
