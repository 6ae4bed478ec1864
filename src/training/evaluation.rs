//! How good a judge is: the usual figures, each with its 95 % interval.
//!
//! Owns the arithmetic over scores and labels. Does not own judging, nor what is done with the figures. Spam is the
//! positive class; a comment is blocked when its score reaches the threshold.

use std::collections::BTreeMap;

use serde::Serialize;

use super::reweight::split_mix;
use crate::verdict::Label;

/// One judged comment: what it got, and what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Probability of spam, 0 to 1.
    pub score: f64,
    /// It was not approved.
    pub is_blocked: bool,
    pub is_spam: bool,
}

/// A figure and the interval that holds the true one 95 times in 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measure {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// What is told of a judge. A figure that cannot be told (the share of spam caught where there is no spam) is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub ham: u64,
    pub spam: u64,
    pub accuracy: Option<Measure>,
    /// Share of spam that was not approved (recall).
    pub caught_spam: Option<Measure>,
    /// Share of ham that was not approved (false positives).
    pub blocked_ham: Option<Measure>,
    /// Share of spam among what was not approved.
    pub precision: Option<Measure>,
    pub f1: Option<Measure>,
    /// Matthews' correlation coefficient, -1 to 1.
    pub mcc: Option<Measure>,
    /// Probability that spam scores above ham, ties half.
    pub roc_auc: Option<Measure>,
    /// Mean of -ln of what the true label was given, nats.
    pub log_loss: Option<Measure>,
    /// Mean gap between score and share of spam over ten bins of scores.
    pub calibration_error: Option<Measure>,
}

/// Figures over all, and by whatever the rows were filed under.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    all: Vec<Judged>,
    by: BTreeMap<(&'static str, String), Vec<Judged>>,
}

/// [`Evaluation`] as it is printed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub all: Figures,
    /// `lang` and `source`, then the name.
    pub by: BTreeMap<&'static str, BTreeMap<String, Figures>>,
}

impl Evaluation {
    /// Names beyond these are filed under `(others)`: a dump with a source per row is no table.
    const MAX_NAMES: usize = 200;

    pub fn add(&mut self, judged: Judged, lang: Option<&str>, source: Option<&str>) {
        self.all.push(judged);
        for (what, name) in [("lang", lang), ("source", source)] {
            let Some(name) = name else { continue };
            let key = (what, name.chars().take(60).collect());
            let key = if self.by.len() < Evaluation::MAX_NAMES || self.by.contains_key(&key) {
                key
            } else {
                (what, "(others)".to_owned())
            };
            self.by.entry(key).or_default().push(judged);
        }
    }

    /// All rows, in the order they were added.
    pub fn rows(&self) -> &[Judged] {
        &self.all
    }

    pub fn report(&self) -> Report {
        let mut by: BTreeMap<&'static str, BTreeMap<String, Figures>> = BTreeMap::new();
        for ((what, name), rows) in &self.by {
            by.entry(what).or_default().insert(name.clone(), Figures::of(rows));
        }
        Report { all: Figures::of(&self.all), by }
    }
}

impl Judged {
    pub fn new(score: f64, is_blocked: bool, label: Label) -> Judged {
        Judged { score, is_blocked, is_spam: label == Label::Spam }
    }
}

/// How often each of the four things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Confusion {
    caught: f64,
    missed: f64,
    blocked: f64,
    passed: f64,
}

impl Confusion {
    fn add(&mut self, row: &Judged, times: f64) {
        let cell = match (row.is_spam, row.is_blocked) {
            (true, true) => &mut self.caught,
            (true, false) => &mut self.missed,
            (false, true) => &mut self.blocked,
            (false, false) => &mut self.passed,
        };
        *cell += times;
    }

    fn f1(self) -> f64 {
        2.0 * self.caught / (2.0 * self.caught + self.blocked + self.missed)
    }

    /// 0 when a row or column is empty, as is usual.
    fn mcc(self) -> f64 {
        let Confusion { caught, missed, blocked, passed } = self;
        let product = (caught + blocked) * (caught + missed) * (passed + blocked) * (passed + missed);
        if product > 0.0 { (caught * passed - blocked * missed) / product.sqrt() } else { 0.0 }
    }
}

/// What needs more than the confusion; computed over rows sorted by score, each counted `times` times.
#[derive(Clone, Copy, Debug)]
struct Resampled {
    confusion: Confusion,
    roc_auc: f64,
    log_loss: f64,
    calibration_error: f64,
}

