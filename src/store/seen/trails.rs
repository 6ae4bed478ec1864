//! Trails that are changed together.

use std::collections::BTreeMap;

use super::trail::{Seconds, Trail};

/// The trails that a batch changes, by their keys.
#[derive(Debug, Default)]
pub struct Trails(BTreeMap<i64, Trail>);

impl Trails {
    /// As rows have them: key, when it was counted up to, the packed counts.
    pub fn of_rows(rows: impl IntoIterator<Item = (i64, Seconds, Vec<u8>)>) -> Trails {
        Trails(rows.into_iter().map(|(key, at, value)| (key, Trail::read(at, &value))).collect())
    }

    pub fn of(&mut self, key: i64) -> &mut Trail {
        self.0.entry(key).or_default()
    }

    /// In the order of their keys.
    pub fn rows(&self) -> Vec<(i64, Seconds, Vec<u8>)> {
        self.0.iter().map(|(key, trail)| (*key, trail.at, trail.bytes())).collect()
    }
}
