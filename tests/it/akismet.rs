//! The Akismet protocol, byte for byte: exchanges in `tests/data/akismet/`, sent as written and compared as written.
//!
//! ```text
//! = what the case shows
//! > POST /1.1/verify-key            the request; Host, Content-Length and Connection are added unless given
//! >
//! > key={key}&blog=b                lines of the body are joined without anything between them
//! < 200                             the answer's status,
//! < X-akismet-debug-help: text      a header with this value, `*` for any,
//! < !X-akismet-guid                 a header that must not be there,
//! <
//! < valid                           and the whole body
//! ```
//!
//! `{key}`, `{approving}`, `{holding}` and `{discarding}` are keys, `{guid}` is the guid that was told last.

use crate::harness::{APPROVING, DISCARDING, HOLDING, Hamlet, KEY, Reply};

/// One request and what is expected.
#[derive(Debug, Default)]
struct Exchange {
    name: String,
    request: Vec<String>,
    answer: Vec<String>,
}

fn exchanges(text: &str) -> Vec<Exchange> {
    let mut all: Vec<Exchange> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (mark, rest) = line.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest).to_owned();
        match mark {
            "=" => all.push(Exchange { name: rest, ..Exchange::default() }),
            ">" => all.last_mut().unwrap().request.push(rest),
            "<" => all.last_mut().unwrap().answer.push(rest),
            _ => panic!("cannot read the line {line:?}"),
        }
    }
    all
}

impl Exchange {
    fn bytes(&self, guid: &str) -> Vec<u8> {
        let places = [
            ("{key}", KEY),
            ("{approving}", APPROVING),
            ("{holding}", HOLDING),
            ("{discarding}", DISCARDING),
            ("{guid}", guid),
        ];
        let fill = |text: &str| places.iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value));
        let mut parts = self.request.splitn(2, String::is_empty);
        let mut head: Vec<String> = parts.next().unwrap().iter().map(|line| fill(line)).collect();
        let body: String = parts.next().unwrap_or_default().iter().map(|line| fill(line)).collect();
        if !head[0].contains(" HTTP/") {
            head[0].push_str(" HTTP/1.1");
        }
        let is_given = |head: &[String], name: &str| head.iter().any(|line| line.starts_with(name));
        for (name, value) in
            [("Host:", "hamlet.example"), ("Content-Length:", &body.len().to_string()), ("Connection:", "close")]
        {
            if !is_given(&head, name) && !head[0].ends_with("/1.0") || name == "Content-Length:" {
                head.push(format!("{name} {value}"));
            }
        }
        format!("{}\r\n\r\n{body}", head.join("\r\n")).into_bytes()
    }

    fn check(&self, reply: &Reply) {
        let name = &self.name;
        let mut parts = self.answer.splitn(2, String::is_empty);
        let mut head = parts.next().unwrap().iter();
        let body = parts.next().unwrap_or_default();
        // A table has lines, each with its end.
        let is_table = reply.header("content-type") == Some("text/csv");
        let body: String = if is_table { body.iter().map(|line| format!("{line}\n")).collect() } else { body.concat() };
        assert_eq!(reply.status.to_string(), *head.next().unwrap(), "{name}: {reply:?}");
        for line in head {
            match (line.strip_prefix('!'), line.split_once(": ")) {
                (Some(header), _) => assert_eq!(reply.header(header), None, "{name}: {header}"),
                (None, Some((header, "*"))) => assert!(reply.header(header).is_some(), "{name}: {reply:?}"),
                (None, Some((header, value))) => assert_eq!(reply.header(header), Some(value), "{name}: {header}"),
                (None, None) => panic!("{name}: cannot read {line:?}"),
            }
        }
        assert_eq!(reply.text(), body, "{name}");
    }
}

