//! Work that one daemon does for all who share the store.
//!
//! Owns how long it is asked for and when it is asked for again. A daemon that dies is relieved when its term is over; one that
//! hung meanwhile knows by its own count of time that the work is no longer its.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Pipeline;
use crate::random;

/// How long the work is left to a daemon that says nothing any more.
pub const TERM: Duration = Duration::from_secs(60);

/// How long to try to give it back.
const PATIENCE: Duration = Duration::from_secs(1);

/// One such work, as one of those sees it who would do it.
#[derive(Debug)]
pub struct Duty {
    pipeline: Arc<Pipeline>,
    name: &'static str,
    /// Who asks.
    holder: String,
    /// Since when the present term runs, if it is ours.
    since: Option<Instant>,
}

impl Duty {
    /// * `name`: by which all daemons know it.
    pub fn new(pipeline: &Arc<Pipeline>, name: &'static str) -> Duty {
        Duty { pipeline: Arc::clone(pipeline), name, holder: random::holder(), since: None }
    }

    /// Whether the work is ours now. Asks for it if it is not, and for another term when this one is half over.
    pub async fn is_ours(&mut self) -> bool {
        let held = self.since.map(|since| since.elapsed());
        if held.is_some_and(|held| held < TERM / 2) {
            return true;
        }
        // Before the question is sent: the answer may take its time.
        let asked = Instant::now();
        let Pipeline { store, clock, .. } = self.pipeline.as_ref();
        match store.lease(self.name, &self.holder, TERM, clock.now()).await {
            Ok(is_ours) => self.since = is_ours.then_some(asked),
            Err(error) => {
                tracing::debug!(work = self.name, %error, "the store cannot say whose work it is");
                self.since = self.since.filter(|since| since.elapsed() < TERM);
            }
        }
        self.since.is_some()
    }

    /// Lets another do it at once.
    pub async fn give_back(&mut self) {
        if self.since.take().is_some() {
            // Nobody waits for it: if the store is away, the term runs out.
            let _ = timeout(PATIENCE, self.pipeline.store.release(self.name, &self.holder)).await;
        }
    }
}
