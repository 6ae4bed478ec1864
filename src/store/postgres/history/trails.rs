//! Trails read and written together.

use sqlx::PgConnection;

use super::seen::{Seconds, Trails};
use crate::store::postgres::failure::Outcome;

pub(super) async fn read(conn: &mut PgConnection, keys: impl Iterator<Item = i64>) -> Outcome<Trails> {
    let rows: Vec<(i64, Seconds, Vec<u8>)> = sqlx::query_as("SELECT key, at, value FROM seen WHERE key = ANY($1)")
        .bind(keys.collect::<Vec<_>>())
        .fetch_all(conn)
        .await?;
    Ok(Trails::of_rows(rows))
}

pub(super) async fn write(conn: &mut PgConnection, trails: &Trails) -> Outcome<()> {
    let rows = trails.rows();
    sqlx::query(
        "INSERT INTO seen (key, at, value)
         SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bytea[])
         ON CONFLICT (key) DO UPDATE SET at = excluded.at, value = excluded.value",
    )
    .bind(rows.iter().map(|(key, ..)| *key).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind(rows.iter().map(|(.., value)| value.as_slice()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
