//! Statistics: counts that are written with what they count, and read back by day.

use sqlx::{SqliteConnection, SqlitePool};

use super::many::{MOST, many};
use super::rows::{to_json, unreadable};
use crate::site::SiteId;
use crate::statistics::{Counted, Day, Kind};
use crate::store::StoreError;
use crate::store::tallies::Tallies;

impl Tallies {
    /// Writes all of it down and starts from nothing.
    pub(in crate::store::sqlite) async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), StoreError> {
        let changed = self.take();
        for run in changed.chunks(MOST) {
            let mut upsert = many(
                "INSERT INTO statistics (site, kind, day, name, count) SELECT * FROM",
                5,
                run.len(),
                "WHERE column1 IS NOT NULL ON CONFLICT DO UPDATE SET count = count + excluded.count",
            );
            for ((site, kind, day, name), by) in run {
                upsert = upsert.bind(site).bind(kind.as_str()).bind(day).bind(name.as_str()).bind(by);
            }
            upsert.execute(&mut *conn).await?;
        }
        Ok(())
    }
}

/// See [`crate::store::Store::statistics`].
pub(super) async fn statistics(
    readers: &SqlitePool,
    site: Option<SiteId>,
    kinds: &[Kind],
    from: Day,
    to: Day,
) -> Result<Vec<Counted>, StoreError> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    // The key of the table is (site, kind, day, …): each kind of each site is one stretch of it.
    let rows: Vec<(i64, String, i64, String, i64)> = sqlx::query_as(
        "SELECT site, kind, day, name, count
           FROM statistics
          WHERE site IN (SELECT id FROM sites WHERE ?1 IS NULL OR id = ?1)
            AND kind IN (SELECT value FROM json_each(?2))
            AND day BETWEEN ?3 AND ?4
            AND count > 0
          ORDER BY site, kind, day, name",
    )
    .bind(site.map(|site| site.0))
    .bind(to_json(&kinds)?)
    .bind(from.number())
    .bind(to.number())
    .fetch_all(readers)
    .await?;
    rows.into_iter()
        .map(|(site, kind, day, name, count)| {
            let named = format_args!("the count of {kind} {name}");
            Ok(Counted {
                site: SiteId(site),
                day: Day::from_number(day).ok_or_else(|| unreadable(named, format_args!("day {day}")))?,
                kind: Kind::parse(&kind).ok_or_else(|| unreadable(named, "unknown kind"))?,
                count: u64::try_from(count).map_err(|error| unreadable(named, error))?,
                name,
            })
        })
        .collect()
}
