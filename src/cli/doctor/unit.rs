//! The systemd unit, where there is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Findings;

/// Where units are looked for; the first wins, as systemd has it.
const FOLDERS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];
/// As the program ships it.
const SHIPPED: &str = include_str!("../../../systemd/hamlet.service");

pub(super) fn check(findings: &mut Findings) {
    let files = FOLDERS.iter().map(|folder| Path::new(folder).join("hamlet.service"));
    let Some(file) = files.into_iter().find(|file| file.exists()) else {
        return findings
            .ok("unit", "Hamlet is not installed as a service of systemd (systemd/hamlet.service is the unit)");
    };
    let shown = file.display();
    let Ok(text) = fs::read_to_string(&file) else {
        return findings.warning("unit", format!("{shown} cannot be read"), "run this as root");
    };
    match program(&text) {
        Some(program) if !program.exists() => findings.error(
            "unit",
            format!("{shown} starts {}, which does not exist", program.display()),
            "copy the program there, or mend ExecStart",
        ),
        _ if weaker(&text).is_empty() => {
            findings.ok("unit", format!("{shown} shuts the daemon in as the shipped one does"));
        }
        _ => findings.warning(
            "unit",
            format!("{shown} lacks what the shipped unit has: {}", weaker(&text).join(", ")),
            "copy the shipped unit again, and keep what is your own in `systemctl edit hamlet`",
        ),
    }
    let asked = ["ActiveState", "UnitFileState", "NRestarts", "NeedDaemonReload"].join(",");
    let asked = Command::new("systemctl").args(["show", "hamlet.service", "--property", &asked]).output();
    match asked {
        Ok(said) if said.status.success() => state(findings, &String::from_utf8_lossy(&said.stdout)),
        // A container without systemd running, or a user who may not ask.
        _ => findings.ok("unit", "systemd cannot be asked how it is doing"),
    }
}

/// The program that ExecStart names.
fn program(unit: &str) -> Option<PathBuf> {
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    Some(PathBuf::from(line.trim_start_matches(['-', '@', '+', '!', ':']).split_whitespace().next()?))
}

/// Keys of the shipped unit that this one does not set.
fn weaker(unit: &str) -> Vec<&'static str> {
    let key = |line: &'static str| line.split_once('=').map(|(key, _)| key);
    let has = |key: &str| unit.lines().any(|line| line.split_once('=').is_some_and(|(found, _)| found == key));
    let of_ours = SHIPPED.lines().filter(|line| !line.starts_with('#')).filter_map(key);
    let mut lacking: Vec<&str> = of_ours.filter(|key| !has(key)).collect();
    lacking.dedup();
    lacking
}

/// Judges what `systemctl show` prints.
fn state(findings: &mut Findings, shown: &str) {
    let value = |key: &str| shown.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or("");
    match value("ActiveState") {
        "active" | "reloading" => findings.ok("unit", "is active"),
        state => {
            let fact = format!("is {}", if state.is_empty() { "unknown to systemd" } else { state });
            findings.warning("unit", fact, "`systemctl start hamlet`; `journalctl -u hamlet` says why it stopped");
        }
    }
    if value("UnitFileState") == "disabled" {
        findings.warning("unit", "does not start with the machine", "systemctl enable hamlet");
    }
    if value("NeedDaemonReload") == "yes" {
        findings.warning("unit", "was changed on disk since systemd read it", "systemctl daemon-reload");
    }
    if let Some(restarts) = value("NRestarts").parse::<u32>().ok().filter(|restarts| *restarts > 0) {
        let fact = format!("was restarted {restarts} times since it was started by hand");
        findings.warning("unit", fact, "`journalctl -u hamlet` says why");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    #[test]
    fn a_unit_is_held_against_the_shipped_one() {
        assert_eq!(weaker(SHIPPED), Vec::<&str>::new());
        assert_eq!(program(SHIPPED), Some(PathBuf::from("/usr/local/bin/hamlet")));
        let old = SHIPPED.lines().filter(|line| !line.starts_with("LockPersonality")).collect::<Vec<_>>().join("\n");
        assert_eq!(weaker(&old), ["LockPersonality"]);
    }

    #[test]
    fn what_systemd_says_is_judged() {
        let levels = |shown: &str| {
            let mut findings = Findings::default();
            state(&mut findings, shown);
            findings.0.iter().map(|found| found.level).collect::<Vec<_>>()
        };
        let well = "ActiveState=active\nUnitFileState=enabled\nNRestarts=0\nNeedDaemonReload=no\n";
        assert_eq!(levels(well), [Level::Ok]);
        assert_eq!(levels("ActiveState=failed\nUnitFileState=disabled\nNRestarts=3"), [Level::Warning; 3]);
    }
}
