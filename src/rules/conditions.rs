//! What composites may name besides symbols: it weighs nothing by itself.
//!
//! Owns the conditions and what each looks at. Does not own how they are combined (`composites`).

use super::clues::Clues;
use super::composites::Held;
use super::{Category, content, history, links};
use crate::text::Script;

/// One thing that holds of a comment or does not.
pub(super) struct Condition {
    pub name: &'static str,
    pub holds: fn(&Clues<'_>) -> Held,
}

const fn condition(name: &'static str, holds: fn(&Clues<'_>) -> Held) -> Condition {
    Condition { name, holds }
}

/// Every condition there is; `config/rules.toml` tells operators of them.
pub(super) const CONDITIONS: &[Condition] = &[
    condition("LINK", |clues| match clues.foreign.first() {
        Some(link) => Held::Yes(link.written.clone()),
        None => Held::when(clues.foreign_count() > 0),
    }),
    condition("LINK_ONLY", |clues| links::only(clues).map_or(Held::No, |link| Held::Yes(link.host().to_owned()))),
    condition("AUTHOR_URL", |clues| match &clues.author_link {
        Some(link) if !link.host().is_empty() => Held::Yes(link.host().to_owned()),
        _ => Held::No,
    }),
    condition("CONTACT", |clues| Held::when(clues.has_contact())),
    condition("PRAISE", |clues| match content::praise(clues) {
        Some(hit) => Held::Yes(hit.phrase.words.clone()),
        None => Held::No,
    }),
    condition("MESSENGER", |clues| first(clues, Category::Messenger)),
    condition("HANDLE", |clues| Held::when(content::has_handle(clues))),
    condition("OFFER", |clues| {
        let hit = clues.hits.iter().find(|hit| hit.phrase.category.is_spam());
        hit.map_or(Held::No, |hit| Held::Yes(hit.phrase.words.clone()))
    }),
    condition("EARNING", |clues| first(clues, Category::Earning)),
    condition("SUM_OF_MONEY", |clues| content::sum_of_money(clues).map_or(Held::No, Held::Yes)),
    condition("PRAYER", |clues| first(clues, Category::Prayer)),
    condition("CALL", |clues| first(clues, Category::Call)),
    condition("ARABIC", |clues| {
        // A link in an Arabic text has Latin letters.
        let (arabic, letters) = (clues.text.scripts().count(Script::Arabic), clues.text.scripts().letters());
        Held::when(arabic >= 6 && 3 * arabic >= letters && !super::words::is_persian(clues))
    }),
    condition("SHORT", |clues| Held::when(clues.text.words().len() <= 10)),
    condition("PAGE_KNOWN", |clues| Held::when(!clues.page().is_empty())),
    condition("AUTHOR_PROVEN", |clues| Held::when(history::is_proven(clues))),
];

fn first(clues: &Clues<'_>, category: Category) -> Held {
    clues.first(category).map_or(Held::No, |hit| Held::Yes(hit.phrase.words.clone()))
}
