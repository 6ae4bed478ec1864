//! The counts model: linfa-bayes' multinomial naive Bayes on aggregated counts.
//!
//! The only file that speaks to linfa. It takes two rows, all ham and all spam added up, over the occupied columns:
//! adding rows up beforehand gives bit-equal log-probabilities, in memory that does not grow with the comments. Only
//! linfa's prior is then wrong (one row each) and is kept outside.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;

use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use linfa_bayes::MultinomialNb;
use ndarray::{Array1, Array2};
use serde::Deserialize;

use super::TrainError;

/// What linfa says of each occupied column.
#[derive(Clone, Debug, PartialEq)]
pub struct LogProbabilities {
    /// The occupied columns, rising.
    pub columns: Vec<usize>,
    /// ln P(column | class) for `[ham, spam]`, beside `columns`.
    pub of: [Vec<f64>; 2],
}

/// Fits multinomial naive Bayes to counts.
///
/// * `counts`: per column the weighted rows of `[ham, spam]` that had it, none negative.
/// * `alpha`: Lidstone smoothing in pseudo-counts per occupied column, above 0.
///
/// # Errors
/// [`TrainError::Fit`] when linfa refuses, or says something that cannot be read.
///
/// # Source
/// Manning, Raghavan and Schütze, *Introduction to Information Retrieval* (2008), § 13.2; linfa-bayes 0.8.1.
pub fn fit(counts: &[[f64; 2]], alpha: f64) -> Result<LogProbabilities, TrainError> {
    let columns: Vec<usize> =
        counts.iter().enumerate().filter(|(_, [ham, spam])| ham + spam > 0.0).map(|(column, _)| column).collect();
    let cells = (0..2)
        .flat_map(|class| {
            columns
                .iter()
                .map(move |&column| counts.get(column).map_or(0.0, |pair| pair.get(class).copied().unwrap_or(0.0)))
        })
        .collect();
    let records = Array2::from_shape_vec((2, columns.len()), cells).map_err(said)?;
    let rows = DatasetBase::new(records, Array1::from_vec(vec![0_usize, 1]));
    let settings = MultinomialNb::<f64, usize>::params().alpha(alpha).check().map_err(said)?;
    let model = {
        let _quiet = QuietStderr::new();
        settings.fit(&rows).map_err(said)?
    };
    // The fields are private; serde shows them.
    let shown = serde_json::to_vec(&model).map_err(said)?;
    let mut shown: Shown = serde_json::from_slice(&shown).map_err(said)?;
    let mut class = |name: &str| {
        let info = shown.class_info.remove(name).ok_or_else(|| TrainError::Fit(format!("class {name} is missing")))?;
        Ok::<_, TrainError>(info.feature_log_prob.data)
    };
    Ok(LogProbabilities { of: [class("0")?, class("1")?], columns })
}

fn said(error: impl std::fmt::Display) -> TrainError {
    TrainError::Fit(error.to_string())
}

/// linfa's model as serde writes it.
#[derive(Deserialize)]
struct Shown {
    class_info: HashMap<String, ShownClass>,
}

#[derive(Deserialize)]
struct ShownClass {
    feature_log_prob: ShownArray,
}

#[derive(Deserialize)]
struct ShownArray {
    data: Vec<f64>,
}

/// While it lives, the process' stderr goes nowhere.
///
/// A `dbg!` left in `fit_with` of linfa-bayes 0.8.1 prints every weight; it is gone upstream, but not in any release.
/// When stderr cannot be put aside, the weights are printed: noise, no harm.
struct QuietStderr(Option<OwnedFd>);

impl QuietStderr {
    fn new() -> QuietStderr {
        let aside = || {
            let kept = rustix::io::dup(std::io::stderr()).ok()?;
            let nowhere = File::options().write(true).open("/dev/null").ok()?;
            rustix::stdio::dup2_stderr(nowhere).ok()?;
            Some(kept)
        };
        QuietStderr(aside())
    }
}

impl Drop for QuietStderr {
    fn drop(&mut self) {
        if let Some(kept) = self.0.take() {
            // Nothing can be said if this fails: the way to say it is what is missing.
            let _ = rustix::stdio::dup2_stderr(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use linfa_bayes::NaiveBayes as _;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::classifier::calibration::Calibration;
    use crate::classifier::features::{COLUMNS, Features, SEEN_BITS};
    use crate::classifier::model::Model;
    use crate::comment::Comment;
    use crate::text::Text;

    /// Fits linfa to the rows themselves, one by one and dense, and our model to their sums; both must then say the
    /// same of every row.
    #[track_caller]
    fn check(rows: &[(Vec<u32>, usize)], alpha: f64) {
        let mut counts = vec![[0.0; 2]; COLUMNS];
        let mut classes = [0.0; 2];
        for (columns, class) in rows {
            classes[*class] += 1.0;
            columns.iter().for_each(|&column| counts[column as usize][*class] += 1.0);
        }
        let fitted = fit(&counts, alpha).unwrap();
        let model = Model {
            alpha,
            rows: classes,
            counts,
            weights: vec![0.0; COLUMNS],
            seen: vec![0; SEEN_BITS / 64],
            calibration: Calibration::default(),
            card: json!({}),
            learned: None,
        };
        let dense = Array2::from_shape_fn((rows.len(), fitted.columns.len()), |(row, at)| {
            f64::from(u8::from(rows[row].0.contains(&u32::try_from(fitted.columns[at]).unwrap())))
        });
        let labels = Array1::from_iter(rows.iter().map(|(_, class)| *class));
        let linfa = {
            let _quiet = QuietStderr::new();
            let settings = MultinomialNb::<f64, usize>::params().alpha(alpha).check().unwrap();
            settings.fit(&DatasetBase::new(dense.clone(), labels)).unwrap()
        };
        let said = linfa.joint_log_likelihood(dense.view());
        for (row, (columns, _)) in rows.iter().enumerate() {
            let ours = model.joint_log_likelihood(columns);
            for class in 0..2 {
                let theirs = said[&class][row];
                assert!((ours[class] - theirs).abs() <= 1e-9 * theirs.abs(), "{} is not {theirs}", ours[class]);
            }
        }
        for (column, ratio) in model.log_ratios().into_iter().enumerate() {
            let theirs = fitted.columns.binary_search(&column).map_or(0.0, |at| fitted.of[1][at] - fitted.of[0][at]);
            assert!((ratio - theirs).abs() <= 1e-9, "column {column}: {ratio} is not {theirs}");
        }
    }

    #[test]
    fn sparse_scores_are_linfas_on_real_text() {
        let texts = include_str!("../../tests/data/training/comments.tsv");
        let rows: Vec<_> = texts
            .lines()
            .map(|line| {
                let (label, content) = line.split_once('\t').unwrap();
                let comment = Comment::of_text(content);
                (Features::of(&comment, &Text::of(&comment)).columns, usize::from(label == "spam"))
            })
            .collect();
        check(&rows, 1.0);
        check(&rows, 0.01);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn sparse_scores_are_linfas_on_any_rows(
            ham in prop::collection::vec(prop::collection::hash_set(0_u32..400, 0..40), 1..12),
            spam in prop::collection::vec(prop::collection::hash_set(0_u32..400, 1..40), 1..12),
            alpha in 0.001_f64..5.0,
        ) {
            let row = |class| move |columns: std::collections::HashSet<u32>| (columns.into_iter().collect(), class);
            let rows: Vec<_> = ham.into_iter().map(row(0)).chain(spam.into_iter().map(row(1))).collect();
            check(&rows, alpha);
        }
    }
}
