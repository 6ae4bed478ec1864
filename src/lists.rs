//! A site's allow and block lists, made ready for look-ups.
//!
//! Owns how an entry meets a comment. An entry that hits becomes heavy evidence, never a second road to a decision;
//! `decision` says how heavy. Does not own what an entry looks like (`site`).

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};
use ipnet::IpNet;
use jiff::Timestamp;

use crate::comment::Comment;
use crate::site::{ListEntry, ListPattern};
use crate::text::{Text, joins_words, normalize};

/// The lists of one site. However many entries, one automaton and three tables find them.
#[derive(Debug, Default)]
pub struct Lists {
    entries: Vec<ListEntry>,
    emails: HashMap<String, Vec<usize>>,
    domains: HashMap<String, Vec<usize>>,
    networks: Vec<(IpNet, usize)>,
    phrases: Option<AhoCorasick>,
    /// Pattern number of the automaton to entry.
    phrase_entries: Vec<usize>,
}

impl Lists {
    pub fn of(entries: &[ListEntry]) -> Lists {
        let mut lists = Lists { entries: entries.to_vec(), ..Lists::default() };
        let mut phrases = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            match &entry.pattern {
                ListPattern::Email(email) => lists.emails.entry(email.clone()).or_default().push(number),
                ListPattern::Domain(domain) => lists.domains.entry(domain.clone()).or_default().push(number),
                ListPattern::Ip(network) => lists.networks.push((*network, number)),
                ListPattern::Phrase(phrase) => {
                    let phrase = normalize(phrase);
                    if !phrase.trim().is_empty() {
                        phrases.push(phrase.trim().to_owned());
                        lists.phrase_entries.push(number);
                    }
                }
            }
        }
        if !phrases.is_empty() {
            // It fails only on more states than memory holds; then phrases do not hit, and everything else still does.
            lists.phrases = AhoCorasick::builder().match_kind(MatchKind::Standard).build(phrases).ok();
        }
        lists
    }

    /// The entries that speak of this comment and have not expired, each once, in the order of the list.
    pub fn hits(&self, comment: &Comment, text: &Text, now: Timestamp) -> Vec<&ListEntry> {
        if self.entries.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<usize> = Vec::new();
        if let Some(email) = comment.author.email.as_deref() {
            let email = email.trim().to_lowercase();
            found.extend(self.emails.get(&email).into_iter().flatten());
            if let Some((_, domain)) = email.rsplit_once('@') {
                self.find_domain(domain, &mut found);
            }
        }
        if let Some(ip) = comment.author.ip {
            found.extend(self.networks.iter().filter(|(network, _)| network.contains(&ip)).map(|(_, number)| number));
        }
        if !self.domains.is_empty() {
            if let Some(host) = comment.author.url.as_deref().and_then(host_of) {
                self.find_domain(&host, &mut found);
            }
            for link in text.links() {
                self.find_domain(link.host(), &mut found);
            }
        }
        if let Some(phrases) = &self.phrases {
            let normal = text.normal();
            for hit in phrases.find_overlapping_iter(normal) {
                if is_bounded(normal, hit.start(), hit.end()) {
                    found.extend(self.phrase_entries.get(hit.pattern().as_usize()));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
            .into_iter()
            .filter_map(|number| self.entries.get(number))
            .filter(|entry| entry.expires_at.is_none_or(|expiry| now < expiry))
            .collect()
    }

    /// `shop.bad.example` is hit by entries for itself, `bad.example` and `example`.
    fn find_domain(&self, host: &str, found: &mut Vec<usize>) {
        let mut rest = host;
        loop {
            found.extend(self.domains.get(rest).into_iter().flatten());
            match rest.split_once('.') {
                Some((_, parent)) => rest = parent,
                None => return,
            }
        }
    }
}

/// Which entry it was, and why it is there.
pub fn note(entry: &ListEntry) -> String {
    if entry.reason.is_empty() { entry.pattern.to_string() } else { format!("{} ({})", entry.pattern, entry.reason) }
}

fn host_of(address: &str) -> Option<String> {
    let address = address.trim();
    let parsed = url::Url::parse(address).or_else(|_| url::Url::parse(&format!("http://{address}"))).ok()?;
    parsed.host_str().map(str::to_lowercase)
}

/// A phrase counts only as whole words: `cialis` must not be found in `specialist`. Scripts without spaces have no
/// boundaries to ask for.
fn is_bounded(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|head| head.chars().next_back());
    let after = text.get(end..).and_then(|tail| tail.chars().next());
    !before.is_some_and(joins_words) && !after.is_some_and(joins_words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::ListKind;

    fn entry(list: ListKind, pattern: &str) -> ListEntry {
        ListEntry {
            list,
            pattern: pattern.parse().unwrap(),
            reason: String::new(),
            added_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        }
    }

    #[track_caller]
    fn check(pattern: &str, comment: &Comment, expected: bool) {
        let lists = Lists::of(&[entry(ListKind::Block, pattern)]);
        let hits = lists.hits(comment, &Text::of(comment), Timestamp::UNIX_EPOCH);
        assert_eq!(!hits.is_empty(), expected, "{pattern} against {comment:?}");
    }

    #[test]
    fn an_entry_meets_the_field_it_names() {
        let mut comment = Comment::of_text("See my specialist at https://shop.bad.example/x, كـازينو!");
        comment.author.email = Some("Bob@Mail.Example".into());
        comment.author.ip = Some("192.0.2.77".parse().unwrap());
        comment.author.url = Some("https://me.example.org/".into());
        check("email:bob@mail.example", &comment, true);
        check("email:rob@mail.example", &comment, false);
        check("domain:mail.example", &comment, true);
        check("domain:bad.example", &comment, true);
        check("domain:ad.example", &comment, false);
        check("domain:example.org", &comment, true);
        check("ip:192.0.2.0/24", &comment, true);
        check("ip:198.51.100.1", &comment, false);
        check("phrase:my SPECIALIST", &comment, true);
        check("phrase:cialis", &comment, false);
        check("phrase:كازينو", &comment, true);
        check("phrase:赌场", &Comment::of_text("最好的赌场在这里"), true);
    }

    #[test]
    fn an_entry_that_has_expired_is_silent() {
        let mut expiring = entry(ListKind::Allow, "phrase:hello");
        expiring.expires_at = Some(Timestamp::from_second(100).unwrap());
        let lists = Lists::of(&[expiring]);
        let comment = Comment::of_text("hello there");
        let text = Text::of(&comment);
        assert_eq!(lists.hits(&comment, &text, Timestamp::from_second(99).unwrap()).len(), 1);
        assert_eq!(lists.hits(&comment, &text, Timestamp::from_second(100).unwrap()).len(), 0);
    }
}
