//! Intervals that hold the true figure 95 times in 100, on few comments as on many.
//!
//! Owns the methods, and chance that is the same in every run. Does not own what is measured (`evaluation`).

use serde::{Deserialize, Serialize};

use super::evaluation::Judged;
use super::reweight::split_mix;

/// A figure and the interval that holds the true one 95 times in 100.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Measure {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

const Z: f64 = 1.959_963_984_540_054;

/// How many independent comments so many are worth, when near-copies are alike in all: n² / Σ n² over groups.
///
/// # Source
/// Kish, *Survey Sampling* (1965), § 8.2, for a correlation of 1 within groups.
pub fn effective(rows: f64, squares: f64) -> f64 {
    if squares > 0.0 { rows * rows / squares } else { 0.0 }
}

/// A share with Wilson's interval for `size` independent trials; `None` of nothing.
///
/// # Source
/// Wilson 1927; Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion" (2001).
pub fn wilson(part: f64, whole: f64, size: f64) -> Option<Measure> {
    if whole <= 0.0 || size <= 0.0 {
        return None;
    }
    let value = part / whole;
    let scale = 1.0 + Z * Z / size;
    let middle = (value + Z * Z / (2.0 * size)) / scale;
    let half = Z * (value * (1.0 - value) / size + Z * Z / (4.0 * size * size)).sqrt() / scale;
    // At 0 and 1 the ends are exact; arithmetic is off by its last bit there.
    Some(Measure { value, low: (middle - half).clamp(0.0, value), high: (middle + half).clamp(value, 1.0) })
}

/// The score interval of an area under the ROC curve: all areas from which the one found lies within 1.96 standard
/// errors, so that it has a width at 1 as well.
///
/// # Source
/// Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic. Part 2"
/// (Statistics in Medicine 25, 2006), method 5; the variance is that of Hanley and McNeil (1982).
pub fn mann_whitney(value: f64, spam_size: f64, ham_size: f64) -> Measure {
    let size = f64::midpoint(spam_size, ham_size) - 1.0;
    let gap = |area: f64| {
        let spread = 1.0 + size.max(0.0) * ((1.0 - area) / (2.0 - area) + area / (1.0 + area));
        Z * (area * (1.0 - area) * spread / (spam_size * ham_size)).sqrt() - (value - area).abs()
    };
    // Within the interval the gap is at least 0; each end is found by halving.
    let end = |mut outside: f64| {
        let mut inside = value;
        for _ in 0..60 {
            let middle = f64::midpoint(inside, outside);
            *(if gap(middle) >= 0.0 { &mut inside } else { &mut outside }) = middle;
        }
        inside
    };
    Measure { value, low: end(0.0), high: end(1.0) }
}

/// Draws of a share from its Jeffreys posterior, Beta(part + ½, rest + ½). `purpose` keeps one series from following
/// another.
pub fn beta_draws(part: f64, rest: f64, purpose: u64, draws: usize) -> Vec<f64> {
    let mut chance = Chance(0x00C0_FFEE ^ purpose.rotate_left(32));
    let mut draw = || {
        let (part, rest) = (chance.gamma(part + 0.5), chance.gamma(rest + 0.5));
        if part + rest > 0.0 { part / (part + rest) } else { 0.5 }
    };
    (0..draws).map(|_| draw()).collect()
}

/// The ends of the middle 95 % of these.
pub fn middle(values: Vec<f64>) -> [f64; 2] {
    let values = sorted(values);
    [quantile(&values, 0.025), quantile(&values, 0.975)]
}

/// These, rising; what is no number is left out.
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.retain(|value| !value.is_nan());
    values.sort_by(f64::total_cmp);
    values
}

/// The value that this share of `sorted` lies below.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index from a share of a length"
    )]
    let at = (sorted.len() as f64 * share) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

const BINS: usize = 10;

/// What the bootstrap draws: a group of near-copies, or many groups together where there are very many.
#[derive(Clone, Copy, Default)]
struct Unit {
    rows: f64,
    loss: f64,
    /// Score less label, added up by bin of the score.
    gaps: [f64; BINS],
}

impl Unit {
    /// Units at most. A few thousand that each hold many groups tell the spread as well as all groups would.
    const MAX: usize = 4_096;

    fn add(&mut self, other: &Unit) {
        self.rows += other.rows;
        self.loss += other.loss;
        self.gaps.iter_mut().zip(other.gaps).for_each(|(gap, other)| *gap += other);
    }

    fn log_loss(&self) -> f64 {
        self.loss / self.rows
    }

    fn calibration_error(&self) -> f64 {
        self.gaps.iter().map(|gap| gap.abs()).sum::<f64>() / self.rows
    }
}

