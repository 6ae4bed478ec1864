//! What systemd's watchdog is told: that the daemon gets on with its work, not merely that it lives.
//!
//! A store that answers with an error is no reason to be killed: a full disk or a server that is away is there after a
//! restart as well, the doors say so meanwhile, and all goes on by itself. One that does not answer at all is.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;

use super::{every, notify};
use crate::pipeline::Pipeline;
use crate::worker::Progress;

/// Looks in each period of the watchdog: one may be missed.
const LOOKS: u32 = 3;

/// Tells the watchdog, if there is one, as long as the store answers and the worker's loops go round; until `stop`.
///
/// * `patience`: how long a loop may take for one round.
pub(super) async fn keep(
    pipeline: Arc<Pipeline>,
    progress: Arc<Progress>,
    patience: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let mut micros = 0;
    if !sd_notify::watchdog_enabled(false, &mut micros) {
        return;
    }
    let period = (Duration::from_micros(micros) / LOOKS).max(Duration::from_millis(1));
    let mut looks = every(period);
    let mut was_stuck = None;
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let is_stuck = match tokio::time::timeout(period, pipeline.store.ping()).await {
            Err(_) => Some("the store"),
            Ok(_) => progress.stalled(patience),
        };
        match is_stuck {
            None => notify(&[NotifyState::Watchdog]),
            Some(part) if was_stuck.is_none() => {
                tracing::error!(part, "no progress; the watchdog is told nothing until there is");
            }
            Some(_) => {}
        }
        was_stuck = is_stuck;
    }
}
