//! The budget: at most so much ham blocked, and the hold threshold that keeps to it.
//!
//! Owns the arithmetic from the scores of held-out ham to a threshold, and what is remembered of it. Does not own which
//! comments are held-out ham (`pipeline::budgets`) nor what a score is compared with (`decision`).
//!
//! With `n` ham scores, drawn like those to come, let `k` be the largest number for which a share of blocked ham of more
//! than the budget would show `k` or fewer of `n` above the threshold with a probability of 5 % at most: P(Binomial(n,
//! budget) ≤ k) ≤ 0.05. A threshold just above the (k + 1)-th highest score blocks at most `k` of the `n`, and then the
//! share of *all* ham at or above it is within the budget with 95 % confidence, whatever the scores' distribution.
//!
//! # Source
//! An order statistic as the upper end of a one-sided tolerance interval: Wilks, *Determination of Sample Sizes for
//! Setting Tolerance Limits* (1941); the bound is that of Clopper and Pearson (1934). As a way to choose thresholds of
//! classifiers: Angelopoulos, Bates, Candès, Jordan and Lei, *Learn then Test* (2021), § 1.1.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::verdict::{Score, Share};

/// The probability with which a chosen threshold may block more than the budget.
pub const RISK: f64 = 0.05;
/// Most ham that is looked at, the newest; memory and time are bounded by it.
pub const MOST_HAM: u32 = 10_000;
/// No threshold is chosen below this: whatever ham has looked like, a comment that is ham by four to one is no work for
/// a person.
pub const LOWEST_HOLD: f64 = 0.2;

/// What the operator allows, and what the site's ham said of it last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Budget {
    /// At most this share of ham is to be blocked.
    pub max_blocked_ham: Share,
    /// `None` until the ham was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Measured>,
}

/// What the held-out ham of a site said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measured {
    /// Held-out ham that was seen.
    pub ham: u32,
    /// Held-out ham that the budget needs at least.
    pub needed: u32,
    /// The threshold that keeps to the budget; `None` while there is too little ham.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// Held comments of the same days that nobody looked at: what of them is ham is not counted.
    #[serde(default)]
    pub unreviewed: u64,
    /// Id of the model that gave the scores.
    pub model: String,
    /// Version of the rules that gave them.
    pub rules: String,
    pub at: Timestamp,
}

/// A threshold, and how much of the ham it was chosen from reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Chosen {
    pub hold: Score,
    /// Of the ham seen, so much is at the threshold or above it.
    pub above: u32,
}

impl Budget {
    pub fn of(max_blocked_ham: Share) -> Budget {
        Budget { max_blocked_ham, measured: None }
    }

    /// The hold threshold that keeps to it, if enough ham was seen.
    pub fn hold(&self) -> Option<Score> {
        self.measured.as_ref()?.chosen.map(|chosen| chosen.hold)
    }
}

/// What an operator reads: what is allowed, and what became of it.
impl fmt::Display for Budget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "at most {} of ham blocked: ", self.max_blocked_ham)?;
        let Some(Measured { ham, needed, chosen, unreviewed, .. }) = &self.measured else {
            return formatter.write_str("not measured yet; until then the thresholds that were set hold");
        };
        match chosen {
            Some(Chosen { hold, above }) => {
                write!(formatter, "hold from {} ({above} of {ham} ham at or above it, 95 % sure)", hold.get())?;
            }
            None => write!(formatter, "{needed} ham needed, {ham} seen; until then the thresholds that were set hold")?,
        }
        if *unreviewed > 0 {
            write!(formatter, "; {unreviewed} held comments wait for a person and do not count")?;
        }
        Ok(())
    }
}

/// How much ham must be seen before any threshold can be shown to keep to the budget: 299 for 1 %, 598 for 0.5 %.
pub fn needed(budget: Share) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "5 to 9,985, as `Share` is bounded")]
    let needed = (RISK.ln() / (-budget.get()).ln_1p()).ceil() as u32;
    needed
}

/// How much of `ham` may lie above a threshold that keeps to the budget; `None` when `ham` is too little for any.
pub fn allowed(ham: u32, budget: Share) -> Option<u32> {
    // In logarithms, for (1 - b)^n is 0 in an `f64` long before its sum with what follows is.
    let (n, odds) = (f64::from(ham), (budget.get() / (1.0 - budget.get())).ln());
    let mut ln_term = n * (-budget.get()).ln_1p();
    let mut sum = 0.0;
    let mut allowed = None;
    for k in 0..ham {
        sum += ln_term.exp();
        if sum > RISK {
            break;
        }
        allowed = Some(k);
        ln_term += ((n - f64::from(k)) / f64::from(k + 1)).ln() + odds;
    }
    allowed
}

/// The lowest threshold that keeps to the budget, given the scores of held-out ham, and not below [`LOWEST_HOLD`].
///
/// `None` when there is too little ham. A threshold belongs to the harsher side, so it lies above all scores that are
/// equal to the (k + 1)-th highest.
pub fn choose(mut ham: Vec<Score>, budget: Share) -> Option<Chosen> {
    let seen = u32::try_from(ham.len()).unwrap_or(u32::MAX);
    let allowed = usize::try_from(allowed(seen, budget)?).ok()?;
    ham.sort_by(|a, b| b.get().total_cmp(&a.get()));
    let hold = above(*ham.get(allowed)?)?;
    let hold = Score::new(hold.get().max(LOWEST_HOLD))?;
    let above = ham.iter().take_while(|score| **score >= hold).count();
    Some(Chosen { hold, above: u32::try_from(above).ok()? })
}

