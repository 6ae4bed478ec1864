//! One list made ready for look-ups: all its entries in a few tables, whatever their number.
//!
//! Owns how an entry is kept so that a million of them fit, and which entry meets which part of a comment. Does not own
//! what follows from a hit (`decision`).

use std::net::IpAddr;

use hashbrown::HashTable;
use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::networks::Networks;
use super::phrases::Phrases;
use crate::comment::Comment;
use crate::site::{ListEntry, ListKind, ListPattern};
use crate::text::{Link, Text, normalize};

/// A list made ready. What it looks up by name (addresses, domains) is in one table, phrases in one trie.
#[derive(Debug, Default)]
pub struct List {
    name: String,
    entries: Vec<Kept>,
    /// What the entries match, one after the other: a string of its own for each would take as much again.
    values: String,
    /// Reason and author, each pair once: an import of a million entries has one.
    whys: Vec<(String, String)>,
    names: HashTable<u32>,
    networks: Networks,
    phrases: Phrases,
    count: usize,
    fields_in_use: [bool; ListPattern::FIELDS.len()],
}

/// An entry in 32 bytes.
#[derive(Clone, Copy, Debug)]
struct Kept {
    start: u32,
    bytes: u32,
    why: u32,
    line: u32,
    /// Microseconds since 1970; the greatest number: never.
    expires: i64,
    field: u8,
    list: ListKind,
}

const EMAIL: u8 = 0;
const IP: u8 = 1;
const DOMAIN: u8 = 2;
const LINK: u8 = 3;
const PHRASE: u8 = 4;

/// What a comment is looked up by, read once for all lists.
pub(super) struct Asked<'c> {
    text: &'c Text,
    email: Option<String>,
    ip: Option<IpAddr>,
    /// Of the author's e-mail and URL.
    hosts: [String; 2],
}

impl<'c> Asked<'c> {
    pub(super) fn of(comment: &Comment, text: &'c Text) -> Asked<'c> {
        let email = comment.author.email.as_deref().map(|email| email.trim().to_lowercase());
        let of_email = email.as_deref().and_then(|email| email.rsplit_once('@')).map_or("", |(_, host)| host);
        // International names are compared in their `xn--` form; links have it already.
        let of_email = match url::Host::parse(of_email) {
            Ok(host) if !of_email.is_ascii() => host.to_string(),
            _ => of_email.to_owned(),
        };
        let of_url = comment.author.url.as_deref().map(|url| Link::of_url(url.trim()).host().to_owned());
        Asked { text, email, ip: comment.author.ip, hosts: [of_email, of_url.unwrap_or_default()] }
    }
}

/// What became of an entry that was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    New,
    /// There was one for the same pattern; the newer word counts.
    Replaced,
    /// It can never hit; why.
    Useless(&'static str),
}

impl List {
    /// An empty list; verdicts that quote its entries name it so. The list of the comment's own site has no name.
    pub fn named(name: impl Into<String>) -> List {
        List { name: name.into(), ..List::default() }
    }

    /// Puts an entry in. `line` is that of its file, 0 if it comes from none.
    pub fn put(&mut self, entry: &ListEntry, line: u32) -> Put {
        const FULL: Put = Put::Useless("there is no room for more entries");
        let Ok(number) = u32::try_from(self.entries.len()) else { return FULL };
        let (field, value) = match &entry.pattern {
            ListPattern::Email(value) => (EMAIL, value.as_str()),
            ListPattern::Ip(_) => (IP, ""),
            ListPattern::Domain(value) => (DOMAIN, value.as_str()),
            ListPattern::Link(value) => (LINK, value.as_str()),
            ListPattern::Phrase(value) => (PHRASE, value.as_str()),
        };
        let start = self.values.len();
        self.values.push_str(value);
        if let ListPattern::Ip(network) = &entry.pattern {
            self.values.push_str(&network.to_string());
        }
        let (Ok(from), Ok(bytes)) = (u32::try_from(start), u32::try_from(self.values.len() - start)) else {
            self.values.truncate(start);
            return FULL;
        };
        let why = self.why(entry);
        let expires = entry.expires_at.map_or(i64::MAX, Timestamp::as_microsecond);
        let kept = Kept { start: from, bytes, why, line, expires, field, list: entry.list };
        self.entries.push(kept);
        let before = match &entry.pattern {
            ListPattern::Ip(network) => Ok(self.networks.insert(*network, number)),
            ListPattern::Phrase(phrase) => self.phrases.insert(&normalize(phrase), number),
            _ => Ok(self.put_name(field, value, number)),
        };
        match before {
            Ok(before) => {
                if let Some(used) = self.fields_in_use.get_mut(usize::from(field)) {
                    *used = true;
                }
                self.count += usize::from(before.is_none());
                if before.is_some() { Put::Replaced } else { Put::New }
            }
            Err(why) => {
                self.entries.pop();
                self.values.truncate(start);
                Put::Useless(why)
            }
        }
    }

