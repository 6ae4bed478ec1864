//! What time it is.
//!
//! The one place that reads the system's clock; everything else takes `now` as an argument. Tests freeze it and move
//! it by hand. Of machines that work together one says what time it is, and the others follow it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// From where [`Clock::elapsed`] counts.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Tells the time: the system's, another machine's, or one that a test holds still.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    /// Goes on from what it was [set](Clock::set) to, whatever becomes of the system's. Holds what it showed when
    /// [`Clock::elapsed`] was 0, microseconds since 1970.
    Following(Arc<AtomicI64>),
    /// Microseconds since 1970, moved by whoever holds the other end.
    Frozen(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now` until the returned handle is stored to.
    pub fn frozen_at(now: Timestamp) -> (Clock, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(now.as_microsecond()));
        (Clock::Frozen(Arc::clone(&hand)), hand)
    }

    /// A clock that shows `now` and goes on from there.
    pub fn following(now: Timestamp) -> Clock {
        let clock = Clock::Following(Arc::default());
        clock.set(now);
        clock
    }

    /// What time it is now, for a clock that follows another; the others go by themselves.
    pub fn set(&self, now: Timestamp) {
        if let Clock::Following(origin) = self {
            origin.store(now.as_microsecond().saturating_sub(self.elapsed_micros()), Ordering::Relaxed);
        }
    }

    fn elapsed_micros(&self) -> i64 {
        i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// The time now, cut to microseconds so that what is stored and what is remembered are equal.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Timestamp {
        let microseconds = match self {
            Clock::System => Timestamp::now().as_microsecond(),
            Clock::Following(origin) => origin.load(Ordering::Relaxed).saturating_add(self.elapsed_micros()),
            Clock::Frozen(hand) => hand.load(Ordering::Relaxed),
        };
        Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Time since some moment in the past, to tell one moment from another: it goes on when the system's clock is set
    /// back.
    pub fn elapsed(&self) -> Duration {
        match self {
            Clock::System | Clock::Following(_) => START.elapsed(),
            Clock::Frozen(hand) => {
                Duration::from_micros(u64::try_from(hand.load(Ordering::Relaxed)).unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_and_a_frozen_one_stands() {
        let before = Clock::System.elapsed();
        while Clock::System.elapsed() == before {}
        assert!(Clock::System.elapsed() > before);
        let (clock, hand) = Clock::frozen_at(Timestamp::UNIX_EPOCH);
        let before = clock.elapsed();
        assert_eq!(clock.elapsed(), before);
        hand.fetch_add(1_500_000, Ordering::Relaxed);
        assert_eq!(clock.elapsed() - before, Duration::from_millis(1500));
    }

    #[test]
    fn one_that_follows_goes_on_from_what_it_was_told() {
        let ahead = Clock::System.now() + Duration::from_secs(180);
        let clock = Clock::following(ahead);
        let shown = clock.now();
        assert!(shown >= ahead && shown < ahead + Duration::from_secs(10), "{ahead} {shown}");
        while clock.now() == shown {}
        clock.set(Timestamp::UNIX_EPOCH);
        assert!(clock.now() < Timestamp::UNIX_EPOCH + Duration::from_secs(10));
        let (frozen, _) = Clock::frozen_at(ahead);
        frozen.set(Timestamp::UNIX_EPOCH);
        assert_eq!(frozen.now(), ahead);
    }
}
