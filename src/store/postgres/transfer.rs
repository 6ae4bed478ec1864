//! All rows out of the database, as of one moment, and into a fresh one.
//!
//! Owns how the tables here become those that every engine gives and takes (`store::transfer`): there a comment and its
//! verdict are one row, the list that all sites share has no site, and what only PostgreSQL counts is not there.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column as _, PgConnection, PgPool, Postgres, Row as _, TypeInfo as _};
use tokio::sync::mpsc;

use super::columns::{exact, key, read_exact, shown, stands_for_another};
use super::failure::Outcome;
use super::opening::newest;
use crate::comment::Comment;
use crate::store::StoreError;
use crate::store::rows::{Packed, unreadable};
use crate::store::transfer::{Cell, Piece, Rows, TABLES, Table};

/// Rows that are handed over, and written, together.
const TOGETHER: usize = 256;

/// Columns of a comment that are kept in `verdicts`.
const OF_VERDICT: [&str; 6] = ["verdict", "decision", "judged", "said", "label", "labelled_at"];

/// Where numbers go on: tables whose rows are numbered, and the column.
const NUMBERED: [(&str, &str); 9] = [
    ("sites", "id"),
    ("api_keys", "id"),
    ("endpoints", "row"),
    ("list_entries", "row"),
    ("promotions", "row"),
    ("comments", "row"),
    ("acts", "row"),
    ("messages", "row"),
    ("attempts", "row"),
];

/// A transfer takes as long as it takes, and waits for whoever gives or takes the rows.
const PATIENT: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// See [`crate::store::Store::dump`].
pub(super) async fn dump(pool: &PgPool, to: mpsc::Sender<Piece>) -> Outcome<()> {
    let sent =
        |sent: Result<(), _>| sent.map_err(|_| StoreError::Unavailable("nobody takes the rows any more".to_owned()));
    let mut snapshot = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    sqlx::raw_sql(PATIENT).execute(&mut *snapshot).await?;
    let schema = schema(&mut snapshot).await?;
    sent(to.send(Piece::Schema(schema)).await)?;
    for table in &TABLES {
        // Nothing but names out of the list of tables.
        let mut found = sqlx::query(AssertSqlSafe(statement(table))).fetch(&mut *snapshot);
        let mut rows = Vec::with_capacity(TOGETHER);
        while let Some(row) = found.try_next().await? {
            rows.push(cells(&row, table)?);
            if rows.len() == TOGETHER {
                sent(to.send(Piece::Rows(Rows { table, rows: std::mem::take(&mut rows) })).await)?;
            }
        }
        if !rows.is_empty() {
            sent(to.send(Piece::Rows(Rows { table, rows })).await)?;
        }
    }
    Ok(sent(to.send(Piece::End).await)?)
}

fn statement(table: &Table) -> String {
    let Table { name, columns, order } = table;
    match *name {
        // How far another engine's full-text index is: not begun.
        "meta" => "SELECT name, value FROM meta WHERE name NOT IN ('lessons', 'ping')
                   UNION ALL SELECT 'indexed', 0 ORDER BY name"
            .to_owned(),
        "comments" => {
            let of = |column: &&str| if OF_VERDICT.contains(column) { "verdicts" } else { "comments" };
            let columns: Vec<String> = columns.iter().map(|column| format!("{}.{column}", of(column))).collect();
            let columns = columns.join(", ");
            format!("SELECT {columns} FROM comments LEFT JOIN verdicts ON verdicts.comment = comments.row ORDER BY row")
        }
        "list_entries" => {
            let columns = columns.join(", ").replace("site", "nullif(site, 0) AS site");
            format!("SELECT {columns} FROM list_entries ORDER BY {order}")
        }
        _ => format!("SELECT {} FROM {name} ORDER BY {order}", columns.join(", ")),
    }
}

/// Texts that are kept so that they can be looked for.
fn is_key(table: &Table, column: &str) -> bool {
    matches!((table.name, column), ("comments", "external_id") | (_, "idempotency_key"))
}

fn is_exact(table: &Table, column: &str) -> bool {
    (table.name, column) == ("statistics", "name")
}

fn cells(row: &PgRow, table: &Table) -> Outcome<Vec<Cell>> {
    let mut cells = Vec::with_capacity(row.columns().len());
    for (place, column) in row.columns().iter().enumerate() {
        let cell = match column.type_info().name() {
            "INT8" => row.try_get::<Option<i64>, _>(place)?.map(Cell::Integer),
            "INT4" => row.try_get::<Option<i32>, _>(place)?.map(|number| Cell::Integer(number.into())),
            "BYTEA" if table.packs(column.name()) => row.try_get::<Option<Packed>, _>(place)?.map(Packed::into_cell),
            "BYTEA" => row.try_get::<Option<Vec<u8>>, _>(place)?.map(Cell::Bytes),
            _ => row.try_get::<Option<String>, _>(place)?.map(Cell::Text),
        };
        cells.push(match cell {
            Some(Cell::Text(text)) if is_key(table, column.name()) && stands_for_another(&text) => own_id(row)?,
            Some(Cell::Text(text)) if is_key(table, column.name()) || is_exact(table, column.name()) => {
                Cell::Text(read_exact(text))
            }
            cell => cell.unwrap_or(Cell::Null),
        });
    }
    Ok(cells)
}

