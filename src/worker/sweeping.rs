//! Keeping the store in order: new comments become findable, old deliveries are forgotten.
//!
//! Owns when that is done and how much of it at once, so that nobody who waits for the store notices. Of several daemons
//! on one store one forgets.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::stopped;
use crate::pipeline::{Duty, Pipeline};
use crate::store::StoreError;

/// How often new comments are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often old deliveries are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// Comments or deliveries in one transaction: some milliseconds of the writer's time.
const AT_ONCE: u32 = 128;
/// How long what was seen is kept after it was seen last.
const KEEP_SEEN: Duration = Duration::from_secs(180 * 86_400);
/// Rows of each table of what was seen that are looked at in one transaction.
const SEEN_AT_ONCE: u32 = 2_000;
/// The rest after each transaction, in times of how long it took with its waiting for others: those come first.
const REST: u32 = 4;
/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(1);

/// Sweeps until it is stopped.
pub(super) async fn sweep(pipeline: Arc<Pipeline>, keep_delivered: Duration, mut stop: watch::Receiver<bool>) {
    let mut last_forgotten: Option<Instant> = None;
    let mut forgetting = Duty::new(&pipeline, "forgetting");
    loop {
        let forgets = last_forgotten.is_none_or(|last| last.elapsed() >= FORGET_EVERY);
        if forgets {
            last_forgotten = Some(Instant::now());
        }
        let swept = async {
            bit_by_bit(|| pipeline.store.make_findable(AT_ONCE)).await?;
            if forgets && forgetting.is_ours().await {
                let before = earlier(pipeline.clock.now(), keep_delivered);
                bit_by_bit(|| pipeline.store.forget_delivered(before, AT_ONCE)).await?;
                // A stretch a minute: a round over a million rows takes a week, and nobody waits for it.
                pipeline.store.forget_seen(earlier(pipeline.clock.now(), KEEP_SEEN), SEEN_AT_ONCE).await?;
            }
            Ok::<_, StoreError>(())
        };
        let swept = tokio::select! {
            swept = swept => swept,
            () = stopped(&mut stop) => break,
        };
        if let Err(error) = swept {
            tracing::warn!(%error, "the store could not be kept in order; trying again");
        }
        let was_stopped = timeout(LOOK_EVERY, stopped(&mut stop)).await.is_ok();
        if was_stopped {
            break;
        }
    }
    forgetting.give_back().await;
}

/// Does `bit` until there is nothing left, resting in between.
async fn bit_by_bit<F>(bit: impl Fn() -> F) -> Result<(), StoreError>
where
    F: Future<Output = Result<u64, StoreError>>,
{
    loop {
        let started = Instant::now();
        if bit().await? == 0 {
            return Ok(());
        }
        tokio::time::sleep((started.elapsed() * REST).min(REST_MAX)).await;
    }
}

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}
