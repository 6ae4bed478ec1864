//! `hamlet check`: comments judged offline and explained; nothing is kept and nobody is told.

mod explain;
mod marks;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::screen::{self, Output};
use super::{Places, model, rules};
use crate::classifier::Classifier;
use crate::clock::Clock;
use crate::comment::Comment;
use crate::config::Config;
use crate::decision::Judge;
use crate::language::Language;
use crate::list_files;
use crate::lists::Lists;
use crate::reason::Voice;
use crate::site::{Site, SiteId};
use crate::text::Text;
use explain::Manner;

/// Score comments offline and explain each verdict.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  echo 'cheap watches https://x.example' | hamlet check
  hamlet check comment.json
  hamlet check comments.jsonl --json
  hamlet check --lang ar comment.json
  hamlet check --model candidate.hamlet comments.jsonl")]
pub struct Args {
    /// One JSON object, JSON Lines, or plain text (one comment); `-` is standard input.
    #[arg(default_value = "-", hide_default_value = true)]
    file: PathBuf,
    /// Judge with this model instead of the one in the settings.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Take the input for plain text even if it begins like JSON.
    #[arg(long)]
    text: bool,
    /// Explain in this language instead of the one in the settings.
    #[arg(long, value_name = "en|ar|de")]
    lang: Option<Language>,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(places: &Places, args: &Args) -> anyhow::Result<()> {
    let config = places.config(&[])?;
    let model = args.model.as_deref().or(config.model.file.as_deref());
    let classifier = model.map_or_else(|| Ok(Classifier::shipped()), model::read)?;
    let judge = Judge::new(rules::in_force(&config)?, classifier);
    let now = Clock::System.now();
    let (url, mut policy) = (String::new(), config.policy.clone());
    policy.language = args.lang.or(policy.language);
    let site = Site { id: SiteId(0), name: "offline".to_owned(), url, policy, created_at: now };
    let lists = list_files(&config, now)?;

    let mut out = screen::out();
    let mut number = 0_u64;
    for_each_comment(args, config.http.body_bytes, |comment| {
        number = number.saturating_add(1);
        let started = Instant::now();
        let mut verdict = judge.judge(comment, &site, &lists, now);
        verdict.micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        if args.output.json {
            serde_json::to_writer(&mut out, &verdict)?;
            return Ok(writeln!(out)?);
        }
        if number > 1 {
            writeln!(out)?;
        }
        let language = Language::of_site(site.policy.language, comment.lang.as_deref());
        let voice = Voice { language, rules: judge.rules() };
        let manner = Manner { voice, is_coloured: screen::is_coloured() };
        Ok(explain::verdict(&mut out, manner, number, &Text::of(comment), &verdict)?)
    })?;
    ensure!(number > 0, "{} holds no comment", name(&args.file));
    Ok(out.flush()?)
}

fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// Hands each comment of the input over, one in memory at a time, none longer than `limit` bytes.
fn for_each_comment(
    args: &Args,
    limit: usize,
    mut each: impl FnMut(&Comment) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let place = name(&args.file);
    let mut input: Box<dyn BufRead> = if args.file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.file).with_context(|| format!("{place} cannot be read"))?;
        Box::new(BufReader::new(file))
    };
    if input.fill_buf().with_context(|| format!("{place} cannot be read"))?.starts_with(b"\xEF\xBB\xBF") {
        input.consume(3);
    }
    let start = input.fill_buf()?.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    if args.text || start != Some(b'{') {
        let text = plain_text(input, limit).with_context(|| place.clone())?;
        // `ensure!` in `run` says it when there is nothing.
        return if text.trim().is_empty() { Ok(()) } else { each(&Comment::of_text(text)) };
    }

    let left = Rc::new(Cell::new(limit));
    let records = serde_json::Deserializer::from_reader(Bounded { input, left: Rc::clone(&left) }).into_iter();
    for (record, value) in (1_u64..).zip(records) {
        let at = || format!("{place}, record {record}");
        let value: Value = value.with_context(|| format!("{}: not JSON (say --text if it is plain text)", at()))?;
        each(&comment(value).with_context(at)?)?;
        left.set(limit);
    }
    Ok(())
}

fn plain_text(input: impl Read, limit: usize) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let read = input.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    if read > limit {
        bail!("a comment may have {limit} bytes at most (`http.body_bytes`); several are given as JSON Lines");
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A comment as `POST /v1/comments` takes it; a dump's `label` may stand beside it and is not looked at.
fn comment(mut value: Value) -> anyhow::Result<Comment> {
    if let Some(fields) = value.as_object_mut() {
        fields.remove("label");
    }
    serde_json::from_value(value).context("not a comment")
}

/// Lets through what `left` holds; whoever reads whole records fills it up before each.
struct Bounded<R> {
    input: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.left.get());
        if room == 0 {
            return Err(io::Error::other("it is longer than `http.body_bytes` allows"));
        }
        let read = self.input.read(buffer.get_mut(..room).unwrap_or_default())?;
        self.left.set(self.left.get().saturating_sub(read));
        Ok(read)
    }
}

/// Those of files alone: the store is not asked.
fn list_files(config: &Config, now: jiff::Timestamp) -> anyhow::Result<Lists> {
    let mut lists = Vec::new();
    for file in &config.lists.files {
        let (list, _) = list_files::load(file, now)
            .with_context(|| format!("{} cannot be read (it is named by `lists.files`)", file.display()))?;
        lists.push(Arc::new(list));
    }
    Ok(Lists::join(lists))
}
