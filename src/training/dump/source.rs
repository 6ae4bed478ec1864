//! Where the bytes of a dump come from: files, patterns of names, standard input; unpacked, and counted on the way.

use std::cell::{Cell, RefCell};
use std::fs::{File, Metadata};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::DumpError;

/// How much of the beginning tells charset and format.
const SNIFF_BYTES: u64 = 64 << 10;

/// Hears how many bytes there were so far.
type Told = Box<dyn Fn(u64)>;

/// How much has been read, of all files together.
#[derive(Default)]
pub(super) struct Progress {
    bytes: Cell<u64>,
    told: RefCell<Option<Told>>,
}

impl Progress {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Has `told` called with the bytes so far, whenever there are more.
    pub(super) fn tell(&self, told: Told) {
        *self.told.borrow_mut() = Some(told);
    }

    fn add(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
        if let Some(told) = &*self.told.borrow() {
            told(self.bytes.get());
        }
    }
}

/// A file as it was when it was opened.
pub(super) struct Opened {
    pub(super) bytes: Box<dyn Read>,
    /// To look at again at the end; none for standard input and pipes.
    pub(super) watched: Option<Watched>,
}

/// Notices that a file is no longer what was opened.
pub(super) struct Watched {
    file: File,
    before: Metadata,
}

impl Watched {
    /// Was the file written to since it was opened? Then what was read may be half of one dump and half of another.
    pub(super) fn has_changed(&self) -> bool {
        let after = self.file.metadata();
        after
            .is_ok_and(|after| after.len() != self.before.len() || after.modified().ok() != self.before.modified().ok())
    }
}

/// Opens a file, or standard input for `-`; `progress` counts the bytes that come from it.
pub(super) fn open(path: &Path, progress: Rc<Progress>) -> std::io::Result<Opened> {
    if path.as_os_str() == "-" {
        return Ok(Opened { bytes: Box::new(Counted { source: std::io::stdin(), progress }), watched: None });
    }
    let file = File::open(path)?;
    let before = file.metadata()?;
    if before.is_dir() {
        return Err(std::io::Error::other("a folder; name the files in it, such as FOLDER/*.csv"));
    }
    let watched = before.is_file().then(|| Some(Watched { file: file.try_clone().ok()?, before })).flatten();
    Ok(Opened { bytes: Box::new(Counted { source: file, progress }), watched })
}

/// Bytes of all the files; `None` when that cannot be known.
pub(super) fn size<'a>(paths: impl Iterator<Item = &'a Path>) -> Option<u64> {
    let size = |path: &Path| std::fs::metadata(path).ok().filter(Metadata::is_file).map(|data| data.len());
    paths.map(size).sum()
}

/// The files that `path` names: itself, or those that match when there is no such file and it is a pattern.
pub(super) fn expand(path: &Path) -> Result<Vec<PathBuf>, DumpError> {
    let pattern = path.to_str().filter(|name| name.contains(['*', '?', '['])).filter(|_| !path.exists());
    let Some(pattern) = pattern else { return Ok(vec![path.to_owned()]) };
    let unreadable = |reason: String| DumpError::Unreadable { file: path.to_owned(), reason };
    let found = glob::glob(pattern).map_err(|error| unreadable(format!("no pattern of file names: {error}")))?;
    let found: Vec<PathBuf> = found.filter_map(Result::ok).filter(|path| !path.is_dir()).collect();
    if found.is_empty() { Err(unreadable("no file has such a name".to_owned())) } else { Ok(found) }
}

/// The stream without its packing, and the name of that.
pub(super) fn unpack(source: Box<dyn Read>) -> std::io::Result<(Box<dyn Read>, Option<&'static str>)> {
    let (head, packed) = peek(source)?;
    Ok(match head.as_slice() {
        [0x1f, 0x8b, ..] => (Box::new(flate2::read::MultiGzDecoder::new(packed)), Some("gzip")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => (Box::new(zstd::stream::read::Decoder::new(packed)?), Some("zstd")),
        _ => (packed, None),
    })
}

/// The beginning of `source`, and all of it again.
pub(super) fn peek(mut source: Box<dyn Read>) -> std::io::Result<(Vec<u8>, Box<dyn Read>)> {
    let mut head = Vec::new();
    source.by_ref().take(SNIFF_BYTES).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(source))))
}

struct Counted<R> {
    source: R,
    progress: Rc<Progress>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.progress.add(read);
        Ok(read)
    }
}
