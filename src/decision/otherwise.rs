//! What would have changed a decision: the least evidence without which it would have been milder.
//!
//! Owns the arithmetic, which claims too little rather than too much. Does not own the sentence (`reason`).

use super::{country, decide};
use crate::reason;
use crate::rules::{Family, RuleSet};
use crate::verdict::{Decision, Evidence, Score, Thresholds};

/// A milder decision, and the evidence without which it would have been taken.
#[derive(Debug, PartialEq)]
pub(super) struct Otherwise<'a> {
    pub without: Vec<&'a Evidence>,
    pub decision: Decision,
}

/// The one piece of evidence without which the comment would have been approved, the lightest of such; else the one
/// without which the decision would have been milder; else the two heaviest. `None` when not even these make a difference,
/// or the comment is approved as it is.
///
/// `evidence`: heaviest first, adding up to the score that was judged.
pub(super) fn of<'a>(
    evidence: &'a [Evidence],
    judged: Decision,
    thresholds: &Thresholds,
    rules: &RuleSet,
) -> Option<Otherwise<'a>> {
    if judged == Decision::Approve {
        return None;
    }
    // What was cut off to keep the sum in bounds would have been cut otherwise.
    let sum: f64 = evidence.iter().filter(|piece| piece.symbol != "BOUND").map(|piece| piece.weight.get()).sum();
    let families = Families::of(evidence, rules);
    let decision = |without: &[&Evidence]| decide(Score::of_logit(sum - families.lost(without)), thresholds);
    // It fills up to the threshold whatever else is there: only without it would anything be otherwise.
    if let Some(policy) = evidence.iter().find(|piece| piece.symbol == country::SYMBOL) {
        let milder = decision(&[policy]);
        return (milder < judged).then(|| Otherwise { without: vec![policy], decision: milder });
    }

    let counts = |piece: &&Evidence| {
        // Of two entries of a list the second takes the place of the first.
        let is_alone = evidence.iter().filter(|other| other.symbol == piece.symbol).count() == 1;
        piece.weight.get() > reason::LEAST_NAMED && reason::explains(piece) && is_alone
    };
    let lightest_first: Vec<&Evidence> = evidence.iter().rev().filter(counts).collect();
    let singles = lightest_first.iter().map(|&piece| (piece, decision(&[piece])));
    // `min_by_key` gives the first of equals: the lightest.
    if let Some((piece, milder)) = singles.min_by_key(|(_, decision)| *decision).filter(|(_, milder)| *milder < judged)
    {
        return Some(Otherwise { without: vec![piece], decision: milder });
    }
    let [.., second, first] = lightest_first.as_slice() else { return None };
    let milder = decision(&[first, second]);
    (milder < judged).then(|| Otherwise { without: vec![first, second], decision: milder })
}

/// Which family each piece of evidence belongs to, and what it would weigh if its family had no cap.
struct Families<'a> {
    rules: &'a RuleSet,
    /// Piece, family, and the most that the piece can have weighed before the cap.
    pieces: Vec<(&'a Evidence, Family, f64)>,
}

