//! Addresses in networks, however many networks there are: one look-up for each length of prefix that is in use.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

/// Networks, each with the number that its user knows it by.
#[derive(Debug, Default)]
pub(super) struct Networks {
    numbers: HashMap<IpNet, u32>,
    /// Lengths in use, of IPv4 and IPv6; 33 and 129 at most.
    lengths: [Vec<u8>; 2],
}

impl Networks {
    /// The number that the same network had before, if any.
    pub(super) fn insert(&mut self, network: IpNet, number: u32) -> Option<u32> {
        let network = network.trunc();
        let [v4, v6] = &mut self.lengths;
        let lengths = if network.addr().is_ipv4() { v4 } else { v6 };
        if let Err(at) = lengths.binary_search(&network.prefix_len()) {
            lengths.insert(at, network.prefix_len());
        }
        self.numbers.insert(network, number)
    }

    /// Calls `found` with the number of each network that the address lies in.
    pub(super) fn find(&self, ip: IpAddr, mut found: impl FnMut(u32)) {
        // Behind a socket for both families an IPv4 client looks like ::ffff:192.0.2.1.
        let ip = ip.to_canonical();
        let [v4, v6] = &self.lengths;
        for &length in if ip.is_ipv4() { v4 } else { v6 } {
            let network = IpNet::new(ip, length).map(|network| network.trunc());
            if let Some(&number) = network.ok().and_then(|network| self.numbers.get(&network)) {
                found(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_all_its_networks() {
        let mut networks = Networks::default();
        for (number, network) in
            (0..).zip(["192.0.2.0/24", "192.0.2.77/32", "0.0.0.0/0", "2001:db8::/32", "10.0.0.0/8"])
        {
            networks.insert(network.parse().unwrap(), number);
        }
        let found = |ip: &str| {
            let mut found = Vec::new();
            networks.find(ip.parse().unwrap(), |number| found.push(number));
            found.sort_unstable();
            found
        };
        assert_eq!(found("192.0.2.77"), [0, 1, 2]);
        assert_eq!(found("::ffff:192.0.2.1"), [0, 2]);
        assert_eq!(found("2001:db8:1::1"), [3]);
        assert!(found("2001:db9::1").is_empty());
        assert_eq!(networks.insert("192.0.2.9/24".parse().unwrap(), 9), Some(0));
    }
}
