//! What benches of the whole daemon share: starting it, asking it, and requests that are ready to be sent.

#![allow(dead_code, reason = "no bench uses all of it")]

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A daemon on a folder of its own; both go when it is dropped.
pub struct Hamlet {
    process: Child,
    pub address: SocketAddr,
    folder: tempfile::TempDir,
    store: String,
}

impl Drop for Hamlet {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Hamlet {
    /// Makes the sites, starts the daemon in this environment and waits until it is ready; also the sites' keys.
    pub async fn start(store: &str, environment: &[(&str, &str)], sites: &[&str]) -> (Hamlet, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let command = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_hamlet"));
            command.env("HAMLET_DATA_DIR", folder.path()).env("HAMLET_LOG__LEVEL", "error").args(["--store", store]);
            command.envs(environment.iter().copied());
            command
        };
        let site = |name: &&str| {
            let url = format!("http://{name}.example/");
            let done = command().args(["site", "add", name, "--url", &url, "--json"]).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
            let site: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
            site["api_key"].as_str().unwrap().to_owned()
        };
        let keys = sites.iter().map(site).collect();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut serve = command();
        serve.args(["serve", "--listen", &address.to_string()]).stdout(Stdio::null());
        let process = serve.spawn().unwrap();
        let hamlet = Hamlet { process, address, store: store.to_owned(), folder };
        let started = Instant::now();
        while get(address, "/readyz", "").await.is_none_or(|(status, _)| status != 200) {
            assert!(started.elapsed() < Duration::from_secs(30), "hamlet was not ready within 30 s");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (hamlet, keys)
    }

    /// Runs a command beside it.
    pub fn beside(&self, words: &[&str]) -> serde_json::Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hamlet"));
        command.env("HAMLET_DATA_DIR", self.folder.path()).env("HAMLET_WEBHOOKS__ALLOW_PRIVATE_ADDRESSES", "true");
        let done = command.args(["--store", &self.store]).args(words).arg("--json").output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    }

    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
    }

    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).map_or(0, Iterator::count)
    }

    /// Comments that wait for a verdict, as the daemon last saw it.
    pub async fn depth(&self) -> Option<u64> {
        get(self.address, "/readyz", "").await?.1["queue"]["decisions"].as_u64()
    }

    /// Seconds until no comment waits for a verdict any more.
    pub async fn catch_up(&self) -> f64 {
        let started = Instant::now();
        while self.depth().await != Some(0) {
            assert!(started.elapsed() < Duration::from_secs(120), "the queue does not empty");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        started.elapsed().as_secs_f64()
    }

    /// Comments of the site with this key that were judged.
    pub async fn checked(&self, key: &str) -> u64 {
        let (_, stats) = get(self.address, "/v1/stats", key).await.unwrap();
        stats["totals"]["checked"].as_u64().unwrap()
    }
}

/// Status and JSON, by a connection of its own.
pub async fn get(address: SocketAddr, path: &str, key: &str) -> Option<(u16, serde_json::Value)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let bearer = if key.is_empty() { String::new() } else { format!("Authorization: Bearer {key}\r\n") };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{bearer}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Answer::default();
    answer.read(&mut stream).await.ok()?;
    Some((answer.status, serde_json::from_slice(answer.body()).unwrap_or_default()))
}

/// A request that posts a comment.
pub fn post(path: &str, key: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The built-in comments, as JSON that `POST /v1/comments` takes.
pub fn comments() -> Vec<serde_json::Value> {
    let comment = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        serde_json::json!({
            "content": row["content"], "permalink": "http://localhost/post/1",
            "author": {"name": row["author"], "ip": "127.0.0.1", "user_agent": "Mozilla/5.0 Firefox/128.0"},
        })
    };
    include_str!("../comments.jsonl").lines().map(comment).collect()
}

/// One answer, as it came in.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// Seconds that the daemon asks to wait.
    pub retry_after: Option<u32>,
    bytes: Vec<u8>,
    body_at: usize,
}

impl Answer {
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }

    pub async fn read(&mut self, stream: &mut TcpStream) -> std::io::Result<()> {
        self.bytes.clear();
        let end = loop {
            if let Some(end) = self.bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(&mut self.bytes).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8_lossy(&self.bytes[..end]).into_owned();
        let field = |wanted: &str| {
            let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
            fields
                .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .find_map(|(_, value)| value.trim().parse().ok())
        };
        self.status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        self.retry_after = field("retry-after");
        self.body_at = end + 4;
        let length = field("content-length").unwrap_or(0) as usize;
        while self.bytes.len() < self.body_at + length {
            if stream.read_buf(&mut self.bytes).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

/// The value below which this share of a sorted list lies; 0 of an empty one.
pub fn at(sorted: &[f64], share: f64) -> f64 {
    sorted.get((sorted.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(0.0)
}
