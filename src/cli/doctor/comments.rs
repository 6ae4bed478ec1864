//! What the CMS sends with a comment: is the address the reader's, and what is missing?

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::Findings;
use crate::comment::Comment;
use crate::rules::{Field, RULES};
use crate::site::Site;
use crate::store::{CommentFilter, Store, StoreError, StoredComment};
use crate::webhook::Allow;

/// Comments of a site that are looked at, and of all sites together.
const LAST: usize = 200;
const LAST_OF_ALL: usize = 20_000;
/// With fewer a share says little.
const LEAST: usize = 20;
/// From this share on one address is no reader but a proxy.
const NEARLY_ALL: f64 = 0.9;
/// From this share on a field is missing.
const MOSTLY: f64 = 0.5;

/// The newest comments of one site.
pub(super) struct Recent {
    site: Arc<Site>,
    pub(super) comments: Vec<StoredComment>,
}

pub(super) async fn recent(store: &dyn Store) -> Result<Vec<Recent>, StoreError> {
    let sites = store.directory().await?.sites;
    let each = (LAST_OF_ALL / sites.len().max(1)).clamp(LEAST, LAST);
    let each = u32::try_from(each).unwrap_or(u32::MAX);
    let mut recent = Vec::with_capacity(sites.len());
    for site in sites {
        let comments = store.comments(site.id, &CommentFilter::default(), None, each).await?;
        recent.push(Recent { site, comments });
    }
    Ok(recent)
}

pub(super) fn check(findings: &mut Findings, recent: &[Recent]) {
    let (told, silent): (Vec<&Recent>, Vec<_>) = recent.iter().partition(|site| site.comments.len() >= LEAST);
    for site in &told {
        let comments: Vec<&Comment> = site.comments.iter().map(|stored| &stored.comment).collect();
        addresses(findings, &site.site.name, &comments);
        fields(findings, &site.site.name, &comments);
    }
    if told.is_empty() {
        let fact = format!("no site has {LEAST} comments yet; what the CMS sends is looked at then");
        findings.ok("comments", fact);
    } else if !silent.is_empty() {
        findings
            .ok("comments", format!("{} sites have fewer than {LEAST} comments and were not looked at", silent.len()));
    }
}

/// Readers come from many addresses, and not from private ones.
fn addresses(findings: &mut Findings, site: &str, comments: &[&Comment]) {
    let addresses: Vec<IpAddr> = comments.iter().filter_map(|comment| comment.author.ip).collect();
    if addresses.len() < LEAST {
        return;
    }
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for address in &addresses {
        *counts.entry(*address).or_default() += 1;
    }
    let private = addresses.iter().filter(|address| Allow::None.check(**address).is_err()).count();
    let mend = "the CMS sees its reverse proxy and not the reader: have it take the address from X-Forwarded-For (nginx: \
                real_ip_header, Apache: mod_remoteip, or the CMS's own setting); until then rules by address judge the proxy";
    let of = addresses.len();
    match counts.into_iter().max_by_key(|(address, count)| (*count, *address)) {
        Some((address, count)) if share(count, of) >= NEARLY_ALL => {
            let fact = format!("{count} of the last {of} comments of `{site}` come from one address ({address})");
            findings.warning("proxy", fact, mend);
        }
        _ if share(private, of) >= MOSTLY => {
            let fact =
                format!("{private} of the last {of} comments of `{site}` come from addresses that are not public");
            findings.warning("proxy", fact, mend);
        }
        _ => findings.ok("proxy", format!("comments of `{site}` come with their readers' addresses")),
    }
}

/// A field that every CMS knows, whether a comment has it, and what cannot be judged without it.
type Known = (&'static str, fn(&Comment) -> bool, Option<Field>, &'static str);

