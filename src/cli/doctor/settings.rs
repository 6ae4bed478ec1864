//! The settings, and who may read the files that hold secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Findings;
use crate::config::{Config, Setting};
use crate::store::{Store, StoreError};

pub(super) fn check(findings: &mut Findings, config: &Config) {
    let file = config.file();
    let place = file.as_deref().map_or("the defaults alone".to_owned(), |file| file.display().to_string());
    match config.hooks() {
        Ok(_) => findings.ok("settings", format!("are in order ({place})")),
        Err(error) => findings.error("settings", error.to_string(), "mend it; the daemon does not start like this"),
    }
    let names = file.map(|file| file.display().to_string());
    for setting in config.settings().filter(|setting| setting.key.ends_with(".secret_file")) {
        readable_by_others(findings, Path::new(&setting.value.to_string()));
    }
    if let Some(file) = names
        && config.settings().any(|setting| setting.origin == file && is_secret(setting))
    {
        readable_by_others(findings, Path::new(&file));
    }
}

/// A site's policy of countries is silent as long as no file tells a comment's country.
pub(super) async fn countries(findings: &mut Findings, store: &dyn Store, config: &Config) -> Result<(), StoreError> {
    let sites = store.directory().await?.sites;
    let mut wanting = sites.iter().filter(|site| {
        let policy = &site.policy;
        !policy.countries.is_empty() || !policy.hold_countries.is_empty()
    });
    if config.network.countries.is_none()
        && let Some(site) = wanting.next()
    {
        findings.warning(
            "countries",
            format!(
                "site `{}` wants comments of some countries looked at, and nothing tells a comment's country",
                site.name
            ),
            "name a file in `network.countries`; docs/network.md says where there are some",
        );
    }
    Ok(())
}

/// Whether whoever reads the value has more than he should: a hook's secret, a store's password, a customer's key.
fn is_secret(setting: &Setting) -> bool {
    let text = setting.value.to_string();
    let has_password = || url::Url::parse(&text).is_ok_and(|url| url.password().is_some());
    // `secret_file` names a place, and that place is looked at by itself.
    let is_hidden = setting.is_secret() && !setting.key.ends_with(".secret_file");
    is_hidden || has_password() || text.contains(".dq.spamhaus.net")
}

fn readable_by_others(findings: &mut Findings, file: &Path) {
    let shown = file.display();
    match fs::metadata(file) {
        Ok(found) if found.permissions().mode() & 0o007 != 0 => findings.error(
            "secrets",
            format!(
                "{shown} holds secrets and is open to every user of this machine (mode {:03o})",
                found.permissions().mode() & 0o777
            ),
            format!("chmod o-rwx {shown}"),
        ),
        Ok(_) => findings.ok("secrets", format!("{shown} is closed to other users")),
        Err(error) => findings.error(
            "secrets",
            format!("{shown} cannot be looked at: {error}"),
            "run this as Hamlet's user, or mend the setting that names it",
        ),
    }
}
