//! The rest of the JSON door: lists, endpoints, deliveries, keys, sites, statistics and batches, as their users call them.

use std::collections::HashSet;
use std::time::Duration;

use hamlet::key::NewKey;
use hamlet::pipeline::key_hash;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{ADMIN, HOLDING, Hamlet, KEY, OPERATOR, Reply};
use crate::receiver::Receiver;

async fn start() -> Hamlet {
    let settings = hamlet::http::Settings { endpoint_addresses: hamlet::webhook::Allow::All, ..Default::default() };
    let hamlet = Hamlet::start_with(settings).await;
    hamlet.with_keys(["test", "test"]).await
}

/// Asks as the site's administrator; the answer's JSON.
async fn admin(hamlet: &Hamlet, line: &str, status: u16, body: &Value) -> Value {
    let reply = hamlet.ask(ADMIN, line, body).await;
    assert_eq!(reply.status, status, "{line}: {reply:?}");
    if reply.body.is_empty() { Value::Null } else { reply.json() }
}

#[track_caller]
fn refused(reply: &Reply, status: u16, kind: &str, part: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{reply:?}");
    assert_eq!(reply.json()["type"], format!("/problems/{kind}"), "{reply:?}");
    assert!(reply.json()["detail"].as_str().unwrap().contains(part), "{reply:?}");
}

