//! From labelled comments to a model that is measured and promoted only when it is no worse.
//!
//! Owns reading dumps (`dump`), keeping near-copies on one side of a split (`corpus`), counting (`extraction`, `learner`),
//! fitting (`fit`, `reweight`, `calibrate`), measuring (`evaluation`, `interval`, `report`) and choosing (`held_out`,
//! `cross_fit`, `seen`, `trial`, `promotion`); and how often rules fire (`rule_stats`, `rule_measured`) and what they should weigh
//! beside the model (`rule_corpus`, `rule_fit`, `rule_trial`). Does not own how a model
//! serves (`classifier`). Training is a process of its own: it takes both cores, and linfa wants stderr to itself.
//!
//! ```text
//!   dump ─► corpus ─► extraction ─► learner ─► fit ─► reweight ─► calibrate ─► classifier::model
//!              └────► evaluation ─► promotion
//! ```

pub mod calendar;
pub mod calibrate;
pub mod corpus;
pub mod cross_fit;
pub mod dump;
pub mod evaluation;
pub mod extraction;
pub mod fit;
pub mod held_out;
pub mod interval;
pub mod languages;
pub mod learner;
pub mod promotion;
pub mod recipe;
pub mod report;
pub mod reweight;
pub mod rule_corpus;
pub mod rule_fit;
pub mod rule_measured;
pub mod rule_stats;
pub mod rule_trial;
pub mod seen;
pub mod trial;
pub mod verify;

use crate::classifier::model::ModelError;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// There is nothing to tell apart.
    #[error("{ham} ham and {spam} spam: a model needs both; add the other kind, or name its label with --label")]
    OneClass { ham: u64, spam: u64 },
    #[error("linfa could not fit: {0}")]
    Fit(String),
    #[error("the model file could not be made: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Model(#[from] ModelError),
}
