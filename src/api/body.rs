//! Reading a request's body within bounds of size, time and memory.
//!
//! Owns those bounds. Does not own what the bytes mean (`json`, `form`).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::HeaderMap;
use axum::http::header::EXPECT;

use super::problem::{Problem, Refusal};

/// How much of a body that is too large is read and thrown away, so that a client that writes before it reads gets
/// the refusal and not a reset connection. In bodies of the allowed size.
const DRAINED_BODIES: usize = 16;

/// The bounds of all bodies.
#[derive(Debug)]
pub struct BodyLimits {
    /// The largest body, bytes.
    pub body_bytes: usize,
    /// The most that all bodies being read or handled may hold together, bytes.
    pub all_bodies_bytes: usize,
    /// How long one body may take to arrive.
    pub timeout: Duration,
    held: Arc<AtomicUsize>,
}

/// A body, whole; its share of [`BodyLimits::all_bodies_bytes`] is given back when it is dropped.
#[derive(Debug)]
pub struct Sent {
    pub bytes: Bytes,
    _share: Share,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// Larger than this many bytes.
    TooLarge(usize),
    TimedOut,
    /// Cut short or wrongly framed.
    Broken,
    /// All bodies together hold too much.
    Overloaded,
}

impl BodyLimits {
    pub fn new(body_bytes: usize, all_bodies_bytes: usize, timeout: Duration) -> BodyLimits {
        BodyLimits { body_bytes, all_bodies_bytes, timeout, held: Arc::default() }
    }

    /// The body, whole; `headers` are those it came with.
    ///
    /// # Errors
    /// Every [`BodyError`]; what was read until then is given back.
    pub async fn read(&self, headers: &HeaderMap, mut body: Body) -> Result<Sent, BodyError> {
        let waits_for_leave = headers.contains_key(EXPECT);
        let too_large = BodyError::TooLarge(self.body_bytes);
        let is_declared_too_large = body.size_hint().lower() > u64::try_from(self.body_bytes).unwrap_or(u64::MAX);
        if is_declared_too_large && waits_for_leave {
            // Not asked to go on (100), the client sends nothing: the refusal is the next thing on the wire.
            return Err(too_large);
        }
        let reading = async {
            if !is_declared_too_large && let Some(sent) = self.collect(&mut body).await? {
                return Ok(sent);
            }
            drain(&mut body, self.body_bytes.saturating_mul(DRAINED_BODIES)).await;
            Err(too_large)
        };
        tokio::time::timeout(self.timeout, reading).await.unwrap_or(Err(BodyError::TimedOut))
    }

    /// The body line by line, without holding more than one line and one piece of it.
    pub fn lines(&self, body: Body) -> Lines<'_> {
        let share = Share { held: Arc::clone(&self.held), bytes: 0 };
        Lines { limits: self, body, buffer: Vec::new(), read: 0, is_over: false, share }
    }

    /// `None` when there is more than may be read.
    async fn collect(&self, body: &mut Body) -> Result<Option<Sent>, BodyError> {
        let mut share = Share { held: Arc::clone(&self.held), bytes: 0 };
        let Some(first) = next(body).await? else {
            return Ok(Some(Sent { bytes: Bytes::new(), _share: share }));
        };
        share.add(first.len(), self.all_bodies_bytes)?;
        if first.len() > self.body_bytes {
            return Ok(None);
        }
        // Nearly every body comes as one piece and is used as it is.
        if body.is_end_stream() {
            return Ok(Some(Sent { bytes: first, _share: share }));
        }
        let mut whole = Vec::from(first);
        while let Some(piece) = next(body).await? {
            if whole.len() + piece.len() > self.body_bytes {
                return Ok(None);
            }
            share.add(piece.len(), self.all_bodies_bytes)?;
            whole.extend_from_slice(&piece);
        }
        Ok(Some(Sent { bytes: whole.into(), _share: share }))
    }
}

/// A body that is read line by line; see [`BodyLimits::lines`].
#[derive(Debug)]
pub struct Lines<'a> {
    limits: &'a BodyLimits,
    body: Body,
    /// What was read and not handed out; `read` bytes of it were.
    buffer: Vec<u8>,
    read: usize,
    is_over: bool,
    share: Share,
}

impl Lines<'_> {
    /// The next line without its end; `None` after the last.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`] when one line alone is larger than a body may be, [`BodyError::TimedOut`] when nothing
    /// came for as long as a body may take; the other [`BodyError`]s as for a whole body.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, BodyError> {
        let mut searched = self.read;
        loop {
            let end = self.buffer.iter().skip(searched).position(|byte| *byte == b'\n').map(|end| searched + end);
            if let Some(end) = end {
                let line = self.buffer.get(self.read..end).unwrap_or_default().to_vec();
                self.read = end + 1;
                return Ok(Some(line));
            }
            if self.is_over {
                let line = self.buffer.split_off(self.read);
                self.buffer.clear();
                self.read = 0;
                return Ok((!line.is_empty()).then_some(line));
            }
            self.buffer.drain(..self.read);
            self.read = 0;
            if self.buffer.len() > self.limits.body_bytes {
                return Err(BodyError::TooLarge(self.limits.body_bytes));
            }
            searched = self.buffer.len();
            match tokio::time::timeout(self.limits.timeout, next(&mut self.body)).await {
                Ok(Ok(Some(piece))) => self.buffer.extend_from_slice(&piece),
                Ok(Ok(None)) => self.is_over = true,
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(BodyError::TimedOut),
            }
            self.share.set(self.buffer.len(), self.limits.all_bodies_bytes)?;
        }
    }
}

