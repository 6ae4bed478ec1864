//! Backups: of a store that is written meanwhile, read into a fresh one, cut short and altered.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use hamlet::random;
use hamlet::store::transfer::{Cell, Piece};
use hamlet::store::{ModelRecord, Settings, Store};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::Hamlet;

/// `hamlet` with a data folder; its exit code and what it printed.
fn hamlet(data: &Path, arguments: &[&str], input: &[u8]) -> (i32, Vec<u8>, String) {
    let mut command = Command::cargo_bin("hamlet").unwrap();
    command.env_clear().env("HAMLET_DATA_DIR", data).args(arguments);
    let output = command.write_stdin(input).output().unwrap();
    (output.status.code().unwrap(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// All that a store gives; the full-text index is made anew elsewhere, so how far it is does not matter.
async fn everything(store: &dyn Store) -> Vec<Piece> {
    let (to, mut from) = mpsc::channel(1_000);
    store.dump(to).await.unwrap();
    let mut pieces = Vec::new();
    while let Some(mut piece) = from.recv().await {
        if let Piece::Rows(rows) = &mut piece {
            rows.rows.retain(|row| row[0] != Cell::Text("indexed".into()));
        }
        pieces.push(piece);
    }
    pieces
}

async fn open(data: &Path) -> std::sync::Arc<dyn Store> {
    hamlet::store::open("sqlite", data, Settings::default()).await.unwrap()
}

/// A daemon with some of everything.
async fn lived_in() -> Hamlet {
    let hamlet = Hamlet::start().await;
    for number in 0..300 {
        let comment = json!({
            "content": format!("reader {number} says \u{0} that the harbour \u{1F6A2} should stay open, مرحبا {number}"),
            "external_id": format!("{number}"),
            "author": {"name": "Ada", "email": format!("reader{number}@mail.example"), "ip": "192.0.2.7"},
        });
        let id = hamlet.check(&comment).await["id"].as_str().unwrap().to_owned();
        if number % 50 == 0 {
            let reply = hamlet.post(&format!("/v1/comments/{id}/label"), &json!({"label": "spam"})).await;
            assert!(reply.status < 300, "{reply:?}");
        }
    }
    let record = ModelRecord {
        id: "abc".into(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
        card: json!({"n": 7}),
        promoted_at: None,
        note: "kept".into(),
        is_champion: false,
    };
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    hamlet.pipeline.store.keep_model(record, bytes).await.unwrap();
    hamlet
}

#[tokio::test]
async fn a_store_is_moved_while_it_is_written() {
    let daemon = lived_in().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hamlet.backup");
    // It goes on being written; the backup holds one moment of it.
    let writing = async {
        for number in 0..60 {
            daemon.check(&json!({"content": format!("meanwhile {number}")})).await;
        }
    };
    let data: PathBuf = daemon.folder.path().into();
    let (from, to) = (data.clone(), file.clone());
    let backup = tokio::task::spawn_blocking(move || hamlet(&from, &["backup", to.to_str().unwrap(), "--json"], b""));
    let ((), backup) = tokio::join!(writing, backup);
    let (code, out, error) = backup.unwrap();
    assert_eq!((code, error.as_str()), (0, ""));
    let told: Value = serde_json::from_slice(&out).unwrap();
    let comments = told["rows"]["comments"].as_u64().unwrap();
    assert!((300..=360).contains(&comments) && told["rows"]["models"] == 1 && told["rows"]["acts"] == 6, "{told}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "for its owner alone");

    let fresh = folder.path().join("fresh");
    let (code, _, error) = hamlet(&fresh, &["restore", file.to_str().unwrap()], b"");
    assert_eq!((code, error.as_str()), (0, ""));
    let moved = open(&fresh).await;
    let counted = everything(&*moved).await;
    let rows = |table: &str| -> u64 {
        let of = |piece: &Piece| match piece {
            Piece::Rows(rows) if rows.table.name == table => rows.rows.len() as u64,
            _ => 0,
        };
        counted.iter().map(of).sum()
    };
    assert_eq!(rows("comments"), comments);
    assert_eq!(rows("traces"), 300, "what they left behind; those of two words left nothing");
    // Statistics and comments are of the same moment.
    let decided: i64 = counted
        .iter()
        .filter_map(|piece| match piece {
            Piece::Rows(rows) if rows.table.name == "statistics" => Some(&rows.rows),
            _ => None,
        })
        .flatten()
        .filter(|row| row[2] == Cell::Text("decision".into()))
        .map(|row| if let Cell::Integer(count) = row[4] { count } else { 0 })
        .sum();
    assert_eq!(u64::try_from(decided).unwrap(), comments);
    assert_eq!(moved.model_bytes("abc").await.unwrap().len(), 2_000_000);
    // It is a store like any other: what comes next goes on behind what was there.
    let site = moved.directory().await.unwrap().sites[0].id;
    assert!(moved.find_by_external_id(site, "17").await.unwrap().is_some());
    assert_eq!(moved.label_counts(site).await.unwrap(), [0, 6]);
    while moved.make_findable(1_000).await.unwrap() > 0 {}
    let found = hamlet::store::CommentFilter {
        query: Some(hamlet::store::Query::parse("harbour").unwrap()),
        ..hamlet::store::CommentFilter::default()
    };
    assert_eq!(moved.comments(site, &found, None, 10).await.unwrap().len(), 10);
    moved.close().await;

    // And on: the second backup is the first, whichever way it is handed over.
    let (code, bytes, _) = hamlet(&fresh, &["backup", "-"], b"");
    assert_eq!(code, 0);
    let again = folder.path().join("again");
    let (code, _, error) = hamlet(&again, &["restore", "-"], &bytes);
    assert_eq!((code, error.as_str()), (0, ""));
    let (one, other) = (open(&fresh).await, open(&again).await);
    assert_eq!(everything(&*one).await, everything(&*other).await);
}

#[tokio::test]
async fn what_is_damaged_or_would_be_mixed_up_is_refused_and_nothing_is_kept() {
    let daemon = lived_in().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hamlet.backup");
    let path = file.to_str().unwrap();
    assert_eq!(hamlet(daemon.folder.path(), &["backup", path], b"").0, 0);
    let fresh = folder.path().join("fresh");
    let refused = |data: &Path, arguments: &[&str], code: i32, part: &str| {
        let (ended, out, error) = hamlet(data, arguments, b"");
        assert_eq!((ended, out.as_slice()), (code, &b""[..]), "{error}");
        assert!(error.contains(part), "{error} does not say: {part}");
    };
    refused(daemon.folder.path(), &["restore", path], 1, "the store is not empty");
    refused(&fresh, &["restore", "/no/such/file"], 2, "there is no file /no/such/file");
    refused(&fresh, &["backup", "/no/such/folder/x"], 1, "cannot be written");

    let whole = std::fs::read(&file).unwrap();
    for (bytes, part) in [
        (whole[..whole.len() - 9].to_vec(), "cut short"),
        (whole[..whole.len() / 2].to_vec(), "cut short"),
        (
            {
                let mut altered = whole.clone();
                altered[whole.len() / 2] ^= 16;
                altered
            },
            "nothing was restored",
        ),
        (random::message_id(jiff::Timestamp::UNIX_EPOCH).into_bytes(), "it is no backup of Hamlet's"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        refused(&fresh, &["restore", path], 1, part);
        refused(&fresh, &["restore", path, "--dry-run"], 1, part);
        let store = open(&fresh).await;
        assert!(store.directory().await.unwrap().sites.is_empty() && store.models().await.unwrap().is_empty());
        store.close().await;
    }
    std::fs::write(&file, &whole).unwrap();
    let (code, out, _) = hamlet(&fresh, &["restore", path, "--dry-run"], b"");
    let told = String::from_utf8(out).unwrap();
    assert_eq!(code, 0);
    assert!(told.starts_with("the backup is whole: sites 4, comments 300, models 1, as of 20"), "{told}");
    assert_eq!(hamlet(&fresh, &["restore", path], b"").0, 0, "and now it fits");
}
