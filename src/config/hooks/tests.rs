//! Sources as an operator writes them, and each way to write one wrongly.

use super::*;
use crate::config::tests::{load, refused};

const SECRET: &str = "correct horse battery staple";
const WHSEC: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A source `cms` with these lines in its table besides site and content.
fn source(lines: &str) -> String {
    format!("[hooks.cms]\nsite = \"news\"\nfields.content = \"/text\"\n{lines}")
}

fn hook(file: &str, environment: &[&str]) -> Hook {
    let hooks = load(file, environment).unwrap().hooks().unwrap();
    Hook::clone(&hooks["cms"])
}

fn raw(secrets: &[&str]) -> Vec<Key> {
    secrets.iter().map(|secret| Key(secret.as_bytes().to_vec())).collect()
}

#[test]
fn a_source_is_read_from_file_and_environment_together() {
    let file = format!(
        r#"
        [hooks.cms]
        site = "news"
        scheme = "hmac-sha256"
        secret = ["{SECRET}", "its predecessor"]
        header = "X-Signature"
        prefix = "sha256="
        id = "header:X-Id"
        event = ["header:X-Event", "/event"]
        events = {{ post_created = "check", "Entry.Create: x" = "check", post.destroyed = "ignore" }}
        answer = "verdict"
        [hooks.cms.fields]
        content = ["/post/raw", "/post/cooked"]
        content_format = "=markdown"
        author.name = "/post/username"
        "author.url" = "/post/url"
        extra = {{ trust_level = "/post/trust_level" }}
        "#
    );
    let hook = hook(&file, &["HAMLET_HOOKS__CMS__SITE=other", "HAMLET_HOOKS__CMS__FIELDS__AUTHOR__IP=/ip"]);
    assert_eq!((hook.name.as_str(), hook.site.as_str(), hook.answer), ("cms", "other", Answer::Verdict));
    let (secrets, header) = (raw(&[SECRET, "its predecessor"]), "x-signature".to_owned());
    assert_eq!(hook.scheme, Scheme::HmacSha256 { secrets, header, prefix: "sha256=".to_owned() });
    let events = hook.events.as_ref().unwrap();
    assert_eq!(events.name, Lookup::new(&["header:X-Event", "/event"]).unwrap());
    for (name, act) in [
        ("post_created", Act::Check),
        ("Entry.Create: x", Act::Check),
        ("post.destroyed", Act::Ignore),
        ("entry.create: x", Act::Ignore),
        ("", Act::Ignore),
    ] {
        assert_eq!(events.act(name), act, "{name}");
    }
    for name in ["content", "content_format", "author.name", "author.url", "author.ip"] {
        assert!(hook.field(name).is_some(), "{name}");
    }
    assert_eq!(hook.field("author.email"), None);
    assert_eq!(hook.extra().map(|(name, _)| name).collect::<Vec<_>>(), ["trust_level"]);
}

#[test]
fn each_scheme_has_its_usual_header() {
    let scheme = |lines: &str| hook(&source(lines), &[]).scheme;
    let tolerance = Duration::from_secs(300);
    let secrets = || raw(&[SECRET]);
    let own = |header: &str, prefix: &str| Scheme::Bearer {
        secrets: secrets(),
        header: header.to_owned(),
        prefix: prefix.to_owned(),
    };
    let secret = format!("secret = \"{SECRET}\"\n");
    assert_eq!(
        scheme(&format!("scheme = \"standard-webhooks\"\nsecret = \"{WHSEC}\"")),
        Scheme::StandardWebhooks { secrets: vec![WHSEC.parse().unwrap()], tolerance }
    );
    assert_eq!(
        scheme(&format!("scheme = \"ghost\"\ntolerance_s = 60\n{secret}")),
        Scheme::Ghost {
            secrets: secrets(),
            header: "x-ghost-signature".to_owned(),
            tolerance: Duration::from_secs(60)
        }
    );
    assert_eq!(scheme(&format!("scheme = \"bearer\"\n{secret}")), own("authorization", "Bearer "));
    let gitlab = format!("scheme = \"bearer\"\nheader = \"X-Gitlab-Token\"\n{secret}");
    assert_eq!(scheme(&gitlab), own("x-gitlab-token", ""));
}