const FIELDS: [Known; 5] = [
    (
        "author.ip",
        |comment| comment.author.ip.is_some(),
        None,
        "lists of addresses, what was seen from an address before, network lists of addresses",
    ),
    ("author.user_agent", |comment| comment.author.user_agent.is_some(), Some(Field::UserAgent), ""),
    ("author.email", |comment| comment.author.email.is_some(), Some(Field::Email), "what was seen of a writer before"),
    ("author.name", |comment| comment.author.name.is_some(), Some(Field::Name), ""),
    ("permalink", |comment| comment.permalink.is_some(), None, "the same text on many pages, links to the page itself"),
];

fn fields(findings: &mut Findings, site: &str, comments: &[&Comment]) {
    let of = comments.len();
    let missing: Vec<(&Known, usize)> = FIELDS
        .iter()
        .map(|known| (known, comments.iter().filter(|comment| !known.1(comment)).count()))
        .filter(|(_, count)| share(*count, of) >= MOSTLY)
        .collect();
    if missing.is_empty() {
        return findings
            .ok("fields", format!("comments of `{site}` come with address, browser, e-mail, name and page"));
    }
    for ((name, _, field, besides), count) in missing {
        let symbols = RULES.iter().filter(|rule| field.is_some_and(|field| rule.needs.contains(&field)));
        let blind = symbols.map(|rule| rule.symbol).chain(Some(*besides).filter(|besides| !besides.is_empty()));
        let blind = blind.collect::<Vec<_>>().join(", ");
        findings.warning(
            "fields",
            format!("{count} of the last {of} comments of `{site}` came without {name}; blind: {blind}"),
            format!("have the CMS send `{name}`"),
        );
    }
}

fn share(count: usize, of: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred comments")]
    let share = count as f64 / of.max(1) as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Level;

    /// Comments of addresses, told by what was found.
    #[track_caller]
    fn check(addresses: impl IntoIterator<Item = [u8; 4]>, level: Level, part: &str) {
        let comments: Vec<Comment> = addresses
            .into_iter()
            .map(|address| {
                let mut comment = Comment::of_text("hello");
                comment.author.ip = Some(IpAddr::from(address));
                comment
            })
            .collect();
        let mut findings = Findings::default();
        super::addresses(&mut findings, "news", &comments.iter().collect::<Vec<_>>());
        let [found] = findings.0.as_slice() else { panic!("{findings:?}") };
        assert_eq!(found.level, level, "{found:?}");
        assert!(found.fact.contains(part), "{found:?}");
    }

    #[test]
    fn a_proxy_is_seen_by_the_one_address_of_all_or_by_private_ones() {
        check((0..100).map(|n| [192, 0, 3, n]), Level::Ok, "their readers'");
        check((0..100).map(|n| [192, 0, 3, if n < 8 { n } else { 200 }]), Level::Warning, "one address (192.0.3.200)");
        check((0..100).map(|n| [10, 0, 0, n]), Level::Warning, "not public");
        check((0..100).map(|n| if n % 3 == 0 { [10, 0, 0, n] } else { [192, 0, 3, n] }), Level::Ok, "their readers'");
    }

    #[test]
    fn what_is_mostly_missing_is_named_with_the_rules_that_are_blind() {
        let with = |email: bool| {
            let mut comment = Comment::of_text("hello");
            comment.author.email = email.then(|| "reader@mail.example".to_owned());
            comment.author.name = Some("Reader".to_owned());
            comment
        };
        let comments: Vec<Comment> = (0..100).map(|n| with(n % 5 == 0)).collect();
        let mut findings = Findings::default();
        fields(&mut findings, "news", &comments.iter().collect::<Vec<_>>());
        let fact =
            |name: &str| findings.0.iter().find(|found| found.fact.contains(name)).map(|found| found.fact.as_str());
        assert!(fact("without author.email").unwrap().contains("80 of the last 100"), "{findings:?}");
        assert!(fact("without author.email").unwrap().contains("EMAIL_DISPOSABLE"), "{findings:?}");
        assert!(fact("without author.user_agent").unwrap().contains("UA_BOT"), "{findings:?}");
        assert!(fact("without permalink").is_some() && fact("without author.name").is_none(), "{findings:?}");
    }
}
