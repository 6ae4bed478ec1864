//! Training by itself: the real daemon starts a real `hamlet train`, which ends well, badly, or not at all.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{Daemon, LOG, beside, folder, hamlet};
use crate::postgres::fresh_database;

/// A daemon that trains by itself as `settings` say.
async fn daemon(folder: &Path, settings: &str) -> Daemon {
    let file = folder.join("hamlet.toml");
    std::fs::write(&file, format!("[training]\n{settings}")).unwrap();
    Daemon::start_with(folder, &["--config", file.to_str().unwrap()]).await
}

/// Waits for a sign.
async fn until<T>(what: &str, mut sign: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        let asked = Instant::now();
        if let Some(seen) = sign() {
            return seen;
        }
        // A command that looks takes its time, and a training steps behind it.
        let rest = (2 * asked.elapsed()).max(Duration::from_millis(20));
        assert!(started.elapsed() < Duration::from_secs(900), "{what} did not come within a quarter of an hour");
        tokio::time::sleep(rest).await;
    }
}

fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(LOG)).unwrap()
}

fn times(log: &str, part: &str) -> usize {
    log.matches(part).count()
}

/// The process that trains for the daemon, as soon as it has the lock.
fn trainer(folder: &Path, daemon: u32) -> Option<u32> {
    let process: u32 = std::fs::read_to_string(folder.join("training.lock")).ok()?.trim().parse().ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // `pid (name) state parent …`
    let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok()?;
    (parent == daemon).then_some(process)
}

fn is_running(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// Sets a dump that nobody writes to: whoever reads it waits, until it is replaced.
fn endless_dump(folder: &Path) -> PathBuf {
    let path = folder.join("endless.csv");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// Texts that are not near-copies of each other; those of another kind share no word with them.
fn text(kind: usize, number: usize) -> String {
    const WORDS: [&str; 2] = [
        "cheap casino bonus viagra pills loan credit winner jackpot crypto profit discount order online replica watches",
        "article paragraph author reader argument opinion history weather garden mayor council school bridge music",
    ];
    let words: Vec<&str> = WORDS[kind].split(' ').collect();
    let mut state = number as u64 * 2 + 1;
    let picked = (0..12).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words[(state >> 33) as usize % words.len()]
    });
    picked.collect::<Vec<_>>().join(" ")
}

async fn label(daemon: &Daemon, key: &str, text: &str, label: &str) {
    let (status, verdict) = daemon.post("/v1/comments/check", key, &json!({"content": text})).await;
    assert_eq!(status, 200, "{verdict}");
    let path = format!("/v1/comments/{}/label", verdict["id"].as_str().unwrap());
    let (status, answer) = daemon.post(&path, key, &json!({"label": label})).await;
    assert_eq!(status, 200, "{answer}");
}

/// The model that serves.
async fn model(daemon: &Daemon, key: &str) -> String {
    let (status, verdict) = daemon.post("/v1/comments/check?dry_run=true", key, &json!({"content": "hello"})).await;
    assert_eq!(status, 200, "{verdict}");
    verdict["model"].as_str().unwrap().to_owned()
}

fn models(folder: &Path) -> Vec<Value> {
    beside(folder, &["model", "list"]).as_array().unwrap().clone()
}

