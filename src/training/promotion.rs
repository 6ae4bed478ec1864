//! Whether a candidate takes the champion's place.
//!
//! Owns the comparison, and the sentence that says why. Does not own measuring (`evaluation`) nor the act (`store`).

use super::evaluation::Figures;

/// A candidate may be so much worse and still be promoted: less than that is noise on a held-out part of usual size.
pub const MCC_MARGIN: f64 = 0.005;
pub const BLOCKED_HAM_MARGIN: f64 = 0.002;
/// Fewer held-out comments of either kind tell nothing.
pub const MIN_HELD_OUT: u64 = 20;

/// May the candidate be promoted, and why (not).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub is_promoted: bool,
    /// One plain sentence.
    pub reason: String,
}

/// Compares both on the same held-out comments.
///
/// Promoted is a candidate whose MCC is not lower, and whose blocked ham not higher, beyond the margins.
pub fn choose(candidate: &Figures, champion: &Figures) -> Choice {
    let refuse = |reason| Choice { is_promoted: false, reason };
    if candidate.ham < MIN_HELD_OUT || candidate.spam < MIN_HELD_OUT {
        return refuse(format!(
            "not promoted: {} ham and {} spam were held out, and at least {MIN_HELD_OUT} of each are needed to compare",
            candidate.ham, candidate.spam
        ));
    }
    let pair = |figure: fn(&Figures) -> Option<super::evaluation::Measure>| {
        let value = |figures| figure(figures).map_or(f64::NAN, |measure| measure.value);
        (value(candidate), value(champion))
    };
    let (mcc, former_mcc) = pair(|figures| figures.mcc);
    let (blocked, former_blocked) = pair(|figures| figures.blocked_ham);
    let told = format!(
        "MCC {mcc:.3} against the champion's {former_mcc:.3}, blocked ham {:.2} % against {:.2} %",
        100.0 * blocked,
        100.0 * former_blocked
    );
    if mcc < former_mcc - MCC_MARGIN {
        refuse(format!("not promoted: {told}; the MCC is lower by more than {MCC_MARGIN}"))
    } else if blocked > former_blocked + BLOCKED_HAM_MARGIN {
        refuse(format!("not promoted: {told}; the blocked ham is higher by more than {} %", 100.0 * BLOCKED_HAM_MARGIN))
    } else {
        Choice { is_promoted: true, reason: format!("promoted: {told}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::evaluation::Judged;

    fn figures(spam: [usize; 2], ham: [usize; 2]) -> Figures {
        let rows = |is_spam, is_blocked, count| {
            std::iter::repeat_n(Judged { score: if is_blocked { 0.9 } else { 0.1 }, is_blocked, is_spam }, count)
        };
        let spam = rows(true, true, spam[0]).chain(rows(true, false, spam[1]));
        let all: Vec<_> = spam.chain(rows(false, true, ham[0])).chain(rows(false, false, ham[1])).collect();
        Figures::of(&all)
    }

    #[track_caller]
    fn check(candidate: Figures, champion: Figures, promoted: bool, reason: &str) {
        let choice = choose(&candidate, &champion);
        assert_eq!(choice.is_promoted, promoted, "{}", choice.reason);
        assert!(choice.reason.contains(reason), "{}", choice.reason);
    }

    #[test]
    fn only_a_candidate_that_is_no_worse_is_promoted() {
        let champion = figures([90, 10], [2, 98]);
        check(champion, champion, true, "promoted: MCC 0.883 against the champion's 0.883");
        check(figures([95, 5], [2, 98]), champion, true, "promoted");
        check(figures([80, 20], [1, 99]), champion, false, "the MCC is lower");
        check(figures([99, 1], [3, 97]), champion, false, "the blocked ham is higher by more than 0.2 %");
        check(figures([19, 0], [0, 100]), champion, false, "100 ham and 19 spam were held out");
    }
}
