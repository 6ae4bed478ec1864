//! Keeps the network rules' sources in order: reads downloaded lists when they change, tests DNS lists now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{DaemonError, settings};
use crate::config::Config;
use crate::network::Network;
use crate::pipeline::Pipeline;

/// How often files are looked at; and how soon new settings are tested.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often each zone is asked about its test entries: one that was given up may list everything from one day to the next.
const TEST_EVERY: Duration = Duration::from_secs(3_600);

/// Sets up what the settings turn on.
///
/// # Errors
/// [`DaemonError::Settings`]: a source cannot be set up on this machine.
pub fn of(config: &Config) -> Result<Option<Network>, DaemonError> {
    Network::new(settings::network(config)).map_err(DaemonError::Settings)
}

/// Until told to stop.
pub async fn keep(pipeline: Arc<Pipeline>, mut stopped: watch::Receiver<bool>) {
    let mut tested: Option<(Arc<Network>, Instant)> = None;
    loop {
        match pipeline.network() {
            None => tested = None,
            Some(network) => {
                let reader = Arc::clone(&network);
                // A panic in there would be a bug of ours, and is logged by the runtime.
                let _ = tokio::task::spawn_blocking(move || reader.refresh()).await;
                let is_due =
                    tested.as_ref().is_none_or(|(of, at)| !Arc::ptr_eq(of, &network) || at.elapsed() > TEST_EVERY);
                if is_due {
                    network.test().await;
                    tested = Some((network, Instant::now()));
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}
