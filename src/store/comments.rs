//! Comments as the store takes and gives them: on their way in, at rest, and as they change.
//!
//! Owns plain data and the words for where a comment stands. Does not own what a verb promises (`super::Store`).

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CampaignId, EndpointId, Lease, Outgoing, Query, Traces};
use crate::comment::{Comment, CommentId};
use crate::site::SiteId;
use crate::verdict::{Decision, Label, Verdict};

/// A comment on its way in.
#[derive(Clone, Debug)]
pub struct NewComment {
    pub id: CommentId,
    pub site: SiteId,
    pub comment: Comment,
    pub received_at: Timestamp,
    /// The `Idempotency-Key` header; a repeat within the same site is the same comment.
    pub idempotency_key: Option<String>,
    /// By which a later submit-spam or submit-ham finds the comment again; see [`Store::find_by_fingerprint`](super::Store::find_by_fingerprint).
    pub fingerprint: Option<i64>,
    /// Whom the CMS wants told when the decision changes; see [`Store::callback_endpoint`](super::Store::callback_endpoint).
    pub callback: Option<EndpointId>,
    /// By what it is known again; with [`Store::admit_decided`](super::Store::admit_decided) only.
    pub traces: Traces,
}

/// What became of a comment that knocked.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// It is durable now. `lease` is there if `claimed_until` was given: the caller is to decide it.
    New { id: CommentId, lease: Option<Lease> },
    /// It was there before; nothing was written.
    Repeat {
        id: CommentId,
        /// The CMS's own id is the same, and no idempotency key says that the message is: its author may have edited it.
        may_be_edit: bool,
    },
}

impl Admission {
    pub fn id(&self) -> CommentId {
        match self {
            Admission::New { id, .. } | Admission::Repeat { id, .. } => *id,
        }
    }
}

/// Where a comment stands. There is no way to be decided without a verdict.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all comments are decided")]
pub enum Status {
    Queued,
    Decided { verdict: Verdict },
    DeadLetter { attempts: u32, last_error: String },
}

impl Status {
    pub fn word(&self) -> StatusWord {
        match self {
            Status::Queued => StatusWord::Queued,
            Status::Decided { .. } => StatusWord::Decided,
            Status::DeadLetter { .. } => StatusWord::DeadLetter,
        }
    }
}

/// A comment as the store knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredComment {
    pub id: CommentId,
    pub site: SiteId,
    pub comment: Comment,
    pub received_at: Timestamp,
    pub status: Status,
    /// What the checks decided, whatever a person made of it since; `None` when they never did.
    pub judged: Option<Decision>,
    /// What happened to it after it was first decided, oldest first.
    pub history: Vec<HistoryEntry>,
}

impl StoredComment {
    /// Whether a person's word stands: the newest label or decision, unless the comment was edited since.
    pub fn has_a_persons_word(&self) -> bool {
        let mut words = 0_u32;
        for entry in &self.history {
            match entry.what {
                Act::Label(_) | Act::Decision(_) => words += 1,
                // What a campaign's decision replaced stands again.
                Act::Undo(_) => words = words.saturating_sub(1),
                Act::Edit(_) => words = 0,
                Act::Recheck(_) => {}
            }
        }
        words > 0
    }
}

/// One thing that happened to a comment, and who did it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    pub at: Timestamp,
    /// Who: a user's name, a reporter of the CMS, or the key's site.
    pub by: String,
    /// Through which door: `api`, `akismet`, `hook`, `callback`, `cli`.
    pub via: String,
    #[serde(flatten)]
    pub what: Act,
    /// The decision that stood before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Decision>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// A person said what is true of the comment; learned from.
    Label(Label),
    /// A person said what is to become of it; not learned from.
    Decision(Decision),
    /// It was judged again, and this came out.
    Recheck(Decision),
    /// Its author changed it; it was judged again, and this came out.
    Edit(Decision),
    /// A campaign's decision was taken back, and this stands again.
    Undo(Decision),
}

