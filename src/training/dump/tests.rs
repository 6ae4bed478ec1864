//! Dumps read as they come: formats, packings, and records that are not comments.

use std::io::{Cursor, Read, Write as _};
use std::path::Path;

use super::*;

/// What is read of `bytes`: `label content` of each record, its place and reason of a bad one.
fn told(bytes: &[u8], labels: &[&str], columns: &[&str]) -> Vec<String> {
    let labels = LabelMap::with(labels.iter().copied()).unwrap();
    let columns = ColumnMap::with(columns.iter().copied()).unwrap();
    let source: Box<dyn Read> = Box::new(Cursor::new(bytes.to_vec()));
    let records = read(source, Path::new("dump"), &Options { labels, columns, charset: None });
    records
        .map(|record| match record {
            Ok(Ok(example)) => format!("{} {}", example.label, example.comment.content),
            Ok(Err(bad)) => bad.to_string(),
            Err(error) => error.to_string(),
        })
        .collect()
}

#[track_caller]
fn check(bytes: impl AsRef<[u8]>, expected: &[&str]) {
    check_columns(&[], bytes, expected);
}

#[track_caller]
fn check_columns(columns: &[&str], bytes: impl AsRef<[u8]>, expected: &[&str]) {
    let told = told(bytes.as_ref(), &["ok=ham", "toxic=skip"], columns);
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
    check(r#"{"label":1.0,"content":"a","text":"b","comment":{"id":1},"date":"x","created_at":5}"#, &["spam a"]);
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
    check(b"{\"label\":\"ham\",\"content\":\"\xe9t\xe9, na\xefve, d\xe9j\xe0\"}", &["ham été, naïve, déjà"]);
    check(b"{\"label\":\"ham\",\"content\":\"a\0b\\u0000c\"}", &["ham abc"]);
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
    check("\"a \"\"quoted\"\" name\",\"label\",text\n1,ham,hello\n", &["ham hello"]);
    check(
        "label,text\nham,fine\nspam,not, quoted\nham,,\n",
        &["ham fine", "line 3: 3 columns, the header has 2", "ham "],
    );
}

#[test]
fn columns_are_what_somebody_says() {
    let dump = "post;verdict;when\nhello;ok;x\n";
    check_columns(&["content=post", "label=Verdict"], dump, &["ham hello"]);
    check_columns(&["content=post"], dump, &["no column for the label"]);
    check_columns(&["content=posting", "label=verdict"], dump, &["no column `posting`; it has post, verdict, when"]);
}

#[test]
fn an_open_quote_does_not_swallow_the_dump() {
    let dump = format!("label,content\nham,\"open\n{}", "ham,x\n".repeat(1_000_000));
    let read = told(dump.as_bytes(), &[], &[]);
    assert!(read[0].contains("line 2: a quote is left open"), "{}", read[0]);
    assert_eq!(read.len(), 1_000_001);
    check(
        "label,content\nham,\"open\nspam,x\nham,\"two\nlines\"\n",
        &["line 2: a quote is left open", "spam x", "ham two\nlines"],
    );
    let all_open = format!("label,content\n{}", format!("ham,\"{}\n", "x".repeat(5_000_000)).repeat(3));
    check(all_open, &["line 2: a quote", "line 3: a quote", "line 4: a quote"]);
}

#[test]
fn sql_that_is_cut_or_odd_is_told() {
    let row = "(1,1,'A','','','','','','hello \\'you\\'',0,'1','','',0,0)";
    check(format!("INSERT INTO wp_comments VALUES {row};"), &["ham hello 'you'"]);
    check(
        format!("insert ignore into `x`.`wp_comments` values {row},{row} ON DUPLICATE KEY UPDATE a=';'; SELECT 1"),
        &["ham", "ham"],
    );
    check(format!("INSERT INTO wp_comments VALUES {row},(2,'cut"), &["ham", "cut short"]);
    check(
        format!("INSERT INTO wp_comments VALUES {row},(2,3),{row};"),
        &["ham", "comment 2 at byte 88: 2 values for 15", "ham"],
    );
    check(
        format!("INSERT INTO wp_comments VALUES {row},(2,oops('a,b)'),1;\nINSERT INTO wp_comments VALUES {row};"),
        &["ham", "comment 2", "ham"],
    );
    check(
        "INSERT INTO wp_comments (comment_content, comment_approved) VALUES (CONCAT('a',')b'), '1'), ('b', 'spam');",
        &["an expression instead", "spam b"],
    );
    check("INSERT INTO wp_posts VALUES (1,'a');", &["without a row of a WordPress comments table"]);
    check("INSERT INTO wp_comments (id, body) VALUES (1,'a');", &["without a row of a WordPress comments table"]);
}

#[test]
fn xml_dangers_are_refused() {
    let bomb = "<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><rss><wp:wxr_version>1.2</wp:wxr_version>&b;</rss>";
    check(bomb, &["declares entities of its own"]);
    check(format!("<disqus>{}", "<a>".repeat(100_000)), &["more than 64 deep"]);
    check(format!("<disqus {}", "a='b' ".repeat(1_000_000)), &["a tag or declaration longer than"]);
    check("<disqus><post><message>cut", &["cut short"]);
    let post = |message: &str| format!("<post id='1'><message>{message}</message></post>");
    let long = "x]] >&lt;".repeat(1_000_000);
    let dump = format!(
        "<disqus>{}{}{}{}<thread><message><![CDATA[{long}]]></message></thread>{}</disqus>",
        post("a &amp; b &nbsp; &#1605;&#x41; &"),
        post(&long),
        post(&format!("<![CDATA[{long}]]>")),
        post("<![CDATA[a]]]]><![CDATA[>b]]>"),
        post("<b>bold</b> &")
    );
    check(dump, &["ham a & b &nbsp; مA &", "a text longer than", "a text longer than", "ham a]]>b", "ham bold &"]);
    let mixed = [
        b"<disqus>".to_vec(),
        post("شكرا لكم على هذا المقال").into_bytes(),
        post("sch")
            .replace("sch", "\u{1}")
            .into_bytes()
            .iter()
            .flat_map(|&byte| if byte == 1 { b"sch\xf6ne Gr\xfc\xdfe aus K\xf6ln".to_vec() } else { vec![byte] })
            .collect(),
        b"</disqus>".to_vec(),
    ]
    .concat();
    check(mixed, &["ham شكرا", "ham schöne Grüße aus Köln"]);
}

#[test]
fn packed_dumps_are_unpacked() {
    let plain = b"{\"label\":\"spam\",\"content\":\"buy\"}\n".repeat(500);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(told(&gzip, &[], &[]).len(), 500);
    assert_eq!(told(&zstd::bulk::compress(&plain, 1).unwrap(), &[], &[]).len(), 500);
    let cut = told(&gzip[..gzip.len() - 9], &[], &[]);
    assert_eq!(cut.last().unwrap(), "dump: the file ends within gzip: it was cut short; copy or pack it again");
    let mut damaged = gzip;
    damaged[20] ^= 0xff;
    let damaged = told(&damaged, &[], &[]);
    assert!(damaged.last().unwrap().starts_with("dump: damaged gzip"), "{damaged:?}");
}

#[test]
fn what_is_no_dump_is_refused_with_the_mend() {
    check("", &[]);
    check(" \n\n", &[]);
    check("[{\"label\":\"ham\"}]", &["jq -c"]);
    check("<?xml version='1.0'?><rss/>", &["looks like XML"]);
    check(b"PK\x03\x04\0\0\0", &["a zip file or an Excel workbook"]);
    check(b"SQLite format 3\0\x10\0", &["sqlite3 -header -csv"]);
    check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01", &["binary data"]);
    check("<!DOCTYPE html><html><body>Log in</body></html>", &["a web page"]);
}

#[test]
fn a_dump_that_is_mostly_bad_is_given_up() {
    let bad = |line| Ok(Err(BadRecord { file: "dump".into(), place: Place::Line(line), reason: "no".to_owned() }));
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
    let records: Vec<_> = open(&[first.clone(), missing, first], &Options::default()).collect();
    assert_eq!(records.len(), 2);
    assert!(records[1].as_ref().unwrap_err().to_string().contains("missing.jsonl: "));
}

#[test]
fn a_pattern_names_files_and_a_changed_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let line = "{\"label\":\"ham\",\"content\":\"a\"}\n";
    for name in ["b.jsonl", "a.jsonl", "c.txt"] {
        std::fs::write(folder.path().join(name), line).unwrap();
    }
    let mut reading = open(&[folder.path().join("*.jsonl")], &Options::default());
    assert_eq!(reading.progress().1, Some(2 * line.len() as u64));
    assert_eq!(reading.by_ref().count(), 2);
    assert_eq!(reading.progress().0, 2 * line.len() as u64);
    let names: Vec<_> = reading.reports().iter().map(|report| report.file.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["a.jsonl", "b.jsonl"]);
    let none = open(&[folder.path().join("*.xml")], &Options::default()).next().unwrap();
    assert!(none.unwrap_err().to_string().ends_with("no file has such a name"));

    let file = folder.path().join("c.txt");
    let mut reading = open(std::slice::from_ref(&file), &Options::default());
    reading.next().unwrap().unwrap().unwrap();
    std::fs::write(&file, line.repeat(2)).unwrap();
    let end = reading.last().unwrap().unwrap_err().to_string();
    assert!(end.contains("written to while it was read"), "{end}");
}
