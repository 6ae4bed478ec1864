//! `hamlet model verify`: which models are sound, and the mend for those that are not.

use std::io::Write as _;
use std::path::Path;

use anyhow::{bail, ensure};
use serde_json::json;

use super::{SHIPPED, bytes, record};
use crate::classifier::Classifier;
use crate::cli::screen::{self, Output};
use crate::store::Store;
use crate::training::verify::verify;

/// Is this the name of a file, not of a model in the store?
pub(super) fn is_file(name: &str) -> bool {
    name != SHIPPED && (name.contains(['.', '/']) || Path::new(name).exists())
}

pub(super) fn file(path: &Path, output: Output) -> anyhow::Result<()> {
    let name = path.display().to_string();
    told(vec![Found::of(name, None, &bytes(path)?, "copy the file again, or train anew")], output)
}

pub(super) async fn stored(store: &dyn Store, id: Option<&str>, all: bool, output: Output) -> anyhow::Result<()> {
    let champion = store.champion().await?;
    let ids = match id {
        Some(id) => vec![record(store, id).await?.id],
        None if all => store.models().await?.into_iter().map(|model| model.id).chain([SHIPPED.to_owned()]).collect(),
        None => vec![champion.clone().unwrap_or_else(|| SHIPPED.to_owned())],
    };
    let mut found = Vec::new();
    for id in ids {
        if id == SHIPPED {
            found.push(Found::of(id, None, Classifier::shipped_bytes(), "install Hamlet again"));
            continue;
        }
        let mend = if champion.as_deref() == Some(id.as_str()) {
            "it is the champion: `hamlet model rollback` lets the one before it serve, or train anew"
        } else {
            "import it again from a file, or train anew"
        };
        found.push(Found::of(id.clone(), Some(id.clone()), &store.model_bytes(&id).await?, mend));
    }
    told(found, output)
}

/// What came of looking at one model.
struct Found {
    name: String,
    /// What is wrong, with the mend.
    wrong: Option<String>,
}

impl Found {
    fn of(name: String, id: Option<String>, bytes: &[u8], mend: &str) -> Found {
        let wrong = verify(bytes, id.as_deref()).err().map(|wrong| format!("{wrong}; {mend}"));
        Found { name, wrong }
    }
}

fn told(found: Vec<Found>, output: Output) -> anyhow::Result<()> {
    if output.json {
        let line = |one: &Found| json!({"model": one.name, "is_sound": one.wrong.is_none(), "wrong": one.wrong});
        screen::json(&found.iter().map(line).collect::<Vec<_>>())?;
    } else {
        let mut out = screen::out();
        for one in found.iter().filter(|one| one.wrong.is_none()) {
            writeln!(out, "Model {} is sound.", one.name)?;
        }
    }
    let damaged: Vec<String> =
        found.iter().filter_map(|one| Some(format!("model {}: {}", one.name, one.wrong.as_ref()?))).collect();
    ensure!(damaged.len() < 2, "{} models are not sound:\n  {}", damaged.len(), damaged.join("\n  "));
    if let Some(damaged) = damaged.into_iter().next() {
        bail!("{damaged}");
    }
    Ok(())
}
