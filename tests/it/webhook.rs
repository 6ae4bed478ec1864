//! Webhooks: what goes over the wire, and that it cannot be led into the operator's own network.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hamlet::clock::Clock;
use hamlet::random;
use hamlet::webhook::client::LookUp;
use hamlet::webhook::{Allow, Client, Message, Outcome, RetryAfter, Settings};

use crate::receiver::{Answer, Receiver};

/// A DNS in which every name has the same addresses.
struct Dns(Vec<IpAddr>);

#[async_trait]
impl LookUp for Dns {
    async fn look_up(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        if self.0.is_empty() { Err(io::Error::other("no such name")) } else { Ok(self.0.clone()) }
    }
}

fn client(allow: &str, dns: &[&str]) -> Client {
    let settings = Settings {
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_millis(1500),
        allow: allow.parse::<Allow>().unwrap(),
        ..Settings::default()
    };
    let addresses = dns.iter().map(|ip| ip.parse().unwrap()).collect();
    Client::with_look_up(settings, Arc::new(Dns(addresses))).unwrap()
}

async fn send(client: &Client, url: &str) -> Outcome {
    let message = Message {
        id: "msg_1".to_owned(),
        body: r#"{"type":"delivery.test"}"#.to_owned(),
        secrets: vec![random::webhook_secret().parse().unwrap()],
    };
    client.send(url, message, Clock::System.now()).await
}

