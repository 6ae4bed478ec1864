//! CMSs' own webhooks: the tables that ship in `config/hooks/`, with messages as those CMSs send them, and every way for a
//! message not to be believed or understood.
//!
//! A message in `tests/data/hooks/` is a path and headers, an empty line, the body in one line, an empty line, and what
//! it is answered: a status with `ignored`, `verdict` or nothing, and below it the comment that is then kept.
//! `{secret}` is the source's secret, `{hmac}` the body's code under it and `{hmac+milliseconds}` that of the body and the
//! present time, `{milliseconds}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use hamlet::api::hooks::Register;
use hamlet::config::hooks::Hooks;
use hamlet::config::{Config, Sources};
use hamlet::http::Settings;
use hmac::{Hmac, Mac as _};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use sha2::Sha256;
use tower::ServiceExt as _;

use crate::harness::{Hamlet, NOW, Reply};

const SECRET: &str = "correct horse battery staple";
const OLD_SECRET: &str = "the secret of last month";
const WHSEC: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OLD_WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of a settings file, read as the daemon reads it.
fn hooks(file: &Path, environment: &[(String, &str)]) -> Hooks {
    let mut environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| (name.clone(), (*value).to_owned())).collect();
    environment.insert("HOME".to_owned(), "/home/bob".to_owned());
    let sources = Sources { file: Some(file.to_owned()), environment, flags: Vec::new() };
    Config::load(sources).and_then(|config| config.hooks()).unwrap_or_else(|error| panic!("{error}"))
}

/// The sources that ship, with a secret and a site of the harness.
fn shipped() -> Hooks {
    let mut all = Hooks::new();
    for name in ["discourse", "ghost", "strapi", "form"] {
        let variable = |key: &str| format!("HAMLET_HOOKS__{}__{key}", name.to_uppercase());
        let environment = [(variable("SECRET"), SECRET), (variable("SITE"), "default")];
        all.extend(hooks(&root().join(format!("config/hooks/{name}.toml")), &environment));
    }
    assert_eq!(all.len(), 4);
    all
}

/// Sources that differ in how they sign and nothing else.
fn plain() -> Hooks {
    let source = |name: &str, lines: &str| {
        format!(
            "[hooks.{name}]\nsite = \"default\"\n{lines}\nevent = \"/event\"\n\
             events = {{ created = \"check\", rejected = \"spam\", released = \"ham\", deleted = \"ignore\" }}\n\
             [hooks.{name}.fields]\ncontent = [\"/text\", \"/html\"]\nexternal_id = \"/key\"\nauthor.name = \"/name\"\n"
        )
    };
    let secrets = format!("secret = [\"{SECRET}\", \"{OLD_SECRET}\"]\n");
    let file: String = [
        source("standard", &format!("scheme = \"standard-webhooks\"\nsecret = [\"{WHSEC}\", \"{OLD_WHSEC}\"]")),
        source("hmac", &format!("scheme = \"hmac-sha256\"\nheader = \"X-Signature\"\nprefix = \"sha256=\"\n{secrets}")),
        source(
            "named",
            &format!("scheme = \"hmac-sha256\"\nheader = \"X-Signature\"\nid = \"header:X-Id\"\n{secrets}"),
        ),
        source("ghost", &format!("scheme = \"ghost\"\ntolerance_s = 60\n{secrets}")),
        source("token", &format!("scheme = \"bearer\"\nheader = \"X-Token\"\n{secrets}")),
        source("quiet", &format!("scheme = \"bearer\"\nanswer = \"empty\"\n{secrets}")),
        source("judge", &format!("scheme = \"bearer\"\nanswer = \"verdict\"\n{secrets}")),
        source("homeless", &format!("scheme = \"bearer\"\n{secrets}")).replace("\"default\"", "\"nowhere\""),
    ]
    .concat();
    of_text(&file)
}

/// The sources that these settings make.
pub fn of_text(settings: &str) -> Hooks {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hamlet.toml");
    std::fs::write(&path, settings).unwrap();
    hooks(&path, &[])
}

async fn start(hooks: Hooks) -> Hamlet {
    Hamlet::start_with(Settings { hooks: Arc::new(Register::new(hooks)), ..Settings::default() }).await
}

fn seconds() -> i64 {
    NOW.parse::<jiff::Timestamp>().unwrap().as_second()
}

