//! The answers of the Akismet protocol, byte for byte.
//!
//! Owns which header goes with which answer. Does not own what is answered (`super`).
//!
//! Nearly everything is HTTP 200: clients take any other status for "Akismet is away". `X-akismet-debug-help` goes with
//! `invalid` only, for some clients throw when they see it.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use crate::api::problem::Refusal;
use crate::comment::CommentId;
use crate::pipeline::Learned;
use crate::verdict::{Decision, Verdict};

const GUID: HeaderName = HeaderName::from_static("x-akismet-guid");
const PRO_TIP: HeaderName = HeaderName::from_static("x-akismet-pro-tip");
const DEBUG_HELP: HeaderName = HeaderName::from_static("x-akismet-debug-help");
const RECHECK_AFTER: HeaderName = HeaderName::from_static("x-akismet-recheck-after");
const SCORE: HeaderName = HeaderName::from_static("x-hamlet-score");
const DECISION: HeaderName = HeaderName::from_static("x-hamlet-decision");
const SYMBOLS: HeaderName = HeaderName::from_static("x-hamlet-symbols");
const LEARNED: HeaderName = HeaderName::from_static("x-hamlet-learned");

/// Ten years: the plugin publishes what it still keeps pending after twice this time, and only a person may do that.
const RECHECK_AFTER_SECONDS: &str = "315360000";

/// Most bytes of symbols in a header; what a proxy before the daemon surely lets pass.
const SYMBOLS_BYTES: usize = 1024;

/// Why a call is `invalid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    KeyMissing,
    KeyUnknown,
    ScopeMissing,
    KeyOfNoSite,
    BlogEmpty,
    FieldMissing(&'static str),
    /// Not even heard; the id is that of the guid, by which newer plugins hold the comment.
    TooOften(Refusal, CommentId),
}

impl Reason {
    /// One line of ASCII; nothing of what was sent is echoed.
    fn sentence(self) -> String {
        match self {
            Reason::KeyMissing => "No key was sent: give api_key in the form, or the key in the host name.".to_owned(),
            Reason::KeyUnknown => "No site has this key.".to_owned(),
            Reason::ScopeMissing => "This key may not be used for that.".to_owned(),
            Reason::KeyOfNoSite => "This key is for administration; take the key of a site.".to_owned(),
            Reason::BlogEmpty => "Empty \"blog\" value".to_owned(),
            Reason::FieldMissing(name) => format!("Missing required field: {name}."),
            Reason::TooOften(..) => "Too many requests.".to_owned(),
        }
    }
}

/// An answer of one word, status 200.
#[derive(Debug)]
pub(super) struct Answer(Response);

impl Answer {
    pub(super) fn word(word: impl Into<Body>) -> Answer {
        Answer(plain(word.into()))
    }

    pub(super) fn invalid(reason: Reason) -> Answer {
        if let Reason::TooOften(refusal, id) = reason {
            return Answer(refused(refusal, &id.guid()));
        }
        let mut answer = Answer::word("invalid");
        answer.header(DEBUG_HELP, &reason.sentence());
        answer
    }

    /// `decision` is what the client is told; it differs from the verdict's for the fixed test values and
    /// administrators. `may_wait`: the client keeps a held comment pending until it is called back.
    pub(super) fn verdict(decision: Decision, verdict: &Verdict, may_wait: bool) -> Answer {
        let waits = decision == Decision::Hold && may_wait;
        let mut answer = Answer::word(if decision == Decision::Approve || waits { "false" } else { "true" });
        if waits {
            answer.header(RECHECK_AFTER, RECHECK_AFTER_SECONDS);
        }
        if decision == Decision::Discard {
            answer.header(PRO_TIP, "discard");
        }
        answer.header(SCORE, &format!("{:.4}", verdict.score.get()));
        answer.header(DECISION, decision.as_str());
        answer.header(SYMBOLS, &symbols(verdict));
        answer
    }

    /// What a label did, for whoever looks; the body is fixed.
    pub(super) fn learned(mut self, learned: &Learned) -> Answer {
        self.header(LEARNED, &learned.note());
        self
    }

    pub(super) fn guid(mut self, guid: &str) -> Answer {
        self.header(GUID, guid);
        self
    }

    fn header(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers_mut().insert(name, value);
        }
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Response {
        answer.0
    }
}

/// The symbols in the verdict's order, `A,B`, as many as fit.
fn symbols(verdict: &Verdict) -> String {
    let mut line = String::new();
    for piece in &verdict.evidence {
        if line.len() + piece.symbol.len() >= SYMBOLS_BYTES {
            break;
        }
        if !line.is_empty() {
            line.push(',');
        }
        line.push_str(&piece.symbol);
    }
    line
}

/// A report.
pub(super) fn document(text: String, media_type: &'static str) -> Response {
    let mut response = Response::new(text.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Neither `true` nor `false`, but an empty answer with the refusal's status.
///
/// The guid makes newer plugins hold the comment and ask again.
pub(super) fn refused(refusal: Refusal, guid: &str) -> Response {
    let mut answer = Answer::word(Body::empty()).guid(guid);
    *answer.0.status_mut() = refusal.status();
    if let Some(seconds) = refusal.retry_after_seconds() {
        answer.header(RETRY_AFTER, &seconds.to_string());
    }
    answer.into()
}

fn plain(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
