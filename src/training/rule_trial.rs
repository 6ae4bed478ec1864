//! Fitted weights beside the hand values: both measured on comments that neither they nor the classifier saw.
//!
//! Owns which weights may move, the comparison, and what each family is worth. Does not own the solver (`rule_fit`) nor
//! the comments (`rule_corpus`).
//!
//! Where no other comments are named to measure on, the figures are cross-fitted: each fold is judged with weights that
//! were fitted to the others.

use std::sync::Arc;

use super::TrainError;
use super::cross_fit::FOLDS;
use super::evaluation::{Evaluation, Judged};
use super::interval::{Measure, effective};
use super::learner;
use super::rule_corpus::{Corpus, Labelled};
use super::rule_fit::{self, Line, Row, Settings, Term, said_by_rules};
use super::rule_stats::{Probe, RuleStats};
use crate::classifier::Classifier;
use crate::rules::{Family, RuleSet};
use crate::site::Policy;
use crate::verdict::{Label, Score};

/// Fewer hits that are no near-copies of one another say nothing: the hand value stays.
pub const MIN_HITS: u64 = 30;
/// A weight goes to so many times its hand value at most: data know what they hold, and not what the hand was wary of.
pub const MAX_RISE: f64 = 2.0;
/// Fitted weights are told in steps of this, nats; more digits would say more than is known.
const STEP: f64 = 0.05;

/// Why there is no fit.
#[derive(Debug, thiserror::Error)]
pub enum RuleFitError {
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error("no rule that has a weight fired in {0} comments; there is nothing to fit")]
    NoHits(usize),
}

/// One rule after the fit.
#[derive(Clone, Debug)]
pub struct FittedRule {
    pub stats: RuleStats,
    pub hand: f64,
    pub weight: f64,
    /// It kept the hand value, for there were too few hits or it is turned off.
    pub is_kept: bool,
}

/// The classifier alone, the rules with their hand values, and with fitted ones, on the same comments.
#[derive(Clone, Debug, Default)]
pub struct Judges {
    pub bayes: Evaluation,
    pub hand: Evaluation,
    pub fitted: Evaluation,
    /// The fitted weights without one family each, in the order of [`Family::ALL`].
    pub without: Vec<Evaluation>,
}

/// All that came of it.
#[derive(Clone, Debug)]
pub struct RuleTrial {
    pub rules: Vec<FittedRule>,
    /// Each comment judged with weights fitted to other folds.
    pub cross_fitted: Judges,
    /// Other comments, if there were any.
    pub measured: Option<Judges>,
    /// What each fold's classifier would have needed besides, beside fitted rules: near 0 and 1 is calibrated.
    pub lines: Vec<Line>,
}

/// What the fit is made with.
#[derive(Clone, Debug)]
pub struct Means {
    /// The weights that are pulled to, and the caps.
    pub toward: RuleSet,
    pub training: learner::Settings,
    pub fit: Settings,
    /// Judges all comments, none of which it saw, instead of classifiers that are trained on them.
    pub classifier: Option<Arc<Classifier>>,
}

