//! Comments at rest: what became of one, and what there is to learn from.

use sqlx::PgPool;

use super::columns::key;
use super::failure::Outcome;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::rows::{CommentRow, LabelledRow, comment_id, id_bytes};
use crate::store::{LabelledComment, StoredComment};

/// All that belongs to a comment in one statement, so that verdict and history are of the same moment. `$from` names
/// `comments` and, if what it found is to be sorted by, `verdicts`.
macro_rules! whole {
    ($from:literal) => {
        concat!(
            "SELECT comments.id, comments.comment, comments.received_at, verdicts.verdict, verdicts.judged,
                    jobs.state, jobs.attempts, jobs.last_error,
                    (SELECT '[' || coalesce(string_agg(act, ',' ORDER BY row), '') || ']'
                       FROM acts WHERE acts.comment = comments.row) AS history
               FROM ",
            $from,
            " LEFT JOIN jobs ON jobs.comment = comments.row AND jobs.kind = 'decide'"
        )
    };
}
pub(super) use whole;

/// See [`crate::store::Store::comment`].
pub(super) async fn comment(pool: &PgPool, site: SiteId, id: CommentId) -> Outcome<Option<StoredComment>> {
    let row: Option<CommentRow> = sqlx::query_as(concat!(
        whole!("comments LEFT JOIN verdicts ON verdicts.comment = comments.row"),
        " WHERE comments.id = $1 AND comments.site = $2"
    ))
    .bind(id_bytes(id))
    .bind(site.0)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| row.into_comment(site)).transpose()?)
}

pub(super) async fn find_by_fingerprint(pool: &PgPool, site: SiteId, fingerprint: i64) -> Outcome<Option<CommentId>> {
    let id: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM comments WHERE site = $1 AND fingerprint = $2 ORDER BY row DESC LIMIT 1")
            .bind(site.0)
            .bind(fingerprint)
            .fetch_optional(pool)
            .await?;
    Ok(id.map(|id| comment_id(&id, "a comment")).transpose()?)
}

pub(super) async fn find_by_external_id(pool: &PgPool, site: SiteId, external_id: &str) -> Outcome<Option<CommentId>> {
    let id: Option<Vec<u8>> = sqlx::query_scalar("SELECT id FROM comments WHERE site = $1 AND external_id = $2")
        .bind(site.0)
        .bind(key(external_id))
        .fetch_optional(pool)
        .await?;
    Ok(id.map(|id| comment_id(&id, "a comment")).transpose()?)
}

pub(super) async fn labelled(
    pool: &PgPool,
    site: Option<SiteId>,
    after: Option<CommentId>,
    limit: u32,
) -> Outcome<Vec<LabelledComment>> {
    let (of_one, of_all) = (labelled_rows!("AND verdicts.site = $3"), labelled_rows!(""));
    // A condition that is not asked for is not written: the plan is made before it is known.
    let query = sqlx::query_as(if site.is_some() { of_one } else { of_all })
        .bind(after.map(id_bytes).unwrap_or_default())
        .bind(i64::from(limit));
    let query = match site {
        Some(site) => query.bind(site.0),
        None => query,
    };
    let rows: Vec<LabelledRow> = query.fetch_all(pool).await?;
    Ok(rows.into_iter().map(LabelledRow::into_comment).collect::<Result<_, _>>()?)
}

macro_rules! labelled_rows {
    ($condition:literal) => {
        concat!(
            "SELECT comments.id, comments.site, comments.comment, verdicts.label, verdicts.labelled_at
               FROM verdicts JOIN comments ON comments.row = verdicts.comment
              WHERE verdicts.label IS NOT NULL AND verdicts.labelled_id > $1 ",
            $condition,
            " ORDER BY verdicts.labelled_id LIMIT $2"
        )
    };
}
use labelled_rows;
