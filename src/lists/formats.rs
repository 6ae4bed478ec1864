//! How lists are written in files: a line to entries.
//!
//! Owns the formats. Does not own where lines come from (`list_files`) nor what an entry matches (`list`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use jiff::Timestamp;

use crate::site::{ListEntry, ListKind, ListPattern};

/// A way to write a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `block domain:bad.example  # why [by ada] [until 2030-01-31]`; without `allow` or `block` it is to be blocked, and
    /// a line without `email:`, `ip:`, `domain:`, `link:` or `phrase:` is a phrase.
    Hamlet,
    /// "Disallowed Comment Keys" of WordPress: a word, address or part of one on each line.
    WordPress,
    /// `0.0.0.0 bad.example`, as `/etc/hosts` and filters of advertisements have it.
    Hosts,
    /// A domain on each line, also as `||bad.example^` or `*.bad.example`.
    Domains,
    /// An IP address or network on each line.
    Networks,
}

impl Format {
    pub const ALL: [Format; 5] = [Format::Hamlet, Format::WordPress, Format::Hosts, Format::Domains, Format::Networks];

    pub fn as_str(self) -> &'static str {
        match self {
            Format::Hamlet => "hamlet",
            Format::WordPress => "wordpress",
            Format::Hosts => "hosts",
            Format::Domains => "domains",
            Format::Networks => "networks",
        }
    }

    /// The format that the first lines of a file are written in. Words and nothing else are taken for WordPress's.
    pub fn of<'l>(lines: impl Iterator<Item = &'l str>) -> Format {
        let (mut counts, mut all) = ([0_usize; 3], 0_usize);
        for line in lines.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '!', ';'])) {
            let bare = without_remark(line).0;
            let (first, rest) = bare.split_once(char::is_whitespace).unwrap_or((bare, ""));
            let is_typed =
                |text: &str| text.split_once(':').is_some_and(|(field, _)| ListPattern::FIELDS.contains(&field));
            if (first.parse::<ListKind>().is_ok() && !rest.is_empty()) || is_typed(bare) {
                return Format::Hamlet;
            }
            all += 1;
            let is = [is_sink(first) && !rest.trim().is_empty(), domain_in(bare).is_some(), network_in(bare).is_some()];
            for (count, is) in counts.iter_mut().zip(is) {
                *count += usize::from(is);
            }
        }
        let most = [Format::Hosts, Format::Networks, Format::Domains];
        let [hosts, domains, networks] = counts;
        let counted = most.into_iter().zip([hosts, networks, domains]);
        // A few lines may be wrong, which is to be said of them and not to change what the file is.
        counted
            .into_iter()
            .find(|(_, count)| all > 0 && count * 5 >= all * 4)
            .map_or(Format::WordPress, |(format, _)| format)
    }

    /// Calls `each` with every entry of the line.
    ///
    /// * `given`: what an entry is where the line does not say it: list, reason, author, times; its pattern is not looked at.
    ///
    /// # Errors
    /// Why the line is none; nothing of it was taken.
    pub fn read(self, line: &str, given: &ListEntry, each: &mut dyn FnMut(ListEntry)) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(());
        }
        let with = |pattern: ListPattern| ListEntry { pattern, ..given.clone() };
        match self {
            Format::WordPress => {
                each(with(wordpress(line)));
                return Ok(());
            }
            Format::Hamlet => {
                if !line.starts_with('#') {
                    each(hamlet(line, given)?);
                }
                return Ok(());
            }
            Format::Hosts | Format::Domains | Format::Networks => {}
        }
        if line.starts_with(['#', '!', ';']) {
            return Ok(());
        }
        let (bare, _) = without_remark(line);
        match self {
            Format::Hosts => {
                let mut words = bare.split_whitespace();
                if !words.next().is_some_and(is_sink) {
                    return Err("it does not begin with 0.0.0.0, 127.0.0.1, :: or ::1".to_owned());
                }
                let names: Vec<&str> = words.filter(|name| !is_local(name)).collect();
                let names: Result<Vec<ListPattern>, String> =
                    names.into_iter().map(|name| format!("domain:{name}").parse()).collect();
                names?.into_iter().for_each(|pattern| each(with(pattern)));
            }
            Format::Domains => each(with(domain_in(bare).ok_or_else(|| format!("`{bare}` is no domain"))?)),
            Format::Networks => {
                each(with(network_in(bare).ok_or_else(|| format!("`{bare}` is no IP address or network"))?));
            }
            Format::Hamlet | Format::WordPress => {}
        }
        Ok(())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let known = Format::ALL.into_iter().find(|format| format.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is no format; say hamlet, wordpress, hosts, domains or networks"))
    }
}

