//! Statistics: counts that are written with what they count, and read back by day.

use sqlx::{PgConnection, PgPool};

use super::columns::{exact, read_exact};
use super::failure::Outcome;
use crate::site::SiteId;
use crate::statistics::{Counted, Day, Kind};
use crate::store::rows::unreadable;
use crate::store::tallies::Tallies;

/// Writes all of it down and starts from nothing. The last thing in a transaction, for it is what writers wait for each
/// other at; in the order of the keys, so that none of two waits for the other.
pub(super) async fn write(conn: &mut PgConnection, tallies: &mut Tallies) -> Outcome<()> {
    let changed = tallies.take();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO statistics (site, kind, day, name, count)
         SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
                    AS given (site, kind, day, name, count)
          ORDER BY site, kind COLLATE \"C\", day, name COLLATE \"C\"
         ON CONFLICT (site, kind, day, name) DO UPDATE SET count = statistics.count + excluded.count",
    )
    .bind(changed.iter().map(|((site, ..), _)| *site).collect::<Vec<_>>())
    .bind(changed.iter().map(|((_, kind, ..), _)| kind.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|((_, _, day, _), _)| *day).collect::<Vec<_>>())
    .bind(changed.iter().map(|((.., name), _)| exact(name)).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, by)| *by).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// See [`crate::store::Store::statistics`].
pub(super) async fn statistics(
    pool: &PgPool,
    site: Option<SiteId>,
    kinds: &[Kind],
    from: Day,
    to: Day,
) -> Outcome<Vec<Counted>> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    // The key of the table is (site, kind, day, …): each kind of each site is one stretch of it.
    let rows: Vec<(i64, String, i64, String, i64)> = sqlx::query_as(
        "SELECT site, kind, day, name, count
           FROM statistics
          WHERE site IN (SELECT id FROM sites WHERE $1::bigint IS NULL OR id = $1)
            AND kind = ANY($2)
            AND day BETWEEN $3 AND $4
            AND count > 0
          ORDER BY site, kind, day, name",
    )
    .bind(site.map(|site| site.0))
    .bind(kinds)
    .bind(from.number())
    .bind(to.number())
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(site, kind, day, name, count)| {
            let named = format_args!("the count of {kind} {name}");
            Ok(Counted {
                site: SiteId(site),
                day: Day::from_number(day).ok_or_else(|| unreadable(named, format_args!("day {day}")))?,
                kind: Kind::parse(&kind).ok_or_else(|| unreadable(named, "unknown kind"))?,
                count: u64::try_from(count).map_err(|error| unreadable(named, error))?,
                name: read_exact(name),
            })
        })
        .collect()
}
