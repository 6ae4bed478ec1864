//! A PostgreSQL server of the tests' own, from the installed binaries: never one that somebody else runs.
//!
//! One for each test process, in a temporary folder, reached by a socket there; each test has a database of its own. It goes
//! when the process goes, however that ends: a keeper holds the other end of a pipe.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs on until the pipe to the test process breaks, then stops the server and takes the folder away.
const KEEPER: &str =
    r#"trap '' INT TERM HUP; read -r _; "$1/pg_ctl" -D "$2/data" stop -m immediate >/dev/null 2>&1; rm -rf "$2""#;

/// Of the role `hamlet`, which owns all of the server.
pub const PASSWORD: &str = "geheim";

static SHARED: LazyLock<Server> = LazyLock::new(|| Server::start(&[]));

/// The URL of a fresh, empty database on the server that all tests share.
pub fn fresh_database() -> String {
    let name = SHARED.fresh_database();
    SHARED.url(&name)
}

/// The server that all tests share.
pub fn shared() -> &'static Server {
    &SHARED
}

/// A server, and whose it is.
#[derive(Debug)]
pub struct Server {
    binaries: PathBuf,
    folder: PathBuf,
    pub port: u16,
    /// `initdb` and `postgres` refuse to run as root.
    owner: Option<(u32, u32)>,
    _keeper: Child,
}

impl Server {
    /// Starts one; `settings` are lines of its `postgresql.conf`.
    pub fn start(settings: &[&str]) -> Server {
        let binaries = binaries();
        let folder = tempfile::Builder::new().prefix("hamlet-pg-").tempdir().unwrap().keep();
        let owner = owner();
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group)).unwrap();
        }
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(&binaries).arg(&folder);
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let keeper = as_owner(&mut keeper, owner, &folder).spawn().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Server { binaries, folder, port, owner, _keeper: keeper };

        let password = server.folder.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if let Some((user, group)) = owner {
            chown(&password, Some(user), Some(group)).unwrap();
        }
        let data = server.data();
        let password = format!("--pwfile={}", password.display());
        server.run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                "hamlet",
                &password,
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
        );
        let conf = server.folder.join("data/postgresql.conf");
        let mut text = std::fs::read_to_string(&conf).unwrap();
        let folder = server.folder.display();
        text.push_str(&format!(
            "\nlisten_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{folder}'\nmax_connections = 300\n\
             shared_buffers = 64MB\nautovacuum_naptime = 5s\n"
        ));
        for line in settings {
            text.push_str(line);
            text.push('\n');
        }
        std::fs::write(&conf, text).unwrap();
        server.start_again();
        server
    }

    /// After [`Server::stop`].
    pub fn start_again(&self) {
        let log = self.folder.join("log").display().to_string();
        self.run("pg_ctl", &["-D", &self.data(), "-l", &log, "-w", "-t", "60", "start"]);
    }

    /// * `mode`: `fast` ends every session, `immediate` is a crash.
    pub fn stop(&self, mode: &str) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-t", "60", "-m", mode, "stop"]);
    }

    pub fn fresh_database(&self) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// By the socket.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://hamlet@localhost:{}/{database}?host={}", self.port, self.folder.display())
    }

    /// By TCP, where a password is asked for.
    pub fn tcp_url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// What `psql` prints for `sql`: rows of values.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let port = self.port.to_string();
        let folder = self.folder.display().to_string();
        self.run(
            "psql",
            &["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", &folder, "-p", &port, "-U", "hamlet", "-c", sql, database],
        )
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives a file to whom the server runs as.
    pub fn give(&self, file: &Path) {
        if let Some((user, group)) = self.owner {
            chown(file, Some(user), Some(group)).unwrap();
        }
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(self.binaries.join(program));
        // To a file and not a pipe, which the server would keep open for ever.
        let said = self.folder.join(format!("said-{program}"));
        let said = (program == "pg_ctl").then_some(said);
        command.args(args).stdin(Stdio::null());
        let output = match &said {
            Some(file) => {
                let out = std::fs::File::create(file).unwrap();
                command.stdout(out.try_clone().unwrap()).stderr(out);
                as_owner(&mut command, self.owner, &self.folder)
                    .status()
                    .map(|status| (status, String::new(), String::new()))
            }
            None => as_owner(&mut command, self.owner, &self.folder).output().map(|output| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (output.status, text(&output.stdout), text(&output.stderr))
            }),
        };
        let (status, out, err) = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(
            status.success(),
            "{program} {args:?}: {status}\n{err}{}",
            if said.is_some() { log() } else { String::new() }
        );
        out.trim_end().to_owned()
    }
}

/// Where `initdb` is: Debian keeps it off the path.
fn binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).collect())
        .unwrap_or_default();
    found.sort_by_key(|bin| bin.parent().and_then(|version| version.file_name()?.to_str()?.parse::<u32>().ok()));
    found.reverse();
    let named = Command::new("pg_config").arg("--bindir").output().ok();
    found.extend(named.map(|said| PathBuf::from(String::from_utf8_lossy(&said.stdout).trim())));
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    found.into_iter().find(|bin| bin.join("initdb").is_file()).expect(
        "the tests need the PostgreSQL server's programs (initdb, pg_ctl, psql); install Debian's `postgresql`, as tests/run does",
    )
}

/// Root hands over to the user whom Debian's package makes.
fn owner() -> Option<(u32, u32)> {
    if !is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line =
        users.lines().find(|line| line.starts_with("postgres:")).expect("root runs the server as user `postgres`");
    let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

fn as_owner<'c>(command: &'c mut Command, owner: Option<(u32, u32)>, folder: &Path) -> &'c mut Command {
    command.current_dir(folder).env_remove("PGOPTIONS").env_remove("PGSERVICE");
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}