/// The next threshold above a score, with six decimals where these tell them apart; `None` above 1.
fn above(score: Score) -> Option<Score> {
    let rounded = ((score.get() * 1e6).floor() + 1.0) / 1e6;
    Score::new(if rounded > score.get() && rounded <= 1.0 { rounded } else { score.get().next_up() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(share: f64) -> Share {
        Share::new(share).unwrap()
    }

    fn scores(scores: impl IntoIterator<Item = f64>) -> Vec<Score> {
        scores.into_iter().map(|score| Score::new(score).unwrap()).collect()
    }

    #[test]
    fn so_much_ham_is_needed() {
        for (budget, count) in [(0.01, 299), (0.005, 598), (0.001, 2995), (0.05, 59), (0.5, 5)] {
            assert_eq!(needed(share(budget)), count);
            assert_eq!(allowed(count, share(budget)), Some(0));
            assert_eq!(allowed(count - 1, share(budget)), None);
        }
        assert!(needed(Share::LEAST) <= MOST_HAM);
        assert_eq!(allowed(0, share(0.01)), None);
    }

    /// Sizes of nonparametric tolerance limits for 1 %, 95 % (order 1, 2, 3, 4), and one far out for the logarithms.
    #[test]
    fn so_much_of_it_may_be_above() {
        for (ham, allowed_above) in [(472, 0), (473, 1), (627, 1), (628, 2), (772, 2), (773, 3)] {
            assert_eq!(allowed(ham, share(0.01)), Some(allowed_above), "{ham}");
        }
        let many = allowed(MOST_HAM, share(0.5)).unwrap();
        assert!((4910..4920).contains(&many), "{many}: 5,000 less 1.645 times 50");
    }

    #[test]
    fn equal_scores_are_on_one_side() {
        // 500 ham may have one above 1 %; the second highest score is shared by three.
        let ham = scores((0..500).map(|n| match n {
            7 => 0.9,
            100..103 => 0.75,
            _ => 0.01,
        }));
        let chosen = choose(ham, share(0.01)).unwrap();
        assert_eq!((chosen.hold.get(), chosen.above), (0.750_001, 1));
    }

    #[test]
    fn a_threshold_is_never_below_the_lowest_and_never_above_one() {
        let chosen = choose(scores([0.001; 400]), share(0.01)).unwrap();
        assert_eq!((chosen.hold.get(), chosen.above), (LOWEST_HOLD, 0));
        let surest = 1.0 / (1.0 + (-Score::MAX_LOGIT).exp());
        let chosen = choose(scores([surest; 400]), share(0.01)).unwrap();
        assert!(chosen.hold.get() > surest && chosen.hold.get() <= 1.0 && chosen.above == 0);
        assert_eq!(choose(scores([1.0; 400]), share(0.01)), None);
        assert_eq!(choose(scores([0.1; 298]), share(0.01)), None);
    }

    /// The promise itself: over many draws of ham, the share of all ham above the threshold exceeds the budget in some 5 %.
    #[test]
    fn the_budget_is_exceeded_in_one_draw_of_twenty_at_most() {
        use rand::{Rng as _, SeedableRng as _};
        let mut chance = rand::rngs::StdRng::seed_from_u64(7);
        for (budget, ham) in [(0.01, 299), (0.01, 1000), (0.05, 200), (0.2, 60)] {
            let draws = 2000;
            let mut exceeded = 0;
            for _ in 0..draws {
                // Uniform between 0.5 and 1: above the floor, and the share at or above `t` is 2 (1 - t).
                let ham = scores((0..ham).map(|_| 0.5 + chance.random::<f64>() / 2.0));
                let hold = choose(ham, share(budget)).unwrap().hold.get();
                exceeded += u32::from(2.0 * (1.0 - hold) > budget);
            }
            // 5 % of 2,000 is 100, with a standard deviation of some 10.
            assert!(exceeded <= 140, "budget {budget}, {ham} ham: exceeded {exceeded} of {draws} times");
        }
    }

    proptest! {
        #[test]
        fn more_ham_or_a_larger_budget_never_allows_less(ham in 0u32..3000, budget in 0.0003f64..0.49, more in 0u32..500) {
            let now = allowed(ham, share(budget));
            prop_assert!(allowed(ham + more, share(budget)) >= now);
            prop_assert!(allowed(ham, share((budget * 1.02).min(0.5))) >= now);
        }

        #[test]
        fn no_more_than_allowed_is_above(ham in prop::collection::vec(0.0f64..=0.999, 0..900), budget in 0.003f64..0.5) {
            let count = u32::try_from(ham.len()).unwrap();
            match (choose(scores(ham), share(budget)), allowed(count, share(budget))) {
                (Some(chosen), Some(allowed)) => prop_assert!(chosen.above <= allowed),
                (None, None) => prop_assert!(count < needed(share(budget))),
                (chosen, allowed) => prop_assert!(false, "{chosen:?} but {allowed:?} allowed"),
            }
        }
    }
}
