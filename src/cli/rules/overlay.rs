//! A rules file of fitted weights: complete, and with the reason for each on its line.

use std::fmt::Write as _;

use super::labelled::grouped;
use super::stats::percent;
use crate::rules::{Family, RuleSet};
use crate::training::rule_trial::FittedRule;

/// The file, as `rules.file` takes it; caps are those that the weights were fitted under.
pub(super) fn written(rules: &[FittedRule], toward: &RuleSet, dumps: &[String]) -> String {
    let mut text = String::from(
        "# Weights of rules in nats, fitted by `hamlet rules fit` beside the classifier: 0.7 doubles the odds of spam, what is\n\
         # below 0 speaks for the comment, 0 turns a rule off. Each line says what the hand value was and what the rule hit.\n#\n",
    );
    let _ = writeln!(text, "# Fitted on {}.\n\n[caps]", dumps.join(", ").replace(char::is_control, " "));
    for family in Family::ALL {
        let _ = writeln!(text, "{} = {:?}", family.as_str(), toward.cap(family));
    }
    text.push_str("\n[weights]\n");
    for family in Family::ALL {
        let of_family: Vec<_> = rules.iter().filter(|rule| rule.stats.family == family.as_str()).collect();
        if !of_family.is_empty() {
            let _ = writeln!(text, "# -- {}", family.as_str());
        }
        for rule in of_family {
            let weight = format!("{} = {}", rule.stats.symbol, number(rule));
            let _ = writeln!(text, "{weight:<32} # {}", reason(rule));
        }
    }
    text
}

/// Fitted weights have two digits; a hand value stays as it was written.
fn number(rule: &FittedRule) -> String {
    if rule.is_kept { format!("{:?}", rule.weight) } else { format!("{:.2}", rule.weight) }
}

fn reason(rule: &FittedRule) -> String {
    let stats = &rule.stats;
    let (hits, of) = (stats.count.hits, stats.count.of);
    if of.sum() == 0 {
        return "hand value; no data: nothing in these comments that it could look at".to_owned();
    }
    let hit = format!(
        "hit {} of {} spam, {} of {} ham; precision {} %",
        grouped(hits.spam),
        grouped(of.spam),
        grouped(hits.ham),
        grouped(of.ham),
        percent(stats.precision, 1)
    );
    match rule.is_kept {
        true if rule.hand == 0.0 => format!("off; {hit}"),
        true => format!("hand value, too few hits; {hit}"),
        false => format!("hand {:?}; {hit}", rule.hand),
    }
}
