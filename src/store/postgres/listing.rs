//! Lists of comments: filters to a statement that walks the right index.
//!
//! A condition that is not asked for is not written, so that the plan of one filter is never that of another.

use sqlx::{PgPool, Postgres, QueryBuilder};

use super::comments::whole;
use super::failure::Outcome;
use super::search;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::rows::{CommentRow, id_bytes, micros};
use crate::store::{CommentFilter, StatusWord, StoreError, StoredComment};
use crate::verdict::{Decision, Label};

/// See [`crate::store::Store::comments`]. With a query in the order of arrival.
pub(super) async fn comments(
    pool: &PgPool,
    site: SiteId,
    filter: &CommentFilter,
    before: Option<CommentId>,
    limit: u32,
) -> Outcome<Vec<StoredComment>> {
    let before: Option<(i64, i64)> = match before {
        None => None,
        Some(id) => Some(place(pool, site, id).await?),
    };
    let rows: Vec<CommentRow> =
        statement(site, filter, before, limit).build_query_as().persistent(true).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|row| row.into_comment(site)).collect::<Result<_, _>>()?)
}

/// When a comment of the site came, and its row.
pub(super) async fn place(pool: &PgPool, site: SiteId, id: CommentId) -> Outcome<(i64, i64)> {
    let place = sqlx::query_as("SELECT received_at, row FROM comments WHERE id = $1 AND site = $2")
        .bind(id_bytes(id))
        .bind(site.0)
        .fetch_optional(pool)
        .await?;
    Ok(place.ok_or_else(|| StoreError::NotFound(format!("comment {id}")))?)
}

fn statement(site: SiteId, filter: &CommentFilter, before: Option<(i64, i64)>, limit: u32) -> QueryBuilder<Postgres> {
    // Each begins where there are few: with what is found, the open jobs, the held ones; else with the site's newest.
    let by_arrival = ("comments.received_at", "comments.row");
    let (select, (time, row)) = match (filter.query.as_ref(), filter.status, filter.decision) {
        (Some(_), ..) => (
            whole!(
                "search JOIN comments ON comments.row = search.comment
                        LEFT JOIN verdicts ON verdicts.comment = comments.row"
            ),
            ("comments.received_at", "search.comment"),
        ),
        (None, Some(StatusWord::Queued), _) => (
            whole!(
                "(SELECT comment FROM jobs WHERE kind = 'decide' AND state = 'pending') AS open
                    JOIN comments ON comments.row = open.comment
                    LEFT JOIN verdicts ON verdicts.comment = comments.row"
            ),
            by_arrival,
        ),
        (None, Some(StatusWord::DeadLetter), _) => (
            whole!(
                "(SELECT comment FROM jobs WHERE kind = 'decide' AND state = 'dead') AS open
                    JOIN comments ON comments.row = open.comment
                    LEFT JOIN verdicts ON verdicts.comment = comments.row"
            ),
            by_arrival,
        ),
        (None, _, Some(Decision::Hold)) => (
            whole!("verdicts JOIN comments ON comments.row = verdicts.comment"),
            ("verdicts.received_at", "verdicts.comment"),
        ),
        (None, ..) => (whole!("comments LEFT JOIN verdicts ON verdicts.comment = comments.row"), by_arrival),
    };
    let mut sql = QueryBuilder::new(select);
    sql.push(" WHERE comments.site = ").push_bind(site.0);
    match filter.decision {
        // As the partial index has it.
        Some(Decision::Hold) => {
            sql.push(" AND verdicts.decision = 'hold' AND verdicts.site = ").push_bind(site.0);
        }
        Some(decision) => {
            sql.push(" AND verdicts.decision = ").push_bind(decision.as_str());
        }
        None => {}
    }
    if let Some(label) = filter.label {
        sql.push(" AND verdicts.label = ").push_bind(Label::as_str(label));
    }
    if let Some(from) = filter.from {
        sql.push(format_args!(" AND {time} >= ")).push_bind(micros(from));
    }
    if let Some(to) = filter.to {
        sql.push(format_args!(" AND {time} < ")).push_bind(micros(to));
    }
    sql.push(match filter.status {
        Some(StatusWord::Queued) => " AND jobs.state = 'pending'",
        Some(StatusWord::DeadLetter) => " AND jobs.state = 'dead'",
        Some(StatusWord::Decided) => " AND verdicts.verdict IS NOT NULL",
        None => "",
    });
    match (&filter.query, before) {
        (Some(query), before) => {
            sql.push(" AND search.words @@ ").push_bind(search::expression(site, query)).push("::tsquery");
            if let Some((_, last)) = before {
                sql.push(format_args!(" AND {row} < ")).push_bind(last);
            }
            sql.push(format_args!(" ORDER BY {row} DESC"));
        }
        (None, before) => {
            if let Some((at, last)) = before {
                sql.push(format_args!(" AND ({time}, {row}) < (")).push_bind(at);
                sql.push(", ").push_bind(last).push(")");
            }
            sql.push(format_args!(" ORDER BY {time} DESC, {row} DESC"));
        }
    }
    sql.push(" LIMIT ").push_bind(i64::from(limit));
    sql
}
