//! What a transaction counts, added up before it is written.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::site::SiteId;
use crate::statistics::{Count, Day, Kind};

/// Site, kind, day and name of one number.
pub(super) type Tally = (i64, Kind, i64, String);

/// What a transaction counts, so that each number is written once however many comments share it.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<Tally, i64>);

impl Tallies {
    /// * `received_at`: microseconds; the comment counts on that day.
    pub(super) fn add(&mut self, site: SiteId, received_at: i64, counts: &[Count]) {
        self.change(site, received_at, counts, 1);
    }

    pub(super) fn take_back(&mut self, site: SiteId, received_at: i64, counts: &[Count]) {
        self.change(site, received_at, counts, -1);
    }

    fn change(&mut self, site: SiteId, received_at: i64, counts: &[Count], by: i64) {
        let day = Timestamp::from_microsecond(received_at).map_or(0, |at| Day::of(at).number());
        for (kind, name) in counts {
            *self.0.entry((site.0, *kind, day, name.clone().into_owned())).or_insert(0) += by;
        }
    }

    /// By how much each number changes, in the order of their keys; starts from nothing again.
    pub(super) fn take(&mut self) -> Vec<(Tally, i64)> {
        std::mem::take(&mut self.0).into_iter().filter(|(_, by)| *by != 0).collect()
    }
}