impl Act {
    /// What a person who spoke wants to become of the comment.
    pub fn decision_of_a_person(self) -> Option<Decision> {
        match self {
            Act::Label(label) => Some(label.decision()),
            Act::Decision(decision) => Some(decision),
            Act::Recheck(_) | Act::Edit(_) | Act::Undo(_) => None,
        }
    }
}

/// What becomes of a comment that was admitted before.
#[derive(Clone, Debug)]
pub struct Change {
    pub entry: HistoryEntry,
    /// What stands from now on.
    pub verdict: Verdict,
    /// What the checks themselves decided now; `None` when they were not asked.
    pub judged: Option<Decision>,
    /// The comment as it reads now; with [`Act::Edit`] only.
    pub comment: Option<Comment>,
    /// That of the message which brought the edit: the same message again is no further edit.
    pub idempotency_key: Option<String>,
    /// By which it is found from now on; `None`: as before.
    pub fingerprint: Option<i64>,
    /// For the endpoints; `None` when there is nothing new for them.
    pub event: Option<Outgoing>,
    /// For the call-back that the comment came with, if it did.
    pub call_back: Option<Outgoing>,
    /// The campaign that was decided, or is decided no longer.
    pub campaign: Option<CampaignId>,
    /// By what the comment is known again, when the checks read it.
    pub traces: Option<Traces>,
}

/// A queued comment that this worker is to decide.
#[derive(Clone, Debug)]
pub struct DecisionJob {
    pub lease: Lease,
    pub id: CommentId,
    pub site: SiteId,
    pub comment: Comment,
    pub received_at: Timestamp,
}

/// Which comments are meant; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct CommentFilter {
    pub query: Option<Query>,
    pub status: Option<StatusWord>,
    pub decision: Option<Decision>,
    /// The newest label.
    pub label: Option<Label>,
    /// Received at this moment or later.
    pub from: Option<Timestamp>,
    /// Received before this moment.
    pub to: Option<Timestamp>,
}

/// Where a comment stands, without what is true of it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    Queued,
    Decided,
    DeadLetter,
}

impl FromStr for StatusWord {
    type Err = String;

    fn from_str(text: &str) -> Result<StatusWord, String> {
        match text {
            "queued" => Ok(StatusWord::Queued),
            "decided" => Ok(StatusWord::Decided),
            "dead_letter" => Ok(StatusWord::DeadLetter),
            _ => Err(format!("`{text}` is no status; say queued, decided or dead_letter")),
        }
    }
}

/// A comment that is ham as far as anybody knows: what a budget is measured with.
#[derive(Clone, Debug)]
pub struct HamComment {
    pub id: CommentId,
    pub comment: Comment,
    /// As it stands: after a person's word with the score and the evidence that the checks gave before it.
    pub verdict: Verdict,
    pub word: HamWord,
}

/// Who said that it is ham.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HamWord {
    /// A person said that it is true; models may have learned from it.
    Labelled,
    /// A person let it through.
    Approved,
    /// The checks let it through, and nobody contradicted.
    Presumed,
}

/// Labels that no model of the store can have learned from yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewLabels {
    /// When the newest model was made, or what was asked for if that is later; `None` when there is neither.
    pub since: Option<Timestamp>,
    pub count: u32,
}

/// A comment with the label that a person gave last: what training reads.
#[derive(Clone, Debug)]
pub struct LabelledComment {
    pub id: CommentId,
    pub site: SiteId,
    pub comment: Comment,
    pub label: Label,
    pub labelled_at: Timestamp,
}

/// What one act teaches: a text whose label changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    pub site: SiteId,
    /// As it read when the labels were about it.
    pub comment: Comment,
    /// The label that no longer holds.
    pub unlearn: Option<Label>,
    /// The label that holds from here on.
    pub learn: Option<Label>,
}

/// A stretch of what there is to learn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lessons {
    /// Oldest first.
    pub lessons: Vec<Lesson>,
    /// Up to which act this goes; the next stretch begins after it. Acts count from 1.
    pub up_to: i64,
}
