//! Counting what comments left behind.

use sqlx::PgConnection;

use super::seen::Clusters;
use super::seen::counting::{self, Arrival, Put, Waits};
use super::{clusters, members, trails, try_lock};
use crate::store::postgres::failure::Outcome;

/// See [`crate::store::Store::remember`]. One daemon counts at a time; for the others nothing waits meanwhile.
pub async fn count(conn: &mut PgConnection, limit: u32) -> Outcome<u64> {
    if !try_lock(conn).await? {
        return Ok(0);
    }
    let mut arrivals = waiting(conn, limit).await?;
    if arrivals.is_empty() {
        return Ok(0);
    }
    let mut counts = trails::read(conn, counting::touched(&arrivals)).await?;
    counting::count(&arrivals, &mut counts);
    trails::write(conn, &counts).await?;
    let put = put(conn, &mut arrivals).await?;
    leave_traces(conn, &arrivals).await?;
    // Clusters that were campaigns before get members; others may have become campaigns.
    members::begin(conn, &put.begun).await?;
    members::grow(conn, &put.grown).await?;
    for (member, ham, spam) in put.spoken_of {
        members::tell(conn, member, ham, spam).await?;
    }
    Ok(arrivals.len() as u64)
}

/// The oldest that wait.
async fn waiting(conn: &mut PgConnection, limit: u32) -> Outcome<Vec<Arrival>> {
    let rows: Vec<Waits> = sqlx::query_as(
        "SELECT comment, site, at, flags, checks, people, people_at, keys, waiting
           FROM arrivals ORDER BY comment LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Arrival::of_row).collect())
}

async fn put(conn: &mut PgConnection, arrivals: &mut [Arrival]) -> Outcome<Put> {
    let mut near = match counting::bands(arrivals).next() {
        Some(_) => clusters::near(conn, counting::bands(arrivals)).await?,
        None => Clusters::default(),
    };
    let put = counting::put(arrivals, &mut near);
    clusters::write(conn, &near).await?;
    Ok(put)
}

async fn leave_traces(conn: &mut PgConnection, arrivals: &[Arrival]) -> Outcome<()> {
    sqlx::query(
        "WITH counted AS (DELETE FROM arrivals WHERE comment = ANY($1) RETURNING *)
         INSERT INTO traces (comment, site, at, cluster, flags, checks, people, people_at, keys)
         SELECT comment, site, at, given.cluster, flags, checks, people, people_at, keys
           FROM counted JOIN UNNEST($1::bigint[], $2::bigint[]) AS given (comment, cluster) USING (comment)",
    )
    .bind(arrivals.iter().map(|arrival| arrival.row).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|arrival| arrival.cluster).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
