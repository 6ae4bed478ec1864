//! One time for all who share a store: where that is on a server, the server's.
//!
//! A lease that one daemon writes is read by the others, and so are due times and the moments at which keys run out. Machines'
//! clocks differ by minutes when nobody looks after them, so none of them is asked: a daemon sets its clock by the
//! server's, and again every few seconds. In between it counts on by itself, also when the server is away or the
//! machine's own clock is set.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::clock::Clock;
use crate::pipeline::Pipeline;
use crate::store::{Store, StoreError};

/// How often the server is asked.
const EVERY: Duration = Duration::from_secs(5);
/// An answer that took longer says too little of what time it is now.
const SLOW: Duration = Duration::from_millis(500);
/// Differences up to this are left alone: they come from how long the answer took, and time should not go back for that.
const TOLERATED: SignedDuration = SignedDuration::from_millis(250);
/// From here on somebody should look after this machine's clock.
const WORTH_A_WORD: SignedDuration = SignedDuration::from_secs(2);

/// The clock to go by.
pub(crate) async fn clock_of(store: &dyn Store) -> Result<Clock, StoreError> {
    let Some((told, _)) = asked(store).await? else { return Ok(Clock::System) };
    let ahead = Clock::System.now().duration_since(told);
    if ahead.abs() > WORTH_A_WORD {
        let seconds = ahead.as_secs_f64();
        tracing::warn!(
            seconds,
            "this machine's clock is ahead (behind, if negative) of the store's server, which is gone by"
        );
    }
    Ok(Clock::following(told))
}

/// What time it is for those who share the store.
pub(crate) async fn now(store: &dyn Store) -> Result<Timestamp, StoreError> {
    Ok(store.time().await?.unwrap_or_else(|| Clock::System.now()))
}

/// Keeps the clock right until it is stopped.
pub(super) async fn keep(pipeline: Arc<Pipeline>, mut stop: watch::Receiver<bool>) {
    while timeout(EVERY, stop.wait_for(|stop| *stop)).await.is_err() {
        match asked(pipeline.store.as_ref()).await {
            Ok(Some((told, took))) if took < SLOW => {
                let off = pipeline.clock.now().duration_since(told);
                if off.abs() > TOLERATED {
                    tracing::info!(
                        seconds = off.as_secs_f64(),
                        "the clock was off from the store's server, and is set"
                    );
                    pipeline.clock.set(told);
                }
            }
            Ok(Some(_)) => {}
            // Whose clock is the system's is not asked again.
            Ok(None) => return,
            Err(error) => tracing::debug!(%error, "the store's server cannot be asked what time it is"),
        }
    }
}

/// What time it is at the server now, as near as can be told, and how long the answer took.
async fn asked(store: &dyn Store) -> Result<Option<(Timestamp, Duration)>, StoreError> {
    let started = Instant::now();
    let Some(told) = store.time().await? else { return Ok(None) };
    let took = started.elapsed();
    Ok(Some((told.checked_add(took / 2).unwrap_or(told), took)))
}
