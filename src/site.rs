//! A site (tenant) and its policy: plain data.
//!
//! Owns what an operator may say about a site. Does not own keys (the store keeps their hashes), what an entry of its lists
//! looks like (`entries`), nor how lists and thresholds are applied (`decision`).

pub mod entries;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::budget::Budget;
use crate::language::Language;
use crate::verdict::{Score, Share, Thresholds};
pub use entries::{ListEntry, ListKind, ListPattern};

/// Names one site in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct SiteId(pub i64);

impl fmt::Display for SiteId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A tenant: it has an API key, a policy, lists, endpoints and comments of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    pub id: SiteId,
    /// Short, unique, typed by the operator: `default`, `news`.
    pub name: String,
    /// Home address of the site, `https://news.example/`; empty when nobody said it.
    pub url: String,
    pub policy: Policy,
    pub created_at: Timestamp,
}

/// Names are typed and shown in tables; longer ones help nobody.
pub const NAME_CHARS: usize = 64;
/// Longest home address.
pub const URL_BYTES: usize = 2048;

/// Whether a site may have this name; if not, why.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_fit = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=NAME_CHARS).contains(&name.chars().count()) && name.chars().all(is_fit) {
        Ok(())
    } else {
        Err(format!("a name has 1 to {NAME_CHARS} letters, digits, `-`, `_` and `.`"))
    }
}

/// Whether a site may be at this address; if not, why.
pub fn check_url(address: &str) -> Result<(), String> {
    let url = url::Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let is_fit = url.is_some_and(|url| url.has_host()) && address.len() <= URL_BYTES;
    if is_fit { Ok(()) } else { Err("write an address such as https://news.example/".to_owned()) }
}

/// What the operator wants for one site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// As the operator set them; [`Policy::in_force`] says what counts.
    pub thresholds: Thresholds,
    /// How much ham may be blocked; when enough ham was seen, this chooses the hold threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Roles in the CMS whose comments are let through (`administrator`, `editor`, …).
    pub trusted_roles: Vec<String>,
    /// Judges and records, but always answers approve.
    #[serde(default)]
    pub shadow: bool,
    /// The language that reasons are written in; `None`: the one that the CMS sends with a comment, else English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Languages that are read here, BCP 47 (`ar`, `en`); comments in others speak against themselves. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// Names of people who work here, under which nobody else should write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub staff_names: Vec<String>,
    /// Countries from which people write here, ISO 3166-1 alpha-2; a person looks at what comes from others. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// Countries from which a person looks at each comment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold_countries: Vec<String>,
}

/// Whether this may be a language of a policy; if not, why.
pub fn check_language(tag: &str) -> Result<(), String> {
    let mut parts = tag.split('-');
    let is_primary = parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let is_fit = is_primary
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if is_fit { Ok(()) } else { Err(format!("`{tag}` is no language; write its code, such as ar or en")) }
}

/// A country as the store keeps it: `eg` is `EG`; if it is none, why.
pub fn country(code: &str) -> Result<String, String> {
    let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    let unfit = || format!("`{code}` is no country; write its two letters, such as EG or SA");
    is_code.then(|| code.to_ascii_uppercase()).ok_or_else(unfit)
}

impl Policy {
    /// The policy of a site about which nothing was said.
    ///
    /// Hold from even odds, spam from 19 to 1, never discard; the roles that WordPress lets publish are trusted.
    pub fn standard() -> Policy {
        let score = |p| Score::new(p).unwrap_or_else(|| unreachable!("a constant within [0, 1]"));
        Policy {
            thresholds: Thresholds { hold: score(0.5), spam: score(0.95), discard: None },
            budget: None,
            trusted_roles: ["administrator", "editor", "author"].map(String::from).to_vec(),
            shadow: false,
            language: None,
            languages: Vec::new(),
            staff_names: Vec::new(),
            countries: Vec::new(),
            hold_countries: Vec::new(),
        }
    }

    /// The thresholds that count, and the share of blocked ham that chose the hold threshold, if a budget did.
    ///
    /// Until the budget has enough ham the operator's thresholds stay as they are. The spam and discard thresholds stay
    /// in any case, unless they would lie below the chosen one: then they are equal to it.
    pub fn in_force(&self) -> (Thresholds, Option<Share>) {
        let chosen = self.budget.as_ref().and_then(|budget| Some((budget.hold()?, budget.max_blocked_ham)));
        match chosen {
            Some((hold, share)) => (self.thresholds.with_hold(hold), Some(share)),
            None => (self.thresholds, None),
        }
    }

    /// Sets, changes or takes away the budget; what was measured for the same one stays.
    pub fn set_budget(&mut self, max_blocked_ham: Option<Share>) {
        if self.budget.as_ref().map(|budget| budget.max_blocked_ham) != max_blocked_ham {
            self.budget = max_blocked_ham.map(Budget::of);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Chosen, Measured};

    fn score(probability: f64) -> Score {
        Score::new(probability).unwrap()
    }

    /// The thresholds in force when the budget chose `hold`.
    fn in_force(hold: f64, discard: Option<f64>) -> Thresholds {
        let mut policy = Policy::standard();
        policy.thresholds.discard = discard.map(score);
        let measured = Measured {
            ham: 1240,
            needed: 598,
            chosen: Some(Chosen { hold: score(hold), above: 2 }),
            unreviewed: 0,
            model: "shipped".into(),
            rules: "1".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        policy.budget = Some(Budget { measured: Some(measured), ..Budget::of(Share::new(0.005).unwrap()) });
        let (thresholds, share) = policy.in_force();
        assert_eq!(share, Share::new(0.005));
        thresholds
    }

    #[test]
    fn a_budget_moves_the_hold_threshold_and_keeps_the_order() {
        let thresholds = |hold, spam, discard: Option<f64>| Thresholds {
            hold: score(hold),
            spam: score(spam),
            discard: discard.map(score),
        };
        assert_eq!(in_force(0.31, None), thresholds(0.31, 0.95, None));
        assert_eq!(in_force(0.97, Some(0.99)), thresholds(0.97, 0.97, Some(0.99)));
        assert_eq!(in_force(0.995, Some(0.99)), thresholds(0.995, 0.995, Some(0.995)));
    }

    #[test]
    fn without_enough_ham_the_operators_thresholds_hold() {
        let mut policy = Policy::standard();
        assert_eq!(policy.in_force(), (policy.thresholds, None));
        policy.set_budget(Share::new(0.005));
        assert_eq!(policy.in_force(), (policy.thresholds, None));
    }

    #[test]
    fn what_was_measured_is_kept_for_the_same_budget_only() {
        let mut policy = Policy::standard();
        policy.set_budget(Share::new(0.005));
        let measured = Measured {
            ham: 120,
            needed: 598,
            chosen: None,
            unreviewed: 0,
            model: String::new(),
            rules: String::new(),
            at: Timestamp::UNIX_EPOCH,
        };
        let kept = Some(Budget { measured: Some(measured), ..Budget::of(Share::new(0.005).unwrap()) });
        policy.budget.clone_from(&kept);
        policy.set_budget(Share::new(0.005));
        assert_eq!(policy.budget, kept);
        policy.set_budget(Share::new(0.01));
        assert_eq!(policy.budget, Share::new(0.01).map(Budget::of));
        policy.set_budget(None);
        assert_eq!(policy.budget, None);
    }
}
