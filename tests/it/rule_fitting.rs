//! `hamlet rules list --stats`, `fit` and `test`, as they are typed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn hamlet(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hamlet"));
    command.env_clear().env("HAMLET_DATA_DIR", folder).current_dir(folder).args(words).output().unwrap()
}

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    let error: String = error.chars().rev().take(2_000).collect::<Vec<_>>().into_iter().rev().collect();
    assert_eq!(output.status.code(), Some(code), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, part: &str) {
    said(output, code);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains(part), "{error} does not say: {part}");
}

fn word(number: u32) -> String {
    let hex = format!("{:08x}", number.wrapping_mul(2_654_435_761));
    hex.chars().map(|c| char::from(b'a' + u8::try_from(c.to_digit(16).unwrap()).unwrap())).collect()
}

/// Words that tell nothing, but for shorteners in spam and rows of exclamation marks in ham.
fn dump(folder: &Path, name: &str, numbers: std::ops::Range<u32>) -> String {
    let lines: Vec<String> = numbers
        .map(|number| {
            let (a, b) = (word(number), word(number + 10_000));
            let lang = if number.is_multiple_of(3) { "ar" } else { "en" };
            let (label, content) = match number % 4 {
                0 => ("spam", format!("{a} {b} https://bit.ly/{number}")),
                1 => ("spam", format!("{a} {b}")),
                2 => ("ham", format!("{a} {b} !!!!!!!")),
                _ => ("ham", format!("{a} {b}")),
            };
            json!({"label": label, "content": content, "lang": lang, "source": "made up"}).to_string()
        })
        .collect();
    std::fs::write(folder.join(name), lines.join("\n")).unwrap();
    name.to_owned()
}

#[test]
fn rules_are_measured_on_labelled_comments() {
    let folder = tempfile::tempdir().unwrap();
    let name = dump(folder.path(), "made.jsonl", 0..200);
    let output = hamlet(folder.path(), &["rules", "list", "--stats", &name, "--json", "--write", "measured.toml"]);
    let told: Value = serde_json::from_str(&said(&output, 0)).unwrap();
    assert_eq!(told["comments"], json!({"ham": 100, "spam": 100}));
    let rules = told["rules"].as_array().unwrap();
    let of = |symbol: &str| rules.iter().find(|rule| rule["symbol"] == symbol).unwrap();
    let shortener = of("URL_SHORTENER");
    assert_eq!(shortener["hits"], json!({"ham": 0, "spam": 50}));
    assert!((shortener["spam_hit"]["value"].as_f64().unwrap() - 0.5).abs() < 1e-9);
    // No hit in a hundred ham: up to 3.7 % may be hit (Wilson).
    assert!((shortener["ham_hit"]["high"].as_f64().unwrap() - 0.037).abs() < 1e-3, "{shortener}");
    assert_eq!(of("HONEYPOT_FILLED")["not_evaluated"], 1.0);
    let families: Vec<&str> = rules.iter().map(|rule| rule["family"].as_str().unwrap()).collect();
    let changes = families.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let kinds: std::collections::BTreeSet<_> = families.iter().collect();
    assert_eq!(changes + 1, kinds.len(), "sorted by family");

    let written = std::fs::read_to_string(folder.path().join("measured.toml")).unwrap();
    assert!(written.contains("URL_SHORTENER = { spam = [50, 100], ham = [0, 100] }"), "{written}");
    assert!(written.contains("HONEYPOT_FILLED = { spam = [0, 0], ham = [0, 0] }"), "{written}");

    let table = said(&hamlet(folder.path(), &["rules", "list", "--stats", &name]), 0);
    assert!(
        table.contains("PRECISION %") && table.contains("no data") && table.contains("100 spam and 100 ham"),
        "{table}"
    );
    refused(&hamlet(folder.path(), &["rules", "list", "--stats"]), 1, "name a dump");
    refused(&hamlet(folder.path(), &["rules", "list", &name]), 2, "--stats");
    refused(&hamlet(folder.path(), &["rules", "list", "--stats", "none.jsonl"]), 1, "none.jsonl");
}

#[test]
fn the_lists_of_rules_say_what_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let listed = said(&hamlet(folder.path(), &["rules", "list"]), 0);
    assert!(listed.contains("SPAM HIT") && listed.contains("HAM HIT") && listed.contains("no data"), "{listed}");
    let shown = said(&hamlet(folder.path(), &["rules", "show", "LINKS_MANY"]), 0);
    assert!(shown.contains("precision"), "{shown}");
    let shown = said(&hamlet(folder.path(), &["rules", "show", "HONEYPOT_FILLED"]), 0);
    assert!(shown.contains("no data"), "{shown}");
}

