//! How the lines of a text are laid out: repeated, adorned, or a mere trial.

use super::Note;
use super::clues::Clues;
use super::gibberish::is_arabizi;

/// Lines that are looked at.
const MAX_LINES: usize = 1_000;

/// `LINE_REPEAT`: a line or sentence of twenty characters or more stands three times, and its copies are half of the text.
/// Choruses and prayers are the ham to expect.
pub(super) fn repeated_lines(clues: &Clues<'_>) -> Option<Note> {
    let normal = clues.text.normal();
    if normal.len() < 60 {
        return None;
    }
    // Folding made one line of the text; sentences end the same way in both.
    let is_end = |c: char| matches!(c, '\n' | '.' | '!' | '?' | '؟' | '。' | '！' | '？' | '|');
    let lines = clues.text.visible().split(is_end).map(str::trim).take(MAX_LINES);
    let mut lines: Vec<&str> = lines.filter(|line| line.chars().nth(19).is_some()).collect();
    if lines.len() < 3 {
        return None;
    }
    lines.sort_unstable();
    let all: usize = lines.iter().map(|line| line.len()).sum();
    let same = lines.chunk_by(|one, other| one == other).filter_map(|same| Some((same.len(), *same.first()?)));
    let (count, line) = same.max()?;
    (count >= 3 && 2 * count * line.len() >= all).then(|| Note::new(line))
}

/// `AD_LAYOUT`: three lines or more that begin with a pictograph or an ornament, or two rules drawn from ornaments. Who lists
/// points writes dashes and numbers.
pub(super) fn advertisement(clues: &Clues<'_>) -> Option<Note> {
    // Ornaments are beyond Latin; most texts have none.
    let visible = clues.text.visible();
    if visible.is_ascii() {
        return None;
    }
    let (mut adorned, mut ruled) = (0, 0);
    for line in visible.lines().map(str::trim).filter(|line| !line.is_empty()).take(MAX_LINES) {
        let mut letters = line.chars();
        let Some(first) = letters.next().filter(|&first| is_ornament(first)) else { continue };
        if letters.clone().any(char::is_alphabetic) {
            adorned += 1;
        } else if letters.filter(|&c| c == first).count() >= 4 {
            ruled += 1;
        }
    }
    (adorned >= 3 || ruled >= 2).then(|| Note::new(format!("× {}", adorned + ruled)))
}

/// Stars, ticks, arrows, boxes, pictographs: what advertisements adorn their lines with. Faces are no ornament.
fn is_ornament(c: char) -> bool {
    matches!(c,
        '\u{2190}'..='\u{21FF}' | '\u{2500}'..='\u{25FF}' | '\u{2600}'..='\u{2638}' | '\u{263B}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}'
        | '\u{1F300}'..='\u{1F5FF}' | '\u{1F680}'..='\u{1F6FF}' | '\u{1F7E0}'..='\u{1F7EB}' | '\u{3010}' | '\u{300A}')
}

/// `PROBE_TEXT`: `test`, or one word of letters and digits by turns: a machine looks whether its texts get through, before it
/// sends others. So does whoever set the form up.
pub(super) fn probe(clues: &Clues<'_>) -> Option<Note> {
    const TRIALS: [&str; 16] = [
        "test",
        "test test",
        "test comment",
        "testing",
        "just a test",
        "hello world",
        "asdf",
        "asdasd",
        "qwerty",
        "тест",
        "проверка",
        "اختبار",
        "تجربه",
        "测试",
        "deneme",
        "prueba",
    ];
    let normal = clues.text.normal();
    if normal.len() > 64 || normal.is_empty() {
        return None;
    }
    let bare = normal.trim_matches(|c: char| !c.is_alphanumeric());
    let is_code = bare.len() >= 8 && !is_arabizi(bare) && bare.bytes().all(|byte| byte.is_ascii_alphanumeric()) && {
        let turns = bare
            .as_bytes()
            .windows(2)
            .filter(|pair| matches!(pair, [one, two] if one.is_ascii_digit() != two.is_ascii_digit()));
        turns.count() >= 3
    };
    (TRIALS.contains(&bare) || is_code).then(|| Note::new(bare))
}
