//! The call-back of Akismet plugins (5.5 and later): a decision is pushed to the CMS that asked.
//!
//! Owns the body of the request and what its answer means. Does not own when it is sent (`schedule`), nor to whom.
//!
//! Source: the plugin's route `akismet/v1/webhook`, as its class `Akismet_REST_API` reads it; `decided_by` and
//! `comment_status` are added by Hamlet's own must-use plugin.

use serde::{Deserialize, Serialize};

use super::Outcome;

/// What is kept of a call-back until it is sent. The key is added then, so that it does not lie in every message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBack {
    /// That of the check's answer: 32 hexadecimal digits.
    pub guid: String,
    pub is_spam: bool,
}

/// What the CMS made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A person had decided there already, and this is what stands.
    Ham,
    Spam,
}

#[derive(Serialize)]
struct Request<'a> {
    key: &'a str,
    endpoint: &'static str,
    comments: [RequestComment<'a>; 1],
}

#[derive(Serialize)]
struct RequestComment<'a> {
    guid: &'a str,
    /// A word and not a boolean: the plugin compares texts.
    result: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    comments: std::collections::HashMap<String, AnswerComment>,
}

#[derive(Deserialize)]
struct AnswerComment {
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    decided_by: String,
    #[serde(default)]
    comment_status: String,
}

impl CallBack {
    /// The bytes that are stored.
    pub fn body(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| unreachable!("it is plain data: {error}"))
    }

    /// `None` when `body` is not one that [`CallBack::body`] made.
    pub fn of_body(body: &str) -> Option<CallBack> {
        serde_json::from_str(body).ok()
    }

    /// The body of the request.
    ///
    /// * `key`: the API key that the plugin itself uses; it compares.
    pub fn request(&self, key: &str) -> String {
        let result = if self.is_spam { "true" } else { "false" };
        let comments = [RequestComment { guid: &self.guid, result }];
        let request = Request { key, endpoint: "comment-check", comments };
        serde_json::to_string(&request).unwrap_or_else(|error| unreachable!("it is plain data: {error}"))
    }

    /// Reads the answer: a 200 that does not say "success" of this comment is a failure too, and `outcome` is made one.
    pub fn read(&self, outcome: &mut Outcome) -> Option<Word> {
        if !outcome.is_success() {
            return None;
        }
        let comment = serde_json::from_slice::<Answer>(&outcome.answer)
            .ok()
            .and_then(|mut answer| answer.comments.remove(&self.guid));
        let Some(comment) = comment else {
            outcome.fail("the answer is not that of an Akismet plugin");
            return None;
        };
        if comment.status != "success" {
            let message = if comment.message.is_empty() { comment.status } else { comment.message };
            outcome.fail(&format!("the plugin said: {message}"));
            return None;
        }
        match (comment.decided_by.as_str(), comment.comment_status.as_str()) {
            ("person", "approved") => Some(Word::Ham),
            ("person", "spam") => Some(Word::Spam),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn the_request_is_what_the_plugin_reads() {
        let call_back = CallBack { guid: GUID.to_owned(), is_spam: false };
        assert_eq!(CallBack::of_body(&call_back.body()), Some(call_back.clone()));
        assert_eq!(CallBack::of_body("{}"), None);
        let expected = format!(
            r#"{{"key":"0123456789ab","endpoint":"comment-check","comments":[{{"guid":"{GUID}","result":"false"}}]}}"#
        );
        assert_eq!(call_back.request("0123456789ab"), expected);
        assert!(!call_back.body().contains("key"));
    }

    #[track_caller]
    fn check(status: u16, answer: &str, word: Option<Word>, error: &str) {
        let mut outcome = Outcome { status: Some(status), answer: answer.as_bytes().to_vec(), ..Outcome::default() };
        let call_back = CallBack { guid: GUID.to_owned(), is_spam: true };
        assert_eq!(call_back.read(&mut outcome), word, "{answer}");
        assert!(outcome.error.contains(error), "{answer}: {outcome:?}");
        assert_eq!(outcome.is_success(), error.is_empty() && status < 300, "{answer}: {outcome:?}");
    }

    #[test]
    fn the_answer_is_read() {
        let of = |rest: &str| format!(r#"{{"comments":{{"{GUID}":{{{rest}}}}}}}"#);
        check(200, &of(r#""status":"success""#), None, "");
        check(200, &of(r#""status":"success","decided_by":"akismet","comment_status":"spam""#), None, "");
        check(200, &of(r#""status":"success","decided_by":"person","comment_status":"approved""#), Some(Word::Ham), "");
        check(200, &of(r#""status":"success","decided_by":"person","comment_status":"spam""#), Some(Word::Spam), "");
        check(200, &of(r#""status":"success","decided_by":"person","comment_status":"trash""#), None, "");
        check(200, &of(r#""status":"error","message":"Could not find matching comment.""#), None, "Could not find");
        check(200, r#"{"comments":{}}"#, None, "not that of an Akismet plugin");
        check(200, r#"{"comments":[]}"#, None, "not that of an Akismet plugin");
        check(200, "<html>", None, "not that of an Akismet plugin");
        check(200, "", None, "not that of an Akismet plugin");
        check(500, "", None, "");
    }
}