#[test]
fn fitted_weights_are_a_file_that_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (train, later) = (dump(folder.path(), "made.jsonl", 0..400), dump(folder.path(), "later.jsonl", 400..500));
    let words = ["rules", "fit", &train, "--measure", &later, "--ablation", "--out", "fitted.toml", "--json"];
    let told: Value = serde_json::from_str(&said(&hamlet(folder.path(), &words), 0)).unwrap();
    let rules = told["rules"].as_array().unwrap();
    let of = |symbol: &str| rules.iter().find(|rule| rule["stats"]["symbol"] == symbol).unwrap();
    let (marks, honeypot) = (of("PUNCTUATION_RUN"), of("HONEYPOT_FILLED"));
    assert!(marks["kept"] == false && marks["fitted"].as_f64() <= marks["hand"].as_f64(), "{marks}");
    assert_eq!((&honeypot["kept"], &honeypot["fitted"]), (&json!(true), &honeypot["hand"]));
    assert_eq!(told["cross_fitted"]["fitted"]["all"]["ham"], 200);
    let measured = &told["measured"];
    assert_eq!(measured["fitted"]["all"]["spam"], 50);
    assert!(measured["fitted"]["by"]["lang"]["ar"]["ham"].as_u64() > Some(0), "{measured}");
    assert!(measured["fitted"]["by"]["source"]["later"].is_object(), "figures are given by set: {measured}");
    assert!(measured["without"]["links"]["change"]["caught_spam"]["low"].is_number(), "{measured}");
    assert!(measured["fitted_against_hand"]["blocked_ham"]["high"].is_number());

    let fitted = std::fs::read_to_string(folder.path().join("fitted.toml")).unwrap();
    assert!(fitted.contains("hand value; no data") && fitted.contains("hit 100 of 200 spam"), "{fitted}");
    std::fs::write(folder.path().join("hamlet.toml"), "rules.file = \"fitted.toml\"").unwrap();
    let shown = ["rules", "show", "PUNCTUATION_RUN", "--json", "--config", "hamlet.toml"];
    let shown: Value = serde_json::from_str(&said(&hamlet(folder.path(), &shown), 0)).unwrap();
    assert_eq!(shown["weight"], marks["fitted"]);
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let one = |name: &str, content: &str, label: &str| {
        std::fs::write(folder.path().join(name), json!({"label": label, "content": content}).to_string()).unwrap();
    };
    one("ham.jsonl", "plain words", "ham");
    one("spam.jsonl", "other words", "spam");
    refused(&hamlet(folder.path(), &["rules", "fit", "ham.jsonl"]), 1, "1 ham and 0 spam");
    refused(&hamlet(folder.path(), &["rules", "fit", "ham.jsonl", "spam.jsonl"]), 1, "nothing to fit");
    refused(&hamlet(folder.path(), &["rules", "fit", "none.jsonl"]), 1, "none.jsonl");
    refused(&hamlet(folder.path(), &["rules", "fit"]), 1, "name a dump");
    refused(&hamlet(folder.path(), &["rules", "fit", "ham.jsonl", "--ridge=-1"]), 2, "--ridge");
}

