//! Counting comments as they stream by, and making a model of the counts.
//!
//! Memory does not grow with the dump: counts have a fixed size, and the rows that re-weighting and calibration need are
//! a sample of bounded size. Everything is kept per fold, so that each row can be scored by a model that did not see
//! it or any near-copy of it.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::TrainError;
use super::calibrate::{coverage_level, link_cut, platt};
use super::corpus::Group;
use super::fit;
use super::languages::Languages;
use super::reweight::{self, Pace};
use crate::classifier::calibration::Calibration;
use crate::classifier::features::{COLUMNS, Features, SEEN_BITS};
use crate::classifier::languages::Languages as Known;
use crate::classifier::learned::Learned;
use crate::classifier::model::{COUNT_UNIT, Model};
use crate::classifier::{length_norm, share_seen};
use crate::comment::Comment;
use crate::text::Text;
use crate::verdict::Label;

/// Parts that out-of-fold scores are made of.
const FOLDS: usize = 4;
/// Columns that the sampled rows may have in all: 160 MB, some 150,000 comments of usual length.
const MAX_SAMPLE_CELLS: usize = 40_000_000;
/// Rows whose coverage is looked at.
const MAX_COVERAGE_GRAMS: usize = 4_000_000;
/// Share of training comments that may count as strange: below their coverage evidence shrinks.
const STRANGE_SHARE: f64 = 0.05;

/// What is chosen before training.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Lidstone smoothing, above 0.
    pub alpha: f64,
    /// Log-odds of spam where the model will serve. `None`: the training rows' own, kept within
    /// [`Settings::PRIOR_RANGE`], so that a comment of which nothing is known is let through.
    pub prior: Option<f64>,
    /// The most that addresses may say for spam, nats. `None`: that of the base, else what the rows bear out; see
    /// [`link_cut`].
    pub link_cut: Option<f64>,
    /// The model that training goes on from: its counts are added to, its weights and its calibration are what the new rows
    /// move, and its prior stays, because labels that people give to correct a model say nothing of how much spam there is.
    pub base: Option<Arc<Model>>,
    pub pace: Pace,
}

impl Settings {
    pub const PRIOR_RANGE: std::ops::RangeInclusive<f64> = -1.5..=-0.5;
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { alpha: 2.0, prior: None, link_cut: None, base: None, pace: Pace::default() }
    }
}

/// Learns from a stream of labelled comments.
#[derive(Debug)]
pub struct Learner {
    settings: Settings,
    folds: Vec<Fold>,
    sample: Sample,
    /// Comments of `[ham, spam]`, unweighted; and those of them that hold an address.
    comments: [u64; 2],
    with_address: [u64; 2],
    /// Those of `[ham, spam]`.
    languages: [Languages; 2],
    /// Groups so far, some of them more than once; `None` once they are too many to be kept.
    groups: Option<Vec<u32>>,
}

/// A row as calibration sees it: score, is it spam, weight.
type Scored = (f64, bool, f64);

#[derive(Clone, Debug)]
struct Fold {
    counts: Vec<[f64; 2]>,
    rows: [f64; 2],
    /// How many rows had each n-gram, up to 255.
    grams: Vec<u8>,
}

impl Learner {
    pub fn new(settings: Settings) -> Learner {
        let fold = Fold { counts: vec![[0.0; 2]; COLUMNS], rows: [0.0; 2], grams: vec![0; SEEN_BITS] };
        let (folds, sample) = (vec![fold; FOLDS], Sample::new(MAX_SAMPLE_CELLS));
        let languages = <[Languages; 2]>::default();
        Learner { settings, folds, sample, comments: [0; 2], with_address: [0; 2], languages, groups: Some(Vec::new()) }
    }

    /// Comments of `[ham, spam]` so far.
    pub fn comments(&self) -> [u64; 2] {
        self.comments
    }

