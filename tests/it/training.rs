//! The promises of `hamlet train` and `hamlet evaluate`, met at their doors.

use std::fmt::Write as _;
use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value, json};

fn hamlet(data: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("hamlet").unwrap();
    command.env_clear().env("HAMLET_DATA_DIR", data).args(args);
    command
}

/// A dump of `comments` comments, every third of them spam, with a language; easy to tell apart.
fn dump(comments: usize) -> String {
    let ham = ["the", "rent", "article", "train", "weather", "council", "second", "reads", "school", "garden", "match"];
    let spam =
        ["casino", "bonus", "cheap", "pills", "subscribe", "winner", "loan", "viagra", "click", "crypto", "free"];
    let mut lines = String::new();
    for number in 0..comments {
        let (words, label) = if number % 3 == 0 { (spam, "spam") } else { (ham, "ham") };
        let content: Vec<&str> =
            (0..8).map(|at| words[(number * 7 + number / 11 * at + at * at) % words.len()]).collect();
        let lang = if number % 2 == 0 { "en" } else { "de" };
        let content = content.join(" ");
        let _ = writeln!(
            lines,
            r#"{{"content":"{content} {number:b}","label":"{label}","lang":"{lang}","source":"made up"}}"#
        );
    }
    lines
}

fn json(command: &mut Command) -> Value {
    let output = command.arg("--json").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn refused(command: &mut Command, part: &str) {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains(part), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn a_model_is_trained_to_a_file_without_a_store_and_then_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (dump_file, model) = (folder.path().join("dump.jsonl"), folder.path().join("my.hamlet"));
    std::fs::write(&dump_file, dump(600)).unwrap();
    let (dump_file, model) = (dump_file.to_str().unwrap(), model.to_str().unwrap());

    let data = folder.path().join("no store");
    let trained = json(&mut hamlet(&data, &["train", dump_file, "--out", model, "--promote", "never"]));
    assert!(!data.exists(), "no store was needed, none was made");
    assert_eq!(trained["promoted"], false);
    assert!(trained["candidate"]["all"]["mcc"]["value"].as_f64().unwrap() > 0.9, "{trained}");
    assert!(trained["champion"]["all"]["mcc"]["value"].is_f64(), "the champion was measured beside it: {trained}");
    let seen = trained["comments"]["ham"].as_u64().unwrap() + trained["comments"]["spam"].as_u64().unwrap();
    assert_eq!(seen + trained["held_out"].as_u64().unwrap(), 600, "every comment stands on one side");

    let of_all = ["evaluate", dump_file, "--model", model, "--bayes-only", "--with-seen"];
    let measured = json(&mut hamlet(&data, &of_all));
    assert_eq!(measured["model"], trained["model"], "the id is the file's");
    assert_eq!(measured["by"]["lang"]["de"]["ham"], 200);
    assert_eq!(measured["by"]["source"]["made up"]["spam"], 200);
    let table = hamlet(&data, &of_all).output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("blocked ham %") && table.contains("by lang") && table.contains("too good"), "{table}");
}

/// The dump with this behind each comment.
fn with(dump: String, more: &str) -> String {
    dump.replace("\",\"label\"", &format!(" {more}\",\"label\""))
}

#[test]
fn no_model_is_measured_on_what_it_was_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (known, mixed, model) = (at("known.jsonl"), at("mixed.jsonl"), at("my.hamlet"));
    std::fs::write(&known, dump(90)).unwrap();
    std::fs::write(&mixed, with(dump(90), "!!! 17") + &with(dump(60), "otherwise")).unwrap();
    let trained = hamlet(folder.path(), &["train", &known, "--held-out", "0", "--out", &model, "--promote", "always"]);
    { trained }.assert().success();

    refused(&mut hamlet(folder.path(), &["evaluate", &known, "--model", &model]), "trained on all 90 comments");
    let measured = json(&mut hamlet(folder.path(), &["evaluate", &mixed, "--model", &model]));
    assert_eq!((&measured["left_out"], &measured["all"]["spam"]), (&json!(90), &json!(20)), "{measured}");

    // The champion, all of whose comments were trained on, is not asked about those.
    let (more, candidate) = (at("more.jsonl"), at("candidate.hamlet"));
    std::fs::write(&more, dump(90) + &with(dump(300), "otherwise")).unwrap();
    let told = json(&mut hamlet(folder.path(), &["train", &more, "--out", &candidate]));
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains("; 90 more are not compared, for the champion was trained on them"), "{reason}");
    assert_eq!(told["champion"]["all"]["ham"], 200, "{told}");
}

