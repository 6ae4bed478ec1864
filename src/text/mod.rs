//! A comment's text, read once: what was sent, what a reader sees, what matching compares, its words and links.
//!
//! Owns every reading of the content that rules and classifier share, so that none of them scans it again. Does not own
//! what a reading means (`rules`, `classifier`), nor the author's fields. All of it is linear in the length of the
//! content, whatever the bytes.

mod fingerprint;
mod html;
mod language;
mod links;
mod normalize;
mod respell;
mod segments;
mod skeleton;
mod survey;
mod tokens;

use std::borrow::Cow;
use std::sync::OnceLock;

pub use fingerprint::{BANDS, Fingerprint, MINS};
pub use html::Markup;
pub use language::Language;
pub use links::{Link, Syntax, registrable_domain};
pub use normalize::{is_unseen, normalize};
pub use respell::Spelled;
pub use skeleton::{Disguise, skeleton};
pub use survey::{Oddities, Script, Scripts, survey};
pub use tokens::{is_alphanumeric, joins_words, places_of_words, tokens_with};

use crate::comment::Comment;

/// The readings of one comment's text; all that rules and classifier look at.
#[derive(Debug)]
pub struct Text {
    raw: String,
    /// `None`: there is no markup, readers see the text as it was sent.
    visible: Option<String>,
    normal: String,
    words: Vec<(usize, usize)>,
    links: links::Links,
    markup: Markup,
    scripts: Scripts,
    oddities: Oddities,
    disguises: OnceLock<Vec<Disguise>>,
    spelled: Vec<Spelled>,
    leet_words: usize,
    language: OnceLock<Language>,
    segments: OnceLock<(String, Vec<(usize, usize)>)>,
    is_clipped: bool,
}

impl Text {
    /// How much of the content is judged, bytes. What follows is kept with the comment but not looked at.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads the comment once. Linear in its length, whatever the bytes.
    pub fn of(comment: &Comment) -> Text {
        let raw = head(&comment.content).to_owned();
        let html::Unmarked { visible, anchors, markup } = html::unmark(&raw);
        let seen = visible.as_deref().unwrap_or(&raw);
        let links = links::collect(seen, anchors);
        let (scripts, oddities) = survey(seen);
        let respell::Respelled { text, spelled, leet_words } = respell::respell(seen, &scripts, &oddities);
        let normal = normalize(text.as_deref().unwrap_or(seen));
        let words = places_of_words(&normal);
        let is_clipped = raw.len() < comment.content.len();
        Text {
            raw,
            visible,
            normal,
            words,
            links,
            markup,
            scripts,
            oddities,
            disguises: OnceLock::new(),
            spelled,
            leet_words,
            language: OnceLock::new(),
            segments: OnceLock::new(),
            is_clipped,
        }
    }

    /// The content as sent, up to [`Text::MAX_BYTES`].
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Was there more content than [`Text::MAX_BYTES`]?
    pub fn is_clipped(&self) -> bool {
        self.is_clipped
    }

    /// What a reader sees: tags off, script and style dropped, entities decoded, BBCode and Markdown links as their
    /// text. The content itself when it holds no markup. The same for every `content_format`: dumps and CMSs send
    /// entities and tags as "text".
    pub fn visible(&self) -> &str {
        self.visible.as_deref().unwrap_or(&self.raw)
    }

    /// Bytes of the visible text without direction marks, vowel marks and the like, which anybody may add: a length that such
    /// marks do not change.
    pub fn bytes_read(&self) -> usize {
        let visible = self.visible();
        let mut idle = self.oddities.idle_bytes as usize;
        if visible.contains('\u{200C}') && !normalize::is_persian(visible) {
            idle += '\u{200C}'.len_utf8() * visible.matches('\u{200C}').count();
        }
        visible.len().saturating_sub(idle)
    }

    /// The form that matching compares; see [`normalize`]. Words spelled with gaps (`c.a.s.i.n.o`) or with digits for letters
    /// are put right first where the text is written so throughout; ordinary text never is.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// The words of [`Text::normal`]: runs of letters and digits with their marks. Scripts written without spaces (Han,
    /// Kana, Thai, …) come as one run.
    pub fn words(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.words.iter().map(|&(start, end)| self.normal.get(start..end).unwrap_or_default())
    }

    /// Where each of [`Text::words`] stands in [`Text::normal`]: bytes, from and to.
    pub fn places(&self) -> &[(usize, usize)] {
        &self.words
    }

    /// The word with this number among [`Text::words`].
    pub fn word(&self, index: usize) -> Option<&str> {
        self.words.get(index).and_then(|&(start, end)| self.normal.get(start..end))
    }

