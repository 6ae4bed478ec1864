//! Allow and block lists, made ready for look-ups.
//!
//! Owns how an entry meets a comment, and how lists are written in files (`formats`). An entry that hits becomes heavy
//! evidence, never a second road to a decision; `decision` says how heavy. Does not own what an entry looks like (`site`)
//! nor where lists come from (`pipeline`, `list_files`).

pub mod formats;
mod list;
mod networks;
mod phrases;

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;

use crate::comment::Comment;
use crate::site::{ListEntry, ListKind};
use crate::text::Text;

use list::Asked;
pub use list::{List, Put};

/// Entries of one kind that a verdict names at most. Without such a bound a long text against a long list would.
const MOST_NAMED: usize = 8;

/// All lists that speak of one site: its own, those shared by all sites, those of files.
#[derive(Clone, Debug, Default)]
pub struct Lists(Vec<Arc<List>>);

impl Lists {
    /// A site's own list alone.
    pub fn of(entries: &[ListEntry]) -> Lists {
        let mut list = List::default();
        for entry in entries {
            list.put(entry, 0);
        }
        Lists(vec![Arc::new(list)])
    }

    pub fn join(lists: impl IntoIterator<Item = Arc<List>>) -> Lists {
        Lists(lists.into_iter().filter(|list| !list.is_empty()).collect())
    }

    /// The entries that speak of this comment and have not expired, each once, the first few of each kind.
    pub fn hits(&self, comment: &Comment, text: &Text, now: Timestamp) -> Vec<Hit<'_>> {
        let mut hits: Vec<Hit<'_>> = Vec::new();
        if self.0.is_empty() {
            return hits;
        }
        let asked = Asked::of(comment, text);
        for list in &self.0 {
            let before = hits.len();
            list.find(&asked, |number| {
                let is_known = |hit: &Hit<'_>| hit.number == number;
                if hits.get(before..).is_some_and(|of_this| of_this.iter().any(is_known)) {
                    return;
                }
                let Some(kind) = list.kind(number, now) else { return };
                if hits.iter().filter(|hit| hit.list == kind).count() < MOST_NAMED {
                    hits.push(Hit { list: kind, of: list, number });
                }
            });
        }
        hits
    }
}

/// An entry that speaks of a comment.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'l> {
    pub list: ListKind,
    of: &'l List,
    number: u32,
}

/// Which entry it was and what was said of it, as it was written: `domain:bad.example (three waves; ada; spam.txt:12)`.
pub fn note(hit: Hit<'_>) -> String {
    let (mut note, line, reason, by) = hit.of.shown(hit.number);
    let name = hit.of.name();
    let place = if line > 0 { format!("{name}:{line}") } else { name.to_owned() };
    let said: Vec<&str> = [reason, by, &place].into_iter().filter(|part| !part.is_empty()).collect();
    if !said.is_empty() {
        let _ = write!(note, " ({})", said.join("; "));
    }
    note
}

/// Which entries of one list speak of how many comments: what a list would do, before it is in force.
#[derive(Debug)]
pub struct Trial<'l> {
    list: &'l List,
    /// By entry.
    hits: std::collections::HashMap<u32, [u64; 2]>,
}

/// An entry that spoke of comments.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    pub list: ListKind,
    /// As it was written.
    pub pattern: String,
    pub line: u32,
    /// Names the entry within its list.
    pub number: u32,
    /// How many `[ham, spam]` it spoke of.
    pub hits: [u64; 2],
}

