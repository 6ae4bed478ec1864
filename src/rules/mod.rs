//! Heuristic rules: each a sentence about one symptom. Detection in code, weights in `config/rules.toml`.

use crate::comment::Comment;
use crate::site::Site;
use crate::text::Text;
use crate::verdict::Evidence;

/// All that a rule may look at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub comment: &'a Comment,
    pub text: &'a Text,
    pub site: &'a Site,
}

/// The rules with the weights that this daemon gives them.
#[derive(Clone, Debug)]
pub struct RuleSet {
    version: String,
}

impl RuleSet {
    /// The weights of `config/rules.toml` as compiled in.
    pub fn embedded() -> RuleSet {
        RuleSet { version: "1".to_owned() }
    }

    /// Tells one set of rules and weights from another; kept in each verdict.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the rule says, as a part of a sentence.
    pub fn says(&self, _symbol: &str) -> Option<&'static str> {
        None
    }

    /// The rules that fired, with their weights, in the order of the list.
    pub fn fired(&self, _case: &Case<'_>) -> Vec<Evidence> {
        Vec::new()
    }
}
