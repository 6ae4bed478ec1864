//! DNS lists: their names, what their return codes mean, and the entry by which each is tested.
//!
//! Owns reading a zone as the settings write it, and sorting a code into listed, refused or neither. Does not ask anybody
//! (`resolver`).
//!
//! RFC 5782 says how lists are asked: the domain, or the address turned around, in front of the zone's name. Return codes
//! are each list's own; those below were taken from the lists' documentation.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::rules::network::{OF_ADDRESSES, OF_DOMAINS};

/// What a zone is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Domains,
    Addresses,
}

/// A DNS list.
#[derive(Clone, PartialEq)]
pub struct Zone {
    pub of: Of,
    /// As it is asked; may hold a customer's key.
    name: String,
    /// As it is shown: without a key.
    pub shown: String,
    codes: Vec<Code>,
}

impl fmt::Debug for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Zone").field("name", &self.shown).field("codes", &self.codes).finish_non_exhaustive()
    }
}

/// Return codes and what they say.
#[derive(Clone, Debug, PartialEq)]
struct Code {
    codes: Codes,
    symbol: &'static str,
    strength: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Codes {
    /// `127.0.0.4-7`: the last number lies between these.
    Range([u8; 3], u8, u8),
    /// `127.0.0.&8`: the last number has one of these bits.
    Bits([u8; 3], u8),
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    Listed {
        symbol: &'static str,
        strength: f64,
    },
    /// The list does not want to be asked by this resolver, or so often; or this is no answer of a list at all.
    Refused,
    /// A code that says nothing here.
    Ignored,
}

/// Lists that are known, as their name ends, and their codes as an operator would write them.
const KNOWN: [(Of, &str, &str); 11] = [
    // 2 spam, 4 phishing, 5 malware, 6 botnets; from 102 the same on sites of others that were broken into.
    (Of::Domains, "dbl.spamhaus.org", "127.0.1.2-99=URIBL_DBL 127.0.1.102-199=URIBL_DBL*0.5"),
    (Of::Domains, "dbl.dq.spamhaus.net", "127.0.1.2-99=URIBL_DBL 127.0.1.102-199=URIBL_DBL*0.5"),
    // 8 phishing, 16 malware, 64 spam, 128 broken into; 32 are counters of clicks, which say nothing.
    (Of::Domains, "multi.surbl.org", "127.0.0.&88=SURBL 127.0.0.&128=SURBL*0.5"),
    // 2 black, 8 red (new and watched); 4 is grey: mail that people asked for.
    (Of::Domains, "multi.uribl.com", "127.0.0.&2=URIBL_BLACK 127.0.0.&8=URIBL_BLACK*0.5"),
    (Of::Domains, "black.uribl.com", "127.0.0.2=URIBL_BLACK"),
    // 2 spam, 3 spam from many small senders, 4 to 7 broken into, 9 hijacked networks; 10 and 11 are home users.
    (Of::Addresses, "zen.spamhaus.org", "127.0.0.2-7=IP_DNSBL 127.0.0.9=IP_DNSBL"),
    (Of::Addresses, "zen.dq.spamhaus.net", "127.0.0.2-7=IP_DNSBL 127.0.0.9=IP_DNSBL"),
    (Of::Addresses, "sbl-xbl.spamhaus.org", "127.0.0.2-7=IP_DNSBL 127.0.0.9=IP_DNSBL"),
    (Of::Addresses, "sbl.spamhaus.org", "127.0.0.2-3=IP_DNSBL 127.0.0.9=IP_DNSBL"),
    (Of::Addresses, "xbl.spamhaus.org", "127.0.0.4-7=IP_DNSBL"),
    // A code for each kind of attack.
    (Of::Addresses, "bl.blocklist.de", "127.0.0.2-9=IP_DNSBL 127.0.0.12-99=IP_DNSBL"),
];

/// Parts of names of lists of home users' addresses: nearly every reader is on one.
const HOME_USERS: [&str; 7] = ["pbl", "dul", "dyna", "dynablock", "dynamic", "dialup", "dialups"];

impl Zone {
    /// Reads a zone as it stands in the settings: its name, and after blanks what its codes mean
    /// (`dnsbl.example 127.0.0.2=IP_DNSBL 127.0.0.4-7=IP_DNSBL*0.5`, `127.0.0.&8` for bits). Known zones need no codes, and
    /// for others without codes 127.0.0.2 (of addresses: to .9) means listed.
    ///
    /// # Errors
    /// A sentence: no name of a zone, no code, a symbol that no list may speak for, a list of home users.
    pub fn parse(text: &str, of: Of) -> Result<Zone, String> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default().trim_matches('.').to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len()) && label.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c))
        };
        if !name.contains('.') || name.len() > 150 || !name.split('.').all(is_label) {
            return Err(format!("\"{text}\" does not begin with the name of a DNS list such as dbl.spamhaus.org"));
        }
        if of == Of::Addresses && name.split('.').any(|label| HOME_USERS.contains(&label)) {
            return Err(format!(
                "{name} lists the addresses of home users, which nearly all readers have; a comment is never judged by that"
            ));
        }
        let known = KNOWN.iter().find(|(_, known, _)| name == *known || name.ends_with(&format!(".{known}")));
        if let Some((other, ..)) = known.filter(|(known, ..)| *known != of) {
            let right = if *other == Of::Domains { "network.domain_lists" } else { "network.ip_lists" };
            return Err(format!("{name} belongs in `{right}`"));
        }
        let mut codes = words.map(|word| Code::parse(word, of)).collect::<Result<Vec<_>, _>>()?;
        if codes.is_empty() {
            let usual = match of {
                Of::Domains => "127.0.0.2=URIBL_BLACK",
                Of::Addresses => "127.0.0.2-9=IP_DNSBL",
            };
            let known = known.map_or(usual, |(_, _, codes)| codes);
            codes = known.split(' ').map(|word| Code::parse(word, of)).collect::<Result<_, _>>()?;
        }
        // What stands before these names is a customer's key.
        let shown = match known {
            Some((_, known, _)) if known.ends_with(".dq.spamhaus.net") => (*known).to_owned(),
            _ => name.clone(),
        };
        Ok(Zone { of, name, shown, codes })
    }

    /// The name that asks about `subject`, a domain or what [`reversed`] made of an address; with the final dot.
    pub fn question(&self, subject: &str) -> String {
        format!("{subject}.{}.", self.name)
    }

    /// What an entry that must be listed and one that must not be are called (RFC 5782, § 5).
    pub fn test_entries(&self) -> (&'static str, &'static str) {
        match self.of {
            Of::Addresses => ("2.0.0.127", "1.0.0.127"),
            Of::Domains if self.shown.starts_with("dbl.") && self.shown.contains(".spamhaus.") => {
                ("dbltest.com", "example.com")
            }
            Of::Domains if self.shown.ends_with("surbl.org") => ("test.surbl.org", "example.com"),
            Of::Domains if self.shown.ends_with("uribl.com") => ("test.uribl.com", "example.com"),
            Of::Domains => ("test", "invalid"),
        }
    }

    /// What one return code says.
    pub fn read(&self, answer: Ipv4Addr) -> Reading {
        let [a, b, c, last] = answer.octets();
        // Spamhaus refuses with 127.255.255.252 to .255; URIBL and SURBL with 127.0.0.1. What is not in 127/8 is a
        // resolver that leads every unknown name to a page of its own.
        if a != 127 || [a, b, c] == [127, 255, 255] || [a, b, c, last] == [127, 0, 0, 1] {
            return Reading::Refused;
        }
        // Spamhaus' code for home users, which others use alike.
        if self.of == Of::Addresses && [a, b, c] == [127, 0, 0] && (last == 10 || last == 11) {
            return Reading::Ignored;
        }
        let strongest = self.codes.iter().filter(|code| code.codes.hold([a, b, c], last));
        let strongest = strongest.max_by(|a, b| a.strength.total_cmp(&b.strength));
        strongest.map_or(Reading::Ignored, |code| Reading::Listed { symbol: code.symbol, strength: code.strength })
    }
}