impl<'l> Trial<'l> {
    pub fn of(list: &'l List) -> Trial<'l> {
        Trial { list, hits: std::collections::HashMap::new() }
    }

    /// Counts a comment of this class (0: ham, 1: spam); the entries that speak of it, each once, with their kind.
    pub fn count(&mut self, comment: &Comment, text: &Text, class: usize, now: Timestamp) -> Vec<(u32, ListKind)> {
        let mut found: Vec<u32> = Vec::new();
        self.list.find(&Asked::of(comment, text), |number| found.push(number));
        found.sort_unstable();
        found.dedup();
        let live = |number| self.list.kind(number, now).map(|kind| (number, kind));
        let found: Vec<(u32, ListKind)> = found.into_iter().filter_map(live).collect();
        for (number, _) in &found {
            let counts = self.hits.entry(*number).or_default();
            if let Some(count) = counts.get_mut(class) {
                *count += 1;
            }
        }
        found
    }

    /// All entries that spoke of any comment, those that spoke of most ham first.
    pub fn tried(&self, now: Timestamp) -> Vec<Tried> {
        let tried = |(&number, &hits): (&u32, &[u64; 2])| {
            let (pattern, line, ..) = self.list.shown(number);
            self.list.kind(number, now).map(|list| Tried { list, pattern, line, number, hits })
        };
        let mut all: Vec<Tried> = self.hits.iter().filter_map(tried).collect();
        all.sort_by_key(|tried| (std::cmp::Reverse(tried.hits), tried.number));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(list: ListKind, pattern: &str) -> ListEntry {
        ListEntry {
            list,
            pattern: pattern.parse().unwrap(),
            reason: String::new(),
            added_by: String::new(),
            added_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        }
    }

    #[track_caller]
    fn check(pattern: &str, comment: &Comment, expected: bool) {
        let lists = Lists::of(&[entry(ListKind::Block, pattern)]);
        let text = Text::of(comment);
        let hits = lists.hits(comment, &text, Timestamp::UNIX_EPOCH);
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
        check("link:bad.example", &comment, true);
        check("link:mail.example", &comment, false);
        check("link:example.org", &comment, false);
        check("ip:192.0.2.0/24", &comment, true);
        check("ip:198.51.100.1", &comment, false);
        check("phrase:my SPECIALIST", &comment, true);
        check("phrase:cialis", &comment, false);
        check("phrase:كازينو", &comment, true);
        check("phrase:赌场", &Comment::of_text("最好的赌场在这里"), true);
        check("domain:bücher.example", &Comment::of_text("https://www.Bücher.example/"), true);
        comment.author.email = Some("bob@bücher.example".into());
        check("domain:bücher.example", &comment, true);
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

    #[test]
    fn a_note_names_the_entry_its_list_and_what_was_said_of_it() {
        let mut shared = List::named("shared");
        shared.put(&entry(ListKind::Block, "domain:bad.example"), 0);
        let mut file = List::named("spam.txt");
        let said = ListEntry {
            reason: "three waves".into(),
            added_by: "ada".into(),
            ..entry(ListKind::Allow, "phrase:three bears")
        };
        file.put(&said, 12);
        let own = Lists::of(&[entry(ListKind::Block, "phrase:bears")]);
        let lists = Lists::join([own.0[0].clone(), Arc::new(shared), Arc::new(List::named("empty")), Arc::new(file)]);
        let comment = Comment::of_text("three bears at https://bad.example/");
        let text = Text::of(&comment);
        let notes: Vec<String> = lists.hits(&comment, &text, Timestamp::UNIX_EPOCH).into_iter().map(note).collect();
        assert_eq!(
            notes,
            ["phrase:bears", "domain:bad.example (shared)", "phrase:three bears (three waves; ada; spam.txt:12)"]
        );
    }

    #[test]
    fn no_verdict_names_more_than_a_few_entries() {
        let entries: Vec<ListEntry> =
            (0..10_000).map(|number| entry(ListKind::Block, &format!("phrase:w{number}"))).collect();
        let text: String = (0..10_000).map(|number| format!("w{number} ")).collect();
        let (lists, comment) = (Lists::of(&entries), Comment::of_text(text));
        let text = Text::of(&comment);
        assert_eq!(lists.hits(&comment, &text, Timestamp::UNIX_EPOCH).len(), MOST_NAMED);
    }

    #[test]
    fn the_newer_word_on_a_pattern_counts() {
        let mut list = List::default();
        assert_eq!(list.put(&entry(ListKind::Block, "phrase:Hello"), 1), Put::New);
        assert_eq!(list.put(&entry(ListKind::Allow, "phrase:hello"), 2), Put::Replaced);
        assert_eq!(
            list.put(&entry(ListKind::Block, "phrase:\u{200B}"), 3),
            Put::Useless("nothing of it is left when it is compared")
        );
        assert_eq!(list.len(), 1);
        let comment = Comment::of_text("hello");
        let text = Text::of(&comment);
        let lists = Lists::join([Arc::new(list)]);
        let hits = lists.hits(&comment, &text, Timestamp::UNIX_EPOCH);
        assert_eq!(hits.iter().map(|hit| hit.list).collect::<Vec<_>>(), [ListKind::Allow]);
    }
}
