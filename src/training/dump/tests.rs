//! Dumps read as they come: formats, packings, and records that are not comments.

use std::io::Write as _;

use super::*;

/// What is read of `bytes`: `label content` of each record, `line N: reason` of a bad one.
fn told(bytes: &[u8], labels: &[&str]) -> Vec<String> {
    let labels = LabelMap::with(labels.iter().copied()).unwrap();
    let source: Box<dyn Read> = Box::new(Cursor::new(bytes.to_vec()));
    match read(source, Path::new("dump"), &labels) {
        Err(error) => vec![error.to_string()],
        Ok(records) => records
            .map(|record| match record {
                Ok(Ok(example)) => format!("{} {}", example.label, example.comment.content),
                Ok(Err(bad)) => bad.to_string(),
                Err(error) => error.to_string(),
            })
            .collect(),
    }
}

#[track_caller]
fn check(bytes: impl AsRef<[u8]>, expected: &[&str]) {
    let told = told(bytes.as_ref(), &["ok=ham", "toxic=skip"]);
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "{told}\nis not\n{expected}");
    }
}

#[test]
fn json_lines_are_read_leniently() {
    check(r#"{"label":"spam","content":"buy"}"#, &["spam buy"]);
    check(
        "\u{feff}\n{\"label\":1,\"text\":\"buy\",\"unknown\":[1]}\r\n\n{\"label\":false,\"body\":\"hi\"}",
        &["spam buy", "ham hi"],
    );
    check(r#"{"label":"ok","content":"a","author":"Ann"}"#, &["ham a"]);
    check(r#"{"label":"toxic","content":"a"}"#, &[]);
    check(r#"{"label":"ham","content":"a","author":{"name":"A","ip":"not one"},"date":7}"#, &["ham a"]);
}

#[test]
fn bad_lines_are_told_with_their_place() {
    let lines =
        "{\"label\":\"ham\",\"content\":\"a\"}\n{\"label\":\"ham\"}\n{oops\n{\"label\":\"?\",\"content\":\"b\"}\n";
    check(
        lines,
        &[
            "ham a",
            "dump, line 2: missing field `content`",
            "dump, line 3: key must be a string",
            "line 4: the label `?`",
        ],
    );
    check(b"{\"label\":\"ham\",\"content\":\"\xff\"}", &["line 1: invalid unicode"]);
    let long = format!(
        "{{\"label\":\"ham\",\"content\":\"{}\"}}\n{{\"label\":\"ham\",\"content\":\"b\"}}",
        "a".repeat(MAX_RECORD_BYTES)
    );
    check(long, &["line 1: longer than", "ham b"]);
}

#[test]
fn csv_columns_are_guessed_from_the_header() {
    check("label,content\nspam,\"buy, now\"\nham,hello\n", &["spam buy, now", "ham hello"]);
    check("CONTENT\tIs_Spam\nbuy\t1\nhello\t0\n", &["spam buy", "ham hello"]);
    check("id;comment_content;class;author\n1;\"two\nlines\";0;Ann", &["ham two\nlines"]);
    check(
        "content,label\nonly one\nhello,maybe\nfine,ham\n",
        &["line 2: 1 columns", "line 3: the label `maybe`", "ham fine"],
    );
    check("content,author\nhello,Ann\n", &["no column for the label"]);
    check("hello world, this is text", &["neither JSON Lines nor CSV"]);
}

#[test]
fn an_open_quote_does_not_swallow_the_dump() {
    let dump = format!("label,content\nham,\"open\n{}", "ham,x\n".repeat(1_000_000));
    check(dump, &["is a quote left open?"]);
}

#[test]
fn packed_dumps_are_unpacked() {
    let plain = b"{\"label\":\"spam\",\"content\":\"buy\"}\n".repeat(500);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(told(&gzip, &[]).len(), 500);
    assert_eq!(told(&zstd::bulk::compress(&plain, 1).unwrap(), &[]).len(), 500);
    let cut = told(&gzip[..gzip.len() - 9], &[]);
    assert!(cut.last().unwrap().starts_with("dump: "), "{cut:?}");
}

#[test]
fn what_is_no_dump_is_refused_with_the_mend() {
    check("", &[]);
    check(" \n\n", &[]);
    check("[{\"label\":\"ham\"}]", &["jq -c"]);
    check("<?xml version='1.0'?><rss/>", &["looks like XML"]);
    check(b"PK\x03\x04\0\0\0", &["binary data"]);
}

#[test]
fn a_dump_that_is_mostly_bad_is_given_up() {
    let bad = |line| Ok(Err(BadRecord { file: "dump".into(), line, reason: "no".to_owned() }));
    let good = || Ok(Ok(Example { comment: Comment::of_text("a"), label: Label::Ham, source: None }));
    let mut tally = Tally::default();
    assert!(matches!(tally.check(), Err(DumpError::Empty)));
    tally.sort(good()).unwrap();
    tally.sort(bad(2)).unwrap();
    tally.check().unwrap();
    tally.sort(bad(3)).unwrap();
    assert!(tally.check().unwrap_err().to_string().starts_with("2 of 3 records are bad, the first: dump, line 2: no"));
    let given_up = (4..2_000).find(|&line| tally.sort(bad(line)).is_err());
    assert_eq!(given_up, Some(1_000));
    assert_eq!(tally.shown.len(), 10);
}

#[test]
fn files_are_read_in_turn_and_the_first_break_is_the_last_item() {
    let folder = tempfile::tempdir().unwrap();
    let (first, missing) = (folder.path().join("first.jsonl"), folder.path().join("missing.jsonl"));
    std::fs::write(&first, "{\"label\":\"ham\",\"content\":\"a\"}\n").unwrap();
    let records: Vec<_> = open(&[first.clone(), missing, first], &LabelMap::default()).collect();
    assert_eq!(records.len(), 2);
    assert!(records[1].as_ref().unwrap_err().to_string().contains("missing.jsonl: "));
}
