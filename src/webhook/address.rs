//! Which addresses a webhook may go to: a daemon that posts where strangers say must not be led into its own network.
//!
//! Owns the list of refused ranges and what an endpoint's URL may look like. Does not look names up (`client` does, at
//! each attempt, and asks here about every address it gets).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// URLs longer than this are refused; browsers and proxies stop near here too.
const URL_BYTES_MAX: usize = 2048;

/// Private addresses that the operator lets webhooks reach: the setting `webhooks.allow_private_addresses`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "AllowText", into = "AllowText")]
pub enum Allow {
    /// Public addresses only.
    #[default]
    None,
    /// Every address.
    All,
    /// These networks, and public addresses.
    Nets(Vec<IpNet>),
}

/// As it is written: `false`, `true`, `["10.0.0.0/8"]`; in the environment also `10.0.0.0/8,::1`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum AllowText {
    Flag(bool),
    Line(String),
    List(Vec<String>),
}

impl Allow {
    /// Whether a webhook may connect to `ip`; if not, the kind of address it is.
    pub fn check(&self, ip: IpAddr) -> Result<(), &'static str> {
        let Some(kind) = not_public(ip) else { return Ok(()) };
        let is_allowed = match self {
            Allow::None => false,
            Allow::All => true,
            Allow::Nets(nets) => nets.iter().any(|net| net.contains(&ip) || net.contains(&ip.to_canonical())),
        };
        if is_allowed { Ok(()) } else { Err(kind) }
    }

    fn of_list<'a>(list: impl Iterator<Item = &'a str>) -> Result<Allow, String> {
        let nets = list.map(str::trim).filter(|net| !net.is_empty()).map(|net| {
            net.parse::<IpNet>()
                .or_else(|_| net.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| format!("`{net}` is not a network; write true, false, or networks such as 10.0.0.0/8"))
        });
        nets.collect::<Result<Vec<_>, _>>().map(|nets| if nets.is_empty() { Allow::None } else { Allow::Nets(nets) })
    }
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Allow, String> {
        match text.trim() {
            "true" => Ok(Allow::All),
            "false" => Ok(Allow::None),
            list => Allow::of_list(list.split(',')),
        }
    }
}

impl TryFrom<AllowText> for Allow {
    type Error = String;

    fn try_from(text: AllowText) -> Result<Allow, String> {
        match text {
            AllowText::Flag(true) => Ok(Allow::All),
            AllowText::Flag(false) => Ok(Allow::None),
            AllowText::Line(line) => line.parse(),
            AllowText::List(list) => Allow::of_list(list.iter().map(String::as_str)),
        }
    }
}

impl From<Allow> for AllowText {
    fn from(allow: Allow) -> AllowText {
        match allow {
            Allow::None => AllowText::Flag(false),
            Allow::All => AllowText::Flag(true),
            Allow::Nets(nets) => AllowText::List(nets.iter().map(IpNet::to_string).collect()),
        }
    }
}

/// Why nothing is sent to a URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    #[error("`{0}` is not a URL; write one such as https://cms.example/hamlet")]
    NotAUrl(String),
    #[error("an endpoint's URL has at most {URL_BYTES_MAX} bytes")]
    TooLong,
    #[error("an endpoint's URL starts with https:// or http://")]
    Scheme,
    #[error("an endpoint's URL carries no user name or password; the signature says who is calling")]
    UserInfo,
    /// The address itself is not told: whoever owns the endpoint could map the operator's network with it.
    #[error("the endpoint is at a {0} address; `webhooks.allow_private_addresses` says which of those are allowed")]
    Address(&'static str),
}

/// The URL of an endpoint, if webhooks may be sent there. Names are looked up later, at each attempt.
///
/// An address is checked as it was parsed, so that `http://2130706433/` and `http://0x7f.1/` are seen for what they are.
pub fn check_url(text: &str, allow: &Allow) -> Result<Url, UrlRefused> {
    if text.len() > URL_BYTES_MAX {
        return Err(UrlRefused::TooLong);
    }
    let url = Url::parse(text).map_err(|_| UrlRefused::NotAUrl(text.escape_debug().to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlRefused::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRefused::UserInfo);
    }
    let is_allowed = match url.host() {
        Some(Host::Ipv4(ip)) => allow.check(ip.into()),
        Some(Host::Ipv6(ip)) => allow.check(ip.into()),
        Some(Host::Domain(name)) if is_localhost(name) => {
            allow.check(Ipv4Addr::LOCALHOST.into()).or_else(|_| allow.check(Ipv6Addr::LOCALHOST.into()))
        }
        Some(Host::Domain(_)) => Ok(()),
        None => return Err(UrlRefused::NotAUrl(text.escape_debug().to_string())),
    };
    is_allowed.map(|()| url).map_err(UrlRefused::Address)
}

