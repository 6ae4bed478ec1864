//! What language a text is written in.
//!
//! Owns the guess and how sure it is. Does not own what follows from it (`rules`).
//!
//! Script and letters decide where they can: Korean, Greek, Hebrew, Thai; Arabic apart from Persian, Urdu and Kurdish;
//! Vietnamese. Else little words and whatlang's trigrams vote. Comments are short: the little words tell more than
//! trigrams do below some fifty letters.

use std::sync::LazyLock;

use hashbrown::HashMap;
use whatlang::{Detector, Lang};

use super::survey::{Script, Scripts};

/// A language and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Language {
    /// ISO 639-1, or `ar-Latn` for Arabic in Latin letters (Arabizi); `und` where there is nothing to go by.
    pub code: &'static str,
    /// From 0 to 1; below [`Language::SURE`] it is a guess.
    pub confidence: f64,
}

impl Language {
    /// From here on a guess is worth acting on.
    pub const SURE: f64 = 0.6;
    pub const UNKNOWN: Language = Language { code: "und", confidence: 0.0 };

    /// Can texts of this language (`en`) be told from those of any other that is known here? Where not, they are taken for a
    /// relative of it, or for nothing.
    pub fn is_told_apart(code: &str) -> bool {
        TOLD_APART.iter().any(|(_, told)| *told == code) || OTHER_SCRIPTS.contains(&code)
    }

    /// Is this Arabic in Latin letters?
    pub fn is_arabizi(self) -> bool {
        self.code == "ar-Latn"
    }
}

/// Words that are looked at; more tell nothing new.
const MAX_WORDS: usize = 200;
/// Bytes that trigrams are taken of.
const MAX_BYTES: usize = 1_000;

/// The script that most of the text is written in; `None` when it has no letter.
fn main(scripts: &Scripts) -> Option<Script> {
    // A sign of Chinese or Korean is a word or half of one.
    let dense = 2 * (scripts.count(Script::Han) + scripts.count(Script::Kana));
    let by_script = [
        (scripts.count(Script::Latin), Script::Latin),
        (scripts.count(Script::Arabic), Script::Arabic),
        (scripts.count(Script::Cyrillic), Script::Cyrillic),
        (dense, Script::Han),
        (2 * scripts.count(Script::Hangul), Script::Hangul),
        (scripts.count(Script::Greek), Script::Greek),
        (scripts.count(Script::Hebrew), Script::Hebrew),
        (scripts.count(Script::Thai), Script::Thai),
        (scripts.count(Script::Devanagari), Script::Devanagari),
        (scripts.count(Script::Other), Script::Other),
    ];
    let most = by_script.into_iter().rev().max_by_key(|&(letters, _)| letters);
    most.filter(|&(letters, _)| letters > 0).map(|(_, script)| script)
}

/// The language of a text, given as readers see it, in matching form and in words.
pub(super) fn of<'a>(visible: &str, normal: &str, words: impl Iterator<Item = &'a str>, scripts: &Scripts) -> Language {
    let words: Vec<&str> = words.take(MAX_WORDS).collect();
    let sure = |code| Language { code, confidence: 1.0 };
    match main(scripts) {
        None => Language::UNKNOWN,
        Some(Script::Latin) => latin(normal, &words),
        Some(Script::Arabic) => arabic_script(visible, &words),
        Some(Script::Cyrillic) => cyrillic(normal),
        Some(Script::Han | Script::Kana) if 8 * scripts.count(Script::Kana) > scripts.count(Script::Han) => sure("ja"),
        Some(Script::Han | Script::Kana) => sure("zh"),
        Some(Script::Hangul) => sure("ko"),
        Some(Script::Greek) => sure("el"),
        Some(Script::Hebrew) => sure("he"),
        Some(Script::Thai) => sure("th"),
        Some(Script::Devanagari) => Language { code: "hi", confidence: 0.8 },
        Some(Script::Other) => Language::UNKNOWN,
    }
}

