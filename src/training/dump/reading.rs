//! Reading many dumps one after the other, and what there is to say of each afterwards.

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Serialize;

use super::detect::{DISQUS, Found, REMARK42, WXR, detect};
use super::source::{Opened, Progress, Watched, expand, open as open_source, size, unpack};
use super::{BadRecord, Break, DumpError, Item, Options, Place, Reader, Record, What};
use crate::verdict::Label;

/// Kinds of records passed over that are told apart.
const MAX_KINDS: usize = 50;

/// What was found in one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    pub file: PathBuf,
    pub format: &'static str,
    pub packing: Option<&'static str>,
    pub charset: &'static str,
    pub ham: u64,
    pub spam: u64,
    pub bad: u64,
    /// Records that say themselves that they are neither ham nor spam, by what they say.
    pub passed_over: BTreeMap<String, u64>,
    /// What else there is to know, in sentences.
    pub notes: Vec<String>,
}

/// The records of dumps, in their order; a [`DumpError`] is the last item.
pub struct Reading {
    waiting: VecDeque<Waiting>,
    options: Options,
    current: Option<Current>,
    reports: Vec<FileReport>,
    place: Place,
    progress: Rc<Progress>,
    total: Option<u64>,
    is_over: bool,
}

enum Waiting {
    File(PathBuf),
    Stream(PathBuf, Box<dyn Read>),
    Wrong(DumpError),
}

struct Current {
    reader: Box<dyn Reader>,
    watched: Option<Watched>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Reading")
            .field("reports", &self.reports)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// The records of all `paths`, one after the other; `-` is standard input, and a name with `*`, `?` or `[` that no file
/// has is a pattern. A file is opened when its turn comes.
pub fn open(paths: &[PathBuf], options: &Options) -> Reading {
    let files = paths.iter().flat_map(|path| match expand(path) {
        Ok(files) => files.into_iter().map(Waiting::File).collect(),
        Err(error) => vec![Waiting::Wrong(error)],
    });
    Reading::new(files.collect(), options)
}

/// The records of one stream, which messages call `name`.
pub fn read(source: Box<dyn Read>, name: &Path, options: &Options) -> Reading {
    Reading::new(VecDeque::from([Waiting::Stream(name.to_owned(), source)]), options)
}

impl Reading {
    fn new(waiting: VecDeque<Waiting>, options: &Options) -> Reading {
        let files: Option<Vec<&Path>> = waiting.iter().map(Waiting::path).collect();
        let total = files.and_then(|files| size(files.into_iter()));
        Reading {
            waiting,
            options: options.clone(),
            current: None,
            reports: Vec::new(),
            place: Place::Line(0),
            progress: Rc::default(),
            total,
            is_over: false,
        }
    }

    /// What was found so far, file by file; the last may still be read.
    pub fn reports(&self) -> &[FileReport] {
        &self.reports
    }

