//! What the visitor's browser said of itself, and where it came from. Only kinds that have a form are asked.
//!
//! Privacy tools strip referrers and proxies strip headers: each of these is mild.

use super::clues::Clues;
use super::{Note, language};
use crate::text::Link;

/// Headers by which one sees that the CMS passes headers on.
pub(super) const HEADERS: [&str; 3] = ["HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING", "HTTP_ACCEPT_LANGUAGE"];

/// `REFERRER_FOOTPRINT`: the visitor came from a search for comment forms.
pub(super) fn footprint(clues: &Clues<'_>) -> Option<Note> {
    let referrer = clues.comment.referrer.as_deref().unwrap_or_default();
    let referrer = referrer.get(..referrer.floor_char_boundary(2_000)).unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(referrer).decode_utf8_lossy().to_lowercase().replace('+', " ");
    const FOOTPRINTS: [&str; 8] = [
        "inurl:",
        "intitle:",
        "intext:",
        "site:.edu",
        "site:.gov",
        "powered by wordpress",
        "leave a reply",
        "leave a comment",
    ];
    let (_, query) = decoded.split_once('?')?;
    FOOTPRINTS.iter().find(|footprint| query.contains(**footprint)).map(|footprint| Note::new(*footprint))
}

/// `UA_BOT`: the browser calls itself a program. API clients and feed readers are the ham to expect.
pub(super) fn bot(clues: &Clues<'_>) -> Option<Note> {
    const PROGRAMS: [&str; 16] = [
        "curl/",
        "wget/",
        "python-requests",
        "python-urllib",
        "aiohttp",
        "httpx/",
        "go-http-client",
        "java/",
        "okhttp",
        "libwww-perl",
        "scrapy",
        "phantomjs",
        "headlesschrome",
        "node-fetch",
        "axios/",
        "guzzlehttp",
    ];
    let agent = clues.comment.author.user_agent.as_deref().unwrap_or_default();
    let agent = agent.get(..agent.floor_char_boundary(500)).unwrap_or_default().to_ascii_lowercase();
    PROGRAMS.iter().find(|program| agent.contains(**program)).map(|program| Note::new(program.trim_end_matches('/')))
}

/// `UA_MISSING`: the browser's name was sent and is empty. A field that was not sent is not evaluated.
pub(super) fn no_agent(clues: &Clues<'_>) -> Option<Note> {
    clues.comment.author.user_agent.as_deref().is_some_and(|agent| agent.trim().is_empty()).then(|| Note::new(""))
}

/// The browser's name, clipped.
fn agent<'a>(clues: &Clues<'a>) -> &'a str {
    let agent = clues.comment.author.user_agent.as_deref().unwrap_or_default();
    agent.get(..agent.floor_char_boundary(500)).unwrap_or_default()
}

/// `NO_REFERRER`: the field was sent and is empty: the form was not sent from a page. Privacy tools and apps do it, too.
pub(super) fn no_referrer(clues: &Clues<'_>) -> Option<Note> {
    clues.comment.referrer.as_deref().is_some_and(|referrer| referrer.trim().is_empty()).then(|| Note::new(""))
}

/// `REFERRER_FOREIGN`: the form was sent from a page of another site. Caches, translators and apps show pages as their own.
pub(super) fn foreign_referrer(clues: &Clues<'_>) -> Option<Note> {
    const CARRIERS: [&str; 6] =
        ["translate.goog", "googleusercontent.com", "ampproject.org", "bing.com", "archive.org", "cdn.ampproject.org"];
    let referrer = super::clues::clipped(clues.comment.referrer.as_deref());
    if !referrer.starts_with("http") {
        return None;
    }
    let from = Link::of_url(referrer);
    let home = Link::of_url(&clues.site.url);
    let page = Link::of_url(clues.comment.permalink.as_deref().unwrap_or_default());
    let own: Vec<&str> = [home.domain(), page.domain()].into_iter().filter(|domain| !domain.is_empty()).collect();
    let is_foreign = !from.domain().is_empty()
        && !own.is_empty()
        && !own.contains(&from.domain())
        && !CARRIERS.iter().any(|carrier| from.host().ends_with(carrier));
    is_foreign.then(|| Note::new(from.host()))
}

/// Versions at the turn of a year, which move on evenly enough between: year, Chrome, Firefox.
const VERSIONS: [(i64, u32, u32); 7] = [
    (2014, 32, 26),
    (2016, 47, 43),
    (2018, 63, 57),
    (2020, 79, 72),
    (2022, 97, 95),
    (2024, 120, 121),
    (2026, 143, 146),
];

/// `UA_ANCIENT`: a browser that was six years old when the comment came, as machines copy it from old lists. Kiosks and old
/// telephones are the ham to expect. Without a time of sending, the comment is taken for one of 2026.
pub(super) fn ancient(clues: &Clues<'_>) -> Option<Note> {
    let agent = agent(clues);
    // Years of mean length: a day more or less at new year does not matter.
    let written = clues.comment.submitted_at.map_or(2026, |at| 1970 + at.as_second() / 31_556_952);
    let (_, chrome, firefox) = *VERSIONS.iter().rfind(|(year, ..)| *year <= written.saturating_sub(6))?;
    let major = |name: &str| {
        let version = agent.split_once(name)?.1;
        version.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()
    };
    let is_old = |name: &str, least: u32| major(name).is_some_and(|version| version < least);
    let dead = ["MSIE ", "Trident/", "Windows 98", "Windows NT 5.", "Opera/9", "Presto/"];
    let found =
        dead.into_iter().find(|name| agent.contains(name)).or_else(|| is_old("Chrome/", chrome).then_some("Chrome"));
    // Mobile and extended-support versions of Firefox live longer; six years cover them.
    let found = found.or_else(|| is_old("Firefox/", firefox).then_some("Firefox"))?;
    Some(Note::new(found.trim().trim_end_matches('/')))
}

/// `UA_HEADER_INCONSISTENT`: the name of a browser, but no language or no compression asked for, which every browser does.
/// Proxies that strip headers are the ham to expect.
pub(super) fn inconsistent(clues: &Clues<'_>) -> Option<Note> {
    let extra = &clues.comment.extra;
    let missing = HEADERS.iter().find(|header| !extra.contains_key(**header))?;
    // So many fields that some were not kept: a missing one says nothing.
    let may_be_cut = extra.len() >= 90;
    (agent(clues).starts_with("Mozilla/5.0 (") && !may_be_cut).then(|| Note::new(*missing))
}

/// `ACCEPT_LANG_MISMATCH`: the text is in a script that none of the browser's languages is written in. Latin fits any.
/// People abroad, at a borrowed machine, are the ham to expect.
pub(super) fn language_mismatch(clues: &Clues<'_>) -> Option<Note> {
    let accepted = clues.comment.extra.get("HTTP_ACCEPT_LANGUAGE")?;
    let accepted = accepted.get(..accepted.floor_char_boundary(500)).unwrap_or_default();
    let mut languages = accepted.split(',').filter_map(|range| range.split([';', '-', '_']).next()).map(str::trim);
    let script = language::foreign_script(clues.text, |script| {
        accepted.contains('*') || languages.clone().any(|language| language::is_written_in(language, script))
    });
    script?;
    languages.next().filter(|first| !first.is_empty()).map(Note::new)
}