/// The CMS's own id, when it is too long to be a key. Idempotency keys are never so long.
fn own_id(row: &PgRow) -> Outcome<Cell> {
    let comment: Comment = row.try_get::<Packed, _>("comment")?.read("a comment")?;
    Ok(comment.external_id.map_or(Cell::Null, Cell::Text))
}

/// See [`crate::store::Store::fill`]. In a transaction that changes the directory.
pub(super) async fn fill(conn: &mut PgConnection, mut from: mpsc::Receiver<Piece>) -> Outcome<()> {
    sqlx::raw_sql(PATIENT).execute(&mut *conn).await?;
    let is_used: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sites) OR EXISTS (SELECT 1 FROM models)")
        .fetch_one(&mut *conn)
        .await?;
    if is_used {
        return Err(StoreError::Conflict("the store is not empty; name a fresh one".to_owned()).into());
    }
    let own = schema(conn).await?;
    let types = types(conn).await?;
    sqlx::raw_sql("DELETE FROM meta WHERE name NOT IN ('lessons', 'ping'); DELETE FROM secrets")
        .execute(&mut *conn)
        .await?;
    while let Some(piece) = from.recv().await {
        match piece {
            Piece::Schema(schema) if schema == own => {}
            Piece::Schema(schema) => {
                return Err(StoreError::Unusable(format!(
                    "the rows are of schema {schema}, and this program has schema {own}; use the version of Hamlet that \
                     wrote them"
                ))
                .into());
            }
            Piece::Rows(rows) => keep(conn, &types, &rows).await?,
            Piece::End => return go_on(conn).await,
        }
    }
    Err(StoreError::Unusable("the rows end before the end; nothing was kept".to_owned()).into())
}

/// PostgreSQL's type of each column, by table and column.
type Types = HashMap<(String, String), String>;

async fn types(conn: &mut PgConnection) -> Outcome<Types> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, udt_name::text FROM information_schema.columns
          WHERE table_schema = current_schema()",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(table, column, of)| ((table, column), of)).collect())
}

async fn keep(conn: &mut PgConnection, types: &Types, Rows { table, rows }: &Rows) -> Outcome<()> {
    for run in rows.chunks(TOGETHER) {
        let columns: Vec<Column<'_>> =
            table.columns.iter().enumerate().map(|(place, name)| Column::of(table, name, place, run)).collect();
        match table.name {
            "meta" => {
                insert(conn, types, "meta", &columns, "", "WHERE name <> 'indexed'").await?;
            }
            "acts" => {
                // Numbered anew: those who follow begin from nothing.
                let lesson = ", CASE WHEN unlearn IS NOT NULL OR learn IS NOT NULL THEN row END";
                insert(conn, types, "acts", &columns, lesson, "").await?;
            }
            "comments" => {
                let (verdict, own): (Vec<Column<'_>>, Vec<Column<'_>>) =
                    columns.into_iter().partition(|column| OF_VERDICT.contains(&column.name));
                insert(conn, types, "comments", &own, "", "").await?;
                let known =
                    own.into_iter().filter(|column| ["row", "id", "site", "received_at"].contains(&column.name));
                keep_verdicts(conn, known.chain(verdict).collect()).await?;
            }
            name => insert(conn, types, name, &columns, "", "").await?,
        }
    }
    Ok(())
}

/// The verdicts of comments, and their place in the full-text index, which is made anew.
async fn keep_verdicts(conn: &mut PgConnection, columns: Vec<Column<'_>>) -> Outcome<()> {
    let of = |name: &str| columns.iter().find(|column| column.name == name);
    let integers = |name: &str| of(name).map(Column::integers).transpose().map(Option::unwrap_or_default);
    let texts = |name: &str| of(name).map(Column::texts).transpose().map(Option::unwrap_or_default);
    let bytes = |name: &str| of(name).map(Column::bytes).transpose().map(Option::unwrap_or_default);
    let rows = integers("row")?;
    sqlx::query("INSERT INTO search (comment) SELECT * FROM UNNEST($1::bigint[])")
        .bind(&rows)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "INSERT INTO verdicts (comment, site, received_at, verdict, decision, judged, said, label, labelled_at, labelled_id)
         SELECT row, site, received_at, verdict, decision, judged, said, label, labelled_at,
                CASE WHEN label IS NOT NULL THEN id END
           FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::text[],
                       $8::text[], $9::bigint[], $10::bytea[])
                AS given (row, site, received_at, verdict, decision, judged, said, label, labelled_at, id)
          WHERE verdict IS NOT NULL",
    )
    .bind(rows)
    .bind(integers("site")?)
    .bind(integers("received_at")?)
    .bind(bytes("verdict")?)
    .bind(texts("decision")?)
    .bind(texts("judged")?)
    .bind(texts("said")?)
    .bind(texts("label")?)
    .bind(integers("labelled_at")?)
    .bind(bytes("id")?)
    .execute(conn)
    .await?;
    Ok(())
}

