//! From the words of a settings file to the types that the house uses.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::budget::Budget;
use crate::language::Language;
use crate::site::Policy;
use crate::verdict::{Score, Share, Thresholds};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
    /// Fields for systemd's journal.
    Journald,
}

/// Whether endpoints may be at private, loopback or link-local addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateAddresses {
    Refused,
    Allowed,
    /// In these networks only.
    Within(Vec<IpNet>),
}

pub(super) fn address<'de, D: Deserializer<'de>>(given: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(given)?;
    let usage = || D::Error::custom(format!("must be an address and a port such as 127.0.0.1:8420, not \"{text}\""));
    text.parse().map_err(|_| usage())
}

pub(super) fn directives<'de, D: Deserializer<'de>>(given: D) -> Result<String, D::Error> {
    let text = String::deserialize(given)?;
    // A bare word that is no level would be read as a module's name, and silence all else.
    let bare = |word: &&str| !word.contains(['=', '[']) && word.parse::<LevelFilter>().is_err();
    let wrong = text.split(',').map(str::trim).find(bare);
    match (wrong, EnvFilter::builder().parse(&text)) {
        (None, Ok(_)) => Ok(text),
        _ => Err(D::Error::custom(format!("must be error, warn, info, debug or trace, not \"{text}\""))),
    }
}

pub(super) fn milliseconds<'de, D: Deserializer<'de>>(given: D) -> Result<Duration, D::Error> {
    u64::deserialize(given).map(Duration::from_millis)
}

pub(super) fn seconds<'de, D: Deserializer<'de>>(given: D) -> Result<Duration, D::Error> {
    u64::deserialize(given).map(Duration::from_secs)
}

pub(super) fn hours<'de, D: Deserializer<'de>>(given: D) -> Result<Duration, D::Error> {
    u64::deserialize(given).map(|hours| Duration::from_secs(hours.saturating_mul(3_600)))
}

pub(super) fn days<'de, D: Deserializer<'de>>(given: D) -> Result<Duration, D::Error> {
    u64::deserialize(given).map(|days| Duration::from_secs(days.saturating_mul(86_400)))
}

pub(super) fn list_of_seconds<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<Duration>, D::Error> {
    let waits = Vec::<u64>::deserialize(given)?;
    if waits.len() > 100 {
        return Err(D::Error::custom("may hold 100 waits at most"));
    }
    Ok(waits.into_iter().map(Duration::from_secs).collect())
}

pub(super) fn optional_path<'de, D: Deserializer<'de>>(given: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(given)?;
    Ok(Some(path).filter(|path| !path.as_os_str().is_empty()))
}

pub(super) fn host_names<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<String>, D::Error> {
    let hosts: Vec<String> = Vec::deserialize(given)?;
    let host = |host: String| {
        let host = host.trim().trim_matches('.').to_ascii_lowercase();
        let is_name = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        if is_name { Ok(host) } else { Err(D::Error::custom(format!("must be bare host names, not \"{host}\""))) }
    };
    hosts.into_iter().map(host).collect()
}

pub(super) fn private_addresses<'de, D: Deserializer<'de>>(given: D) -> Result<PrivateAddresses, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        All(bool),
        Words(String),
        List(Vec<String>),
    }
    let usage = "must be true, false, or a list of subnets such as [\"127.0.0.0/8\"]";
    let subnets: Vec<String> = match Given::deserialize(given).map_err(|_| D::Error::custom(usage))? {
        Given::All(true) => return Ok(PrivateAddresses::Allowed),
        Given::All(false) => return Ok(PrivateAddresses::Refused),
        Given::Words(words) => words.split(',').map(|word| word.trim().to_owned()).collect(),
        Given::List(list) => list,
    };
    let subnet = |text: String| network(&text).ok_or_else(|| D::Error::custom(format!("{usage}, not \"{text}\"")));
    subnets.into_iter().map(subnet).collect::<Result<_, _>>().map(PrivateAddresses::Within)
}

pub(super) fn networks<'de, D: Deserializer<'de>>(given: D) -> Result<Vec<IpNet>, D::Error> {
    let usage = "must be networks such as 10.0.0.0/8 or addresses";
    let subnet = |text: String| network(&text).ok_or_else(|| D::Error::custom(format!("{usage}, not \"{text}\"")));
    Vec::deserialize(given)?.into_iter().map(subnet).collect()
}

/// `10.0.0.0/8`, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().map(IpNet::from).ok())
}

pub(super) fn policy<'de, D: Deserializer<'de>>(given: D) -> Result<Policy, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Given {
        hold: f64,
        spam: f64,
        discard: Threshold,
        max_blocked_ham: Threshold,
        trusted_roles: Vec<String>,
        language: String,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Threshold {
        Number(f64),
        Words(String),
    }
    let given = Given::deserialize(given)?;
    let score = |key: &str, number| {
        Score::new(number)
            .ok_or_else(|| D::Error::custom(format!("`policy.{key}` must be a probability from 0 to 1, not {number}")))
    };
    let discard = match given.discard {
        Threshold::Number(number) => Some(score("discard", number)?),
        Threshold::Words(word) if word == "none" => None,
        Threshold::Words(word) => {
            let usage = format!("`policy.discard` must be \"none\" or a probability from 0 to 1, not \"{word}\"");
            Some(score("discard", word.parse().map_err(|_| D::Error::custom(usage))?)?)
        }
    };
    let max_blocked_ham = match given.max_blocked_ham {
        Threshold::Words(word) if word == "none" => None,
        Threshold::Words(word) => Some(word),
        Threshold::Number(number) => Some(number.to_string()),
    };
    let share = max_blocked_ham.map(|share| {
        let usage =
            |usage| D::Error::custom(format!("`policy.max_blocked_ham` is neither \"none\" nor a share; {usage}"));
        share.parse::<Share>().map_err(usage)
    });
    let budget = share.transpose()?.map(Budget::of);
    let language = match given.language.as_str() {
        "auto" => None,
        tag => {
            let usage = || D::Error::custom(format!("`policy.language` must be auto, en, ar or de, not \"{tag}\""));
            Some(tag.parse::<Language>().map_err(|_| usage())?)
        }
    };
    let thresholds = Thresholds { hold: score("hold", given.hold)?, spam: score("spam", given.spam)?, discard };
    Ok(Policy { thresholds, budget, trusted_roles: given.trusted_roles, language, ..Policy::standard() })
}
