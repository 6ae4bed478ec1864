//! The shape of the text: calls, lists, repetition, noise. Each alone is mild; people shout, repeat and count as well.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use hashbrown::HashSet;
use memchr::memmem;
use xxhash_rust::xxh3::xxh3_64;

use super::clues::Clues;
use super::gibberish::is_laughter;
use super::phrases::Hit;
use super::{Category, Note, lists, topic};
use crate::text::tokens_with;

/// Praise that fits any page: sixty words at most, and none of the page's title or topics, which is a sign that somebody
/// read it. Praise alone is what writers live for: it weighs in company only.
pub(super) fn praise(clues: &Clues<'_>) -> Option<Hit> {
    let hit = clues.first(Category::Praise)?;
    (clues.text.words().len() <= 60 && !topic::is_of_page(clues)).then_some(hit)
}

/// `PHONE_NUMBER`: a number to call. Business pages and classifieds are the ham to expect.
pub(super) fn phone(clues: &Clues<'_>) -> Option<Note> {
    clues.phone.as_ref().map(|phone| Note::new(phone.number.as_str()))
}

/// Does `@somebody` stand in a text that names a messenger whose people are called so?
pub(super) fn has_handle(clues: &Clues<'_>) -> bool {
    const WITH_HANDLES: [&str; 11] = [
        "telegram",
        "whatsapp",
        "تلجرام",
        "تليجرام",
        "تيليجرام",
        "تيلجرام",
        "تلقرام",
        "تليقرام",
        "телеграм",
        "سناب",
        "سناب شات",
    ];
    let named =
        |hit: &Hit| hit.phrase.category == Category::Messenger && WITH_HANDLES.contains(&hit.phrase.words.as_str());
    let is_handle = |token: &str| token.strip_prefix('@').is_some_and(|handle| handle.len() >= 4 && handle.is_ascii());
    clues.hits.iter().any(named) && clues.text.normal().split(' ').any(is_handle)
}

/// `TESTIMONIAL`: phrases of made-up success stories: two of them, or one with a way to reach the healer, hacker or broker.
pub(super) fn testimonial(clues: &Clues<'_>) -> Option<Note> {
    let mut hits = clues.hits.iter().filter(|hit| hit.phrase.category == Category::Testimonial);
    let first = hits.next()?;
    let strength = match hits.next() {
        Some(_) => 1.0,
        None if clues.has_contact() => 0.7,
        None => return None,
    };
    Some(Note::graded(first.phrase.words.as_str(), strength))
}

/// Names of currencies, in matching form.
static CURRENCIES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    HashSet::from([
        "usd",
        "dollar",
        "dollars",
        "euro",
        "euros",
        "eur",
        "gbp",
        "pounds",
        "bucks",
        "usdt",
        "rupees",
        "tl",
        "lira",
        "rub",
        "руб",
        "рублей",
        "долларов",
        "ريال",
        "ريالا",
        "دولار",
        "دولارا",
        "درهم",
        "دينار",
        "جنيه",
        "يورو",
        "تومان",
        "تومن",
        "元",
        "块",
    ])
});

/// The sums of money in the text, the first few.
fn sums<'a>(clues: &Clues<'a>) -> Vec<&'a str> {
    if clues.text.scripts().digits == 0 {
        return Vec::new();
    }
    let is_currency = |word: &str| CURRENCIES.contains(word.trim_matches(|c: char| !c.is_alphanumeric()));
    let signs = ['$', '€', '£', '¥', '₹', '₺', '₽', '﷼', '元', '₩', '₫'];
    let normal = clues.text.normal();
    let is_sum = |&(start, token): &(usize, &str)| {
        let before = || normal.get(..start).unwrap_or_default().split_ascii_whitespace().next_back();
        let after = || normal.get(start + token.len()..).unwrap_or_default().split_ascii_whitespace().next();
        token.contains(signs) || before().is_some_and(is_currency) || after().is_some_and(is_currency)
    };
    let numbers = tokens_with(normal, |byte| byte.is_ascii_digit()).take(5_000);
    numbers.filter(is_sum).take(3).map(|(_, token)| token).collect()
}

/// A sum of money: `$500`, `500 ريال`.
pub(super) fn sum_of_money(clues: &Clues<'_>) -> Option<String> {
    sums(clues).first().map(|sum| (*sum).to_owned())
}

/// `PRICES_MANY`: three sums of money or more. News of budgets and people who compare prices are the ham to expect.
pub(super) fn prices(clues: &Clues<'_>) -> Option<Note> {
    let sums = sums(clues);
    (sums.len() >= 3).then(|| Note::new(sums.join(" ")))
}

/// Of whom people have addresses.
const MAIL_HOSTS: [&str; 6] = ["gmail", "yahoo", "hotmail", "outlook", "protonmail", "mail"];