#[test]
fn the_same_dump_makes_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let models = ["one", "two"].map(|name| folder.path().join(name));
    for model in &models {
        let arguments = ["train", "-", "--out", model.to_str().unwrap(), "--promote", "never"];
        hamlet(folder.path(), &arguments).write_stdin(dump(90)).assert().success();
    }
    assert_eq!(std::fs::read(&models[0]).unwrap(), std::fs::read(&models[1]).unwrap());
}

#[test]
fn only_a_better_model_is_promoted_and_the_store_keeps_why() {
    let folder = tempfile::tempdir().unwrap();
    let dump_file = folder.path().join("dump.jsonl");
    std::fs::write(&dump_file, dump(900)).unwrap();
    let dump_file = dump_file.to_str().unwrap();
    let better = json(&mut hamlet(folder.path(), &["train", dump_file]));
    assert_eq!(better["promoted"], true, "{better}");
    assert!(better["reason"].as_str().unwrap().starts_with("promoted: MCC"), "{better}");

    // A model that nobody measured is not promoted, and the store keeps it with the reason.
    let unmeasured = json(&mut hamlet(folder.path(), &["train", dump_file, "--held-out", "0"]));
    assert_eq!(unmeasured["promoted"], false, "{unmeasured}");
    let reason = unmeasured["reason"].as_str().unwrap();
    assert!(reason.starts_with("not promoted: 0 ham and 0 spam were held out"), "{reason}");
    let listed = json(&mut hamlet(folder.path(), &["model", "list"])).to_string();
    assert!(listed.contains(reason) && listed.contains(better["reason"].as_str().unwrap()), "{listed}");
}

/// By time: the newer part is held out, without the near-copies of what is older, wherever they stand in the file.
#[test]
fn a_model_of_the_past_is_measured_on_what_came_after() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dated.jsonl");
    // Newest first, as some exports are; every comment of 2026 but the last fifty has a copy in 2025.
    let comments = dump(400);
    let dated = |year: usize, number: usize, line: &str| {
        format!("{},\"date\":\"{year}-0{}-10T00:00:00Z\"}}\n", line.trim_end_matches('}'), 1 + number % 9)
    };
    let lines: Vec<&str> = comments.lines().collect();
    let newer = (100..400).map(|number| dated(2026, number, lines[number]));
    let older = (0..350).map(|number| dated(2025, number, lines[number]));
    std::fs::write(&file, newer.chain(older).collect::<String>()).unwrap();
    let out = folder.path().join("m.hamlet");
    let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
    let arguments = ["train", file, "--held-out-since", "2026-01-01", "--promote", "never", "--out", out];
    let trained = json(&mut hamlet(folder.path(), &arguments));
    let learned = trained["comments"]["ham"].as_u64().unwrap() + trained["comments"]["spam"].as_u64().unwrap();
    let held_out = trained["held_out"].as_u64().unwrap();
    assert_eq!(learned, 350, "{trained}");
    assert!((1..=50).contains(&held_out), "{trained}");
}

/// Where comments have dates nothing need be said; the next candidate meets the champion on what is newer still.
#[test]
fn comments_with_dates_are_split_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dated.jsonl");
    let comments = dump(1_500);
    let dated = |(number, line): (usize, &str)| {
        let day = jiff::civil::date(2026, 1, 1) + jiff::Span::new().days(i64::try_from(number / 15).unwrap());
        // A word of its own, so that none is a near-copy of another.
        let word = format!("{number:b}").replace('0', "o").replace('1', "i");
        let line = line.replacen("\"content\":\"", &format!("\"content\":\"{word} "), 1);
        format!("{},\"date\":\"{day}T09:00:00Z\"}}\n", line.trim_end_matches('}'))
    };
    let lines: Vec<String> = comments.lines().enumerate().map(dated).collect();
    let train = |lines: &[String], arguments: &[&str]| {
        std::fs::write(&file, lines.concat()).unwrap();
        json(&mut hamlet(folder.path(), &[&["train", file.to_str().unwrap()], arguments].concat()))
    };
    let first = train(&lines[..1_200], &["--promote", "always"]);
    assert_eq!(first["held_out_since"], "2026-03-14T00:00:00Z", "{first}");
    let second = train(&lines, &[]);
    assert_eq!(second["held_out_since"], "2026-04-01T00:00:00Z", "{second}");
    assert!(!second["reason"].as_str().unwrap().contains("are not compared"), "{second}");
    assert_eq!(train(&lines, &["--held-out", "0.2", "--promote", "always"])["held_out_since"], json!(null));
    assert_eq!(train(&lines, &[])["held_out_since"], json!(null), "the champion has seen nine of ten new comments");
}

