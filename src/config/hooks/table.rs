//! From the settings below `hooks` to [`Hook`]s.
//!
//! Owns what is missing and what is wrong in a source's table, and how that is told. No complaint repeats a secret.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::{Value, ValueKind};

use super::keys::place;
use super::{Act, Answer, Events, Hook, Hooks, Key, Lookup, Scheme, Template, lookup};
use crate::comment::ContentFormat;
use crate::config::{ConfigError, Setting};
use crate::verdict::Label;
use crate::webhook::signature::SecretError;

/// How far a signed time may lie from now unless the settings say otherwise; that of Standard Webhooks' libraries.
const TOLERANCE_S: i64 = 300;

/// Reads the tables below `hooks`; files of secrets included.
///
/// # Errors
/// The first thing that is missing or wrong, with its key and place.
pub fn of_settings(settings: &BTreeMap<String, Setting>) -> Result<Hooks, ConfigError> {
    let mut tables: BTreeMap<&str, Table<'_>> = BTreeMap::new();
    for (setting, value) in settings {
        if let Some((name, key)) = place(setting) {
            tables.entry(name).or_insert_with(|| Table { name, values: BTreeMap::new() }).values.insert(key, value);
        }
    }
    tables.into_iter().map(|(name, table)| Ok((name.to_owned(), Arc::new(table.hook()?)))).collect()
}

/// The settings of one source, by key.
struct Table<'a> {
    name: &'a str,
    values: BTreeMap<&'a str, &'a Setting>,
}

