//! Where links lead and how they are written. Links to the site itself never count here.
//!
//! A link alone is no spam: readers quote sources. Each rule below needs something odd about it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::clues::Clues;
use super::{Note, lists, phrases};
use crate::comment::ContentFormat;
use crate::text::{Link, Syntax, count_words, normalize, places_of_words, skeleton};

/// `LINKS_MANY`: three links or more. Reference lists are the ham to expect, so three say little.
pub(super) fn many(clues: &Clues<'_>) -> Option<Note> {
    let strength = match clues.foreign_count() {
        0..=2 => return None,
        3..=4 => 0.25,
        5..=9 => 0.5,
        _ => 1.0,
    };
    Some(Note::graded(format!("× {}", clues.foreign_count()), strength))
}

/// `DOMAINS_MANY`: links to three registered domains or more. News round-ups do it too.
pub(super) fn many_domains(clues: &Clues<'_>) -> Option<Note> {
    if clues.foreign.len() < 3 {
        return None;
    }
    let domains: BTreeSet<&str> =
        clues.foreign.iter().map(|link| link.domain()).filter(|domain| !domain.is_empty()).collect();
    (domains.len() >= 3).then(|| Note::new(format!("× {}", domains.len())))
}

/// `LINK_DENSITY`: two links or more take over half of the visible text. "Source: link" is ham.
pub(super) fn density(clues: &Clues<'_>) -> Option<Note> {
    let shown: usize =
        clues.foreign.iter().filter(|link| link.syntax != Syntax::Bare).map(|link| link.shown.len()).sum();
    let link_bytes = clues.text.link_bytes() + shown;
    (clues.foreign_count() >= 2 && 2 * link_bytes > clues.text.visible().len()).then(|| Note::new(""))
}

/// The one link beside which stand three other words at most. Readers quote a source without a word: it weighs in company only.
pub(super) fn only<'a>(clues: &Clues<'a>) -> Option<&'a Link> {
    let [link] = clues.foreign.as_slice() else { return None };
    let outside = match link.syntax {
        Syntax::Bare => {
            let (before, after) = clues.text.visible().split_once(link.written.as_str())?;
            words_in(before, 4) + words_in(after, 4)
        }
        _ => {
            let shown = words_in(&link.shown, usize::MAX);
            words_in(clues.text.visible(), shown.saturating_add(4)).saturating_sub(shown)
        }
    };
    (outside <= 3).then_some(*link)
}

/// Words of `text`, `most` at most. In a long text what stands in front is enough.
fn words_in(text: &str, most: usize) -> usize {
    count_words(text.get(..text.floor_char_boundary(1_000)).unwrap_or_default(), most)
}

/// `SHORTENER_ONLY`: a shortened link and five other words at most. Who has something to say says it beside the link.
pub(super) fn shortener_only(clues: &Clues<'_>) -> Option<Note> {
    let [link] = clues.foreign.as_slice() else { return None };
    let host = lists::SHORTENERS.above(link.host())?;
    let of_link = if link.syntax == Syntax::Bare { 1 } else { words_in(&link.shown, usize::MAX) };
    let most = of_link.saturating_add(5);
    (words_in(clues.text.visible(), most.saturating_add(1)) <= most).then(|| Note::new(host))
}

/// `ANCHOR_HTML`: an HTML link in a field that takes plain text: whoever wrote it saw no such field.
///
/// Where a platform made the link itself, it shows its own address or a time in a film.
pub(super) fn html_anchor(clues: &Clues<'_>) -> Option<Note> {
    if clues.comment.content_format != ContentFormat::Text {
        return None;
    }
    let is_written = |link: &&&Link| {
        let shown = link.shown.as_str();
        let is_address = shown.contains("://") || shown.starts_with("www.") || link.written.contains(shown);
        let is_time = shown.chars().all(|c| c.is_numeric() || c == ':');
        link.syntax == Syntax::Html && !is_address && !is_time
    };
    clues.foreign.iter().find(is_written).map(|link| Note::new(link.host()))
}

