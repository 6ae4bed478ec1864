//! `GET /`: what this is and where things are, for who comes by with a browser or a terminal.
//!
//! Owns the page (`front.html`, with this server's address filled in) and its headers. Does not own the doors it names.

use axum::http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

const PAGE: &str = include_str!("front.html");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The page needs nothing but its own style; nobody may frame it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// HTML to those who ask for it, a few lines of text to others.
pub(super) async fn show(headers: HeaderMap) -> Response {
    let reads_html = |value: &HeaderValue| value.to_str().is_ok_and(|kinds| kinds.contains("text/html"));
    let mut response = if headers.get_all(ACCEPT).iter().any(reads_html) {
        let page = PAGE.replace("{version}", VERSION).replace("{origin}", &origin(&headers));
        let mut response = super::plain(StatusCode::OK, page);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    } else {
        super::plain(StatusCode::OK, text())
    };
    for (name, value) in [
        (VARY, "accept"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn text() -> String {
    format!(
        "This is Hamlet {VERSION}, a comment moderation and spam-filter daemon. It judges comments sent as JSON to \
         /v1/comments and /v1/comments/check (with a site's API key as bearer token) or by the Akismet protocol to \
         /1.1/comment-check. /openapi.json describes the calls; /healthz, /readyz and /metrics tell how it is.\n"
    )
}

/// Under which address the one who asks has reached this server; goes into the page as it is.
fn origin(headers: &HeaderMap) -> String {
    let is_host = |host: &&str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(is_host).unwrap_or("127.0.0.1:8420");
    let is_https = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    format!("{}://{host}", if is_https { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: Option<&str>, scheme: Option<&str>, expected: &str) {
        let mut headers = HeaderMap::new();
        for (name, value) in [("host", host), ("x-forwarded-proto", scheme)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
        }
        assert_eq!(origin(&headers), expected);
    }

    #[test]
    fn the_address_is_that_of_the_request_if_it_is_one() {
        check(Some("news.example:8420"), None, "http://news.example:8420");
        check(Some("[::1]:8420"), Some("https"), "https://[::1]:8420");
        for host in [None, Some(""), Some("<script>"), Some("a b"), Some("a\"b"), Some("a$(id)"), Some("سلام")] {
            check(host, Some("javascript"), "http://127.0.0.1:8420");
        }
    }
}
