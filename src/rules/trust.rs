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

/// `AUTHOR_ACCOUNT`: the author wrote with an account of the CMS. Mild for the same reason.
pub(super) fn account(clues: &Clues<'_>) -> Option<Note> {
    let id = clues.comment.author.id.as_deref().unwrap_or_default().trim();
    (!id.is_empty() && id != "0").then(|| Note::new(""))
}

/// `REPLY_IN_THREAD`: an answer to another comment, with nothing that leads away. Machines mostly write at the top.
pub(super) fn reply(clues: &Clues<'_>) -> Option<Note> {
    let parent = clues.comment.parent_id.as_deref().unwrap_or_default().trim();
    (!parent.is_empty() && parent != "0" && !clues.has_contact()).then(|| Note::new(""))
}