    /// Counts one comment, as `weight` rows; the weight is rounded to 1/64.
    #[expect(clippy::indexing_slicing, reason = "a class is 0 or 1")]
    pub fn learn(&mut self, features: &Features, group: Group, label: Label, weight: f64) {
        let class = usize::from(label == Label::Spam);
        let weight = (weight / COUNT_UNIT).round().max(1.0) * COUNT_UNIT;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to FOLDS - 1")]
        let place = (group.place(2) * FOLDS as f64) as usize;
        self.comments[class] += 1;
        self.with_address[class] += u64::from(features.has_address());
        if let Some(fold) = self.folds.get_mut(place) {
            fold.rows[class] += weight;
            for &column in &features.columns {
                if let Some(cell) = fold.counts.get_mut(column as usize) {
                    cell[class] += weight;
                }
            }
            for &gram in &features.grams {
                if let Some(count) = fold.grams.get_mut(gram as usize) {
                    *count = count.saturating_add(1);
                }
            }
        }
        self.sample.offer(features, group, place, class == 1, weight);
        self.remember(group);
    }

    fn remember(&mut self, group: Group) {
        let Some(groups) = &mut self.groups else { return };
        groups.push(group.number());
        if groups.len() > 2 * Learned::MAX_GROUPS {
            self.groups = Learned::of(std::mem::take(groups)).map(|learned| learned.groups().to_vec());
        }
    }

    /// Notes the language of a comment that is learned. A model of comments of which this was not told knows no languages.
    pub fn hear(&mut self, comment: &Comment, group: Group, label: Label, weight: f64) {
        let [ham, spam] = &mut self.languages;
        let languages = if label == Label::Ham { ham } else { spam };
        languages.note(group, weight, || Text::of(comment).language());
    }

    /// The model of all that was learned, with `card` as what it says of itself.
    ///
    /// # Errors
    /// [`TrainError::OneClass`] without ham or without spam; [`TrainError::Fit`] when linfa fails.
    pub fn finish(self, card: serde_json::Value) -> Result<Model, TrainError> {
        let [ham, spam] = self.comments;
        if ham == 0 || spam == 0 {
            return Err(TrainError::OneClass { ham, spam });
        }
        let whole = self.counted(None);
        let ratios = trained_ratios(&whole)?;
        let before = self.settings.base.as_ref().map(|base| base.calibration);
        let toward = before.map(|before| (before.slope, before.intercept));
        let (weights, scored) = self.fitted(&ratios)?;
        // So few comments that no fold holds both kinds: re-weighting's own logit is the best that is known.
        let has_both = scored.iter().any(|row| row.1) && scored.iter().any(|row| !row.1);
        let (slope, intercept) = if has_both { platt(&scored, toward) } else { toward.unwrap_or((1.0, 0.0)) };
        let natural = (whole.rows[1] / whole.rows[0]).ln();
        let range = Settings::PRIOR_RANGE;
        let prior = before.map_or_else(|| natural.clamp(*range.start(), *range.end()), |before| before.prior);
        let calibration = Calibration {
            slope,
            intercept,
            prior: self.settings.prior.unwrap_or(prior),
            coverage_level: before
                .map_or_else(|| coverage_level(self.coverages(), STRANGE_SHARE), |before| before.coverage_level),
            link_cut: self
                .settings
                .link_cut
                .or(before.map(|before| before.link_cut))
                .unwrap_or_else(|| link_cut(self.with_address, self.comments)),
        };
        let mut card = card;
        if let Some(card) = card.as_object_mut() {
            card.insert("comments".to_owned(), json!({"ham": ham, "spam": spam}));
            card.insert("rows".to_owned(), json!({"ham": whole.rows[0], "spam": whole.rows[1]}));
            card.insert("calibration_rows".to_owned(), json!(scored.len()));
            Known::keep(card, self.known());
        }
        let before = self.settings.base.as_ref().and_then(|base| base.learned.as_ref());
        let learned = self.groups.and_then(|mut groups| {
            groups.extend(before.into_iter().flat_map(Learned::groups));
            Learned::of(groups)
        });
        Ok(Model { weights, calibration, card, learned, ..whole })
    }

