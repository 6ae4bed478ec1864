//! What was seen before: the tables of it, remembered with each comment that is judged, asked before the next one is.
//!
//! Owns the tables `seen` (counts by keyed hash), `clusters` with `bands` (near copies), `arrivals` (what comments left that
//! wait to be counted), `traces` (the same of those that were counted, so that it can be taken back), `campaigns` and
//! `overruled`. The transaction that keeps a verdict keeps what the comment left; it is counted soon after (`counting`),
//! and asking is one statement for all who ask at the time. Does not own what is counted and how
//! (`store::seen`).

mod arrivals;
mod campaigns;
mod clusters;
mod counting;
mod finder;
mod members;
mod sweep;
mod trails;
mod words;

use sqlx::SqlitePool;

pub(super) use arrivals::keep;
pub(super) use campaigns::{campaign, campaigns, comments, decide, overruled};
pub(super) use counting::count;
pub(super) use finder::Finder;
pub(super) use seen::{Asker, Change, Hashed, Kept, Secret, history};
pub(super) use sweep::forget;
pub(super) use words::{follow, put_aside, take_back};

use super::{many, rows};
use crate::store::StoreError;
use crate::store::seen::{self, ClusterRow, Seconds, unhex};

/// Under which identities are kept.
pub(super) async fn secret(readers: &SqlitePool) -> Result<Secret, StoreError> {
    let secret: Vec<u8> =
        sqlx::query_scalar("SELECT value FROM secrets WHERE name = 'history'").fetch_one(readers).await?;
    Secret::of(&secret)
}

/// A cluster whose bytes came as text, through JSON.
fn hex_cluster((id, first, last, size, signature, sketch): (i64, Seconds, Seconds, i64, String, String)) -> ClusterRow {
    (id, first, last, size, unhex(&signature), unhex(&sketch))
}
