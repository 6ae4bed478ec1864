//! Parameters of a request: its query to a value, and the parts of a path, or a refusal that names the parameter.
//!
//! Owns how such a mistake is told, and how long a page may be. Does not own what a parameter means.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::problem::{Problem, Refusal};

/// Items on a page when nobody says how many, and at most.
pub const PAGE_DEFAULT: u32 = 50;
pub const PAGE_MAX: u32 = 200;

/// The query as a `T`. What it does not know is passed over; an empty value is as if it were not there.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: for<'de> Deserialize<'de>, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params<T>, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(params)| Params(params)).map_err(|error| {
            let innermost = std::iter::successors(std::error::Error::source(&error), |&error| error.source()).last();
            let fact = innermost.map_or_else(|| error.to_string(), ToString::to_string);
            Problem::new(Refusal::InvalidParameter, format!("The query cannot be read: {fact}."))
        })
    }
}

/// A parameter that is written as text; an empty one is as if it were not there.
pub fn optional<'de, D: Deserializer<'de>, T: FromStr>(given: D) -> Result<Option<T>, D::Error>
where
    T::Err: std::fmt::Display,
{
    let text = Option::<String>::deserialize(given)?.filter(|text| !text.trim().is_empty());
    text.map(|text| text.trim().parse().map_err(|error| D::Error::custom(format!("`{text}`: {error}")))).transpose()
}

/// How many items a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub u32);

impl Default for Limit {
    fn default() -> Limit {
        Limit(PAGE_DEFAULT)
    }
}

impl Limit {
    pub fn schema() -> Schema {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(PAGE_MAX));
        limit.default(Some(PAGE_DEFAULT.into())).into()
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Limit, String> {
        let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit)).map(Limit);
        limit.ok_or_else(|| format!("`limit` is a number from 1 to {PAGE_MAX}"))
    }
}

/// The one part of the path that is not fixed.
#[derive(Debug)]
pub struct Named<T>(pub T);

impl<T: FromStr + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named<T>, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        text.and_then(|Path(text)| text.parse().ok()).map(Named).ok_or_else(|| {
            let detail = "There is no such thing here; what the path names is not even written like one.";
            Problem::new(Refusal::NotFound, detail)
        })
    }
}

/// Where the next page begins: opaque to callers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Next {
    /// Hand it back as `cursor` for the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl Next {
    /// * `items`: how many there are on this page; `limit`: how many were asked for; `last`: names the last item.
    pub fn after(items: usize, limit: Limit, last: Option<String>) -> Next {
        let is_full = u32::try_from(items).is_ok_and(|items| items >= limit.0);
        Next { next_cursor: last.filter(|_| is_full) }
    }
}

/// Where the page before ended; `None`, or nothing written, is the beginning.
pub fn position<T: FromStr>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let written = cursor.filter(|cursor| !cursor.is_empty());
    written.map(|cursor| cursor.parse().map_err(|_| bad_cursor())).transpose()
}

/// A cursor that was made up, or is older than what it pointed to.
pub fn bad_cursor() -> Problem {
    let detail = "`cursor` is none that this list gave out, or what it pointed to is gone; begin without one.";
    Problem::new(Refusal::InvalidParameter, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Decision;

    #[derive(Deserialize)]
    struct Filter {
        #[serde(default, deserialize_with = "optional")]
        decision: Option<Decision>,
        #[serde(default, deserialize_with = "optional")]
        limit: Option<Limit>,
    }

    fn read(query: &str) -> Result<Filter, String> {
        let uri = format!("/x?{query}").parse().unwrap();
        Query::<Filter>::try_from_uri(&uri).map(|Query(filter)| filter).map_err(|error| error.body_text())
    }

    #[test]
    fn parameters_are_read_or_named() {
        assert_eq!(read("decision=hold&more=1").unwrap().decision, Some(Decision::Hold));
        assert_eq!(read("decision=&limit=").map(|filter| filter.limit), Ok(None));
        assert_eq!(read("limit=200").unwrap().limit, Some(Limit(200)));
        for query in ["limit=0", "limit=201", "limit=-1", "limit=x", "decision=maybe"] {
            let error = read(query).err().unwrap();
            assert!(error.contains(query.split('=').nth(1).unwrap()), "{error}");
        }
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last() {
        let next = |items| Next::after(items, Limit(3), Some("x".to_owned())).next_cursor;
        assert_eq!((next(2), next(3)), (None, Some("x".to_owned())));
    }
}
