//! Sending what is to be told.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::Instrument as _;

use crate::comment::CommentId;
use crate::event::{self, Event, EventData, EventKind};
use crate::pipeline::Pipeline;
use crate::random;
use crate::site::SiteId;
use crate::store::StoreError;
use crate::store::{
    Attempt, DeliveryJob, Endpoint, EndpointId, EndpointKind, EndpointSecret, Full, JobId, NextStep, Outgoing, Verbs,
    timed,
};
use crate::webhook::{CallBack, Client, Message, Next, Outcome, Schedule, Secret};

use super::{Claimed, Settings, Trade, record};

/// How much of an answer's body is logged, bytes.
const LOGGED_ANSWER_BYTES: usize = 512;

/// Sends claimed deliveries, few at a time to each endpoint and half of all to each site, so that slow ones delay nobody else.
pub(super) struct Delivering {
    pipeline: Arc<Pipeline>,
    client: Client,
    at_once: usize,
    per_endpoint: usize,
    lease: Duration,
    schedule: Schedule,
    to_endpoints: UnderWay<EndpointId>,
    to_sites: UnderWay<SiteId>,
}

/// How many deliveries are under way to each.
struct UnderWay<K>(Arc<Mutex<HashMap<K, usize>>>);

/// One of them, until it is dropped: a delivery that panics gives its place back too.
struct Place<K: Eq + Hash> {
    under_way: UnderWay<K>,
    to: K,
}

/// A claimed delivery and its places.
pub(super) struct Sending {
    job: DeliveryJob,
    _at_endpoint: Place<EndpointId>,
    _at_site: Place<SiteId>,
}

impl<K: Clone + Eq + Hash> UnderWay<K> {
    fn none() -> UnderWay<K> {
        UnderWay(Arc::default())
    }

    fn with<R>(&self, look: impl FnOnce(&mut HashMap<K, usize>) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn place(&self, to: &K) -> Place<K> {
        self.with(|counts| *counts.entry(to.clone()).or_default() += 1);
        Place { under_way: UnderWay(Arc::clone(&self.0)), to: to.clone() }
    }

    /// Those with no place left of `limit`, and the fewest places that any other has left.
    fn full(&self, limit: usize) -> (Vec<K>, usize) {
        self.with(|counts| {
            let full = counts.iter().filter(|(_, count)| **count >= limit).map(|(to, _)| to.clone());
            let busiest = counts.values().filter(|count| **count < limit).max().copied().unwrap_or(0);
            (full.collect(), limit - busiest)
        })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.to) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.to);
            }
        }
    }
}

impl Delivering {
    pub(super) fn new(pipeline: Arc<Pipeline>, client: Client, settings: &Settings) -> Delivering {
        Delivering {
            pipeline,
            client,
            at_once: settings.deliveries_at_once.max(1),
            per_endpoint: settings.deliveries_per_endpoint.max(1),
            lease: settings.lease,
            schedule: settings.schedule.clone(),
            to_endpoints: UnderWay::none(),
            to_sites: UnderWay::none(),
        }
    }

    /// One attempt, by what the endpoint understands.
    async fn send(&self, job: &mut DeliveryJob) -> Outcome {
        match job.endpoint.kind {
            EndpointKind::Webhook => self.send_webhook(job).await,
            EndpointKind::Callback => self.call_back(job).await,
        }
    }

    /// Signed with every secret that has not expired.
    async fn send_webhook(&self, job: &mut DeliveryJob) -> Outcome {
        let now = self.pipeline.clock.now();
        let Endpoint { id, url, secrets, .. } = &job.endpoint;
        let valid = secrets.iter().filter(|secret| secret.expires_at.is_none_or(|expiry| expiry > now));
        let secrets: Vec<Secret> = valid.filter_map(|secret| secret.secret.parse().ok()).collect();
        if secrets.is_empty() {
            tracing::error!(endpoint = %id, "an endpoint has no secret to sign with; rotate it");
            return Outcome { error: "there is no secret to sign with".to_owned(), ..Outcome::default() };
        }
        let message = Message { id: job.message_id.clone(), body: std::mem::take(&mut job.body), secrets };
        self.client.send(url, message, now).await
    }

    /// Pushes a decision to the CMS; if a person has decided there already, that is learned.
    async fn call_back(&self, job: &DeliveryJob) -> Outcome {
        let Some(call_back) = CallBack::of_body(&job.body) else {
            return Outcome { error: "the message is no call-back".to_owned(), ..Outcome::default() };
        };
        let Some(EndpointSecret { secret: key, .. }) = job.endpoint.secrets.first() else {
            return Outcome { error: "the key of the CMS is not known".to_owned(), ..Outcome::default() };
        };
        let mut outcome = self.client.call_back(&job.endpoint.url, call_back.request(key)).await;
        if let Some(word) = call_back.read(&mut outcome)
            && let Err(error) = self.pipeline.heard_from_cms(job.endpoint.site, &call_back.guid, word).await
        {
            // What the plugin said is not kept: it is asked again, and says it again.
            tracing::warn!(endpoint = %job.endpoint.id, %error, "a moderator's word could not be kept");
            outcome.fail("a moderator's word could not be kept");
        }
        outcome
    }

    /// The same in the words of the store.
    fn next_step(&self, next: Next, endpoint: &Endpoint) -> NextStep {
        match next {
            Next::Delivered => NextStep::Delivered,
            Next::RetryAt(at) => NextStep::RetryAt(at),
            Next::DeadLetter => NextStep::DeadLetter,
            Next::Disable { reason } => {
                let event = self.disabled_event(endpoint, &reason);
                NextStep::DisableEndpoint { reason, event }
            }
        }
    }

