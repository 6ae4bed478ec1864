//! The links of a comment: bare, in HTML, in BBCode, in Markdown, and those written to slip past a filter.
//!
//! Owns what counts as a link and the parts of its address. Does not own which hosts are good or bad (`rules`).

use std::sync::LazyLock;

use linkify::{LinkFinder, LinkKind};
use url::{Host, Url};

use super::html::Anchor;
use super::normalize::{is_unseen, seen};

/// How a link is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Syntax {
    Bare,
    Html,
    BbCode,
    Markdown,
}

/// One link and the parts of its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// As it stands in the comment, at most 2,048 bytes.
    pub written: String,
    /// Its length as it stands in the comment, bytes.
    pub length: usize,
    pub syntax: Syntax,
    /// The text that a reader clicks; empty for a bare link.
    pub shown: String,
    /// Written so that a filter does not see it: `hxxp://`, `example[.]com`, `example dot com`.
    pub is_defanged: bool,
    /// `None` when it is no address that a browser could open.
    url: Option<Url>,
    domain: String,
}

impl Link {
    /// Links kept of one comment; more are counted only.
    pub const MAX_KEPT: usize = 1_000;
    const MAX_WRITTEN: usize = 2_048;

    /// Reads an address: the author's URL, or a link's target. An address without a scheme is taken for http.
    pub fn of_url(written: &str) -> Link {
        Link::new(written, Syntax::Bare, "")
    }

    fn new(written: &str, syntax: Syntax, shown: &str) -> Link {
        let clip = |text: &str| text.get(..text.floor_char_boundary(Link::MAX_WRITTEN)).unwrap_or_default().to_owned();
        let length = written.len();
        let written = clip(written);
        let url = address(&seen(&written));
        let domain = url.as_ref().and_then(Url::host_str).map(registrable_domain).unwrap_or_default().to_owned();
        Link { written, length, syntax, shown: clip(shown.trim()), is_defanged: false, url, domain }
    }

    /// Host in lower case, international names in their `xn--` form; empty when there is none.
    pub fn host(&self) -> &str {
        self.url.as_ref().and_then(Url::host_str).unwrap_or_default()
    }

    /// The part of the host that somebody registered (`b.co.uk` of `www.b.co.uk`); the host itself for an IP address.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// `http`, `https`, `javascript`, …; empty when it is no address.
    pub fn scheme(&self) -> &str {
        self.url.as_ref().map(Url::scheme).unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.url.as_ref().map(Url::path).unwrap_or_default()
    }

    pub fn query(&self) -> &str {
        self.url.as_ref().and_then(Url::query).unwrap_or_default()
    }

    /// The address inside this one's query: where a redirect leads to. `None` when there is none, or only this host again.
    pub fn target(&self) -> Option<Link> {
        if !self.query().contains("http") {
            return None;
        }
        let pairs = self.url.as_ref()?.query_pairs();
        let (_, inner) =
            pairs.take(20).find(|(_, value)| value.starts_with("http://") || value.starts_with("https://"))?;
        let target = Link::of_url(&inner);
        (!target.host().is_empty() && target.domain() != self.domain()).then_some(target)
    }

    /// A user or password stands before the host.
    pub fn has_userinfo(&self) -> bool {
        self.url
            .as_ref()
            .is_some_and(|url| !self.host().is_empty() && (!url.username().is_empty() || url.password().is_some()))
    }

    /// The host is an IP address, in whatever way it is written.
    pub fn ip(&self) -> Option<std::net::IpAddr> {
        match self.url.as_ref()?.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(_) => None,
        }
    }

    /// A port other than the scheme's own.
    pub fn odd_port(&self) -> Option<u16> {
        self.url.as_ref()?.port().filter(|port| !matches!(port, 80 | 443))
    }
}

/// What was found in one text.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub kept: Vec<Link>,
    pub total: usize,
    pub visible_bytes: usize,
    pub emails: Vec<String>,
}

/// E-mail addresses kept of one text.
const MAX_EMAILS: usize = 16;

static FINDER: LazyLock<LinkFinder> = LazyLock::new(|| {
    let mut finder = LinkFinder::new();
    finder.url_must_have_scheme(false);
    finder
});