    /// How many entries may hit.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Entries come by the thousand with the same reason: the last few are looked at.
    fn why(&mut self, entry: &ListEntry) -> u32 {
        let is_it = |(reason, by): &(String, String)| *reason == entry.reason && *by == entry.added_by;
        let recent = self.whys.len().saturating_sub(16);
        let known = self.whys.get(recent..).and_then(|recent| recent.iter().rposition(is_it)).map(|at| at + recent);
        let at = known.unwrap_or_else(|| {
            self.whys.push((entry.reason.clone(), entry.added_by.clone()));
            self.whys.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn put_name(&mut self, field: u8, value: &str, number: u32) -> Option<u32> {
        let hash = hash_of(field, value);
        let (entries, values) = (&self.entries, &self.values);
        let is_it = |&other: &u32| name_at(entries, values, other) == (field, value);
        if let Some(place) = self.names.find_mut(hash, is_it) {
            return Some(std::mem::replace(place, number));
        }
        self.names.insert_unique(hash, number, |&other| {
            let (field, value) = name_at(entries, values, other);
            hash_of(field, value)
        });
        None
    }

    /// Calls `found` with the number of each entry that speaks of the comment; more than once where it does so.
    pub(super) fn find(&self, asked: &Asked<'_>, mut found: impl FnMut(u32)) {
        let [emails, ips, domains, links, phrases] = self.fields_in_use;
        if let Some(email) = asked.email.as_deref().filter(|_| emails) {
            self.find_name(EMAIL, email, &mut found);
        }
        if let Some(ip) = asked.ip.filter(|_| ips) {
            self.networks.find(ip, &mut found);
        }
        if domains {
            for host in asked.hosts.iter().filter(|host| !host.is_empty()) {
                self.find_host(DOMAIN, host, &mut found);
            }
        }
        if domains || links {
            // Fifty links to one host are looked up once.
            let mut last = "";
            for link in asked.text.links() {
                let host = link.host();
                if host == std::mem::replace(&mut last, host) {
                    continue;
                }
                for field in
                    [(domains, DOMAIN), (links, LINK)].into_iter().filter_map(|(is, field)| is.then_some(field))
                {
                    self.find_host(field, host, &mut found);
                }
            }
        }
        if phrases {
            self.phrases.find(asked.text.normal(), &mut found);
        }
    }

    /// `shop.bad.example` is hit by entries for itself, `bad.example` and `example`.
    fn find_host(&self, field: u8, host: &str, found: &mut impl FnMut(u32)) {
        let mut rest = Some(host);
        // Host names have 127 labels at most; what is longer is none.
        for _ in 0..128 {
            let Some(name) = rest else { return };
            self.find_name(field, name, found);
            rest = name.split_once('.').map(|(_, above)| above);
        }
    }

    fn find_name(&self, field: u8, value: &str, found: &mut impl FnMut(u32)) {
        let is_it = |&number: &u32| name_at(&self.entries, &self.values, number) == (field, value);
        if let Some(&number) = self.names.find(hash_of(field, value), is_it) {
            found(number);
        }
    }

    /// Whether entry `number` lets through or keeps out; `None` once it has expired.
    pub(super) fn kind(&self, number: u32, now: Timestamp) -> Option<ListKind> {
        let kept = self.entries.get(number as usize)?;
        (now.as_microsecond() < kept.expires).then_some(kept.list)
    }

    /// Entry `number` as it was written, its line in the list's file, reason and author.
    pub(super) fn shown(&self, number: u32) -> (String, u32, &str, &str) {
        let Some(kept) = self.entries.get(number as usize) else { return Default::default() };
        let (_, value) = name_at(&self.entries, &self.values, number);
        let field = ListPattern::FIELDS.get(usize::from(kept.field)).copied().unwrap_or_default();
        let (reason, by) = self.whys.get(kept.why as usize).map_or(("", ""), |(reason, by)| (reason, by));
        (format!("{field}:{value}"), kept.line, reason, by)
    }
}

/// The field and value of entry `number`.
fn name_at<'v>(entries: &[Kept], values: &'v str, number: u32) -> (u8, &'v str) {
    let Some(kept) = entries.get(number as usize) else { return (u8::MAX, "") };
    let start = kept.start as usize;
    (kept.field, values.get(start..start + kept.bytes as usize).unwrap_or_default())
}

fn hash_of(field: u8, value: &str) -> u64 {
    xxh3_64_with_seed(value.as_bytes(), u64::from(field))
}

const _: () = assert!(size_of::<Kept>() == 32);
