//! Models, and the stack of promotions that says which one serves.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::ledger::raise_generation;
use super::rows::{ModelRow, from_json, micros, time, to_json};
use crate::store::{Act, HistoryEntry, ModelRecord, NewLabels, StoreError};

const CHAMPION: &str = "SELECT model FROM promotions WHERE rolled_back_at IS NULL ORDER BY row DESC LIMIT 1";

pub(super) async fn keep(conn: &mut SqliteConnection, record: ModelRecord, bytes: Vec<u8>) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO models (id, created_at, card, note, bytes) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(&record.id)
        .bind(micros(record.created_at))
        .bind(to_json(&record.card)?)
        .bind(&record.note)
        .bind(bytes)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn models(readers: &SqlitePool) -> Result<Vec<ModelRecord>, StoreError> {
    let rows: Vec<ModelRow> = sqlx::query_as(
        "SELECT id, created_at, card, promoted_at, note,
                id IS (SELECT model FROM promotions WHERE rolled_back_at IS NULL ORDER BY row DESC LIMIT 1)
                AS is_champion
           FROM models
          ORDER BY created_at DESC, rowid DESC",
    )
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(ModelRow::into_record).collect()
}

pub(super) async fn bytes(readers: &SqlitePool, id: &str) -> Result<Vec<u8>, StoreError> {
    sqlx::query_scalar("SELECT bytes FROM models WHERE id = ?")
        .bind(id)
        .fetch_optional(readers)
        .await?
        .ok_or_else(|| no_model(id))
}

pub(super) async fn champion(readers: &SqlitePool) -> Result<Option<String>, StoreError> {
    let top: Option<Option<String>> = sqlx::query_scalar(CHAMPION).fetch_optional(readers).await?;
    Ok(top.flatten())
}

/// See [`crate::store::Store::promote`]. Promoting the champion again adds nothing to roll back to.
pub(super) async fn promote(
    conn: &mut SqliteConnection,
    id: Option<String>,
    note: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let top: Option<Option<String>> = sqlx::query_scalar(CHAMPION).fetch_optional(&mut *conn).await?;
    if let Some(id) = &id {
        let marked = sqlx::query("UPDATE models SET promoted_at = ?, note = ? WHERE id = ?")
            .bind(micros(now))
            .bind(&note)
            .bind(id)
            .execute(&mut *conn)
            .await?;
        if marked.rows_affected() == 0 {
            return Err(no_model(id));
        }
    }
    if top.flatten() != id {
        sqlx::query("INSERT INTO promotions (model, at, note) VALUES (?, ?, ?)")
            .bind(&id)
            .bind(micros(now))
            .bind(&note)
            .execute(&mut *conn)
            .await?;
    }
    raise_generation(conn).await
}

pub(super) async fn rollback(conn: &mut SqliteConnection, now: Timestamp) -> Result<Option<String>, StoreError> {
    let undone = sqlx::query(
        "UPDATE promotions SET rolled_back_at = ?
          WHERE row = (SELECT row FROM promotions WHERE rolled_back_at IS NULL ORDER BY row DESC LIMIT 1)",
    )
    .bind(micros(now))
    .execute(&mut *conn)
    .await?;
    if undone.rows_affected() == 0 {
        return Err(StoreError::NotFound("promotion to roll back".to_owned()));
    }
    let champion: Option<Option<String>> = sqlx::query_scalar(CHAMPION).fetch_optional(&mut *conn).await?;
    let champion = champion.flatten();
    sqlx::query("UPDATE models SET promoted_at = ? WHERE id = ?")
        .bind(micros(now))
        .bind(&champion)
        .execute(&mut *conn)
        .await?;
    raise_generation(conn).await?;
    Ok(champion)
}

/// Acts that are read at once.
const PAGE: u32 = 256;

/// See [`crate::store::Store::new_labels`]. Walks what happened to comments from its newest end: `labelled_at` has no
/// index, and the time of an act lies in its document.
pub(super) async fn new_labels(
    readers: &SqlitePool,
    after: Option<Timestamp>,
    up_to: u32,
) -> Result<NewLabels, StoreError> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(created_at) FROM models").fetch_one(readers).await?;
    let since = newest.map(|at| time(at, "the newest model")).transpose()?.max(after);
    let (mut count, mut before) = (0, i64::MAX);
    loop {
        let acts: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT row, act FROM acts WHERE row < ? ORDER BY row DESC LIMIT ?")
                .bind(before)
                .bind(PAGE)
                .fetch_all(readers)
                .await?;
        let is_last = acts.len() < PAGE as usize;
        for (row, act) in acts {
            before = row;
            let act: HistoryEntry = from_json(&act, format_args!("act {row}"))?;
            if since.is_some_and(|since| act.at < since) {
                return Ok(NewLabels { since, count });
            }
            count += u32::from(matches!(act.what, Act::Label(_)));
            if count >= up_to {
                return Ok(NewLabels { since, count });
            }
        }
        if is_last {
            return Ok(NewLabels { since, count });
        }
    }
}

fn no_model(id: &str) -> StoreError {
    StoreError::NotFound(format!("model {id}"))
}
