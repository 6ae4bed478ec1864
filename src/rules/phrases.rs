//! Listed words and phrases, found in one pass.
//!
//! Owns the word lists of `config/lists/spam-words.*.txt` and whole-word matching. Does not own what a find weighs.

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::text::{joins_words, normalize};

/// The sections of the word lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    Casino,
    Pharma,
    Loans,
    Money,
    Crypto,
    Seo,
    Adult,
    Essay,
    Replica,
    Streaming,
    Followers,
    Occult,
    Services,
    AdvanceFee,
    Jobs,
    Support,
    Phishing,
    Promotion,
    // What follows is no spam by itself: other rules ask for it.
    Praise,
    Messenger,
    Trackback,
    Boilerplate,
    Chain,
    Testimonial,
    /// Speaks of the author as of a third person.
    ThirdPerson,
    /// Verbs of earning.
    Earning,
    Prayer,
    /// Asks to write or call.
    Call,
}

impl Category {
    const NAMES: [(&'static str, Category); 28] = [
        ("casino", Category::Casino),
        ("pharma", Category::Pharma),
        ("loans", Category::Loans),
        ("money", Category::Money),
        ("crypto", Category::Crypto),
        ("seo", Category::Seo),
        ("adult", Category::Adult),
        ("essay", Category::Essay),
        ("replica", Category::Replica),
        ("streaming", Category::Streaming),
        ("followers", Category::Followers),
        ("occult", Category::Occult),
        ("services", Category::Services),
        ("advance-fee", Category::AdvanceFee),
        ("jobs", Category::Jobs),
        ("support", Category::Support),
        ("phishing", Category::Phishing),
        ("promotion", Category::Promotion),
        ("praise", Category::Praise),
        ("messenger", Category::Messenger),
        ("trackback", Category::Trackback),
        ("boilerplate", Category::Boilerplate),
        ("chain", Category::Chain),
        ("testimonial", Category::Testimonial),
        ("third-person", Category::ThirdPerson),
        ("earning", Category::Earning),
        ("prayer", Category::Prayer),
        ("call", Category::Call),
    ];

    /// Is a listed word of this category spam in itself?
    pub fn is_spam(self) -> bool {
        self <= Category::Promotion
    }
}

/// One line of a list.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    /// As listed, after folding.
    pub words: String,
    pub category: Category,
    /// Counts only in company.
    pub is_weak: bool,
    /// Language of the list it comes from.
    pub language: &'static str,
}

/// A listed phrase that a text holds, and where it first begins there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    pub phrase: &'static Phrase,
    pub at: usize,
}

/// Phrases found in one text; more would not change a thing.
const MAX_HITS: usize = 64;
/// Matches looked at in one text: bounds what a text made of list words costs.
const MAX_MATCHES: usize = 20_000;
/// What may stand joined before an Arabic word: *and*, *the*, *with*, …
const CLITICS: [&str; 15] = ["و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "فال", "كال", "لل", "ولل", "وب", "ول", "فل"];

const LISTS: [(&str, &str); 7] = [
    ("en", include_str!("../../config/lists/spam-words.en.txt")),
    ("ar", include_str!("../../config/lists/spam-words.ar.txt")),
    ("ru", include_str!("../../config/lists/spam-words.ru.txt")),
    ("id", include_str!("../../config/lists/spam-words.id.txt")),
    ("de", include_str!("../../config/lists/spam-words.de.txt")),
    ("tr", include_str!("../../config/lists/spam-words.tr.txt")),
    ("zh", include_str!("../../config/lists/spam-words.zh.txt")),
];

/// A phrase as it may be written: with blanks, or with hyphens between plain words.
struct Spelling {
    written: String,
    /// Index among the phrases.
    phrase: usize,
}

struct Lexicon {
    phrases: Vec<Phrase>,
    /// All spellings by how they begin; see [`beginning`]. A table and not an automaton: most words of most texts begin no phrase, and to
    /// look a word up takes half the time that its letters take from state to state.
    spellings: HashMap<String, Vec<Spelling>>,
    /// Spam phrases of one word.
    single: HashMap<String, usize>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let phrases: Vec<Phrase> = LISTS.iter().flat_map(|&(language, list)| read(language, list)).collect();
    let mut spellings: HashMap<String, Vec<Spelling>> = HashMap::new();
    let mut single = HashMap::new();
    for (index, phrase) in phrases.iter().enumerate() {
        let mut add = |written: String| {
            let beginning = beginning(&written).to_owned();
            spellings.entry(beginning).or_default().push(Spelling { written, phrase: index });
        };
        add(phrase.words.clone());
        if phrase.words.contains(' ') && phrase.words.is_ascii() {
            add(phrase.words.replace(' ', "-"));
        } else if phrase.category.is_spam() && phrase.words.chars().count() >= 4 {
            single.entry(phrase.words.clone()).or_insert(index);
        }
    }
    Lexicon { phrases, spellings, single }
});

/// The first word of a phrase; its first character in scripts without spaces. No text has the phrase where it has not this.
fn beginning(phrase: &str) -> &str {
    let first = phrase.chars().next().unwrap_or_default();
    let end = if joins_words(first) { phrase.find(|c| !joins_words(c)) } else { Some(first.len_utf8()) };
    phrase.get(..end.unwrap_or(phrase.len())).unwrap_or(phrase)
}

fn read(language: &'static str, list: &str) -> Vec<Phrase> {
    let mut category = None;
    let mut phrases = Vec::new();
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            category = Category::NAMES.iter().find(|(known, _)| *known == name).map(|&(_, category)| category);
        } else if let Some(category) = category {
            let weak = line.strip_prefix('~');
            let words = normalize(weak.unwrap_or(line));
            phrases.push(Phrase { words, category, is_weak: weak.is_some(), language });
        }
    }
    phrases
}