/// Plays one file from top to bottom against a fresh Hamlet.
async fn check(text: &str) {
    let hamlet = Hamlet::start().await;
    let mut guid = String::new();
    for exchange in exchanges(text) {
        let reply = hamlet.raw(&exchange.bytes(&guid)).await;
        exchange.check(&reply);
        if let Some(told) = reply.header("x-akismet-guid") {
            assert_eq!(told.len(), 32, "{}: {told}", exchange.name);
            // A comment that comes again is the same comment.
            let is_recheck = exchange.request.iter().any(|line| line.contains("recheck_reason"));
            assert!(is_recheck || told != guid, "{}: a guid is fresh", exchange.name);
            told.clone_into(&mut guid);
        }
    }
}

#[tokio::test]
async fn keys_are_verified() {
    check(include_str!("../data/akismet/verify-key.txt")).await;
}

#[tokio::test]
async fn comments_are_checked() {
    check(include_str!("../data/akismet/comment-check.txt")).await;
}

#[tokio::test]
async fn moderators_are_heard() {
    check(include_str!("../data/akismet/submit.txt")).await;
}

#[tokio::test]
async fn small_calls_keep_plugins_content() {
    check(include_str!("../data/akismet/small-calls.txt")).await;
}

#[tokio::test]
async fn the_use_of_a_key_is_told() {
    check(include_str!("../data/akismet/reports.txt")).await;
}

#[tokio::test]
async fn every_way_of_sending_is_understood() {
    check(include_str!("../data/akismet/transport.txt")).await;
}

fn form(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs([("api_key", KEY), ("blog", "https://news.example/"), ("user_ip", "192.0.2.1")]);
    body.extend_pairs(fields);
    body.finish().into_bytes()
}