    /// The words of [`Text::normal`], with Chinese, Japanese and Thai parted into words too; for rules that count words. The
    /// classifier counts runs of characters there. Parted when first asked for.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        let has_unspaced = self.scripts.count(Script::Han)
            + self.scripts.count(Script::Kana)
            + self.scripts.count(Script::Thai)
            + self.scripts.count(Script::Other)
            > 0;
        let (text, ranges) = if has_unspaced {
            let (text, ranges) = self.segments.get_or_init(|| segments::part(&self.normal));
            (text.as_str(), ranges)
        } else {
            (self.normal.as_str(), &self.words)
        };
        ranges.iter().map(move |&(start, end)| text.get(start..end).unwrap_or_default())
    }

    /// The language that the text is written in, and how sure that is. Found when first asked for.
    pub fn language(&self) -> Language {
        *self.language.get_or_init(|| language::of(self.visible(), &self.normal, self.words(), &self.scripts))
    }

    /// Is this Arabic in Latin letters (Arabizi)? As [`Text::language`] says, and much sooner.
    pub fn is_arabizi(&self) -> bool {
        match self.language.get() {
            Some(language) => language.is_arabizi(),
            None => language::is_arabizi(&self.normal, self.words(), &self.scripts),
        }
    }

    /// The words, each with whether it is a part of an address.
    pub fn words_and_addresses(&self) -> impl Iterator<Item = (&str, bool)> {
        // Addresses are told by their looks: matching has folded what links were found in.
        let read = if self.link_count() > 0 { self.normal.as_str() } else { "" };
        let addresses = tokens_with(read, |byte| matches!(byte, b'.' | b':' | b'@'));
        let mut addresses = addresses.filter(|(_, token)| tokens::is_address(token)).peekable();
        self.words.iter().map(move |&(start, end)| {
            while addresses.next_if(|(at, token)| at + token.len() <= start).is_some() {}
            let is_address = addresses.peek().is_some_and(|&(at, _)| at <= start);
            (self.normal.get(start..end).unwrap_or_default(), is_address)
        })
    }

    /// Look-alikes of words that are not plain in their script, Latin or Cyrillic: `casino` for `cаsіnо`. Empty for ordinary text.
    ///
    /// Found when first asked for: the classifier counts them, one rule weighs them, most texts have none.
    pub fn skeleton_words(&self) -> impl Iterator<Item = &str> {
        self.disguises().iter().map(|disguise| disguise.skeleton.as_str())
    }

    /// The words behind [`Text::skeleton_words`], with how they are disguised. At most 1,000.
    pub fn disguises(&self) -> &[Disguise] {
        self.disguises.get_or_init(|| skeleton::disguises(&self.scripts, &self.oddities, self.words()))
    }

    /// The links in the order of the text (those in unusual spelling last), at most [`Link::MAX_KEPT`] of them;
    /// [`Text::link_count`] counts all.
    pub fn links(&self) -> &[Link] {
        &self.links.kept
    }

    /// How many links there are, kept or not.
    pub fn link_count(&self) -> usize {
        self.links.total
    }

    /// Bytes of the visible text that bare links take.
    pub fn link_bytes(&self) -> usize {
        self.links.visible_bytes
    }

    /// E-mail addresses in the visible text, the first few.
    pub fn emails(&self) -> &[String] {
        &self.links.emails
    }

    /// Words of four letters or more whose letters stand apart, the first few.
    pub fn spelled(&self) -> &[Spelled] {
        &self.spelled
    }

    /// Words with digits for letters, in a text that is written so throughout; else 0.
    pub fn leet_words(&self) -> usize {
        self.leet_words
    }

    pub fn markup(&self) -> &Markup {
        &self.markup
    }

    pub fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// Counts of the tricks that Unicode offers to those who want to be read by people only.
    pub fn oddities(&self) -> &Oddities {
        &self.oddities
    }
}

/// As much of a content as is read.
fn head(content: &str) -> &str {
    content.get(..content.floor_char_boundary(Text::MAX_BYTES)).unwrap_or(content)
}

/// What readers see of a comment, and the links in it: the same as [`Text`] has, for who needs nothing else.
pub fn visible_and_links(comment: &Comment) -> (Cow<'_, str>, Vec<Link>) {
    let content = head(&comment.content);
    let html::Unmarked { visible, anchors, .. } = html::unmark(content);
    let visible = visible.map_or(Cow::Borrowed(content), Cow::Owned);
    let links = links::collect(&visible, anchors).kept;
    (visible, links)
}

/// How many words `text` holds, as blanks part them; Chinese, Japanese and Thai by the dictionary. Whoever asks for no more than
/// `most` need not wait for the others.
pub fn count_words(text: &str, most: usize) -> usize {
    let count = |token: &str| {
        if !token.contains(tokens::is_unspaced) {
            return usize::from(token.contains(char::is_alphanumeric));
        }
        segments::part(token).1.len()
    };
    let mut words = 0;
    for token in text.split_whitespace() {
        if words >= most {
            break;
        }
        words += count(token);
    }
    words.min(most)
}

/// The words of any text, folded as matching folds them. Scripts written without spaces are parted into characters, so
/// that a word of theirs is found as one after the other.
pub fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, |word| words.push(word.to_owned()));
    words
}

/// Calls `meet` with each of [`words_of`].
pub fn each_word(text: &str, mut meet: impl FnMut(&str)) {
    let normal = normalize(text);
    for (start, end) in places_of_words(&normal) {
        let word = normal.get(start..end).unwrap_or_default();
        if word.starts_with(joins_words) {
            meet(word);
        } else {
            word.chars().for_each(|c| meet(c.encode_utf8(&mut [0; 4])));
        }
    }
}

#[cfg(test)]
mod tests;
