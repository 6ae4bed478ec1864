//! Settings as an operator meets them: what is said, where, and with which exit code.

use std::path::Path;

use assert_cmd::Command;

/// `hamlet config …` with nothing of this machine's own settings.
fn hamlet(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("hamlet").unwrap();
    command.env_clear().env("HOME", "/home/bob").envs(environment.iter().copied()).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn file(folder: &Path, text: &str) -> String {
    let path = folder.join("hamlet.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Refused with exit code 2 and one sentence that holds all of `parts`.
#[track_caller]
fn refused(text: &str, environment: &[(&str, &str)], parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, error) = hamlet(&["config", "check", "--config", &file(folder.path(), text)], environment);
    assert_eq!((code, out.as_str()), (2, ""), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    for part in parts {
        assert!(error.contains(part), "{error} does not say {part}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_the_mend() {
    refused("lisen = \"127.0.0.1:1\"", &[], &["hamlet.toml: unknown key `lisen`", "`listen`"]);
    refused("[store]\nreaders = 0", &[], &["hamlet.toml: `store.readers` must be from 1 to 256"]);
    refused("[policy]\nhold = 0.99", &[], &["hamlet.toml: `policy.hold`", "not be above `policy.spam`"]);
    refused("[policy]\nmax_blocked_ham = 0.9", &[], &["hamlet.toml: `policy.max_blocked_ham`", "from 0.03% to 50%"]);
    refused("[training]\ndumps = [7]", &[], &["hamlet.toml: `training.dumps` must be a text in quotes"]);
    refused("", &[("HAMLET_STORE__URI", "x")], &["HAMLET_STORE__URI", "did you mean `HAMLET_STORE__URL`"]);
    refused("", &[("HAMLET_LISTEN", "here")], &["environment variable HAMLET_LISTEN: `listen` must be an address"]);
}

#[test]
fn a_file_that_is_no_toml_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, error) = hamlet(&["config", "check", "--config", &file(folder.path(), "listen = = 3")], &[]);
    assert_eq!(code, 2);
    assert!(error.contains("hamlet.toml"), "{error}");
    let (code, _, error) = hamlet(&["config", "check", "--config", "/no/such/hamlet.toml"], &[]);
    assert_eq!(code, 2);
    assert!(error.contains("/no/such/hamlet.toml: cannot be read"), "{error}");
}

#[test]
fn what_is_in_force_is_shown_with_where_it_came_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), "[store]\nreaders = 2");
    let environment = [("HAMLET_CONFIG", file.as_str()), ("HAMLET_LISTEN", "127.0.0.1:9")];
    let (code, shown, error) = hamlet(&["config", "show", "--store", "sqlite:///x/y.db"], &environment);
    assert_eq!((code, error.as_str()), (0, ""));
    for line in [
        format!("store.readers = 2  # {file}"),
        "listen = \"127.0.0.1:9\"  # environment variable HAMLET_LISTEN".to_owned(),
        "store.url = \"sqlite:///x/y.db\"  # --store".to_owned(),
        "http.drain_s = 20  # the defaults".to_owned(),
        "# data is kept in /home/bob/.local/share/hamlet".to_owned(),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{shown}\n  does not say: {line}");
    }
    let (_, json, _) = hamlet(&["config", "show", "--json"], &environment);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["store.readers"]["value"], 2);
}

#[test]
fn what_is_shown_is_a_file_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["config", "show"][..], &["config", "show", "--defaults"]] {
        let (_, shown, _) = hamlet(arguments, &[]);
        let (code, _, error) = hamlet(&["config", "check", "--config", &file(folder.path(), &shown)], &[]);
        assert_eq!((code, error.as_str()), (0, ""));
    }
}

#[test]
fn a_password_in_the_stores_url_is_not_shown() {
    let (_, shown, _) = hamlet(&["config", "show", "--store", "postgres://bob:secret@db.example/hamlet"], &[]);
    assert!(shown.contains("postgres://bob:***@db.example/hamlet") && !shown.contains("secret"), "{shown}");
}

#[test]
fn a_hooks_table_is_shown_as_it_may_be_written_but_for_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(
        folder.path(),
        r#"
        [hooks.cms]
        site = "news"
        scheme = "bearer"
        secret = ["the present one", "the one before"]
        event = "{/event} {/model}"
        events = { "entry.create comment" = "check", entry.delete = "ignore" }
        fields = { content = ["/a", "/b"], author.name = "/c", extra = { "X \"Y\"" = "/d" } }
        "#,
    );
    let environment = [("HAMLET_CONFIG", file.as_str())];
    let (code, shown, error) = hamlet(&["config", "show"], &environment);
    assert_eq!((code, error.as_str()), (0, ""));
    for line in [
        "hooks.cms.secret = \"***\"",
        "hooks.cms.events.\"entry.create comment\" = \"check\"",
        "hooks.cms.events.\"entry.delete\" = \"ignore\"",
        "hooks.cms.fields.content = [\"/a\",\"/b\"]",
        "hooks.cms.fields.author.name = \"/c\"",
        "hooks.cms.fields.extra.\"X \\\"Y\\\"\" = \"/d\"",
    ] {
        assert!(shown.contains(&format!("{line}  # {file}\n")), "{shown}\n  does not say: {line}");
    }
    let (_, json, _) = hamlet(&["config", "show", "--json"], &environment);
    for text in [&shown, &json] {
        assert!(!text.contains("the present one") && !text.contains("the one before"), "{text}");
    }
    // What needs no secret does not ask for one: it may be in the service's environment only.
    let secretless = folder.path().join("secretless.toml");
    std::fs::write(&secretless, shown.replace("hooks.cms.secret =", "# hooks.cms.secret =")).unwrap();
    let secretless = [("HAMLET_CONFIG", secretless.to_str().unwrap())];
    assert_eq!(hamlet(&["config", "show"], &secretless).0, 0);
    let (code, _, error) = hamlet(&["config", "check"], &secretless);
    assert!(code == 2 && error.contains("`hooks.cms.secret` is missing"), "{error}");

    let again = folder.path().join("again.toml");
    std::fs::write(&again, &shown).unwrap();
    let check = ["config", "check", "--config", again.to_str().unwrap()];
    let (code, _, error) = hamlet(&check, &[]);
    assert_eq!(code, 2);
    assert!(error.contains("`hooks.cms.secret` is no good secret: it has 3 bytes"), "{error}");
    let (code, _, error) = hamlet(&check, &[("HAMLET_HOOKS__CMS__SECRET", "the present one")]);
    assert_eq!((code, error.as_str()), (0, ""));
}

#[test]
fn a_list_that_is_empty_by_default_is_one_of_texts() {
    let shown = |value: &str| {
        let (code, shown, error) = hamlet(&["config", "show"], &[("HAMLET_TRAINING__DUMPS", value)]);
        assert_eq!((code, error.as_str()), (0, ""));
        shown
    };
    assert!(shown("a.csv, 7.csv").contains("training.dumps = [\"a.csv\",\"7.csv\"]"));
    assert!(shown("[\"a.csv\"]").contains("training.dumps = [\"a.csv\"]"));
}
