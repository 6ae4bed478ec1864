//! What a comment is known by when it, or its like, comes again; and what is known of it already.
//!
//! Owns which identities there are and how each is spelled, and that a store which is slow or away costs no verdict. Does
//! not own how they are kept (`store`) nor what was seen means (`rules::history`).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::Pipeline;
use crate::comment::{Comment, CommentId};
use crate::facts::History;
use crate::language::Language;
use crate::reason;
use crate::rules;
use crate::site::Site;
use crate::store::{Traces, Trait};
use crate::text::{Fingerprint, Link, Text, registrable_domain};
use crate::verdict::Verdict;

/// How long the store may take to say what it has seen. It takes a millisecond; a verdict does not wait for a sick disk.
const PATIENCE: Duration = Duration::from_millis(250);
/// Domains of links that are remembered.
const DOMAINS: usize = 5;
/// Longest author field that is read, bytes.
const MAX_FIELD: usize = 300;
/// Characters up to which a text without a fingerprint is short.
const SHORT: usize = 80;

impl Pipeline {
    /// What this store has seen before of the comment's author, text and links; `None` when there is nothing to ask for, or
    /// it cannot say so in time.
    pub(super) async fn history(&self, site: &Site, traces: &Traces, id: Option<CommentId>) -> Option<History> {
        if traces.identities.is_empty() && traces.fingerprint.is_none() {
            return None;
        }
        let started = Instant::now();
        let asked = timeout(PATIENCE, self.store.history(site.id, traces, id, self.clock.now())).await;
        metrics::histogram!("hamlet_history_seconds").record(started.elapsed());
        let trouble = match asked {
            Ok(Ok(history)) => return Some(history),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        metrics::counter!("hamlet_history_misses_total").increment(1);
        tracing::warn!(error = trouble, "judged without what was seen before");
        None
    }

    /// Judges the new text of a comment that was edited, knowing what links it did not have before.
    pub(super) async fn judge_edited(
        &self,
        comment: &Comment,
        before: &Comment,
        site: &Site,
        id: CommentId,
    ) -> (Verdict, Traces) {
        let started = Instant::now();
        let (text, old) = (Text::of(comment), Text::of(before));
        let traces = traces(comment, &text, site);
        let mut facts = self.facts(comment, &text, site, Some(id), &traces).await;
        if let Some(history) = &mut facts.history {
            let (new, old) = (foreign(comment, &text, site), foreign(before, &old, site));
            history.added_links = u32::try_from(new.difference(&old).count()).unwrap_or(u32::MAX);
        }
        (self.judge_knowing(comment, &text, site, &facts, started), traces)
    }
}

/// What a person decided for the whole campaign is what is decided for each that comes later, but for those whom the site
/// trusts. `language`: of the reason.
pub(super) fn follow_campaign(verdict: &mut Verdict, site: &Site, language: Language) {
    let text = verdict.facts.history.as_ref().and_then(|history| history.text.as_ref());
    let decided = text.and_then(|text| Some((text.campaign?, text.campaign_decision.as_ref()?.parse().ok()?)));
    let Some((campaign, decision)) = decided else { return };
    let is_trusted = |symbol: &str| matches!(symbol, "ROLE_STAFF" | "ALLOW_LIST");
    let is_trusted = verdict.evidence.iter().any(|piece| is_trusted(&piece.symbol));
    if is_trusted || site.policy.shadow {
        return;
    }
    verdict.decision = decision;
    verdict.reason = reason::of_campaign(language, campaign, decision);
    // No evidence changes a person's word.
    verdict.otherwise = None;
}

/// What `comment` is known by.
pub(super) fn traces(comment: &Comment, text: &Text, site: &Site) -> Traces {
    let author = &comment.author;
    let mut identities = Vec::with_capacity(8);
    let email = filled(author.email.as_deref()).map(|email| (rules::mailbox(email), email.to_lowercase()));
    if let Some((mailbox, _)) = &email {
        identities.push((Trait::Email, mailbox.clone()));
    }
    let ip = author.ip.map(|ip| ip.to_canonical()).filter(|ip| !rules::is_shared_address(*ip));
    if let Some(ip) = ip {
        identities.push((Trait::Ip, ip.to_string()));
        identities.push((Trait::Network, network(ip)));
    }
    let host = email.as_ref().and_then(|(mailbox, _)| mailbox.rsplit_once('@')).map(|(_, host)| host);
    if let Some(host) = host.filter(|host| !host.is_empty() && !rules::is_mail_provider(host)) {
        identities.push((Trait::EmailDomain, registrable_domain(host).to_owned()));
    }
    let foreign = foreign(comment, text, site);
    let has_link = !foreign.is_empty();
    identities.extend(foreign.into_iter().take(DOMAINS).map(|domain| (Trait::Domain, domain)));
    let name = filled(author.name.as_deref()).unwrap_or_default();
    let title = comment.post_title.as_deref().unwrap_or_default();
    let fingerprint = Fingerprint::of(text, name, title);
    let post = filled(comment.permalink.as_deref()).or_else(|| filled(comment.post_title.as_deref()));
    Traces {
        author: email
            .as_ref()
            .map(|(mailbox, _)| mailbox.clone())
            .or_else(|| author.ip.map(|ip| ip.to_string()))
            .or_else(|| (!name.is_empty()).then(|| name.to_lowercase())),
        email_spelling: email.map(|(_, spelling)| spelling),
        post: post.map(str::to_owned),
        is_short: fingerprint.is_none() && text.visible().chars().nth(SHORT).is_none(),
        fingerprint,
        identities,
        has_link,
    }
}

/// The registered domains that text and author's address lead to, without the site's own.
pub(super) fn foreign(comment: &Comment, text: &Text, site: &Site) -> BTreeSet<String> {
    let author = filled(comment.author.url.as_deref()).map(Link::of_url);
    let mut links = text.links().iter().chain(&author).filter(|link| !link.domain().is_empty()).peekable();
    if links.peek().is_none() {
        return BTreeSet::new();
    }
    let home = Link::of_url(&site.url);
    let page = Link::of_url(comment.permalink.as_deref().unwrap_or_default());
    let is_own = |domain: &str| [home.domain(), page.domain()].contains(&domain);
    links.map(Link::domain).filter(|domain| !is_own(domain)).map(str::to_lowercase).take(64).collect()
}

/// The /24 of an IPv4 address, the /48 of another.
fn network(ip: IpAddr) -> String {
    let bits = if ip.is_ipv4() { 24 } else { 48 };
    ipnet::IpNet::new(ip, bits).map(|net| net.trunc().to_string()).unwrap_or_default()
}

fn filled(field: Option<&str>) -> Option<&str> {
    let field = field?.trim();
    let field = field.get(..field.floor_char_boundary(MAX_FIELD)).unwrap_or_default();
    (!field.is_empty()).then_some(field)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::classifier::Classifier;
    use crate::comment::Author;
    use crate::decision::Judge;
    use crate::facts::history::Alike;
    use crate::lists::Lists;
    use crate::rules::RuleSet;
    use crate::site::{Policy, SiteId};
    use crate::verdict::Decision;

    pub fn site() -> Site {
        Site {
            id: SiteId(1),
            name: "news".to_owned(),
            url: "https://news.example/".to_owned(),
            policy: Policy::standard(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_campaigns_decision_is_told_in_the_language_of_the_site() {
        let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
        let comment = Comment::of_text("Buy cheap viagra online casino bonus https://bit.ly/x");
        let mut judged = judge.judge(&comment, &site(), &Lists::default(), jiff::Timestamp::UNIX_EPOCH);
        assert!(judged.decision > Decision::Approve && judged.otherwise.is_some(), "{judged:?}");
        let text = Alike { campaign: Some(12), campaign_decision: Some("approve".to_owned()), ..Alike::default() };
        judged.facts.history = Some(History { text: Some(text), ..History::default() }.into());
        let reasons = Language::ALL.map(|language| {
            let mut verdict = judged.clone();
            follow_campaign(&mut verdict, &site(), language);
            assert_eq!((verdict.decision, verdict.otherwise), (Decision::Approve, None));
            verdict.reason
        });
        let expected = Language::ALL.map(|language| reason::of_campaign(language, 12, Decision::Approve));
        assert_eq!(reasons, expected);
    }

    #[test]
    fn a_comment_is_known_by_its_author_and_its_links() {
        let site = site();
        let author = Author {
            email: Some("A.da+x@Gmail.com".to_owned()),
            ip: Some("2001:db8:1:2::3".parse().unwrap()),
            url: Some("https://blog.ada.example/".to_owned()),
            ..Author::default()
        };
        let comment = Comment {
            author,
            ..Comment::of_text("see https://www.shop.example/x and https://news.example/y and www.shop.example/z")
        };
        let traces = traces(&comment, &Text::of(&comment), &site);
        let shown: Vec<String> = traces.identities.iter().map(|(kind, name)| format!("{kind:?} {name}")).collect();
        assert_eq!(
            shown,
            [
                "Email ada@gmail.com",
                "Ip 2001:db8:1:2::3",
                "Network 2001:db8:1::/48",
                "Domain ada.example",
                "Domain shop.example"
            ]
        );
        assert!(traces.has_link && traces.is_short && traces.author.as_deref() == Some("ada@gmail.com"));
        let nobody = Comment {
            author: Author { ip: "10.1.2.3".parse().ok(), ..Author::default() },
            ..Comment::of_text("شكرا")
        };
        let traces = super::traces(&nobody, &Text::of(&nobody), &site);
        assert!(traces.identities.is_empty() && traces.is_short && traces.fingerprint.is_none());
    }
}
