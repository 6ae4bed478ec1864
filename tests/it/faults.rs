//! What surrounds the daemon fails under load, and comes back: PostgreSQL stops, the disk is full, the folder is read-only, the
//! receiver fails, hangs and lies, the clock jumps. Nothing that was acknowledged is lost, and nobody starts anything anew.
//!
//! Of a disk that is slow or broken: `disks`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::accounts::{Acknowledged, Balance, Load, balance, endpoint};
use crate::daemon::{Daemon, LOG, beside, folder, get, hamlet};
use crate::postgres::Server;
use crate::receiver::{Answer, Receiver, Told};

const CLIENTS: usize = 6;

/// A daemon under load, with a CMS that listens.
pub struct Scene {
    folder: tempfile::TempDir,
    store: String,
    pub daemon: Daemon,
    pub key: String,
    cms: Receiver,
    pub secret: String,
    pub load: Arc<Load>,
}

impl Scene {
    /// * `environment`: of the daemon.
    pub async fn on(store: &str, environment: &[(&str, &str)]) -> Scene {
        Scene::retrying("[1, 1, 1, 1, 1, 1]", store, environment).await
    }

    /// With these waits between the attempts at a delivery.
    async fn retrying(waits: &str, store: &str, environment: &[(&str, &str)]) -> Scene {
        let (folder, cms) = (folder(), Receiver::listening().await);
        let settings = settings(folder.path(), waits);
        let flags = ["--store", store, "--config", settings.to_str().unwrap()];
        let daemon = Daemon::start_in(folder.path(), &flags, environment).await;
        let secret = endpoint(folder.path(), store, &cms.url());
        let key = daemon.key();
        let load = Load::start(daemon.address, &key, CLIENTS);
        load.until_more(50).await;
        Scene { store: store.to_owned(), folder, daemon, key, cms, secret, load }
    }

    pub async fn balance(&self, is_believed: impl Fn(&Told) -> bool) -> (Acknowledged, Balance) {
        let acknowledged = self.load.stop().await;
        let ask = |words: &[&str]| beside(self.folder.path(), &[&["--store", self.store.as_str()], words].concat());
        let found = balance(&self.daemon, ask, &self.key, &acknowledged, &self.cms, is_believed).await;
        eprintln!("{} acknowledged, {} labels: {found:?}", acknowledged.comments.len(), acknowledged.labels.len());
        (acknowledged, found)
    }
}

/// Leases and waits are short, so that a test sees them run out.
fn settings(folder: &Path, waits: &str) -> PathBuf {
    let file = folder.join("hamlet.toml");
    let lines = format!(
        "[webhooks]\nallow_private_addresses = true\nretry_waits_s = {waits}\ntimeout_ms = 1_500\nconnect_timeout_ms = 1_000\n[worker]\nlease_s = 2\n[store]\nbusy_timeout_ms = 500\n"
    );
    std::fs::write(&file, lines).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_stops_and_starts_under_load() {
    let server = Server::start(&[]);
    let scene = Scene::on(&server.url(&server.fresh_database()), &[]).await;
    for mode in ["immediate", "fast", "immediate"] {
        tokio::task::block_in_place(|| server.stop(mode));
        let not_ready = scene.daemon.until("/readyz", "", |status, _| status == 503).await;
        assert!(not_ready["store"].as_str().unwrap().contains("the store is not available"), "{not_ready}");
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| server.start_again());
        scene.daemon.until("/readyz", "", |status, _| status == 200).await;
        scene.load.until_more(100).await;
    }
    let (_, found) = scene.balance(|told| told.is_believed_with(&scene.secret)).await;
    assert_eq!(found.dead, 0, "{found:?}");
}

/// A folder on a small disk of its own, which only the daemon and who enters its namespace see: no root is needed.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// `None` where user namespaces are switched off; says so.
    fn at(folder: &Path) -> Option<SmallDisk> {
        let can = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).output();
        if can.is_ok_and(|done| done.status.success()) {
            return Some(SmallDisk { folder: folder.to_owned() });
        }
        eprintln!("left out: unshare(1) may not make a small disk here");
        None
    }

    /// A command line before which a program is written; it then has the disk.
    fn mounting(&self, options: &str) -> Command {
        let mut command = Command::new("unshare");
        let script = format!("mount -t tmpfs -o {options} tmpfs '{}' && exec \"$@\"", self.folder.display());
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"]);
        command
    }
}

