//! Real daemons over one PostgreSQL: the road of a comment, two of them sharing the work, and the server going away.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{Daemon, beside, folder, get, hamlet};
use crate::postgres::{Server, fresh_database};
use crate::receiver::Receiver;

/// A daemon on that store, which may tell a receiver on the loopback.
async fn serve(folder: &Path, url: &str) -> Daemon {
    let settings = folder.join("hamlet.toml");
    std::fs::write(
        &settings,
        "[webhooks]\nallow_private_addresses = true\ntimeout_ms = 1_000\nconnect_timeout_ms = 500\n[worker]\nlease_s = 2\n[store]\nbusy_timeout_ms = 500\n",
    )
    .unwrap();
    Daemon::start_with(folder, &["--store", url, "--config", settings.to_str().unwrap()]).await
}

fn on<'a>(url: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    [&["--store", url], words].concat()
}

async fn submit(daemon: &Daemon, key: &str, number: usize) -> Option<String> {
    let body = json!({"content": format!("comment number {number}"), "external_id": number.to_string()});
    let client = crate::daemon::client().post(format!("http://{}/v1/comments", daemon.address)).bearer_auth(key);
    let answer = client.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
    let is_kept = answer.status() == 202;
    let answer: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
    is_kept.then(|| answer["id"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_goes_its_road_on_postgresql() {
    let (folder, url, cms) = (folder(), fresh_database(), Receiver::listening().await);
    let daemon = serve(folder.path(), &url).await;
    let key = daemon.key();
    let allow = "HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES";
    let added = hamlet(folder.path())
        .env(allow, "true")
        .args(on(&url, &["endpoint", "add", "--site", "default", &cms.url(), "--json"]))
        .output()
        .unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    let secret = serde_json::from_slice::<Value>(&added.stdout).unwrap()["secret"].as_str().unwrap().to_owned();

    let id = submit(&daemon, &key, 1).await.unwrap();
    let stored = daemon.until(&format!("/v1/comments/{id}"), &key, |_, comment| comment["status"] == "decided").await;
    let told = cms.told_at_least(1).await;
    assert!(told[0].is_believed_with(&secret));
    assert_eq!(told[0].json()["data"]["id"], json!(id), "{}", told[0].json());
    let decision = stored["verdict"]["decision"].as_str().unwrap().to_owned();
    let label = if decision == "approve" { "spam" } else { "ham" };
    let (status, _) = daemon.post(&format!("/v1/comments/{id}/label"), &key, &json!({"label": label})).await;
    assert!(status < 300, "{status}");
    assert_eq!(cms.told_at_least(2).await[1].json()["type"], "comment.redecided");
    daemon.until("/v1/comments?q=text:number", &key, |_, page| page["comments"][0]["id"] == json!(id)).await;
    daemon.until("/v1/stats", &key, |_, stats| stats["totals"]["checked"] == 1).await;
    assert_eq!(daemon.terminate(), Some(0));

    let again = serve(folder.path(), &url).await;
    let (_, stored) = get(again.address, &format!("/v1/comments/{id}"), &key).await.unwrap();
    assert_eq!(stored["history"][0]["label"], json!(label), "{stored}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_share_one_database() {
    let (one, two, url) = (folder(), folder(), fresh_database());
    let first = serve(one.path(), &url).await;
    let key = first.key();
    std::fs::write(two.path().join("greeted"), "").unwrap();
    let second = serve(two.path(), &url).await;

    let mut ids = Vec::new();
    for number in 0..200 {
        let daemon = if number % 2 == 0 { &first } else { &second };
        ids.push(submit(daemon, &key, number).await.expect("it is accepted"));
    }
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    for id in &ids {
        first.until(&format!("/v1/comments/{id}"), &key, |_, comment| comment["status"] == "decided").await;
    }
    for daemon in [&first, &second] {
        daemon.until("/v1/stats", &key, |_, stats| stats["totals"]["checked"] == 200).await;
    }
    let body = json!({"content": "comment number 6", "external_id": "6"});
    let (_, again) = second.post("/v1/comments", &key, &body).await;
    assert_eq!(again["id"], json!(ids[6]), "what one of them took is known to the other");

    // What is changed beside them is known to both within a second.
    let site = beside(one.path(), &on(&url, &["site", "add", "news", "--url", "https://news.example/"]));
    let news = site["api_key"].as_str().unwrap();
    let started = Instant::now();
    let mut unknown = BTreeSet::from([0, 1]);
    while !unknown.is_empty() {
        for (number, daemon) in [&first, &second].into_iter().enumerate() {
            if daemon.post("/v1/comments/check", news, &json!({"content": "hello"})).await.0 == 200 {
                unknown.remove(&number);
            }
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{unknown:?} do not know the site yet");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    // One goes, and the other goes on with what it left.
    for number in 200..260 {
        ids.push(submit(&first, &key, number).await.expect("it is accepted"));
    }
    drop(first);
    for id in &ids[200..] {
        second.until(&format!("/v1/comments/{id}"), &key, |_, comment| comment["status"] == "decided").await;
    }
    second.until("/v1/stats", &key, |_, stats| stats["totals"]["checked"] == 260).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_is_told_and_comes_back_without_a_restart() {
    let (folder, server) = (folder(), Server::start(&[]));
    let database = server.fresh_database();
    let daemon = serve(folder.path(), &server.url(&database)).await;
    let key = daemon.key();
    let mut kept = Vec::new();
    for number in 0..50 {
        kept.push(submit(&daemon, &key, number).await.expect("it is accepted"));
    }
    tokio::task::block_in_place(|| server.stop("immediate"));
    let not_ready = daemon.until("/readyz", "", |status, _| status == 503).await;
    assert!(not_ready["store"].as_str().unwrap().contains("the store is not available"), "{not_ready}");
    assert_eq!(submit(&daemon, &key, 50).await, None, "nothing is acknowledged that is not kept");
    assert_eq!(get(daemon.address, "/healthz", "").await.unwrap().0, 200);
    tokio::task::block_in_place(|| server.start_again());
    daemon.until("/readyz", "", |status, _| status == 200).await;
    for number in 51..80 {
        kept.push(submit(&daemon, &key, number).await.expect("it is accepted again"));
    }
    for id in &kept {
        daemon.until(&format!("/v1/comments/{id}"), &key, |_, comment| comment["status"] == "decided").await;
    }
}
