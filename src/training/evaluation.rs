//! How good a judge is: the usual figures, each with its 95 % interval.
//!
//! Owns the arithmetic over scores and labels, and the rows it is done on. Does not own judging, nor what is done with
//! the figures. Spam is the positive class; a comment is blocked when it is not approved.
//!
//! Near-copies are no news: a template that was posted forty times is judged alike forty times. So intervals count
//! groups of near-copies, not comments: shares have as many trials as Kish's effective size says, and the bootstrap
//! draws groups. An interval must also be honest where nothing went wrong: of five comments all judged right, nobody
//! knows that the next thousand are. Each figure has the method that keeps this:
//!
//! | figure | interval |
//! |---|---|
//! | accuracy, caught spam, blocked ham, precision | Wilson |
//! | F1, MCC | 2,000 draws of caught spam and blocked ham from Jeffreys' posterior, shares of ham and spam as found |
//! | ROC AUC | Newcombe's score interval for the Mann-Whitney statistic |
//! | log loss, calibration error | bootstrap; not told of fewer than ten groups |

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::corpus::Group;
use super::interval::{self, beta_draws, effective, wilson};
use crate::verdict::Label;

pub use super::interval::Measure;

/// One judged comment: what it got, and what it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Log-odds of the score. f32 tells ±18 nats to a millionth, and halves what ten million rows take.
    logit: f32,
    /// Near-copies have the same number.
    pub group: u32,
    /// It was not approved.
    pub is_blocked: bool,
    pub is_spam: bool,
}

impl Judged {
    /// A comment of `group` that got this score, 0 to 1.
    pub fn new(score: f64, is_blocked: bool, label: Label, group: Group) -> Judged {
        let logit = (score / (1.0 - score)).ln().clamp(-36.0, 36.0);
        #[expect(clippy::cast_possible_truncation, reason = "see the field")]
        let logit = logit as f32;
        Judged { logit, group: group.number(), is_blocked, is_spam: label == Label::Spam }
    }

    /// Probability of spam, 0 to 1.
    pub fn score(&self) -> f64 {
        1.0 / (1.0 + (-f64::from(self.logit)).exp())
    }

    /// -ln of what the true label was given, nats.
    fn loss(&self) -> f64 {
        let against = if self.is_spam { -f64::from(self.logit) } else { f64::from(self.logit) };
        against.max(0.0) + (-against.abs()).exp().ln_1p()
    }
}

/// What is told of a judge. A figure that cannot be told (the share of spam caught where there is no spam) is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
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

/// Judged comments, filed by language and source. 16 bytes each.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    rows: Vec<Row>,
    langs: Names,
    sources: Names,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    judged: Judged,
    lang: u16,
    source: u16,
}

/// Names by number, from 1; 0 is no name.
#[derive(Clone, Debug, Default)]
struct Names {
    known: Vec<String>,
    numbers: HashMap<String, u16>,
}

impl Names {
    /// Names beyond these are filed under `(others)`: a dump with a source per row is no table.
    const MAX: usize = 200;

    fn number(&mut self, name: Option<&str>) -> u16 {
        let Some(name) = name.filter(|name| !name.trim().is_empty()) else { return 0 };
        let short: String = name.trim().chars().take(60).collect();
        if let Some(number) = self.numbers.get(&short) {
            return *number;
        }
        let name = if self.known.len() < Names::MAX { short } else { "(others)".to_owned() };
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        self.known.push(name.clone());
        let number = u16::try_from(self.known.len()).unwrap_or(u16::MAX);
        self.numbers.insert(name, number);
        number
    }
}

/// [`Evaluation`] as it is printed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Report {
    pub all: Figures,
    /// `lang` and `source`, then the name.
    pub by: BTreeMap<String, BTreeMap<String, Figures>>,
}

impl Evaluation {
    pub fn add(&mut self, judged: Judged, lang: Option<&str>, source: Option<&str>) {
        let (lang, source) = (self.langs.number(lang), self.sources.number(source));
        self.rows.push(Row { judged, lang, source });
    }

