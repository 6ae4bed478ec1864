//! Trails read and written together.

use sqlx::SqliteConnection;

use super::many::{MOST, many};
use super::rows::{from_json, json_array};
use super::seen::{Seconds, Trails, unhex};
use crate::store::StoreError;

/// In one row: each row is a message between threads.
pub(super) async fn read(conn: &mut SqliteConnection, keys: impl Iterator<Item = i64>) -> Result<Trails, StoreError> {
    let rows: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(seen.key, seen.at, hex(seen.value)))
           FROM json_each(?) AS wanted CROSS JOIN seen ON seen.key = wanted.value",
    )
    .bind(json_array(keys))
    .fetch_one(conn)
    .await?;
    let rows: Vec<(i64, Seconds, String)> = from_json(rows.as_bytes(), "what was seen")?;
    Ok(Trails::of_rows(rows.into_iter().map(|(key, at, value)| (key, at, unhex(&value)))))
}

pub(super) async fn write(conn: &mut SqliteConnection, trails: &Trails) -> Result<(), StoreError> {
    for run in trails.rows().chunks(MOST) {
        let mut insert = many(
            "INSERT OR REPLACE INTO seen (key, at, value) SELECT column1, column2, column3 FROM",
            3,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for (key, at, value) in run {
            insert = insert.bind(*key).bind(*at).bind(value.as_slice());
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}
