//! What a comment leaves behind, so that it can be counted, and taken back.

use super::counting::Member;
use super::keys::{Hashed, Key};
use super::signature::Signature;
use super::trail::{Outcome, Seconds, Sight, Word};
use super::trails::Trails;
use super::{LINKS, SAYS_SOMETHING, SHORT, seconds};
use crate::site::SiteId;
use crate::verdict::Decision;

/// A comment that was just judged.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    pub row: i64,
    pub site: SiteId,
    /// When it came, microseconds.
    pub received_at: i64,
    pub decision: Decision,
    pub traces: &'a Hashed,
}

impl Kept<'_> {
    pub fn at(&self) -> Seconds {
        seconds(self.received_at)
    }

    /// What the checks said, as a trace has it.
    pub fn checks(&self) -> i64 {
        Outcome::from(self.decision) as i64
    }
}

/// What counting takes besides a comment's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// 0: no e-mail was sent.
    pub spelling: u32,
    pub author: u32,
    pub post: u32,
    pub site: u32,
    pub signature: Option<Signature>,
}

impl Waiting {
    pub fn of(hashed: &Hashed) -> Waiting {
        let Hashed { spelling, author, post, site, .. } = *hashed;
        let signature = hashed.text.as_ref().map(|text| text.signature);
        Waiting { spelling: spelling.unwrap_or_default(), author, post, site, signature }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let numbers = [self.spelling, self.author, self.post, self.site];
        let numbers = numbers.into_iter().flat_map(u32::to_le_bytes);
        numbers.chain(self.signature.iter().flat_map(Signature::bytes)).collect()
    }

    /// What cannot be read says nothing.
    pub fn read(bytes: &[u8]) -> Waiting {
        let mut rest = bytes;
        let mut number = || {
            let Some((four, after)) = rest.split_first_chunk() else { return 0 };
            rest = after;
            u32::from_le_bytes(*four)
        };
        let (spelling, author, post, site) = (number(), number(), number(), number());
        Waiting { spelling, author, post, site, signature: Signature::read(rest) }
    }
}

/// A comment that changes.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub row: i64,
    pub site: SiteId,
    pub received_at: i64,
    /// When it changes, microseconds.
    pub at: i64,
    /// What the checks say of it from now on, if they ever did.
    pub judged: Option<Decision>,
    /// What a person says from now on.
    pub said: Option<Decision>,
    /// Whether its text is another one from now on.
    pub is_edit: bool,
    /// What it leaves behind, when the checks have read it.
    pub traces: Option<&'a Hashed>,
}

impl Change<'_> {
    pub fn member(&self, cluster: i64) -> Member {
        Member { cluster, site: self.site.0, row: self.row, at: seconds(self.received_at) }
    }
}

/// What a comment left behind, as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Trace {
    pub at: Seconds,
    pub cluster: Option<i64>,
    pub flags: i64,
    pub checks: i64,
    pub people: i64,
    pub people_at: Seconds,
    pub keys: Vec<u8>,
    /// Until it is, the counts know nothing of it.
    pub is_counted: bool,
}

impl Trace {
    pub fn sight(&self) -> Sight {
        Sight { at: self.at, outcome: self.checks.into(), is_short: self.flags & SHORT != 0, spelling: None }
    }

    /// What a person said of it, if one did.
    pub fn word(&self) -> Option<Word> {
        Some(Word {
            at: self.people_at,
            is_approval: match self.people {
                1 => true,
                2 => false,
                _ => return None,
            },
            day: (self.flags & SAYS_SOMETHING != 0).then_some(self.at),
            has_link: self.flags & LINKS != 0,
        })
    }

    /// What it is after `change`; `None` when that is the same.
    pub fn changed(&self, change: &Change<'_>) -> Option<Trace> {
        let mut after = self.clone();
        if let Some(judged) = change.judged {
            after.checks = Outcome::from(judged) as i64;
        }
        after.people = match change.said {
            Some(Decision::Approve) => 1,
            Some(Decision::Spam | Decision::Discard) => 2,
            Some(Decision::Hold) | None => 0,
        };
        let is_same_word = after.people == self.people;
        if is_same_word && after.checks == self.checks {
            return None;
        }
        if !is_same_word {
            after.people_at = seconds(change.at);
        }
        Some(after)
    }

    /// The keys under which it is counted.
    pub fn keys(&self) -> Vec<Key> {
        Key::read(&self.keys)
    }

    /// Makes of what was counted of it what is to be counted of `after`.
    pub fn recount(&self, trails: &mut Trails, after: &Trace, at: i64) {
        let now = seconds(at);
        for key in self.keys() {
            let trail = trails.of(key.hash);
            if key.is_seen() && after.checks != self.checks {
                trail.unsee(self.sight(), now);
                trail.recount(after.sight(), now);
            }
            if key.is_heard() && after.people != self.people {
                self.word().into_iter().for_each(|word| trail.unhear(word, now));
                after.word().into_iter().for_each(|word| trail.hear(word));
            }
        }
    }

    /// Takes back what was counted of it.
    pub fn uncount(&self, trails: &mut Trails, at: i64) {
        let now = seconds(at);
        for key in self.keys() {
            let trail = trails.of(key.hash);
            if key.is_seen() {
                trail.unsee(self.sight(), now);
            }
            if key.is_heard() {
                self.word().into_iter().for_each(|word| trail.unhear(word, now));
            }
        }
    }

    /// Whether people let it through, and whether they called it spam: 1 or 0.
    pub fn ham_and_spam(&self) -> (i64, i64) {
        (i64::from(self.people == 1), i64::from(self.people == 2))
    }
}

/// How a comment stood before a campaign's decision: verdict, what a person had said, the label.
#[derive(Debug, sqlx::FromRow)]
pub struct Aside {
    pub said: Option<String>,
    pub label: Option<String>,
    pub labelled_at: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{BANDS, MINS};

    #[test]
    fn what_waits_comes_back_from_its_bytes() {
        let signature = Signature { mins: [7; MINS], bands: [9; BANDS] };
        let waiting = Waiting { spelling: 1, author: 2, post: 3, site: u32::MAX, signature: Some(signature) };
        assert_eq!(Waiting::read(&waiting.bytes()), waiting);
        let short = Waiting { signature: None, ..waiting };
        assert_eq!(Waiting::read(&short.bytes()), short);
        let bytes = waiting.bytes();
        assert_eq!(Waiting::read(bytes.get(..bytes.len() - 1).unwrap()), short, "cut short");
        assert_eq!(Waiting::read(&[]), Waiting::default());
    }
}
