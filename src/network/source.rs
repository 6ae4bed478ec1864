//! One that is asked: a DNS list or a service, and how it is doing.
//!
//! Owns its state, its breaker, and telling the operator when either changes. Does not own the asking (`super`).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::breaker::{Breaker, Limits};
use super::zone::Zone;

/// How a source is doing, as `/readyz` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Untested,
    Ok,
    /// It does not want to be asked by this resolver, or so often.
    Refuses,
    Fails,
    /// It does not list its own test entry: an answer "not listed" says nothing.
    Silent,
    /// It lists what no list may list, as those do that were given up: it is not asked.
    ListsEverything,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Untested => "untested",
            State::Ok => "ok",
            State::Refuses => "refuses to answer",
            State::Fails => "does not answer",
            State::Silent => "does not know its test entry",
            State::ListsEverything => "lists everything, and is not asked",
        }
    }
}

/// What is asked.
#[derive(Debug)]
pub enum Kind {
    Zone(Zone),
    StopForumSpam,
    Gravatar,
    /// Pages that say they link here.
    Pages,
}

#[derive(Debug)]
pub struct Source {
    pub kind: Kind,
    health: Mutex<Health>,
}

#[derive(Debug)]
struct Health {
    state: State,
    breaker: Breaker,
}

impl Source {
    pub fn new(kind: Kind) -> Source {
        Source { kind, health: Mutex::new(Health { state: State::Untested, breaker: Breaker::default() }) }
    }

    /// As it is shown, in metrics too.
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::Zone(zone) => &zone.shown,
            Kind::StopForumSpam => "stopforumspam",
            Kind::Gravatar => "gravatar",
            Kind::Pages => "pages",
        }
    }

    pub fn state(&self) -> State {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).state
    }

    /// Whether to ask now.
    pub fn allows(&self, now: Duration, limits: &Limits) -> bool {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.state != State::ListsEverything && health.breaker.allows(now, limits)
    }

    pub fn answered(&self) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.breaker.succeeded();
        // What only a test can find out, only a test takes back.
        if !matches!(health.state, State::Silent | State::ListsEverything) {
            self.become_(&mut health, State::Ok);
        }
    }

    /// A question was refused, or came to nothing. The log tells of a refusal at once, of the rest when it goes on.
    pub fn failed(&self, is_refusal: bool, now: Duration, limits: &Limits) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = health.breaker.failed(now, limits);
        if is_refusal {
            self.become_(&mut health, State::Refuses);
        } else if opened {
            self.become_(&mut health, State::Fails);
        }
    }

    /// What a test has found.
    pub fn tested(&self, state: State) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        self.become_(&mut health, state);
    }

    fn become_(&self, health: &mut Health, state: State) {
        if health.state == state {
            return;
        }
        let (source, was) = (self.name(), std::mem::replace(&mut health.state, state));
        match state {
            State::Untested => {}
            State::Ok if was == State::Untested => tracing::debug!(source, "a network rule's source answers"),
            State::Ok => tracing::info!(source, "a network rule's source answers again"),
            State::Refuses => tracing::warn!(
                source,
                "a network rule's source refuses to answer: it wants a resolver of your own (`network.resolvers`), a \
                 contract, or fewer questions; that is no evidence against anybody"
            ),
            bad => tracing::warn!(source, state = bad.as_str(), "a network rule's source is of no use for now"),
        }
    }
}
