//! What only machines do: fill hidden fields, leave their templates unfilled, attack the site.
//!
//! None of it is final: caches, screen readers and password managers fall into traps as well.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::clues::Clues;
use super::{Category, Note};
use crate::text::Text;

/// `HONEYPOT_FILLED`: something stands in the field that people do not see. Form fillers are the ham to expect.
pub(super) fn honeypot(clues: &Clues<'_>) -> Option<Note> {
    let filled = clues.comment.honeypot.as_deref().unwrap_or_default().trim();
    (!filled.is_empty()).then(|| Note::new(filled))
}

/// What attacks and unfilled templates hold. Found in one pass over the raw text, whatever the case.
const PATTERNS: [(&str, Kind); 26] = [
    ("<!--mfunc", Kind::Exploit),
    ("<?php", Kind::Exploit),
    ("<script", Kind::Exploit),
    ("<iframe", Kind::Exploit),
    ("javascript:alert(", Kind::Exploit),
    ("onerror=", Kind::Exploit),
    ("onmouseover=", Kind::Exploit),
    ("' or 1=1", Kind::Exploit),
    ("' or '1'='1", Kind::Exploit),
    ("union select ", Kind::Exploit),
    ("union all select ", Kind::Exploit),
    ("base64_decode(", Kind::Exploit),
    ("${jndi:", Kind::Exploit),
    ("../../../", Kind::Exploit),
    ("/etc/passwd", Kind::Exploit),
    ("xp_cmdshell", Kind::Exploit),
    ("waitfor delay", Kind::Exploit),
    ("#file_links[", Kind::Template),
    ("%keyword%", Kind::Template),
    ("%anchor_text%", Kind::Template),
    ("%spinfile", Kind::Template),
    ("{{keyword}}", Kind::Template),
    ("[insert name]", Kind::Template),
    ("[your name]", Kind::Template),
    ("#randomnum", Kind::Template),
    ("{random_", Kind::Template),
];

#[derive(Clone, Copy)]
enum Kind {
    Exploit,
    Template,
}

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(PATTERNS.iter().map(|(pattern, _)| pattern))
        .unwrap_or_else(|error| unreachable!("the patterns are constants: {error}"))
});

/// What one pass over the raw text found outside code.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Planted {
    exploit: Option<&'static str>,
    template: Option<&'static str>,
}

/// The first pattern of each kind outside code.
pub(super) fn planted(text: &Text) -> Planted {
    let mut planted = Planted::default();
    for found in AUTOMATON.find_iter(text.raw()) {
        let Some((pattern, kind)) = PATTERNS.get(found.pattern().as_usize()) else { continue };
        let slot = match kind {
            Kind::Exploit => &mut planted.exploit,
            Kind::Template => &mut planted.template,
        };
        if slot.is_none() && !is_code(text, &found.range()) {
            *slot = Some(pattern);
        }
        if planted.exploit.is_some() && planted.template.is_some() {
            break;
        }
    }
    planted
}

/// Does `place` in the raw text lie in `<code>`, `<pre>` or back-ticks? Programmers quote attacks.
fn is_code(text: &Text, place: &Range<usize>) -> bool {
    let is_marked = text.markup().code.iter().any(|code| code.start <= place.start && place.end <= code.end);
    // A window keeps a text full of patterns linear.
    let window = |from: usize, to: usize| {
        let raw = text.raw();
        raw.get(raw.ceil_char_boundary(from)..raw.floor_char_boundary(to)).unwrap_or_default()
    };
    is_marked
        || (window(place.start.saturating_sub(500), place.start).contains('`')
            && window(place.end, place.end.saturating_add(500)).contains('`'))
}

/// `EXPLOIT_PAYLOAD`: code that wants to run on the site. In code blocks it is talk about code.
pub(super) fn exploit(clues: &Clues<'_>) -> Option<Note> {
    clues.planted().exploit.map(Note::new)
}

/// `TEMPLATE_SPINTAX`: `{Hi|Hello|Hey}` or `%keyword%`: the machine forgot to fill its form. In code blocks it is code.
pub(super) fn spintax(clues: &Clues<'_>) -> Option<Note> {
    if let Some(pattern) = clues.planted().template {
        return Some(Note::new(pattern));
    }
    let raw = clues.text.raw();
    if !raw.contains('{') {
        return None;
    }
    let mut open = None;
    let mut bars = 0;
    for (at, byte) in raw.bytes().enumerate() {
        match byte {
            b'{' => (open, bars) = (Some(at), 0),
            b'|' => bars += 1,
            b'}' => {
                if let Some(start) = open.take()
                    && bars >= 2
                    && at - start < 500
                    && let Some(inside) = raw.get(start + 1..at)
                    && is_spun(inside)
                    && !is_code(clues.text, &(start..at))
                {
                    return Some(Note::new(format!("{{{inside}}}")));
                }
            }
            _ => {}
        }
    }
    None
}

/// Alternatives made of words, not of code: `Hi|Hello|Hey there`.
fn is_spun(inside: &str) -> bool {
    inside.split('|').all(|choice| {
        choice.chars().all(|c| {
            c.is_alphanumeric() || c.is_whitespace() || matches!(c, '\'' | '’' | '.' | ',' | '!' | '-' | '؟' | '،')
        })
    }) && inside.split('|').filter(|choice| choice.chars().any(char::is_alphabetic)).count() >= 3
}

/// `LLM_BOILERPLATE`: a text generator's words about itself, not in quotation marks: people quote it to mock it.
pub(super) fn boilerplate(clues: &Clues<'_>) -> Option<Note> {
    let hit = clues.first(Category::Boilerplate)?;
    let before = clues.text.normal().get(..hit.at).unwrap_or_default().trim_end();
    (!before.ends_with(['"', '\'', '“', '«', '‘', '„'])).then(|| Note::new(hit.phrase.words.as_str()))
}
