//! Looking up what was seen before, for all who ask at the time.

use sqlx::PgPool;

use super::seen::{ClusterRow, Find, FoundRows, HereRow, Seconds, Trace, Wanted};
use crate::comment::CommentId;
use crate::store::StoreError;
use crate::store::postgres::failure::{Failure, Outcome};
use crate::store::rows::{comment_id, id_bytes};

/// A comment's id and its own trace: at, cluster, flags, checks, people, people_at, keys.
type OwnRow = (Vec<u8>, Seconds, Option<i64>, i64, i64, i64, Seconds, Vec<u8>);
/// What the statement finds: nothing is NULL.
type Row = (
    Option<Vec<(i64, Seconds, Vec<u8>)>>,
    Option<Vec<(i64, i64)>>,
    Option<Vec<ClusterRow>>,
    Option<Vec<HereRow>>,
    Option<Vec<OwnRow>>,
);

#[derive(Clone, Debug)]
pub struct Finder(pub PgPool);

impl Find for Finder {
    async fn find(&self, wanted: Wanted) -> Result<FoundRows, StoreError> {
        Ok(find(&self.0, wanted).await?)
    }
}

/// One round trip, and all of the same moment.
async fn find(pool: &PgPool, wanted: Wanted) -> Outcome<FoundRows> {
    let (seen, bands, clusters, here, own): Row = sqlx::query_as(
        "WITH near AS MATERIALIZED (SELECT band, cluster FROM bands WHERE band = ANY($2)),
              around AS MATERIALIZED (SELECT DISTINCT cluster AS id FROM near)
         SELECT (SELECT array_agg(ROW(key, at, value)) FROM seen WHERE key = ANY($1)),
                (SELECT array_agg(ROW(band, cluster)) FROM near),
                (SELECT array_agg(ROW(id, first_at, last_at, size, signature, sketch)) FROM around JOIN clusters USING (id)),
                (SELECT array_agg(ROW(cluster, site, campaigns.size, ham, spam, decision))
                   FROM around JOIN campaigns ON campaigns.cluster = around.id
                  WHERE campaigns.site = ANY($3)),
                (SELECT array_agg(ROW(comments.id, traces.at, traces.cluster, traces.flags, traces.checks, traces.people,
                                      traces.people_at, traces.keys))
                   FROM comments JOIN traces ON traces.comment = comments.row
                  WHERE comments.id = ANY($4))",
    )
    .bind(wanted.keys)
    .bind(wanted.bands)
    .bind(wanted.sites)
    .bind(wanted.own.into_iter().map(id_bytes).collect::<Vec<_>>())
    .fetch_one(pool)
    .await?;
    let own = own.unwrap_or_default().into_iter().map(trace).collect::<Result<_, Failure>>()?;
    Ok(FoundRows {
        seen: seen.unwrap_or_default(),
        bands: bands.unwrap_or_default(),
        clusters: clusters.unwrap_or_default(),
        here: here.unwrap_or_default(),
        own,
    })
}

fn trace((id, at, cluster, flags, checks, people, people_at, keys): OwnRow) -> Outcome<(CommentId, Trace)> {
    let trace = Trace { at, cluster, flags, checks, people, people_at, keys, is_counted: true };
    Ok((comment_id(&id, "a comment's own trace")?, trace))
}
