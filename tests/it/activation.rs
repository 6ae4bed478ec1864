//! The daemon under a service manager: sockets that are handed over, and a watchdog that hears of progress alone.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::daemon::{LOG, folder, get};

/// Ended when the test is.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Sets a sign when the test is over, however it ends.
struct Sign(Arc<AtomicBool>);

impl Drop for Sign {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Ended {
    fn terminate(&mut self) -> Option<i32> {
        Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        self.0.wait().unwrap().code()
    }
}

/// Starts the daemon as systemd does: the socket is file 3, and the variables name the process.
fn with_socket(folder: &Path, socket: &TcpListener) -> Ended {
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"", "sh"])
        .args([env!("CARGO_BIN_EXE_hamlet"), "serve", "--listen", "127.0.0.1:1"])
        .env("HAMLET_DATA_DIR", folder)
        .env_remove("HAMLET_CONFIG")
        .stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap())))
        .stdout(Stdio::null())
        .stderr(File::options().create(true).append(true).open(folder.join(LOG)).unwrap());
    Ended(command.spawn().unwrap())
}

async fn until_ready(address: SocketAddr, folder: &Path) {
    let started = Instant::now();
    while get(address, "/readyz", "").await.is_none_or(|(status, _)| status != 200) {
        let log = || std::fs::read_to_string(folder.join(LOG)).unwrap_or_default();
        assert!(started.elapsed() < Duration::from_secs(30), "not ready within 30 s: {}", log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The address in the settings cannot be had by this user or is not asked for: the socket's counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_under_load_refuses_no_connection() {
    let folder = folder();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut daemon = with_socket(folder.path(), &socket);
    until_ready(address, folder.path()).await;

    let (is_over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let sign = Sign(Arc::clone(&is_over));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (is_over, answered) = (Arc::clone(&is_over), Arc::clone(&answered));
            // Each request has a connection of its own: it is connecting that must not fail.
            std::thread::spawn(move || {
                let mut lost = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    match healthy(address) {
                        Ok(()) => {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => lost.push(error),
                    }
                }
                lost
            })
        })
        .collect();
    for _ in 0..3 {
        let before = answered.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(daemon.terminate(), Some(0), "finished what was in hand");
        daemon = with_socket(folder.path(), &socket);
        until_ready(address, folder.path()).await;
        assert!(answered.load(Ordering::Relaxed) > before, "the load goes on");
    }
    drop(sign);
    let lost: Vec<String> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    assert!(lost.is_empty(), "{} of {} were lost: {:?}", lost.len(), answered.load(Ordering::Relaxed), lost.first());
    assert_eq!(daemon.terminate(), Some(0));
    let log = std::fs::read_to_string(folder.path().join(LOG)).unwrap();
    assert!(log.contains(&format!("address={address}")), "the socket's address is told: {log}");
}

/// One request on a connection of its own, answered in time.
fn healthy(address: SocketAddr) -> Result<(), String> {
    use std::io::{Read as _, Write as _};
    let told = |step: &str, error: std::io::Error| format!("{step}: {error}");
    let mut stream = std::net::TcpStream::connect(address).map_err(|error| told("connect", error))?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let request = "GET /healthz HTTP/1.1\r\nHost: hamlet\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).map_err(|error| told("write", error))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| told("read", error))?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("answer: {answer}")) }
}

/// systemd's own tool, where it is installed.
#[tokio::test]
async fn systemds_own_tool_hands_a_socket_over() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = folder();
    let log = File::options().create(true).append(true).open(folder.path().join(LOG)).unwrap();
    let started = Command::new("systemd-socket-activate")
        .args(["--listen", &address.to_string(), "--setenv", &format!("HAMLET_DATA_DIR={}", folder.path().display())])
        .args([env!("CARGO_BIN_EXE_hamlet"), "serve"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    let _daemon = match started {
        Ok(child) => Ended(child),
        Err(error) => {
            eprintln!("skipped: systemd-socket-activate cannot be run here ({error})");
            return;
        }
    };
    until_ready(address, folder.path()).await;
}

#[test]
fn a_socket_of_another_kind_is_refused_with_the_mend() {
    let folder = folder();
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let output = Command::new("sh")
        .args(["-c", "exec 3<&0; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"", "sh"])
        .args([env!("CARGO_BIN_EXE_hamlet"), "serve"])
        .env("HAMLET_DATA_DIR", folder.path())
        .stdin(Stdio::from(OwnedFd::from(ours)))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("ListenStream="), "{said}");
}

/// What the daemon tells the service manager until `time` is over, a line each.
fn told(manager: &UnixDatagram, time: Duration) -> Vec<String> {
    let (started, mut lines) = (Instant::now(), Vec::new());
    let mut bytes = [0; 1024];
    while let Some(rest) = time.checked_sub(started.elapsed()).filter(|rest| !rest.is_zero()) {
        manager.set_read_timeout(Some(rest)).unwrap();
        let Ok(length) = manager.recv(&mut bytes) else { break };
        lines.extend(String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned));
    }
    lines
}

#[tokio::test]
async fn the_watchdog_hears_of_progress_and_not_of_a_store_that_hangs() {
    let folder = folder();
    let path = folder.path().join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    let log = File::options().create(true).append(true).open(folder.path().join(LOG)).unwrap();
    // systemd says whose watchdog it is.
    let mut daemon = Command::new("sh");
    daemon.args(["-c", "export WATCHDOG_PID=$$; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_hamlet"), "serve"]);
    daemon.args(["--listen", "127.0.0.1:0"]).env("HAMLET_DATA_DIR", folder.path());
    daemon.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000");
    // A writer that waits this long for another process hangs, as far as anybody can tell.
    daemon.env("HAMLET_STORE__BUSY_TIMEOUT_MS", "600000").stdout(Stdio::null()).stderr(log);
    let mut daemon = Ended(daemon.spawn().unwrap());
    let pings = |lines: &[String]| lines.iter().filter(|line| *line == "WATCHDOG=1").count();
    let started = Instant::now();
    let mut lines = Vec::new();
    while pings(&lines) < 3 {
        lines.extend(told(&manager, Duration::from_millis(300)));
        assert!(started.elapsed() < Duration::from_secs(30), "{lines:?}");
    }
    assert_eq!(lines.first().map(String::as_str), Some("READY=1"), "{lines:?}");

    let url = format!("sqlite://{}", folder.path().join("hamlet.db").display());
    let mut conn = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
    // What was asked before may still be answered.
    told(&manager, Duration::from_millis(500));
    let lines = told(&manager, Duration::from_secs(2));
    assert_eq!(pings(&lines), 0, "{lines:?}");
    let log = std::fs::read_to_string(folder.path().join(LOG)).unwrap();
    assert_eq!(log.matches("no progress").count(), 1, "{log}");
    sqlx::query("ROLLBACK").execute(&mut conn).await.unwrap();
    let lines = told(&manager, Duration::from_secs(3));
    assert!(pings(&lines) > 3, "all goes on by itself: {lines:?}");
    assert_eq!(daemon.terminate(), Some(0));
    assert!(told(&manager, Duration::from_millis(200)).contains(&"STOPPING=1".to_owned()));
}
