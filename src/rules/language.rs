//! The language of a text against the languages that are read on the site.
//!
//! Owns which script a language is written in. Arabizi is Arabic in Latin letters and never foreign where Arabic is read.

use super::clues::Clues;
use super::gibberish::is_arabizi;
use super::{Note, lists};
use crate::text::{Language, Script, Text};

/// Words of a text that are looked at.
const MAX_WORDS: usize = 400;
/// Fewer words, or a guess less sure than this, are no reason to speak against a comment. Of 170,666 comments that are no spam,
/// in ten languages, 55 were then taken for another language, where little words alone took 57; and 46 % were told to be foreign
/// on a site of another language in the same letters, where little words told 22 %.
const LEAST_WORDS: usize = 8;
const SURE: f64 = 0.7;

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
/// quotations are the ham to expect; Arabizi is no such case, and a script that is not read here is `SCRIPT_BLOCKED`'s.
pub(super) fn mismatch(clues: &Clues<'_>) -> Option<Note> {
    let text = clues.text;
    if text.scripts().letters() < 20 || text.words().take(LEAST_WORDS).count() < LEAST_WORDS {
        return None;
    }
    let told = text.language();
    let is_sure = told.confidence >= SURE && told != Language::UNKNOWN && !told.is_arabizi();
    // Where a language is read that is not told apart, its relatives might be taken for it.
    let is_foreign = is_sure
        && clues.site.policy.languages.iter().all(|read| Language::is_told_apart(&primary(read)))
        && !reads(clues, |read| primary(read) == told.code);
    let may_tell = is_foreign && !text.words().take(MAX_WORDS).any(is_arabizi) && script_blocked(clues).is_none();
    may_tell.then(|| Note::new(told.code))
}

/// `STOPWORD_LOW`: twenty words or more in letters of a language whose little words are listed, and none of them is there.
/// Lists, code and telegraphic style are the ham to expect; languages that are not listed stay out by their letters.
pub(super) fn few_stop_words(clues: &Clues<'_>) -> Option<Note> {
    let text = clues.text;
    let count = text.words().len();
    // Latin with accents may be any language; plain Latin of that length has an article or an "and" somewhere.
    if count < 20 || !text.normal().is_ascii() {
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
        if lists::STOP_WORDS.contains(word) {
            return None;
        }
        words += usize::from(word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_alphabetic()));
    }
    let is_poor = words >= 20 && !text.words().take(MAX_WORDS).any(is_arabizi);
    is_poor.then(|| Note::new(format!("× {words}")))
}
