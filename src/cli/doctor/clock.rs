//! The clock: what is stored, and what a daemon says, must not be ahead of it.

use jiff::{SignedDuration, Timestamp};

use super::comments::Recent;
use super::{Findings, lasting};
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// Time passes while one looks.
const TOLERATED: SignedDuration = SignedDuration::from_secs(2);
/// From here on leases and signatures suffer.
const TOO_FAR: SignedDuration = SignedDuration::from_secs(60);
const MEND: &str = "set the clock (`timedatectl set-ntp true`); leases, retries and signatures go by it";

/// The newest moment that the store knows of lies in the past, unless a clock is wrong, or was.
pub(super) async fn against_store(
    findings: &mut Findings,
    store: &dyn Store,
    recent: &[Recent],
    clock: &Clock,
) -> Result<(), StoreError> {
    let served = store.time().await?;
    // Read now, not when the command began: whatever was looked at before may have taken its time.
    let now = clock.now();
    if let Some(ahead) = served.map(|served| now.duration_since(served)).filter(|ahead| ahead.abs() > TOLERATED) {
        let (by, side) = (lasting(ahead.abs().as_secs_f64()), if ahead.is_negative() { "behind" } else { "ahead of" });
        let fact = format!("this clock is {by} {side} that of the store's server, which all daemons go by");
        findings.warning("clock", fact, "set the clocks of both (`timedatectl set-ntp true`)");
    }
    let now = served.unwrap_or(now);
    let comments = recent.iter().flat_map(|site| site.comments.iter().map(|comment| comment.received_at));
    let models = store.models().await?.into_iter().flat_map(|model| [Some(model.created_at), model.promoted_at]);
    let endpoints = store.endpoints(None).await?.into_iter().map(|endpoint| endpoint.created_at);
    let sites = store.directory().await?.sites.into_iter().map(|site| site.created_at);
    let dead = store.dead_letters(1).await?.into_iter().map(|letter| letter.died_at);
    let newest = comments.chain(models.flatten()).chain(endpoints).chain(sites).chain(dead).max();
    judge(findings, newest.map(|newest| newest.duration_since(now)), "the store holds something from");
    Ok(())
}

/// What a daemon's answer said of the time, in whole seconds.
pub(super) fn against_daemon(findings: &mut Findings, served_at: Timestamp, now: Timestamp) {
    let ahead = served_at.duration_since(now);
    if ahead < -TOO_FAR {
        let behind = lasting((-ahead).as_secs_f64());
        return findings.error("clock", format!("the daemon's clock is {behind} behind this one"), MEND);
    }
    judge(findings, Some(ahead), "the daemon's clock says");
}

fn judge(findings: &mut Findings, ahead: Option<SignedDuration>, who: &str) {
    match ahead {
        Some(ahead) if ahead > TOLERATED => {
            let fact = format!(
                "{who} {} in the future: this clock is behind, or was ahead before",
                lasting(ahead.as_secs_f64())
            );
            if ahead > TOO_FAR { findings.error("clock", fact, MEND) } else { findings.warning("clock", fact, MEND) }
        }
        Some(_) if who.starts_with("the daemon") => findings.ok("clock", "agrees with the daemon's"),
        _ => findings.ok("clock", "is not behind what is stored"),
    }
}
