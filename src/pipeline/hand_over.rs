//! Where a worker takes over what this process's doors have just queued, so that it need not ask the store for it.
//!
//! Owns whose comments find a place and in which order they are taken: sites take turns, and a site is given a place only while
//! it holds less than twice what is free. One alone may fill two thirds of the room, two may fill two fifths each, and some
//! is always left for one more. Whoever finds no place is found in the store.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::site::SiteId;
use crate::store::DecisionJob;

/// What was handed over and not yet taken.
#[derive(Debug)]
pub(super) struct HandOver {
    room: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Places that are held, whether the comment is there already or is just being written.
    held: usize,
    sites: HashMap<SiteId, OfSite>,
    /// Sites that have comments here, in the order in which their turn comes.
    turns: VecDeque<SiteId>,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct OfSite {
    held: usize,
    jobs: VecDeque<DecisionJob>,
}

/// A place for one comment; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    at: Arc<HandOver>,
    site: SiteId,
    is_filled: bool,
}

/// The worker's end. When it is dropped, nothing is handed over any more, and what was not taken comes back when its
/// lease runs out.
#[derive(Debug)]
pub struct TakeOver(Arc<HandOver>);

impl HandOver {
    /// With room for so many comments, 1 at least.
    pub(super) fn new(room: usize) -> (Arc<HandOver>, TakeOver) {
        let hand_over = Arc::new(HandOver { room: room.max(1), waiting: Mutex::default() });
        (Arc::clone(&hand_over), TakeOver(hand_over))
    }

    /// A place for a comment of this site, if there is one.
    pub(super) fn place(self: &Arc<Self>, site: SiteId) -> Option<Place> {
        let mut waiting = self.waiting();
        let free = self.room.saturating_sub(waiting.held);
        let held = waiting.sites.get(&site).map_or(0, |of_site| of_site.held);
        if waiting.is_closed || held >= free * 2 {
            return None;
        }
        waiting.held += 1;
        waiting.sites.entry(site).or_default().held += 1;
        Some(Place { at: Arc::clone(self), site, is_filled: false })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn give_back(&mut self, site: SiteId) {
        self.held = self.held.saturating_sub(1);
        if let Some(of_site) = self.sites.get_mut(&site) {
            of_site.held = of_site.held.saturating_sub(1);
            if of_site.held == 0 {
                self.sites.remove(&site);
            }
        }
    }
}

impl Place {
    pub(super) fn fill(mut self, job: DecisionJob) {
        self.is_filled = true;
        let at = Arc::clone(&self.at);
        let mut waiting = at.waiting();
        let of_site = waiting.sites.entry(self.site).or_default();
        of_site.jobs.push_back(job);
        if of_site.jobs.len() == 1 {
            waiting.turns.push_back(self.site);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_filled {
            self.at.waiting().give_back(self.site);
        }
    }
}

impl TakeOver {
    /// At most so many: one of each site in turn, the oldest of a site first.
    pub fn take(&self, most: usize) -> Vec<DecisionJob> {
        let mut waiting = self.0.waiting();
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(site) = waiting.turns.pop_front()
        {
            let Some(of_site) = waiting.sites.get_mut(&site) else { continue };
            taken.extend(of_site.jobs.pop_front());
            if !of_site.jobs.is_empty() {
                waiting.turns.push_back(site);
            }
            waiting.give_back(site);
        }
        taken
    }
}

impl Drop for TakeOver {
    fn drop(&mut self) {
        self.0.waiting().is_closed = true;
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::comment::Comment;
    use crate::random;
    use crate::store::{JobId, Lease};

    const NEWS: SiteId = SiteId(1);
    const BLOG: SiteId = SiteId(2);

    fn job(number: i64, site: SiteId) -> DecisionJob {
        let now = Timestamp::UNIX_EPOCH;
        let lease = Lease { job: JobId(number), attempt: 1 };
        DecisionJob { lease, id: random::comment_id(now), site, comment: Comment::of_text("hello"), received_at: now }
    }

    /// Hands over as many as find a place.
    fn hand(over: &Arc<HandOver>, site: SiteId, count: usize) -> usize {
        let places = (0..count).map_while(|_| over.place(site));
        places.enumerate().map(|(number, place)| place.fill(job(i64::try_from(number).unwrap(), site))).count()
    }

    #[test]
    fn a_flood_leaves_room_for_others_who_come_in_turn() {
        let (over, worker) = HandOver::new(90);
        assert_eq!(hand(&over, NEWS, 1_000), 60);
        assert_eq!(hand(&over, BLOG, 5), 5);
        let taken: Vec<SiteId> = worker.take(12).iter().map(|job| job.site).collect();
        assert_eq!(taken.iter().filter(|site| **site == BLOG).count(), 5);
        let numbers: Vec<i64> = worker.take(1_000).iter().map(|job| job.lease.job.0).collect();
        assert_eq!(numbers, (7..60).collect::<Vec<_>>(), "oldest first");
        assert_eq!(hand(&over, NEWS, 1_000), 60, "all places came back");
    }

    #[test]
    fn a_place_that_is_not_filled_is_given_back() {
        let (over, worker) = HandOver::new(1);
        let place = over.place(NEWS).unwrap();
        assert!(over.place(BLOG).is_none());
        assert!(worker.take(1).is_empty());
        drop(place);
        assert_eq!(hand(&over, BLOG, 2), 1);
        drop(worker);
        assert!(over.place(NEWS).is_none(), "nobody is there to take it");
    }
}
