//! What a person sees: tables, colours, questions, and texts of strangers that must not command the terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde::Serialize;

use super::Usage;
use crate::verdict::Decision;

/// How a command that prints data prints it.
#[derive(Args, Clone, Copy, Debug)]
pub struct Output {
    /// Print JSON, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Standard output; colours are left out where nobody would see them (pipes, `NO_COLOR`).
pub fn out() -> impl Write {
    anstream::stdout().lock()
}

/// Whether colours on standard output are seen.
pub fn is_coloured() -> bool {
    anstream::stdout().current_choice() != anstream::ColorChoice::Never
}

/// One value as one line of JSON.
pub fn json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)
}

/// Lines of the program's own words.
pub fn line(text: &str) -> io::Result<()> {
    writeln!(out(), "{text}")
}

/// Rows below a heading, in columns; the last column may be as long as it likes.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let mut out = out();
    let wide = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(heading.get(column).map(|cell| cell.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(wide).collect();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())
    };
    line(&mut heading.iter().copied())?;
    rows.iter().try_for_each(|row| line(&mut row.iter().map(String::as_str)))
}

/// A stranger's text, at most `limit` characters of it, on one line, for a terminal.
///
/// Control characters (escape sequences, line breaks) and direction controls become spaces. A text that is not ASCII
/// is isolated (Unicode UAX #9, FSI … PDI), so that right-to-left words do not reorder what stands around them.
pub fn foreign(text: &str, limit: usize) -> String {
    let is_direction =
        |c: char| matches!(c, '\u{061C}' | '\u{200E}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let tame =
        |c: char| if c.is_control() || is_direction(c) || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    // Cut first: a megabyte of text is not to be copied for one line.
    let cut: String = text.chars().take(limit.saturating_mul(2)).map(tame).collect();
    let words = cut.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = words.chars().take(limit).collect();
    if shown.len() < words.len() || text.chars().nth(limit.saturating_mul(2)).is_some() {
        shown.push('…');
    }
    if shown.is_ascii() { shown } else { format!("\u{2068}{shown}\u{2069}") }
}

/// The colour of a decision: red is kept out, yellow waits, green passes.
pub fn colour(decision: Decision) -> Style {
    let colour = match decision {
        Decision::Approve => AnsiColor::Green,
        Decision::Hold => AnsiColor::Yellow,
        Decision::Spam | Decision::Discard => AnsiColor::Red,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

/// Returns if `yes` was said, on the command line or to the question; where nobody can be asked it must have been.
pub fn confirm(what: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Usage(format!("this would {what}; say --yes to do it")).into());
    }
    write!(io::stderr(), "This will {what}. Go on? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        Err(anyhow::anyhow!("nothing was done"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, limit: usize, expected: &str) {
        assert_eq!(foreign(text, limit), expected, "{text:?}");
    }

    #[test]
    fn a_strangers_text_does_not_command_the_terminal() {
        check("plain", 20, "plain");
        check("two\r\nlines\tand \u{1b}[31mred\u{7}", 40, "two lines and [31mred");
        check("abc\u{202E}gpj.exe", 20, "abc gpj.exe");
        check("مرحبا", 20, "\u{2068}مرحبا\u{2069}");
        check("مرحبا\u{2069}\u{202E}بكم", 20, "\u{2068}مرحبا بكم\u{2069}");
        check("abcdef", 3, "\u{2068}abc…\u{2069}");
        check(&"x".repeat(1_000_000), 2, "\u{2068}xx…\u{2069}");
        check("", 5, "");
    }
}