#[test]
fn a_text_is_tested_against_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let test = |input: &str| said(&hamlet(folder.path(), &["rules", "test", input, "--json"]), 0);
    let told: Value = serde_json::from_str(&test("cheap watches https://bit.ly/x")).unwrap();
    let symbols: Vec<&str> =
        told["fired"].as_array().unwrap().iter().filter_map(|one| one["symbol"].as_str()).collect();
    assert!(symbols.contains(&"URL_SHORTENER"), "{told}");
    assert!(told["not_evaluated"].as_array().unwrap().contains(&json!("HONEYPOT_FILLED")), "{told}");
    let told: Value =
        serde_json::from_str(&test(r#"{"content":"hi","honeypot":"x","label":"spam","facts":{}}"#)).unwrap();
    assert_eq!(told["fired"][0]["symbol"], "HONEYPOT_FILLED");
    assert!(!told["not_evaluated"].as_array().unwrap().contains(&json!("HONEYPOT_FILLED")), "{told}");

    let shown = said(&hamlet(folder.path(), &["rules", "test", "مرحبا https://bit.ly/x"]), 0);
    assert!(
        shown.contains("URL_SHORTENER") && shown.contains("together +") && shown.contains("not evaluated"),
        "{shown}"
    );
    refused(&hamlet(folder.path(), &["rules", "test", r#"{"content":"#]), 1, "begins like JSON");
    refused(&hamlet(folder.path(), &["rules", "test", r#"{"kontent":"x"}"#]), 1, "not a comment");
}

#[test]
fn cases_are_run_and_the_wrong_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/rules");
    let told = said(&hamlet(folder.path(), &["rules", "test", "--cases", shipped.to_str().unwrap()]), 0);
    assert!(told.trim_end().ends_with(", 0 wrong"), "{told}");

    let cases = folder.path().join("cases");
    std::fs::create_dir(&cases).unwrap();
    refused(&hamlet(folder.path(), &["rules", "test", "--cases", "cases"]), 1, "no file of cases");
    std::fs::write(
        cases.join("URL_SHORTENER.txt"),
        "# mine\nhit   https://bit.ly/x\nmiss  https://bit.ly/y  # wrong\n",
    )
    .unwrap();
    let told = said(&hamlet(folder.path(), &["rules", "test", "--cases", "cases"]), 1);
    assert!(
        told.contains("URL_SHORTENER.txt, line 3: should miss") && told.contains("2 cases of 1 rules, 1 wrong"),
        "{told}"
    );
    std::fs::write(cases.join("URL_SHORTENER.txt"), "perhaps x").unwrap();
    refused(&hamlet(folder.path(), &["rules", "test", "--cases", "cases"]), 1, "neither hit nor miss");
    std::fs::write(cases.join("URL_SHORTNER.txt"), "hit x").unwrap();
    std::fs::remove_file(cases.join("URL_SHORTENER.txt")).unwrap();
    refused(&hamlet(folder.path(), &["rules", "test", "--cases", "cases"]), 1, "did you mean `URL_SHORTENER`?");
}

/// A composite of the operator's stands before those that ship, by its name: each keeps its own counts.
#[test]
fn an_operators_own_composites_are_measured_fitted_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let name = dump(folder.path(), "made.jsonl", 0..400);
    let mine = "[composites]\nAAA_LOUD = { when = \"PUNCTUATION_RUN & !LINK\", weight = 0.5, family = \"content\", says = \"\\\"!\\\"\" }\n\
                URL_ONLY = { when = \"LINK_ONLY\" }\n";
    std::fs::write(folder.path().join("mine.toml"), mine).unwrap();
    std::fs::write(folder.path().join("hamlet.toml"), "rules.file = \"mine.toml\"").unwrap();
    let words = ["rules", "fit", &name, "--config", "hamlet.toml", "--out", "fitted.toml", "--json"];
    let told: Value = serde_json::from_str(&said(&hamlet(folder.path(), &words), 0)).unwrap();
    let of = |symbol: &str| told["rules"].as_array().unwrap().iter().find(|rule| rule["stats"]["symbol"] == symbol);
    let loud = of("AAA_LOUD").unwrap();
    assert_eq!((&loud["stats"]["hits"], &loud["hand"]), (&json!({"ham": 100, "spam": 0}), &json!(0.5)));
    assert!(loud["kept"] == false && loud["fitted"].as_f64() <= Some(0.5), "{loud}");
    assert_eq!(of("MESSENGER_CALL").unwrap()["stats"]["hits"], json!({"ham": 0, "spam": 0}));

    let fitted = std::fs::read_to_string(folder.path().join("fitted.toml")).unwrap();
    assert!(fitted.contains("AAA_LOUD = { when = \"PUNCTUATION_RUN & !LINK\", "), "{fitted}");
    assert!(fitted.contains("URL_ONLY = { when = \"LINK_ONLY\", "), "{fitted}");
    assert!(!fitted.contains("MESSENGER_CALL = {"), "what ships as it is needs no expression: {fitted}");
    std::fs::write(folder.path().join("hamlet.toml"), "rules.file = \"fitted.toml\"").unwrap();
    let shown = ["rules", "show", "AAA_LOUD", "--json", "--config", "hamlet.toml"];
    let shown: Value = serde_json::from_str(&said(&hamlet(folder.path(), &shown), 0)).unwrap();
    assert_eq!((&shown["weight"], &shown["says"]), (&loud["fitted"], &json!("\"!\"")));

    let listed = ["rules", "list", "--stats", &name, "--json", "--config", "hamlet.toml"];
    let listed: Value = serde_json::from_str(&said(&hamlet(folder.path(), &listed), 0)).unwrap();
    let listed = listed["rules"].as_array().unwrap().iter().find(|rule| rule["symbol"] == "AAA_LOUD").unwrap();
    assert_eq!(listed["hits"], json!({"ham": 100, "spam": 0}));

    let cases = folder.path().join("cases");
    std::fs::create_dir(&cases).unwrap();
    std::fs::write(cases.join("AAA_LOUD.txt"), "hit what is this !!!!!!!\nmiss what is this\n").unwrap();
    let tested = ["rules", "test", "--cases", "cases", "--config", "hamlet.toml"];
    assert!(said(&hamlet(folder.path(), &tested), 0).contains("2 cases of 1 rules, 0 wrong"));
    refused(&hamlet(folder.path(), &["rules", "test", "--cases", "cases"]), 1, "AAA_LOUD");
}
