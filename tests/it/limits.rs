//! Rate limits as clients meet them: per key, per address, and for wrong keys; told by status, `Retry-After` and reason.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use hamlet::api::address::Peer;
use hamlet::api::limiter;
use hamlet::http::Settings;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;
use tower::ServiceExt as _;

use crate::harness::{APPROVING, Hamlet, KEY, Reply};

const WRONG: &str = "ffffffffffff";

/// A peer whose word on addresses is not taken, where `limits` trusts 127.0.0.1 alone.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn limits() -> limiter::Settings {
    limiter::Settings { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..limiter::Settings::default() }
}

async fn hamlet(limits: limiter::Settings) -> Hamlet {
    Hamlet::start_with(Settings { limits, ..Settings::default() }).await
}

/// A check with `key` and further header lines over the JSON door.
async fn check(hamlet: &Hamlet, key: &str, headers: &[&str]) -> Reply {
    let path = "/v1/comments/check?dry_run=true";
    hamlet.json(key, "POST", path, headers, br#"{"content":"hello"}"#).await
}

async fn check_from(hamlet: &Hamlet, own: IpAddr, key: &str, forwarded: &str) -> u16 {
    let body = r#"{"content":"hello"}"#;
    let head = format!(
        "POST /v1/comments/check?dry_run=true HTTP/1.1\r\nHost: hamlet\r\nAuthorization: Bearer {key}\r\n\
         Connection: close\r\nContent-Length: {}\r\nX-Forwarded-For: {forwarded}\r\n\r\n{body}",
        body.len()
    );
    hamlet.raw_from(own, head.as_bytes()).await.status
}

/// How many of `tries` checks pass; the others are refused as too many.
async fn passed(hamlet: &Hamlet, tries: usize, key: &str, headers: &[&str]) -> usize {
    let mut passed = 0;
    for _ in 0..tries {
        match check(hamlet, key, headers).await.status {
            200 => passed += 1,
            status => assert_eq!(status, 429),
        }
    }
    passed
}

async fn akismet(hamlet: &Hamlet, call: &str, key: &str, headers: &[&str]) -> Reply {
    let body = format!("api_key={key}&key={key}&blog=https://news.example/&user_ip=192.0.2.1&comment_content=hello");
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!(
        "POST /1.1/{call} HTTP/1.1\r\nHost: rest.akismet.com\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    hamlet.raw(format!("{head}{body}").as_bytes()).await
}

#[track_caller]
fn is_refused_by_json(reply: &Reply, retry_after: &str, part: &str) {
    assert_eq!(reply.status, 429, "{reply:?}");
    assert_eq!(reply.header("retry-after"), Some(retry_after));
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem = reply.json();
    assert_eq!((&problem["type"], &problem["status"]), (&json!("/problems/rate-limited"), &json!(429)));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(part) && detail.contains(&format!("in {retry_after} s")), "{detail}");
}

#[track_caller]
fn is_refused_by_akismet(reply: &Reply, retry_after: &str) {
    assert_eq!((reply.status, reply.text()), (429, ""), "{reply:?}");
    assert_eq!(reply.header("retry-after"), Some(retry_after));
    assert_eq!(reply.header("x-akismet-guid").map(str::len), Some(32), "so that the plugin holds the comment");
    assert_eq!(reply.header("x-akismet-debug-help"), None, "some clients throw when they see it");
}

#[tokio::test]
async fn right_keys_come_as_often_as_they_like_unless_limited() {
    let hamlet = Hamlet::start().await;
    assert_eq!(passed(&hamlet, 200, KEY, &[]).await, 200);
}

#[tokio::test]
async fn a_key_has_its_burst_and_its_rate_at_all_doors_together() {
    let hamlet = hamlet(limiter::Settings { per_key_s: 2, per_key_burst: 3, ..limits() }).await;
    assert_eq!(passed(&hamlet, 2, KEY, &[]).await, 2);
    let upper = KEY.to_uppercase();
    assert!(["true", "false"].contains(&akismet(&hamlet, "comment-check", &upper, &[]).await.text()));
    is_refused_by_json(&check(&hamlet, KEY, &[]).await, "1", "`limits.per_key_s`");
    for call in ["comment-check", "submit-spam", "submit-ham", "verify-key", "get-subscription", "deactivate", "token"]
    {
        is_refused_by_akismet(&akismet(&hamlet, call, KEY, &[]).await, "1");
    }
    assert_eq!(passed(&hamlet, 3, APPROVING, &[]).await, 3, "another key is not concerned");

    hamlet.wait(Duration::from_millis(500));
    assert_eq!(passed(&hamlet, 4, KEY, &[]).await, 1);
    hamlet.wait(Duration::from_secs(60));
    assert_eq!(passed(&hamlet, 4, KEY, &[]).await, 3);
}

#[tokio::test]
async fn an_address_has_its_burst_and_its_rate_whatever_the_key() {
    let hamlet = hamlet(limiter::Settings { per_address_s: 1, per_address_burst: 2, ..limits() }).await;
    let reader = "X-Forwarded-For: 192.0.2.7";
    assert_eq!(check(&hamlet, KEY, &[reader]).await.status, 200);
    assert_eq!(check(&hamlet, WRONG, &[reader]).await.status, 401);
    is_refused_by_json(&check(&hamlet, APPROVING, &[reader]).await, "1", "`limits.per_address_s`");
    is_refused_by_akismet(&akismet(&hamlet, "comment-check", KEY, &[reader]).await, "1");
    assert_eq!(check(&hamlet, KEY, &["X-Forwarded-For: 192.0.2.8"]).await.status, 200);
    assert_eq!(check(&hamlet, KEY, &[]).await.status, 200, "the proxy itself is another");
    let probe = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{reader}\r\n\r\n");
    assert_eq!(hamlet.raw(probe.as_bytes()).await.status, 200, "who looks after the daemon is let in");

    hamlet.wait(Duration::from_secs(1));
    assert_eq!(passed(&hamlet, 3, KEY, &[reader]).await, 1);
}

#[tokio::test]
async fn what_a_client_writes_left_of_the_proxy_is_not_believed() {
    let hamlet = hamlet(limiter::Settings { per_address_s: 1, per_address_burst: 2, ..limits() }).await;
    let mut passed = 0;
    for n in 0..10 {
        let spoofed = format!("X-Forwarded-For: 198.51.100.{n}, 192.0.2.7");
        passed += usize::from(check(&hamlet, KEY, &[&spoofed]).await.status == 200);
        let two = [format!("X-Forwarded-For: 198.51.100.{n}"), "X-Forwarded-For: 192.0.2.7, 127.0.0.1".to_owned()];
        passed += usize::from(check(&hamlet, KEY, &two.each_ref().map(String::as_str)).await.status == 200);
    }
    assert_eq!(passed, 2);
    for n in 0..3 {
        let of_nobody = format!("X-Forwarded-For: 198.51.100.{n}, unknown");
        assert_eq!(check(&hamlet, KEY, &[&of_nobody]).await.status, if n < 2 { 200 } else { 429 }, "it is the proxy's");
    }
}

#[tokio::test]
async fn only_a_trusted_peer_speaks_for_others() {
    let hamlet = hamlet(limiter::Settings { per_address_s: 1, per_address_burst: 2, ..limits() }).await;
    let trusted = Ipv4Addr::LOCALHOST.into();
    for n in 0..10 {
        let forwarded = format!("192.0.2.{n}");
        assert_eq!(check_from(&hamlet, trusted, KEY, &forwarded).await, 200);
        let expected = if n < 2 { 200 } else { 429 };
        assert_eq!(check_from(&hamlet, STRANGER, KEY, &forwarded).await, expected, "{n}");
    }
}

#[tokio::test]
async fn an_ipv6_address_is_limited_with_its_64() {
    let hamlet = hamlet(limiter::Settings { per_address_s: 1, per_address_burst: 2, ..limits() }).await;
    for n in 0..6 {
        let same = format!("X-Forwarded-For: 2001:db8:1:2::{n}");
        assert_eq!(check(&hamlet, KEY, &[&same]).await.status, if n < 2 { 200 } else { 429 }, "{n}");
        let other = format!("X-Forwarded-For: [2001:db8:1:{}::7]:4711", n + 3);
        assert_eq!(check(&hamlet, KEY, &[&other]).await.status, 200);
    }
}

#[tokio::test]
async fn wrong_keys_are_refused_sooner_and_a_right_one_passes_at_any_time() {
    let hamlet = hamlet(limiter::Settings { refused_keys_per_minute: 3, ..limits() }).await;
    assert_eq!(check(&hamlet, WRONG, &[]).await.status, 401);
    assert_eq!(akismet(&hamlet, "verify-key", WRONG, &[]).await.text(), "invalid");
    let without = b"GET /v1/comments/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(hamlet.raw(without).await.status, 401);

    is_refused_by_json(&check(&hamlet, WRONG, &[]).await, "20", "wrong API key or none");
    is_refused_by_json(&hamlet.raw(without).await, "20", "wrong API key or none");
    for call in ["comment-check", "submit-spam", "submit-ham", "verify-key", "get-subscription", "deactivate", "token"]
    {
        is_refused_by_akismet(&akismet(&hamlet, call, WRONG, &[]).await, "20");
    }
    assert_eq!(check_from(&hamlet, STRANGER, WRONG, "127.0.0.1").await, 401, "another address is not concerned");
    assert_eq!(passed(&hamlet, 10, KEY, &[]).await, 10);
    assert_eq!(akismet(&hamlet, "verify-key", KEY, &[]).await.text(), "valid");

    hamlet.wait(Duration::from_millis(19_999));
    is_refused_by_json(&check(&hamlet, WRONG, &[]).await, "1", "wrong API key or none");
    hamlet.wait(Duration::from_millis(1));
    assert_eq!(check(&hamlet, WRONG, &[]).await.status, 401);
    is_refused_by_json(&check(&hamlet, WRONG, &[]).await, "20", "wrong API key or none");
}

#[tokio::test]
async fn wrong_keys_are_limited_from_the_start_and_may_be_let_go_on() {
    let guesses = async |hamlet: &Hamlet| {
        let mut answered = 0;
        for n in 0..70 {
            answered += usize::from(check(hamlet, &format!("{n:012x}"), &[]).await.status == 401);
        }
        answered
    };
    assert_eq!(guesses(&Hamlet::start().await).await, 60);
    assert_eq!(guesses(&hamlet(limiter::Settings { refused_keys_per_minute: 0, ..limits() }).await).await, 70);
}

#[tokio::test]
async fn what_came_too_often_is_counted_by_limit() {
    let hamlet = Hamlet::start().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let limits = limiter::Settings {
        per_key_s: 1,
        per_key_burst: 2,
        per_address_s: 1,
        per_address_burst: 6,
        refused_keys_per_minute: 1,
        ..limits()
    };
    let settings = Settings { limits, ..Settings::default() };
    let router = metrics::with_local_recorder(&recorder, || {
        hamlet::http::router(Arc::clone(&hamlet.pipeline), &settings, Some(recorder.handle()))
    });
    // Of ten requests the first six are let in; two with the right key pass and one with a wrong one is told so.
    for key in [KEY, KEY, KEY, KEY, WRONG, WRONG, KEY, KEY, WRONG, WRONG] {
        let request = Request::get("/v1/comments/1").header("authorization", format!("Bearer {key}"));
        let request = request.extension(Peer(STRANGER)).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap();
    }
    let shown = recorder.handle().render();
    for (limit, count) in [("address", 4), ("key", 2), ("refused", 1)] {
        let line = format!("hamlet_rate_limited_total{{limit=\"{limit}\"}} {count}");
        assert!(shown.contains(&line), "{line}\n{shown}");
    }
}
