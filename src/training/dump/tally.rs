//! How much of a dump could be read.

use super::{BadRecord, DumpError, Example, Record};

/// Bad records that are shown.
const MAX_SHOWN: usize = 10;
/// After so many records a dump that is mostly bad is given up.
const TRIAL: u64 = 1_000;

/// Keeps account of bad records, and says when there are too many.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub good: u64,
    pub bad: u64,
    /// The first ten.
    pub shown: Vec<BadRecord>,
}

impl Tally {
    /// Passes a good record on, and counts a bad one.
    ///
    /// # Errors
    /// When the dump broke off, or a thousand records have been read and most are bad: the rest will be no better.
    pub fn sort(&mut self, record: Record) -> Result<Option<Example>, DumpError> {
        match record? {
            Ok(example) => {
                self.good += 1;
                Ok(Some(example))
            }
            Err(bad) => {
                self.bad += 1;
                if self.shown.len() < MAX_SHOWN {
                    self.shown.push(bad);
                }
                if self.bad + self.good == TRIAL {
                    self.check()?;
                }
                Ok(None)
            }
        }
    }

    /// Is what was read a dump of comments at all?
    ///
    /// # Errors
    /// [`DumpError::Empty`] when nothing was read, [`DumpError::MostlyBad`] when less than half of it was good.
    pub fn check(&self) -> Result<(), DumpError> {
        match self.shown.first() {
            Some(first) if self.bad > self.good => {
                Err(DumpError::MostlyBad { bad: self.bad, read: self.bad + self.good, first: first.clone() })
            }
            _ if self.good == 0 => Err(DumpError::Empty),
            _ => Ok(()),
        }
    }
}
