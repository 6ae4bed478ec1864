//! The part of the comments that training never sees, and judging it.
//!
//! Owns which comments are held out, within a bound on memory, and how a judge does on them.

use std::collections::HashSet;

use jiff::Timestamp;

use super::corpus::Group;
use super::dump::Example;
use super::evaluation::{Evaluation, Judged};
use crate::classifier::Classifier;
use crate::classifier::features::Features;
use crate::decision::Judge;
use crate::lists::Lists;
use crate::rules::RuleSet;
use crate::site::{Policy, Site, SiteId};
use crate::text::Text;
use crate::verdict::{Decision, Score};

/// Comments held out at most: enough for intervals of a third of a percent, and a bound on memory.
const MAX_COMMENTS: usize = 20_000;
const MAX_BYTES: usize = 64 << 20;

/// What is held out.
#[derive(Debug)]
pub struct HeldOut {
    share: f64,
    groups: HashSet<Group>,
    examples: Vec<Example>,
    bytes: usize,
}

impl HeldOut {
    /// Holds out about `share` of the comments, 0 to 1, near-copies together.
    pub fn new(share: f64) -> HeldOut {
        HeldOut { share, groups: HashSet::new(), examples: Vec::new(), bytes: 0 }
    }

    /// Takes the comment if it belongs here; gives it back if it may be trained on.
    ///
    /// Once full, new texts are all for training, and near-copies of what is here are dropped.
    pub fn take(&mut self, example: Example, group: Group) -> Option<Example> {
        if !group.is_held_out(self.share) {
            return Some(example);
        }
        let is_full = self.examples.len() >= MAX_COMMENTS || self.bytes >= MAX_BYTES;
        if is_full {
            return (!self.groups.contains(&group)).then_some(example);
        }
        self.groups.insert(group);
        self.bytes += example.comment.content.len();
        self.examples.push(example);
        None
    }

    /// What is held out, in the order it came.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// How rules and this classifier together do on it.
    pub fn judge(&self, classifier: Classifier) -> Evaluation {
        let examiner = Examiner::full(classifier);
        let mut evaluation = Evaluation::default();
        self.examples.iter().for_each(|example| examiner.examine(example, &mut evaluation));
        evaluation
    }
}

/// Judges examples as a site of which nothing was said would have them judged.
#[derive(Debug)]
pub enum Examiner {
    /// Rules and classifier, as they serve.
    Full(Box<Judge>, Box<Site>),
    /// The classifier alone, on hold's standard threshold.
    BayesOnly(Box<Classifier>),
}

impl Examiner {
    pub fn full(classifier: Classifier) -> Examiner {
        let site = Site {
            id: SiteId(0),
            name: "held-out".to_owned(),
            url: String::new(),
            policy: Policy::standard(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        Examiner::Full(Box::new(Judge::new(RuleSet::embedded(), classifier)), Box::new(site))
    }

    /// Judges one example and files what came of it.
    pub fn examine(&self, example: &Example, into: &mut Evaluation) {
        let comment = &example.comment;
        let (score, is_blocked) = match self {
            Examiner::Full(judge, site) => {
                let verdict = judge.judge(comment, site, &Lists::default(), Timestamp::UNIX_EPOCH);
                (verdict.score.get(), verdict.decision != Decision::Approve)
            }
            Examiner::BayesOnly(classifier) => {
                let features = Features::of(comment, &Text::of(comment));
                let logit = classifier.prior().get() + classifier.evidence(&features).get();
                let score = 1.0 / (1.0 + (-logit).exp());
                (score, Score::new(score).is_some_and(|score| score >= Policy::standard().thresholds.hold))
            }
        };
        into.add(Judged::new(score, is_blocked, example.label), comment.lang.as_deref(), example.source.as_deref());
    }
}
