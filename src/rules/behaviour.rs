//! How the form was filled: too fast, by nobody, or long ago. Only kinds that have a form are asked.
//!
//! None of it is final: caches, password managers, dictation and readers without scripts do the like.

use jiff::SignedDuration;

use super::Note;
use super::clues::Clues;
use crate::comment::Comment;

/// A number that the visitor's browser counted, as the Akismet plugin passes it on: `POST_ak_bkpc`, or without `POST_`.
pub(super) fn counted(comment: &Comment, name: &str) -> Option<f64> {
    if comment.extra.is_empty() {
        return None;
    }
    let value = comment.extra.get(&format!("POST_{name}")).or_else(|| comment.extra.get(name))?;
    value.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// `FORM_TOO_FAST`: more than 40 characters in under three seconds; half of that up to five. Sending again after an error is fast too.
pub(super) fn too_fast(clues: &Clues<'_>) -> Option<Note> {
    let seconds = clues.comment.form_seconds.filter(|seconds| *seconds >= 0.0)?;
    let characters = clues.text.scripts().visible;
    let strength = match seconds {
        seconds if seconds < 3.0 && characters > 40 => 1.0,
        seconds if seconds < 5.0 && characters > 200 => 0.5,
        _ => return None,
    };
    Some(Note::graded(format!("{seconds:.1} s"), strength))
}

/// `FORM_TOO_OLD`: more than a day between showing the form and sending it: a copy that is sent again and again. Tabs that
/// stay open over night are the ham to expect.
pub(super) fn too_old(clues: &Clues<'_>) -> Option<Note> {
    const DAY: f64 = 86_400.0;
    let seconds = clues.comment.form_seconds.filter(|seconds| *seconds > DAY)?;
    Some(Note::new(format!("× {:.0}", seconds / DAY)))
}

/// `TYPING_IMPOSSIBLE`: about as many keys as letters, so that nothing was pasted, at more than 25 a second.
pub(super) fn typing(clues: &Clues<'_>) -> Option<Note> {
    let keys = counted(clues.comment, "ak_bkpc")?;
    let (begun, sent) = (counted(clues.comment, "ak_bib")?, counted(clues.comment, "ak_bfs")?);
    let seconds = (sent - begun) / 1_000.0;
    let letters = f64::from(clues.text.scripts().visible);
    let was_typed = letters >= 60.0 && keys >= 0.75 * letters;
    // A clock that jumps back tells nothing.
    (was_typed && seconds >= 0.0 && keys > 25.0 * seconds.max(0.5)).then(|| Note::new(format!("{seconds:.1} s")))
}

/// `NO_INTERACTION`: a form with text in it, and no key, click, movement, touch or scroll was seen.
pub(super) fn no_interaction(clues: &Clues<'_>) -> Option<Note> {
    const COUNTS: [&str; 5] = ["ak_bkpc", "ak_bmcc", "ak_bmmc", "ak_btmc", "ak_bsc"];
    let nothing = COUNTS.iter().all(|name| counted(clues.comment, name) == Some(0.0));
    (nothing && clues.text.scripts().visible > 0).then(|| Note::new(""))
}

/// `NO_SCRIPT`: the field that the plugin's script fills with the time still holds the small number it was sent out with.
/// Readers who block scripts are the ham to expect.
pub(super) fn no_script(clues: &Clues<'_>) -> Option<Note> {
    counted(clues.comment, "ak_js").filter(|number| (0.0..1_000.0).contains(number)).map(|_| Note::new(""))
}

/// `OLD_POST`: the page was last changed more than half a year before. Evergreen pages have readers, too.
pub(super) fn old_post(clues: &Clues<'_>) -> Option<Note> {
    let age = clues.comment.submitted_at?.duration_since(clues.comment.post_modified_at?);
    (age > SignedDuration::from_hours(24 * 180)).then(|| Note::new(format!("× {}", age.as_hours() / 24)))
}
