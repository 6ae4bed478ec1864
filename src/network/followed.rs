//! A file that is read anew when it changes.
//!
//! Owns seeing a change, and keeping what was read before when the file cannot be read now. Does not own what is in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;

/// One file, and what was read of it last.
#[derive(Debug)]
pub struct Followed<T> {
    path: PathBuf,
    /// As evidence and `/readyz` call it: the file's name.
    pub shown: String,
    read: ArcSwap<Read<T>>,
}

#[derive(Debug)]
struct Read<T> {
    content: Arc<T>,
    /// By which a change is seen; `None`: the file is not there.
    stamp: Option<(SystemTime, u64)>,
    /// `untested`, `ok`, `cannot be read`.
    state: &'static str,
}

impl<T: Default> Followed<T> {
    /// Empty until [`Followed::refresh`] was called.
    pub fn new(path: &Path) -> Followed<T> {
        let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let nothing = Read { content: Arc::default(), stamp: None, state: "untested" };
        Followed { path: path.to_owned(), shown, read: ArcSwap::from_pointee(nothing) }
    }

    /// Has `read` read the file if it changed since. What was read before stays when it fails; the log says so once. Blocks for
    /// as long as reading takes.
    pub fn refresh(&self, read: impl FnOnce(&Path) -> io::Result<T>) {
        let before = self.read.load();
        let seen = fs::metadata(&self.path).and_then(|data| Ok((data.modified()?, data.len())));
        let stamp = seen.as_ref().ok().copied();
        if before.state != "untested" && before.stamp == stamp {
            return;
        }
        let (content, state) = match seen.and_then(|_| read(&self.path)) {
            Ok(content) => (Arc::new(content), "ok"),
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "file cannot be read; what was read before stays");
                (Arc::clone(&before.content), "cannot be read")
            }
        };
        self.read.store(Arc::new(Read { content, stamp, state }));
    }

    pub fn content(&self) -> Arc<T> {
        Arc::clone(&self.read.load().content)
    }

    /// `untested`, `ok` or `cannot be read`.
    pub fn state(&self) -> &'static str {
        self.read.load().state
    }
}