/// The links of `visible`, given the anchors that its markup held, in the order of the text.
pub(super) fn collect(visible: &str, mut anchors: Vec<Anchor>) -> Links {
    let mut links = Links::default();
    anchors.retain(|anchor| !anchor.target.is_empty());
    anchors.sort_by_key(|anchor| anchor.shown.start);
    let mut anchors = anchors.into_iter().peekable();
    let mut covered_to = 0;
    for found in bare(visible) {
        while let Some(anchor) = anchors.next_if(|anchor| anchor.shown.start <= found.start()) {
            covered_to = covered_to.max(anchor.shown.end);
            links.keep_anchor(visible, &anchor);
        }
        if *found.kind() == LinkKind::Email {
            if links.emails.len() < MAX_EMAILS {
                links.emails.push(found.as_str().to_owned());
            }
            continue;
        }
        // A link inside an anchor's text is that anchor.
        if found.start() >= covered_to
            && let Some(written) = plausible(found.as_str())
        {
            links.visible_bytes += written.len();
            links.keep(|| Link::new(written, Syntax::Bare, ""));
        }
    }
    for anchor in anchors {
        links.keep_anchor(visible, &anchor);
    }
    links.keep_unusual(visible);
    links.keep_defanged(visible);
    links
}

/// Links and addresses in plain text. Nothing is one without a dot or a colon, so most texts are not searched.
fn bare(visible: &str) -> impl Iterator<Item = linkify::Link<'_>> {
    let text = if visible.bytes().any(|byte| matches!(byte, b':' | b'.' | b'@')) { visible } else { "" };
    FINDER.links(text)
}

impl Links {
    fn keep(&mut self, link: impl FnOnce() -> Link) {
        self.total += 1;
        if self.kept.len() < Link::MAX_KEPT {
            let mut link = link();
            if link.written.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("hxxp")) {
                let rest = link.written.get(4..).unwrap_or_default();
                let refanged = Link::new(&format!("http{rest}"), link.syntax, &link.shown);
                link = Link { written: link.written, is_defanged: true, ..refanged };
            }
            self.kept.push(link);
        }
    }

    fn keep_anchor(&mut self, visible: &str, anchor: &Anchor) {
        let shown = visible.get(anchor.shown.clone()).unwrap_or_default();
        self.keep(|| Link::new(&anchor.target, anchor.syntax, shown));
    }

    /// `http://موقع.مصر/` and `http://3232235777/`, which browsers open and the link finder passes over.
    fn keep_unusual(&mut self, visible: &str) {
        for (at, separator) in visible.match_indices("://") {
            let Some(before) = visible.get(..at) else { continue };
            let Some(scheme) = ["https", "http"].into_iter().find(|scheme| before.ends_with(scheme)) else { continue };
            let after = visible.get(at + separator.len()..).unwrap_or_default();
            let host = after.get(..after.floor_char_boundary(256)).unwrap_or_default();
            let host =
                host.split(|c: char| c.is_whitespace() || "/?#:\"'<>()[]،؛".contains(c)).next().unwrap_or_default();
            let ending = host.rsplit('.').next().unwrap_or_default();
            let is_international = host.contains('.') && !ending.is_ascii();
            let is_number =
                host.len() >= 7 && (host.starts_with("0x") || host.bytes().all(|byte| byte.is_ascii_digit()));
            if is_international || is_number {
                let address = after.get(..after.floor_char_boundary(Link::MAX_WRITTEN)).unwrap_or_default();
                let address =
                    address.split(|c: char| c.is_whitespace() || "\"'<>".contains(c)).next().unwrap_or_default();
                let written = format!("{scheme}{separator}{address}");
                self.visible_bytes += written.len();
                self.keep(|| Link::new(&written, Syntax::Bare, ""));
            }
        }
    }

    /// `example[.]com`, `example(dot)com`, `example dot com`.
    fn keep_defanged(&mut self, visible: &str) {
        const DOTS: [&str; 6] = ["[.]", "(.)", "[dot]", "(dot)", " dot ", " DOT "];
        if !DOTS.iter().any(|dot| visible.contains(dot)) {
            return;
        }
        let mut joined = visible.to_owned();
        for dot in DOTS {
            joined = joined.replace(dot, "\u{1}");
        }
        for token in joined.split_whitespace().filter(|token| token.contains('\u{1}')) {
            let written = token.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
            let refanged = written.replace('\u{1}', ".");
            let refanged = refanged.strip_prefix("hxxp").map_or(refanged.clone(), |rest| format!("http{rest}"));
            let last = refanged.split('/').next().unwrap_or_default().rsplit('.').next().unwrap_or_default();
            // In prose ("a dot on the map") what follows is a word; only an ending that is sold in masses is meant as one.
            let is_meant = refanged.contains("://") || COMMON_ENDINGS.contains(&last);
            if is_meant && FINDER.links(&refanged).any(|found| *found.kind() == LinkKind::Url) {
                self.keep(|| Link { is_defanged: true, ..Link::new(&refanged, Syntax::Bare, "") });
            }
        }
    }
}

