//! What is known to be ham, or was taken for it and not contradicted; and what nobody looked at.

use jiff::Timestamp;
use sqlx::PgPool;

use super::failure::Outcome;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::rows::{HamRow, id_bytes, micros};
use crate::store::{HamComment, StoreError};

/// See [`crate::store::Store::ham`]. Walks `comments_site` from its newest end.
pub(super) async fn ham(
    pool: &PgPool,
    site: SiteId,
    from: Timestamp,
    to: Timestamp,
    before: Option<CommentId>,
    limit: u32,
) -> Outcome<Vec<HamComment>> {
    let before: (i64, i64) = match before {
        None => (i64::MAX, i64::MAX),
        Some(id) => sqlx::query_as("SELECT received_at, row FROM comments WHERE id = $1 AND site = $2")
            .bind(id_bytes(id))
            .bind(site.0)
            .fetch_optional(pool)
            .await?
            .ok_or_else(|| StoreError::NotFound(format!("comment {id}")))?,
    };
    // `said` is the newest word: a label or a decision, never both.
    let rows: Vec<HamRow> = sqlx::query_as(
        "SELECT comments.id, comments.comment, verdicts.verdict, label IS NOT NULL AS is_labelled,
                said IS NOT NULL AS is_decided
           FROM comments JOIN verdicts ON verdicts.comment = comments.row
          WHERE comments.site = $1 AND comments.received_at >= $2 AND comments.received_at < $3
            AND (comments.received_at, comments.row) < ($4, $5)
            AND label IS DISTINCT FROM 'spam'
            AND CASE WHEN said IS NULL THEN judged = 'approve'
                     ELSE coalesce(said::jsonb ->> 'label' = 'ham', said::jsonb ->> 'decision' = 'approve') END
          ORDER BY comments.received_at DESC, comments.row DESC
          LIMIT $6",
    )
    .bind(site.0)
    .bind(micros(from))
    .bind(micros(to))
    .bind(before.0)
    .bind(before.1)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(HamRow::into_comment).collect::<Result<_, _>>()?)
}

/// See [`crate::store::Store::unreviewed`]. Counts in `verdicts_held`.
pub(super) async fn unreviewed(pool: &PgPool, site: SiteId, from: Timestamp, to: Timestamp) -> Outcome<u64> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM verdicts WHERE site = $1 AND received_at >= $2 AND received_at < $3 AND decision = 'hold'",
    )
    .bind(site.0)
    .bind(micros(from))
    .bind(micros(to))
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}
