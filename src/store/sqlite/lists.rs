//! Allow and block lists.

use serde_json::json;
use sqlx::{SqliteConnection, SqlitePool};

use super::ledger::raise_generation;
use super::rows::{ListRow, micros, placed};
use super::sites::must_exist;
use crate::site::{ListEntry, ListPattern, SiteId};
use crate::store::{ListChange, ListFilter, ListOwner, PlacedEntry, StoreError};

/// Entries in one statement. More of them are no faster, and are more text to hold.
const TOGETHER: usize = 2_000;

/// See [`crate::store::Store::list_entries`].
pub(super) async fn entries(
    readers: &SqlitePool,
    owner: ListOwner,
    filter: &ListFilter,
    after: i64,
    limit: u32,
) -> Result<(Vec<PlacedEntry>, Option<i64>), StoreError> {
    let found: Vec<ListRow> = match &filter.pattern {
        Some(pattern) => {
            sqlx::query_as(
                "SELECT row, list, pattern, reason, added_by, added_at, expires_at FROM list_entries
                  WHERE coalesce(site, 0) = ?1 AND pattern = ?2 AND row > ?3 AND (?4 IS NULL OR list = ?4)",
            )
            .bind(owner.map_or(0, |site| site.0))
            .bind(pattern.to_string())
            .bind(after)
            .bind(filter.list.map(|list| list.as_str()))
            .fetch_all(readers)
            .await?
        }
        None => {
            sqlx::query_as(
                "SELECT row, list, pattern, reason, added_by, added_at, expires_at FROM list_entries
                  WHERE site IS ?1 AND row > ?2 AND (?3 IS NULL OR list = ?3) ORDER BY row LIMIT ?4",
            )
            .bind(owner.map(|site| site.0))
            .bind(after)
            .bind(filter.list.map(|list| list.as_str()))
            .bind(limit)
            .fetch_all(readers)
            .await?
        }
    };
    let last = (found.len() >= limit as usize).then(|| found.last().map(|row| row.0)).flatten();
    let readable = |row: ListRow| {
        let number = row.0;
        // One bad row must not take the whole list away.
        placed(row).inspect_err(|error| tracing::error!(row = number, %error, "an entry of a list is passed over")).ok()
    };
    Ok((found.into_iter().filter_map(readable).collect(), last))
}

/// See [`crate::store::Store::change_lists`].
pub(super) async fn change(
    conn: &mut SqliteConnection,
    owner: ListOwner,
    take_off: Vec<ListPattern>,
    put_on: Vec<ListEntry>,
) -> Result<ListChange, StoreError> {
    if let Some(site) = owner {
        must_exist(conn, site).await?;
    }
    let mut change = ListChange::default();
    for pattern in take_off {
        let removed = sqlx::query("DELETE FROM list_entries WHERE coalesce(site, 0) = ? AND pattern = ?")
            .bind(owner.map_or(0, |site| site.0))
            .bind(pattern.to_string())
            .execute(&mut *conn)
            .await?
            .rows_affected();
        if removed == 0 {
            return Err(StoreError::NotFound("entry of that pattern".to_owned()));
        }
        change.removed += removed;
    }
    let before = count(conn, owner).await?;
    for some in put_on.chunks(TOGETHER) {
        let rows: Vec<_> = some.iter().map(row).collect();
        // REPLACE gives the entry a new row: the newest word stands last.
        sqlx::query(
            "INSERT OR REPLACE INTO list_entries (site, list, pattern, reason, added_by, added_at, expires_at)
             SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?2)
              ORDER BY key",
        )
        .bind(owner.map(|site| site.0))
        .bind(serde_json::Value::Array(rows).to_string())
        .execute(&mut *conn)
        .await?;
    }
    change.added = count(conn, owner).await?.saturating_sub(before);
    change.replaced = (put_on.len() as u64).saturating_sub(change.added);
    if change != ListChange::default() {
        tell(conn, owner).await?;
    }
    Ok(change)
}

fn row(entry: &ListEntry) -> serde_json::Value {
    let ListEntry { list, pattern, reason, added_by, added_at, expires_at } = entry;
    json!([list.as_str(), pattern.to_string(), reason, added_by, micros(*added_at), expires_at.map(micros)])
}

async fn count(conn: &mut SqliteConnection, owner: ListOwner) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM list_entries WHERE site IS ?")
        .bind(owner.map(|site| site.0))
        .fetch_one(conn)
        .await?;
    Ok(count.unsigned_abs())
}

/// Raises the generation, and remembers that it was this list that changed.
async fn tell(conn: &mut SqliteConnection, owner: ListOwner) -> Result<(), StoreError> {
    raise_generation(conn).await?;
    sqlx::query(
        "INSERT OR REPLACE INTO list_changes (site, generation)
         SELECT ?, value FROM meta WHERE name = 'generation'",
    )
    .bind(owner.map_or(0, |site| site.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// When each list that ever had an entry changed last.
pub(super) async fn changes(conn: &mut SqliteConnection) -> Result<Vec<(ListOwner, u64)>, StoreError> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT site, generation FROM list_changes ORDER BY site").fetch_all(conn).await?;
    let owner = |site: i64| (site != 0).then_some(SiteId(site));
    Ok(rows.into_iter().map(|(site, generation)| (owner(site), generation.unsigned_abs())).collect())
}
