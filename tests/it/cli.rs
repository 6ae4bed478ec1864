//! The commands beside the daemon, through the program itself: what is printed, what is kept, how it ends.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::process::Stdio;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// An operator's shell with a data folder of its own and nothing of this machine's settings.
struct Shell {
    data: TempDir,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: i32,
    out: String,
    error: String,
}

impl Shell {
    fn new() -> Shell {
        Shell { data: tempfile::tempdir().unwrap() }
    }

    fn run(&self, line: &str) -> Ended {
        self.run_with(line, b"")
    }

    /// Runs `hamlet` with the words of `line`; `input` is what stands on standard input.
    fn run_with(&self, line: &str, input: &[u8]) -> Ended {
        let mut command = Command::cargo_bin("hamlet").unwrap();
        command.env_clear().env("HAMLET_DATA_DIR", self.data.path()).args(line.split_whitespace());
        let output = command.write_stdin(input).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ended { code: output.status.code().unwrap(), out: text(&output.stdout), error: text(&output.stderr) }
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        let ended = self.run(line);
        assert_eq!((ended.code, ended.error.as_str()), (0, ""), "{line}");
        assert_eq!(ended.out.lines().count(), 1, "{line} prints one line: {}", ended.out);
        serde_json::from_str(&ended.out).unwrap()
    }

    /// Ends with `code` and one sentence on stderr that holds `part`.
    #[track_caller]
    fn refused(&self, line: &str, code: i32, part: &str) {
        let ended = self.run(line);
        assert_eq!((ended.code, ended.out.as_str()), (code, ""), "{line}: {}", ended.error);
        assert!(ended.error.contains(part), "{line}: {} does not say: {part}", ended.error);
    }
}

#[test]
fn a_site_lives_from_its_key_to_its_removal() {
    let shell = Shell::new();
    let site = shell.json("site add news --url https://news.example --json");
    let key = site["api_key"].as_str().unwrap();
    assert!(key.len() == 12 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    assert_eq!((site["name"].as_str(), site["url"].as_str()), (Some("news"), Some("https://news.example")));
    shell.refused("site add news --url https://other.example", 1, "news");

    let set = shell
        .json("site set news --hold 0.6 --discard 0.999 --shadow on --language ar --block domain:bad.example --json");
    assert_eq!(set["policy"]["thresholds"], serde_json::json!({ "hold": 0.6, "spam": 0.95, "discard": 0.999 }));
    let shown = shell.json("site show news --json");
    assert_eq!(shown["policy"]["lists"][0]["match"], "domain:bad.example");
    assert_eq!(shown["policy"]["language"], "ar");
    assert!(shell.run("site show news").out.contains("language       ar\n"));
    shell.refused("site set news --language fr", 2, "say en, ar or de");
    assert_eq!(shell.run("site set news --unlist domain:bad.example --discard none --rename paper").code, 0);
    shell.refused("site show news", 1, "`hamlet site list` shows those there are");
    assert_eq!(shell.json("site show paper --json")["policy"]["lists"], serde_json::json!([]));

    let rotated = shell.json("site rotate-key paper --json");
    assert_eq!(rotated["id"], site["id"]);
    assert_ne!(rotated["api_key"], site["api_key"]);

    let keys = shell.json("key list --site paper --json");
    assert_eq!(keys.as_array().unwrap().len(), 2, "the old one works on for a while: {keys}");
    assert!(keys[0]["expires_at"].is_string() && keys[1].get("expires_at").is_none(), "{keys}");

    shell.refused("site remove paper", 2, "say --yes");
    assert_eq!(shell.run("site remove paper --yes").code, 0);
    assert_eq!(shell.json("site list --json"), serde_json::json!([]));
}

#[test]
fn the_statistics_of_a_site_are_shown() {
    let shell = Shell::new();
    shell.json("site add news --url https://news.example --json");
    let shown = shell.run("site stats news --from 2026-11-01 --to 2026-11-30");
    assert!(shown.out.contains("2026-11-01 to 2026-11-30") && shown.out.contains("Nothing was checked"), "{shown:?}");
    let report = shell.json("site stats news --json");
    assert_eq!((&report["totals"]["checked"], &report["days"]), (&0.into(), &serde_json::json!([])));
    shell.refused("site stats news --from 2026-11-02 --to 2026-11-01", 2, "lies after");
    shell.refused("site stats news --from yesterday", 2, "2026-11-24");
    shell.refused("site stats nobody", 1, "`hamlet site list`");
}

#[test]
fn the_plugin_for_wordpress_is_printed_or_written_with_url_and_key() {
    let shell = Shell::new();
    let key = shell.json("site add news --url https://news.example --json")["api_key"].as_str().unwrap().to_owned();
    let printed = shell.run(&format!("site wordpress news --key {} --url https://hamlet.example/", key.to_uppercase()));
    assert_eq!(printed.code, 0, "{}", printed.error);
    assert!(printed.out.starts_with("<?php\n") && printed.out.contains("DAEMON = 'https://hamlet.example';"));
    assert!(printed.out.contains(&format!("KEY    = '{key}';")), "{}", printed.out);
    for step in ["1. Save this as hamlet.php", "2. In WordPress", "3. Write a comment"] {
        assert!(printed.error.contains(step), "{}", printed.error);
    }

    let content = shell.data.path().join("wp-content");
    let write = format!("site wordpress news --key {key} --write {}/mu-plugins", content.display());
    shell.refused(&write, 1, "cannot be made one");
    std::fs::create_dir(&content).unwrap();
    let written = shell.run(&write);
    assert_eq!(written.code, 0, "{}", written.error);
    assert!(written.out.contains("1. Done:") && written.error.is_empty(), "{}", written.out);
    let file = content.join("mu-plugins/hamlet.php");
    let plugin = std::fs::read_to_string(&file).unwrap();
    assert!(plugin.contains("DAEMON = 'http://127.0.0.1:8420';"), "the default is where the daemon listens");
    let is_readable = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions()) & 0o444;
    assert_eq!(is_readable, 0o444, "the web server is another user");

    assert_eq!(shell.run(&write).code, 0, "our own file is written anew");
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "nothing is left on the way");
    std::fs::write(&file, "<?php // somebody else's").unwrap();
    shell.refused(&write.replace(&format!("--key {key}"), "--new-key"), 1, "is not Hamlet's");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "<?php // somebody else's");
    assert_eq!(shell.run(&format!("site wordpress news --key {key}")).code, 0, "and no new key was made for it");

    let other = shell.json("site add other --url https://other.example --json")["api_key"].as_str().unwrap().to_owned();
    shell.refused(&format!("site wordpress news --key {other}"), 1, "no key of site `news`");
    shell.refused("site wordpress news", 2, "--new-key");
    shell.refused("site wordpress nobody --new-key", 1, "there is no site `nobody`");
    let fresh = shell.run("site wordpress news --new-key").out;
    assert!(fresh.contains("KEY    = '") && !fresh.contains(&key), "{fresh}");
    assert_eq!(shell.run(&format!("site wordpress news --key {key}")).code, 0, "the other key works on");
    let reader = shell.json("key add --site news --scopes read --json")["api_key"].as_str().unwrap().to_owned();
    shell.refused(&format!("site wordpress news --key {reader}"), 1, "has to check and submit");
}

