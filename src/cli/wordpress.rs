//! `hamlet site wordpress`: the must-use plugin that brings WordPress' Akismet plugin to this daemon.
//!
//! Owns filling the template (`wordpress/hamlet.php`) in, where it is written, and the steps that are told. Does
//! not own what the plugin does, nor what the daemon answers to it (`api::akismet`).

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::ArgGroup;
use jiff::Timestamp;
use url::Url;

use super::{screen, site_named};
use crate::config::Config;
use crate::daemon::timing;
use crate::key::{Key, NewKey, Scope, Scopes};
use crate::pipeline::key_hash;
use crate::random;
use crate::site::Site;
use crate::store::Store;

const TEMPLATE: &str = include_str!("wordpress/hamlet.php");
/// The plugin's name in the folder.
const FILE: &str = "hamlet.php";
/// Stands in every version of the plugin; a file without it is somebody else's.
const MARK: &str = "Written by `hamlet site wordpress`";

/// Which site, which key, and where to.
#[derive(clap::Args, Clone, Debug)]
#[command(group = ArgGroup::new("whose key").required(true))]
pub struct Args {
    name: String,
    /// Where WordPress reaches the daemon [default: http:// and the address that the daemon listens on]
    #[arg(long, value_name = "URL", value_parser = daemon)]
    url: Option<String>,
    /// The site's API key: Hamlet itself keeps only its hash.
    #[arg(long, group = "whose key")]
    key: Option<String>,
    /// Make a further API key for the site; those it has work on.
    #[arg(long, group = "whose key")]
    new_key: bool,
    /// Write hamlet.php into this folder, usually wp-content/mu-plugins, instead of printing it.
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

impl Args {
    pub(super) async fn run(&self, store: &dyn Store, config: &Config) -> anyhow::Result<()> {
        let (now, site) = (timing::now(store).await?, site_named(store, &self.name).await?);
        // What can be refused is refused before a key is made.
        let file = self.write.as_deref().map(place).transpose()?;
        let key = match &self.key {
            Some(key) => known_key(store, &site, key, now).await?,
            None => new_key(store, &site, now).await?,
        };
        let url = self.url.clone().unwrap_or_else(|| local(config.listen));
        let plugin = filled(&url, &key, &site.name);
        let Some(file) = file else {
            screen::out().write_all(plugin.as_bytes())?;
            let place = format!("Save this as {FILE} in wp-content/mu-plugins, which WordPress does not make itself.");
            return Ok(steps(&mut io::stderr().lock(), &place, &url)?);
        };
        write_whole(&file, &plugin).with_context(|| format!("{} could not be written", file.display()))?;
        let place = format!("Done: {} is written. WordPress must be able to read it.", file.display());
        Ok(steps(&mut screen::out(), &place, &url)?)
    }
}

/// The key as it is to be written down, if it is one of this site and the plugin can work with it.
async fn known_key(store: &dyn Store, site: &Site, key: &str, now: Timestamp) -> anyhow::Result<String> {
    let (key, name) = (key.trim().to_ascii_lowercase(), &site.name);
    let directory = store.directory().await?;
    let of_site = |known: &&Arc<Key>| known.site == Some(site.id) && known.is_valid(now);
    let known = directory.keys.iter().filter(of_site).find(|known| known.hash == key_hash(&key));
    let known = known.with_context(|| {
        format!("this is no key of site `{name}`; `hamlet site wordpress {name} --new-key` makes one")
    })?;
    anyhow::ensure!(
        [Scope::Check, Scope::Submit].iter().all(|scope| known.scopes.contains(*scope)),
        "this key is for `{}`, but the plugin has to check and submit; `hamlet site wordpress {name} --new-key` makes \
         one that may",
        known.scopes
    );
    Ok(key)
}

/// A further key of the site; those it has work on.
async fn new_key(store: &dyn Store, site: &Site, now: Timestamp) -> anyhow::Result<String> {
    let secret = random::api_key();
    let (name, hash) = ("wordpress".to_owned(), key_hash(&secret));
    let key = NewKey { site: Some(site.id), name, scopes: Scopes::CMS, hash, expires_at: None };
    store.add_key(key, now).await?;
    Ok(secret)
}

/// The plugin for one site.
fn filled(url: &str, key: &str, site: &str) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    TEMPLATE
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
        // A name is letters, digits and -_. and cannot end the comment.
        .replace("{{site}}", site)
        .replace("{{url}}", &quoted(url))
        .replace("{{key}}", &quoted(key))
}

