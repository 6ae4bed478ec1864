//! Looking up what was seen before, for all who ask at the time.

use sqlx::SqlitePool;

use super::hex_cluster;
use super::rows::{from_json, json_array, to_json};
use super::seen::{Find, FoundRows, Seconds, Trace, Wanted, unhex};
use crate::comment::CommentId;
use crate::store::StoreError;

/// A comment's id and its own trace: at, cluster, flags, checks, people, people_at, keys.
type OwnRow = (String, Seconds, Option<i64>, i64, i64, i64, Seconds, String);

/// Reads by the connections that only read.
#[derive(Clone, Debug)]
pub struct Finder(pub SqlitePool);

impl Find for Finder {
    /// In one statement and one row: each is a message between threads.
    async fn find(&self, wanted: Wanted) -> Result<FoundRows, StoreError> {
        let own: Vec<String> = wanted.own.iter().map(|id| format!("{:032x}", id.0.0)).collect();
        let (seen, bands, clusters, here, own): (String, String, String, String, String) = sqlx::query_as(
        "WITH near AS MATERIALIZED
                (SELECT bands.band, bands.cluster
                   FROM json_each(?2) AS wanted CROSS JOIN bands ON bands.band = wanted.value),
              around AS MATERIALIZED (SELECT DISTINCT cluster AS id FROM near)
         SELECT (SELECT json_group_array(json_array(seen.key, seen.at, hex(seen.value)))
                   FROM json_each(?1) AS wanted CROSS JOIN seen ON seen.key = wanted.value),
                (SELECT json_group_array(json_array(band, cluster)) FROM near),
                (SELECT json_group_array(json_array(id, first_at, last_at, size, hex(signature), hex(sketch)))
                   FROM around CROSS JOIN clusters USING (id)),
                (SELECT json_group_array(json_array(cluster, site, size, ham, spam, decision))
                   FROM around CROSS JOIN json_each(?3) AS wanted
                  CROSS JOIN campaigns ON campaigns.cluster = around.id AND campaigns.site = wanted.value),
                (SELECT json_group_array(json_array(hex(comments.id), traces.at, traces.cluster, traces.flags, traces.checks,
                                                    traces.people, traces.people_at, hex(traces.keys)))
                   FROM json_each(?4) AS wanted
                  CROSS JOIN comments ON comments.id = unhex(wanted.value)
                  CROSS JOIN traces ON traces.comment = comments.row)",
    )
    .bind(json_array(wanted.keys))
    .bind(json_array(wanted.bands))
    .bind(json_array(wanted.sites))
    .bind(to_json(&own)?)
    .fetch_one(&self.0)
    .await?;
        let seen: Vec<(i64, Seconds, String)> = from_json(seen.as_bytes(), "what was seen")?;
        let clusters: Vec<_> = from_json(clusters.as_bytes(), "a cluster")?;
        let own: Vec<OwnRow> = from_json(own.as_bytes(), "a comment's own trace")?;
        Ok(FoundRows {
            seen: seen.into_iter().map(|(key, at, value)| (key, at, unhex(&value))).collect(),
            bands: from_json(bands.as_bytes(), "a band")?,
            clusters: clusters.into_iter().map(hex_cluster).collect(),
            here: from_json(here.as_bytes(), "a campaign")?,
            own: own.into_iter().filter_map(trace).collect(),
        })
    }
}

fn trace((id, at, cluster, flags, checks, people, people_at, keys): OwnRow) -> Option<(CommentId, Trace)> {
    let id = u128::from_str_radix(&id, 16).ok()?;
    let keys = unhex(&keys);
    Some((CommentId(id.into()), Trace { at, cluster, flags, checks, people, people_at, keys, is_counted: true }))
}
