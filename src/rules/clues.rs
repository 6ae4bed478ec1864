//! What several rules ask for, found once per comment.
//!
//! Owns the shared look-ups: listed phrases, foreign links, telephone numbers, the author's fields. Does not own what
//! any of them means; that is each rule's.

use std::cell::OnceCell;

use super::Case;
use super::phone::{self, Phone};
use super::phrases::{self, Category, Hit};
use super::topic::Page;
use super::traps::{self, Planted};
use crate::comment::Comment;
use crate::facts::Facts;
use crate::site::Site;
use crate::text::{Link, Text, normalize, registrable_domain};

/// A comment with the clues it gives.
#[derive(Debug)]
pub(super) struct Clues<'a> {
    pub comment: &'a Comment,
    pub text: &'a Text,
    /// What is known besides the comment.
    pub facts: &'a Facts,
    pub site: &'a Site,
    /// Listed phrases in the text.
    pub hits: Vec<Hit>,
    /// Links that lead away from the site, and those that stay.
    pub foreign: Vec<&'a Link>,
    pub own_links: usize,
    /// The author's URL, when one was sent and holds anything.
    pub author_link: Option<Link>,
    /// Where redirects among those addresses lead to.
    targets: Vec<Link>,
    pub phone: Option<Phone>,
    name: OnceCell<String>,
    email_host: OnceCell<String>,
    planted: OnceCell<Planted>,
    page: OnceCell<Page>,
}

/// Longest author field that is read, bytes.
const MAX_FIELD: usize = 1_000;

impl<'a> Clues<'a> {
    pub fn of(case: &Case<'a>) -> Clues<'a> {
        let Case { comment, text, facts, site } = *case;
        let links = text.links();
        let mut foreign: Vec<&Link> = Vec::new();
        if !links.is_empty() {
            let home = Link::of_url(&site.url);
            let page = Link::of_url(comment.permalink.as_deref().unwrap_or_default());
            let own = [home.domain(), page.domain()];
            foreign.extend(links.iter().filter(|link| {
                let leads_anywhere = !link.scheme().is_empty() && !matches!(link.scheme(), "mailto" | "tel");
                leads_anywhere && (link.domain().is_empty() || !own.contains(&link.domain()))
            }));
        }
        let author_url = clipped(comment.author.url.as_deref());
        let author_link = (!author_url.is_empty()).then(|| Link::of_url(author_url));
        let targets = foreign.iter().copied().chain(&author_link).filter_map(Link::target).collect();
        Clues {
            comment,
            text,
            facts,
            site,
            hits: phrases::find(text.normal(), text.places()),
            own_links: links.len() - foreign.len(),
            foreign,
            author_link,
            targets,
            phone: if text.scripts().digits >= 7 { phone::find(text.visible()) } else { None },
            name: OnceCell::new(),
            email_host: OnceCell::new(),
            planted: OnceCell::new(),
            page: OnceCell::new(),
        }
    }

    /// The author's name as written, clipped; empty when there is none.
    pub fn name(&self) -> &str {
        clipped(self.comment.author.name.as_deref())
    }

    /// The author's name in matching form.
    pub fn normal_name(&self) -> &str {
        self.name.get_or_init(|| normalize(self.name()))
    }

    /// Attacks and unfilled templates in the raw text.
    pub fn planted(&self) -> Planted {
        *self.planted.get_or_init(|| traps::planted(self.text))
    }

    /// What the page is about, as far as the CMS said.
    pub fn page(&self) -> &Page {
        self.page.get_or_init(|| Page::of(self.comment))
    }

    /// The author's e-mail as sent, clipped; empty when there is none.
    pub fn email(&self) -> &str {
        clipped(self.comment.author.email.as_deref())
    }

    /// The host part of the author's e-mail, lower case; empty when there is none.
    pub fn email_host(&self) -> &str {
        let host = || self.email().rsplit_once('@').map(|(_, host)| host.to_lowercase()).unwrap_or_default();
        self.email_host.get_or_init(host)
    }

    /// The domain of the author's e-mail; empty when there is none.
    pub fn email_domain(&self) -> &str {
        registrable_domain(self.email_host())
    }

    pub fn first(&self, category: Category) -> Option<Hit> {
        self.hits.iter().copied().find(|hit| hit.phrase.category == category)
    }

    /// How many links lead away, kept or not.
    pub fn foreign_count(&self) -> usize {
        self.foreign.len() + (self.text.link_count() - self.text.links().len())
    }

    /// The foreign links of the text, the author's own address, and where those redirect to, for rules that read them all.
    pub fn addresses(&self) -> impl Iterator<Item = &Link> {
        self.foreign.iter().copied().chain(&self.author_link).chain(&self.targets)
    }

    pub fn messenger_link(&self) -> Option<&Link> {
        self.addresses().find(|link| super::lists::MESSENGERS.above_with_path(link.host(), link.path()).is_some())
    }

    /// Does the comment offer a way to reach somebody: a link, a number, an address, a messenger?
    pub fn has_contact(&self) -> bool {
        !self.foreign.is_empty()
            || self.phone.is_some()
            || !self.text.emails().is_empty()
            || self.author_link.as_ref().is_some_and(|link| !link.host().is_empty())
    }
}

pub(super) fn clipped(field: Option<&str>) -> &str {
    let field = field.unwrap_or_default().trim();
    field.get(..field.floor_char_boundary(MAX_FIELD)).unwrap_or_default()
}
