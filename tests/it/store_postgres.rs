//! What is particular to the PostgreSQL engine: servers in every bad state, several processes, a server that goes away.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hamlet::comment::{Comment, CommentId};
use hamlet::event::EventKind;
use hamlet::random;
use hamlet::site::{Policy, SiteId};
use hamlet::statistics::{Day, Kind};
use hamlet::store::{
    Act, Admission, CampaignId, Change, HistoryEntry, NewComment, Outgoing, Settings, Status, Store, StoreError,
    Traces, Trait, open,
};
use hamlet::verdict::{Decision, Label, Score, Verdict};
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::postgres::{PASSWORD, Server, fresh_database, shared};

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub fn comment(site: SiteId, text: &str) -> NewComment {
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

pub fn verdict(decision: Decision) -> Verdict {
    Verdict {
        decision,
        score: Score::new(0.5).unwrap(),
        evidence: Vec::new(),
        tokens: Vec::new(),
        thresholds: Policy::standard().thresholds,
        facts: hamlet::facts::Facts::NONE,
        max_blocked_ham: None,
        reason: String::new(),
        otherwise: None,
        not_sent: Vec::new(),
        model: "m".into(),
        rules: "r".into(),
        decided_at: at(0),
        micros: 1,
    }
}

pub fn event() -> Outgoing {
    Outgoing { kind: EventKind::Decided, message_id: random::message_id(at(0)), body: "{}".into() }
}

async fn store_at(url: &str, settings: Settings) -> (Arc<dyn Store>, SiteId) {
    let store = open(url, Path::new("/nowhere"), settings).await.unwrap();
    let site = match store.directory().await.unwrap().sites.first() {
        Some(site) => site.id,
        None => store.add_site("news", "", Policy::standard(), [1; 32], at(0)).await.unwrap().id,
    };
    (store, site)
}

/// A program that does not know all of the schema would leave something out.
pub async fn is_not_moved(store: &dyn Store) {
    let (to, _taken) = tokio::sync::mpsc::channel(9);
    let refused = store.dump(to).await;
    let is_named = |why: &str| why.contains("schema 9999") && why.contains("the newer Hamlet");
    assert!(matches!(&refused, Err(StoreError::Unusable(why)) if is_named(why)), "{refused:?}");
}

/// What is said of a store that cannot be opened. Never the password.
async fn refusal(url: &str) -> String {
    let settings = Settings { busy_timeout_ms: 2_000, ..Settings::default() };
    let sentence = match open(url, Path::new("/nowhere"), settings).await {
        Err(StoreError::Unusable(sentence)) => sentence,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("{url} was opened"),
    };
    assert!(!sentence.contains(PASSWORD) && !sentence.contains("falsch"), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
    sentence
}

async fn says(url: &str, parts: &[&str]) {
    let sentence = refusal(url).await;
    for part in parts {
        assert!(sentence.contains(part), "`{sentence}` should say `{part}`");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_refused_with_a_mend() {
    let server = shared();
    says("postgres://bob:geheim@[::1/x", &["postgres://…", "does not name a database", "postgres://user:password@"])
        .await;
    says("postgres://bob:geheim@h/x?sslmode=perhaps", &["bob:***@h", "does not name a database"]).await;
    says("postgres://bob@127.0.0.1:1/x?password=geheim", &["127.0.0.1:1", "no PostgreSQL server answers", "start it"])
        .await;
    says("postgresql://bob:geheim@127.0.0.1:1/x", &["postgresql://bob:***@127.0.0.1:1/x"]).await;

    let fresh = server.fresh_database();
    let by_tcp = |user: &str, password: &str, database: &str| server.tcp_url(user, password, database);
    says(&by_tcp("hamlet", "falsch", &fresh), &["refuses the password of role `hamlet`", "correct it"]).await;
    says(&by_tcp("hamlet", PASSWORD, "nowhere"), &["no database `nowhere`", "createdb --owner=hamlet nowhere"]).await;
    says(&format!("{}?sslmode=require", by_tcp("hamlet", PASSWORD, &fresh)), &["no TLS", "sslmode"]).await;

    server.sql("postgres", &format!("CREATE ROLE guest_{fresh} LOGIN PASSWORD '{PASSWORD}'"));
    let guest = by_tcp(&format!("guest_{fresh}"), PASSWORD, &fresh);
    says(&guest, &["may not make its tables", "CREATE"]).await;
    server.sql("postgres", &format!("REVOKE CONNECT ON DATABASE {fresh} FROM public"));
    says(&guest, &["may not connect", "grant it CONNECT"]).await;

    let ascii = format!("ascii_{fresh}");
    server.sql(
        "postgres",
        &format!("CREATE DATABASE {ascii} ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"),
    );
    says(&server.url(&ascii), &["SQL_ASCII", "--encoding=UTF8"]).await;

    let foreign = server.fresh_database();
    server.sql(&foreign, "CREATE TABLE comments (x int)");
    says(&server.url(&foreign), &["not Hamlet's", "database of its own"]).await;

    let newer = server.fresh_database();
    store_at(&server.url(&newer), Settings::default()).await.0.close().await;
    server.sql(
        &newer,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'future', true, '', 0);
         ALTER TABLE comments ADD COLUMN mood text",
    );
    let (store, site) = store_at(&server.url(&newer), Settings::default()).await;
    store.admit_queued(comment(site, "what was only added is in nobody's way"), None).await.unwrap();
    is_not_moved(store.as_ref()).await;
    store.close().await;
    server.sql(&newer, "UPDATE meta SET value = 9999 WHERE name = 'oldest_schema'");
    says(&server.url(&newer), &["newer Hamlet", "install"]).await;
    let other = server.fresh_database();
    store_at(&server.url(&other), Settings::default()).await.0.close().await;
    server.sql(&other, "UPDATE _sqlx_migrations SET checksum = '\\x00'");
    says(&server.url(&other), &["another build of Hamlet", "install that build"]).await;
}

/// Up to step 10 documents were text.
#[tokio::test]
async fn what_was_kept_as_text_is_read() {
    let (server, steps) = (shared(), tempfile::tempdir().unwrap());
    let database = server.fresh_database();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations/postgres");
    for name in ["0009_first.sql", "0010_sharing.sql"] {
        std::fs::copy(own.join(name), steps.path().join(name)).unwrap();
    }
    let mut conn = PgConnection::connect(&server.url(&database)).await.unwrap();
    Migrator::new(steps.path()).await.unwrap().run_direct(None, &mut conn, false).await.unwrap();
    conn.close().await.unwrap();
    let (policy, verdict) = (Policy::standard(), verdict(Decision::Hold));
    let [policy, verdict] = [serde_json::to_string(&policy).unwrap(), serde_json::to_string(&verdict).unwrap()];
    let script = format!(
        r#"INSERT INTO sites (id, name, url, policy, created_at) VALUES (1, 'news', '', '{policy}', 0);
           INSERT INTO comments (row, id, site, received_at, comment) VALUES (1, '\x{id}', 1, 0, '{{"content":"مرحبا"}}');
           INSERT INTO verdicts (comment, site, received_at, verdict, decision) VALUES (1, 1, 0, '{verdict}', 'hold');
           INSERT INTO overruled (cluster, comment, act, verdict) VALUES (7, 1, 1, '{verdict}')"#,
        id = "07".repeat(16),
    );
    server.sql(&database, &script);
    let store = open(&server.url(&database), Path::new("/nowhere"), Settings::default()).await.unwrap();
    let id: CommentId = CommentId(ulid::Ulid::from_bytes([7; 16]));
    let kept = store.comment(SiteId(1), id).await.unwrap().unwrap();
    assert_eq!(kept.comment.content, "مرحبا");
    assert!(matches!(kept.status, Status::Decided { verdict } if verdict.decision == Decision::Hold));
    let before = store.overruled(SiteId(1), CampaignId(7), 9).await.unwrap();
    assert_eq!(before.iter().map(|one| one.verdict.decision).collect::<Vec<_>>(), [Decision::Hold]);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_fresh_database_at_once() {
    let url = fresh_database();
    let mut openers = JoinSet::new();
    for _ in 0..8 {
        let url = url.clone();
        openers.spawn(async move {
            let store = open(&url, Path::new("/nowhere"), Settings::default()).await.unwrap();
            store.ping().await.unwrap();
            store.close().await;
        });
    }
    openers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_does_not_stay_and_more_than_may_wait_is_refused_at_once() {
    let settings = Settings { waiting_writes: 2, commit_together: 1, busy_timeout_ms: 1_000, ..Settings::default() };
    let server = shared();
    let database = server.fresh_database();
    let (store, site) = store_at(&server.url(&database), settings).await;
    let holder = {
        let database = database.clone();
        std::thread::spawn(move || shared().sql(&database, "SELECT pg_advisory_lock(7235400691), pg_sleep(3)"))
    };
    let is_held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while server.sql(&database, is_held) == "0" {
        sleep(Duration::from_millis(10)).await;
    }
    let mut senders = JoinSet::new();
    let started = Instant::now();
    for number in 0..12 {
        let (store, new) = (Arc::clone(&store), comment(site, &format!("{number}")));
        senders.spawn(async move { (store.admit_queued(new, None).await, started.elapsed()) });
    }
    let answers = senders.join_all().await;
    let at_once = answers.iter().filter(|(answer, _)| matches!(answer, Err(StoreError::Overloaded)));
    assert!(at_once.clone().count() >= 6, "two are written, two wait: {answers:?}");
    assert!(at_once.clone().all(|(_, took)| *took < Duration::from_millis(900)), "{answers:?}");
    let locked = |error: &StoreError| error.to_string().contains("locked");
    assert!(answers.iter().any(|(answer, _)| answer.as_ref().is_err_and(locked)), "{answers:?}");
    holder.join().unwrap();
    store.admit_queued(comment(site, "afterwards"), None).await.unwrap();
    store.close().await;
}

/// Admits until it is told to stop, and remembers what was acknowledged.
async fn admit_on(store: Arc<dyn Store>, site: SiteId, stop: Arc<AtomicBool>) -> Vec<CommentId> {
    let mut kept = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let answer = if kept.len() % 2 == 0 {
            store.admit_queued(comment(site, "queued"), None).await
        } else {
            store.admit_decided(comment(site, "checked"), &verdict(Decision::Hold), event()).await
        };
        match answer {
            Ok(admission) => kept.push(admission.id()),
            Err(StoreError::Unavailable(_) | StoreError::Overloaded) => sleep(Duration::from_millis(5)).await,
            Err(other) => panic!("{other:?}"),
        }
    }
    kept
}

/// Decides until it is told to stop. A comment whose verdict was acknowledged must not be decided again.
async fn decide_on(store: Arc<dyn Store>, stop: Arc<AtomicBool>) -> Vec<CommentId> {
    let mut decided = Vec::new();
    let mut second = 1;
    while !stop.load(Ordering::Relaxed) {
        second += 1;
        let Ok(jobs) = store.claim_decisions(at(second * 60), Duration::from_secs(30), 16).await else {
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        for job in jobs {
            match store.record_verdict(&job, verdict(Decision::Approve), event(), Traces::default()).await {
                Ok(()) => decided.push(job.id),
                Err(StoreError::Unavailable(_) | StoreError::Overloaded | StoreError::LeaseLost(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    decided
}

/// Every comment that was acknowledged is there and decided once; what was counted agrees with what is there.
async fn is_whole(store: &dyn Store, server: &Server, database: &str, site: SiteId, kept: &[CommentId]) {
    loop {
        let jobs = store.claim_decisions(at(1_000_000_000), Duration::from_secs(30), 1000).await.unwrap();
        if jobs.is_empty() {
            break;
        }
        for job in jobs {
            store.record_verdict(&job, verdict(Decision::Approve), event(), Traces::default()).await.unwrap();
        }
    }
    for id in kept {
        let stored = store.comment(site, *id).await.unwrap().unwrap_or_else(|| panic!("comment {id} was lost"));
        assert!(matches!(stored.status, Status::Decided { .. }), "{stored:?}");
    }
    let day = Day::of(at(0));
    let counted = store.statistics(Some(site), &[Kind::Decision], day, day).await.unwrap();
    let counted: BTreeMap<String, u64> = counted.into_iter().map(|one| (one.name, one.count)).collect();
    let rows = server.sql(database, "SELECT decision, count(*) FROM verdicts GROUP BY 1");
    let rows: BTreeMap<String, u64> = rows
        .lines()
        .map(|row| row.split_once('|').map(|(name, count)| (name.to_owned(), count.parse().unwrap())).unwrap())
        .collect();
    assert_eq!(counted, rows, "counts and verdicts agree");
    assert_eq!(
        server.sql(
            database,
            "SELECT count(*) FROM comments LEFT JOIN verdicts ON verdicts.comment = row WHERE verdicts.comment IS NULL"
        ),
        "0"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_takes_nothing_along_that_was_acknowledged() {
    let server = Server::start(&[]);
    let database = server.fresh_database();
    let settings = Settings { busy_timeout_ms: 500, ..Settings::default() };
    let (store, site) = store_at(&server.url(&database), settings).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut admitting = JoinSet::new();
    for _ in 0..8 {
        admitting.spawn(admit_on(Arc::clone(&store), site, Arc::clone(&stop)));
    }
    let deciding = tokio::spawn(decide_on(Arc::clone(&store), Arc::clone(&stop)));
    for mode in ["immediate", "fast", "immediate"] {
        sleep(Duration::from_millis(400)).await;
        tokio::task::block_in_place(|| server.stop(mode));
        let away = store.ping().await;
        assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
        let away = store.queue_status(at(0)).await;
        assert!(matches!(away, Err(StoreError::Unavailable(_))), "{away:?}");
        tokio::task::block_in_place(|| server.start_again());
        let started = Instant::now();
        while store.ping().await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(10), "the pool did not come back");
            sleep(Duration::from_millis(20)).await;
        }
    }
    sleep(Duration::from_millis(200)).await;
    stop.store(true, Ordering::Relaxed);
    let kept: Vec<CommentId> = admitting.join_all().await.into_iter().flatten().collect();
    let decided = deciding.await.unwrap();
    assert!(kept.len() > 100, "{}", kept.len());
    assert_eq!(decided.iter().collect::<HashSet<_>>().len(), decided.len(), "decided once");
    is_whole(store.as_ref(), &server, &database, site, &kept).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_cut_in_the_middle_of_a_verb_leaves_nothing_half_done() {
    let server = shared();
    let database = server.fresh_database();
    let (store, site) = store_at(&server.url(&database), Settings::default()).await;
    let (beside, _) = store_at(&server.url(&database), Settings::default()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut admitting = JoinSet::new();
    for number in 0..8 {
        let store = if number % 2 == 0 { &store } else { &beside };
        admitting.spawn(admit_on(Arc::clone(store), site, Arc::clone(&stop)));
    }
    let deciding = [&store, &beside].map(|store| tokio::spawn(decide_on(Arc::clone(store), Arc::clone(&stop))));
    let cut = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
          WHERE datname = '{database}' AND application_name = 'hamlet' AND random() < 0.5"
    );
    let mut cuts = 0;
    for _ in 0..40 {
        sleep(Duration::from_millis(30)).await;
        cuts += tokio::task::block_in_place(|| server.sql("postgres", &cut)).parse::<u32>().unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let kept: Vec<CommentId> = admitting.join_all().await.into_iter().flatten().collect();
    let mut decided = Vec::new();
    for deciding in deciding {
        decided.extend(deciding.await.unwrap());
    }
    assert!(cuts > 20 && kept.len() > 20, "{cuts} connections cut, {} comments kept", kept.len());
    assert_eq!(decided.iter().collect::<HashSet<_>>().len(), decided.len(), "decided once");
    is_whole(store.as_ref(), server, &database, site, &kept).await;
    store.close().await;
    beside.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_given_at_once_are_all_learned_in_their_order() {
    let url = fresh_database();
    let (store, site) = store_at(&url, Settings::default()).await;
    let (beside, _) = store_at(&url, Settings::default()).await;
    let mut ids = Vec::new();
    for number in 0..10 {
        let new = comment(site, &format!("number {number}"));
        let Admission::New { id, .. } = store.admit_decided(new, &verdict(Decision::Hold), event()).await.unwrap()
        else {
            panic!("it is new");
        };
        ids.push(id);
    }
    let mut labelling = JoinSet::new();
    for hand in 0..6_usize {
        let (store, ids) = (Arc::clone(if hand % 2 == 0 { &store } else { &beside }), ids.clone());
        labelling.spawn(async move {
            for step in 0..40 {
                let label = if (hand + step) % 3 == 0 { Label::Ham } else { Label::Spam };
                let entry = HistoryEntry {
                    at: at(1),
                    by: "ada".into(),
                    via: "api".into(),
                    what: Act::Label(label),
                    before: None,
                };
                let change = Change {
                    entry,
                    verdict: verdict(label.decision()),
                    judged: None,
                    comment: None,
                    idempotency_key: None,
                    fingerprint: None,
                    event: Some(event()),
                    call_back: None,
                    campaign: None,
                    traces: None,
                };
                store.record_change(site, ids[(hand * 7 + step) % ids.len()], change).await.unwrap();
            }
        });
    }
    // Who follows meanwhile misses nothing.
    let mut counts: BTreeMap<(String, &str), i64> = BTreeMap::new();
    let mut up_to = 0;
    loop {
        let is_last = labelling.is_empty();
        while labelling.try_join_next().is_some() {}
        let stretch = store.lessons(up_to, 5).await.unwrap();
        for lesson in stretch.lessons {
            for (label, by) in [(lesson.unlearn, -1), (lesson.learn, 1)] {
                let Some(label) = label else { continue };
                *counts.entry((lesson.comment.content.clone(), label.as_str())).or_default() += by;
            }
        }
        if is_last && stretch.up_to == up_to {
            break;
        }
        up_to = stretch.up_to;
    }
    counts.retain(|_, count| *count != 0);
    let now = store.labelled(None, None, 99).await.unwrap();
    let now: BTreeMap<(String, &str), i64> =
        now.into_iter().map(|one| ((one.comment.content, one.label.as_str()), 1)).collect();
    assert_eq!(counts, now);
    store.close().await;
    beside.close().await;
}

#[tokio::test]
async fn the_way_to_the_server_may_be_encrypted_and_the_server_known() {
    let server = Server::start(&[]);
    let folder = server.folder().display().to_string();
    let openssl = |arguments: &str| {
        let done = Command::new("openssl").args(arguments.split(' ')).current_dir(&folder).output().unwrap();
        assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    for name in ["ca", "other"] {
        openssl(&format!("req -x509 {key} -keyout {name}.key -out {name}.pem -subj /CN={name}"));
    }
    openssl(&format!(
        "req -x509 {key} -CA ca.pem -CAkey ca.key -keyout server.key -out server.pem -subj /CN=localhost -addext \
         subjectAltName=IP:127.0.0.1 -addext basicConstraints=CA:FALSE"
    ));
    for file in ["server.key", "server.pem"] {
        server.give(&server.folder().join(file));
    }
    for (name, value) in [("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.key")] {
        server.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{folder}/{value}'"));
    }
    server.sql("postgres", "ALTER SYSTEM SET ssl = on");
    server.sql("postgres", "SELECT pg_reload_conf()");
    server.sql("postgres", "SELECT pg_sleep(0.5)");

    let database = server.fresh_database();
    let url = server.tcp_url("hamlet", PASSWORD, &database);
    let encrypted =
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'hamlet'";
    for tls in ["sslmode=require".to_owned(), format!("sslmode=verify-full&sslrootcert={folder}/ca.pem")] {
        let (store, _) = store_at(&format!("{url}?{tls}"), Settings::default()).await;
        assert_eq!(server.sql(&database, encrypted), "t", "{tls}");
        store.close().await;
    }
    says(
        &format!("{url}?sslmode=verify-full&sslrootcert={folder}/other.pem"),
        &["no TLS with the server", "sslrootcert"],
    )
    .await;
    says(&format!("{url}?sslmode=verify-full&sslrootcert={folder}/none.pem"), &["none.pem"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_processes_one_makes_comments_findable_and_another_when_that_one_is_gone() {
    let url = fresh_database();
    let (store, site) = store_at(&url, Settings::default()).await;
    let (beside, _) = store_at(&url, Settings::default()).await;
    assert_eq!(beside.make_findable(9).await.unwrap(), 0, "who finds nothing waiting claims nothing");
    for number in 0..3 {
        store.admit_decided(comment(site, &format!("{number}")), &verdict(Decision::Hold), event()).await.unwrap();
    }
    assert_eq!(store.make_findable(1).await.unwrap(), 1);
    assert_eq!(beside.make_findable(9).await.unwrap(), 0, "another is about it");
    assert_eq!(store.make_findable(1).await.unwrap(), 1);
    store.close().await;
    let started = Instant::now();
    while beside.make_findable(9).await.unwrap() == 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "nobody goes on with what is left");
        sleep(Duration::from_millis(100)).await;
    }
    beside.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn word_of_a_change_comes_from_another_process() {
    let url = fresh_database();
    let (store, _) = store_at(&url, Settings::default()).await;
    let (beside, _) = store_at(&url, Settings::default()).await;
    let soon = Duration::from_secs(5);
    timeout(soon, store.changed()).await.expect("the first word is that it listens now");
    assert!(timeout(Duration::from_millis(300), store.changed()).await.is_err(), "nothing has changed");
    beside.admit_queued(comment(SiteId(1), "x"), None).await.unwrap();
    assert!(timeout(Duration::from_millis(300), store.changed()).await.is_err(), "a comment is no change");
    beside.add_site("blog", "", Policy::standard(), [2; 32], at(0)).await.unwrap();
    timeout(soon, store.changed()).await.expect("a site is one");
    store.close().await;
    assert!(store.ping().await.is_err(), "closing does not wait for the one that listens");
    beside.close().await;
}

/// What the server has counted by name until now.
///
/// * `counted`: a query of names and numbers.
async fn counted(server: &Server, database: &str, counted: &str) -> BTreeMap<String, u64> {
    let rows = server.sql(database, counted);
    rows.lines()
        .map(|row| row.split_once('|').unwrap())
        .map(|(name, count)| (name.into(), count.parse().unwrap()))
        .collect()
}

/// Waits until no connection of this application is left: one says what it has read when it ends.
async fn ended(server: &Server, database: &str, application: &str) {
    let still = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{application}'"
    );
    while server.sql(database, &still) != "0" {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Comments that are decided while the others wait.
const DECIDED: u32 = 10;
/// Rows that statements have read of each table, by sequence or by index.
const ROWS_READ: &str =
    "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables";
/// Pages of each index that were looked at.
const PAGES_READ: &str = "SELECT indexrelname, idx_blks_read + idx_blks_hit FROM pg_statio_user_indexes";

/// The first [`DECIDED`] one by one, so that they are the oldest both of comments and of jobs.
async fn queue_up(store: &Arc<dyn Store>, site: SiteId, count: u32) {
    let first = count.min(DECIDED);
    for number in 0..first {
        store.admit_queued(comment(site, &format!("{number}")), None).await.unwrap();
    }
    let mut admitting = JoinSet::new();
    for number in first..count {
        let store = Arc::clone(store);
        admitting.spawn(async move { store.admit_queued(comment(site, &format!("{number}")), None).await.unwrap() });
    }
    admitting.join_all().await;
}

/// Claims, decides, remembers and indexes so many.
async fn decide(store: &Arc<dyn Store>, site: SiteId, count: u32) {
    let jobs = store.claim_decisions(at(60), Duration::from_secs(30), count).await.unwrap();
    assert_eq!(jobs.len(), count as usize);
    for job in jobs {
        let traces = Traces { identities: vec![(Trait::Ip, "192.0.2.7".to_owned())], ..Traces::default() };
        store.history(site, &traces, None, at(60)).await.unwrap();
        store.record_verdict(&job, verdict(Decision::Approve), event(), traces).await.unwrap();
    }
    store.remember(100).await.unwrap();
    assert_eq!(store.make_findable(count).await.unwrap(), u64::from(count));
}

/// Nothing is known of the tables here: the server has gathered no statistics yet, as in the minutes after a queue has grown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deciding_reads_what_is_decided_and_not_the_queue() {
    const WAITING: u32 = 3_000;
    let server = shared();
    let database = server.fresh_database();
    let url = server.url(&database);
    let (store, site) = store_at(&url, Settings::default()).await;
    queue_up(&store, site, WAITING).await;
    store.close().await;
    ended(server, &database, "hamlet").await;
    let before = counted(server, &database, ROWS_READ).await;

    let (store, _) = store_at(&url, Settings::default()).await;
    decide(&store, site, DECIDED).await;
    store.close().await;
    ended(server, &database, "hamlet").await;
    for (table, after) in counted(server, &database, ROWS_READ).await {
        let read = after - before.get(&table).copied().unwrap_or(0);
        assert!(read < u64::from(WAITING) / 10, "{read} rows of {table} were read to decide {DECIDED} comments");
    }
}

/// The plans of the daily road are made once: those of a daemon whose queue was empty then must hold when it is long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_that_were_made_in_an_empty_queue_hold_in_a_long_one() {
    const WAITING: u32 = 20_000;
    let server = shared();
    let database = server.fresh_database();
    let url = server.url(&database);
    // One connection of the daily road, so that each plan is made before the queue grows.
    let (store, site) = store_at(&url, Settings { connections: 3, ..Settings::default() }).await;
    queue_up(&store, site, 1).await;
    decide(&store, site, 1).await;
    let (other, _) =
        store_at(&format!("{url}&application_name=other"), Settings { waiting_writes: 32_768, ..Settings::default() })
            .await;
    queue_up(&other, site, WAITING).await;
    other.close().await;
    ended(server, &database, "other").await;
    let (rows, pages) = (counted(server, &database, ROWS_READ).await, counted(server, &database, PAGES_READ).await);

    decide(&store, site, DECIDED).await;
    store.close().await;
    ended(server, &database, "hamlet").await;
    // Reading once through an index of the queue takes some 80 pages; the ten are found and changed in 130.
    for (query, before, most, what) in [(ROWS_READ, rows, 300, "rows"), (PAGES_READ, pages, 400, "pages")] {
        for (name, after) in counted(server, &database, query).await {
            let read = after - before.get(&name).copied().unwrap_or(0);
            assert!(read < most, "{read} {what} of {name} were read to decide {DECIDED} comments");
        }
    }
}
