//! The client's address: that of the connection, or the one that a trusted proxy tells.
//!
//! Owns whose word on an address is taken. Does not own the connection (`http`) nor what an address is used for
//! (`limiter`).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// Each proxy on the way adds itself to this header, at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// No way to a daemon leads through more proxies; what is listed before them is not looked at.
const MOST_PROXIES: usize = 32;

/// The other end of the connection, among the extensions of every request that came over one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Who sent a request.
///
/// A peer in `trusted` speaks for another: the right-most address in `X-Forwarded-For` that is not itself in `trusted`
/// is the client's. What stands further left was written by the client, and is not believed. `None` when the request
/// came over no connection.
pub fn client(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let Peer(peer) = extensions.get()?;
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    // What is no address ends the search: only its writer knows whom it means.
    let hops = headers.get_all(FORWARDED_FOR).into_iter().rev();
    let hops = hops.flat_map(|value| value.to_str().unwrap_or("?").rsplit(',')).take(MOST_PROXIES);
    let client = hops.map_while(address).find(|address| !is_trusted(address));
    Some(client.unwrap_or(peer))
}

/// `192.0.2.7` and `2001:db8::7`, bare or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip()).ok();
    text.parse().ok().or_else(bare).or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// What one client has to itself: an IPv4 address, or the /64 that an IPv6 host takes its addresses from (RFC 4291
/// § 2.5.1).
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], expected: &str) {
        let trusted = ["127.0.0.0/8", "::1/128", "10.0.0.0/8"].map(|network| network.parse().unwrap());
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        }
        let found = client(&extensions, &headers, &trusted).unwrap();
        assert_eq!(found.to_string(), expected, "{peer} {forwarded:?}");
    }

    #[test]
    fn the_peer_is_the_client_unless_it_is_a_trusted_proxy() {
        check("192.0.2.7", &[], "192.0.2.7");
        check("192.0.2.7", &["198.51.100.1"], "192.0.2.7");
        check("::ffff:192.0.2.7", &["198.51.100.1"], "192.0.2.7");
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check("::1", &["198.51.100.1"], "198.51.100.1");
        check("::ffff:10.1.2.3", &["198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn what_the_client_wrote_itself_is_not_believed() {
        check("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["203.0.113.9", "198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["203.0.113.9, 198.51.100.1, 10.0.0.2", "127.0.0.1"], "198.51.100.1");
        check("10.0.0.1", &["127.0.0.1, 198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn a_list_that_names_nobody_leaves_the_peer() {
        for forwarded in ["", " , ", "unknown", "_hidden", "198.51.100.1, unknown", "198.51.100.1,", "10.0.0.2"] {
            check("10.0.0.1", &[forwarded], "10.0.0.1");
        }
        let endless = format!("198.51.100.1{}", ", 10.0.0.2".repeat(10_000));
        check("10.0.0.1", &[&endless], "10.0.0.1");
    }

    #[test]
    fn an_address_may_have_a_port() {
        check("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1");
        check("10.0.0.1", &["2001:db8::7"], "2001:db8::7");
        check("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7");
        check("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7");
        check("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1");
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("2001:db8:1:3:3:4:5:6"), "2001:db8:1:3::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }
}
