//! The native doors as a CMS uses them.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::harness::{APPROVING, Hamlet, KEY, Reply};

/// A refusal: its status, its `type`, and a part of its sentence.
#[track_caller]
fn check_refused(reply: &Reply, status: u16, kind: &str, part: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem = reply.json();
    assert_eq!(problem["type"], format!("/problems/{kind}"));
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string());
    assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
}

#[tokio::test]
async fn a_comment_is_queued_decided_and_shown() {
    let hamlet = Hamlet::start().await;
    let comment = json!({
        "content": "مقال رائع\u{0}", "content_format": "text", "author": {"name": "Ann", "ip": "192.0.2.1"},
        "permalink": "https://news.example/1", "external_id": "c-1", "form_seconds": 12.5, "context": ["News"],
        "extra": {"post_id": "7"}, "submitted_at": "2026-01-02T03:04:05Z",
    });
    let reply = hamlet.post("/v1/comments", &comment).await;
    assert_eq!(reply.status, 202);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let queued = reply.json();
    assert_eq!(queued["status"], "queued");
    let id = queued["id"].as_str().unwrap();
    assert_eq!(reply.header("location").unwrap(), format!("/v1/comments/{id}"));

    let shown = hamlet.decided(id).await;
    assert_eq!(shown["id"], id);
    for (field, value) in comment.as_object().unwrap() {
        assert_eq!(&shown["comment"][field], value, "{field}");
    }
    assert_eq!(shown["verdict"]["decided_at"], "2026-01-02T03:04:05Z");
    assert_eq!(shown["history"], json!([]));
}

