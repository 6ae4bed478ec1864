//! The real program as an operator meets it: started, fed, changed from beside, stopped and killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What a daemon logs, in its folder.
pub const LOG: &str = "daemon.log";

/// A `hamlet serve` of its own, on a folder of its own.
#[derive(Debug)]
pub struct Daemon {
    pub process: Child,
    pub address: SocketAddr,
    /// What it printed before it was ready: the key of a new site, once.
    greeting: String,
}

pub fn hamlet(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hamlet"));
    command.env("HAMLET_DATA_DIR", folder).env("HAMLET_LOG__LEVEL", "info").env_remove("HAMLET_CONFIG");
    command
}

/// Runs a command beside the daemon and reads its JSON.
#[track_caller]
pub fn beside(folder: &Path, arguments: &[&str]) -> Value {
    let done = hamlet(folder).args(arguments).arg("--json").output().unwrap();
    assert!(done.status.success(), "hamlet {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Daemon {
    pub async fn start(folder: &Path) -> Daemon {
        Daemon::start_with(folder, &[]).await
    }

    /// With these flags besides.
    pub async fn start_with(folder: &Path, flags: &[&str]) -> Daemon {
        Daemon::start_in(folder, flags, &[]).await
    }

    /// And in this environment.
    pub async fn start_in(folder: &Path, flags: &[&str], environment: &[(&str, &str)]) -> Daemon {
        Daemon::start_through(Command::new("env"), folder, folder, flags, environment).await
    }

    /// By another program, which replaces itself by what is written after it; with log and greeting in `folder`, and the
    /// rest in `data`.
    pub async fn start_through(
        mut through: Command,
        folder: &Path,
        data: &Path,
        flags: &[&str],
        environment: &[(&str, &str)],
    ) -> Daemon {
        let address = free_address();
        let log = File::options().create(true).append(true).open(folder.join(LOG)).unwrap();
        let program = hamlet(data);
        let mut process = through
            .arg(program.get_program())
            .args(["serve", "--listen", &address.to_string()])
            .args(flags)
            .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env_remove("HAMLET_CONFIG")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let started = Instant::now();
        while get(address, "/readyz", "").await.is_none_or(|(status, _)| status != 200) {
            if process.try_wait().unwrap().is_some() {
                let log = std::fs::read_to_string(folder.join(LOG)).unwrap_or_default();
                let last = log.lines().rev().take(5).collect::<Vec<_>>().join("\n");
                panic!("the daemon stopped at once; its last words, the latest first:\n{last}");
            }
            assert!(started.elapsed() < Duration::from_secs(30), "the daemon was not ready within 30 s");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The greeting is complete before the doors answer; an existing store has none.
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut greeting = String::new();
        if !folder.join("greeted").exists() {
            std::fs::write(folder.join("greeted"), "").unwrap();
            while !greeting.contains("curl") && out.read_line(&mut greeting).unwrap() > 0 {}
        }
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        Daemon { process, address, greeting }
    }

    pub fn key(&self) -> String {
        let is_key = |line: &&str| line.len() == 12 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.greeting.lines().map(str::trim).find(is_key).expect("a key in the greeting").to_owned()
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        post(self.address, path, key, body).await.expect("an answer")
    }

    /// Asks until the answer is as wanted; a change made beside the daemon arrives within a second, so 5 are ample.
    pub async fn until(&self, path: &str, key: &str, is_wanted: impl Fn(u16, &Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            if let Some((status, answer)) = get(self.address, path, key).await
                && is_wanted(status, &answer)
            {
                return answer;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{path} did not become as wanted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Of its memory, what is in RAM.
    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap() / 1024.0
    }

    pub fn reload(&self) {
        Command::new("kill").args(["-HUP", &self.process.id().to_string()]).status().unwrap();
    }

    pub fn terminate(mut self) -> Option<i32> {
        Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        self.process.wait().unwrap().code()
    }

    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub fn client() -> reqwest::Client {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    reqwest::Client::new()
}

pub async fn get(address: SocketAddr, path: &str, key: &str) -> Option<(u16, Value)> {
    let answer = client().get(format!("http://{address}{path}")).bearer_auth(key).send().await.ok()?;
    Some((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.ok()?).unwrap_or_default()))
}

async fn post(address: SocketAddr, path: &str, key: &str, body: &Value) -> Option<(u16, Value)> {
    let request = client().post(format!("http://{address}{path}")).bearer_auth(key);
    let answer = request.header("content-type", "application/json").body(body.to_string()).send().await.ok()?;
    Some((answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.ok()?).unwrap_or_default()))
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

const SPAM: &str = "Buy cheap viagra online casino bonus [url=http://casino.example]casino[/url] https://bit.ly/x";

#[tokio::test]
async fn the_first_start_makes_a_site_and_shows_its_key_once() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let key = daemon.key();
    assert!(daemon.greeting.contains(&format!("Bearer {key}")), "{}", daemon.greeting);
    let (status, verdict) = daemon.post("/v1/comments/check", &key, &json!({"content": SPAM})).await;
    assert_eq!((status, &verdict["decision"]), (200, &json!("spam")), "{verdict}");
    assert_eq!(daemon.terminate(), Some(0));

    let again = Daemon::start(folder.path()).await;
    assert_eq!(again.greeting, "");
    assert_eq!(again.post("/v1/comments/check", &key, &json!({"content": "hello"})).await.0, 200);
    let stored: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().flat_map(|file| std::fs::read(file.unwrap().path())).collect();
    let holds_key = |bytes: &Vec<u8>| bytes.windows(key.len()).any(|window| window == key.as_bytes());
    assert!(!stored.iter().any(holds_key), "the key itself must not be stored");
}

#[tokio::test]
async fn what_was_answered_202_survives_sigkill_and_is_decided_once() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let key = daemon.key();
    let mut accepted = Vec::new();
    for number in 0..300 {
        let body = json!({"content": format!("comment number {number}"), "external_id": number.to_string()});
        let (status, answer) = daemon.post("/v1/comments", &key, &body).await;
        assert_eq!(status, 202, "{answer}");
        accepted.push(answer["id"].as_str().unwrap().to_owned());
    }
    daemon.kill();

    let daemon = Daemon::start(folder.path()).await;
    for id in &accepted {
        let stored =
            daemon.until(&format!("/v1/comments/{id}"), &key, |_, comment| comment["status"] == "decided").await;
        assert_eq!(stored["id"], json!(id));
    }
    // Each is counted once, and found.
    daemon.until("/v1/stats", &key, |_, stats| stats["totals"]["checked"] == 300).await;
    daemon.until("/v1/comments?q=text:299", &key, |_, page| page["comments"][0]["id"] == json!(accepted[299])).await;
    let (_, repeat) = daemon.post("/v1/comments", &key, &json!({"content": "x", "external_id": "7"})).await;
    assert_eq!(repeat["id"], json!(accepted[7]), "the same external id is the same comment, also after a crash");
}

#[tokio::test]
async fn a_site_and_its_lists_changed_beside_the_daemon_are_known_within_a_second() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let key = beside(folder.path(), &["site", "add", "news", "--url", "https://news.example/"])["api_key"].clone();
    let key = key.as_str().unwrap();
    let body = json!({"content": "a word about pineapples, from a reader who likes them"});
    let decision = async || post(daemon.address, "/v1/comments/check", key, &body).await.unwrap();
    let became = async |wanted: (u16, Value)| {
        let started = Instant::now();
        loop {
            let (status, verdict) = decision().await;
            if (status, verdict["decision"].clone()) == wanted {
                return started.elapsed();
            }
            assert!(started.elapsed() < Duration::from_secs(5), "{status} {verdict}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    became((200, json!("approve"))).await;
    beside(folder.path(), &["site", "set", "news", "--block", "phrase:pineapples"]);
    became((200, json!("spam"))).await;
    let removed = hamlet(folder.path()).args(["site", "remove", "news", "--yes"]).output().unwrap();
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    became((401, Value::Null)).await;
}

#[tokio::test]
async fn sources_of_hooks_are_read_anew_on_sighup() {
    let folder = folder();
    let settings = folder.path().join("hamlet.toml");
    let write = |secret: &str| {
        let source = "site = \"default\"\nscheme = \"bearer\"\nanswer = \"verdict\"\nfields.content = \"/text\"";
        std::fs::write(&settings, format!("[hooks.cms]\n{source}\nsecret = \"{secret}\"")).unwrap();
    };
    std::fs::write(&settings, "").unwrap();
    let daemon = Daemon::start_with(folder.path(), &["--config", settings.to_str().unwrap()]).await;
    let became = async |secret: &str, wanted: u16| {
        let started = Instant::now();
        while daemon.post("/v1/hooks/cms", secret, &json!({"text": "hello"})).await.0 != wanted {
            assert!(started.elapsed() < Duration::from_secs(20), "{secret} did not become {wanted}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    became("the first secret", 404).await;
    write("the first secret");
    daemon.reload();
    became("the first secret", 200).await;
    write("the second secret");
    daemon.reload();
    became("the second secret", 200).await;
    became("the first secret", 401).await;
}

#[tokio::test]
async fn a_model_trained_beside_the_daemon_serves_without_a_restart_and_no_request_is_dropped() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let key = daemon.key();
    let body = json!({"content": "the quick brown fox sells zorblax"});
    let model = async || {
        let (status, verdict) = daemon.post("/v1/comments/check?dry_run=true", &key, &body).await;
        assert_eq!(status, 200, "{verdict}");
        verdict["model"].as_str().unwrap().to_owned()
    };
    let shipped = model().await;

    let mut dump = String::from("content,label\n");
    for number in 0..60 {
        dump += &format!("zorblax offer number {number} zorblax cheap zorblax now,spam\n");
        dump += &format!("I read paragraph {number} twice and agree with most of what it says,ham\n");
    }
    std::fs::write(folder.path().join("dump.csv"), dump).unwrap();
    let path = folder.path().join("dump.csv");
    let mut training = hamlet(folder.path())
        .args(["train", path.to_str().unwrap(), "--promote", "always"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while training.try_wait().unwrap().is_none() {
        model().await;
    }
    let output: Output = training.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let started = Instant::now();
    while model().await == shipped {
        assert!(started.elapsed() < Duration::from_secs(5), "the new model is not served");
    }

    beside(folder.path(), &["model", "rollback"]);
    let started = Instant::now();
    while model().await != shipped {
        assert!(started.elapsed() < Duration::from_secs(5), "the rollback is not served");
    }
}

/// Runs `hamlet serve` where it must fail, and returns what it says.
fn refusal(folder: &Path, address: SocketAddr, change: impl FnOnce(&mut Command)) -> String {
    let mut command = hamlet(folder);
    command.args(["serve", "--listen", &address.to_string()]);
    change(&mut command);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).unwrap()
}

/// As after an update: the comments are left to the shipped model rather than to nobody.
#[tokio::test]
async fn a_champion_that_cannot_be_read_leaves_the_comments_to_the_shipped_model() {
    let folder = folder();
    let store = hamlet::store::open("sqlite", folder.path(), hamlet::store::Settings::default()).await.unwrap();
    let record = hamlet::store::ModelRecord {
        id: "00ff00ff00ff".to_owned(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
        card: json!({}),
        promoted_at: None,
        note: "of an earlier version".to_owned(),
        is_champion: false,
    };
    let mut bytes = hamlet::classifier::Classifier::shipped_bytes().to_vec();
    bytes[8] = 1;
    store.keep_model(record, bytes).await.unwrap();
    store.promote(Some("00ff00ff00ff"), "", jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    store.close().await;

    let daemon = Daemon::start(folder.path()).await;
    let (status, verdict) = daemon.post("/v1/comments/check", &daemon.key(), &json!({"content": "hello"})).await;
    assert_eq!((status, verdict["model"].as_str()), (200, Some(hamlet::classifier::Classifier::shipped().id())));
    let log = std::fs::read_to_string(folder.path().join(LOG)).unwrap();
    assert!(log.contains("the model file has format 1") && log.contains("hamlet model rollback"), "{log}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_mend_and_the_key_is_still_to_come() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = refusal(folder.path(), address, |_| ());
    assert!(said.contains(&address.to_string()) && said.contains("--listen"), "{said}");

    let daemon = Daemon::start(folder.path()).await;
    assert_eq!(daemon.post("/v1/comments/check", &daemon.key(), &json!({"content": "hello"})).await.0, 200);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named_with_the_mend() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let said = refusal(&file, free_address(), |_| ());
    assert!(said.contains(file.to_str().unwrap()), "{said}");

    std::fs::write(folder.path().join("hamlet.db"), "this is not a database, however long it may be".repeat(100))
        .unwrap();
    let said = refusal(folder.path(), free_address(), |_| ());
    assert!(said.contains("hamlet.db"), "{said}");
}

#[test]
fn a_model_file_that_is_damaged_is_refused() {
    let folder = folder();
    let file = folder.path().join("own.hamlet");
    std::fs::write(&file, b"HAMLET or something like it").unwrap();
    let said = refusal(folder.path(), free_address(), |command| {
        command.env("HAMLET_MODEL__FILE", &file);
    });
    assert!(said.contains("own.hamlet"), "{said}");
}

#[tokio::test]
async fn what_labels_taught_survives_a_kill() {
    const ADVERT: &str =
        "Our carpet weavers in Tabriz deliver hand-knotted runners to your door, ask for the catalogue";
    let folder = folder();
    let mut daemon = Daemon::start(folder.path()).await;
    let key = daemon.key();
    let other = beside(folder.path(), &["site", "add", "other", "--url", "https://o.example/"])["api_key"].clone();
    let other = other.as_str().unwrap().to_owned();
    let near = json!({"content": ADVERT.replace("your", "the")});
    let score = async |daemon: &Daemon, key: &str| {
        daemon.post("/v1/comments/check?dry_run=true", key, &near).await.1["score"].as_f64().unwrap()
    };
    daemon.until("/v1/comments", &other, |status, _| status == 200).await;
    let before = score(&daemon, &key).await;
    let (_, checked) = daemon.post("/v1/comments/check", &key, &json!({"content": ADVERT})).await;
    let path = format!("/v1/comments/{}/label", checked["id"].as_str().unwrap());
    let (status, labelled) = daemon.post(&path, &key, &json!({"label": "spam"})).await;
    assert_eq!(status, 200, "{labelled}");
    let after = score(&daemon, &key).await;
    assert!(after > before, "from {before} to {after}: {labelled}");
    assert_eq!(score(&daemon, &other).await, before, "nobody else's");
    let shown = beside(folder.path(), &["site", "show", "default"]);
    assert_eq!(shown["learned"], json!({"ham": 0, "spam": 1}));

    daemon.kill();
    daemon = Daemon::start(folder.path()).await;
    assert_eq!(score(&daemon, &key).await, after);
    let (_, labelled) = daemon.post(&path, &key, &json!({"label": "ham"})).await;
    assert_eq!(labelled["learned"]["note"].as_str().unwrap().split(' ').next(), Some("this"));
    assert!(score(&daemon, &key).await < before);
    assert_eq!(daemon.terminate(), Some(0));
}
