//! `hamlet config`: what is in force, where it comes from, and whether a file is right.

use std::collections::BTreeMap;
use std::io::Write as _;

use clap::Subcommand;
use config::ValueKind;

use super::Places;
use super::screen::{self, Output};
use crate::config::Setting;

/// Show and check settings.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  hamlet config check --config hamlet.toml")]
pub enum Command {
    /// Print the settings in force and where each comes from.
    #[command(after_help = "Example:\n  HAMLET_STORE__READERS=8 hamlet config show")]
    Show {
        #[command(flatten)]
        output: Output,
        /// Print the manual instead: the defaults, with what each key means.
        #[arg(long, conflicts_with = "json")]
        defaults: bool,
    },
    /// Read the settings as `hamlet serve` would, and say what is wrong with them.
    #[command(after_help = "Example:\n  hamlet config check --config hamlet.toml && systemctl reload hamlet")]
    Check,
}

impl Command {
    pub(super) fn run(&self, places: &Places) -> anyhow::Result<()> {
        let mut out = screen::out();
        if let Command::Show { defaults: true, .. } = self {
            return Ok(write!(out, "{}", crate::config::DEFAULTS)?);
        }
        let config = places.config(&[])?;
        match self {
            Command::Check => {
                config.hooks()?;
                writeln!(out, "The settings are in order.")?;
            }
            Command::Show { output, .. } if output.json => {
                let shown =
                    |setting: &Setting| serde_json::json!({ "value": value(setting), "origin": setting.origin });
                let all: BTreeMap<_, _> = config.settings().map(|setting| (&setting.key, shown(setting))).collect();
                screen::json(&all)?;
            }
            Command::Show { .. } => {
                for setting in config.settings() {
                    writeln!(out, "{} = {}  # {}", setting.spelling(), value(setting), setting.origin)?;
                }
                writeln!(out, "# data is kept in {}", config.data_dir.display())?;
            }
        }
        Ok(())
    }
}

/// What may be shown of a setting's value. What is shown ends up in logs and tickets.
fn value(setting: &Setting) -> serde_json::Value {
    if setting.is_secret() { "***".into() } else { json(&setting.value) }
}

/// The value as JSON, which for all values that a setting has is TOML too.
fn json(value: &ValueKind) -> serde_json::Value {
    match value {
        ValueKind::Boolean(flag) => (*flag).into(),
        ValueKind::I64(number) => (*number).into(),
        ValueKind::Float(number) => (*number).into(),
        ValueKind::Array(items) => items.iter().map(|item| json(&item.kind)).collect(),
        other => without_password(&other.to_string()).into(),
    }
}

/// A store's URL may carry one.
fn without_password(text: &str) -> String {
    if text.starts_with("postgres") {
        return crate::store::shown(text);
    }
    let hide = |mut url: url::Url| {
        url.password()?;
        url.set_password(Some("***")).ok()?;
        Some(url.to_string())
    };
    url::Url::parse(text).ok().and_then(hide).unwrap_or_else(|| text.to_owned())
}
