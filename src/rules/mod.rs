//! Heuristic rules: each a sentence about one symptom. Detection in code, weights in `config/rules.toml`.
//!
//! Owns which symptoms there are ([`RULES`]), how much those of one family may say together, and the reason that each
//! gives. Does not own the weights (`weights` reads them) nor what a sum of evidence means (`decision`).
//!
//! **To add a rule:** a function in the file of its family, its line in [`RULES`] (`catalogue`), its weight in `config/rules.toml`, texts
//! that hit and miss in `tests/data/rules/SYMBOL.txt`, its message in `config/reasons/` for each language but English. Tests
//! tell what is missing. What others already say together is a line in `[composites]` of `config/rules.toml` and no code;
//! what ships needs its messages, too.

mod arabic;
mod author;
mod behaviour;
mod browser;
mod catalogue;
mod characters;
mod clues;
mod composites;
mod conditions;
mod content;
mod field;
mod gibberish;
mod history;
mod identity;
mod language;
mod layout;
mod links;
mod lists;
pub mod mute;
pub mod network;
mod phone;
mod phrases;
mod topic;
mod trackback;
mod traps;
mod trust;
mod weights;
mod words;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use hashbrown::HashMap;

pub use catalogue::RULES;
pub use field::Field;
pub use identity::{is_mail_provider, is_shared_address, mailbox};
pub use phrases::Category;
pub use weights::{RulesError, Symptom, Weighed};

use crate::comment::Comment;
use crate::facts::Facts;
use crate::site::Site;
use crate::text::Text;
use crate::verdict::{Evidence, Nats};
use clues::Clues;
use composites::{Composite, Held, Leaf};
use conditions::CONDITIONS;
use field::Fields;

/// All that a rule may look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub comment: &'a Comment,
    pub text: &'a Text,
    pub facts: &'a Facts,
    pub site: &'a Site,
}

/// Raised when detection changes: with the weights it names the rules in each verdict.
pub const RULES_VERSION: u32 = 3;

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The word, link or count that gave it away; clipped when it is shown. In no language: a quotation of the input, a
    /// count written `× 12`, or nothing.
    pub text: String,
    /// How much of the rule's weight this is worth, above 0 and at most 1.
    pub strength: f64,
}

impl Note {
    /// Longest note that is shown, bytes.
    const MAX_BYTES: usize = 120;

    fn new(text: impl Into<String>) -> Note {
        Note::graded(text, 1.0)
    }

    fn graded(text: impl Into<String>, strength: f64) -> Note {
        let mut text: String = text.into();
        if text.len() > Note::MAX_BYTES {
            text.truncate(text.floor_char_boundary(Note::MAX_BYTES));
            text.push('…');
        }
        Note { text, strength }
    }
}

/// Symptoms of one kind, which speak together up to a cap: ten odd links are not ten reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Tricks with Unicode and spelling.
    Characters,
    Links,
    Author,
    /// What only machines do.
    Traps,
    Content,
    /// What only Arabic script allows.
    Arabic,
    /// What was seen before; trust in an author is in [`Family::Trust`].
    History,
    /// What others answered.
    Network,
    /// What speaks for the comment.
    Trust,
}

impl Family {
    pub const ALL: [Family; 9] = [
        Family::Characters,
        Family::Links,
        Family::Author,
        Family::Traps,
        Family::Content,
        Family::Arabic,
        Family::History,
        Family::Network,
        Family::Trust,
    ];

    /// As in `[caps]` of `config/rules.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Characters => "characters",
            Family::Links => "links",
            Family::Author => "author",
            Family::Traps => "traps",
            Family::Content => "content",
            Family::Arabic => "arabic",
            Family::History => "history",
            Family::Network => "network",
            Family::Trust => "trust",
        }
    }
}