/// An entry as a line of Hamlet's own format; it is read back as the same entry, a line break as a blank.
pub fn line(entry: &ListEntry) -> String {
    let pattern = match &entry.pattern {
        // What a reader would take for something else is written as JSON.
        ListPattern::Phrase(phrase) if phrase.starts_with('"') || phrase.contains('#') || phrase.contains('\n') => {
            format!("phrase:{}", serde_json::json!(phrase))
        }
        pattern => pattern.to_string(),
    };
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut line = format!("{} {pattern}  # {}", entry.list, flat(&entry.reason));
    if !entry.added_by.is_empty() {
        line.push_str(&format!(" [by {}]", flat(&entry.added_by)));
    }
    line.push_str(&format!(" [added {}]", entry.added_at));
    if let Some(expires) = entry.expires_at {
        line.push_str(&format!(" [until {expires}]"));
    }
    line
}

fn hamlet(line: &str, given: &ListEntry) -> Result<ListEntry, String> {
    let (list, line) = match line.split_once(char::is_whitespace) {
        Some((word, rest)) => word.parse().map_or((given.list, line), |list| (list, rest.trim())),
        None => (given.list, line),
    };
    let quoted = line.strip_prefix("phrase:").filter(|value| value.starts_with('"'));
    let (pattern, remark) = match quoted {
        Some(value) => {
            let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
            let phrase = values.next().and_then(Result::ok).ok_or("the phrase's quotation does not end")?;
            let rest = value.get(values.byte_offset()..).unwrap_or_default();
            let (bare, remark) = without_remark(rest);
            if !bare.is_empty() {
                return Err(format!("`{bare}` stands after the phrase; a remark begins with #"));
            }
            (ListPattern::Phrase(phrase), remark)
        }
        None => {
            let (bare, remark) = without_remark(line);
            let is_typed = bare.split_once(':').is_some_and(|(field, _)| ListPattern::FIELDS.contains(&field.trim()));
            let pattern = if is_typed { bare.parse()? } else { ListPattern::Phrase(bare.to_owned()) };
            (pattern, remark)
        }
    };
    let mut entry = ListEntry { list, pattern, ..given.clone() };
    remarked(remark, &mut entry)?;
    Ok(entry)
}

/// `why [by ada] [added 2026-11-26T00:00:00Z] [until 2030-01-31]`
fn remarked(remark: &str, entry: &mut ListEntry) -> Result<(), String> {
    let mut rest = remark.trim();
    while let Some((before, tag)) = rest.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        match tag.split_once(' ') {
            Some(("by", name)) => entry.added_by = name.trim().to_owned(),
            Some(("added", at)) => entry.added_at = moment(at)?,
            Some(("until", at)) => entry.expires_at = Some(moment(at)?),
            _ => break,
        }
        rest = before.trim_end();
    }
    if !rest.is_empty() {
        entry.reason = rest.to_owned();
    }
    Ok(())
}

/// A moment, or a day, which counts until it is over, UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let day = || {
        let after = text.parse::<jiff::civil::Date>().ok()?.tomorrow().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(after.at(0, 0, 0, 0)).ok()
    };
    let moment = text.parse().ok().or_else(day);
    moment.ok_or_else(|| format!("`{text}` is neither a day such as 2030-01-31 nor a moment"))
}

/// A line and its remark, which begins with a # at the line's begin or after a blank: `c#` is a word.
fn without_remark(line: &str) -> (&str, &str) {
    let begins = |at: usize| line.get(..at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']));
    let at = line.match_indices('#').map(|(at, _)| at).find(|&at| begins(at));
    let (bare, remark) = at.and_then(|at| line.split_at_checked(at)).unwrap_or((line, ""));
    (bare.trim(), remark.trim_start_matches('#').trim())
}

/// WordPress looks for its keys anywhere in name, e-mail, URL, text, address and browser. Whole addresses become what they
/// are, `192.0.2.` the network that it is the beginning of, and the rest phrases, which are whole words of the text.
fn wordpress(line: &str) -> ListPattern {
    if let Some(network) = network_in(line).or_else(|| beginning_of_ip(line)) {
        return network;
    }
    if line.contains('@')
        && let Ok(email) = format!("email:{line}").parse()
    {
        return email;
    }
    // A name whose end nobody gives out, `node.js`, is a word.
    let ends_well = |name: &str| psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known());
    match domain_in(line) {
        Some(ListPattern::Domain(name)) if ends_well(&name) => ListPattern::Domain(name),
        _ => ListPattern::Phrase(line.to_owned()),
    }
}

/// `192.0.2.` and `10.`, with the dot.
fn beginning_of_ip(text: &str) -> Option<ListPattern> {
    let octets: Option<Vec<u8>> = text.strip_suffix('.')?.split('.').map(|octet| octet.parse().ok()).collect();
    let octets = octets.filter(|octets| (1..=3).contains(&octets.len()))?;
    let bits = u8::try_from(octets.len() * 8).ok()?;
    let mut parts = octets.into_iter().chain(std::iter::repeat(0));
    let mut next = || parts.next().unwrap_or(0);
    let network = Ipv4Net::new(Ipv4Addr::new(next(), next(), next(), next()), bits).ok()?;
    Some(ListPattern::Ip(IpNet::V4(network)))
}

fn network_in(text: &str) -> Option<ListPattern> {
    // What else lists of networks write after it is theirs: `192.0.2.0/24 ; SBL1`.
    let text = text.split([';', ',']).next().unwrap_or(text).trim();
    (text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok())
        .then(|| format!("ip:{text}").parse().ok())
        .flatten()
}

