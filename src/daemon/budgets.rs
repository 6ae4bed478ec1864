//! Keeping the budgets' thresholds up to date, in the background.
//!
//! Owns when a site's ham is looked at anew: soon after its budget, the model or the rules changed, and every so often.
//! One site at a time, with rests, so that nobody who waits for the store notices, and by one daemon for all. Does not own what the ham says
//! (`pipeline::budgets`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::budget::Budget;
use crate::decision::Judge;
use crate::pipeline::{Duty, Pipeline};
use crate::site::SiteId;

/// How often is looked whether a site is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a site is left alone after it was measured, whatever is said of it: two daemons with different rules on one
/// store would else measure in turns for ever.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// How long a site that could not be measured is left alone.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// The rest after each page of comments, in times of how long it took: others come first.
const REST: u32 = 4;
/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(1);

/// Measures until it is stopped; each site `every` so often, as `every` is then.
pub(super) async fn keep(pipeline: Arc<Pipeline>, every: watch::Receiver<Duration>, mut stop: watch::Receiver<bool>) {
    let mut alone: HashMap<SiteId, (Timestamp, SignedDuration)> = HashMap::new();
    let mut duty = Duty::new(&pipeline, "budgets");
    loop {
        let every = SignedDuration::try_from(*every.borrow()).unwrap_or(SignedDuration::MAX);
        let measuring = measure_due(&pipeline, every, &mut alone, &mut duty);
        tokio::select! {
            () = measuring => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
        if timeout(LOOK_EVERY, stop.wait_for(|stop| *stop)).await.is_ok() {
            break;
        }
    }
    duty.give_back().await;
}

async fn measure_due(
    pipeline: &Pipeline,
    every: SignedDuration,
    alone: &mut HashMap<SiteId, (Timestamp, SignedDuration)>,
    duty: &mut Duty,
) {
    for site in pipeline.sites_with_budget() {
        let now = pipeline.clock.now();
        let is_due =
            site.policy.budget.as_ref().is_some_and(|budget| due(budget, &pipeline.current_judge(), now, every));
        let is_left_alone = alone.get(&site.id).is_some_and(|(since, pause)| now.duration_since(*since).abs() < *pause);
        if !is_due || is_left_alone || !duty.is_ours().await {
            continue;
        }
        let measured = pipeline.measure_budget(&site, |took| sleep((took * REST).min(REST_MAX))).await;
        // Without this the next look would find the site as it was, and measure again.
        let measured = match measured {
            Ok(measured) => pipeline.refresh().await.map(|()| measured),
            Err(error) => Err(error),
        };
        match measured {
            Ok(Some(measured)) => {
                alone.insert(site.id, (now, PAUSE));
                let hold = measured.chosen.map(|chosen| chosen.hold.get());
                tracing::info!(site = %site.id, ham = measured.ham, needed = measured.needed, hold, "budget measured");
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(site = %site.id, %error, "the budget cannot be measured now; its threshold stays");
                alone.insert(site.id, (now, RETRY));
            }
        }
    }
}

/// Whether what is known of the ham is no longer what it would be now.
fn due(budget: &Budget, judge: &Judge, now: Timestamp, every: SignedDuration) -> bool {
    budget.measured.as_ref().is_none_or(|measured| {
        let is_of_this_judge = measured.model == judge.classifier().id() && measured.rules == judge.rules().version();
        // A clock that was set back must not put it off for ever.
        !is_of_this_judge || now.duration_since(measured.at).abs() >= every
    })
}