/// `URL_VERY_LONG`: an address of more than 2,048 bytes: something is hidden or carried in it.
pub(super) fn very_long(clues: &Clues<'_>) -> Option<Note> {
    let author_url = clues.comment.author.url.as_deref().unwrap_or_default();
    let is_long = |link: &&Link| {
        link.length > 2_048
            || (link.syntax == Syntax::Bare && author_url.len() > 2_048 && author_url.starts_with(&link.written))
    };
    clues.addresses().find(is_long).map(|link| Note::new(link.host()))
}

/// `URL_ONION_IPFS`: a hidden service or a gateway to IPFS: nobody can take such a page down. Blogs about privacy link there.
pub(super) fn onion_or_ipfs(clues: &Clues<'_>) -> Option<Note> {
    let is_hidden = |link: &&Link| {
        let host = link.host();
        let path = link.path();
        host.ends_with(".onion")
            || [".onion.ws", ".onion.ly", ".onion.pet", ".onion.to"].iter().any(|proxy| host.ends_with(proxy))
            // The number of a file stands before; whoever explains IPFS has a name there.
            || ([".ipfs.", ".ipns."].iter().any(|part| host.contains(part)) && host.find('.').is_some_and(|at| at > 40))
            || ["/ipfs/", "/ipns/"].iter().any(|start| path.starts_with(start) && path.len() > 40)
    };
    clues.addresses().find(is_hidden).map(|link| Note::new(link.host()))
}

/// `URL_WP_COMPROMISED`: a page in a folder of WordPress that holds no pages: somebody broke in there. Pictures and papers in
/// `uploads` are what that folder is for.
pub(super) fn wordpress_folder(clues: &Clues<'_>) -> Option<Note> {
    let is_planted = |link: &&Link| {
        let path = link.path();
        let is_inside = ["/wp-content/", "/wp-includes/", "/wp-admin/"].iter().any(|folder| path.contains(folder));
        let is_page = [".php", ".html", ".htm", ".exe", ".zip", "/"].iter().any(|end| path.ends_with(end));
        is_inside && is_page && !path.ends_with("/wp-admin/") && !path.ends_with("/admin-ajax.php")
    };
    clues.addresses().find(is_planted).map(|link| Note::new(format!("{}{}", link.host(), link.path())))
}

/// `ANCHOR_BBCODE`: `[url=…]` where comments are not written in BBCode. Forums are the ham to expect.
pub(super) fn bbcode(clues: &Clues<'_>) -> Option<Note> {
    let link = clues.foreign.iter().find(|link| link.syntax == Syntax::BbCode)?;
    (clues.comment.kind != "forum-post").then(|| Note::new(link.host()))
}

/// `ANCHOR_MULTI_SYNTAX`: two of HTML, BBCode and Markdown: bots try which of them becomes a link.
pub(super) fn many_syntaxes(clues: &Clues<'_>) -> Option<Note> {
    let used = [Syntax::Html, Syntax::BbCode, Syntax::Markdown]
        .into_iter()
        .filter(|syntax| clues.foreign.iter().any(|link| link.syntax == *syntax))
        .count();
    (used >= 2).then(|| Note::new(""))
}

/// `ANCHOR_TEXT_MISMATCH`: the text of a link is an address of another site than the link's own.
pub(super) fn mismatch(clues: &Clues<'_>) -> Option<Note> {
    clues.foreign.iter().filter(|link| link.syntax != Syntax::Bare).find_map(|link| {
        let shown = link.shown.as_str();
        let is_address = !shown.contains(char::is_whitespace)
            && (shown.contains("://") || shown.get(..4).is_some_and(|www| www.eq_ignore_ascii_case("www.")));
        let named = Link::of_url(shown);
        let differs =
            is_address && !named.domain().is_empty() && !link.domain().is_empty() && named.domain() != link.domain();
        differs.then(|| Note::new(format!("{} → {}", named.host(), link.host())))
    })
}

