//! How much waits for a verdict, as far as the doors must know: beyond a bound they send comments away at once.
//!
//! Owns the bounds on the queue and what is known of its depth. The store is not asked for each request: its depth is
//! looked at about each second ([`Backlog::look`]), and what this process queued and decided since is added.
//!
//! A single site may fill only a share of the queue, so that a flood at one leaves room for the others. Which site waits for
//! how much is what this process queued and decided; with several daemons on one store each sees its own part, and it is
//! never taken for more than the whole queue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::site::SiteId;
use crate::store::QueueStatus;

/// Bounds on the queue; 0 is no bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// Comments that wait for a verdict.
    pub depth: u64,
    /// How long the oldest of them has been due.
    pub age: Duration,
    /// Of `depth`, the share that one site may fill, percent.
    pub site_percent: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { depth: 100_000, age: Duration::from_secs(600), site_percent: 50 }
    }
}

/// Why a comment is not queued now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlogged {
    /// `depth`, `age` or `site`.
    pub reason: &'static str,
    /// After how many seconds there is likely to be room.
    pub retry_after_s: u32,
}

/// The longest that anybody is asked to wait, seconds.
const RETRY_MAX: u64 = 60;

/// What waits.
#[derive(Debug, Default)]
pub struct Backlog {
    bounds: ArcSwap<Bounds>,
    /// Waiting comments; below 0 when another process queued what this one decided.
    depth: AtomicI64,
    oldest_ms: AtomicU64,
    /// Decided by this process since the store was looked at.
    decided: AtomicU64,
    /// Decided in the second before.
    pace: AtomicU64,
    of_site: Mutex<HashMap<SiteId, u64>>,
}

impl Backlog {
    pub fn set_bounds(&self, bounds: Bounds) {
        self.bounds.store(bounds.into());
    }

    /// Whether there is room for a comment of this site.
    pub fn room(&self, site: SiteId) -> Result<(), Backlogged> {
        let bounds = self.bounds.load();
        let depth = u64::try_from(self.depth.load(Ordering::Relaxed)).unwrap_or(0);
        if bounds.depth > 0 && depth >= bounds.depth {
            return Err(self.refusal("depth", depth - bounds.depth + 1));
        }
        let oldest = Duration::from_millis(self.oldest_ms.load(Ordering::Relaxed));
        if !bounds.age.is_zero() && oldest > bounds.age && depth > 0 {
            return Err(self.refusal("age", depth));
        }
        let share = (bounds.depth.saturating_mul(bounds.site_percent) / 100).max(1);
        // Only a queue that is as long as that can hold so much of one site.
        if bounds.depth > 0 && (1..100).contains(&bounds.site_percent) && depth >= share {
            let waiting = self.sites().get(&site).copied().unwrap_or(0);
            if waiting >= share {
                return Err(self.refusal("site", waiting - share + 1));
            }
        }
        Ok(())
    }

    /// So many must be decided before there is room.
    fn refusal(&self, reason: &'static str, too_many: u64) -> Backlogged {
        metrics::counter!("hamlet_overload_refusals_total", "reason" => reason).increment(1);
        let pace = self.pace.load(Ordering::Relaxed).max(1);
        let seconds = too_many.div_ceil(pace).clamp(1, RETRY_MAX);
        Backlogged { reason, retry_after_s: u32::try_from(seconds).unwrap_or(u32::MAX) }
    }

    /// One more waits.
    pub(super) fn queued(&self, site: SiteId) {
        self.depth.fetch_add(1, Ordering::Relaxed);
        *self.sites().entry(site).or_default() += 1;
    }

    /// One was decided.
    pub(super) fn decided(&self, site: SiteId) {
        self.decided.fetch_add(1, Ordering::Relaxed);
        self.taken_back(site);
    }

