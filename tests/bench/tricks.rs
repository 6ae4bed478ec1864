//! What people do to a text so that a filter does not read it, and what honest keyboards do to one.
//!
//! Shared by the evasion bench and the metamorphic tests. Each trick says nothing where it finds nothing to change.

/// A way to write a text otherwise; readers still read the same.
pub struct Trick {
    pub name: &'static str,
    /// Does honest text come like that? Then it must never push ham over hold.
    pub is_honest: bool,
    write: fn(&str) -> String,
}

impl Trick {
    /// The text in disguise; `None` when the trick has no hold on it: fewer than four characters changed.
    pub fn apply(&self, text: &str) -> Option<String> {
        let written = (self.write)(text);
        let changed = written.chars().count().abs_diff(text.chars().count())
            + written.chars().zip(text.chars()).filter(|(new, old)| new != old).count();
        (changed >= 4).then_some(written)
    }
}

const fn trick(name: &'static str, is_honest: bool, write: fn(&str) -> String) -> Trick {
    Trick { name, is_honest, write }
}

pub const TRICKS: &[Trick] = &[
    trick("zwnj-arabic", true, |text| inside(text, 4, |c, _| if is_arabic(c) { "\u{200C}" } else { "" }, 3)),
    trick("rlm-after-words", true, |text| after_words(text, "\u{200F}")),
    trick("tashkeel", true, |text| on_letters(text, is_arabic, "\u{064E}\u{0650}\u{064F}\u{0652}")),
    trick("tatweel", false, |text| inside(text, 3, |c, next| if joins(c) && is_arabic(next) { "ـ" } else { "" }, 3)),
    trick("zero-width", false, |text| inside(text, 4, |_, _| "\u{200B}", 1)),
    trick("soft-hyphen", false, |text| inside(text, 4, |_, _| "\u{AD}", 2)),
    trick("zwnj", false, |text| inside(text, 4, |_, _| "\u{200C}", 2)),
    trick("rlm-inside", false, |text| inside(text, 4, |_, _| "\u{200F}\u{200F}", 2)),
    trick("homoglyphs", false, |text| letters(text, homoglyph, 1)),
    trick("homoglyphs-half", false, |text| letters(text, homoglyph, 2)),
    trick("small-capitals", false, |text| letters(text, small_capital, 1)),
    trick("mathematical", false, |text| letters(text, mathematical, 1)),
    trick("circled", false, |text| letters(text, circled, 1)),
    trick("full-width", false, |text| letters(text, full_width, 1)),
    trick("leet", false, |text| {
        words(text, |word| if word.chars().count() < 4 { None } else { Some(letters(word, leet, 1)) })
    }),
    trick("spaced", false, |text| gaps(text, " ", "   ")),
    trick("dotted", false, |text| gaps(text, ".", " ")),
    trick("hyphened", false, |text| gaps(text, "-", " ")),
    trick("marks", false, |text| on_letters(text, char::is_alphabetic, "\u{0335}\u{0336}")),
    trick("tags", false, |text| inside(text, 4, |_, _| "<b></b>", 3)),
    trick("presentation-forms", false, |text| letters(text, presentation_form, 1)),
    trick("persian-letters", false, |text| letters(text, persian, 1)),
];

fn is_arabic(c: char) -> bool {
    matches!(c, '\u{0621}'..='\u{063A}' | '\u{0641}'..='\u{064A}')
}

/// Does this Arabic letter join the one after it?
fn joins(c: char) -> bool {
    is_arabic(c) && !"ءآأؤإاةدذرزوى".contains(c)
}

/// Each word of letters, links left alone, as `write` has it.
fn words(text: &str, write: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for token in text.split_inclusive(char::is_whitespace) {
        let word = token.trim_end();
        let is_word = !word.contains("://") && !word.contains("www.") && !word.contains(['<', '>', '[', '@', '&', '/']);
        match is_word.then(|| write(word)).flatten() {
            Some(written) => {
                out.push_str(&written);
                out.push_str(token.get(word.len()..).unwrap_or_default());
            }
            None => out.push_str(token),
        }
    }
    out
}

