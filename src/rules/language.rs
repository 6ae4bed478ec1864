//! The language of a text, as far as scripts and little words tell, against the languages that are read on the site.
//!
//! Owns which script a language is written in. Arabizi is Arabic in Latin letters and never foreign where Arabic is read.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::clues::Clues;
use super::gibberish::is_arabizi;
use super::{Note, lists};
use crate::text::{Script, Text};

/// Languages of `config/lists/stop-words.txt` by word, one bit each in the order of [`LANGUAGES`].
static WORDS: LazyLock<HashMap<String, u32>> = LazyLock::new(|| {
    let mut words: HashMap<String, u32> = HashMap::new();
    for (place, (_, list)) in lists::stop_word_lines().enumerate().take(32) {
        for word in list.split_whitespace() {
            *words.entry(crate::text::normalize(word)).or_default() |= 1 << place;
        }
    }
    words
});

static LANGUAGES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| lists::stop_word_lines().map(|(language, _)| language).collect());

/// Words of a text that are looked at.
const MAX_WORDS: usize = 400;

/// The language of `text` (`en`), when enough of its little words are known and no other language has half as many.
fn language_of(text: &Text) -> Option<&'static str> {
    let mut counts = [0_u32; 32];
    let mut looked_at = 0_u32;
    for word in text.words().take(MAX_WORDS) {
        looked_at += 1;
        let Some(&bits) = WORDS.get(word) else { continue };
        for (place, count) in counts.iter_mut().enumerate() {
            *count += (bits >> place) & 1;
        }
    }
    let (best, &most) = counts.iter().enumerate().max_by_key(|&(_, count)| *count)?;
    let second = counts.iter().enumerate().filter(|&(place, _)| place != best).map(|(_, &count)| count).max()?;
    let is_sure = looked_at >= 8 && most >= 4 && 6 * most >= looked_at && most >= 2 * second;
    LANGUAGES.get(best).copied().filter(|_| is_sure)
}

/// The part of a language tag before its first hyphen, lower case.
fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Is a language written in this script? Scripts that are not told apart belong to any language that is not known.
pub(super) fn is_written_in(language: &str, script: Script) -> bool {
    let language = primary(language);
    match script {
        Script::Latin | Script::Other => true,
        Script::Arabic => matches!(
            language.as_str(),
            "ar" | "fa" | "ur" | "ps" | "ku" | "ckb" | "sd" | "ug" | "ks" | "az" | "ary" | "arz"
        ),
        Script::Cyrillic => matches!(
            language.as_str(),
            "ru" | "uk" | "bg" | "sr" | "mk" | "be" | "kk" | "ky" | "mn" | "tg" | "uz" | "tt" | "ba" | "az" | "bs"
        ),
        Script::Greek => language == "el",
        Script::Hebrew => matches!(language.as_str(), "he" | "iw" | "yi"),
        Script::Devanagari => matches!(language.as_str(), "hi" | "mr" | "ne" | "sa" | "mai" | "bho"),
        Script::Thai => language == "th",
        Script::Han => matches!(language.as_str(), "zh" | "ja" | "ko" | "yue" | "nan"),
        Script::Kana => language == "ja",
        Script::Hangul => language == "ko",
    }
}

/// The script of at least twenty letters and half of the text that `is_known` does not know.
pub(super) fn foreign_script(text: &Text, is_known: impl Fn(Script) -> bool) -> Option<Script> {
    let scripts = text.scripts();
    let script = scripts.main()?;
    let count = scripts.count(script);
    // A Chinese sentence has few characters.
    let least = if matches!(script, Script::Han | Script::Kana | Script::Hangul) { 10 } else { 20 };
    (count >= least && 2 * count >= scripts.letters() && !is_known(script)).then_some(script)
}

fn reads(clues: &Clues<'_>, wanted: impl Fn(&str) -> bool) -> bool {
    clues.site.policy.languages.iter().any(|language| wanted(language))
}

/// `SCRIPT_BLOCKED`: half of the letters are of a script that no language read here is written in. Names and quotations are
/// shorter; Latin is everywhere and never counts.
pub(super) fn script_blocked(clues: &Clues<'_>) -> Option<Note> {
    let script = foreign_script(clues.text, |script| reads(clues, |language| is_written_in(language, script)))?;
    let word = clues.text.words().next().unwrap_or_default();
    (script != Script::Other).then(|| Note::new(word))
}

/// `LANG_MISMATCH`: a language that is told with certainty and is not among those read here. Bilingual readers and
/// quotations are the ham to expect; Arabizi is no such case.
pub(super) fn mismatch(clues: &Clues<'_>) -> Option<Note> {
    if clues.text.scripts().letters() < 20 || clues.text.words().take(MAX_WORDS).any(is_arabizi) {
        return None;
    }
    let language = language_of(clues.text)?;
    // Where a language is read whose little words are not listed, its relatives might be taken for it.
    let all_listed = clues.site.policy.languages.iter().all(|read| {
        LANGUAGES.contains(&primary(read).as_str())
            || matches!(primary(read).as_str(), "zh" | "ja" | "ko" | "th" | "he" | "el")
    });
    let is_foreign = all_listed && !reads(clues, |read| primary(read) == language);
    is_foreign.then(|| Note::new(language))
}

/// `STOPWORD_LOW`: twenty words or more in letters of a language whose little words are listed, and none of them is there.
/// Lists, code and telegraphic style are the ham to expect; languages that are not listed stay out by their letters.
pub(super) fn few_stop_words(clues: &Clues<'_>) -> Option<Note> {
    let text = clues.text;
    let count = text.words().len();
    // Latin with accents may be any language; plain Latin of that length has an article or an "and" somewhere.
    if count < 20 || !text.normal().is_ascii() || text.words().take(MAX_WORDS).any(is_arabizi) {
        return None;
    }
    let mut words = 0;
    let mut before = "";
    for word in text.words().take(MAX_WORDS) {
        // `@USER @USER @USER`
        if word == before {
            continue;
        }
        before = word;
        if WORDS.contains_key(word) {
            return None;
        }
        words += usize::from(word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    }
    (words >= 20).then(|| Note::new(format!("× {words}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(language_of(&Text::of(&Comment::of_text(text))), expected, "{text}");
    }

    #[test]
    fn little_words_tell_the_language() {
        check("I think that this is what they said and we are not happy with it", Some("en"));
        check("Ich finde nicht, dass das so ist, und wir haben es auch nicht gesagt", Some("de"));
        check("لا أظن أن هذا ما قاله الكاتب عن المدارس في المدينة مع كل الاحترام", Some("ar"));
        check("Мне кажется, что это не так, и я не вижу, как он это сделал бы", Some("ru"));
        check("Saya tidak tahu kenapa ini ada di sini dan siapa yang menulis itu", Some("id"));
        check("بی‌تردید این موضوع از آن است که برای ما در این کشور با مشکل روبرو است", Some("fa"));
        check("Jackpot bonus casino slots poker", None);
        check("ok", None);
        check("", None);
    }
}
