//! The daemon: puts the parts together, runs them, and takes them apart again in order.
//!
//! Owns start (store, judge, doors, worker, trainings, first site), the watch on the store's generation by which changes made
//! beside the daemon arrive, SIGHUP (settings, weights and hooks anew), SIGTERM (drain) and what systemd is told, except of
//! progress (`watchdog`). Does not own what any part does.

mod budgets;
mod gauges;
mod lists;
mod network;
pub(crate) mod settings;
pub mod sockets;
pub(crate) mod timing;
mod training;
mod watchdog;

use std::io::Write as _;
use std::net::{self, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusHandle;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

use crate::classifier::Classifier;
use crate::clock::Clock;
use crate::comment::Comment;
use crate::config::Config;
use crate::config::hooks::Hooks;
use crate::decision::Judge;
use crate::http;
use crate::lists::Lists;
use crate::pipeline::{Pipeline, key_hash};
use crate::random;
use crate::rules::RuleSet;
use crate::site::{Site, SiteId};
use crate::store::{self, Store, StoreError};
use crate::telemetry;
use crate::webhook;
use crate::worker::Worker;

/// How often the daemon asks whether a command beside it has changed something; a change is served within a second.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// Why the daemon did not start, or stopped. Each is a sentence with its mend.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot listen on {address}: {source}; is another program using it? choose another with --listen")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot load the model {id}: {why}; `hamlet model rollback` goes back to the one before")]
    Model { id: String, why: String },
    #[error("{0}")]
    Settings(String),
    #[error("cannot set up {what}: {source}")]
    System { what: &'static str, source: std::io::Error },
}

/// Runs until SIGTERM or SIGINT. `Ok` means that everything accepted was finished or is safely queued.
///
/// * `inherited`: sockets to listen at instead of the settings' address, see [`sockets::inherited`].
pub async fn run(config: Config, hooks: Hooks, inherited: Vec<net::TcpListener>) -> Result<(), DaemonError> {
    let metrics = telemetry::start_counting().map_err(|error| DaemonError::Settings(error.to_string()))?;
    let store = store::open(&config.store.url, &config.data_dir, settings::store(&config)).await?;
    let clock = timing::clock_of(store.as_ref()).await?;
    let (judge, champion) = first_judge(store.as_ref(), &config).await?;
    let mut seen = Seen { generation: 0, champion };
    let client =
        webhook::Client::new(settings::client(&config)).map_err(|error| DaemonError::Settings(error.to_string()))?;
    let network = network::of(&config)?;
    let listeners = sockets::listening(inherited, config.listen).await?;
    let address = listeners.first().and_then(|listener| listener.local_addr().ok()).unwrap_or(config.listen);
    let (stop, stopped) = watch::channel(false);

    // Only now, when nothing else can keep the daemon from starting: a key that nobody was shown is lost.
    let greeting = first_site(store.as_ref(), &config, &clock).await?;
    let pipeline = Arc::new(Pipeline::new(Arc::clone(&store), clock, judge));
    pipeline.refresh().await?;
    let (list_files, wanted_files) = watch::channel(config.lists.files.clone());
    let following = lists::follow(Arc::clone(&pipeline), wanted_files, stopped.clone()).await;
    pipeline.follow_labels().await?;
    pipeline.set_network(network);
    pipeline.backlog.set_bounds(settings::bounds(&config));
    let worker = Worker::new(Arc::clone(&pipeline), client, settings::worker(&config));
    let progress = worker.progress();
    let worker = tokio::spawn(worker.run(stopped.clone()));
    let (budgets, measure_every) = watch::channel(config.budget.measure_every);
    let measuring = tokio::spawn(budgets::keep(Arc::clone(&pipeline), measure_every, stopped.clone()));
    let program = training::Program::of(&config);
    let (trainings, wanted) = watch::channel(config.training.clone());
    let training = tokio::spawn(training::train(Arc::clone(&pipeline), program, wanted, stopped.clone()));
    let timing = tokio::spawn(timing::keep(Arc::clone(&pipeline), stopped.clone()));
    let asking = tokio::spawn(network::keep(Arc::clone(&pipeline), stopped.clone()));
    let doors = settings::doors(&config, hooks);
    let hooks = Arc::clone(&doors.hooks);
    let looking = tokio::spawn(gauges::keep(Arc::clone(&pipeline), metrics.clone(), stopped.clone()));
    let watching = watchdog::keep(Arc::clone(&pipeline), progress, config.worker.lease, stopped.clone());
    let watching = tokio::spawn(watching);
    let doors = tokio::spawn(serve(listeners, Arc::clone(&pipeline), doors, metrics, stopped));

    // Before anyone hears "ready": whoever does may stop us in the same instant.
    let mut hangup = on(SignalKind::hangup())?;
    let mut terminate = on(SignalKind::terminate())?;
    let mut interrupt = on(SignalKind::interrupt())?;
    if let Some(key) = greeting {
        greet(address, &key);
    }
    tracing::info!(%address, model = pipeline.current_judge().classifier().id(), "ready");
    notify(&[NotifyState::Ready]);

    let mut config = config;
    let mut watch = every(WATCH_EVERY);
    loop {
        tokio::select! {
            _ = watch.tick() => {
                keep_up(&pipeline, &config, &mut seen).await;
            }
            () = store.changed() => keep_up(&pipeline, &config, &mut seen).await,
            _ = hangup.recv() => {
                notify(&[NotifyState::Reloading]);
                match config.reload().and_then(|new| Ok((new.hooks()?, new))) {
                    Ok((sources, new)) => match load_judge(store.as_ref(), &new).await.and_then(|judge| Ok((judge, network::of(&new)?))) {
                        Ok(((judge, id), network)) => {
                            pipeline.set_judge(judge);
                            // The same settings keep what they remember.
                            if new.network != config.network {
                                pipeline.set_network(network);
                            }
                            hooks.replace(sources);
                            budgets.send_replace(new.budget.measure_every);
                            trainings.send_replace(new.training.clone());
                            list_files.send_replace(new.lists.files.clone());
                            pipeline.backlog.set_bounds(settings::bounds(&new));
                            seen.champion = id;
                            config = new;
                            tracing::info!(
                                "settings, weights, hooks and lists read anew; listen address and limits apply at the next start"
                            );
                        }
                        Err(error) => tracing::error!(%error, "reload refused; the old settings stay"),
                    },
                    Err(error) => tracing::error!(%error, "reload refused; the old settings stay"),
                }
                notify(&[NotifyState::Ready]);
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }

    tracing::info!("stopping: finishing what is in hand");
    notify(&[NotifyState::Stopping]);
    stop.send_replace(true);
    let drained = async {
        let _ = doors.await;
        let _ = worker.await;
        let _ = measuring.await;
        let _ = training.await;
        let _ = timing.await;
        let _ = asking.await;
        let _ = following.await;
        let _ = looking.await;
        let _ = watching.await;
    };
    if tokio::time::timeout(config.http.drain + Duration::from_secs(5), drained).await.is_err() {
        tracing::warn!("not all work was finished in time; what was accepted is queued and goes on at the next start");
    }
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Serves all sockets with one set of doors.
async fn serve(
    listeners: Vec<TcpListener>,
    pipeline: Arc<Pipeline>,
    settings: http::Settings,
    metrics: PrometheusHandle,
    stop: watch::Receiver<bool>,
) {
    let router = http::router(pipeline, &settings, Some(metrics));
    let serving = listeners.into_iter().map(|listener| {
        let mut stop = stop.clone();
        let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
        http::serve(listener, router.clone(), &settings, stopped)
    });
    futures_util::future::join_all(serving).await;
}

fn every(period: Duration) -> Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Makes the site `default` in an empty store. Its key, which is never shown again.
async fn first_site(store: &dyn Store, config: &Config, clock: &Clock) -> Result<Option<String>, DaemonError> {
    if !store.directory().await?.sites.is_empty() {
        return Ok(None);
    }
    let key = random::api_key();
    match store.add_site("default", "", config.policy.clone(), key_hash(&key), clock.now()).await {
        Ok(_) => Ok(Some(key)),
        // Another daemon on the same store was quicker.
        Err(StoreError::Conflict(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Tells a person at the terminal what to do next; once, because only the key's hash is kept.
fn greet(address: SocketAddr, key: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads it: nothing is lost by that but the key, and `hamlet site rotate-key default` makes another.
    let _ = writeln!(
        out,
        "Hamlet is listening on http://{address}\n\n\
         Site `default` was made. Its API key is shown this once:\n\n    {key}\n\n\
         Try it:\n\n    \
         curl -s http://{address}/v1/comments/check -H 'Authorization: Bearer {key}' \\\n        \
         -H 'Content-Type: application/json' -d '{{\"content\":\"cheap watches https://bit.ly/x\"}}'\n"
    );
    let _ = out.flush();
}

/// The judge that the store's champion and the operator's weights make, and the champion's id (`None`: the shipped).
///
/// # Errors
/// [`DaemonError::Model`] when the model cannot be read: it is damaged, or of another version of the program.
pub(crate) async fn load_judge(store: &dyn Store, config: &Config) -> Result<(Judge, Option<String>), DaemonError> {
    let champion = store.champion().await?;
    let classifier = match (&champion, &config.model.file) {
        (Some(id), _) => read_model(id, &store.model_bytes(id).await?)?,
        (None, Some(file)) => read_model(&file.display().to_string(), &read_file(file)?)?,
        (None, None) => Classifier::shipped(),
    };
    Ok((judge_of(classifier, config)?, champion))
}

/// The judge to start with. A champion that cannot be read, as after an update that reads other model files, leaves the
/// comments to the shipped model rather than to nobody.
async fn first_judge(store: &dyn Store, config: &Config) -> Result<(Judge, Option<String>), DaemonError> {
    match load_judge(store, config).await {
        Err(error @ DaemonError::Model { .. }) => match store.champion().await? {
            None => Err(error),
            champion => {
                tracing::error!(%error, "the shipped model serves instead");
                Ok((judge_of(Classifier::shipped(), config)?, champion))
            }
        },
        loaded => loaded,
    }
}

/// A classifier with the operator's weights.
fn judge_of(classifier: Classifier, config: &Config) -> Result<Judge, DaemonError> {
    let rules = match &config.rules.file {
        Some(file) => {
            let name = file.display().to_string();
            let text = String::from_utf8(read_file(file)?)
                .map_err(|_| DaemonError::Settings(format!("{name} is not UTF-8 text")))?;
            RuleSet::parse(&text, &name).map_err(|error| DaemonError::Settings(error.to_string()))?
        }
        None => RuleSet::embedded(),
    };
    let judge = Judge::new(rules, classifier);
    // The rules' automata are built when first asked: milliseconds that no comment should wait for.
    let nowhere = Site {
        id: SiteId(0),
        name: String::new(),
        url: String::new(),
        policy: config.policy.clone(),
        created_at: Timestamp::UNIX_EPOCH,
    };
    judge.judge(&Comment::of_text("warm up"), &nowhere, &Lists::default(), Timestamp::UNIX_EPOCH);
    Ok(judge)
}

fn read_model(id: &str, bytes: &[u8]) -> Result<Classifier, DaemonError> {
    Classifier::from_bytes(bytes).map_err(|error| DaemonError::Model { id: id.to_owned(), why: error.to_string() })
}

fn read_file(path: &Path) -> Result<Vec<u8>, DaemonError> {
    std::fs::read(path).map_err(|error| DaemonError::Settings(format!("cannot read {}: {error}", path.display())))
}

/// What of the store is in place.
struct Seen {
    generation: u64,
    /// The model of the store that serves; `None`: the shipped one.
    champion: Option<String>,
}

/// Follows the store if it can be followed now.
async fn keep_up(pipeline: &Pipeline, config: &Config, seen: &mut Seen) {
    if let Err(error) = follow_store(pipeline, config, seen).await {
        tracing::warn!(%error, "cannot follow the store; going on with what is known");
    }
}

/// Takes over what a process beside the daemon has changed since: labels, sites, keys, lists, endpoints, the champion.
async fn follow_store(pipeline: &Pipeline, config: &Config, seen: &mut Seen) -> Result<(), DaemonError> {
    let store = pipeline.store.as_ref();
    pipeline.follow_labels().await?;
    if store.generation().await? == seen.generation {
        return Ok(());
    }
    let directory = store.directory().await?;
    if store.champion().await? != seen.champion {
        // A champion that cannot be read leaves the present judge in place; the operator reads why in the log.
        match load_judge(store, config).await {
            Ok((judge, champion)) => {
                tracing::info!(model = judge.classifier().id(), "serving another model");
                pipeline.set_judge(judge);
                seen.champion = champion;
            }
            Err(error) => tracing::error!(%error, "the new champion cannot be served; the old one stays"),
        }
    }
    pipeline.follow_lists(&directory).await?;
    seen.generation = directory.generation;
    pipeline.set_directory(directory);
    Ok(())
}

fn on(kind: SignalKind) -> Result<tokio::signal::unix::Signal, DaemonError> {
    signal(kind).map_err(|source| DaemonError::System { what: "signal handling", source })
}

/// Without systemd there is nobody to tell, which is no failure.
fn notify(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(false, states);
}