/// Fits weights to `corpus`, and measures them there and on `other`. `told` hears how many classifiers are trained.
///
/// # Errors
/// [`RuleFitError`] without ham, without spam, or when no rule fired.
pub fn run(
    mut corpus: Corpus,
    other: Option<&Corpus>,
    probe: &Probe,
    means: &Means,
    told: impl FnMut(u64),
) -> Result<RuleTrial, RuleFitError> {
    let [ham, spam] = corpus.counts();
    if ham == 0 || spam == 0 {
        return Err(TrainError::OneClass { ham, spam }.into());
    }
    let stats = std::mem::take(&mut corpus.stats).finish(probe);
    let weighed: Vec<_> = means.toward.iter().collect();
    let terms: Vec<Term> =
        weighed.iter().zip(&stats).map(|(weighed, stats)| term(weighed.rule.family, weighed.weight, stats)).collect();
    if terms.iter().zip(&stats).all(|(term, stats)| term.home == 0.0 || stats.count.hits.sum() == 0) {
        return Err(RuleFitError::NoHits(corpus.rows().len()));
    }
    let (said, classifier) = match &means.classifier {
        Some(classifier) => (corpus.judged(classifier, |_| true), Arc::clone(classifier)),
        None => corpus.cross_fit(&means.training, told)?,
    };
    let caps = Family::ALL.map(|family| means.toward.cap(family));
    let rows = rows(&corpus, &said, classifier.prior().get());

    let fitted = rule_fit::fit(&rows, &terms, &caps, means.fit);
    let weights: Vec<f64> = fitted.weights.iter().zip(&terms).map(|(weight, term)| rounded(*weight, term)).collect();
    let hand: Vec<f64> = terms.iter().map(|term| term.home).collect();
    let mut cross_fitted = Judges::new();
    for fold in 0..usize::from(FOLDS) {
        let others: Vec<Row> = rows.iter().filter(|row| row.fold != fold).cloned().collect();
        let fitted = rule_fit::fit(&others, &terms, &caps, means.fit).weights;
        let bench = Bench { terms: &terms, caps: &caps, hand: &hand, fitted: &fitted };
        let of_fold = corpus.rows().iter().zip(&said).filter(|(row, _)| row.fold() == fold);
        of_fold.for_each(|(row, bayes)| cross_fitted.add(row, *bayes, &bench));
    }
    let measured = other.map(|other| {
        let mut judges = Judges::new();
        let bench = Bench { terms: &terms, caps: &caps, hand: &hand, fitted: &weights };
        let said = other.judged(&classifier, |_| true);
        other.rows().iter().zip(said).for_each(|(row, bayes)| judges.add(row, bayes, &bench));
        judges
    });
    let rules = stats.into_iter().zip(&terms).zip(weights).map(|((stats, term), weight)| FittedRule {
        stats,
        hand: term.home,
        weight,
        is_kept: term.least >= term.most,
    });
    Ok(RuleTrial { rules: rules.collect(), cross_fitted, measured, lines: fitted.folds })
}

/// A rule keeps its side: what speaks against a comment cannot come to speak for it, nor a trust rule against it.
fn term(family: Family, home: f64, stats: &RuleStats) -> Term {
    let is_kept = home == 0.0 || stats.groups < MIN_HITS;
    let (least, most) = match home {
        _ if is_kept => (home, home),
        home if home > 0.0 => (0.0, MAX_RISE * home),
        home => (MAX_RISE * home, 0.0),
    };
    Term { home, least, most, family: family as usize }
}

fn rounded(weight: f64, term: &Term) -> f64 {
    if term.least >= term.most { weight } else { ((weight / STEP).round() * STEP).clamp(term.least, term.most) }
}

/// The rows of the fit. Ham and spam weigh as the prior has it: what is fitted is what serves.
fn rows(corpus: &Corpus, said: &[f64], prior: f64) -> Vec<Row> {
    let weights = corpus.weights();
    let is_spam = |row: &Labelled| row.example.label == Label::Spam;
    let sum = |kind: bool| -> f64 {
        corpus.rows().iter().zip(&weights).filter(|(row, _)| is_spam(row) == kind).map(|(_, weight)| weight).sum()
    };
    let spam_share = 1.0 / (1.0 + (-prior).exp());
    let (ham, spam) = (sum(false), sum(true));
    let scale = |kind: bool| if kind { spam_share / spam } else { (1.0 - spam_share) / ham } * (ham + spam);
    let rows = corpus.rows().iter().zip(said).zip(weights);
    rows.map(|((row, bayes), weight)| Row {
        hits: row.hits.clone(),
        bayes: *bayes,
        is_spam: is_spam(row),
        weight: weight * scale(is_spam(row)),
        fold: row.fold(),
    })
    .collect()
}

/// What comments are judged with.
struct Bench<'a> {
    terms: &'a [Term],
    caps: &'a [f64],
    hand: &'a [f64],
    fitted: &'a [f64],
}

impl Bench<'_> {
    /// The score as it would serve, without the family of this place.
    fn judged(&self, row: &Labelled, bayes: f64, weights: &[f64], without: Option<usize>) -> Judged {
        let family = |rule: usize| self.terms.get(rule).map(|term| term.family).filter(|at| Some(*at) != without);
        judged(row, bayes + said_by_rules(&row.hits, weights, family, self.caps))
    }
}

