//! What is known to be ham, or was taken for it and not contradicted; and what nobody looked at.

use jiff::Timestamp;
use sqlx::SqlitePool;

use super::rows::{HamRow, id_bytes, micros};
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::{HamComment, StoreError};

/// See [`crate::store::Store::ham`]. Walks `comments_site` from its newest end.
pub(super) async fn ham(
    readers: &SqlitePool,
    site: SiteId,
    from: Timestamp,
    to: Timestamp,
    before: Option<CommentId>,
    limit: u32,
) -> Result<Vec<HamComment>, StoreError> {
    let before: (i64, i64) = match before {
        None => (i64::MAX, i64::MAX),
        Some(id) => sqlx::query_as("SELECT received_at, row FROM comments WHERE id = ? AND site = ?")
            .bind(id_bytes(id))
            .bind(site.0)
            .fetch_optional(readers)
            .await?
            .ok_or_else(|| StoreError::NotFound(format!("comment {id}")))?,
    };
    // `said` is the newest word: a label or a decision, never both.
    let rows: Vec<HamRow> = sqlx::query_as(
        "SELECT id, comment, verdict, label IS NOT NULL AS is_labelled, said IS NOT NULL AS is_decided
           FROM comments
          WHERE site = ?1 AND received_at >= ?2 AND received_at < ?3 AND (received_at, row) < (?4, ?5)
            AND verdict IS NOT NULL
            AND label IS NOT 'spam'
            AND CASE WHEN said IS NULL THEN judged = 'approve'
                     ELSE coalesce(said ->> 'label' = 'ham', said ->> 'decision' = 'approve') END
          ORDER BY received_at DESC, row DESC
          LIMIT ?6",
    )
    .bind(site.0)
    .bind(micros(from))
    .bind(micros(to))
    .bind(before.0)
    .bind(before.1)
    .bind(limit)
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(HamRow::into_comment).collect()
}

/// See [`crate::store::Store::unreviewed`]. Counts in `comments_held`.
pub(super) async fn unreviewed(
    readers: &SqlitePool,
    site: SiteId,
    from: Timestamp,
    to: Timestamp,
) -> Result<u64, StoreError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM comments WHERE site = ? AND received_at >= ? AND received_at < ? AND decision = 'hold'",
    )
    .bind(site.0)
    .bind(micros(from))
    .bind(micros(to))
    .fetch_one(readers)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}
