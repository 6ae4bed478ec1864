//! Near copies: which cluster a text belongs to, and when a cluster is a campaign.

use std::collections::{HashMap, HashSet};

use super::signature::{Signature, mins_bytes, read_mins};
use super::sketch::Sketch;
use super::trail::Seconds;
use crate::text::{Fingerprint, MINS};

/// Comments from which on a cluster may be a campaign.
const CAMPAIGN_SIZE: i64 = 3;

#[derive(Clone, Debug)]
pub struct Cluster {
    pub first_at: Seconds,
    pub last_at: Seconds,
    pub size: i64,
    pub mins: [u16; MINS],
    pub sketch: Sketch,
}

impl Cluster {
    /// Several authors, sites or posts say the same: one who repeats himself on two posts is none.
    pub fn is_campaign(&self) -> bool {
        let Sketch { authors, posts, sites } = &self.sketch;
        self.size >= CAMPAIGN_SIZE && (authors.count() >= 2 || sites.count() >= 2 || posts.count() >= 3)
    }
}

/// A cluster as a row has it: id, first, last, size, signature and sketch.
pub type ClusterRow = (i64, Seconds, Seconds, i64, Vec<u8>, Vec<u8>);

/// What there is to begin with.
#[derive(Debug)]
pub struct ClustersRows {
    /// The greatest id there is.
    pub newest: i64,
    /// Bands, and to which cluster each leads.
    pub bands: Vec<(i64, i64)>,
    pub clusters: Vec<ClusterRow>,
}

pub(super) fn read((id, first_at, last_at, size, signature, sketch): ClusterRow) -> (i64, Cluster) {
    (id, Cluster { first_at, last_at, size, mins: read_mins(&signature), sketch: Sketch::read(&sketch) })
}

/// The clusters that a batch of texts may belong to.
#[derive(Debug, Default)]
pub struct Clusters {
    clusters: HashMap<i64, Cluster>,
    bands: HashMap<i64, i64>,
    newest: i64,
    changed: HashSet<i64>,
    moved: HashSet<i64>,
}

impl Clusters {
    pub fn of_rows(rows: ClustersRows) -> Clusters {
        Clusters {
            clusters: rows.clusters.into_iter().map(read).collect(),
            bands: rows.bands.into_iter().collect(),
            newest: rows.newest,
            ..Clusters::default()
        }
    }

    pub fn get(&self, id: i64) -> Option<&Cluster> {
        self.clusters.get(&id)
    }

    /// Puts a comment with the cluster it is most like, or begins one; which, and whether it was a campaign before.
    pub fn join(&mut self, text: &Signature, at: Seconds, author: u32, post: u32, site: u32) -> (i64, bool) {
        let near = text.bands().filter_map(|band| self.bands.get(&band)).copied();
        let id = nearest(near, &self.clusters, &text.mins).unwrap_or_else(|| {
            self.newest += 1;
            self.newest
        });
        let new = || Cluster { first_at: at, last_at: at, size: 0, mins: text.mins, sketch: Sketch::default() };
        let cluster = self.clusters.entry(id).or_insert_with(new);
        let was_campaign = cluster.is_campaign();
        cluster.size += 1;
        cluster.last_at = cluster.last_at.max(at);
        cluster.sketch.authors.add(author);
        cluster.sketch.posts.add(post);
        cluster.sketch.sites.add(site);
        self.changed.insert(id);
        for band in text.bands() {
            if self.bands.insert(band, id) != Some(id) {
                self.moved.insert(band);
            }
        }
        (id, was_campaign)
    }

    /// Those that changed, in the order of their ids.
    pub fn changed(&self) -> Vec<ClusterRow> {
        let row = |id: &i64| {
            let cluster = self.clusters.get(id)?;
            let (signature, sketch) = (mins_bytes(&cluster.mins).collect(), cluster.sketch.bytes());
            Some((*id, cluster.first_at, cluster.last_at, cluster.size, signature, sketch))
        };
        let mut changed: Vec<ClusterRow> = self.changed.iter().filter_map(row).collect();
        changed.sort_unstable_by_key(|(id, ..)| *id);
        changed
    }

    /// Bands that lead to another cluster now, in their order.
    pub fn moved(&self) -> Vec<(i64, i64)> {
        let mut moved: Vec<(i64, i64)> =
            self.moved.iter().filter_map(|band| Some((*band, *self.bands.get(band)?))).collect();
        moved.sort_unstable();
        moved
    }
}

/// Of `candidates` the one that shares most with `mins`, if that is enough to be a copy.
pub(super) fn nearest(
    candidates: impl Iterator<Item = i64>,
    clusters: &HashMap<i64, Cluster>,
    own: &[u16; MINS],
) -> Option<i64> {
    let similarity = |mins: &[u16; MINS]| {
        let equal = own.iter().zip(mins).filter(|(one, other)| one == other).count();
        f64::from(u32::try_from(equal).unwrap_or_default()) / MINS as f64
    };
    candidates
        .filter_map(|id| Some((id, similarity(&clusters.get(&id)?.mins))))
        .filter(|(_, similarity)| *similarity >= Fingerprint::NEAR)
        .max_by(|(a, one), (b, other)| one.total_cmp(other).then(b.cmp(a)))
        .map(|(id, _)| id)
}
