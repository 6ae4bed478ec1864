//! What the author's fields give away. Long names, Arabic names and names in other scripts than the e-mail's are names.

use super::clues::Clues;
use super::{Note, lists, phone, phrases};
use crate::text::{Link, normalize, places_of_words};

/// `NAME_IS_URL`: the name is an address. A developer who signs with a domain is the ham to expect: his own URL makes it half.
pub(super) fn name_is_url(clues: &Clues<'_>) -> Option<Note> {
    let name = clues.name();
    // Most names have neither and are done with here.
    if !name.contains(['.', ':']) {
        return None;
    }
    let has_scheme = name.contains("://") || name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
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
    phrases::find(clues.normal_name(), &places_of_words(clues.normal_name()))
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
    (is_template && lists::FREE_MAIL.contains(clues.email_host())).then(|| Note::new(name))
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
    lists::DISPOSABLE_MAIL.above(clues.email_host()).map(Note::new)
}

/// `EMAIL_LINK_DOMAIN`: the text links to the domain that the author writes from. Business owners do it too.
pub(super) fn email_domain(clues: &Clues<'_>) -> Option<Note> {
    if clues.foreign.is_empty() {
        return None;
    }
    let domain = clues.email_domain();
    if domain.is_empty() || lists::FREE_MAIL.contains(domain) {
        return None;
    }
    clues.foreign.iter().any(|link| link.domain() == domain).then(|| Note::new(domain))
}

/// `NAME_SENTENCE`: more than ten words or eighty characters. Arabic names with father, grandfather and tribe have nine.
pub(super) fn name_sentence(clues: &Clues<'_>) -> Option<Note> {
    let name = clues.name();
    (name.split_whitespace().count() > 10 || name.chars().count() > 80).then(|| Note::new(name))
}

/// `NAME_HAS_EMAIL`: an e-mail address in the name. People take one field for the other now and then.
pub(super) fn name_email(clues: &Clues<'_>) -> Option<Note> {
    let is_email = |token: &&str| {
        token
            .split_once('@')
            .is_some_and(|(local, host)| !local.is_empty() && host.contains('.') && !host.contains('@'))
    };
    clues.name().split_whitespace().find(is_email).map(Note::new)
}

/// `AUTHOR_MARKUP`: a tag or forum code in the name or the address: the machine filled every field with its load.
pub(super) fn markup(clues: &Clues<'_>) -> Option<Note> {
    const MARKS: [&str; 7] = ["<a ", "href=", "[url", "[link", "</", "<script", "[/"];
    // Each mark holds one of these, and few names do.
    const SIGNS: [char; 3] = ['<', '[', '='];
    let url = super::clues::clipped(clues.comment.author.url.as_deref());
    let is_marked = |field: &&str| {
        field.contains(SIGNS) && {
            let lower = field.to_ascii_lowercase();
            MARKS.iter().any(|mark| lower.contains(mark))
        }
    };
    [clues.name(), url].into_iter().find(is_marked).map(Note::new)
}

/// `NAME_EMAIL_MISMATCH`: `John Smith` who writes as `maria.gonzalez@…`. Only where both are two words in plain Latin: other
/// scripts are spelled in many ways. Families share mailboxes.
pub(super) fn mismatch(clues: &Clues<'_>) -> Option<Note> {
    let (local, _) = clues.email().split_once('@')?;
    let mailbox = || local.trim_end_matches(|c: char| c.is_ascii_digit()).split(['.', '_', '-']);
    let name = || clues.name().split_whitespace();
    let is_word = |word: &str| (3..=20).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let are_words = mailbox().take(3).count() == 2 && (2..=3).contains(&name().take(4).count());
    if !are_words || !mailbox().chain(name()).all(is_word) {
        return None;
    }
    let mailbox: Vec<String> = mailbox().map(str::to_ascii_lowercase).collect();
    let name: Vec<String> = name().map(str::to_ascii_lowercase).collect();
    let start = |word: &String| word.get(..3).unwrap_or_default().to_owned();
    let is_alike = name.iter().any(|word| {
        mailbox
            .iter()
            .any(|part| start(part) == start(word) || part.contains(word.as_str()) || word.contains(part.as_str()))
    });
    (!is_alike).then(|| Note::new(local))
}

/// `EMAIL_INVALID`: nothing that mail could reach: no host, two `@`, a reserved ending, or `test@`. Readers who do not want to be
/// known write such; an empty field says nothing.
pub(super) fn invalid_email(clues: &Clues<'_>) -> Option<Note> {
    let email = clues.email().to_lowercase();
    if email.is_empty() {
        return None;
    }
    let is_sound = email.split_once('@').is_some_and(|(local, host)| {
        let ending = host.rsplit('.').next().unwrap_or_default();
        let is_reserved = matches!(ending, "invalid" | "test" | "localhost" | "local");
        let is_placeholder = matches!(local, "test" | "asdf" | "asd" | "qwerty" | "noemail" | "no-email" | "xxx");
        let has_parts = host.split('.').count() >= 2 && host.split('.').all(|part| !part.is_empty());
        !local.is_empty()
            && has_parts
            && ending.chars().count() >= 2
            && !host.contains(['@', ' '])
            && !local.contains(' ')
            && !is_reserved
            && !is_placeholder
    });
    (!is_sound).then(|| Note::new(email))
}

/// `EMAIL_DOTS`: `a.b.cde.f.g@gmail.com`: Gmail ignores dots, so that a machine has a new address with each. People part names.
pub(super) fn dotted_email(clues: &Clues<'_>) -> Option<Note> {
    let (local, _) = clues.email().rsplit_once('@')?;
    if !matches!(clues.email_host(), "gmail.com" | "googlemail.com") {
        return None;
    }
    let parts = || local.split('+').next().unwrap_or_default().split('.');
    let is_strewn = parts().count() >= 4 && parts().filter(|part| part.len() <= 3).count() >= 3;
    is_strewn.then(|| Note::new(local))
}

/// `IMPERSONATES_STAFF`: the name of somebody whom the site's policy names, and the CMS knows the author by neither account nor
/// role. People share names.
pub(super) fn staff_name(clues: &Clues<'_>) -> Option<Note> {
    let author = &clues.comment.author;
    let is_known =
        author.roles().next().is_some() || author.id.as_deref().is_some_and(|id| !id.is_empty() && id != "0");
    let name = clues.normal_name();
    if is_known || name.is_empty() {
        return None;
    }
    clues.site.policy.staff_names.iter().any(|staff| normalize(staff) == name).then(|| Note::new(clues.name()))
}
