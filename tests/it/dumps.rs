//! The promises of reading dumps: every format says the same, hostile files do no harm, a dry run shows what would be learned.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use hamlet::training::dump::{self, Example, MAX_RECORD_BYTES, Options, Record};
use proptest::prelude::*;
use serde_json::Value;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dumps")
}

/// Folders of samples, each with its files; `twin.jsonl` first.
fn folders() -> Vec<(PathBuf, Vec<PathBuf>)> {
    let list = |folder: &Path| {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    list(&samples())
        .into_iter()
        .map(|folder| {
            let (twin, others): (Vec<_>, Vec<_>) =
                list(&folder).into_iter().partition(|file| file.ends_with("twin.jsonl"));
            assert_eq!(twin.len(), 1, "{} has no twin.jsonl", folder.display());
            (twin[0].clone(), others)
        })
        .collect()
}

fn examples(file: &Path) -> Vec<Example> {
    let records = dump::open(&[file.to_owned()], &Options::default());
    records
        .map(|record| record.unwrap_or_else(|error| panic!("{error}")).unwrap_or_else(|bad| panic!("{bad}")))
        .collect()
}

/// An example as its twin in JSON Lines tells it: a format has no field that the twin has not.
fn check_twins(file: &Path, read: &[Example], twins: &[Example]) {
    assert_eq!(read.len(), twins.len(), "{}", file.display());
    for (read, twin) in read.iter().zip(twins) {
        let mut read = read.clone();
        let columns = [
            (&mut read.comment.external_id, &twin.comment.external_id),
            (&mut read.comment.author.user_agent, &twin.comment.author.user_agent),
        ];
        for (field, wanted) in columns {
            // Spreadsheets of anybody have no ids.
            if wanted.is_none() {
                *field = None;
            }
        }
        assert_eq!(&read, twin, "{}", file.display());
    }
}

#[test]
fn every_format_says_the_same_as_its_twin_in_json_lines() {
    let mut read = 0;
    for (twin, files) in folders() {
        let twins = examples(&twin);
        assert!(twins.len() >= 2, "{}", twin.display());
        for file in files {
            check_twins(&file, &examples(&file), &twins);
            read += 1;
        }
    }
    assert!(read >= 25, "{read}");
}

/// Counts what is taken of a stream that nobody holds in memory.
struct Endless {
    head: Cursor<Vec<u8>>,
    filling: u64,
    filler: u8,
    tail: Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.head.read(buffer)?;
        if read > 0 {
            return Ok(read);
        }
        if self.filling == 0 {
            return self.tail.read(buffer);
        }
        let length = buffer.len().min(usize::try_from(self.filling).unwrap());
        buffer[..length].fill(self.filler);
        self.filling -= length as u64;
        Ok(length)
    }
}

fn records(source: impl Read + 'static) -> Vec<Record> {
    dump::read(Box::new(source), Path::new("dump"), &Options::default()).collect()
}

#[test]
fn a_record_of_a_gigabyte_is_passed_over_and_the_next_is_read() {
    const BYTES: u64 = 1 << 30;
    let row = "(1,1,'A','','','','','','hello',0,'1','','',0,0)";
    let cases = [
        ("{\"label\":\"ham\",\"content\":\"".to_owned(), "\"}\n{\"label\":\"ham\",\"content\":\"hello\"}\n".to_owned()),
        ("label,content\nham,".to_owned(), "\nham,hello\n".to_owned()),
        ("INSERT INTO wp_comments VALUES (9,1,'A','','','','','','".to_owned(), format!("',0,'1','','',0,0),{row};")),
        (
            "<disqus><post id='9'><message>".to_owned(),
            "</message></post><post id='1'><message>hello</message></post></disqus>".to_owned(),
        ),
        (
            "<disqus><post id='9'><message><![CDATA[".to_owned(),
            "]]></message></post><post id='1'><message>hello</message></post></disqus>".to_owned(),
        ),
    ];
    for (head, tail) in cases {
        let source = Endless {
            head: Cursor::new(head.clone().into()),
            filling: BYTES,
            filler: b'x',
            tail: Cursor::new(tail.into()),
        };
        let records = records(source);
        assert_eq!(records.len(), 2, "{head}: {records:?}");
        let bad = records[0].as_ref().unwrap().as_ref().unwrap_err();
        assert!(bad.reason.contains(&format!("longer than {MAX_RECORD_BYTES} bytes")), "{bad}");
        assert_eq!(records[1].as_ref().unwrap().as_ref().unwrap().comment.content, "hello", "{head}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever happens to a file on its way, reading it ends, and never by a panic.
    #[test]
    fn no_damage_makes_a_reader_panic(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 0..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let files: Vec<PathBuf> = folders().into_iter().flat_map(|(twin, files)| files.into_iter().chain([twin])).collect();
        let mut bytes = std::fs::read(&files[file.index(files.len())]).unwrap();
        for (place, byte, what) in changes {
            let at = place.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"'\"\\<>(),;\n&]"[usize::from(byte) % 12]),
                2 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..(at + usize::from(byte)).min(bytes.len())),
            }
            if bytes.is_empty() {
                break;
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len().max(1)));
        }
        let records = records(Cursor::new(bytes));
        let breaks = records.iter().filter(|record| record.is_err()).count();
        prop_assert!(breaks == 0 || (breaks == 1 && records.last().unwrap().is_err()));
    }

    #[test]
    fn no_bytes_make_a_reader_panic(head in 0_usize..8, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let heads: [&[u8]; 8] = [
            b"", b"{", b"label,content\n", b"<disqus>", b"<rss><wp:wxr_version>", b"INSERT INTO wp_comments VALUES (",
            b"comment_content\tcomment_approved\n", b"CREATE TABLE wp_comments (",
        ];
        records(Cursor::new([heads[head], &bytes].concat()));
    }
}

