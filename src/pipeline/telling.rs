//! The messages that tell of a verdict: to a site's endpoints, and to a CMS that wants to be called back.
//!
//! Owns what goes into a message, and when its body is written. Does not own its JSON (`event`) nor whom it reaches (`store`).

use std::sync::Arc;

use jiff::Timestamp;

use crate::comment::{Comment, CommentId};
use crate::event::{Event, EventData, EventKind, Judged};
use crate::language::Language;
use crate::random;
use crate::reason;
use crate::site::Site;
use crate::store::{Body, Outgoing};
use crate::verdict::{Decision, Verdict};
use crate::webhook::CallBack;

/// The message that tells endpoints of a verdict.
pub(super) fn outgoing(kind: EventKind, site: &Site, id: CommentId, comment: &Comment, verdict: &Verdict) -> Outgoing {
    let about = About::of(kind, site, id, comment, verdict);
    Outgoing {
        kind,
        message_id: random::message_id(verdict.decided_at),
        body: about.body(Judged::Verdict(verdict)).into(),
    }
}

/// The same of a comment's first verdict, of which the JSON is yet to be written.
pub(super) fn first_outgoing(site: &Site, id: CommentId, comment: &Comment, verdict: &Verdict) -> Outgoing {
    let about = About::of(EventKind::Decided, site, id, comment, verdict);
    let write = move |verdict: &str| match serde_json::from_str(verdict) {
        Ok(verdict) => about.body(Judged::Json(verdict)),
        Err(error) => unreachable!("a verdict is written as JSON: {error}"),
    };
    Outgoing {
        kind: EventKind::Decided,
        message_id: random::message_id(verdict.decided_at),
        body: Body::Around(Arc::new(write)),
    }
}

/// What a message says beside the verdict.
struct About {
    kind: EventKind,
    timestamp: Timestamp,
    id: CommentId,
    external_id: Option<String>,
    site: String,
    language: Language,
    decision: Decision,
}

impl About {
    fn of(kind: EventKind, site: &Site, id: CommentId, comment: &Comment, verdict: &Verdict) -> About {
        About {
            kind,
            timestamp: verdict.decided_at,
            id,
            external_id: comment.external_id.clone(),
            site: site.name.clone(),
            language: Language::of_commenter(site.policy.language, comment.lang.as_deref()),
            decision: verdict.decision,
        }
    }

    fn body(&self, verdict: Judged<'_>) -> String {
        let data = EventData {
            id: Some(self.id),
            external_id: self.external_id.as_deref(),
            site: &self.site,
            verdict: Some(verdict),
            for_commenter: Some(reason::for_commenter(self.language, self.decision)),
            ..EventData::default()
        };
        Event { kind: self.kind, timestamp: self.timestamp, data }.body()
    }
}

/// The message that tells a CMS's call-back of a verdict. A hold is none: that is what it has already.
pub(super) fn call_back(id: CommentId, verdict: &Verdict) -> Option<Outgoing> {
    let is_spam = match verdict.decision {
        Decision::Approve => false,
        Decision::Spam | Decision::Discard => true,
        Decision::Hold => return None,
    };
    let body = CallBack { guid: id.guid(), is_spam }.body();
    Some(Outgoing { kind: EventKind::Redecided, message_id: random::message_id(verdict.decided_at), body: body.into() })
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::site;
    use super::*;
    use crate::classifier::Classifier;
    use crate::decision::Judge;
    use crate::lists::Lists;
    use crate::rules::RuleSet;

    #[test]
    fn what_is_written_late_is_what_was_written_at_once() {
        let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
        let id = random::comment_id(Timestamp::UNIX_EPOCH);
        for text in
            ["See you at the harbour.", "شكرا لكم \u{202E}\u{0}", "Buy cheap \"viagra\" \\ casino https://bit.ly/x"]
        {
            let comment = Comment { external_id: Some("47\"11".to_owned()), ..Comment::of_text(text) };
            let verdict = judge.judge(&comment, &site(), &Lists::default(), Timestamp::UNIX_EPOCH);
            let Body::Written(at_once) = outgoing(EventKind::Decided, &site(), id, &comment, &verdict).body else {
                panic!("it is yet to be written");
            };
            let Body::Around(write) = first_outgoing(&site(), id, &comment, &verdict).body else {
                panic!("it is written already");
            };
            assert_eq!(write(&serde_json::to_string(&verdict).unwrap()), at_once);
        }
    }
}