fn hmac(secret: &str, parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn send(hamlet: &Hamlet, path: &str, headers: &[String], body: &[u8]) -> Reply {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: hamlet\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    hamlet.raw(&[head.as_bytes(), body].concat()).await
}

#[track_caller]
fn check_refused(reply: &Reply, status: u16, kind: &str, part: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let problem = reply.json();
    assert_eq!(problem["type"], format!("/problems/{kind}"), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(part), "{problem} does not say {part}");
    assert_eq!(reply.header("www-authenticate").is_some(), status == 401);
}

fn id(reply: &Reply) -> String {
    reply.json()["id"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned()
}

#[tokio::test]
async fn the_tables_that_ship_understand_what_those_systems_send() {
    let hamlet = start(shipped()).await;
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(root().join("tests/data/hooks")).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 18);
    let milliseconds = (seconds() * 1000).to_string();
    for case in cases {
        let text = std::fs::read_to_string(&case).unwrap();
        let [head, body, expected] = text.splitn(3, "\n\n").collect::<Vec<_>>().try_into().unwrap();
        let head = head
            .replace("{secret}", SECRET)
            .replace("{hmac}", &hmac(SECRET, &[body.as_bytes()]))
            .replace("{hmac+milliseconds}", &hmac(SECRET, &[body.as_bytes(), milliseconds.as_bytes()]))
            .replace("{milliseconds}", &milliseconds);
        let (path, headers) = head.split_once('\n').unwrap();
        let headers: Vec<String> = headers.lines().map(str::to_owned).collect();
        let reply = send(&hamlet, path, &headers, body.as_bytes()).await;

        let (answer, comment) = expected.split_once('\n').unwrap();
        let (status, word) = answer.split_once(' ').unwrap_or((answer, ""));
        let name = case.file_name().unwrap();
        assert_eq!(reply.status.to_string(), status, "{name:?}: {reply:?}");
        let told = reply.json();
        match word {
            "ignored" => {
                assert_eq!(told, json!({"status": "ignored"}), "{name:?}");
                continue;
            }
            "verdict" => assert!(told["decision"].is_string() && told["evidence"].is_array(), "{name:?}: {told}"),
            _ => assert_eq!(told["status"], "queued", "{name:?}"),
        }
        let shown = hamlet.decided(&id(&reply)).await;
        let expected: Value = serde_json::from_str(comment).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        assert_eq!(shown["comment"], expected, "{name:?}");
        assert!(shown["verdict"]["decision"].is_string(), "{name:?}: {shown}");

        // Sent again, as those systems do when they missed the answer.
        let again = send(&hamlet, path, &headers, body.as_bytes()).await;
        assert_eq!((again.status, id(&again)), (200, id(&reply)), "{name:?}");
    }
}

/// A way of a source to sign, and what it says when it does not believe.
struct Signer {
    path: &'static str,
    /// Headers for a body, signed this many seconds from now with this secret.
    sign: fn(secret: &str, later: i64, body: &[u8]) -> Vec<String>,
    secrets: [&'static str; 3],
    /// How far a clock may be off, seconds; `None` when no time is signed.
    tolerance: Option<i64>,
    missing: &'static str,
    wrong: &'static str,
}

const SIGNERS: [Signer; 5] = [
    Signer {
        path: "/v1/hooks/standard",
        sign: |secret, later, body| {
            let (id, at) = ("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", seconds() + later);
            let signature = standardwebhooks::Webhook::new(secret).unwrap().sign(id, at, body).unwrap();
            vec![
                format!("webhook-id: {id}"),
                format!("webhook-timestamp: {at}"),
                format!("webhook-signature: {signature}"),
            ]
        },
        secrets: [WHSEC, OLD_WHSEC, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
        tolerance: Some(300),
        missing: "signature-missing",
        wrong: "signature-invalid",
    },
    Signer {
        path: "/v1/hooks/hmac",
        sign: |secret, _, body| vec![format!("x-signature: sha256={}", hmac(secret, &[body]))],
        secrets: [SECRET, OLD_SECRET, "somebody else's secret"],
        tolerance: None,
        missing: "signature-missing",
        wrong: "signature-invalid",
    },
    Signer {
        path: "/v1/hooks/ghost",
        sign: |secret, later, body| {
            let time = ((seconds() + later) * 1000).to_string();
            vec![format!("X-Ghost-Signature: sha256={}, t={time}", hmac(secret, &[body, time.as_bytes()]))]
        },
        secrets: [SECRET, OLD_SECRET, "somebody else's secret"],
        tolerance: Some(60),
        missing: "signature-missing",
        wrong: "signature-invalid",
    },
    Signer {
        path: "/v1/hooks/ghost",
        sign: |secret, later, body| {
            let time = ((seconds() + later) * 1000).to_string();
            vec![format!("X-Ghost-Signature: sha256={}, t={time}", hmac(secret, &[body]))]
        },
        secrets: [SECRET, OLD_SECRET, "somebody else's secret"],
        tolerance: Some(60),
        missing: "signature-missing",
        wrong: "signature-invalid",
    },
    Signer {
        path: "/v1/hooks/token",
        sign: |secret, _, _| vec![format!("x-token: {secret}")],
        secrets: [SECRET, OLD_SECRET, "somebody else's secret"],
        tolerance: None,
        missing: "key-missing",
        wrong: "key-unknown",
    },
];

#[tokio::test]
async fn only_who_holds_a_secret_is_believed() {
    for signer in SIGNERS {
        let hamlet = start(plain()).await;
        let path = signer.path;
        let body = br#"{"event":"created","text":"hello"}"#;
        let [present, old, foreign] = signer.secrets;
        let ask = async |headers: &[String], body: &[u8]| send(&hamlet, path, headers, body).await;

        let good = (signer.sign)(present, 0, body);
        let first = ask(&good, body).await;
        assert_eq!(first.status, 202, "{path}: {first:?}");
        assert_eq!(first.json()["status"], "queued");
        assert_eq!(first.header("location"), Some(format!("/v1/comments/{}", id(&first)).as_str()));
        assert_eq!(ask(&(signer.sign)(old, 0, body), body).await.status / 100, 2, "{path}: a rotation has two secrets");

        check_refused(&ask(&(signer.sign)(foreign, 0, body), body).await, 401, signer.wrong, "");
        for missing in 0..good.len() {
            let headers: Vec<String> =
                good.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, line)| line.clone()).collect();
            let name = good[missing].split(':').next().unwrap().to_lowercase();
            check_refused(&ask(&headers, body).await, 401, signer.missing, &format!("`{name}"));
            let broken: Vec<String> =
                good.iter().map(|line| line.split_once(": ").unwrap().0.to_owned() + ": \u{e9}\u{200b}").collect();
            check_refused(&ask(&broken, body).await, 401, signer.wrong, "");
        }
        if signer.wrong == "signature-invalid" {
            let other = br#"{"event":"created","text":"hellp"}"#;
            check_refused(&ask(&good, other).await, 401, "signature-invalid", "is not that of this body");
            check_refused(&ask(&good, b"").await, 401, "signature-invalid", "is not that of this body");
        }
        let signed = async |later: i64| ask(&(signer.sign)(present, later, body), body).await;
        if let Some(tolerance) = signer.tolerance {
            for later in [3600, -3600, tolerance + 1, -tolerance - 1] {
                let part = format!("more than {tolerance} seconds before or after");
                check_refused(&signed(later).await, 401, "signature-expired", &part);
            }
            for later in [tolerance, -tolerance] {
                assert_eq!(signed(later).await.status / 100, 2, "{path} {later}");
            }
        }
    }
}

#[tokio::test]
async fn a_header_of_another_form_is_refused() {
    let hamlet = start(plain()).await;
    let body = br#"{"event":"created","text":"hello"}"#;
    let (code, milliseconds) = (hmac(SECRET, &[body]), seconds() * 1000);
    for (path, header) in [
        ("hmac", format!("X-Signature: {code}")),
        ("hmac", format!("X-Signature: sha1={code}")),
        ("hmac", format!("X-Signature: sha256={}", &code[1..])),
        ("hmac", "X-Signature: sha256=".to_owned()),
        ("ghost", format!("X-Ghost-Signature: sha256={code}")),
        ("ghost", format!("X-Ghost-Signature: t={milliseconds}")),
        ("ghost", format!("X-Ghost-Signature: sha256={code}, t=now")),
        ("ghost", format!("X-Ghost-Signature: sha256={code}, t={}", i64::MAX)),
    ] {
        let reply = send(&hamlet, &format!("/v1/hooks/{path}"), std::slice::from_ref(&header), body).await;
        check_refused(&reply, 401, "signature-invalid", "is not as this hook's scheme has it");
    }
    let seconds_for_milliseconds = format!("X-Ghost-Signature: sha256={code}, t={}", seconds());
    let reply = send(&hamlet, "/v1/hooks/ghost", &[seconds_for_milliseconds], body).await;
    check_refused(&reply, 401, "signature-expired", "");
    for header in ["Authorization: Basic Y29ycmVjdA==", "Authorization: Bearer", "Authorization: Bearer "] {
        let reply = send(&hamlet, "/v1/hooks/quiet", &[header.to_owned()], body).await;
        check_refused(&reply, 401, "key-missing", "send the header `authorization: Bearer <token>`");
    }
}

#[tokio::test]
async fn a_message_that_is_sent_again_is_the_same_comment() {
    let hamlet = start(plain()).await;
    let say = async |path: &str, body: &Value, headers: &[String]| {
        let body = body.to_string();
        let signature = match path {
            "judge" => format!("Authorization: Bearer {SECRET}"),
            "token" => format!("X-Token: {SECRET}"),
            "named" => format!("X-Signature: {}", hmac(SECRET, &[body.as_bytes()])),
            _ => format!("X-Signature: sha256={}", hmac(SECRET, &[body.as_bytes()])),
        };
        send(&hamlet, &format!("/v1/hooks/{path}"), &[&[signature], headers].concat(), body.as_bytes()).await
    };
    let hello = json!({"event": "created", "text": "hello"});
    let other = json!({"event": "created", "text": "good bye"});
    let name = |name: &str| [format!("X-Id: {name}")];

    // By the id that the settings point at.
    let first = say("named", &hello, &name("17")).await;
    let again = say("named", &hello, &name("17")).await;
    assert_eq!((first.status, id(&again)), (202, id(&first)));
    check_refused(&say("named", &other, &name("17")).await, 409, "conflict", "A message with this id brought another");
    let next = say("named", &other, &name("18")).await;
    assert!(next.status == 202 && id(&next) != id(&first), "{next:?}");
    // An id of any length, and one source's ids are not another's.
    let long = name(&"1".repeat(5000));
    assert_eq!(id(&say("named", &hello, &long).await), id(&say("named", &hello, &long).await));
    let elsewhere = say("hmac", &hello, &name("17")).await;
    assert!(elsewhere.status == 202 && id(&elsewhere) != id(&first), "{elsewhere:?}");

    // By its signature, where there is one.
    assert_eq!(id(&say("hmac", &hello, &[]).await), id(&elsewhere));
    // A token says nothing of the message: two people may well say the same.
    assert_ne!(id(&say("token", &hello, &[]).await), id(&say("token", &hello, &[]).await));
    // By the comment's own id.
    let own = json!({"event": "created", "text": "hello", "key": "c-1"});
    let first = say("judge", &own, &[]).await;
    assert_eq!((first.status, id(&say("judge", &own, &[]).await)), (200, id(&first)));

    // By the id of Standard Webhooks, however late it comes again.
    let standard = async |later: i64, text: &str| {
        let body = json!({"event": "created", "text": text}).to_string();
        send(&hamlet, SIGNERS[0].path, &(SIGNERS[0].sign)(WHSEC, later, body.as_bytes()), body.as_bytes()).await
    };
    assert_eq!(id(&standard(0, "hello").await), id(&standard(200, "hello").await));
    check_refused(&standard(0, "good bye").await, 409, "conflict", "A message with this id");
}

#[tokio::test]
async fn a_source_is_answered_as_it_wants() {
    let hamlet = start(plain()).await;
    let say = async |path: &str, body: Value| {
        let token = [format!("Authorization: Bearer {SECRET}")];
        send(&hamlet, &format!("/v1/hooks/{path}"), &token, body.to_string().as_bytes()).await
    };
    let created = json!({"event": "created", "text": "hello", "name": "Ann"});
    let quiet = say("quiet", created.clone()).await;
    assert_eq!((quiet.status, quiet.text()), (204, ""));
    let judged = say("judge", created.clone()).await.json();
    assert_eq!(judged["decision"], "approve");
    assert_eq!(hamlet.show(judged["id"].as_str().unwrap()).await["verdict"]["score"], judged["score"]);
    for ignored in [json!({"event": "deleted"}), json!({"event": "moved"}), json!({"text": "x"}), json!({"event": {}})]
    {
        let reply = say("judge", ignored.clone()).await;
        assert_eq!((reply.status, reply.json()), (200, json!({"status": "ignored"})), "{ignored}");
        let reply = say("quiet", ignored.clone()).await;
        assert_eq!((reply.status, reply.text()), (204, ""), "{ignored}");
    }
    for path in ["quiet", "judge"] {
        for without in [json!({"event": "created"}), json!({"event": "created", "text": null, "html": {"a": "b"}})] {
            let reply = say(path, without).await;
            check_refused(&reply, 422, "invalid-field", "there is no text at `/text` or `/html`");
        }
    }
    let empty = say("judge", json!({"event": "created", "text": ""})).await;
    assert_eq!(empty.status, 200, "an empty comment is one: {empty:?}");
}

#[tokio::test]
async fn an_edit_and_a_moderators_word_find_the_comment_again() {
    let hamlet = start(plain()).await;
    let say = async |path: &str, event: &str, key: Value, text: Value| {
        let body = json!({"event": event, "key": key, "text": text}).to_string();
        let signed = [format!("Authorization: Bearer {SECRET}"), format!("X-Token: {SECRET}")];
        send(&hamlet, &format!("/v1/hooks/{path}"), &signed, body.as_bytes()).await
    };
    let first = say("judge", "created", json!("c-1"), json!("I agree with all of it")).await;
    assert_eq!(first.json()["decision"], "approve");
    let edited = say("judge", "created", json!("c-1"), json!("cheap viagra casino https://bit.ly/x")).await;
    assert_eq!((id(&edited), &edited.json()["decision"]), (id(&first), &json!("spam")));
    assert_eq!(hamlet.show(&id(&first)).await["comment"]["content"], "cheap viagra casino https://bit.ly/x");

    let released = say("judge", "released", json!("c-1"), Value::Null).await;
    assert_eq!((id(&released), &released.json()["decision"]), (id(&first), &json!("approve")), "{released:?}");
    let rejected = say("token", "rejected", json!("c-1"), Value::Null).await;
    assert_eq!((rejected.status, rejected.json()), (200, json!({"id": id(&first), "status": "decided"})));
    assert_eq!(say("quiet", "rejected", json!("c-1"), Value::Null).await.status, 204, "twice is harmless");
    let shown = hamlet.show(&id(&first)).await;
    assert_eq!(shown["verdict"]["decision"], "spam");
    let history = shown["history"].as_array().unwrap();
    let word = history.iter().find(|entry| entry["label"] == "ham").unwrap();
    assert_eq!((&word["by"], &word["via"]), (&json!("judge"), &json!("hook")), "{shown}");

    // Of a comment that came before Hamlet did, if the message says what it was.
    let unknown = say("judge", "rejected", json!(17), json!("hello")).await;
    assert_eq!(unknown.json()["decision"], "spam", "{unknown:?}");
    assert_eq!(hamlet.show(&id(&unknown)).await["comment"]["external_id"], "17");
    check_refused(&say("judge", "rejected", json!(18), Value::Null).await, 422, "invalid-field", "`/text` or `/html`");
    check_refused(
        &say("judge", "rejected", json!(" "), json!("hello")).await,
        422,
        "invalid-field",
        "no text at `/key`",
    );
}

#[tokio::test]
async fn strange_bodies_get_an_answer() {
    let hamlet = start(plain()).await;
    let token = format!("Authorization: Bearer {SECRET}");
    let say = async |headers: &[&str], body: &[u8]| {
        let headers: Vec<String> = [&[token.as_str()], headers].concat().into_iter().map(str::to_owned).collect();
        send(&hamlet, "/v1/hooks/judge", &headers, body).await
    };
    let json_type = "Content-Type: application/json";
    let form_type = "Content-Type: application/x-www-form-urlencoded";
    for (headers, body, status, kind, part) in [
        (&[json_type][..], &b"hello"[..], 400, "malformed-body", "send a JSON object"),
        (&[], b"", 400, "malformed-body", "send a JSON object"),
        (&[], b"{\"event\": \"created\"", 400, "malformed-body", "line 1 column 19"),
        (&[], b"{\"event\": \"created\", \"text\": \"\xC3\x28\"}", 400, "malformed-body", "line 1 column"),
        (&["Content-Type: multipart/form-data; boundary=x"], b"--x\r\n", 415, "unsupported-media-type", "urlencoded"),
    ] {
        check_refused(&say(headers, body).await, status, kind, part);
    }
    let deep = [b"{\"event\":\"created\",\"text\":".as_slice(), &[b'['; 100_000]].concat();
    check_refused(&say(&[], &deep).await, 400, "malformed-body", "recursion limit");
    let ten = [b"{\"event\":\"created\",\"text\":\"".as_slice(), &[b'a'; 10_000_000], b"\"}"].concat();
    check_refused(&say(&[], &ten).await, 413, "body-too-large", "4194304 bytes");

    // What is not asked for is not looked at, however much there is.
    let unknown: Vec<String> = (0..60).map(|n| format!("field{n}=value+{n}")).collect();
    let form = format!("event=created&text=hello&{}", unknown.join("&"));
    let judged = say(&[form_type], form.as_bytes()).await;
    let shown = hamlet.show(&id(&judged)).await;
    assert_eq!(
        shown["comment"],
        json!({"kind": "comment", "content": "hello", "content_format": "text", "author": {}})
    );
    // What is too long is cut: nobody could be told.
    let (long, name) = ("ä".repeat(1_000_000), "ö".repeat(5_000));
    let body = json!({"event": "created", "text": long, "name": name, "key": name}).to_string();
    let judged = say(&[], body.as_bytes()).await;
    assert_eq!(judged.status, 200, "{judged:?}");
    let comment = hamlet.show(&id(&judged)).await["comment"].clone();
    let bytes = |value: &Value| value.as_str().unwrap().len();
    assert_eq!((bytes(&comment["content"]), bytes(&comment["author"]["name"])), (1024 * 1024, 1024));
    assert_eq!(bytes(&comment["external_id"]), 1024);
}

#[tokio::test]
async fn a_source_that_is_not_there_or_has_no_site_says_so() {
    let hamlet = start(plain()).await;
    let token = [format!("Authorization: Bearer {SECRET}")];
    let body = br#"{"event":"created","text":"hello"}"#;
    for path in ["/v1/hooks/unknown", "/v1/hooks/Judge", "/v1/hooks/%FF", "/v1/hooks/%00", "/v1/hooks/judge%20"] {
        check_refused(&send(&hamlet, path, &token, body).await, 404, "not-found", "`[hooks.NAME]`");
    }
    for path in ["/v1/hooks", "/v1/hooks/", "/v1/hooks/judge/"] {
        check_refused(&send(&hamlet, path, &token, body).await, 404, "not-found", "nothing at this path");
    }
    let homeless = send(&hamlet, "/v1/hooks/homeless", &token, body).await;
    check_refused(&homeless, 503, "site-missing", "The site `nowhere`");
    assert_eq!(homeless.header("retry-after"), Some("60"));
    let stranger = send(&hamlet, "/v1/hooks/homeless", &[], body).await;
    check_refused(&stranger, 401, "key-missing", "");
    let get = hamlet.get("/v1/hooks/judge").await;
    check_refused(&get, 405, "method-not-allowed", "GET");

    hamlet.pipeline.store.close().await;
    let refused = send(&hamlet, "/v1/hooks/judge", &token, body).await;
    check_refused(&refused, 503, "unavailable", "");
}

#[tokio::test]
async fn sources_may_change_while_the_doors_are_open() {
    let register = Arc::new(Register::default());
    let hamlet = Hamlet::start_with(Settings { hooks: Arc::clone(&register), ..Settings::default() }).await;
    let token = [format!("Authorization: Bearer {SECRET}")];
    let body = br#"{"event":"created","text":"hello"}"#;
    let status = async || send(&hamlet, "/v1/hooks/judge", &token, body).await.status;
    assert_eq!(status().await, 404);
    register.replace(plain());
    assert_eq!(status().await, 200);
    register.replace(Hooks::new());
    assert_eq!(status().await, 404);
}

#[tokio::test]
async fn all_sources_count_as_one_door() {
    let hamlet = Hamlet::start().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let settings = Settings { hooks: Arc::new(Register::new(plain())), ..Settings::default() };
    let router = metrics::with_local_recorder(&recorder, || {
        hamlet::http::router(Arc::clone(&hamlet.pipeline), &settings, Some(recorder.handle()))
    });
    for path in ["/v1/hooks/judge", "/v1/hooks/unknown"] {
        router.clone().oneshot(Request::post(path).body(Body::empty()).unwrap()).await.unwrap();
    }
    let line = "hamlet_http_requests_total{door=\"/v1/hooks/{source}\",status=\"4xx\"} 2";
    assert!(recorder.handle().render().contains(line), "{}", recorder.handle().render());
}
