//! A verdict for a person at a terminal: what was decided and why, the text with what counted marked, all evidence.
//!
//! Owns the layout, and that nothing of the comment drives the terminal or turns a column around. Does not own the
//! sentences (`reason`) nor finding the marks (`marks`).

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::marks::{self, Mark};
use crate::cli::screen;
use crate::language::Language;
use crate::reason;
use crate::text::Text;
use crate::verdict::{Decision, Evidence, Verdict};

/// Characters in a line of the text.
const WIDTH: usize = 88;
/// Bytes of the text that are shown at most, and around a mark.
const SHOWN: usize = 800;
const AROUND: usize = 60;
/// Cells of a bar to either side; each is half a nat.
const BAR: usize = 10;

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub language: Language,
    /// Marks are colours; else they are written `[+spam+]` and `[-ham-]`.
    pub is_coloured: bool,
}

pub(super) fn verdict(
    out: &mut impl Write,
    manner: Manner,
    number: u64,
    text: &Text,
    verdict: &Verdict,
) -> io::Result<()> {
    let colour = screen::colour(verdict.decision);
    write!(out, "{number}. {colour}{}{colour:#}  score {:.4}", verdict.decision, verdict.score.get())?;
    writeln!(out, "{}", distance(verdict))?;
    writeln!(out, "\n   {}", set_apart(&verdict.reason))?;
    if let Some(otherwise) = &verdict.otherwise {
        writeln!(out, "   {}", set_apart(otherwise))?;
    }
    writeln!(out)?;
    marked(out, manner, text.visible(), &marks::find(text, verdict))?;
    writeln!(out)?;
    let wide = verdict.evidence.iter().map(|piece| piece.symbol.chars().count()).max().unwrap_or(0);
    for piece in &verdict.evidence {
        evidence(out, manner.language, piece, wide)?;
    }
    writeln!(out)?;
    if !verdict.tokens.is_empty() {
        let token = |token: &crate::verdict::Token| format!("{} {}", screen::foreign(&token.text, 40), token.weight);
        let tokens: Vec<String> = verdict.tokens.iter().map(token).collect();
        writeln!(out, "   Words: {}", tokens.join(" · "))?;
    }
    if let Some(not_sent) = reason::not_sent(manner.language, &verdict.not_sent) {
        writeln!(out, "   {}", set_apart(&not_sent))?;
    }
    let thresholds = &verdict.thresholds;
    let discard = thresholds.discard.map(|discard| format!(", discard from {}", discard.get())).unwrap_or_default();
    let (hold, spam) = (thresholds.hold.get(), thresholds.spam.get());
    writeln!(out, "   Hold from {hold}, spam from {spam}{discard}; model {}, rules {}", verdict.model, verdict.rules)
}

/// How far the score lies from where a hold begins.
fn distance(verdict: &Verdict) -> String {
    let nats = verdict.score.logit() - verdict.thresholds.hold.logit();
    let side = if nats < 0.0 { "below" } else { "above" };
    if nats.is_finite() { format!("  {:.2} nats {side} hold", nats.abs()) } else { String::new() }
}

/// A sentence of ours in a line of its own; what is foreign in it is tame already.
fn set_apart(sentence: &str) -> String {
    if sentence.is_ascii() { sentence.to_owned() } else { format!("\u{2068}{sentence}\u{2069}") }
}

/// One piece: weight, bar, symbol and, last because it may run to the left, what it says.
fn evidence(out: &mut impl Write, language: Language, piece: &Evidence, wide: usize) -> io::Result<()> {
    let weight = piece.weight.get();
    let style = if weight < 0.0 { screen::colour(Decision::Approve) } else { screen::colour(Decision::Spam) };
    let (left, right) = bar(weight);
    let mut says = set_apart(&reason::says(language, piece));
    if matches!(piece.symbol.as_ref(), "BAYES" | "BAYES_SITE") && !piece.note.is_empty() {
        says = format!("{says}; {}", screen::foreign(&piece.note, 100));
    }
    write!(out, "   {:>7}  {style}{left:>BAR$}{style:#}│{style}{right:<BAR$}{style:#}", piece.weight.to_string())?;
    writeln!(out, "  {:<wide$}  {says}", piece.symbol)
}

/// The bar to the left of the axis, for ham, and that to the right.
fn bar(weight: f64) -> (String, String) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and twice the cells")]
    let halves = (weight.abs() * 4.0).round().min(2.0 * BAR as f64) as usize;
    let (full, half) = ("█".repeat(halves / 2), halves % 2 == 1);
    if weight < 0.0 {
        (format!("{}{full}", if half { "▐" } else { "" }), String::new())
    } else {
        (String::new(), format!("{full}{}", if half { "▌" } else { "" }))
    }
}

/// The text with its marks, wrapped; of a long one the beginning and what is around marks.
fn marked(out: &mut impl Write, manner: Manner, visible: &str, marks: &[Mark]) -> io::Result<()> {
    let mut line: Vec<Cell> = Vec::new();
    let mut word: Vec<Cell> = Vec::new();
    for cell in cells(visible, marks).chain([Cell { c: ' ', side: None }]) {
        if cell.c != ' ' && word.len() < WIDTH {
            word.push(cell);
            continue;
        }
        if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
            write_line(out, manner, &line)?;
            line.clear();
        }
        if let (Some(last), Some(first)) = (line.last(), word.first()) {
            let side = if last.side == first.side { last.side } else { None };
            line.push(Cell { c: ' ', side });
        }
        line.append(&mut word);
        if cell.c != ' ' {
            word.push(cell);
        }
    }
    if line.is_empty() { Ok(()) } else { write_line(out, manner, &line) }
}

