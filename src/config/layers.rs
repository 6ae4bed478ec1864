//! Where settings come from: the defaults compiled in, a file, the environment, flags.
//!
//! Owns finding the layers, refusing keys that nobody knows, and remembering where each value came from, so that a
//! complaint can name the place. Does not own what a value means (`super`).

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use config::{FileFormat, Source, Value, ValueKind};

use super::ConfigError;
use super::hooks::keys as hooks;

/// The defaults and the manual.
pub const DEFAULTS: &str = include_str!("../../config/hamlet.toml");
const DEFAULTS_ORIGIN: &str = "the defaults";
const SYSTEM_FILE: &str = "/etc/hamlet/hamlet.toml";
const PREFIX: &str = "HAMLET_";

/// Where to look for settings; kept, so that a reload looks in the same places.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file named by `--config`.
    pub file: Option<PathBuf>,
    /// The environment, as name and value.
    pub environment: BTreeMap<String, String>,
    /// Command-line flags that are settings: flag, key, value.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// This process's environment; `file` and `flags` as the command line gave them.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(&'static str, &'static str, String)>) -> Sources {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let environment = env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        Sources { file, environment, flags }
    }

    /// The value of an environment variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The file to read, and whether somebody asked for it.
    pub(super) fn file(&self) -> Option<PathBuf> {
        let named = self.file.clone().or_else(|| self.variable("HAMLET_CONFIG").map(PathBuf::from));
        named.or_else(|| Some(PathBuf::from(SYSTEM_FILE)).filter(|file| file.exists()))
    }
}

/// One value that is in force, and where it came from.
#[derive(Clone)]
pub struct Setting {
    /// Dotted: `store.readers`.
    pub key: String,
    pub value: ValueKind,
    /// A file's name, ``the environment variable `HAMLET_…` ``, a flag, or `the defaults`.
    pub origin: String,
}

impl Setting {
    /// The key as a settings file spells it: in quotes where an operator chose the name.
    pub fn spelling(&self) -> String {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let chosen = hooks::chosen_name(&self.key).filter(|name| !name.chars().all(is_bare));
        match chosen.and_then(|name| Some((self.key.strip_suffix(name)?, name))) {
            Some((start, name)) => format!("{start}{}", serde_json::Value::from(name)),
            None => self.key.clone(),
        }
    }

    /// Whether the value is nobody's business.
    pub fn is_secret(&self) -> bool {
        hooks::is_secret(&self.key)
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value: &dyn fmt::Debug = if self.is_secret() { &"***" } else { &self.value };
        formatter
            .debug_struct("Setting")
            .field("key", &self.key)
            .field("value", value)
            .field("origin", &self.origin)
            .finish()
    }
}

/// Settings of one place.
#[derive(Clone, Debug)]
struct Layer(Vec<Setting>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<config::Map<String, Value>, config::ConfigError> {
        let value = |setting: &Setting| Value::new(Some(&setting.origin), setting.value.clone());
        Ok(self.0.iter().map(|setting| (setting.key.clone(), value(setting))).collect())
    }
}

/// Reads all layers, the later winning: the merged whole, and each of its values with its origin.
///
/// What is below `hooks` is among the values only: there are no defaults that would say what it looks like.
pub fn merged(sources: &Sources) -> Result<(config::Config, BTreeMap<String, Setting>), ConfigError> {
    let defaults = of_text(DEFAULTS, DEFAULTS_ORIGIN)?;
    let known: HashMap<String, ValueKind> =
        defaults.0.iter().map(|setting| (setting.key.clone(), setting.value.clone())).collect();
    let mut layers = vec![defaults];
    if let Some(file) = sources.file() {
        let layer = of_file(&file)?;
        for setting in &layer.0 {
            known_or_error(&setting.key, &setting.origin, &known, |near| format!("`{near}`"))?;
        }
        layers.push(layer);
    }
    layers.push(of_environment(sources, &known)?);
    layers.push(Layer(sources.flags.iter().map(|(flag, key, value)| of_word(flag, key, value, &known)).collect()));

    let mut settings = BTreeMap::new();
    let mut builder = config::Config::builder();
    for layer in layers {
        settings.extend(layer.0.iter().map(|setting| (setting.key.clone(), setting.clone())));
        builder =
            builder.add_source(Layer(layer.0.into_iter().filter(|setting| !hooks::knows(&setting.key)).collect()));
    }
    let whole = builder.build().map_err(|error| ConfigError::new("the settings", error.to_string()))?;
    for setting in settings.values().filter(|setting| !hooks::knows(&setting.key)) {
        same_kind(setting, known.get(&setting.key))?;
    }
    Ok((whole, settings))
}

fn of_file(file: &Path) -> Result<Layer, ConfigError> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        ConfigError::new(&name, format!("cannot be read: {error}; name another file with --config"))
    })?;
    of_text(&text, &name)
}

fn of_text(text: &str, origin: &str) -> Result<Layer, ConfigError> {
    let parsed = config::File::from_str(text, FileFormat::Toml).collect();
    let table = parsed.map_err(|error| ConfigError::new(origin, error.to_string().trim_end().to_owned()))?;
    let mut settings = Vec::new();
    flatten("", table, origin, &mut settings);
    Ok(Layer(settings))
}

fn flatten(above: &str, table: config::Map<String, Value>, origin: &str, settings: &mut Vec<Setting>) {
    for (name, value) in table {
        let key = if above.is_empty() { name } else { format!("{above}.{name}") };
        match value.kind {
            ValueKind::Table(below) => flatten(&key, below, origin, settings),
            value => settings.push(Setting { key, value, origin: origin.to_owned() }),
        }
    }
}

