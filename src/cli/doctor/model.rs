//! The model that serves: whether it can be read, is sound, and how old it is.

use std::fs;

use jiff::Timestamp;

use super::{Findings, lasting};
use crate::classifier::Classifier;
use crate::classifier::features::FEATURES_VERSION;
use crate::config::Config;
use crate::store::{Store, StoreError};
use crate::training::verify::verify;

pub(super) async fn check(
    findings: &mut Findings,
    store: &dyn Store,
    config: &Config,
    now: Timestamp,
) -> Result<(), StoreError> {
    let champion = store.champion().await?;
    let (name, bytes, mend) = match (&champion, &config.model.file) {
        (Some(id), _) => {
            let mend = "`hamlet model rollback` lets the one before it serve; meanwhile the shipped one does";
            (format!("model {id}"), store.model_bytes(id).await?, mend)
        }
        (None, Some(file)) => match fs::read(file) {
            Ok(bytes) => (file.display().to_string(), bytes, "mend `model.file`, or copy the file again"),
            Err(error) => {
                let fact = format!("{} cannot be read: {error}", file.display());
                findings.error("model", fact, "mend `model.file`; the daemon does not start like this");
                return Ok(());
            }
        },
        (None, None) => ("the shipped model".to_owned(), Classifier::shipped_bytes().to_vec(), "install Hamlet again"),
    };
    if let Err(unsound) = verify(&bytes, champion.as_deref()) {
        findings.error("model", format!("{name}: {unsound}"), mend);
        return Ok(());
    }
    let record = store.models().await?.into_iter().find(|model| Some(&model.id) == champion.as_ref());
    let age = record.map_or_else(String::new, |record| {
        format!(", {} old", lasting(now.duration_since(record.created_at).as_secs_f64().max(0.0)))
    });
    findings.ok("model", format!("{name} serves and is sound{age} (features {FEATURES_VERSION})"));
    Ok(())
}
