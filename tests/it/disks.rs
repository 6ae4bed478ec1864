//! A disk that becomes slow, read-only or broken while the daemon writes to it. What cannot be kept is refused with the fact and
//! the mend, what was acknowledged stays, and all goes on once the disk does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::daemon::get;
use crate::faults::Scene;

/// A disk as the daemon meets it: `disk.c` stands between them.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new() -> Disk {
        let disk = Disk { folder: tempfile::tempdir().unwrap() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/disk.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(disk.library()).arg(source).arg("-ldl");
        assert!(compiler.status().unwrap().success(), "disk.c is compiled");
        disk.becomes(Duration::ZERO, 0);
        disk
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("disk.so")
    }

    fn mood(&self) -> PathBuf {
        self.folder.path().join("mood")
    }

    /// Each write takes so long, and fails with this error number of Linux unless it is 0.
    fn becomes(&self, wait: Duration, error: i32) {
        // At once, so that nobody reads half of it.
        let new = self.mood().with_extension("new");
        std::fs::write(&new, format!("{} {error}", wait.as_millis())).unwrap();
        std::fs::rename(new, self.mood()).unwrap();
    }

    async fn scene(&self) -> Scene {
        let (library, mood) = (self.library(), self.mood());
        let environment = [("LD_PRELOAD", library.to_str().unwrap()), ("DISK_MOOD", mood.to_str().unwrap())];
        Scene::on("sqlite", &environment).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_refuses_is_named_and_all_goes_on_when_it_takes_again() {
    let disk = Disk::new();
    let scene = disk.scene().await;
    let (input_output, read_only) = (5, 30);
    for error in [read_only, input_output, read_only] {
        disk.becomes(Duration::ZERO, error);
        let not_ready = scene.daemon.until("/readyz", "", |status, _| status == 503).await;
        let said = not_ready["store"].as_str().unwrap();
        assert!(said.contains("disk I/O error") && said.contains("read-only"), "{not_ready}");
        let (status, problem) = scene.daemon.post("/v1/comments", &scene.key, &json!({"content": "one more"})).await;
        assert_eq!((status, &problem["type"]), (503, &json!("/problems/unavailable")), "{problem}");
        assert_eq!(
            get(scene.daemon.address, "/v1/comments?limit=1", &scene.key).await.unwrap().0,
            200,
            "reading goes on"
        );
        disk.becomes(Duration::ZERO, 0);
        scene.daemon.until("/readyz", "", |status, _| status == 200).await;
        scene.load.until_more(100).await;
    }
    let (_, found) = scene.balance(|told| told.is_believed_with(&scene.secret)).await;
    assert_eq!(found.dead, 0, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_slows_down_delays_what_is_kept_and_nothing_else() {
    let disk = Disk::new();
    let scene = disk.scene().await;
    // A commit writes some ten pages and waits for the disk once: seconds.
    disk.becomes(Duration::from_millis(80), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let started = Instant::now();
    let comment = json!({"content": "Is anybody there?"});
    let (status, verdict) = scene.daemon.post("/v1/comments/check?dry_run=true", &scene.key, &comment).await;
    assert_eq!(status, 200, "{verdict}");
    assert_eq!(get(scene.daemon.address, "/healthz", "").await.unwrap().0, 200);
    assert_eq!(get(scene.daemon.address, "/v1/comments?limit=1", &scene.key).await.unwrap().0, 200, "reading goes on");
    assert!(started.elapsed() < Duration::from_secs(2), "what writes nothing waited {:?}", started.elapsed());
    // It is slow, and not at a stand.
    scene.load.until_more(6).await;
    assert!(started.elapsed() > Duration::from_secs(1), "the disk was not slow");
    disk.becomes(Duration::ZERO, 0);
    scene.load.until_more(200).await;
    let (_, found) = scene.balance(|told| told.is_believed_with(&scene.secret)).await;
    assert_eq!(found.dead, 0, "{found:?}");
}