    /// All rows, in the order they were added.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Judged> + Clone {
        self.rows.iter().map(|row| &row.judged)
    }

    /// The rows whose place in `is_in` is true.
    pub fn only(&self, is_in: &[bool]) -> Evaluation {
        let rows = self.rows.iter().zip(is_in).filter(|(_, is_in)| **is_in).map(|(row, _)| *row).collect();
        Evaluation { rows, ..self.clone() }
    }

    /// What a comment is worth for intervals, of ham and of spam: 1 where no two are near-copies.
    pub fn worth(&self) -> [f64; 2] {
        let mut rows: Vec<Judged> = self.rows().copied().collect();
        rows.sort_unstable_by_key(|row| row.group);
        let squares = Squares::of(&rows);
        [(false, squares.ham), (true, squares.spam)].map(|(is_spam, squares)| {
            #[expect(clippy::cast_precision_loss, reason = "fewer rows than 2^53")]
            let count = rows.iter().filter(|row| row.is_spam == is_spam).count() as f64;
            if count > 0.0 { effective(count, squares) / count } else { 1.0 }
        })
    }

    /// The language of each row, beside [`Evaluation::rows`].
    pub fn langs(&self) -> impl Iterator<Item = Option<&str>> {
        let name = |row: &Row| self.langs.known.get(usize::from(row.lang).checked_sub(1)?).map(String::as_str);
        self.rows.iter().map(name)
    }

    pub fn report(&self) -> Report {
        let mut by = BTreeMap::new();
        let lang: fn(&Row) -> u16 = |row| row.lang;
        for (what, names, number) in [("lang", &self.langs, lang), ("source", &self.sources, |row| row.source)] {
            let mut filed = vec![Vec::new(); names.known.len()];
            for row in &self.rows {
                if let Some(rows) = usize::from(number(row)).checked_sub(1).and_then(|at| filed.get_mut(at)) {
                    rows.push(row.judged);
                }
            }
            if !filed.is_empty() {
                let filed = names.known.iter().cloned().zip(filed).filter(|(_, rows)| !rows.is_empty());
                by.insert(what.to_owned(), filed.map(|(name, rows)| (name, Figures::of(rows))).collect());
            }
        }
        Report { all: Figures::of(self.rows().copied().collect()), by }
    }
}

/// How often each of the four things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Confusion {
    pub caught: f64,
    pub missed: f64,
    pub blocked: f64,
    pub passed: f64,
}

impl Confusion {
    pub fn add(&mut self, is_spam: bool, is_blocked: bool, times: f64) {
        let cell = match (is_spam, is_blocked) {
            (true, true) => &mut self.caught,
            (true, false) => &mut self.missed,
            (false, true) => &mut self.blocked,
            (false, false) => &mut self.passed,
        };
        *cell += times;
    }

    pub fn spam(self) -> f64 {
        self.caught + self.missed
    }

    pub fn ham(self) -> f64 {
        self.blocked + self.passed
    }

    fn f1(self) -> f64 {
        2.0 * self.caught / (2.0 * self.caught + self.blocked + self.missed)
    }

    /// 0 when a row or column is empty, as is usual.
    pub fn mcc(self) -> f64 {
        let Confusion { caught, missed, blocked, passed } = self;
        let product = (caught + blocked) * (caught + missed) * (passed + blocked) * (passed + missed);
        if product > 0.0 { (caught * passed - blocked * missed) / product.sqrt() } else { 0.0 }
    }
}

/// Σ n² over groups, of all rows and of those kinds that a share is told of; see [`effective`].
#[derive(Clone, Copy, Debug, Default)]
struct Squares {
    all: f64,
    spam: f64,
    ham: f64,
    blocked: f64,
}

impl Squares {
    /// `rows` are sorted by group.
    fn of(rows: &[Judged]) -> Squares {
        let mut sums = Squares::default();
        for group in rows.chunk_by(|left, right| left.group == right.group) {
            #[expect(clippy::cast_precision_loss, reason = "fewer rows than 2^53")]
            let square = |is_in: fn(&Judged) -> bool| (group.iter().filter(|row| is_in(row)).count() as f64).powi(2);
            sums.all += square(|_| true);
            sums.spam += square(|row| row.is_spam);
            sums.ham += square(|row| !row.is_spam);
            sums.blocked += square(|row| row.is_blocked);
        }
        sums
    }
}

impl Figures {
    /// Draws of the posterior that F1 and MCC have their intervals from.
    const DRAWS: usize = 2_000;