fn judged(row: &Labelled, logit: f64) -> Judged {
    let score = 1.0 / (1.0 + (-logit.clamp(-Score::MAX_LOGIT, Score::MAX_LOGIT)).exp());
    let is_blocked = score >= Policy::standard().thresholds.hold.get();
    Judged::new(score, is_blocked, row.example.label, row.group)
}

impl Judges {
    fn new() -> Judges {
        Judges { without: vec![Evaluation::default(); Family::ALL.len()], ..Judges::default() }
    }

    fn add(&mut self, row: &Labelled, bayes: f64, bench: &Bench<'_>) {
        let (lang, source) = (row.example.comment.lang.as_deref(), row.example.source.as_deref());
        self.bayes.add(judged(row, bayes), lang, source);
        self.hand.add(bench.judged(row, bayes, bench.hand, None), lang, source);
        self.fitted.add(bench.judged(row, bayes, bench.fitted, None), lang, source);
        for (family, evaluation) in self.without.iter_mut().enumerate() {
            evaluation.add(bench.judged(row, bayes, bench.fitted, Some(family)), lang, source);
        }
    }
}

/// How far two judges of the same comments, in the same order, are apart.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Change {
    /// Of the share of spam that is caught, and of ham that is blocked; above 0 the second judge has more.
    pub caught_spam: Option<Measure>,
    pub blocked_ham: Option<Measure>,
}

impl Change {
    pub fn between(first: &Evaluation, second: &Evaluation) -> Change {
        let worth = first.worth();
        let change = |is_spam: bool, worth: f64| {
            let (mut rows, mut lost, mut gained) = (0.0, 0.0, 0.0);
            for (first, second) in first.rows().zip(second.rows()).filter(|(first, _)| first.is_spam == is_spam) {
                rows += 1.0;
                match (first.is_blocked, second.is_blocked) {
                    (true, false) => lost += 1.0,
                    (false, true) => gained += 1.0,
                    _ => {}
                }
            }
            paired(lost, gained, rows, effective(rows, rows / worth))
        };
        let [ham, spam] = worth;
        Change { caught_spam: change(true, spam), blocked_ham: change(false, ham) }
    }
}

