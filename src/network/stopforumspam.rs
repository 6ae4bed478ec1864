//! Asking StopForumSpam about an author.
//!
//! Owns the question and reading the answer. What is sent is what the settings name: the e-mail as its MD5, the address,
//! the name. Its API is described at stopforumspam.com/usage.

use std::fmt;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest as _, Md5};
use serde_json::Value;

use super::subject::Subject;
use super::{Failure, http};

/// An entry not seen for so long is no evidence: addresses change hands.
const FRESH: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Confidence below this many percent says no more than chance.
const LEAST_CONFIDENCE: f64 = 50.0;
/// Bytes of an answer that are read; one has some hundred.
const MOST_BYTES: usize = 65_536;

/// What is sent of an author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trait {
    Email,
    Ip,
    Name,
}

impl Trait {
    pub const ALL: [Trait; 3] = [Trait::Email, Trait::Ip, Trait::Name];

    pub fn as_str(self) -> &'static str {
        match self {
            Trait::Email => "email",
            Trait::Ip => "ip",
            Trait::Name => "name",
        }
    }

    pub fn symbol(self) -> &'static str {
        match self {
            Trait::Email => "SFS_EMAIL",
            Trait::Ip => "SFS_IP",
            Trait::Name => "SFS_NAME",
        }
    }

    /// The field of the question.
    fn sent_as(self) -> &'static str {
        match self {
            Trait::Email => "emailhash",
            Trait::Ip => "ip",
            Trait::Name => "username",
        }
    }

    /// What is sent; `None` when the author has no such thing.
    pub fn of(self, subject: &Subject) -> Option<String> {
        match self {
            Trait::Email => subject.email.as_ref().map(|email| format!("{:x}", Md5::digest(email))),
            Trait::Ip => subject.ip.map(|ip| ip.to_string()),
            Trait::Name => subject.name.clone(),
        }
    }
}

/// A client for one service. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    http: reqwest::Client,
    url: String,
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Service {
    /// # Errors
    /// As [`http::client`].
    pub fn new(url: &str, timeout: Duration) -> Result<Service, String> {
        Ok(Service { http: http::client(timeout)?, url: url.to_owned() })
    }

    /// The confidence (percent) that each of `traits` belongs to a spammer, in their order; `None` for what is not known, or
    /// not lately.
    pub async fn ask(&self, traits: &[(Trait, String)], now: Timestamp) -> Result<Vec<Option<f64>>, Failure> {
        let request = self.http.post(&self.url).header("content-type", "application/x-www-form-urlencoded");
        let mut answer = request.body(form_of(traits)).send().await.map_err(http::failed)?;
        match answer.status().as_u16() {
            200 => {}
            403 | 429 => return Err(Failure::Refused),
            _ => return Err(Failure::Broken),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(http::failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                return Err(Failure::Broken);
            }
        }
        let answer: Value = serde_json::from_slice(&body).map_err(|_| Failure::Broken)?;
        if number(answer.get("success")) != Some(1.0) {
            return Err(Failure::Refused);
        }
        Ok(traits.iter().map(|(what, _)| confidence(&answer, *what, now)).collect())
    }
}

/// In the body, so that no proxy on the way writes it down. Entries for whole networks are left out, and those of Tor exits,
/// which have a rule of their own.
fn form_of(traits: &[(Trait, String)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for flag in ["json", "confidence", "nobadall", "notorexit"] {
        form.append_pair(flag, "1");
    }
    for (what, value) in traits {
        form.append_pair(what.sent_as(), value);
    }
    form.finish()
}

fn confidence(answer: &Value, what: Trait, now: Timestamp) -> Option<f64> {
    let names: &[&str] = match what {
        Trait::Email => &["emailHash", "emailhash", "email"],
        Trait::Ip => &["ip"],
        Trait::Name => &["username"],
    };
    let entry = names.iter().find_map(|name| answer.get(name))?;
    if number(entry.get("appears")) != Some(1.0) {
        return None;
    }
    let seen: DateTime = entry.get("lastseen")?.as_str()?.parse().ok()?;
    let seen = TimeZone::UTC.to_timestamp(seen).ok()?;
    let confidence = number(entry.get("confidence"))?;
    let is_fresh = now.duration_since(seen) < FRESH;
    (is_fresh && (LEAST_CONFIDENCE..=100.0).contains(&confidence)).then_some(confidence)
}

/// Numbers come as numbers or as texts.
fn number(value: Option<&Value>) -> Option<f64> {
    let value = value?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, expected: Option<f64>) {
        let answer = serde_json::from_str(&format!(r#"{{"success":1,"ip":{entry}}}"#)).unwrap();
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        assert_eq!(confidence(&answer, Trait::Ip, now), expected, "{entry}");
    }

    #[test]
    fn only_what_is_fresh_and_likely_counts() {
        check(r#"{"appears":1,"lastseen":"2026-05-20 10:00:00","confidence":97.5}"#, Some(97.5));
        check(r#"{"appears":"1","lastseen":"2026-05-20 10:00:00","confidence":"60"}"#, Some(60.0));
        check(r#"{"appears":0}"#, None);
        check(r#"{"appears":1,"lastseen":"2026-01-20 10:00:00","confidence":97.5}"#, None);
        check(r#"{"appears":1,"lastseen":"2026-05-20 10:00:00","confidence":12.0}"#, None);
        check(r#"{"appears":1,"lastseen":"2026-05-20 10:00:00"}"#, None);
        check(r#"{"appears":1,"lastseen":"yesterday","confidence":97.5}"#, None);
        check(r#"{"appears":1,"lastseen":"2026-05-20 10:00:00","confidence":1e9}"#, None);
        check(r#""listed""#, None);
    }

    #[test]
    fn an_e_mail_leaves_the_house_as_its_md5_only() {
        let subject = Subject { email: Some("bob@mail.example".into()), ..Subject::default() };
        // printf bob@mail.example | md5sum
        assert_eq!(Trait::Email.of(&subject).unwrap(), "a4ca9ca4efb0467f0370b8f7939415ba");
        assert_eq!(Trait::Ip.of(&subject), None);
    }
}