    /// Where the last record stood.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Bytes read of the files as they are, packed or not, and how many there are if that is known.
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.progress.bytes(), self.total)
    }

    /// Has `told` called with the bytes read so far, also while nothing comes that is a comment.
    pub fn on_progress(&self, told: impl Fn(u64) + 'static) {
        self.progress.tell(Box::new(told));
    }

    /// What to do about dumps of one class: why a format has only one, and where the other is.
    pub fn mend_of_one_class(&self) -> Option<&'static str> {
        let has = |format| self.reports.iter().any(|report| report.format == format);
        if has(WXR) {
            Some(
                "WordPress leaves spam out of its own export; the table wp_comments has it, export that as SQL or CSV \
                 (docs/dumps.md says how)",
            )
        } else if has(DISQUS) || has(REMARK42) {
            Some("the export has no spam any more; add labelled spam from elsewhere")
        } else {
            None
        }
    }

    fn start(&mut self, waiting: Waiting) -> Result<(), DumpError> {
        let (file, bytes, watched) = match waiting {
            Waiting::Wrong(error) => return Err(error),
            Waiting::Stream(name, bytes) => (name, bytes, None),
            Waiting::File(path) => {
                let opened = open_source(&path, Rc::clone(&self.progress));
                let Opened { bytes, watched } = opened.map_err(|error| DumpError::Io { file: path.clone(), error })?;
                (path, bytes, watched)
            }
        };
        let report = FileReport { file, ..FileReport::default() };
        self.reports.push(report);
        let (plain, packing) = unpack(bytes).map_err(|error| self.broken(Break::Io(error)))?;
        if let Some(report) = self.reports.last_mut() {
            report.packing = packing;
        }
        let found = detect(plain, packing.is_some(), &self.options);
        let Found { format, charset, reader } = found.map_err(|error| self.broken(error))?;
        if let Some(report) = self.reports.last_mut() {
            (report.format, report.charset) = (format, charset.name());
        }
        self.current = reader.map(|reader| Current { reader, watched });
        Ok(())
    }

    /// The file in hand is read.
    fn finish(&mut self, current: &Current) -> Result<(), DumpError> {
        let Some(report) = self.reports.last_mut() else { return Ok(()) };
        report.notes = current.reader.notes();
        if report.format == WXR && report.spam == 0 {
            let note = "WordPress leaves spam out of its own export (WXR); export the table wp_comments as SQL or CSV to have it";
            report.notes.push(note.to_owned());
        }
        if current.watched.as_ref().is_some_and(Watched::has_changed) {
            // Half of one dump and half of another may look like a whole one, and reading again costs little.
            let reason =
                "it was written to while it was read; wait until the dump is finished, then try again".to_owned();
            return Err(DumpError::Unreadable { file: report.file.clone(), reason });
        }
        Ok(())
    }

    fn broken(&self, error: Break) -> DumpError {
        let report = self.reports.last();
        let file = report.map(|report| report.file.clone()).unwrap_or_default();
        let packing = report.and_then(|report| report.packing);
        match error {
            Break::Unreadable(reason) => DumpError::Unreadable { file, reason },
            Break::Io(error) => match (error.kind(), packing) {
                (ErrorKind::UnexpectedEof, _) => {
                    let packing = packing.unwrap_or("packed data");
                    let reason = format!("the file ends within {packing}: it was cut short; copy or pack it again");
                    DumpError::Unreadable { file, reason }
                }
                (ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other, Some(packing)) => {
                    let reason = format!("damaged {packing} ({error}); copy or pack it again");
                    DumpError::Unreadable { file, reason }
                }
                _ => DumpError::Io { file, error },
            },
        }
    }

    fn count(&mut self, item: Item) -> Option<Record> {
        self.place = item.place;
        let report = self.reports.last_mut()?;
        match item.what {
            What::Example(example) => {
                match example.label {
                    Label::Ham => report.ham += 1,
                    Label::Spam => report.spam += 1,
                }
                Some(Ok(Ok(example)))
            }
            What::Bad(reason) => {
                report.bad += 1;
                Some(Ok(Err(BadRecord { file: report.file.clone(), place: item.place, reason })))
            }
            What::PassedOver(kind) => {
                let is_known = report.passed_over.len() < MAX_KINDS || report.passed_over.contains_key(&*kind);
                let kind = if is_known { kind.chars().take(40).collect() } else { "others".to_owned() };
                *report.passed_over.entry(kind).or_default() += 1;
                None
            }
        }
    }
}

impl Waiting {
    fn path(&self) -> Option<&Path> {
        if let Waiting::File(path) = self { Some(path) } else { None }
    }
}

impl Iterator for Reading {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while !self.is_over {
            let Some(current) = &mut self.current else {
                let waiting = self.waiting.pop_front()?;
                if let Err(error) = self.start(waiting) {
                    self.is_over = true;
                    return Some(Err(error));
                }
                continue;
            };
            let done = match current.reader.next() {
                Some(Ok(item)) => match self.count(item) {
                    Some(record) => return Some(record),
                    None => continue,
                },
                Some(Err(error)) => Err(self.broken(error)),
                None => match self.current.take() {
                    Some(current) => self.finish(&current),
                    None => Ok(()),
                },
            };
            if let Err(error) = done {
                self.is_over = true;
                return Some(Err(error));
            }
        }
        None
    }
}
