//! Allow and block lists, of one site, shared and in files: by the JSON door, by commands, and in a running daemon.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use hamlet::list_files;
use hamlet::site::{ListEntry, ListKind};
use hamlet::store::{ListFilter, Settings, StoreError, open};
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::daemon::{Daemon, LOG, hamlet};
use crate::harness::{ADMIN, HOLDING, Hamlet, OPERATOR};

async fn start() -> Hamlet {
    let hamlet = Hamlet::start().await;
    hamlet.with_keys(["ada's key", "operator"]).await
}

async fn answer(hamlet: &Hamlet, key: &str, line: &str, status: u16, body: &Value) -> Value {
    let reply = hamlet.ask(key, line, body).await;
    assert_eq!(reply.status, status, "{line}: {reply:?}");
    reply.json()
}

/// The notes of a verdict's evidence of this symbol.
fn notes(verdict: &Value, symbol: &str) -> Vec<String> {
    let evidence = verdict["evidence"].as_array().unwrap().iter();
    let notes = evidence.filter(|piece| piece["symbol"] == symbol);
    notes.map(|piece| piece["note"].as_str().unwrap().to_owned()).collect()
}

// ---- the JSON door -----------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_shared_entry_counts_for_all_sites_and_a_sites_own_answers_it() {
    let hamlet = start().await;
    let spam = json!({"content": "have a look at https://shop.bad.example/x, it is nice"});
    assert!(notes(&hamlet.check(&spam).await, "BLOCK_LIST").is_empty());
    let entry = json!({"list": "block", "match": "link:bad.example", "reason": "three waves", "added_by": "bob"});
    answer(&hamlet, OPERATOR, "POST /v1/lists/shared", 200, &entry).await;
    let verdict = hamlet.check(&spam).await;
    assert_eq!(verdict["decision"], "spam");
    assert_eq!(notes(&verdict, "BLOCK_LIST"), ["link:bad.example (three waves; bob; shared)"]);
    assert!(verdict["reason"].as_str().unwrap().contains("link:bad.example (three waves"), "{verdict}");
    let elsewhere = hamlet.ask(HOLDING, "POST /v1/comments/check", &spam).await.json();
    assert_eq!(notes(&elsewhere, "BLOCK_LIST").len(), 1, "{elsewhere}");

    let own = json!({"list": "allow", "match": "domain:shop.bad.example"});
    answer(&hamlet, ADMIN, "POST /v1/lists", 200, &own).await;
    let verdict = hamlet.check(&spam).await;
    assert_eq!(verdict["decision"], "approve");
    assert_eq!(notes(&verdict, "ALLOW_LIST"), ["domain:shop.bad.example (ada's key)"]);
    let elsewhere = hamlet.ask(HOLDING, "POST /v1/comments/check", &spam).await.json();
    assert!(notes(&elsewhere, "ALLOW_LIST").is_empty(), "{elsewhere}");

    answer(&hamlet, OPERATOR, "DELETE /v1/lists/shared?match=link:bad.example", 200, &Value::Null).await;
    assert!(notes(&hamlet.check(&spam).await, "BLOCK_LIST").is_empty());
    for line in ["GET /v1/lists/shared", "DELETE /v1/lists/shared?match=ip:192.0.2.1"] {
        assert_eq!(hamlet.ask(ADMIN, line, &Value::Null).await.status, 403, "{line} is the operator's");
    }
    assert_eq!(hamlet.ask(ADMIN, "POST /v1/lists/shared", &entry).await.status, 403);
}

