//! The verdict and what it is made of: evidence in nats, a score, a decision.
//!
//! Owns the arithmetic that must hold everywhere (weights add up to the logit of the score). Does not own where
//! evidence comes from (`rules`, `classifier`) nor what a score means for a site (`decision`).

use std::borrow::Cow;
use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::facts::Facts;

/// Evidence of spam, in nats of log-odds: +0.69 doubles the odds of spam, -0.69 halves them.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schema(minimum = -200, maximum = 200)]
pub struct Nats(f64);

impl Nats {
    pub const ZERO: Nats = Nats(0.0);
    /// The heaviest single piece of evidence. Far above what any rule weighs, so that the cut which keeps a sum within
    /// ±[`Score::MAX_LOGIT`] always fits.
    pub const MAX: Nats = Nats(200.0);

    /// `None` unless `weight` is a number within ±[`Nats::MAX`].
    pub fn new(weight: f64) -> Option<Nats> {
        (weight.abs() <= Nats::MAX.0).then_some(Nats(weight))
    }

    /// The nearest weight within ±[`Nats::MAX`]; not-a-number is no evidence.
    pub fn clamped(weight: f64) -> Nats {
        if weight.is_nan() { Nats::ZERO } else { Nats(weight.clamp(-Nats::MAX.0, Nats::MAX.0)) }
    }

    /// The nearest millionth, as verdicts show it: more digits tell nobody anything and were a tenth of every answer.
    pub fn rounded(self) -> Nats {
        Nats((self.0 * 1e6).round() / 1e6)
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Nats {
    type Error = String;

    fn try_from(weight: f64) -> Result<Nats, String> {
        Nats::new(weight).ok_or_else(|| format!("a weight is a number within ±{} nats, not {weight}", Nats::MAX.0))
    }
}

impl From<Nats> for f64 {
    fn from(weight: Nats) -> f64 {
        weight.0
    }
}

impl fmt::Display for Nats {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:+.2}", self.0)
    }
}

/// The name of what speaks: a rule (`URL_SHORTENER`), the classifier (`BAYES`), a list, the prior.
pub type Symbol = Cow<'static, str>;

/// One reason, and how much it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    #[schema(value_type = String, examples("URL_SHORTENER"))]
    pub symbol: Symbol,
    pub weight: Nats,
    /// What exactly was found: the word, the link, the list entry. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Evidence {
    pub fn new(symbol: impl Into<Symbol>, weight: Nats, note: impl Into<String>) -> Evidence {
        Evidence { symbol: symbol.into(), weight, note: note.into() }
    }
}

/// The calibrated probability of spam, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schema(minimum = 0, maximum = 1)]
pub struct Score(f64);

impl Score {
    /// A sum of evidence stays within ± this many nats: beyond some 22 an `f64` probability no longer tells its
    /// logit back to 1e-6.
    pub const MAX_LOGIT: f64 = 18.0;

    /// `None` unless `probability` lies in [0, 1].
    pub fn new(probability: f64) -> Option<Score> {
        (0.0..=1.0).contains(&probability).then_some(Score(probability))
    }

    /// Adds the evidence up: the logit of the score is the sum of the weights.
    ///
    /// The caller keeps that sum within ±[`Score::MAX_LOGIT`] (`decision` adds the cut as evidence of its own).
    pub fn of(evidence: &[Evidence]) -> Score {
        let logit: f64 = evidence.iter().map(|piece| piece.weight.0).sum();
        Score(1.0 / (1.0 + (-logit).exp()))
    }

    /// The score of evidence that adds up to `logit` nats.
    pub fn of_logit(logit: f64) -> Score {
        Score(1.0 / (1.0 + (-logit.clamp(-Score::MAX_LOGIT, Score::MAX_LOGIT)).exp()))
    }

    pub fn get(self) -> f64 {
        self.0
    }

    /// ln(p / (1 - p)), nats.
    pub fn logit(self) -> f64 {
        (self.0 / (1.0 - self.0)).ln()
    }
}

impl TryFrom<f64> for Score {
    type Error = String;

    fn try_from(probability: f64) -> Result<Score, String> {
        Score::new(probability).ok_or_else(|| format!("a score is a probability from 0 to 1, not {probability}"))
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> f64 {
        score.0
    }
}

impl Sum<Nats> for Nats {
    fn sum<I: Iterator<Item = Nats>>(weights: I) -> Nats {
        Nats(weights.map(|weight| weight.0).sum())
    }
}

/// What is to become of the comment. Ordered from mild to harsh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Publish it.
    Approve,
    /// A person should look at it first.
    Hold,
    /// Put it with the spam.
    Spam,
    /// So plain that nobody need look; only for a site that asked for it.
    Discard,
}

impl Decision {
    pub const ALL: [Decision; 4] = [Decision::Approve, Decision::Hold, Decision::Spam, Decision::Discard];

    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Approve => "approve",
            Decision::Hold => "hold",
            Decision::Spam => "spam",
            Decision::Discard => "discard",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Decision {
    type Err = String;

    fn from_str(text: &str) -> Result<Decision, String> {
        Decision::ALL
            .into_iter()
            .find(|decision| decision.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no decision; say approve, hold, spam or discard"))
    }
}

/// What a moderator or the CMS said was true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    Ham,
    Spam,
}

impl Label {
    pub fn as_str(self) -> &'static str {
        match self {
            Label::Ham => "ham",
            Label::Spam => "spam",
        }
    }

