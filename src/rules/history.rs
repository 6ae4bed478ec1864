//! What was seen before: of the author, of the text, of where its links lead. Reads [`Facts`](crate::facts::Facts).
//!
//! Counts fade, so that nobody is judged for ever by what was once; a few are no evidence; and what the checks themselves
//! decided counts a quarter of a person's word, or one mistake would become the reason for the next.

use super::Note;
use super::clues::Clues;
use crate::facts::History;
use crate::facts::history::{Alike, Seen};

/// What a decision of the checks counts beside a person's.
const CHECKS: f64 = 0.25;
/// Decisions from which on a reputation is one.
const EVENTS: f64 = 5.0;

fn history<'a>(clues: &Clues<'a>) -> Option<&'a History> {
    clues.facts.history.as_deref()
}

fn email<'a>(clues: &Clues<'a>) -> Option<&'a Seen> {
    history(clues)?.email.as_ref()
}

fn text<'a>(clues: &Clues<'a>) -> Option<&'a Alike> {
    history(clues)?.text.as_ref()
}

/// `× 12`
fn times(count: impl Into<f64>) -> String {
    format!("× {:.0}", count.into())
}

/// The expected share of spam after what was seen (uniform prior), and how many decisions that rests on.
fn reputation(seen: &Seen) -> (f64, f64) {
    let of = |people: f32, checks: f32| f64::from(people) + CHECKS * f64::from(checks);
    let (good, bad) = (of(seen.approved, seen.passed), of(seen.rejected, seen.blocked));
    ((bad + 1.0) / (good + bad + 2.0), good + bad)
}

/// How bad a reputation is: 0 at even odds, 1 for nothing but spam.
fn badness(seen: &Seen) -> Option<f64> {
    let (share, events) = reputation(seen);
    (events >= EVENTS && share > 0.6).then_some(2.0 * share - 1.0)
}

fn disrepute(seen: Option<&Seen>) -> Option<Note> {
    let seen = seen?;
    Some(Note::graded(times(seen.rejected + seen.blocked), badness(seen)?))
}

/// How far people here trust an author, 0 to 1: comments that say something, on several days, let through by people.
pub(super) fn trust(seen: &Seen) -> f64 {
    let (share, _) = reputation(seen);
    let comments = f64::from(seen.approved).min(f64::from(seen.days));
    if seen.days < 2 || comments < 1.0 || share > 0.5 { 0.0 } else { ((1.0 + comments).log2() / 4.0).min(1.0) }
}

/// Did moderators let a comment of this mailbox through that said something?
pub(super) fn is_proven(clues: &Clues<'_>) -> bool {
    email(clues).is_some_and(|seen| seen.days > 0)
}

/// `AUTHOR_NEW`: nobody has written here under this mailbox. Hardly evidence; a condition for others.
pub(super) fn author_new(clues: &Clues<'_>) -> Option<Note> {
    email(clues)?.is_new().then(|| Note::new(""))
}

/// `AUTHOR_FIRST_LINK`: a trusted author links for the first time. It takes back half of the trust: accounts are warmed up with
/// harmless comments before they advertise.
pub(super) fn first_link(clues: &Clues<'_>) -> Option<Note> {
    let seen = email(clues)?;
    let trust = trust(seen);
    let link = clues.foreign.first().copied().or(clues.author_link.as_ref())?;
    (trust > 0.0 && seen.with_links == 0 && !link.host().is_empty()).then(|| Note::graded(link.host(), trust))
}

/// `AUTHOR_REJECTED_RATE`: most of what the author wrote here was spam.
pub(super) fn author_rejected(clues: &Clues<'_>) -> Option<Note> {
    disrepute(email(clues))
}

/// `IP_REPUTATION`: most of what came from the address was spam. Addresses that strangers share are not kept.
pub(super) fn ip_reputation(clues: &Clues<'_>) -> Option<Note> {
    disrepute(history(clues)?.ip.as_ref())
}

/// `IP_PREFIX_REPUTATION`: the same of its network, where the address itself says nothing yet.
pub(super) fn network_reputation(clues: &Clues<'_>) -> Option<Note> {
    let history = history(clues)?;
    let is_known = history.ip.as_ref().is_some_and(|ip| reputation(ip).1 >= EVENTS);
    if is_known { None } else { disrepute(history.network.as_ref()) }
}

/// `EMAIL_DOMAIN_REPUTATION`: most of what came under the e-mail's domain was spam. Mail providers are not kept.
pub(super) fn email_domain_reputation(clues: &Clues<'_>) -> Option<Note> {
    disrepute(history(clues)?.email_domain.as_ref())
}

/// `URL_DOMAIN_REPUTATION`: most comments that lead to the same domain were spam.
pub(super) fn domain_reputation(clues: &Clues<'_>) -> Option<Note> {
    let domains = history(clues)?.domains.iter();
    let bad = domains.filter_map(|(domain, seen)| Some((domain, badness(seen)?)));
    let (domain, badness) = bad.max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    Some(Note::graded(domain, badness))
}

/// How far `count` lies on the way from `from` to `to`, a third at the beginning.
fn graded(count: f32, from: f32, to: f32) -> Option<f64> {
    (count >= from).then(|| f64::from((1.0 + 2.0 * ((count - from) / (to - from)).min(1.0)) / 3.0))
}

