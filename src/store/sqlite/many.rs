//! Many rows in one statement.
//!
//! Each statement is a message to SQLite's thread and one back, which costs more than a row does; and preparing one
//! costs more than running it. So all rows of a batch go into one `VALUES`, padded to a power of two: there are few
//! lengths, each is found prepared, and the rows of the padding are NULL, which SQLite takes unbound variables for.

use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite};

/// How many rows one statement takes at most. SQLite allows 32,766 variables.
pub(super) const MOST: usize = 256;

/// `{before} (VALUES (?, …), …) {after}`, with room for `rows` rows of `columns` columns, at most [`MOST`].
///
/// SQLite names the columns `column1`, `column2`, …; `after` leaves the padding out.
pub(super) fn many<'q>(before: &str, columns: usize, rows: usize, after: &str) -> Query<'q, Sqlite, SqliteArguments> {
    let row = format!("({})", vec!["?"; columns].join(","));
    let rows = rows.next_power_of_two().min(MOST);
    let mut sql = String::with_capacity(before.len() + after.len() + 10 + rows * (row.len() + 1));
    sql.push_str(before);
    sql.push_str(" (VALUES ");
    for number in 0..rows {
        if number > 0 {
            sql.push(',');
        }
        sql.push_str(&row);
    }
    sql.push_str(") ");
    sql.push_str(after);
    // Nothing but constants and question marks.
    sqlx::query(AssertSqlSafe(sql))
}
