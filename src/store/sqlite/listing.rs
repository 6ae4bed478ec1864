//! Lists of comments: filters to a statement that walks the right index.
//!
//! A condition that is not asked for is not written, for SQLite plans a statement before it knows its parameters: one
//! text for all filters would walk the whole site for each.

use sqlx::{AssertSqlSafe, SqlitePool};

use super::comments::whole;
use super::rows::{CommentRow, id_bytes, micros};
use super::search;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::{CommentFilter, StatusWord, StoreError, StoredComment};
use crate::verdict::{Decision, Label};

/// See [`crate::store::Store::comments`]. With a query in the order of the index, which is that of arrival.
pub(super) async fn comments(
    readers: &SqlitePool,
    site: SiteId,
    filter: &CommentFilter,
    before: Option<CommentId>,
    limit: u32,
) -> Result<Vec<StoredComment>, StoreError> {
    let before: Option<(i64, i64)> = match before {
        None => None,
        Some(id) => Some(
            sqlx::query_as("SELECT received_at, row FROM comments WHERE id = ? AND site = ?")
                .bind(id_bytes(id))
                .bind(site.0)
                .fetch_optional(readers)
                .await?
                .ok_or_else(|| StoreError::NotFound(format!("comment {id}")))?,
        ),
    };
    // Nothing but constants: what was asked for is bound.
    let rows: Vec<CommentRow> = sqlx::query_as(AssertSqlSafe(statement(filter, before.is_some())))
        .bind(site.0)
        .bind(filter.decision.map(Decision::as_str))
        .bind(filter.label.map(Label::as_str))
        .bind(filter.from.map(micros))
        .bind(filter.to.map(micros))
        .bind(before.map(|(received_at, _)| received_at))
        .bind(before.map(|(_, row)| row))
        .bind(filter.query.as_ref().map(|query| search::expression(site, query)))
        .bind(limit)
        .fetch_all(readers)
        .await?;
    rows.into_iter().map(|row| row.into_comment(site)).collect()
}

/// Parameters: ?1 site, ?2 decision, ?3 label, ?4 from, ?5 to, ?6 and ?7 the last one's time and row, ?8 words, ?9 limit.
fn statement(filter: &CommentFilter, has_cursor: bool) -> String {
    // CROSS JOIN keeps the order as written: from the few to their comments.
    let (select, order) = match (&filter.query, filter.status) {
        (Some(_), _) => (whole!("search CROSS JOIN comments ON comments.row = search.rowid"), "search.rowid DESC"),
        (None, Some(StatusWord::Queued)) => (
            whole!(
                "(SELECT comment FROM jobs WHERE kind = 'decide' AND state = 'pending') AS open
                    CROSS JOIN comments ON comments.row = open.comment"
            ),
            "comments.received_at DESC, comments.row DESC",
        ),
        (None, Some(StatusWord::DeadLetter)) => (
            whole!(
                "(SELECT comment FROM jobs WHERE kind = 'decide' AND state = 'dead') AS open
                    CROSS JOIN comments ON comments.row = open.comment"
            ),
            "comments.received_at DESC, comments.row DESC",
        ),
        (None, _) => (whole!("comments"), "comments.received_at DESC, comments.row DESC"),
    };
    let mut conditions = vec!["comments.site = ?1"];
    conditions.extend(filter.decision.map(|decision| match decision {
        // As the partial index has it.
        Decision::Hold => "comments.decision = 'hold' AND ?2 IS NOT NULL",
        _ => "comments.decision = ?2",
    }));
    conditions.extend(filter.label.map(|_| "comments.label = ?3"));
    conditions.extend(filter.from.map(|_| "comments.received_at >= ?4"));
    conditions.extend(filter.to.map(|_| "comments.received_at < ?5"));
    conditions.extend(filter.status.map(|status| match status {
        StatusWord::Queued => "jobs.state = 'pending'",
        StatusWord::DeadLetter => "jobs.state = 'dead'",
        StatusWord::Decided => "comments.verdict IS NOT NULL",
    }));
    conditions.extend(filter.query.as_ref().map(|_| "search MATCH ?8"));
    if has_cursor {
        conditions.push(match filter.query {
            Some(_) => "search.rowid < ?7",
            None => "(comments.received_at, comments.row) < (?6, ?7)",
        });
    }
    format!("{select} WHERE {} ORDER BY {order} LIMIT ?9", conditions.join(" AND "))
}
