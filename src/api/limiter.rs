//! How often a key or an address may come: requests beyond that are answered 429.
//!
//! Owns the three limits, what they remember of whom, and what the one who came too often is told. Does not own whose
//! address a request has (`address`), nor how many requests there may be in all (`http::gate`).

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{Extensions, HeaderMap};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use metrics::Counter;

use super::address;
use super::problem::{Problem, Refusal};
use crate::clock::Clock;
use crate::key::KeyId;

/// Keys or addresses that one limit remembers. Each takes some 40 bytes.
const MOST: usize = 100_000;

/// What may come how often; 0 is no limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Requests per second with one API key, and how many may come at once.
    pub per_key_s: u32,
    pub per_key_burst: u32,
    /// Requests per second from one address, and how many may come at once.
    pub per_address_s: u32,
    pub per_address_burst: u32,
    /// Requests with a wrong key or none, from one address.
    pub refused_keys_per_minute: u32,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Settings {
        let loopback = ["127.0.0.0/8", "::1/128"];
        let loopback = loopback.map(|net| net.parse().unwrap_or_else(|_| unreachable!("a constant network: {net}")));
        Settings {
            per_key_s: 0,
            per_key_burst: 100,
            per_address_s: 0,
            per_address_burst: 100,
            refused_keys_per_minute: 60,
            trusted_proxies: loopback.to_vec(),
        }
    }
}

/// The limits of all doors.
#[derive(Debug)]
pub struct Limiter {
    keys: Option<Limit<KeyId>>,
    addresses: Option<Limit<IpAddr>>,
    refused: Option<Limit<IpAddr>>,
    trusted_proxies: Vec<IpNet>,
}

/// A request too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    detail: &'static str,
    /// After so many seconds one more will do; at least 1.
    pub retry_after_s: u32,
}

impl Limiter {
    /// `clock` tells when a request comes.
    pub fn new(settings: &Settings, clock: &Clock) -> Limiter {
        let per_second = |rate, burst| {
            let quota = Quota::per_second(NonZeroU32::new(rate)?);
            Some(NonZeroU32::new(burst).map_or(quota, |burst| quota.allow_burst(burst)))
        };
        let keys = per_second(settings.per_key_s, settings.per_key_burst);
        let addresses = per_second(settings.per_address_s, settings.per_address_burst);
        let refused = NonZeroU32::new(settings.refused_keys_per_minute).map(Quota::per_minute);
        Limiter {
            keys: keys.map(|quota| {
                let detail = "This API key is used more often than `limits.per_key_s` allows.";
                Limit::new("key", detail, quota, clock)
            }),
            addresses: addresses.map(|quota| {
                let detail = "Requests from this address come more often than `limits.per_address_s` allows.";
                Limit::new("address", detail, quota, clock)
            }),
            refused: refused.map(|quota| {
                let detail = "Too many requests from this address had a wrong API key or none; with a right one you \
                              need not wait. `hamlet key add` makes a new key.";
                Limit::new("refused", detail, quota, clock)
            }),
            trusted_proxies: settings.trusted_proxies.clone(),
        }
    }

    /// One more request with this key, which is known.
    pub fn key(&self, key: KeyId) -> Result<(), TooOften> {
        self.keys.as_ref().map_or(Ok(()), |limit| limit.count(&key))
    }

    /// One more request, of whatever kind, with this head.
    pub fn address(&self, extensions: &Extensions, headers: &HeaderMap) -> Result<(), TooOften> {
        self.count_client(self.addresses.as_ref(), extensions, headers)
    }

    /// One more request with a wrong key or none. Right keys are not counted and pass at any time, so that a neighbour
    /// behind the same address cannot lock a CMS out.
    pub fn refused(&self, extensions: &Extensions, headers: &HeaderMap) -> Result<(), TooOften> {
        self.count_client(self.refused.as_ref(), extensions, headers)
    }

    /// Who sent a request; the network, where a client has one to itself.
    pub fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        address::client(extensions, headers, &self.trusted_proxies).map(address::network)
    }

    fn count_client(
        &self,
        limit: Option<&Limit<IpAddr>>,
        extensions: &Extensions,
        headers: &HeaderMap,
    ) -> Result<(), TooOften> {
        let Some(limit) = limit else { return Ok(()) };
        self.client(extensions, headers).map_or(Ok(()), |client| limit.count(&client))
    }
}

impl From<TooOften> for Refusal {
    fn from(TooOften { retry_after_s, .. }: TooOften) -> Refusal {
        Refusal::RateLimited { retry_after_s }
    }
}

impl From<TooOften> for Problem {
    fn from(too_often: TooOften) -> Problem {
        let TooOften { detail, retry_after_s } = too_often;
        Problem::new(too_often.into(), format!("{detail} Nothing was done; try again in {retry_after_s} s."))
    }
}

/// One limit for each of many.
#[derive(Debug)]
struct Limit<K: Hash + Eq + Copy> {
    limiter: RateLimiter<K, Memory<K>, Ticks, NoOpMiddleware<Duration>>,
    detail: &'static str,
    refusals: Counter,
}

