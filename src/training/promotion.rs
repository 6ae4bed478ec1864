//! Whether a candidate takes the champion's place.
//!
//! Owns the comparison of two judges on the same comments, and the sentence that says why. Does not own measuring
//! (`evaluation`), which comments those are (`held_out`), nor the act (`store`).
//!
//! **The rule.** The champion serves already, so it is for the candidate to show that it is no worse: a test of
//! non-inferiority, on MCC and on blocked ham, with the same comments judged by both. Promoted is a candidate
//!
//! 1. whose loss is within [`MARGIN`]: the MCC found is not lower, nor the blocked ham found higher, by more than that (one
//!    comment is always within it: no sample tells less than one comment);
//! 2. of which a loss beyond [`TOLERANCE`] is ruled out: the loss lies below it with 95 % confidence, one-sided;
//! 3. that is not *seen to be worse in any language* with enough comments: there a loss beyond [`LANGUAGE_MARGIN`] counts if
//!    it is one with 95 % confidence.
//!
//! The first keeps small losses from adding up over many promotions, where many comments rule out a large one. The
//! second keeps luck from promoting where few were held out. In a language the burden is turned around, because no dump
//! has thousands of comments in each of its languages, and ten tests of non-inferiority would refuse nearly everything;
//! each language is tested at its full 95 %, so chance errs towards the champion.
//!
//! **The interval** is that of the paired bootstrap over groups of near-copies: a group is drawn with what both said of
//! it, so what is hard for both cancels out. Half a comment of each kind (ham or spam, as blocked or let through by
//! either) is drawn along. Without it sixty ham of which neither blocked any would prove that the two never differ.
//!
//! # Source
//! Piaggio et al., "Reporting of Noninferiority and Equivalence Randomized Trials" (JAMA 308, 2012); Agresti and Min, "Simple
//! improved confidence intervals for comparing matched proportions" (Statistics in Medicine 24, 2005) for the halves;
//! Dietterich (Neural Computation 10, 1998) on why the comparison is paired.

use std::collections::BTreeMap;

use super::evaluation::{Confusion, Evaluation, Judged};
use super::interval::{Chance, Measure, quantile, sorted};

/// How much one of the two figures may be worse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    pub mcc: f64,
    /// As a share: 0.002 is one in five hundred.
    pub blocked_ham: f64,
}

/// The loss found is within this.
pub const MARGIN: Loss = Loss { mcc: 0.005, blocked_ham: 0.002 };
/// A loss beyond this is ruled out.
pub const TOLERANCE: Loss = Loss { mcc: 0.03, blocked_ham: 0.01 };
/// A loss in one language that counts if it is no chance.
pub const LANGUAGE_MARGIN: Loss = Loss { mcc: 0.02, blocked_ham: 0.005 };
/// Fewer comments of either kind tell nothing.
pub const MIN_HELD_OUT: f64 = 20.0;
/// Ham from which on blocked ham is compared in a language; the MCC needs half of it, and [`MIN_HELD_OUT`] spam.
const MIN_LANGUAGE_HAM: f64 = 200.0;

/// May the candidate be promoted, and why (not).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub is_promoted: bool,
    /// One plain sentence.
    pub reason: String,
}

