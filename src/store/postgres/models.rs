//! Models, and the stack of promotions that says which one serves.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::columns::shown;
use super::failure::Outcome;
use super::ledger::raise_generation;
use crate::store::rows::{Document, ModelRow, from_json, micros, time, to_json};
use crate::store::{Act, HistoryEntry, ModelRecord, NewLabels, StoreError};

const CHAMPION: &str = "SELECT model FROM promotions WHERE rolled_back_at IS NULL ORDER BY row DESC LIMIT 1";

pub(super) async fn keep(conn: &mut PgConnection, record: &ModelRecord, bytes: &[u8]) -> Outcome<()> {
    sqlx::query(
        "INSERT INTO models (id, created_at, card, note, bytes) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(&record.id)
    .bind(micros(record.created_at))
    .bind(to_json(&record.card)?)
    .bind(shown(&record.note))
    .bind(bytes)
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn models(pool: &PgPool) -> Outcome<Vec<ModelRecord>> {
    let rows: Vec<ModelRow> = sqlx::query_as(
        "SELECT id, created_at, card, promoted_at, note,
                id IS NOT DISTINCT FROM (SELECT model FROM promotions WHERE rolled_back_at IS NULL ORDER BY row DESC LIMIT 1)
                AS is_champion
           FROM models
          ORDER BY created_at DESC, row DESC",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(ModelRow::into_record).collect::<Result<_, _>>()?)
}

pub(super) async fn bytes(pool: &PgPool, id: &str) -> Outcome<Vec<u8>> {
    sqlx::query_scalar("SELECT bytes FROM models WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await?
        .ok_or_else(|| no_model(id).into())
}

pub(super) async fn champion(pool: &PgPool) -> Outcome<Option<String>> {
    let top: Option<Option<String>> = sqlx::query_scalar(CHAMPION).fetch_optional(pool).await?;
    Ok(top.flatten())
}

/// See [`crate::store::Store::promote`]. Promoting the champion again adds nothing to roll back to.
pub(super) async fn promote(conn: &mut PgConnection, id: Option<&str>, note: &str, now: Timestamp) -> Outcome<()> {
    let top: Option<Option<String>> = sqlx::query_scalar(CHAMPION).fetch_optional(&mut *conn).await?;
    if let Some(id) = id {
        let marked = sqlx::query("UPDATE models SET promoted_at = $1, note = $2 WHERE id = $3")
            .bind(micros(now))
            .bind(shown(note))
            .bind(id)
            .execute(&mut *conn)
            .await?;
        if marked.rows_affected() == 0 {
            return Err(no_model(id).into());
        }
    }
    if top.flatten().as_deref() != id {
        sqlx::query("INSERT INTO promotions (model, at, note) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(micros(now))
            .bind(shown(note))
            .execute(&mut *conn)
            .await?;
    }
    raise_generation(conn).await
}

pub(super) async fn rollback(conn: &mut PgConnection, now: Timestamp) -> Outcome<Option<String>> {
    let undone = sqlx::query(
        "UPDATE promotions SET rolled_back_at = $1
          WHERE row = (SELECT row FROM promotions WHERE rolled_back_at IS NULL ORDER BY row DESC LIMIT 1)",
    )
    .bind(micros(now))
    .execute(&mut *conn)
    .await?;
    if undone.rows_affected() == 0 {
        return Err(StoreError::NotFound("promotion to roll back".to_owned()).into());
    }
    let champion: Option<Option<String>> = sqlx::query_scalar(CHAMPION).fetch_optional(&mut *conn).await?;
    let champion = champion.flatten();
    sqlx::query("UPDATE models SET promoted_at = $1 WHERE id = $2")
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
pub(super) async fn new_labels(pool: &PgPool, after: Option<Timestamp>, up_to: u32) -> Outcome<NewLabels> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(created_at) FROM models").fetch_one(pool).await?;
    let since = newest.map(|at| time(at, "the newest model")).transpose()?.max(after);
    let (mut count, mut before) = (0, i64::MAX);
    loop {
        let acts: Vec<(i64, Document)> =
            sqlx::query_as("SELECT row, act FROM acts WHERE row < $1 ORDER BY row DESC LIMIT $2")
                .bind(before)
                .bind(i64::from(PAGE))
                .fetch_all(pool)
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