/// Log loss and calibration error of rows that are sorted by group, by drawing groups anew 500 times.
///
/// Log loss has the percentile interval. Chance alone opens gaps between score and share of spam, and drawing anew opens
/// them further, so for calibration error the interval is turned around the value found (the basic bootstrap): both
/// times the same bias, which so goes out. `None` of fewer than ten groups, which have no spread to draw from.
///
/// # Source
/// Davison and Hinkley, *Bootstrap Methods and their Application* (1997), § 5.2; § 3.8 for groups.
pub fn bootstrap(rows: &[Judged], loss: fn(&Judged) -> f64) -> [Option<Measure>; 2] {
    const DRAWS: usize = 500;
    const MIN_GROUPS: usize = 10;
    let mut units: Vec<Unit> = Vec::new();
    let groups = rows.chunk_by(|left, right| left.group == right.group);
    let count = groups.clone().count();
    units.resize(count.min(Unit::MAX), Unit::default());
    for (at, group) in groups.enumerate() {
        // Groups are numbered by a hash and sorted by it, so their order says nothing of them.
        let Some(unit) = units.get_mut(at % Unit::MAX) else { continue };
        for row in group {
            let score = row.score();
            unit.rows += 1.0;
            unit.loss += loss(row);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score lies in [0, 1]")]
            if let Some(gap) = unit.gaps.get_mut(((score * BINS as f64) as usize).min(BINS - 1)) {
                *gap += score - f64::from(u8::from(row.is_spam));
            }
        }
    }
    if count < MIN_GROUPS {
        return [None, None];
    }
    let sum = |drawn: &mut dyn Iterator<Item = &Unit>| {
        drawn.fold(Unit::default(), |mut sum, unit| {
            sum.add(unit);
            sum
        })
    };
    let found = sum(&mut units.iter());
    let mut chance = Chance(0x00C0_FFEE);
    let drawn: Vec<Unit> =
        (0..DRAWS).map(|_| sum(&mut (0..units.len()).filter_map(|_| units.get(chance.below(units.len()))))).collect();
    let ends = |figure: fn(&Unit) -> f64| middle(drawn.iter().map(figure).collect());
    let (value, [low, high]) = (found.log_loss(), ends(Unit::log_loss));
    let log_loss = Measure { value, low: low.min(value), high: high.max(value) };
    let (value, [low, high]) = (found.calibration_error(), ends(Unit::calibration_error));
    let [low, high] = [2.0 * value - high, 2.0 * value - low].map(|end| end.clamp(0.0, 1.0));
    [Some(log_loss), Some(Measure { value, low: low.min(value), high: high.max(value) })]
}

/// Chance that is the same in every run.
#[derive(Clone, Copy, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// A whole number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(split_mix(&mut self.0) % (limit as u64).max(1)).unwrap_or(0)
    }

    /// A number in (0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits are plenty")]
    fn share(&mut self) -> f64 {
        ((split_mix(&mut self.0) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Box and Muller's normal deviate.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }

    /// A gamma deviate of this shape, above 0.
    ///
    /// # Source
    /// Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables" (2000), with § 6 for shapes below 1.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.share().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.share().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(measure: Measure, low: f64, high: f64) {
        assert!((measure.low - low).abs() < 2e-3 && (measure.high - high).abs() < 2e-3, "{measure:?}");
    }

    #[test]
    fn shares_of_nothing_and_of_all_have_a_width() {
        check(wilson(0.0, 10.0, 10.0).unwrap(), 0.0, 0.2775);
        check(wilson(10.0, 10.0, 10.0).unwrap(), 0.7225, 1.0);
        check(wilson(81.0, 263.0, 263.0).unwrap(), 0.2553, 0.3662);
        assert_eq!(wilson(0.0, 0.0, 0.0), None);
    }

    #[test]
    fn posterior_draws_are_those_of_the_beta() {
        // Beta(2.5, 8.5): mean 0.227, 2.5 % and 97.5 % points 0.0441 and 0.5028 (Jeffreys' interval for 2 of 10).
        let draws = sorted(beta_draws(2.0, 8.0, 1, 40_000));
        let mean = draws.iter().sum::<f64>() / 40_000.0;
        assert!((mean - 2.5 / 11.0).abs() < 0.003, "{mean}");
        assert!((quantile(&draws, 0.025) - 0.0441).abs() < 0.005, "{}", quantile(&draws, 0.025));
        assert!((quantile(&draws, 0.975) - 0.5028).abs() < 0.01, "{}", quantile(&draws, 0.975));
    }

    #[test]
    fn an_area_of_one_has_a_width_that_shrinks_with_the_comments() {
        let few = mann_whitney(1.0, 5.0, 5.0);
        let many = mann_whitney(1.0, 500.0, 500.0);
        assert!(few.low < 0.8 && few.high > 0.999 && many.low > 0.99, "{few:?} {many:?}");
        let half = mann_whitney(0.5, 50.0, 50.0);
        assert!((half.low + half.high - 1.0).abs() < 0.01 && (half.high - half.low - 0.22).abs() < 0.02, "{half:?}");
    }
}
