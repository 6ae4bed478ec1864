//! Call-backs that a check comes with: where a CMS wants to hear of a decision that comes later.
//!
//! Owns whether such an address is the site's own. Does not own sending (`webhook::callback`).
//!
//! The address stands in a form whose fields a stranger may have had a hand in, so it is believed only if it leads to
//! where the site itself is; the addresses behind the name are checked at each attempt besides.

use url::Url;

use crate::api::form::Form;
use crate::site::Site;

/// Longest address, bytes.
const URL_BYTES: usize = 2048;

/// Where the CMS wants to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CallBack {
    pub(super) url: String,
    /// It also keeps the comment pending when it is told `false` and to wait; otherwise it must be told `true`.
    pub(super) keeps_pending: bool,
}

/// The call-back of a check, if it is at the site's own address.
///
/// `callback` is sent by plugins from 5.5 on; `hamlet_callback` by Hamlet's must-use plugin on behalf of older ones.
pub(super) fn call_back(form: &Form<'_>, site: &Site) -> Option<CallBack> {
    let own = if site.url.is_empty() { form.filled("blog")? } else { &site.url };
    let own = host(own)?;
    [("callback", true), ("hamlet_callback", false)].into_iter().find_map(|(name, keeps_pending)| {
        let text = form.filled(name)?;
        let is_own = text.len() <= URL_BYTES && host(text).is_some_and(|host| host == own);
        is_own.then(|| CallBack { url: text.to_owned(), keeps_pending })
    })
}

/// The host of an address on the web, without `www.`: sites are known by both.
fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    let host = url.host_str().filter(|_| is_plain)?.trim_end_matches('.').to_ascii_lowercase();
    Some(host.strip_prefix("www.").map_or_else(|| host.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::site::{Policy, SiteId};

    #[track_caller]
    fn check(site_url: &str, form: &str, expected: Option<(&str, bool)>) {
        let (url, policy, created_at) = (site_url.to_owned(), Policy::standard(), Timestamp::UNIX_EPOCH);
        let site = Site { id: SiteId(1), name: "news".to_owned(), url, policy, created_at };
        let found = call_back(&Form::parse("", form.as_bytes(), None), &site);
        let expected = expected.map(|(url, keeps_pending)| CallBack { url: url.to_owned(), keeps_pending });
        assert_eq!(found, expected, "{site_url} {form}");
    }

    #[test]
    fn only_the_sites_own_host_is_called_back() {
        let route = "https://news.example/wp-json/akismet/v1/webhook";
        let form = format!("blog=https://news.example&callback={route}");
        check("https://news.example/", &form, Some((route, true)));
        check("https://www.News.example/blog", &form, Some((route, true)));
        check("", &form, Some((route, true)));
        check("", &format!("blog=https://other.example&callback={route}"), None);
        check("", &format!("callback={route}"), None);
        check("https://other.example", &form, None);
        check("https://news.example.evil.example", &form, None);
        check("https://news.example", "callback=https://evil.example/?https://news.example/", None);
        check("https://news.example", "callback=https://news.example@evil.example/", None);
        check("https://news.example", "callback=https://u:p@news.example/", None);
        check("https://news.example", "callback=ftp://news.example/", None);
        check("https://news.example", "callback=news.example/webhook", None);
        check("https://news.example", "callback=", None);
        check("https://news.example", &format!("callback=https://news.example/{}", "a".repeat(3000)), None);
        let port = "http://news.example:8080/?rest_route=/akismet/v1/webhook";
        check("https://news.example", &format!("callback={}", port.replace('&', "%26")), Some((port, true)));
        check("https://news.example", &format!("hamlet_callback={route}"), Some((route, false)));
        check("https://news.example", &format!("hamlet_callback={route}&callback={route}"), Some((route, true)));
    }
}
