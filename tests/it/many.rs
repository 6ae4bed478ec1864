//! Three real daemons over one PostgreSQL under a steady load: one is killed, hangs, is cut off, is upgraded or has a wrong
//! clock, and a model, a site, a list or an endpoint changes meanwhile.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::fmt::rfc2822;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::accounts::{Acknowledged, Load, Manner, balance, endpoint};
use crate::daemon::{Daemon, LOG, beside, client, folder, get, hamlet};
use crate::postgres::{PASSWORD, shared};
use crate::receiver::{Answer, Receiver, Told};
use crate::way::Way;

/// Of the daemons' claims.
const LEASE: Duration = Duration::from_secs(2);
/// Comments that were handed over within a daemon are its own for so long.
const HAND_OVER: Duration = Duration::from_secs(10);
/// A change is there within a second; the rest is for a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(3);

/// A daemon, and the folder that it has to itself.
struct One {
    folder: TempDir,
    url: String,
    daemon: Option<Daemon>,
}

impl One {
    /// * `is_first`: it makes the first site, and shows its key.
    async fn start(url: &str, is_first: bool, environment: &[(&str, &str)]) -> One {
        let folder = folder();
        let lines = format!(
            "[webhooks]\nallow_private_addresses = true\nretry_waits_s = [1, 1, 1, 1, 1, 1, 1, 1]\ntimeout_ms = 1_500\n\
             connect_timeout_ms = 500\n[worker]\nlease_s = {}\n[store]\nbusy_timeout_ms = 500\nstatement_timeout_ms = 1_000\n",
            LEASE.as_secs()
        );
        std::fs::write(folder.path().join("hamlet.toml"), lines).unwrap();
        if !is_first {
            std::fs::write(folder.path().join("greeted"), "").unwrap();
        }
        let mut one = One { folder, url: url.to_owned(), daemon: None };
        one.start_again(environment).await;
        one
    }

    async fn start_again(&mut self, environment: &[(&str, &str)]) {
        let settings = self.folder.path().join("hamlet.toml");
        let flags = ["--store", &self.url, "--config", settings.to_str().unwrap()];
        self.daemon = Some(Daemon::start_in(self.folder.path(), &flags, environment).await);
    }

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("it runs")
    }

    fn address(&self) -> SocketAddr {
        self.daemon().address
    }

    fn kill(&mut self) {
        self.daemon.take().expect("it runs").kill();
    }

    fn terminate(&mut self) {
        assert_eq!(self.daemon.take().expect("it runs").terminate(), Some(0));
    }

    fn signal(&self, name: &str) {
        let process = self.daemon().process.id().to_string();
        assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(LOG)).unwrap()
    }
}

/// Three daemons, a CMS that is told, and clients that send to all of them.
struct Town {
    database: String,
    store: String,
    ones: Vec<One>,
    cms: Receiver,
    secret: String,
    key: String,
    /// Of all loads so far.
    acknowledged: Acknowledged,
    loads: usize,
}

impl Town {
    async fn on(database: String, store: String, urls: [&str; 3]) -> Town {
        let mut ones = Vec::new();
        for url in urls {
            ones.push(One::start(url, ones.is_empty(), &[]).await);
        }
        let (cms, key) = (Receiver::listening().await, ones[0].daemon().key());
        let secret = endpoint(ones[0].folder.path(), &store, &cms.url());
        // Some fail at first, and some are answered late.
        let answers = (0..60).map(|number| match number % 6 {
            0 => Answer::Status(503),
            1 => Answer::After(Duration::from_millis(300)),
            _ => Answer::Status(204),
        });
        cms.will_answer(answers);
        Town { database, store, ones, cms, secret, key, acknowledged: Acknowledged::default(), loads: 0 }
    }

    async fn new() -> Town {
        let database = shared().fresh_database();
        let url = shared().url(&database);
        Town::on(database, url.clone(), [&url, &url, &url]).await
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.ones.iter().map(One::address).collect()
    }

    /// A command beside the daemons.
    fn beside(&self, words: &[&str]) -> Value {
        beside(self.ones[0].folder.path(), &[&["--store", &self.store], words].concat())
    }

