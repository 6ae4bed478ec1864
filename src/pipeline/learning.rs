//! What each site's labels have taught, as it stands in memory.
//!
//! Owns following the store's log of labels: every act is taken once and in order, whatever process wrote it, so that
//! counts are at any moment those of the labels that hold. Does not own the arithmetic (`classifier::site`), nor which act
//! teaches what (`store`).
//!
//! Counts are never kept: labels are the truth, and the log is read anew at each start.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;

use super::Pipeline;
use super::callers::Callers;
use crate::classifier::features::Features;
use crate::classifier::site::SiteCounts;
use crate::site::SiteId;
use crate::store::{Lesson, StoreError};
use crate::text::Text;
use crate::verdict::Score;

/// Acts that are read at once.
const STRETCH: u32 = 200;

/// The counts of all sites.
#[derive(Debug, Default)]
pub(super) struct Learning {
    /// Who judges takes an `Arc` and goes; a label changes the counts in place, or beside those who still hold them.
    taught: RwLock<HashMap<SiteId, Arc<SiteCounts>>>,
    /// The act up to which the log was read. Held while more is read, so that none is learned twice.
    up_to: Mutex<i64>,
}

impl Learning {
    /// What `site` has taught so far.
    pub(super) fn of(&self, site: SiteId) -> Arc<SiteCounts> {
        let taught = self.taught.read().unwrap_or_else(PoisonError::into_inner);
        taught.get(&site).cloned().unwrap_or_default()
    }

    fn take(&self, lesson: &Lesson) {
        // Reading the text takes longer than counting: nobody waits for it.
        let features = Features::of(&lesson.comment, &Text::of(&lesson.comment));
        let mut taught = self.taught.write().unwrap_or_else(PoisonError::into_inner);
        let counts = Arc::make_mut(taught.entry(lesson.site).or_default());
        if let Some(label) = lesson.unlearn {
            counts.unlearn(&features, label);
        }
        if let Some(label) = lesson.learn {
            counts.learn(&features, label);
        }
    }

    /// Forgets what sites taught that were removed. One that is not known yet was added a moment ago.
    pub(super) fn forget_removed(&self, before: &Callers, now: &Callers) {
        let mut taught = self.taught.write().unwrap_or_else(PoisonError::into_inner);
        taught.retain(|site, _| before.site(*site).is_none() || now.site(*site).is_some());
    }
}

/// What a label did to the score that its comment would get if it came now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learned {
    pub before: Score,
    pub after: Score,
    /// Whether it said something new.
    pub is_news: bool,
}

impl Learned {
    /// One clause: `this label moved the score of this comment from 0.71 to 0.23`.
    pub fn note(&self) -> String {
        let (before, after) = (self.before.get(), self.after.get());
        if !self.is_news {
            return "this comment has that label already: nothing moved".to_owned();
        }
        // Two digits say enough, unless they say that nothing happened.
        let digits = (2..=6).find(|digits| format!("{before:.digits$}") != format!("{after:.digits$}"));
        match digits {
            Some(digits) => {
                format!("this label moved the score of this comment from {before:.digits$} to {after:.digits$}")
            }
            None => format!("this label left the score of this comment at {before:.2}"),
        }
    }
}

impl Pipeline {
    /// Learns from all labels that were given since the last time; from all there are, the first time.
    pub async fn follow_labels(&self) -> Result<(), StoreError> {
        let mut up_to = self.learning.up_to.lock().await;
        loop {
            let stretch = self.store.lessons(*up_to, STRETCH).await?;
            if stretch.up_to == *up_to {
                return Ok(());
            }
            stretch.lessons.iter().for_each(|lesson| self.learning.take(lesson));
            *up_to = stretch.up_to;
            // A start reads them all, which takes a while.
            tokio::task::yield_now().await;
        }
    }

    /// What a site's labels have taught so far.
    pub fn taught(&self, site: SiteId) -> Arc<SiteCounts> {
        self.learning.of(site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: f64, after: f64, is_news: bool, expected: &str) {
        let score = |probability| Score::new(probability).unwrap();
        assert_eq!(Learned { before: score(before), after: score(after), is_news }.note(), expected);
    }

    #[test]
    fn a_note_tells_how_far_the_score_moved() {
        check(0.71, 0.23, true, "this label moved the score of this comment from 0.71 to 0.23");
        check(0.002_41, 0.0011, true, "this label moved the score of this comment from 0.002 to 0.001");
        check(0.5, 0.5, true, "this label left the score of this comment at 0.50");
        check(0.5, 0.5, false, "this comment has that label already: nothing moved");
    }
}
