//! Comments at rest: what became of one, and what there is to learn from.

use sqlx::SqlitePool;

use super::rows::{comment_id, from_json, id_bytes, time, unreadable};
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::{LabelledComment, Status, StoreError, StoredComment};

#[derive(sqlx::FromRow)]
pub(super) struct CommentRow {
    id: Vec<u8>,
    comment: Vec<u8>,
    received_at: i64,
    verdict: Option<Vec<u8>>,
    judged: Option<String>,
    state: Option<String>,
    attempts: Option<i64>,
    last_error: Option<String>,
    history: Vec<u8>,
}

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

impl CommentRow {
    pub(super) fn into_comment(self, site: SiteId) -> Result<StoredComment, StoreError> {
        let id = comment_id(&self.id, "a comment")?;
        let named = format_args!("comment {id}");
        let status = match (self.verdict, self.state.as_deref()) {
            (Some(verdict), _) => {
                Status::Decided { verdict: from_json(&verdict, format_args!("the verdict on {named}"))? }
            }
            (None, Some("pending")) => Status::Queued,
            (None, Some(_)) => Status::DeadLetter {
                attempts: self.attempts.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
                last_error: self.last_error.unwrap_or_default(),
            },
            (None, None) => {
                Status::DeadLetter { attempts: 0, last_error: "given up, and the dead letter was purged".to_owned() }
            }
        };
        Ok(StoredComment {
            id,
            site,
            comment: from_json(&self.comment, named)?,
            received_at: time(self.received_at, named)?,
            status,
            judged: self.judged.and_then(|judged| judged.parse().ok()),
            history: from_json(&self.history, format_args!("the history of {named}"))?,
        })
    }
}

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

#[derive(sqlx::FromRow)]
struct LabelledRow {
    id: Vec<u8>,
    site: i64,
    comment: Vec<u8>,
    label: String,
    labelled_at: i64,
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
    rows.into_iter()
        .map(|row| {
            let id = comment_id(&row.id, "a labelled comment")?;
            let named = format_args!("comment {id}");
            Ok(LabelledComment {
                id,
                site: SiteId(row.site),
                comment: from_json(&row.comment, named)?,
                label: row.label.parse().map_err(|error| unreadable(named, error))?,
                labelled_at: time(row.labelled_at, named)?,
            })
        })
        .collect()
}
