//! The receivers that the documentation gives as examples, run as they stand: they believe what Hamlet sends and nothing
//! else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hamlet::clock::Clock;
use hamlet::event::Event;
use hamlet::random;
use hamlet::webhook::{Allow, Client, Message, Outcome, Settings};
use jiff::SignedDuration;

use crate::receiver::{Receiver, Told};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/receivers").join(name)
}

fn client() -> Client {
    Client::new(Settings { allow: Allow::All, ..Settings::default() }).unwrap()
}

/// Sends a test event, signed with `secrets`, as of so many minutes ago.
async fn send(url: &str, id: &str, secrets: &[&str], minutes_ago: i64) -> Outcome {
    let now = Clock::System.now() - SignedDuration::from_mins(minutes_ago);
    let body = Event::test("news", now).body();
    let secrets = secrets.iter().map(|secret| secret.parse().unwrap()).collect();
    client().send(url, Message { id: id.to_owned(), body, secrets }, now).await
}

/// `receiver.py` on a port of its own, until it is dropped.
struct Python {
    process: Child,
    url: String,
    out: BufReader<std::process::ChildStdout>,
}

impl Python {
    fn listening(secrets: &str) -> Python {
        let mut process = Command::new("python3")
            .arg(example("receiver.py"))
            .arg("0")
            .env("HAMLET_SECRET", secrets)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).to_owned();
        Python { process, url, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn the_python_receiver_believes_hamlet_and_nobody_else() {
    let (secret, old, other) = (random::webhook_secret(), random::webhook_secret(), random::webhook_secret());
    let mut python = Python::listening(&format!("{secret} {old}"));
    let status =
        async |id: &str, secrets: &[&str], minutes_ago| send(&python.url, id, secrets, minutes_ago).await.status;
    assert_eq!(status("msg_1", &[&secret], 0).await, Some(204));
    assert_eq!(status("msg_2", &[&other, &old], 0).await, Some(204), "one of several signatures is enough");
    assert_eq!(status("msg_1", &[&secret], 0).await, Some(204), "known: arrived, and not done twice");
    assert_eq!(status("msg_3", &[&other], 0).await, Some(401));
    assert_eq!(status("msg_4", &[&secret], 6).await, Some(401));
    assert_eq!(status("msg_5", &[&secret], -6).await, Some(401));
    // The bytes of one message under the signature of another.
    let cms = Receiver::listening().await;
    send(&cms.url(), "msg_6", &[&secret], 0).await;
    let told = cms.told().remove(0);
    let tampered = curl(&python.url, &told, "{\"type\":\"delivery.test\",\"data\":{}}");
    assert_eq!(tampered, "401");
    assert_eq!(curl(&python.url, &told, std::str::from_utf8(&told.body).unwrap()), "204");
    for _ in 0..3 {
        assert!(python.line().starts_with("delivery.test"));
    }
}

/// Posts `body` under the headers of a message that was told; the status.
fn curl(url: &str, told: &Told, body: &str) -> String {
    let mut command = Command::new("curl");
    command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--data-binary", body, url]);
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        command.args(["-H", &format!("{name}: {}", told.header(name))]);
    }
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// Runs `verify.sh`: whether it believes, and what it prints.
fn verify(secret: &str, told: &Told, body: &[u8]) -> (bool, Vec<u8>) {
    let mut process = Command::new("sh")
        .arg(example("verify.sh"))
        .args([secret, told.header("webhook-id"), told.header("webhook-timestamp"), told.header("webhook-signature")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It need not read what it does not believe.
    let _ = process.stdin.take().unwrap().write_all(body);
    let output = process.wait_with_output().unwrap();
    (output.status.success(), output.stdout)
}

#[tokio::test]
async fn the_shell_receiver_believes_hamlet_and_nobody_else() {
    let (secret, other) = (random::webhook_secret(), random::webhook_secret());
    let cms = Receiver::listening().await;
    send(&cms.url(), "msg_1", &[&other, &secret], 0).await;
    send(&cms.url(), "msg_2", &[&secret], 6).await;
    let [fresh, stale] = cms.told_at_least(2).await.try_into().unwrap();
    assert_eq!(verify(&secret, &fresh, &fresh.body), (true, fresh.body.to_vec()));
    assert!(!verify(&random::webhook_secret(), &fresh, &fresh.body).0);
    assert!(!verify(&secret, &fresh, &[&fresh.body[..], b"\n"].concat()).0, "one byte more");
    assert!(!verify(&secret, &stale, &stale.body).0);
}
