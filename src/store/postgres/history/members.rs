//! What comments add to campaigns, and what people say of their comments.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::seen::{Growth, Member};
use crate::store::postgres::failure::Outcome;

/// Clusters have become campaigns: their comments so far are counted, by site.
pub(super) async fn begin(conn: &mut PgConnection, clusters: &[i64]) -> Outcome<()> {
    if clusters.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO campaigns (cluster, site, size, first_at, last_at, last, ham, spam)
         SELECT cluster, site, count(*), min(at), max(at), max(comment), 0, 0
           FROM traces WHERE cluster = ANY($1) GROUP BY cluster, site
         ON CONFLICT (cluster, site) DO UPDATE
            SET size = excluded.size, first_at = excluded.first_at, last_at = excluded.last_at, last = excluded.last",
    )
    .bind(clusters)
    .execute(conn)
    .await?;
    Ok(())
}

/// Campaigns have got members; `grown` is by cluster and site.
pub(super) async fn grow(conn: &mut PgConnection, grown: &BTreeMap<(i64, i64), Growth>) -> Outcome<()> {
    if grown.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO campaigns (cluster, site, size, first_at, last_at, last, ham, spam)
         SELECT cluster, site, size, at, at, last, 0, 0
           FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                AS given (cluster, site, size, at, last)
         ON CONFLICT (cluster, site) DO UPDATE
            SET size = campaigns.size + excluded.size, last = excluded.last,
                first_at = CASE WHEN campaigns.size = 0 THEN excluded.first_at ELSE campaigns.first_at END,
                last_at = greatest(campaigns.last_at, excluded.last_at)",
    )
    .bind(grown.keys().map(|(cluster, _)| *cluster).collect::<Vec<_>>())
    .bind(grown.keys().map(|(_, site)| *site).collect::<Vec<_>>())
    .bind(grown.values().map(|growth| growth.count).collect::<Vec<_>>())
    .bind(grown.values().map(|growth| growth.at).collect::<Vec<_>>())
    .bind(grown.values().map(|growth| growth.last).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to what people of a site said of a cluster.
pub(super) async fn tell(conn: &mut PgConnection, of: Member, ham: i64, spam: i64) -> Outcome<()> {
    if ham == 0 && spam == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO campaigns (cluster, site, size, first_at, last_at, last, ham, spam)
         VALUES ($1, $2, 0, $3, $3, $4, greatest(0, $5), greatest(0, $6))
         ON CONFLICT (cluster, site) DO UPDATE
            SET ham = greatest(0, campaigns.ham + $5), spam = greatest(0, campaigns.spam + $6)",
    )
    .bind(of.cluster)
    .bind(of.site)
    .bind(of.at)
    .bind(of.row)
    .bind(ham)
    .bind(spam)
    .execute(conn)
    .await?;
    Ok(())
}