    /// The figures of these rows, in any order. Chance is the same in every run.
    pub fn of(mut rows: Vec<Judged>) -> Figures {
        let mut confusion = Confusion::default();
        rows.iter().for_each(|row| confusion.add(row.is_spam, row.is_blocked, 1.0));
        rows.sort_unstable_by_key(|row| row.group);
        let squares = Squares::of(&rows);
        let [log_loss, calibration_error] = interval::bootstrap(&rows, Judged::loss);
        rows.sort_unstable_by(|left, right| left.logit.total_cmp(&right.logit));
        let Confusion { caught, missed: _, blocked, passed } = confusion;
        let (spam, ham) = (confusion.spam(), confusion.ham());
        let (spam_size, ham_size) = (effective(spam, squares.spam), effective(ham, squares.ham));
        let has_both = spam > 0.0 && ham > 0.0;
        let drawn = Drawn::of(confusion, spam_size, ham_size);
        Figures {
            ham: count(ham),
            spam: count(spam),
            accuracy: wilson(caught + passed, spam + ham, effective(spam + ham, squares.all)),
            caught_spam: wilson(caught, spam, spam_size),
            blocked_ham: wilson(blocked, ham, ham_size),
            precision: wilson(caught, caught + blocked, effective(caught + blocked, squares.blocked)),
            // Without ham nothing can be blocked wrongly, and the share of ham is a part of what both figures tell.
            f1: has_both.then(|| drawn.measure(confusion, Confusion::f1)),
            mcc: has_both.then(|| drawn.measure(confusion, Confusion::mcc)),
            roc_auc: has_both.then(|| interval::mann_whitney(roc_auc(&rows), spam_size, ham_size)),
            log_loss,
            calibration_error,
        }
    }
}

/// Confusions that the true one may be.
struct Drawn(Vec<Confusion>);

impl Drawn {
    fn of(found: Confusion, spam_size: f64, ham_size: f64) -> Drawn {
        let (spam, ham) = (found.spam(), found.ham());
        if spam <= 0.0 || ham <= 0.0 {
            return Drawn(Vec::new());
        }
        let caught = beta_draws(found.caught / spam * spam_size, found.missed / spam * spam_size, 1, Figures::DRAWS);
        let blocked = beta_draws(found.blocked / ham * ham_size, found.passed / ham * ham_size, 2, Figures::DRAWS);
        let confusion = |(caught, blocked): (f64, f64)| Confusion {
            caught: spam * caught,
            missed: spam * (1.0 - caught),
            blocked: ham * blocked,
            passed: ham * (1.0 - blocked),
        };
        Drawn(caught.into_iter().zip(blocked).map(confusion).collect())
    }

    fn measure(&self, found: Confusion, figure: fn(Confusion) -> f64) -> Measure {
        let value = figure(found);
        let [low, high] = interval::middle(self.0.iter().map(|drawn| figure(*drawn)).collect());
        Measure { value, low: low.min(value), high: high.max(value) }
    }
}

