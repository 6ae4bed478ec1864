//! `hamlet doctor` beside the real daemon, and on installations that are wrong in one way each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hamlet::clock::Clock;
use serde_json::{Value, json};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::daemon::{Daemon, beside, hamlet};

/// What the doctor found.
#[derive(Debug)]
struct Visit {
    code: Option<i32>,
    findings: Vec<Value>,
    told: String,
}

/// Runs it with settings of its own: a port at which nobody listens, unless `change` says otherwise.
fn visit(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Visit {
    let run = |json: &[&str]| {
        let mut command = hamlet(folder);
        command.env("HAMLET_LISTEN", "127.0.0.1:9").args(["doctor"]).args(arguments).args(json);
        command.envs(settings.iter().copied()).output().unwrap()
    };
    let (for_programs, for_people) = (run(&["--json"]), run(&[]));
    assert_eq!(for_programs.status.code(), for_people.status.code());
    let findings = serde_json::from_slice(&for_programs.stdout).unwrap_or_else(|error| {
        panic!("{error}: {:?} {}", for_programs, String::from_utf8_lossy(&for_programs.stderr))
    });
    Visit { code: for_programs.status.code(), findings, told: String::from_utf8(for_people.stdout).unwrap() }
}

impl Visit {
    /// Has a finding of this check and level whose fact holds `part`, with a mend unless all is well.
    #[track_caller]
    fn found(&self, check: &str, level: &str, part: &str) -> &Visit {
        let is_it = |finding: &&Value| {
            (finding["check"] == check && finding["level"] == level) && finding["fact"].as_str().unwrap().contains(part)
        };
        let finding =
            self.findings.iter().find(is_it).unwrap_or_else(|| panic!("no {level} of {check}: {part}: {self:#?}"));
        assert_eq!(finding.get("mend").is_some(), level != "ok", "{finding}");
        assert!(self.told.contains(part), "{}", self.told);
        self
    }

    #[track_caller]
    fn errors(&self, count: usize) -> &Visit {
        let errors = self.findings.iter().filter(|finding| finding["level"] == "error").count();
        assert_eq!((errors, self.code), (count, Some(i32::from(count > 0))), "{self:#?}");
        self
    }
}

/// A folder that is closed to others, as the daemon makes its own.
fn folder() -> tempfile::TempDir {
    let folder = crate::daemon::folder();
    mode(folder.path(), 0o700);
    folder
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

async fn sql(folder: &Path, statement: &'static str) {
    let url = format!("sqlite://{}", folder.join("hamlet.db").display());
    let mut conn = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(statement).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test]
async fn beside_a_daemon_that_is_well_nothing_is_wrong_and_nothing_is_changed() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let key = daemon.key();
    for number in 0..30 {
        let body = json!({"content": format!("comment number {number}"), "permalink": "https://news.example/a",
            "author": {"name": "Bob", "email": "bob@mail.example", "ip": format!("93.184.216.{number}"), "user_agent": "Mozilla/5.0"}});
        assert_eq!(daemon.post("/v1/comments/check", &key, &body).await.0, 200);
    }
    let before = beside(folder.path(), &["queue", "status"]);
    let visit = visit(folder.path(), &["--deep"], &[("HAMLET_LISTEN", &daemon.address.to_string())]);
    visit.errors(0).found("settings", "ok", "are in order").found("folder", "ok", "is closed to other users");
    visit.found("store", "ok", "SQLite, schema").found("store", "ok", "is not damaged").found(
        "store",
        "ok",
        "can be read and written",
    );
    visit.found("daemon", "ok", "and is ready").found("clock", "ok", "agrees with the daemon's").found(
        "clock",
        "ok",
        "not behind",
    );
    visit.found("model", "ok", "the shipped model serves and is sound").found("endpoints", "ok", "there are none");
    visit.found("proxy", "ok", "readers' addresses").found("fields", "ok", "`default`").found(
        "queue",
        "ok",
        "no dead letters",
    );
    assert_eq!(beside(folder.path(), &["queue", "status"])["decisions"], before["decisions"]);
    assert_eq!(daemon.terminate(), Some(0));
}

#[tokio::test]
async fn an_empty_folder_a_foreign_port_and_wrong_settings_are_told_as_what_they_are() {
    let home = folder();
    let nowhere = home.path().join("nothing here");
    let first = visit(&nowhere, &[], &[]);
    first.errors(0).found("folder", "warning", "does not exist yet").found("store", "warning", "does not exist yet");
    first.found("daemon", "warning", "nobody answers at 127.0.0.1:9");
    assert!(!nowhere.exists(), "looking makes nothing");

    visit(&nowhere, &[], &[("HAMLET_STORE__READERS", "no number")]).errors(1).found(
        "settings",
        "error",
        "store.readers",
    );
    visit(&nowhere, &[], &[("HAMLET_STORE__URL", "mysql://x/y")]).errors(1).found("store", "error", "is no store");

    // Something else has the port: a server of another protocol, another server, one that hangs up.
    for (answer, part) in [
        ("SSH-2.0-OpenSSH_9\r\n\r\n", "does not speak HTTP"),
        ("HTTP/1.1 404 Not Found\r\n\r\n{}", "is not Hamlet (status 404)"),
        ("", "does not speak HTTP"),
    ] {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = other.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in other.incoming().take(2) {
                let mut stream = stream.unwrap();
                std::io::Read::read(&mut stream, &mut [0; 1024]).unwrap();
                std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
            }
        });
        visit(&nowhere, &[], &[("HAMLET_LISTEN", &address)]).errors(1).found("daemon", "error", part);
    }
}

