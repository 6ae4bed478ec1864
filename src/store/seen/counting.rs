//! Counting what comments left behind: many at once, so that a row which several of them touch is written once.

use std::collections::BTreeMap;

use super::clusters::{Cluster, Clusters};
use super::keys::Key;
use super::traces::{Trace, Waiting};
use super::trail::{Seconds, Sight};
use super::trails::Trails;

/// A comment that is being counted.
#[derive(Debug)]
pub struct Arrival {
    pub row: i64,
    site: i64,
    trace: Trace,
    keys: Vec<Key>,
    waiting: Waiting,
    /// Where it was put.
    pub cluster: Option<i64>,
}

/// A comment that waits to be counted, as a row has it: row, site, at, flags, checks, people, people_at, keys, waiting.
pub type Waits = (i64, i64, Seconds, i64, i64, i64, Seconds, Vec<u8>, Vec<u8>);

impl Arrival {
    pub fn of_row((row, site, at, flags, checks, people, people_at, keys, waiting): Waits) -> Arrival {
        Arrival {
            row,
            site,
            keys: Key::read(&keys),
            waiting: Waiting::read(&waiting),
            trace: Trace { at, cluster: None, flags, checks, people, people_at, keys, is_counted: false },
            cluster: None,
        }
    }

    fn sight(&self, key: Key) -> Sight {
        let spelling = Some(self.waiting.spelling).filter(|spelling| *spelling != 0 && key.is_email());
        Sight { spelling, ..self.trace.sight() }
    }

    /// Under which of its keys there is something to count.
    fn touched(&self) -> impl Iterator<Item = Key> {
        let has_word = self.trace.word().is_some();
        self.keys.iter().copied().filter(move |key| key.is_seen() || (has_word && key.is_heard()))
    }
}

/// Under which keys the counts change.
pub fn touched(arrivals: &[Arrival]) -> impl Iterator<Item = i64> {
    arrivals.iter().flat_map(Arrival::touched).map(|key| key.hash)
}

pub fn count(arrivals: &[Arrival], trails: &mut Trails) {
    for arrival in arrivals {
        for key in arrival.touched() {
            let trail = trails.of(key.hash);
            if key.is_seen() {
                trail.see(arrival.sight(key));
            }
            if let Some(word) = arrival.trace.word().filter(|_| key.is_heard()) {
                trail.hear(word);
            }
        }
    }
}

/// By which near copies of them are found.
pub fn bands(arrivals: &[Arrival]) -> impl Iterator<Item = i64> {
    arrivals.iter().filter_map(|arrival| arrival.waiting.signature.as_ref()).flat_map(|signature| signature.bands())
}

/// What comes of putting comments with their near copies.
#[derive(Debug, Default)]
pub struct Put {
    /// Clusters that have become campaigns.
    pub begun: Vec<i64>,
    /// What is added to those that were campaigns before, by cluster and site.
    pub grown: BTreeMap<(i64, i64), Growth>,
    /// Of whom people spoke before they were counted; and whether they let it through, and whether they called it spam.
    pub spoken_of: Vec<(Member, i64, i64)>,
}

/// Puts each with its near copies.
pub fn put(arrivals: &mut [Arrival], clusters: &mut Clusters) -> Put {
    let mut were_campaigns: BTreeMap<i64, bool> = BTreeMap::new();
    for arrival in arrivals.iter_mut() {
        let Waiting { author, post, site, .. } = arrival.waiting;
        let Some(signature) = &arrival.waiting.signature else { continue };
        let (id, was_campaign) = clusters.join(signature, arrival.trace.at, author, post, site);
        were_campaigns.entry(id).or_insert(was_campaign);
        arrival.cluster = Some(id);
    }
    let is_campaign = |id| clusters.get(id).is_some_and(Cluster::is_campaign);
    let begun = were_campaigns.iter().filter(|(id, was)| !**was && is_campaign(**id)).map(|(id, _)| *id).collect();
    let mut put = Put { begun, ..Put::default() };
    for arrival in arrivals.iter() {
        let Some(cluster) = arrival.cluster else { continue };
        if were_campaigns.get(&cluster) == Some(&true) {
            put.grown.entry((cluster, arrival.site)).or_default().add(arrival.row, arrival.trace.at);
        }
        if arrival.trace.people != 0 {
            let (ham, spam) = arrival.trace.ham_and_spam();
            let member = Member { cluster, site: arrival.site, row: arrival.row, at: arrival.trace.at };
            put.spoken_of.push((member, ham, spam));
        }
    }
    put
}

/// What many comments add to a campaign at one site.
#[derive(Clone, Copy, Debug, Default)]
pub struct Growth {
    pub count: i64,
    /// comments.row
    pub last: i64,
    pub at: Seconds,
}

impl Growth {
    pub fn add(&mut self, row: i64, at: Seconds) {
        self.count += 1;
        self.last = self.last.max(row);
        self.at = self.at.max(at);
    }
}

/// A comment of a cluster, of which a person spoke.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub cluster: i64,
    pub site: i64,
    /// comments.row
    pub row: i64,
    pub at: Seconds,
}
