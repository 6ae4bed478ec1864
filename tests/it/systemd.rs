//! The unit that ships is one that systemd accepts, and its times fit the settings.

use std::path::Path;
use std::process::Command;

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/hamlet.service");
    std::fs::read_to_string(path).unwrap()
}

/// The last value that the unit gives to `key`.
fn value(key: &str) -> String {
    let unit = unit();
    let line = unit.lines().rev().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned);
    line.unwrap_or_else(|| panic!("the unit does not set {key}"))
}

#[test]
fn systemd_has_nothing_to_say_about_the_unit() {
    // systemd-analyze wants the program to exist where the unit says.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hamlet.service");
    let installed = unit().replace("/usr/local/bin/hamlet", env!("CARGO_BIN_EXE_hamlet"));
    assert!(installed.contains(env!("CARGO_BIN_EXE_hamlet")), "the unit starts another program");
    std::fs::write(&file, installed).unwrap();
    let analysis = match Command::new("systemd-analyze").arg("verify").arg(&file).output() {
        Ok(analysis) => analysis,
        Err(error) => {
            eprintln!("skipped: systemd-analyze cannot be run here ({error}); tests/run installs it");
            return;
        }
    };
    let said = String::from_utf8_lossy(&analysis.stderr);
    // Units of the machine itself may be complained of; only ours counts.
    let about_us: Vec<&str> = said.lines().filter(|line| line.contains("hamlet.service")).collect();
    assert!(analysis.status.success() && about_us.is_empty(), "{said}");
}

#[test]
fn systemd_waits_longer_than_the_daemon_drains() {
    let config = hamlet::config::Config::load(hamlet::config::Sources {
        environment: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
        ..Default::default()
    });
    let stop: u64 = value("TimeoutStopSec").parse().unwrap();
    // The daemon gives its last writes five seconds beyond the drain.
    assert!(stop > config.unwrap().http.drain.as_secs() + 5);
}

#[test]
fn the_unit_speaks_with_the_daemon() {
    assert_eq!(value("Type"), "notify");
    assert_eq!(value("ExecReload"), "/bin/kill -HUP $MAINPID");
    assert_eq!(value("StateDirectory"), "hamlet");
    assert_eq!(value("Restart"), "on-failure");
}