/// A character that is shown, and which side it counted for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    c: char,
    side: Option<bool>,
}

/// What is shown of the text: white space is blanks, and what is no letter but an order to the terminal is named.
fn cells<'a>(visible: &'a str, marks: &'a [Mark]) -> impl Iterator<Item = Cell> + 'a {
    let mut next = 0;
    excerpts(visible, marks).into_iter().flat_map(move |(excerpt, is_cut)| {
        let part = visible.get(excerpt.clone()).unwrap_or_default();
        let mut cells: Vec<Cell> = Vec::with_capacity(part.len());
        for (at, c) in part.char_indices() {
            let at = excerpt.start + at;
            while marks.get(next).is_some_and(|mark| mark.bytes.end <= at) {
                next += 1;
            }
            let side = marks.get(next).filter(|mark| mark.bytes.contains(&at)).map(|mark| mark.is_spam);
            let plain = |c| Cell { c, side };
            match c {
                _ if c.is_whitespace() => cells.push(plain(' ')),
                '\u{061C}' | '\u{200E}' | '\u{200F}' => {}
                _ if is_order(c) => cells.extend(format!("<U+{:04X}>", u32::from(c)).chars().map(plain)),
                _ => cells.push(plain(c)),
            }
        }
        if is_cut {
            cells.extend([' ', '…', ' '].map(|c| Cell { c, side: None }));
        }
        cells
    })
}

/// Does it command a terminal, turn the text around, or hide?
fn is_order(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00AD}' | '\u{200B}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
        || matches!(c, '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The parts that are shown, in order, and whether something is left out behind each.
fn excerpts(visible: &str, marks: &[Mark]) -> Vec<(std::ops::Range<usize>, bool)> {
    if visible.len() <= SHOWN {
        return vec![(0..visible.len(), false)];
    }
    let mut parts = vec![0..visible.floor_char_boundary(SHOWN / 4)];
    let mut left = SHOWN - SHOWN / 4;
    for mark in marks {
        let start = visible.floor_char_boundary(mark.bytes.start.saturating_sub(AROUND));
        let end = visible.floor_char_boundary((mark.bytes.end + AROUND).min(visible.len()));
        let Some(last) = parts.last_mut() else { break };
        let more = end.saturating_sub(start.max(last.end));
        if more > left {
            break;
        }
        left -= more;
        if start <= last.end { last.end = last.end.max(end) } else { parts.push(start..end) }
    }
    parts.into_iter().map(|part| (part.clone(), part.end < visible.len())).collect()
}

fn write_line(out: &mut impl Write, manner: Manner, line: &[Cell]) -> io::Result<()> {
    let is_foreign = line.iter().any(|cell| !cell.c.is_ascii());
    write!(out, "   {}", if is_foreign { "\u{2068}" } else { "" })?;
    for run in line.chunk_by(|a, b| a.side == b.side) {
        let shown: String = run.iter().map(|cell| cell.c).collect();
        match run.first().and_then(|cell| cell.side) {
            None => write!(out, "{shown}")?,
            Some(is_spam) if manner.is_coloured => {
                let colour = if is_spam { AnsiColor::Red } else { AnsiColor::Green };
                let style = Style::new().bold().underline().fg_color(Some(colour.into()));
                write!(out, "{style}{shown}{style:#}")?;
            }
            Some(true) => write!(out, "[+{shown}+]")?,
            Some(false) => write!(out, "[-{shown}-]")?,
        }
    }
    writeln!(out, "{}", if is_foreign { "\u{2069}" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(visible: &str, marks: &[(&str, bool)], expected: &str) {
        let mark = |&(part, is_spam): &(&str, bool)| {
            let start = visible.find(part).unwrap();
            Mark { bytes: start..start + part.len(), is_spam }
        };
        let marks: Vec<Mark> = marks.iter().map(mark).collect();
        let mut out = Vec::new();
        let manner = Manner { language: Language::English, is_coloured: false };
        marked(&mut out, manner, visible, &marks).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_counted_is_marked() {
        check("cheap casino, thanks", &[("casino", true), ("thanks", false)], "   cheap [+casino+], [-thanks-]\n");
        check("مرحبا casino", &[("casino", true)], "   \u{2068}مرحبا [+casino+]\u{2069}\n");
        check("", &[], "");
    }

    #[test]
    fn a_comment_commands_nothing() {
        check("a\u{1b}[2J\u{9b}b\u{7}", &[], "   a<U+001B>[2J<U+009B>b<U+0007>\n");
        check("abc\u{202E}gpj\u{2066}.exe\u{200F}\r\n\tx", &[], "   abc<U+202E>gpj<U+2066>.exe x\n");
    }

    #[test]
    fn a_long_text_is_shown_around_its_marks() {
        let long = format!("{} casino {}", "first ".repeat(5_000), "last ".repeat(5_000));
        let mut out = Vec::new();
        let start = long.find("casino").unwrap();
        let mark = Mark { bytes: start..start + 6, is_spam: true };
        let manner = Manner { language: Language::English, is_coloured: false };
        marked(&mut out, manner, &long, &[mark]).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(
            out.starts_with("   first first") && out.contains(" … ") && out.contains("first [+casino+] last"),
            "{out}"
        );
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH + 10) && out.len() < 1_000, "{out}");
    }

    #[test]
    fn a_bar_is_half_a_nat_for_each_cell() {
        assert_eq!(bar(1.25), (String::new(), "██▌".to_owned()));
        assert_eq!(bar(-0.3), ("▐".to_owned(), String::new()));
        assert_eq!(bar(40.0).1.chars().count(), BAR);
        assert_eq!(bar(0.0), (String::new(), String::new()));
    }
}
