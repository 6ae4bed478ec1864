//! `GET /` says what this is, and what it and the README say is true: links lead somewhere and commands work as printed.

use std::process::Command;

use regex::Regex;

use crate::daemon::{self, Daemon};
use crate::harness::{Hamlet, KEY, Reply};

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// What the doors that tests start do not have.
const ELSEWHERE: [&str; 1] = ["/metrics"];

async fn front(hamlet: &Hamlet, headers: &str) -> Reply {
    let host = hamlet.address;
    let head = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n\r\n");
    hamlet.raw(head.as_bytes()).await
}

#[track_caller]
fn is_safe(reply: &Reply) {
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'"), "{policy}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(reply.header("vary"), Some("accept"));
}

#[tokio::test]
async fn browsers_get_a_page_and_others_get_text() {
    let hamlet = Hamlet::start().await;
    let page = front(&hamlet, BROWSER).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    is_safe(&page);
    assert!(page.text().contains(&format!("HAMLET=http://{}\n", hamlet.address)), "the address it was reached at");
    assert!(page.text().contains(env!("CARGO_PKG_VERSION")));
    for foreign in ["<script", "<link", "<img", "@import", "url(", "src=", "{version}", "{origin}"] {
        assert!(!page.text().contains(foreign), "the page brings all it needs, and runs nothing: {foreign}");
    }

    for headers in ["Accept: */*", "Accept: application/json", "X: y"] {
        let text = front(&hamlet, headers).await;
        assert_eq!((text.status, text.header("content-type")), (200, Some("text/plain; charset=utf-8")), "{headers}");
        is_safe(&text);
        assert!(text.text().starts_with("This is Hamlet ") && text.text().ends_with('\n'), "{}", text.text());
    }
}

#[tokio::test]
async fn what_a_client_sends_is_not_put_into_the_page() {
    let hamlet = Hamlet::start().await;
    let head = format!("GET / HTTP/1.1\r\nHost: \"><b>x\r\nConnection: close\r\n{BROWSER}\r\n\r\n");
    let page = hamlet.raw(head.as_bytes()).await;
    assert!(page.status == 400 || page.text().contains("HAMLET=http://127.0.0.1:8420\n"), "{page:?}");
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let hamlet = Hamlet::start().await;
    let page = front(&hamlet, BROWSER).await;
    let link = Regex::new(r#"href="([^"]*)""#).unwrap();
    let links: Vec<&str> = link.captures_iter(page.text()).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(links, ["/openapi.json", "/readyz", "/healthz", "/metrics"]);
    for path in links.iter().filter(|path| !ELSEWHERE.contains(*path)) {
        assert_eq!(hamlet.get(path).await.status, 200, "{path}");
    }
}

/// The commands of the page, in order.
fn commands(page: &str) -> Vec<String> {
    let command = Regex::new(r"(?s)<pre>(.*?)</pre>").unwrap();
    let found = command.captures_iter(page).map(|found| html_escape::decode_html_entities(&found[1]).into_owned());
    found.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works_as_printed() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: curl cannot be run here; tests/run installs it");
        return;
    }
    let hamlet = Hamlet::start().await;
    let page = front(&hamlet, BROWSER).await;
    let commands = commands(page.text());
    let [variables, calls @ ..] = commands.as_slice() else { panic!("{commands:?}") };
    assert!(variables.contains(&format!("KEY={KEY}")), "the key on the page is the one that tests have");
    let id = hamlet.submit("hello").await;
    let mut answers = Vec::new();
    for call in calls {
        // As a person does it: the variables first, then the command.
        let script = format!("{variables}\nID={id}\n{call} -sS -w ' %{{http_code}}'");
        let done = Command::new("sh").args(["-c", &script]).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap();
        assert!(done.status.success(), "{call}: {}", String::from_utf8_lossy(&done.stderr));
        answers.push(String::from_utf8(done.stdout).unwrap());
    }
    let parts =
        ["\"decision\":", "\"queued\"} 202", "\"content\":\"hello\"", "\"decision\":\"approve\"", "valid 200", "e 200"];
    assert_eq!(answers.len(), parts.len(), "{answers:?}");
    for (answer, part) in answers.iter().zip(parts) {
        assert!(answer.contains(part), "{answer} does not say {part}");
    }
}

/// The first thing that a reader tries, as the program that ships answers it.
#[tokio::test(flavor = "multi_thread")]
async fn the_readme_says_what_the_akismet_door_answers() {
    let readme = include_str!("../../README.md");
    let call = readme.split("```sh\n").find(|block| block.starts_with("curl http://127.0.0.1:8420/1.1/")).unwrap();
    let (call, answer) = call.split("```").next().unwrap().split_once("\n# ").unwrap();
    let folder = daemon::folder();
    let daemon = Daemon::start(folder.path()).await;
    let call = call.replace("127.0.0.1:8420", &daemon.address.to_string());
    let done = Command::new("sh").args(["-c", &format!("{call} -sS")]).env("KEY", daemon.key()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), answer.trim(), "{}", String::from_utf8_lossy(&done.stderr));
}
