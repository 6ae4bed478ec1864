//! Allow and block lists in plain files: read line by line, and read again when they change.
//!
//! Owns what may be wrong with such a file, and that nothing wrong with it takes away what was read of it before. Does not
//! own how a line is written (`lists::formats`) nor when files are looked at (`daemon`).

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;

use crate::lists::formats::Format;
use crate::lists::{List, Put};
use crate::site::{ListEntry, ListKind, ListPattern};

/// Longest line, bytes; what is longer is no entry and is not held.
pub const LINE_BYTES: usize = 4_096;
/// Longest file, bytes: some ten million domains.
pub const FILE_BYTES: u64 = 256 << 20;
/// Bad lines that are told one by one.
pub const MOST_TOLD: usize = 10;
/// Lines by which a format is told.
const SAMPLE_BYTES: u64 = 16 << 10;

/// What was found in a file besides its entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub lines: u64,
    /// Entries for what an earlier line spoke of already.
    pub duplicates: u64,
    pub bad: u64,
    /// The first bad lines.
    pub told: Vec<BadLine>,
    /// The last line does not end: somebody is still writing, or the disk was full.
    pub is_cut: bool,
}

/// A line that is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub line: u64,
    pub why: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.why)
    }
}

impl Findings {
    pub fn bad(&mut self, line: u64, why: impl Into<String>) {
        self.bad += 1;
        if self.told.len() < MOST_TOLD {
            self.told.push(BadLine { line, why: why.into() });
        }
    }
}

/// What an entry is where its line does not say it.
pub fn given(now: Timestamp) -> ListEntry {
    ListEntry {
        list: ListKind::Block,
        pattern: ListPattern::Phrase(String::new()),
        reason: String::new(),
        added_by: String::new(),
        added_at: now,
        expires_at: None,
    }
}

/// The format that a file is written in, by how it begins.
pub fn format_of(path: &Path) -> io::Result<Format> {
    let mut bytes = Vec::new();
    File::open(path)?.take(SAMPLE_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // The last line may be cut by the sample.
    let is_whole = (bytes.len() as u64) < SAMPLE_BYTES;
    let lines = if is_whole { &*text } else { text.rsplit_once('\n').map_or(&*text, |(lines, _)| lines) };
    Ok(Format::of(lines.lines().take(200)))
}

/// Calls `each` with every entry of a file and its line. Holds one line at a time.
///
/// # Errors
/// The file cannot be read, or is longer than [`FILE_BYTES`]; `each` may have been called before.
pub fn read(
    path: &Path,
    format: Format,
    given: &ListEntry,
    mut each: impl FnMut(ListEntry, u64, &mut Findings),
) -> io::Result<Findings> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::other("it is a folder"));
    }
    let too_long = || io::Error::other(format!("it has more than {} MB", FILE_BYTES >> 20));
    if metadata.len() > FILE_BYTES {
        return Err(too_long());
    }
    let mut input = BufReader::with_capacity(1 << 16, file.take(FILE_BYTES));
    let (mut findings, mut line) = (Findings::default(), Vec::new());
    while let Some(is_long) = next_line(&mut input, &mut line)? {
        findings.lines += 1;
        let number = findings.lines;
        findings.is_cut = !line.ends_with(b"\n") && !is_long;
        if is_long {
            findings.bad(number, format!("it has more than {LINE_BYTES} bytes"));
            continue;
        }
        let bytes = if number == 1 { line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&line) } else { &line };
        let Ok(text) = std::str::from_utf8(bytes) else {
            findings.bad(number, "it is not UTF-8 text");
            continue;
        };
        let mut entries = Vec::new();
        match format.read(text, given, &mut |entry| entries.push(entry)) {
            Ok(()) => entries.into_iter().for_each(|entry| each(entry, number, &mut findings)),
            Err(why) => findings.bad(number, why),
        }
    }
    if input.into_inner().limit() == 0 {
        return Err(too_long());
    }
    Ok(findings)
}

/// The next line with its end, or the beginning of one that is too long, whose rest is skipped (`true`).
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let most = u64::try_from(LINE_BYTES).unwrap_or(u64::MAX);
    if input.by_ref().take(most).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    if line.ends_with(b"\n") || line.len() < LINE_BYTES {
        return Ok(Some(false));
    }
    input.skip_until(b'\n')?;
    Ok(Some(true))
}

/// A list of Hamlet's own format made ready, and what was found besides.
///
/// # Errors
/// As [`read`].
pub fn load(path: &Path, now: Timestamp) -> io::Result<(List, Findings)> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let mut list = List::named(name);
    let findings = read(path, Format::Hamlet, &given(now), |entry, line, findings| {
        match list.put(&entry, u32::try_from(line).unwrap_or(u32::MAX)) {
            Put::New => {}
            Put::Replaced => findings.duplicates += 1,
            Put::Useless(why) => findings.bad(line, format!("{}: {why}", entry.pattern)),
        }
    })?;
    Ok((list, findings))
}

/// By what a file is known to be another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    written: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Stamp> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(path)?;
        Ok(Stamp { written: metadata.modified().ok(), bytes: metadata.len(), inode: metadata.ino() })
    }
}

/// Files that are looked at now and then. Who looks does so apart from async tasks: a file may be long.
#[derive(Debug, Default)]
pub struct ListFiles {
    files: Vec<Followed>,
}

#[derive(Debug)]
struct Followed {
    path: PathBuf,
    /// What was looked at last, whether or not it was taken.
    seen: Option<Stamp>,
    /// Another one than what was looked at: it is read when it is the same at the next look, that is, when nobody writes.
    coming: Option<Stamp>,
    /// The last complaint, so that it is not repeated at each look.
    complaint: Option<String>,
    list: Option<Arc<List>>,
}