/// Compares both on the same comments, in the same order.
pub fn choose(candidate: &Evaluation, champion: &Evaluation) -> Choice {
    let refuse = |reason: String| Choice { is_promoted: false, reason: format!("not promoted: {reason}") };
    let pairs: Vec<Pair> = candidate.rows().zip(champion.rows()).map(Pair::of).collect();
    let all = Compared::of(pairs.clone());
    let held_out = format!("{} ham and {} spam were held out", all.candidate.ham(), all.candidate.spam());
    if all.candidate.ham() < MIN_HELD_OUT || all.candidate.spam() < MIN_HELD_OUT {
        return refuse(format!("{held_out}, and at least {MIN_HELD_OUT} of each are needed to compare"));
    }
    if candidate.rows().eq(champion.rows()) {
        return Choice { is_promoted: true, reason: format!("promoted: it judges as the champion does; {held_out}") };
    }
    let told = format!("{}; {held_out}", all.told());
    if let Some(worse) = all.worse().or_else(|| all.unproven()) {
        return refuse(format!("{told}; {worse}"));
    }
    let mut languages: BTreeMap<String, Vec<Pair>> = BTreeMap::new();
    for (pair, lang) in pairs.into_iter().zip(candidate.langs()) {
        if let Some(lang) = lang.and_then(|lang| lang.split(['-', '_']).next()) {
            languages.entry(lang.to_lowercase()).or_default().push(pair);
        }
    }
    for (lang, pairs) in languages {
        let there = Compared::of(pairs);
        if let Some(worse) = there.seen_worse() {
            return refuse(format!("{told}; but it is worse for comments in `{lang}`: {}; {worse}", there.told()));
        }
    }
    Choice { is_promoted: true, reason: format!("promoted: {told}") }
}

/// One comment as both judged it.
#[derive(Clone, Copy, Debug)]
struct Pair {
    group: u32,
    is_spam: bool,
    /// By the candidate, by the champion.
    is_blocked: [bool; 2],
}

impl Pair {
    fn of((candidate, champion): (&Judged, &Judged)) -> Pair {
        let Judged { group, is_spam, .. } = *candidate;
        Pair { group, is_spam, is_blocked: [candidate.is_blocked, champion.is_blocked] }
    }

    fn kind(self) -> usize {
        usize::from(self.is_spam) << 2 | usize::from(self.is_blocked[0]) << 1 | usize::from(self.is_blocked[1])
    }
}

/// How many comments there are of each [`Pair::kind`].
type Kinds = [f64; 8];

/// What both got, and how much is lost by the change: below 0 is a gain.
#[derive(Clone, Copy, Debug)]
struct Compared {
    candidate: Confusion,
    champion: Confusion,
    /// With the ends of a 90 % interval: the true loss is below the upper end with 95 % confidence.
    mcc: Measure,
    blocked_ham: Measure,
}

impl Compared {
    /// Bootstrap draws: the 5 % and 95 % points of so many hold still to a tenth of a standard error.
    const DRAWS: usize = 2_000;

    fn of(mut pairs: Vec<Pair>) -> Compared {
        pairs.sort_by_key(|pair| pair.group);
        let mut groups: Vec<Kinds> = Vec::with_capacity(pairs.len() + 8);
        for group in pairs.chunk_by(|left, right| left.group == right.group) {
            let mut kinds = Kinds::default();
            for pair in group {
                if let Some(kind) = kinds.get_mut(pair.kind()) {
                    *kind += 1.0;
                }
            }
            groups.push(kinds);
        }
        let found = total(groups.iter());
        for kind in 0..8 {
            let mut half = Kinds::default();
            if let Some(half) = half.get_mut(kind) {
                *half = 0.5;
            }
            groups.push(half);
        }
        let mut chance = Chance(0x5EED);
        let draws: Vec<Kinds> = (0..Compared::DRAWS)
            .map(|_| total((0..groups.len()).filter_map(|_| groups.get(chance.below(groups.len())))))
            .collect();
        let measure = |loss: fn(&Kinds) -> f64| {
            let drawn = sorted(draws.iter().map(loss).collect());
            let value = loss(&found);
            Measure { value, low: quantile(&drawn, 0.05).min(value), high: quantile(&drawn, 0.95).max(value) }
        };
        let [candidate, champion] = confusions(&found);
        Compared { candidate, champion, mcc: measure(mcc_loss), blocked_ham: measure(blocked_ham_loss) }
    }

    /// The loss found is beyond the margin.
    fn worse(&self) -> Option<String> {
        let one = 1.0 / self.candidate.ham();
        if self.mcc.value > MARGIN.mcc {
            Some(format!("the MCC is lower by more than {}", MARGIN.mcc))
        } else if self.blocked_ham.value > MARGIN.blocked_ham.max(one * 1.001) {
            Some(format!("the blocked ham is higher by more than {} %", percent(MARGIN.blocked_ham)))
        } else {
            None
        }
    }

