//! A circuit breaker: who has failed several times in a row is not asked for a while.
//!
//! Owns the arithmetic. Does not own what a failure is (`super`).

use std::time::Duration;

/// When to stop asking, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Failures in a row.
    pub failures: u32,
    pub pause: Duration,
}

/// One for each zone and service. `now` is a time that never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Breaker {
    failures: u32,
    /// Open until then.
    retry_at: Option<Duration>,
}

impl Breaker {
    /// Whether to ask. When the pause is over one question goes through, and the next only after a further pause: a
    /// question that is never told of holds nothing up.
    pub fn allows(&mut self, now: Duration, limits: &Limits) -> bool {
        match self.retry_at {
            Some(at) if now < at => false,
            Some(_) => {
                self.retry_at = Some(now.saturating_add(limits.pause));
                true
            }
            None => true,
        }
    }

    pub fn succeeded(&mut self) {
        *self = Breaker::default();
    }

    /// Whether it opened with this failure.
    pub fn failed(&mut self, now: Duration, limits: &Limits) -> bool {
        self.failures = self.failures.saturating_add(1);
        let was_open = self.retry_at.is_some();
        if self.failures >= limits.failures {
            self.retry_at = Some(now.saturating_add(limits.pause));
        }
        !was_open && self.retry_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_lets_one_through_and_closes() {
        let limits = Limits { failures: 3, pause: Duration::from_secs(30) };
        let at = Duration::from_secs;
        let mut breaker = Breaker::default();
        assert!(!breaker.failed(at(1), &limits) && !breaker.failed(at(1), &limits) && breaker.allows(at(1), &limits));
        assert!(breaker.failed(at(2), &limits), "the third opens it");
        assert!(!breaker.allows(at(31), &limits));
        assert!(breaker.allows(at(32), &limits), "one goes through");
        assert!(!breaker.allows(at(33), &limits), "and no second");
        assert!(!breaker.failed(at(33), &limits), "it was open");
        assert!(!breaker.allows(at(62), &limits) && breaker.allows(at(63), &limits));
        breaker.succeeded();
        assert!(breaker.allows(at(63), &limits) && breaker.allows(at(63), &limits));
    }
}
