//! Platt's calibration and the coverage level, found on scores of rows that the scoring model did not see.

use super::interval::wilson;
use crate::classifier::calibration::{Calibration, MAX_EVIDENCE};

/// How much a calibration that is gone on from counts: few new rows hardly move it, hundreds do.
const TOWARD_ROWS: f64 = 20.0;

/// Fits P(spam) = σ(slope · score + intercept), ham and spam weighing the same in all.
///
/// `rows`: score, is it spam, weight. Scores must come from models that did not see their row: calibration on a
/// model's own training rows came out far too sure in every trial. Both classes must be there. `toward`: what another
/// calibration found, which counts as much as [`TOWARD_ROWS`] rows do.
///
/// # Source
/// Platt 1999 with the targets and Newton steps of Lin, Lin and Weng, "A note on Platt's probabilistic outputs"
/// (Machine Learning 68, 2007). Own rather than linfa's, because rows have weights.
#[expect(clippy::indexing_slicing, reason = "a class is 0 or 1")]
pub fn platt(rows: &[(f64, bool, f64)], toward: Option<(f64, f64)>) -> (f64, f64) {
    let mut sums = [0.0_f64; 2];
    for (_, is_spam, weight) in rows {
        sums[usize::from(*is_spam)] += weight;
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer rows than 2^53")]
    let half = rows.len() as f64 / 2.0;
    let target = [1.0 / (half + 2.0), (half + 1.0) / (half + 2.0)];
    let (pull, home) = toward.map_or((0.0, (0.0, 0.0)), |home| (TOWARD_ROWS, home));
    let loss = |slope: f64, intercept: f64| -> f64 {
        let distance = (slope - home.0).powi(2) + (intercept - home.1).powi(2);
        let fit: f64 = rows
            .iter()
            .map(|&(score, is_spam, weight)| {
                let (logit, class) = (slope * score + intercept, usize::from(is_spam));
                let softplus = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
                weight * half / sums[class].max(1e-12) * (softplus - target[class] * logit)
            })
            .sum();
        fit + pull / 2.0 * distance
    };
    let (mut slope, mut intercept) = home;
    let mut best = loss(slope, intercept);
    for _ in 0..100 {
        // The ridge keeps the matrix invertible where all scores are one.
        let (mut ss, mut si, mut ii) = (1e-9 + pull, 0.0, 1e-9 + pull);
        let (mut gs, mut gi) = (pull * (slope - home.0), pull * (intercept - home.1));
        for &(score, is_spam, weight) in rows {
            let class = usize::from(is_spam);
            let weight = weight * half / sums[class].max(1e-12);
            let probability = 1.0 / (1.0 + (-(slope * score + intercept)).exp());
            let (error, curve) = (weight * (probability - target[class]), weight * probability * (1.0 - probability));
            gs += error * score;
            gi += error;
            ss += curve * score * score;
            si += curve * score;
            ii += curve;
        }
        let determinant = ss * ii - si * si;
        let (step_slope, step_intercept) = ((ii * gs - si * gi) / determinant, (ss * gi - si * gs) / determinant);
        // Halve the step until the loss falls; when no step helps, this is the place.
        let mut length = 1.0;
        let mut next = loss(slope - step_slope, intercept - step_intercept);
        while (next > best || next.is_nan()) && length > 1e-6 {
            length /= 2.0;
            next = loss(slope - length * step_slope, intercept - length * step_intercept);
        }
        if next > best || next.is_nan() {
            break;
        }
        slope -= length * step_slope;
        intercept -= length * step_intercept;
        if best - next < 1e-9 * half {
            break;
        }
        best = next;
    }
    (slope, intercept)
}

/// The coverage that all but the strangest `share` of comments reach.
pub fn coverage_level(mut coverages: Vec<f64>, share: f64) -> f64 {
    coverages.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index from a share of a length"
    )]
    let at = (coverages.len() as f64 * share) as usize;
    coverages.get(at).copied().unwrap_or(0.0)
}

