//! `hamlet evaluate --report`: one page that needs nothing else, and that says no more than was asked for.

use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde_json::json;

/// A label, a text and a language.
type Written = (&'static str, &'static str, &'static str);

const HOSTILE: &str =
    "</script><script>alert(1)</script><img src=http://evil.example/x.png onerror=alert(2)> \u{202e}gnp";
/// Spam that no model takes for spam, and ham that any takes for spam: both are among the mistakes.
const COMMENTS: [Written; 6] = [
    ("spam", "Thank you for this article, Sycorax, I learned a lot from the second part.", "en"),
    (
        "ham",
        "Buy cheap viagra online casino bonus [url=http://casino.example]casino[/url] https://bit.ly/x prospero",
        "en",
    ),
    ("ham", "شكرا على المقال المفيد", "ar"),
    ("ham", "Schade, dass niemand über die Folgen für die Dörfer spricht.", "de"),
    ("spam", "Buy cheap pills, free casino bonus https://bit.ly/y", "en"),
    ("spam", HOSTILE, "en"),
];

fn report(folder: &Path, flags: &[&str]) -> String {
    let dump = folder.join("comments.jsonl");
    let lines = COMMENTS.map(|(label, content, lang)| {
        json!({"label": label, "content": content, "lang": lang, "source": "<b>\"made up\"</b>"}).to_string()
    });
    std::fs::write(&dump, lines.join("\n")).unwrap();
    let page = folder.join("report.html");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hamlet"));
    let command = command.arg("evaluate").arg(&dump).arg("--report").arg(&page).args(flags);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(page).unwrap()
}

/// Every element that is opened is closed, in its order; `<` stands nowhere but in a tag.
fn check_well_formed(page: &str) {
    // What stands in these is no markup.
    let raw = Regex::new(r"(?s)<(style|script)([^>]*)>.*?</(?:style|script)>").unwrap();
    let page = raw.replace_all(page, "<$1$2></$1>");
    let tag =
        Regex::new(r#"<(/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+[A-Za-z]*(?:="[^"<]*"|=[a-z0-9]+)?)*)\s*(/?)>"#).unwrap();
    let mut open = Vec::new();
    let mut rest = String::new();
    let mut last = 0;
    for found in tag.captures_iter(&page) {
        let whole = found.get(0).unwrap();
        rest.push_str(&page[last..whole.start()]);
        last = whole.end();
        let name = found[2].to_owned();
        let is_empty = &found[4] == "/" || ["meta", "link", "input"].contains(&name.as_str());
        match &found[1] {
            "/" => assert_eq!(
                open.pop().as_ref(),
                Some(&name),
                "before …{}",
                &page[whole.start()..].chars().take(80).collect::<String>()
            ),
            _ if is_empty => {}
            _ => open.push(name),
        }
    }
    rest.push_str(&page[last..]);
    assert!(open.is_empty(), "never closed: {open:?}");
    let rest = rest.replace("<!doctype html>", "");
    assert!(
        !rest.contains(['<', '>']),
        "stray: {:?}",
        rest.split(['<', '>']).nth(1).map(|text| &text[..text.len().min(80)])
    );
}

fn check_self_contained(page: &str) {
    // Nothing is fetched: no address but the empty icon stands in an attribute, and no style asks for one.
    let address = Regex::new(r#"\s(?:src|href|srcset|action|data|poster)\s*=\s*["']?([^"'\s>]*)"#).unwrap();
    let quoted = Regex::new(r"(?s)<blockquote.*?</blockquote>").unwrap().replace_all(page, "");
    let found: Vec<_> = address.captures_iter(&quoted).map(|found| found[1].to_owned()).collect();
    assert_eq!(found, ["data:,"], "{found:?}");
    assert!(!page.contains("@import") && !page.replace("url(#", "").contains("url("));
    assert!(page.contains("default-src 'none'"), "a policy that allows no address");
    assert!(
        !page.contains(" style=") && !Regex::new(r"\son[a-z]+=\W").unwrap().is_match(&quoted),
        "the policy forbids these"
    );
}

#[test]
fn the_report_is_whole_and_quotes_nobody_unless_asked() {
    let folder = tempfile::tempdir().unwrap();
    let page = report(folder.path(), &[]);
    check_well_formed(&page);
    check_self_contained(&page);
    for hidden in ["Sycorax", "prospero", "viagra", "evil.example", "Dörfer", "شكرا", "casino.example"] {
        assert!(!page.contains(hidden), "a comment's `{hidden}` is in the page");
    }
    for shown in
        ["comments.jsonl", "comment <bdi dir=\"ltr\">1</bdi>", "BAYES", "&lt;b&gt;&quot;made up&quot;&lt;/b&gt;"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains(folder.path().to_str().unwrap()), "where the dump lies is nobody's business");
    let files: Vec<PathBuf> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "nothing is left half: {files:?}");
}

#[test]
fn quoted_texts_are_text() {
    let folder = tempfile::tempdir().unwrap();
    for language in ["en", "ar"] {
        let page = report(folder.path(), &["--show-texts", "--report-lang", language]);
        check_well_formed(&page);
        check_self_contained(&page);
        assert!(page.contains("Sycorax") && page.contains("prospero"));
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "a comment became markup");
        let direction = if language == "ar" { "rtl" } else { "ltr" };
        assert!(page.contains(&format!(r#"<html lang="{language}" dir="{direction}">"#)));
    }
}

#[test]
fn a_report_of_one_kind_or_to_nowhere_is_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("ham.jsonl");
    std::fs::write(&dump, "{\"content\":\"hello there\",\"label\":\"ham\"}\n").unwrap();
    let evaluate = |page: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hamlet"));
        command.arg("evaluate").arg(&dump).args(["--bayes-only", "--report"]).arg(page).output().unwrap()
    };
    let page = folder.path().join("page.html");
    assert!(evaluate(&page).status.success());
    let page = std::fs::read_to_string(page).unwrap();
    check_well_formed(&page);
    assert!(page.contains("cannot be told") && !page.contains("NaN"), "a figure of nothing");
    let nowhere = evaluate(&folder.path().join("no/such/page.html"));
    let said = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(nowhere.status.code() == Some(1) && said.contains("page.html could not be written"), "{said}");
}