const BINS: usize = 10;

fn measure(sorted: &[Judged], times: impl Fn(usize) -> f64) -> Resampled {
    let mut confusion = Confusion::default();
    let (mut loss, mut bins) = (0.0, [[0.0_f64; 3]; BINS]);
    // Spam above ham, ties half: walk up the scores, counting the ham that lies below each group of equals.
    let (mut ham_below, mut pairs) = (0.0, 0.0);
    let (mut ham_here, mut spam_here, mut here) = (0.0, 0.0, f64::NEG_INFINITY);
    for (at, row) in sorted.iter().enumerate() {
        let times = times(at);
        confusion.add(row, times);
        let given = if row.is_spam { row.score } else { 1.0 - row.score };
        loss -= times * given.max(1e-15).ln();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score lies in [0, 1]")]
        if let Some([count, scores, spam]) = bins.get_mut(((row.score * BINS as f64) as usize).min(BINS - 1)) {
            *count += times;
            *scores += times * row.score;
            *spam += times * f64::from(u8::from(row.is_spam));
        }
        if row.score > here {
            pairs += spam_here * (ham_below + ham_here / 2.0);
            ham_below += ham_here;
            (ham_here, spam_here, here) = (0.0, 0.0, row.score);
        }
        *(if row.is_spam { &mut spam_here } else { &mut ham_here }) += times;
    }
    pairs += spam_here * (ham_below + ham_here / 2.0);
    let Confusion { caught, missed, blocked, passed } = confusion;
    let (spam, ham) = (caught + missed, blocked + passed);
    let gap: f64 = bins.iter().map(|[_, scores, spam]| (scores - spam).abs()).sum();
    Resampled {
        confusion,
        roc_auc: pairs / (spam * ham),
        log_loss: loss / (spam + ham),
        calibration_error: gap / (spam + ham),
    }
}

impl Figures {
    /// Resamplings of the bootstrap: an interval's ends are its 5th and 195th of 200.
    const RESAMPLINGS: usize = 200;

