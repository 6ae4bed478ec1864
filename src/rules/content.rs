//! The shape of the text: calls, lists, repetition, noise. Each alone is mild; people shout, repeat and count as well.

use xxhash_rust::xxh3::xxh3_64;

use super::clues::Clues;
use super::{Category, Note, lists};

/// `PRAISE_PLUS_LINK`: praise that fits any page, and an address. Praise alone is what writers live for and never counts.
///
/// A word of the page's title in the comment is a sign that somebody read it.
pub(super) fn praise_plus_link(clues: &Clues<'_>) -> Option<Note> {
    let praise = clues.first(Category::Praise)?;
    let author_host = clues.author_link.as_ref().is_some_and(|link| !link.host().is_empty());
    let words = clues.text.words().len();
    if words > 60 || (clues.foreign.is_empty() && !author_host) || speaks_of_page(clues) {
        return None;
    }
    // Many readers fill in their own address: that alone is worth less than a link in the text.
    let strength = if clues.foreign.is_empty() { 0.4 } else { 1.0 };
    Some(Note::graded(praise.phrase.words.as_str(), strength))
}

fn speaks_of_page(clues: &Clues<'_>) -> bool {
    let Some(title) = clues.comment.post_title.as_deref() else { return false };
    let title = crate::text::normalize(title.get(..title.floor_char_boundary(500)).unwrap_or_default());
    title.split(' ').filter(|word| word.chars().count() >= 5).any(|word| clues.text.words().any(|said| said == word))
}

/// `PHONE_NUMBER`: a number to call. Business pages and classifieds are the ham to expect.
pub(super) fn phone(clues: &Clues<'_>) -> Option<Note> {
    clues.phone.as_ref().map(|phone| Note::new(phone.number.as_str()))
}

/// `MESSENGER_CALL`: a messenger's name and a way to reach somebody there. Talk about WhatsApp has none.
pub(super) fn messenger_call(clues: &Clues<'_>) -> Option<Note> {
    let hit = clues.first(Category::Messenger)?;
    let has_handle = clues.text.normal().split(' ').any(|token| {
        token.strip_prefix('@').is_some_and(|handle| handle.len() >= 4 && handle.is_ascii())
            && matches!(
                hit.phrase.words.as_str(),
                "telegram"
                    | "whatsapp"
                    | "تلجرام"
                    | "تليجرام"
                    | "تيليجرام"
                    | "телеграм"
                    | "سناب"
                    | "سناب شات"
            )
    });
    (clues.phone.is_some() || clues.messenger_link().is_some() || !clues.text.emails().is_empty() || has_handle)
        .then(|| Note::new(hit.phrase.words.as_str()))
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

/// `WORD_REPEAT`: of thirty words or more, few are different, or one is every fifth. Prayers and chants repeat too.
pub(super) fn repeat(clues: &Clues<'_>) -> Option<Note> {
    let count = clues.text.words().len();
    if count < 30 {
        return None;
    }
    let looked_at = count.min(2_000);
    // Equal words meet when their hashes are sorted: cheaper than comparing the words.
    let mut words: Vec<(u64, &str)> =
        clues.text.words().take(looked_at).map(|word| (xxh3_64(word.as_bytes()), word)).collect();
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

/// `KEYWORD_LIST`: seven short items or more between commas, and none of the little words that sentences have.
///
/// Recipes count and measure: items with digits are none. Tags of a photograph are the ham to expect.
pub(super) fn keyword_list(clues: &Clues<'_>) -> Option<Note> {
    let words = clues.text.words();
    // The separators below by the last byte of each; a few other characters end alike, which costs nothing but time.
    let may_separate = |byte: &u8| matches!(byte, b',' | b'\n' | b';' | b'|' | b'/' | 0x8C | 0x9B | 0xA2 | 0x81);
    if !(12..=500).contains(&words.len())
        || clues.text.visible().as_bytes().iter().filter(|byte| may_separate(byte)).count() < 6
    {
        return None;
    }
    let items: Vec<&str> = clues
        .text
        .visible()
        .split([',', '\n', ';', '|', '،', '؛', '•', '、', '/'])
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect();
    let is_keyword = |item: &&&str| {
        (2..=5).contains(&item.split_whitespace().count())
            && !item.contains(|c: char| c.is_numeric() || matches!(c, '.' | '!' | '?' | '؟'))
    };
    let keywords = items.iter().filter(is_keyword).count();
    if keywords < 7 || 5 * keywords < 4 * items.len() {
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