/// RFC 6761, § 6.3: `localhost` and all below it is the loopback.
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

/// The kind of address, if it is not one of the public Internet.
fn not_public(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => kind_v4(ip),
        IpAddr::V6(ip) => RANGES_V6
            .iter()
            .find(|(net, _)| net.contains(&ip))
            .map(|(_, kind)| *kind)
            .or_else(|| kind_v4(inner_v4(ip)?)),
    }
}

fn kind_v4(ip: Ipv4Addr) -> Option<&'static str> {
    RANGES_V4.iter().find(|(net, _)| net.contains(&ip)).map(|(_, kind)| *kind)
}

/// The IPv4 address that a gateway would find in an IPv6 one: mapped, compatible, NAT64 or 6to4.
fn inner_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let (high, low) = match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => (g, h),
        [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// IANA's IPv4 Special-Purpose Address Registry, with multicast and what is reserved.
const RANGES_V4: [(Ipv4Net, &str); 15] = [
    (v4(0, 0, 0, 0, 8), "unspecified"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "carrier's"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "reserved"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 88, 99, 0, 24), "reserved"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(198, 18, 0, 0, 15), "benchmark"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// IANA's IPv6 Special-Purpose Address Registry, with multicast and what is deprecated. The whole of 2001::/23 is
/// refused: it holds Teredo (which hides an IPv4 address), benchmarks and ORCHID, and no web server.
const RANGES_V6: [(Ipv6Net, &str); 12] = [
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), "unspecified"),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback"),
    (v6(0x64, 0xff9b, 1, 48), "private"),
    (v6(0x100, 0, 0, 32), "reserved"),
    (v6(0x2001, 0, 0, 23), "reserved"),
    (v6(0x2001, 0xdb8, 0, 32), "documentation"),
    (v6(0x3fff, 0, 0, 20), "documentation"),
    (v6(0x5f00, 0, 0, 16), "reserved"),
    (v6(0xfc00, 0, 0, 7), "private"),
    (v6(0xfe80, 0, 0, 10), "link-local"),
    (v6(0xfec0, 0, 0, 10), "private"),
    (v6(0xff00, 0, 0, 8), "multicast"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ip: &str, expected: Option<&str>) {
        assert_eq!(not_public(ip.parse().unwrap()), expected, "{ip}");
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for ip in ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1"]
        {
            check(ip, None);
        }
        for ip in ["2606:4700::1111", "2a00::1", "64:ff9b::101:101", "2002:101:101::1", "::ffff:1.1.1.1"] {
            check(ip, None);
        }
        check("0.0.0.0", Some("unspecified"));
        check("0.1.2.3", Some("unspecified"));
        check("10.0.0.1", Some("private"));
        check("100.64.0.1", Some("carrier's"));
        check("100.127.255.255", Some("carrier's"));
        check("127.0.0.1", Some("loopback"));
        check("127.255.255.254", Some("loopback"));
        check("169.254.169.254", Some("link-local"));
        check("172.16.0.1", Some("private"));
        check("172.31.255.255", Some("private"));
        check("192.168.1.1", Some("private"));
        check("192.0.0.8", Some("reserved"));
        check("192.0.2.1", Some("documentation"));
        check("198.19.255.255", Some("benchmark"));
        check("224.0.0.1", Some("multicast"));
        check("255.255.255.255", Some("reserved"));
        check("::", Some("unspecified"));
        check("::1", Some("loopback"));
        check("::7f00:1", Some("loopback"));
        check("::ffff:127.0.0.1", Some("loopback"));
        check("::ffff:a9fe:a9fe", Some("link-local"));
        check("64:ff9b::10.0.0.1", Some("private"));
        check("64:ff9b:1::1", Some("private"));
        check("2002:7f00:1::1", Some("loopback"));
        check("2002:c0a8:101::", Some("private"));
        check("2001:0:4136:e378:8000:63bf:3fff:fdd2", Some("reserved"));
        check("2001:db8::1", Some("documentation"));
        check("fc00::1", Some("private"));
        check("fd12:3456::1", Some("private"));
        check("fe80::1", Some("link-local"));
        check("ff02::1", Some("multicast"));
    }

    #[track_caller]
    fn check_one(url: &str, allow: &Allow, expected: Result<&str, &str>) {
        match (check_url(url, allow), expected) {
            (Ok(got), Ok(shown)) => assert_eq!(got.as_str(), shown),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{url}: {error}"),
            (got, _) => panic!("{url}: {got:?}"),
        }
    }

    #[test]
    fn a_url_is_refused_for_what_it_means_and_not_for_how_it_is_written() {
        let check = |url: &str, expected| check_one(url, &Allow::None, expected);
        check("https://cms.example/hamlet?a=b", Ok("https://cms.example/hamlet?a=b"));
        check("HTTP://CMS.example:8080", Ok("http://cms.example:8080/"));
        check("https://1.1.1.1/", Ok("https://1.1.1.1/"));
        check("http://127.0.0.1/", Err("loopback"));
        check("http://127.0.0.1./", Err("loopback"));
        check("http://2130706433/", Err("loopback"));
        check("http://0x7f000001/", Err("loopback"));
        check("http://0177.0.0.01/", Err("loopback"));
        check("http://127.1/", Err("loopback"));
        check("http://１２７.0.0.1/", Err("loopback"));
        check("http://0/", Err("unspecified"));
        check("http://[::1]:8420/", Err("loopback"));
        check("http://[::ffff:10.0.0.1]/", Err("private"));
        check("http://169.254.169.254/latest/meta-data/", Err("link-local"));
        check("http://localhost:8080/", Err("loopback"));
        check("http://LOCALHOST./", Err("loopback"));
        check("http://cms.localhost/", Err("loopback"));
        check("ftp://cms.example/", Err("https:// or http://"));
        check("file:///etc/passwd", Err("https:// or http://"));
        check("https://user@cms.example/", Err("user name"));
        check("https://:secret@cms.example/", Err("user name"));
        check("https://1.1.1.1@10.0.0.1/", Err("user name"));
        check("https://", Err("not a URL"));
        check("cms.example/hamlet", Err("not a URL"));
        check("", Err("not a URL"));
        check("http://256.0.0.1/", Err("not a URL"));
        check("http://a\u{0}b/", Err("not a URL"));
        check(&format!("https://cms.example/{}", "a".repeat(2048)), Err("2048"));
    }

    #[test]
    fn the_operator_may_allow_all_or_some() {
        let some: Allow = "10.0.0.0/8, 127.0.0.1".parse().unwrap();
        check_one("http://10.1.2.3/", &some, Ok("http://10.1.2.3/"));
        check_one("http://[::ffff:10.1.2.3]/", &some, Ok("http://[::ffff:a01:203]/"));
        check_one("http://localhost/", &some, Ok("http://localhost/"));
        check_one("http://127.0.0.2/", &some, Err("loopback"));
        check_one("http://192.168.1.1/", &some, Err("private"));
        check_one("http://1.1.1.1/", &some, Ok("http://1.1.1.1/"));
        check_one("http://192.168.1.1/", &Allow::All, Ok("http://192.168.1.1/"));
        check_one("ftp://192.168.1.1/", &Allow::All, Err("https:// or http://"));
    }

    #[test]
    fn the_setting_is_read_as_it_is_written() {
        let read = |json: &str| serde_json::from_str::<Allow>(json).map_err(|error| error.to_string());
        assert_eq!(read("false"), Ok(Allow::None));
        assert_eq!(read("true"), Ok(Allow::All));
        assert_eq!(read("\"true\""), Ok(Allow::All));
        assert_eq!(read("[]"), Ok(Allow::None));
        assert_eq!(read("\"10.0.0.0/8,::1\""), read("[\"10.0.0.0/8\",\"::1/128\"]"));
        assert!(read("[\"ten\"]").unwrap_err().contains("`ten` is not a network"));
        assert_eq!(serde_json::to_string(&"10.0.0.0/8".parse::<Allow>().unwrap()).unwrap(), "[\"10.0.0.0/8\"]");
    }
}
