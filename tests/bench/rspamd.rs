//! The peer: an rspamd of its own, with Bayes on, as Debian's `rspamd` and `redis-server` install them.
//!
//! What would ask the network is switched off (there is none to ask); all other rules are as they come. It gets the same
//! comments as mails, and closes the connection after each answer, so a new one is made for each request, as its clients do.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Learned of each kind before it is asked: from 200 on its classifier speaks.
const LEARNED: usize = 256;

/// Modules that would ask the network, and those that turn away who comes twice.
const OFF: &str = "rbl surbl fuzzy_check spf dkim dkim_signing dmarc arc asn mx_check phishing url_redirector rspamd_update greylist \
                   ratelimit replies neural history_redis";

/// It compiles its expressions when it first starts.
const STARTING: Duration = Duration::from_secs(120);

pub struct Rspamd {
    redis: Child,
    process: Child,
    pub address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Rspamd {
    fn drop(&mut self) {
        // Its main process ends its workers, when it is asked to end.
        Command::new("kill").arg(self.process.id().to_string()).status().ok();
        self.process.wait().ok();
        self.redis.kill().ok();
        self.redis.wait().ok();
    }
}

/// A comment as a mail.
pub fn mail(author: &str, content: &str) -> String {
    format!(
        "From: \"{}\" <reader@example.com>\r\nTo: editor@example.org\r\nSubject: A comment\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n\
         Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{content}\r\n",
        author.replace(['"', '\\', '\r', '\n'], " ")
    )
}

pub fn request(path: &str, mail: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{mail}", mail.len()).into_bytes()
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn settings(folder: &Path, redis: SocketAddr, normal: SocketAddr, controller: SocketAddr) -> String {
    let folder = folder.display();
    let workers = std::thread::available_parallelism().unwrap();
    format!(
        ".include \"$CONFDIR/common.conf\"\n\
         options {{\n pidfile = \"{folder}/rspamd.pid\";\n .include \"$CONFDIR/options.inc\"\n dns {{ nameserver = [\"127.0.0.1:1\"]; timeout = 0.1; retransmits = 1; }}\n}}\n\
         logging {{ type = \"file\"; filename = \"{folder}/rspamd.log\"; level = \"error\"; }}\n\
         redis {{ servers = \"{redis}\"; }}\n\
         worker \"normal\" {{ bind_socket = \"{normal}\"; .include \"$CONFDIR/worker-normal.inc\"\n count = {workers}; }}\n\
         worker \"controller\" {{ bind_socket = \"{controller}\"; .include \"$CONFDIR/worker-controller.inc\"\n}}\n"
    )
}

impl Rspamd {
    /// Starts it and teaches it these comments, each of a kind as often as it takes.
    ///
    /// * `comments`: author, text and whether it is spam.
    pub async fn start(comments: &[(String, String, bool)]) -> Rspamd {
        let folder = tempfile::tempdir().unwrap();
        let (redis_at, address, controller) = (free(), free(), free());
        let redis = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &redis_at.port().to_string(), "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts; install Debian's `redis-server` and `rspamd`");
        std::fs::create_dir(folder.path().join("local.d")).unwrap();
        let bayes = format!("backend = \"redis\"; servers = \"{redis_at}\"; min_tokens = 1;\n");
        std::fs::write(folder.path().join("local.d/classifier-bayes.conf"), bayes).unwrap();
        for module in OFF.split(' ') {
            std::fs::write(folder.path().join(format!("local.d/{module}.conf")), "enabled = false;\n").unwrap();
        }
        let file = folder.path().join("rspamd.conf");
        std::fs::write(&file, settings(folder.path(), redis_at, address, controller)).unwrap();
        let mut command = Command::new("rspamd");
        command.args(["--no-fork", "--insecure", "--config"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        for name in ["DBDIR", "RUNDIR", "LOGDIR", "LOCAL_CONFDIR"] {
            command.arg("--var").arg(format!("{name}={}", folder.path().display()));
        }
        let process = command.spawn().expect("rspamd starts; install Debian's `rspamd`");
        let rspamd = Rspamd { redis, process, address, _folder: folder };
        let started = Instant::now();
        for at in [address, controller] {
            while ask(at, b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n").await.is_none() {
                assert!(started.elapsed() < STARTING, "rspamd was not ready within {STARTING:?}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        for number in 0..LEARNED {
            for (path, is_spam) in [("/learnspam", true), ("/learnham", false)] {
                let mut of_kind = comments.iter().filter(|(.., spam)| *spam == is_spam).cycle();
                let (author, content, _) = of_kind.nth(number % comments.len()).expect("comments of both kinds");
                // What it learned once it does not learn again.
                let text = format!("{content} This was number {number}, of {} sent on that day.", LEARNED + number);
                ask(controller, &request(path, &mail(author, &text))).await.expect("rspamd learns");
            }
        }
        rspamd.must_use_bayes(comments).await;
        rspamd
    }

    /// A peer whose classifier is silent would be no peer.
    async fn must_use_bayes(&self, comments: &[(String, String, bool)]) {
        let started = Instant::now();
        loop {
            let mut spoken = 0;
            for (author, content, _) in comments {
                let answer = ask(self.address, &request("/checkv2", &mail(author, content))).await.unwrap_or_default();
                spoken += usize::from(answer.contains("\"BAYES_"));
            }
            if spoken * 2 >= comments.len() {
                return println!("rspamd: Bayes spoke on {spoken} of {} comments", comments.len());
            }
            assert!(started.elapsed() < STARTING, "rspamd's Bayes spoke on {spoken} of {} comments", comments.len());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// One request by a connection of its own; the answer, with its head.
async fn ask(address: SocketAddr, request: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}
