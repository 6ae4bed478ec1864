//! `GET /v1/comments`: what came in, newest first, page by page.
//!
//! Owns the filters. Does not own the syntax of `q` (`store::Query`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Doors;
use super::caller::{Caller, Read};
use super::comments::Shown;
use super::json;
use super::params::{Limit, Next, Params, bad_cursor, optional, position};
use super::problem::{Problem, Refusal};
use crate::comment::CommentId;
use crate::store::{CommentFilter, Query, StatusWord, StoreError, Verbs, timed};
use crate::verdict::{Decision, Label};

/// Longest query, bytes.
const QUERY_BYTES: usize = 1024;

/// Which comments are asked for; each filter that is given must fit.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Words that stand in the comment, its author, its links, its ids or the symbols of its verdict.
    #[serde(default)]
    q: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    status: Option<StatusWord>,
    #[serde(default, deserialize_with = "optional")]
    decision: Option<Decision>,
    #[serde(default, deserialize_with = "optional")]
    label: Option<Label>,
    /// A symbol of the verdict's evidence.
    #[serde(default)]
    symbol: Option<String>,
    /// Received at this moment or later.
    #[serde(default, deserialize_with = "optional")]
    from: Option<Timestamp>,
    /// Received before this moment.
    #[serde(default, deserialize_with = "optional")]
    to: Option<Timestamp>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default, deserialize_with = "optional")]
    #[param(schema_with = Limit::schema, required = false)]
    limit: Option<Limit>,
}

/// Comments, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = CommentPage)]
struct Page<'a> {
    comments: Vec<Shown<'a>>,
    #[serde(flatten)]
    next: Next,
}

/// What came in, newest first, page by page.
#[utoipa::path(get, path = "/v1/comments", security(("key" = ["read"])), params(Filter),
    responses((status = 200, description = "A page.", body = Page)))]
pub(super) async fn list(
    State(doors): State<Arc<Doors>>,
    Caller { site, .. }: Caller<Read>,
    Params(asked): Params<Filter>,
) -> Result<Response, Problem> {
    let limit = asked.limit.unwrap_or_default();
    let before: Option<CommentId> = position(asked.cursor.as_deref())?;
    let Filter { status, decision, label, from, to, .. } = asked;
    let query = query(asked.q.as_deref(), asked.symbol.as_deref())?;
    let filter = CommentFilter { query, status, decision, label, from, to };
    let found = match timed(Verbs::Read, doors.pipeline.store.comments(site.id, &filter, before, limit.0)).await {
        Err(StoreError::NotFound(_)) => return Err(bad_cursor()),
        found => found?,
    };
    let next = Next::after(found.len(), limit, found.last().map(|last| last.id.to_string()));
    let comments = found.iter().map(|stored| Shown::of(&site, stored)).collect();
    Ok(json::answer(StatusCode::OK, &Page { comments, next }))
}

fn query(words: Option<&str>, symbol: Option<&str>) -> Result<Option<Query>, Problem> {
    let refused = |detail: String| Problem::new(Refusal::InvalidParameter, detail);
    let words = match words.filter(|words| !words.trim().is_empty()) {
        Some(words) if words.len() > QUERY_BYTES => {
            return Err(refused(format!("`q` has {} bytes; it may have {QUERY_BYTES}.", words.len())));
        }
        Some(words) => Some(Query::parse(words).ok_or_else(|| {
            refused("`q` asks for no word; give letters or digits, not only words that must not be there.".to_owned())
        })?),
        None => None,
    };
    let symbol = match symbol.filter(|symbol| !symbol.is_empty()) {
        Some(symbol) => Some(
            Query::of_symbol(symbol)
                .ok_or_else(|| refused("`symbol` is none; symbols are written like URL_SHORTENER.".to_owned()))?,
        ),
        None => None,
    };
    Ok(match (words, symbol) {
        (Some(words), Some(symbol)) => Some(words.and(symbol)),
        (words, symbol) => words.or(symbol),
    })
}
