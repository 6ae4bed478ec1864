//! What time it is.
//!
//! The one place that reads the system's clock; everything else takes `now` as an argument. Tests freeze it and move
//! it by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Tells the time: the system's, or one that a test holds still.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    /// Microseconds since 1970, moved by whoever holds the other end.
    Frozen(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now` until the returned handle is stored to.
    pub fn frozen_at(now: Timestamp) -> (Clock, Arc<AtomicI64>) {
        let hand = Arc::new(AtomicI64::new(now.as_microsecond()));
        (Clock::Frozen(Arc::clone(&hand)), hand)
    }

    /// The time now, cut to microseconds so that what is stored and what is remembered are equal.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn now(&self) -> Timestamp {
        let microseconds = match self {
            Clock::System => Timestamp::now().as_microsecond(),
            Clock::Frozen(hand) => hand.load(Ordering::Relaxed),
        };
        Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}
