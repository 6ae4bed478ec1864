//! What was measured of each rule, as a file: `config/rules-measured.toml`, which is compiled in.
//!
//! Owns the file's form, both ways. Does not own measuring (`rule_stats`). A rule that the file does not name, or that had
//! nothing to look at in any comment, has no data; a symbol that there is no rule of is passed over, so that the file may
//! be older or newer than the rules.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::Deserialize;

use super::rule_stats::{Count, Kinds, RuleStats};

const EMBEDDED: &str = include_str!("../../config/rules-measured.toml");

/// What was measured, and on what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Names of the dumps.
    pub on: Vec<String>,
    pub comments: Kinds,
    rules: BTreeMap<String, Line>,
}

/// `[hits, comments where it was evaluated]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    spam: [u64; 2],
    ham: [u64; 2],
}

impl Measured {
    /// What is known of the shipped rules.
    pub fn embedded() -> &'static Measured {
        static PARSED: LazyLock<Measured> = LazyLock::new(|| {
            Measured::parse(EMBEDDED).unwrap_or_else(|error| unreachable!("the compiled-in file is tested: {error}"))
        });
        &PARSED
    }

    /// # Errors
    /// A sentence, when it is no such file.
    pub fn parse(text: &str) -> Result<Measured, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.to_string())
    }

    /// How often the rule fired; `None` where nothing could be measured.
    pub fn of(&self, symbol: &str) -> Option<Count> {
        let Line { spam, ham } = self.rules.get(symbol)?;
        let count = Count { hits: Kinds { ham: ham[0], spam: spam[0] }, of: Kinds { ham: ham[1], spam: spam[1] } };
        (count.of.sum() > 0).then_some(count)
    }
}

/// The file that says this. `command` is what makes it anew.
pub fn written(stats: &[RuleStats], comments: Kinds, on: &[String], command: &str) -> String {
    let mut text = format!(
        "# How often each rule fired: [hits, comments in which it was evaluated]. Generated; do not edit. Made by\n\
         #   {command}\n\n"
    );
    let on: Vec<String> = on.iter().map(|name| format!("  {}", toml::Value::String(name.clone()))).collect();
    let _ = writeln!(text, "on = [\n{}\n]", on.join(",\n"));
    let _ = writeln!(text, "comments = {{ ham = {}, spam = {} }}\n\n[rules]", comments.ham, comments.spam);
    for RuleStats { symbol, count: Count { hits, of }, .. } in stats {
        let (spam, ham) = ([hits.spam, of.spam], [hits.ham, of.ham]);
        let _ = writeln!(text, "{symbol} = {{ spam = {spam:?}, ham = {ham:?} }}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;
    use crate::rules::RuleSet;
    use crate::training::dump::Example;
    use crate::training::rule_stats::{Probe, Stats};
    use crate::verdict::Label;

    #[test]
    fn the_shipped_table_is_read() {
        let measured = Measured::embedded();
        assert!(measured.comments.ham > 1_000 && measured.comments.spam > 1_000 && !measured.on.is_empty());
        assert!(measured.of("LINKS_MANY").is_some());
        assert_eq!(measured.of("NO_SUCH_RULE"), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let probe = Probe::of(RuleSet::shipped());
        let mut stats = Stats::default();
        let comment = Comment::of_text("look https://bit.ly/1");
        let example = Example { comment, label: Label::Spam, source: None };
        stats.add(&probe.probe(&example), example.label);
        let comments = stats.comments();
        let text = written(&stats.finish(&probe), comments, &["a \"b\".jsonl".to_owned()], "hamlet …");
        let measured = Measured::parse(&text).unwrap();
        assert_eq!(measured.on, ["a \"b\".jsonl"]);
        assert_eq!(measured.of("URL_SHORTENER").unwrap().hits, Kinds { ham: 0, spam: 1 });
        assert_eq!(measured.of("HONEYPOT_FILLED"), None, "it had nothing to look at");
        // A rule that is no more, or not yet, does no harm.
        let older = text.replace("URL_SHORTENER", "URL_OF_OLD");
        let measured = Measured::parse(&older).unwrap();
        assert_eq!((measured.of("URL_SHORTENER"), measured.of("URL_OF_OLD").is_some()), (None, true));
        assert!(Measured::parse("on = 1").is_err());
    }
}