#[test]
fn secrets_come_from_settings_environment_and_files() {
    let bearer = source("scheme = \"bearer\"");
    let secrets = |file: &str, environment: &[&str]| match hook(file, environment).scheme {
        Scheme::Bearer { secrets, .. } => secrets,
        other => panic!("{other:?}"),
    };
    let variable = |value: &str| format!("HAMLET_HOOKS__CMS__SECRET={value}");
    assert_eq!(secrets(&bearer, &[&variable(SECRET)]), raw(&[SECRET]));
    assert_eq!(secrets(&bearer, &[&variable("[0123456789ab")]), raw(&["[0123456789ab"]), "no list, but a secret");
    let list = format!("[\"{SECRET}\", \"its predecessor\"]");
    assert_eq!(secrets(&bearer, &[&variable(&list)]), raw(&[SECRET, "its predecessor"]));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets");
    std::fs::write(&path, format!("{SECRET}\n\n  its predecessor \n")).unwrap();
    let with_file = format!("{bearer}\nsecret_file = \"{}\"", path.display());
    assert_eq!(secrets(&with_file, &[]), raw(&[SECRET, "its predecessor"]));
    assert_eq!(secrets(&with_file, &[&variable("one more to try")]).len(), 3);
    std::fs::write(&path, "\n").unwrap();
    refused(&with_file, &[], "mine.toml: `hooks.cms.secret_file` holds no secret");
    refused(&with_file.replace("secrets\"", "nowhere\""), &[], "nowhere, which cannot be read");
}

