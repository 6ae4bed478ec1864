//! Comments as they are judged: what they leave behind, to be counted in a while.
//!
//! One row for each comment, at the end of its table, is all that an admission waits for. Counting touches a dozen rows
//! all over the file, which is a dozen pages to write: `counting` does it behind, for many comments at once.

use sqlx::SqliteConnection;

use super::many::{MOST, many};
use super::seen::{Kept, Key, Waiting};
use crate::store::StoreError;

/// Keeps what `arrivals` left behind.
pub async fn keep(conn: &mut SqliteConnection, arrivals: &[Kept<'_>]) -> Result<(), StoreError> {
    let arrivals: Vec<&Kept<'_>> = arrivals.iter().filter(|arrival| !arrival.traces.is_empty()).collect();
    for run in arrivals.chunks(MOST) {
        let mut insert = many(
            "INSERT OR REPLACE INTO arrivals (comment, site, at, flags, checks, people, people_at, keys, waiting)
             SELECT column1, column2, column3, column4, column5, 0, 0, column6, column7 FROM",
            7,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for arrival in run {
            insert = insert
                .bind(arrival.row)
                .bind(arrival.site.0)
                .bind(arrival.at())
                .bind(arrival.traces.flags)
                .bind(arrival.checks())
                .bind(Key::bytes(&arrival.traces.keys))
                .bind(Waiting::of(arrival.traces).bytes());
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}
