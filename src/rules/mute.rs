//! A rule gone mad: a symbol that suddenly fires on a large share of what a site's readers write says nothing any more.
//!
//! The example is a page cache that fills the hidden field of a form: from then on each comment carries `HONEYPOT_FILLED`.
//! Owns when a symbol is muted for a site and when it is heard again. Does not own keeping the counts (`pipeline`) nor what
//! being muted means ([`super::RuleSet::fired`]: weight 0, and it is shown).
//!
//! A symbol is muted when, of the site's last comments,
//! 1. more than [`MUTED_FROM`] carry it, and at least [`LEAST_SEEN`] comments were seen in all;
//! 2. at least half of those that carry it are *innocent*: without what that symbol's family says they would be let through.
//!    In a wave of spam most of what a trap catches is known for spam by its words, its links or its author, too;
//! 3. innocent comments carry it at least [`TIMES_USUAL`] times as often as is usual on this site.
//!
//! It is heard again when less than [`HEARD_BELOW`] of the last comments carry it. Only symbols are muted that a cache, a
//! CMS or somebody else's list can cause without the writer: traps that read what the form sends, tricks with characters,
//! answers of the network. What a person wrote is his own: a wave of gambling spam never mutes `SPAM_CASINO`.
//!
//! Whoever sends a few hundred comments of harmless words and springs a trap with each can have that trap muted. What is
//! gained is that trap's weight and nothing else, and the operator is told.
//!
//! Shares are moving averages over comments, not over time: a clock that jumps changes nothing.

use super::{Family, RULES, Rule};
use crate::verdict::{Score, Verdict};

/// Comments of a site before any of its symbols is muted.
pub const LEAST_SEEN: u32 = 200;
/// Share of the last comments that carry a symbol, from which it is muted.
pub const MUTED_FROM: f32 = 0.2;
/// Share below which it is heard again.
pub const HEARD_BELOW: f32 = 0.1;
/// How far above what is usual.
pub const TIMES_USUAL: f32 = 4.0;

/// "The last comments": the weight of a comment in the moving average, 1 in so many.
const LAST: f32 = 100.0;
/// What innocent comments usually carry, before the site has said otherwise, and how many comments that counts for.
const USUAL: f32 = 0.01;
const USUAL_COUNTS_FOR: u32 = 5_000;
/// Comments over which the usual share is taken.
const USUAL_OVER: u32 = 20_000;

/// Whether something else than the writer can cause the rule to fire.
fn is_watched(rule: &Rule) -> bool {
    match rule.family {
        Family::Traps => !rule.needs.is_empty(),
        Family::Characters | Family::Network => true,
        _ => false,
    }
}

/// What one verdict says about the symbols that may be muted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Place in [`RULES`], and whether the comment is innocent but for that rule's family.
    fired: Vec<(usize, bool)>,
}

impl Seen {
    pub fn in_verdict(verdict: &Verdict) -> Seen {
        let mut fired = Vec::new();
        for piece in &verdict.evidence {
            let place = RULES.iter().position(|rule| rule.symbol == piece.symbol && is_watched(rule));
            if let Some((place, rule)) = place.and_then(|place| Some((place, RULES.get(place)?))) {
                fired.push((place, rest(verdict, rule.family) < verdict.thresholds.hold.logit()));
            }
        }
        Seen { fired }
    }
}

/// What the verdict's evidence adds up to without that of a family, nats.
fn rest(verdict: &Verdict, family: Family) -> f64 {
    let of_family = |symbol: &str| RULES.iter().any(|rule| rule.symbol == symbol && rule.family == family);
    let others = verdict.evidence.iter().filter(|piece| piece.symbol != "BOUND" && !of_family(&piece.symbol));
    others.map(|piece| piece.weight.get()).sum::<f64>().clamp(-Score::MAX_LOGIT, Score::MAX_LOGIT)
}

/// Shares of one symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shares {
    /// Of the last comments.
    fired: f32,
    /// Of the last comments, those that are innocent besides.
    innocent: f32,
    /// Usual share of innocent comments with it; stands still while the symbol is muted.
    usual: f32,
    is_muted: bool,
}

/// A symbol that was muted, or is heard again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    pub symbol: &'static str,
    pub is_muted: bool,
    /// Of the last comments, 0 to 1.
    pub share: f32,
}

/// The watch over one site's symbols: some kilobytes, whatever the site's traffic.
#[derive(Clone, Debug)]
pub struct Watch {
    seen: u32,
    /// As [`RULES`].
    shares: Vec<Shares>,
}

impl Default for Watch {
    fn default() -> Watch {
        let none = Shares { fired: 0.0, innocent: 0.0, usual: USUAL, is_muted: false };
        Watch { seen: 0, shares: vec![none; RULES.len()] }
    }
}