#[test]
fn no_secret_is_ever_shown() {
    let config = load(&source(&format!("scheme = \"ghost\"\nsecret = \"{SECRET}\"")), &[]).unwrap();
    let shown = format!("{config:?} {:?}", config.hooks().unwrap());
    assert!(shown.contains("hooks.cms.secret") && !shown.contains("horse"), "{shown}");
    let wrong = [
        ("standard-webhooks", "\"0123456789abcdef\""),
        ("bearer", "\"0123456789\""),
        ("bearer", "[\"0123456789abcdef\", \"0123456789\"]"),
        ("bearer", "[\"0123456789abcdef\", 7]"),
        ("bearer", "123456789012345"),
    ];
    for (scheme, secret) in wrong {
        let error = load(&source(&format!("scheme = \"{scheme}\"\nsecret = {secret}")), &[]).unwrap_err();
        assert!(error.contains("mine.toml: `hooks.cms.secret`") && !error.contains("0123456789"), "{error}");
    }
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_one() {
    let signed = source(&format!("scheme = \"bearer\"\nsecret = \"{SECRET}\""));
    let with = |line: &str| format!("{signed}\n{line}");
    refused(&with("sit = \"a\""), &[], "mine.toml: unknown key `hooks.cms.sit`; did you mean `hooks.cms.site`?");
    refused(&with("fields.contnet = \"/a\""), &[], "did you mean `hooks.cms.fields.content`?");
    refused(&with("fields.author.mail = \"/a\""), &[], "did you mean `hooks.cms.fields.author.email`?");
    refused(&with("fields.author = \"/a\""), &[], "`hooks.cms.fields.author` is a section; name a key of it");
    refused(&with("events = \"check\""), &[], "`hooks.cms.events` is a section");
    refused("hooks.cms = 3", &[], "`hooks.cms` is a section; name a key of it, such as `hooks.cms.site`");
    refused("hooks = 3", &[], "`hooks` is a section");
    refused("[[hooks]]\nsite = \"a\"", &[], "`hooks` is a section");
    refused("[hook.cms]\nsite = \"a\"", &[], "unknown key `hook.cms.site`; did you mean `hooks.cms.site`?");
    refused(
        &signed,
        &["HAMLET_HOOKS__CMS__SECRETS=a"],
        "environment variable HAMLET_HOOKS__CMS__SECRETS: unknown key `hooks.cms.secrets`; did you mean \
         `HAMLET_HOOKS__CMS__SECRET`?",
    );
}

#[test]
fn what_is_missing_or_wrong_is_told_with_its_place() {
    let signed = source(&format!("scheme = \"bearer\"\nsecret = \"{SECRET}\""));
    let with = |line: &str| format!("{signed}\n{line}");
    let scheme = |scheme: &str, line: &str| source(&format!("scheme = \"{scheme}\"\nsecret = \"{SECRET}\"\n{line}"));
    for (file, part) in [
        (signed.replace("site = \"news\"", ""), "mine.toml: `hooks.cms.site` is missing"),
        (signed.replace("fields.content = \"/text\"", ""), "mine.toml: `hooks.cms.fields.content` is missing"),
        (source(""), "mine.toml: `hooks.cms.scheme` is missing"),
        (
            source("scheme = \"bearer\""),
            "`hooks.cms.secret` is missing: write it here, in `secret_file`, or in HAMLET_H",
        ),
        (source("scheme = \"bearer\"\nsecret = []"), "`hooks.cms.secret` holds no secret"),
        (
            scheme("hmac", ""),
            "`hooks.cms.scheme` must be standard-webhooks, hmac-sha256, ghost or bearer, not \"hmac\"",
        ),
        (scheme("hmac-sha256", ""), "`hooks.cms.header` is missing"),
        (scheme("hmac-sha256", "header = \"X: y\""), "`hooks.cms.header` must be the name of a header"),
        (scheme("hmac-sha256", "header = \"X\"\ntolerance_s = 5"), "`hooks.cms.tolerance_s` has no meaning with the"),
        (scheme("ghost", "prefix = \"sha256=\""), "`hooks.cms.prefix` has no meaning with the scheme ghost"),
        (scheme("standard-webhooks", "header = \"X\""), "`hooks.cms.header` has no meaning"),
        (
            scheme("ghost", "tolerance_s = 0"),
            "`hooks.cms.tolerance_s` must be a whole number of seconds from 1 to 86400",
        ),
        (scheme("ghost", "tolerance_s = \"5 min\""), "`hooks.cms.tolerance_s` must be a whole number of seconds"),
        (with("answer = \"200\""), "`hooks.cms.answer` must be accepted, verdict or empty, not \"200\""),
        (with("event = \"/event\""), "`hooks.cms.events` is missing: say what to do about each"),
        (with("events.a = \"check\""), "`hooks.cms.event` is missing: say where"),
        (
            with("event = \"/event\"\nevents.a = \"delete\""),
            "`hooks.cms.events.a` must be check, spam, ham or ignore, not \"delete\"",
        ),
        (
            with("event = \"/event\"\nevents.a = \"ham\""),
            "`hooks.cms.fields.external_id` is missing: a label finds its",
        ),
        (with("event = \"/event\"\nevents.a = 1"), "`hooks.cms.events.a` must be a text in quotes"),
        (with("id = \"X-Id\""), "`hooks.cms.id` must be a JSON Pointer (/post/raw), header:NAME"),
        (with("id = []"), "`hooks.cms.id` must name at least one place"),
        (with("fields.permalink = \"{/a\""), "`hooks.cms.fields.permalink` has braces that do not pair up"),
        (with("fields.kind = [\"/a\", 1]"), "`hooks.cms.fields.kind` must be a text in quotes, or a list"),
        (with("fields.content_format = \"=bbcode\""), "must be =text, =html or =markdown, not \"=bbcode\""),
        (signed.replace("cms", "Cms"), "mine.toml: `hooks.Cms`: the name of a source is made of lower-case letters"),
        (signed.replace("cms", "my-cms"), "`hooks.my-cms`: the name of a source"),
        (signed.replace("cms", "my__cms"), "`hooks.my__cms`: the name of a source"),
    ] {
        refused(&file, &[], part);
    }
    let seconds = &["HAMLET_HOOKS__CMS__TOLERANCE_S=60"];
    assert!(load(&scheme("ghost", ""), seconds).is_ok());
    refused(&signed, seconds, "environment variable HAMLET_HOOKS__CMS__TOLERANCE_S: `hooks.cms.tolerance_s` has no");
}

#[test]
fn the_manual_names_every_key_and_its_example_is_right() {
    let manual = crate::config::DEFAULTS;
    let example: String = manual
        .lines()
        .filter(|line| line.starts_with('#') && !line.starts_with("# ") && *line != "#")
        .filter(|line| !line.starts_with("#tolerance_s") && !line.starts_with("#secret_file"))
        .map(|line| format!("{}\n", &line[1..]))
        .collect();
    refused(&example, &[], "mine.toml: `hooks.cms.secret` is no good secret: it has 0 bytes");
    let hook = hook(&example, &[&format!("HAMLET_HOOKS__CMS__SECRET={SECRET}")]);
    assert_eq!(hook.events.as_ref().map(|events| events.act("comment_edited")), Some(Act::Check));

    for key in keys::KEYS {
        let name = key.trim_end_matches(".*").rsplit('.').next().unwrap();
        let is_named = manual.lines().any(|line| line.starts_with('#') && line.contains(name));
        assert!(is_named, "config/hamlet.toml does not speak of hooks.NAME.{key}");
    }
}