/// The phrases in folded text, each once, in the order in which they end; the first few. Linear in the length.
///
/// * `words`: places of its words ([`places_of_words`](crate::text::places_of_words)).
pub(super) fn find(normal: &str, words: &[(usize, usize)]) -> Vec<Hit> {
    let lexicon = &*LEXICON;
    let mut matches: Vec<(usize, usize, &Phrase)> = Vec::new();
    let mut look = |at: usize, beginning: &str| {
        for Spelling { written, phrase } in lexicon.spellings.get(beginning).into_iter().flatten() {
            let end = at + written.len();
            let is_there = normal.get(at..).is_some_and(|rest| rest.starts_with(written.as_str()));
            if is_there && is_whole(normal, at, end) {
                matches.extend(lexicon.phrases.get(*phrase).map(|phrase| (end, at, phrase)));
            }
        }
        matches.len() < MAX_MATCHES
    };
    for &(start, end) in words {
        let word = normal.get(start..end).unwrap_or_default();
        let is_room = if word.starts_with(is_arabic) {
            let bare = CLITICS
                .iter()
                .filter_map(|clitic| word.strip_prefix(clitic))
                .filter(|bare| bare.starts_with(is_arabic));
            bare.chain([word]).all(|beginning| look(end - beginning.len(), beginning))
        } else if word.starts_with(joins_words) {
            look(start, word)
        } else {
            let letters = word.char_indices();
            letters
                .map(|(at, c)| (at, c.len_utf8()))
                .all(|(at, length)| look(start + at, word.get(at..at + length).unwrap_or_default()))
        };
        if !is_room {
            break;
        }
    }
    matches.sort_unstable_by_key(|&(end, at, _)| (end, at));
    let mut hits: Vec<Hit> = Vec::new();
    for (_, at, phrase) in matches {
        // Two languages may share a phrase.
        let is_new = !hits.iter().any(|hit| hit.phrase.category == phrase.category && hit.phrase.words == phrase.words);
        if is_new {
            hits.push(Hit { phrase, at });
            if hits.len() == MAX_HITS {
                break;
            }
        }
    }
    hits
}

/// The listed spam word that `word` is, if it is one; in matching form.
pub(super) fn spam_word(word: &str) -> Option<&'static Phrase> {
    LEXICON.single.get(word).and_then(|&at| LEXICON.phrases.get(at))
}

/// Does a word begin at `start` and end at `end`? In Arabic the clitics may stand before it.
fn is_whole(normal: &str, start: usize, end: usize) -> bool {
    let inside = normal.get(start..end).unwrap_or_default();
    let (Some(first), Some(last)) = (inside.chars().next(), inside.chars().next_back()) else { return false };
    let ends = normal
        .get(end..)
        .and_then(|rest| rest.chars().next())
        .is_none_or(|next| !joins_words(next) || !joins_words(last));
    if !ends {
        return false;
    }
    let before = normal.get(..start).unwrap_or_default();
    if before.chars().next_back().is_none_or(|previous| !joins_words(previous) || !joins_words(first)) {
        return true;
    }
    is_arabic(first) && {
        // The part of the word before the phrase: at most three letters of it matter.
        let clitic_start =
            before.char_indices().rev().take(4).take_while(|&(_, c)| joins_words(c)).last().map_or(start, |(at, _)| at);
        CLITICS.contains(&before.get(clitic_start..).unwrap_or_default())
    }
}

fn is_arabic(c: char) -> bool {
    matches!(c, '\u{0620}'..='\u{06FF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{is_alphanumeric, places_of_words};

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let normal = normalize(text);
        let hits = find(&normal, &places_of_words(&normal));
        let found: Vec<_> = hits.iter().map(|hit| hit.phrase.words.as_str()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn only_whole_words_match() {
        check("Visit our ONLINE  Casino!", &["online casino", "casino"]);
        check("the-best-online-casino-ever", &["online casino", "casino"]);
        check("a specialist, a sexton, bayes, Essex, therapist", &[]);
        check("كـازيـنـو", &["كازينو"]);
        check("والكازينو بالكازينو", &["كازينو"]);
        check("كازينوهات", &[]);
        check("最好的在线赌场推荐", &["在线赌场", "赌场"]);
    }

    #[test]
    fn every_section_has_a_name_and_every_phrase_stands_once() {
        for (language, list) in LISTS {
            for name in list.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']')) {
                assert!(Category::NAMES.iter().any(|(known, _)| *known == name), "spam-words.{language}.txt: [{name}]");
            }
            let phrases = read(language, list);
            let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])).count();
            assert_eq!(phrases.len(), lines, "spam-words.{language}.txt: a line stands before the first section");
            for (index, phrase) in phrases.iter().enumerate() {
                let is_found_by_a_word = phrase.words.starts_with(is_alphanumeric);
                assert!(is_found_by_a_word, "spam-words.{language}.txt: `{}` begins with a sign", phrase.words);
                let twin = phrases
                    .iter()
                    .skip(index + 1)
                    .find(|other| other.words == phrase.words && other.category == phrase.category);
                assert!(twin.is_none(), "spam-words.{language}.txt: `{}` stands twice", phrase.words);
                assert!(
                    phrase.words.chars().count() >= 2,
                    "spam-words.{language}.txt: `{}` is too short",
                    phrase.words
                );
            }
        }
    }
}