#[test]
fn a_key_lives_from_its_scopes_to_its_removal() {
    let shell = Shell::new();
    shell.json("site add news --url https://news.example --json");
    let key = shell.json("key add --site news --scopes read --name reader --expires 2999-01-01 --json");
    assert_eq!((&key["scopes"], key["name"].as_str()), (&serde_json::json!(["read"]), Some("reader")));
    assert_eq!(key["api_key"].as_str().unwrap().len(), 12, "Akismet clients take 12 hex digits");
    let admin = shell.json("key add --all-sites --scopes admin --json");
    assert!(admin["api_key"].as_str().unwrap().starts_with("hk_") && admin["site"].is_null(), "{admin}");
    let id = key["id"].as_i64().unwrap();
    let rotated = shell.json(&format!("key rotate {id} --overlap 1h --json"));
    assert_eq!((&rotated["scopes"], &rotated["name"]), (&key["scopes"], &key["name"]));
    let listed = shell.run("key list");
    assert!(!listed.out.contains(key["api_key"].as_str().unwrap()), "a key is shown once");
    assert_eq!(listed.out.lines().count(), 5, "{}", listed.out);
    shell.refused(&format!("key remove {id}"), 2, "say --yes");
    assert_eq!(shell.run(&format!("key remove {id} --yes")).code, 0);
    shell.refused(&format!("key rotate {id}"), 1, "`hamlet key list`");
    shell.refused("key add --site news --scopes write", 2, "`write` is no scope");
    shell.refused("key add --scopes read", 2, "--site");
}

