//! A model takes over, or does not, while the daemon answers: nothing is lost, and the change is there within a second.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::daemon::{Daemon, beside, client, folder, hamlet};

/// Longest that a change made beside the daemon may take to be served. The promise is a second, and it takes some 0.4 s in a
/// debug build; the rest is for a machine that is busy with other tests.
const TAKES_OVER: Duration = Duration::from_secs(3);

/// Comments of a site with a language of its own: `spam` of every three, told by words that no shipped model knows.
///
/// Of each comment's words few are in the next, so a handful of comments teaches little and many teach all.
fn dump(comments: usize, salt: usize) -> String {
    let ham = "I read this part of the article twice and think that the council should answer before the next meeting is held \
               because people who live near the river have waited for years and nobody told them why";
    let ham: Vec<&str> = ham.split_whitespace().collect();
    // SplitMix's finish: which words a comment has follows no pattern, and is the same in every run.
    let chance = |number: usize, step: usize, limit: usize| {
        let mut mixed =
            (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (step as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    };
    let spam = |word: usize| -> String {
        (0..7).map(|letter| char::from(b'a' + u8::try_from(chance(word, 90 + letter, 26)).unwrap())).collect()
    };
    let common = |number: usize, step: usize| ham[chance(number + salt, step, ham.len())].to_owned();
    let mut lines = String::new();
    for number in 0..comments {
        let (words, label): (Vec<String>, _) = if number % 3 == 0 {
            let telling = (0..3).map(|step| spam(chance(number + salt, 20 + step, 100)));
            ((0..6).map(|step| common(number, step)).chain(telling).collect(), "spam")
        } else {
            ((0..12).map(|step| common(number, step)).collect(), "ham")
        };
        let _ = writeln!(lines, r#"{{"content":"{}","label":"{label}","lang":"en"}}"#, words.join(" "));
    }
    lines
}

/// Requests on connections of their own, one after the other, until told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    connections: Vec<JoinHandle<Vec<(Instant, String)>>>,
}

impl Load {
    fn on(daemon: &Daemon, key: &str) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let connection = |number: usize| {
            let (stop, client, key) = (Arc::clone(&stop), client(), key.to_owned());
            let address = format!("http://{}/v1/comments/check?dry_run=true", daemon.address);
            tokio::spawn(async move {
                let mut told = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let body = json!({"content": format!("comment {} of reader {number}", told.len())}).to_string();
                    let asked = Instant::now();
                    let request = client.post(&address).bearer_auth(&key).header("content-type", "application/json");
                    let answer = request.body(body).send().await.expect("every request is answered");
                    let status = answer.status();
                    let verdict: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
                    assert_eq!(status, 200, "{verdict}");
                    told.push((asked, verdict["model"].as_str().expect("a verdict").to_owned()));
                    // A debug build has enough to do with training beside it.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                told
            })
        };
        let connections = (0..4).map(connection).collect();
        Load { stop, connections }
    }

    /// Which model answered each request, by when it was asked.
    async fn end(self) -> Vec<(Instant, String)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut told = Vec::new();
        for connection in self.connections {
            let of_one = connection.await.expect("no connection gave up");
            assert!(of_one.len() > 10, "a connection was answered {} times", of_one.len());
            told.extend(of_one);
        }
        told.sort_by_key(|(asked, _)| *asked);
        told
    }
}

