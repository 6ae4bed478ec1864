//! The messages of `config/reasons/*.ftl`, compiled in and parsed once.
//!
//! Owns the form of these files and what stands in for a message that one of them lacks. Does not own which message is
//! said when (`reason`).
//!
//! The form is the part of Project Fluent's that is needed, so that translators' tools know it: comments, and messages of one
//! line with `{ $name }` where something is put in. Fluent's plurals and dates are not needed, because counts are written
//! `× 12`: that is why its crate is not used.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use crate::language::Language;
use crate::rules::{self, Field, RuleSet};

/// A message: what stands there, and what is put in between.
type Pattern = Vec<Part>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Words(&'static str),
    Variable(&'static str),
}

/// A language's messages by their id.
type Messages = HashMap<&'static str, Pattern>;

static ENGLISH: LazyLock<Messages> = LazyLock::new(|| compiled_in("en", include_str!("../../config/reasons/en.ftl")));
static ARABIC: LazyLock<Messages> = LazyLock::new(|| compiled_in("ar", include_str!("../../config/reasons/ar.ftl")));
static GERMAN: LazyLock<Messages> = LazyLock::new(|| compiled_in("de", include_str!("../../config/reasons/de.ftl")));

fn messages(language: Language) -> &'static Messages {
    match language {
        Language::English => &ENGLISH,
        Language::Arabic => &ARABIC,
        Language::German => &GERMAN,
    }
}

fn compiled_in(language: &str, source: &'static str) -> Messages {
    read(source).unwrap_or_else(|problem| unreachable!("config/reasons/{language}.ftl is tested: {problem}"))
}

/// Reads a file; if it is not in order, says where and why.
fn read(source: &'static str) -> Result<Messages, String> {
    let mut messages = Messages::new();
    for (line, number) in source.lines().zip(1..) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| format!("line {number}: {why}");
        let (id, value) = line.split_once(" = ").ok_or_else(|| wrong("neither `id = message` nor a comment"))?;
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !id.starts_with(|c: char| c.is_ascii_alphabetic()) || !id.chars().all(is_id) {
            return Err(wrong("an id has Latin letters, digits, `_` and `-`"));
        }
        if messages.insert(id, pattern(value.trim()).ok_or_else(|| wrong("write { $name }"))?).is_some() {
            return Err(wrong("this message is there already"));
        }
    }
    Ok(messages)
}

/// `None` when a brace is not part of `{ $name }`.
fn pattern(mut value: &'static str) -> Option<Pattern> {
    let mut pattern = Pattern::new();
    while let Some((words, rest)) = value.split_once('{') {
        let (variable, rest) = rest.split_once('}')?;
        pattern.extend((!words.is_empty()).then_some(Part::Words(words)));
        pattern.push(Part::Variable(variable.trim().strip_prefix('$')?));
        value = rest;
    }
    pattern.extend((!value.is_empty()).then_some(Part::Words(value)));
    let is_closed = |part: &Part| matches!(part, Part::Words(words) if words.contains('}'));
    (!pattern.is_empty() && !pattern.iter().any(is_closed)).then_some(pattern)
}

/// The sentence, or the part of one, that `id` names; in English when `language` lacks it.
///
/// `values`: what is put in, by name. What is put in is never read as a message.
pub(super) fn sentence(language: Language, id: &str, values: &[(&'static str, &str)]) -> String {
    let Some(pattern) = messages(language).get(id).or_else(|| ENGLISH.get(id)) else { return id.to_owned() };
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
    let parts = pattern.iter().map(|part| match *part {
        Part::Words(words) => words,
        Part::Variable(name) => value(name),
    });
    parts.collect()
}

/// What `id` says, if nothing is to be put in; `None` when `language` has no such message.
pub(super) fn plain(language: Language, id: &str) -> Option<Cow<'static, str>> {
    match messages(language).get(id)?.as_slice() {
        [Part::Words(words)] => Some(Cow::Borrowed(words)),
        _ => None,
    }
}

/// The message that names a field: `field-author-email` of `author.email`.
pub(super) fn of_field(field: &str) -> String {
    format!("field-{}", field.replace('.', "-"))
}

/// Every message that there should be: those of English, of fields, of rules and of the shipped composites.
fn all() -> BTreeSet<String> {
    let frames = ENGLISH.keys().map(|id| (*id).to_owned());
    let fields = Field::ALL.into_iter().map(|field| of_field(field.as_str()));
    let symbols = RuleSet::shipped().iter().map(|weighed| weighed.rule.symbol.to_owned());
    frames.chain(fields).chain(symbols).collect()
}

/// Every message that `language` should have and has not. English has its rules' messages in the rules themselves.
pub fn missing(language: Language) -> Vec<String> {
    let has = |id: &String| {
        messages(language).contains_key(id.as_str()) || (language == Language::English && rules::says(id).is_some())
    };
    all().into_iter().filter(|id| !has(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_words_and_what_is_put_in() {
        let messages = read("# note\n\nhold = Held: { $because }.\nquoted = \"{ $words }\"\n").unwrap();
        assert_eq!(messages["hold"], [Part::Words("Held: "), Part::Variable("because"), Part::Words(".")]);
        assert_eq!(messages["quoted"], [Part::Words("\""), Part::Variable("words"), Part::Words("\"")]);
    }

    #[test]
    fn a_file_that_is_not_in_order_says_where() {
        for (source, expected) in [
            ("a = b\n\nc", "line 3: neither"),
            ("a = b\na = c", "line 2: this message is there already"),
            ("a b = c", "line 1: an id has"),
            ("a = { b }", "line 1: write { $name }"),
            ("a = { $b", "line 1: write { $name }"),
            ("a = b }", "line 1: write { $name }"),
        ] {
            assert!(read(source).unwrap_err().starts_with(expected), "{source}");
        }
    }

    #[test]
    fn no_message_is_left_over() {
        let all = all();
        for language in Language::ALL {
            let over: Vec<&&str> = messages(language).keys().filter(|id| !all.contains(**id)).collect();
            assert!(over.is_empty(), "config/reasons/{language}.ftl: nothing says {over:?}");
        }
    }

    #[test]
    fn the_same_is_put_in_whatever_the_language() {
        let variables = |pattern: &Pattern| {
            let mut names: Vec<&str> = pattern
                .iter()
                .filter_map(|part| match part {
                    Part::Variable(name) => Some(*name),
                    Part::Words(_) => None,
                })
                .collect();
            names.sort_unstable();
            names
        };
        for (id, english) in ENGLISH.iter() {
            for other in [&ARABIC, &GERMAN] {
                let Some(pattern) = other.get(id) else { continue };
                assert_eq!(variables(pattern), variables(english), "{id}");
            }
        }
    }
}