#[tokio::test]
async fn many_entries_are_put_on_at_once_and_shown_by_pages() {
    let hamlet = start().await;
    let entries: Vec<Value> =
        (0..120).map(|number| json!({"list": "block", "match": format!("domain:n{number}.example")})).collect();
    answer(&hamlet, ADMIN, "POST /v1/lists", 200, &json!({"entries": entries})).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = answer(&hamlet, ADMIN, &format!("GET /v1/lists?limit=50&cursor={cursor}"), 200, &Value::Null).await;
        let entries = page["entries"].as_array().unwrap();
        seen.extend(entries.iter().map(|entry| entry["match"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<String> = (0..120).map(|number| format!("domain:n{number}.example")).collect();
    assert_eq!(seen, expected);
    let one = answer(&hamlet, ADMIN, "GET /v1/lists?match=domain:n7.example", 200, &Value::Null).await;
    assert_eq!((one["entries"].as_array().unwrap().len(), &one["entries"][0]["added_by"]), (1, &json!("ada's key")));
    let allowed = answer(&hamlet, ADMIN, "GET /v1/lists?list=allow", 200, &Value::Null).await;
    assert_eq!(allowed, json!({"entries": []}));

    // One that is wrong, and none is put on.
    let wrong =
        json!({"entries": [{"list": "block", "match": "domain:new.example"}, {"list": "block", "match": "phrase:ـ"}]});
    let refused = answer(&hamlet, ADMIN, "POST /v1/lists", 422, &wrong).await;
    assert!(refused["detail"].as_str().unwrap().contains("nothing of it is left"), "{refused}");
    let mixed = json!({"entries": [], "list": "block", "match": "ip:192.0.2.1"});
    let refused = answer(&hamlet, ADMIN, "POST /v1/lists", 422, &mixed).await;
    assert!(refused["detail"].as_str().unwrap().contains("stands alone"), "{refused}");
    let none = answer(&hamlet, ADMIN, "GET /v1/lists?match=domain:new.example", 200, &Value::Null).await;
    assert_eq!(none, json!({"entries": []}));
    assert_eq!(hamlet.ask(ADMIN, "GET /v1/lists?cursor=x", &Value::Null).await.status, 422);
}

#[tokio::test]
async fn an_entry_expires() {
    let hamlet = start().await;
    let entry = json!({"list": "block", "match": "phrase:pineapples", "expires_at": "2026-01-02T04:00:00Z"});
    answer(&hamlet, ADMIN, "POST /v1/lists", 200, &entry).await;
    let comment = json!({"content": "a word about pineapples, from a reader who likes them"});
    assert_eq!(hamlet.check(&comment).await["decision"], "spam");
    hamlet.wait(Duration::from_secs(3_600));
    assert_eq!(hamlet.check(&comment).await["decision"], "approve");
}

// ---- the store ---------------------------------------------------------------------------------------------------

fn entry(list: ListKind, pattern: &str) -> ListEntry {
    ListEntry { list, pattern: pattern.parse().unwrap(), ..list_files::given(Timestamp::UNIX_EPOCH) }
}

#[tokio::test]
async fn a_change_of_a_list_is_whole_and_says_which_list_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open("sqlite", folder.path(), Settings::default()).await.unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let site = store.add_site("news", "", hamlet::site::Policy::standard(), [1; 32], now).await.unwrap().id;
    let changed = async || store.directory().await.unwrap().lists;
    assert!(changed().await.is_empty());
    let put_on = vec![entry(ListKind::Block, "domain:a.example"), entry(ListKind::Block, "phrase:b")];
    let change = store.change_lists(Some(site), Vec::new(), put_on).await.unwrap();
    assert_eq!((change.added, change.replaced, change.removed), (2, 0, 0));
    let first = changed().await;
    assert_eq!((first.len(), first[0].0), (1, Some(site)));

    let nothing = store
        .change_lists(Some(site), vec!["phrase:b".parse().unwrap(), "phrase:c".parse().unwrap()], Vec::new())
        .await;
    assert!(matches!(nothing, Err(StoreError::NotFound(_))), "{nothing:?}");
    let read = async |owner| {
        let (placed, _) = store.list_entries(owner, &ListFilter::default(), 0, 99).await.unwrap();
        placed.iter().map(|placed| format!("{} {}", placed.entry.list, placed.entry.pattern)).collect::<Vec<_>>()
    };
    assert_eq!(read(Some(site)).await, ["block domain:a.example", "block phrase:b"]);
    let change = store.change_lists(Some(site), Vec::new(), vec![entry(ListKind::Allow, "domain:a.example")]).await;
    assert_eq!(change.unwrap().replaced, 1);
    assert_eq!(read(Some(site)).await, ["block phrase:b", "allow domain:a.example"]);

    store.change_lists(None, Vec::new(), vec![entry(ListKind::Block, "domain:a.example")]).await.unwrap();
    assert_eq!(read(None).await, ["block domain:a.example"]);
    let owners: Vec<_> = changed().await.iter().map(|&(owner, _)| owner).collect();
    assert_eq!(owners, [None, Some(site)]);
    store.remove_site(site).await.unwrap();
    assert_eq!((read(Some(site)).await.len(), read(None).await.len()), (0, 1));
    let nobody = store.change_lists(Some(site), Vec::new(), vec![entry(ListKind::Block, "phrase:x")]).await;
    assert!(matches!(nobody, Err(StoreError::NotFound(_))), "{nobody:?}");
    store.close().await;
}

/// The schema before lists had a table of their own, with a policy that carries them.
async fn of_the_time_before(folder: &Path) {
    let steps = tempfile::tempdir().unwrap();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations/sqlite");
    for step in std::fs::read_dir(all).unwrap() {
        let step = step.unwrap();
        if step.file_name().to_str().unwrap() < "0008" {
            std::fs::copy(step.path(), steps.path().join(step.file_name())).unwrap();
        }
    }
    let file = SqliteConnectOptions::new().filename(folder.join("hamlet.db")).create_if_missing(true);
    let mut conn = file.connect().await.unwrap();
    sqlx::migrate::Migrator::new(steps.path()).await.unwrap().run_direct(None, &mut conn, false).await.unwrap();
    let mut policy = serde_json::to_value(hamlet::site::Policy::standard()).unwrap();
    policy["lists"] = json!([
        {"list": "block", "match": "domain:bad.example", "reason": "three waves", "added_at": "2026-05-01T10:00:00.123456789Z"},
        {"list": "allow", "match": "phrase:قهوة", "added_at": "2026-05-02T00:00:00Z", "expires_at": "2030-02-01T00:00:00Z"},
    ]);
    for (name, policy) in [("news", policy), ("shop", serde_json::to_value(hamlet::site::Policy::standard()).unwrap())]
    {
        sqlx::query("INSERT INTO sites (name, url, policy, created_at) VALUES (?, '', ?, 0)")
            .bind(name)
            .bind(policy.to_string())
            .execute(&mut conn)
            .await
            .unwrap();
    }
    conn.close().await.unwrap();
}

#[tokio::test]
async fn lists_that_lay_in_policies_are_carried_over() {
    let folder = tempfile::tempdir().unwrap();
    of_the_time_before(folder.path()).await;
    let store = open("sqlite", folder.path(), Settings::default()).await.unwrap();
    let directory = store.directory().await.unwrap();
    let news = directory.sites.iter().find(|site| site.name == "news").unwrap().id;
    assert_eq!(directory.lists.iter().map(|(owner, _)| *owner).collect::<Vec<_>>(), [Some(news)]);
    let (placed, _) = store.list_entries(Some(news), &ListFilter::default(), 0, 9).await.unwrap();
    let entries: Vec<ListEntry> = placed.into_iter().map(|placed| placed.entry).collect();
    let expected = [
        ListEntry {
            reason: "three waves".into(),
            added_at: "2026-05-01T10:00:00.123Z".parse().unwrap(),
            ..entry(ListKind::Block, "domain:bad.example")
        },
        ListEntry {
            added_at: "2026-05-02T00:00:00Z".parse().unwrap(),
            expires_at: "2030-02-01T00:00:00Z".parse().ok(),
            ..entry(ListKind::Allow, "phrase:قهوة")
        },
    ];
    assert_eq!(entries, expected);
    store.close().await;
}

// ---- files and a running daemon ----------------------------------------------------------------------------------

#[tokio::test]
async fn a_list_file_is_followed_and_a_cut_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, file) = (folder.path().join("hamlet.toml"), folder.path().join("spam.list"));
    std::fs::write(&file, "# ours\nblock phrase:pineapples  # no fruit\nblock ip:nowhere\n").unwrap();
    std::fs::write(&settings, format!("[lists]\nfiles = [{:?}]\n", file.to_str().unwrap())).unwrap();
    let daemon = Daemon::start_with(folder.path(), &["--config", settings.to_str().unwrap()]).await;
    let key = daemon.key();
    let decision = async |text: &str| {
        let (status, verdict) = daemon.post("/v1/comments/check", &key, &json!({"content": text})).await;
        assert_eq!(status, 200, "{verdict}");
        verdict
    };
    let becomes = async |text: &str, wanted: &str| {
        let started = Instant::now();
        loop {
            let verdict = decision(text).await;
            if verdict["decision"] == wanted {
                return verdict;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{text} did not become {wanted}: {verdict}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (fruit, nuts) = ("a word about pineapples, from a reader", "a word about hazelnuts, from a reader");
    let verdict = decision(fruit).await;
    assert_eq!(verdict["decision"], "spam", "in force from the first comment on: {verdict}");
    assert_eq!(notes(&verdict, "BLOCK_LIST"), ["phrase:pineapples (no fruit; spam.list:2)"]);
    let log = std::fs::read_to_string(folder.path().join(LOG)).unwrap();
    assert!(log.contains("spam.list, line 3: `nowhere` is neither"), "{log}");

    std::fs::write(&file, "block phrase:hazelnuts\n").unwrap();
    becomes(nuts, "spam").await;
    becomes(fruit, "approve").await;
    // Cut in the middle of a line: a second look has come and gone when SIGHUP is through.
    std::fs::write(&file, "block phrase:pineapples\nblock phr").unwrap();
    daemon.reload();
    let started = Instant::now();
    while !std::fs::read_to_string(folder.path().join(LOG)).unwrap().contains("in the middle of line 2") {
        assert!(started.elapsed() < Duration::from_secs(30), "the cut file was not spoken of");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(decision(nuts).await["decision"], "spam");
    assert_eq!(decision(fruit).await["decision"], "approve");
    std::fs::remove_file(&file).unwrap();
    daemon.reload();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(decision(nuts).await["decision"], "spam");
    // No longer named, no longer in force.
    std::fs::write(&settings, "").unwrap();
    daemon.reload();
    becomes(nuts, "approve").await;
}

#[test]
fn a_file_of_a_million_lines_is_read_within_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.list");
    let mut text = String::with_capacity(40 << 20);
    for number in 0..1_000_000 {
        match number % 4 {
            0 => writeln!(text, "domain:host{number}.example  # the same reason").unwrap(),
            1 => writeln!(text, "ip:10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255).unwrap(),
            2 => writeln!(text, "email:user{number}@mail.example").unwrap(),
            _ => writeln!(text, "buy thing {number} now").unwrap(),
        }
    }
    std::fs::write(&file, text).unwrap();
    let started = Instant::now();
    let (list, findings) = list_files::load(&file, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!((list.len(), findings.bad, findings.duplicates, findings.lines), (1_000_000, 0, 0, 1_000_000));
    // A release build takes a second or two; the bound is for a debug build on a busy machine.
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
}

// ---- commands ----------------------------------------------------------------------------------------------------

/// How a command of words ended: exit code, standard output, standard error.
fn run(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let done = hamlet(folder).env("USER", "ada").env_remove("SUDO_USER").args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (done.status.code().unwrap(), text(&done.stdout), text(&done.stderr))
}

#[track_caller]
fn printed(folder: &Path, words: &[&str]) -> String {
    let (code, out, error) = run(folder, words);
    assert_eq!(code, 0, "hamlet {words:?}: {error}");
    out
}

#[test]
fn entries_are_added_shown_exported_and_removed_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    printed(at, &["site", "add", "news", "--url", "https://news.example/"]);
    let said = printed(
        at,
        &["list", "add", "block", "domain:Bad.example", "phrase:a # b", "--site", "news", "--reason", "three waves"],
    );
    assert_eq!(said, "2 added to the list of site `news`, 0 replaced.\n");
    printed(at, &["list", "add", "allow", "ip:192.0.2.0/24", "--shared", "--by", "bob", "--expires", "2030-01-31"]);
    let shown: Value = serde_json::from_str(&printed(at, &["list", "show", "--site", "news", "--json"])).unwrap();
    assert_eq!((&shown[0]["match"], &shown[0]["added_by"]), (&json!("domain:bad.example"), &json!("ada")));
    let table = printed(at, &["list", "show", "--shared"]);
    assert!(table.contains("allow") && table.contains("2030-02-01") && table.contains("bob"), "{table}");

    // What was exported is the same list when it is imported.
    let file = at.join("news.list");
    let file = file.to_str().unwrap();
    printed(at, &["list", "export", "--site", "news", "--write", file]);
    printed(at, &["list", "remove", "domain:bad.example", "phrase:a # b", "--site", "news"]);
    let said = printed(at, &["list", "import", file, "--site", "news"]);
    assert!(said.contains("(hamlet): 2 lines, 1 domain, 1 phrase; 0 duplicates, 0 bad lines"), "{said}");
    let again: Value = serde_json::from_str(&printed(at, &["list", "show", "--site", "news", "--json"])).unwrap();
    assert_eq!(again, shown);

    let (code, _, error) = run(at, &["list", "remove", "phrase:a # b", "phrase:c", "--site", "news"]);
    assert!(code == 1 && error.contains("none was removed"), "{error}");
    let (code, _, error) = run(at, &["list", "add", "block", "phrase:x"]);
    assert!(code == 2 && error.contains("--shared"), "{error}");
    let (code, _, error) = run(at, &["list", "add", "grey", "phrase:x", "--shared"]);
    assert!(code == 2 && error.contains("say allow or block"), "{error}");
    let (code, _, error) = run(at, &["list", "add", "block", "phrase:x", "--shared", "--expires", "2020-01-01"]);
    assert!(code == 2 && error.contains("in the past"), "{error}");
}

/// Imports `text`; what is said, and the patterns that are on the list then.
fn imported(text: &str, more: &[&str]) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.txt");
    std::fs::write(&file, text).unwrap();
    let words = [&["list", "import", file.to_str().unwrap(), "--shared"], more].concat();
    let (code, out, error) = run(folder.path(), &words);
    assert_eq!(code, 0, "{error}");
    let shown: Value = serde_json::from_str(&printed(folder.path(), &["list", "show", "--shared", "--json"])).unwrap();
    let patterns = shown.as_array().unwrap().iter().map(|entry| {
        let (list, pattern) = (entry["list"].as_str().unwrap(), entry["match"].as_str().unwrap());
        format!("{list} {pattern}")
    });
    (out + &error, patterns.collect())
}

#[test]
fn lists_of_the_usual_formats_are_imported() {
    let (said, entries) = imported("casino\nCasino\n192.0.2.\nbob@bad.example\nspam.com\ncheap watches\n", &[]);
    let expected = [
        "block phrase:casino",
        "block phrase:Casino",
        "block ip:192.0.2.0/24",
        "block email:bob@bad.example",
        "block domain:spam.com",
        "block phrase:cheap watches",
    ];
    assert_eq!(entries, expected);
    assert!(said.contains("(wordpress): 6 lines") && said.contains("1 duplicates, 0 bad lines"), "{said}");
    assert!(said.contains("whole words of the text, where WordPress finds a key within words too"), "{said}");

    let hosts = "# made by hand\n127.0.0.1 localhost\n::1 localhost\n0.0.0.0 bad.example ads.example # why\n0.0.0.0 a/b\nx\n\
                 0.0.0.0 c.example\n0.0.0.0 d.example\n0.0.0.0 e.example\n0.0.0.0 f.example\n";
    let (said, entries) = imported(hosts, &[]);
    assert_eq!(entries.first().map(String::as_str), Some("block domain:bad.example"), "{said}");
    assert!(said.contains("(hosts): 10 lines, 6 domain; 0 duplicates, 2 bad lines"), "{said}");
    assert!(
        said.contains("list.txt, line 5: `a/b` is no domain") && said.contains("line 6: it does not begin"),
        "{said}"
    );

    let (said, entries) = imported("a.example\n||b.example^\na.example\n*.c.example\nd.example\n", &["--as", "allow"]);
    assert_eq!(
        entries,
        ["allow domain:b.example", "allow domain:a.example", "allow domain:c.example", "allow domain:d.example"]
    );
    assert!(said.contains("(domains): 5 lines, 4 domain; 1 duplicates"), "{said}");

    let (said, entries) = imported("192.0.2.0/24 ; SBL1\n2001:db8::1\n", &["--reason", "from afar"]);
    assert_eq!(entries, ["block ip:192.0.2.0/24", "block ip:2001:db8::1/128"], "{said}");
    let (said, entries) = imported("a.example\n", &["--format", "hamlet"]);
    assert_eq!(entries, ["block phrase:a.example"], "{said}");
}

#[test]
fn an_import_that_holds_nothing_good_changes_nothing_and_a_dry_run_neither() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.txt");
    std::fs::write(&file, "casino\n".repeat(3)).unwrap();
    let file = file.to_str().unwrap();
    let said = printed(folder.path(), &["list", "import", file, "--shared", "--dry-run", "--json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&said["format"], &said["entries"]["phrase"], &said["duplicates"]),
        (&json!("wordpress"), &json!(1), &json!(2))
    );
    assert_eq!(printed(folder.path(), &["list", "show", "--shared", "--json"]), "[]\n");
    let (code, _, error) = run(folder.path(), &["list", "import", file, "--shared", "--format", "networks"]);
    assert!(
        code == 1 && error.contains("no entry to import") && error.contains("line 1: `casino` is no IP"),
        "{error}"
    );
    let (code, _, error) = run(folder.path(), &["list", "import", file, "missing.txt", "--shared"]);
    assert!(code == 1 && error.contains("missing.txt cannot be read"), "{error}");
    assert_eq!(printed(folder.path(), &["list", "show", "--shared", "--json"]), "[]\n");
}

#[test]
fn a_list_is_tried_on_labelled_comments() {
    let folder = tempfile::tempdir().unwrap();
    let (list, dump) = (folder.path().join("spam.list"), folder.path().join("comments.jsonl"));
    std::fs::write(&list, "block domain:bad.example\nblock phrase:tea\nblock phrase:never\nallow phrase:green tea\n")
        .unwrap();
    let mut lines = String::new();
    let mut comment =
        |text: &str, label: &str| writeln!(lines, "{}", json!({"content": text, "label": label})).unwrap();
    for number in 0..4 {
        comment(&format!("tea for {number} of us, please"), "ham");
        comment(&format!("see https://shop.bad.example/{number}"), "spam");
    }
    comment("green tea is better", "ham");
    for number in 0..2_000 {
        comment(&format!("a quiet word {number}"), "ham");
    }
    std::fs::write(&dump, lines).unwrap();
    let (list, dump) = (list.to_str().unwrap(), dump.to_str().unwrap());
    let (code, out, error) = run(folder.path(), &["list", "test", list, dump, "--json", "--texts"]);
    assert!(code == 1 && error.contains("1 entries would block too much ham"), "{error}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["ham_blocked"], &report["spam_caught"], &report["flagged"]), (&json!(4), &json!(4), &json!(1)));
    let [tea, green, domain] = report["rows"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!(
        (&tea["match"], &tea["ham"], &tea["line"], &tea["is_flagged"]),
        (&json!("phrase:tea"), &json!(5), &json!(2), &json!(true))
    );
    assert!(
        tea["ham_share"]["low"].as_f64() < tea["ham_share"]["value"].as_f64()
            && tea["texts"].as_array().unwrap().len() == 3
    );
    assert_eq!((&green["list"], &green["is_flagged"]), (&json!("allow"), &json!(false)));
    assert_eq!((&domain["spam"], &domain["ham"]), (&json!(4), &json!(0)));
    let beside = run(folder.path(), &["rules", "test", "--list", list, dump, "--json", "--texts"]);
    assert_eq!(beside, (code, out, error), "the same by its other name");
    let (_, table, _) = run(folder.path(), &["list", "test", list, dump]);
    assert!(
        table.contains("ham that would be blocked  4") && !table.contains("please"),
        "no texts unless asked: {table}"
    );

    std::fs::write(list, "block domain:bad.example\n").unwrap();
    assert_eq!(run(folder.path(), &["list", "test", list, dump]).0, 0);
}