    /// The weights that all rows give, and the out-of-fold scores: five fits, on as many cores as there are.
    fn fitted(&self, ratios: &[f64]) -> Result<(Vec<f32>, Vec<Scored>), TrainError> {
        let next = AtomicUsize::new(0);
        let base = self.settings.base.as_deref();
        let work = || {
            let (mut weights, mut scored) = (None, Vec::new());
            loop {
                // The fit to all rows takes longest, so it comes first.
                match next.fetch_add(1, Ordering::Relaxed) {
                    0 => weights = Some(reweight::fit(&self.sample, ratios, base, None, self.settings.pace)),
                    job if job <= FOLDS => scored.push((job, self.out_of_fold(job - 1))),
                    _ => return (weights, scored),
                }
            }
        };
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let parts: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores.min(FOLDS + 1)).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        let (mut weights, mut scored) = (None, Vec::new());
        for part in parts {
            let (of_all, of_folds) = part.map_err(|_| TrainError::Fit("re-weighting gave up".to_owned()))?;
            weights = weights.or(of_all);
            scored.extend(of_folds);
        }
        scored.sort_by_key(|(fold, _)| *fold);
        let weights = weights.ok_or_else(|| TrainError::Fit("re-weighting gave nothing".to_owned()))?;
        Ok((weights, scored.into_iter().flat_map(|(_, scored)| scored).collect()))
    }

    /// The languages that the model knows of `[ham, spam]`, those of the base among them; `None` where it is not told what the base knows.
    fn known(&self) -> [Option<Vec<String>>; 2] {
        let own = self.languages.each_ref().map(|languages| languages.known().map(str::to_owned).collect::<Vec<_>>());
        let Some(base) = self.settings.base.as_deref() else { return own.map(Some) };
        let base = Known::of(&base.card);
        let of_base = base.as_ref().map_or([None, None], Known::codes);
        let [ham, spam] = own;
        let both = |mut own: Vec<String>, base: Option<&[String]>| {
            own.extend_from_slice(base?);
            Some(own)
        };
        [both(ham, of_base[0]), both(spam, of_base[1])]
    }

    /// Counts of all folds but one, as a model that is not calibrated yet.
    fn counted(&self, left_out: Option<usize>) -> Model {
        let base = self.settings.base.as_deref();
        let mut counts = base.map_or_else(|| vec![[0.0; 2]; COLUMNS], |base| base.counts.clone());
        let mut rows = base.map_or([0.0; 2], |base| base.rows);
        let mut grams = vec![0_u8; SEEN_BITS];
        for (_, fold) in self.folds.iter().enumerate().filter(|(place, _)| Some(*place) != left_out) {
            for (sum, cell) in counts.iter_mut().zip(&fold.counts) {
                sum[0] += cell[0];
                sum[1] += cell[1];
            }
            for (sum, count) in grams.iter_mut().zip(&fold.grams) {
                *sum = sum.saturating_add(*count);
            }
            rows[0] += fold.rows[0];
            rows[1] += fold.rows[1];
        }
        let before = base.map(|base| base.seen.as_slice()).unwrap_or_default();
        let seen = grams
            .chunks(64)
            .zip(before.iter().copied().chain(std::iter::repeat(0)))
            .map(|(chunk, before)| {
                chunk.iter().enumerate().fold(before, |word, (bit, &count)| word | u64::from(count >= 2) << bit)
            })
            .collect();
        let calibration = Calibration::default();
        let alpha = self.settings.alpha;
        let (weights, card) = (Vec::new(), serde_json::Value::Null);
        Model { alpha, rows, counts, weights, seen, calibration, card, learned: None }
    }

    /// Scores of the sampled rows of `fold`, by a model of the others.
    fn out_of_fold(&self, fold: usize) -> Vec<Scored> {
        let others = self.counted(Some(fold));
        if others.rows[0] <= 0.0 || others.rows[1] <= 0.0 {
            return Vec::new();
        }
        let weights = reweight::fit(
            &self.sample,
            &others.log_ratios(),
            self.settings.base.as_deref(),
            Some(fold),
            self.settings.pace,
        );
        let weight = |&column: &u32| weights.get(column as usize).copied().map_or(0.0, f64::from);
        (0..self.sample.len())
            .filter(|&row| self.sample.fold(row) == Some(fold))
            .map(|row| {
                let columns = self.sample.columns(row);
                let score = columns.iter().map(weight).sum::<f64>() / length_norm(columns.len());
                (score, self.sample.is_spam(row), self.sample.weight(row))
            })
            .collect()
    }

    /// Coverage of sampled rows by the n-grams of the other folds.
    fn coverages(&self) -> Vec<f64> {
        let mut all = Vec::new();
        for fold in 0..FOLDS {
            let seen = |gram: usize| {
                let others = self.folds.iter().enumerate().filter(|(place, _)| *place != fold);
                others.map(|(_, other)| u32::from(other.grams.get(gram).copied().unwrap_or(0))).sum::<u32>() >= 2
            };
            for (_, grams) in self.sample.grams.iter().filter(|(place, grams)| *place == fold && grams.len() >= 8) {
                let met = grams.iter().filter(|&&gram| seen(gram as usize)).count();
                all.push(share_seen(met, grams.len()));
            }
        }
        all
    }
}