/// The difference of two shares of the same `rows`, with its 95 % interval for `size` independent ones.
///
/// # Source
/// Agresti and Min, "Simple improved confidence intervals for comparing matched proportions" (Statistics in Medicine 24,
/// 2005): Wald's interval after half a row is added to each of the four cells.
fn paired(lost: f64, gained: f64, rows: f64, size: f64) -> Option<Measure> {
    if rows <= 0.0 || size <= 0.0 {
        return None;
    }
    let value = (gained - lost) / rows;
    let [lost, gained] = [lost, gained].map(|count| count / rows * size + 0.5);
    let size = size + 2.0;
    let middle = (gained - lost) / size;
    let half = 1.96 * (gained + lost - size * middle * middle).max(0.0).sqrt() / size;
    Some(Measure { value, low: (middle - half).min(value), high: (middle + half).max(value) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;
    use crate::facts::Facts;
    use crate::rules::Case;
    use crate::text::Text;
    use crate::training::dump::Example;
    use crate::training::held_out::unnamed_site;
    use crate::training::rule_fit::said_by_rules;

    #[test]
    fn what_is_fitted_is_what_serves() {
        // The sum that the fit works with is that of the rules themselves, strengths and caps and all.
        let (probe, rules) = (Probe::of(RuleSet::shipped()), RuleSet::embedded());
        let families: Vec<usize> = rules.iter().map(|weighed| weighed.rule.family as usize).collect();
        let weights: Vec<f64> = rules.iter().map(|weighed| weighed.weight).collect();
        let caps = Family::ALL.map(|family| rules.cap(family));
        for content in [
            "plain",
            "best online casino, free spins! https://bit.ly/x",
            "[url=http://a.top:81/]x[/url] [y](http://b.com) http://1.2.3.4/ http://u@c.d/ <a href='http://e.f'>g.h</a> hxxp://i.j",
            "كازينو اون لاين واتساب 0501234567 https://wa.me/966501234567",
            "𝓑𝓾𝔂 𝓷𝓸𝔀 сasino v i a g r a",
        ] {
            let comment = Comment::of_text(content);
            let text = Text::of(&comment);
            let case = Case { comment: &comment, text: &text, facts: &Facts::NONE, site: &unnamed_site() };
            let served: f64 = rules.fired(&case).iter().map(|piece| piece.weight.get()).sum();
            let example = Example { comment: comment.clone(), label: Label::Ham, source: None };
            let hits = probe.probe(&example).hits;
            let summed = said_by_rules(&hits, &weights, |rule| families.get(rule).copied(), &caps);
            assert!((served - summed).abs() < 1e-6, "{content}: {served}, not {summed}");
        }
    }

    #[test]
    fn a_difference_of_matched_shares_has_a_width_where_nothing_changed() {
        // By hand: 10 gained and 2 lost of 100: (10.5 - 2.5)/102 ± 1.96 √(13 - 8²/102)/102.
        let change = paired(2.0, 10.0, 100.0, 100.0).unwrap();
        assert!((change.value - 0.08).abs() < 1e-12);
        assert!((change.low - 0.0108).abs() < 1e-3 && (change.high - 0.1460).abs() < 1e-3, "{change:?}");
        let same = paired(0.0, 0.0, 50.0, 50.0).unwrap();
        assert!(same.low < -0.03 && same.high > 0.03, "{same:?}");
        assert_eq!(paired(0.0, 0.0, 0.0, 0.0), None);
    }

    #[test]
    fn weights_follow_the_comments_where_there_are_enough() {
        let probe = Probe::of(RuleSet::shipped());
        let mut corpus = Corpus::default();
        let mut add = |content: String, label: Label| {
            let example = Example { comment: Comment::of_text(content), label, source: None };
            let probed = probe.probe(&example);
            corpus.add(example, probed, "all", None);
        };
        // Letters alone tell one comment from another; the words tell nothing of the label.
        let word = |number: u32| {
            let hex = format!("{:08x}", number.wrapping_mul(2_654_435_761));
            hex.chars().map(|c| char::from(b'a' + u8::try_from(c.to_digit(16).unwrap()).unwrap())).collect::<String>()
        };
        for number in 0..400 {
            let label = if number % 2 == 0 { Label::Ham } else { Label::Spam };
            add(word(number), label);
        }
        // Shouting is all ham here, and four spams turn the text around.
        for number in 400..480 {
            add(format!("THIS IS WHAT I {} THINK OF ALL THAT", word(number).to_uppercase()), Label::Ham);
        }
        for number in 480..484 {
            add(format!("{} \u{202E}abc", word(number)), Label::Spam);
        }
        let means = Means {
            toward: RuleSet::embedded(),
            training: learner::Settings::default(),
            fit: Settings::default(),
            classifier: None,
        };
        let trial = run(corpus, None, &probe, &means, |_| {}).unwrap();
        let of = |symbol: &str| trial.rules.iter().find(|rule| rule.stats.symbol == symbol).unwrap().clone();
        let shouting = of("SHOUTING");
        assert!(
            !shouting.is_kept && shouting.stats.groups >= 80 && shouting.weight < shouting.hand - 0.04,
            "{shouting:?}"
        );
        let turned = of("BIDI_OVERRIDE");
        assert!(turned.is_kept && (turned.weight - turned.hand).abs() < 1e-12, "{turned:?}");
        assert_eq!(trial.cross_fitted.fitted.rows().len(), 484);
        assert_eq!(trial.lines.len(), usize::from(FOLDS));

        let means = Means { toward: all_off(), ..means };
        let mut corpus = Corpus::default();
        for (content, label) in [("a", Label::Ham), ("b", Label::Spam)] {
            let example = Example { comment: Comment::of_text(content), label, source: None };
            let probed = probe.probe(&example);
            corpus.add(example, probed, "all", None);
        }
        let error = run(corpus, None, &probe, &means, |_| {}).unwrap_err().to_string();
        assert!(error.contains("nothing to fit"), "{error}");
        let error = run(Corpus::default(), None, &probe, &means, |_| {}).unwrap_err().to_string();
        assert!(error.starts_with("0 ham and 0 spam"), "{error}");
    }

    fn all_off() -> RuleSet {
        let weights: String =
            RuleSet::embedded().iter().map(|weighed| format!("{} = 0\n", weighed.rule.symbol)).collect();
        RuleSet::parse(&format!("[weights]\n{weights}"), "off").unwrap()
    }
}
