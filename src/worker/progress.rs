//! Whether the loops go round: what the watchdog wants to know.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// When each loop last began a round.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    /// Milliseconds after `began`.
    deciding: AtomicU64,
    delivering: AtomicU64,
}

impl Progress {
    pub(super) fn new() -> Progress {
        Progress { began: Instant::now(), deciding: AtomicU64::new(0), delivering: AtomicU64::new(0) }
    }

    /// The loop of this name begins a round.
    pub(super) fn round(&self, name: &str) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let beat = if name == "decide" { &self.deciding } else { &self.delivering };
        beat.store(now, Ordering::Relaxed);
    }

    /// The loop that has taken longer than `patience` for its present round, if one has.
    pub fn stalled(&self, patience: Duration) -> Option<&'static str> {
        let now = self.began.elapsed();
        let is_stalled =
            |beat: &AtomicU64| now.saturating_sub(Duration::from_millis(beat.load(Ordering::Relaxed))) > patience;
        match () {
            () if is_stalled(&self.deciding) => Some("deciding"),
            () if is_stalled(&self.delivering) => Some("delivering"),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_does_not_go_round_is_named() {
        let progress = Progress::new();
        let patience = Duration::from_secs(10);
        assert_eq!(progress.stalled(patience), None);
        tokio::time::advance(Duration::from_secs(11)).await;
        progress.round("decide");
        assert_eq!(progress.stalled(patience), Some("delivering"));
        progress.round("deliver");
        assert_eq!(progress.stalled(patience), None);
        tokio::time::advance(Duration::from_secs(11)).await;
        progress.round("deliver");
        assert_eq!(progress.stalled(patience), Some("deciding"));
    }
}