    /// Wilson's interval for shares; for the others the percentile bootstrap (Efron and Tibshirani 1993, ch. 13), with
    /// chance that is the same in every run.
    #[expect(clippy::cast_precision_loss, reason = "fewer rows than 2^53")]
    pub fn of(rows: &[Judged]) -> Figures {
        let mut sorted = rows.to_vec();
        sorted.sort_by(|left, right| left.score.total_cmp(&right.score));
        let point = measure(&sorted, |_| 1.0);
        let Confusion { caught, missed, blocked, passed } = point.confusion;
        let (spam, ham) = (caught + missed, blocked + passed);
        let has_both = spam > 0.0 && ham > 0.0;
        let mut drawn: Vec<Resampled> = Vec::with_capacity(Figures::RESAMPLINGS);
        let mut chance = 0x00C0_FFEE;
        let mut times = vec![0_u32; sorted.len()];
        for _ in 0..Figures::RESAMPLINGS {
            times.fill(0);
            for _ in 0..sorted.len() {
                let at = usize::try_from(split_mix(&mut chance) % sorted.len() as u64).unwrap_or(0);
                if let Some(count) = times.get_mut(at) {
                    *count += 1;
                }
            }
            drawn.push(measure(&sorted, |at| times.get(at).copied().map_or(0.0, f64::from)));
        }
        let told = |is_told: bool, figure: fn(&Resampled) -> f64| {
            let mut values: Vec<f64> = drawn.iter().map(figure).filter(|value| value.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            let end = |share: f64| {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
                values.get((values.len() as f64 * share) as usize).copied().unwrap_or(figure(&point))
            };
            is_told.then(|| Measure { value: figure(&point), low: end(0.025), high: end(0.975) })
        };
        Figures {
            ham: count(ham),
            spam: count(spam),
            accuracy: wilson(caught + passed, spam + ham),
            caught_spam: wilson(caught, spam),
            blocked_ham: wilson(blocked, ham),
            precision: wilson(caught, caught + blocked),
            f1: told(spam > 0.0, |drawn| drawn.confusion.f1()),
            mcc: told(has_both, |drawn| drawn.confusion.mcc()),
            roc_auc: told(has_both, |drawn| drawn.roc_auc),
            log_loss: told(spam + ham > 0.0, |drawn| drawn.log_loss),
            calibration_error: told(spam + ham > 0.0, |drawn| drawn.calibration_error),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was counted in whole rows")]
fn count(rows: f64) -> u64 {
    rows as u64
}

/// A share with Wilson's 95 % interval; `None` of nothing.
///
/// # Source
/// Wilson 1927; Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion" (2001).
fn wilson(part: f64, whole: f64) -> Option<Measure> {
    const Z: f64 = 1.959_963_984_540_054;
    if whole <= 0.0 {
        return None;
    }
    let value = part / whole;
    let scale = 1.0 + Z * Z / whole;
    let middle = (value + Z * Z / (2.0 * whole)) / scale;
    let half = Z * (value * (1.0 - value) / whole + Z * Z / (4.0 * whole * whole)).sqrt() / scale;
    Some(Measure { value, low: (middle - half).max(0.0), high: (middle + half).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(caught: usize, missed: usize, blocked: usize, passed: usize) -> Vec<Judged> {
        let row = |is_spam, is_blocked, count| {
            let score = if is_blocked { 0.9 } else { 0.1 };
            std::iter::repeat_n(Judged { score, is_blocked, is_spam }, count)
        };
        let spam = row(true, true, caught).chain(row(true, false, missed));
        spam.chain(row(false, true, blocked)).chain(row(false, false, passed)).collect()
    }

    #[track_caller]
    fn check(measure: Option<Measure>, value: f64, low: f64, high: f64, slack: f64) {
        let measure = measure.unwrap();
        assert!((measure.value - value).abs() < 1e-9, "{measure:?}, not {value}");
        assert!((measure.low - low).abs() < slack && (measure.high - high).abs() < slack, "{measure:?}");
    }

    #[test]
    fn figures_are_those_of_the_books() {
        let figures = Figures::of(&rows(90, 10, 5, 95));
        assert_eq!((figures.ham, figures.spam), (100, 100));
        check(figures.accuracy, 0.925, 0.8800, 0.9540, 1e-4);
        check(figures.caught_spam, 0.90, 0.8256, 0.9448, 1e-4);
        check(figures.blocked_ham, 0.05, 0.0215, 0.1118, 1e-4);
        check(figures.precision, 90.0 / 95.0, 0.8826, 0.9773, 1e-3);
        // The bootstrap's ends are about 1.96 standard errors away.
        check(figures.f1, 180.0 / 195.0, 0.88, 0.96, 0.02);
        check(figures.mcc, (90.0 * 95.0 - 50.0) / f64::sqrt(95.0 * 100.0 * 100.0 * 105.0), 0.78, 0.92, 0.03);
        check(figures.log_loss, 0.925 * -(0.9_f64.ln()) + 0.075 * -(0.1_f64.ln()), 0.2, 0.35, 0.05);
        check(
            figures.calibration_error,
            (95.0 * 0.9 - 90.0_f64).abs() / 200.0 + (105.0 * 0.1 - 10.0_f64).abs() / 200.0,
            0.0,
            0.06,
            0.05,
        );
    }

    #[test]
    fn roc_auc_counts_ties_half() {
        let row = |score, is_spam| Judged { score, is_blocked: score >= 0.5, is_spam };
        let auc = |rows: &[Judged]| Figures::of(rows).roc_auc.unwrap().value;
        assert!((auc(&[row(0.9, true), row(0.1, false)]) - 1.0).abs() < 1e-12);
        assert!((auc(&[row(0.1, true), row(0.9, false)])).abs() < 1e-12);
        assert!((auc(&[row(0.4, true), row(0.4, false), row(0.4, false)]) - 0.5).abs() < 1e-12);
        assert!((auc(&[row(0.2, true), row(0.1, false), row(0.2, false), row(0.3, false)]) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        let figures = Figures::of(&rows(0, 0, 1, 9));
        assert!(figures.caught_spam.is_none() && figures.mcc.is_none() && figures.roc_auc.is_none());
        check(figures.blocked_ham, 0.1, 0.0179, 0.4042, 1e-3);
        assert!(Figures::of(&[]).accuracy.is_none());
    }

    #[test]
    fn the_same_rows_give_the_same_figures() {
        assert_eq!(Figures::of(&rows(9, 3, 2, 20)), Figures::of(&rows(9, 3, 2, 20)));
    }
}
