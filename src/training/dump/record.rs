//! From the cells of one row to a comment.

use super::charset::Fields;
use super::columns::{SLOTS, Slot};
use super::date;
use super::wordpress::{self, History};
use super::{Example, LabelMap, Meaning, What};
use crate::comment::{Author, Comment, ContentFormat};

/// Whose words the label column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// Those of a [`LabelMap`].
    Usual,
    /// WordPress's `comment_approved`.
    WordPress,
}

/// The cells of a row, by slot; `None` for NULL and for what the table has no column for.
pub(super) type Cells<'a> = [Option<&'a [u8]>; SLOTS];

/// What a row is; `history` is what is known of it from elsewhere.
pub(super) fn read(cells: &Cells<'_>, words: Words, labels: &LabelMap, history: History, fields: &mut Fields) -> What {
    let cell = |slot: Slot| cells.get(slot as usize).copied().flatten();
    let (Some(content), Some(label)) = (cell(Slot::Content), cell(Slot::Label)) else {
        let missing = if cell(Slot::Content).is_none() { "text" } else { "label" };
        return What::Bad(format!("no {missing} in it"));
    };
    let word = String::from_utf8_lossy(label);
    let meaning = match words {
        Words::Usual => labels.meaning(&word),
        Words::WordPress => match labels.named(&word) {
            Some(meaning) => Ok(meaning),
            None => match wordpress::meaning(&word, history) {
                Ok(label) => Ok(Meaning::Is(label)),
                Err(wordpress::Unlabelled::PassedOver(what)) => return What::PassedOver(what.into()),
                Err(wordpress::Unlabelled::Unknown) => labels.meaning(&word),
            },
        },
    };
    let label = match meaning {
        Ok(Meaning::Is(label)) => label,
        Ok(Meaning::Skip) => return What::PassedOver(format!("label {}", word.trim()).into()),
        Err(reason) => return What::Bad(reason),
    };
    let content = fields.text(content);
    let mut text = |slot: Slot| cell(slot).map(|bytes| fields.text(bytes));
    let author = Author {
        name: text(Slot::Author),
        email: text(Slot::Email),
        url: text(Slot::Url),
        ip: cell(Slot::Ip).and_then(|ip| std::str::from_utf8(ip).ok()?.trim().parse().ok()),
        user_agent: text(Slot::Agent),
        role: text(Slot::Role).filter(|role| !role.is_empty()),
        id: text(Slot::User).filter(|id| !is_nothing(id)),
    };
    let date = |slot: Slot| date::parse(std::str::from_utf8(cell(slot)?).ok()?);
    let comment = Comment {
        author,
        lang: text(Slot::Lang).filter(|lang| !lang.is_empty()),
        permalink: text(Slot::Permalink).filter(|link| !link.is_empty()),
        post_title: text(Slot::Title).filter(|title| !title.is_empty()),
        external_id: text(Slot::Id).filter(|id| !is_nothing(id)),
        parent_id: text(Slot::Parent).filter(|id| !is_nothing(id)),
        submitted_at: date(Slot::Date).or_else(|| date(Slot::LocalDate)),
        content_format: if words == Words::WordPress { ContentFormat::Html } else { ContentFormat::Text },
        ..Comment::of_text(content)
    };
    let kind = text(Slot::Kind).filter(|kind| !kind.is_empty());
    let comment = Comment { kind: kind.unwrap_or(comment.kind), ..comment };
    What::Example(Example { comment, label, source: text(Slot::Source).filter(|source| !source.is_empty()) })
}

/// WordPress writes 0 for no parent and no user.
pub(super) fn is_nothing(id: &str) -> bool {
    id.is_empty() || id == "0"
}