#[test]
fn an_endpoint_lives_from_its_secret_to_its_removal() {
    let shell = Shell::new();
    shell.json("site add news --url https://news.example --json");
    let endpoint = shell.json("endpoint add --site news https://cms.example/hamlet --json");
    let (id, secret) = (endpoint["id"].as_str().unwrap(), endpoint["secret"].as_str().unwrap());
    assert!(id.starts_with("ep_") && secret.starts_with("whsec_"), "{endpoint}");

    let listed = shell.json("endpoint list --site news --json");
    assert_eq!((&listed[0]["id"], &listed[0]["url"]), (&endpoint["id"], &endpoint["url"]));
    assert!(!shell.run("endpoint list --json").out.contains("whsec_"), "a secret is shown once");

    let rotated = shell.json(&format!("endpoint rotate-secret {id} --json"));
    assert_ne!(rotated["secret"], endpoint["secret"]);

    let test = shell.json(&format!("endpoint test {id} --json"));
    assert!(test["message_id"].as_str().unwrap().starts_with("msg_"));
    assert_eq!(shell.json("queue status --json")["deliveries"], 1);
    let shown = shell.run("queue status").out;
    assert!(shown.contains("messages waiting to be sent               1  █"), "{shown}");

    let set = shell.json(&format!("endpoint set {id} --event comment.redecided --event endpoint.disabled --json"));
    assert_eq!(set["events"], serde_json::json!(["comment.redecided", "endpoint.disabled"]));
    assert!(shell.run("endpoint list").out.contains("comment.redecided, endpoint.disabled"));
    assert_eq!(shell.json(&format!("endpoint set {id} --every-event --json")).get("events"), None);
    shell.refused(&format!("endpoint set {id} --event comment.gone"), 2, "comment.decided");
    shell.refused(&format!("endpoint set {id} --url http://10.0.0.1/"), 1, "allow_private_addresses");
    assert_eq!(shell.run(&format!("endpoint disable {id} --reason moving")).code, 0);
    assert!(shell.run("endpoint list").out.contains("disabled: moving"));
    assert_eq!(shell.run(&format!("endpoint enable {id}")).code, 0);
    shell.refused(&format!("endpoint remove {id}"), 2, "say --yes");
    assert_eq!(shell.run(&format!("endpoint remove {id} --yes")).code, 0);
    assert_eq!(shell.json("queue status --json")["deliveries"], 0);
    shell.refused(&format!("endpoint test {id}"), 1, "`hamlet endpoint list`");
}

#[test]
fn an_endpoint_in_the_operators_own_network_is_refused_unless_allowed() {
    let shell = Shell::new();
    shell.json("site add news --url https://news.example --json");
    for url in
        ["http://127.0.0.1:9/", "http://[::1]/", "http://169.254.169.254/", "http://localhost/", "http://0x7f.1/"]
    {
        shell.refused(&format!("endpoint add --site news {url}"), 1, "webhooks.allow_private_addresses");
    }
    shell.refused("endpoint add --site news ftp://cms.example/", 1, "https:// or http://");
    shell.refused("endpoint add --site nobody https://cms.example/", 1, "there is no site `nobody`");

    let file = shell.data.path().join("hamlet.toml");
    std::fs::write(&file, "webhooks.allow_private_addresses = [\"127.0.0.0/8\"]").unwrap();
    let allowed = format!("endpoint add --site news http://127.0.0.1:9/ --config {} --json", file.display());
    assert_eq!(shell.json(&allowed)["url"], "http://127.0.0.1:9/");
}

#[test]
fn wrong_usage_ends_with_two_and_the_mend() {
    let shell = Shell::new();
    for (line, part) in [
        ("sites list", "'site'"),
        ("site add", "--url"),
        ("site add news", "--url"),
        ("site add two|words --url https://news.example", "letters, digits"),
        ("site add news --url news.example", "https://news.example/"),
        ("site add news --url https://news.example --hold 0.99", "above the spam threshold"),
        ("queue retry", "--all"),
        ("queue retry 1 --all", "cannot be used with"),
        ("queue purge --all", "say --yes"),
        ("check --lost", "--lost"),
    ] {
        shell.refused(line, 2, part);
    }
}

#[test]
fn a_data_folder_that_cannot_be_one_is_said() {
    let shell = Shell::new();
    let file = shell.data.path().join("file");
    std::fs::write(&file, "").unwrap();
    shell.refused(&format!("site list --data-dir {}", file.display()), 1, file.to_str().unwrap());
    shell.refused("site list --store mysql://db.example/hamlet", 1, "mysql");
}

#[test]
fn a_dead_letter_that_is_not_there_is_said() {
    let shell = Shell::new();
    assert_eq!(shell.json("queue dead --json"), serde_json::json!([]));
    assert_eq!(shell.json("queue retry --all --json"), serde_json::json!({ "retried": 0 }));
    shell.refused("queue retry 17", 1, "there is no dead letter 17");
    shell.refused("queue purge 17 --yes", 1, "there is no dead letter 17");
}