#[tokio::test]
async fn a_store_of_another_version_is_not_touched_and_a_damaged_one_is_an_error() {
    let folder = folder();
    beside(folder.path(), &["site", "add", "news", "--url", "https://news.example/"]);
    sql(folder.path(), "INSERT INTO _sqlx_migrations SELECT 99999999999999, 'later', installed_on, 1, checksum, 1 FROM _sqlx_migrations LIMIT 1").await;
    // What was only added to is this program's as well.
    visit(folder.path(), &[], &[]).errors(0).found("store", "ok", "schema 99999999999999");
    sql(folder.path(), "UPDATE meta SET value = 99999999999999 WHERE name = 'oldest_schema'").await;
    visit(folder.path(), &[], &[]).errors(1).found("store", "error", "was written by a newer Hamlet");
    sql(folder.path(), "DELETE FROM _sqlx_migrations WHERE version IN (SELECT version FROM _sqlx_migrations ORDER BY version DESC LIMIT 2)").await;
    // Twice, because a visit that had opened the store would have brought it up to date.
    for _ in 0..2 {
        visit(folder.path(), &[], &[]).errors(0).found("store", "warning", "the schema of an older Hamlet");
    }

    let damaged = self::folder();
    beside(damaged.path(), &["site", "add", "news", "--url", "https://news.example/"]);
    sql(damaged.path(), "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let file = damaged.path().join("hamlet.db");
    let mut bytes = fs::read(&file).unwrap();
    let (from, to) = (bytes.len() / 4, bytes.len());
    bytes[from..to].fill(0xA5);
    fs::write(&file, bytes).unwrap();
    let visit = visit(damaged.path(), &[], &[]);
    visit.found("store", "error", "damaged");
    assert_eq!(visit.code, Some(1));
}

#[tokio::test]
async fn what_is_open_to_others_is_an_error_and_closing_it_mends() {
    let folder = folder();
    beside(folder.path(), &["site", "add", "news", "--url", "https://news.example/"]);
    let settings = folder.path().join("hamlet.toml");
    let hook = "[hooks.cms]\nsite = \"news\"\nscheme = \"bearer\"\nfields.content = \"/text\"";
    fs::write(&settings, format!("{hook}\nsecret = \"a long secret\"\n")).unwrap();
    let with = ["--config", settings.to_str().unwrap()];
    mode(folder.path(), 0o755);
    mode(&folder.path().join("hamlet.db"), 0o644);
    mode(&settings, 0o644);
    let open = visit(folder.path(), &with, &[]);
    open.errors(2).found("folder", "error", "every user of this machine can read comments: hamlet.db");
    open.found("secrets", "error", "hamlet.toml holds secrets");
    assert!(!open.told.contains("a long secret"), "{}", open.told);
    mode(folder.path(), 0o700);
    mode(&settings, 0o600);
    visit(folder.path(), &with, &[]).errors(0).found("secrets", "ok", "hamlet.toml is closed");

    // A store that is elsewhere is looked at where it is.
    let elsewhere = self::folder();
    let url = format!("sqlite://{}/own.db", elsewhere.path().display());
    fs::write(elsewhere.path().join("own.db"), "").unwrap();
    mode(&elsewhere.path().join("own.db"), 0o644);
    mode(elsewhere.path(), 0o755);
    visit(folder.path(), &[], &[("HAMLET_STORE__URL", &url)]).errors(1).found("folder", "error", "own.db");

    // A file of secrets of its own; the settings then hold none.
    let secret = folder.path().join("cms.secret");
    fs::write(&secret, "a long secret\n").unwrap();
    fs::write(&settings, format!("{hook}\nsecret_file = \"{}\"\n", secret.display())).unwrap();
    mode(&secret, 0o604);
    mode(&settings, 0o644);
    visit(folder.path(), &with, &[]).errors(1).found("secrets", "error", "cms.secret holds secrets");
}

#[tokio::test]
async fn what_the_cms_does_not_send_and_its_proxys_address_are_seen() {
    let folder = folder();
    let daemon = Daemon::start(folder.path()).await;
    let key = daemon.key();
    for number in 0..40 {
        let body = json!({"content": format!("comment number {number}"), "author": {"name": "Bob", "ip": "10.1.2.3"}});
        assert_eq!(daemon.post("/v1/comments/check", &key, &body).await.0, 200);
    }
    let visit = visit(folder.path(), &[], &[]);
    visit.errors(0).found(
        "proxy",
        "warning",
        "40 of the last 40 comments of `default` come from one address (10.1.2.3)",
    );
    visit.found(
        "fields",
        "warning",
        "40 of the last 40 comments of `default` came without author.user_agent; blind: UA_BOT",
    );
    visit.found("fields", "warning", "without permalink").found(
        "fields",
        "warning",
        "without author.email; blind: NAME_TEMPLATE",
    );
}

#[tokio::test]
async fn endpoints_models_and_clocks_are_held_against_what_they_should_be() {
    let folder = folder();
    beside(folder.path(), &["site", "add", "news", "--url", "https://news.example/"]);
    let add = |url: &str| {
        let mut command = hamlet(folder.path());
        command.env("HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true");
        let done = command.args(["endpoint", "add", "--site", "news", url, "--json"]).output().unwrap();
        serde_json::from_slice::<Value>(&done.stdout).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (_well, gone, _private) = (add("https://a.example/"), add("https://b.example/"), add("http://127.0.0.1:1/"));
    assert!(hamlet(folder.path()).args(["endpoint", "disable", &gone]).status().unwrap().success());

    let store = hamlet::store::open("sqlite", folder.path(), hamlet::store::Settings::default()).await.unwrap();
    let tomorrow = Clock::System.now() + jiff::SignedDuration::from_hours(24);
    let record = hamlet::store::ModelRecord {
        id: "00ff00ff00ff".to_owned(),
        created_at: tomorrow,
        card: json!({}),
        promoted_at: None,
        note: String::new(),
        is_champion: false,
    };
    let mut bytes = hamlet::classifier::Classifier::shipped_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    store.keep_model(record, bytes).await.unwrap();
    store.promote(Some("00ff00ff00ff"), "", Clock::System.now()).await.unwrap();
    store.close().await;

    let visit = visit(folder.path(), &[], &[]);
    visit.errors(3).found("endpoints", "warning", "is told nothing: switched off by hand");
    visit.found("endpoints", "error", "is never reached: the endpoint is at a loopback address");
    visit.found("endpoints", "ok", "1 of 3 are in order").found("model", "error", "model 00ff00ff00ff: ");
    visit.found("clock", "error", "the store holds something from 24 hours in the future");
}

#[tokio::test]
async fn a_policy_of_countries_without_a_file_that_tells_them_is_a_warning() {
    let folder = folder();
    beside(folder.path(), &["site", "add", "news", "--url", "https://news.example/", "--hold-countries", "ru"]);
    visit(folder.path(), &[], &[]).found(
        "countries",
        "warning",
        "site `news` wants comments of some countries looked at",
    );
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/countries.mmdb");
    let told = visit(folder.path(), &[], &[("HAMLET_NETWORK__COUNTRIES", file)]);
    assert!(told.findings.iter().all(|finding| finding["check"] != "countries"), "{told:?}");
}