/// A command beside a daemon that has a disk of its own.
fn within(daemon: &Daemon, folder: &Path, words: &[&str]) -> Value {
    let inside = hamlet(folder);
    let mut command = Command::new("nsenter");
    command.args(["--preserve-credentials", "-U", "-m", "-t", &daemon.process.id().to_string()]);
    command.arg(inside.get_program()).args(words).arg("--json");
    command.envs(inside.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true");
    let done = command.output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_is_full_and_has_room_again() {
    let (outside, cms) = (folder(), Receiver::listening().await);
    let data = outside.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let Some(disk) = SmallDisk::at(&data) else { return };
    let settings = settings(outside.path(), "[1, 1, 1, 1, 1, 1]");
    let flags = ["--config", settings.to_str().unwrap()];
    let daemon = Daemon::start_through(disk.mounting("size=96m,mode=0700"), outside.path(), &data, &flags, &[]).await;
    let key = daemon.key();
    let added = within(&daemon, &data, &["endpoint", "add", "--site", "default", &cms.url()]);
    let secret = added["secret"].as_str().unwrap().to_owned();
    let load = Load::start(daemon.address, &key, CLIENTS);
    load.until_more(50).await;

    // Through /proc a file lands on the daemon's disk.
    let filler = PathBuf::from(format!("/proc/{}/root{}", daemon.process.id(), data.join("filler").display()));
    let fill = || {
        let filled = std::fs::File::options().create(true).append(true).open(&filler);
        let filled = filled.and_then(|mut file| std::io::copy(&mut std::io::repeat(0), &mut file));
        assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    };
    for _ in 0..3 {
        // What is told is the fact; what was acknowledged stays. A log that is begun anew gives room back, in which comments
        // are kept until it too is full.
        let started = std::time::Instant::now();
        let problem = loop {
            fill();
            let not_ready = daemon.until("/readyz", "", |status, _| status == 503).await;
            assert!(not_ready["store"].as_str().unwrap().contains("the disk is full; make room"), "{not_ready}");
            let (status, problem) = daemon.post("/v1/comments", &key, &json!({"content": "one more"})).await;
            if status == 503 {
                break problem;
            }
            assert_eq!(status, 202, "{problem}");
            assert!(started.elapsed() < Duration::from_secs(20), "a full disk takes comments: {problem}");
        };
        assert_eq!(problem["type"], "/problems/unavailable", "{problem}");
        assert_eq!(get(daemon.address, "/v1/comments?limit=1", &key).await.unwrap().0, 200, "reading goes on");
        std::fs::remove_file(&filler).unwrap();
        daemon.until("/readyz", "", |status, _| status == 200).await;
        load.until_more(100).await;
    }
    let log = std::fs::read_to_string(outside.path().join(LOG)).unwrap();
    assert!(log.contains("the disk is full"), "{log}");

    let acknowledged = load.stop().await;
    let ask = |words: &[&str]| within(&daemon, &data, words);
    let found = balance(&daemon, ask, &key, &acknowledged, &cms, |told| told.is_signed_with(&secret)).await;
    eprintln!("{} acknowledged: {found:?}", acknowledged.comments.len());
    assert_eq!(found.dead, 0, "{found:?}");
}

/// As after a repair of the file system, when it was mounted so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_folder_is_named_with_the_mend_and_nothing_in_it_is_harmed() {
    let scene = Scene::on("sqlite", &[]).await;
    let data = scene.folder.path().to_owned();
    let Some(_) = SmallDisk::at(&data) else { return };
    let acknowledged = scene.load.stop().await;
    scene.daemon.kill();

    let mut refused = Command::new("unshare");
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"";
    refused.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&data);
    let program = hamlet(&data);
    refused.arg(program.get_program()).args(["serve", "--listen", "127.0.0.1:0"]);
    refused.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // It ends at once; should it serve instead, it is stopped and the test fails.
    let said = {
        let mut watched = Command::new("timeout");
        watched.arg("60").arg(refused.get_program()).args(refused.get_args());
        watched.envs(refused.get_envs().filter_map(|(name, value)| Some((name, value?)))).output().unwrap()
    };
    let words = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(1), "{words}");
    assert!(words.contains("hamlet.db cannot be") && words.contains("--data-dir"), "{words}");

    let settings = settings(&data, "[1, 1, 1, 1, 1, 1]");
    let daemon = Daemon::start_with(&data, &["--config", settings.to_str().unwrap()]).await;
    let ask = |words: &[&str]| beside(&data, words);
    let is_believed = |told: &Told| told.is_believed_with(&scene.secret);
    let found = balance(&daemon, ask, &scene.key, &acknowledged, &scene.cms, is_believed).await;
    assert_eq!(found.dead, 0, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_fails_hangs_and_lies_is_told_in_the_end_or_given_up_before_all_eyes() {
    let scene = Scene::retrying("[1, 1]", "sqlite", &[]).await;
    let moods = [
        Answer::Status(500),
        Answer::Status(204),
        Answer::Broken(200),
        Answer::Redirect,
        Answer::Broken(500),
        Answer::Body("<html>It works!</html>".to_owned()),
        Answer::Status(404),
        Answer::Endless,
        Answer::RetryAfter(429, "1".to_owned()),
        Answer::Never,
        Answer::Huge(1 << 20),
        Answer::After(Duration::from_millis(700)),
    ];
    scene.cms.will_answer(moods.iter().cycle().take(240).cloned());
    scene.cms.told_at_least(200).await;
    // Then for a while nobody is there at all, until a part is given up.
    scene.cms.will_always_answer(Answer::Status(503));
    let started = std::time::Instant::now();
    while beside(scene.folder.path(), &["queue", "status"])["dead_deliveries"].as_u64() < Some(20) {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing is given up");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    scene.cms.will_always_answer(Answer::Status(204));
    let (_, found) = scene.balance(|told| told.is_believed_with(&scene.secret)).await;
    assert!(found.dead >= 20 && found.dead < found.told, "{found:?}");
    let memory = scene.daemon.resident_mib();
    assert!(memory < 300.0, "{memory} MiB");
}

/// Debian's `faketime`: a library that stands between a program and its clock.
fn faketime() -> PathBuf {
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].into_iter().map(PathBuf::from);
    let found = folders.flat_map(|folder| {
        let below = std::fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        [folder].into_iter().chain(below).collect::<Vec<_>>()
    });
    found
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|file| file.exists())
        .expect("the tests need libfaketime; install Debian's `faketime`, as tests/run does")
}

