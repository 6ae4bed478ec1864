//! Whose mailbox and whose address it is: one spelling for each, and which of them are shared by strangers.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;

use super::lists::{DISPOSABLE_MAIL, FREE_MAIL};

/// The mailbox that an e-mail address leads to: lower case, without `+tag`, and without dots where they do not count.
pub fn mailbox(email: &str) -> String {
    let email = email.trim().to_lowercase();
    let Some((local, host)) = email.rsplit_once('@') else { return email };
    let host = if host == "googlemail.com" { "gmail.com" } else { host };
    let untagged = local.split_once('+').map_or(local, |(name, _)| name);
    let local = if untagged.is_empty() { local } else { untagged };
    if host == "gmail.com" { format!("{}@{host}", local.replace('.', "")) } else { format!("{local}@{host}") }
}

/// Does `host` give mailboxes to anybody?
pub fn is_mail_provider(host: &str) -> bool {
    FREE_MAIL.above(host).is_some() || DISPOSABLE_MAIL.above(host).is_some()
}

/// Is `ip` one that strangers share, or that says nothing of who wrote: private, of a carrier's translation, or of a network
/// that stands in front of web sites?
pub fn is_shared_address(ip: IpAddr) -> bool {
    let is_local = match ip {
        IpAddr::V4(ip) => {
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast()
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    is_local || SHARED.iter().any(|net| net.contains(&ip))
}

/// Carrier-grade translation (RFC 6598) and the networks from which Cloudflare fetches, as it publishes them: a site behind it
/// that does not read the forwarded address sends these.
static SHARED: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    [
        "100.64.0.0/10",
        "103.21.244.0/22",
        "103.22.200.0/22",
        "103.31.4.0/22",
        "104.16.0.0/13",
        "104.24.0.0/14",
        "108.162.192.0/18",
        "131.0.72.0/22",
        "141.101.64.0/18",
        "162.158.0.0/15",
        "172.64.0.0/13",
        "173.245.48.0/20",
        "188.114.96.0/20",
        "190.93.240.0/20",
        "197.234.240.0/22",
        "198.41.128.0/17",
        "2400:cb00::/32",
        "2405:8100::/32",
        "2405:b500::/32",
        "2606:4700::/32",
        "2803:f800::/32",
        "2a06:98c0::/29",
        "2c0f:f248::/32",
    ]
    .into_iter()
    .filter_map(|net| net.parse().ok())
    .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_are_one() {
        for (written, expected) in [
            (" J.o.hn.Doe+News@GoogleMail.com ", "johndoe@gmail.com"),
            ("j.doe+x@mail.example", "j.doe@mail.example"),
            ("+x@mail.example", "+x@mail.example"),
            ("no address", "no address"),
            ("", ""),
        ] {
            assert_eq!(mailbox(written), expected);
        }
    }

    #[test]
    fn shared_addresses_say_nothing() {
        for (ip, expected) in [
            ("192.168.1.1", true),
            ("100.100.1.1", true),
            ("172.68.1.1", true),
            ("2606:4700::1", true),
            ("fe80::1", true),
            ("192.0.2.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_shared_address(ip.parse().unwrap()), expected, "{ip}");
        }
        assert_eq!(SHARED.len(), 23);
    }

    #[test]
    fn mail_providers_are_known() {
        assert!(is_mail_provider("gmail.com") && !is_mail_provider("news.example"));
    }
}