/// A sign after every `step`th letter inside words of `least` letters or more.
fn inside(text: &str, least: usize, sign: impl Fn(char, char) -> &'static str, step: usize) -> String {
    words(text, |word| {
        let chars: Vec<char> = word.chars().collect();
        if chars.iter().filter(|c| c.is_alphabetic()).count() < least {
            return None;
        }
        let mut out = String::new();
        for (at, &c) in chars.iter().enumerate() {
            out.push(c);
            if let Some(&next) = chars.get(at + 1)
                && at % step == step - 1
                && c.is_alphabetic()
                && next.is_alphabetic()
            {
                out.push_str(sign(c, next));
            }
        }
        Some(out)
    })
}

fn after_words(text: &str, sign: &str) -> String {
    words(text, |word| Some(format!("{word}{sign}")))
}

/// One of `marks` in turn on every second letter.
fn on_letters(text: &str, is_base: impl Fn(char) -> bool, marks: &str) -> String {
    words(text, |word| {
        let mut out = String::new();
        for (at, c) in word.chars().enumerate() {
            out.push(c);
            if at % 2 == 0 && is_base(c) {
                out.extend(marks.chars().nth(at / 2 % marks.chars().count()));
            }
        }
        Some(out)
    })
}

/// Every `step`th letter that has another form, in that form.
fn letters(text: &str, form: impl Fn(char) -> Option<char>, step: usize) -> String {
    words(text, |word| {
        let mut met = 0;
        Some(
            word.chars()
                .map(|c| match form(c) {
                    Some(other) => {
                        met += 1;
                        if met % step == 0 { other } else { c }
                    }
                    None => c,
                })
                .collect(),
        )
    })
}

/// Words of four letters or more spelled out, with `gap` between letters and `wide` after the word.
fn gaps(text: &str, gap: &str, wide: &str) -> String {
    words(text, |word| {
        let is_long = word.chars().count() >= 4 && word.chars().all(|c| c.is_alphabetic() && !is_dense(c));
        is_long.then(|| {
            let spelled: Vec<String> = word.chars().map(String::from).collect();
            format!("{}{}", spelled.join(gap), wide.get(1..).unwrap_or_default())
        })
    })
}

/// Chinese is written letter by letter anyway; Hangul and Thai lose their reader.
fn is_dense(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0E7F}' | '\u{3040}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

fn paired(c: char, from: &str, to: &str) -> Option<char> {
    let at = from.chars().position(|letter| letter == c)?;
    to.chars().nth(at)
}

fn homoglyph(c: char) -> Option<char> {
    paired(c, "aeocpxyisjABEKMHOPCTX", "аеосрхуіѕјАВЕКМНОРСТХ")
        .or_else(|| paired(c, "аеосрхуАВЕКМНОРСТХ", "aeocpxyABEKMHOPCTX"))
}

fn small_capital(c: char) -> Option<char> {
    paired(c, "abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ")
}

fn shifted(c: char, upper: u32, lower: u32) -> Option<char> {
    match c {
        'A'..='Z' => char::from_u32(upper + u32::from(c) - u32::from('A')),
        'a'..='z' => char::from_u32(lower + u32::from(c) - u32::from('a')),
        _ => None,
    }
}

fn mathematical(c: char) -> Option<char> {
    shifted(c, 0x1D5D4, 0x1D5EE)
}

fn circled(c: char) -> Option<char> {
    shifted(c, 0x24B6, 0x24D0)
}

fn full_width(c: char) -> Option<char> {
    shifted(c, 0xFF21, 0xFF41)
}

fn leet(c: char) -> Option<char> {
    paired(c.to_ascii_lowercase(), "aeiost", "431057")
}

fn presentation_form(c: char) -> Option<char> {
    paired(c, "ابتثجحخدرزسشصضطعغفقكلمنهوي", "ﺍﺑﺗﺛﺟﺣﺧﺩﺭﺯﺳﺷﺻﺿﻃﻋﻏﻓﻗﻛﻟﻣﻧﻫﻭﻳ")
}

fn persian(c: char) -> Option<char> {
    paired(c, "كيهى", "کیہی")
}
