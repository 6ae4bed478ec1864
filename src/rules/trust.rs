//! What speaks for a comment. Staff is let through by `decision`, not here.

use super::Note;
use super::clues::Clues;

/// `URL_OWN_SITE`: all links stay on the site: a reader who quotes what he answers.
pub(super) fn own_site(clues: &Clues<'_>) -> Option<Note> {
    (clues.own_links > 0 && clues.foreign_count() == 0 && clues.author_link.is_none()).then(|| Note::new(""))
}

/// `AUTHOR_MEMBER`: the CMS knows the author by a role. Mild: anybody may register on many sites.
pub(super) fn member(clues: &Clues<'_>) -> Option<Note> {
    clues.comment.author.roles().next().map(Note::new)
}
