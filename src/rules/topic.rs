//! What the page is about, and whether the comment is about it. Short texts and pages without a title are not judged.

use std::collections::HashSet;

use super::clues::Clues;
use super::phrases::Hit;
use super::{Category, Note, content, lists};
use crate::comment::Comment;
use crate::text::words_of;

/// Most of title and topics that is read, bytes.
const MAX_PAGE: usize = 4_000;
/// Words of a comment that are compared with the page.
const MAX_WORDS: usize = 2_000;

/// What the CMS said the page is about.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// All words of title and topics in order, one list a line.
    lines: Vec<Vec<String>>,
    /// Stems of those words that mean something.
    stems: HashSet<String>,
    /// Of the title alone.
    title: HashSet<String>,
}

impl Page {
    pub fn of(comment: &Comment) -> Page {
        let mut page = Page::default();
        let mut left = MAX_PAGE;
        let title = comment.post_title.as_deref();
        for (line, is_title) in title
            .map(|title| (title, true))
            .into_iter()
            .chain(comment.context.iter().map(|line| (line.as_str(), false)))
        {
            let line = line.get(..line.floor_char_boundary(left)).unwrap_or_default();
            left -= line.len();
            let words = words_of(line);
            let stems = words.iter().filter_map(|word| stem(word)).map(str::to_owned);
            if is_title {
                page.title = stems.clone().collect();
            }
            page.stems.extend(stems);
            page.lines.push(words);
        }
        page
    }

    pub fn is_empty(&self) -> bool {
        self.stems.is_empty()
    }
}

/// The part of a word that its forms share, roughly: the first five letters, in Arabic four after the article. `None` for
/// little words, which every text has.
fn stem(word: &str) -> Option<&str> {
    let is_arabic = word.starts_with(|c: char| matches!(c, '\u{0620}'..='\u{06FF}'));
    let bare = if is_arabic {
        ["وال", "بال", "فال", "لل", "ال"].iter().find_map(|clitic| word.strip_prefix(clitic)).unwrap_or(word)
    } else {
        word
    };
    let (least, most) = if is_arabic { (3, 4) } else { (5, 5) };
    let length = bare.chars().count();
    if length < least || lists::STOP_WORDS.contains(word) || bare.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some(bare.char_indices().nth(most).map_or(bare, |(end, _)| bare.get(..end).unwrap_or(bare)))
}

/// How many different stems of the page the comment uses, and the first of the words.
fn shared(clues: &Clues<'_>, stems: &HashSet<String>) -> (usize, String) {
    let mut met = HashSet::new();
    let mut first = String::new();
    for word in clues.text.words().take(MAX_WORDS) {
        if let Some(stem) = stem(word)
            && stems.contains(stem)
            && met.insert(stem)
            && first.is_empty()
        {
            word.clone_into(&mut first);
        }
    }
    (met.len(), first)
}

/// Does the comment use a word of the page's title or topics?
pub(super) fn is_of_page(clues: &Clues<'_>) -> bool {
    let page = clues.page();
    !page.is_empty() && clues.text.words().take(MAX_WORDS).filter_map(stem).any(|stem| page.stems.contains(stem))
}

/// `SPEAKS_OF_PAGE`: two different words of the page's title or topics, and nothing that leads away.
pub(super) fn speaks_of_page(clues: &Clues<'_>) -> Option<Note> {
    if clues.has_contact() || clues.page().is_empty() {
        return None;
    }
    let (count, first) = shared(clues, &clues.page().stems);
    (count >= 2).then(|| Note::new(first))
}

/// `OFF_TOPIC`: twenty-five words or more and none of the page's. Jokes and talk among readers are the ham to expect, so that
/// a page of which little is known says nothing.
pub(super) fn off_topic(clues: &Clues<'_>) -> Option<Note> {
    let page = clues.page();
    if page.stems.len() < 6 || clues.text.words().len() < 25 {
        return None;
    }
    let is_other_script = page.stems.iter().all(|stem| stem.is_ascii()) != clues.text.normal().is_ascii();
    let meaningful = clues.text.words().take(MAX_WORDS).filter(|word| stem(word).is_some()).count();
    let is_off = !is_other_script && meaningful >= 10 && !is_of_page(clues);
    is_off.then(|| Note::new(""))
}

/// `PRAISE_GENERIC`: thirty words of praise at most, none of them about the page. Real readers praise like that as well.
pub(super) fn generic_praise(clues: &Clues<'_>) -> Option<Note> {
    if clues.page().is_empty() || clues.text.words().len() > 30 {
        return None;
    }
    content::praise(clues).map(|hit| Note::new(hit.phrase.words.as_str()))
}

/// `THIRD_PERSON_AUTHOR`: praise that speaks of "the author" to the author.
pub(super) fn third_person(clues: &Clues<'_>) -> Option<Note> {
    let is_praise = |hit: &Hit| hit.phrase.category == Category::Praise;
    let hit = clues.first(Category::ThirdPerson)?;
    clues.hits.iter().any(is_praise).then(|| Note::new(hit.phrase.words.as_str()))
}

/// `COPY_OF_POST`: six tenths of the text are runs of three words from the page, hardly anything is new, and there is a way to
/// reach somebody. Who quotes in order to answer writes twenty words of his own.
pub(super) fn copy(clues: &Clues<'_>) -> Option<Note> {
    let words: Vec<&str> = clues.text.words().take(MAX_WORDS).collect();
    if words.len() < 6 || !clues.has_contact() {
        return None;
    }
    let runs: HashSet<[&str; 3]> = clues
        .page()
        .lines
        .iter()
        .flat_map(|line| line.windows(3))
        .filter_map(|run| match run {
            [one, two, three] => Some([one.as_str(), two.as_str(), three.as_str()]),
            _ => None,
        })
        .collect();
    let mut copied = 0;
    // Words of the text that are in a run which was counted already.
    let mut counted_to = 0;
    for (start, run) in words.windows(3).enumerate() {
        if <[&str; 3]>::try_from(run).is_ok_and(|run| runs.contains(&run)) {
            copied += start + 3 - counted_to.max(start);
            counted_to = start + 3;
        }
    }
    // Links are made of words, too.
    let of_links: usize = clues.foreign.iter().take(20).map(|link| words_of(&link.written).len()).sum();
    let own = words.len().saturating_sub(of_links).max(copied);
    let is_copy = copied >= 6 && 5 * copied >= 3 * own && own - copied < 20;
    is_copy.then(|| Note::new(format!("× {copied}")))
}

/// `PARAPHRASE_NO_CONTENT`: most words of the title, praise, an address to visit, and neither a question nor a number.
pub(super) fn paraphrase(clues: &Clues<'_>) -> Option<Note> {
    let title = &clues.page().title;
    let words = clues.text.words().len();
    let says_something = clues.text.scripts().digits > 0 || clues.text.visible().contains(['?', '؟', '？']);
    if title.len() < 3 || !(8..=60).contains(&words) || says_something || !clues.has_contact() {
        return None;
    }
    let praise = clues.first(Category::Praise)?;
    let (count, _) = shared(clues, title);
    (5 * count >= 3 * title.len()).then(|| Note::new(praise.phrase.words.as_str()))
}
