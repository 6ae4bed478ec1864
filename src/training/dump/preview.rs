//! What would be learned from dumps: the figures of `hamlet train --dry-run`.
//!
//! Bounded memory: what is told apart is told apart by hashes, and only so many of them.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::{Contradictions, Example, Place};
use crate::comment::Comment;
use crate::text::Text;
use crate::training::corpus::Group;
use crate::verdict::Label;

const MAX_GROUPS: usize = 900_000;
/// Languages and the like that are told apart.
const MAX_NAMES: usize = 200;
/// Contradictions that are shown, and texts of each label.
const MAX_SHOWN: usize = 3;
const SHOWN_CHARS: usize = 200;

/// Looks at each example as it comes by.
#[derive(Default)]
pub struct Preview {
    digest: Xxh3,
    groups: HashSet<Group>,
    contradictions: Contradictions,
    summary: Summary,
}

/// What there is to show.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    pub ham: u64,
    pub spam: u64,
    /// Of the whole, in its order: label, text, author's name and e-mail. The same comments in another format have the same.
    pub digest: String,
    pub langs: BTreeMap<String, u64>,
    pub sources: BTreeMap<String, u64>,
    /// The first and the last moment.
    pub dates: Option<[Timestamp; 2]>,
    /// Comments that differ from an earlier one in links, digits and punctuation at most.
    pub near_copies: u64,
    /// Texts with both labels.
    pub contradictory_texts: u64,
    /// Where the first of them got their second label.
    pub contradictions: Vec<Shown>,
    /// The first comments of each label.
    pub examples: Vec<Shown>,
}

/// One comment, for looking at.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    pub file: PathBuf,
    pub place: String,
    pub label: Label,
    /// Its beginning; only if texts were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl std::fmt::Debug for Preview {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Preview").field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl Preview {
    /// Looks at an example that stands at `place` of `file`; texts are kept for showing if `show_texts`.
    pub fn note(&mut self, example: &Example, file: &std::path::Path, place: Place, show_texts: bool) {
        let Example { comment, label, source } = example;
        self.digest(comment, *label);
        let summary = &mut self.summary;
        let count = match label {
            Label::Ham => &mut summary.ham,
            Label::Spam => &mut summary.spam,
        };
        *count += 1;
        let is_early = *count <= MAX_SHOWN as u64;
        name(&mut summary.langs, comment.lang.as_deref());
        name(&mut summary.sources, source.as_deref());
        if let Some(date) = comment.submitted_at {
            summary.dates = Some(summary.dates.map_or([date, date], |[first, last]| [first.min(date), last.max(date)]));
        }
        let group = Group::of(&Text::of(comment));
        if self.groups.contains(&group) {
            summary.near_copies += 1;
        } else if self.groups.len() < MAX_GROUPS {
            self.groups.insert(group);
        }
        let shown = || {
            let text = show_texts.then(|| comment.content.chars().take(SHOWN_CHARS).collect());
            Shown { file: file.to_owned(), place: place.to_string(), label: *label, text }
        };
        if show_texts && is_early {
            summary.examples.push(shown());
        }
        if self.contradictions.note(example) && summary.contradictions.len() < MAX_SHOWN {
            summary.contradictions.push(shown());
        }
    }

    fn digest(&mut self, comment: &Comment, label: Label) {
        let name = comment.author.name.as_deref().unwrap_or_default();
        let email = comment.author.email.as_deref().unwrap_or_default();
        self.digest.update(&[u8::from(label == Label::Spam)]);
        for field in [comment.content.as_str(), name, email] {
            self.digest.update(field.as_bytes());
            // No byte of a text, so that fields cannot run together.
            self.digest.update(&[0xff]);
        }
    }

    /// What all of them were.
    pub fn finish(self) -> Summary {
        let digest = format!("{:016x}", self.digest.digest());
        Summary { digest, contradictory_texts: self.contradictions.texts, ..self.summary }
    }
}

fn name(counts: &mut BTreeMap<String, u64>, name: Option<&str>) {
    let Some(name) = name else { return };
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < MAX_NAMES {
        counts.insert(name.to_owned(), 1);
    }
}
