//! What WordPress and the Akismet plugin say of a comment.
//!
//! `comment_approved` is what holds on the site now, so it is the label: `1` ham, `spam` spam. Pending (`0`) and thrown away
//! (`trash`, `post-trashed`) say neither, unless a person said to Akismet what it was: a comment that somebody marked as
//! spam and then threw away is spam. What Akismet alone said decides nothing; it only tells how many of the labels are
//! a machine's.

use std::collections::HashMap;

use crate::verdict::Label;

/// Comments whose history is kept, some 20 MiB; of later ones it is not known.
const MAX_KEPT: usize = 900_000;

/// What Akismet's rows in comment meta say of one comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    /// What a person said last.
    pub(super) person: Option<Label>,
    /// What Akismet said last.
    pub(super) machine: Option<Label>,
}

impl History {
    /// Adds what one row of meta says.
    pub(super) fn learn(&mut self, key: &[u8], value: &[u8]) {
        let truth = || match value {
            b"true" => Some(Label::Spam),
            b"false" => Some(Label::Ham),
            _ => None,
        };
        match key {
            b"akismet_result" => self.machine = truth().or(self.machine),
            b"akismet_user_result" => self.person = truth().or(self.person),
            // A serialised array with the event in it; a person's own word stands above it.
            b"akismet_history" => {
                let says = |event: &[u8]| memchr::memmem::find(value, event).is_some();
                if says(b"\"report-spam\"") {
                    self.person = Some(Label::Spam);
                } else if says(b"\"report-ham\"") {
                    self.person = Some(Label::Ham);
                } else if says(b"\"check-spam\"") {
                    self.machine = self.machine.or(Some(Label::Spam));
                } else if says(b"\"check-ham\"") {
                    self.machine = self.machine.or(Some(Label::Ham));
                }
            }
            _ => {}
        }
    }
}

/// The histories of a dump's comments, by their id; their rows stand before those of the comments.
#[derive(Debug, Default)]
pub(super) struct Histories {
    known: HashMap<u64, History>,
    is_full: bool,
}

impl Histories {
    pub(super) fn learn(&mut self, comment: u64, key: &[u8], value: &[u8]) {
        if !key.starts_with(b"akismet_") {
            return;
        }
        let mut history = self.of(comment);
        history.learn(key, value);
        if history == History::default() {
            return;
        }
        if self.known.len() < MAX_KEPT || self.known.contains_key(&comment) {
            self.known.insert(comment, history);
        } else {
            self.is_full = true;
        }
    }

    pub(super) fn of(&self, comment: u64) -> History {
        self.known.get(&comment).copied().unwrap_or_default()
    }

    /// Another site of the network begins: its ids are its own.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}

/// How many labels come from whom.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deciders {
    person: u64,
    machine: u64,
    unknown: u64,
}

impl Deciders {
    /// Counts a comment that is learned from.
    pub(super) fn count(&mut self, label: Label, history: History) {
        if history.person == Some(label) {
            self.person += 1;
        } else if history.machine == Some(label) {
            self.machine += 1;
        } else {
            self.unknown += 1;
        }
    }

    pub(super) fn note(&self, histories: &Histories) -> Option<String> {
        if self.person + self.machine == 0 {
            return None;
        }
        let Deciders { person, machine, unknown } = self;
        let mut note = format!(
            "by Akismet's history {person} labels are a person's, {machine} Akismet's alone, {unknown} of neither"
        );
        if histories.is_full {
            note.push_str(&format!("; the history of no more than {MAX_KEPT} comments is kept"));
        }
        Some(note)
    }
}

/// Why a row has no label.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unlabelled {
    /// It says neither; the kind under which it is counted.
    PassedOver(&'static str),
    /// No word of WordPress's.
    Unknown,
}

/// The label that `comment_approved` gives.
pub(super) fn meaning(approved: &str, history: History) -> Result<Label, Unlabelled> {
    let undecided = |what| history.person.ok_or(Unlabelled::PassedOver(what));
    match approved.trim() {
        "1" | "approve" | "approved" => Ok(Label::Ham),
        "spam" => Ok(Label::Spam),
        "0" | "hold" => undecided("pending (0)"),
        "trash" => undecided("trash"),
        "post-trashed" => undecided("post-trashed"),
        _ => Err(Unlabelled::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(approved: &str, meta: &[(&str, &str)], expected: Result<Label, Unlabelled>) {
        let mut histories = Histories::default();
        meta.iter().for_each(|(key, value)| histories.learn(7, key.as_bytes(), value.as_bytes()));
        assert_eq!(meaning(approved, histories.of(7)), expected, "{approved} {meta:?}");
    }

    #[test]
    fn what_holds_on_the_site_is_the_label_and_a_person_decides_the_rest() {
        check("1", &[], Ok(Label::Ham));
        check("spam", &[("akismet_result", "true")], Ok(Label::Spam));
        check("1", &[("akismet_result", "true")], Ok(Label::Ham));
        check("trash", &[("akismet_result", "true")], Err(Unlabelled::PassedOver("trash")));
        check("trash", &[("akismet_user_result", "true")], Ok(Label::Spam));
        check("0", &[("akismet_user_result", "false")], Ok(Label::Ham));
        let reported = "a:3:{s:4:\"time\";d:1.5;s:5:\"event\";s:11:\"report-spam\";s:4:\"user\";s:5:\"admin\";}";
        check("post-trashed", &[("akismet_history", reported)], Ok(Label::Spam));
        check("0", &[("akismet_history", "s:10:\"check-spam\";")], Err(Unlabelled::PassedOver("pending (0)")));
        check("maybe", &[], Err(Unlabelled::Unknown));
    }
}
