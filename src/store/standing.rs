//! What a change makes of a comment that was admitted before: arithmetic, the same for every engine.
//!
//! Owns whose word stands, which label follows from it, and what is counted and learned anew. Does not own how it is kept.

use super::rows::{from_json, to_json};
use super::seen::Aside;
use super::{Act, Change, StoreError};
use crate::comment::Comment;
use crate::statistics::{Count, counts};
use crate::verdict::{Decision, Label, Verdict};

/// A comment before it changes.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) comment: Comment,
    pub(super) verdict: Option<Verdict>,
    /// What the checks decided.
    pub(super) judged: Option<Decision>,
    pub(super) word: Word,
}

/// What people said last of a comment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Word {
    /// An [`Act`] as JSON; `None` when nobody's word stands.
    pub(super) said: Option<String>,
    /// The newest label, and when it was given: microseconds.
    pub(super) label: Option<Label>,
    pub(super) labelled_at: Option<i64>,
}

/// What it is from then on.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) judged: Option<Decision>,
    pub(super) word: Word,
    /// What no longer counts, and what counts instead.
    pub(super) old_counts: Vec<Count>,
    pub(super) new_counts: Vec<Count>,
    /// The label that no longer holds, and the one that holds from here on.
    pub(super) unlearn: Option<Label>,
    pub(super) learn: Option<Label>,
}

impl Standing {
    /// `None` when nothing is to be written.
    ///
    /// * `restored`: what a campaign's decision had replaced; with [`Act::Undo`] only.
    /// * `at`: when it happens, microseconds.
    pub(super) fn changed(
        &self,
        change: &Change,
        restored: Option<Word>,
        at: i64,
    ) -> Result<Option<Changed>, StoreError> {
        let what = change.entry.what;
        let said = match what {
            Act::Label(_) | Act::Decision(_) => Some(to_json(&what)?),
            Act::Recheck(_) | Act::Edit(_) | Act::Undo(_) => None,
        };
        let is_idle = match what {
            Act::Label(_) | Act::Decision(_) => self.word.said == said,
            Act::Recheck(_) => self.word.said.is_some(),
            Act::Edit(_) => false,
            Act::Undo(_) => restored.is_none(),
        };
        if is_idle {
            return Ok(None);
        }
        let old = &self.word;
        let word = match what {
            Act::Label(label) => {
                let labelled_at = if old.label == Some(label) { old.labelled_at } else { Some(at) };
                Word { said, label: Some(label), labelled_at }
            }
            // A decision says nothing about what is true.
            Act::Decision(_) => Word { said, ..old.clone() },
            Act::Recheck(_) => old.clone(),
            // A label was about the text that an edit replaces.
            Act::Edit(_) => Word::default(),
            Act::Undo(_) => restored.unwrap_or_default(),
        };
        let comment = change.comment.as_ref().unwrap_or(&self.comment);
        let judged = change.judged.or(self.judged);
        let old_counts = match (&self.verdict, self.judged) {
            (Some(verdict), Some(judged)) => counts(&self.comment, judged, &verdict.evidence, old.label),
            _ => Vec::new(),
        };
        let new_counts =
            judged.map(|judged| counts(comment, judged, &change.verdict.evidence, word.label)).unwrap_or_default();
        let (unlearn, learn) = if old.label == word.label { (None, None) } else { (old.label, word.label) };
        Ok(Some(Changed { judged, word, old_counts, new_counts, unlearn, learn }))
    }
}

impl From<Aside> for Word {
    fn from(aside: Aside) -> Word {
        let label = aside.label.as_deref().and_then(|label| label.parse().ok());
        Word { said: aside.said, label, labelled_at: aside.labelled_at }
    }
}

impl Word {
    /// What the person who spoke last wants to become of the comment.
    pub(super) fn decision(&self) -> Result<Option<Decision>, StoreError> {
        let said = self.said.as_ref().map(|said| from_json::<Act>(said.as_bytes(), "what was said of a comment"));
        Ok(said.transpose()?.and_then(Act::decision_of_a_person))
    }
}
