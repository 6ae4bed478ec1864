//! Keeping the store in order: new comments become findable, old deliveries are forgotten.
//!
//! Owns when that is done and how much of it at once, so that nobody who waits for the store notices.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::stopped;
use crate::pipeline::Pipeline;
use crate::store::StoreError;

/// How often new comments are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often old deliveries are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// Comments or deliveries in one transaction: some milliseconds of the writer's time.
const AT_ONCE: u32 = 128;
/// The rest after each transaction while there is more to do.
const BREATH: Duration = Duration::from_millis(5);

/// Sweeps until it is stopped.
pub(super) async fn sweep(pipeline: Arc<Pipeline>, keep_delivered: Duration, mut stop: watch::Receiver<bool>) {
    let mut last_forgotten: Option<Instant> = None;
    loop {
        let forgets = last_forgotten.is_none_or(|last| last.elapsed() >= FORGET_EVERY);
        if forgets {
            last_forgotten = Some(Instant::now());
        }
        let swept = async {
            while pipeline.store.make_findable(AT_ONCE).await? > 0 {
                tokio::time::sleep(BREATH).await;
            }
            if forgets {
                let before = earlier(pipeline.clock.now(), keep_delivered);
                while pipeline.store.forget_delivered(before, AT_ONCE).await? > 0 {
                    tokio::time::sleep(BREATH).await;
                }
            }
            Ok::<_, StoreError>(())
        };
        let swept = tokio::select! {
            swept = swept => swept,
            () = stopped(&mut stop) => return,
        };
        if let Err(error) = swept {
            tracing::warn!(%error, "the store could not be kept in order; trying again");
        }
        let was_stopped = timeout(LOOK_EVERY, stopped(&mut stop)).await.is_ok();
        if was_stopped {
            return;
        }
    }
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}
