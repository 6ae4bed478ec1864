//! Reading `config/rules.toml`: a weight for each symbol, a cap for each family, and the composites.
//!
//! Owns the file's form and its errors. Does not own where the file lies (`config`) nor what an expression means
//! (`composites`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize as _;
use xxhash_rust::xxh3::xxh3_64;

use super::composites::{self, Composite, Leaf, Line};
use super::{Family, Fields, RULES, RULES_VERSION, Rule, RuleSet};

/// The weights as shipped, which are also the manual.
const EMBEDDED: &str = include_str!("../../config/rules.toml");

/// The farthest that a single weight may reach, nats.
pub(super) const MAX_WEIGHT: f64 = 20.0;

/// A rule or a composite, for showing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symptom<'a> {
    pub symbol: &'a str,
    pub family: Family,
    /// Finishes the sentence "because of …".
    pub says: &'a str,
    /// The expression of a composite.
    pub when: Option<&'a str>,
}

impl From<&'static Rule> for Symptom<'static> {
    fn from(rule: &'static Rule) -> Self {
        Symptom { symbol: rule.symbol, family: rule.family, says: rule.says, when: None }
    }
}

impl<'a> From<&'a Composite> for Symptom<'a> {
    fn from(it: &'a Composite) -> Self {
        Symptom { symbol: &it.symbol, family: it.family, says: &it.says, when: Some(&it.when) }
    }
}

/// One symptom and what it weighs.
#[derive(Clone, Copy, Debug)]
pub struct Weighed<'a> {
    pub rule: Symptom<'a>,
    /// Nats; what negative weights say speaks for the comment.
    pub weight: f64,
}

