//! Sending one webhook: an HTTP client that cannot be turned against the operator's own network.
//!
//! Owns the look-up of an endpoint's name, the check of every address behind it, the headers, and the limits of time
//! and bytes. Does not own the signature (`signature`), nor what follows from the answer (`schedule`).
//!
//! A name is looked up at each connection, by a resolver that hands out checked addresses only: what was checked is
//! what is connected to, so that a name which changes between check and use (DNS rebinding) gains nothing. A literal
//! address never meets a resolver; [`check_url`] reads those before each attempt.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::RequestBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};

use super::Outcome;
use super::address::{Allow, UrlRefused, check_url};
use super::schedule::RetryAfter;
use super::signature::{Secret, sign};

/// Addresses of one name that are looked at; a service has a handful.
const ADDRESSES_MAX: usize = 32;

/// The limits of one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub connect_timeout: Duration,
    /// From the first look-up to the end of the answer.
    pub timeout: Duration,
    /// Bytes of an answer that are read before the connection is dropped. Of a webhook they are only logged; the answer
    /// to a call-back is some hundred bytes.
    pub answer_bytes: usize,
    pub allow: Allow,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            answer_bytes: 4096,
            allow: Allow::None,
        }
    }
}

/// Redirects that [`Client::fetch`] follows.
const HOPS: usize = 3;

/// A page as a stranger's server gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most [`Settings::answer_bytes`] of it; bytes that are no UTF-8 are replaced.
    pub text: String,
    pub is_whole: bool,
}

/// One message to one endpoint.
#[derive(Clone, Debug)]
pub struct Message {
    /// `webhook-id`: the same for every attempt.
    pub id: String,
    /// JSON; these bytes are signed and sent.
    pub body: String,
    /// Each signs.
    pub secrets: Vec<Secret>,
}

/// How a name becomes addresses; the system's way, unless a test has its own.
#[async_trait]
pub trait LookUp: Send + Sync + 'static {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookUp;

#[async_trait]
impl LookUp for SystemLookUp {
    async fn look_up(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).take(ADDRESSES_MAX).collect())
    }
}