/// Where the plugin goes, if nobody else's file is there. Makes `mu-plugins` in a folder `wp-content` that is there.
fn place(folder: &Path) -> anyhow::Result<PathBuf> {
    if !folder.is_dir() {
        let made = fs::create_dir(folder);
        made.with_context(|| format!("{} is no folder and cannot be made one", folder.display()))?;
    }
    let file = folder.join(FILE);
    match fs::read(&file) {
        Ok(bytes) => anyhow::ensure!(
            String::from_utf8_lossy(&bytes).contains(MARK),
            "{} is there and is not Hamlet's; move it away first",
            file.display()
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
    Ok(file)
}

/// Whole or not at all. WordPress loads every `.php` in the folder, so the name on the way is no such name.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".hamlet-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    // The web server is another user.
    file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The three steps, the first of which is `place`.
fn steps(out: &mut impl Write, place: &str, url: &str) -> io::Result<()> {
    writeln!(out, "\n1. {place}")?;
    writeln!(out, "2. In WordPress, under Plugins, activate Akismet. There is no key to enter.")?;
    writeln!(out, "3. Write a comment as the author `akismet-guaranteed-spam`, not logged in: it must be found under")?;
    writeln!(out, "   Comments → Spam. If it waits under Pending, WordPress does not reach {url}.")?;
    writeln!(
        out,
        "\nThat a comment is released here and appears there needs a way back: if WordPress is on this host or"
    )?;
    writeln!(out, "in a private network, put that network into webhooks.allow_private_addresses in the settings.")
}

/// The address at which this machine reaches what listens on `listen`.
fn local(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

fn daemon(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| {
        let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && url.password().is_none()
    });
    let url = url.ok_or("write an address such as http://127.0.0.1:8420 or https://hamlet.example")?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_has_a_place_for_each_value_and_our_mark() {
        for place in ["{{version}}", "{{site}}", "'{{url}}'", "'{{key}}'", MARK] {
            assert_eq!(TEMPLATE.matches(place).count(), 1, "{place}");
        }
        assert!(!filled("http://127.0.0.1:8420", "123456789abc", "news").contains("{{"));
    }

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        let plugin = filled(r"http://h.example/a'b\", "123456789abc", "news");
        assert!(plugin.contains(r"DAEMON = 'http://h.example/a\'b\\';"), "{plugin}");
    }

    #[test]
    fn the_daemons_address_is_a_plain_one() {
        for (text, expected) in [
            ("http://127.0.0.1:8420", Some("http://127.0.0.1:8420")),
            ("https://Hamlet.example/", Some("https://hamlet.example")),
            ("https://cms.example/hamlet/", Some("https://cms.example/hamlet")),
            ("http://[::1]:8420", Some("http://[::1]:8420")),
            ("ftp://hamlet.example", None),
            ("hamlet.example", None),
            ("https://hamlet.example/?a=b", None),
            ("https://me:secret@hamlet.example/", None),
        ] {
            assert_eq!(daemon(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_listens_everywhere_is_reached_on_the_loopback() {
        for (listen, expected) in [
            ("127.0.0.1:8420", "http://127.0.0.1:8420"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:8420", "http://[::1]:8420"),
            ("192.0.2.7:8420", "http://192.0.2.7:8420"),
        ] {
            assert_eq!(local(listen.parse().unwrap()), expected);
        }
    }
}