/// What each of [`MAIL_HOSTS`] holds at least one of.
static MAIL_HOST_PARTS: LazyLock<[memmem::Finder<'static>; 3]> =
    LazyLock::new(|| ["mail", "yahoo", "outlook"].map(memmem::Finder::new));

/// How an address is written to slip past a filter, in matching form.
static HIDDEN_EMAIL: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let forms = [
        " at # dot com",
        "(at)#",
        "(at) #",
        "[at]#",
        "[at] #",
        " @ #.",
        " @#. com",
        "# dot com",
        "#(dot)com",
        "#[dot]com",
        "#. com",
    ];
    let patterns = MAIL_HOSTS.iter().flat_map(|host| forms.iter().map(move |form| form.replace('#', host)));
    AhoCorasick::new(patterns).unwrap_or_else(|error| unreachable!("the patterns are constants: {error}"))
});

/// `EMAIL_HIDDEN`: an address written so that a filter does not see it. People who fear harvesters do it, too.
pub(super) fn hidden_email(clues: &Clues<'_>) -> Option<Note> {
    let normal = clues.text.normal();
    // Most texts name none and are done with here.
    if !MAIL_HOST_PARTS.iter().any(|part| part.find(normal.as_bytes()).is_some()) {
        return None;
    }
    let found = HIDDEN_EMAIL.find(normal)?;
    Some(Note::new(normal.get(found.range()).unwrap_or_default().trim()))
}

/// `EMAIL_IN_BODY`: an address to write to. Support pages are the ham to expect.
pub(super) fn email(clues: &Clues<'_>) -> Option<Note> {
    clues.text.emails().first().map(|email| Note::new(email.as_str()))
}

/// `CRYPTO_ADDRESS`: a Bitcoin or Tron address whose checksum holds, so that a random word is none.
pub(super) fn crypto_address(clues: &Clues<'_>) -> Option<Note> {
    // Most texts hold no word that long; folding shortens runs by a letter or two.
    if !clues.text.words().any(|word| (22..=62).contains(&word.len())) {
        return None;
    }
    clues
        .text
        .visible()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|token| (26..=62).contains(&token.len()))
        .take(50)
        .find(|token| checksum::is_base58(token) || checksum::is_bech32(token))
        .map(Note::new)
}

/// `WORD_REPEAT`: of thirty words or more, few are different, or one is every fifth. Prayers and chants repeat
/// too; laughter does not count.
pub(super) fn repeat(clues: &Clues<'_>) -> Option<Note> {
    let count = clues.text.words().len();
    if count < 30 {
        return None;
    }
    let looked_at = count.min(2_000);
    // Equal words meet when their hashes are sorted: cheaper than comparing the words.
    let mut words: Vec<(u64, &str)> = clues
        .text
        .words()
        .take(looked_at)
        .filter(|word| !is_laughter(word))
        .map(|word| (xxh3_64(word.as_bytes()), word))
        .collect();
    let looked_at = words.len();
    if looked_at < 30 || !may_repeat(&words) {
        return None;
    }
    words.sort_unstable_by_key(|&(hash, _)| hash);
    let mut distinct = 0;
    let mut most = (0, "");
    for same in words.chunk_by(|(one, _), (other, _)| one == other) {
        distinct += 1;
        // Short words are particles, which every text repeats.
        if let Some((_, word)) = same.first()
            && same.len() > most.0
            && word.chars().count() >= 4
        {
            most = (same.len(), *word);
        }
    }
    // A long text repeats its particles more: the share of different words falls with length even in ham.
    let is_poor = looked_at <= 300 && 5 * distinct < 2 * looked_at;
    (is_poor || 5 * most.0 > looked_at).then(|| Note::new(most.1))
}

/// Could [`repeat`] find anything? Words that share a part of their hash are taken for one another: there are at least as many
/// different ones as such parts, and none is there more often than its part. Most texts are done with here, unsorted.
fn may_repeat(words: &[(u64, &str)]) -> bool {
    let mut counts = [0_u16; 256];
    for &(hash, _) in words {
        if let Some(count) = counts.get_mut(usize::from(hash.to_le_bytes()[0])) {
            *count += 1;
        }
    }
    let distinct = counts.iter().filter(|count| **count > 0).count();
    let most = counts.iter().copied().max().map_or(0, usize::from);
    (words.len() <= 300 && 5 * distinct < 2 * words.len()) || 5 * most > words.len()
}

