//! Allow and block lists.

use std::collections::HashMap;

use sqlx::{PgConnection, PgPool, QueryBuilder};

use super::columns::shown;
use super::failure::Outcome;
use super::ledger::raise_generation;
use super::sites::must_exist;
use crate::site::{ListEntry, ListPattern, SiteId};
use crate::store::rows::{ListRow, micros, placed};
use crate::store::{ListChange, ListFilter, ListOwner, PlacedEntry, StoreError};

/// Entries in one statement. More of them are no faster, and are more text to hold.
const TOGETHER: usize = 2_000;

/// See [`crate::store::Store::list_entries`].
pub(super) async fn entries(
    pool: &PgPool,
    owner: ListOwner,
    filter: &ListFilter,
    after: i64,
    limit: u32,
) -> Outcome<(Vec<PlacedEntry>, Option<i64>)> {
    let mut sql = QueryBuilder::new(
        "SELECT row, list, pattern, reason, added_by, added_at, expires_at FROM list_entries WHERE site = ",
    );
    sql.push_bind(number(owner)).push(" AND row > ").push_bind(after);
    if let Some(list) = filter.list {
        sql.push(" AND list = ").push_bind(list.as_str());
    }
    if let Some(pattern) = &filter.pattern {
        sql.push(" AND pattern = ").push_bind(pattern.to_string());
    }
    sql.push(" ORDER BY row LIMIT ").push_bind(i64::from(limit));
    let found: Vec<ListRow> = sql.build_query_as().persistent(true).fetch_all(pool).await?;
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
    conn: &mut PgConnection,
    owner: ListOwner,
    take_off: &[ListPattern],
    put_on: &[ListEntry],
) -> Outcome<ListChange> {
    if let Some(site) = owner {
        must_exist(conn, site).await?;
    }
    let mut change = ListChange::default();
    for pattern in take_off {
        let removed = sqlx::query("DELETE FROM list_entries WHERE site = $1 AND pattern = $2")
            .bind(number(owner))
            .bind(pattern.to_string())
            .execute(&mut *conn)
            .await?
            .rows_affected();
        if removed == 0 {
            return Err(StoreError::NotFound("entry of that pattern".to_owned()).into());
        }
        change.removed += removed;
    }
    for some in put_on.chunks(TOGETHER) {
        change.added += put(conn, owner, some).await?;
    }
    change.replaced = (put_on.len() as u64).saturating_sub(change.added);
    if change != ListChange::default() {
        tell(conn, owner).await?;
    }
    Ok(change)
}

/// Puts entries on, in their order; how many patterns are new. One that replaces another gets a new row: the newest word
/// stands last, and of two words on one pattern the later one stands.
async fn put(conn: &mut PgConnection, owner: ListOwner, entries: &[ListEntry]) -> Outcome<u64> {
    let mut newest: HashMap<String, usize> = HashMap::with_capacity(entries.len());
    for (number, entry) in entries.iter().enumerate() {
        newest.insert(entry.pattern.to_string(), number);
    }
    let mut newest: Vec<(String, usize)> = newest.into_iter().collect();
    newest.sort_unstable_by_key(|(_, number)| *number);
    let (patterns, entries): (Vec<String>, Vec<&ListEntry>) =
        newest.into_iter().filter_map(|(pattern, number)| Some((pattern, entries.get(number)?))).unzip();
    let replaced = sqlx::query("DELETE FROM list_entries WHERE site = $1 AND pattern = ANY($2)")
        .bind(number(owner))
        .bind(&patterns)
        .execute(&mut *conn)
        .await?
        .rows_affected();
    sqlx::query(
        "INSERT INTO list_entries (site, list, pattern, reason, added_by, added_at, expires_at)
         SELECT $1, list, pattern, reason, added_by, added_at, expires_at
           FROM UNNEST($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]) WITH ORDINALITY
                AS given (list, pattern, reason, added_by, added_at, expires_at, number)
          ORDER BY number",
    )
    .bind(number(owner))
    .bind(entries.iter().map(|entry| entry.list.as_str()).collect::<Vec<_>>())
    .bind(&patterns)
    .bind(entries.iter().map(|entry| shown(&entry.reason)).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| shown(&entry.added_by)).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| micros(entry.added_at)).collect::<Vec<_>>())
    .bind(entries.iter().map(|entry| entry.expires_at.map(micros)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok((patterns.len() as u64).saturating_sub(replaced))
}

/// Raises the generation, and remembers that it was this list that changed.
async fn tell(conn: &mut PgConnection, owner: ListOwner) -> Outcome<()> {
    raise_generation(conn).await?;
    sqlx::query(
        "INSERT INTO list_changes (site, generation)
         SELECT $1, value FROM meta WHERE name = 'generation'
         ON CONFLICT (site) DO UPDATE SET generation = excluded.generation",
    )
    .bind(number(owner))
    .execute(conn)
    .await?;
    Ok(())
}

/// When each list that ever had an entry changed last.
pub(super) async fn changes(conn: &mut PgConnection) -> Outcome<Vec<(ListOwner, u64)>> {
    let rows: Vec<(i64, i64)> =
        sqlx::query_as("SELECT site, generation FROM list_changes ORDER BY site").fetch_all(conn).await?;
    let owner = |site: i64| (site != 0).then_some(SiteId(site));
    Ok(rows.into_iter().map(|(site, generation)| (owner(site), generation.unsigned_abs())).collect())
}

/// 0: the list that all sites share.
fn number(owner: ListOwner) -> i64 {
    owner.map_or(0, |site| site.0)
}