    /// One that was said to wait does not.
    pub(super) fn taken_back(&self, site: SiteId) {
        self.depth.fetch_sub(1, Ordering::Relaxed);
        let mut sites = self.sites();
        if let Some(waiting) = sites.get_mut(&site) {
            *waiting = waiting.saturating_sub(1);
        }
    }

    /// Takes over what the store says; to be called about each second.
    pub fn look(&self, queue: &QueueStatus) {
        self.depth.store(i64::try_from(queue.decisions).unwrap_or(i64::MAX), Ordering::Relaxed);
        let age = Duration::try_from_secs_f64(queue.oldest_decision_seconds.unwrap_or(0.0)).unwrap_or_default();
        self.oldest_ms.store(u64::try_from(age.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.pace.store(self.decided.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        // No site waits for more than all of them; what other processes decided is forgotten here.
        self.sites().retain(|_, waiting| {
            *waiting = (*waiting).min(queue.decisions);
            *waiting > 0
        });
    }

    fn sites(&self) -> MutexGuard<'_, HashMap<SiteId, u64>> {
        self.of_site.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWS: SiteId = SiteId(1);
    const BLOG: SiteId = SiteId(2);

    fn backlog(depth: u64, age_s: u64, site_percent: u64) -> Backlog {
        let backlog = Backlog::default();
        backlog.set_bounds(Bounds { depth, age: Duration::from_secs(age_s), site_percent });
        backlog
    }

    fn seen(decisions: u64, oldest_decision_seconds: Option<f64>) -> QueueStatus {
        QueueStatus { decisions, oldest_decision_seconds, ..QueueStatus::default() }
    }

    #[track_caller]
    fn refused(backlog: &Backlog, site: SiteId, reason: &'static str, retry_after_s: u32) {
        assert_eq!(backlog.room(site), Err(Backlogged { reason, retry_after_s }));
    }

    #[test]
    fn beyond_the_depth_there_is_no_room_until_something_is_decided() {
        let backlog = backlog(10, 0, 100);
        for _ in 0..10 {
            assert_eq!(backlog.room(NEWS), Ok(()));
            backlog.queued(NEWS);
        }
        refused(&backlog, BLOG, "depth", 1);
        backlog.decided(NEWS);
        assert_eq!(backlog.room(BLOG), Ok(()));
        // Others queued more than this process knew of; at a pace of one a second they take a while.
        backlog.look(&seen(40, None));
        refused(&backlog, BLOG, "depth", 31);
        backlog.look(&seen(1_000_000, None));
        refused(&backlog, BLOG, "depth", 60);
        backlog.look(&seen(0, None));
        assert_eq!(backlog.room(BLOG), Ok(()));
    }

    #[test]
    fn a_queue_that_nobody_works_on_takes_no_more() {
        let backlog = backlog(0, 600, 50);
        backlog.look(&seen(5, Some(599.0)));
        assert_eq!(backlog.room(NEWS), Ok(()));
        backlog.look(&seen(5, Some(601.0)));
        refused(&backlog, NEWS, "age", 5);
        // Without a bound everything is taken.
        let unbounded = self::backlog(0, 0, 50);
        unbounded.look(&seen(u64::MAX, Some(1e9)));
        assert_eq!(unbounded.room(NEWS), Ok(()));
    }

    #[test]
    fn one_site_leaves_room_for_the_others() {
        let backlog = backlog(100, 0, 50);
        (0..50).for_each(|_| backlog.queued(NEWS));
        refused(&backlog, NEWS, "site", 1);
        assert_eq!(backlog.room(BLOG), Ok(()));
        (0..50).for_each(|_| backlog.queued(BLOG));
        refused(&backlog, BLOG, "depth", 1);
        // Another process decided them: no site waits for more than there is.
        backlog.look(&seen(3, None));
        (0..47).for_each(|_| assert_eq!(backlog.room(NEWS).map(|()| backlog.queued(NEWS)), Ok(())));
        refused(&backlog, NEWS, "site", 1);
    }
}