/// The next piece of data; `None` at the end. Trailers are skipped.
async fn next(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
            None => return Ok(None),
            Some(Err(_)) => return Err(BodyError::Broken),
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

async fn drain(body: &mut Body, most: usize) {
    let mut drained = 0;
    while let Ok(Some(piece)) = next(body).await {
        drained += piece.len();
        if drained > most {
            return;
        }
    }
}

/// What one body takes of the memory that all may take together.
#[derive(Debug)]
struct Share {
    held: Arc<AtomicUsize>,
    bytes: usize,
}

impl Share {
    fn add(&mut self, bytes: usize, most: usize) -> Result<(), BodyError> {
        self.bytes += bytes;
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > most { Err(BodyError::Overloaded) } else { Ok(()) }
    }
}

impl Share {
    /// Takes this much instead of what was taken so far.
    fn set(&mut self, bytes: usize, most: usize) -> Result<(), BodyError> {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
        self.add(bytes, most)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl BodyError {
    pub fn refusal(self) -> Refusal {
        match self {
            BodyError::TooLarge(_) => Refusal::BodyTooLarge,
            BodyError::TimedOut => Refusal::BodyTimeout,
            BodyError::Broken => Refusal::MalformedBody,
            BodyError::Overloaded => Refusal::Overloaded,
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Problem {
        let detail = match error {
            BodyError::TooLarge(limit) => format!("The body may have {limit} bytes; send less."),
            BodyError::TimedOut => "The body did not arrive in time; send it faster.".to_owned(),
            BodyError::Broken => "The body ended before it was whole, or is framed wrongly; send it again.".to_owned(),
            BodyError::Overloaded => "Too many large bodies at once; nothing was kept, try again.".to_owned(),
        };
        Problem::new(error.refusal(), detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(limits: &BodyLimits, bytes: usize) -> Result<usize, BodyError> {
        limits.read(&HeaderMap::new(), Body::from(vec![b'a'; bytes])).await.map(|sent| sent.bytes.len())
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let limits = BodyLimits::new(100, 1000, Duration::from_secs(1));
        assert_eq!(check(&limits, 0).await, Ok(0));
        assert_eq!(check(&limits, 100).await, Ok(100));
        assert_eq!(check(&limits, 101).await, Err(BodyError::TooLarge(100)));
    }

    #[tokio::test]
    async fn lines_are_read_however_the_body_is_cut() {
        let limits = BodyLimits::new(10, 1000, Duration::from_secs(1));
        let read = async |body: &[u8]| {
            let mut lines = limits.lines(Body::from(body.to_vec()));
            let mut read = Vec::new();
            loop {
                match lines.next().await {
                    Ok(Some(line)) => read.push(String::from_utf8(line).unwrap()),
                    Ok(None) => return Ok(read),
                    Err(error) => return Err(error),
                }
            }
        };
        assert_eq!(read(b"a\nbc\n\nd").await.unwrap(), ["a", "bc", "", "d"]);
        assert_eq!(read(b"a\n").await.unwrap(), ["a"]);
        assert_eq!(read(b"").await.unwrap(), Vec::<String>::new());
        assert_eq!(read(b"a\r\nb").await.unwrap(), ["a\r", "b"]);
        assert_eq!(read(&[b'x'; 11]).await, Err(BodyError::TooLarge(10)));
        assert_eq!(limits.held.load(Ordering::Relaxed), 0, "given back");
        let pieces = ["ab", "c\nd", "\n", "e"].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
        let mut lines = limits.lines(Body::from_stream(futures_util::stream::iter(pieces)));
        for expected in ["abc", "d", "e"] {
            assert_eq!(lines.next().await, Ok(Some(expected.as_bytes().to_vec())));
        }
        assert_eq!(lines.next().await, Ok(None));
    }

    #[tokio::test]
    async fn what_all_bodies_hold_is_given_back() {
        let limits = BodyLimits::new(100, 150, Duration::from_secs(1));
        let first = limits.read(&HeaderMap::new(), Body::from(vec![b'a'; 100])).await.unwrap();
        assert_eq!(check(&limits, 100).await, Err(BodyError::Overloaded));
        assert_eq!(check(&limits, 50).await, Ok(50));
        drop(first);
        assert_eq!(check(&limits, 100).await, Ok(100));
        assert_eq!(limits.held.load(Ordering::Relaxed), 0);
    }
}