impl<'a> Families<'a> {
    fn of(evidence: &'a [Evidence], rules: &'a RuleSet) -> Families<'a> {
        let pieces = evidence.iter().filter_map(|piece| {
            let (family, weight) = rules.weight_of(&piece.symbol)?;
            Some((piece, family, weight.max(piece.weight.get())))
        });
        Families { rules, pieces: pieces.collect() }
    }

    /// By how much the sum would surely be less without these pieces, nats: where a family had reached its cap, the rest of
    /// it would have weighed more.
    fn lost(&self, without: &[&Evidence]) -> f64 {
        let is_gone = |piece: &Evidence| without.iter().any(|gone| std::ptr::eq(*gone, piece));
        let mut lost = 0.0;
        let mut done: Vec<Family> = Vec::new();
        for gone in without {
            let Some((_, family, _)) = self.pieces.iter().find(|(piece, ..)| std::ptr::eq(*piece, *gone)) else {
                lost += gone.weight.get();
                continue;
            };
            if done.contains(family) {
                continue;
            }
            done.push(*family);
            let of_family = || self.pieces.iter().filter(|(_, other, _)| other == family);
            let before: f64 = of_family().map(|(piece, ..)| piece.weight.get()).sum();
            let rest = || of_family().filter(|(piece, ..)| !is_gone(piece));
            let cap = self.rules.cap(*family);
            let after: f64 = if before + 1e-9 < cap {
                rest().map(|(piece, ..)| piece.weight.get()).sum()
            } else {
                rest().map(|(_, _, uncapped)| uncapped).sum::<f64>().min(cap)
            };
            lost += before - after;
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Nats;

    fn piece(symbol: &'static str, weight: f64) -> Evidence {
        Evidence::new(symbol, Nats::clamped(weight), "")
    }

    /// What would have been otherwise: symbols and decision. Hold from 0 nats, spam from 3, discard from 10.
    #[track_caller]
    fn check(evidence: &[(&'static str, f64)], expected: Option<(&[&str], Decision)>) {
        let mut evidence: Vec<Evidence> = evidence.iter().map(|&(symbol, weight)| piece(symbol, weight)).collect();
        evidence.sort_by(|a, b| b.weight.get().abs().total_cmp(&a.weight.get().abs()));
        let at = |logit| Score::of_logit(logit);
        let thresholds = Thresholds { hold: at(0.0), spam: at(3.0), discard: Some(at(10.0)) };
        let judged = decide(Score::of(&evidence), &thresholds);
        let rules = RuleSet::embedded();
        let found = of(&evidence, judged, &thresholds, &rules);
        let shown = found
            .as_ref()
            .map(|it| (it.without.iter().map(|piece| piece.symbol.as_ref()).collect::<Vec<_>>(), it.decision));
        let expected = expected.map(|(symbols, decision)| (symbols.to_vec(), decision));
        assert_eq!(shown, expected, "{evidence:?}");
    }

    #[test]
    fn the_least_that_makes_a_difference_is_named() {
        check(&[("BAYES", -1.0), ("URL_SHORTENER", 0.5)], None);
        check(
            &[("BAYES", 0.8), ("URL_SHORTENER", 1.2), ("PRIOR", -0.9)],
            Some((&["URL_SHORTENER"], Decision::Approve)),
        );
        check(&[("BAYES", 2.0), ("URL_SHORTENER", 1.2), ("PRIOR", -1.5)], Some((&["BAYES"], Decision::Approve)));
        check(
            &[("BAYES", 1.2), ("URL_SHORTENER", 1.1), ("PRIOR", -1.3)],
            Some((&["URL_SHORTENER"], Decision::Approve)),
        );
    }

    #[test]
    fn a_milder_decision_is_worth_naming_too() {
        check(&[("BAYES", 2.9), ("URL_SHORTENER", 1.2)], Some((&["URL_SHORTENER"], Decision::Hold)));
        check(&[("BLOCK_LIST", 40.0), ("BAYES", 2.0), ("BOUND", -24.0)], Some((&["BLOCK_LIST"], Decision::Hold)));
    }

    #[test]
    fn two_pieces_are_named_where_one_is_not_enough() {
        check(
            &[("BAYES", 1.2), ("URL_SHORTENER", 1.2), ("HONEYPOT_FILLED", 1.2), ("PRIOR", -1.5)],
            Some((&["BAYES", "URL_SHORTENER"], Decision::Approve)),
        );
        check(&[("HONEYPOT_FILLED", 2.2), ("BAYES", 2.2), ("URL_SHORTENER", 2.0), ("SPAM_CASINO", 1.9)], None);
    }

    #[test]
    fn what_a_cap_would_give_back_is_not_claimed() {
        let rules = RuleSet::embedded();
        let cap = rules.cap(Family::Links);
        // Both were cut to half of the cap; without either, the other weighs nearly what both did.
        let half = cap / 2.0;
        check(
            &[("ANCHOR_BBCODE", half), ("ANCHOR_MULTI_SYNTAX", half), ("PRIOR", 0.9 - half)],
            Some((&["ANCHOR_BBCODE", "ANCHOR_MULTI_SYNTAX"], Decision::Approve)),
        );
    }

    #[test]
    fn of_two_entries_the_second_takes_the_place_of_the_first() {
        check(&[("BLOCK_LIST", 40.0), ("BLOCK_LIST", 0.0), ("BAYES", -1.0), ("BOUND", -21.0)], None);
    }
}
