//! All rows out of the file, as of one moment, and into a fresh one.

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, SqlitePool, TypeInfo as _, ValueRef as _};
use tokio::sync::mpsc;

use super::many::{MOST, many};
use super::opening::newest;
use super::rows::Packed;
use crate::store::StoreError;
use crate::store::transfer::{Cell, Piece, Rows, TABLES, Table};

/// See [`crate::store::Store::dump`].
pub(super) async fn dump(readers: &SqlitePool, to: mpsc::Sender<Piece>) -> Result<(), StoreError> {
    // What a read transaction sees is what was committed when it began.
    let mut snapshot = readers.begin().await?;
    let schema = schema(&mut snapshot).await?;
    let sent =
        |sent: Result<(), _>| sent.map_err(|_| StoreError::Unavailable("nobody takes the rows any more".to_owned()));
    sent(to.send(Piece::Schema(schema)).await)?;
    for table in &TABLES {
        let sql = format!("SELECT {} FROM {} ORDER BY {}", table.columns.join(", "), table.name, table.order);
        // Nothing but names out of the list of tables.
        let mut found = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *snapshot);
        let mut rows = Vec::with_capacity(MOST);
        while let Some(row) = found.try_next().await? {
            rows.push(cells(&row, table)?);
            if rows.len() == MOST {
                sent(to.send(Piece::Rows(Rows { table, rows: std::mem::take(&mut rows) })).await)?;
            }
        }
        if !rows.is_empty() {
            sent(to.send(Piece::Rows(Rows { table, rows })).await)?;
        }
    }
    sent(to.send(Piece::End).await)
}

fn cells(row: &SqliteRow, table: &Table) -> Result<Vec<Cell>, StoreError> {
    let cell = |place: usize| -> Result<Cell, sqlx::Error> {
        let value = row.try_get_raw(place)?;
        let kind = value.type_info();
        Ok(match kind.name() {
            _ if value.is_null() => Cell::Null,
            "INTEGER" => Cell::Integer(row.try_get_unchecked(place)?),
            "TEXT" => Cell::Text(row.try_get_unchecked(place)?),
            _ if table.columns.get(place).is_some_and(|column| table.packs(column)) => {
                Packed::from(row.try_get_unchecked::<Vec<u8>, _>(place)?).into_cell()
            }
            _ => Cell::Bytes(row.try_get_unchecked(place)?),
        })
    };
    let cells: Result<Vec<Cell>, sqlx::Error> = (0..table.columns.len()).map(cell).collect();
    cells.map_err(|error| super::rows::unreadable(format_args!("a row of {}", table.name), error))
}

/// See [`crate::store::Store::fill`].
pub(super) async fn fill(conn: &mut SqliteConnection, mut from: mpsc::Receiver<Piece>) -> Result<(), StoreError> {
    let is_used: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sites) OR EXISTS (SELECT 1 FROM models)")
        .fetch_one(&mut *conn)
        .await?;
    if is_used {
        return Err(StoreError::Conflict("the store is not empty; name a fresh one".to_owned()));
    }
    let own = schema(conn).await?;
    sqlx::query("DELETE FROM meta; DELETE FROM secrets").execute(&mut *conn).await?;
    while let Some(piece) = from.recv().await {
        match piece {
            Piece::Schema(schema) if schema == own => {}
            Piece::Schema(schema) => {
                return Err(StoreError::Unusable(format!(
                    "the rows are of schema {schema}, and this program has schema {own}; use the version of Hamlet that \
                     wrote them"
                )));
            }
            Piece::Rows(rows) => insert(conn, &rows).await?,
            Piece::End => {
                // The full-text index is made anew, from the first comment on.
                sqlx::query("UPDATE meta SET value = 0 WHERE name = 'indexed'").execute(conn).await?;
                return Ok(());
            }
        }
    }
    Err(StoreError::Unusable("the rows end before the end; nothing was kept".to_owned()))
}

async fn insert(conn: &mut SqliteConnection, Rows { table, rows }: &Rows) -> Result<(), StoreError> {
    let width = table.columns.len();
    for run in rows.chunks(MOST) {
        let named: Vec<String> = (1..=width).map(|column| format!("column{column}")).collect();
        let before =
            format!("INSERT INTO {} ({}) SELECT {} FROM", table.name, table.columns.join(", "), named.join(", "));
        let mut insert = many(&before, width, run.len(), "WHERE column1 IS NOT NULL");
        for (cell, column) in run.iter().flat_map(|cells| cells.iter().zip(table.columns)) {
            insert = match cell {
                Cell::Null => insert.bind(None::<i64>),
                Cell::Integer(number) => insert.bind(number),
                Cell::Text(text) if table.packs(column) => insert.bind(Packed::of(text).into_bytes()),
                Cell::Text(text) => insert.bind(text.as_str()),
                Cell::Bytes(bytes) => insert.bind(bytes.as_slice()),
            };
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

/// The number of the schema. A newer one has tables or columns that this program would leave out.
async fn schema(conn: &mut SqliteConnection) -> Result<i64, StoreError> {
    let (found, own): (i64, _) =
        (sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(conn).await?, newest());
    if found > own {
        let why = format!("the store has schema {found}, and this program knows {own}; move it with the newer Hamlet");
        return Err(StoreError::Unusable(why));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Whoever adds a table or a column says here whether it is transferred.
    #[tokio::test]
    async fn every_column_is_transferred() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, readers) =
            crate::store::sqlite::opening::open(&folder.path().join("hamlet.db"), &crate::store::Settings::default())
                .await
                .unwrap();
        let there: Vec<(String, String)> = sqlx::query_as(
            "SELECT tables.name, columns.name FROM pragma_table_list AS tables, pragma_table_info(tables.name) AS columns
              WHERE tables.schema = 'main' AND tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'",
        )
        .fetch_all(&readers)
        .await
        .unwrap();
        let is_own = |table: &str| ["_sqlx_migrations", "search", "leases"].contains(&table);
        let there: BTreeSet<String> = there
            .iter()
            .filter(|(table, _)| !is_own(table))
            .map(|(table, column)| format!("{table}.{column}"))
            .collect();
        let listed =
            TABLES.iter().flat_map(|table| table.columns.iter().map(|column| format!("{}.{column}", table.name)));
        assert_eq!(listed.collect::<BTreeSet<String>>(), there);
        drop(writer);
    }
}
