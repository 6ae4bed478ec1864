//! API keys: whose they are, what they may be used for, until when. Plain data.
//!
//! Owns scopes. Does not own the keys themselves: those are shown once and only their hashes are kept (`store`).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::site::SiteId;

/// SHA-256 of an API key; the key itself is shown once and never stored.
pub type KeyHash = [u8; 32];

/// Names one key, without saying anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct KeyId(pub i64);

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// One thing that a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send comments and hear the verdict.
    Check,
    /// Say what is true of a comment, or what is to become of it.
    Submit,
    /// Read comments, deliveries and statistics.
    Read,
    /// Change endpoints, lists and keys; with a key of no site: sites.
    Admin,
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::Check, Scope::Submit, Scope::Read, Scope::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Check => "check",
            Scope::Submit => "submit",
            Scope::Read => "read",
            Scope::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Scope, String> {
        Scope::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text.trim())
            .ok_or_else(|| format!("`{text}` is no scope; say check, submit, read or admin"))
    }
}

/// Everything that a key may be used for. As JSON a list of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
#[schema(value_type = Vec<Scope>)]
pub struct Scopes(u8);

impl Scopes {
    /// What the key of a CMS needs, and no more: it lies in the CMS's own database.
    pub const CMS: Scopes = Scopes(0b0111);
    pub const ALL: Scopes = Scopes(0b1111);

    pub fn contains(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |all, scope| all | 1 << scope as u8))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Scopes {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Vec<Scope> {
        scopes.iter().collect()
    }
}

/// `check,submit`
impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::as_str).collect();
        formatter.pad(&words.join(","))
    }
}

impl FromStr for Scopes {
    type Err = String;

    fn from_str(text: &str) -> Result<Scopes, String> {
        text.split(',').map(str::parse).collect()
    }
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    pub id: KeyId,
    /// When there is none, it speaks for every site.
    #[schema(required)]
    pub site: Option<SiteId>,
    /// What the operator calls it: `site` for the one that came with the site.
    pub name: String,
    pub scopes: Scopes,
    pub created_at: Timestamp,
    /// From then on it is as if it were not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(skip)]
    pub hash: KeyHash,
}

impl Key {
    /// The name of the key that a site is made with.
    pub const OF_SITE: &'static str = "site";

    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expiry| expiry > now)
    }
}

/// A key to be kept.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub site: Option<SiteId>,
    pub name: String,
    pub scopes: Scopes,
    pub hash: KeyHash,
    pub expires_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_shown() {
        let read = |text: &str| text.parse::<Scopes>();
        assert_eq!(read("submit, check").unwrap().to_string(), "check,submit");
        assert_eq!(read("check,submit,read").unwrap(), Scopes::CMS);
        assert_eq!(read("admin,read,submit,check").unwrap(), Scopes::ALL);
        assert!(read("check,write").unwrap_err().contains("`write` is no scope"));
        assert_eq!(serde_json::to_string(&Scopes::CMS).unwrap(), r#"["check","submit","read"]"#);
        assert_eq!(serde_json::from_str::<Scopes>(r#"["admin"]"#).unwrap().to_string(), "admin");
        assert!(!Scopes::CMS.contains(Scope::Admin) && Scopes::CMS.contains(Scope::Read));
    }
}
