//! The lists of hosts, endings and words in `config/lists/`, compiled in.
//!
//! Owns reading and looking up. Spam words have a form of their own (`phrases`).

use std::sync::LazyLock;

use hashbrown::HashSet;

/// One name a line, `#` begins a comment.
#[derive(Debug)]
pub(super) struct List(HashSet<&'static str>);

impl List {
    fn read(text: &'static str) -> List {
        List(text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// The entry that `host` is or lies under: `bit.ly` for `www.bit.ly`.
    pub fn above(&self, host: &str) -> Option<&'static str> {
        let mut rest = host;
        loop {
            if let Some(entry) = self.0.get(rest) {
                return Some(entry);
            }
            rest = rest.split_once('.')?.1;
        }
    }

    /// The same with entries that name the first part of a path too: `discord.com/invite`.
    pub fn above_with_path(&self, host: &str, path: &str) -> Option<&'static str> {
        self.above(host).or_else(|| {
            let first = path.split('/').nth(1).filter(|first| !first.is_empty())?;
            self.above(&format!("{host}/{first}"))
        })
    }
}

macro_rules! list {
    ($name:ident, $file:literal) => {
        pub(super) static $name: LazyLock<List> =
            LazyLock::new(|| List::read(include_str!(concat!("../../config/lists/", $file))));
    };
}

list!(SHORTENERS, "shorteners.txt");
list!(FREE_HOSTS, "free-hosts.txt");
list!(SUSPICIOUS_ENDINGS, "suspicious-endings.txt");
list!(MESSENGERS, "messengers.txt");
list!(DISPOSABLE_MAIL, "disposable-mail.txt");
list!(FREE_MAIL, "free-mail.txt");
list!(POPULAR_NAMES, "popular-names.txt");

/// The commonest words of all listed languages, in matching form.
pub(super) static STOP_WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    stop_word_lines().flat_map(|(_, words)| words.split_whitespace()).map(crate::text::normalize).collect()
});

/// The languages of `config/lists/stop-words.txt` and their commonest words.
pub(super) fn stop_word_lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("../../config/lists/stop-words.txt")
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(language, _)| !language.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_found_under_its_entry_only() {
        assert_eq!(SHORTENERS.above("www.bit.ly"), Some("bit.ly"));
        assert_eq!(SHORTENERS.above("rabbit.ly"), None);
        assert_eq!(MESSENGERS.above_with_path("discord.com", "/invite/x"), Some("discord.com/invite"));
        assert_eq!(MESSENGERS.above_with_path("discord.com", "/blog"), None);
    }

    /// Lists of others are known to hold such entries by mistake; each would block a great deal of ham.
    #[test]
    fn no_list_holds_what_everybody_uses() {
        let hosts = [
            "google.com",
            "gmail.com",
            "t.co",
            "youtu.be",
            "goo.gl",
            "duck.com",
            "privaterelay.appleid.com",
            "wp.me",
            "youtube.com",
            "facebook.com",
            "wikipedia.org",
            "example.com",
            "mozmail.com",
            "outlook.com",
            "simplelogin.com",
        ];
        for host in hosts {
            for list in [&SHORTENERS, &FREE_HOSTS, &MESSENGERS, &DISPOSABLE_MAIL] {
                assert_eq!(list.above(host), None, "{host}");
            }
        }
    }

    #[test]
    fn hosts_are_listed_as_they_are_looked_up() {
        for list in [&SHORTENERS, &FREE_HOSTS, &MESSENGERS, &DISPOSABLE_MAIL, &FREE_MAIL] {
            for entry in &list.0 {
                assert!(entry.contains('.') && *entry == entry.to_lowercase() && !entry.contains(' '), "{entry}");
            }
        }
    }
}
