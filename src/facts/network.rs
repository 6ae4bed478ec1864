//! What DNS lists, services and downloaded lists answered about a comment's links and author.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answers that came within the time budget. An answer that says "not listed" is counted only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Answers {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Answer>,
    /// Where the author's address is, ISO 3166-1 alpha-2; absent when no file of countries knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("EG"))]
    pub country: Option<String>,
    /// Questions put, those answered from memory included.
    pub asked: u32,
    /// Questions that nobody answered in time, or at all: they say nothing.
    #[serde(skip_serializing_if = "is_zero")]
    pub unanswered: u32,
}

/// One list or service knows what it was asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// The rule that it speaks for.
    #[schema(examples("URIBL_DBL"))]
    pub symbol: String,
    /// Who answered: a zone, a service, a file's name.
    #[schema(examples("dbl.spamhaus.org"))]
    pub source: String,
    /// A domain or host; or `ip`, `email`, `name` for what is known of the author already.
    #[schema(examples("bad.example", "ip"))]
    pub about: String,
    /// The zone's return code, or the service's confidence in percent; empty when there is no more to say than "listed".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(examples("127.0.1.2", "97.5"))]
    pub code: String,
    /// How much of the rule's weight it is worth, above 0 and at most 1.
    #[serde(default = "whole")]
    pub strength: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn whole() -> f64 {
    1.0
}
