//! The data folder: whose it is, who may look into it, and whether there is room.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::{Findings, bytes};

/// Below this much free space nothing should be relied upon: a write-ahead log alone grows to some 30 MiB.
const LEAST_FREE: u64 = 256 << 20;
/// Below this much it is time to think of more.
const LITTLE_FREE: u64 = 2 << 30;

pub(super) fn check(findings: &mut Findings, folder: &Path) {
    let shown = folder.display();
    let found = match fs::metadata(folder) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => return findings.error("folder", format!("{shown} is no folder"), "name another with --data-dir"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mend = "the first `hamlet serve` makes it; if there is data elsewhere, name its folder with --data-dir";
            return findings.warning("folder", format!("{shown} does not exist yet"), mend);
        }
        Err(error) => {
            return findings.error(
                "folder",
                format!("{shown} cannot be looked at: {error}"),
                "run this as Hamlet's user",
            );
        }
    };
    let me = rustix::process::geteuid();
    if !me.is_root() && found.uid() != me.as_raw() {
        findings.error(
            "folder",
            format!("{shown} belongs to user {}, and this is user {}", found.uid(), me.as_raw()),
            format!(
                "run this as Hamlet's user or as root, or `chown -R` the folder if user {} is to run Hamlet",
                me.as_raw()
            ),
        );
    }
    let open = |mode: u32| mode & 0o007 != 0;
    let mode = found.permissions().mode() & 0o777;
    let files = open_files(folder);
    if open(mode) && !files.is_empty() {
        findings.error(
            "folder",
            format!("every user of this machine can read comments: {} in {shown} (mode {mode:03o})", files.join(", ")),
            format!("chmod 700 {shown}"),
        );
    } else if open(mode) {
        findings.warning(
            "folder",
            format!("{shown} is open to every user of this machine (mode {mode:03o})"),
            format!("chmod 700 {shown}"),
        );
    } else {
        findings.ok("folder", format!("{shown} is closed to other users (mode {mode:03o})"));
    }
    room(findings, folder);
}

/// Files in the folder that others may read.
fn open_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_open = |entry: &fs::DirEntry| {
        entry.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o004 != 0)
    };
    let mut names: Vec<String> =
        entries.flatten().filter(is_open).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| name.contains(".db"));
    names.sort();
    names
}

fn room(findings: &mut Findings, folder: &Path) {
    let Ok(found) = rustix::fs::statvfs(folder) else { return };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let fact = format!("{} are free where the data is", bytes(free));
    let mend = "make room: when the disk is full, nothing more is accepted";
    match free {
        ..LEAST_FREE => findings.error("disk", fact, mend),
        LEAST_FREE..LITTLE_FREE => findings.warning("disk", fact, mend),
        _ => findings.ok("disk", fact),
    }
    if found.f_files > 0 && found.f_favail < 100 {
        findings.error("disk", "no more files can be made where the data is (inodes are used up)", "delete some files");
    }
}