impl Watch {
    /// Counts one comment; what follows from it.
    pub fn observe(&mut self, seen: &Seen) -> Vec<Change> {
        self.seen = self.seen.saturating_add(1);
        // The plain mean until there are enough for a moving one.
        let pace = 1.0 / to_f32(self.seen).min(LAST);
        let slow = 1.0 / to_f32(self.seen.saturating_add(USUAL_COUNTS_FOR).min(USUAL_OVER));
        let mut changes = Vec::new();
        for (place, (shares, rule)) in self.shares.iter_mut().zip(RULES).enumerate() {
            let fired = seen.fired.iter().find(|(fired, _)| *fired == place);
            let is_innocent = fired.is_some_and(|(_, is_innocent)| *is_innocent);
            shares.fired += pace * (share(fired.is_some()) - shares.fired);
            shares.innocent += pace * (share(is_innocent) - shares.innocent);
            if !shares.is_muted {
                shares.usual += slow * (share(is_innocent) - shares.usual);
            }
            let is_muted = match shares.is_muted {
                true => shares.fired >= HEARD_BELOW,
                false => self.seen >= LEAST_SEEN && shares.are_mad(),
            };
            if is_muted != shares.is_muted {
                shares.is_muted = is_muted;
                changes.push(Change { symbol: rule.symbol, is_muted, share: shares.fired });
            }
        }
        changes
    }

    /// The symbols that are muted now, with the share of the last comments that carry them.
    pub fn muted(&self) -> impl Iterator<Item = (&'static str, f32)> {
        let muted = self.shares.iter().zip(RULES).filter(|(shares, _)| shares.is_muted);
        muted.map(|(shares, rule)| (rule.symbol, shares.fired))
    }
}

impl Shares {
    fn are_mad(&self) -> bool {
        self.fired > MUTED_FROM && self.innocent >= self.fired / 2.0 && self.innocent >= TIMES_USUAL * self.usual
    }
}

fn share(is_one: bool) -> f32 {
    if is_one { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 16 million, and above that it does not matter")]
fn to_f32(count: u32) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(symbol: &str) -> usize {
        RULES.iter().position(|rule| rule.symbol == symbol).unwrap()
    }

    fn trap(is_innocent: bool) -> Seen {
        Seen { fired: vec![(place("HONEYPOT_FILLED"), is_innocent)] }
    }

    /// The symbols muted after `count` comments of which every `each`th is `seen`.
    fn after(watch: &mut Watch, count: usize, each: usize, seen: &Seen) -> Vec<&'static str> {
        let plain = Seen::default();
        for number in 0..count {
            watch.observe(if number % each == 0 { seen } else { &plain });
        }
        watch.muted().map(|(symbol, _)| symbol).collect()
    }

    #[test]
    fn a_cache_that_fills_the_trap_mutes_it_and_its_end_lets_it_speak_again() {
        let mut watch = Watch::default();
        assert!(after(&mut watch, 199, 1, &trap(true)).is_empty(), "too few comments to tell");
        assert_eq!(after(&mut watch, 1, 1, &trap(true)), ["HONEYPOT_FILLED"]);
        assert_eq!(after(&mut watch, 10_000, 1, &trap(true)), ["HONEYPOT_FILLED"], "it does not get used to it");
        assert_eq!(after(&mut watch, 200, 200, &trap(true)), ["HONEYPOT_FILLED"]);
        assert!(after(&mut watch, 60, 60, &trap(true)).is_empty());
        // And once more, on a site with a past.
        after(&mut watch, 5_000, 500, &trap(true));
        assert_eq!(after(&mut watch, 40, 1, &trap(true)), ["HONEYPOT_FILLED"]);
    }

    #[test]
    fn a_wave_of_spam_mutes_nothing() {
        let mut watch = Watch::default();
        after(&mut watch, 1_000, 100, &trap(false));
        assert!(after(&mut watch, 2_000, 1, &trap(false)).is_empty(), "what it catches is spam without it, too");
    }

    #[test]
    fn a_share_that_is_usual_on_the_site_mutes_nothing() {
        let mut watch = Watch::default();
        assert!(after(&mut watch, 30_000, 6, &trap(true)).is_empty(), "a sixth");
        assert!(after(&mut watch, 1_000, 3, &trap(true)).is_empty(), "a third is only twice as much");
    }

    #[test]
    fn words_and_links_are_never_muted() {
        let watched: Vec<&str> = RULES.iter().filter(|rule| is_watched(rule)).map(|rule| rule.symbol).collect();
        for symbol in ["SPAM_CASINO", "LINKS_MANY", "URL_SHORTENER", "AUTHOR_MEMBER", "EXPLOIT_PAYLOAD", "NAME_KEYWORD"]
        {
            assert!(!watched.contains(&symbol), "{symbol}");
        }
        for symbol in ["HONEYPOT_FILLED", "FORM_TOO_FAST", "UA_MISSING", "ZW_IN_WORD", "URIBL_DBL"] {
            assert!(watched.contains(&symbol), "{symbol}");
        }
    }
}
