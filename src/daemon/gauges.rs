//! What `/metrics` shows that is looked at rather than counted: the queue, endpoints, the model, the process itself.
//!
//! The depth of the queue is looked at oftenest, because the doors go by it ([`crate::pipeline::Backlog`]).

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use crate::pipeline::Pipeline;
use crate::store::StoreError;

/// How often the queue is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Counting a long queue takes time of the store's; it may have one part in so many.
const SHARE: u32 = 20;
/// How often the rest is looked at, in looks at the queue.
const REST_EVERY: u32 = 5;

/// Looks until it is stopped.
pub(super) async fn keep(pipeline: Arc<Pipeline>, metrics: PrometheusHandle, mut stop: watch::Receiver<bool>) {
    metrics::gauge!("hamlet_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let mut model = String::new();
    let mut looks = 0_u32;
    loop {
        let started = Instant::now();
        if looks.is_multiple_of(REST_EVERY) {
            metrics.run_upkeep();
            give_back();
            process();
            if let Err(error) = endpoints(&pipeline).await {
                tracing::debug!(%error, "endpoints cannot be counted now");
            }
        }
        serving(&pipeline, &mut model);
        if let Err(error) = queue(&pipeline).await {
            tracing::debug!(%error, "the queue cannot be counted now");
        }
        looks = looks.wrapping_add(1);
        let rest = LOOK_EVERY.max(started.elapsed() * SHARE);
        if tokio::time::timeout(rest, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// Says how much waits, here and to the doors.
async fn queue(pipeline: &Pipeline) -> Result<(), StoreError> {
    let queue = pipeline.store.queue_status(pipeline.clock.now()).await?;
    pipeline.backlog.look(&queue);
    let jobs = [
        ("decide", "pending", queue.decisions),
        ("deliver", "pending", queue.deliveries),
        ("decide", "dead", queue.dead_decisions),
        ("deliver", "dead", queue.dead_deliveries),
    ];
    for (kind, state, count) in jobs {
        metrics::gauge!("hamlet_queue_jobs", "kind" => kind, "state" => state).set(float(count));
    }
    let ages = [("any", queue.oldest_due_seconds), ("decide", queue.oldest_decision_seconds)];
    for (kind, age) in ages {
        metrics::gauge!("hamlet_queue_oldest_seconds", "kind" => kind).set(age.unwrap_or(0.0));
    }
    Ok(())
}

async fn endpoints(pipeline: &Pipeline) -> Result<(), StoreError> {
    let endpoints = pipeline.store.endpoints(None).await?;
    let disabled = endpoints.iter().filter(|endpoint| endpoint.disabled.is_some()).count();
    metrics::gauge!("hamlet_endpoints_disabled").set(float(disabled as u64));
    Ok(())
}

/// 1 for the model that judges, 0 for those that did before.
fn serving(pipeline: &Pipeline, before: &mut String) {
    let judge = pipeline.current_judge();
    let now = judge.classifier().id();
    if now == before {
        return;
    }
    if !before.is_empty() {
        metrics::gauge!("hamlet_model_info", "model" => std::mem::take(before)).set(0.0);
    }
    metrics::gauge!("hamlet_model_info", "model" => now.to_owned()).set(1.0);
    now.clone_into(before);
}

/// Has the allocator give back to the system what was freed: mimalloc does so a second after, but only when it takes a fresh page,
/// and a daemon at rest takes none, so that it would keep what starting or a reload has freed. A block as large as this is always a
/// fresh page.
fn give_back() {
    drop(black_box(Vec::<u8>::with_capacity(1 << 20)));
}

/// Under the names that Prometheus' own libraries give them. Where there is no `/proc`, they are not shown.
fn process() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<u64>().ok());
    if let Some(kib) = kib {
        metrics::gauge!("process_resident_memory_bytes").set(float(kib * 1024));
    }
    // What is counted is one more: the folder that is read.
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(float((files.count() as u64).saturating_sub(1)));
    }
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let most =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    if let Some(most) = most {
        metrics::gauge!("process_max_fds").set(float(most));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn float(count: u64) -> f64 {
    count as f64
}
