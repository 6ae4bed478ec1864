//! Comments at rest: what became of one, and what there is to learn from.

use sqlx::SqlitePool;

use super::rows::{CommentRow, LabelledRow, comment_id, id_bytes};
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::{LabelledComment, StoreError, StoredComment};

/// All that belongs to a comment in one statement, so that verdict and history are of the same moment.
macro_rules! whole {
    ($from:literal) => {
        concat!(
            "SELECT comments.id, comments.comment, comments.received_at, comments.verdict, comments.judged,
                    jobs.state, jobs.attempts, jobs.last_error,
                    (SELECT json_group_array(json(act) ORDER BY row) FROM acts WHERE acts.comment = comments.row) AS history
               FROM ",
            $from,
            " LEFT JOIN jobs ON jobs.comment = comments.row AND jobs.kind = 'decide'"
        )
    };
}
pub(super) use whole;

/// See [`crate::store::Store::comment`].
pub(super) async fn comment(
    readers: &SqlitePool,
    site: SiteId,
    id: CommentId,
) -> Result<Option<StoredComment>, StoreError> {
    let row: Option<CommentRow> =
        sqlx::query_as(concat!(whole!("comments"), " WHERE comments.id = ? AND comments.site = ?"))
            .bind(id_bytes(id))
            .bind(site.0)
            .fetch_optional(readers)
            .await?;
    row.map(|row| row.into_comment(site)).transpose()
}

pub(super) async fn find_by_fingerprint(
    readers: &SqlitePool,
    site: SiteId,
    fingerprint: i64,
) -> Result<Option<CommentId>, StoreError> {
    let id: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM comments WHERE site = ? AND fingerprint = ? ORDER BY row DESC LIMIT 1")
            .bind(site.0)
            .bind(fingerprint)
            .fetch_optional(readers)
            .await?;
    id.map(|id| comment_id(&id, "a comment")).transpose()
}

pub(super) async fn find_by_external_id(
    readers: &SqlitePool,
    site: SiteId,
    external_id: &str,
) -> Result<Option<CommentId>, StoreError> {
    let id: Option<Vec<u8>> = sqlx::query_scalar("SELECT id FROM comments WHERE site = ? AND external_id = ?")
        .bind(site.0)
        .bind(external_id)
        .fetch_optional(readers)
        .await?;
    id.map(|id| comment_id(&id, "a comment")).transpose()
}

pub(super) async fn labelled(
    readers: &SqlitePool,
    site: Option<SiteId>,
    after: Option<CommentId>,
    limit: u32,
) -> Result<Vec<LabelledComment>, StoreError> {
    let rows: Vec<LabelledRow> = sqlx::query_as(
        "SELECT id, site, comment, label, labelled_at
           FROM comments
          WHERE label IS NOT NULL AND id > ?1 AND (?2 IS NULL OR site = ?2)
          ORDER BY id
          LIMIT ?3",
    )
    .bind(after.map(id_bytes).unwrap_or_default())
    .bind(site.map(|site| site.0))
    .bind(limit)
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(LabelledRow::into_comment).collect()
}
