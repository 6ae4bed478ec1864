//! How often each rule fires in spam and in ham, and what can be told from that.
//!
//! Owns finding what fires whatever it weighs, and the counts with their intervals. Does not own fitting weights to
//! them (`rule_fit`) nor how they are printed (`cli`). Nothing here knows how many rules there are, or which.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::corpus::Group;
use super::dump::Example;
use super::held_out::unnamed_site;
use super::interval::{Measure, effective, wilson};
use crate::comment::Comment;
use crate::facts::Facts;
use crate::rules::{Case, RuleSet, Weighed};
use crate::site::Site;
use crate::text::Text;
use crate::verdict::Label;

/// What each rule weighs while rules are looked at: so little that a hundred and sixty of one family stay below the highest
/// cap there is, and a power of two, so that a strength comes back as it was.
const PROBE_WEIGHT: f64 = 0.125;
const PROBE_CAP: f64 = 20.0;

/// A rule that fired.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Place in [`Probe::rules`].
    pub rule: u16,
    /// How much of the rule's weight it is worth, above 0 and at most 1.
    pub strength: f32,
}

/// What the rules found in one comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    pub group: Group,
    pub hits: Vec<Hit>,
    /// Rules that had nothing to look at.
    pub not_evaluated: Vec<u16>,
}

/// Finds what fires in a comment, whatever it weighs and whatever else fires.
#[derive(Clone, Debug)]
pub struct Probe(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: RuleSet,
    places: HashMap<String, u16>,
    site: Site,
}

impl Probe {
    /// Finds the rules and the composites of `rules`, an operator's own among them.
    pub fn of(rules: &RuleSet) -> Probe {
        let rules = rules.weighing_alike(PROBE_WEIGHT, PROBE_CAP);
        let places = (0..).zip(rules.iter()).map(|(place, weighed)| (weighed.rule.symbol.to_owned(), place)).collect();
        Probe(Arc::new(Inner { rules, places, site: unnamed_site() }))
    }

    /// All rules, in the order that places count; what they weigh here means nothing.
    pub fn rules(&self) -> impl Iterator<Item = Weighed<'_>> {
        self.0.rules.iter()
    }

    /// Symbols that fire in a comment of this site, in the order of the list.
    pub fn symbols(&self, comment: &Comment, facts: &Facts, site: &Site) -> Vec<String> {
        let text = Text::of(comment);
        let fired = self.0.rules.fired(&Case { comment, text: &text, facts, site });
        fired.into_iter().map(|piece| piece.symbol.into_owned()).collect()
    }

    /// What fires in the comment of a site of which nothing is known. Linear in its length.
    pub fn probe(&self, example: &Example) -> Probed {
        let Inner { rules, places, site } = &*self.0;
        let text = Text::of(&example.comment);
        let case = Case { comment: &example.comment, text: &text, facts: &Facts::NONE, site };
        let place = |symbol: &str| places.get(symbol).copied();
        let fired = rules.fired(&case).into_iter();
        #[expect(clippy::cast_possible_truncation, reason = "a strength needs no more than f32")]
        let hits = fired.filter_map(|piece| {
            Some(Hit { rule: place(&piece.symbol)?, strength: (piece.weight.get() / PROBE_WEIGHT) as f32 })
        });
        Probed {
            group: Group::of(&text),
            hits: hits.collect(),
            not_evaluated: rules.not_evaluated(&case).filter_map(place).collect(),
        }
    }
}

/// A number for ham and one for spam.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds {
    pub ham: u64,
    pub spam: u64,
}

impl Kinds {
    fn of_mut(&mut self, label: Label) -> &mut u64 {
        match label {
            Label::Ham => &mut self.ham,
            Label::Spam => &mut self.spam,
        }
    }

    pub fn sum(self) -> u64 {
        self.ham + self.spam
    }
}

/// How often a rule fired, and in how many comments it had something to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub hits: Kinds,
    pub of: Kinds,
}

