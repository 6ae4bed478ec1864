//! A CMS that listens for webhooks on the loopback, remembers what it was told, and answers as it is bid.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use standardwebhooks::Webhook;

/// How the receiver answers one request.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    /// 200 and this body.
    Body(String),
    /// A status with `Retry-After`.
    RetryAfter(u16, String),
    /// A redirect to another address of this same receiver.
    Redirect,
    /// 200 and this many bytes.
    Huge(usize),
    /// 200, but only after this long.
    After(Duration),
    /// Takes the request and never says a word.
    Never,
    /// A status and half of the body that it announced, and the connection is gone.
    Broken(u16),
    /// 200 and a body that does not end.
    Endless,
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Told {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Told {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether the reference library finds the signature right, whenever it was made.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp").parse().unwrap());
        let right = Webhook::new(secret).unwrap().sign(id, time, &self.body).unwrap();
        self.header("webhook-signature").split(' ').any(|signature| signature == right)
    }

    /// Whether the reference library believes this message; it looks at the system's clock.
    pub fn is_believed_with(&self, secret: &str) -> bool {
        Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}

#[derive(Debug, Default)]
struct Inner {
    told: Vec<Told>,
    answers: VecDeque<Answer>,
    /// When no answer is left: 200.
    usual: Option<Answer>,
}

/// Listens until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    pub async fn listening() -> Receiver {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().fallback(hear).with_state(Arc::clone(&inner));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Receiver { address, inner, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hamlet", self.address)
    }

    /// Answers the next requests so, one after the other, and those after them with 200.
    pub fn will_answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.inner.lock().unwrap().answers.extend(answers);
    }

    /// Answers every request so for which nothing else was bid.
    pub fn will_always_answer(&self, answer: Answer) {
        self.inner.lock().unwrap().usual = Some(answer);
    }

    pub fn told(&self) -> Vec<Told> {
        self.inner.lock().unwrap().told.clone()
    }

    /// Waits until it has been told `count` things.
    pub async fn told_at_least(&self, count: usize) -> Vec<Told> {
        tokio::time::timeout(Duration::from_secs(20), async {
            while self.inner.lock().unwrap().told.len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("told {} of {count}", self.told().len()));
        self.told()
    }
}

async fn hear(State(inner): State<Arc<Mutex<Inner>>>, request: axum::extract::Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path().to_owned();
    let told = Told { method: parts.method.to_string(), path, headers: parts.headers, body };
    let answer = {
        let mut inner = inner.lock().unwrap();
        inner.told.push(told);
        inner.answers.pop_front().or_else(|| inner.usual.clone())
    };
    let response = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match answer.unwrap_or(Answer::Status(200)) {
        Answer::Status(status) => response(status).body(Body::empty()),
        Answer::Body(body) => response(200).body(Body::from(body)),
        Answer::RetryAfter(status, value) => response(status).header("retry-after", value).body(Body::empty()),
        Answer::Redirect => response(302).header("location", "/elsewhere").body(Body::empty()),
        Answer::Huge(bytes) => response(200).body(Body::from(vec![b'x'; bytes])),
        Answer::After(wait) => {
            tokio::time::sleep(wait).await;
            response(200).body(Body::empty())
        }
        Answer::Never => std::future::pending().await,
        Answer::Broken(status) => {
            let parts = [Ok("half of it"), Err(std::io::Error::other("gone"))];
            let body = Body::from_stream(futures_util::stream::iter(parts));
            response(status).header("content-length", "1000").body(body)
        }
        Answer::Endless => response(200).body(Body::from_stream(futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4096]))
        }))),
    }
    .unwrap()
}