#[tokio::test]
async fn a_message_is_signed_json_with_an_id() {
    let cms = Receiver::listening().await;
    let (new, old) = (random::webhook_secret(), random::webhook_secret());
    let message = Message {
        id: "msg_1".to_owned(),
        body: r#"{"type":"delivery.test","text":"سلام"}"#.to_owned(),
        secrets: vec![new.parse().unwrap(), old.parse().unwrap()],
    };
    let now = Clock::System.now();
    let outcome = client("127.0.0.1", &[]).send(&cms.url(), message, now).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert!(outcome.latency > Duration::ZERO);
    let [told] = cms.told().try_into().unwrap();
    assert_eq!((told.method.as_str(), told.path.as_str()), ("POST", "/hamlet"));
    assert_eq!(told.body, r#"{"type":"delivery.test","text":"سلام"}"#);
    assert_eq!(told.header("content-type"), "application/json");
    assert_eq!(told.header("webhook-id"), "msg_1");
    assert_eq!(told.header("webhook-timestamp"), now.as_second().to_string());
    assert!(told.header("user-agent").starts_with("Hamlet/"), "{}", told.header("user-agent"));
    assert_eq!(told.header("cookie"), "");
    assert!(told.is_believed_with(&new) && told.is_believed_with(&old));
    assert!(!told.is_believed_with(&random::webhook_secret()));
}

#[tokio::test]
async fn an_answer_is_an_outcome_whatever_it_is() {
    let cms = Receiver::listening().await;
    let client = client("127.0.0.1", &[]);
    let check = async |answer: Answer, status: Option<u16>, error: &str| {
        cms.will_answer([answer.clone()]);
        let outcome = send(&client, &cms.url()).await;
        assert_eq!(outcome.status, status, "{answer:?}: {outcome:?}");
        assert!(outcome.error.contains(error), "{answer:?}: {outcome:?}");
        assert_eq!(outcome.error.is_empty(), outcome.is_success(), "{answer:?}: {outcome:?}");
        outcome
    };
    check(Answer::Status(204), Some(204), "").await;
    check(Answer::Status(410), Some(410), "answered 410 Gone").await;
    check(Answer::Status(500), Some(500), "answered 500 Internal Server Error").await;
    check(Answer::After(Duration::from_millis(50)), Some(200), "").await;
    check(Answer::Never, None, "no answer in time").await;
    let asked = check(Answer::RetryAfter(429, "17".to_owned()), Some(429), "answered 429").await;
    assert_eq!(asked.retry_after, Some(RetryAfter::Wait(Duration::from_secs(17))));
    let asked = check(Answer::RetryAfter(503, "soon".to_owned()), Some(503), "answered 503").await;
    assert_eq!(asked.retry_after, None);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let cms = Receiver::listening().await;
    cms.will_answer([Answer::Redirect]);
    let outcome = send(&client("127.0.0.1", &[]), &cms.url()).await;
    assert_eq!((outcome.status, outcome.is_success()), (Some(302), false));
    let paths: Vec<_> = cms.told().into_iter().map(|told| told.path).collect();
    assert_eq!(paths, ["/hamlet"]);
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let cms = Receiver::listening().await;
    cms.will_answer([Answer::Huge(64 << 20)]);
    let outcome = send(&client("127.0.0.1", &[]), &cms.url()).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert!(outcome.latency < Duration::from_millis(1000), "{outcome:?}");
}

#[tokio::test]
async fn nobody_there_is_an_outcome_too() {
    let address = Receiver::listening().await.address;
    let outcome = send(&client("127.0.0.1", &[]), &format!("http://{address}/?token=hidden")).await;
    assert_eq!(outcome.status, None);
    assert!(outcome.error.starts_with("cannot connect: "), "{outcome:?}");
    assert!(!outcome.error.contains("hidden"), "{outcome:?}");
}

#[tokio::test]
async fn a_plain_answer_on_a_tls_port_is_an_outcome_too() {
    let cms = Receiver::listening().await;
    let outcome = send(&client("127.0.0.1", &[]), &format!("https://{}/", cms.address)).await;
    assert_eq!(outcome.status, None);
    assert!(outcome.error.starts_with("cannot connect: "), "{outcome:?}");
    assert_eq!(cms.told().len(), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let cms = Receiver::listening().await;
    let port = cms.address.port();
    let check = async |host: &str, dns: &[&str], kind: &str| {
        let outcome = send(&client("false", dns), &format!("http://{host}:{port}/")).await;
        assert_eq!(outcome.status, None, "{host} {dns:?}");
        assert!(outcome.error.contains(kind), "{host} {dns:?}: {}", outcome.error);
        let is_an_address_told = dns.iter().any(|address| outcome.error.contains(address));
        assert!(!is_an_address_told, "{host} {dns:?}: {}", outcome.error);
    };
    check("127.0.0.1", &[], "loopback").await;
    check("2130706433", &[], "loopback").await;
    check("0x7f.1", &[], "loopback").await;
    check("[::1]", &[], "loopback").await;
    check("[::ffff:127.0.0.1]", &[], "loopback").await;
    check("localhost", &["127.0.0.1"], "loopback").await;
    check("10.0.0.1", &[], "private").await;
    check("169.254.169.254", &[], "link-local").await;
    check("cms.example", &["127.0.0.1"], "loopback").await;
    check("cms.example", &["::ffff:127.0.0.1"], "loopback").await;
    check("cms.example", &["1.1.1.1", "127.0.0.1"], "loopback").await;
    check("cms.example", &["127.0.0.1", "1.1.1.1"], "loopback").await;
    check("cms.example", &["2606:4700::1111", "fd00::1"], "private").await;
    check("cms.example", &[], "no such name").await;
    assert_eq!(cms.told().len(), 0);
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let cms = Receiver::listening().await;
    let url = format!("http://cms.example:{}/hamlet", cms.address.port());
    for allow in ["true", "127.0.0.0/8"] {
        let outcome = send(&client(allow, &["127.0.0.1"]), &url).await;
        assert!(outcome.is_success(), "{allow}: {outcome:?}");
    }
    assert_eq!(cms.told().len(), 2);
    assert_eq!(cms.told()[0].header("host"), format!("cms.example:{}", cms.address.port()));
}

#[tokio::test]
async fn a_proxy_in_the_environment_changes_nothing() {
    // The variables of this process cannot be set safely; a second process runs the test above with them set.
    let this = std::env::current_exe().unwrap();
    let test = "webhook::what_was_checked_is_what_is_connected_to";
    let output = tokio::process::Command::new(this)
        .args(["--exact", test])
        .envs([
            ("HTTP_PROXY", "http://127.0.0.1:9"),
            ("http_proxy", "http://127.0.0.1:9"),
            ("ALL_PROXY", "http://127.0.0.1:9"),
        ])
        .output();
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[tokio::test]
async fn a_machine_without_root_certificates_still_sends_to_http() {
    let this = std::env::current_exe().unwrap();
    let test = "webhook::what_was_checked_is_what_is_connected_to";
    let empty = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(this)
        .args(["--exact", test])
        .envs([("SSL_CERT_DIR", empty.path()), ("SSL_CERT_FILE", &empty.path().join("none.pem"))])
        .output();
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[tokio::test]
async fn a_look_up_that_hangs_ends_in_time() {
    struct Silent;
    #[async_trait]
    impl LookUp for Silent {
        async fn look_up(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
            std::future::pending().await
        }
    }
    let settings = Settings { connect_timeout: Duration::from_millis(100), ..Settings::default() };
    let client = Client::with_look_up(settings, Arc::new(Silent)).unwrap();
    let started = Instant::now();
    let outcome = send(&client, "http://cms.example/").await;
    assert!(outcome.error.contains("in time"), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}
