//! One event to every enabled endpoint of its site: the body once, and a delivery each.

use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::ledger::{Ledger, runs};
use crate::site::SiteId;
use crate::store::{Outgoing, StoreError};

/// An event on its way to whoever listens.
#[derive(Debug)]
pub(super) struct Telling<'a> {
    pub(super) site: SiteId,
    /// `comments.row`.
    pub(super) comment: Option<i64>,
    pub(super) event: &'a Outgoing,
    /// When it happened, microseconds; the first attempt is due at once.
    pub(super) at: i64,
}

/// Keeps the events of sites that have an enabled endpoint, and forgets the others.
pub(super) async fn fan_out(
    conn: &mut SqliteConnection,
    ledger: &mut Ledger,
    tellings: impl IntoIterator<Item = Telling<'_>>,
) -> Result<(), StoreError> {
    let mut deliveries = Vec::new();
    let mut messages = Vec::new();
    for telling in tellings {
        let endpoints = ledger.endpoints(telling.site);
        if endpoints.is_empty() {
            continue;
        }
        let message = ledger.next_message();
        for endpoint in endpoints {
            deliveries.push((ledger.next_job(), message, endpoint, telling.site, telling.comment, telling.at));
        }
        messages.push((message, telling));
    }
    for run in runs(&messages) {
        QueryBuilder::<Sqlite>::new("INSERT INTO messages (row, id, site, body, created_at) ")
            .push_values(run, |mut values, (row, telling)| {
                values
                    .push_bind(*row)
                    .push_bind(telling.event.message_id.as_str())
                    .push_bind(telling.site.0)
                    .push_bind(telling.event.body.as_str())
                    .push_bind(telling.at);
            })
            .build()
            .execute(&mut *conn)
            .await?;
    }
    for run in runs(&deliveries) {
        let insert = "INSERT INTO jobs (id, kind, state, due_at, attempts, site, comment, message, endpoint) SELECT column1, \
             'deliver', 'pending', column2, 0, column3, column4, column5, column6 FROM (";
        QueryBuilder::<Sqlite>::new(insert)
            .push_values(run, |mut values, (job, message, endpoint, site, comment, at)| {
                values
                    .push_bind(*job)
                    .push_bind(*at)
                    .push_bind(site.0)
                    .push_bind(*comment)
                    .push_bind(*message)
                    .push_bind(*endpoint);
            })
            .push(")")
            .build()
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
