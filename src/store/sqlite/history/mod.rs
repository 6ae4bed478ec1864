//! What was seen before: remembered with each comment that is judged, asked before the next one is.
//!
//! Owns the tables `seen` (counts by keyed hash), `clusters` with `bands` (near copies), `traces` (what a comment left, so
//! that it can be taken back), `campaigns` and `overruled`. The transaction that keeps a verdict keeps what the comment left;
//! it is counted soon after (`counting`), and asking is one statement for all who ask at the time.

mod arrivals;
mod asker;
mod campaigns;
mod clusters;
mod counting;
mod keys;
mod lookup;
mod members;
mod signature;
mod sketch;
mod sweep;
mod trail;
mod trails;
mod words;

pub(super) use arrivals::{Arrival, keep};
pub(super) use asker::Asker;
pub(super) use campaigns::{campaign, campaigns, comments, decide, overruled};
pub(super) use counting::count;
pub(super) use keys::{Hashed, Secret};
pub(super) use lookup::history;
pub(super) use sweep::forget;
pub(super) use words::{Change, follow, put_aside, take_back};

use trail::{Outcome, Seconds};

use crate::verdict::Decision;

const SHORT: i64 = 1;
const LINKS: i64 = 2;
const SAYS_SOMETHING: i64 = 4;

/// Microseconds to seconds, since 1970 both.
fn seconds(micros: i64) -> Seconds {
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

/// What SQLite's `hex()` wrote; nothing if it is none.
fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    pairs.map_while(byte).collect()
}
