//! The store: its schema, its soundness, and what waits in it.

use jiff::Timestamp;

use super::{Findings, bytes, folder, lasting};
use crate::cli::screen;
use crate::config::Config;
use crate::daemon::settings;
use crate::store::{self, Schema, Store};

/// A store of this size is read for damage in a second or two.
const READ_AT_ONCE: u64 = 256 << 20;
/// A job that has been due for longer shows that nobody works, or not fast enough.
const LATE: f64 = 60.0;

/// Looks at the store before it is opened, because opening brings its schema up to date, which is the daemon's to do.
pub(super) async fn may_be_opened(findings: &mut Findings, config: &Config, deep: bool) -> bool {
    let limit = if deep { u64::MAX } else { READ_AT_ONCE };
    let found = match store::examine(&config.store.url, &config.data_dir, settings::store(config), limit).await {
        Ok(Some(found)) => found,
        // An engine that is not a file says what is wrong when it is opened.
        Ok(None) => return true,
        Err(error) => {
            findings.error("store", error.to_string(), "the daemon does not start like this");
            return false;
        }
    };
    let place = found.file.display();
    if let Some(elsewhere) = found.file.parent().filter(|folder| *folder != config.data_dir) {
        folder::check(findings, elsewhere);
    }
    match found.schema {
        Schema::Missing => {
            let mend = "the first `hamlet serve` makes it; if there is data elsewhere, name its folder with --data-dir";
            findings.warning("store", format!("{place} does not exist yet"), mend);
        }
        Schema::Foreign => {
            findings.error(
                "store",
                format!("{place} is a database, but not one of Hamlet's"),
                "name another data folder",
            );
        }
        Schema::Newer { version, newest } => findings.error(
            "store",
            format!("{place} was written by a newer Hamlet (schema {version}, this program knows {newest})"),
            "install that version here, too",
        ),
        Schema::Older { version, newest } => findings.warning(
            "store",
            format!(
                "{place} has the schema of an older Hamlet ({version}, this program has {newest}); it was not opened"
            ),
            "restart the daemon with this program: that brings it up to date",
        ),
        Schema::Present { version } => {
            findings.ok("store", format!("{place}: SQLite, schema {version}, {}", bytes(found.bytes)));
        }
    }
    match &found.damage {
        None if matches!(found.schema, Schema::Present { .. } | Schema::Older { .. }) && found.bytes > limit => {
            findings.ok("store", format!("was not read for damage, being larger than {}; --deep does", bytes(limit)));
        }
        None => {}
        Some(damage) if damage.is_empty() => findings.ok("store", "was read through and is not damaged"),
        Some(damage) => findings.error(
            "store",
            format!("{place} is damaged: {}", screen::foreign(&damage.join("; "), 300)),
            "stop the daemon, keep a copy of the file, and put a backup in its place",
        ),
    }
    matches!(found.schema, Schema::Present { .. })
}

/// Whether it can be written, and what waits.
pub(super) async fn check(findings: &mut Findings, store: &dyn Store, is_served: bool, now: Timestamp) {
    match store.ping().await {
        Ok(()) => findings.ok("store", "can be read and written"),
        Err(error) => findings.error("store", error.to_string(), "see that the disk is neither full nor read-only"),
    }
    let status = match store.queue_status(now).await {
        Ok(status) => status,
        Err(error) => return findings.error("queue", error.to_string(), "see what is said of the store"),
    };
    let waiting = format!("{} comments and {} messages wait", status.decisions, status.deliveries);
    match status.oldest_due_seconds {
        Some(age) if age > LATE => {
            let mend = if is_served {
                "look at `hamlet queue status --watch` and the log: does an endpoint answer slowly, is the machine too small?"
            } else {
                "start the daemon: nobody works on it"
            };
            findings.warning(
                "queue",
                format!("{waiting}, the oldest for {} longer than it should", lasting(age)),
                mend,
            );
        }
        _ => findings.ok("queue", waiting),
    }
    let dead = status.dead_decisions + status.dead_deliveries;
    if dead == 0 {
        return findings.ok("queue", "no dead letters");
    }
    let newest = store.dead_letters(1).await.ok().and_then(|letters| letters.into_iter().next());
    let newest = newest.map_or_else(String::new, |letter| {
        format!("; the newest died at {:.0}: {}", letter.died_at, screen::foreign(&letter.last_error, 100))
    });
    findings.warning(
        "queue",
        format!("{} comments and {} messages were given up{newest}", status.dead_decisions, status.dead_deliveries),
        "`hamlet queue dead` lists them, `hamlet queue retry --all` tries again once the cause is mended",
    );
}
