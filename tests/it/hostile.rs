//! Any bytes at any door: a refusal with a reason or a verdict; never a 500, never a panic, never a lost comment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use hamlet::api::hooks::Register;
use hamlet::http::Settings;
use proptest::prelude::*;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use crate::harness::{APPROVING, Hamlet, KEY, Reply};
use crate::hooks;

/// Settings with limits that a test meets soon.
fn narrow() -> Settings {
    Settings {
        header_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(4),
        header_bytes: 16 * 1024,
        ..Settings::default()
    }
}

async fn akismet(hamlet: &Hamlet, content: &str) -> Reply {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([("api_key", KEY), ("blog", "b"), ("user_ip", "192.0.2.1"), ("comment_content", content)]);
    let body = form.finish();
    let head = format!(
        "POST /1.1/comment-check HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    hamlet.raw(format!("{head}{body}").as_bytes()).await
}

/// Both doors judge `content`.
async fn check_judged(hamlet: &Hamlet, content: &str) {
    let started = Instant::now();
    let verdict = hamlet.post("/v1/comments/check", &json!({"content": content, "content_format": "html"})).await;
    assert_eq!(verdict.status, 200, "{verdict:?}");
    let reply = akismet(hamlet, content).await;
    assert!(["true", "false"].contains(&reply.text()), "{reply:?}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn strange_texts_are_judged() {
    let hamlet = Hamlet::start().await;
    let links: String = (0..10_000).map(|n| format!("<a href=\"http://s{n}.example/\">buy</a> ")).collect();
    for content in [
        "",
        "\0\0\0",
        "\u{FEFF}\u{202E}\u{200B}\u{FFFF}\u{10FFFF}",
        &"a".repeat(1_000_000),
        &"سلام ".repeat(50_000),
        &links,
        &"<div>".repeat(100_000),
        &"<".repeat(100_000),
        &"&#x41;".repeat(50_000),
        &"a\u{301}".repeat(100_000),
        &format!("ع{}", "\u{64B}".repeat(100_000)),
        &format!("a{}", "\u{301}".repeat(100_000)),
        &"漢字".repeat(150_000),
        &"ไทย".repeat(100_000),
        &"\u{202E}\u{2067}a\u{202B}".repeat(50_000),
        &"http://s.example/ ".repeat(50_000),
        &"c.a.s.i.n.o ".repeat(50_000),
    ] {
        check_judged(&hamlet, content).await;
    }
}

/// A CMS that cuts a text in the middle of a pictograph sends half of a UTF-16 pair, which no string can hold: refused with
/// a reason, never a failure.
#[tokio::test]
async fn half_a_pair_of_utf_16_is_refused() {
    let hamlet = Hamlet::start().await;
    for content in [r"\ud83d", r"text \ude00 text", r"\ud83d\ud83d", r"\udc00\ud800"] {
        let body = format!(r#"{{"content":"{content}"}}"#);
        let head = format!(
            "POST /v1/comments/check HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let reply = hamlet.raw(format!("{head}{body}").as_bytes()).await;
        assert!((400..500).contains(&reply.status), "{content}: {reply:?}");
    }
    let whole = hamlet.post("/v1/comments/check", &json!({"content": "😀 whole"})).await;
    assert_eq!(whole.status, 200);
}

#[tokio::test]
async fn bodies_of_any_size_get_an_answer() {
    let hamlet = Hamlet::start().await;
    let two = json!({"content": "a".repeat(2_000_000)});
    assert_eq!(hamlet.post("/v1/comments", &two).await.status, 422);
    assert_eq!(akismet(&hamlet, &"a".repeat(2_000_000)).await.status, 200, "its clients cannot be told: it is cut");

    let ten = json!({"content": "a".repeat(10_000_000)});
    let reply = hamlet.post("/v1/comments", &ten).await;
    assert_eq!((reply.status, &reply.json()["type"]), (413, &json!("/problems/body-too-large")));
    let reply = akismet(&hamlet, &"a".repeat(10_000_000)).await;
    assert_eq!((reply.status, reply.text()), (413, ""));
    assert!(reply.header("x-akismet-guid").is_some(), "so that the plugin holds the comment");

    // Too large, and it would be said only at the end.
    let head = format!(
        "POST /v1/comments HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let chunk = format!("100000\r\n{}\r\n", "a".repeat(0x0010_0000));
    let reply = hamlet.raw(format!("{head}{}0\r\n\r\n", chunk.repeat(6)).as_bytes()).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn bodies_come_in_pieces_and_after_asking() {
    let hamlet = Hamlet::start().await;
    let head =
        format!("POST /v1/comments/check HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n");
    let pieces = "c\r\n{\"content\": \r\n4\r\n\"a\"}\r\n0\r\n\r\n";
    let reply = hamlet.raw(format!("{head}Transfer-Encoding: chunked\r\n\r\n{pieces}").as_bytes()).await;
    assert_eq!(reply.status, 200, "{reply:?}");

    // Expect: 100-continue. What is too large is refused before it is sent.
    let mut stream = TcpStream::connect(hamlet.address).await.unwrap();
    stream.write_all(format!("{head}Expect: 100-continue\r\nContent-Length: 15\r\n\r\n").as_bytes()).await.unwrap();
    let mut leave = [0; 25];
    stream.read_exact(&mut leave).await.unwrap();
    assert_eq!(&leave, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(br#"{"content":"a"}"#).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Reply::read(&answer).status, 200);
    let reply = hamlet.raw(format!("{head}Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n").as_bytes()).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn lies_about_length_and_framing_are_refused() {
    let hamlet = Hamlet::start_with(narrow()).await;
    let head = format!("POST /v1/comments HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\n");
    let body = r#"{"content":"a"}"#;
    for (lines, rest, status) in [
        ("Content-Length: 15\r\n", format!("{body}and more"), 202),
        ("Content-Length: 4\r\n", body.to_owned(), 400),
        ("Content-Length: 99\r\n", body.to_owned(), 408),
        ("Content-Length: -1\r\n", body.to_owned(), 400),
        ("Content-Length: 15\r\nContent-Length: 16\r\n", body.to_owned(), 400),
        ("Transfer-Encoding: chunked\r\n", format!("zz\r\n{body}"), 400),
        ("Transfer-Encoding: chunked\r\n", format!("fffffffffffffffff\r\n{body}"), 400),
        ("Content-Length: 15\r\nTransfer-Encoding: chunked\r\n", body.to_owned(), 400),
        ("", String::new(), 400),
    ] {
        let reply = hamlet.raw(format!("{head}{lines}\r\n{rest}").as_bytes()).await;
        assert_eq!(reply.status, status, "{lines:?} {rest:?}: {reply:?}");
    }
}

#[tokio::test]
async fn heads_are_bounded_in_size_and_time() {
    let hamlet = Hamlet::start_with(narrow()).await;
    let large = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(64 * 1024));
    assert_eq!(hamlet.raw(large.as_bytes()).await.status, 431);
    let many: String = (0..500).map(|n| format!("X-{n}: y\r\n")).collect();
    assert_eq!(hamlet.raw(format!("GET /healthz HTTP/1.1\r\n{many}\r\n").as_bytes()).await.status, 431);
    for garbage in
        [b"\0\0\0\0\r\n\r\n".as_slice(), b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", "سلام\r\n\r\n".as_bytes()]
    {
        let reply = hamlet.raw(garbage).await;
        assert_eq!(reply.status, 400, "{}", garbage.escape_ascii());
    }

    // A byte now and then does not keep a connection; nor does silence.
    for first in [b"GET /healthz HT".as_slice(), b""] {
        let mut stream = TcpStream::connect(hamlet.address).await.unwrap();
        stream.write_all(first).await.unwrap();
        let started = Instant::now();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(started.elapsed() < Duration::from_secs(9));
    }

    // A body that never comes.
    let head = format!("POST /1.1/comment-check HTTP/1.1\r\nHost: {KEY}.rest.akismet.com\r\nContent-Length: 9\r\n");
    let reply = hamlet.raw(format!("{head}Connection: close\r\n\r\nblog").as_bytes()).await;
    assert_eq!((reply.status, reply.text()), (408, ""));
    assert!(reply.header("x-akismet-guid").is_some());
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let hamlet = Hamlet::start().await;
    let body = r#"{"content":"a"}"#;
    let request =
        format!("POST /v1/comments/check HTTP/1.0\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 15\r\n\r\n{body}");
    assert_eq!(hamlet.raw(request.as_bytes()).await.status, 200);
    assert_eq!(hamlet.raw(b"GET /healthz HTTP/1.0\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let hamlet = Hamlet::start().await;
    let one = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(hamlet.address).await.unwrap();
    stream.write_all(format!("{}{last}", one.repeat(50)).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answers = String::from_utf8(answer).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 50);
    assert_eq!(answers.matches("HTTP/1.1 404 Not Found").count(), 1);
}

#[tokio::test]
async fn too_much_at_once_is_sent_away() {
    let hamlet = Hamlet::start_with(Settings { in_flight: 0, ..Settings::default() }).await;
    let reply = hamlet.post("/v1/comments", &json!({"content": "a"})).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    let reply = akismet(&hamlet, "a").await;
    assert_eq!((reply.status, reply.text(), reply.header("retry-after")), (503, "", Some("1")));
    assert!(reply.header("x-akismet-guid").is_some());
    assert_eq!(hamlet.get("/healthz").await.status, 200, "who looks after the daemon is let in");

    let hamlet = Hamlet::start_with(Settings { all_bodies_bytes: 1000, ..Settings::default() }).await;
    let reply = hamlet.post("/v1/comments", &json!({"content": "a".repeat(2000)})).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    assert_eq!(hamlet.post("/v1/comments", &json!({"content": "a"})).await.status, 202);
}

#[tokio::test]
async fn a_stop_finishes_what_was_begun() {
    let hamlet = Hamlet::start().await;
    let mut stream = TcpStream::connect(hamlet.address).await.unwrap();
    let mut idle = TcpStream::connect(hamlet.address).await.unwrap();
    let head =
        format!("POST /v1/comments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 15\r\n");
    stream.write_all(format!("{head}Expect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    // Leave to go on shows that the request has begun.
    stream.read_exact(&mut [0; 25]).await.unwrap();
    hamlet.stop.send_replace(true);
    let closes = async { while TcpStream::connect(hamlet.address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), closes).await.expect("somebody new is let in");
    stream.write_all(br#"{"content":"a"}"#).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Reply::read(&answer).status, 202);
    idle.read_to_end(&mut Vec::new()).await.unwrap();
    for _ in 0..1000 {
        if hamlet.serving.is_finished() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server goes on though nobody is there");
}

/// Requests to every door with these bytes; the statuses.
async fn knock(hamlet: &Hamlet, bytes: &[u8], content_type: &str) -> Vec<(String, u16)> {
    let paths = [
        "/v1/comments",
        "/v1/comments/check",
        "/v1/comments/01ARZ3NDEKTSV4RRFFQ69G5FAV/label",
        "/v1/comments/01ARZ3NDEKTSV4RRFFQ69G5FAV/decision",
        "/v1/hooks/cms",
        "/1.1/verify-key",
        "/1.1/comment-check",
        "/1.1/submit-spam",
        "/1.1/submit-ham",
        "/1.1/get-subscription",
    ];
    let mut statuses = Vec::new();
    for path in paths {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {KEY}"))
            .header("host", format!("{APPROVING}.rest.akismet.com"))
            .header("content-type", content_type)
            .body(Body::from(bytes.to_vec()))
            .unwrap();
        let status = hamlet.router.clone().oneshot(request).await.unwrap().status().as_u16();
        statuses.push((path.to_owned(), status));
    }
    statuses
}

fn no_door_fails(cases: u32, bytes: impl Strategy<Value = Vec<u8>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    // The site's key is the hook's secret as well, so that what comes is believed and has to be understood.
    let hooks = hooks::of_text(&format!(
        "[hooks.cms]\nsite = \"default\"\nscheme = \"bearer\"\nsecret = \"{KEY}\"\nid = \"/kind\"\n[hooks.cms.fields]\n\
         content = [\"/content\", \"/comment_content\", \"header:content-type\"]\nauthor.name = \"/author\"\n\
         author.ip = \"/user_ip\"\nsubmitted_at = [\"/label\", \"/comment_date_gmt\"]\nform_seconds = \"/label\"\n\
         context = \"/context\"\nextra.all = \"{{/content}} {{/extra}}\"\n"
    ));
    let settings = Settings { hooks: Arc::new(Register::new(hooks)), ..Settings::default() };
    let hamlet = runtime.block_on(Hamlet::start_with(settings));
    let types = prop_oneof!["[ -~]{0,40}", Just("application/x-www-form-urlencoded; charset=windows-1256".to_owned())];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&(bytes, types), |(bytes, content_type)| {
            for (path, status) in runtime.block_on(knock(&hamlet, &bytes, &content_type)) {
                prop_assert!(status < 500, "{path}: {status} for {}", bytes.escape_ascii());
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_bytes_fail_no_door() {
    no_door_fails(100, prop::collection::vec(any::<u8>(), 0..500));
}

#[test]
fn random_forms_fail_no_door() {
    let name = prop_oneof![
        Just("comment_content"),
        Just("comment_author"),
        Just("user_ip"),
        Just("blog"),
        Just("blog_charset"),
        Just("guid"),
        Just("user_role"),
        Just("is_test"),
        Just("comment_date_gmt"),
        Just("comment_context[0]"),
        Just("honeypot_field_name"),
        Just("comment_content%5B%5D"),
    ];
    let value = prop_oneof!["[ -~]{0,20}", "(%[0-9A-F]{2}){0,20}", "[0-9a-f]{32}", "ISO-2022-JP|gbk|utf-16|utf-7|big5"];
    let pairs = prop::collection::vec((name, value), 0..20);
    no_door_fails(
        100,
        pairs.prop_map(|pairs| {
            let fields: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("blog=b&user_ip=1.2.3.4&{}", fields.join("&")).into_bytes()
        }),
    );
}

#[test]
fn random_json_fails_no_door() {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        any::<String>().prop_map(|value| json!(value)),
    ];
    let name =
        prop_oneof![Just("content"), Just("author"), Just("extra"), Just("context"), Just("kind"), Just("label")];
    let value = leaf.prop_recursive(4, 32, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6).prop_map(|map| json!(map)),
        ]
    });
    no_door_fails(100, value.prop_map(|value| value.to_string().into_bytes()));
}
