//! Whose work it is that one daemon does for all.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::PgConnection;

use super::failure::Outcome;
use crate::store::rows::{later, micros};

/// See [`crate::store::Store::lease`].
pub(super) async fn lease(
    conn: &mut PgConnection,
    name: &str,
    holder: &str,
    term: Duration,
    now: Timestamp,
) -> Outcome<bool> {
    let taken = sqlx::query(
        "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
          WHERE leases.holder = excluded.holder OR leases.until <= $4 OR leases.until > $5",
    )
    .bind(name)
    .bind(holder)
    .bind(later(now, term))
    .bind(micros(now))
    .bind(later(now, term.saturating_mul(2)))
    .execute(conn)
    .await?;
    Ok(taken.rows_affected() > 0)
}

/// See [`crate::store::Store::release`].
pub(super) async fn release(conn: &mut PgConnection, name: &str, holder: &str) -> Outcome<()> {
    sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2").bind(name).bind(holder).execute(conn).await?;
    Ok(())
}