const COMMON_ENDINGS: [&str; 14] =
    ["com", "net", "org", "info", "biz", "ru", "xyz", "online", "site", "shop", "top", "club", "io", "co"];

/// Endings that are also words or file names: `that.is`, `notes.md`. Without scheme or path they are no links.
const WORDLIKE_ENDINGS: [&str; 46] = [
    "is", "it", "in", "so", "to", "me", "my", "no", "at", "be", "as", "do", "am", "us", "by", "id", "de", "la", "es",
    "et", "na", "se", "si", "ma", "mo", "ne", "da", "al", "py", "rs", "sh", "md", "pl", "ps", "zip", "mov", "cc", "st",
    "vi", "bar", "now", "how", "you", "here", "one", "new",
];

/// The link that `found` is, or `None` for what only looks like one ("good.Next", "notes.md").
fn plausible(found: &str) -> Option<&str> {
    // A direction mark behind a link is no part of it.
    let found = found.trim_end_matches(is_unseen);
    if found.contains("://") {
        return Some(found);
    }
    // Text in another script may touch a link without a scheme: `زورواexample.com`.
    let ascii_start = found
        .rfind(|c: char| !c.is_ascii() && !is_unseen(c))
        .map_or(0, |at| at + found.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8));
    let found =
        if found.get(ascii_start..).is_some_and(|rest| rest.contains('.')) { found.get(ascii_start..)? } else { found };
    let host_end = found.find(['/', '?', '#', ':']).unwrap_or(found.len());
    let (host, rest) = found.split_at(host_end);
    let host = &*seen(host);
    let suffix = psl::suffix(host.to_lowercase().as_bytes()).map(|suffix| (suffix.is_known(), suffix.as_bytes().len()));
    let (true, suffix_length) = suffix? else { return None };
    if suffix_length >= host.len() {
        return None;
    }
    if host.get(..4).is_some_and(|www| www.eq_ignore_ascii_case("www.")) || rest.starts_with('/') {
        return Some(found);
    }
    let ending = host.rsplit('.').next()?;
    // "the end.Next one": a capital after small letters begins a sentence.
    let begins_sentence = ending.starts_with(char::is_uppercase) && !host.starts_with(char::is_uppercase);
    (!begins_sentence && !WORDLIKE_ENDINGS.contains(&ending.to_ascii_lowercase().as_str())).then_some(found)
}

/// The address as a browser would read it.
fn address(written: &str) -> Option<Url> {
    let written = written.trim();
    if written.is_empty()
        || written.starts_with(['#', '?', '.'])
        || (written.starts_with('/') && !written.starts_with("//"))
    {
        return None;
    }
    match Url::parse(written) {
        Ok(url) if url.has_host() || !looks_like_host(url.scheme()) => Some(url),
        _ => Url::parse(&format!("http://{}", written.trim_start_matches('/'))).ok().filter(Url::has_host),
    }
}

/// `example.com:80` parses as a scheme `example.com`.
fn looks_like_host(scheme: &str) -> bool {
    scheme.contains('.')
}

/// The part of `host` that somebody registered, after the public suffix list; the host itself where that is unknown.
pub fn registrable_domain(host: &str) -> &str {
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return host;
    }
    psl::domain_str(host).unwrap_or(host)
}