impl<K: Hash + Eq + Copy> Limit<K> {
    fn new(name: &'static str, detail: &'static str, quota: Quota, clock: &Clock) -> Limit<K> {
        let memory = Memory(Mutex::default());
        let refusals = metrics::counter!("hamlet_rate_limited_total", "limit" => name);
        Limit { limiter: RateLimiter::new(quota, memory, Ticks(clock.clone())), detail, refusals }
    }

    fn count(&self, who: &K) -> Result<(), TooOften> {
        self.limiter.check_key(who).map_err(|until| {
            self.refusals.increment(1);
            let now = governor::clock::Clock::now(self.limiter.clock());
            let seconds = until.wait_time_from(now).as_nanos().div_ceil(1_000_000_000);
            TooOften { detail: self.detail, retry_after_s: u32::try_from(seconds).unwrap_or(u32::MAX).max(1) }
        })
    }
}

/// The house's clock as governor reads it.
#[derive(Debug)]
struct Ticks(Clock);

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// When each of the latest [`MOST`] may come as if it had never come before.
///
/// governor's own stores grow until somebody tidies them. Here a newcomer to a full memory makes it forget half: those
/// who come seldom, about whom there is least to know. Who is over a limit is remembered. Forgetting takes some 4 ms.
#[derive(Debug)]
struct Memory<K>(Mutex<HashMap<K, Nanos>>);

impl<K: Hash + Eq + Copy> StateStore for Memory<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, who: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut known = self.lock();
        let before = known.get(who).copied();
        let (passes, after) = decide(before)?;
        if before.is_none() && known.len() >= MOST {
            forget_half(&mut known);
        }
        known.insert(*who, after);
        Ok(passes)
    }
}

impl<K> Memory<K> {
    /// Nothing that is done under the lock leaves it half done.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_half<K: Hash + Eq>(known: &mut HashMap<K, Nanos>) {
    let mut times: Vec<Nanos> = known.values().copied().collect();
    let middle = times.len() / 2;
    let (_, &mut median, _) = times.select_nth_unstable(middle);
    // Removed from the same table, they would leave marks that make it grow to twice the size.
    let mut kept = HashMap::with_capacity(MOST);
    kept.extend(known.drain().filter(|(_, time)| *time > median));
    *known = kept;
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::atomic::Ordering;

    use super::*;

    fn limit(quota: Quota, clock: &Clock) -> Limit<IpAddr> {
        Limit::new("address", "Too often.", quota, clock)
    }

    fn quota(per_second: u32, burst: u32) -> Quota {
        Quota::per_second(NonZeroU32::new(per_second).unwrap()).allow_burst(NonZeroU32::new(burst).unwrap())
    }

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (clock, hand) = Clock::frozen_at("2026-01-02T03:04:05Z".parse().unwrap());
        let limit = limit(quota(2, 3), &clock);
        let passed = |tries: u32| (0..tries).filter(|_| limit.count(&address(1)).is_ok()).count();
        assert_eq!(passed(10), 3);
        assert_eq!(limit.count(&address(1)).unwrap_err().retry_after_s, 1);
        assert!(limit.count(&address(2)).is_ok(), "another is not concerned");
        hand.fetch_add(500_000, Ordering::Relaxed);
        assert_eq!(passed(10), 1);
        hand.fetch_add(3_600_000_000, Ordering::Relaxed);
        assert_eq!(passed(10), 3);
    }

    #[test]
    fn whoever_waits_as_long_as_told_passes() {
        let (clock, hand) = Clock::frozen_at("2026-01-02T03:04:05Z".parse().unwrap());
        let limit = limit(Quota::per_minute(NonZeroU32::new(7).unwrap()), &clock);
        while limit.count(&address(1)).is_ok() {}
        let told = limit.count(&address(1)).unwrap_err().retry_after_s;
        assert_eq!(told, 9, "a seventh of a minute, rounded up");
        hand.fetch_add(i64::from(told) * 1_000_000, Ordering::Relaxed);
        assert!(limit.count(&address(1)).is_ok());
    }

    #[test]
    fn a_million_addresses_take_bounded_memory_and_the_greedy_one_is_not_forgotten() {
        let (clock, hand) = Clock::frozen_at("2026-01-02T03:04:05Z".parse().unwrap());
        let limit = limit(quota(1, 60), &clock);
        let greedy = address(0);
        let mut passed = 0;
        for number in 1..=1_000_000 {
            assert!(limit.count(&address(number)).is_ok());
            passed += u32::from(limit.count(&greedy).is_ok());
            hand.fetch_add(100, Ordering::Relaxed);
        }
        // Its last request came just before 100 s were over. Once forgotten, it would have had another 60.
        assert_eq!(passed, 60 + 99);
        let memory = limit.limiter.into_state_store();
        let known = memory.lock();
        assert!((MOST / 2..=MOST).contains(&known.len()), "{}", known.len());
        assert!(known.capacity() < 2 * MOST, "{}", known.capacity());
    }
}
