//! Whether a model file is what it says, and serves.
//!
//! Owns the checks beyond reading the file: the numbers it serves are those that linfa trains from its counts, and it has
//! a sane word on comments that everyone knows. Does not own the format (`classifier::model`).

use super::fit;
use crate::classifier::Classifier;
use crate::classifier::features::Features;
use crate::classifier::model::{self, Model, ModelError};
use crate::comment::Comment;
use crate::text::Text;

/// What is wrong with a model.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    #[error(transparent)]
    File(#[from] ModelError),
    #[error("these are the bytes of model {0}")]
    OtherModel(String),
    #[error("linfa trains other numbers from its counts ({0})")]
    OtherNumbers(String),
    #[error("its word on `{comment}` is {said} nats, which is no evidence")]
    Verdict { comment: &'static str, said: f64 },
}

/// Comments to be judged: in scripts and sizes that a model meets every day.
const CANARIES: [&str; 5] = [
    "Thank you for this article, the second part explains it well.",
    "شكرا على المقال، لكن الأرقام في الجدول الثاني تبدو غير صحيحة",
    "Buy cheap pills now http://pills.example/buy",
    "昨天的节目很好看",
    "",
];

/// Looks at a model file; `id` is the name that the store keeps it under.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(bytes: &[u8], id: Option<&str>) -> Result<(), Unsound> {
    let model = Model::from_bytes(bytes)?;
    let own = model::id(bytes);
    if id.is_some_and(|id| id != own) {
        return Err(Unsound::OtherModel(own));
    }
    agrees_with_linfa(&model)?;
    let classifier = Classifier::new(own, model);
    for comment in CANARIES {
        let read = Comment::of_text(comment);
        let text = Text::of(&read);
        let said = classifier.evidence(&Features::of(&read, &text), &text).get() + classifier.prior().get();
        // The bound on evidence, and as much again for the prior.
        if !said.is_finite() || said.abs() > 2.0 * crate::classifier::calibration::MAX_EVIDENCE {
            return Err(Unsound::Verdict { comment, said });
        }
    }
    Ok(())
}

/// The joint log-likelihood that is served, of each canary, is linfa's own, term by term.
fn agrees_with_linfa(model: &Model) -> Result<(), Unsound> {
    let trained = fit::fit(&model.counts, model.alpha).map_err(|error| Unsound::OtherNumbers(error.to_string()))?;
    let rows = model.rows[0] + model.rows[1];
    for comment in CANARIES {
        let read = Comment::of_text(comment);
        let columns = Features::of(&read, &Text::of(&read)).columns;
        let served = model.joint_log_likelihood(&columns);
        for (class, (likelihoods, served)) in trained.of.iter().zip(served).enumerate() {
            let prior = (model.rows.get(class).copied().unwrap_or(f64::NAN) / rows).ln();
            let known = columns.iter().filter_map(|&column| trained.columns.binary_search(&(column as usize)).ok());
            let theirs = prior + known.filter_map(|at| likelihoods.get(at)).sum::<f64>();
            let gap = (theirs - served).abs();
            if gap.is_nan() || gap > 1e-9 * theirs.abs().max(1.0) {
                return Err(Unsound::OtherNumbers(format!("{theirs} where {served} is served")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_model_is_sound_and_a_changed_one_is_named() {
        let bytes = Classifier::shipped_bytes();
        verify(bytes, Some(&model::id(bytes))).unwrap();
        let says = |result: Result<(), Unsound>| result.unwrap_err().to_string();
        assert!(says(verify(bytes, Some("0123456789ab"))).starts_with("these are the bytes of model"));
        let mut changed = bytes.to_vec();
        changed[7_000] ^= 4;
        assert!(says(verify(&changed, None)).contains("its checksum does not fit"));
        let mut old = bytes.to_vec();
        old[8] = 0;
        assert!(says(verify(&old, None)).contains("has format 0, and this program reads format"));

        // Well written, but of numbers that no counts give.
        let mut model = Model::from_bytes(bytes).unwrap();
        model.calibration.prior = 1e5;
        assert!(says(verify(&model.to_bytes().unwrap(), None)).contains("which is no evidence"));
    }
}