#[test]
fn a_model_is_moved_promoted_and_rolled_back() {
    let shell = Shell::new();
    let file = shell.data.path().join("a.hamlet");
    let file = file.to_str().unwrap();
    let champion = |shell: &Shell| {
        let models = shell.json("model list --json");
        let serving = models.as_array().unwrap().iter().find(|model| model["is_champion"] == true).cloned();
        serving.unwrap()["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(champion(&shell), "shipped");
    shell.refused("model rollback", 1, "");

    assert_eq!(shell.run(&format!("model export shipped {file}")).code, 0);
    let id = shell.json(&format!("model import {file} --json"))["id"].as_str().unwrap().to_owned();
    assert_eq!(champion(&shell), "shipped", "an import alone promotes nothing");
    shell.json(&format!("model promote {id} --note spring --json"));
    assert_eq!(champion(&shell), id);
    assert_eq!(shell.json("model show --json")["id"], id.as_str());
    assert_eq!(shell.json("model rollback --json")["id"], "shipped");
    assert_eq!(champion(&shell), "shipped");

    let verdict = shell.run_with(&format!("check --json --model {file}"), b"cheap watches");
    assert!(verdict.out.contains(&id), "{verdict:?}");
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    let shell = Shell::new();
    let file = shell.data.path().join("a.hamlet");
    let name = file.display();
    shell.refused(&format!("model import {name}"), 1, "cannot be read");
    let shipped = hamlet::classifier::Classifier::shipped_bytes();
    for bytes in [&b"no model"[..], b"", &shipped[..shipped.len() / 2]] {
        std::fs::write(&file, bytes).unwrap();
        shell.refused(&format!("model import {name}"), 1, file.to_str().unwrap());
        shell.refused(&format!("check --model {name}"), 1, file.to_str().unwrap());
    }
    shell.refused("model promote 0123456789ab", 1, "`hamlet model list`");
    shell.refused("model show nothing", 1, "there is no model `nothing`");
}

#[test]
fn rules_are_shown_with_the_weights_in_force() {
    let shell = Shell::new();
    let listed = shell.json("rules list --json");
    assert!(listed.as_array().unwrap().len() >= 25);
    let shortener = shell.json("rules show url_shortener --json");
    assert_eq!((&shortener["symbol"], &shortener["family"]), (&"URL_SHORTENER".into(), &"links".into()));
    shell.refused("rules show URL_SHORTNER", 1, "did you mean `URL_SHORTENER`?");

    let (weights, settings) = (shell.data.path().join("mine.toml"), shell.data.path().join("hamlet.toml"));
    std::fs::write(&weights, "[weights]\nURL_SHORTENER = 0.25").unwrap();
    std::fs::write(&settings, format!("rules.file = \"{}\"", weights.display())).unwrap();
    let shown = format!("rules show URL_SHORTENER --json --config {}", settings.display());
    assert_eq!(shell.json(&shown)["weight"], 0.25);
    std::fs::remove_file(&weights).unwrap();
    shell.refused(&shown, 1, "named by `rules.file`");
}

#[test]
fn comments_are_judged_offline_one_verdict_a_line() {
    let shell = Shell::new();
    let lines = "{\"content\":\"مرحبا بكم\",\"label\":\"ham\"}\n\n{\"content\":\"b\",\n \"author\":{\"name\":\"B\"}}\n";
    let ended = shell.run_with("check --json", lines.as_bytes());
    assert_eq!((ended.code, ended.error.as_str()), (0, ""));
    let verdicts: Vec<Value> = ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts.len(), 2);
    for verdict in &verdicts {
        let weights = verdict["evidence"].as_array().unwrap().iter().map(|piece| piece["weight"].as_f64().unwrap());
        let score = verdict["score"].as_f64().unwrap();
        assert!((weights.sum::<f64>() - (score / (1.0 - score)).ln()).abs() < 1e-6, "{verdict}");
    }
    let nothing_kept = std::fs::read_dir(shell.data.path()).unwrap().next().is_none();
    assert!(nothing_kept, "offline means that no store is made");
}

#[test]
fn a_verdict_is_explained_to_people_without_letting_strangers_at_the_terminal() {
    let shell = Shell::new();
    let ended = shell.run_with("check", "مرحبا \u{1b}[2J\u{202E}<a href='https://x.example'>x</a>\n".as_bytes());
    assert_eq!(ended.code, 0, "{}", ended.error);
    assert!(!ended.out.contains(['\u{1b}', '\u{202E}']), "{}", ended.out);
    assert!(ended.out.starts_with("1. "), "{}", ended.out);
    for part in ["score 0.", "مرحبا", "<U+001B>[2J<U+202E>", "BAYES", "Hold from 0.5, spam from 0.95", "model "] {
        assert!(ended.out.contains(part), "{} does not say {part}", ended.out);
    }
}

#[test]
fn any_bytes_get_a_verdict_or_a_sentence() {
    let shell = Shell::new();
    let told = |line: &str, input: &[u8]| {
        let ended = shell.run_with(line, input);
        (ended.code, if ended.code == 0 { ended.out } else { ended.error })
    };
    #[track_caller]
    fn check((code, said): (i32, String), expected: i32, part: &str) {
        assert_eq!(code, expected, "{said}");
        assert!(said.contains(part), "{said}");
    }
    check(told("check", b"\xFF\xFE\x00 watches"), 0, "watches");
    check(told("check", b"\xEF\xBB\xBF{\"content\":\"bom\"}"), 0, "bom");
    check(told("check", b""), 1, "standard input holds no comment");
    check(told("check", b" \n\t"), 1, "standard input holds no comment");
    check(told("check", b"{\"content\":"), 1, "record 1: not JSON (say --text if it is plain text)");
    check(told("check --text", b"{curly} words"), 0, "curly");
    check(told("check", b"{\"content\":\"a\"}\n{\"text\":\"b\"}"), 1, "record 2: not a comment: unknown field `text`");
    check(told("check", b"{\"author\":{}}"), 1, "missing field `content`");
    let long = [b"{\"content\":\"", "x".repeat(5_000_000).as_bytes(), b"\"}"].concat();
    check(told("check", &long), 1, "longer than `http.body_bytes` allows");
    check(told("check", "x".repeat(5_000_000).as_bytes()), 1, "4194304 bytes at most");
    check(told("check no/such/file", b""), 1, "no/such/file cannot be read");
}

#[test]
fn serve_greets_once_and_stops_when_told() {
    let shell = Shell::new();
    let serve = |listen: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hamlet"));
        command.env_clear().env("HAMLET_DATA_DIR", shell.data.path()).args(["serve", "--listen", listen]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let first_line = |log: &mut dyn BufRead| {
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        line
    };
    let stopped = |mut daemon: std::process::Child| {
        assert!(std::process::Command::new("kill").arg(daemon.id().to_string()).status().unwrap().success());
        assert!(daemon.wait().unwrap().success());
        let mut said = String::new();
        daemon.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        said
    };

    let mut daemon = serve("127.0.0.1:0");
    let mut log = BufReader::new(daemon.stderr.take().unwrap());
    let ready = first_line(&mut log);
    let address = ready.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    shell.json("site add news --url https://news.example --json");
    shell.refused(&format!("serve --listen {address}"), 1, "choose another with --listen");
    let greeting = stopped(daemon);
    for part in [&format!("listening on http://{address}"), "shown this once", "curl"] {
        assert!(greeting.contains(part), "{greeting}");
    }

    let mut daemon = serve("127.0.0.1:0");
    first_line(&mut BufReader::new(daemon.stderr.take().unwrap()));
    assert_eq!(stopped(daemon), "", "the key is shown once");
    shell.refused("serve --listen nowhere", 2, "--listen: `listen` must be an address and a port");
}

#[test]
fn whoever_stops_reading_gets_no_complaint() {
    let shell = Shell::new();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_hamlet"))
        .args(["check", "--json"])
        .env("HAMLET_DATA_DIR", shell.data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    // It may be gone before all is written; that is the point.
    let _ = input.write_all(&b"{\"content\":\"a\"}\n".repeat(1_000));
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn every_command_has_help_with_an_example() {
    let shell = Shell::new();
    let words = |help: &str| -> Vec<String> {
        let list = help.split("Commands:\n").nth(1).unwrap_or("").split("\n\n").next().unwrap_or("").to_owned();
        let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        names
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .filter(|name| name != "help")
            .collect()
    };
    let mut waiting = vec![String::new()];
    let mut seen = 0;
    while let Some(command) = waiting.pop() {
        let help = shell.run(&format!("{command} --help")).out;
        assert!(help.contains("Example"), "hamlet {command} --help has no example:\n{help}");
        waiting.extend(words(&help).into_iter().map(|name| format!("{command} {name}")));
        seen += 1;
    }
    assert!(seen > 20, "only {seen} commands were found");
}
