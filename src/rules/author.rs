//! What the author's fields give away. Long names, Arabic names and names in other scripts than the e-mail's are names.

use super::clues::Clues;
use super::{Note, lists, phone, phrases};
use crate::text::{Link, normalize};

/// `NAME_IS_URL`: the name is an address. A developer who signs with a domain is the ham to expect: his own URL makes it half.
pub(super) fn name_is_url(clues: &Clues<'_>) -> Option<Note> {
    let name = clues.name();
    let has_scheme = name.contains("://") || name.to_ascii_lowercase().starts_with("www.");
    let is_host = !name.contains(char::is_whitespace) && !name.contains('@') && name.contains('.') && {
        let lower = name.to_lowercase();
        let suffix = psl::suffix(lower.as_bytes()).filter(|suffix| suffix.is_known());
        // `J.R` and `m.me` are initials; an ending of a name is written small.
        suffix.is_some_and(|suffix| name.len() > suffix.as_bytes().len() + 3)
            && name.rsplit('.').next().is_some_and(|ending| ending == ending.to_lowercase())
    };
    if !has_scheme && !is_host {
        return None;
    }
    let is_own = clues.author_link.as_ref().is_some_and(|link| link.domain() == Link::of_url(name).domain());
    Some(Note::graded(name, if is_own && !has_scheme { 0.5 } else { 1.0 }))
}

/// `NAME_KEYWORD`: listed spam words in the name; weak ones (`Jackpot`) make nicknames, too. Length alone says nothing: Arabic and Spanish names are long.
pub(super) fn name_keyword(clues: &Clues<'_>) -> Option<Note> {
    phrases::find(clues.normal_name())
        .into_iter()
        .find(|hit| hit.phrase.category.is_spam())
        .map(|hit| Note::graded(hit.phrase.words.as_str(), if hit.phrase.is_weak { 0.4 } else { 1.0 }))
}

/// `NAME_TEMPLATE`: `Walter4711` with a free mailbox, as registration machines write it. Gamers do too.
pub(super) fn name_template(clues: &Clues<'_>) -> Option<Note> {
    let name = clues.name();
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.len() - letters.len();
    let is_template = matches!(digits, 3 | 4)
        && letters.len() >= 3
        && letters.starts_with(|c: char| c.is_ascii_uppercase())
        && letters.chars().skip(1).all(|c| c.is_ascii_lowercase());
    (is_template && lists::FREE_MAIL.contains(&clues.email_host())).then(|| Note::new(name))
}

/// `NAME_HAS_PHONE`: a telephone number in the name, in any digits.
pub(super) fn name_phone(clues: &Clues<'_>) -> Option<Note> {
    phone::find(clues.name()).map(|phone| Note::new(phone.number))
}

/// `NAME_IN_ANCHOR`: the name is the text of a link, or stands right before one at the end. Signatures do it too.
pub(super) fn name_in_anchor(clues: &Clues<'_>) -> Option<Note> {
    let name = clues.normal_name();
    if name.chars().count() < 3 || clues.foreign.is_empty() {
        return None;
    }
    let is_anchor = clues.foreign.iter().take(50).any(|link| normalize(&link.shown) == name);
    let is_signature = clues.foreign.last().is_some_and(|link| {
        let written = normalize(&link.written);
        let before = clues.text.normal().strip_suffix(written.as_str()).unwrap_or_default().trim_end();
        before.ends_with(name) && before.len() > name.len()
    });
    (is_anchor || is_signature).then(|| Note::new(name))
}

/// `AUTHOR_URL_DEEP`: the author's address is a product page or carries somebody's commission. Profiles lie one or two deep.
pub(super) fn url_deep(clues: &Clues<'_>) -> Option<Note> {
    let link = clues.author_link.as_ref()?;
    let depth = link.path().split('/').filter(|part| !part.is_empty()).count();
    let has_commission = link.query().split('&').any(|pair| {
        let key = pair.split('=').next().unwrap_or_default();
        matches!(
            key,
            "ref"
                | "aff"
                | "affid"
                | "aff_id"
                | "affiliate"
                | "partner"
                | "promo"
                | "bonus"
                | "utm_campaign"
                | "clickid"
        )
    });
    (depth >= 4 || has_commission).then(|| Note::new(link.host()))
}

/// `EMAIL_DISPOSABLE`: a throw-away mailbox. Relays that protect privacy are not listed.
pub(super) fn disposable(clues: &Clues<'_>) -> Option<Note> {
    lists::DISPOSABLE_MAIL.above(&clues.email_host()).map(Note::new)
}

/// `EMAIL_LINK_DOMAIN`: the text links to the domain that the author writes from. Business owners do it too.
pub(super) fn email_domain(clues: &Clues<'_>) -> Option<Note> {
    let domain = clues.email_domain();
    if domain.is_empty() || lists::FREE_MAIL.contains(&domain) {
        return None;
    }
    clues.foreign.iter().any(|link| link.domain() == domain).then(|| Note::new(domain))
}
