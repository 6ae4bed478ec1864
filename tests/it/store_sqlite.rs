//! What is particular to the SQLite engine: files in every bad state, other processes, a death without warning.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hamlet::comment::{Comment, CommentId};
use hamlet::event::EventKind;
use hamlet::key::Scopes;
use hamlet::random;
use hamlet::site::{Policy, SiteId};
use hamlet::statistics::{Day, Kind};
use hamlet::store::{Endpoint, EndpointKind, Full, NewComment, Outgoing, Settings, Store, StoreError, Traces, open};
use hamlet::verdict::Label;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use crate::store_postgres::is_not_moved;

const IMPATIENT: Settings = Settings {
    waiting_writes: 2,
    commit_together: 256,
    readers: 1,
    busy_timeout_ms: 200,
    connections: 1,
    statement_timeout_ms: 200,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn comment(site: SiteId, text: &str) -> NewComment {
    NewComment {
        id: random::comment_id(at(0)),
        site,
        comment: Comment::of_text(text),
        received_at: at(0),
        idempotency_key: None,
        fingerprint: None,
        callback: None,
        traces: Traces::default(),
    }
}

async fn store_in(folder: &Path, settings: Settings) -> (Arc<dyn Store>, SiteId) {
    let store = open("sqlite", folder, settings).await.unwrap();
    let site = match store.directory().await.unwrap().sites.first() {
        Some(site) => site.id,
        None => store.add_site("news", "", Policy::standard(), [1; 32], at(0)).await.unwrap().id,
    };
    (store, site)
}

/// Another program at the same file.
async fn beside(folder: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(folder.join("hamlet.db")).create_if_missing(true).connect().await.unwrap()
}

async fn run(conn: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.unwrap();
}

async fn refusal(url: &str, folder: &Path) -> String {
    match open(url, folder, IMPATIENT).await {
        Err(StoreError::Unusable(sentence)) => sentence,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("{url} in {} was opened", folder.display()),
    }
}

#[track_caller]
fn says(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "`{sentence}` should say `{part}`");
    }
    assert!(!sentence.contains('\n'), "{sentence}");
}

