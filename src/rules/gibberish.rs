//! Random letters: how surprising a word's letters are after one another.
//!
//! Owns the table of letter pairs (`config/lists/bigrams.txt`, which says how it was counted). Words with letters or digits
//! outside their script's table are not judged, which keeps Arabizi, accents and product codes out.

use std::sync::LazyLock;

use super::Note;
use super::clues::Clues;

/// Pairs of letters of one script.
struct Table {
    /// The first letter of the script's block that has a place.
    first: u32,
    /// The place of a letter by its distance from the first; 0 for one that has none, which is also the edge of a word.
    places: Vec<usize>,
    width: usize,
    /// Bits of surprise, row by row.
    costs: Vec<u8>,
    /// From this mean surprise on a word is no word, bits a letter.
    limit: f32,
}

/// Latin, Cyrillic, Arabic, as in the file.
static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| read(include_str!("../../config/lists/bigrams.txt")));

/// Mean surprise that one word in a thousand of ordinary comments of the script reaches, with room above.
const LIMITS: [f32; 3] = [4.6, 5.6, 5.8];

fn read(file: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some(columns) = line.strip_prefix("columns ") {
            let letters: Vec<u32> = columns.chars().skip(1).map(u32::from).collect();
            let first = letters.iter().copied().min().unwrap_or_default();
            let last = letters.iter().copied().max().unwrap_or_default();
            let place = |letter| letters.iter().position(|&known| known == letter).map_or(0, |place| place + 1);
            let places = (first..=last).map(place).collect();
            let limit = LIMITS.get(tables.len()).copied().unwrap_or(f32::INFINITY);
            tables.push(Table { first, places, width: letters.len() + 1, costs: Vec::new(), limit });
        } else if let (Some(table), Some((_, row))) = (tables.last_mut(), line.split_once(' ')) {
            table.costs.extend(
                row.chars().filter_map(|digit| digit.to_digit(16)).map(|cost| u8::try_from(cost).unwrap_or(15)),
            );
        }
    }
    tables
}

impl Table {
    /// The place of a letter, if it has one.
    fn place(&self, letter: char) -> Option<usize> {
        let distance = usize::try_from(u32::from(letter).checked_sub(self.first)?).ok()?;
        self.places.get(distance).copied().filter(|&place| place > 0)
    }
}

/// By how much a word exceeds the limit of its script, as a ratio; `None` when it is not judged. A letter that is held down
/// counts once.
fn surprise(word: &str) -> Option<f32> {
    let first = word.chars().next()?;
    let table = TABLES.iter().find(|table| table.place(first).is_some())?;
    let width = table.width;
    let (mut before, mut sum, mut pairs) = (0, 0_u16, 0_u16);
    let mut cost = |from: usize, to: usize| {
        sum += u16::from(table.costs.get(from * width + to).copied().unwrap_or(15));
        pairs += 1;
    };
    for letter in word.chars().take(40) {
        let place = table.place(letter)?;
        if place != before {
            cost(before, place);
        }
        before = place;
    }
    cost(before, 0);
    Some(f32::from(sum) / f32::from(pairs) / table.limit)
}

/// Is this a word of seven letters or more that no language listed would have?
fn is_gibberish(word: &str) -> bool {
    let length = word.chars().count();
    (7..=40).contains(&length) && !is_laughter(word) && surprise(word).is_some_and(|ratio| ratio >= 1.0)
}

/// `hahaha`, `wkwkwk`, `ههههه`, `kkkk`, `jajaja`: two letters at most, over and over.
pub(super) fn is_laughter(word: &str) -> bool {
    // Most words show three different letters at once.
    if let [one, two, three, ..] = word.as_bytes()
        && word.is_char_boundary(1)
        && word.is_char_boundary(2)
        && one != two
        && two != three
        && one != three
    {
        return false;
    }
    let mut letters = word.chars();
    let Some(first) = letters.next() else { return false };
    let mut second = None;
    let mut length = 1;
    for letter in letters {
        length += 1;
        if letter != first && *second.get_or_insert(letter) != letter {
            return false;
        }
    }
    length >= 4 || (length >= 2 && second.is_none())
}

/// Arabic in Latin letters, where digits stand for letters that Latin lacks: `ma3lesh`, `7abibi`, `5alas`.
pub(super) fn is_arabizi(word: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic();
    let is_digit = |byte: u8| matches!(byte, b'2' | b'3' | b'5' | b'6' | b'7' | b'8' | b'9');
    let digits = word.bytes().filter(|&byte| is_digit(byte)).count();
    if digits == 0 {
        return false;
    }
    let letters = word.bytes().filter(|&byte| is_letter(byte)).count();
    // A digit beside letters on the side where the word goes on; `mp3` and `4u` end or begin otherwise.
    let is_inside =
        word.as_bytes().windows(2).any(|pair| matches!(pair, [one, two] if is_digit(*one) && is_letter(*two)));
    (1..=3).contains(&digits) && letters >= 3 && letters + digits == word.len() && is_inside
}