async fn metric(daemon: &Daemon, outcome: &str) -> Option<String> {
    let text = crate::daemon::client().get(format!("http://{}/metrics", daemon.address)).send().await.ok()?;
    let text = text.text().await.ok()?;
    let line = format!("hamlet_trainings_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line).map(str::to_owned))
}

#[tokio::test]
async fn enough_labels_make_a_model_that_serves_and_then_none_until_as_many_came_again() {
    let folder = folder();
    let dump = folder.path().join("dump.csv");
    // The other way round than the shipped model has it, so that the new one is plainly better.
    let rows = (1000..1300).map(|number| format!("{},ham\n{},spam\n", text(0, number), text(1, number)));
    std::fs::write(&dump, format!("content,label\n{}", rows.collect::<String>())).unwrap();
    let daemon = daemon(folder.path(), &format!("after_labels = 20\ndumps = [\"{}\"]", dump.display())).await;
    let key = daemon.key();
    let shipped = models(folder.path())[0]["id"].clone();
    for number in 0..10 {
        label(&daemon, &key, &text(0, number), "ham").await;
        label(&daemon, &key, &text(1, number), "spam").await;
    }
    let champion = || models(folder.path()).into_iter().find(|model| model["is_champion"] == true);
    let new = || champion().filter(|model| model["id"] != shipped);
    let champion = until(&format!("a champion in {}", folder.path().display()), new).await;
    until("the log line", || log(folder.path()).contains("is_promoted=true").then_some(())).await;
    let started = Instant::now();
    while model(&daemon, &key).await != champion["id"].as_str().unwrap() {
        assert!(started.elapsed() < Duration::from_secs(10), "{}", log(folder.path()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(metric(&daemon, "promoted").await.as_deref(), Some("1"));

    // The labels that it was made from are no reason for another one, nor is one less than as many again.
    for number in 100..119 {
        label(&daemon, &key, &text(0, number), "ham").await;
    }
    assert_eq!(times(&log(folder.path()), "a training begins"), 1);
    label(&daemon, &key, &text(0, 200), "ham").await;
    until("the second training", || (times(&log(folder.path()), "a training begins") == 2).then_some(())).await;
    assert_eq!(daemon.terminate(), Some(0));
}

#[tokio::test]
async fn a_training_that_is_killed_leaves_the_champion_and_is_tried_again() {
    let folder = folder();
    let dump = endless_dump(folder.path());
    let settings = format!("after_labels = 1\nretry_s = 1\ndumps = [\"{}\"]", dump.display());
    let daemon = daemon(folder.path(), &settings).await;
    let key = daemon.key();
    label(&daemon, &key, "an article about the history of the bridge", "ham").await;
    let before = model(&daemon, &key).await;
    let process = until("a training", || trainer(folder.path(), daemon.process.id())).await;

    // Nobody trains beside it, and who has the lock is said.
    let refused = hamlet(folder.path()).args(["train", "--labels"]).output().unwrap();
    let refusal = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{refusal}");
    assert!(refusal.contains(&format!("another training is running (process {process})")), "{refusal}");

    // It gives way: its niceness is the nineteenth field of its line.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    assert_eq!(stat.rsplit(')').next().unwrap().split_whitespace().nth(16), Some("10"), "{stat}");

    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
    until("the log line", || log(folder.path()).contains("the training failed").then_some(())).await;
    assert_eq!(model(&daemon, &key).await, before);
    assert_eq!(models(folder.path()).len(), 1, "the shipped model alone");
    let started = Instant::now();
    while metric(&daemon, "killed").await.as_deref() != Some("1") {
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    // What held it up is mended: the next attempt comes by itself.
    let mended = folder.path().join("mended.csv");
    let rows = (0..40).map(|number| format!("{},spam\n{},ham\n", text(0, number), text(1, number)));
    std::fs::write(&mended, format!("content,label\n{}", rows.collect::<String>())).unwrap();
    let again = trainer(folder.path(), daemon.process.id());
    std::fs::rename(&mended, &dump).unwrap();
    if let Some(again) = again.or_else(|| trainer(folder.path(), daemon.process.id())) {
        // It waits at the dump that is not there any more.
        Command::new("kill").args(["-9", &again.to_string()]).status().unwrap();
    }
    until("a model", || (models(folder.path()).len() == 2).then_some(())).await;
    assert_eq!(daemon.terminate(), Some(0));
}

#[tokio::test]
async fn a_training_that_hangs_is_ended_in_time_and_tried_again() {
    let folder = folder();
    let dump = endless_dump(folder.path());
    let settings = format!("after_labels = 1\nretry_s = 1\nlimit_s = 3\ndumps = [\"{}\"]", dump.display());
    let daemon = daemon(folder.path(), &settings).await;
    label(&daemon, &daemon.key(), "an article about the history of the bridge", "ham").await;
    let first = until("a training", || trainer(folder.path(), daemon.process.id())).await;
    // One that is stopped hears no signal but the last.
    assert!(Command::new("kill").args(["-STOP", &first.to_string()]).status().unwrap().success());
    let second = until("the next", || trainer(folder.path(), daemon.process.id()).filter(|next| *next != first)).await;
    assert!(!is_running(first) && is_running(second), "{}", log(folder.path()));
    assert!(log(folder.path()).contains("it took longer than `training.limit_s`, 3 s"), "{}", log(folder.path()));
    assert_eq!(daemon.terminate(), Some(0));
}

#[tokio::test]
async fn a_daemon_that_stops_ends_its_training() {
    let folder = folder();
    let dump = endless_dump(folder.path());
    let daemon = daemon(folder.path(), &format!("after_labels = 1\ndumps = [\"{}\"]", dump.display())).await;
    label(&daemon, &daemon.key(), "an article about the history of the bridge", "ham").await;
    let process = until("a training", || trainer(folder.path(), daemon.process.id())).await;
    assert_eq!(daemon.terminate(), Some(0));
    assert!(!is_running(process), "{}", log(folder.path()));
    let next = hamlet(folder.path()).args(["train", "--labels"]).output().unwrap();
    let said = String::from_utf8_lossy(&next.stderr);
    assert!(!next.status.success() && !said.contains("another training"), "the lock is free again: {said}");
}

#[tokio::test]
async fn of_two_daemons_on_one_store_one_trains_and_the_other_when_that_one_goes() {
    let (folders, url) = ([folder(), folder()], fresh_database());
    let mut daemons = Vec::new();
    for folder in &folders {
        let dump = endless_dump(folder.path());
        let file = folder.path().join("hamlet.toml");
        std::fs::write(&file, format!("[training]\nafter_labels = 1\ndumps = [\"{}\"]", dump.display())).unwrap();
        if !daemons.is_empty() {
            std::fs::write(folder.path().join("greeted"), "").unwrap();
        }
        let flags = ["--store", &url, "--config", file.to_str().unwrap()];
        daemons.push(Daemon::start_with(folder.path(), &flags).await);
    }
    let key = daemons[0].key();
    label(&daemons[1], &key, "an article about the history of the bridge", "ham").await;
    let begun = |number: usize| times(&log(folders[number].path()), "a training begins");
    let first = until("a training", || (0..2).find(|number| begun(*number) == 1)).await;
    let other = 1 - first;
    until("the process", || trainer(folders[first].path(), daemons[first].process.id())).await;
    // Both have looked a few times since.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!((begun(first), begun(other)), (1, 0));

    let last = daemons.remove(other);
    assert_eq!(daemons.remove(0).terminate(), Some(0));
    until("a training of the other", || trainer(folders[other].path(), last.process.id())).await;
    assert_eq!((begun(first), begun(other)), (1, 1));
    assert_eq!(last.terminate(), Some(0));
}

#[tokio::test]
async fn labels_of_one_kind_are_refused_in_words_and_not_tried_at_once() {
    let folder = folder();
    let daemon = daemon(folder.path(), "after_labels = 2\nretry_s = 3600").await;
    let key = daemon.key();
    label(&daemon, &key, "an article about the history of the bridge", "ham").await;
    label(&daemon, &key, "the mayor reads an article to the school", "ham").await;
    until("the refusal", || log(folder.path()).contains("the training failed").then_some(())).await;
    let failed = metric(&daemon, "failed").await;
    assert_eq!(failed.as_deref(), Some("1"));
    // More labels come, and many looks are taken, yet nothing is begun.
    let directory_is_followed = beside(folder.path(), &["site", "add", "late", "--url", "https://late.example/"]);
    let late = directory_is_followed["api_key"].as_str().unwrap();
    daemon.until("/v1/comments", late, |status, _| status == 200).await;
    label(&daemon, &key, "music in the garden", "ham").await;
    assert_eq!(times(&log(folder.path()), "a training begins"), 1, "{}", log(folder.path()));
    assert_eq!(models(folder.path()).len(), 1);
    assert_eq!(daemon.terminate(), Some(0));
}

#[tokio::test]
async fn a_training_that_wants_too_much_memory_fails_and_the_champion_stays() {
    let folder = folder();
    let dump = folder.path().join("dump.csv");
    let rows = (0..300).map(|number| format!("{},spam\n{},ham\n", text(0, number), text(1, number)));
    std::fs::write(&dump, format!("content,label\n{}", rows.collect::<String>())).unwrap();
    let settings = format!("after_labels = 1\nmemory_mb = 64\nretry_s = 3600\ndumps = [\"{}\"]", dump.display());
    let daemon = daemon(folder.path(), &settings).await;
    let key = daemon.key();
    let before = model(&daemon, &key).await;
    label(&daemon, &key, "an article about the history of the bridge", "ham").await;
    until("the failure", || log(folder.path()).contains("the training failed").then_some(())).await;
    assert_eq!((model(&daemon, &key).await, models(folder.path()).len()), (before, 1));
    assert_eq!(daemon.terminate(), Some(0));
}
