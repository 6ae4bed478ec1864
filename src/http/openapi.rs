//! `GET /openapi.json`: the description of all calls, made once.
//!
//! Owns the bytes and how they are cached. Does not own what they say (`api::openapi`).

use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use utoipa::OpenApi as _;

use crate::api::openapi::document;

/// What is served, and a name for exactly these bytes.
static SERVED: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
    let text = document(super::Calls::openapi()).to_json();
    let text = text.unwrap_or_else(|error| unreachable!("a description is plain data: {error}"));
    let tag = format!("\"{:.16x}\"", Sha256::digest(&text));
    let tag = HeaderValue::try_from(tag).unwrap_or_else(|_| unreachable!("quotes and hexadecimal digits"));
    (Bytes::from(text), tag)
});

/// What is described here.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", params(("If-None-Match" = Option<String>, Header)),
    responses((status = 200, description = "OpenAPI 3.1.", body = Object, content_type = "application/json",
               headers(("ETag" = String))),
              (status = 304, description = "It is still the one with this `ETag`.", headers(("ETag" = String)))))]
pub(super) async fn show(headers: HeaderMap) -> Response {
    let (bytes, tag) = &*SERVED;
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known.flat_map(|value| value.split(',')).any(|known| is_same(known.trim(), tag));
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(bytes.clone()) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response.headers_mut().insert(ETAG, tag.clone());
    // It changes with the program: ask each time, which costs a 304.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Weak comparison, as RFC 9110 § 13.1.2 wants it here.
fn is_same(known: &str, tag: &HeaderValue) -> bool {
    known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes()
}
