//! Lists that somebody downloads: Tor exits, hosts of phishing and malware. Looking in them asks nobody.
//!
//! Owns reading them and looking in them. Does not own when they are read (`followed`), nor fetching them: a timer of the
//! operator does, by `curl` and `mv`.

use std::collections::HashSet;
use std::fs;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use url::Url;

use super::followed::Followed;
use super::subject::{Subject, is_well_known};
use crate::facts::network::Answer;
use crate::text::registrable_domain;

/// Largest file that is read: a million hosts take some 30 MB.
const MOST_BYTES: u64 = 128 * 1024 * 1024;

/// Of what a file is a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    TorExits,
    Hosts,
}

/// One file.
#[derive(Debug)]
pub struct List {
    kind: Kind,
    pub file: Followed<Entries>,
}

/// What a file lists.
#[derive(Debug, Default)]
pub struct Entries {
    addresses: HashSet<IpAddr>,
    hosts: HashSet<Box<str>>,
    /// Host and path, for pages on a host that is not all bad.
    pages: HashSet<Box<str>>,
}

impl List {
    /// Nothing is listed until [`List::refresh`] was called.
    pub fn new(path: &Path, kind: Kind) -> List {
        List { kind, file: Followed::new(path) }
    }

    /// Reads the file if it changed since.
    pub fn refresh(&self) {
        self.file.refresh(|path| {
            let entries = Entries::of(&read(path)?, self.kind);
            let count = entries.addresses.len() + entries.hosts.len() + entries.pages.len();
            tracing::info!(file = %path.display(), entries = count, "list read");
            Ok(entries)
        });
    }

    /// What the list knows of the subject; one answer is enough.
    pub fn look_up(&self, subject: &Subject) -> Option<Answer> {
        let entries = self.file.content();
        let (symbol, about) = match self.kind {
            Kind::TorExits => {
                subject.ip.filter(|ip| entries.addresses.contains(ip)).map(|_| ("TOR_EXIT", "ip".to_owned()))?
            }
            Kind::Hosts => subject
                .pages
                .iter()
                .find(|(host, path)| entries.lists(host, path))
                .map(|(host, _)| ("URL_MALICIOUS", host.clone()))?,
        };
        let (symbol, source) = (symbol.to_owned(), self.file.shown.clone());
        Some(Answer { symbol, source, about, code: String::new(), strength: 1.0 })
    }
}

/// The whole lines of a file: one that was cut while it was written ends in half an entry.
fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or_default();
    bytes.truncate(whole);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Entries {
    fn of(text: &str, kind: Kind) -> Entries {
        let mut entries = Entries::default();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace().take(4).peekable();
            match kind {
                // Bare addresses, or the Tor project's own `ExitAddress 192.0.2.1 2026-01-01 …`.
                Kind::TorExits => entries.addresses.extend(words.find_map(|word| word.parse::<IpAddr>().ok())),
                // Addresses of pages, bare hosts, or a hosts file: `127.0.0.1 bad.example`.
                Kind::Hosts => {
                    let first = words.next().unwrap_or_default();
                    let is_hosts_file = words.peek().is_some() && first.parse::<IpAddr>().is_ok();
                    entries.add(if is_hosts_file { words.next().unwrap_or_default() } else { first });
                }
            }
        }
        entries
    }

    fn add(&mut self, entry: &str) {
        let is_url = entry.contains("://");
        let url = if is_url { Url::parse(entry) } else { Url::parse(&format!("http://{entry}")) };
        let Ok(url) = url else { return };
        let Some(host) = url.host_str().filter(|host| host.contains('.') || host.contains(':')) else { return };
        if url.path() != "/" {
            self.pages.insert(format!("{host}{}", url.path()).into());
        } else if !is_well_known(registrable_domain(host)) {
            self.hosts.insert(host.into());
        }
    }

    /// A host is listed by itself or by a part that it lies under, a page by itself.
    fn lists(&self, host: &str, path: &str) -> bool {
        let mut rest = Some(host);
        while let Some(part) = rest {
            if self.hosts.contains(part) {
                return true;
            }
            rest = part.split_once('.').map(|(_, parent)| parent);
        }
        self.pages.contains(format!("{host}{path}").as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(entries: &Entries, url: &str) -> bool {
        let url = Url::parse(url).unwrap();
        entries.lists(url.host_str().unwrap(), url.path())
    }

    #[test]
    fn hosts_pages_and_hosts_files_are_read() {
        let text = "# comment\nhttps://bad.com/\nhttp://drive.good.com/file/x?id=3\n127.0.0.1\tworse.com # why\n0.0.0.0 0.0.0.0\n\
                    plain.net\nhttps://www.google.com/\nlocalhost\n::1 localhost\n\u{0}\n1.2.3.4\nhttp://[broken\n";
        let entries = Entries::of(text, Kind::Hosts);
        for url in [
            "http://bad.com/any",
            "https://www.bad.com/",
            "http://drive.good.com/file/x?other",
            "http://worse.com/",
            "http://plain.net/",
            "http://1.2.3.4/x",
        ] {
            assert!(listed(&entries, url), "{url}");
        }
        for url in [
            "http://notbad.com/",
            "http://drive.good.com/",
            "http://good.com/",
            "http://www.google.com/",
            "http://com/",
        ] {
            assert!(!listed(&entries, url), "{url}");
        }
    }

    #[test]
    fn a_file_is_read_anew_when_it_changes_and_kept_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tor.txt");
        fs::write(&path, "ExitAddress 192.0.2.1 2026-01-01 00:00:00\n2001:db8::1\n192.0.2.9").unwrap();
        let list = List::new(&path, Kind::TorExits);
        let at = |ip: &str| list.look_up(&Subject { ip: Some(ip.parse().unwrap()), ..Subject::default() });
        assert_eq!((at("192.0.2.1"), list.file.state()), (None, "untested"));
        list.refresh();
        assert_eq!(at("192.0.2.1").unwrap().source, "tor.txt");
        assert!(at("2001:db8::1").is_some());
        assert!(at("192.0.2.9").is_none(), "the last line was cut");
        fs::write(&path, "192.0.2.9\n").unwrap();
        list.refresh();
        assert!(at("192.0.2.9").is_some() && at("192.0.2.1").is_none());
        fs::remove_file(&path).unwrap();
        list.refresh();
        assert_eq!((at("192.0.2.9").is_some(), list.file.state()), (true, "cannot be read"));
        list.refresh();
        assert!(at("192.0.2.9").is_some());
        fs::write(&path, "192.0.2.9\n").unwrap();
        list.refresh();
        assert_eq!(list.file.state(), "ok");
    }
}
