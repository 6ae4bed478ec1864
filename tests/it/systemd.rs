//! The units that ship are ones that systemd accepts, and their times fit the settings.

use std::path::Path;
use std::process::Command;

const UNITS: [&str; 4] = ["hamlet.service", "hamlet.socket", "hamlet-train.service", "hamlet-train.timer"];
/// The most that `systemd-analyze security` may say of a service: 10 is open, 0 is shut.
const EXPOSURE_MAX: f64 = 2.0;

fn unit(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The values that the unit gives to `key`, in order.
fn values(unit: &str, key: &str) -> Vec<String> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned).collect()
}

/// The last value that the daemon's unit gives to `key`.
fn value(key: &str) -> String {
    values(&unit("hamlet.service"), key).pop().unwrap_or_else(|| panic!("the unit does not set {key}"))
}

#[test]
fn systemd_has_nothing_to_say_about_the_units() {
    // systemd-analyze wants the program to exist where the unit says, and a timer's service beside it.
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in UNITS {
        let installed = unit(name).replace("/usr/local/bin/hamlet", env!("CARGO_BIN_EXE_hamlet"));
        let is_program = installed.contains(env!("CARGO_BIN_EXE_hamlet"));
        assert!(is_program || name.ends_with(".timer") || name.ends_with(".socket"), "{name} starts another program");
        files.push(folder.path().join(name));
        std::fs::write(files.last().unwrap(), installed).unwrap();
    }
    let analysis = match Command::new("systemd-analyze").arg("verify").args(&files).output() {
        Ok(analysis) => analysis,
        Err(error) => {
            eprintln!("skipped: systemd-analyze cannot be run here ({error}); tests/run installs it");
            return;
        }
    };
    let said = String::from_utf8_lossy(&analysis.stderr);
    // Units of the machine itself may be complained of; only ours count.
    let about_us: Vec<&str> = said.lines().filter(|line| UNITS.iter().any(|name| line.contains(name))).collect();
    assert!(analysis.status.success() && about_us.is_empty(), "{said}");
}

#[test]
fn the_services_are_shut_in() {
    let folder = tempfile::tempdir().unwrap();
    for name in UNITS.iter().filter(|name| name.ends_with(".service")) {
        let file = folder.path().join(name);
        std::fs::write(&file, unit(name).replace("/usr/local/bin/hamlet", env!("CARGO_BIN_EXE_hamlet"))).unwrap();
        let analysis = match Command::new("systemd-analyze").args(["security", "--offline=true"]).arg(&file).output() {
            Ok(analysis) => String::from_utf8(analysis.stdout).unwrap(),
            Err(error) => {
                eprintln!("skipped: systemd-analyze cannot be run here ({error}); tests/run installs it");
                return;
            }
        };
        let exposure = analysis.lines().find_map(|line| line.split_once("Overall exposure level for"));
        let exposure: f64 =
            exposure.unwrap_or_else(|| panic!("{analysis}")).1.split_whitespace().nth(1).unwrap().parse().unwrap();
        assert!(exposure <= EXPOSURE_MAX, "{name}: {exposure}");
    }
}

#[test]
fn the_socket_is_where_the_daemon_would_listen_and_the_daemon_is_never_given_up() {
    let socket = unit("hamlet.socket");
    let config = hamlet::config::Config::load(hamlet::config::Sources {
        environment: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
        ..Default::default()
    });
    assert_eq!(values(&socket, "ListenStream"), [config.unwrap().listen.to_string()]);
    assert_eq!(values(&socket, "Accept"), Vec::<String>::new(), "one daemon takes all connections");
    assert_eq!(value("StartLimitIntervalSec"), "0");
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
    // A training that the kernel ends does not take the daemon along, and may lower its own priority.
    assert_eq!(value("OOMPolicy"), "continue");
    assert!(!value("SystemCallFilter").contains("@resources"));
}

#[test]
fn a_training_works_on_the_daemons_data_as_its_user_and_is_shut_in_as_well() {
    let training = unit("hamlet-train.service");
    assert_eq!(values(&training, "ExecStart"), ["/usr/local/bin/hamlet train --labels"]);
    assert_eq!(values(&training, "Type"), ["oneshot"]);
    for key in ["User", "DynamicUser", "StateDirectory", "StateDirectoryMode", "UMask"] {
        assert_eq!(values(&training, key), [value(key)], "{key}");
    }
    // What shuts the daemon in shuts the training in, which needs no network besides.
    let daemon = unit("hamlet.service");
    let (_, shut_in) = daemon.split_once("NoNewPrivileges").unwrap();
    let same = shut_in.lines().filter_map(|line| line.split_once('=')).map(|(key, _)| key);
    for key in same.filter(|key| !["", "RestrictAddressFamilies", "WantedBy"].contains(key) && !key.starts_with('#')) {
        assert_eq!(values(&training, key), values(&daemon, key), "{key}");
    }
    assert_eq!(values(&training, "PrivateNetwork"), ["yes"]);
}
