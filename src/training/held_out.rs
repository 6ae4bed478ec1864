//! The part of the comments that training never sees, and judging it.
//!
//! Owns which comments of a large set are held out, within a bound on memory, and judging comments. Does not own what is
//! done with small sets (`cross_fit`).

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;

use super::corpus::Group;
use super::cross_fit::MAX_COMMENTS as MAX_SMALL;
use super::dump::Example;
use super::evaluation::{Evaluation, Judged};
use super::seen;
use crate::classifier::Classifier;
use crate::decision::Judge;
use crate::lists::Lists;
use crate::rules::RuleSet;
use crate::site::{Policy, Site, SiteId};
use crate::text::Text;
use crate::verdict::{Decision, Evidence, Score, Token};

/// Comments held out at most: enough for intervals of a third of a percent, and a bound on memory.
pub(super) const MAX_COMMENTS: usize = 20_000;
const MAX_BYTES: usize = 64 << 20;

/// What is held out.
#[derive(Debug)]
pub struct HeldOut {
    share: f64,
    /// What was written from here on is held out, and nothing else.
    since: Option<Timestamp>,
    /// Groups that were given back to be trained on, where the split is by time.
    trained: HashSet<Group>,
    groups: HashSet<Group>,
    examples: Vec<Example>,
    bytes: usize,
    /// All comments, trained on or not, while they are few; see `cross_fit`.
    all: Option<Vec<Example>>,
}

impl HeldOut {
    /// Holds out about `share` of the comments, 0 to 1, near-copies together.
    pub fn new(share: f64) -> HeldOut {
        let all = (share > 0.0).then(Vec::new);
        let (groups, trained) = (HashSet::new(), HashSet::new());
        HeldOut { share, since: None, trained, groups, examples: Vec::new(), bytes: 0, all }
    }

    /// Holds out what was written at `since` or later, as far as there is room for it; none of it is trained on.
    pub fn newer(since: Timestamp) -> HeldOut {
        HeldOut { since: Some(since), all: None, ..HeldOut::new(0.0) }
    }

    /// From when on comments are held out, where the split is by time.
    pub fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// What a model's card keeps of the split; `None` when nothing is held out.
    pub fn card(&self) -> Option<Value> {
        match self.since {
            Some(since) => Some(seen::card_of_newer(since)),
            None => (self.share > 0.0).then(|| seen::card_of_large(self.share)),
        }
    }

    /// Drops what is a near-copy of a comment that was trained on: by time, it may have come before it or after.
    pub fn settle(&mut self) {
        let trained = std::mem::take(&mut self.trained);
        if !trained.is_empty() {
            self.examples.retain(|example| !trained.contains(&Group::of(&Text::of(&example.comment))));
        }
    }

    /// Takes the comment if it belongs here; gives it back if it may be trained on.
    ///
    /// Once full, new texts are all for training, and near-copies of what is here are dropped.
    pub fn take(&mut self, example: Example, group: Group) -> Option<Example> {
        let is_small = |all: &mut Vec<Example>| {
            all.push(example.clone());
            all.len() <= MAX_SMALL
                && all.iter().map(|example| example.comment.content.len()).sum::<usize>() <= MAX_BYTES
        };
        if self.all.as_mut().is_some_and(|all| !is_small(all)) {
            self.all = None;
        }
        let is_held_out = match self.since {
            Some(since) => example.comment.submitted_at.is_some_and(|at| at >= since),
            None => group.is_held_out(self.share),
        };
        if !is_held_out {
            if self.since.is_some() {
                self.trained.insert(group);
            }
            return Some(example);
        }
        let is_full = self.examples.len() >= MAX_COMMENTS || self.bytes >= MAX_BYTES;
        if is_full && self.since.is_some() {
            return None;
        }
        if is_full {
            return (!self.groups.contains(&group)).then_some(example);
        }
        self.groups.insert(group);
        self.bytes += example.comment.content.len();
        self.examples.push(example);
        None
    }

    /// Comments do not count alike, so few of them are no small set.
    pub fn weigh(&mut self) {
        self.all = None;
    }

    /// What is held out, in the order it came.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// All comments that there were, if they are so few that they are to be cross-fitted.
    pub fn small(&self) -> Option<&[Example]> {
        self.all.as_deref().filter(|all| !all.is_empty())
    }
}

/// A site of which nothing was said.
pub fn unnamed_site() -> Site {
    Site {
        id: SiteId(0),
        name: "held-out".to_owned(),
        url: String::new(),
        policy: Policy::standard(),
        created_at: Timestamp::UNIX_EPOCH,
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

/// What came of one example.
#[derive(Clone, Debug, PartialEq)]
pub struct Examined {
    pub judged: Judged,
    /// What spoke, heaviest first.
    pub evidence: Vec<Evidence>,
    /// The words and links that told most.
    pub tokens: Vec<Token>,
}

impl Examiner {
    pub fn full(classifier: Classifier) -> Examiner {
        Examiner::Full(Box::new(Judge::new(RuleSet::embedded(), classifier)), Box::new(unnamed_site()))
    }

    /// Judges one example.
    pub fn examine(&self, example: &Example) -> Examined {
        let comment = &example.comment;
        let text = Text::of(comment);
        let group = Group::of(&text);
        match self {
            Examiner::Full(judge, site) => {
                let verdict = judge.judge(comment, site, &Lists::default(), Timestamp::UNIX_EPOCH);
                let is_blocked = verdict.decision != Decision::Approve;
                Examined {
                    judged: Judged::new(verdict.score.get(), is_blocked, example.label, group),
                    evidence: verdict.evidence,
                    tokens: verdict.tokens,
                }
            }
            Examiner::BayesOnly(classifier) => {
                let opinion = classifier.opinion(comment, &text);
                let evidence =
                    vec![Evidence::new("BAYES", opinion.weight, ""), Evidence::new("PRIOR", classifier.prior(), "")];
                let score = Score::of(&evidence);
                let judged =
                    Judged::new(score.get(), score >= Policy::standard().thresholds.hold, example.label, group);
                Examined { judged, evidence, tokens: opinion.tokens }
            }
        }
    }

    /// Judges examples and files what came of them, in their order.
    pub fn judge(&self, examples: &[Example]) -> Evaluation {
        let mut evaluation = Evaluation::default();
        for example in examples {
            let judged = self.examine(example).judged;
            evaluation.add(judged, example.comment.lang.as_deref(), example.source.as_deref());
        }
        evaluation
    }
}
