//! Forgetting what was not seen for long, a stretch at a time.

use sqlx::PgConnection;

use super::lock;
use super::seen::seconds;
use crate::store::postgres::failure::Outcome;

/// Looks at the next `limit` rows of each table and forgets those last touched before `before` (microseconds); how many
/// were looked at. Where it stopped is kept in `meta`, so that it goes round and round.
pub async fn forget(conn: &mut PgConnection, before: i64, limit: u32) -> Outcome<u64> {
    lock(conn).await?;
    let mut looked_at = 0;
    for (name, up_to, old) in [
        (
            "swept_seen",
            "SELECT max(key), count(*) FROM (SELECT key FROM seen WHERE key > $1 ORDER BY key LIMIT $2) AS next",
            "DELETE FROM seen WHERE key > $1 AND key <= $2 AND at < $3",
        ),
        (
            "swept_traces",
            "SELECT max(comment), count(*) FROM (SELECT comment FROM traces WHERE comment > $1 ORDER BY comment LIMIT $2) AS next",
            "DELETE FROM traces WHERE comment > $1 AND comment <= $2 AND at < $3",
        ),
        (
            "swept_overruled",
            "SELECT max(cluster), count(*) FROM (SELECT DISTINCT cluster FROM overruled WHERE cluster > $1 ORDER BY cluster LIMIT $2) AS next",
            "DELETE FROM overruled WHERE cluster > $1 AND cluster <= $2
                AND cluster IN (SELECT id FROM clusters WHERE last_at < $3)",
        ),
        (
            "swept_campaigns",
            "SELECT max(cluster), count(*) FROM (SELECT DISTINCT cluster FROM campaigns WHERE cluster > $1 ORDER BY cluster LIMIT $2) AS next",
            "DELETE FROM campaigns WHERE cluster > $1 AND cluster <= $2
                AND cluster IN (SELECT id FROM clusters WHERE last_at < $3)",
        ),
        (
            "swept_bands",
            "SELECT max(band), count(*) FROM (SELECT band FROM bands WHERE band > $1 ORDER BY band LIMIT $2) AS next",
            "DELETE FROM bands WHERE band > $1 AND band <= $2
                AND coalesce((SELECT last_at < $3 FROM clusters WHERE clusters.id = bands.cluster), true)",
        ),
        (
            "swept_clusters",
            "SELECT max(id), count(*) FROM (SELECT id FROM clusters WHERE id > $1 ORDER BY id LIMIT $2) AS next",
            "DELETE FROM clusters WHERE id > $1 AND id <= $2 AND last_at < $3",
        ),
    ] {
        let from: Option<i64> =
            sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(name).fetch_optional(&mut *conn).await?;
        let from = from.unwrap_or(i64::MIN);
        let (up_to, count): (Option<i64>, i64) =
            sqlx::query_as(up_to).bind(from).bind(i64::from(limit)).fetch_one(&mut *conn).await?;
        if let Some(up_to) = up_to {
            sqlx::query(old).bind(from).bind(up_to).bind(seconds(before)).execute(&mut *conn).await?;
        }
        // At the end it begins anew; whoever waits for the end is told by a short stretch.
        let next = up_to.filter(|_| count >= i64::from(limit)).unwrap_or(i64::MIN);
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(next)
        .execute(&mut *conn)
        .await?;
        looked_at += u64::try_from(count).unwrap_or_default();
    }
    Ok(looked_at)
}
