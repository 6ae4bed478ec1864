//! `hamlet list import`: files of the usual formats, all of a file or nothing.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::json;

use super::{Owner, Why};
use crate::cli::screen::{self, Output};
use crate::list_files::{self, Findings};
use crate::lists::formats::Format;
use crate::lists::{List, Put};
use crate::site::{ListEntry, ListKind, ListPattern};
use crate::store::{ListChange, Store};

/// Put the entries of files on a list, all or none of them.
///
/// Formats: hamlet (`block domain:spam.example  # why`), wordpress (Disallowed Comment Keys), hosts (`0.0.0.0
/// spam.example`), domains and networks (one a line).
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  hamlet list import disallowed_keys.txt --site news --dry-run
  hamlet list import hosts.txt --shared --reason 'the hosts file of May' --expires 2030-01-31
  hamlet list import partners.txt --format domains --as allow --shared")]
pub struct Args {
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// hamlet, wordpress, hosts, domains or networks [default: told by each file's lines]
    #[arg(long, value_name = "NAME")]
    format: Option<Format>,
    /// The list that entries go on if their line does not say it: allow or block.
    #[arg(long = "as", value_name = "KIND", default_value_t = ListKind::Block)]
    kind: ListKind,
    /// Say what would be put on, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    owner: Owner,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    output: Output,
}

/// Entries in one transaction: others write in between. An import that was interrupted is repeated.
const AT_ONCE: usize = 5_000;

/// What a file holds.
struct Read {
    format: Format,
    entries: Vec<ListEntry>,
    findings: Findings,
}

impl Args {
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run
    }

    pub(super) fn run_dry(&self, now: Timestamp) -> anyhow::Result<()> {
        for (file, read) in self.read(now)? {
            self.tell(&file, &read)?;
        }
        Ok(())
    }

    pub(super) async fn run(&self, store: &dyn Store, now: Timestamp) -> anyhow::Result<()> {
        let owner = self.owner.found(store).await?;
        let files = self.read(now)?;
        for (file, read) in &files {
            self.tell(file, read)?;
        }
        let entries: Vec<ListEntry> = files.into_iter().flat_map(|(_, read)| read.entries).collect();
        anyhow::ensure!(
            !entries.is_empty(),
            "there is no entry to import; see --format if the format was told wrongly"
        );
        let mut change = ListChange::default();
        for some in entries.chunks(AT_ONCE) {
            let changed = store.change_lists(owner, Vec::new(), some.to_vec()).await?;
            change.added += changed.added;
            change.replaced += changed.replaced;
        }
        if self.output.json {
            return Ok(screen::json(&change)?);
        }
        let (added, replaced) = (change.added, change.replaced);
        Ok(writeln!(screen::out(), "{added} added to {}, {replaced} replaced.", self.owner.name())?)
    }

    /// All files, before anything is written.
    fn read(&self, now: Timestamp) -> anyhow::Result<Vec<(PathBuf, Read)>> {
        let given = self.why.given(self.kind, now)?;
        let read = |file: &PathBuf| {
            let unreadable = || format!("{} cannot be read", file.display());
            let format = self.format.map_or_else(|| list_files::format_of(file), Ok).with_context(unreadable)?;
            Ok((file.clone(), read(file, format, &given).with_context(unreadable)?))
        };
        self.files.iter().map(read).collect()
    }

    fn tell(&self, file: &Path, Read { format, entries, findings }: &Read) -> anyhow::Result<()> {
        let name = file.display();
        complain(file, findings);
        let of = |field: &str| entries.iter().filter(|entry| entry.pattern.field() == field).count();
        let by_field = ListPattern::FIELDS.map(|field| (field, of(field)));
        if self.output.json && self.dry_run {
            let (lines, duplicates, bad) = (findings.lines, findings.duplicates, findings.bad);
            let told: Vec<String> = findings.told.iter().map(ToString::to_string).collect();
            let by_field: serde_json::Map<_, _> =
                by_field.into_iter().map(|(field, count)| (field.to_owned(), count.into())).collect();
            return Ok(screen::json(&json!({
                "file": name.to_string(), "format": format.as_str(), "lines": lines, "entries": by_field,
                "duplicates": duplicates, "bad": bad, "bad_lines": told,
            }))?);
        }
        if self.output.json {
            return Ok(());
        }
        let counts: Vec<String> = by_field
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(field, count)| format!("{count} {field}"))
            .collect();
        let counts = if counts.is_empty() { "no entry".to_owned() } else { counts.join(", ") };
        let mut out = screen::out();
        let (lines, duplicates, bad) = (findings.lines, findings.duplicates, findings.bad);
        writeln!(out, "{name} ({format}): {lines} lines, {counts}; {duplicates} duplicates, {bad} bad lines")?;
        let phrases = of("phrase");
        if *format == Format::WordPress && phrases > 0 {
            writeln!(
                out,
                "  {phrases} keys are phrases now: whole words of the text, where WordPress finds a key within words too, \
                 and in names, URLs and browsers. `hamlet list test` shows what they do."
            )?;
        }
        Ok(())
    }
}

/// The first bad lines, on stderr.
#[expect(clippy::print_stderr, reason = "a command's complaints go to stderr")]
pub(super) fn complain(file: &Path, findings: &Findings) {
    for bad in &findings.told {
        let why = screen::foreign(&bad.why, 200);
        eprintln!("{}, line {}: {why}; passed over", file.display(), bad.line);
    }
}

/// Entries that can hit; a later line replaces an earlier one for the same.
fn read(file: &Path, format: Format, given: &ListEntry) -> std::io::Result<Read> {
    // It knows which are duplicates and which can never hit.
    let mut trial = List::default();
    let mut entries = Vec::new();
    let findings = list_files::read(file, format, given, |entry, line, findings| match trial.put(&entry, 0) {
        Put::New => entries.push(entry),
        Put::Replaced => {
            findings.duplicates += 1;
            entries.push(entry);
        }
        Put::Useless(why) => findings.bad(line, format!("{}: {why}", entry.pattern)),
    })?;
    let mut seen = std::collections::HashSet::with_capacity(entries.len());
    entries.reverse();
    entries.retain(|entry| seen.insert(entry.pattern.clone()));
    entries.reverse();
    Ok(Read { format, entries, findings })
}
