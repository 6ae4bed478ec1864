//! The decision: from evidence to an act.
//!
//! Owns adding evidence up to a score, and comparing that score with a site's thresholds; no other module compares a
//! score with anything. Does not own where evidence comes from (`rules`, `classifier`) nor what happens next
//! (`pipeline`, `store`).

use jiff::Timestamp;

use crate::classifier::Classifier;
use crate::comment::Comment;
use crate::rules::{Case, RuleSet};
use crate::site::Site;
use crate::text::Text;
use crate::verdict::{Decision, Evidence, Score, Thresholds, Verdict};

/// Rules and classifier together: everything a verdict depends on besides the comment and its site.
#[derive(Debug)]
pub struct Judge {
    rules: RuleSet,
    classifier: Classifier,
}

impl Judge {
    pub fn new(rules: RuleSet, classifier: Classifier) -> Judge {
        Judge { rules, classifier }
    }

    /// Names the model that judges.
    pub fn model(&self) -> &str {
        self.classifier.id()
    }

    /// The verdict on one comment. Any bytes get one: judging has no error case.
    pub fn judge(&self, comment: &Comment, site: &Site, now: Timestamp) -> Verdict {
        let text = Text::of(comment);
        let case = Case { comment, text: &text, site };
        let opinion = self.classifier.opinion(comment, &text);
        let mut evidence = self.rules.fired(&case);
        evidence.push(Evidence::new("PRIOR", self.classifier.prior(), ""));
        evidence.push(Evidence::new("BAYES", opinion.weight, ""));
        let score = Score::of(&evidence);
        let thresholds = site.policy.thresholds;
        Verdict {
            decision: decide(score, &thresholds),
            score,
            evidence,
            tokens: opinion.tokens,
            thresholds,
            reason: String::new(),
            model: self.classifier.id().to_owned(),
            rules: self.rules.version().to_owned(),
            decided_at: now,
            micros: 0,
        }
    }
}

/// A threshold belongs to the harsher side.
fn decide(score: Score, thresholds: &Thresholds) -> Decision {
    if thresholds.discard.is_some_and(|discard| score >= discard) {
        Decision::Discard
    } else if score >= thresholds.spam {
        Decision::Spam
    } else if score >= thresholds.hold {
        Decision::Hold
    } else {
        Decision::Approve
    }
}