    /// What the other endpoints of the site are told when this one is told nothing any more.
    fn disabled_event(&self, endpoint: &Endpoint, reason: &str) -> Outgoing {
        let now = self.pipeline.clock.now();
        let site = self.pipeline.site(endpoint.site);
        let site = site.as_ref().map_or("", |site| &site.name);
        let (kind, endpoint) = (EventKind::EndpointDisabled, Some(endpoint.id.as_str()));
        let data = EventData { site, endpoint, reason: Some(reason), ..EventData::default() };
        Outgoing { kind, message_id: random::message_id(now), body: Event { kind, timestamp: now, data }.body().into() }
    }
}

impl Trade for Delivering {
    const NAME: &'static str = "deliver";
    type Job = Sending;

    fn bell(&self) -> &Notify {
        &self.pipeline.told
    }

    fn room(&self, in_hand: usize) -> usize {
        self.at_once.saturating_sub(in_hand)
    }

    /// Claims no more than any one endpoint and site has places left for: all that is due may be for that one.
    async fn claim(&self, room: usize) -> Result<Claimed<Sending>, StoreError> {
        let (endpoints, at_endpoint) = self.to_endpoints.full(self.per_endpoint);
        let (sites, at_site) = self.to_sites.full(self.at_once.div_ceil(2));
        let full = Full { endpoints, sites };
        let room = room.min(at_endpoint).min(at_site);
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let now = self.pipeline.clock.now();
        let jobs = timed(Verbs::Claim, self.pipeline.store.claim_deliveries(now, self.lease, limit, &full)).await?;
        let is_cut = jobs.len() >= room || full != Full::default();
        let sending = |job: DeliveryJob| Sending {
            _at_endpoint: self.to_endpoints.place(&job.endpoint.id),
            _at_site: self.to_sites.place(&job.endpoint.site),
            job,
        };
        Ok(Claimed { jobs: jobs.into_iter().map(sending).collect(), is_cut })
    }

    fn id(sending: &Sending) -> JobId {
        sending.job.lease.job
    }

    async fn finish(&self, sending: Sending) {
        let span = span_of(&sending.job);
        self.attempt(sending).instrument(span).await;
    }
}

/// Carries the comment's id where somebody listens: it is in the message only.
fn span_of(job: &DeliveryJob) -> tracing::Span {
    let endpoint = &job.endpoint;
    let span =
        tracing::debug_span!("deliver", comment = tracing::field::Empty, job = %job.lease.job, endpoint = %endpoint.id);
    if !span.is_disabled() {
        let comment = match endpoint.kind {
            EndpointKind::Webhook => event::comment_of(&job.body).map(|id| id.to_string()),
            EndpointKind::Callback => {
                let guid = CallBack::of_body(&job.body).map(|call_back| call_back.guid);
                guid.map(|guid| CommentId::of_guid(&guid).map_or(guid, |id| id.to_string()))
            }
        };
        comment.map(|comment| span.record("comment", comment));
    }
    span
}

impl Delivering {
    async fn attempt(&self, mut sending: Sending) {
        let job = &mut sending.job;
        let outcome = self.send(job).await;
        let now = self.pipeline.clock.now();
        let (lease, endpoint) = (job.lease, &job.endpoint);
        let next = match endpoint.kind {
            EndpointKind::Webhook => {
                self.schedule.after(lease.attempt, &outcome, endpoint.failing_since, now, random::jitter())
            }
            // Nobody chose this endpoint and nobody would enable it again: it is only ever tried less often.
            EndpointKind::Callback => {
                let outcome = Outcome { status: outcome.status.filter(|status| *status != 410), ..outcome.clone() };
                self.schedule.after(lease.attempt, &outcome, None, now, random::jitter())
            }
        };
        let result = match &next {
            Next::Delivered => "delivered",
            Next::RetryAt(_) => "failed",
            Next::DeadLetter => "dead_letter",
            Next::Disable { .. } => "disabled",
        };
        metrics::counter!("hamlet_deliveries_total", "outcome" => result).increment(1);
        metrics::histogram!("hamlet_delivery_seconds").record(outcome.latency.as_secs_f64());
        let (attempt, error) = (lease.attempt, &outcome.error);
        match &next {
            Next::Delivered => tracing::debug!(job = %lease.job, endpoint = %endpoint.id, attempt, "delivered"),
            Next::RetryAt(at) => {
                tracing::debug!(job = %lease.job, endpoint = %endpoint.id, attempt, %error, %at, "a delivery failed");
            }
            Next::DeadLetter => {
                tracing::warn!(job = %lease.job, endpoint = %endpoint.id, attempt, %error, "a delivery was given up");
            }
            Next::Disable { reason } => tracing::warn!(endpoint = %endpoint.id, %reason, "an endpoint was disabled"),
        }
        let begin = outcome.answer.get(..LOGGED_ANSWER_BYTES.min(outcome.answer.len())).unwrap_or_default();
        let attempt = Attempt {
            status: outcome.status,
            error: outcome.error,
            latency: outcome.latency,
            // A text column of any database takes it.
            answer: String::from_utf8_lossy(begin).replace('\0', "\u{FFFD}"),
            next: self.next_step(next, endpoint),
        };
        record(Self::NAME, lease.job, || {
            timed(Verbs::Attempt, self.pipeline.store.record_attempt(lease, attempt.clone(), now))
        })
        .await;
    }
}