/// `KEYWORD_LIST`: seven short items or more between commas, and none of the little words that sentences have.
///
/// Recipes count and measure: items with digits are none. Tags of a photograph are the ham to expect.
pub(super) fn keyword_list(clues: &Clues<'_>) -> Option<Note> {
    let words = clues.text.words();
    // The separators below by the last byte of each; a few other characters end alike, which costs nothing but time.
    let may_separate = |byte: &u8| matches!(byte, b',' | b'\n' | b';' | b'|' | b'/' | 0x8C | 0x9B | 0xA2 | 0x81);
    if !(12..=500).contains(&words.len()) {
        return None;
    }
    let most_items = clues.text.visible().as_bytes().iter().filter(|byte| may_separate(byte)).count() + 1;
    if most_items < 7 {
        return None;
    }
    let separates = |c: char| matches!(c, ',' | '\n' | ';' | '|' | '،' | '؛' | '•' | '、' | '/');
    let is_keyword = |item: &str| {
        (2..=5).contains(&item.split_whitespace().take(6).count())
            && !item.contains(|c: char| matches!(c, '.' | '!' | '?' | '؟') || c.is_numeric())
    };
    let (mut items, mut keywords) = (0_usize, 0_usize);
    for item in clues.text.visible().split(separates).map(str::trim).filter(|item| !item.is_empty()) {
        items += 1;
        keywords += usize::from(is_keyword(item));
        // Every fifth is none: what follows cannot make up for it.
        if 5 * (items - keywords) > most_items {
            return None;
        }
    }
    if keywords < 7 || 5 * keywords < 4 * items {
        return None;
    }
    let stop_words = words.clone().filter(|word| lists::STOP_WORDS.contains(*word)).count();
    (20 * stop_words <= words.len()).then(|| Note::new(format!("× {keywords}")))
}

/// `SHOUTING`: over six tenths capitals among twenty letters or more.
pub(super) fn shouting(clues: &Clues<'_>) -> Option<Note> {
    let scripts = clues.text.scripts();
    (scripts.cased >= 20 && 5 * u64::from(scripts.uppercase) > 3 * u64::from(scripts.cased)).then(|| Note::new(""))
}

/// `PUNCTUATION_RUN`: `!!!!`, `????`, `$$$$`.
pub(super) fn punctuation(clues: &Clues<'_>) -> Option<Note> {
    let mut last = 0;
    let mut run = 0;
    for byte in clues.text.visible().bytes() {
        run = if byte == last { run + 1 } else { 1 };
        last = byte;
        if run == 4 && matches!(byte, b'!' | b'?' | b'$') {
            return Some(Note::new(char::from(byte).to_string().repeat(4)));
        }
    }
    None
}

/// `EMOJI_MANY`: more than eight, and every third sign or more among them. Laughing rows of up to eight are ham.
pub(super) fn emoji(clues: &Clues<'_>) -> Option<Note> {
    let scripts = clues.text.scripts();
    (scripts.emoji > 8 && 8 * scripts.emoji > scripts.visible).then(|| Note::new(format!("× {}", scripts.emoji)))
}

/// `HASHTAGS_MANY`: five or more, as those write who want to be found under every topic.
pub(super) fn hashtags(clues: &Clues<'_>) -> Option<Note> {
    let count = clues.text.oddities().hashtags;
    (count >= 5).then(|| Note::new(format!("× {count}")))
}

/// Checksums of crypto-currency addresses.
mod checksum {
    use sha2::{Digest as _, Sha256};

    /// Base58Check with 25 bytes (Bitcoin P2PKH and P2SH, Tron). # Source: Bitcoin wiki, "Base58Check encoding".
    pub(super) fn is_base58(token: &str) -> bool {
        const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        if !token.starts_with(['1', '3', 'T']) || !(26..=35).contains(&token.len()) {
            return false;
        }
        let mut bytes = [0_u8; 25];
        for character in token.bytes() {
            let Some(mut carry) = ALPHABET.iter().position(|&letter| letter == character) else { return false };
            for byte in bytes.iter_mut().rev() {
                carry += 58 * usize::from(*byte);
                *byte = u8::try_from(carry % 256).unwrap_or_default();
                carry /= 256;
            }
            if carry > 0 {
                return false;
            }
        }
        let (payload, checksum) = bytes.split_at(21);
        let digest = Sha256::digest(Sha256::digest(payload));
        matches!(payload.first(), Some(0x00 | 0x05 | 0x41)) && digest.starts_with(checksum)
    }

    /// Bech32 and Bech32m addresses of Bitcoin. # Source: BIP 173 and BIP 350.
    pub(super) fn is_bech32(token: &str) -> bool {
        const ALPHABET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
        const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let Some(data) = token.strip_prefix("bc1") else { return false };
        let mut checksum = 1_u32;
        let mut feed = |value: u32| {
            let top = checksum >> 25;
            checksum = ((checksum & 0x1ff_ffff) << 5) ^ value;
            for (bit, generator) in GENERATOR.iter().enumerate() {
                if (top >> bit) & 1 == 1 {
                    checksum ^= generator;
                }
            }
        };
        // The human-readable part `bc`, spread as the standard says.
        for value in [3, 3, 0, 2, 3] {
            feed(value);
        }
        for character in data.bytes() {
            let Some(value) = ALPHABET.iter().position(|&letter| letter == character) else { return false };
            feed(u32::try_from(value).unwrap_or_default());
        }
        matches!(checksum, 1 | 0x2bc8_30a3)
    }
}