    /// A loss beyond tolerance cannot be ruled out.
    fn unproven(&self) -> Option<String> {
        if self.mcc.high > TOLERANCE.mcc {
            Some(format!(
                "the MCC may be lower by more than {}; more comments would tell, or --promote always",
                TOLERANCE.mcc
            ))
        } else if self.blocked_ham.high > TOLERANCE.blocked_ham {
            Some(format!(
                "the blocked ham may be higher by more than {} %; more comments would tell, or --promote always",
                percent(TOLERANCE.blocked_ham)
            ))
        } else {
            None
        }
    }

    /// A loss that counts, and is no chance; `None` of too few comments.
    fn seen_worse(&self) -> Option<String> {
        let (ham, spam) = (self.candidate.ham(), self.candidate.spam());
        let is_loss = |loss: Measure, margin| loss.value > margin && loss.low > 0.0;
        if ham >= MIN_LANGUAGE_HAM / 2.0 && spam >= MIN_HELD_OUT && is_loss(self.mcc, LANGUAGE_MARGIN.mcc) {
            Some(format!("the MCC is lower by more than {}, on {ham} ham and {spam} spam", LANGUAGE_MARGIN.mcc))
        } else if ham >= MIN_LANGUAGE_HAM && is_loss(self.blocked_ham, LANGUAGE_MARGIN.blocked_ham) {
            let margin = percent(LANGUAGE_MARGIN.blocked_ham);
            Some(format!("the blocked ham is higher by more than {margin} %, on {ham} ham"))
        } else {
            None
        }
    }

    /// Both figures side by side, and the difference with its interval.
    fn told(&self) -> String {
        let blocked = |judge: Confusion| percent(judge.blocked / judge.ham().max(1.0));
        let Compared { candidate, champion, mcc, blocked_ham } = self;
        format!(
            "MCC {:.3} against the champion's {:.3} (difference {:+.3}, 90 % interval {:+.3} to {:+.3}), blocked ham {:.2} % \
             against {:.2} % ({:+.2}, {:+.2} to {:+.2})",
            candidate.mcc(),
            champion.mcc(),
            0.0 - mcc.value,
            0.0 - mcc.high,
            0.0 - mcc.low,
            blocked(*candidate),
            blocked(*champion),
            percent(blocked_ham.value),
            percent(blocked_ham.low),
            percent(blocked_ham.high),
        )
    }
}

fn percent(share: f64) -> f64 {
    100.0 * share
}

fn total<'a>(groups: impl Iterator<Item = &'a Kinds>) -> Kinds {
    groups.fold(Kinds::default(), |mut sum, group| {
        sum.iter_mut().zip(group).for_each(|(sum, count)| *sum += count);
        sum
    })
}

/// Of the candidate, of the champion.
fn confusions(kinds: &Kinds) -> [Confusion; 2] {
    [2, 1].map(|bit| {
        let mut confusion = Confusion::default();
        for (kind, count) in kinds.iter().enumerate() {
            confusion.add(kind & 4 != 0, kind & bit != 0, *count);
        }
        confusion
    })
}

fn mcc_loss(kinds: &Kinds) -> f64 {
    let [candidate, champion] = confusions(kinds);
    champion.mcc() - candidate.mcc()
}

