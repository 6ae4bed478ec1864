//! Counting what comments left behind: many at once, so that a row which several of them touch is written once.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::arrivals::Waiting;
use super::clusters::{Cluster, Clusters};
use super::keys::Key;
use super::members::{Growth, Member};
use super::trail::{Seconds, Sight};
use super::trails::Trails;
use super::words::Trace;
use super::{members, unhex};
use crate::store::StoreError;
use crate::store::sqlite::many::{MOST, many};
use crate::store::sqlite::rows::from_json;

/// A comment that is being counted.
#[derive(Debug)]
struct Arrival {
    row: i64,
    site: i64,
    trace: Trace,
    keys: Vec<Key>,
    waiting: Waiting,
    cluster: Option<i64>,
}

impl Arrival {
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

/// See [`crate::store::Store::remember`].
pub async fn count(conn: &mut SqliteConnection, limit: u32) -> Result<u64, StoreError> {
    let mut arrivals = waiting(conn, limit).await?;
    if arrivals.is_empty() {
        return Ok(0);
    }
    count_trails(conn, &arrivals).await?;
    let (clusters, were_campaigns) = count_clusters(conn, &mut arrivals).await?;
    mark_counted(conn, &arrivals).await?;
    // Clusters that were campaigns before get members; others may have become campaigns.
    let is_campaign = |id| clusters.get(id).is_some_and(Cluster::is_campaign);
    let begun: Vec<i64> =
        were_campaigns.iter().filter(|(id, was)| !**was && is_campaign(**id)).map(|(id, _)| *id).collect();
    members::begin(conn, &begun).await?;
    let mut grown: BTreeMap<(i64, i64), Growth> = BTreeMap::new();
    for arrival in &arrivals {
        let Some(cluster) = arrival.cluster else { continue };
        if were_campaigns.get(&cluster) == Some(&true) {
            grown.entry((cluster, arrival.site)).or_default().add(arrival.row, arrival.trace.at);
        }
    }
    members::grow(conn, &grown).await?;
    for arrival in arrivals.iter().filter(|arrival| arrival.trace.people != 0) {
        let Some(cluster) = arrival.cluster else { continue };
        let is = |people: i64| i64::from(arrival.trace.people == people);
        let of = Member { cluster, site: arrival.site, row: arrival.row, at: arrival.trace.at };
        members::tell(conn, of, is(1), is(2)).await?;
    }
    Ok(arrivals.len() as u64)
}

/// The oldest that wait, in one row: each row is a message between threads.
async fn waiting(conn: &mut SqliteConnection, limit: u32) -> Result<Vec<Arrival>, StoreError> {
    type Row = (i64, i64, Seconds, i64, i64, i64, Seconds, String, String);
    let rows: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(comment, site, at, flags, checks, people, people_at, hex(keys), hex(waiting)))
           FROM (SELECT * FROM traces WHERE waiting IS NOT NULL ORDER BY comment LIMIT ?)",
    )
    .bind(limit)
    .fetch_one(conn)
    .await?;
    let rows: Vec<Row> = from_json(rows.as_bytes(), "a comment that is to be counted")?;
    let arrival = |(row, site, at, flags, checks, people, people_at, keys, waiting): Row| {
        let keys = unhex(&keys);
        Arrival {
            row,
            site,
            keys: Key::read(&keys),
            waiting: Waiting::read(&unhex(&waiting)),
            trace: Trace { at, cluster: None, flags, checks, people, people_at, keys, is_counted: false },
            cluster: None,
        }
    };
    Ok(rows.into_iter().map(arrival).collect())
}

async fn count_trails(conn: &mut SqliteConnection, arrivals: &[Arrival]) -> Result<(), StoreError> {
    let touched = arrivals.iter().flat_map(Arrival::touched).map(|key| key.hash);
    let mut trails = Trails::read(conn, touched).await?;
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
    trails.write(conn).await
}

/// Puts each with its near copies. Of the clusters that were touched: whether they were campaigns before.
async fn count_clusters(
    conn: &mut SqliteConnection,
    arrivals: &mut [Arrival],
) -> Result<(Clusters, BTreeMap<i64, bool>), StoreError> {
    let mut were_campaigns = BTreeMap::new();
    let signatures = || arrivals.iter().filter_map(|arrival| arrival.waiting.signature.as_ref());
    if signatures().next().is_none() {
        return Ok((Clusters::default(), were_campaigns));
    }
    let mut clusters = Clusters::near(conn, signatures()).await?;
    for arrival in arrivals {
        let Waiting { author, post, site, .. } = arrival.waiting;
        let Some(signature) = &arrival.waiting.signature else { continue };
        let (id, was_campaign) = clusters.join(signature, arrival.trace.at, author, post, site);
        were_campaigns.entry(id).or_insert(was_campaign);
        arrival.cluster = Some(id);
    }
    clusters.write(conn).await?;
    Ok((clusters, were_campaigns))
}

async fn mark_counted(conn: &mut SqliteConnection, arrivals: &[Arrival]) -> Result<(), StoreError> {
    for run in arrivals.chunks(MOST) {
        let mut update = many(
            "UPDATE traces SET cluster = given.column2, waiting = NULL FROM",
            2,
            run.len(),
            "AS given WHERE traces.comment = given.column1",
        );
        for arrival in run {
            update = update.bind(arrival.row).bind(arrival.cluster);
        }
        update.execute(&mut *conn).await?;
    }
    Ok(())
}
