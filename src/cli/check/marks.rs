//! The parts of a text that counted, found again in what a reader sees.
//!
//! Owns the way from what evidence names (a word, a host, a phrase, folded as matching folds) back to the bytes that a
//! person wrote. Linear in the text.

use std::collections::HashMap;
use std::ops::Range;

use crate::rules::RULES;
use crate::text::{Text, joins_words, normalize, words_of};
use crate::verdict::Verdict;

/// Parts looked for at most, and words of each.
const MAX_PARTS: usize = 64;
const MAX_WORDS: usize = 12;

/// A part of the text, and which side it counted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub bytes: Range<usize>,
    pub is_spam: bool,
}

/// The marks in `text.visible()`, in order, none overlapping another.
pub(super) fn find(text: &Text, verdict: &Verdict) -> Vec<Mark> {
    let visible = text.visible();
    let words = words(visible);
    let mut marked: Vec<Option<(usize, bool)>> = vec![None; words.len()];
    let mut matches = 0;
    // What rules name goes first: it is what the reason speaks of.
    for parts in [named(text, verdict), tokens(verdict)] {
        let mut by_first: HashMap<&str, Vec<&Part>> = HashMap::new();
        for part in &parts {
            by_first.entry(part.words.first().map_or("", String::as_str)).or_default().push(part);
        }
        for (at, word) in words.iter().enumerate() {
            let here = by_first.get(word.normal.as_str()).into_iter().flatten();
            let is_here = |part: &&&Part| {
                words.iter().skip(at).map(|word| &word.normal).take(part.words.len()).eq(part.words.iter())
            };
            let Some(part) = here.filter(is_here).max_by_key(|part| part.words.len()) else { continue };
            mark(&mut marked, at..at + part.words.len(), &mut matches, part.is_spam);
        }
        spaced_out(&words, &parts, &mut marked, &mut matches);
    }
    let mut marks: Vec<(usize, Mark)> = Vec::new();
    for (word, number) in words.iter().zip(marked) {
        let Some((number, is_spam)) = number else { continue };
        match marks.last_mut() {
            Some((last, mark)) if *last == number => mark.bytes.end = mark.bytes.end.max(word.bytes.end),
            Some((_, mark)) if word.bytes.start < mark.bytes.end => {}
            _ => marks.push((number, Mark { bytes: word.bytes.clone(), is_spam })),
        }
    }
    marks.into_iter().map(|(_, mark)| mark).collect()
}

fn mark(marked: &mut [Option<(usize, bool)>], words: Range<usize>, matches: &mut usize, is_spam: bool) {
    let Some(places) = marked.get_mut(words) else { return };
    if places.iter().all(Option::is_none) {
        *matches += 1;
        places.fill(Some((*matches, is_spam)));
    }
}

/// `c a s i n o` for `casino`: runs of single letters that spell a word.
fn spaced_out(words: &[Word], parts: &[Part], marked: &mut [Option<(usize, bool)>], matches: &mut usize) {
    let is_letter = |word: &Word| word.normal.chars().nth(1).is_none() && word.normal.starts_with(joins_words);
    let mut start = 0;
    for run in words.chunk_by(|a, b| is_letter(a) && is_letter(b)) {
        if run.len() >= 3 {
            let spelled: String = run.iter().map(|word| word.normal.as_str()).collect();
            for part in parts {
                let word = part.words.concat();
                let Some(at) = spelled.find(&word) else { continue };
                let first = start + spelled.get(..at).unwrap_or_default().chars().count();
                mark(marked, first..first + word.chars().count(), matches, part.is_spam);
            }
        }
        start += run.len();
    }
}

/// What is looked for: words as matching folds them.
struct Part {
    words: Vec<String>,
    is_spam: bool,
}

impl Part {
    fn of(text: &str, is_spam: bool) -> Option<Part> {
        let mut words = words_of(text);
        words.truncate(MAX_WORDS);
        (!words.is_empty()).then_some(Part { words, is_spam })
    }
}

/// What the notes of evidence on the text name.
fn named(text: &Text, verdict: &Verdict) -> Vec<Part> {
    let mut parts = Vec::new();
    for piece in &verdict.evidence {
        let is_spam = piece.weight.get() > 0.0;
        let note = piece.note.trim_end_matches('…');
        let found = match piece.symbol.as_ref() {
            "ALLOW_LIST" | "BLOCK_LIST" => {
                let entry = note.strip_prefix("phrase:").or_else(|| note.strip_prefix("domain:")).unwrap_or_default();
                entry.split(" (").next().unwrap_or_default()
            }
            // What looked at a field found nothing in the text.
            symbol if RULES.iter().any(|rule| rule.symbol == symbol && rule.needs.is_empty()) => note,
            _ => continue,
        };
        if found.is_empty() || found.starts_with("× ") {
            continue;
        }
        let found = found.split(" → ").next().unwrap_or_default();
        parts.extend(Part::of(found, is_spam));
        // `best-casino.example: casino`
        parts.extend(found.split_once(": ").and_then(|(host, _)| Part::of(host, is_spam)));
        // Of a link in markup a reader sees its text.
        let leads_there =
            |host: &str| host.strip_suffix(found).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        let shown = text.links().iter().filter(|link| !link.shown.is_empty() && leads_there(link.host()));
        parts.extend(shown.take(3).filter_map(|link| Part::of(&link.shown, is_spam)));
    }
    parts.truncate(MAX_PARTS);
    parts
}