/// Why a rules file was refused: the file, the thing, the mend.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("{file}: {message}")]
    Syntax { file: String, message: String },
    #[error("{file}: unknown {what} `{name}`{}", hint(.nearest.as_deref()))]
    Unknown { file: String, what: &'static str, name: String, nearest: Option<String> },
    #[error("{file}: the {what} of `{name}` is {value}; write a number within {range}")]
    Value { file: String, what: &'static str, name: String, value: String, range: &'static str },
    #[error("{file}: the composite `{name}`: {message}")]
    Composite { file: String, name: String, message: String },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl RuleSet {
    /// The weights of `config/rules.toml` as compiled in.
    pub fn embedded() -> RuleSet {
        RuleSet::shipped().clone()
    }

    /// The same, not one's own.
    pub fn shipped() -> &'static RuleSet {
        static PARSED: LazyLock<RuleSet> = LazyLock::new(|| {
            let empty = RuleSet {
                weights: vec![0.0; RULES.len()],
                composites: Vec::new(),
                lines: BTreeMap::new(),
                asked: vec![false; RULES.len()],
                needed: Fields::default(),
                caps: [0.0; Family::ALL.len()],
                version: String::new(),
            };
            empty
                .overlaid(EMBEDDED, "config/rules.toml")
                .unwrap_or_else(|error| unreachable!("the compiled-in file is tested: {error}"))
        });
        &PARSED
    }

    /// Reads an operator's file, named `file` in errors; what it does not mention keeps its shipped value.
    ///
    /// # Errors
    /// [`RulesError`] for anything but TOML with the tables `[weights]`, `[caps]` and `[composites]`, known symbols and
    /// families, weights within ±20, caps from 0 to 20, and composites that are complete and do not need themselves.
    pub fn parse(text: &str, file: &str) -> Result<RuleSet, RulesError> {
        RuleSet::embedded().overlaid(text, file)
    }

    /// The same rules and composites, each with this weight and each family with this cap, nats: for finding what fires whatever it
    /// weighs.
    pub fn weighing_alike(&self, weight: f64, cap: f64) -> RuleSet {
        let mut alike = self.clone();
        alike.weights.fill(weight);
        alike.composites.iter_mut().for_each(|composite| composite.weight = weight);
        alike.caps.fill(cap);
        alike.note_what_is_asked();
        alike.version = alike.fingerprint();
        alike
    }

    fn overlaid(mut self, text: &str, file: &str) -> Result<RuleSet, RulesError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            RulesError::Syntax { file: file.to_owned(), message: format!("{place}{}", error.message().trim()) }
        })?;
        if let Some(entries) = table.get("composites") {
            self.change_composites(entries, file)?;
        }
        for (section, entries) in &table {
            let what = match section.as_str() {
                "weights" => "weight",
                "caps" => "cap",
                "composites" => continue,
                _ => return Err(unknown(file, "table", section, ["weights", "caps", "composites"].into_iter())),
            };
            let Some(entries) = entries.as_table() else {
                let message = format!("`{section}` is a table; write [{section}] and a line for each {what}");
                return Err(RulesError::Syntax { file: file.to_owned(), message });
            };
            for (name, value) in entries {
                let range = if what == "cap" { 0.0..=MAX_WEIGHT } else { -MAX_WEIGHT..=MAX_WEIGHT };
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a whole number of nats is small, or refused just below"
                )]
                let number = value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64));
                let Some(number) = number.filter(|number| range.contains(number)) else {
                    let range = if what == "cap" { "0 to 20 nats" } else { "±20 nats" };
                    let value = value.to_string();
                    return Err(RulesError::Value { file: file.to_owned(), what, name: name.clone(), value, range });
                };
                let slot = if what == "cap" {
                    let place = Family::ALL.iter().position(|family| family.as_str() == name);
                    place.and_then(|place| self.caps.get_mut(place))
                } else {
                    let place = RULES.iter().position(|rule| rule.symbol == name);
                    let composite = self.composites.iter_mut().find(|composite| composite.symbol == *name);
                    let of_composite = composite.map(|composite| &mut composite.weight);
                    place.and_then(|place| self.weights.get_mut(place)).or(of_composite)
                };
                match slot {
                    Some(slot) => *slot = number,
                    None if what == "cap" => {
                        return Err(unknown(file, "family", name, Family::ALL.into_iter().map(Family::as_str)));
                    }
                    None => {
                        let composites = self.composites.iter().map(|composite| composite.symbol.as_str());
                        let known = RULES.iter().map(|rule| rule.symbol).chain(composites);
                        return Err(unknown(file, "symbol", name, known));
                    }
                }
            }
        }
        self.note_what_is_asked();
        self.version = self.fingerprint();
        Ok(self)
    }

    /// Adds the composites of a file; of one that is there already, a line changes what it mentions.
    fn change_composites(&mut self, entries: &toml::Value, file: &str) -> Result<(), RulesError> {
        let Some(entries) = entries.as_table() else {
            let message = "`composites` is a table; write [composites] and a line for each composite".to_owned();
            return Err(RulesError::Syntax { file: file.to_owned(), message });
        };
        let refused = |(name, message)| RulesError::Composite { file: file.to_owned(), name, message };
        for (name, entry) in entries {
            let new = Line::deserialize(entry.clone()).map_err(|error| {
                let message = error.message().lines().next().unwrap_or_default();
                let mend = "write { when = \"…\", weight = …, family = \"…\", says = \"…\" }";
                refused((name.clone(), format!("{message}; {mend}")))
            })?;
            let line = self.lines.entry(name.clone()).or_default();
            line.when = new.when.or(line.when.take());
            line.weight = new.weight.or(line.weight);
            line.family = new.family.or(line.family.take());
            line.says = new.says.or(line.says.take());
        }
        self.composites = composites::read(&self.lines).map_err(refused)?;
        Ok(())
    }

    /// Which rules are asked, and what those with a weight look at. A rule that weighs nothing is asked all the same when a composite
    /// needs it.
    fn note_what_is_asked(&mut self) {
        let mut asked = vec![false; RULES.len()];
        // A composite stands after those that it names, so that from the end each is seen before what it needs.
        let mut needed = vec![false; self.composites.len()];
        for (place, composite) in self.composites.iter().enumerate().rev() {
            if composite.weight == 0.0 && !needed.get(place).copied().unwrap_or_default() {
                continue;
            }
            composite.expression.operands(&mut |operand| {
                let slot = match operand {
                    Leaf::Rule(place) => asked.get_mut(place),
                    Leaf::Composite(place) => needed.get_mut(place),
                    Leaf::Condition(_) => None,
                };
                if let Some(slot) = slot {
                    *slot = true;
                }
            });
        }
        self.asked = asked;
        let weighed = RULES.iter().zip(&self.weights).filter(|(_, weight)| **weight != 0.0);
        self.needed = Fields::of(weighed.flat_map(|(rule, _)| rule.needs.iter().copied()));
    }

    /// The version of the detection and a hash of the weights: two daemons that judge alike show the same.
    fn fingerprint(&self) -> String {
        let mut bytes = Vec::new();
        for (rule, weight) in RULES.iter().zip(&self.weights) {
            bytes.extend_from_slice(rule.symbol.as_bytes());
            bytes.extend_from_slice(&weight.to_le_bytes());
        }
        for composite in &self.composites {
            for part in [&composite.symbol, &composite.when, composite.family.as_str()] {
                bytes.extend_from_slice(part.as_bytes());
                bytes.push(0);
            }
            bytes.extend_from_slice(&composite.weight.to_le_bytes());
        }
        self.caps.iter().for_each(|cap| bytes.extend_from_slice(&cap.to_le_bytes()));
        let hash = format!("{:016x}", xxh3_64(&bytes));
        format!("{RULES_VERSION}-{}", hash.get(..8).unwrap_or(&hash))
    }
}

