//! Look-alikes: `cаsіnо` in Cyrillic letters reads `casino`, `cтaвкa` in Latin ones `ставка`.
//!
//! Owns the skeleton of a word and the question whether a word is plain in its script. Does not own whether a disguise
//! counts against a comment (`rules`).

use unicode_security::confusable_detection::skeleton as prototypes;

use super::survey::{Oddities, Script, Scripts, script};

/// A word that is not what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disguise {
    /// As it stands in the matching form.
    pub word: String,
    /// What a reader takes it for: in ASCII, or all Cyrillic.
    pub skeleton: String,
    /// Latin and other letters alternate in it, not just a foreign ending on a Latin name (`COVIDом`).
    pub is_mixed: bool,
    /// No Latin letter in it at all.
    pub is_foreign: bool,
}

/// Disguises kept of one text.
const MAX_KEPT: usize = 1_000;
/// Words by which it is told how a text reads.
const MAX_WORDS_READ: usize = 1_000;
/// Longer words are no words.
const MAX_WORD: usize = 128;

/// The Latin look-alike of a folded word: what is not ASCII is replaced by its prototype, lower-cased.
///
/// ASCII letters stay as they are (full UTS-39 skeletons write `m` as `rn`), so that skeletons compare with list words.
///
/// # Source
/// Unicode Technical Standard 39, § 4 (confusable detection); small capitals added.
pub fn skeleton(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut buffer = [0; 4];
    for c in word.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for prototype in prototypes(small_capital(c).unwrap_or(c).encode_utf8(&mut buffer)) {
                let prototype = small_capital(prototype).unwrap_or(prototype);
                out.extend(prototype.to_lowercase());
            }
        }
    }
    out
}

/// The words of a text that look Latin or Cyrillic and are not, or not wholly. Only texts that mix scripts are looked at.
pub(super) fn disguises<'a>(
    scripts: &Scripts,
    oddities: &Oddities,
    words: impl Iterator<Item = &'a str> + Clone,
) -> Vec<Disguise> {
    let foreign = scripts.count(Script::Cyrillic) + scripts.count(Script::Greek) + scripts.count(Script::Other);
    let mixes = foreign > 0 && scripts.count(Script::Latin) > 0;
    if !mixes && oddities.small_capitals == 0 {
        return Vec::new();
    }
    // In a Russian text a Russian word that happens to look Latin (`сор`) is just a word.
    let is_latin_text = scripts.count(Script::Latin) > foreign;
    let reads_cyrillic = scripts.count(Script::Cyrillic) > 0 && reads_cyrillic(words.clone());
    words
        .filter(|word| !word.is_ascii() && word.len() <= MAX_WORD)
        .filter_map(|word| disguise(word, is_latin_text, reads_cyrillic))
        .take(MAX_KEPT)
        .collect()
}

/// Is the text Cyrillic to a reader? Told by the letters that look like none of the other script, which no disguise has: every letter of
/// `mоneу` may be of either.
fn reads_cyrillic<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let (mut latin, mut cyrillic) = (0_usize, 0_usize);
    for c in words.take(MAX_WORDS_READ).flat_map(str::chars) {
        latin += usize::from(c.is_ascii_alphabetic() && cyrillic_of(c).is_none());
        cyrillic +=
            usize::from(matches!(c, 'б' | 'г' | 'д' | 'ж' | 'з' | 'и' | 'й' | 'л' | 'п' | 'ф' | 'ц'..='щ' | 'ъ'..='я'));
    }
    cyrillic > latin
}

fn disguise(word: &str, is_latin_text: bool, reads_cyrillic: bool) -> Option<Disguise> {
    let mut latin = 0_usize;
    let mut foreign = 0_usize;
    let mut small = 0_usize;
    let mut runs: Vec<(bool, usize)> = Vec::new();
    for c in word.chars() {
        let is_latin = match script(c) {
            Some(Script::Latin) => true,
            Some(Script::Cyrillic | Script::Greek | Script::Other) => false,
            Some(_) => return None,
            None => continue,
        };
        small += usize::from(small_capital(c).is_some());
        if is_latin {
            latin += 1;
        } else {
            foreign += 1;
        }
        match runs.last_mut() {
            Some((kind, length)) if *kind == is_latin => *length += 1,
            _ => runs.push((is_latin, 1)),
        }
    }
    let is_foreign = foreign > 0 && latin == 0;
    let is_candidate = (foreign > 0 && latin > 0) || small > 0 || (is_foreign && is_latin_text && foreign >= 4);
    if !is_candidate {
        return None;
    }
    let skeleton = skeleton(word);
    let looks_latin = skeleton.is_ascii();
    // `cтaвкa` looks Latin as well, letter by letter; what it is taken for is told by the text around it.
    let cyrillic = if latin > 0 && (!looks_latin || reads_cyrillic) { cyrillic(word) } else { None };
    // What looks of one script throughout in neither deceives nobody.
    if (!looks_latin && cyrillic.is_none()) || skeleton == word {
        return None;
    }
    let is_mixed = match runs.as_slice() {
        // A Cyrillic word with Latin letters in it: one kind may be a slip, of the keyboard's layout or of a scanner; two are none.
        _ if !looks_latin => latin_kinds(word) >= 2,
        [] | [_] => false,
        // One change of script: a foreign ending on a name, or two words joined. A foreign letter or two in front is neither.
        [(false, first), (true, _)] => *first <= 2,
        [_, _] => false,
        _ => true,
    };
    Some(Disguise { word: word.to_owned(), skeleton: cyrillic.unwrap_or(skeleton), is_mixed, is_foreign })
}

/// How many different Latin letters a folded word has.
fn latin_kinds(word: &str) -> u32 {
    let letters = word.bytes().filter(u8::is_ascii_lowercase).fold(0_u32, |seen, letter| seen | 1 << (letter - b'a'));
    letters.count_ones()
}

/// The Cyrillic look-alike of a folded word that has Latin letters in it; `None` when one of its letters is of neither script, or has
/// no look-alike: then it is no Cyrillic word in disguise.
fn cyrillic(word: &str) -> Option<String> {
    let letter = |c| cyrillic_of(c).or_else(|| matches!(script(c), None | Some(Script::Cyrillic)).then_some(c));
    word.chars().map(letter).collect()
}

/// The Cyrillic letter that looks like this Latin one, as small letters or as capitals.
fn cyrillic_of(c: char) -> Option<char> {
    let twin = match c {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'н',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        _ => return None,
    };
    Some(twin)
}

/// The letter of a small capital or phonetic look-alike.
pub(super) fn small_capital(c: char) -> Option<char> {
    let plain = match c {
        'ᴀ' => 'a',
        'ʙ' => 'b',
        'ᴄ' => 'c',
        'ᴅ' => 'd',
        'ᴇ' => 'e',
        'ꜰ' | 'ғ' => 'f',
        'ɢ' => 'g',
        'ʜ' => 'h',
        'ɪ' => 'i',
        'ᴊ' => 'j',
        'ᴋ' | 'ĸ' => 'k',
        'ʟ' => 'l',
        'ᴍ' | 'ʍ' => 'm',
        'ɴ' => 'n',
        'ᴏ' => 'o',
        'ᴘ' => 'p',
        'ǫ' => 'q',
        'ʀ' => 'r',
        'ꜱ' => 's',
        'ᴛ' => 't',
        'ᴜ' => 'u',
        'ᴠ' => 'v',
        'ᴡ' => 'w',
        'ʏ' => 'y',
        'ᴢ' => 'z',
        _ => return None,
    };
    Some(plain)
}