/// What is due by a clock that was ahead waits until the clock is there again; it is late, and not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_jumps_by_hours_forward_and_back() {
    let offsets = tempfile::tempdir().unwrap();
    let file = offsets.path().join("offset");
    let jump = |offset: &str| {
        // At once, so that nobody reads half of it.
        std::fs::write(file.with_extension("new"), offset).unwrap();
        std::fs::rename(file.with_extension("new"), &file).unwrap();
    };
    jump("+0");
    let library = faketime();
    let environment = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ];
    let scene = Scene::on("sqlite", &environment).await;
    // Of ten deliveries three are to be tried again, so that waits are under way at each jump.
    scene
        .cms
        .will_answer((0..600).map(|number| if number % 10 < 3 { Answer::Status(503) } else { Answer::Status(204) }));
    for offset in ["+3h", "-2h", "+1h", "-4h"] {
        jump(offset);
        scene.load.until_more(80).await;
    }
    jump("+6h");
    scene.load.until_more(80).await;
    let (acknowledged, found) = scene.balance(|told| told.is_signed_with(&scene.secret)).await;
    assert_eq!(found.dead, 0, "{found:?}");
    // The clock really jumped.
    let times: Vec<jiff::Timestamp> = futures_util::future::join_all(acknowledged.comments.values().map(async |id| {
        let (_, comment) = get(scene.daemon.address, &format!("/v1/comments/{id}"), &scene.key).await.unwrap();
        comment["received_at"].as_str().unwrap().parse().unwrap()
    }))
    .await;
    let (first, last) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(last.duration_since(*first).as_hours() >= 9, "from {first} to {last}");
}
