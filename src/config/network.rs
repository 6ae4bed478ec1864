//! Whom to ask about a comment: the table `[network]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::values;
use crate::network::{Of, Trait, Zone};

/// Nothing of it is on unless the operator says so.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// None: the operating system's.
    #[serde(deserialize_with = "addresses")]
    pub resolvers: Vec<SocketAddr>,
    #[serde(deserialize_with = "domain_lists")]
    pub domain_lists: Vec<Zone>,
    #[serde(deserialize_with = "ip_lists")]
    pub ip_lists: Vec<Zone>,
    /// What is told of an author; nothing: it is not asked.
    #[serde(deserialize_with = "traits")]
    pub stopforumspam: Vec<Trait>,
    #[serde(deserialize_with = "http_url")]
    pub stopforumspam_url: String,
    pub gravatar: bool,
    #[serde(deserialize_with = "http_url")]
    pub gravatar_url: String,
    pub backlinks: bool,
    #[serde(deserialize_with = "values::optional_path")]
    pub tor_exits: Option<PathBuf>,
    #[serde(deserialize_with = "values::optional_path")]
    pub countries: Option<PathBuf>,
    pub host_lists: Vec<PathBuf>,
    #[serde(rename = "budget_ms", deserialize_with = "values::milliseconds")]
    pub budget: Duration,
    pub domains: usize,
    pub at_once: usize,
    pub cache_entries: u64,
    #[serde(rename = "keep_hit_s", deserialize_with = "values::seconds")]
    pub keep_hit: Duration,
    #[serde(rename = "keep_miss_s", deserialize_with = "values::seconds")]
    pub keep_miss: Duration,
    pub failures: u32,
    #[serde(rename = "pause_s", deserialize_with = "values::seconds")]
    pub pause: Duration,
}

/// As `super::RANGES`.
pub(super) const RANGES: [(&str, f64, f64); 8] = [
    ("network.budget_ms", 10.0, 10_000.0),
    ("network.domains", 1.0, 50.0),
    ("network.at_once", 1.0, 65_536.0),
    ("network.cache_entries", 0.0, 10_000_000.0),
    ("network.keep_hit_s", 1.0, 2_592_000.0),
    ("network.keep_miss_s", 1.0, 2_592_000.0),
    ("network.failures", 1.0, 1_000.0),
    ("network.pause_s", 1.0, 86_400.0),
];

fn addresses<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<SocketAddr>, D::Error> {
    let usage = |text| D::Error::custom(format!("must be addresses and ports such as 127.0.0.1:53, not \"{text}\""));
    let texts: Vec<String> = Vec::deserialize(given)?;
    texts.into_iter().map(|text| text.parse().map_err(|_| usage(text))).collect()
}

fn domain_lists<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<Zone>, D::Error> {
    zones(given, Of::Domains)
}

fn ip_lists<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<Zone>, D::Error> {
    zones(given, Of::Addresses)
}

fn zones<'de, D: Deserializer<'de>>(given: D, of: Of) -> Result<Vec<Zone>, D::Error> {
    let texts: Vec<String> = Vec::deserialize(given)?;
    if texts.len() > 16 {
        return Err(D::Error::custom("may hold 16 lists at most"));
    }
    texts.iter().map(|text| Zone::parse(text, of).map_err(D::Error::custom)).collect()
}

fn traits<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<Trait>, D::Error> {
    let texts: Vec<String> = Vec::deserialize(given)?;
    let named = |text: &String| {
        let usage = || D::Error::custom(format!("may hold \"email\", \"ip\" and \"name\", not \"{text}\""));
        Trait::ALL.into_iter().find(|what| what.as_str() == text).ok_or_else(usage)
    };
    let named = texts.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    Ok(Trait::ALL.into_iter().filter(|what| named.contains(what)).collect())
}

fn http_url<'de, D: Deserializer<'de>>(given: D) -> Result<String, D::Error> {
    let text = String::deserialize(given)?;
    let is_http = url::Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_http { Ok(text) } else { Err(D::Error::custom(format!("must be a URL such as https://…, not \"{text}\""))) }
}
