//! Comments as they are judged: what they leave behind, to be counted in a while.
//!
//! One row for each comment is all that an admission waits for; `counting` touches a dozen, for many comments at once.

use sqlx::PgConnection;

use super::seen::{Kept, Key, Waiting};
use crate::store::postgres::failure::Outcome;

/// Keeps what `arrivals` left behind.
pub async fn keep(conn: &mut PgConnection, arrivals: &[Kept<'_>]) -> Outcome<()> {
    let arrivals: Vec<&Kept<'_>> = arrivals.iter().filter(|arrival| !arrival.traces.is_empty()).collect();
    if arrivals.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO arrivals (comment, site, at, flags, checks, people, people_at, keys, waiting)
         SELECT comment, site, at, flags, checks, 0, 0, keys, waiting
           FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[])
                AS given (comment, site, at, flags, checks, keys, waiting)
         ON CONFLICT (comment) DO UPDATE
            SET at = excluded.at, flags = excluded.flags, checks = excluded.checks, people = 0,
                people_at = 0, keys = excluded.keys, waiting = excluded.waiting",
    )
    .bind(arrivals.iter().map(|arrival| arrival.row).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|arrival| arrival.site.0).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|arrival| arrival.at()).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|arrival| arrival.traces.flags).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|arrival| arrival.checks()).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|arrival| Key::bytes(&arrival.traces.keys)).collect::<Vec<_>>())
    .bind(arrivals.iter().map(|arrival| Waiting::of(arrival.traces).bytes()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