/// Spam above ham, ties half: walks up the sorted scores, counting the ham that lies below each group of equals.
fn roc_auc(sorted: &[Judged]) -> f64 {
    let (mut ham_below, mut spam, mut pairs) = (0.0, 0.0, 0.0);
    #[expect(clippy::float_cmp, reason = "ties are exact")]
    for equals in sorted.chunk_by(|left, right| left.logit == right.logit) {
        #[expect(clippy::cast_precision_loss, reason = "fewer rows than 2^53")]
        let count = |is_spam| equals.iter().filter(|row| row.is_spam == is_spam).count() as f64;
        let (ham_here, spam_here) = (count(false), count(true));
        pairs += spam_here * (ham_below + ham_here / 2.0);
        ham_below += ham_here;
        spam += spam_here;
    }
    pairs / (spam * ham_below)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was counted in whole rows")]
fn count(rows: f64) -> u64 {
    rows as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(score: f64, is_blocked: bool, is_spam: bool, group: u32) -> Judged {
        let label = if is_spam { Label::Spam } else { Label::Ham };
        let group_of = Group::of(&crate::text::Text::of(&crate::comment::Comment::of_text("")));
        Judged { group, ..Judged::new(score, is_blocked, label, group_of) }
    }

    /// Each comment in a group of its own.
    fn rows(caught: usize, missed: usize, blocked: usize, passed: usize) -> Vec<Judged> {
        let kinds = [(true, true, caught), (true, false, missed), (false, true, blocked), (false, false, passed)];
        let all = kinds.into_iter().flat_map(|(is_spam, is_blocked, count)| {
            std::iter::repeat_n(row(if is_blocked { 0.9 } else { 0.1 }, is_blocked, is_spam, 0), count)
        });
        all.enumerate().map(|(at, row)| Judged { group: u32::try_from(at).unwrap(), ..row }).collect()
    }

    #[track_caller]
    fn check(measure: Option<Measure>, value: f64, low: f64, high: f64, slack: f64) {
        let measure = measure.unwrap();
        assert!((measure.value - value).abs() < 1e-6, "{measure:?}, not {value}");
        assert!((measure.low - low).abs() < slack && (measure.high - high).abs() < slack, "{measure:?}");
        assert!(measure.low <= measure.value && measure.value <= measure.high, "{measure:?}");
    }

    #[test]
    fn figures_are_those_of_the_books() {
        let figures = Figures::of(rows(90, 10, 5, 95));
        assert_eq!((figures.ham, figures.spam), (100, 100));
        check(figures.accuracy, 0.925, 0.8800, 0.9540, 1e-4);
        check(figures.caught_spam, 0.90, 0.8256, 0.9448, 1e-4);
        check(figures.blocked_ham, 0.05, 0.0215, 0.1118, 1e-4);
        check(figures.precision, 90.0 / 95.0, 0.8826, 0.9773, 1e-3);
        // About 1.96 standard errors away.
        check(figures.f1, 180.0 / 195.0, 0.88, 0.96, 0.02);
        check(figures.mcc, (90.0 * 95.0 - 50.0) / f64::sqrt(95.0 * 100.0 * 100.0 * 105.0), 0.78, 0.92, 0.03);
        check(figures.log_loss, 0.925 * -(0.9_f64.ln()) + 0.075 * -(0.1_f64.ln()), 0.2, 0.35, 0.05);
        let gap = (95.0 * 0.9 - 90.0_f64).abs() / 200.0 + (105.0 * 0.1 - 10.0_f64).abs() / 200.0;
        check(figures.calibration_error, gap, 0.0, 0.06, 0.05);
    }

    #[test]
    fn roc_auc_counts_ties_half() {
        let auc = |scores: &[(f64, bool)]| {
            let rows = scores.iter().map(|&(score, is_spam)| row(score, score >= 0.5, is_spam, 0)).collect();
            Figures::of(rows).roc_auc.unwrap().value
        };
        assert!((auc(&[(0.9, true), (0.1, false)]) - 1.0).abs() < 1e-12);
        assert!((auc(&[(0.1, true), (0.9, false)])).abs() < 1e-12);
        assert!((auc(&[(0.4, true), (0.4, false), (0.4, false)]) - 0.5).abs() < 1e-12);
        assert!((auc(&[(0.2, true), (0.1, false), (0.2, false), (0.3, false)]) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        let figures = Figures::of(rows(0, 0, 1, 9));
        assert!(figures.caught_spam.is_none() && figures.mcc.is_none() && figures.roc_auc.is_none());
        check(figures.blocked_ham, 0.1, 0.0179, 0.4042, 1e-3);
        let figures = Figures::of(Vec::new());
        assert!(figures.accuracy.is_none() && figures.log_loss.is_none() && figures.f1.is_none());
        assert!(Figures::of(rows(2, 0, 0, 3)).log_loss.is_none(), "five comments have no spread to draw from");
    }

    #[test]
    fn a_few_comments_without_a_mistake_prove_little() {
        let few = Figures::of(rows(3, 0, 0, 3));
        for measure in [few.mcc, few.f1, few.roc_auc, few.caught_spam] {
            let measure = measure.unwrap();
            assert!((measure.value - 1.0).abs() < 1e-9 && measure.low < 0.75 && measure.high > 0.99, "{measure:?}");
        }
        let many = Figures::of(rows(3_000, 0, 0, 3_000));
        assert!(many.mcc.unwrap().low > 0.99 && many.roc_auc.unwrap().low > 0.99, "{many:?}");
    }

    #[test]
    fn near_copies_are_no_news() {
        let alone = Figures::of(rows(10, 2, 1, 20));
        let copied = Figures::of(rows(10, 2, 1, 20).into_iter().flat_map(|row| std::iter::repeat_n(row, 30)).collect());
        let pairs = |figures: &Figures| [figures.accuracy, figures.caught_spam, figures.mcc, figures.log_loss];
        for (one, other) in pairs(&alone).into_iter().zip(pairs(&copied)) {
            let (one, other) = (one.unwrap(), other.unwrap());
            assert!((one.value - other.value).abs() < 1e-9, "{one:?} {other:?}");
            assert!((one.low - other.low).abs() < 1e-6 && (one.high - other.high).abs() < 1e-6, "{one:?} {other:?}");
        }
    }

    #[test]
    fn the_same_rows_give_the_same_figures() {
        let mut turned = rows(9, 3, 2, 20);
        turned.reverse();
        assert_eq!(Figures::of(rows(9, 3, 2, 20)), Figures::of(turned));
    }
}