/// Arabic, Persian, Urdu or Kurdish (Sorani), by the letters of each. `visible`: folding makes those letters one.
fn arabic_script(visible: &str, words: &[&str]) -> Language {
    let (mut arabic, mut persian, mut urdu, mut kurdish) = (0_u32, 0_u32, 0_u32, 0_u32);
    // Letters that look like one of Arabic, so that keyboards and evaders mix them in: without any other they make no language.
    let (mut urdu_heh, mut kurdish_heh) = (0_u32, 0_u32);
    for word in words {
        persian += 2 * u32::from(PERSIAN.contains(word));
    }
    let mut last = [' '; 2];
    for c in visible.chars().take(MAX_BYTES) {
        match c {
            'پ' | 'چ' | 'ژ' | 'گ' => persian += 2,
            // Telephones of many countries write these; so does Egypt.
            'ی' | 'ک' => persian += 1,
            'ے' | 'ں' | 'ٹ' | 'ڈ' | 'ڑ' | 'ۓ' => urdu += 3,
            'ہ' | 'ھ' => urdu_heh += 3,
            'ێ' | 'ۆ' | 'ڵ' | 'ڕ' | 'ڤ' => kurdish += 3,
            'ە' => kurdish_heh += 3,
            'ي' | 'ك' | 'ى' => arabic += 1,
            'ة' | 'إ' | 'ط' | 'ظ' | 'ص' | 'ض' | 'ذ' | 'ث' => arabic += 1,
            'ل' if last[1] == 'ا' && !last[0].is_alphabetic() => arabic += 2,
            _ => {}
        }
        last = [last[1], c];
    }
    let total = arabic + persian + urdu + urdu_heh + kurdish + kurdish_heh;
    urdu += if urdu > 0 { urdu_heh } else { 0 };
    kurdish += if kurdish > 0 { kurdish_heh } else { 0 };
    // In Urdu and Kurdish the letters of Persian are at home as well.
    let of = if 5 * urdu > total && urdu > arabic {
        (urdu + persian, "ur")
    } else if 5 * kurdish > total && kurdish > arabic {
        (kurdish + persian, "ckb")
    } else if persian > arabic {
        (persian, "fa")
    } else {
        (arabic, "ar")
    };
    let confidence = if total == 0 { 0.5 } else { f64::from(of.0) / f64::from(total) };
    Language { code: of.1, confidence }
}

/// Persian words, folded, that Arabic has not: Persian is also typed on Arabic keyboards.
const PERSIAN: [&str; 21] = [
    "كه",
    "است",
    "را",
    "از",
    "مي",
    "خيلي",
    "هست",
    "بود",
    "شد",
    "نيست",
    "كرد",
    "براي",
    "ايران",
    "هستند",
    "كنيد",
    "اينكه",
    "رو",
    "شما",
    "اون",
    "اينا",
    "مردم",
];

fn cyrillic(normal: &str) -> Language {
    let code = if normal.contains(['і', 'ї', 'є', 'ґ']) && !normal.contains(['ы', 'э']) {
        "uk"
    } else if normal.contains(['ә', 'ғ', 'қ', 'ң', 'ұ', 'һ']) {
        "kk"
    } else if normal.contains(['ј', 'ђ', 'ћ', 'џ', 'љ', 'њ']) {
        "sr"
    } else {
        "ru"
    };
    Language { code, confidence: 0.9 }
}

