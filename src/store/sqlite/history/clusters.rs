//! Near copies read and written together.

use sqlx::SqliteConnection;

use super::hex_cluster;
use super::many::{MOST, many};
use super::rows::{from_json, json_array};
use super::seen::{Clusters, ClustersRows};
use crate::store::StoreError;

/// All that share a band, in one message to SQLite's thread.
pub(super) async fn near(
    conn: &mut SqliteConnection,
    bands: impl Iterator<Item = i64>,
) -> Result<Clusters, StoreError> {
    let (newest, bands, clusters): (i64, String, String) = sqlx::query_as(
        "WITH near AS MATERIALIZED
                (SELECT bands.band, bands.cluster FROM json_each(?) AS wanted CROSS JOIN bands ON bands.band = wanted.value)
         SELECT (SELECT coalesce(max(id), 0) FROM clusters),
                (SELECT json_group_array(json_array(band, cluster)) FROM near),
                (SELECT json_group_array(json_array(id, first_at, last_at, size, hex(signature), hex(sketch)))
                   FROM clusters WHERE id IN (SELECT cluster FROM near))",
    )
    .bind(json_array(bands))
    .fetch_one(conn)
    .await?;
    let clusters: Vec<_> = from_json(clusters.as_bytes(), "a cluster")?;
    let bands = from_json(bands.as_bytes(), "a band")?;
    Ok(Clusters::of_rows(ClustersRows { newest, bands, clusters: clusters.into_iter().map(hex_cluster).collect() }))
}

pub(super) async fn write(conn: &mut SqliteConnection, clusters: &Clusters) -> Result<(), StoreError> {
    for run in clusters.changed().chunks(MOST) {
        let mut insert = many(
            "INSERT OR REPLACE INTO clusters (id, first_at, last_at, size, signature, sketch)
             SELECT column1, column2, column3, column4, column5, column6 FROM",
            6,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for (id, first_at, last_at, size, signature, sketch) in run {
            insert = insert
                .bind(*id)
                .bind(*first_at)
                .bind(*last_at)
                .bind(*size)
                .bind(signature.as_slice())
                .bind(sketch.as_slice());
        }
        insert.execute(&mut *conn).await?;
    }
    for run in clusters.moved().chunks(MOST) {
        let mut insert = many(
            "INSERT OR REPLACE INTO bands (band, cluster) SELECT column1, column2 FROM",
            2,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for (band, cluster) in run {
            insert = insert.bind(*band).bind(*cluster);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}