    /// The decision that a person who gives this label has taken.
    pub fn decision(self) -> Decision {
        match self {
            Label::Ham => Decision::Approve,
            Label::Spam => Decision::Spam,
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Label, String> {
        match text {
            "ham" => Ok(Label::Ham),
            "spam" => Ok(Label::Spam),
            _ => Err(format!("`{text}` is no label; say spam or ham")),
        }
    }
}

/// Scores from which a decision is taken; each belongs to the harsher side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Thresholds {
    pub hold: Score,
    pub spam: Score,
    /// When there is none, this site never discards.
    pub discard: Option<Score>,
}

impl Thresholds {
    /// Whether they are in order; if not, why.
    pub fn check(&self) -> Result<(), String> {
        if self.hold > self.spam {
            return Err("the hold threshold would be above the spam threshold".to_owned());
        }
        if self.discard.is_some_and(|discard| discard < self.spam) {
            return Err("the discard threshold would be below the spam threshold".to_owned());
        }
        Ok(())
    }

    /// The same with another hold threshold; those above it give way to it, so that they stay in order.
    pub fn with_hold(self, hold: Score) -> Thresholds {
        let spam = if self.spam < hold { hold } else { self.spam };
        let discard = self.discard.map(|discard| if discard < spam { spam } else { discard });
        Thresholds { hold, spam, discard }
    }
}

/// A share of ham that may be blocked, from 0.0003 (to show less would take more ham than is looked at) to 0.5.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schema(minimum = 0.0003, maximum = 0.5)]
pub struct Share(f64);

impl Share {
    pub const LEAST: Share = Share(0.0003);
    pub const MOST: Share = Share(0.5);

    /// `None` unless `share` lies between [`Share::LEAST`] and [`Share::MOST`].
    pub fn new(share: f64) -> Option<Share> {
        (Share::LEAST.0..=Share::MOST.0).contains(&share).then_some(Share(share))
    }

    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Share {
    type Error = String;

    fn try_from(share: f64) -> Result<Share, String> {
        Share::new(share).ok_or_else(|| {
            format!("a share of blocked ham is from {} to {}, not {share}", Share::LEAST.0, Share::MOST.0)
        })
    }
}

impl From<Share> for f64 {
    fn from(share: Share) -> f64 {
        share.0
    }
}

/// As people write it: `0.5 %`.
impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Shares are told to a ten-thousandth of a percent; what is left of 0.005 × 100 beyond that is no information.
        write!(formatter, "{} %", (self.0 * 1e6).round() / 1e4)
    }
}

/// `0.5%`, `0.5 %` or `0.005`.
impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let (number, scale) = match text.trim().strip_suffix('%') {
            Some(percent) => (percent.trim(), 100.0),
            None => (text.trim(), 1.0),
        };
        let share = number.parse::<f64>().ok().and_then(|number| Share::new(number / scale));
        share.ok_or_else(|| "write a share from 0.03% to 50%, such as 0.5% or 0.005".to_owned())
    }
}

/// A part of the text and what the classifier made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    pub text: String,
    pub weight: Nats,
}

/// The whole answer for one comment; enough to replay and to explain it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    pub decision: Decision,
    pub score: Score,
    /// Heaviest first. The weights add up to logit(score).
    pub evidence: Vec<Evidence>,
    /// The most telling tokens of `BAYES` and `BAYES_SITE` together, heaviest first.
    pub tokens: Vec<Token>,
    pub thresholds: Thresholds,
    /// The budget that chose the hold threshold; absent when the operator set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_blocked_ham: Option<Share>,
    /// What was known besides the comment; absent when nothing was asked.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
    /// One plain sentence, in the language of the site.
    pub reason: String,
    /// What would have changed the decision, in one sentence more; absent for what is approved, and where no one or two
    /// pieces of evidence made the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<String>,
    /// Fields that rules would have looked at and that were not sent: `author.email`, `form_seconds`, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub not_sent: Vec<Cow<'static, str>>,
    /// Id of the model that judged.
    pub model: String,
    /// Version of the rules and their weights.
    pub rules: String,
    pub decided_at: Timestamp,
    /// Time that judging took, microseconds.
    pub micros: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_people_write_them() {
        for (text, expected) in [("0.5%", 0.005), ("0.005", 0.005), ("1 %", 0.01), (" 0.03% ", 0.0003), ("50%", 0.5)] {
            assert!((text.parse::<Share>().unwrap().get() - expected).abs() < 1e-12, "{text}");
        }
        for wrong in ["", "5", "0", "0%", "51%", "nan", "-1%", "1%%", "some"] {
            assert!(wrong.parse::<Share>().unwrap_err().contains("such as 0.5%"), "{wrong}");
        }
        assert_eq!(Share(0.005).to_string(), "0.5 %");
        assert_eq!(Share(0.0003).to_string(), "0.03 %");
    }
}
