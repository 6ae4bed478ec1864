//! What follows an attempt: done, again later, given up, or no more to this endpoint.
//!
//! Owns the waits and the reasons to stop; a function of its arguments. Does not own how an attempt is made (`client`),
//! nor where the answer is written down (`store`).

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

use super::Outcome;

/// How often and how long an endpoint is tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// Waits before each further attempt; after the last one the delivery is a dead letter.
    pub retry_waits: Vec<Duration>,
    /// The longest wait that a receiver may ask for.
    pub retry_after_max: Duration,
    /// An endpoint from which nothing but failures came for this long is disabled.
    pub disable_after: Duration,
}

impl Default for Schedule {
    /// The example of Standard Webhooks 1.0.0, "Deliverability and reliability": ten attempts, some 75 h 35 min.
    fn default() -> Schedule {
        let seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        Schedule {
            retry_waits: seconds.map(Duration::from_secs).to_vec(),
            retry_after_max: Duration::from_secs(24 * 3600),
            disable_after: Duration::from_secs(5 * 24 * 3600),
        }
    }
}

/// When a receiver asked to be called again (`Retry-After`, RFC 9110, § 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    Wait(Duration),
    At(Timestamp),
}

impl RetryAfter {
    /// Seconds or an HTTP date; anything else is as if nothing had been said.
    pub fn parse(value: &str) -> Option<RetryAfter> {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(RetryAfter::Wait(Duration::from_secs(value.parse().unwrap_or(u64::MAX))));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        let since_1970 = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let seconds = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
        Some(RetryAfter::At(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)))
    }

    /// How long to wait from `now` on; nothing if that moment has passed.
    fn wait(self, now: Timestamp) -> Duration {
        match self {
            RetryAfter::Wait(wait) => wait,
            RetryAfter::At(at) => Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO),
        }
    }
}

/// What follows an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// The receiver has it.
    Delivered,
    RetryAt(Timestamp),
    /// That was the last attempt.
    DeadLetter,
    /// Nothing more is to be sent to this endpoint.
    Disable {
        reason: String,
    },
}

impl Schedule {
    /// What follows attempt number `attempt` (from 1), which ended at `now` with `outcome`.
    ///
    /// * `failing_since`: when the endpoint's present run of failures began, `None` when it was well until now.
    /// * `jitter`: factor on the wait, near 1, so that deliveries which failed together do not return together.
    ///
    /// The receiver's `Retry-After` makes a wait longer, up to `retry_after_max`, and never shorter.
    pub fn after(
        &self,
        attempt: u32,
        outcome: &Outcome,
        failing_since: Option<Timestamp>,
        now: Timestamp,
        jitter: f64,
    ) -> Next {
        if outcome.is_success() {
            return Next::Delivered;
        }
        if outcome.status == Some(410) {
            return Next::Disable { reason: "the endpoint answered 410 Gone".to_owned() };
        }
        if failing_since.is_some_and(|since| now.duration_since(since) >= signed(self.disable_after)) {
            let hours = self.disable_after.as_secs() / 3600;
            return Next::Disable { reason: format!("nothing but failures for {hours} hours") };
        }
        let waits_so_far = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(wait) = self.retry_waits.get(waits_so_far) else { return Next::DeadLetter };
        let wait = Duration::try_from_secs_f64(wait.as_secs_f64() * jitter).unwrap_or(*wait);
        let asked = outcome.retry_after.map_or(Duration::ZERO, |asked| asked.wait(now).min(self.retry_after_max));
        Next::RetryAt(now.checked_add(signed(wait.max(asked))).unwrap_or(Timestamp::MAX))
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn noon() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn answered(status: u16) -> Outcome {
        Outcome { status: Some(status), ..Outcome::default() }
    }

    fn retry_in(seconds: f64) -> Next {
        Next::RetryAt(noon() + SignedDuration::from_secs_f64(seconds))
    }

    #[track_caller]
    fn check(attempt: u32, outcome: &Outcome, jitter: f64, expected: Next) {
        let next = Schedule::default().after(attempt, outcome, None, noon(), jitter);
        assert_eq!(next, expected, "attempt {attempt}, {outcome:?}");
    }

    #[test]
    fn an_answer_says_what_follows() {
        for status in [200, 201, 202, 204, 299] {
            check(1, &answered(status), 1.0, Next::Delivered);
            check(10, &answered(status), 1.0, Next::Delivered);
        }
        for status in [100, 199, 300, 301, 302, 307, 400, 401, 404, 409, 429, 500, 502, 503, 999] {
            check(1, &answered(status), 1.0, retry_in(5.0));
            check(10, &answered(status), 1.0, Next::DeadLetter);
        }
        check(1, &Outcome::default(), 1.0, retry_in(5.0));
        check(1, &answered(410), 1.0, Next::Disable { reason: "the endpoint answered 410 Gone".to_owned() });
    }

    #[test]
    fn the_waits_grow_and_end() {
        let waits = [5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0];
        for (attempt, wait) in (1..).zip(waits) {
            check(attempt, &answered(500), 1.0, retry_in(wait));
            check(attempt, &answered(500), 0.85, retry_in(wait * 0.85));
        }
        check(10, &answered(500), 1.0, Next::DeadLetter);
        check(u32::MAX, &answered(500), 1.0, Next::DeadLetter);
        check(0, &answered(500), 1.0, retry_in(5.0));
        check(1, &answered(500), f64::NAN, retry_in(5.0));
        check(1, &answered(500), -1.0, retry_in(5.0));
    }

    #[test]
    fn retry_after_makes_a_wait_longer_and_never_shorter() {
        let asking = |value: &str| Outcome { retry_after: RetryAfter::parse(value), ..answered(503) };
        check(1, &asking("60"), 1.0, retry_in(60.0));
        check(1, &asking("60"), 0.85, retry_in(60.0));
        check(1, &asking("0"), 1.0, retry_in(5.0));
        check(2, &asking("60"), 1.0, retry_in(300.0));
        check(1, &asking("Mon, 23 Nov 2026 12:10:00 GMT"), 1.0, retry_in(600.0));
        check(1, &asking("Mon, 23 Nov 2026 11:00:00 GMT"), 1.0, retry_in(5.0));
        check(1, &asking("Fri, 31 Dec 9999 23:59:59 GMT"), 1.0, retry_in(86_400.0));
        check(1, &asking("31536000"), 1.0, retry_in(86_400.0));
        check(1, &asking("99999999999999999999999999"), 1.0, retry_in(86_400.0));
        for nonsense in ["", "-1", "soon", "1.5", "١٢", "Mon, 99 Nov 2026 12:10:00 GMT"] {
            check(1, &asking(nonsense), 1.0, retry_in(5.0));
        }
        check(10, &asking("60"), 1.0, Next::DeadLetter);
    }

    #[test]
    fn an_endpoint_that_only_fails_for_five_days_is_disabled() {
        let after = |hours: u64, outcome: &Outcome| {
            let since = noon() - Duration::from_secs(hours * HOUR);
            Schedule::default().after(2, outcome, Some(since), noon(), 1.0)
        };
        assert_eq!(after(119, &answered(500)), retry_in(300.0));
        assert_eq!(
            after(120, &answered(500)),
            Next::Disable { reason: "nothing but failures for 120 hours".to_owned() }
        );
        assert_eq!(after(1_000, &answered(200)), Next::Delivered);
    }
}
