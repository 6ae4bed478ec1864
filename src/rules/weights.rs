//! Reading `config/rules.toml`: a weight for each symbol, a cap for each family.
//!
//! Owns the file's form and its errors. Does not own where the file lies (`config`).

use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::{Family, RULES, RULES_VERSION, Rule, RuleSet};

/// The weights as shipped, which are also the manual.
const EMBEDDED: &str = include_str!("../../config/rules.toml");

/// The farthest that a single weight may reach, nats.
const MAX_WEIGHT: f64 = 20.0;

/// One rule and what it weighs.
#[derive(Clone, Copy, Debug)]
pub struct Weighed {
    pub rule: &'static Rule,
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
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl RuleSet {
    /// The weights of `config/rules.toml` as compiled in.
    pub fn embedded() -> RuleSet {
        static PARSED: LazyLock<RuleSet> = LazyLock::new(|| {
            let empty =
                RuleSet { weights: vec![0.0; RULES.len()], caps: [0.0; Family::ALL.len()], version: String::new() };
            empty
                .overlaid(EMBEDDED, "config/rules.toml")
                .unwrap_or_else(|error| unreachable!("the compiled-in file is tested: {error}"))
        });
        PARSED.clone()
    }

    /// Reads an operator's file, named `file` in errors; what it does not mention keeps its shipped value.
    ///
    /// # Errors
    /// [`RulesError`] for anything but TOML with the tables `[weights]` and `[caps]`, known symbols and families, weights
    /// within ±20 and caps from 0 to 20.
    pub fn parse(text: &str, file: &str) -> Result<RuleSet, RulesError> {
        RuleSet::embedded().overlaid(text, file)
    }

    fn overlaid(mut self, text: &str, file: &str) -> Result<RuleSet, RulesError> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
            let place = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            RulesError::Syntax { file: file.to_owned(), message: format!("{place}{}", error.message().trim()) }
        })?;
        for (section, entries) in &table {
            let what = match section.as_str() {
                "weights" => "weight",
                "caps" => "cap",
                _ => return Err(unknown(file, "table", section, ["weights", "caps"].into_iter())),
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
                    place.and_then(|place| self.weights.get_mut(place))
                };
                match slot {
                    Some(slot) => *slot = number,
                    None if what == "cap" => {
                        return Err(unknown(file, "family", name, Family::ALL.into_iter().map(Family::as_str)));
                    }
                    None => return Err(unknown(file, "symbol", name, RULES.iter().map(|rule| rule.symbol))),
                }
            }
        }
        self.version = self.fingerprint();
        Ok(self)
    }

    /// The version of the detection and a hash of the weights: two daemons that judge alike show the same.
    fn fingerprint(&self) -> String {
        let mut bytes = Vec::new();
        for (rule, weight) in RULES.iter().zip(&self.weights) {
            bytes.extend_from_slice(rule.symbol.as_bytes());
            bytes.extend_from_slice(&weight.to_le_bytes());
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
    fn the_place_of_a_family_is_its_place_in_the_list() {
        for (place, family) in Family::ALL.into_iter().enumerate() {
            assert_eq!(family as usize, place);
        }
    }
}
