//! What was seen before: the tables of it, remembered with each comment that is judged, asked before the next one is.
//!
//! Owns the tables `seen` (counts by keyed hash), `clusters` with `bands` (near copies), `arrivals` (what comments left that
//! wait to be counted), `traces` (the same of those that were counted, so that it can be taken back), `campaigns` and
//! `overruled`. The transaction that keeps a verdict keeps what the comment left; it is counted soon after (`counting`),
//! by one daemon at a time, and asking is one statement for all who ask at the time. Does not own
//! what is counted and how (`store::seen`).

mod arrivals;
mod campaigns;
mod clusters;
mod counting;
mod finder;
mod members;
mod sweep;
mod trails;
mod words;

use sqlx::{PgConnection, PgPool};

pub(super) use arrivals::keep;
pub(super) use campaigns::{campaign, campaigns, comments, decide, overruled};
pub(super) use counting::count;
pub(super) use finder::Finder;
pub(super) use seen::{Asker, Change, Hashed, Kept, Secret, history};
pub(super) use sweep::forget;
pub(super) use words::{follow, put_aside, take_back};

use super::failure::Outcome;
use crate::store::seen;

/// Under which identities are kept.
pub(super) async fn secret(pool: &PgPool) -> Outcome<Secret> {
    let secret: Vec<u8> =
        sqlx::query_scalar("SELECT value FROM secrets WHERE name = 'history'").fetch_one(pool).await?;
    Ok(Secret::of(&secret)?)
}

/// Counts are read, changed and written: whoever does that is alone with them until its transaction ends.
pub(super) async fn lock(conn: &mut PgConnection) -> Outcome<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(7235400692)").execute(conn).await?;
    Ok(())
}

/// The same, without waiting; whether it is ours.
async fn try_lock(conn: &mut PgConnection) -> Outcome<bool> {
    Ok(sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(7235400692)").fetch_one(conn).await?)
}