/// `GIBBERISH_BODY`: two words or more of random letters, and they are half of the longer words. Passwords, code and languages
/// that the table does not know are the ham to expect; one odd word says nothing.
pub(super) fn body(clues: &Clues<'_>) -> Option<Note> {
    let (mut long, mut odd) = (0, 0);
    let mut first = "";
    for word in clues.text.words().take(500).filter(|word| word.len() >= 5) {
        // Parts of links are no words; they are rarely long.
        long += usize::from(word.chars().nth(4).is_some());
        if is_gibberish(word) {
            odd += 1;
            first = if first.is_empty() { word } else { first };
        }
    }
    let is_one_word = odd == 1 && clues.text.words().len() == 1 && first.chars().count() >= 10;
    ((odd >= 2 && 2 * odd >= long && clues.foreign.is_empty()) || is_one_word).then(|| Note::new(first))
}

/// `GIBBERISH_NAME`: one word of random letters, or of capitals strewn in (`LqTmZxBv`). Names of any people are
/// pronounceable; initials are short.
pub(super) fn name(clues: &Clues<'_>) -> Option<Note> {
    let name = clues.name();
    if name.contains(char::is_whitespace) || !name.chars().all(char::is_alphabetic) {
        return None;
    }
    let (mut turns, mut small) = (0, 0);
    let mut was_lower = false;
    for letter in name.chars() {
        turns += usize::from(was_lower && letter.is_uppercase());
        was_lower = letter.is_lowercase();
        small += usize::from(was_lower);
    }
    let is_odd = surprise(clues.normal_name()).is_some_and(|ratio| ratio >= 1.08) && is_gibberish(clues.normal_name());
    // Words run together (`WhipCreamOnTop`) have more small letters between the capitals.
    let is_strewn = turns >= 3 && 2 * small <= 3 * turns && (8..=40).contains(&name.chars().count());
    (is_odd || is_strewn).then(|| Note::new(name))
}

/// `EMAIL_GIBBERISH`: ten characters or more before the `@` without a dot, and they are random letters or letters and digits by
/// turns. Relays that protect privacy make such addresses, so that theirs do not count.
pub(super) fn email(clues: &Clues<'_>) -> Option<Note> {
    const RELAYS: [&str; 9] = [
        "privaterelay.appleid.com",
        "duck.com",
        "mozmail.com",
        "simplelogin.com",
        "simplelogin.co",
        "aleeas.com",
        "users.noreply.github.com",
        "anonaddy.me",
        "addy.io",
    ];
    let (local, _) = clues.email().rsplit_once('@')?;
    let local = local.to_ascii_lowercase();
    if !(10..=64).contains(&local.len())
        || !local.bytes().all(|byte| byte.is_ascii_alphanumeric())
        || RELAYS.iter().any(|relay| clues.email_host().ends_with(relay))
    {
        return None;
    }
    let letters = local.trim_end_matches(|c: char| c.is_ascii_digit());
    let turns = letters
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [one, two] if one.is_ascii_digit() != two.is_ascii_digit()))
        .count();
    (turns >= 4 || is_gibberish(letters)).then(|| Note::new(local.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &str, expected: bool) {
        for word in words.split_whitespace() {
            assert_eq!(is_gibberish(word), expected, "{word}: {:?}", surprise(word));
        }
    }

    #[test]
    fn names_and_words_of_many_languages_are_no_gibberish() {
        check("strengths rhythms thoughts already schlossführung angstschrei rechtsschutz kahvaltı teşekkürler", false);
        check("krzysztof grzegorz mkrtchyan hrvoje siobhan nguyen ngozi zhangwei xiaoming przybylski szczepan", false);
        check("взаимодействие здравствуйте всплеск استفساراتكم مستشفيات فسيكفيكهم درخشانی", false);
        check("ma3lesh 7abibi hahahaha wkwkwkwk ههههههه jajajaja ineedsomemoney zzzzzzzz", false);
        check("covid19 iphone15promax", false);
    }

    #[test]
    fn keyboard_mash_is() {
        check("asdfghjkl sdfsdfsdf xkjqwzpt zxcvbnm dfgdfgdfg jhgjhgj qwrtpsdf", true);
        check("йцукенгш ывапывап ضصثقفغعه", true);
    }

    #[test]
    fn arabizi_and_laughter_are_told() {
        for word in ["ma3lesh", "7abibi", "5alas", "el7amdulillah"] {
            assert!(is_arabizi(word), "{word}");
        }
        for word in ["mp3", "c4s1n0", "2021", "covid19", "hello", "3d"] {
            assert!(!is_arabizi(word), "{word}");
        }
        assert!(is_laughter("هه") && is_laughter("hahaha") && !is_laughter("no") && !is_laughter("banana"));
    }
}
