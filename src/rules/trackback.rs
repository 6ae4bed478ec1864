//! Pings that servers send: pingbacks, trackbacks, webmentions. They have no form and no browser.

use super::clues::Clues;
use super::{Category, Note};
use crate::text::{Link, normalize};

/// `TRACKBACK_TEMPLATE`: "Read More Information here on that Topic": the fixed wording of one machine.
pub(super) fn template(clues: &Clues<'_>) -> Option<Note> {
    clues.first(Category::Trackback).map(|hit| Note::new(hit.phrase.words.as_str()))
}

/// `TB_TITLE_EQ_BLOGNAME`: the title, which stands first in bold or on a line of its own, is the name of the site that
/// pings: a machine had one text for both fields.
pub(super) fn title_is_name(clues: &Clues<'_>) -> Option<Note> {
    let name = clues.normal_name();
    let raw = clues.text.raw().trim_start();
    let bold = raw.strip_prefix("<strong>").and_then(|rest| rest.split_once("</strong>"));
    let title = bold.map(|(title, _)| title).or_else(|| raw.split_once('\n').map(|(first, _)| first))?;
    let title = title.get(..title.floor_char_boundary(500)).unwrap_or_default();
    (name.chars().count() >= 3 && normalize(title) == name).then(|| Note::new(name))
}

/// `TB_BROWSER`: sent by what calls itself a browser; blog software names itself.
pub(super) fn browser(clues: &Clues<'_>) -> Option<Note> {
    let agent = clues.comment.author.user_agent.as_deref().unwrap_or_default().trim_start();
    let is_browser = agent.starts_with("Mozilla/")
        && ["Chrome/", "Firefox/", "Safari/", "MSIE", "Trident/"].iter().any(|name| agent.contains(name));
    is_browser.then(|| Note::new(agent))
}

/// `TB_FOREIGN_LINKS`: the text links to sites other than the one that pings. An excerpt has no links at all.
pub(super) fn foreign_links(clues: &Clues<'_>) -> Option<Note> {
    let source = clues.author_link.as_ref().map(Link::domain).filter(|domain| !domain.is_empty())?;
    clues.foreign.iter().find(|link| link.domain() != source).map(|link| Note::new(link.host()))
}

/// `PING_OWN_SITE`: the site links to a page of its own.
pub(super) fn own_site(clues: &Clues<'_>) -> Option<Note> {
    let source = clues.author_link.as_ref().map(Link::domain).filter(|domain| !domain.is_empty())?;
    (Link::of_url(&clues.site.url).domain() == source).then(|| Note::new(source))
}