/// What the counts of a rule tell, each share with its 95 % interval (Wilson; near-copies count once).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleStats {
    pub symbol: String,
    pub family: &'static str,
    #[serde(flatten)]
    pub count: Count,
    /// Hits that are no near-copies of one another.
    pub groups: u64,
    /// Share of comments that lacked what it looks at, 0 to 1.
    pub not_evaluated: f64,
    /// Share of spam among what it hit, in these comments.
    pub precision: Option<Measure>,
    /// Share of spam and of ham that it hit, where it was evaluated. The upper end of the second is the most ham that it may be
    /// expected to speak against.
    pub spam_hit: Option<Measure>,
    pub ham_hit: Option<Measure>,
    /// How much likelier it is in spam than in ham, half a comment added to each count; `None` where it was not evaluated.
    pub likelihood_ratio: Option<f64>,
}

/// Counts while comments stream by: 8 bytes for each comment and for each hit.
#[derive(Debug, Default)]
pub struct Stats {
    comments: Vec<(u32, Label)>,
    hits: Vec<(u16, Label, u32)>,
    not_evaluated: HashMap<u16, Kinds>,
}

impl Stats {
    pub fn add(&mut self, probed: &Probed, label: Label) {
        let group = probed.group.number();
        self.comments.push((group, label));
        self.hits.extend(probed.hits.iter().map(|hit| (hit.rule, label, group)));
        for rule in &probed.not_evaluated {
            *self.not_evaluated.entry(*rule).or_default().of_mut(label) += 1;
        }
    }

    /// Comments so far.
    pub fn comments(&self) -> Kinds {
        let mut all = Kinds::default();
        self.comments.iter().for_each(|(_, label)| *all.of_mut(*label) += 1);
        all
    }

