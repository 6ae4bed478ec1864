//! What the words in a label column mean.

use std::collections::HashMap;
use std::str::FromStr as _;

use crate::verdict::Label;

/// What is done with a record of some label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Is(Label),
    /// Passed over: neither learned from nor counted as bad.
    Skip,
}

/// From the words of a dump to labels; the usual words are known, others are named by whoever brings the dump.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelMap {
    /// What was named; goes before the usual meaning.
    named: HashMap<String, Meaning>,
}

impl LabelMap {
    /// The usual words and these besides, each `WORD=ham`, `WORD=spam` or `WORD=skip`.
    ///
    /// # Errors
    /// A sentence that names the pair which is none.
    pub fn with<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Result<LabelMap, String> {
        let mut map = LabelMap::default();
        for pair in pairs {
            let usage = || format!("`{pair}` is no meaning of a label; write WORD=ham, WORD=spam or WORD=skip");
            let (word, meaning) = pair.rsplit_once('=').ok_or_else(usage)?;
            let meaning = match meaning {
                "skip" => Meaning::Skip,
                label => Meaning::Is(Label::from_str(label).map_err(|_| usage())?),
            };
            map.named.insert(word.trim().to_lowercase(), meaning);
        }
        Ok(map)
    }

    /// What `word` means: `spam`, `1`, `true`, `yes` are spam; `ham`, `0`, `false`, `no`, `not spam`, `not_spam` are ham.
    ///
    /// # Errors
    /// A sentence with the mend when nobody said it.
    pub fn meaning(&self, word: &str) -> Result<Meaning, String> {
        // Most words need no folding, and a dump has one a record.
        match word {
            _ if !self.named.is_empty() => {}
            "spam" => return Ok(Meaning::Is(Label::Spam)),
            "ham" => return Ok(Meaning::Is(Label::Ham)),
            _ => {}
        }
        let word = word.trim().to_lowercase();
        let usual = || match word.as_str() {
            "spam" | "1" | "1.0" | "true" | "yes" => Some(Meaning::Is(Label::Spam)),
            "ham" | "0" | "0.0" | "false" | "no" | "not spam" | "not_spam" => Some(Meaning::Is(Label::Ham)),
            _ => None,
        };
        self.named.get(&word).copied().or_else(usual).ok_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            format!("the label `{shown}` is not known; say what it means, such as --label '{shown}=ham'")
        })
    }

    /// What was said that `word` means, where the usual words mean something else.
    pub(super) fn named(&self, word: &str) -> Option<Meaning> {
        if self.named.is_empty() { None } else { self.named.get(&word.trim().to_lowercase()).copied() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[&str], word: &str, expected: Result<Meaning, &str>) {
        match (LabelMap::with(pairs.iter().copied()).and_then(|map| map.meaning(word)), expected) {
            (Ok(meaning), Ok(wanted)) => assert_eq!(meaning, wanted),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (got, _) => panic!("{word}: {got:?}"),
        }
    }

    #[test]
    fn labels_mean_what_was_said() {
        check(&[], " Spam", Ok(Meaning::Is(Label::Spam)));
        check(&[], "0", Ok(Meaning::Is(Label::Ham)));
        check(&[], "toxic", Err("--label 'toxic=ham'"));
        check(&["toxic=skip", "ok=ham"], "TOXIC", Ok(Meaning::Skip));
        check(&["1=ham"], "1", Ok(Meaning::Is(Label::Ham)));
        check(&["ok=fine"], "ok", Err("write WORD=ham"));
        check(&["ok"], "ok", Err("write WORD=ham"));
    }
}