/// Where nearly all that is new repeats what is old, the newest tenth measures nothing; a tenth by hash does.
#[test]
fn repeats_are_split_by_hash() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dated.jsonl");
    let comments = dump(400);
    let dated = |(number, line): (usize, &str)| {
        let day = jiff::civil::date(2026, 1, 1) + jiff::Span::new().days(i64::try_from(number / 15).unwrap());
        format!("{},\"date\":\"{day}T09:00:00Z\"}}\n", line.trim_end_matches('}'))
    };
    let lines: String = comments.lines().cycle().take(1_600).enumerate().map(dated).collect();
    std::fs::write(&file, lines).unwrap();
    let trained = json(&mut hamlet(folder.path(), &["train", file.to_str().unwrap()]));
    assert_eq!(trained["held_out_since"], json!(null), "{trained}");
    assert!((80..240).contains(&trained["held_out"].as_u64().unwrap()), "{trained}");
}

/// A few labels teach what they teach; what the model knew of another language, it knows still.
#[test]
fn a_model_that_goes_on_keeps_what_it_knew() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(file("few.jsonl"), dump(90)).unwrap();
    let arabic = "منتج طبيعي لإنقاص الوزن 15 كيلو خلال شهر، التوصيل مجاني، للطلب واتساب";
    std::fs::write(file("spam.txt"), arabic).unwrap();
    let score = |from: &str| {
        let out = file(from);
        let few = file("few.jsonl");
        let arguments = ["train", &few, "--from", from, "--held-out", "0", "--promote", "never", "--out", &out];
        hamlet(folder.path(), &arguments).assert().success();
        let judged = json(&mut hamlet(folder.path(), &["check", &file("spam.txt"), "--model", &out]));
        let bayes = judged["evidence"].as_array().unwrap().iter().find(|piece| piece["symbol"] == "BAYES");
        bayes.unwrap()["weight"].as_f64().unwrap()
    };
    assert!(score("shipped") > 2.0, "{}", score("shipped"));
    assert!(score("none") < 1.0, "{}", score("none"));
    let absent = ["train", "-", "--from", "0123456789ab", "--promote", "never", "--out", &file("x")];
    refused(hamlet(folder.path(), &absent).write_stdin(dump(90)), "no such file, and no such model");
}

#[test]
fn a_dump_that_teaches_nothing_is_refused_with_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.hamlet");
    let out = out.to_str().unwrap();
    let train = |input: &str| {
        let mut command = hamlet(folder.path(), &["train", "-", "--out", out, "--promote", "never"]);
        command.write_stdin(input);
        command
    };
    refused(&mut train(""), "no labelled comment");
    refused(&mut train("<rss></rss>"), "looks like XML");
    refused(&mut train("{\"content\":\"a\",\"label\":\"ham\"}\n"), "a model needs both");
    refused(&mut train("{\"content\":\"a\",\"label\":\"toxic\"}\n"), "--label 'toxic=ham'");
    refused(
        &mut hamlet(folder.path(), &["train", "/no/such.jsonl", "--out", out, "--promote", "never"]),
        "/no/such.jsonl",
    );
    refused(&mut hamlet(folder.path(), &["train", "--out", out, "--promote", "never"]), "name a dump");
    assert!(!Path::new(out).exists(), "nothing was written half");

    let some_bad = dump(60) + "{oops\n";
    let output = train(&some_bad).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("skipped: -, line 61: "), "{stderr}");
}

#[test]
fn a_damaged_model_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("bad.hamlet");
    let refused_as = |bytes: &[u8], part: &str| {
        std::fs::write(&model, bytes).unwrap();
        let arguments = ["evaluate", "-", "--model", model.to_str().unwrap()];
        refused(hamlet(folder.path(), &arguments).write_stdin(dump(30)), part);
        refused(hamlet(folder.path(), &arguments).write_stdin(dump(30)), "bad.hamlet");
    };
    let shipped = hamlet::classifier::Classifier::shipped_bytes();
    refused_as(b"no model", "not a Hamlet model file");
    refused_as(&shipped[..shipped.len() / 2], "cut short");
    let mut changed = shipped.to_vec();
    changed[5_000] ^= 1;
    refused_as(&changed, "damaged");
}

/// What readers write and what is sold to them, made up apart from what the model was trained on.
#[test]
fn the_shipped_model_knows_readers_from_sellers() {
    let folder = tempfile::tempdir().unwrap();
    let figures = json(&mut hamlet(folder.path(), &["evaluate", "tests/data/made-up.jsonl"]));
    let arabic = &figures["by"]["lang"]["ar"];
    let value = |figures: &Value, name: &str| figures[name]["value"].as_f64().unwrap();
    assert!(value(&figures["all"], "caught_spam") >= 0.9, "{figures}");
    assert!(value(&figures["all"], "blocked_ham") <= 0.03, "{figures}");
    assert!(value(arabic, "caught_spam") >= 0.9 && value(arabic, "blocked_ham") <= 0.02, "{arabic}");
}