fn domain_in(text: &str) -> Option<ListPattern> {
    let name = text.strip_prefix("||").map_or(text, |name| name.trim_end_matches('^'));
    let is_name = name.contains('.') && !name.contains(['/', '@', ':', ' ', '\t']) && name.parse::<IpAddr>().is_err();
    is_name.then(|| format!("domain:{name}").parse().ok()).flatten()
}

/// Where hosts files send what is to be found nowhere.
fn is_sink(address: &str) -> bool {
    matches!(address, "0.0.0.0" | "127.0.0.1" | "::" | "::1" | "0")
}

/// Names of the machine itself, which every hosts file has.
fn is_local(name: &&str) -> bool {
    matches!(*name, "localhost" | "localhost.localdomain" | "local" | "broadcasthost" | "0.0.0.0" | "::1")
        || name.starts_with("ip6-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> ListEntry {
        ListEntry {
            list: ListKind::Block,
            pattern: ListPattern::Phrase(String::new()),
            reason: String::new(),
            added_by: String::new(),
            added_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            expires_at: None,
        }
    }

    fn read(format: Format, line: &str) -> Result<Vec<ListEntry>, String> {
        let mut entries = Vec::new();
        format.read(line, &given(), &mut |entry| entries.push(entry))?;
        Ok(entries)
    }

    #[track_caller]
    fn check(format: Format, line: &str, expected: &[&str]) {
        let entries = read(format, line).unwrap();
        let shown: Vec<String> = entries.iter().map(|entry| entry.pattern.to_string()).collect();
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn each_format_is_read() {
        check(Format::Hamlet, "# a remark", &[]);
        check(Format::Hamlet, "cheap watches", &["phrase:cheap watches"]);
        check(Format::Hamlet, "learn c# now # why", &["phrase:learn c# now"]);
        check(Format::Hamlet, "email:Bob@bad.example", &["email:bob@bad.example"]);
        check(Format::Hamlet, r#"phrase:"a # b"  # why"#, &["phrase:a # b"]);
        check(Format::Hosts, "0.0.0.0 bad.example ads.example # why", &["domain:bad.example", "domain:ads.example"]);
        check(Format::Hosts, "127.0.0.1 localhost", &[]);
        check(Format::Domains, "||bad.example^", &["domain:bad.example"]);
        check(Format::Domains, "*.Bad.example", &["domain:bad.example"]);
        check(Format::Networks, "192.0.2.0/24 ; SBL1", &["ip:192.0.2.0/24"]);
        check(Format::Networks, "2001:db8::1", &["ip:2001:db8::1/128"]);
        check(Format::WordPress, "# no remark", &["phrase:# no remark"]);
        check(Format::WordPress, "192.0.2.", &["ip:192.0.2.0/24"]);
        check(Format::WordPress, "10.", &["ip:10.0.0.0/8"]);
        check(Format::WordPress, "bob@bad.example", &["email:bob@bad.example"]);
        check(Format::WordPress, "spam.com", &["domain:spam.com"]);
        check(Format::WordPress, "node.js", &["phrase:node.js"]);
        for (format, line) in [
            (Format::Hosts, "192.0.2.1 bad.example"),
            (Format::Hosts, "0.0.0.0 a/b"),
            (Format::Domains, "https://bad.example/"),
            (Format::Networks, "bad.example"),
            (Format::Hamlet, "block ip:x"),
            (Format::Hamlet, r#"phrase:"x"#),
            (Format::Hamlet, "spam # [until soon]"),
        ] {
            assert!(read(format, line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = r#"allow phrase:"a # \"b\""  # they ask [so] often [by ada] [added 2026-03-01T00:00:00Z] [until 2030-02-01T00:00:00Z]"#;
        let [entry] = read(Format::Hamlet, text).unwrap().try_into().unwrap();
        assert_eq!((entry.reason.as_str(), entry.added_by.as_str()), ("they ask [so] often", "ada"));
        assert_eq!(line(&entry), text);
        let [day] = read(Format::Hamlet, "block ip:192.0.2.1 # [until 2030-01-31]").unwrap().try_into().unwrap();
        assert_eq!(day.expires_at, entry.expires_at);
    }

    #[test]
    fn a_format_is_told_by_its_lines() {
        let of = |text: &str| Format::of(text.lines());
        assert_eq!(of("# x\ncasino\nblock domain:x.example"), Format::Hamlet);
        assert_eq!(of("link:bad.example"), Format::Hamlet);
        assert_eq!(of("127.0.0.1 localhost\n0.0.0.0 bad.example\n::1 localhost"), Format::Hosts);
        assert_eq!(of("a.example\nb.example\nc.example\nd.example\nwrong"), Format::Domains);
        assert_eq!(of("192.0.2.1\n198.51.100.0/24"), Format::Networks);
        assert_eq!(of("casino\ncheap watches\nspam.com"), Format::WordPress);
        assert_eq!(of(""), Format::WordPress);
    }
}
