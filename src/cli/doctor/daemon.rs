//! The daemon: whether one answers at the configured address, and what it says of itself.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::Findings;
use crate::config::Config;

/// How long a daemon on this machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// `/readyz` of a thousand muted symbols is shorter.
const ANSWER_BYTES: u64 = 1 << 20;

/// When the daemon says it answered, if one did.
pub(super) fn check(findings: &mut Findings, config: &Config) -> Option<Timestamp> {
    let address = reachable(config.listen);
    let stream = match TcpStream::connect_timeout(&address, PATIENCE) {
        Ok(stream) => stream,
        Err(error) => {
            findings.warning(
                "daemon",
                format!("nobody answers at {address}: {error}"),
                "start it (`hamlet serve`, `systemctl start hamlet`); if it listens elsewhere, give this command the same settings",
            );
            return None;
        }
    };
    let mend =
        "if another program has the port, give Hamlet another with `listen`; if it is Hamlet that hangs, restart it";
    let answer = match ask(stream, address, "/readyz") {
        Ok(answer) => answer,
        Err(error) => {
            findings.error("daemon", format!("{address} takes the connection and does not answer: {error}"), mend);
            return None;
        }
    };
    let Some(Answer { status, date, body }) = Answer::read(&answer) else {
        findings.error("daemon", format!("what answers at {address} does not speak HTTP"), mend);
        return None;
    };
    let says = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or("?").to_owned();
    match (status, body.get("status").and_then(Value::as_str)) {
        (200, Some("ready")) => {
            findings.ok("daemon", format!("answers at {address} and is ready (model {})", says("/model")));
        }
        (_, Some("not ready")) => {
            let fact = format!("answers at {address} and is not ready: {}", says("/store"));
            findings.error("daemon", fact, "mend what it says of the store; it goes on by itself");
        }
        _ => {
            findings.error("daemon", format!("what answers at {address} is not Hamlet (status {status})"), mend);
            return None;
        }
    }
    for muted in body.get("muted").and_then(Value::as_array).into_iter().flatten() {
        let word = |key| muted.get(key).and_then(Value::as_str).unwrap_or("?");
        findings.warning(
            "daemon",
            format!("{} fires on so much of `{}` that it is muted", word("symbol"), word("site")),
            "look for a page cache or a CMS that fills form fields; docs/network.md",
        );
    }
    for source in body.get("network").and_then(Value::as_array).into_iter().flatten() {
        let word = |key| source.get(key).and_then(Value::as_str).unwrap_or("?");
        if !["ok", "untested"].contains(&word("state")) {
            findings.warning(
                "daemon",
                format!("{} cannot be asked: {}", word("source"), word("state")),
                "see docs/network.md; comments are judged without it",
            );
        }
    }
    date
}

/// A daemon that listens everywhere listens at the loopback, too.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// One request by hand: the program's HTTP clients are for what goes out to the world.
fn ask(mut stream: TcpStream, address: SocketAddr, path: &str) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    match stream.take(ANSWER_BYTES).read_to_end(&mut answer) {
        // A reset after the answer is as good as an end.
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}

/// What matters of an answer.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    date: Option<Timestamp>,
    body: Value,
}

impl Answer {
    fn read(bytes: &[u8]) -> Option<Answer> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
        let date = lines.filter_map(|line| line.split_once(':'));
        let date = date.filter(|(name, _)| name.eq_ignore_ascii_case("date")).map(|(_, value)| value.trim()).next();
        let date = date.and_then(|date| Timestamp::try_from(httpdate::parse_http_date(date).ok()?).ok());
        Some(Answer { status, date, body: serde_json::from_str(body).unwrap_or_default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_or_is_none() {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n{\"status\":\"not ready\"}";
        let read = Answer::read(answer).unwrap();
        assert_eq!((read.status, read.date), (503, Some("2026-01-01T00:00:00Z".parse().unwrap())));
        assert_eq!(read.body["status"], "not ready");
        assert_eq!(Answer::read(b"SSH-2.0-OpenSSH_9.7\r\n\r\n"), None);
        assert_eq!(Answer::read(b""), None);
    }
}