fn hamlet(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("hamlet").unwrap();
    command.env_clear().env("HAMLET_DATA_DIR", folder.join("no store")).args(args);
    command
}

/// Standard output and standard error of a command, and whether it succeeded.
fn said(command: &mut Command) -> (String, String, bool) {
    let output = command.output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(!stderr.contains("panicked"), "{stderr}");
    (stdout, stderr, output.status.success())
}

#[test]
fn a_dry_run_shows_what_would_be_learned_and_learns_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sample = |name: &str| samples().join(name).to_str().unwrap().to_owned();
    let (stdout, stderr, is_done) =
        said(&mut hamlet(folder.path(), &["train", &sample("history/mysqldump.sql"), "--dry-run"]));
    assert!(is_done, "{stderr}");
    assert!(stdout.contains("SQL dump, UTF-8\n  5 ham, 2 spam") || stdout.contains("4 ham, 3 spam"), "{stdout}");
    assert!(stdout.contains("2 labels are a person's"), "{stdout}");
    assert!(!stdout.contains("السلام"), "texts are not shown unless asked for: {stdout}");
    assert!(!folder.path().join("no store").exists());

    let digest = |name: &str| {
        let (stdout, stderr, is_done) =
            said(&mut hamlet(folder.path(), &["train", &sample(name), "--dry-run", "--json"]));
        assert!(is_done, "{stderr}");
        let said: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!((&said["ham"], &said["spam"]), (&3.into(), &2.into()), "{said}");
        said["digest"].as_str().unwrap().to_owned()
    };
    let one = digest("wordpress/twin.jsonl");
    assert_eq!(one, digest("wordpress/mysqldump.sql"));
    assert_eq!(one, digest("wxr/hand-made-with-spam.xml"));
    assert_eq!(one, digest("wordpress/utf-16le.csv"));

    let (stdout, ..) =
        said(&mut hamlet(folder.path(), &["train", &sample("wordpress/mysql.tsv"), "--dry-run", "--show-texts"]));
    assert!(stdout.contains("wp_comments as TSV") && stdout.contains("السلام عليكم"), "{stdout}");
    assert!(stdout.contains("1 pending (0), 1 trash") && stdout.contains("2024-05-01 to 2024-05-03"), "{stdout}");
}

#[test]
fn contradictory_labels_and_one_class_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump.csv");
    std::fs::write(&dump, "label,text\nham,hello there\nspam,buy this\nspam,hello there\nham,hello there\n").unwrap();
    let dump = dump.to_str().unwrap();
    let (stdout, ..) = said(&mut hamlet(folder.path(), &["train", dump, "--dry-run"]));
    assert!(stdout.contains("1 texts are labelled both ham and spam"), "{stdout}");
    assert!(stdout.contains("dump.csv, line 4: spam"), "{stdout}");
    let out = folder.path().join("x.hamlet");
    let arguments = ["train", dump, "--out", out.to_str().unwrap(), "--promote", "never"];
    let (_, stderr, is_done) = said(&mut hamlet(folder.path(), &arguments));
    assert!(is_done && stderr.contains("warning: 1 texts are labelled both ham and spam"), "{stderr}");

    let wxr = std::fs::read_to_string(samples().join("wxr/hand-made-with-spam.xml")).unwrap();
    let wxr = wxr.replace("<![CDATA[spam]]>", "<![CDATA[0]]>");
    std::fs::remove_file(&out).unwrap();
    let arguments = ["train", "-", "--out", out.to_str().unwrap(), "--promote", "never"];
    let (_, stderr, is_done) = said(hamlet(folder.path(), &arguments).write_stdin(wxr));
    assert!(
        !is_done && stderr.contains("3 ham and no spam: a model needs both; WordPress leaves spam out"),
        "{stderr}"
    );
    assert!(!out.exists());
}

#[test]
fn a_dump_that_was_cut_short_trains_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, cut) = (samples().join("wordpress/packed.csv.gz"), folder.path().join("cut.csv.gz"));
    let bytes = std::fs::read(whole).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let out = folder.path().join("x.hamlet");
    let arguments = ["train", cut.to_str().unwrap(), "--out", out.to_str().unwrap(), "--promote", "never"];
    let (_, stderr, is_done) = said(&mut hamlet(folder.path(), &arguments));
    assert!(!is_done && stderr.contains("cut.csv.gz: the file ends within gzip: it was cut short"), "{stderr}");
    assert!(!out.exists());
}

#[test]
fn what_is_asked_of_dumps_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (_, stderr, is_done) = said(&mut hamlet(folder.path(), &["train", "-", "--dry-run", "--charset", "utf-99"]));
    assert!(!is_done && stderr.contains("`utf-99` is no charset"), "{stderr}");
    let (_, stderr, is_done) = said(&mut hamlet(folder.path(), &["evaluate", "-", "--column", "text=x"]));
    assert!(!is_done && stderr.contains("`text=x` names no column"), "{stderr}");
    let dump = "post;verdict\nsch\u{f6}n;ham\ng\u{fc}nstig;spam\n"
        .chars()
        .map(|c| u8::try_from(c).unwrap())
        .collect::<Vec<u8>>();
    let arguments =
        ["train", "-", "--dry-run", "--json", "--show-texts", "--charset", "latin1", "--column", "content=post"];
    let (stdout, stderr, is_done) =
        said(hamlet(folder.path(), &[&arguments[..], &["--column", "label=verdict"]].concat()).write_stdin(dump));
    assert!(is_done, "{stderr}");
    let said: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(said["examples"][0]["text"], "schön");
    assert_eq!(said["files"][0]["charset"], "windows-1252");
}