impl Codes {
    fn hold(&self, head: [u8; 3], last: u8) -> bool {
        match self {
            Codes::Range(of, low, high) => head == *of && (*low..=*high).contains(&last),
            Codes::Bits(of, bits) => head == *of && last & bits != 0,
        }
    }
}

impl Code {
    fn parse(word: &str, of: Of) -> Result<Code, String> {
        let usage = || {
            format!("\"{word}\" is no return code and symbol such as 127.0.0.2=URIBL_BLACK or 127.0.0.4-7=IP_DNSBL*0.5")
        };
        let (codes, meaning) = word.split_once('=').ok_or_else(usage)?;
        let (symbol, strength) = meaning.split_once('*').unwrap_or((meaning, "1"));
        let strength = strength.parse::<f64>().ok().filter(|strength| *strength > 0.0 && *strength <= 1.0);
        let symbols: &[&'static str] = match of {
            Of::Domains => &OF_DOMAINS,
            Of::Addresses => &OF_ADDRESSES,
        };
        let symbol = symbols
            .iter()
            .find(|known| **known == symbol)
            .ok_or_else(|| format!("\"{word}\": such a list may speak for {}, not for {symbol}", symbols.join(", ")))?;
        let mut numbers = codes.splitn(4, '.');
        let mut head = [0_u8; 3];
        for place in &mut head {
            *place = numbers.next().and_then(|number| number.parse().ok()).ok_or_else(usage)?;
        }
        let last = numbers.next().ok_or_else(usage)?;
        let number = |text: &str| text.parse::<u8>().map_err(|_| usage());
        let codes = match (last.strip_prefix('&'), last.split_once('-')) {
            (Some(bits), _) => Codes::Bits(head, number(bits)?),
            (None, Some((low, high))) => Codes::Range(head, number(low)?, number(high)?),
            (None, None) => Codes::Range(head, number(last)?, number(last)?),
        };
        Ok(Code { codes, symbol, strength: strength.ok_or_else(usage)? })
    }
}

