//! A rules file of fitted weights: complete, and with the reason for each on its line.

use std::fmt::Write as _;

use super::labelled::grouped;
use super::stats::percent;
use crate::rules::{Family, RuleSet, Symptom};
use crate::training::rule_trial::FittedRule;

/// The file, as `rules.file` takes it; caps are those that the weights were fitted under, and composites that do not ship as they
/// stand in `toward` come with it.
pub(super) fn written(rules: &[FittedRule], toward: &RuleSet, dumps: &[String]) -> String {
    let mut text = String::from(
        "# Weights of rules in nats, fitted by `hamlet rules fit` beside the classifier: 0.7 doubles the odds of spam, what is\n\
         # below 0 speaks for the comment, 0 turns a rule off. Each line says what the hand value was and what the rule hit.\n#\n",
    );
    let _ = writeln!(text, "# Fitted on {}.\n\n[caps]", dumps.join(", ").replace(char::is_control, " "));
    for family in Family::ALL {
        let _ = writeln!(text, "{} = {:?}", family.as_str(), toward.cap(family));
    }
    let own: Vec<_> = toward.iter().map(|weighed| weighed.rule).filter(is_own).collect();
    let of_own = |symptom: &Symptom<'_>| rules.iter().find(|rule| rule.stats.symbol == symptom.symbol);
    if !own.is_empty() {
        text.push_str("\n[composites]\n");
    }
    for (symptom, rule) in own.iter().filter_map(|symptom| Some((symptom, of_own(symptom)?))) {
        let _ = writeln!(text, "# {}", reason(rule));
        let _ = writeln!(text, "{}", composite(symptom, &number(rule)));
    }
    text.push_str("\n[weights]\n");
    for family in Family::ALL {
        let is_here = |rule: &&FittedRule| {
            rule.stats.family == family.as_str() && !own.iter().any(|symptom| symptom.symbol == rule.stats.symbol)
        };
        let of_family: Vec<_> = rules.iter().filter(is_here).collect();
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

/// Is it a composite that does not ship so?
fn is_own(symptom: &Symptom<'_>) -> bool {
    symptom.when.is_some() && !RuleSet::shipped().iter().any(|weighed| weighed.rule == *symptom)
}

fn composite(symptom: &Symptom<'_>, weight: &str) -> String {
    let [when, says] = [symptom.when.unwrap_or_default(), symptom.says].map(|text| toml::Value::from(text).to_string());
    let Symptom { symbol, family, .. } = symptom;
    format!("{symbol} = {{ when = {when}, weight = {weight}, family = \"{}\", says = {says} }}", family.as_str())
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