/// `IP_BURST`: many comments from one address within ten minutes. Blocked ham to expect: a school, a newsroom.
pub(super) fn ip_burst(clues: &Clues<'_>) -> Option<Note> {
    let seen = history(clues)?.ip.as_ref()?;
    Some(Note::graded(times(seen.in_10_minutes), graded(seen.in_10_minutes, 5.0, 20.0)?))
}

/// `AUTHOR_BURST`: many comments of one author within an hour. Whom people here trust may be eager.
pub(super) fn author_burst(clues: &Clues<'_>) -> Option<Note> {
    let seen = email(clues).filter(|seen| trust(seen) == 0.0)?;
    Some(Note::graded(times(seen.in_hour), graded(seen.in_hour, 8.0, 30.0)?))
}

/// `SHORT_FLOOD`: a short comment after several short ones, of somebody no person has let through yet.
pub(super) fn short_flood(clues: &Clues<'_>) -> Option<Note> {
    let history = history(clues)?;
    let seen = history.email.as_ref().or(history.ip.as_ref())?;
    let is_short = history.text.is_none() && clues.text.visible().chars().nth(80).is_none();
    (is_short && seen.approved < 0.5 && seen.short_in_hour >= 3.0).then(|| Note::new(times(seen.short_in_hour)))
}

/// Somebody else, or somewhere else: who sends a form twice repeats himself on one post.
fn is_spread(text: &Alike) -> bool {
    text.other_authors > 0 || text.other_posts > 0 || text.other_sites > 0
}

/// `DUP_EXACT`: the same text from another author or on another post.
pub(super) fn exact(clues: &Clues<'_>) -> Option<Note> {
    let text = text(clues).filter(|text| text.exact > 0 && is_spread(text))?;
    Some(Note::graded(times(text.exact), graded(f64_to_f32(text.exact), 1.0, 4.0)?))
}

/// `DUP_NEAR`: nearly the same text from another author.
pub(super) fn near(clues: &Clues<'_>) -> Option<Note> {
    let text = text(clues).filter(|text| text.exact == 0 && text.near > 0 && text.other_authors > 0)?;
    Some(Note::graded(times(text.near), graded(f64_to_f32(text.near), 1.0, 10.0)?))
}

#[expect(clippy::cast_precision_loss, reason = "small counts matter, great ones are cut")]
fn f64_to_f32(count: u32) -> f32 {
    count as f32
}

/// `DUP_OF_SPAM`: people here called near copies spam.
pub(super) fn of_spam(clues: &Clues<'_>) -> Option<Note> {
    let text = text(clues).filter(|text| text.spam > text.ham)?;
    Some(Note::graded(times(text.spam), share(text.spam, text.ham)))
}

/// `DUP_OF_HAM`: people here let near copies through. Copycats of ham are few; a petition is one text of many.
pub(super) fn of_ham(clues: &Clues<'_>) -> Option<Note> {
    let text = text(clues).filter(|text| text.ham > text.spam)?;
    Some(Note::graded(times(text.ham), share(text.ham, text.spam)))
}

fn share(these: u32, those: u32) -> f64 {
    let (these, those) = (f64::from(these), f64::from(those));
    (these - those) / (these + those).max(1.0)
}

/// `MOD_PINNED_SPAM`: a person here called this very text spam.
pub(super) fn pinned_spam(clues: &Clues<'_>) -> Option<Note> {
    let text = text(clues)?;
    (text.exact_rejected >= 0.1 && text.exact_rejected > text.exact_approved)
        .then(|| Note::new(times(text.exact_rejected.max(1.0))))
}

/// `MOD_PINNED_HAM`: a person here let this very text through.
pub(super) fn pinned_ham(clues: &Clues<'_>) -> Option<Note> {
    let text = text(clues)?;
    (text.exact_approved >= 0.1 && text.exact_approved > text.exact_rejected)
        .then(|| Note::new(times(text.exact_approved.max(1.0))))
}

/// `EMAIL_DOTS_PLUS_ABUSE`: one mailbox under ever new spellings, with dots or tags.
pub(super) fn respelled(clues: &Clues<'_>) -> Option<Note> {
    let seen = email(clues).filter(|seen| seen.respelled >= 2.0)?;
    Some(Note::graded(times(seen.respelled), graded(seen.respelled, 2.0, 5.0)?))
}

/// `EDIT_ADDS_LINK`: an edit leads to a site that the comment did not lead to before.
pub(super) fn edit_adds_link(clues: &Clues<'_>) -> Option<Note> {
    let added = history(clues)?.added_links;
    (added > 0).then(|| Note::new(times(added)))
}

/// `AUTHOR_APPROVED`: people here let several comments of the author through, which said something, on several days.
pub(super) fn author_approved(clues: &Clues<'_>) -> Option<Note> {
    let seen = email(clues)?;
    let trust = trust(seen);
    (trust > 0.0).then(|| Note::graded(times(seen.approved), trust))
}

/// `URL_KNOWN_GOOD`: all links lead to domains under which people here let comments through and hardly any was spam.
pub(super) fn known_good(clues: &Clues<'_>) -> Option<Note> {
    let history = history(clues)?;
    let mut domains = clues.addresses().map(|link| link.domain()).filter(|domain| !domain.is_empty()).peekable();
    let first = domains.peek().copied()?;
    let is_good = |domain: &str| {
        history.domains.get(domain).is_some_and(|seen| {
            let (share, events) = reputation(seen);
            events >= EVENTS && share < 0.15 && seen.approved >= 2.0
        })
    };
    domains.all(is_good).then(|| Note::new(first))
}