/// The log-ratios that linfa trains, which must be those that the model serves.
fn trained_ratios(model: &Model) -> Result<Vec<f64>, TrainError> {
    let trained = fit::fit(&model.counts, model.alpha)?;
    let served = model.log_ratios();
    let mut ratios = vec![0.0; served.len()];
    let [ham, spam] = &trained.of;
    for ((&column, ham), spam) in trained.columns.iter().zip(ham).zip(spam) {
        let ratio = spam - ham;
        let other = served.get(column).copied().unwrap_or(f64::NAN);
        let gap = (ratio - other).abs();
        if gap.is_nan() || gap > 1e-9 * ham.abs().max(1.0) {
            return Err(TrainError::Fit(format!("column {column}: trained {ratio}, served {other}")));
        }
        if let Some(cell) = ratios.get_mut(column) {
            *cell = ratio;
        }
    }
    Ok(ratios)
}

/// A sample of rows, of bounded size, whatever streams by.
///
/// Whole groups are kept or left out by their hash: when it is full, half of all groups go, and half of those that
/// come later never enter. So the sample depends on the comments alone, not on their order.
#[derive(Debug)]
pub struct Sample {
    max_cells: usize,
    /// Groups whose place is below this are in.
    share: f64,
    rows: Vec<Row>,
    cells: Vec<u32>,
    grams: Vec<(usize, Vec<u32>)>,
    gram_count: usize,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    start: usize,
    end: usize,
    place: f64,
    fold: u8,
    is_spam: bool,
    weight: f64,
}

impl Sample {
    fn new(max_cells: usize) -> Sample {
        // Asked for at once: what is not written to costs nothing, where growing would hold old and new side by side.
        let cells = Vec::with_capacity(max_cells);
        Sample { max_cells, share: 1.0, rows: Vec::new(), cells, grams: Vec::new(), gram_count: 0 }
    }

    fn offer(&mut self, features: &Features, group: Group, fold: usize, is_spam: bool, weight: f64) {
        let place = group.place(3);
        if place >= self.share {
            return;
        }
        if self.gram_count < MAX_COVERAGE_GRAMS && group.place(4) < 0.25 {
            self.gram_count += features.grams.len();
            self.grams.push((fold, features.grams.clone()));
        }
        while self.cells.len() + features.columns.len() > self.max_cells && !self.rows.is_empty() {
            self.halve();
        }
        if place >= self.share {
            return;
        }
        let start = self.cells.len();
        self.cells.extend_from_slice(&features.columns);
        let fold = u8::try_from(fold).unwrap_or(u8::MAX);
        self.rows.push(Row { start, end: self.cells.len(), place, fold, is_spam, weight });
    }

    fn halve(&mut self) {
        self.share /= 2.0;
        let mut kept = 0;
        let (share, cells) = (self.share, &mut self.cells);
        self.rows.retain_mut(|row| {
            if row.place >= share {
                return false;
            }
            cells.copy_within(row.start..row.end, kept);
            (row.start, row.end) = (kept, kept + row.end - row.start);
            kept = row.end;
            true
        });
        self.cells.truncate(kept);
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Columns of a row; none beyond the last.
    pub fn columns(&self, row: usize) -> &[u32] {
        self.rows.get(row).and_then(|row| self.cells.get(row.start..row.end)).unwrap_or_default()
    }

    pub fn fold(&self, row: usize) -> Option<usize> {
        self.rows.get(row).map(|row| usize::from(row.fold))
    }

    pub fn is_spam(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(|row| row.is_spam)
    }

    pub fn weight(&self, row: usize) -> f64 {
        self.rows.get(row).map_or(0.0, |row| row.weight)
    }
}
