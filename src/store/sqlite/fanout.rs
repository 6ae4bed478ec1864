//! One event to everyone who wants it: the body once, and a delivery each.

use sqlx::SqliteConnection;

use super::ledger::Ledger;
use super::many::{MOST, many};
use crate::store::StoreError;
pub(super) use crate::store::listeners::{Telling, To};

/// Keeps the events that somebody is to be told, and forgets the others.
pub(super) async fn fan_out(
    conn: &mut SqliteConnection,
    ledger: &mut Ledger,
    tellings: impl IntoIterator<Item = Telling<'_>>,
) -> Result<(), StoreError> {
    let mut deliveries = Vec::new();
    let mut messages = Vec::new();
    for telling in tellings {
        let endpoints = ledger.told(&telling);
        if endpoints.is_empty() {
            continue;
        }
        let message = ledger.next_message();
        for endpoint in endpoints {
            deliveries.push((ledger.next_job(), message, endpoint, telling.site, telling.comment, telling.at));
        }
        messages.push((message, telling));
    }
    for run in messages.chunks(MOST) {
        let mut insert = many(
            "INSERT INTO messages (row, id, site, type, body, created_at) SELECT * FROM",
            6,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for (row, telling) in run {
            insert = insert
                .bind(row)
                .bind(telling.event.message_id.as_str())
                .bind(telling.site.0)
                .bind(telling.event.kind.as_str())
                .bind(telling.body())
                .bind(telling.at);
        }
        insert.execute(&mut *conn).await?;
    }
    for run in deliveries.chunks(MOST) {
        let mut insert = many(
            "INSERT INTO jobs (id, kind, state, due_at, attempts, site, comment, message, endpoint)
             SELECT column1, 'deliver', 'pending', column2, 0, column3, column4, column5, column6 FROM",
            6,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for (job, message, endpoint, site, comment, at) in run {
            insert = insert.bind(job).bind(at).bind(site.0).bind(comment).bind(message).bind(endpoint);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}
