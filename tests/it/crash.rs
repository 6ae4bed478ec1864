//! Kills at random moments under load: nothing that was acknowledged is lost.
//!
//! `KILLS=200 cargo test --release --test it crash -- --nocapture` kills as often as that and prints what was
//! counted; without it a daemon is killed a few times.

use std::time::Duration;

use crate::accounts::{Load, balance, endpoint};
use crate::daemon::{Daemon, beside, folder};
use crate::receiver::{Answer, Receiver};

/// Clients that go on sending, whatever becomes of the daemon.
const CLIENTS: usize = 12;

fn kills() -> usize {
    std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(5)
}

/// Kills the daemon on `store` again and again, and counts afterwards.
async fn survives(store: &str) {
    let (folder, cms) = (folder(), Receiver::listening().await);
    // Of ten deliveries one fails, and one is answered late.
    let settings = folder.path().join("hamlet.toml");
    let lines = "[webhooks]\nallow_private_addresses = true\nretry_waits_s = [1, 1, 1, 1, 1, 1]\ntimeout_ms = 1_500\nconnect_timeout_ms = 1_000\n[worker]\nlease_s = 2\n";
    std::fs::write(&settings, lines).unwrap();
    let flags = ["--store", store, "--config", settings.to_str().unwrap()];
    let daemon = Daemon::start_with(folder.path(), &flags).await;
    let key = daemon.key();
    let secret = endpoint(folder.path(), store, &cms.url());
    cms.will_answer((0..50).map(|number| if number % 5 == 0 { Answer::Status(503) } else { Answer::Status(204) }));

    let load = Load::start(daemon.address, &key, CLIENTS);
    let mut daemon = daemon;
    for _ in 0..kills() {
        tokio::time::sleep(Duration::from_millis(20) + Duration::from_millis(700).mul_f64(hamlet::random::jitter()))
            .await;
        daemon.kill();
        daemon = Daemon::start_with(folder.path(), &flags).await;
        load.moved_to(daemon.address);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let acknowledged = load.stop().await;
    let sent = (acknowledged.comments.len(), acknowledged.labels.len());
    assert!(sent.0 > 20 * kills() && sent.1 > 0, "there was hardly any load: {sent:?}");

    // Leases of the dead run out, and then nothing waits any more.
    let ask = |words: &[&str]| beside(folder.path(), &[&["--store", store], words].concat());
    let found = balance(&daemon, ask, &key, &acknowledged, &cms, |told| told.is_signed_with(&secret)).await;
    assert_eq!(found.dead, 0, "{found:?}");
    eprintln!(
        "{}: {} kills, {} comments acknowledged ({} kept), {} labels, {} messages for {} comments",
        if store.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" },
        kills(),
        acknowledged.comments.len(),
        found.kept,
        acknowledged.labels.len(),
        found.messages,
        found.told,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_sqlite() {
    survives("sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_postgresql() {
    survives(&crate::postgres::fresh_database()).await;
}