async fn call(hamlet: &Hamlet, name: &str, fields: &[(&str, &str)]) -> Reply {
    let body = form(fields);
    let head = format!(
        "POST /1.1/{name} HTTP/1.1\r\nHost: rest.akismet.com\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    hamlet.raw(&[head.as_bytes(), &body].concat()).await
}

/// The guid as the id of the native door.
fn id(reply: &Reply) -> String {
    let guid = reply.header("x-akismet-guid").unwrap();
    let number = u128::from_str_radix(guid, 16).unwrap();
    ulid::Ulid::from_bytes(number.to_be_bytes()).to_string()
}

#[tokio::test]
async fn a_check_is_kept_and_a_moderator_corrects_it() {
    let hamlet = Hamlet::start().await;
    let comment = [("comment_content", "cheap <b>watches</b>"), ("comment_author", "Ann"), ("permalink", "/1")];
    let checked = call(&hamlet, "comment-check", &comment).await;
    let id = id(&checked);
    let shown = hamlet.show(&id).await;
    assert_eq!(shown["status"], "decided");
    assert_eq!(shown["comment"]["content"], "cheap <b>watches</b>");
    assert_eq!(shown["comment"]["content_format"], "html");
    assert_eq!(checked.header("x-hamlet-decision").unwrap(), shown["verdict"]["decision"].as_str().unwrap());
    let score = shown["verdict"]["score"].as_f64().unwrap();
    assert_eq!(checked.header("x-hamlet-score").unwrap(), format!("{score:.4}"));

    // By text and author, for older plugins bring no guid; a second click changes nothing.
    for _ in 0..2 {
        let again = [("comment_content", "cheap <b>watches</b> "), ("comment_author", "Ann"), ("reporter", "bob")];
        assert_eq!(call(&hamlet, "submit-spam", &again).await.body.len(), 41);
    }
    let shown = hamlet.show(&id).await;
    assert_eq!(shown["verdict"]["decision"], "spam");
    assert_eq!(shown["history"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown["history"][0]["by"], "bob");
    assert_eq!(shown["history"][0]["via"], "akismet");
    assert_eq!(shown["history"][0]["label"], "spam");

    // By guid, whatever else has changed.
    let guid = checked.header("x-akismet-guid").unwrap();
    call(&hamlet, "submit-ham", &[("comment_content", "edited"), ("guid", guid)]).await;
    let shown = hamlet.show(&id).await;
    assert_eq!(shown["verdict"]["decision"], "approve");
    assert_eq!(shown["history"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn no_recheck_overrules_a_person() {
    let hamlet = Hamlet::start().await;
    let recheck = |content| [("comment_content", content), ("recheck_reason", "recheck_queue")];
    let first = call(&hamlet, "comment-check", &[("comment_content", "hello")]).await;
    let again = call(&hamlet, "comment-check", &recheck("hello")).await;
    assert_eq!(id(&first), id(&again), "it is the same comment");
    assert_eq!(hamlet.show(&id(&first)).await["history"][0]["recheck"], "approve", "judged anew");
    for (name, decision) in [("submit-spam", "spam"), ("submit-ham", "approve")] {
        call(&hamlet, name, &[("comment_content", "hello")]).await;
        let again = call(&hamlet, "comment-check", &recheck("hello")).await;
        assert_eq!(again.header("x-hamlet-decision"), Some(decision));
    }
    let edited = call(&hamlet, "comment-check", &recheck("hello, edited")).await;
    assert_eq!(hamlet.show(&id(&edited)).await["history"], serde_json::json!([]), "an edit is judged anew");
}

#[tokio::test]
async fn an_edit_reopens_the_comment_that_its_guid_names() {
    let hamlet = Hamlet::start().await;
    let first = call(&hamlet, "comment-check", &[("comment_content", "hello")]).await;
    let guid = first.header("x-akismet-guid").unwrap();
    call(&hamlet, "submit-spam", &[("comment_content", "hello"), ("guid", guid)]).await;
    // WordPress stores a text as it filters it; that alone is no edit.
    for (content, reason, decision) in [("<p>hello</p>", "recheck_queue", "spam"), ("hello, edited", "edit", "approve")]
    {
        let fields = [("comment_content", content), ("recheck_reason", reason), ("guid", guid)];
        let again = call(&hamlet, "comment-check", &fields).await;
        assert_eq!((id(&again), again.header("x-hamlet-decision")), (id(&first), Some(decision)), "{reason}");
    }
    let shown = hamlet.show(&id(&first)).await;
    assert_eq!(shown["comment"]["content"], "hello, edited");
    assert_eq!(shown["history"][1]["edit"], "approve");
    // By its new text it is found without a guid, too.
    call(&hamlet, "submit-ham", &[("comment_content", "hello, edited")]).await;
    assert_eq!(hamlet.show(&id(&first)).await["history"][2]["label"], "ham");
}

#[tokio::test]
async fn a_label_for_a_comment_that_was_never_checked_is_not_lost() {
    let hamlet = Hamlet::start().await;
    call(&hamlet, "submit-spam", &[("comment_content", "from before"), ("guid", &"0".repeat(32))]).await;
    call(&hamlet, "submit-spam", &[("comment_content", "from before")]).await;
    let labelled = hamlet.pipeline.store.labelled(None, None, 10).await.unwrap();
    assert_eq!(labelled.len(), 1);
    assert_eq!(labelled[0].comment.content, "from before");
}

#[tokio::test]
async fn tests_leave_no_trace() {
    let hamlet = Hamlet::start().await;
    let checked = call(&hamlet, "comment-check", &[("comment_content", "hello"), ("is_test", "1")]).await;
    assert!(["true", "false"].contains(&checked.text()));
    assert_eq!(hamlet.get(&format!("/v1/comments/{}", id(&checked))).await.status, 404);
    let fixed = call(&hamlet, "comment-check", &[("comment_author", "akismet-guaranteed-spam")]).await;
    assert_eq!(hamlet.get(&format!("/v1/comments/{}", id(&fixed))).await.status, 404);
    call(&hamlet, "submit-ham", &[("comment_content", "hello"), ("is_test", "true")]).await;
    call(&hamlet, "submit-ham", &[("comment_author", "viagra-test-123")]).await;
    assert_eq!(hamlet.pipeline.store.labelled(None, None, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_store_that_fails_gives_neither_true_nor_false() {
    let hamlet = Hamlet::start().await;
    hamlet.pipeline.store.close().await;
    for name in ["comment-check", "submit-spam"] {
        let reply = call(&hamlet, name, &[("comment_content", "hello")]).await;
        assert_eq!((reply.status, reply.text()), (503, ""), "{name}");
        assert_eq!(reply.header("x-akismet-guid").unwrap().len(), 32);
        assert!(reply.header("retry-after").is_some());
    }
}
