//! Near copies: which cluster a text belongs to, and when a cluster is a campaign.

use std::collections::{HashMap, HashSet};

use sqlx::SqliteConnection;

use super::signature::{Signature, mins_bytes, read_mins};
use super::sketch::Sketch;
use super::trail::Seconds;
use super::unhex;
use crate::store::StoreError;
use crate::store::sqlite::many::{MOST, many};
use crate::store::sqlite::rows::{from_json, json_array};
use crate::text::{Fingerprint, MINS};

/// Comments from which on a cluster may be a campaign.
const CAMPAIGN_SIZE: i64 = 3;

#[derive(Clone, Debug)]
pub(super) struct Cluster {
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

/// A cluster as SQL gives it: id, first, last, size, signature and sketch in hexadecimal.
pub(super) type ClusterRow = (i64, Seconds, Seconds, i64, String, String);

pub(super) fn read((id, first_at, last_at, size, signature, sketch): ClusterRow) -> (i64, Cluster) {
    (
        id,
        Cluster { first_at, last_at, size, mins: read_mins(&unhex(&signature)), sketch: Sketch::read(&unhex(&sketch)) },
    )
}

/// The clusters that a batch of texts may belong to.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    clusters: HashMap<i64, Cluster>,
    bands: HashMap<i64, i64>,
    newest: i64,
    changed: HashSet<i64>,
    moved: HashSet<i64>,
}

impl Clusters {
    /// All that share a band with one of `texts`, in one message to SQLite's thread.
    pub async fn near<'t>(
        conn: &mut SqliteConnection,
        texts: impl Iterator<Item = &'t Signature>,
    ) -> Result<Clusters, StoreError> {
        let bands = json_array(texts.flat_map(Signature::bands));
        let (newest, bands, clusters): (i64, String, String) = sqlx::query_as(
            "WITH near AS MATERIALIZED
                    (SELECT bands.band, bands.cluster FROM json_each(?) AS wanted CROSS JOIN bands ON bands.band = wanted.value)
             SELECT (SELECT coalesce(max(id), 0) FROM clusters),
                    (SELECT json_group_array(json_array(band, cluster)) FROM near),
                    (SELECT json_group_array(json_array(id, first_at, last_at, size, hex(signature), hex(sketch)))
                       FROM clusters WHERE id IN (SELECT cluster FROM near))",
        )
        .bind(bands)
        .fetch_one(conn)
        .await?;
        let clusters: Vec<ClusterRow> = from_json(clusters.as_bytes(), "a cluster")?;
        let bands: Vec<(i64, i64)> = from_json(bands.as_bytes(), "a band")?;
        Ok(Clusters {
            clusters: clusters.into_iter().map(read).collect(),
            bands: bands.into_iter().collect(),
            newest,
            ..Clusters::default()
        })
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

    pub async fn write(&self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        let mut changed: Vec<(i64, &Cluster)> =
            self.changed.iter().filter_map(|id| Some((*id, self.clusters.get(id)?))).collect();
        changed.sort_unstable_by_key(|(id, _)| *id);
        for run in changed.chunks(MOST) {
            let mut insert = many(
                "INSERT OR REPLACE INTO clusters (id, first_at, last_at, size, signature, sketch)
                 SELECT column1, column2, column3, column4, column5, column6 FROM",
                6,
                run.len(),
                "WHERE column1 IS NOT NULL",
            );
            for (id, cluster) in run {
                let signature: Vec<u8> = mins_bytes(&cluster.mins).collect();
                insert = insert
                    .bind(id)
                    .bind(cluster.first_at)
                    .bind(cluster.last_at)
                    .bind(cluster.size)
                    .bind(signature)
                    .bind(cluster.sketch.bytes());
            }
            insert.execute(&mut *conn).await?;
        }
        let mut moved: Vec<(i64, i64)> =
            self.moved.iter().filter_map(|band| Some((*band, *self.bands.get(band)?))).collect();
        moved.sort_unstable();
        for run in moved.chunks(MOST) {
            let mut insert = many(
                "INSERT OR REPLACE INTO bands (band, cluster) SELECT column1, column2 FROM",
                2,
                run.len(),
                "WHERE column1 IS NOT NULL",
            );
            for (band, cluster) in run {
                insert = insert.bind(band).bind(cluster);
            }
            insert.execute(&mut *conn).await?;
        }
        Ok(())
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