impl ListFiles {
    /// From now on these files are followed; of those that were followed before, what was read stays.
    pub fn follow(&mut self, paths: &[PathBuf]) {
        let mut before = std::mem::take(&mut self.files);
        for path in paths {
            let known = before.iter().position(|followed| followed.path == *path).map(|at| before.swap_remove(at));
            let new = || Followed { path: path.clone(), seen: None, coming: None, complaint: None, list: None };
            self.files.push(known.unwrap_or_else(new));
        }
    }

    /// What was read of each file, in their order.
    pub fn lists(&self) -> Vec<Arc<List>> {
        self.files.iter().filter_map(|followed| followed.list.clone()).collect()
    }

    /// Reads those files that have changed; whether any list did. What is wrong is said in the log, once.
    ///
    /// * `at_once`: someone asked for it; otherwise a file is left alone until it is the same at two looks.
    pub fn look(&mut self, at_once: bool, now: Timestamp) -> bool {
        let mut is_changed = false;
        for followed in &mut self.files {
            is_changed |= followed.look(at_once, now);
        }
        is_changed
    }
}

impl Followed {
    fn look(&mut self, at_once: bool, now: Timestamp) -> bool {
        let stamp = match Stamp::of(&self.path) {
            Ok(stamp) => stamp,
            Err(error) => {
                self.seen = None;
                self.complain(format!("cannot be read: {error}"));
                return false;
            }
        };
        if self.seen == Some(stamp) {
            return false;
        }
        let is_settled = self.coming.replace(stamp) == Some(stamp);
        if !at_once && !is_settled {
            return false;
        }
        let loaded = load(&self.path, now);
        if !Stamp::of(&self.path).is_ok_and(|after| after == stamp) {
            // It was written to meanwhile; the next look is soon.
            return false;
        }
        self.seen = Some(stamp);
        match loaded {
            Err(error) => self.complain(format!("cannot be read: {error}")),
            Ok((_, findings)) if findings.is_cut && self.list.is_some() => {
                self.complain(format!("ends in the middle of line {}, as if it were cut", findings.lines));
            }
            Ok((list, findings)) => {
                self.take(list, &findings);
                return true;
            }
        }
        false
    }

    fn take(&mut self, list: List, findings: &Findings) {
        self.complaint = None;
        let file = self.path.display();
        for bad in &findings.told {
            tracing::warn!("{file}, {bad}; the line is passed over");
        }
        if findings.bad > findings.told.len() as u64 {
            tracing::warn!("{file}: {} bad lines in all", findings.bad);
        }
        if findings.is_cut {
            tracing::warn!("{file} does not end with a line break: the last line may be cut");
        }
        tracing::info!(%file, entries = list.len(), duplicates = findings.duplicates, bad = findings.bad, "list read");
        self.list = Some(Arc::new(list));
    }

    fn complain(&mut self, what: String) {
        if self.complaint.as_ref() == Some(&what) {
            return;
        }
        let file = self.path.display();
        match &self.list {
            Some(list) => {
                let entries = list.len();
                tracing::warn!("the list {file} {what}; the {entries} entries that were read before stay in force");
            }
            None => tracing::warn!("the list {file} {what}; nothing of it is in force"),
        }
        self.complaint = Some(what);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// What is in force after each of these became the file's content.
    #[track_caller]
    fn check(contents: &[&[u8]], expected: &[usize]) -> ListFiles {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spam.txt");
        let mut files = ListFiles::default();
        files.follow(std::slice::from_ref(&path));
        let mut counts: Vec<usize> = Vec::new();
        for (at, content) in contents.iter().enumerate() {
            fs::write(&path, content).unwrap();
            let written = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(at as u64);
            File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
            files.look(false, NOW);
            files.look(false, NOW);
            counts.push(files.lists().iter().map(|list| list.len()).sum());
        }
        assert_eq!(counts, expected);
        files
    }

    #[test]
    fn a_file_is_read_again_and_a_cut_one_is_not() {
        check(&[b"a\nb\n", b"a\nb\nc\n", b"a\nb\nc\nd", b"", b"x\n"], &[2, 3, 3, 0, 1]);
        // With nothing before it, what can be read of a cut file is better than nothing.
        check(&[b"a\nb"], &[2]);
    }

    #[test]
    fn a_bad_line_is_named_and_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spam.txt");
        let long = "x".repeat(1 << 20);
        let content =
            [b"\xEF\xBB\xBFa\nblock ip:x\n\xFF\xFE\n", long.as_bytes(), b"\n\0\nlast # r\nA # [until soon]\n"].concat();
        fs::write(&path, content).unwrap();
        let (list, findings) = load(&path, NOW).unwrap();
        let told: Vec<String> = findings.told.iter().map(ToString::to_string).collect();
        assert_eq!((list.len(), findings.bad, findings.lines), (2, 5, 7), "{told:?}");
        assert!(told[0].starts_with("line 2: `x` is neither"), "{told:?}");
        assert!(
            told[1].starts_with("line 3: it is not UTF-8") && told[2].starts_with("line 4: it has more"),
            "{told:?}"
        );
    }

    #[test]
    fn a_file_that_goes_away_leaves_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spam.txt");
        fs::write(&path, "a\n").unwrap();
        let mut files = ListFiles::default();
        files.follow(std::slice::from_ref(&path));
        assert!(files.look(true, NOW) && !files.look(true, NOW));
        fs::remove_file(&path).unwrap();
        assert!(!files.look(true, NOW));
        assert_eq!(files.lists().len(), 1);
        fs::create_dir(&path).unwrap();
        assert!(!files.look(true, NOW));
        assert_eq!(files.lists()[0].len(), 1);
        files.follow(&[]);
        assert!(files.lists().is_empty());
    }
}
