//! `GET /openapi.json` says what is true: its snapshot, and that it knows every call and the scope each needs.
//!
//! Whether the daemon's answers are as it says is asked by `tests/schemathesis/run`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hamlet::api;
use hamlet::key::{NewKey, Scope};
use hamlet::pipeline::key_hash;
use regex::Regex;
use serde_json::Value;

use crate::harness::{Hamlet, KEY};

async fn document(hamlet: &Hamlet) -> Value {
    let reply = hamlet.raw(b"GET /openapi.json HTTP/1.1\r\nHost: hamlet\r\nConnection: close\r\n\r\n").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{reply:?}");
    reply.json()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every call in it: `POST /v1/comments`, and what it says of it.
fn calls(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let calls = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, call)| (format!("{} {path}", method.to_uppercase()), call))
    });
    calls.collect()
}

#[tokio::test]
async fn the_description_is_as_it_was_committed() {
    let hamlet = Hamlet::start().await;
    let made = format!("{:#}\n", document(&hamlet).await);
    let file = root().join("tests/data/openapi.json");
    if std::env::var_os("HAMLET_RENEW").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let line = made.lines().zip(committed.lines()).position(|(made, committed)| made != committed);
    assert!(
        made == committed,
        "the calls are not as tests/data/openapi.json has them (line {}). If that is meant, renew it and look at the \
         difference: HAMLET_RENEW=1 cargo test --test it openapi && git diff tests/data/openapi.json",
        line.unwrap_or_else(|| made.lines().count().min(committed.lines().count())) + 1
    );
}

#[tokio::test]
async fn every_call_is_described_and_every_described_call_is_there() {
    let hamlet = Hamlet::start().await;
    let document = document(&hamlet).await;
    let mut there = BTreeSet::new();
    let paths: Vec<String> = api::json_routes().into_iter().map(|route| route.path).collect();
    for path in paths.iter().map(String::as_str).chain(["/healthz", "/readyz", "/openapi.json"]) {
        // A method that nobody has is refused with those that there are.
        let head = format!("BREW {path} HTTP/1.1\r\nHost: hamlet\r\nConnection: close\r\n\r\n");
        let reply = hamlet.raw(head.replace(['{', '}'], "x").as_bytes()).await;
        assert_eq!(reply.status, 405, "{path}: {reply:?}");
        let methods = reply.header("allow").unwrap().split(',').filter(|method| *method != "HEAD");
        there.extend(methods.map(|method| format!("{method} {path}")));
    }
    // It is there when metrics are counted, which is once in a process.
    there.insert("GET /metrics".to_owned());
    let described: BTreeSet<String> = calls(&document).into_iter().map(|(call, _)| call).collect();
    assert_eq!(there, described);
    let ids: BTreeSet<String> = calls(&document).into_iter().map(|(_, call)| call["operationId"].to_string()).collect();
    assert_eq!(ids.len(), described.len(), "each has an id of its own: {ids:?}");
}

#[tokio::test]
async fn every_call_asks_for_the_scope_that_is_described() {
    let hamlet = Hamlet::start().await;
    let document = document(&hamlet).await;
    let site = hamlet.pipeline.site_named("default").unwrap().id;
    let has = |key: &str, site, scopes: Vec<Scope>| {
        let hash = key_hash(key);
        NewKey { site, name: "test".into(), scopes: scopes.into_iter().collect(), hash, expires_at: None }
    };
    let mut keys = vec![has("all-of-a-site", Some(site), Scope::ALL.to_vec())];
    for scope in Scope::ALL {
        let others = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
        keys.push(has(&format!("only-{scope}"), Some(site), vec![scope]));
        keys.push(has(&format!("operators-not-{scope}"), None, others));
    }
    keys.push(has("operator", None, vec![Scope::Admin]));
    for key in keys {
        hamlet.pipeline.store.add_key(key, hamlet.pipeline.clock.now()).await.unwrap();
    }
    hamlet.pipeline.refresh().await.unwrap();

    let mut needs = BTreeSet::new();
    for (call, description) in calls(&document) {
        let (method, path) = call.split_once(' ').unwrap();
        let path = path.replace(['{', '}'], "x");
        let status = async |key: &str| hamlet.json(key, method, &path, &[], b"").await.status;
        let Some(security) = description.get("security") else {
            assert!(!path.starts_with("/v1/") || path.starts_with("/v1/hooks/"), "{call} needs no key");
            continue;
        };
        let (scheme, scopes) = security[0].as_object().unwrap().iter().next().unwrap();
        let scope = scopes[0].as_str().unwrap();
        assert!(description["description"].as_str().unwrap().contains(&format!("the scope `{scope}`")), "{call}");
        let (enough, too_little) = match scheme.as_str() {
            "key" => (format!("only-{scope}"), format!("operators-not-{scope}")),
            "operator" => ("operator".to_owned(), "all-of-a-site".to_owned()),
            other => panic!("{call}: {other}"),
        };
        let status_with_enough = status(&enough).await;
        assert!(![401, 403].contains(&status_with_enough), "{call} with {enough}: {status_with_enough}");
        assert_eq!(status(&too_little).await, 403, "{call} with {too_little}");
        assert_eq!(status("made-up").await, 401, "{call}");
        needs.insert(format!("{scheme} {scope}"));
    }
    assert_eq!(Vec::from_iter(needs), ["key admin", "key check", "key read", "key submit", "operator admin"]);
}

/// Types of one name would hide each other.
#[tokio::test]
async fn every_type_that_has_a_schema_has_a_name_of_its_own() {
    let hamlet = Hamlet::start().await;
    let schemas = document(&hamlet).await["components"]["schemas"].as_object().unwrap().len();
    let derived = Regex::new(r"#\[derive\([^)]*\bToSchema\)\]").unwrap();
    let code = rust_files(&root().join("src")).concat();
    assert_eq!(schemas, derived.find_iter(&code).count());
}

fn rust_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(std::fs::read_to_string(path).unwrap());
        }
    }
    files
}

/// Every place that one thing refers to leads to another.
#[tokio::test]
async fn every_reference_leads_somewhere() {
    let hamlet = Hamlet::start().await;
    let document = document(&hamlet).await;
    let reference = Regex::new(r##""\$ref":"#([^"]*)""##).unwrap();
    let text = document.to_string();
    let places: BTreeSet<&str> = reference.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(places.len() > 50, "{places:?}");
    let lost: Vec<_> = places.into_iter().filter(|place| document.pointer(place).is_none()).collect();
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["schemas"]["Comment"]["additionalProperties"], false);
    let events: Vec<&String> = document["webhooks"].as_object().unwrap().keys().collect();
    assert_eq!(events, ["comment.decided", "comment.redecided", "delivery.test", "endpoint.disabled"]);
}

#[tokio::test]
async fn who_has_it_is_not_sent_it_again() {
    let hamlet = Hamlet::start().await;
    let first = hamlet.get("/openapi.json").await;
    let tag = first.header("etag").unwrap();
    let again = async |tags: &str| {
        let known = format!("If-None-Match: {tags}");
        let reply = hamlet.json(KEY, "GET", "/openapi.json", &[&known], b"").await;
        assert_eq!(reply.header("etag"), Some(tag));
        (reply.status, reply.body.len())
    };
    assert_eq!(again(tag).await, (304, 0));
    assert_eq!(again(&format!("\"other\", W/{tag}")).await, (304, 0));
    assert_eq!(again("\"other\"").await, (200, first.body.len()));
}
