//! A verdict for a person at a terminal: what was decided and why, the text with what counted marked, all evidence.
//!
//! Owns the layout, and that nothing of the comment drives the terminal or turns a column around. Does not own the
//! sentences (`reason`) nor finding the marks (`marks`).

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::marks::{self, Mark};
use crate::cli::screen;
use crate::language::is_right_to_left;
use crate::reason::{self, Voice};
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
pub(super) struct Manner<'a> {
    pub voice: Voice<'a>,
    /// Marks are colours; else they are written `[+spam+]` and `[-ham-]`.
    pub is_coloured: bool,
}

pub(super) fn verdict(
    out: &mut impl Write,
    manner: Manner<'_>,
    number: u64,
    text: &Text,
    verdict: &Verdict,
) -> io::Result<()> {
    let colour = screen::colour(verdict.decision);
    write!(out, "{number}. {colour}{}{colour:#}  score {:.4}", verdict.decision, verdict.score.get())?;
    writeln!(out, "{}", distance(verdict))?;
    writeln!(out)?;
    said(out, &verdict.reason)?;
    verdict.otherwise.iter().try_for_each(|otherwise| said(out, otherwise))?;
    writeln!(out)?;
    marked(out, manner, text.visible(), &marks::find(text, verdict))?;
    writeln!(out)?;
    let wide = verdict.evidence.iter().map(|piece| piece.symbol.chars().count()).max().unwrap_or(0);
    for piece in &verdict.evidence {
        evidence(out, manner.voice, piece, wide)?;
    }
    writeln!(out)?;
    if !verdict.tokens.is_empty() {
        let token = |token: &crate::verdict::Token| format!("{} {}", screen::foreign(&token.text, 40), token.weight);
        let tokens: Vec<String> = verdict.tokens.iter().map(token).collect();
        writeln!(out, "   Words: {}", tokens.join(" · "))?;
    }
    if let Some(not_sent) = reason::not_sent(manner.voice.language, &verdict.not_sent) {
        said(out, &not_sent)?;
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

/// A sentence of ours, wrapped, but not within a quotation that is isolated.
fn said(out: &mut impl Write, sentence: &str) -> io::Result<()> {
    let (mut line, mut length, mut depth) = (String::new(), 0, 0_usize);
    let is_gap = |c: char| {
        match c {
            '\u{2068}' => depth += 1,
            '\u{2069}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ' ' && depth == 0
    };
    for word in sentence.split(is_gap) {
        let chars = word.chars().count();
        if length > 0 && length + 1 + chars > WIDTH {
            writeln!(out, "   {}", set_apart(&line))?;
            line.clear();
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += chars;
    }
    writeln!(out, "   {}", set_apart(&line))
}

/// A line of ours, isolated if it runs to the left; what is foreign in it is tame already.
fn set_apart(sentence: &str) -> String {
    if sentence.chars().any(is_right_to_left) { format!("\u{2068}{sentence}\u{2069}") } else { sentence.to_owned() }
}

/// One piece: weight, bar, symbol and, last because it may run to the left, what it says.
fn evidence(out: &mut impl Write, voice: Voice<'_>, piece: &Evidence, wide: usize) -> io::Result<()> {
    let weight = piece.weight.get();
    let style = if weight < 0.0 { screen::colour(Decision::Approve) } else { screen::colour(Decision::Spam) };
    let (left, right) = bar(weight);
    let mut says = set_apart(&voice.says(piece));
    if matches!(piece.symbol.as_ref(), "BAYES" | "BAYES_SITE") && !piece.note.is_empty() {
        says = format!("{says}; {}", screen::foreign(&piece.note, 100));
    }
    write!(out, "   {:>7}  {style}{left:>BAR$}│{right:<BAR$}{style:#}", piece.weight.to_string())?;
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
fn marked(out: &mut impl Write, manner: Manner<'_>, visible: &str, marks: &[Mark]) -> io::Result<()> {
    let mut line: Vec<Cell> = Vec::new();
    let mut word: Vec<Cell> = Vec::new();
    for cell in cells(visible, marks).chain([Cell { c: ' ', mark: None }]) {
        if cell.c != ' ' && word.len() < WIDTH {
            word.push(cell);
            continue;
        }
        if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
            write_line(out, manner, &line)?;
            line.clear();
        }
        if let (Some(last), Some(first)) = (line.last(), word.first()) {
            let mark = last.mark.filter(|_| last.mark == first.mark);
            line.push(Cell { c: ' ', mark });
        }
        line.append(&mut word);
        if cell.c != ' ' {
            word.push(cell);
        }
    }
    if line.is_empty() { Ok(()) } else { write_line(out, manner, &line) }
}

/// A character that is shown, the mark that it is in, and whether that counted for spam.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    c: char,
    mark: Option<(usize, bool)>,
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
            let here = marks.get(next).filter(|mark| mark.bytes.contains(&at));
            let mark = here.map(|mark| (next, mark.is_spam));
            let plain = |c| Cell { c, mark };
            match c {
                _ if c.is_whitespace() => cells.push(plain(' ')),
                '\u{061C}' | '\u{200E}' | '\u{200F}' => {}
                _ if is_order(c) => cells.extend(format!("<U+{:04X}>", u32::from(c)).chars().map(plain)),
                _ => cells.push(plain(c)),
            }
        }
        if is_cut {
            cells.extend([' ', '…', ' '].map(|c| Cell { c, mark: None }));
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
    let beginning = 0..visible.floor_char_boundary(SHOWN / 4);
    let mut parts = vec![beginning];
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

fn write_line(out: &mut impl Write, manner: Manner<'_>, line: &[Cell]) -> io::Result<()> {
    let is_foreign = line.iter().any(|cell| is_right_to_left(cell.c));
    write!(out, "   {}", if is_foreign { "\u{2068}" } else { "" })?;
    for run in line.chunk_by(|a, b| a.mark == b.mark) {
        let shown: String = run.iter().map(|cell| cell.c).collect();
        match run.first().and_then(|cell| cell.mark).map(|(_, is_spam)| is_spam) {
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

    use crate::comment::Comment;
    use crate::facts::Facts;
    use crate::language::Language;
    use crate::rules::RuleSet;
    use crate::site::Policy;
    use crate::verdict::{Nats, Score, Token};

    /// What a person sees of a made-up verdict on `content`.
    fn seen(language: Language, is_coloured: bool, content: &str, otherwise: Option<&str>) -> String {
        let piece = |symbol, weight, note| Evidence::new(symbol, Nats::clamped(weight), note);
        let evidence = vec![
            piece("BAYES", 2.25, "87 % of its features are known"),
            piece("PRIOR", -1.5, ""),
            piece("URL_SHORTENER", 0.75, "bit.ly"),
        ];
        let tokens = vec![
            Token { text: "casino".into(), weight: Nats::clamped(1.36) },
            Token { text: "thanks".into(), weight: Nats::clamped(-0.41) },
        ];
        let voice = Voice { language, rules: RuleSet::shipped() };
        let of = Verdict {
            decision: Decision::Hold,
            score: Score::of(&evidence),
            reason: voice.reason(Decision::Hold, &evidence, &tokens, false),
            otherwise: otherwise.map(str::to_owned),
            not_sent: vec!["author.email".into(), "form_seconds".into()],
            evidence,
            tokens,
            thresholds: Policy::standard().thresholds,
            max_blocked_ham: None,
            facts: Facts::NONE,
            model: "test".into(),
            rules: "1".into(),
            decided_at: jiff::Timestamp::UNIX_EPOCH,
            micros: 41,
        };
        let mut out = Vec::new();
        let text = Text::of(&Comment::of_text(content));
        verdict(&mut out, Manner { voice, is_coloured }, 1, &text, &of).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// As [`seen`] where colours are not.
    fn seen_plain(language: Language, content: &str, otherwise: Option<&str>) -> String {
        let plain = anstream::adapter::strip_str(&seen(language, false, content, otherwise)).to_string();
        plain.replace('\u{2068}', "⟨").replace('\u{2069}', "⟩")
    }

    #[test]
    fn a_verdict_is_explained_in_english() {
        let content = "Thanks! The <b>CASINO</b> is at https://bit.ly/3xY";
        assert_eq!(
            seen_plain(Language::English, content, Some("Without it, no.")),
            r#"1. hold  score 0.8176  1.50 nats above hold

   Held for review: words that are common in spam ("casino") and links through a shortening
   service (bit.ly).
   Without it, no.

   [-Thanks-]! The [+CASINO+] is at https://[+bit.ly+]/3xY

     +2.25            │████▌       BAYES          words that are common in spam; 87 % of its features are known
     -1.50         ███│            PRIOR          the share of spam among all comments
     +0.75            │█▌          URL_SHORTENER  links through a shortening service (bit.ly)

   Words: casino +1.36 · thanks -0.41
   Not sent: the author's e-mail address and the time taken to write.
   Hold from 0.5, spam from 0.95; model test, rules 1
"#
        );
    }

    #[test]
    fn a_verdict_is_explained_in_arabic_and_no_column_turns_around() {
        let content = "شكرًا \u{202E}casino https://bit.ly/3xY";
        assert_eq!(
            seen_plain(Language::Arabic, content, None),
            r#"1. hold  score 0.8176  1.50 nats above hold

   ⟨أُحيل إلى المراجعة: كلمات شائعة في التعليقات المزعجة («⟨casino⟩») وروابط عبر خدمة⟩
   ⟨لاختصار الروابط (⟨bit.ly⟩).⟩

   ⟨شكرًا <U+202E>[+casino+] https://[+bit.ly+]/3xY⟩

     +2.25            │████▌       BAYES          ⟨كلمات شائعة في التعليقات المزعجة⟩; 87 % of its features are known
     -1.50         ███│            PRIOR          ⟨نسبة المزعج بين التعليقات كلها⟩
     +0.75            │█▌          URL_SHORTENER  ⟨روابط عبر خدمة لاختصار الروابط (⟨bit.ly⟩)⟩

   Words: casino +1.36 · thanks -0.41
   ⟨لم يُرسَل: بريد الكاتب الإلكتروني ومدة الكتابة.⟩
   Hold from 0.5, spam from 0.95; model test, rules 1
"#
        );
    }

    #[test]
    fn a_verdict_is_explained_in_german() {
        let plain = seen_plain(Language::German, "casino", None);
        for part in [
            "   Zur Prüfung zurückgehalten: für Spam typische Wörter („casino“) und Links über einen\n   Kürzungsdienst (bit.ly).\n",
            "   Nicht übermittelt: E-Mail-Adresse des Verfassers und Dauer des Schreibens.\n",
        ] {
            assert!(plain.contains(part), "{plain}");
        }
    }

    #[test]
    fn colours_are_the_only_orders_to_the_terminal() {
        let coloured = seen(Language::English, true, "casino \u{1b}[2J\u{1b}]0;title\u{7} thanks", None);
        assert!(coloured.contains("\u{1b}[1m\u{1b}[33mhold\u{1b}[0m"), "{coloured:?}");
        assert!(coloured.contains("\u{1b}[1m\u{1b}[4m\u{1b}[31mcasino\u{1b}[0m"), "{coloured:?}");
        assert!(coloured.contains("\u{1b}[1m\u{1b}[4m\u{1b}[32mthanks\u{1b}[0m"), "{coloured:?}");
        let orders = coloured.split('\u{1b}').skip(1);
        assert!(orders.clone().all(|order| order.starts_with('[') && order.contains('m')), "{coloured:?}");
        assert!(orders.count() > 6 && coloured.contains("<U+001B>[2J<U+001B>]0;title<U+0007>"), "{coloured:?}");
    }

    #[track_caller]
    fn check(visible: &str, marks: &[(&str, bool)], expected: &str) {
        let mark = |&(part, is_spam): &(&str, bool)| {
            let start = visible.find(part).unwrap();
            Mark { bytes: start..start + part.len(), is_spam }
        };
        let marks: Vec<Mark> = marks.iter().map(mark).collect();
        let mut out = Vec::new();
        let manner =
            Manner { voice: Voice { language: Language::English, rules: RuleSet::shipped() }, is_coloured: false };
        marked(&mut out, manner, visible, &marks).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_counted_is_marked() {
        check("cheap casino, thanks", &[("casino", true), ("thanks", false)], "   cheap [+casino+], [-thanks-]\n");
        check("buy cheap pills", &[("buy cheap", true), ("pills", true)], "   [+buy cheap+] [+pills+]\n");
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
        let manner =
            Manner { voice: Voice { language: Language::English, rules: RuleSet::shipped() }, is_coloured: false };
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
