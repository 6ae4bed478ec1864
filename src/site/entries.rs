//! An entry of an allow or block list: plain data.
//!
//! Owns how an entry is written and read. Does not own how it meets a comment (`lists`).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether an entry lets through or keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListKind {
    Allow,
    Block,
}

impl ListKind {
    pub fn as_str(self) -> &'static str {
        match self {
            ListKind::Allow => "allow",
            ListKind::Block => "block",
        }
    }
}

impl fmt::Display for ListKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for ListKind {
    type Err = String;

    fn from_str(text: &str) -> Result<ListKind, String> {
        match text {
            "allow" => Ok(ListKind::Allow),
            "block" => Ok(ListKind::Block),
            _ => Err(format!("`{text}` is no list; say allow or block")),
        }
    }
}

/// One line of an allow or block list, with why it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ListEntry {
    pub list: ListKind,
    #[serde(rename = "match")]
    #[schema(value_type = String, pattern = "^(email|ip|domain|link|phrase):.", examples("domain:spam.example"))]
    pub pattern: ListPattern,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Who put it on; empty when nobody said it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub added_by: String,
    pub added_at: Timestamp,
    /// From then on it is as if it were not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What an entry looks at. Written `email:a@b.example`, `ip:192.0.2.0/24`, `domain:b.example`, `link:b.example`,
/// `phrase:cheap watches`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ListPattern {
    /// The author's e-mail address, whatever its case.
    Email(String),
    /// The author's address lies in this network.
    Ip(IpNet),
    /// Domain, or a domain above it, of the author's e-mail, the author's URL or a link in the text. In lower case,
    /// international names in their `xn--` form.
    Domain(String),
    /// The same, of links in the text only.
    Link(String),
    /// Words in the text, bounded by word boundaries and compared after normalisation.
    Phrase(String),
}

impl ListPattern {
    /// What the words before the `:` may be.
    pub const FIELDS: [&str; 5] = ["email", "ip", "domain", "link", "phrase"];

    pub fn field(&self) -> &'static str {
        match self {
            ListPattern::Email(_) => "email",
            ListPattern::Ip(_) => "ip",
            ListPattern::Domain(_) => "domain",
            ListPattern::Link(_) => "link",
            ListPattern::Phrase(_) => "phrase",
        }
    }
}

impl FromStr for ListPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<ListPattern, String> {
        let usage = || format!("`{text}` is no list entry; write email:…, ip:…, domain:…, link:… or phrase:…");
        let (field, value) = text.split_once(':').ok_or_else(usage)?;
        let value = value.trim();
        if value.is_empty() {
            return Err(usage());
        }
        match field.trim() {
            "email" => email(value).map(ListPattern::Email),
            "ip" => network(value).map(ListPattern::Ip),
            "domain" => domain(value).map(ListPattern::Domain),
            "link" => domain(value).map(ListPattern::Link),
            "phrase" => Ok(ListPattern::Phrase(value.to_owned())),
            _ => Err(usage()),
        }
    }
}

fn email(value: &str) -> Result<String, String> {
    let has_both = value.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if has_both && !value.contains(char::is_whitespace) {
        Ok(value.to_lowercase())
    } else {
        Err(format!("`{value}` is no e-mail address; for all of a domain write domain:…"))
    }
}

fn network(value: &str) -> Result<IpNet, String> {
    let single = || value.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical()));
    let network = value.parse::<IpNet>().map(|network| network.trunc()).or_else(|_| single());
    network.map_err(|_| format!("`{value}` is neither an IP address nor a network such as 192.0.2.0/24"))
}

/// A host name as links and addresses are compared: lower case, `xn--` form, no dots around it.
fn domain(value: &str) -> Result<String, String> {
    let name = value.trim_start_matches("*.").trim_matches('.');
    let is_fit = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_') || !c.is_ascii();
    match url::Host::parse(name) {
        Ok(url::Host::Domain(name)) if name.chars().all(is_fit) => Ok(name),
        Ok(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => Err(format!("`{value}` is an IP address; write ip:{value}")),
        _ => Err(format!("`{value}` is no domain; write it alone, such as bad.example")),
    }
}

impl fmt::Display for ListPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = self.field();
        match self {
            ListPattern::Email(value)
            | ListPattern::Domain(value)
            | ListPattern::Link(value)
            | ListPattern::Phrase(value) => write!(formatter, "{field}:{value}"),
            ListPattern::Ip(value) => write!(formatter, "{field}:{value}"),
        }
    }
}

impl TryFrom<String> for ListPattern {
    type Error = String;

    fn try_from(text: String) -> Result<ListPattern, String> {
        text.parse()
    }
}

impl From<ListPattern> for String {
    fn from(pattern: ListPattern) -> String {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        match (text.parse::<ListPattern>(), expected) {
            (Ok(pattern), Ok(shown)) => assert_eq!(pattern.to_string(), shown),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    #[test]
    fn list_entries_are_read_as_they_are_shown() {
        check("email:Bob@Example.ORG", Ok("email:bob@example.org"));
        check("ip:192.0.2.7", Ok("ip:192.0.2.7/32"));
        check("ip:192.0.2.7/24", Ok("ip:192.0.2.0/24"));
        check("ip:::ffff:192.0.2.7", Ok("ip:192.0.2.7/32"));
        check("ip:2001:db8::/32", Ok("ip:2001:db8::/32"));
        check("domain:*.Bad.example", Ok("domain:bad.example"));
        check("domain:Bücher.example.", Ok("domain:xn--bcher-kva.example"));
        check("link:bad.example", Ok("link:bad.example"));
        check("phrase: cheap watches ", Ok("phrase:cheap watches"));
        check("ip:999.1.1.1", Err("neither an IP address"));
        check("bob@example.org", Err("write email:"));
        check("email:bad.example", Err("domain:"));
        check("domain:192.0.2.1", Err("write ip:"));
        check("domain:https://bad.example/x", Err("write it alone"));
        check("phrase:", Err("write email:"));
    }
}
