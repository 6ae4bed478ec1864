//! Discriminative re-weighting of naive Bayes' log-ratios.
//!
//! Naive Bayes counts each n-gram of a word as news of its own and so leans on long words and on whatever one source
//! repeats. A logistic fit moves each column's weight away from a common multiple of its log-ratio; the weight is
//! pulled back there, so a column that is rarely met stays near plain naive Bayes. A column may move the further the
//! more its ratio says, and a little even if that says nothing: `reach` = √(ratio² + spread²).
//!
//! # Source
//! Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification" (ACL 2012), § 2.3;
//! Duchi, Hazan and Singer, "Adaptive Subgradient Methods" (JMLR 12, 2011) for the steps.

use super::learner::Sample;
use crate::classifier::features::COLUMNS;
use crate::classifier::length_norm;
use crate::classifier::model::Model;

/// How the fit goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Steps of a row in all: small sets are gone through more often, which costs nothing and reaches the optimum.
    pub row_steps: usize,
    /// Fewest and most passes over the rows, whatever their number.
    pub epochs: [usize; 2],
    /// First step's length.
    pub rate: f32,
    /// How strongly weights are pulled back: half of it times the square of the distance, in units of reach, is a loss
    /// in nats, beside one nat or so for each row.
    pub pull: f32,
    /// What log-ratios are multiplied with to begin with, about the slope that calibration gives plain naive Bayes over
    /// the length norm.
    pub start: f32,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { row_steps: 50_000, epochs: [12, 100], rate: 0.5, pull: 0.1, start: 0.4 }
    }
}

/// One column, side by side so that one cache line holds what a step needs.
#[derive(Clone, Copy, Default)]
struct Cell {
    /// The weight that it is pulled to.
    home: f32,
    /// What a distance of 1 is worth.
    reach: f32,
    /// Distance from home.
    distance: f32,
    /// Sum of squared gradients.
    steps: f32,
    /// The pull, shared out over the rows that have the column.
    pull: f32,
}

impl Cell {
    fn weight(&self) -> f32 {
        self.home + self.reach * self.distance
    }
}

/// Fits weights for `COLUMNS` columns to the rows of `sample` outside of fold `left_out`, beginning at their log-ratios,
/// or at the weights of the model that training goes on from.
///
/// Ham and spam weigh the same in all, whatever their numbers: the balance is the prior's business. There is no
/// intercept: it rose to two nats that short and strange texts had nothing to set against.
#[expect(clippy::indexing_slicing, reason = "a class is 0 or 1")]
pub fn fit(sample: &Sample, ratios: &[f64], base: Option<&Model>, left_out: Option<usize>, pace: Pace) -> Vec<f32> {
    let is_in = |row: usize| sample.fold(row) != left_out;
    let mut order: Vec<usize> = (0..sample.len()).filter(|&row| is_in(row)).collect();
    let balance = balance(sample, &order);
    #[expect(clippy::cast_possible_truncation, reason = "steps of a stochastic descent need no f64")]
    let mut cells: Vec<Cell> = ratios
        .iter()
        .enumerate()
        .map(|(column, &ratio)| {
            let ratio = ratio as f32;
            let home = base.and_then(|base| base.weight(column)).unwrap_or(pace.start * ratio);
            Cell { home, reach: ratio, ..Cell::default() }
        })
        .collect();
    cells.resize(COLUMNS, Cell::default());
    for &row in &order {
        for &column in sample.columns(row) {
            if let Some(cell) = cells.get_mut(column as usize) {
                cell.pull += 1.0;
            }
        }
    }
    cells.iter_mut().filter(|cell| cell.pull > 0.0).for_each(|cell| cell.pull = pace.pull / cell.pull);
    let mut chance = 0x1_2345_6789_ABCD;
    let [fewest, most] = pace.epochs;
    for _ in 0..(pace.row_steps / order.len().max(1)).clamp(fewest, most) {
        shuffle(&mut order, &mut chance);
        for &row in &order {
            let columns = sample.columns(row);
            #[expect(clippy::cast_possible_truncation, reason = "see above")]
            let share = (1.0 / length_norm(columns.len())) as f32;
            let logit = share * columns.iter().filter_map(|&at| cells.get(at as usize)).map(Cell::weight).sum::<f32>();
            let is_spam = sample.is_spam(row);
            let target = f32::from(u8::from(is_spam));
            #[expect(clippy::cast_possible_truncation, reason = "see above")]
            let weight = (sample.weight(row) * balance[usize::from(is_spam)]) as f32;
            let error = (1.0 / (1.0 + (-logit).exp()) - target) * weight;
            for &column in columns {
                if let Some(cell) = cells.get_mut(column as usize) {
                    let gradient = error * share * cell.reach + cell.pull * cell.distance;
                    step(cell, gradient, pace.rate);
                }
            }
        }
    }
    cells.iter().map(Cell::weight).collect()
}

#[inline]
fn step(cell: &mut Cell, gradient: f32, rate: f32) {
    cell.steps += gradient * gradient;
    cell.distance -= rate * gradient / (cell.steps.sqrt() + 1e-8);
}

/// What a row of `[ham, spam]` counts, so that both classes weigh the same in all and a row weighs 1 on average.
#[expect(clippy::indexing_slicing, reason = "a class is 0 or 1")]
fn balance(sample: &Sample, rows: &[usize]) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for &row in rows {
        sums[usize::from(sample.is_spam(row))] += sample.weight(row);
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer rows than 2^53")]
    sums.map(|sum| if sum > 0.0 { rows.len() as f64 / (2.0 * sum) } else { 0.0 })
}

/// Fisher and Yates' shuffle, with chance that is the same in every run (SplitMix64).
fn shuffle(order: &mut [usize], state: &mut u64) {
    for at in (1..order.len()).rev() {
        let below = u64::try_from(at).unwrap_or(u64::MAX) + 1;
        let other = usize::try_from(split_mix(state) % below).unwrap_or(0);
        order.swap(at, other);
    }
}

/// The next number of Steele, Lea and Flood's SplitMix64: chance that is the same in every run.
pub(super) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