/// Waits until the daemon's own worker has done what was asked.
async fn until<F: Future<Output = bool>>(is_done: impl Fn() -> F) {
    for _ in 0..2000 {
        if is_done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it does not happen");
}

// ---- comments ----------------------------------------------------------------------------------------------------

#[tokio::test]
async fn comments_are_listed_filtered_and_found() {
    let hamlet = start().await;
    for (number, text) in ["مرحبا بالعالم", "hello world", "cheap watches https://bit.ly/x"].iter().enumerate()
    {
        let comment = json!({"content": text, "external_id": format!("wp-{number}"), "author": {"name": "Ann"}});
        hamlet.check(&comment).await;
    }
    let list = async |query: &str| {
        let reply = hamlet.get(&format!("/v1/comments?{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {reply:?}");
        let page = reply.json();
        let ids = page["comments"].as_array().unwrap().iter().map(|one| one["comment"]["external_id"].clone());
        (ids.map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>(), page["next_cursor"].clone())
    };
    assert_eq!(list("").await, (vec!["wp-2".into(), "wp-1".into(), "wp-0".into()], Value::Null));
    let (first, cursor) = list("limit=2").await;
    assert_eq!(first, ["wp-2", "wp-1"]);
    let (rest, end) = list(&format!("limit=2&cursor={}", cursor.as_str().unwrap())).await;
    assert_eq!((rest, end), (vec!["wp-0".to_owned()], Value::Null));

    until(|| async { list("q=hello").await.0.len() == 1 }).await;
    assert_eq!(list("q=%D9%85%D8%B1%D8%AD%D8%A8%D8%A7").await.0, ["wp-0"]);
    assert_eq!(list("q=%D9%85%D9%8E%D8%B1%D8%AD%D8%A8%D8%A7").await.0, ["wp-0"], "however it is written");
    assert_eq!(list("q=author:ann&limit=200").await.0.len(), 3);
    assert_eq!(list("symbol=URL_SHORTENER").await.0, ["wp-2"]);
    assert_eq!(list("q=world&symbol=URL_SHORTENER").await.0, Vec::<String>::new());
    assert_eq!(list("decision=approve&from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z").await.0.len(), 2);
    assert_eq!(list("to=2026-01-02T00:00:00Z").await.0.len(), 0);
    assert_eq!(list("status=queued").await.0.len(), 0);
    assert_eq!(list("label=spam").await.0.len(), 0);

    let wrong = async |query: &str, part: &str| {
        let reply = hamlet.get(&format!("/v1/comments?{query}")).await;
        refused(&reply, 422, "invalid-parameter", part);
    };
    wrong("cursor=made-up", "`cursor`").await;
    wrong("cursor=01JXA000000000000000000000", "`cursor`").await;
    wrong("limit=0", "from 1 to 200").await;
    wrong("decision=maybe", "say approve, hold").await;
    wrong("status=lost", "say queued").await;
    wrong("from=yesterday", "yesterday").await;
    wrong("q=-only", "asks for no word").await;
    wrong("q=%22%22", "asks for no word").await;
    wrong("symbol=%00", "written like URL_SHORTENER").await;
    wrong(&format!("q={}", "a".repeat(2000)), "2000 bytes").await;
    let other = hamlet.json(HOLDING, "GET", "/v1/comments?q=hello", &[], b"").await;
    assert_eq!(other.json()["comments"], json!([]), "a site sees its own");
}

#[tokio::test]
async fn a_recheck_uses_the_lists_of_now_and_leaves_a_persons_word() {
    let hamlet = start().await;
    let id =
        hamlet.check(&json!({"content": "hello from ann", "author": {"email": "ann@bad.example"}})).await["id"].clone();
    let path = format!("/v1/comments/{}", id.as_str().unwrap());
    assert_eq!(hamlet.show(id.as_str().unwrap()).await["verdict"]["decision"], "approve");
    admin(&hamlet, "POST /v1/lists", 200, &json!({"list": "block", "match": "email:ann@bad.example"})).await;
    let again = hamlet.post(&format!("{path}/recheck"), &Value::Null).await.json();
    assert_ne!(again["decision"], "approve", "{again}");
    let shown = hamlet.show(id.as_str().unwrap()).await;
    assert_eq!(shown["history"][0]["recheck"], again["decision"]);
    assert_eq!(shown["history"][0]["before"], "approve");

    let decided = hamlet.post(&format!("{path}/decision"), &json!({"decision": "approve", "by": "bob"})).await.json();
    assert_eq!(decided["for_commenter"]["status"], "approved", "{decided}");
    let kept = hamlet.post(&format!("{path}/recheck"), &Value::Null).await.json();
    assert_eq!((&kept["decision"], &kept["reason"]), (&json!("approve"), &json!("bob decided: approve.")));
    let told = json!({"status": "approved", "language": "en", "message": "Your comment is published."});
    assert_eq!(kept["for_commenter"], told);
    assert_eq!(hamlet.show(id.as_str().unwrap()).await["for_commenter"], told);
    assert_eq!(hamlet.show(id.as_str().unwrap()).await["history"].as_array().unwrap().len(), 2);
    let nobody = hamlet.post("/v1/comments/01JXA000000000000000000000/recheck", &Value::Null).await;
    refused(&nobody, 404, "not-found", "There is no comment");
}

#[tokio::test]
async fn a_batch_answers_line_by_line() {
    let hamlet = start().await;
    let lines = [
        r#"{"content":"one","external_id":"1"}"#,
        "",
        r#"{"content":"two"#,
        r#"{"content":"three","auther":{}}"#,
        r#"{"content":"one","external_id":"1"}"#,
        r#"{"content":"four","form_seconds":-1}"#,
        r#"{"content":"five"}"#,
    ];
    let send = async |body: &str, headers: &[&str]| {
        hamlet.json(KEY, "POST", "/v1/comments/batch", headers, body.as_bytes()).await
    };
    let reply = send(&lines.join("\n"), &[]).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/x-ndjson")), "{reply:?}");
    let answers: Vec<Value> = reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = answers
        .iter()
        .map(|answer| (answer["line"].as_u64().unwrap(), answer["error"]["type"].as_str().unwrap_or("kept")))
        .collect();
    assert_eq!(
        told,
        [
            (1, "kept"),
            (3, "/problems/malformed-body"),
            (4, "/problems/unknown-field"),
            (5, "kept"),
            (6, "/problems/invalid-field"),
            (7, "kept"),
        ]
    );
    assert_eq!(answers[0]["id"], answers[3]["id"], "the same external id is the same comment");
    assert!(answers[2]["error"]["detail"].as_str().unwrap().contains("did you mean `author`?"));
    hamlet.decided(answers[5]["id"].as_str().unwrap()).await;

    // The same batch again, under a key, is the same comments.
    let two = "{\"content\":\"a\"}\n{\"content\":\"b\"}\r\n";
    let ids = async || {
        let reply = send(two, &["Idempotency-Key: k1"]).await;
        reply.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect::<Vec<_>>()
    };
    let first = ids().await;
    assert_eq!((first.len(), ids().await), (2, first));

    refused(&send("", &[]).await, 400, "malformed-body", "no line");
    refused(&send("\n\n \n", &[]).await, 400, "malformed-body", "no line");
    let reader = hamlet.json("nobody", "POST", "/v1/comments/batch", &[], b"{}").await;
    refused(&reader, 401, "key-unknown", "not known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_lines_with_one_broken_in_the_middle_lose_that_one_only() {
    let settings = hamlet::http::Settings { request_timeout: Duration::from_secs(300), ..Default::default() };
    let hamlet = Hamlet::start_with(settings).await;
    let lines = (0..100_001).map(|number| if number == 50_000 { "{broken\n" } else { "{\"content\":\"\"}\n" });
    let mut connection = tokio::net::TcpStream::connect(hamlet.address).await.unwrap();
    let body: String = lines.collect();
    let head = format!(
        "POST /v1/comments/batch HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(body.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let reply = Reply::read(&answer);
    assert_eq!(reply.status, 200, "{} bytes", reply.body.len());
    let answers: Vec<Value> = reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 100_001);
    let bad: Vec<_> =
        answers.iter().filter(|answer| answer.get("id").is_none()).map(|answer| &answer["line"]).collect();
    assert_eq!(bad, [&json!(50_001), &json!(100_001)], "the broken one, and the one beyond the limit");
    let ids: HashSet<_> = answers.iter().filter_map(|answer| answer["id"].as_str()).collect();
    assert_eq!(ids.len(), 99_999);
}

// ---- endpoints and deliveries ------------------------------------------------------------------------------------

#[tokio::test]
async fn an_endpoint_is_added_changed_tested_rotated_and_removed() {
    let hamlet = start().await;
    let new = json!({"url": "https://cms.example/hamlet", "events": ["comment.redecided"]});
    let added = admin(&hamlet, "POST /v1/endpoints", 201, &new).await;
    let (id, secret) = (added["id"].as_str().unwrap().to_owned(), added["secret"].as_str().unwrap());
    assert!(secret.starts_with("whsec_"), "{added}");
    assert_eq!(added["events"], json!(["comment.redecided"]));
    let listed = hamlet.get("/v1/endpoints").await;
    assert!(!listed.text().contains("whsec_"), "a secret is shown once");
    assert_eq!(listed.json()["endpoints"][0]["id"], added["id"]);

    let path = format!("/v1/endpoints/{id}");
    let changed = admin(&hamlet, &format!("PATCH {path}"), 200, &json!({"events": null, "enabled": false})).await;
    assert_eq!((changed.get("events"), &changed["disabled"]), (None, &json!("switched off by the API")));
    let test = hamlet.ask(ADMIN, &format!("POST {path}/test"), &Value::Null).await;
    refused(&test, 409, "conflict", "enable it first");
    let changed = admin(&hamlet, &format!("PATCH {path}"), 200, &json!({"enabled": true})).await;
    assert_eq!(changed.get("disabled"), None);
    let sent = admin(&hamlet, &format!("POST {path}/test"), 202, &Value::Null).await;
    assert!(sent["message_id"].as_str().unwrap().starts_with("msg_"));
    let rotated = admin(&hamlet, &format!("POST {path}/rotate-secret"), 200, &Value::Null).await;
    assert_ne!(rotated["secret"], added["secret"]);

    let wrong = async |line: &str, body: Value, status, kind: &str, part: &str| {
        refused(&hamlet.ask(ADMIN, line, &body).await, status, kind, part);
    };
    wrong("POST /v1/endpoints", json!({"url": "ftp://x.example"}), 422, "invalid-field", "https://").await;
    wrong(
        "POST /v1/endpoints",
        json!({"url": "https://x.example", "events": ["x"]}),
        422,
        "invalid-field",
        "`events[0]`",
    )
    .await;
    wrong("POST /v1/endpoints", json!({"uri": "https://x.example"}), 422, "unknown-field", "did you mean `url`?").await;
    wrong(&format!("PATCH {path}"), json!({"url": "https://u:p@x.example"}), 422, "invalid-field", "user name").await;
    wrong("GET /v1/endpoints/ep_none", Value::Null, 404, "not-found", "endpoint").await;
    refused(&hamlet.post("/v1/endpoints", &new).await, 403, "scope-missing", "`admin`");
    let elsewhere = hamlet.ask(OPERATOR, &format!("GET {path}?site=holding"), &Value::Null).await;
    refused(&elsewhere, 404, "not-found", "endpoint");

    admin(&hamlet, &format!("DELETE {path}"), 204, &Value::Null).await;
    wrong(&format!("DELETE {path}"), Value::Null, 404, "not-found", "endpoint").await;
}

#[tokio::test]
async fn private_endpoints_are_refused_unless_allowed() {
    let hamlet = Hamlet::start().await;
    let site = hamlet.pipeline.site_named("default").unwrap().id;
    let (scopes, hash) = ("admin".parse().unwrap(), key_hash(ADMIN));
    let key = NewKey { site: Some(site), name: String::new(), scopes, hash, expires_at: None };
    hamlet.pipeline.store.add_key(key, hamlet.pipeline.clock.now()).await.unwrap();
    hamlet.pipeline.refresh().await.unwrap();
    for url in
        ["http://127.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/", "http://0x7f.1/", "http://localhost/"]
    {
        let reply = hamlet.ask(ADMIN, "POST /v1/endpoints", &json!({"url": url})).await;
        refused(&reply, 422, "invalid-field", "allow_private_addresses");
    }
}

#[tokio::test]
async fn deliveries_are_logged_and_sent_again() {
    let hamlet = start().await;
    let cms = Receiver::listening().await;
    let added = admin(&hamlet, "POST /v1/endpoints", 201, &json!({"url": cms.url()})).await;
    let endpoint = added["id"].as_str().unwrap();
    let id = hamlet.check(&json!({"content": "hello"})).await["id"].as_str().unwrap().to_owned();
    // The worker of the harness sends to public addresses only: every attempt fails, and is logged.
    let deliveries =
        async |query: &str| admin(&hamlet, &format!("GET /v1/deliveries?{query}"), 200, &Value::Null).await;
    until(|| async { deliveries("").await["deliveries"][0]["attempts"] == 1 }).await;
    let listed = deliveries(&format!("comment={id}&endpoint={endpoint}&state=pending")).await;
    let delivery = &listed["deliveries"][0];
    assert_eq!((&delivery["type"], &delivery["comment"]), (&json!("comment.decided"), &json!(id)));
    let number = delivery["id"].as_i64().unwrap();
    until(|| async {
        let shown = admin(&hamlet, &format!("GET /v1/deliveries/{number}"), 200, &Value::Null).await;
        shown["attempts_made"][0]["error"].as_str().is_some_and(|error| error.contains("loopback"))
    })
    .await;
    let retried = admin(&hamlet, &format!("POST /v1/deliveries/{number}/retry"), 202, &Value::Null).await;
    assert_eq!(retried, json!({"retried": 1}));
    until(|| async {
        let shown = admin(&hamlet, &format!("GET /v1/deliveries/{number}"), 200, &Value::Null).await;
        shown["attempts_made"].as_array().unwrap().len() == 2
    })
    .await;
    let range = json!({"endpoint": endpoint, "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"});
    let retried = admin(&hamlet, "POST /v1/deliveries/retry", 202, &range).await;
    assert_eq!(retried, json!({"retried": 0}), "nothing was given up");

    let wrong = async |line: &str, body: Value, status, kind: &str, part: &str| {
        refused(&hamlet.ask(ADMIN, line, &body).await, status, kind, part);
    };
    wrong("POST /v1/deliveries/retry", json!({}), 422, "invalid-field", "Say which").await;
    wrong("POST /v1/deliveries/retry", json!({"from": "x"}), 422, "invalid-field", "`from`").await;
    wrong("GET /v1/deliveries?cursor=x", Value::Null, 422, "invalid-parameter", "`cursor`").await;
    wrong("GET /v1/deliveries?state=lost", Value::Null, 422, "invalid-parameter", "say pending").await;
    wrong("GET /v1/deliveries/4711", Value::Null, 404, "not-found", "delivery 4711").await;
    wrong("GET /v1/deliveries/x", Value::Null, 404, "not-found", "no such thing").await;
    wrong("POST /v1/deliveries/4711/retry", Value::Null, 404, "not-found", "delivery 4711").await;
    let elsewhere = hamlet.ask(OPERATOR, &format!("GET /v1/deliveries/{number}?site=holding"), &Value::Null).await;
    refused(&elsewhere, 404, "not-found", "delivery");
}

// ---- lists, keys, sites, statistics ------------------------------------------------------------------------------

#[tokio::test]
async fn list_entries_count_from_the_next_comment_on() {
    let hamlet = start().await;
    let entry = json!({"list": "block", "match": "domain:Spam.example", "reason": "three waves", "expires_at": "2030-01-01T00:00:00Z"});
    let entries = admin(&hamlet, "POST /v1/lists", 200, &entry).await;
    assert_eq!(entries["entries"][0]["match"], "domain:spam.example");
    let comment = json!({"content": "see https://www.spam.example/x"});
    let verdict = hamlet.check(&comment).await;
    assert_ne!(verdict["decision"], "approve", "{verdict}");
    // The newer word on a pattern replaces the older.
    let entry = json!({"list": "allow", "match": "domain:spam.example"});
    let entries = admin(&hamlet, "POST /v1/lists", 200, &entry).await;
    assert_eq!((entries["entries"].as_array().unwrap().len(), &entries["entries"][0]["list"]), (1, &json!("allow")));
    let removed = admin(&hamlet, "DELETE /v1/lists?match=domain:spam.example", 200, &Value::Null).await;
    assert_eq!(removed, json!({"entries": []}));
    assert_eq!(admin(&hamlet, "GET /v1/lists", 200, &Value::Null).await, json!({"entries": []}));

    let wrong = async |line: &str, body: Value, status, kind: &str, part: &str| {
        refused(&hamlet.ask(ADMIN, line, &body).await, status, kind, part);
    };
    wrong("POST /v1/lists", json!({"list": "block", "match": "x"}), 422, "invalid-field", "email:…").await;
    wrong("POST /v1/lists", json!({"list": "grey", "match": "ip:1.2.3.4"}), 422, "invalid-field", "`list`").await;
    let past = json!({"list": "block", "match": "ip:192.0.2.1", "expires_at": "2020-01-01T00:00:00Z"});
    wrong("POST /v1/lists", past, 422, "invalid-field", "in the past").await;
    let long = json!({"list": "block", "match": format!("phrase:{}", "a".repeat(2000))});
    wrong("POST /v1/lists", long, 422, "field-too-long", "`match`").await;
    wrong("DELETE /v1/lists", Value::Null, 422, "invalid-parameter", "?match=").await;
    wrong("DELETE /v1/lists?match=domain:other.example", Value::Null, 404, "not-found", "entry").await;
    refused(&hamlet.get("/v1/keys").await, 403, "scope-missing", "`admin`");
}

#[tokio::test]
async fn keys_are_made_rotated_and_removed_by_api() {
    let hamlet = start().await;
    let made = admin(&hamlet, "POST /v1/keys", 201, &json!({"scopes": ["read"], "name": "page"})).await;
    let (id, key) = (made["id"].as_i64().unwrap(), made["api_key"].as_str().unwrap().to_owned());
    assert_eq!(hamlet.ask(&key, "GET /v1/endpoints", &Value::Null).await.status, 200, "it works at once");
    let rotated = admin(&hamlet, &format!("POST /v1/keys/{id}/rotate"), 201, &json!({"overlap_s": 60})).await;
    let new = rotated["api_key"].as_str().unwrap();
    assert_eq!((&rotated["scopes"], &rotated["name"]), (&json!(["read"]), &json!("page")));
    for key in [key.as_str(), new] {
        assert_eq!(hamlet.ask(key, "GET /v1/endpoints", &Value::Null).await.status, 200);
    }
    hamlet.clock_hand.fetch_add(61_000_000, std::sync::atomic::Ordering::Relaxed);
    refused(&hamlet.ask(&key, "GET /v1/endpoints", &Value::Null).await, 401, "key-unknown", "expired");
    let listed = admin(&hamlet, "GET /v1/keys", 200, &Value::Null).await;
    assert_eq!(listed["keys"].as_array().unwrap().len(), 4);
    assert!(!listed.to_string().contains(new), "a key is shown once");
    admin(&hamlet, &format!("DELETE /v1/keys/{}", rotated["id"]), 204, &Value::Null).await;
    refused(&hamlet.ask(new, "GET /v1/endpoints", &Value::Null).await, 401, "key-unknown", "not known");

    let wrong = async |line: &str, body: Value, status, kind: &str, part: &str| {
        refused(&hamlet.ask(ADMIN, line, &body).await, status, kind, part);
    };
    wrong("POST /v1/keys", json!({"scopes": []}), 422, "invalid-field", "at least one").await;
    wrong("POST /v1/keys", json!({"scopes": ["root"]}), 422, "invalid-field", "`scopes[0]`").await;
    wrong("DELETE /v1/keys/4711", Value::Null, 404, "not-found", "key 4711").await;
    let holding = Some(hamlet.pipeline.site_named("holding").unwrap().id);
    let keys = hamlet.pipeline.store.directory().await.unwrap().keys;
    let foreign = keys.iter().find(|key| key.site == holding).unwrap().id;
    wrong(&format!("DELETE /v1/keys/{foreign}"), Value::Null, 404, "not-found", "key").await;
}

#[tokio::test]
async fn an_operator_makes_and_removes_sites() {
    let hamlet = start().await;
    let operator = async |line: &str, status: u16, body: Value| {
        let reply = hamlet.ask(OPERATOR, line, &body).await;
        assert_eq!(reply.status, status, "{line}: {reply:?}");
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    };
    let made = operator(
        "POST /v1/sites",
        201,
        json!({"name": "shop", "url": "https://shop.example/", "shadow": true, "language": "ar"}),
    )
    .await;
    let key = made["api_key"].as_str().unwrap();
    assert!(key.len() == 12 && made["shadow"] == true, "{made}");
    let body = json!({"content": "hello"});
    assert_eq!(hamlet.ask(key, "POST /v1/comments/check", &body).await.status, 200, "it works at once");
    assert_eq!(made["language"], "ar");
    let reason = hamlet.ask(key, "POST /v1/comments/check", &body).await.json()["reason"].clone();
    assert!(reason.as_str().unwrap().starts_with("قُبل: "), "{reason}");
    let told = hamlet.ask(key, "POST /v1/comments/check?dry_run", &body).await.json()["for_commenter"].clone();
    assert_eq!(told, json!({"status": "approved", "language": "ar", "message": "نُشر تعليقك."}));
    let auto = operator("PATCH /v1/sites/shop", 200, json!({"language": null})).await;
    assert_eq!(auto.get("language"), None);
    let german = json!({"content": "hello", "lang": "de_DE"});
    let reason = hamlet.ask(key, "POST /v1/comments/check", &german).await.json()["reason"].clone();
    assert!(reason.as_str().unwrap().starts_with("Freigegeben: "), "{reason}");
    let thresholds = json!({"hold": 0.4, "spam": 0.9, "discard": null});
    let changed = operator("PATCH /v1/sites/shop", 200, json!({"name": "store", "thresholds": thresholds})).await;
    assert_eq!(
        (&changed["name"], &changed["thresholds"], &changed["shadow"]),
        (&json!("store"), &thresholds, &json!(true))
    );
    assert_eq!(operator("GET /v1/sites/store", 200, Value::Null).await, changed);
    assert_eq!(operator("GET /v1/sites", 200, Value::Null).await["sites"].as_array().unwrap().len(), 5);
    operator("DELETE /v1/sites/store", 204, Value::Null).await;
    refused(&hamlet.ask(key, "POST /v1/comments/check", &body).await, 401, "key-unknown", "not known");

    let wrong = async |line: &str, body: Value, status, kind: &str, part: &str| {
        refused(&hamlet.ask(OPERATOR, line, &body).await, status, kind, part);
    };
    wrong("POST /v1/sites", json!({"name": "a b", "url": "https://x.example"}), 422, "invalid-field", "64 letters")
        .await;
    wrong("POST /v1/sites", json!({"name": "x", "url": "x.example"}), 422, "invalid-field", "https://news.example/")
        .await;
    wrong("POST /v1/sites", json!({"name": "default", "url": "https://x.example"}), 409, "conflict", "another name")
        .await;
    let order = json!({"thresholds": {"hold": 0.9, "spam": 0.4, "discard": null}});
    wrong("PATCH /v1/sites/default", order, 422, "invalid-field", "above the spam threshold").await;
    wrong("GET /v1/sites/nobody", Value::Null, 404, "not-found", "site").await;
    let of_site = hamlet.ask(ADMIN, "GET /v1/sites", &Value::Null).await;
    refused(&of_site, 403, "scope-missing", "key of no site");
}

#[tokio::test]
async fn statistics_are_told_by_day_symbol_and_language() {
    let hamlet = start().await;
    for (text, lang) in [("hello", "en-GB"), ("مرحبا", "ar"), ("how are you", "en")] {
        hamlet.check(&json!({"content": text, "lang": lang})).await;
    }
    let id = hamlet.check(&json!({"content": "good day"})).await["id"].as_str().unwrap().to_owned();
    hamlet.post(&format!("/v1/comments/{id}/label"), &json!({"label": "spam"})).await;
    let stats = hamlet.get("/v1/stats").await.json();
    assert_eq!((&stats["from"], &stats["to"]), (&json!("2025-12-04"), &json!("2026-01-02")));
    let expected = json!({"checked": 4, "approved": 4, "held": 0, "spam": 0, "discarded": 0, "missed_spam": 1, "false_positives": 0});
    assert_eq!(stats["totals"], expected);
    let mut day = expected;
    day["day"] = json!("2026-01-02");
    assert_eq!(stats["days"], json!([day]));
    assert_eq!(
        stats["languages"],
        json!([{"name": "en", "count": 2}, {"name": "ar", "count": 1}, {"name": "und", "count": 1}])
    );
    assert!(stats["symbols"].as_array().unwrap().contains(&json!({"name": "BAYES", "count": 4})), "{stats}");
    let nothing = hamlet.get("/v1/stats?from=2025-01-01&to=2025-01-31").await.json();
    assert_eq!((&nothing["totals"]["checked"], &nothing["days"]), (&json!(0), &json!([])));
    refused(&hamlet.get("/v1/stats?from=2026-02-01").await, 422, "invalid-parameter", "days");
    refused(&hamlet.get("/v1/stats?from=0001-01-01").await, 422, "invalid-parameter", "3660");
    refused(&hamlet.get("/v1/stats?to=tomorrow").await, 422, "invalid-parameter", "2026-11-24");
}
