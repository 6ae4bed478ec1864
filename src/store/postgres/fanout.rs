//! One event to everyone who wants it: the body once, and a delivery each.

use sqlx::PgConnection;

use super::failure::Outcome;
use super::ledger::Ledger;
pub(super) use crate::store::listeners::{Telling, To};

/// Keeps the events that somebody is to be told, and forgets the others.
pub(super) async fn fan_out(
    conn: &mut PgConnection,
    ledger: &Ledger,
    tellings: impl IntoIterator<Item = Telling<'_>>,
) -> Outcome<()> {
    let (mut tellings_told, mut numbers, mut endpoints) = (Vec::new(), Vec::new(), Vec::new());
    for telling in tellings {
        let told = ledger.told(&telling);
        if told.is_empty() {
            continue;
        }
        tellings_told.push(telling);
        // WITH ORDINALITY counts from 1.
        numbers.extend(std::iter::repeat_n(i64::try_from(tellings_told.len()).unwrap_or(i64::MAX), told.len()));
        endpoints.extend(told);
    }
    if tellings_told.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&Telling<'_>) -> i64| tellings_told.iter().map(of).collect::<Vec<_>>();
    let text = |of: for<'a> fn(&Telling<'a>) -> &'a str| tellings_told.iter().map(of).collect::<Vec<_>>();
    // Rows are numbered before they are inserted, so that the deliveries know their messages: all in one round trip.
    sqlx::query(
        "WITH given AS MATERIALIZED (
             SELECT nextval(pg_get_serial_sequence('messages', 'row')) AS row, given.*
               FROM UNNEST($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
                    WITH ORDINALITY AS given (id, site, type, body, at, comment, number)
         ), told AS (
             INSERT INTO messages (row, id, site, type, body, created_at)
             SELECT given.row, id, site, type, body, at FROM given
         )
         INSERT INTO jobs (kind, state, due_at, attempts, site, comment, message, endpoint)
         SELECT 'deliver', 'pending', given.at, 0, given.site, given.comment, given.row, listener.endpoint
           FROM UNNEST($7::bigint[], $8::bigint[]) AS listener (number, endpoint) JOIN given USING (number)
          ORDER BY number",
    )
    .bind(text(|telling| telling.event.message_id.as_str()))
    .bind(column(|telling| telling.site.0))
    .bind(text(|telling| telling.event.kind.as_str()))
    .bind(tellings_told.iter().map(Telling::body).collect::<Vec<_>>())
    .bind(column(|telling| telling.at))
    .bind(tellings_told.iter().map(|telling| telling.comment).collect::<Vec<_>>())
    .bind(numbers)
    .bind(endpoints)
    .execute(conn)
    .await?;
    Ok(())
}
