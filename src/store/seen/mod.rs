//! What was seen before: the arithmetic of it, the same for every engine.
//!
//! Owns what a comment leaves behind and under which keyed hashes, how counts fade, what is a near copy and what a
//! campaign, and what a history says of the next comment. Does not own the tables (`sqlite/history`,
//! `postgres/history`).

mod asker;
mod campaigns;
mod clusters;
pub(super) mod counting;
mod keys;
mod lookup;
mod signature;
mod sketch;
mod traces;
mod trail;
mod trails;

pub(super) use asker::{Asker, Find, FoundRows, HereRow, Wanted};
pub(super) use campaigns::CampaignRow;
pub(super) use clusters::{ClusterRow, Clusters, ClustersRows};
pub(super) use counting::{Growth, Member};
pub(super) use keys::{Hashed, Key, Secret};
pub(super) use lookup::history;
pub(super) use traces::{Aside, Change, Kept, Trace, Waiting};
pub(super) use trail::Seconds;
pub(super) use trails::Trails;

use trail::Outcome;

use crate::verdict::Decision;

const SHORT: i64 = 1;
const LINKS: i64 = 2;
const SAYS_SOMETHING: i64 = 4;

/// Microseconds to seconds, since 1970 both.
pub(super) fn seconds(micros: i64) -> Seconds {
    micros.div_euclid(1_000_000)
}

impl From<Decision> for Outcome {
    fn from(decision: Decision) -> Outcome {
        match decision {
            Decision::Approve => Outcome::Passed,
            Decision::Hold => Outcome::Held,
            Decision::Spam | Decision::Discard => Outcome::Blocked,
        }
    }
}

impl From<i64> for Outcome {
    fn from(number: i64) -> Outcome {
        match number {
            0 => Outcome::Passed,
            1 => Outcome::Held,
            _ => Outcome::Blocked,
        }
    }
}

/// What SQL's `hex()` wrote; nothing if it is none.
pub(super) fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    pairs.map_while(byte).collect()
}