fn of_environment(sources: &Sources, known: &HashMap<String, ValueKind>) -> Result<Layer, ConfigError> {
    let mut settings = Vec::new();
    for (variable, value) in &sources.environment {
        let Some(name) = variable.strip_prefix(PREFIX) else { continue };
        if name == "CONFIG" {
            continue;
        }
        let key = name.to_ascii_lowercase().replace("__", ".");
        let origin = format!("environment variable {variable}");
        known_or_error(&key, &origin, known, |near| {
            format!("`{PREFIX}{}`", near.replace('.', "__").to_ascii_uppercase())
        })?;
        settings.push(of_word(&origin, &key, value, known));
    }
    Ok(Layer(settings))
}

/// A setting written in one word, read as the kind that its default is of.
fn of_word(origin: &str, key: &str, word: &str, known: &HashMap<String, ValueKind>) -> Setting {
    let toml = || {
        let written = of_text(&format!("it = {word}"), origin).ok()?.0.into_iter().next()?;
        (written.key == "it").then_some(written.value)
    };
    let is_list = word.trim_start().starts_with('[');
    let value = match known.get(key) {
        None if hooks::is_number(key) || is_list => toml(),
        None | Some(ValueKind::String(_)) => None,
        Some(ValueKind::Array(default)) if !is_list => {
            let number = default.first().is_some_and(|value| !matches!(value.kind, ValueKind::String(_)));
            let item = |item: &str| match item.parse::<i64>() {
                Ok(integer) if number => ValueKind::I64(integer),
                _ => ValueKind::String(item.to_owned()),
            };
            let items = word.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(ValueKind::Array(items.map(|text| Value::new(None, item(text))).collect()))
        }
        Some(_) => toml(),
    };
    let value = value.unwrap_or_else(|| ValueKind::String(word.to_owned()));
    Setting { key: key.to_owned(), value, origin: origin.to_owned() }
}

fn known_or_error(
    key: &str,
    origin: &str,
    known: &HashMap<String, ValueKind>,
    write: impl Fn(&str) -> String,
) -> Result<(), ConfigError> {
    if known.contains_key(key) || hooks::knows(key) {
        return Ok(());
    }
    let of_sources = hooks::keys_beside(key);
    let candidates = || known.keys().chain(&of_sources);
    let within = candidates().filter(|candidate| candidate.starts_with(&format!("{key}.")));
    // Who writes `store` for a key of its section most often means what is written in words, its `url`. What is known has no
    // order but its name's; keys of sources come in theirs.
    let is_text = |candidate: &str| matches!(known.get(candidate), Some(ValueKind::String(_)));
    let named = |candidate| known.get_key_value(candidate).map(|(key, _)| key);
    if let Some(below) = within.min_by_key(|candidate| (!is_text(candidate), named(*candidate))) {
        return Err(ConfigError::new(
            origin,
            format!("`{key}` is a section; name a key of it, such as {}", write(below)),
        ));
    }
    // The key itself may be right and its section forgotten.
    let likeness = |candidate: &str| {
        let name = candidate.rsplit('.').next().unwrap_or(candidate);
        strsim::jaro_winkler(key, candidate).max(0.95 * strsim::jaro_winkler(key, name))
    };
    let near = candidates().map(|candidate| (likeness(candidate), candidate));
    let near = near.max_by(|left, right| left.0.total_cmp(&right.0).then(right.1.cmp(left.1))).map(|(_, near)| near);
    let mend = near.map(|near| format!("; did you mean {}?", write(near))).unwrap_or_default();
    Err(ConfigError::new(origin, format!("unknown key `{key}`{mend}")))
}

/// A value is of the kind that its default is of.
fn same_kind(setting: &Setting, default: Option<&ValueKind>) -> Result<(), ConfigError> {
    let mixed = ["policy.discard", "policy.max_blocked_ham", "webhooks.allow_private_addresses"]
        .contains(&setting.key.as_str());
    let expected = match (default, &setting.value) {
        _ if mixed => return Ok(()),
        (Some(ValueKind::String(_)), ValueKind::String(_))
        | (Some(ValueKind::Boolean(_)), ValueKind::Boolean(_))
        | (Some(ValueKind::I64(_)), ValueKind::I64(_))
        | (Some(ValueKind::Float(_)), ValueKind::Float(_) | ValueKind::I64(_)) => return Ok(()),
        (Some(ValueKind::Array(default)), ValueKind::Array(values)) => {
            // A list that is empty unless somebody fills it is one of texts.
            let text = ValueKind::String(String::new());
            let example = Some(default.first().map_or(&text, |value| &value.kind));
            return values.iter().try_for_each(|value| {
                let item = Setting { value: value.kind.clone(), ..setting.clone() };
                same_kind(&item, example)
            });
        }
        (Some(ValueKind::String(_)), _) => "a text in quotes",
        (Some(ValueKind::Boolean(_)), _) => "true or false",
        (Some(ValueKind::I64(_)), _) => "a whole number",
        (Some(ValueKind::Float(_)), _) => "a number",
        _ => "a list in brackets",
    };
    let given = &setting.value;
    let given = if matches!(given, ValueKind::String(_)) { format!("\"{given}\"") } else { given.to_string() };
    Err(ConfigError::new(&setting.origin, format!("`{}` must be {expected}, not {given}", setting.key)))
}