/// Little words that few other languages have, folded; more telling than their number suggests.
const LITTLE: [(&str, &str); 11] = [
    (
        "en",
        "the and is of to you it that was for we my this are be have not but with on at they what so i u your just like he she if all can from how who will im dont its me when up out get no",
    ),
    (
        "de",
        "der die das und ist nicht ich ein eine zu mit auf für den von sie wir auch dass wenn aber nur noch wie sind hat dem im des werden man kann schon mal bei so",
    ),
    (
        "fr",
        "le la les et est un une je vous il pas que dans pour ce des du sur avec qui mais plus très c'est sont nous",
    ),
    ("es", "el la los y es un una que en no por con para lo se las del como pero más muy está esta yo gracias"),
    (
        "pt",
        "o a os e é um uma que em não por com para se do da vai esse essa isso você mais muito na ele pra tem seu sua foi só",
    ),
    ("it", "il la che di e non è un per sono con mi una ma ho come lo più questo della"),
    ("nl", "de het een en van is dat niet ik je op te met voor zijn maar ook er wat"),
    (
        "id",
        "yang dan di ini itu dengan untuk tidak ada dari ke aku saya yg gak ga nya bang kak aja udah sama bisa kalau kalo lu gue banget jadi buat lagi mau apa tapi sudah bukan dia mereka orang",
    ),
    (
        "tr",
        "ve bir bu için ile çok ne ben mi ama da icin cok tl sms kadar size var daha en gibi degil değil olarak ret iptal hemen",
    ),
    (
        "vi",
        "là và của không có cho được này với các mình thì người nhưng rất cũng đã quá hàng ko k dc đc vs sản phẩm giao shop thằng tao mày nó",
    ),
    ("pl", "nie to się na i w że jest do jak za ale po tak co"),
];

/// Which languages have a little word: bit n is `LITTLE[n]`, the last one Arabizi.
static VOTES: LazyLock<HashMap<&str, u16>> = LazyLock::new(|| {
    let mut votes = HashMap::new();
    let lists = LITTLE.iter().map(|(_, list)| *list).chain(std::iter::once(ARABIZI));
    for (at, list) in lists.enumerate() {
        for word in list.split_whitespace() {
            *votes.entry(word).or_default() |= 1_u16 << at;
        }
    }
    votes
});

/// Arabic words as they are written in Latin letters; none is common in English.
const ARABIZI: &str = "ya el wallah walla habibi msh mesh mish ana enta enti inta inti kda keda bas bass leh lesh shu shou chou kifak kifik \
    kefak ezayak ezayek tamam yalla inshallah inshalla nshallah insha2allah alhamdulillah hamdulillah ma3lesh 3ala 3la fi fe lazem awi khalas \
    ahlan shukran shokran mabrouk mabrook ba2a da di eh ayh aywa la2 hagat haga 7aga wla wala w 3shan 3ashan 2ana 2enta nharda ennaharda";

/// Is this Arabic in Latin letters? As [`of`] would say, which takes ten times as long: it counts trigrams.
pub(super) fn is_arabizi<'a>(normal: &str, words: impl Iterator<Item = &'a str>, scripts: &Scripts) -> bool {
    let words: Vec<&str> = words.take(MAX_WORDS).collect();
    main(scripts) == Some(Script::Latin)
        && !normal.chars().take(MAX_BYTES).any(is_vietnamese)
        && sounds_arabic(&words, &votes(&words))
}

/// How many of the words are little words of each language.
fn votes(words: &[&str]) -> [f64; LITTLE.len()] {
    let mut votes = [0.0_f64; LITTLE.len()];
    for languages in words.iter().filter_map(|word| VOTES.get(word)) {
        for (at, vote) in votes.iter_mut().enumerate() {
            *vote += f64::from((languages >> at) & 1);
        }
    }
    votes
}

fn latin(normal: &str, words: &[&str]) -> Language {
    if normal.chars().take(MAX_BYTES).any(is_vietnamese) {
        return Language { code: "vi", confidence: 0.95 };
    }
    let mut votes = votes(words);
    if sounds_arabic(words, &votes) {
        return Language { code: "ar-Latn", confidence: 0.8 };
    }
    let (ahead, lead) = leader(&votes);
    // Trigrams take ten times as long as all the rest. Where they could not change the answer they are taken to agree.
    let guess = if lead > MOST_OF_GUESS { Some((ahead, MOST_OF_GUESS)) } else { by_trigrams(normal) };
    if let Some((at, of_guess)) = guess
        && let Some(vote) = votes.get_mut(at)
    {
        *vote += of_guess;
    }
    let (best, _) = leader(&votes);
    let most = votes.get(best).copied().unwrap_or_default();
    match LITTLE.get(best) {
        // One vote more for doubt: a single word proves nothing.
        Some((code, _)) if most > 0.0 => Language { code, confidence: most / (votes.iter().sum::<f64>() + 1.0) },
        _ => Language::UNKNOWN,
    }
}

