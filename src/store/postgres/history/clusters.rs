//! Near copies read and written together.

use sqlx::PgConnection;

use super::seen::{ClusterRow, Clusters, ClustersRows};
use crate::store::postgres::failure::Outcome;

/// The greatest id; bands and clusters, NULL when there is none.
type Near = (i64, Option<Vec<(i64, i64)>>, Option<Vec<ClusterRow>>);

/// All that share a band.
pub(super) async fn near(conn: &mut PgConnection, bands: impl Iterator<Item = i64>) -> Outcome<Clusters> {
    let (newest, bands, clusters): Near = sqlx::query_as(
        "WITH near AS MATERIALIZED (SELECT band, cluster FROM bands WHERE band = ANY($1))
         SELECT (SELECT coalesce(max(id), 0) FROM clusters),
                (SELECT array_agg(ROW(band, cluster)) FROM near),
                (SELECT array_agg(ROW(id, first_at, last_at, size, signature, sketch))
                   FROM clusters WHERE id IN (SELECT cluster FROM near))",
    )
    .bind(bands.collect::<Vec<_>>())
    .fetch_one(conn)
    .await?;
    let (bands, clusters) = (bands.unwrap_or_default(), clusters.unwrap_or_default());
    Ok(Clusters::of_rows(ClustersRows { newest, bands, clusters }))
}

pub(super) async fn write(conn: &mut PgConnection, clusters: &Clusters) -> Outcome<()> {
    let changed = clusters.changed();
    sqlx::query(
        "INSERT INTO clusters (id, first_at, last_at, size, signature, sketch)
         SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[])
         ON CONFLICT (id) DO UPDATE
            SET first_at = excluded.first_at, last_at = excluded.last_at, size = excluded.size,
                signature = excluded.signature, sketch = excluded.sketch",
    )
    .bind(changed.iter().map(|(id, ..)| *id).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, first_at, ..)| *first_at).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, _, last_at, ..)| *last_at).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, _, _, size, ..)| *size).collect::<Vec<_>>())
    .bind(changed.iter().map(|(.., signature, _)| signature.as_slice()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(.., sketch)| sketch.as_slice()).collect::<Vec<_>>())
    .execute(&mut *conn)
    .await?;
    let (bands, clusters): (Vec<i64>, Vec<i64>) = clusters.moved().into_iter().unzip();
    sqlx::query(
        "INSERT INTO bands (band, cluster) SELECT * FROM UNNEST($1::bigint[], $2::bigint[])
         ON CONFLICT (band) DO UPDATE SET cluster = excluded.cluster",
    )
    .bind(bands)
    .bind(clusters)
    .execute(conn)
    .await?;
    Ok(())
}
