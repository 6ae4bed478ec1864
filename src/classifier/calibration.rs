//! From a raw score to evidence in nats.
//!
//! Owns the affine calibration, its bound, and how the evidence of words shrinks where training knows little. Does not own how the
//! numbers are found (`training::calibrate`).

use crate::verdict::Nats;

/// Naive Bayes may say at most this much, so that rules and lists can still answer it.
pub const MAX_EVIDENCE: f64 = 8.0;

/// What turns a raw score into evidence; affine, so it distributes over the tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Nats per unit of raw score.
    pub slope: f64,
    /// Nats at a raw score of 0, at even odds.
    pub intercept: f64,
    /// Log-odds of spam where the model serves, before anything is known of the comment; evidence of its own.
    pub prior: f64,
    /// Share of seen n-grams from which on the words' evidence counts in full; below half of it, it counts for nothing.
    pub coverage_level: f64,
    /// Addresses may say at most this much for spam, nats.
    pub link_cut: f64,
}

impl Default for Calibration {
    /// That of a model which is not calibrated yet.
    fn default() -> Calibration {
        Calibration { slope: 1.0, intercept: 0.0, prior: 0.0, coverage_level: 0.0, link_cut: Calibration::LINK_CUT }
    }
}

impl Calibration {
    /// How many numbers the model file keeps of it.
    pub(super) const NUMBERS: usize = 5;
    /// The least that addresses may say where spam has more of them. Comments that models learn from seldom link to what they
    /// speak of, so that to a model any link is spam: a line of news and a link to its source scored .998. Where a link leads is
    /// for rules, which know more of it.
    pub const LINK_CUT: f64 = 1.0;

    pub(super) fn to_numbers(self) -> [f64; Calibration::NUMBERS] {
        [self.slope, self.intercept, self.prior, self.coverage_level, self.link_cut]
    }

    /// `None` if a number is not finite or out of its range.
    pub(super) fn from_numbers(numbers: [f64; Calibration::NUMBERS]) -> Option<Calibration> {
        let [slope, intercept, prior, coverage_level, link_cut] = numbers;
        let is_share = (0.0..=1.0).contains(&coverage_level);
        let sound = numbers.iter().all(|number| number.abs() <= 1e6) && is_share && link_cut >= 0.0;
        sound.then_some(Calibration { slope, intercept, prior, coverage_level, link_cut })
    }

    /// How much of the evidence is left at this coverage: nothing below half the level, all from the level on.
    pub fn trust(&self, coverage: f64) -> f64 {
        if coverage >= self.coverage_level {
            return 1.0;
        }
        (2.0 * coverage / self.coverage_level - 1.0).clamp(0.0, 1.0)
    }

    /// Evidence of the comment; the prior is apart. What `words` say shrinks where their language is little known; what
    /// links, author and shape say (`rest`) needs no language.
    pub fn evidence(&self, words: f64, rest: f64, coverage: f64) -> Nats {
        let sum = (self.slope * words + self.intercept) * self.trust(coverage) + self.slope * rest;
        Nats::clamped(sum.clamp(-MAX_EVIDENCE, MAX_EVIDENCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALIBRATION: Calibration =
        Calibration { slope: 2.0, intercept: 1.0, prior: -1.0, coverage_level: 0.4, link_cut: 1.0 };

    #[track_caller]
    fn check(words: f64, rest: f64, coverage: f64, expected: f64) {
        let evidence = CALIBRATION.evidence(words, rest, coverage).get();
        assert!((evidence - expected).abs() < 1e-12, "{words} and {rest} at {coverage}: {evidence}, not {expected}");
    }

    #[test]
    fn evidence_is_affine_bounded_and_shrinks_with_coverage() {
        check(1.5, 0.0, 0.9, 4.0);
        check(1.5, 0.0, 0.4, 4.0);
        check(1.5, 0.0, 0.3, 2.0);
        check(1.5, 0.0, 0.2, 0.0);
        check(1.5, 0.5, 0.3, 3.0);
        check(1.5, 0.5, 0.0, 1.0);
        check(99.0, 0.0, 1.0, MAX_EVIDENCE);
        check(-99.0, 0.0, 1.0, -MAX_EVIDENCE);
        check(f64::NAN, 0.0, 1.0, 0.0);
    }
}