    /// Lets clients send to all of them while `events` happen, and looks whether all is there afterwards. How much was not
    /// acknowledged.
    async fn survives(&mut self, what: &str, events: impl AsyncFnOnce(&mut Town, &Load)) -> usize {
        let started = Instant::now();
        let (number, rest, patience) = (self.loads * 10_000, Duration::from_millis(40), Duration::from_secs(2));
        self.loads += 1;
        let load = Load::start_with(self.addresses(), &self.key, 4, Manner { number, rest, patience });
        sleep(Duration::from_millis(300)).await;
        events(self, &load).await;
        sleep(Duration::from_millis(300)).await;
        let acknowledged = load.stop().await;
        let (comments, labels) = (acknowledged.comments.len(), acknowledged.labels.len());
        assert!(comments > 20 && labels > 0, "there was hardly any load: {comments} comments, {labels} labels");
        let lasted = started.elapsed();
        self.acknowledged.comments.extend(acknowledged.comments);
        self.acknowledged.labels.extend(acknowledged.labels);
        for one in &self.ones {
            one.daemon().until("/readyz", "", |status, _| status == 200).await;
        }
        let (asked, is_believed) = (self.ones[2].daemon(), |told: &Told| told.is_believed_with(&self.secret));
        let ask = |words: &[&str]| self.beside(words);
        let found = balance(asked, ask, &self.key, &self.acknowledged, &self.cms, is_believed).await;
        assert_eq!(found.dead, 0, "{found:?}");
        let refused = load.refused();
        eprintln!(
            "{what}: {comments} comments, {labels} labels, {refused} refused; {found:?} ({lasted:.1?} of load, {:.1?} in all)",
            started.elapsed()
        );
        refused
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_is_killed_and_one_hangs() {
    let mut town = Town::new().await;
    town.survives("killed", async |town, load| {
        town.ones[1].kill();
        sleep(Duration::from_secs(1)).await;
        town.ones[1].start_again(&[]).await;
        load.turn_to(town.addresses());
    })
    .await;

    // For longer than any lease of its own, so that the others do what it has in hand; then it goes on as if nothing were.
    town.survives("stopped", async |town, _| {
        town.ones[1].signal("-STOP");
        sleep(LEASE.max(HAND_OVER) + Duration::from_secs(1)).await;
        town.ones[1].signal("-CONT");
        sleep(Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_is_cut_off_from_the_server() {
    let server = shared();
    let database = server.fresh_database();
    let way = Way::to(server.port).await;
    let beyond = server
        .tcp_url("hamlet", PASSWORD, &database)
        .replace(&server.port.to_string(), &way.address.port().to_string());
    let url = server.url(&database);
    let mut town = Town::on(database, url.clone(), [&url, &url, &beyond]).await;
    town.survives("cut off", async |town, load| {
        way.cut();
        let cut = Instant::now();
        town.ones[2].daemon().until("/readyz", "", |status, _| status == 503).await;
        // The others go on meanwhile.
        load.until_more(5).await;
        sleep((LEASE * 3).saturating_sub(cut.elapsed())).await;
        sleep(Duration::from_secs(1)).await;
        way.mend();
        town.ones[2].daemon().until("/readyz", "", |status, _| status == 200).await;
        sleep(Duration::from_secs(1)).await;
    })
    .await;
}

/// Asks each of the daemons until it answers as wanted; the longest that one of them took.
async fn seen_by(town: &Town, is_there: impl AsyncFn(&Daemon) -> bool) -> Duration {
    let (started, mut longest) = (Instant::now(), Duration::ZERO);
    for one in &town.ones {
        while !is_there(one.daemon()).await {
            assert!(started.elapsed() < Duration::from_secs(20), "it does not arrive: {}", one.log());
            sleep(Duration::from_millis(10)).await;
        }
        longest = started.elapsed();
    }
    assert!(longest < SOON, "{longest:?}");
    longest
}

/// Makes a model that serves nobody yet; its id.
fn trained(folder: &Path, store: &str) -> String {
    let rows = (0..60).map(|number| {
        let ham = format!("I read paragraph {number} twice and agree with most of what it says,ham\n");
        format!("zorblax offer number {number} zorblax cheap zorblax now,spam\n{ham}")
    });
    let dump = folder.join("dump.csv");
    std::fs::write(&dump, format!("content,label\n{}", rows.collect::<String>())).unwrap();
    let mut train = hamlet(folder);
    let done = train.args(["--store", store, "train", dump.to_str().unwrap(), "--promote", "never", "--json"]);
    let done = done.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice::<Value>(&done.stdout).unwrap()["model"].as_str().unwrap().to_owned()
}

/// What a newer Hamlet does at its start: the steps of this one, and `more` of its own.
async fn migrate(url: &str, more: &[(&str, &str)]) {
    let steps = tempfile::tempdir().unwrap();
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations/postgres");
    for step in std::fs::read_dir(own).unwrap() {
        let step = step.unwrap();
        std::fs::copy(step.path(), steps.path().join(step.file_name())).unwrap();
    }
    for (name, sql) in more {
        std::fs::write(steps.path().join(name), sql).unwrap();
    }
    let mut conn = PgConnection::connect(url).await.unwrap();
    Migrator::new(steps.path()).await.unwrap().run_direct(None, &mut conn, false).await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_see_every_change_and_are_upgraded_one_by_one() {
    let mut town = Town::new().await;
    let folder = tempfile::tempdir().unwrap();
    let model = trained(folder.path(), &town.store);

    let refused = town
        .survives("changed", async |town, _| {
            let text = json!({"content": "a word about pineapples, from a reader who likes them"});
            let check =
                async |daemon: &Daemon, key: &str| daemon.post("/v1/comments/check?dry_run=true", key, &text).await.1;

            town.beside(&["model", "promote", &model]);
            let served = seen_by(town, async |daemon| check(daemon, &town.key).await["model"] == model.as_str()).await;

            // What is changed at one of them.
            let operator = town.beside(&["key", "add", "--all-sites", "--scopes", "admin"]);
            let operator = operator["api_key"].as_str().unwrap().to_owned();
            seen_by(town, async |daemon| get(daemon.address, "/v1/sites", &operator).await.unwrap().0 == 200).await;
            let first = town.ones[0].daemon();
            let new = json!({"name": "news", "url": "https://news.example/"});
            let (status, site) = first.post("/v1/sites", &operator, &new).await;
            assert_eq!(status, 201, "{site}");
            let key = site["api_key"].as_str().unwrap();
            let known = seen_by(town, async |daemon| check(daemon, key).await["decision"].is_string()).await;
            let entry = json!({"list": "block", "match": "phrase:pineapples"});
            let (status, listed) = first.post("/v1/lists?site=news", &operator, &entry).await;
            assert_eq!(status, 200, "{listed}");
            let blocked = seen_by(town, async |daemon| check(daemon, key).await["decision"] == "spam").await;
            let another = Receiver::listening().await;
            let (status, added) =
                first.post("/v1/endpoints?site=news", &operator, &json!({"url": another.url()})).await;
            assert_eq!(status, 201, "{added}");
            for (number, one) in town.ones.iter().enumerate() {
                assert_eq!(one.daemon().post("/v1/comments/check", key, &text).await.0, 200);
                another.told_at_least(number + 1).await;
            }
            eprintln!(
                "a model is served by all within {served:.1?}, a site known in {known:.1?}, a list in {blocked:.1?}"
            );
        })
        .await;
    assert_eq!(refused, 0, "nothing is refused for a change");

    // The steps that the next two versions would have.
    let newest: u64 = shared().sql(&town.database, "SELECT max(version) FROM _sqlx_migrations").parse().unwrap();
    let [expansion, contraction] = [newest + 1, newest + 2];
    let name = format!("{expansion:04}_expand.sql");
    let expand = (name.as_str(), "ALTER TABLE comments ADD COLUMN mood text");
    town.survives("upgraded", async |town, load| {
        migrate(&town.store, &[expand]).await;
        sleep(Duration::from_millis(500)).await;
        for number in 0..3 {
            let others: Vec<SocketAddr> =
                (0..3).filter(|other| *other != number).map(|other| town.ones[other].address()).collect();
            // As a proxy before them would, before one is stopped.
            load.turn_to(others);
            sleep(Duration::from_millis(100)).await;
            town.ones[number].terminate();
            town.ones[number].start_again(&[]).await;
            load.turn_to(town.addresses());
        }
    })
    .await;
    assert_eq!(shared().sql(&town.database, "SELECT max(version) FROM _sqlx_migrations"), expansion.to_string());

    let name = format!("{contraction:04}_contract.sql");
    let only_newer = format!("UPDATE meta SET value = {contraction} WHERE name = 'oldest_schema'");
    let sql = format!("ALTER TABLE comments DROP COLUMN mood; {only_newer}");
    let contract = (name.as_str(), sql.as_str());
    town.survives("contracted", async |town, _| {
        migrate(&town.store, &[expand, contract]).await;
        sleep(Duration::from_millis(300)).await;
        let refused = hamlet(folder.path()).args(["--store", &town.store, "queue", "status"]).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains("was written by a newer Hamlet"), "{said}");
        // Those that run say that they are to be replaced.
        for one in &town.ones {
            let told = one.daemon().until("/readyz", "", |status, _| status == 503).await;
            assert!(told["store"].as_str().unwrap().contains("replace this daemon"), "{told}");
        }
        // There is no newer program here that could look afterwards.
        shared().sql(&town.database, "UPDATE meta SET value = 1 WHERE name = 'oldest_schema'");
    })
    .await;
}

/// What makes a process believe in another time; its own count of it is left alone.
fn clock_ahead(minutes: u32) -> [(&'static str, String); 3] {
    let libraries = std::fs::read_dir("/usr/lib").unwrap().map(|folder| folder.unwrap().path());
    let candidates = libraries.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    let library = candidates.into_iter().find(|library| library.is_file());
    let library = library.expect("the tests need Debian's `faketime`, as tests/run installs it");
    let preload = library.to_str().unwrap().to_owned();
    [("LD_PRELOAD", preload), ("FAKETIME", format!("+{minutes}m")), ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned())]
}

/// What its web server believes.
async fn says_it_is(daemon: &Daemon) -> jiff::Timestamp {
    let answer = client().get(format!("http://{}/healthz", daemon.address)).send().await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap().to_owned();
    rfc2822::parse(&date).unwrap().timestamp()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_minutes_ahead_takes_nothing_from_others_and_leaves_nothing_undone() {
    let url = shared().url(&shared().fresh_database());
    let right = One::start(&url, true, &[]).await;
    let ahead = clock_ahead(3);
    let ahead: Vec<(&str, &str)> = ahead.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut wrong = One::start(&url, false, &ahead).await;
    let off = says_it_is(wrong.daemon()).await.duration_since(says_it_is(right.daemon()).await);
    assert!(off.as_secs() > 170, "its clock is not ahead: {off}");
    assert!(wrong.log().contains("this machine's clock is ahead"), "{}", wrong.log());

    let doctor = hamlet(wrong.folder.path()).envs(ahead).args(["--store", &url, "doctor", "--json"]).output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains("ahead of that of the store's server"), "{said}");

    // What the one has in hand does not look left behind to the other: each message comes once, however slowly it is taken.
    let (cms, key) = (Receiver::listening().await, right.daemon().key());
    let secret = endpoint(right.folder.path(), &url, &cms.url());
    cms.will_answer((0..8).map(|_| Answer::After(Duration::from_millis(1_200))));
    let submit = async |one: &One, number: usize| {
        let body = json!({"content": format!("comment number {number}")});
        let (status, answer) = one.daemon().post("/v1/comments", &key, &body).await;
        assert_eq!(status, 202, "{answer}");
    };
    for number in 0..8 {
        submit(&right, number).await;
    }
    cms.told_at_least(8).await;
    sleep(LEASE + Duration::from_secs(1)).await;
    assert_eq!(cms.told().len(), 8);

    // And what the other puts off is due when it said: for those it leaves it to, too.
    cms.will_answer((0..4).map(|_| Answer::Status(503)));
    cms.will_always_answer(Answer::Status(503));
    for number in 8..12 {
        submit(&wrong, number).await;
    }
    cms.told_at_least(12).await;
    wrong.kill();
    cms.will_always_answer(Answer::Status(204));
    let started = Instant::now();
    while beside(right.folder.path(), &["--store", &url, "queue", "status"])["deliveries"] != 0 {
        assert!(started.elapsed() < Duration::from_secs(15), "what it left is not done");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(cms.told().iter().all(|message| message.is_signed_with(&secret)));
}