/// An address as lists are asked about it: its parts from last to first, four numbers or 32 hexadecimal digits.
pub fn reversed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(ip) => {
            let digits = ip.octets().into_iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
            digits.map(|digit| format!("{digit:x}")).collect::<Vec<_>>().join(".")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(zone: &str, of: Of, code: [u8; 4], expected: Reading) {
        let zone = Zone::parse(zone, of).unwrap();
        assert_eq!(zone.read(code.into()), expected, "{zone:?} {code:?}");
    }

    #[test]
    fn a_code_is_a_hit_a_refusal_or_nothing() {
        let listed = |symbol, strength| Reading::Listed { symbol, strength };
        let dbl = "dbl.spamhaus.org";
        reads(dbl, Of::Domains, [127, 0, 1, 2], listed("URIBL_DBL", 1.0));
        reads(dbl, Of::Domains, [127, 0, 1, 104], listed("URIBL_DBL", 0.5));
        reads(dbl, Of::Domains, [127, 0, 1, 255], Reading::Ignored);
        for refusal in [252, 253, 254, 255] {
            reads(dbl, Of::Domains, [127, 255, 255, refusal], Reading::Refused);
        }
        reads(dbl, Of::Domains, [203, 0, 113, 9], Reading::Refused);
        reads("multi.uribl.com", Of::Domains, [127, 0, 0, 1], Reading::Refused);
        reads("multi.uribl.com", Of::Domains, [127, 0, 0, 14], listed("URIBL_BLACK", 1.0));
        reads("multi.uribl.com", Of::Domains, [127, 0, 0, 4], Reading::Ignored);
        reads("multi.surbl.org", Of::Domains, [127, 0, 0, 64], listed("SURBL", 1.0));
        reads("multi.surbl.org", Of::Domains, [127, 0, 0, 128], listed("SURBL", 0.5));
        reads("multi.surbl.org", Of::Domains, [127, 0, 0, 32], Reading::Ignored);
        reads("xbl.spamhaus.org", Of::Addresses, [127, 0, 0, 4], listed("IP_DNSBL", 1.0));
        reads("mine.test 127.0.0.7=SURBL*0.25", Of::Domains, [127, 0, 0, 7], listed("SURBL", 0.25));
        reads("mine.test", Of::Domains, [127, 0, 0, 2], listed("URIBL_BLACK", 1.0));
    }

    #[test]
    fn home_users_are_not_listed_whatever_the_settings_say() {
        for zone in
            ["zen.spamhaus.org", "KEY.zen.dq.spamhaus.net", "mine.test 127.0.0.2-99=IP_DNSBL", "bl.blocklist.de"]
        {
            reads(zone, Of::Addresses, [127, 0, 0, 10], Reading::Ignored);
            reads(zone, Of::Addresses, [127, 0, 0, 11], Reading::Ignored);
        }
        for zone in ["pbl.spamhaus.org", "dul.dnsbl.sorbs.net", "dyna.spamrats.com"] {
            assert!(Zone::parse(zone, Of::Addresses).unwrap_err().contains("home users"), "{zone}");
        }
    }

    #[test]
    fn what_is_no_zone_is_refused_with_a_sentence() {
        for (text, of, expected) in [
            ("", Of::Domains, "name of a DNS list"),
            ("nodots", Of::Domains, "name of a DNS list"),
            ("a..b", Of::Domains, "name of a DNS list"),
            ("xbl.spamhaus.org", Of::Domains, "belongs in `network.ip_lists`"),
            ("dbl.spamhaus.org", Of::Addresses, "belongs in `network.domain_lists`"),
            ("a.test 127.0.0.2", Of::Domains, "such as 127.0.0.2=URIBL_BLACK"),
            ("a.test 127.0.0=SURBL", Of::Domains, "such as"),
            ("a.test 127.0.0.2=SURBL*0", Of::Domains, "such as"),
            ("a.test 127.0.0.2=SURBL*nan", Of::Domains, "such as"),
            ("a.test 127.0.0.2=IP_DNSBL", Of::Domains, "may speak for URIBL_DBL, SURBL, URIBL_BLACK"),
            ("a.test 127.0.0.2=SPAM_CASINO", Of::Addresses, "may speak for IP_DNSBL"),
        ] {
            let refused = Zone::parse(text, of).unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }

    #[test]
    fn a_customers_key_is_asked_with_and_never_shown() {
        let zone = Zone::parse("s3cr3t.dbl.dq.spamhaus.net", Of::Domains).unwrap();
        assert_eq!(zone.question("bad.example"), "bad.example.s3cr3t.dbl.dq.spamhaus.net.");
        assert_eq!(zone.shown, "dbl.dq.spamhaus.net");
        assert!(!format!("{zone:?}").contains("s3cr3t"));
        assert_eq!(zone.test_entries().0, "dbltest.com");
    }

    #[test]
    fn an_address_is_asked_about_backwards() {
        assert_eq!(reversed("192.0.2.99".parse().unwrap()), "99.2.0.192");
        let v6 = reversed("2001:db8:1:2:3:4:567:89ab".parse().unwrap());
        assert_eq!(v6, "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2");
    }
}
