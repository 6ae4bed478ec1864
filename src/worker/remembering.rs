//! Counting comments soon after they were judged, so that the next of their kind are known.
//!
//! Owns how soon, and how much of it at once: an admission waits for one row, not for the dozen that counting touches.
//! On a quiet daemon a comment counts some milliseconds after its verdict; in a flood counting takes its share of the
//! store's time and no more, and lags.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::stopped;
use crate::pipeline::Pipeline;

/// Comments in one transaction: some milliseconds of the writer's time.
const AT_ONCE: u32 = 256;
/// The longest time without a look: other processes judge too, and cannot ring.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a comment waits for others to be counted with.
const GATHER: Duration = Duration::from_millis(2);
/// The rest after each transaction, in times of how long it took with its waiting for others.
const REST: u32 = 3;
/// The longest rest, and the wait after the store failed.
const REST_MAX: Duration = Duration::from_secs(1);

/// Counts until it is stopped.
pub(super) async fn remember(pipeline: Arc<Pipeline>, mut stop: watch::Receiver<bool>) {
    loop {
        let counted = async {
            let started = Instant::now();
            let counted = pipeline.store.remember(AT_ONCE).await;
            match counted {
                Ok(count) => {
                    metrics::counter!("hamlet_remembered_total").increment(count);
                    sleep((started.elapsed() * REST).min(REST_MAX)).await;
                    if count < u64::from(AT_ONCE) {
                        let _ = timeout(LOOK_EVERY, pipeline.judged.notified()).await;
                        sleep(GATHER).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "what was judged could not be counted; trying again");
                    sleep(REST_MAX).await;
                }
            }
        };
        tokio::select! {
            () = counted => {}
            () = stopped(&mut stop) => return,
        }
    }
}