/// The most that addresses may say for spam, nats: by how much more common they surely are in spam than in ham. Ninety comments
/// without any do not show that ham has none.
///
/// * `with_address`: comments of `[ham, spam]` that hold an address, among `comments` of each kind.
pub fn link_cut(with_address: [u64; 2], comments: [u64; 2]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
    let share = |class: usize| {
        let count = |counts: [u64; 2]| counts.get(class).copied().unwrap_or(0) as f64;
        wilson(count(with_address), count(comments), count(comments))
    };
    let (Some(ham), Some(spam)) = (share(0), share(1)) else { return Calibration::LINK_CUT };
    (spam.low / ham.high).max(f64::MIN_POSITIVE).ln().clamp(Calibration::LINK_CUT, MAX_EVIDENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_the_comments_bear_out() {
        let check = |with_address, comments, expected: f64| {
            let cut = link_cut(with_address, comments);
            assert!((cut - expected).abs() < 0.005, "{with_address:?} of {comments:?}: {cut}, not {expected}");
        };
        check([0, 56], [95, 94], 2.544);
        check([0, 56_000], [95_000, 94_000], MAX_EVIDENCE);
        check([14, 983], [77, 995], 1.243);
        check([10, 10], [100, 100], Calibration::LINK_CUT);
        check([90, 10], [100, 100], Calibration::LINK_CUT);
        check([0, 0], [100, 100], Calibration::LINK_CUT);
        check([0, 0], [0, 0], Calibration::LINK_CUT);
    }

    #[test]
    fn platt_finds_the_sigmoid_that_made_the_labels() {
        // For each score, σ(1.5 s - 0.5) of a thousand rows are spam: the fit must find these two numbers again, apart
        // from the balance of classes, which moves the intercept alone.
        let mut rows = Vec::new();
        for step in -40..=40 {
            let score = f64::from(step) / 10.0;
            let spam = 1.0 / (1.0 + (-(1.5 * score - 0.5)).exp());
            rows.push((score, true, spam));
            rows.push((score, false, 1.0 - spam));
        }
        // Many rows, because Platt's targets shy away from 0 and 1 by about one row.
        let mut rows = rows.repeat(200);
        rows.rotate_left(7);
        let sums = rows.iter().fold([0.0, 0.0], |mut sums, row| {
            sums[usize::from(row.1)] += row.2;
            sums
        });
        let (slope, intercept) = platt(&rows, None);
        let balance: f64 = f64::ln(sums[1] / sums[0]);
        assert!((slope - 1.5).abs() < 0.01, "{slope}");
        assert!((intercept + balance + 0.5).abs() < 0.01, "{intercept} {balance}");
    }

    #[test]
    fn a_few_rows_hardly_move_a_calibration_that_is_gone_on_from() {
        let rows = [(1.0, false, 1.0), (-1.0, true, 1.0)];
        let (slope, intercept) = platt(&rows, Some((2.0, -0.5)));
        assert!((slope - 2.0).abs() < 0.2 && (intercept + 0.5).abs() < 0.2, "{slope} {intercept}");
        let (slope, _) = platt(&rows.repeat(2_000), Some((2.0, -0.5)));
        assert!(slope < 0.0, "{slope}");
    }

    #[test]
    fn platt_stays_finite_whatever_the_scores() {
        for scores in [[1.0, 1.0, 1.0, 1.0], [-1e6, -1e6, 1e6, 1e6], [0.0, 0.0, 0.0, 1e-300]] {
            let rows: Vec<_> = scores.iter().enumerate().map(|(at, &score)| (score, at >= 2, 1.0)).collect();
            let (slope, intercept) = platt(&rows, None);
            assert!(slope.is_finite() && intercept.is_finite(), "{scores:?}: {slope} {intercept}");
        }
    }

    #[test]
    fn coverage_level_is_a_low_quantile() {
        assert!((coverage_level((0..100).map(|n| f64::from(n) / 100.0).collect(), 0.02) - 0.02).abs() < 1e-12);
        assert!(coverage_level(Vec::new(), 0.02).abs() < 1e-12);
    }
}
