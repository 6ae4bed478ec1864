//! Counting what comments left behind.

use sqlx::SqliteConnection;

use super::many::{MOST, many};
use super::rows::from_json;
use super::seen::counting::{self, Arrival, Put};
use super::seen::{Clusters, Seconds, unhex};
use super::{clusters, members, trails};
use crate::store::StoreError;

/// See [`crate::store::Store::remember`].
pub async fn count(conn: &mut SqliteConnection, limit: u32) -> Result<u64, StoreError> {
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

async fn put(conn: &mut SqliteConnection, arrivals: &mut [Arrival]) -> Result<Put, StoreError> {
    let mut near = match counting::bands(arrivals).next() {
        Some(_) => clusters::near(conn, counting::bands(arrivals)).await?,
        None => Clusters::default(),
    };
    let put = counting::put(arrivals, &mut near);
    clusters::write(conn, &near).await?;
    Ok(put)
}

/// The oldest that wait, in one row: each row is a message between threads.
async fn waiting(conn: &mut SqliteConnection, limit: u32) -> Result<Vec<Arrival>, StoreError> {
    type Row = (i64, i64, Seconds, i64, i64, i64, Seconds, String, String);
    let rows: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(comment, site, at, flags, checks, people, people_at, hex(keys), hex(waiting)))
           FROM (SELECT * FROM arrivals ORDER BY comment LIMIT ?)",
    )
    .bind(limit)
    .fetch_one(conn)
    .await?;
    let rows: Vec<Row> = from_json(rows.as_bytes(), "a comment that is to be counted")?;
    let arrival = |(row, site, at, flags, checks, people, people_at, keys, waiting): Row| {
        let (keys, waiting) = (unhex(&keys), unhex(&waiting));
        Arrival::of_row((row, site, at, flags, checks, people, people_at, keys, waiting))
    };
    Ok(rows.into_iter().map(arrival).collect())
}

async fn leave_traces(conn: &mut SqliteConnection, arrivals: &[Arrival]) -> Result<(), StoreError> {
    for run in arrivals.chunks(MOST) {
        let mut insert = many(
            "INSERT INTO traces (comment, site, at, cluster, flags, checks, people, people_at, keys)
             SELECT comment, site, at, given.column2, flags, checks, people, people_at, keys FROM",
            2,
            run.len(),
            "AS given CROSS JOIN arrivals ON arrivals.comment = given.column1",
        );
        for arrival in run {
            insert = insert.bind(arrival.row).bind(arrival.cluster);
        }
        insert.execute(&mut *conn).await?;
    }
    // They were the oldest, and nobody else writes meanwhile.
    sqlx::query("DELETE FROM arrivals WHERE comment <= ?")
        .bind(arrivals.last().map(|arrival| arrival.row))
        .execute(conn)
        .await?;
    Ok(())
}