#[tokio::test]
async fn a_url_that_names_no_store_is_told_the_known_forms() {
    let folder = TempDir::new().unwrap();
    let check = async |url: &str, parts: &[&str]| says(&refusal(url, folder.path()).await, parts);
    check("mysql://host/x", &["mysql://host/x", "`sqlite`", "sqlite:///path", "postgres://user"]).await;
    check("", &["`sqlite`"]).await;
    check("/var/lib/x.db", &["`sqlite`"]).await;
    check("sqlite::memory:", &["sqlite:///path"]).await;
    check("sqlite:", &["sqlite:///path"]).await;
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[tokio::test]
async fn a_fresh_folder_is_for_hamlets_user_only() {
    let folder = TempDir::new().unwrap();
    let (deep, file) = (folder.path().join("a/b"), folder.path().join("c/other.db"));
    open("sqlite", &deep, IMPATIENT).await.unwrap().close().await;
    assert_eq!(fs::metadata(&deep).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(deep.join("hamlet.db").is_file());
    assert!(!deep.join("hamlet.db-wal").exists(), "the log is folded in on closing");
    open(&format!("sqlite://{}", file.display()), &deep, IMPATIENT).await.unwrap().close().await;
    assert!(file.is_file());
}

#[tokio::test]
async fn a_file_in_a_bad_state_is_refused_with_a_mend() {
    let folder = TempDir::new().unwrap();
    let data = |name: &str| {
        let data = folder.path().join(name);
        fs::create_dir(&data).unwrap();
        data
    };

    let text = data("text");
    fs::write(text.join("hamlet.db"), "Dear diary, today ".repeat(1000)).unwrap();
    says(&refusal("sqlite", &text).await, &["text/hamlet.db", "is not a database", "--data-dir"]);

    let directory = data("directory");
    fs::create_dir(directory.join("hamlet.db")).unwrap();
    says(&refusal("sqlite", &directory).await, &["directory/hamlet.db", "cannot be opened", "--data-dir"]);

    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    says(&refusal("sqlite", &file).await, &["/file", "cannot be made", "--data-dir"]);

    let damaged = data("damaged");
    let (store, _) = store_in(&damaged, IMPATIENT).await;
    store.close().await;
    let mut bytes = fs::read(damaged.join("hamlet.db")).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(damaged.join("hamlet.db"), &bytes).unwrap();
    says(&refusal("sqlite", &damaged).await, &["damaged/hamlet.db", "is damaged", "backup"]);
    fs::write(damaged.join("hamlet.db"), &bytes[..6000]).unwrap();
    says(&refusal("sqlite", &damaged).await, &["damaged/hamlet.db", "is damaged", "backup"]);

    let newer = data("newer");
    store_in(&newer, IMPATIENT).await.0.close().await;
    let mut conn = beside(&newer).await;
    run(&mut conn, "INSERT INTO _sqlx_migrations SELECT 9999, 'future', installed_on, 1, checksum, 0 FROM _sqlx_migrations LIMIT 1")
        .await;
    run(&mut conn, "ALTER TABLE comments ADD COLUMN mood TEXT").await;
    let (store, site) = store_in(&newer, IMPATIENT).await;
    store.admit_queued(comment(site, "what was only added is in nobody's way"), None).await.unwrap();
    is_not_moved(store.as_ref()).await;
    store.ping().await.unwrap();
    run(&mut conn, "UPDATE meta SET value = 9999 WHERE name = 'oldest_schema'").await;
    let outgrown = store.ping().await.unwrap_err().to_string();
    assert!(outgrown.contains("replace this daemon"), "{outgrown}");
    store.close().await;
    conn.close().await.unwrap();
    says(&refusal("sqlite", &newer).await, &["newer/hamlet.db", "newer Hamlet", "install"]);

    let foreign = data("foreign");
    let mut conn = beside(&foreign).await;
    run(&mut conn, "CREATE TABLE comments (x); INSERT INTO comments VALUES (1)").await;
    conn.close().await.unwrap();
    says(&refusal("sqlite", &foreign).await, &["foreign/hamlet.db", "not one of Hamlet's", "another data folder"]);

    let locked = data("locked");
    store_in(&locked, IMPATIENT).await.0.close().await;
    let mut conn = beside(&locked).await;
    run(&mut conn, "BEGIN EXCLUSIVE").await;
    says(&refusal("sqlite", &locked).await, &["locked/hamlet.db", "locked by another program"]);
    run(&mut conn, "ROLLBACK").await;
    open("sqlite", &locked, IMPATIENT).await.unwrap().close().await;
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_is_refused_with_a_mend() {
    let folder = TempDir::new().unwrap();
    store_in(folder.path(), IMPATIENT).await.0.close().await;
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&folder.path().join("hamlet.db"), 0o400);
    set(folder.path(), 0o500);
    if tempfile::tempfile_in(folder.path()).is_ok() {
        eprintln!("permissions do not stop this user (root): not tested");
        return;
    }
    says(&refusal("sqlite", folder.path()).await, &["hamlet.db", "cannot be written", "Hamlet's user"]);
    set(&folder.path().join("hamlet.db"), 0o600);
    says(&refusal("sqlite", folder.path()).await, &["hamlet.db", "cannot be", "Hamlet's user"]);
    set(folder.path(), 0o700);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_fresh_store_at_once() {
    let folder = TempDir::new().unwrap();
    let mut openers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let folder = folder.path().to_owned();
        openers.spawn(async move { open("sqlite", &folder, Settings::default()).await.map(|_| ()) });
    }
    for outcome in openers.join_all().await {
        outcome.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_may_wait_is_refused_at_once_and_a_lock_does_not_stay() {
    let folder = TempDir::new().unwrap();
    let (store, site) = store_in(folder.path(), Settings { busy_timeout_ms: 1_500, ..IMPATIENT }).await;
    let mut conn = beside(folder.path()).await;
    run(&mut conn, "BEGIN IMMEDIATE").await;

    let admit = |text: &str| {
        let (store, new) = (Arc::clone(&store), comment(site, text));
        tokio::spawn(async move { store.admit_queued(new, None).await })
    };
    // One is with the writer, two wait.
    let first = admit("first");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let waiting = [admit("second"), admit("third")];
    tokio::time::sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    let refused = admit("fourth").await.unwrap();
    assert!(matches!(refused, Err(StoreError::Overloaded)), "{refused:?}");
    assert!(started.elapsed() < Duration::from_millis(500));
    assert!(store.comment(site, random::comment_id(at(0))).await.unwrap().is_none(), "reading goes on");

    run(&mut conn, "ROLLBACK").await;
    first.await.unwrap().unwrap();
    for admission in waiting {
        admission.await.unwrap().unwrap();
    }

    run(&mut conn, "BEGIN IMMEDIATE").await;
    let locked = store.admit_queued(comment(site, "fifth"), None).await;
    assert!(matches!(&locked, Err(StoreError::Unavailable(why)) if why.contains("locked")), "{locked:?}");
    assert!(store.ping().await.is_err());
    run(&mut conn, "ROLLBACK").await;
    store.ping().await.unwrap();
    store.admit_queued(comment(site, "sixth"), None).await.unwrap();
    assert_eq!(store.queue_status(at(0)).await.unwrap().decisions, 4);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_sqlite_refuses_takes_no_neighbour_down() {
    let folder = TempDir::new().unwrap();
    let (store, site) = store_in(folder.path(), Settings::default()).await;
    let mut conn = beside(folder.path()).await;
    for (act, only_the_bad_fail) in [("ABORT", true), ("ROLLBACK", false)] {
        let trigger = "DROP TRIGGER IF EXISTS refuse;
                       CREATE TRIGGER refuse BEFORE INSERT ON comments WHEN NEW.external_id LIKE 'bad%'
                       BEGIN SELECT RAISE(";
        run(&mut conn, &format!("{trigger}{act}, 'no'); END")).await;
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..64 {
            let (store, text) = (Arc::clone(&store), if sender % 8 == 0 { "bad" } else { "good" });
            let mut new = comment(site, text);
            new.comment.external_id = Some(format!("{text} {act} {sender}"));
            senders.spawn(async move { (text, store.admit_queued(new, None).await) });
        }
        for (text, outcome) in senders.join_all().await {
            assert!(!(text == "bad" && outcome.is_ok()));
            assert!(!(text == "good" && only_the_bad_fail && outcome.is_err()), "{outcome:?}");
        }
    }
    run(&mut conn, "DROP TRIGGER refuse").await;
    let mut new = comment(site, "bad");
    new.comment.external_id = Some("bad again".to_owned());
    store.admit_queued(new, None).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let folder = TempDir::new().unwrap();
    let (store, site) = store_in(folder.path(), IMPATIENT).await;
    let endpoint = Endpoint {
        id: "ep_a".into(),
        site,
        url: "https://cms.example/".into(),
        created_at: at(0),
        kind: EndpointKind::Webhook,
        events: None,
        disabled: None,
        failing_since: None,
        secrets: Vec::new(),
    };
    store.add_endpoint(endpoint).await.unwrap();
    let (bad, good) = (comment(site, "bad"), comment(site, "good"));
    let (bad_id, good_id) = (bad.id, good.id);
    store.admit_queued(bad, None).await.unwrap();
    store.admit_queued(good, None).await.unwrap();
    let message = Outgoing { kind: EventKind::Decided, message_id: "msg_1".into(), body: "{}".into() };
    store.enqueue_message("ep_a", message, at(0)).await.unwrap();

    let mut conn = beside(folder.path()).await;
    run(&mut conn, "UPDATE comments SET comment = substr(comment, 1, length(comment) - 3) WHERE row = 1").await;
    let named = |outcome: Result<(), StoreError>, part: &str| match outcome {
        Err(StoreError::Unusable(sentence)) => says(&sentence, &[part, "cannot be read"]),
        other => panic!("{other:?}"),
    };
    named(store.comment(site, bad_id).await.map(|_| ()), &format!("comment {bad_id}"));
    run(&mut conn, "UPDATE comments SET comment = CAST('{\"content\":' AS BLOB) WHERE row = 1").await;
    named(store.comment(site, bad_id).await.map(|_| ()), &format!("comment {bad_id}"));
    run(&mut conn, "UPDATE comments SET comment = x'c328' WHERE row = 1").await;
    named(store.comment(site, bad_id).await.map(|_| ()), &format!("comment {bad_id}"));
    // It would come back for ever, and in front of all the others: so it is given up, and they are not.
    let claimed = store.claim_decisions(at(1), Duration::from_secs(9), 9).await.unwrap();
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [good_id]);
    let dead = store.dead_letters(9).await.unwrap();
    assert_eq!(dead.iter().map(|letter| letter.comment).collect::<Vec<_>>(), [Some(bad_id)]);
    says(&dead[0].last_error, &[&format!("comment {bad_id}"), "cannot be read"]);

    run(&mut conn, "UPDATE comments SET verdict = CAST('[]' AS BLOB) WHERE row = 2").await;
    named(store.comment(site, good_id).await.map(|_| ()), "the verdict on comment");
    run(&mut conn, "UPDATE comments SET label = 'spud', labelled_at = 0").await;
    named(store.labelled(None, None, 9).await.map(|_| ()), "comment");
    run(&mut conn, "UPDATE comments SET id = CAST(x'00' || id AS BLOB) WHERE verdict IS NULL").await;
    named(store.labelled(None, None, 9).await.map(|_| ()), "17 bytes");
    run(&mut conn, "UPDATE endpoints SET secrets = 'x'").await;
    named(store.endpoints(None).await.map(|_| ()), "endpoint ep_a");
    assert!(store.claim_deliveries(at(1), Duration::from_secs(9), 9, &Full::default()).await.unwrap().is_empty());
    run(&mut conn, "UPDATE sites SET policy = '{}'").await;
    named(store.directory().await.map(|_| ()), "the policy of site 1 (news)");
    run(&mut conn, "UPDATE api_keys SET hash = x'00'").await;
    assert!(store.directory().await.is_err());
    store.close().await;
}

// ---- a death without warning -------------------------------------------------------------------------------------------

/// Run in a process of its own, which the next two tests start: keeps comments and says so, until something stops it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_writes_until_it_is_stopped() {
    let Some(folder) = std::env::var_os("HAMLET_TEST_CHILD_STORE") else { return };
    let (store, site) = store_in(Path::new(&folder), Settings::default()).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            loop {
                match store.admit_queued(comment(site, &format!("{writer} {}", "x".repeat(500))), None).await {
                    Ok(admission) => writeln!(std::io::stdout(), "\nkept {}", admission.id()).unwrap(),
                    Err(error) => return error,
                }
            }
        });
    }
    for error in writers.join_all().await {
        writeln!(std::io::stdout(), "\nrefused {error:?}").unwrap();
    }
}

fn child(folder: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", shell, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "store_sqlite::child_that_writes_until_it_is_stopped", "--nocapture"])
        .env("HAMLET_TEST_CHILD_STORE", folder)
        .stdout(Stdio::piped());
    command
}

fn ids(lines: impl Iterator<Item = String>) -> Vec<CommentId> {
    lines.filter_map(|line| line.strip_prefix("kept ").and_then(|id| id.parse().ok())).collect()
}

async fn all_are_there(folder: &Path, kept: &[CommentId]) {
    let (store, site) = store_in(folder, Settings::default()).await;
    for id in kept {
        assert!(store.comment(site, *id).await.unwrap().is_some(), "{id} was lost");
    }
    let waiting = store.queue_status(at(0)).await.unwrap().decisions;
    assert!(waiting >= kept.len() as u64, "{waiting} jobs for {} comments", kept.len());
    store.ping().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn what_was_answered_outlives_a_kill() {
    let folder = TempDir::new().unwrap();
    let mut process = child(folder.path(), r#"exec "$@""#).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut kept = ids(lines.by_ref().take(1000));
    process.kill().unwrap();
    process.wait().unwrap();
    kept.extend(ids(lines));
    assert!(kept.len() > 100, "only {}", kept.len());
    all_are_there(folder.path(), &kept).await;
}

#[tokio::test]
async fn a_disk_that_takes_no_more_is_said_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    // A limit on the size of files stands in for a full disk; without the trap it would be a signal.
    let output = child(folder.path(), r#"trap "" XFSZ; ulimit -f 4000; exec "$@""#).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let kept = ids(text.lines().map(str::to_owned));
    assert!(kept.len() > 100, "only {}\n{text}", kept.len());
    assert_eq!(text.matches("refused Unavailable").count(), 16, "{text}");
    all_are_there(folder.path(), &kept).await;
}

#[tokio::test]
async fn a_label_that_cannot_be_read_does_not_end_all_learning() {
    let folder = TempDir::new().unwrap();
    let store = open("sqlite", folder.path(), Settings::default()).await.unwrap();
    let site = store.add_site("news", "", Policy::standard(), [1; 32], at(0)).await.unwrap().id;
    for text in ["a", "b", "c", "d"] {
        store.admit_queued(comment(site, text), None).await.unwrap();
    }
    let mut conn = beside(folder.path()).await;
    run(
        &mut conn,
        "INSERT INTO acts (comment, act, learn) VALUES (1, '{}', 'spam'), (2, '{}', 'spam'), (3, '{}', 'junk'), (4, '{}', 'ham');
         UPDATE comments SET comment = CAST('{\"content\"' AS BLOB) WHERE row = 1;
         UPDATE comments SET comment = x'7bff' WHERE row = 2;",
    )
    .await;
    let read = store.lessons(0, 9).await.unwrap();
    let learned: Vec<_> = read.lessons.iter().map(|one| (one.comment.content.as_str(), one.learn)).collect();
    assert_eq!((learned, read.up_to), (vec![("d", Some(Label::Ham))], 4));
    conn.close().await.unwrap();
    store.close().await;
}

/// A store as the first version of the schema left it.
async fn of_the_first_version(folder: &Path) {
    let steps = TempDir::new().unwrap();
    let first = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations/sqlite/0001_first.sql");
    fs::copy(first, steps.path().join("0001_first.sql")).unwrap();
    let mut conn = beside(folder).await;
    let migrator = sqlx::migrate::Migrator::new(steps.path()).await.unwrap();
    migrator.run_direct(None, &mut conn, false).await.unwrap();
    let verdict = |decision: &str| {
        format!(
            r#"{{"decision":"{decision}","score":0.5,"evidence":[{{"symbol":"BAYES","weight":0.0}},{{"symbol":"BAYES","weight":0.0}}],
               "tokens":[],"thresholds":{{"hold":0.5,"spam":0.95,"discard":null}},"reason":"r","model":"m","rules":"1",
               "decided_at":"2026-11-24T00:00:00Z","micros":1}}"#
        )
    };
    let comment = r#"{"content":"x","lang":"AR_eg","extra":{"blog":"https://News.example/"}}"#;
    let day = 20_781_i64 * 86_400_000_000;
    let script = format!(
        "INSERT INTO sites VALUES (1, 'news', '', '{policy}', {day});
         INSERT INTO keys VALUES (x'{key}', 1);
         INSERT INTO comments (row, id, site, received_at, comment, verdict, said, label, labelled_at) VALUES
             (1, x'{id}01', 1, {day}, '{comment}', '{approved}', '{{\"label\":\"ham\"}}', 'ham', {day}),
             (2, x'{id}02', 1, {day} + 86399999999, '{{\"content\":\"y\"}}', '{spam}', NULL, NULL, NULL),
             (3, x'{id}03', 1, {day}, '{{\"content\":\"z\"}}', NULL, NULL, NULL, NULL);
         INSERT INTO acts VALUES
             (1, 1, '{{{by}\"label\":\"spam\",\"before\":\"hold\"}}'), (2, 1, '{{{by}\"decision\":\"spam\",\"before\":\"spam\"}}'),
             (3, 1, '{{{by}\"label\":\"spam\",\"before\":\"spam\"}}'), (4, 1, '{{{by}\"label\":\"ham\",\"before\":\"spam\"}}');
         INSERT INTO jobs (kind, state, due_at, attempts, site, comment) VALUES ('decide', 'pending', 0, 0, 1, 3);",
        policy = serde_json::to_string(&Policy::standard()).unwrap(),
        key = "07".repeat(32),
        by = r#""at":"2026-11-24T00:00:00Z","by":"ada","via":"api","#,
        id = "00".repeat(15),
        approved = verdict("approve"),
        spam = verdict("spam"),
    );
    run(&mut conn, &script).await;
    conn.close().await.unwrap();
}

#[tokio::test]
async fn an_older_store_is_brought_up_to_date_with_all_it_holds() {
    let folder = TempDir::new().unwrap();
    of_the_first_version(folder.path()).await;
    let store = open("sqlite", folder.path(), Settings::default()).await.unwrap();
    let directory = store.directory().await.unwrap();
    let key = &directory.keys[0];
    assert_eq!((key.hash, key.site, key.scopes, key.expires_at), ([7; 32], Some(SiteId(1)), Scopes::CMS, None));

    let day: Day = "2026-11-24".parse().unwrap();
    let counted = store.statistics(None, &Kind::ALL, day, day).await.unwrap();
    let counted: Vec<_> =
        counted.iter().map(|one| format!("{} {}: {}", one.kind.as_str(), one.name, one.count)).collect();
    assert_eq!(
        counted,
        [
            "blog_false_positive news.example: 1",
            "blog_spam news.example: 1",
            "decision hold: 1",
            "decision spam: 1",
            "language ar: 1",
            "language und: 1",
            "mistake false_positive: 1",
            "symbol BAYES: 2",
        ]
    );
    let lessons = store.lessons(0, 9).await.unwrap().lessons;
    let learned: Vec<_> = lessons.iter().map(|one| (one.comment.content.as_str(), one.unlearn, one.learn)).collect();
    assert_eq!(learned, [("x", None, Some(Label::Spam)), ("x", Some(Label::Spam), Some(Label::Ham))]);
    // What was queued goes on.
    let jobs = store.claim_decisions(at(0), Duration::from_secs(9), 9).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.comment.content.as_str()).collect::<Vec<_>>(), ["z"]);
    store.close().await;
}
