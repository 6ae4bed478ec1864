//! When too much waits for a verdict, the doors that queue say so at once, those that answer go on, and all recovers.

use std::time::{Duration, Instant};

use hamlet::clock::Clock;
use hamlet::comment::Comment;
use hamlet::pipeline::Bounds;
use hamlet::random;
use hamlet::store::{self, NewComment, QueueStatus, Traces};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::daemon::{Daemon, client, folder};
use crate::harness::{APPROVING, Hamlet, KEY, Reply};

/// What a door says that does not take any more.
#[track_caller]
fn is_full(reply: &Reply, part: &str) {
    assert_eq!(reply.status, 503, "{reply:?}");
    let wait: u32 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{reply:?}");
    let problem = reply.json();
    assert_eq!(problem["type"], "/problems/queue-full", "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
}

#[tokio::test]
async fn doors_that_queue_are_shut_and_doors_that_answer_stay_open() {
    let hamlet = Hamlet::start().await;
    let backlog = &hamlet.pipeline.backlog;
    backlog.set_bounds(Bounds { depth: 100, age: Duration::from_secs(600), site_percent: 50 });
    let comment = json!({"content": "hello"});
    assert_eq!(hamlet.post("/v1/comments", &comment).await.status, 202);

    backlog.look(&QueueStatus { decisions: 100, ..QueueStatus::default() });
    is_full(&hamlet.post("/v1/comments", &comment).await, "`limits.queue_depth`");
    is_full(
        &hamlet.json(KEY, "POST", "/v1/comments/batch", &[], b"{\"content\":\"a\"}\n").await,
        "`limits.queue_depth`",
    );
    assert_eq!(hamlet.post("/v1/comments/check", &comment).await.status, 200);

    backlog.look(&QueueStatus { decisions: 1, oldest_decision_seconds: Some(700.0), ..QueueStatus::default() });
    is_full(&hamlet.post("/v1/comments", &comment).await, "`limits.queue_age_s`");
    backlog.look(&QueueStatus::default());
    assert_eq!(hamlet.post("/v1/comments", &comment).await.status, 202);
}

#[tokio::test]
async fn a_flood_at_one_site_leaves_room_for_another() {
    let hamlet = Hamlet::start().await;
    hamlet.pipeline.backlog.set_bounds(Bounds { depth: 40, age: Duration::ZERO, site_percent: 50 });
    // A batch asks for room for all its lines before the first of them can be decided.
    let lines: String = (0..200).map(|number| format!("{{\"content\":\"line {number}\"}}\n")).collect();
    let answer = hamlet.json(KEY, "POST", "/v1/comments/batch", &[], lines.as_bytes()).await;
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kept = lines.iter().filter(|line| line["id"].is_string()).count();
    assert_eq!(lines.len(), 200);
    assert_eq!(kept, 20, "half of the queue: {answer:?}");
    let refused = lines.iter().find(|line| line["error"].is_object()).unwrap();
    assert_eq!((&refused["error"]["status"], &refused["error"]["type"]), (&json!(503), &json!("/problems/queue-full")));
    let other = hamlet.json(APPROVING, "POST", "/v1/comments", &[], b"{\"content\":\"hello\"}").await;
    assert_eq!(other.status, 202, "{other:?}");
    // What was kept is decided, and there is room again.
    for line in lines.iter().filter(|line| line["id"].is_string()) {
        hamlet.decided(line["id"].as_str().unwrap()).await;
    }
    assert_eq!(hamlet.post("/v1/comments", &json!({"content": "again"})).await.status, 202);
}

/// Comments that another worker has claimed and does not decide fill the queue; once they are due they are decided.
#[tokio::test]
async fn the_daemon_sees_a_queue_that_others_filled_and_recovers_by_itself() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let key = daemon.key();
    assert_eq!(daemon.terminate(), Some(0));
    let store = store::open("sqlite", folder.path(), store::Settings::default()).await.unwrap();
    let site = store.directory().await.unwrap().sites[0].id;
    let now = Clock::System.now();
    for number in 0..60 {
        let new = NewComment {
            id: random::comment_id(now),
            site,
            comment: Comment::of_text(format!("comment number {number}")),
            received_at: now,
            idempotency_key: None,
            fingerprint: None,
            callback: None,
            traces: Traces::default(),
        };
        store.admit_queued(new, Some(now + SignedDuration::from_hours(1))).await.unwrap();
    }
    store.close().await;

    let daemon = Daemon::start_in(folder.path(), &[], &[("HAMLET_LIMITS__QUEUE_DEPTH", "50")]).await;
    let submit = async || daemon.post("/v1/comments", &key, &json!({"content": "one more"})).await.0;
    let until = async |wanted: u16| {
        let started = Instant::now();
        while submit().await != wanted {
            assert!(started.elapsed() < Duration::from_secs(5), "did not become {wanted} within five seconds");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until(503).await;
    let started = Instant::now();
    for _ in 0..50 {
        assert_eq!(submit().await, 503);
    }
    assert!(started.elapsed() < Duration::from_secs(5), "refused at once: {:?}", started.elapsed());
    let (status, verdict) = daemon.post("/v1/comments/check", &key, &json!({"content": "hello"})).await;
    assert_eq!(status, 200, "{verdict}");
    let metrics =
        client().get(format!("http://{}/metrics", daemon.address)).send().await.unwrap().text().await.unwrap();
    let refusals =
        metrics.lines().find_map(|line| line.strip_prefix("hamlet_overload_refusals_total{reason=\"depth\"} "));
    assert!(refusals.unwrap().parse::<u64>().unwrap() >= 50, "{metrics}");

    let url = format!("sqlite://{}", folder.path().join("hamlet.db").display());
    let mut conn = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("UPDATE jobs SET due_at = 0 WHERE state = 'pending'").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    until(202).await;
    daemon.until("/v1/stats", &key, |_, stats| stats["totals"]["checked"].as_u64() >= Some(61)).await;
    assert_eq!(daemon.terminate(), Some(0));
}