#[tokio::test]
async fn a_repeat_is_the_same_comment() {
    let hamlet = Hamlet::start().await;
    let submit = async |body: Value, headers: &[&str]| {
        hamlet.json(KEY, "POST", "/v1/comments", headers, body.to_string().as_bytes()).await
    };
    // By the CMS's own id; an edited text does not make it another comment.
    let first = submit(json!({"content": "a", "external_id": "c-1"}), &[]).await.json();
    let again = submit(json!({"content": "b", "external_id": "c-1"}), &[]).await;
    assert!([200, 202].contains(&again.status), "{again:?}");
    assert_eq!(again.json()["id"], first["id"]);

    // By key.
    let key = &["Idempotency-Key: 550e8400-e29b"];
    let first = submit(json!({"content": "a"}), key).await.json();
    let id = first["id"].as_str().unwrap();
    hamlet.decided(id).await;
    let again = submit(json!({"content": "a"}), key).await;
    assert_eq!((again.status, again.json()), (200, json!({"id": id, "status": "decided"})));
    check_refused(&submit(json!({"content": "b"}), key).await, 409, "conflict", "");

    // A check with that key tells the verdict that was kept.
    let checked = hamlet.json(KEY, "POST", "/v1/comments/check", key, br#"{"content":"a"}"#).await.json();
    assert_eq!(checked["id"], id);

    // The same key at another site is another comment.
    let other = hamlet.json(APPROVING, "POST", "/v1/comments", key, br#"{"content":"b"}"#).await;
    assert_eq!(other.status, 202);

    for wrong in ["Idempotency-Key: ", "Idempotency-Key: a b", "Idempotency-Key: سلام"] {
        check_refused(&submit(json!({"content": "a"}), &[wrong]).await, 400, "malformed-header", "visible ASCII");
    }
    let long = format!("Idempotency-Key: {}", "a".repeat(256));
    check_refused(&submit(json!({"content": "a"}), &[&long]).await, 400, "malformed-header", "1 to 255");
}

#[tokio::test]
async fn many_repeats_at_once_are_one_comment() {
    let hamlet = Arc::new(Hamlet::start().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let hamlet = Arc::clone(&hamlet);
        tasks.spawn(async move {
            let key = &["Idempotency-Key: once"];
            hamlet.json(KEY, "POST", "/v1/comments", key, br#"{"content":"a"}"#).await.json()["id"].clone()
        });
    }
    let ids: Vec<Value> = tasks.join_all().await;
    assert!(ids.iter().all(|id| *id == ids[0] && id.is_string()), "{ids:?}");
}

#[tokio::test]
async fn a_check_answers_with_the_verdict() {
    let hamlet = Hamlet::start().await;
    let verdict = hamlet.check(&json!({"content": "hello"})).await;
    for field in ["id", "decision", "score", "evidence", "tokens", "thresholds", "reason", "model", "rules", "micros"] {
        assert!(!verdict[field].is_null(), "{field}: {verdict}");
    }
    assert_eq!(verdict["thresholds"], json!({"hold": 0.5, "spam": 0.95, "discard": null}));
    let shown = hamlet.show(verdict["id"].as_str().unwrap()).await;
    assert_eq!(shown["status"], "decided");
    assert_eq!(shown["verdict"]["score"], verdict["score"]);

    let dry = hamlet.post("/v1/comments/check?dry_run=true", &json!({"content": "hello", "external_id": "x"})).await;
    assert_eq!(dry.status, 200);
    assert_eq!(dry.json()["id"], Value::Null);
    assert_eq!(dry.json()["decision"], verdict["decision"]);
    let kept = hamlet.post("/v1/comments", &json!({"content": "hello", "external_id": "x"})).await;
    assert_eq!(kept.status, 202, "the dry run kept nothing: {kept:?}");
}

#[tokio::test]
async fn people_have_the_last_word() {
    let hamlet = Hamlet::start().await;
    let id = hamlet.submit("hello").await;
    let label = async |body: Value| hamlet.post(&format!("/v1/comments/{id}/label"), &body).await;
    let decide = async |body: Value| hamlet.post(&format!("/v1/comments/{id}/decision"), &body).await;

    let verdict = label(json!({"label": "spam", "by": "ann"})).await;
    assert_eq!((verdict.status, verdict.json()["decision"].clone()), (200, json!("spam")));
    assert_eq!(verdict.json()["id"], id);
    assert_eq!(decide(json!({"decision": "approve"})).await.json()["decision"], "approve");
    assert_eq!(decide(json!({"decision": "approve"})).await.status, 200, "twice is harmless");

    let shown = hamlet.show(&id).await;
    assert_eq!(shown["status"], "decided");
    assert_eq!(shown["verdict"]["decision"], "approve");
    let history = shown["history"].as_array().unwrap();
    assert_eq!(history.len(), 2, "{shown}");
    assert_eq!(
        (&history[0]["label"], &history[0]["by"], &history[0]["via"]),
        (&json!("spam"), &json!("ann"), &json!("api"))
    );
    assert_eq!((&history[1]["decision"], &history[1]["by"]), (&json!("approve"), &json!("default")));

    check_refused(&label(json!({"label": "eggs"})).await, 422, "invalid-field", "unknown variant `eggs`");
    check_refused(&label(json!({"lable": "ham"})).await, 422, "unknown-field", "did you mean `label`?");
    check_refused(&label(json!({})).await, 422, "invalid-field", "missing field `label`");
    check_refused(&label(json!({"label": "ham", "by": "a".repeat(2000)})).await, 422, "field-too-long", "`by`");
    check_refused(&decide(json!({"decision": "discard"})).await, 422, "invalid-field", "approve, hold or spam");
    let unknown = hamlet.post("/v1/comments/01ARZ3NDEKTSV4RRFFQ69G5FAV/label", &json!({"label": "ham"})).await;
    check_refused(&unknown, 404, "not-found", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
}

#[tokio::test]
async fn a_site_sees_its_own_comments_only() {
    let hamlet = Hamlet::start().await;
    let id = hamlet.submit("hello").await;
    let path = format!("/v1/comments/{id}");
    check_refused(&hamlet.json(APPROVING, "GET", &path, &[], b"").await, 404, "not-found", &id);
    let label = format!("{path}/label");
    let reply = hamlet.json(APPROVING, "POST", &label, &[], br#"{"label":"spam"}"#).await;
    check_refused(&reply, 404, "not-found", &id);
    assert_eq!(hamlet.get(&path).await.status, 200);
    for path in ["/v1/comments/1", "/v1/comments/%FF", "/v1/comments/01ARZ3NDEKTSV4RRFFQ69G5FAU!"] {
        check_refused(&hamlet.get(path).await, 404, "not-found", "no comment id");
    }
}

#[tokio::test]
async fn only_a_site_with_its_key_may_knock() {
    let hamlet = Hamlet::start().await;
    let reply = hamlet.json("ffffffffffff", "POST", "/v1/comments", &[], br#"{"content":"a"}"#).await;
    check_refused(&reply, 401, "key-unknown", "hamlet key list");
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"hamlet\", error=\"invalid_token\""));
    for header in ["X: y", "Authorization: Basic YTpi", "Authorization: Bearer", "Authorization: \u{e9}"] {
        let request = format!("GET /v1/comments/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n\r\n");
        let reply = hamlet.raw(request.as_bytes()).await;
        check_refused(&reply, 401, "key-missing", "Authorization: Bearer <key>");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"hamlet\""));
    }
    let request =
        format!("GET /v1/comments/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: bearer {KEY}\r\n\r\n");
    assert_eq!(hamlet.raw(request.as_bytes()).await.status, 404, "the scheme's case is free");
}

#[tokio::test]
async fn a_mistake_is_told_with_its_mend() {
    let hamlet = Hamlet::start().await;
    for path in ["/v1/comments", "/v1/comments/check"] {
        let post = async |body: &[u8]| hamlet.json(KEY, "POST", path, &[], body).await;
        check_refused(&post(b"").await, 400, "malformed-body", "send a JSON object");
        check_refused(&post(b"{\"content\": \"a\"").await, 400, "malformed-body", "line 1 column 15");
        check_refused(&post(b"{\"content\": \"\xC3\x28\"}").await, 400, "malformed-body", "line 1");
        check_refused(&post(br#"{"contents": "a"}"#).await, 422, "unknown-field", "did you mean `content`?");
        check_refused(&post(br#"{"content": null}"#).await, 422, "invalid-field", "`content`");
        check_refused(&post(br#"{"content":"a","form_seconds":-1}"#).await, 422, "invalid-field", "`form_seconds`");
        let long = json!({"content": "a".repeat(1024 * 1024 + 1)}).to_string();
        check_refused(&post(long.as_bytes()).await, 422, "field-too-long", "`content` has 1048577 bytes");
        let form = hamlet.json(KEY, "POST", path, &["Content-Type: text/xml"], b"<a/>").await;
        assert_eq!(form.status, 400, "of two types the JSON one counts: {form:?}");
    }
}

#[tokio::test]
async fn the_daemon_says_how_it_is() {
    let hamlet = Hamlet::start().await;
    assert_eq!(hamlet.get("/healthz").await.status, 200);
    let ready = hamlet.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["store"]), (200, &json!("ok")));
    assert!(ready.json()["model"].is_string());
    assert_eq!(ready.json()["queue"]["decisions"], 0);
    assert!(hamlet.get("/").await.text().contains("Hamlet"));

    check_refused(&hamlet.get("/v2/comments").await, 404, "not-found", "GET /");
    let wrong = hamlet.json(KEY, "DELETE", "/v1/comments", &[], b"").await;
    check_refused(&wrong, 405, "method-not-allowed", "DELETE");
    assert_eq!(wrong.header("allow"), Some("GET,HEAD,POST"));

    hamlet.pipeline.store.close().await;
    assert_eq!(hamlet.get("/healthz").await.status, 200);
    let ready = hamlet.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("not ready")));
    let refused = hamlet.post("/v1/comments", &json!({"content": "a"})).await;
    check_refused(&refused, 503, "unavailable", "Try again");
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test]
async fn every_door_counts_its_answers() {
    let hamlet = Hamlet::start().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let settings = hamlet::http::Settings::default();
    let router = metrics::with_local_recorder(&recorder, || {
        hamlet::http::router(Arc::clone(&hamlet.pipeline), &settings, Some(recorder.handle()))
    });
    let ask = async |request: Request<Body>| {
        let response = router.clone().oneshot(request).await.unwrap();
        String::from_utf8(axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
    };
    ask(Request::post("/v1/comments").body(Body::empty()).unwrap()).await;
    ask(Request::get("/v1/comments/1").body(Body::empty()).unwrap()).await;
    ask(Request::post("/1.2/verify-key/").body(Body::empty()).unwrap()).await;
    let shown = ask(Request::get("/metrics").body(Body::empty()).unwrap()).await;
    for line in [
        "hamlet_http_requests_total{door=\"/v1/comments\",status=\"4xx\"} 1",
        "hamlet_http_requests_total{door=\"/v1/comments/{id}\",status=\"4xx\"} 1",
        "hamlet_http_requests_total{door=\"/1.1/verify-key\",status=\"2xx\"} 1",
        "hamlet_http_request_seconds_count{door=\"/v1/comments\"} 1",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}

#[tokio::test]
async fn a_key_opens_only_the_doors_of_its_scopes() {
    let hamlet = Hamlet::start().await;
    let site = hamlet.pipeline.site_named("default").unwrap().id;
    let soon: jiff::Timestamp = "2026-01-02T03:04:06Z".parse().unwrap();
    for (site, key, scopes, expires_at) in [
        (Some(site), "reader", "read", None),
        (Some(site), "sender", "check", None),
        (Some(site), "passing", "check,submit,read,admin", Some(soon)),
        (None, "operator", "check,submit,read,admin", None),
    ] {
        let (name, scopes, hash) = (String::new(), scopes.parse().unwrap(), hamlet::pipeline::key_hash(key));
        let key = hamlet::key::NewKey { site, name, scopes, hash, expires_at };
        hamlet.pipeline.store.add_key(key, soon).await.unwrap();
    }
    hamlet.pipeline.set_directory(hamlet.pipeline.store.directory().await.unwrap());
    let body = json!({"content": "hello"}).to_string();
    let submit = async |key: &str, query: &str| {
        hamlet.json(key, "POST", &format!("/v1/comments{query}"), &[], body.as_bytes()).await
    };
    let sent = submit("sender", "").await;
    assert_eq!(sent.status, 202, "{sent:?}");
    let path = format!("/v1/comments/{}", sent.json()["id"].as_str().unwrap());
    check_refused(&submit("reader", "").await, 403, "scope-missing", "`check`");
    check_refused(&hamlet.json("sender", "GET", &path, &[], b"").await, 403, "scope-missing", "`read`");
    assert_eq!(hamlet.json("reader", "GET", &path, &[], b"").await.status, 200);
    let label = json!({"label": "ham"}).to_string();
    let labelled = hamlet.json("reader", "POST", &format!("{path}/label"), &[], label.as_bytes()).await;
    check_refused(&labelled, 403, "scope-missing", "`submit`");

    // A key of no site says which one it means, and sees that one only.
    check_refused(&submit("operator", "").await, 422, "invalid-parameter", "?site=NAME");
    check_refused(&submit("operator", "?site=nobody").await, 404, "not-found", "/v1/sites");
    assert_eq!(submit("operator", "?site=default").await.status, 202);
    let elsewhere = hamlet.json("operator", "GET", &format!("{path}?site=holding"), &[], b"").await;
    assert_eq!(elsewhere.status, 404);

    assert_eq!(submit("passing", "").await.status, 202);
    hamlet.clock_hand.store(soon.as_microsecond(), std::sync::atomic::Ordering::Relaxed);
    check_refused(&submit("passing", "").await, 401, "key-unknown", "expired");
}

#[tokio::test]
async fn an_edit_is_judged_anew_and_a_repeat_is_not() {
    let hamlet = Hamlet::start().await;
    let comment = |text: &str| json!({"content": text, "external_id": "wp-7", "author": {"name": "Ann"}});
    let first = hamlet.check(&comment("hello")).await;
    let id = first["id"].as_str().unwrap();
    let labelled = hamlet.post(&format!("/v1/comments/{id}/label"), &json!({"label": "ham"})).await;
    assert_eq!(labelled.status, 200, "{labelled:?}");

    // The same again, from another address: the person's word stands.
    let mut again = comment("hello");
    again["author"]["ip"] = json!("192.0.2.7");
    assert_eq!(hamlet.check(&again).await["reason"], "default said that this is ham.");
    assert_eq!(hamlet.show(id).await["history"].as_array().unwrap().len(), 1);

    // Another text under the same id, by either door: judged by the checks again.
    for (number, path) in ["/v1/comments/check", "/v1/comments"].into_iter().enumerate() {
        let text = format!("hello, edited {number} times");
        let edited = hamlet.post(path, &comment(&text)).await;
        assert_eq!((edited.status, edited.json()["id"].as_str()), (200, Some(id)), "{edited:?}");
        let shown = hamlet.show(id).await;
        assert_eq!(shown["comment"]["content"], text);
        assert_eq!(shown["history"][1 + number]["edit"], shown["verdict"]["decision"], "{shown}");
        assert_ne!(shown["verdict"]["reason"], "default said that this is ham.");
    }
}