/// The words of the classifier.
fn tokens(verdict: &Verdict) -> Vec<Part> {
    let part = |token: &crate::verdict::Token| Part::of(&token.text, token.weight.get() > 0.0);
    verdict.tokens.iter().filter_map(part).take(MAX_PARTS).collect()
}

/// A word as it stands and as matching folds it.
struct Word {
    bytes: Range<usize>,
    normal: String,
}

/// The words of a text that was not folded. Scripts without spaces: each character.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut close = |bytes: Range<usize>| {
        let normal = normalize(text.get(bytes.clone()).unwrap_or_default());
        // Folding parts what a ZWNJ joins in Persian.
        words.extend(normal.split(' ').map(|normal| Word { bytes: bytes.clone(), normal: normal.to_owned() }));
    };
    let mut open: Option<Range<usize>> = None;
    for (at, c) in text.char_indices() {
        let here = at..at + c.len_utf8();
        if is_invisible(c) {
            continue;
        }
        if joins_words(c) {
            open = Some(open.map_or(here.start, |open| open.start)..here.end);
            continue;
        }
        open.take().into_iter().for_each(&mut close);
        if c.is_alphanumeric() {
            close(here);
        }
    }
    open.into_iter().for_each(close);
    words
}

/// What stands inside words without parting them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}')
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Classifier;
    use crate::comment::Comment;
    use crate::decision::Judge;
    use crate::lists::Lists;
    use crate::rules::RuleSet;
    use crate::site::{Policy, Site, SiteId};
    use crate::verdict::{Evidence, Nats};

    /// What is marked in `content` for evidence with this symbol and note, and no tokens.
    #[track_caller]
    fn check(content: &str, symbol: &'static str, note: &str, expected: &[&str]) {
        let text = Text::of(&Comment::of_text(content));
        let marks = find(&text, &verdict(symbol, note));
        let shown: Vec<&str> = marks.iter().map(|mark| text.visible().get(mark.bytes.clone()).unwrap()).collect();
        assert_eq!(shown, expected, "{content}");
    }

    fn verdict(symbol: &'static str, note: &str) -> Verdict {
        let site = Site {
            id: SiteId(1),
            name: "test".into(),
            url: String::new(),
            policy: Policy::standard(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
        let now = jiff::Timestamp::UNIX_EPOCH;
        let verdict = judge.judge(&Comment::of_text("hello"), &site, &Lists::default(), now);
        Verdict { tokens: Vec::new(), evidence: vec![Evidence::new(symbol, Nats::clamped(1.0), note)], ..verdict }
    }

    #[test]
    fn what_a_note_names_is_found_as_it_was_written() {
        check("Best CASINO here, casinos not", "SPAM_CASINO", "casino", &["CASINO"]);
        check("see https://bit.ly/3xY now", "URL_SHORTENER", "bit.ly", &["bit.ly"]);
        check("<a href='https://bit.ly/x'>a gift</a> bit", "URL_SHORTENER", "bit.ly", &["a gift"]);
        check("go to example[.]com", "URL_OBFUSCATED_TEXT", "example.com", &["example[.]com"]);
        check("c a s i n o tonight", "GAPPY_WORD", "casino", &["c a s i n o"]);
        check("vi\u{200B}agra", "SPAM_PHARMA", "viagra", &["vi\u{200B}agra"]);
        check("buy v1agra", "LEET_WORD", "v1agra → viagra", &["v1agra"]);
        check("قُـــروض سَريعة بلا فوائد", "SPAM_LOANS", "قروض سريعه", &["قُـــروض سَريعة"]);
        check("最好的赌场在这里", "SPAM_CASINO", "赌场", &["赌场"]);
        check("cheap watches", "BLOCK_LIST", "phrase:cheap watches (three waves)", &["cheap watches"]);
    }

    #[test]
    fn what_was_not_in_the_text_is_not_marked() {
        check("I use curl daily", "UA_BOT", "curl", &[]);
        check("12 × 12", "LINKS_MANY", "× 12", &[]);
        check("no such thing", "SPAM_CASINO", "casino", &[]);
    }

    #[test]
    fn a_text_of_a_megabyte_is_marked_at_once() {
        let text = Text::of(&Comment::of_text("a b c casino d ".repeat(60_000).as_str()));
        let verdict = verdict("SPAM_CASINO", "casino");
        let started = std::time::Instant::now();
        assert_eq!(find(&text, &verdict).len(), 60_000);
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }
}
