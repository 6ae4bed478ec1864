//! `hamlet backup` and `hamlet restore`: all that a store keeps, in one file, for any engine.

mod format;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::sync::mpsc;

use self::format::{Counts, Reader, Writer, Wrong};
use super::Usage;
use super::screen::{self, Output};
use crate::clock::Clock;
use crate::store::Store;
use crate::store::transfer::Piece;

/// Pieces under way between store and file.
const AHEAD: usize = 4;

/// Write all that is kept into one file, while the daemon goes on.
///
/// Sites, keys (as hashes), lists, comments, verdicts, labels, models, jobs and what was seen before, as of one moment.
/// The file holds readers' words: it is made for its owner alone.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hamlet backup hamlet.backup
  hamlet backup - | ssh elsewhere 'cat > hamlet.backup'")]
pub struct Backup {
    /// File to write, or - for standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// Fill an empty store from a backup: all of it, or nothing.
///
/// The store may be of another engine than the one that was backed up: this is how an installation moves from SQLite to
/// PostgreSQL and back. Full text search finds the comments again as the daemon comes to them.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hamlet --data-dir /srv/hamlet restore hamlet.backup
  hamlet --store postgres://hamlet@db/hamlet restore hamlet.backup
  hamlet restore hamlet.backup --dry-run")]
pub struct Restore {
    /// File to read, or - for standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Read the whole file and say what is in it; open no store.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    output: Output,
}

/// What was moved.
#[derive(Debug, Serialize)]
struct Told {
    made_at: jiff::Timestamp,
    rows: Counts,
}

impl Backup {
    pub(super) async fn run(&self, store: &dyn Store) -> anyhow::Result<()> {
        let made_at = Clock::System.now();
        let (to, from) = mpsc::channel(AHEAD);
        let file = self.file.clone();
        let writing = tokio::task::spawn_blocking(move || write(&file, from, made_at));
        let dumped = store.dump(to).await;
        let written = writing.await?;
        // A full disk is why nobody took the rows any more, and not the other way round.
        let rows = written.with_context(|| format!("{} cannot be written", self.file.display()))?;
        dumped?;
        let rows = rows.ok_or_else(|| anyhow!("the store gave no end; nothing was written"))?;
        if is_standard(&self.file) {
            return Ok(());
        }
        tell(self.output, &Told { made_at, rows }, &format!("wrote {}", self.file.display()))
    }
}

impl Restore {
    pub(super) async fn run(&self, store: &dyn Store) -> anyhow::Result<()> {
        let (to, from) = mpsc::channel(AHEAD);
        let file = self.file.clone();
        let reading = tokio::task::spawn_blocking(move || read(&file, |piece| to.blocking_send(piece).is_ok()));
        let filled = store.fill(from).await;
        let read = reading.await?;
        // When the file is damaged the store sees rows without an end, and keeps nothing; when the store refuses, the
        // file was not read to its end.
        match (read, filled) {
            (Err(wrong), _) => Err(self.refused(&wrong)),
            (Ok(_), Err(refused)) => Err(refused.into()),
            (Ok(told), Ok(())) => tell(self.output, &told, "restored"),
        }
    }

    /// Reads the file for nothing but its sake.
    pub(super) fn rehearse(&self) -> anyhow::Result<()> {
        let told = read(&self.file, |_| true).map_err(|wrong| self.refused(&wrong))?;
        tell(self.output, &told, "the backup is whole")
    }

    fn refused(&self, wrong: &Wrong) -> anyhow::Error {
        let file = self.file.display();
        match wrong {
            Wrong::Io(error) if error.kind() == io::ErrorKind::NotFound => {
                Usage(format!("there is no file {file}")).into()
            }
            wrong => anyhow!("{file}: {wrong}; nothing was restored"),
        }
    }
}

fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// Writes what comes; `None` when it ends without an end, and then there is no file.
fn write(file: &Path, from: mpsc::Receiver<Piece>, made_at: jiff::Timestamp) -> io::Result<Option<Counts>> {
    if is_standard(file) {
        let (mut out, rows) = write_to(io::stdout().lock(), from, made_at)?;
        out.flush()?;
        return Ok(rows);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is for its owner alone, and so is what becomes of it.
    let unfinished = tempfile::Builder::new().prefix(".hamlet-").tempfile_in(folder)?;
    let (unfinished, rows) = write_to(unfinished, from, made_at)?;
    if rows.is_some() {
        unfinished.as_file().sync_all()?;
        unfinished.persist(file).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()?;
    }
    Ok(rows)
}

fn write_to<W: Write>(
    out: W,
    mut from: mpsc::Receiver<Piece>,
    made_at: jiff::Timestamp,
) -> io::Result<(W, Option<Counts>)> {
    let mut writer = Writer::new(out, made_at)?;
    let progress = Progress::start();
    let mut is_whole = false;
    while let Some(piece) = from.blocking_recv() {
        progress.passes(&piece);
        is_whole = piece == Piece::End;
        writer.put(piece)?;
    }
    let counts = writer.counts.clone();
    Ok((writer.finish()?, is_whole.then_some(counts)))
}

/// Reads a backup to its end, or until `take` takes no more.
fn read(file: &Path, mut take: impl FnMut(Piece) -> bool) -> Result<Told, Wrong> {
    let input: Box<dyn Read> = if is_standard(file) { Box::new(io::stdin()) } else { Box::new(File::open(file)?) };
    let mut reader = Reader::new(input)?;
    let progress = Progress::start();
    while let Some(piece) = reader.next()? {
        progress.passes(&piece);
        if !take(piece) {
            break;
        }
    }
    Ok(Told { made_at: reader.head.made_at, rows: reader.counts })
}

fn tell(output: Output, told: &Told, done: &str) -> anyhow::Result<()> {
    if output.json {
        return Ok(screen::json(told)?);
    }
    let of = |table: &str| HumanCount(told.rows.get(table).copied().unwrap_or_default());
    screen::line(&format!(
        "{done}: sites {}, comments {}, models {}, as of {}",
        of("sites"),
        of("comments"),
        of("models"),
        told.made_at
    ))?;
    Ok(())
}

/// Which table is under way, on a terminal.
struct Progress(ProgressBar);

impl Progress {
    fn start() -> Progress {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}, {elapsed}, {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    fn passes(&self, piece: &Piece) {
        if let Piece::Rows(rows) = piece {
            self.0.set_message(rows.table.name);
            self.0.inc(rows.rows.len() as u64);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