impl<'a> Table<'a> {
    fn hook(&self) -> Result<Hook, ConfigError> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !self.name.chars().all(is_plain) || self.name.contains("__") || self.name.starts_with('_') {
            let problem = format!(
                "`hooks.{}`: the name of a source is made of lower-case letters, digits and single _, so that the \
                 path /v1/hooks/NAME and the environment can spell it",
                self.name
            );
            return Err(ConfigError::new(self.origin(), problem));
        }
        Ok(Hook {
            name: self.name.to_owned(),
            site: self.needed("site", "name the site whose comments these are")?.to_owned(),
            scheme: self.scheme()?,
            id: self.lookup("id")?,
            events: self.events()?,
            answer: self.answer()?,
            fields: self.fields()?,
        })
    }

    fn scheme(&self) -> Result<Scheme, ConfigError> {
        let scheme = self.needed("scheme", "say how its messages are signed (bearer, if by a token only)")?;
        let unused: &[&str] = match scheme {
            "standard-webhooks" => &["header", "prefix"],
            "ghost" => &["prefix"],
            _ => &["tolerance_s"],
        };
        match scheme {
            "standard-webhooks" | "hmac-sha256" | "ghost" | "bearer" => {
                if let Some(setting) = unused.iter().find_map(|key| self.values.get(key)) {
                    return Err(wrong(setting, &format!("has no meaning with the scheme {scheme}; leave it out")));
                }
            }
            other => {
                let schemes = "must be standard-webhooks, hmac-sha256, ghost or bearer";
                return Err(self.wrong("scheme", &format!("{schemes}, not \"{other}\"")));
            }
        }
        Ok(match scheme {
            "standard-webhooks" => {
                let secret = |text: &str| text.parse().map_err(|error: SecretError| error.to_string());
                Scheme::StandardWebhooks { secrets: self.secrets(secret)?, tolerance: self.tolerance()? }
            }
            "ghost" => {
                let header = self.header()?.unwrap_or_else(|| "x-ghost-signature".to_owned());
                Scheme::Ghost { secrets: self.secrets(Key::new)?, header, tolerance: self.tolerance()? }
            }
            "bearer" => {
                let header = self.header()?.unwrap_or_else(|| "authorization".to_owned());
                let usual = if header == "authorization" { "Bearer " } else { "" };
                let prefix = self.text("prefix")?.unwrap_or(usual).to_owned();
                Scheme::Bearer { secrets: self.secrets(Key::new)?, header, prefix }
            }
            _ => {
                self.needed("header", "name the header that carries the signature, such as X-Hub-Signature-256")?;
                let header = self.header()?.unwrap_or_default();
                let prefix = self.text("prefix")?.unwrap_or_default().to_owned();
                Scheme::HmacSha256 { secrets: self.secrets(Key::new)?, header, prefix }
            }
        })
    }

    /// Those of `secret` and those of `secret_file`. No complaint repeats one.
    fn secrets<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, ConfigError> {
        let mut found = Vec::new();
        for key in ["secret", "secret_file"] {
            let Some(setting) = self.values.get(key) else { continue };
            let lines;
            let texts = if key == "secret" {
                self.texts(key)?
            } else {
                let file = self.text(key)?.unwrap_or_default();
                lines = std::fs::read_to_string(file)
                    .map_err(|error| wrong(setting, &format!("names {file}, which cannot be read: {error}")))?;
                lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
            };
            if texts.is_empty() {
                return Err(wrong(setting, "holds no secret"));
            }
            for text in texts {
                found.push(read(text).map_err(|why| wrong(setting, &format!("is no good secret: {why}")))?);
            }
        }
        if found.is_empty() {
            let variable = format!("HAMLET_HOOKS__{}__SECRET", self.name.to_ascii_uppercase());
            return Err(self.missing("secret", &format!("write it here, in `secret_file`, or in {variable}")));
        }
        Ok(found)
    }

    fn tolerance(&self) -> Result<Duration, ConfigError> {
        let problem = "must be a whole number of seconds from 1 to 86400";
        let seconds = match self.values.get("tolerance_s").map(|setting| &setting.value) {
            None => TOLERANCE_S,
            Some(ValueKind::I64(seconds)) if (1..=86_400).contains(seconds) => *seconds,
            Some(other) => return Err(self.wrong("tolerance_s", &format!("{problem}, not {other}"))),
        };
        Ok(Duration::from_secs(seconds.unsigned_abs()))
    }

    fn header(&self) -> Result<Option<String>, ConfigError> {
        let name = self.text("header")?.map(lookup::header).transpose();
        name.map_err(|problem| self.wrong("header", &problem))
    }

    fn events(&self) -> Result<Option<Events>, ConfigError> {
        let mut acts = BTreeMap::new();
        for (key, setting) in &self.values {
            let Some(event) = key.strip_prefix("events.") else { continue };
            let act = match self.text(key)?.unwrap_or_default() {
                "check" => Act::Check,
                "spam" => Act::Label(Label::Spam),
                "ham" => Act::Label(Label::Ham),
                "ignore" => Act::Ignore,
                other => {
                    return Err(wrong(setting, &format!("must be check, spam, ham or ignore, not \"{other}\"")));
                }
            };
            if matches!(act, Act::Label(_)) && !self.values.contains_key("fields.external_id") {
                return Err(self.missing("fields.external_id", "a label finds its comment by it"));
            }
            acts.insert(event.to_owned(), act);
        }
        match (self.lookup("event")?, acts.is_empty()) {
            (Some(name), false) => Ok(Some(Events { name, acts })),
            (None, true) => Ok(None),
            (None, false) => Err(self.missing("event", "say where the name of the event is found")),
            (Some(_), true) => {
                let mend = format!("say what to do about each, as in `hooks.{}.events.NAME = \"check\"`", self.name);
                Err(self.missing("events", &mend))
            }
        }
    }

    fn answer(&self) -> Result<Answer, ConfigError> {
        match self.text("answer")?.unwrap_or("accepted") {
            "accepted" => Ok(Answer::Accepted),
            "verdict" => Ok(Answer::Verdict),
            "empty" => Ok(Answer::Empty),
            other => Err(self.wrong("answer", &format!("must be accepted, verdict or empty, not \"{other}\""))),
        }
    }

    fn fields(&self) -> Result<BTreeMap<String, Lookup>, ConfigError> {
        let mut fields = BTreeMap::new();
        for key in self.values.keys() {
            let Some(name) = key.strip_prefix("fields.") else { continue };
            let Some(lookup) = self.lookup(key)? else { continue };
            let constants = lookup.alternatives().filter_map(Template::constant);
            if let Some(word) =
                constants.filter(|_| name == "content_format").find(|word| ContentFormat::named(word).is_none())
            {
                return Err(self.wrong(key, &format!("must be =text, =html or =markdown, not \"={word}\"")));
            }
            fields.insert(name.to_owned(), lookup);
        }
        if !fields.contains_key("content") {
            return Err(self.missing("fields.content", "say where the text of the comment is, such as \"/post/raw\""));
        }
        Ok(fields)
    }

    fn lookup(&self, key: &str) -> Result<Option<Lookup>, ConfigError> {
        if !self.values.contains_key(key) {
            return Ok(None);
        }
        Lookup::new(&self.texts(key)?).map(Some).map_err(|problem| self.wrong(key, &problem))
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        match self.values.get(key).map(|setting| &setting.value) {
            None => Ok(None),
            Some(ValueKind::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "must be a text in quotes")),
        }
    }

    /// One text or a list of them.
    fn texts(&self, key: &str) -> Result<Vec<&'a str>, ConfigError> {
        let text = |value: &'a Value| match &value.kind {
            ValueKind::String(text) => Some(text.as_str()),
            _ => None,
        };
        let texts = match self.values.get(key).map(|setting| &setting.value) {
            None => Some(Vec::new()),
            Some(ValueKind::String(text)) => Some(vec![text.as_str()]),
            Some(ValueKind::Array(items)) => items.iter().map(text).collect(),
            Some(_) => None,
        };
        texts.ok_or_else(|| self.wrong(key, "must be a text in quotes, or a list of such texts in brackets"))
    }

    fn needed(&self, key: &str, mend: &str) -> Result<&'a str, ConfigError> {
        self.text(key)?.ok_or_else(|| self.missing(key, mend))
    }

    fn missing(&self, key: &str, mend: &str) -> ConfigError {
        ConfigError::new(self.origin(), format!("`hooks.{}.{key}` is missing: {mend}", self.name))
    }

    fn wrong(&self, key: &str, problem: &str) -> ConfigError {
        match self.values.get(key) {
            Some(setting) => wrong(setting, problem),
            None => ConfigError::new(self.origin(), format!("`hooks.{}.{key}` {problem}", self.name)),
        }
    }

    /// Where this source is spoken of.
    fn origin(&self) -> &'a str {
        self.values.values().next().map_or("the settings", |setting| setting.origin.as_str())
    }
}

fn wrong(setting: &Setting, problem: &str) -> ConfigError {
    ConfigError::new(&setting.origin, format!("`{}` {problem}", setting.key))
}