    /// What is told of each rule, in the order of [`Probe::rules`].
    pub fn finish(self, probe: &Probe) -> Vec<RuleStats> {
        let all = self.comments();
        let Stats { comments, mut hits, not_evaluated } = self;
        // What a comment of each kind is worth: less than 1 where it has near-copies.
        let worth = |label: Label| {
            let mut groups: Vec<u32> = comments.iter().filter(|row| row.1 == label).map(|row| row.0).collect();
            per_comment(&mut groups)
        };
        let worth = (worth(Label::Ham), worth(Label::Spam));
        hits.sort_unstable_by_key(|(rule, ..)| *rule);
        let mut by_rule: HashMap<u16, &[(u16, Label, u32)]> = HashMap::new();
        by_rule.extend(hits.chunk_by(|a, b| a.0 == b.0).filter_map(|hits| Some((hits.first()?.0, hits))));
        let told = (0..).zip(probe.rules()).map(|(place, weighed)| {
            let hits = by_rule.get(&place).copied().unwrap_or_default();
            let unsent = not_evaluated.get(&place).copied().unwrap_or_default();
            told(&weighed, hits, all, unsent, worth)
        });
        told.collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
fn told(
    weighed: &Weighed<'_>,
    hits: &[(u16, Label, u32)],
    all: Kinds,
    unsent: Kinds,
    (ham_worth, spam_worth): (f64, f64),
) -> RuleStats {
    let of = Kinds { ham: all.ham - unsent.ham, spam: all.spam - unsent.spam };
    let mut count = Count { of, ..Count::default() };
    hits.iter().for_each(|(_, label, _)| *count.hits.of_mut(*label) += 1);
    let mut groups: Vec<u32> = hits.iter().map(|(_, _, group)| *group).collect();
    let hit_worth = per_comment(&mut groups);
    groups.dedup();
    let share = |part: u64, whole: u64, worth: f64| wilson(part as f64, whole as f64, whole as f64 * worth);
    let smooth = |part: u64, whole: u64| (part as f64 + 0.5) / (whole as f64 + 1.0);
    RuleStats {
        symbol: weighed.rule.symbol.to_owned(),
        family: weighed.rule.family.as_str(),
        count,
        groups: groups.len() as u64,
        not_evaluated: unsent.sum() as f64 / all.sum().max(1) as f64,
        precision: share(count.hits.spam, count.hits.sum(), hit_worth),
        spam_hit: share(count.hits.spam, of.spam, spam_worth),
        ham_hit: share(count.hits.ham, of.ham, ham_worth),
        likelihood_ratio: (of.ham > 0 && of.spam > 0)
            .then(|| smooth(count.hits.spam, of.spam) / smooth(count.hits.ham, of.ham)),
    }
}

/// What a comment is worth where near-copies count once, 0 to 1; sorts the groups.
#[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
fn per_comment(groups: &mut [u32]) -> f64 {
    groups.sort_unstable();
    let squares: f64 = groups.chunk_by(|a, b| a == b).map(|group| (group.len() as f64).powi(2)).sum();
    let rows = groups.len() as f64;
    if rows > 0.0 { effective(rows, squares) / rows } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(content: &str, label: Label) -> Example {
        Example { comment: Comment::of_text(content), label, source: None }
    }

    #[test]
    fn a_probe_finds_what_serves_finds_and_the_whole_strength() {
        let probe = Probe::of(RuleSet::shipped());
        let example =
            example("best online casino, free spins! https://bit.ly/x [url=http://a.top:81/]x[/url]", Label::Spam);
        let probed = probe.probe(&example);
        let symbol = |hit: &Hit| probe.rules().nth(usize::from(hit.rule)).unwrap().rule.symbol;
        let found: Vec<&str> = probed.hits.iter().map(symbol).collect();
        let text = Text::of(&example.comment);
        let case = Case { comment: &example.comment, text: &text, facts: &Facts::NONE, site: &unnamed_site() };
        let served: Vec<String> =
            RuleSet::embedded().fired(&case).into_iter().map(|piece| piece.symbol.into_owned()).collect();
        assert!(
            served.len() > 3 && served.iter().all(|symbol| found.contains(&symbol.as_str())),
            "{found:?} {served:?}"
        );
        assert!(probed.hits.iter().all(|hit| hit.strength > 0.0 && hit.strength <= 1.0), "{probed:?}");
        let shortener = probed.hits.iter().find(|hit| symbol(hit) == "URL_SHORTENER").unwrap();
        assert!((shortener.strength - 1.0).abs() < 1e-6, "{shortener:?}");
    }

    #[test]
    fn counts_are_those_of_the_comments_and_near_copies_count_once() {
        let probe = Probe::of(RuleSet::shipped());
        let mut stats = Stats::default();
        for (content, label) in [
            ("look https://bit.ly/1", Label::Spam),
            ("look https://bit.ly/2", Label::Spam),
            ("another text https://bit.ly/3 altogether", Label::Spam),
            ("nothing here at all", Label::Spam),
            ("I found it at https://bit.ly/4 and it is good", Label::Ham),
            ("plain words", Label::Ham),
        ] {
            stats.add(&probe.probe(&example(content, label)), label);
        }
        let told = stats.finish(&probe);
        let of = |symbol: &str| told.iter().find(|stats| stats.symbol == symbol).unwrap().clone();
        let shortener = of("URL_SHORTENER");
        assert_eq!(shortener.count, Count { hits: Kinds { ham: 1, spam: 3 }, of: Kinds { ham: 2, spam: 4 } });
        assert_eq!(shortener.groups, 3);
        // 4 hits in groups of 2, 1 and 1 are worth 16/6; Wilson's interval of 3/4 of so many.
        let precision = shortener.precision.unwrap();
        assert!((precision.value - 0.75).abs() < 1e-9 && (precision.low - 0.2385).abs() < 1e-3, "{precision:?}");
        let expected = (3.5 / 5.0) / (1.5 / 3.0);
        assert!((shortener.likelihood_ratio.unwrap() - expected).abs() < 1e-9);
        // Nobody sent the hidden field: there is no share of nothing.
        let honeypot = of("HONEYPOT_FILLED");
        assert_eq!((honeypot.count.of.sum(), honeypot.ham_hit, honeypot.likelihood_ratio), (0, None, None));
        assert!((honeypot.not_evaluated - 1.0).abs() < 1e-12);
        // No hit in two hams still leaves room.
        assert!(of("URL_RAW_IP").ham_hit.unwrap().high > 0.5);
    }
}
