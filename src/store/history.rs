//! What a comment leaves behind when it is seen, and the campaigns that come of it.
//!
//! Owns plain data. Identities are handed over as they are; an engine keeps keyed hashes of them only, under a secret of
//! the installation. Does not own what is an identity (`pipeline`) nor what a history means (`rules`).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::comment::CommentId;
use crate::text::Fingerprint;
use crate::verdict::{Decision, Label, Verdict};

/// What kind of thing was seen. Part of its key: an address and a domain of the same spelling are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trait {
    Email,
    Ip,
    Network,
    EmailDomain,
    Domain,
}

/// By what a comment is known again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traces {
    /// Who wrote it and where it leads, each in one spelling; a dozen at most count.
    pub identities: Vec<(Trait, String)>,
    /// The e-mail as it was written.
    pub email_spelling: Option<String>,
    /// Tells authors apart: the mailbox, else the address, else the name.
    pub author: Option<String>,
    /// The page that was commented on.
    pub post: Option<String>,
    /// `None`: the text says too little.
    pub fingerprint: Option<Fingerprint>,
    /// A line or less, and without a fingerprint.
    pub is_short: bool,
    /// It leads to another site.
    pub has_link: bool,
}

/// Names a campaign within the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct CampaignId(pub i64);

impl fmt::Display for CampaignId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Near copies from several authors, or on several posts or sites.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Campaign {
    pub id: CampaignId,
    /// Its comments at this site, and at all sites of the store.
    pub comments: u64,
    pub comments_anywhere: u64,
    /// Authors and posts anywhere; beyond 64 an estimate. Unknown ones are not counted.
    pub authors: u64,
    pub posts: u64,
    pub sites: u64,
    /// When its first and its last comment came to this site.
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    /// The comment that came last, and how it begins.
    pub example: CommentId,
    pub excerpt: String,
    /// What a person of this site decided for all of it; later comments follow.
    #[schema(required)]
    pub decision: Option<CampaignDecision>,
}

/// What a person decided for a campaign, at one site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CampaignDecision {
    #[serde(flatten)]
    pub word: CampaignWord,
    pub by: String,
    pub at: Timestamp,
}

/// As with a single comment: a label teaches, a decision does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CampaignWord {
    Label(Label),
    Decision(Decision),
}

impl CampaignWord {
    pub fn decision(self) -> Decision {
        match self {
            CampaignWord::Label(label) => label.decision(),
            CampaignWord::Decision(decision) => decision,
        }
    }
}

/// A comment as it stood before a campaign's decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    pub id: CommentId,
    pub external_id: Option<String>,
    pub verdict: Verdict,
}
