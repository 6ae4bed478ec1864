//! What comments add to campaigns, and what people say of their comments.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::many::{MOST, many};
use super::rows::json_array;
use super::seen::{Growth, Member};
use crate::store::StoreError;

/// Clusters have become campaigns: their comments so far are counted, by site.
pub(super) async fn begin(conn: &mut SqliteConnection, clusters: &[i64]) -> Result<(), StoreError> {
    if clusters.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO campaigns (cluster, site, size, first_at, last_at, last, ham, spam)
         SELECT cluster, site, count(*), min(at), max(at), max(comment), 0, 0
           FROM json_each(?) AS begun CROSS JOIN traces ON traces.cluster = begun.value
          WHERE true GROUP BY cluster, site
         ON CONFLICT DO UPDATE SET size = excluded.size, first_at = excluded.first_at, last_at = excluded.last_at,
                                   last = excluded.last",
    )
    .bind(json_array(clusters.iter().copied()))
    .execute(conn)
    .await?;
    Ok(())
}

/// Campaigns have got members; `grown` is by cluster and site.
pub(super) async fn grow(conn: &mut SqliteConnection, grown: &BTreeMap<(i64, i64), Growth>) -> Result<(), StoreError> {
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

/// Adds to what people of a site said of a cluster.
pub(super) async fn tell(conn: &mut SqliteConnection, of: Member, ham: i64, spam: i64) -> Result<(), StoreError> {
    if ham == 0 && spam == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO campaigns (cluster, site, size, first_at, last_at, last, ham, spam)
         VALUES (?1, ?2, 0, ?3, ?3, ?4, max(0, ?5), max(0, ?6))
         ON CONFLICT DO UPDATE SET ham = max(0, campaigns.ham + ?5), spam = max(0, campaigns.spam + ?6)",
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
