//! What of a comment the network may be asked about.
//!
//! Owns what is left out: the site's own domain, names that everybody links to, internal names, addresses that are not
//! public, and all of it when the author is staff. Does not own whom it is sent to (`super`).

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use crate::comment::Comment;
use crate::site::Site;
use crate::text::{Link, Text};
use crate::webhook::Allow;

/// Domains that are never asked about, nor found on a list of hosts.
static WELL_KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("../../config/lists/well-known-domains.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// Endings of names that mean something within a network only.
const INTERNAL: [&str; 9] =
    [".local", ".localhost", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa", ".onion"];

/// Links whose hosts are looked for in downloaded lists; that asks nobody.
const MOST_HOSTS: usize = 50;
/// Longest e-mail address and name that is asked about, bytes.
const MAX_FIELD: usize = 254;

/// A comment, reduced to what is asked about.
#[derive(Debug, Default, PartialEq)]
pub struct Subject {
    /// Registrable domains of links that lead away, each once; the author's own URL first.
    pub domains: Vec<String>,
    /// Hosts and paths of links that lead away.
    pub pages: Vec<(String, String)>,
    /// A public address.
    pub ip: Option<IpAddr>,
    /// Lower case.
    pub email: Option<String>,
    pub name: Option<String>,
    /// Of a trackback, pingback or webmention: the page that is said to link here, and to which one.
    pub ping: Option<(String, String)>,
}

impl Subject {
    /// * `domains`: how many are asked about at most.
    pub fn of(comment: &Comment, text: &Text, site: &Site, domains: usize) -> Subject {
        let author = &comment.author;
        let is_trusted =
            |role: &str| site.policy.trusted_roles.iter().any(|trusted| trusted.eq_ignore_ascii_case(role));
        if author.roles().any(is_trusted) {
            return Subject::default();
        }
        let mut subject = Subject {
            ip: author.ip.map(|ip| ip.to_canonical()).filter(|ip| Allow::None.check(*ip).is_ok()),
            email: field(author.email.as_deref()).filter(|email| email.contains('@')).map(str::to_lowercase),
            name: field(author.name.as_deref()).map(str::to_owned),
            ..Subject::default()
        };
        let author_url = author.url.as_deref().map(Link::of_url);
        let home = Link::of_url(&site.url);
        let page = Link::of_url(comment.permalink.as_deref().unwrap_or_default());
        subject.ping = ping(comment, &home);
        for link in author_url.iter().chain(text.links()) {
            let domain = link.domain();
            let leads_away = matches!(link.scheme(), "http" | "https" | "ftp")
                && domain != home.domain()
                && domain != page.domain()
                && !is_well_known(domain)
                && !is_internal(link.host());
            if !leads_away {
                continue;
            }
            if subject.pages.len() < MOST_HOSTS {
                subject.pages.push((link.host().to_owned(), link.path().to_owned()));
            }
            if subject.domains.len() < domains
                && link.ip().is_none()
                && domain.contains('.')
                && !subject.domains.iter().any(|known| known == domain)
            {
                subject.domains.push(domain.to_owned());
            }
        }
        subject
    }
}

/// A page of this very site need not be asked.
fn ping(comment: &Comment, home: &Link) -> Option<(String, String)> {
    let source = comment.author.url.as_deref().filter(|_| comment.is_ping())?.trim();
    let target = comment.permalink.as_deref().map(str::trim).filter(|target| !target.is_empty())?;
    let page = Link::of_url(source);
    let leads_away = !page.domain().is_empty() && page.domain() != home.domain();
    leads_away.then(|| (source.to_owned(), target.to_owned()))
}

fn field(given: Option<&str>) -> Option<&str> {
    given.map(str::trim).filter(|field| !field.is_empty() && field.len() <= MAX_FIELD)
}

/// Whether a registrable domain is one that everybody links to.
pub fn is_well_known(domain: &str) -> bool {
    WELL_KNOWN.contains(domain)
}

fn is_internal(host: &str) -> bool {
    host == "localhost" || INTERNAL.iter().any(|ending| host.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Policy, SiteId};
    use jiff::Timestamp;

    fn subject(comment: &Comment) -> Subject {
        let site = Site {
            id: SiteId(1),
            name: "news".into(),
            url: "https://news.example/".into(),
            policy: Policy::standard(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        Subject::of(comment, &Text::of(comment), &site, 5)
    }

    #[test]
    fn only_what_leads_away_is_asked_about_and_the_registrable_part_of_it() {
        let mut comment = Comment::of_text(
            "https://www.news.example/a https://youtu.be/x https://www.youtube.com/y http://wiki.corp/ http://10.0.0.1/ \
             http://deep.shop.bad.co.uk/p http://other.bad.co.uk/ mailto:bob@mail.example http://printer.local/ \
             http://blog.example/ http://localhost/ http://hidden.onion/",
        );
        comment.permalink = Some("https://blog.example/post".into());
        comment.author.url = Some("me.example.org".into());
        let subject = subject(&comment);
        assert_eq!(subject.domains, ["example.org", "bad.co.uk"]);
        assert_eq!(subject.pages.last().unwrap(), &("other.bad.co.uk".to_owned(), "/".to_owned()));
    }

    #[test]
    fn no_more_domains_than_the_limit_are_asked_about() {
        let text: String = (0..100).map(|number| format!("http://d{number}.com/ ")).collect();
        let subject = subject(&Comment::of_text(text));
        assert_eq!((subject.domains.len(), subject.pages.len()), (5, MOST_HOSTS));
    }

    #[test]
    fn addresses_that_are_not_public_stay_here_and_staff_altogether() {
        let mut comment = Comment::of_text("http://bad.com/");
        for private in ["10.1.2.3", "127.0.0.1", "192.168.1.1", "169.254.0.1", "::1", "fe80::1", "::ffff:10.0.0.1"] {
            comment.author.ip = Some(private.parse().unwrap());
            assert_eq!(subject(&comment).ip, None, "{private}");
        }
        comment.author.ip = Some("::ffff:8.8.4.4".parse().unwrap());
        assert_eq!(subject(&comment).ip, Some("8.8.4.4".parse().unwrap()));
        comment.author.role = Some("Editor".into());
        assert_eq!(subject(&comment), Subject::default());
    }
}