/// The client cannot be built; the sentence carries the reason.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for webhooks cannot be built: {0}")]
pub struct ClientError(#[source] reqwest::Error);

/// Sends webhooks. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    settings: Arc<Settings>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that asks the operating system for addresses.
    ///
    /// A machine without root certificates still gets one: it then reaches `http://` endpoints only, and says so.
    pub fn new(settings: Settings) -> Result<Client, ClientError> {
        Client::with_look_up(settings, Arc::new(SystemLookUp))
    }

    /// A client that finds addresses in its own way.
    pub fn with_look_up(settings: Settings, look_up: Arc<dyn LookUp>) -> Result<Client, ClientError> {
        // reqwest asks for the process's provider. Someone else's, if it is there already, is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("Hamlet/", env!("CARGO_PKG_VERSION"), " (webhooks)"))
                .http1_only()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .dns_resolver(Arc::new(CheckedLookUp { look_up: Arc::clone(&look_up), allow: settings.allow.clone() }))
                .connect_timeout(settings.connect_timeout)
                .timeout(settings.timeout)
                .pool_idle_timeout(Duration::from_secs(30))
                .pool_max_idle_per_host(8)
        };
        let http = builder().build().or_else(|error| {
            tracing::warn!(
                reason = %reason(&error),
                "webhooks to https:// endpoints will fail: no root certificates; install the package ca-certificates"
            );
            builder().tls_certs_only([]).build()
        });
        Ok(Client { http: http.map_err(ClientError)?, settings: Arc::new(settings) })
    }

    /// Whether an endpoint may have this URL. Its name is looked up at each attempt, not here.
    pub fn check_url(&self, url: &str) -> Result<(), UrlRefused> {
        check_url(url, &self.settings.allow).map(drop)
    }

    /// Signs `message` as of `now` and posts it to `url`, once. Never fails: a failure is an outcome too.
    pub async fn send(&self, url: &str, message: Message, now: Timestamp) -> Outcome {
        let sent_at = now.as_second();
        let signature = sign(&message.secrets, &message.id, sent_at, message.body.as_bytes());
        self.post(url, |request| {
            request
                .header("webhook-id", message.id)
                .header("webhook-timestamp", sent_at)
                .header("webhook-signature", signature)
                .body(message.body)
        })
        .await
    }

    /// Posts the body of a call-back to an Akismet plugin's route, once.
    pub async fn call_back(&self, url: &str, body: String) -> Outcome {
        // Without this header the plugin would report the change that follows as a moderator's.
        self.post(url, |request| request.header("x-akismet-webhook", "1").body(body)).await
    }

    /// Gets a page as strangers give it, by at most [`HOPS`] redirects, each of which is checked like the first address.
    /// `None`: there is none, or it may not be got.
    pub async fn fetch(&self, url: &str) -> Option<Page> {
        let mut url = check_url(url, &self.settings.allow).ok()?;
        for _ in 0..=HOPS {
            let answer = self.http.get(url.clone()).send().await.ok()?;
            let header = |name| answer.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
            if answer.status().is_redirection() {
                let next = url.join(header(LOCATION)?).ok()?;
                url = check_url(next.as_str(), &self.settings.allow).ok()?;
                continue;
            }
            let is_text = header(CONTENT_TYPE).is_none_or(|kind| kind.starts_with("text/") || kind.contains("xhtml"));
            if answer.status().as_u16() != 200 || !is_text {
                return None;
            }
            let (begin, is_whole) = self.begin(answer).await;
            return Some(Page { text: String::from_utf8_lossy(&begin).into_owned(), is_whole });
        }
        None
    }

    async fn post(&self, url: &str, fill: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Outcome {
        let started = Instant::now();
        let outcome = match check_url(url, &self.settings.allow) {
            Ok(url) => {
                let request = fill(self.http.post(url).header(CONTENT_TYPE, "application/json"));
                match request.send().await {
                    Ok(answer) => self.read(answer).await,
                    Err(error) => Outcome { error: reason(&error), ..Outcome::default() },
                }
            }
            Err(refused) => Outcome { error: refused.to_string(), ..Outcome::default() },
        };
        Outcome { latency: started.elapsed(), ..outcome }
    }

    /// The status counts from the moment it is there; whatever goes wrong with the body changes nothing.
    async fn read(&self, answer: reqwest::Response) -> Outcome {
        let status = answer.status();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| RetryAfter::parse(value.to_str().ok()?));
        let (begin, _) = self.begin(answer).await;
        let error = if status.is_success() { String::new() } else { format!("answered {status}") };
        Outcome { status: Some(status.as_u16()), retry_after, error, answer: begin, ..Outcome::default() }
    }

    /// How the body begins, and whether that is all of it.
    async fn begin(&self, mut answer: reqwest::Response) -> (Vec<u8>, bool) {
        let mut begin = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => {
                    let room = self.settings.answer_bytes - begin.len();
                    begin.extend(chunk.iter().take(room));
                    if chunk.len() > room {
                        return (begin, false);
                    }
                }
                Ok(None) => return (begin, true),
                Err(_) => return (begin, false),
            }
        }
    }
}

/// Looks names up and hands out addresses only if every one of them may be connected to.
struct CheckedLookUp {
    look_up: Arc<dyn LookUp>,
    allow: Allow,
}

impl Resolve for CheckedLookUp {
    fn resolve(&self, name: Name) -> Resolving {
        let (look_up, allow) = (Arc::clone(&self.look_up), self.allow.clone());
        Box::pin(async move {
            let addresses = look_up.look_up(name.as_str()).await?;
            for address in &addresses {
                allow.check(*address).map_err(UrlRefused::Address)?;
            }
            // Port 0 stands for the URL's own.
            Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// Why a request failed, in one line: the innermost cause says it best. Without the URL, which may carry a token.
fn reason(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let innermost = causes.last().map(ToString::to_string).unwrap_or_default();
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else if error.is_builder() {
        "cannot be sent"
    } else {
        "the connection broke"
    };
    if innermost.is_empty() { what.to_owned() } else { format!("{what}: {}", one_line(&innermost)) }
}

/// The text without control characters and at most 200 characters of it.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(200).collect()
}