fn blocked_ham_loss(kinds: &Kinds) -> f64 {
    let [candidate, champion] = confusions(kinds);
    (candidate.blocked - champion.blocked) / candidate.ham().max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;
    use crate::text::Text;
    use crate::training::corpus::Group;
    use crate::verdict::Label;

    /// Comments of one language: `[caught, missed]` spam and `[blocked, passed]` ham, the blocked ones first.
    #[derive(Clone, Copy)]
    struct Part(&'static str, [usize; 2], [usize; 2]);

    fn evaluation(parts: &[Part]) -> Evaluation {
        let mut evaluation = Evaluation::default();
        let mut number = 0;
        for Part(lang, spam, ham) in parts {
            for (label, [blocked, passed]) in [(Label::Spam, spam), (Label::Ham, ham)] {
                for at in 0..blocked + passed {
                    number += 1;
                    let group = Group::of(&Text::of(&Comment::of_text(number.to_string())));
                    let is_blocked = at < *blocked;
                    let judged = Judged::new(if is_blocked { 0.9 } else { 0.1 }, is_blocked, label, group);
                    evaluation.add(judged, Some(lang), None);
                }
            }
        }
        evaluation
    }

    #[track_caller]
    fn check(candidate: &[Part], champion: &[Part], promoted: bool, reason: &str) {
        let choice = choose(&evaluation(candidate), &evaluation(champion));
        assert_eq!(choice.is_promoted, promoted, "{}", choice.reason);
        assert!(choice.reason.contains(reason), "{}", choice.reason);
    }

    #[test]
    fn only_a_candidate_that_is_no_worse_is_promoted() {
        let champion = [Part("en", [450, 50], [10, 490])];
        check(&champion, &champion, true, "promoted: it judges as the champion does");
        check(&[Part("en", [475, 25], [10, 490])], &champion, true, "promoted: MCC 0.930 against the champion's 0.883");
        check(&[Part("en", [400, 100], [5, 495])], &champion, false, "the MCC is lower by more than 0.005");
        check(&[Part("en", [499, 1], [15, 485])], &champion, false, "the blocked ham is higher by more than 0.2 %");
        check(&[Part("en", [475, 25], [11, 489])], &champion, true, "promoted");
        check(&[Part("en", [19, 0], [0, 100])], &champion, false, "100 ham and 19 spam were held out");
    }

    #[test]
    fn few_comments_promote_what_is_clearly_better_and_prove_nothing_else() {
        let champion = [Part("en", [50, 50], [3, 197])];
        check(&[Part("en", [95, 5], [1, 199])], &champion, true, "promoted: MCC");
        check(&[Part("en", [49, 51], [3, 197])], &champion, false, "the MCC is lower");
        // Sixty ham, none blocked by either: that shows no difference, and rules none out.
        check(
            &[Part("en", [60, 40], [0, 60])],
            &[Part("en", [55, 45], [0, 60])],
            false,
            "may be higher by more than 1 %",
        );
    }

    #[test]
    fn a_loss_in_one_language_is_a_refusal_that_names_it() {
        let champion = [Part("en-GB", [400, 100], [10, 990]), Part("ar", [90, 10], [2, 298])];
        let worse = [Part("en-GB", [480, 20], [10, 990]), Part("ar", [60, 40], [2, 298])];
        check(&worse, &champion, false, "worse for comments in `ar`: MCC 0.7");
        let blocks = [Part("en-GB", [480, 20], [0, 1_000]), Part("ar", [100, 0], [11, 289])];
        check(&blocks, &champion, false, "worse for comments in `ar`");
        let few = [Part("en-GB", [480, 20], [10, 990]), Part("ar", [4, 6], [0, 30])];
        let few_before = [Part("en-GB", [400, 100], [10, 990]), Part("ar", [9, 1], [0, 30])];
        check(&few, &few_before, true, "promoted");
    }

    #[test]
    fn near_copies_count_once() {
        // One spam template, a hundred times, that only the candidate catches: no proof of a hundred comments.
        let mut judges = [true, false].map(|is_caught| {
            let mut evaluation = evaluation(&[Part("en", [20, 20], [0, 400])]);
            let group = Group::of(&Text::of(&Comment::of_text("template")));
            for _ in 0..100 {
                evaluation.add(
                    Judged::new(if is_caught { 0.9 } else { 0.1 }, is_caught, Label::Spam, group),
                    None,
                    None,
                );
            }
            evaluation
        });
        let pairs =
            |judges: &[Evaluation; 2]| -> Vec<Pair> { judges[0].rows().zip(judges[1].rows()).map(Pair::of).collect() };
        let compared = Compared::of(pairs(&judges));
        assert!(compared.mcc.value < -0.3 && compared.mcc.high > -0.1, "{compared:?}");
        judges.reverse();
        assert!(!choose(&judges[0], &judges[1]).is_promoted);
    }
}