/// * `more`: what is put into the column `lesson`, if anything.
async fn insert(
    conn: &mut PgConnection,
    types: &Types,
    table: &str,
    columns: &[Column<'_>],
    more: &str,
    only: &str,
) -> Outcome<()> {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let names = names.join(", ");
    let kind =
        |column: &Column<'_>| types.get(&(table.to_owned(), column.name.to_owned())).cloned().unwrap_or_default();
    let kinds: Vec<String> = columns.iter().map(kind).collect();
    let arrays: Vec<String> = (1..).zip(&kinds).map(|(number, kind)| format!("${number}::{kind}[]")).collect();
    let into = if more.is_empty() { "" } else { ", lesson" };
    let sql = format!(
        "INSERT INTO {table} ({names}{into}) SELECT {names}{more} FROM UNNEST({}) AS given ({names}) {only}",
        arrays.join(", ")
    );
    // Nothing but names of tables, columns and types.
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for (column, kind) in columns.iter().zip(&kinds) {
        query = column.bound(query, kind)?;
    }
    query.execute(conn).await?;
    Ok(())
}

/// One column of some rows.
struct Column<'a> {
    name: &'static str,
    cells: Vec<&'a Cell>,
    is_key: bool,
    is_exact: bool,
    is_packed: bool,
    /// The list that all sites share.
    is_list_of: bool,
}

impl<'a> Column<'a> {
    fn of(table: &Table, name: &'static str, place: usize, rows: &'a [Vec<Cell>]) -> Column<'a> {
        Column {
            name,
            cells: rows.iter().map(|row| row.get(place).unwrap_or(&Cell::Null)).collect(),
            is_key: is_key(table, name),
            is_exact: is_exact(table, name),
            is_packed: table.packs(name),
            is_list_of: (table.name, name) == ("list_entries", "site"),
        }
    }

    fn bound<'q>(
        &self,
        query: Query<'q, Postgres, PgArguments>,
        kind: &str,
    ) -> Result<Query<'q, Postgres, PgArguments>, StoreError> {
        Ok(match kind {
            "int4" => {
                let narrow = |number: i64| i32::try_from(number).map_err(|error| unreadable(self.name, error));
                let numbers = self.integers()?.into_iter().map(|number| number.map(narrow).transpose());
                query.bind(numbers.collect::<Result<Vec<_>, _>>()?)
            }
            "int8" => query.bind(self.integers()?),
            "bytea" => query.bind(self.bytes()?),
            _ => query.bind(self.texts()?),
        })
    }

    fn integers(&self) -> Result<Vec<Option<i64>>, StoreError> {
        let of = |cell: &&Cell| match cell {
            Cell::Null => Ok(self.is_list_of.then_some(0)),
            Cell::Integer(number) => Ok(Some(*number)),
            Cell::Text(_) | Cell::Bytes(_) => Err(unreadable(self.name, "it is no number")),
        };
        self.cells.iter().map(of).collect()
    }

    fn texts(&self) -> Result<Vec<Option<String>>, StoreError> {
        let kept = |text: &str| {
            let kept = match (self.is_key, self.is_exact) {
                (true, _) => key(text),
                (false, true) => exact(text),
                (false, false) => shown(text),
            };
            kept.into_owned()
        };
        let of = |cell: &&Cell| match cell {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(kept(text))),
            Cell::Integer(_) | Cell::Bytes(_) => Err(unreadable(self.name, "it is no text")),
        };
        self.cells.iter().map(of).collect()
    }

    fn bytes(&self) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let of = |cell: &&Cell| match cell {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes.clone())),
            Cell::Text(text) if self.is_packed => Ok(Some(Packed::of(text).into_bytes())),
            Cell::Integer(_) | Cell::Text(_) => Err(unreadable(self.name, "these are no bytes")),
        };
        self.cells.iter().map(of).collect()
    }
}

/// What is numbered from now on goes on behind what was there.
async fn go_on(conn: &mut PgConnection) -> Outcome<()> {
    for (table, column) in NUMBERED {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), coalesce(max({column}), 0) + 1, false) FROM {table}"
        );
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    }
    sqlx::query("SELECT setval('job_ids', coalesce(max(id), 0) + 1, false) FROM jobs").execute(&mut *conn).await?;
    sqlx::query("UPDATE meta SET value = (SELECT coalesce(max(lesson), 0) FROM acts) WHERE name = 'lessons'")
        .execute(conn)
        .await?;
    Ok(())
}

/// The number of the schema. A newer one has tables or columns that this program would leave out.
async fn schema(conn: &mut PgConnection) -> Outcome<i64> {
    let (found, own): (i64, _) =
        (sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(conn).await?, newest());
    if found > own {
        let why = format!("the store has schema {found}, and this program knows {own}; move it with the newer Hamlet");
        return Err(StoreError::Unusable(why).into());
    }
    Ok(found)
}
