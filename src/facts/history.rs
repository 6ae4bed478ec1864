//! What this store has seen of an author and of a text before.
//!
//! Owns the numbers, all as of the moment of judging: a verdict that is replayed reads no clock.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came before the comment, itself not counted. What people said counts for the comment's own site only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct History {
    /// Comments under the author's mailbox; absent when no e-mail was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Seen>,
    /// Comments from the author's address; absent when none was sent, or one that many people share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<Seen>,
    /// Comments from its network: /24, or /48 of IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Seen>,
    /// Comments under the domain of the author's e-mail; absent for mail providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_domain: Option<Seen>,
    /// Comments that lead to the same domains; those that were never seen are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub domains: BTreeMap<String, Seen>,
    /// Comments that read alike; absent for a text that says too little to be told from others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Alike>,
    /// Links to other sites that an edit added.
    #[serde(skip_serializing_if = "is_zero")]
    pub added_links: u32,
}

/// What was seen of one author, address or domain. Counts fade by half every 30 days; those within a time by half in that
/// time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Seen {
    /// Comments whose checks came to a decision: approved, held, blocked.
    #[serde(skip_serializing_if = "is_nothing")]
    pub passed: f32,
    #[serde(skip_serializing_if = "is_nothing")]
    pub held: f32,
    #[serde(skip_serializing_if = "is_nothing")]
    pub blocked: f32,
    /// Comments that a person let through, and that one called spam.
    #[serde(skip_serializing_if = "is_nothing")]
    pub approved: f32,
    #[serde(skip_serializing_if = "is_nothing")]
    pub rejected: f32,
    /// On how many days a comment was written that says something and that a person let through.
    #[serde(skip_serializing_if = "is_zero")]
    pub days: u32,
    /// How many of those led to another site.
    #[serde(skip_serializing_if = "is_zero")]
    pub with_links: u32,
    /// Comments within ten minutes, an hour, a day.
    #[serde(skip_serializing_if = "is_nothing")]
    pub in_10_minutes: f32,
    #[serde(skip_serializing_if = "is_nothing")]
    pub in_hour: f32,
    #[serde(skip_serializing_if = "is_nothing")]
    pub in_day: f32,
    /// Comments within an hour that say too little to be told from others.
    #[serde(skip_serializing_if = "is_nothing")]
    pub short_in_hour: f32,
    /// How often another spelling of the mailbox followed upon one.
    #[serde(skip_serializing_if = "is_nothing")]
    pub respelled: f32,
    /// Seconds since the first and since the last of them.
    #[serde(skip_serializing_if = "is_zero")]
    pub first_seconds_ago: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub last_seconds_ago: u32,
}

impl Seen {
    /// Comments of any kind, faded.
    pub fn comments(&self) -> f32 {
        self.passed + self.held + self.blocked
    }

    pub fn is_new(&self) -> bool {
        self.comments() < 0.01 && self.approved + self.rejected < 0.01
    }
}

/// Comments that read alike, of all sites of this store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Alike {
    /// How many read exactly so, faded by half every 30 days.
    #[serde(skip_serializing_if = "is_zero")]
    pub exact: u32,
    /// How many are near copies, those included.
    #[serde(skip_serializing_if = "is_zero")]
    pub near: u32,
    /// Their authors, posts and sites other than this comment's own; beyond 64 an estimate.
    #[serde(skip_serializing_if = "is_zero")]
    pub other_authors: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub other_posts: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub other_sites: u32,
    /// What people of this site said of near copies.
    #[serde(skip_serializing_if = "is_zero")]
    pub ham: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pub spam: u32,
    /// What people of this site said of this very text, faded by half every 30 days.
    #[serde(skip_serializing_if = "is_nothing")]
    pub exact_approved: f32,
    #[serde(skip_serializing_if = "is_nothing")]
    pub exact_rejected: f32,
    /// The campaign that it belongs to, if near copies have become one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<i64>,
    /// What a person of this site decided for the whole campaign: `approve`, `hold`, `spam`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_decision: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Faded to less than what two digits show.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_nothing(count: &f32) -> bool {
    *count < 0.005
}