fn unknown<'a>(file: &str, what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> RulesError {
    let upper = name.to_uppercase();
    let distance = |candidate: &&str| strsim::levenshtein(&upper, &candidate.to_uppercase());
    let nearest = known.min_by_key(distance).filter(|nearest| distance(nearest) <= nearest.len().max(6) / 2);
    RulesError::Unknown { file: file.to_owned(), what, name: name.to_owned(), nearest: nearest.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        let error = RuleSet::parse(text, "my.toml").expect_err("refused").to_string();
        assert_eq!(error, expected);
    }

    #[test]
    fn an_error_names_file_thing_and_mend() {
        refuses("[weights]\nURL_SHORTNER = 1", "my.toml: unknown symbol `URL_SHORTNER`; did you mean `URL_SHORTENER`?");
        refuses(
            "[weights]\nqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq = 1",
            "my.toml: unknown symbol `qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq`",
        );
        refuses("[caps]\nlink = 1", "my.toml: unknown family `link`; did you mean `links`?");
        refuses("[weight]\n", "my.toml: unknown table `weight`; did you mean `weights`?");
        refuses("weights = 3", "my.toml: `weights` is a table; write [weights] and a line for each weight");
        refuses(
            "[weights]\nURL_SHORTENER = 21.0",
            "my.toml: the weight of `URL_SHORTENER` is 21.0; write a number within ±20 nats",
        );
        refuses(
            "[weights]\nURL_SHORTENER = nan",
            "my.toml: the weight of `URL_SHORTENER` is nan; write a number within ±20 nats",
        );
        refuses(
            "[weights]\nURL_SHORTENER = \"1\"",
            "my.toml: the weight of `URL_SHORTENER` is \"1\"; write a number within ±20 nats",
        );
        refuses("[caps]\nlinks = -1", "my.toml: the cap of `links` is -1; write a number within 0 to 20 nats");
        let broken = RuleSet::parse("[weights]\n\nURL_SHORTENER = = 1", "my.toml").expect_err("refused").to_string();
        assert!(broken.starts_with("my.toml: line 3: "), "{broken}");
    }

    #[test]
    fn what_a_file_does_not_mention_stays() {
        let shipped = RuleSet::embedded();
        assert_eq!(RuleSet::parse("", "my.toml").expect("empty").version(), shipped.version());
        let changed = RuleSet::parse("[weights]\nURL_SHORTENER = 2\n[caps]\nlinks = 1.5", "my.toml").expect("good");
        assert_ne!(changed.version(), shipped.version());
        assert!((changed.cap(Family::Links) - 1.5).abs() < 1e-12);
        for (new, old) in changed.iter().zip(shipped.iter()) {
            let expected = if new.rule.symbol == "URL_SHORTENER" { 2.0 } else { old.weight };
            assert!((new.weight - expected).abs() < 1e-12, "{}", new.rule.symbol);
        }
    }

    #[test]
    fn an_operator_adds_and_changes_composites() {
        let mine =
            "[composites]\nMINE = { when = \"LINK & UA_BOT\", weight = 2, family = \"traps\", says = \"robots\" }\n";
        let rules = RuleSet::parse(mine, "my.toml").expect("good");
        assert_eq!(rules.says("MINE"), Some("robots"));
        assert_ne!(rules.version(), RuleSet::embedded().version());
        let weight = |rules: &RuleSet, symbol: &str| {
            rules.iter().find(|weighed| weighed.rule.symbol == symbol).expect("known").weight
        };
        assert!((weight(&rules, "MINE") - 2.0).abs() < 1e-12);
        let halved = "[composites]\nPRAISE_PLUS_LINK = { weight = 0.75 }\n[weights]\nMESSENGER_CALL = 0";
        let rules = RuleSet::parse(halved, "my.toml").expect("good");
        assert!((weight(&rules, "PRAISE_PLUS_LINK") - 0.75).abs() < 1e-12);
        assert!(weight(&rules, "MESSENGER_CALL").abs() < 1e-12);
        assert_eq!(rules.says("PRAISE_PLUS_LINK"), RuleSet::embedded().says("PRAISE_PLUS_LINK"));
        refuses(
            "[composites]\nMINE = { weight = 1 }",
            "my.toml: the composite `MINE`: it has no `when`; write when = …",
        );
        refuses("composites = 1", "my.toml: `composites` is a table; write [composites] and a line for each composite");
        let wrong =
            RuleSet::parse("[composites]\nMINE = { wen = \"LINK\" }", "my.toml").expect_err("refused").to_string();
        assert!(wrong.starts_with("my.toml: the composite `MINE`: unknown field `wen`"), "{wrong}");
    }

    /// Turning a rule off silences it, not the composites that ask for it.
    #[test]
    fn a_silenced_rule_is_still_asked() {
        let rules = RuleSet::parse("[weights]\nEMAIL_DISPOSABLE = 0", "my.toml").expect("good");
        let place = |symbol: &str| RULES.iter().position(|rule| rule.symbol == symbol).expect("known");
        assert!(rules.asked[place("EMAIL_DISPOSABLE")]);
        assert!(!rules.asked[place("ZALGO_COMBINING")]);
    }

    #[test]
    fn the_place_of_a_family_is_its_place_in_the_list() {
        for (place, family) in Family::ALL.into_iter().enumerate() {
            assert_eq!(family as usize, place);
        }
    }
}