/// `HIDDEN_TEXT`: a style that hides text. Word's `mso-` styles hide nothing.
pub(super) fn hidden(clues: &Clues<'_>) -> Option<Note> {
    clues.text.markup().hidden.as_deref().map(Note::new)
}

/// `URL_SHORTENER`: a link hides its target behind a shortening service.
///
/// Ham quotes a page by its own address. Phones and share buttons write `t.co` and `youtu.be`: neither is listed.
pub(super) fn shortener(clues: &Clues<'_>) -> Option<Note> {
    clues.addresses().find_map(|link| lists::SHORTENERS.above(link.host())).map(Note::new)
}

/// `OPEN_REDIRECT`: somebody else's redirect in front of the target. People paste Google's and Facebook's: those say little.
pub(super) fn redirect(clues: &Clues<'_>) -> Option<Note> {
    clues.addresses().find_map(|link| {
        let host = link.host();
        let is_search =
            (host.starts_with("www.google.") || host.starts_with("google.")) && matches!(link.path(), "/url" | "/amp");
        if is_search || matches!(host, "l.facebook.com" | "lm.facebook.com" | "out.reddit.com") {
            return Some(Note::graded(host, 0.25));
        }
        let query = link.query().to_ascii_lowercase();
        let carries_target = query.split('&').filter_map(|pair| pair.split_once('=')).any(|(key, value)| {
            matches!(
                key,
                "url"
                    | "u"
                    | "to"
                    | "goto"
                    | "redirect"
                    | "redirect_to"
                    | "redirect_url"
                    | "target"
                    | "link"
                    | "out"
                    | "r"
                    | "q"
            ) && ["http://", "https://", "http%3a", "https%3a", "//"].iter().any(|start| value.starts_with(start))
        });
        // Archives and share buttons carry an address because that is what they are for.
        let is_honest = [
            "archive.org",
            "archive.ph",
            "archive.today",
            "facebook.com",
            "twitter.com",
            "x.com",
            "translate.google.com",
        ]
        .iter()
        .any(|honest| link.domain() == *honest || host == *honest);
        (carries_target && !is_honest).then(|| Note::new(host))
    })
}

/// `URL_HOMOGRAPH`: a host whose label mixes scripts, or reads like a great name in other letters (UTS-39).
///
/// An international name in one script (Arabic, German) is as honest as any.
pub(super) fn homograph(clues: &Clues<'_>) -> Option<Note> {
    clues.addresses().filter(|link| link.host().contains("xn--")).find_map(|link| {
        let host = url::quirks::domain_to_unicode(link.host());
        let deceives = host.split('.').filter(|label| !label.is_ascii()).any(|label| {
            let looks = skeleton(label);
            let is_mixed = label.bytes().any(|byte| byte.is_ascii_alphabetic())
                && label
                    .chars()
                    .any(|c| matches!(c, '\u{0370}'..='\u{03FF}' | '\u{0400}'..='\u{052F}' | '\u{0530}'..='\u{058F}'));
            is_mixed || (looks.is_ascii() && lists::POPULAR_NAMES.contains(&looks))
        });
        deceives.then(|| Note::new(host.as_str()))
    })
}

/// `URL_RAW_IP`: an IP address for a host, in whatever notation. Private networks are a developer's talk.
pub(super) fn raw_ip(clues: &Clues<'_>) -> Option<Note> {
    let ip = clues.addresses().find_map(Link::ip)?;
    let is_private = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    Some(Note::graded(ip.to_string(), if is_private { 0.2 } else { 1.0 }))
}

/// `URL_USERINFO`: `paypal.com@evil.example`. `medium.com/@name` has none.
pub(super) fn userinfo(clues: &Clues<'_>) -> Option<Note> {
    clues.addresses().find(|link| link.has_userinfo()).map(|link| Note::new(link.host()))
}