/// One symptom: its name, how it is found and what is said of it.
pub struct Rule {
    pub symbol: &'static str,
    pub family: Family,
    pub needs: &'static [Field],
    /// Finishes the sentence "because of …".
    pub says: &'static str,
    fires: fn(&Clues<'_>) -> Option<Note>,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Rule")
            .field("symbol", &self.symbol)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// The rules with the weights that this daemon gives them.
#[derive(Clone, Debug)]
pub struct RuleSet {
    /// One per line of [`RULES`], nats.
    weights: Vec<f64>,
    /// Each after those that it names.
    composites: Vec<Composite>,
    /// The lines that they were made of.
    lines: BTreeMap<String, composites::Line>,
    /// One per line of [`RULES`]: does a composite that weighs anything ask for it?
    asked: Vec<bool>,
    /// What rules with a weight look at.
    needed: Fields,
    /// One per family, nats.
    caps: [f64; Family::ALL.len()],
    version: String,
}

/// What a look at one comment found.
struct Findings<'a> {
    /// Symbol, family, weight and note of what fired and weighs anything.
    fired: Vec<(Cow<'static, str>, Family, f64, String)>,
    /// The composites that had nothing to look at.
    unknown: Vec<&'a str>,
}

impl RuleSet {
    /// Tells one set of rules and weights from another; kept in each verdict.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the rule or composite says, as a part of a sentence.
    pub fn says(&self, symbol: &str) -> Option<&str> {
        let composite = self.composites.iter().find(|composite| composite.symbol == symbol);
        composite.map(|composite| composite.says.as_str()).or_else(|| says(symbol))
    }

    /// Family and weight, nats, of the rule or composite `symbol`.
    pub fn weight_of(&self, symbol: &str) -> Option<(Family, f64)> {
        if let Some((place, rule)) = rule_of(symbol) {
            return Some((rule.family, self.weights.get(place).copied().unwrap_or_default()));
        }
        let composite = self.composites.iter().find(|composite| composite.symbol == symbol)?;
        Some((composite.family, composite.weight))
    }

    /// The rules and composites that fired, with their weights, in the order of the list.
    ///
    /// Where a family says more than its cap, each of its weights is cut in proportion: what is shown is what counts.
    pub fn fired(&self, case: &Case<'_>) -> Vec<Evidence> {
        let fired = self.look(case).fired;
        let mut totals = [0.0_f64; Family::ALL.len()];
        for (_, family, weight, _) in &fired {
            if let Some(total) = totals.get_mut(*family as usize) {
                *total += weight;
            }
        }
        fired
            .into_iter()
            .map(|(symbol, family, weight, note)| {
                let weight = weight * self.share(family, &totals);
                Evidence { symbol, weight: Nats::clamped(weight), note }
            })
            .collect()
    }

    /// Asks every rule that weighs anything, by itself or in a composite; then the composites.
    fn look(&self, case: &Case<'_>) -> Findings<'_> {
        let (clues, sent) = (Clues::of(case), Fields::sent(case));
        let mut findings = Findings { fired: Vec::new(), unknown: Vec::new() };
        let mut held = Vec::with_capacity(RULES.len());
        for ((rule, &weight), &is_asked) in RULES.iter().zip(&self.weights).zip(&self.asked) {
            let is_looked_at = (weight != 0.0 || is_asked) && sent.has_all(rule.needs);
            let note = if is_looked_at { (rule.fires)(&clues) } else { None };
            // A muted rule is heard and weighs nothing.
            let is_muted = case.facts.muted.iter().any(|symbol| symbol == rule.symbol);
            held.push(match &note {
                _ if !is_looked_at || is_muted => Held::Unknown,
                Some(note) if is_asked => Held::Yes(note.text.clone()),
                _ => Held::No,
            });
            if let Some(note) = note.filter(|_| weight != 0.0) {
                let weight = if is_muted { 0.0 } else { weight * note.strength.clamp(0.0, 1.0) };
                findings.fired.push((Cow::Borrowed(rule.symbol), rule.family, weight, note.text));
            }
        }
        let mut conditions: Vec<Option<Held>> = vec![None; CONDITIONS.len()];
        let mut combined: Vec<Held> = Vec::with_capacity(self.composites.len());
        for composite in &self.composites {
            let found = composite.expression.held(&mut |operand| match operand {
                Leaf::Rule(place) => held.get(place).cloned().unwrap_or(Held::Unknown),
                Leaf::Composite(place) => combined.get(place).cloned().unwrap_or(Held::Unknown),
                Leaf::Condition(place) => match (conditions.get_mut(place), CONDITIONS.get(place)) {
                    (Some(known), Some(condition)) => known.get_or_insert_with(|| (condition.holds)(&clues)).clone(),
                    _ => Held::Unknown,
                },
            });
            match &found {
                Held::Yes(note) if composite.weight != 0.0 => {
                    let symbol = Cow::Owned(composite.symbol.clone());
                    findings.fired.push((symbol, composite.family, composite.weight, Note::new(note).text));
                }
                Held::Unknown => findings.unknown.push(&composite.symbol),
                _ => {}
            }
            combined.push(found);
        }
        findings
    }

    /// By how much the weights of a family shrink so that their sum keeps to its cap.
    fn share(&self, family: Family, totals: &[f64]) -> f64 {
        let total = totals.get(family as usize).copied().unwrap_or_default().abs();
        let cap = self.cap(family);
        if total > cap { cap / total } else { 1.0 }
    }

    /// The most that the rules of a family say together, nats either way.
    pub fn cap(&self, family: Family) -> f64 {
        self.caps.get(family as usize).copied().unwrap_or_default()
    }

    /// The rules and then the composites with their weights, for showing.
    pub fn iter(&self) -> impl Iterator<Item = Weighed<'_>> {
        let rules =
            RULES.iter().zip(&self.weights).map(|(rule, &weight)| Weighed { rule: Symptom::from(rule), weight });
        let composites = self.composites.iter().map(|it| Weighed { rule: Symptom::from(it), weight: it.weight });
        rules.chain(composites)
    }

    /// Fields that were not sent and that a rule with a weight would have looked at.
    pub fn not_sent(&self, case: &Case<'_>) -> impl Iterator<Item = Field> + use<> {
        let (needed, sent) = (self.needed, Fields::sent(case));
        Field::ALL.into_iter().filter(move |&field| needed.has(field) && !sent.has(field))
    }

    /// Symbols that had nothing to look at because a field was not sent or a fact was not asked for.
    pub fn not_evaluated<'a>(&'a self, case: &Case<'_>) -> impl Iterator<Item = &'a str> {
        let sent = Fields::sent(case);
        let rules = RULES.iter().filter(move |rule| !sent.has_all(rule.needs)).map(|rule| rule.symbol);
        rules.chain(self.look(case).unknown)
    }
}

/// What the rule or shipped composite of `symbol` found, in words that finish "because of …".
pub fn says(symbol: &str) -> Option<&'static str> {
    let rule = rule_of(symbol).map(|(_, rule)| rule.says);
    let composites = &RuleSet::shipped().composites;
    rule.or_else(|| composites.iter().find(|composite| composite.symbol == symbol).map(|it| it.says.as_str()))
}

/// The rule of `symbol` and its line in [`RULES`].
fn rule_of(symbol: &str) -> Option<(usize, &'static Rule)> {
    static PLACES: LazyLock<HashMap<&str, usize>> =
        LazyLock::new(|| RULES.iter().enumerate().map(|(place, rule)| (rule.symbol, place)).collect());
    let place = *PLACES.get(symbol)?;
    Some((place, RULES.get(place)?))
}
