//! Comments as they are judged: what they leave behind, many at once.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::clusters::Clusters;
use super::keys::{Hashed, Key};
use super::trail::{Outcome, Seconds, Sight, Trail};
use super::{SHORT, seconds, unhex};
use crate::site::SiteId;
use crate::store::StoreError;
use crate::store::sqlite::many::{MOST, many};
use crate::store::sqlite::rows::{from_json, json_array};
use crate::verdict::Decision;

/// A comment that was just judged.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub row: i64,
    pub site: SiteId,
    /// When it came, microseconds.
    pub received_at: i64,
    pub decision: Decision,
    pub traces: &'a Hashed,
}

impl Arrival<'_> {
    fn at(&self) -> Seconds {
        seconds(self.received_at)
    }
}

/// Counts `arrivals` and puts each with its near copies.
pub async fn remember(conn: &mut SqliteConnection, arrivals: &[Arrival<'_>]) -> Result<(), StoreError> {
    let arrivals: Vec<&Arrival<'_>> = arrivals.iter().filter(|arrival| !arrival.traces.is_empty()).collect();
    if arrivals.is_empty() {
        return Ok(());
    }
    let keys = arrivals.iter().flat_map(|arrival| &arrival.traces.keys).filter(|key| key.is_seen());
    let mut trails = Trails::read(conn, keys.map(|key| key.hash)).await?;
    for arrival in &arrivals {
        for key in arrival.traces.keys.iter().filter(|key| key.is_seen()) {
            let sight = Sight {
                at: arrival.at(),
                outcome: arrival.decision.into(),
                is_short: arrival.traces.flags & SHORT != 0,
                spelling: arrival.traces.spelling.filter(|_| key.is_email()),
            };
            trails.of(key.hash).see(sight);
        }
    }
    trails.write(conn).await?;

    let texts = || arrivals.iter().filter_map(|arrival| arrival.traces.text.as_ref());
    let mut clusters =
        if texts().next().is_some() { Clusters::near(conn, texts()).await? } else { Clusters::default() };
    let mut joined: Vec<(&Arrival<'_>, Option<i64>)> = Vec::with_capacity(arrivals.len());
    // Clusters that were campaigns before the batch get members; others may become campaigns by it.
    let mut before: BTreeMap<i64, bool> = BTreeMap::new();
    for arrival in &arrivals {
        let Hashed { author, post, site, text, .. } = arrival.traces;
        let cluster = text.as_ref().map(|text| {
            let (id, was_campaign) = clusters.join(text, arrival.at(), *author, *post, *site);
            before.entry(id).or_insert(was_campaign);
            id
        });
        joined.push((arrival, cluster));
    }
    clusters.write(conn).await?;
    insert_traces(conn, &joined).await?;

    for (&id, was_campaign) in &before {
        if !was_campaign && clusters.get(id).is_some_and(super::clusters::Cluster::is_campaign) {
            begin_campaign(conn, id).await?;
        }
    }
    let mut grown: BTreeMap<(i64, i64), Growth> = BTreeMap::new();
    for (arrival, cluster) in &joined {
        if let Some(id) = cluster.filter(|id| before.get(id) == Some(&true)) {
            grown.entry((id, arrival.site.0)).or_default().add(arrival);
        }
    }
    grow_campaigns(conn, &grown).await
}

/// What a batch adds to a campaign at one site.
#[derive(Clone, Copy, Debug, Default)]
struct Growth {
    count: i64,
    /// comments.row
    last: i64,
    at: Seconds,
}

impl Growth {
    fn add(&mut self, arrival: &Arrival<'_>) {
        self.count += 1;
        self.last = self.last.max(arrival.row);
        self.at = self.at.max(arrival.at());
    }
}

async fn insert_traces(conn: &mut SqliteConnection, joined: &[(&Arrival<'_>, Option<i64>)]) -> Result<(), StoreError> {
    for run in joined.chunks(MOST) {
        let mut insert = many(
            "INSERT OR REPLACE INTO traces (comment, site, at, cluster, flags, checks, people, people_at, keys)
             SELECT column1, column2, column3, column4, column5, column6, 0, 0, column7 FROM",
            7,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for (arrival, cluster) in run {
            insert = insert
                .bind(arrival.row)
                .bind(arrival.site.0)
                .bind(arrival.at())
                .bind(cluster)
                .bind(arrival.traces.flags)
                .bind(Outcome::from(arrival.decision) as i64)
                .bind(Key::bytes(&arrival.traces.keys));
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

/// A cluster has become a campaign: its comments so far are counted, by site.
async fn begin_campaign(conn: &mut SqliteConnection, cluster: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO campaigns (cluster, site, size, first_at, last_at, last, ham, spam)
         SELECT cluster, site, count(*), min(at), max(at), max(comment), 0, 0
           FROM traces WHERE cluster = ? GROUP BY site
         ON CONFLICT DO UPDATE SET size = excluded.size, first_at = excluded.first_at, last_at = excluded.last_at,
                                   last = excluded.last",
    )
    .bind(cluster)
    .execute(conn)
    .await?;
    Ok(())
}

async fn grow_campaigns(conn: &mut SqliteConnection, grown: &BTreeMap<(i64, i64), Growth>) -> Result<(), StoreError> {
    let grown: Vec<(&(i64, i64), &Growth)> = grown.iter().collect();
    for run in grown.chunks(MOST) {
        let mut insert = many(
            "INSERT INTO campaigns (cluster, site, size, first_at, last_at, last, ham, spam)
             SELECT column1, column2, column3, column4, column4, column5, 0, 0 FROM",
            5,
            run.len(),
            "WHERE column1 IS NOT NULL
             ON CONFLICT DO UPDATE SET size = campaigns.size + excluded.size, last = excluded.last,
                                       first_at = iif(campaigns.size = 0, excluded.first_at, campaigns.first_at),
                                       last_at = max(campaigns.last_at, excluded.last_at)",
        );
        for ((cluster, site), Growth { count, last, at }) in run {
            insert = insert.bind(cluster).bind(site).bind(count).bind(at).bind(last);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

/// The trails that a batch changes.
#[derive(Debug, Default)]
pub(super) struct Trails(BTreeMap<i64, Trail>);

impl Trails {
    /// In one row: each row is a message between threads.
    pub async fn read(conn: &mut SqliteConnection, keys: impl Iterator<Item = i64>) -> Result<Trails, StoreError> {
        let rows: String = sqlx::query_scalar(
            "SELECT json_group_array(json_array(seen.key, seen.at, hex(seen.value)))
               FROM json_each(?) AS wanted CROSS JOIN seen ON seen.key = wanted.value",
        )
        .bind(json_array(keys))
        .fetch_one(conn)
        .await?;
        let rows: Vec<(i64, Seconds, String)> = from_json(rows.as_bytes(), "what was seen")?;
        Ok(Trails(rows.into_iter().map(|(key, at, value)| (key, Trail::read(at, &unhex(&value)))).collect()))
    }

    pub fn of(&mut self, key: i64) -> &mut Trail {
        self.0.entry(key).or_default()
    }

    pub async fn write(&self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        let trails: Vec<(&i64, &Trail)> = self.0.iter().collect();
        for run in trails.chunks(MOST) {
            let mut insert = many(
                "INSERT OR REPLACE INTO seen (key, at, value) SELECT column1, column2, column3 FROM",
                3,
                run.len(),
                "WHERE column1 IS NOT NULL",
            );
            for (key, trail) in run {
                insert = insert.bind(**key).bind(trail.at).bind(trail.bytes());
            }
            insert.execute(&mut *conn).await?;
        }
        Ok(())
    }
}