/// `URL_ODD_PORT`: a port that neither http nor https has. Developers quote their own machines.
pub(super) fn port(clues: &Clues<'_>) -> Option<Note> {
    clues.addresses().find_map(|link| {
        let port = link.odd_port()?;
        let is_own_machine = link.host() == "localhost" || link.ip().is_some_and(|ip| ip.is_loopback());
        (!is_own_machine).then(|| Note::new(format!("{}:{port}", link.host())))
    })
}

/// `URL_DEEP_SUBDOMAIN`: a host name of more than six parts.
pub(super) fn deep(clues: &Clues<'_>) -> Option<Note> {
    clues
        .addresses()
        .find(|link| link.ip().is_none() && link.host().matches('.').count() > 5)
        .map(|link| Note::new(link.host()))
}

/// `URL_OBFUSCATED_TEXT`: `hxxp://`, `example[.]com`, `example dot com`. Security blogs write so as well.
pub(super) fn defanged(clues: &Clues<'_>) -> Option<Note> {
    clues.foreign.iter().find(|link| link.is_defanged).map(|link| Note::new(link.host()))
}

/// `URL_SUSPICIOUS_TLD`: an ending that spam favours. Mild: much ham lives there.
pub(super) fn suspicious_ending(clues: &Clues<'_>) -> Option<Note> {
    clues.addresses().find_map(|link| {
        let (_, ending) = link.host().rsplit_once('.')?;
        lists::SUSPICIOUS_ENDINGS.contains(ending).then(|| Note::new(link.host()))
    })
}

/// `URL_FREE_HOST`: a page that anybody gets at once. Mild: bloggers and developers live there.
pub(super) fn free_host(clues: &Clues<'_>) -> Option<Note> {
    clues.addresses().find_map(|link| lists::FREE_HOSTS.above(link.host()).map(|_| Note::new(link.host())))
}

/// `URL_SCRIPT`: `javascript:`, `data:` and `vbscript:` links. Nobody means well with them.
pub(super) fn script(clues: &Clues<'_>) -> Option<Note> {
    clues
        .addresses()
        .find(|link| matches!(link.scheme(), "javascript" | "data" | "vbscript"))
        .map(|link| Note::new(link.scheme()))
}

/// `MESSENGER_LINK`: a chat, a group, a contact. Local groups are the ham to expect.
pub(super) fn messenger(clues: &Clues<'_>) -> Option<Note> {
    clues.messenger_link().map(|link| Note::new(link.host()))
}

/// `ZW_IN_URL`: an invisible character inside a link.
pub(super) fn zero_width(clues: &Clues<'_>) -> Option<Note> {
    let invisible = ['\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FEFF}', '\u{00AD}'];
    clues
        .foreign
        .iter()
        .find(|link| {
            // A bare link may end where invisible text begins; what counts is a letter after it.
            let written = link.written.trim_end_matches(invisible);
            !written.is_ascii() && written.contains(invisible)
        })
        .map(|link| Note::new(link.host()))
}

/// `URL_SPAM_WORD`: spam words in a host or a path: `best-online-casino.example`.
pub(super) fn spam_word(clues: &Clues<'_>) -> Option<Note> {
    clues.addresses().filter(|link| !link.host().is_empty()).take(50).find_map(|link| {
        let path = link.path();
        let address = format!("{} {}", link.host(), path.get(..path.floor_char_boundary(300)).unwrap_or_default());
        let spaced = normalize(&address.replace(['-', '_', '.', '/', '+'], " "));
        phrases::find(&spaced, &places_of_words(&spaced))
            .into_iter()
            .find(|hit| hit.phrase.category.is_spam())
            .map(|hit| Note::new(format!("{}: {}", link.host(), hit.phrase.words)))
    })
}