/// Votes that the guess of trigrams has at most.
const MOST_OF_GUESS: f64 = 2.0;

/// The place of the first that has most votes, and how many more it has than any other.
fn leader(votes: &[f64]) -> (usize, f64) {
    let (mut leader, mut most, mut second) = (0, 0.0_f64, 0.0_f64);
    for (at, &vote) in votes.iter().enumerate() {
        if vote > most {
            (leader, second, most) = (at, most, vote);
        } else {
            second = second.max(vote);
        }
    }
    (leader, most - second)
}

/// The language that trigrams tell, as its place in [`LITTLE`], and how many votes that is.
fn by_trigrams(normal: &str) -> Option<(usize, f64)> {
    let head = normal.get(..normal.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
    let guess = Detector::with_allowlist(TOLD_APART.map(|(lang, _)| lang).to_vec()).detect(head)?;
    let (_, code) = TOLD_APART.iter().find(|(lang, _)| *lang == guess.lang())?;
    let at = LITTLE.iter().position(|(little, _)| little == code)?;
    let confidence = guess.confidence();
    Some((at, if confidence >= 0.9 { MOST_OF_GUESS } else { confidence }))
}

/// The languages in Latin letters that trigrams tell apart; more would only make more mistakes in short texts.
const TOLD_APART: [(Lang, &str); 11] = [
    (Lang::Eng, "en"),
    (Lang::Deu, "de"),
    (Lang::Fra, "fr"),
    (Lang::Spa, "es"),
    (Lang::Por, "pt"),
    (Lang::Ita, "it"),
    (Lang::Nld, "nl"),
    (Lang::Ind, "id"),
    (Lang::Tur, "tr"),
    (Lang::Vie, "vi"),
    (Lang::Pol, "pl"),
];

/// Languages that script and letters tell. Not Urdu, Kurdish, Kazakh and Serbian: they are written in Latin letters as well.
const OTHER_SCRIPTS: [&str; 10] = ["ar", "fa", "ru", "uk", "zh", "ja", "ko", "el", "th", "he"];

/// Letters that Vietnamese alone has, composed and folded.
fn is_vietnamese(c: char) -> bool {
    matches!(c, '\u{1EA0}'..='\u{1EF9}' | 'đ' | 'ơ' | 'ư')
}

/// Latin words with 2, 3, 5, 6, 7, 9 for sounds that Latin has no letter for, and typical words; two signs of it in
/// eight words, and more of them than of any language's little words.
fn sounds_arabic(words: &[&str], votes: &[f64]) -> bool {
    let most_votes = votes.iter().copied().fold(0.0, f64::max);
    let sounds = words.iter().filter(|word| has_sound(word)).count();
    let is_typical = |word: &&&str| VOTES.get(**word).is_some_and(|languages| languages >> LITTLE.len() & 1 == 1);
    let typical = words.iter().filter(is_typical).count();
    let signs = sounds + typical;
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred words")]
    let outvotes = signs as f64 > most_votes;
    sounds >= 1 && signs >= 2 && 4 * signs >= words.len() && outvotes
}

/// `7abibi`, `ma3lesh`, `la2`; not `2nd`, `3d`, `2day`, `gr8`, `mp3`.
fn has_sound(word: &str) -> bool {
    if word.len() < 3 || !word.is_ascii() || word.bytes().any(|byte| matches!(byte, b'0' | b'1' | b'4' | b'8')) {
        return false;
    }
    let bytes = word.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    let inside = (1..bytes.len()).any(|at| is_digit(at) && is_letter(at - 1) && is_letter(at + 1));
    let begins =
        matches!(bytes.first(), Some(b'3' | b'7')) && bytes.len() >= 4 && is_letter(1) && is_letter(2) && is_letter(3);
    inside || begins
}