async fn train(folder: &Path, dump: &str) -> Value {
    let file = folder.join("dump.jsonl");
    std::fs::write(&file, dump).unwrap();
    let mut command = hamlet(folder);
    command.args(["train", file.to_str().unwrap(), "--json"]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worse_candidate_is_refused_and_a_better_one_promoted_and_no_request_is_lost() {
    let folder = folder();
    let folder = folder.path();
    let daemon = Daemon::start(folder).await;
    let key = daemon.key();
    let load = Load::on(&daemon, &key);
    let begun = Instant::now();

    let better = train(folder, &dump(360, 0)).await;
    let promoted = Instant::now();
    let reason = better["reason"].as_str().unwrap();
    assert!(better["promoted"] == true && reason.starts_with("promoted: MCC "), "{reason}");
    assert!(reason.contains("90 % interval") && reason.contains("blocked ham"), "{reason}");

    let worse = train(folder, &dump(75, 5_000)).await;
    assert!(
        worse["promoted"] == false && worse["reason"].as_str().unwrap().contains("the MCC is lower"),
        "{}",
        worse["reason"]
    );

    // The same comments again teach nothing, and show nothing: the champion knows each of them.
    let same = train(folder, &dump(360, 0)).await;
    let reason = same["reason"].as_str().unwrap();
    assert!(same["promoted"] == false && reason.contains("360 more are not compared"), "{reason}");

    tokio::time::sleep_until((promoted + TAKES_OVER).into()).await;
    let rolled_back = Instant::now();
    assert_eq!(beside(folder, &["model", "rollback"])["id"], "shipped");
    tokio::time::sleep_until((Instant::now() + TAKES_OVER).into()).await;
    let better = better["model"].as_str().unwrap();
    let promoted_again = Instant::now();
    beside(folder, &["model", "promote", better, "--note", "by hand"]);
    tokio::time::sleep_until((Instant::now() + TAKES_OVER).into()).await;
    let told = load.end().await;

    let models = |from: Instant, to: Instant| {
        let mut models: Vec<&str> =
            told.iter().filter(|(asked, _)| (from..to).contains(asked)).map(|(_, model)| model.as_str()).collect();
        models.dedup();
        models
    };
    let shipped = told[0].1.as_str();
    assert_ne!(shipped, better);
    let settled = |changed: Instant, until: Instant, model: &str| {
        let after: Vec<_> = told.iter().filter(|(asked, _)| (changed..until).contains(asked)).collect();
        let first = after.iter().find(|(_, named)| named == model).expect("the model serves").0;
        eprintln!("{model} served {:?} after it was asked for", first - changed);
        assert!(first - changed < TAKES_OVER, "{:?}", first - changed);
        // Requests in flight at that moment may still name the one before; afterwards there is but one.
        assert_eq!(models(first + Duration::from_millis(500), until), [model]);
    };
    assert!(models(begun, promoted)[0] == shipped);
    settled(promoted - Duration::from_secs(1), rolled_back, better);
    settled(rolled_back, promoted_again, shipped);
    settled(promoted_again, told.last().unwrap().0, better);

    let listed = beside(folder, &["model", "list"]).to_string();
    assert!(listed.contains("the MCC is lower by more than 0.005") && listed.contains("by hand"), "{listed}");
}

#[tokio::test]
async fn a_damaged_model_is_found_by_name_with_the_mend() {
    let folder = folder();
    let folder = folder.path();
    let verify = |arguments: &[&str]| {
        let output = hamlet(folder).args(["model", "verify"]).args(arguments).output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), said(&output.stdout), said(&output.stderr))
    };
    assert_eq!(verify(&[]), (Some(0), "Model shipped is sound.\n".to_owned(), String::new()));
    let file = folder.join("copy.hamlet");
    let path = file.to_str().unwrap();
    assert!(hamlet(folder).args(["model", "export", "shipped", path]).status().unwrap().success());
    assert_eq!(verify(&[path]).0, Some(0));
    let id = beside(folder, &["model", "import", path])["id"].as_str().unwrap().to_owned();
    beside(folder, &["model", "promote", &id]);
    assert_eq!(verify(&["--all"]).0, Some(0));

    let whole = std::fs::read(&file).unwrap();
    let mut old = whole.clone();
    old[8] = 0;
    std::fs::write(&file, &old).unwrap();
    let (code, _, said) = verify(&[path]);
    assert!(code == Some(1) && said.contains("copy.hamlet") && said.contains("has format 0"), "{said}");
    let refused = hamlet(folder).args(["model", "import", path]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("train anew"), "{said}");

    // The disk bites into the store's own copy.
    let mut damaged = whole;
    damaged[9_000] ^= 1;
    let store = sqlx::SqlitePool::connect(folder.join("hamlet.db").to_str().unwrap()).await.unwrap();
    sqlx::query("UPDATE models SET bytes = ? WHERE id = ?").bind(damaged).bind(&id).execute(&store).await.unwrap();
    store.close().await;
    let (code, sound, said) = verify(&["--all"]);
    assert_eq!((code, sound.as_str()), (Some(1), "Model shipped is sound.\n"));
    assert!(said.contains(&id) && said.contains("checksum") && said.contains("hamlet model rollback"), "{said}");
    let (_, told, _) = verify(&["--json"]);
    assert!(told.contains(r#""is_sound":false"#), "{told}");
}

#[test]
fn a_card_is_shown_for_a_person() {
    let folder = folder();
    let shown = hamlet(folder.path()).args(["model", "show"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for part in ["model        shipped (serves)", "comments     ", "data         ", "licence: "] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}
