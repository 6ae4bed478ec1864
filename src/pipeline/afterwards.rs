//! What becomes of a comment after its first verdict: a person's word, a re-check, an edit.
//!
//! Owns who gives way to whom and who is told. Does not own how it is kept (`store::Change`).

use super::telling::{call_back, outgoing};
use super::{Learned, Pipeline, Submission, VIA_AKISMET, VIA_CALLBACK};
use crate::comment::{Comment, CommentId};
use crate::event::{EventKind, ForCommenter};
use crate::facts::Facts;
use crate::language::Language;
use crate::reason;
use crate::site::Site;
use crate::statistics;
use crate::store::{Act, CampaignId, Change, HistoryEntry, Status, StoreError, StoredComment, Verbs, timed};
use crate::verdict::{Decision, Label, Verdict};

/// What a person says of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// What is true of it; learned from.
    Label(Label),
    /// What is to become of it; not learned from.
    Decision(Decision),
}

impl Said {
    fn decision(self) -> Decision {
        match self {
            Said::Label(label) => label.decision(),
            Said::Decision(decision) => decision,
        }
    }

    fn act(self) -> Act {
        match self {
            Said::Label(label) => Act::Label(label),
            Said::Decision(decision) => Act::Decision(decision),
        }
    }
}

/// What came of a person's word.
#[derive(Clone, Debug)]
pub struct Overruled {
    /// The verdict that stands.
    pub verdict: Verdict,
    /// What a label did; a decision teaches nothing.
    pub learned: Option<Learned>,
    /// What the comment's author may be shown of it.
    pub for_commenter: ForCommenter,
}

impl Pipeline {
    /// Keeps what a person said and the verdict that follows; endpoints are told. A label counts from the next comment on.
    ///
    /// * `by`, `via`: who, and through which door.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such comment.
    pub async fn overrule(
        &self,
        site: &Site,
        id: CommentId,
        said: Said,
        by: &str,
        via: &str,
    ) -> Result<Overruled, StoreError> {
        let stored = self.existing(site, id).await?;
        let comment = stored.comment.clone();
        // With what was known when it was judged: what people say of it now is no part of that.
        let facts = match &stored.status {
            Status::Decided { verdict } => verdict.facts.clone(),
            Status::Queued | Status::DeadLetter { .. } => Facts::NONE,
        };
        let score_before = match said {
            Said::Label(_) => Some(self.judge_anew(&comment, site, &facts).score),
            Said::Decision(_) => None,
        };
        let (verdict, is_news) = self.record_word(site, stored, said, by, via, None).await?;
        let language = Language::of_commenter(site.policy.language, comment.lang.as_deref());
        let for_commenter = reason::for_commenter(language, verdict.decision);
        // Also when nothing was written: an earlier attempt may have ended before it was learned from.
        let Some(before) = score_before else { return Ok(Overruled { verdict, learned: None, for_commenter }) };
        self.follow_labels().await?;
        let after = self.judge_anew(&comment, site, &facts).score;
        Ok(Overruled { verdict, learned: Some(Learned { before, after, is_news }), for_commenter })
    }

    /// Keeps what a person said of a comment, or of the campaign that it belongs to; the verdict that stands, and whether
    /// that was new.
    pub(super) async fn record_word(
        &self,
        site: &Site,
        stored: StoredComment,
        said: Said,
        by: &str,
        via: &str,
        campaign: Option<CampaignId>,
    ) -> Result<(Verdict, bool), StoreError> {
        let id = stored.id;
        let (before, judged, mut verdict, traces) = match stored.status {
            Status::Decided { verdict } => (Some(verdict.decision), None, verdict, None),
            Status::Queued | Status::DeadLetter { .. } => {
                let (verdict, traces) = self.judge_traced(&stored.comment, site, Some(id)).await;
                (None, Some(verdict.decision), verdict, Some(traces))
            }
        };
        let decided_by_checks = stored.judged.or(judged).unwrap_or(verdict.decision);
        let now = self.clock.now();
        verdict.decision = said.decision();
        verdict.decided_at = now;
        let language = Language::of_site(site.policy.language, stored.comment.lang.as_deref());
        verdict.reason = match said {
            Said::Label(label) => reason::of_label(language, by, label),
            Said::Decision(decision) => reason::of_decision(language, by, decision),
        };
        // No evidence changes a person's word.
        verdict.otherwise = None;
        let kind = if before.is_some() { EventKind::Redecided } else { EventKind::Decided };
        let event = outgoing(kind, site, id, &stored.comment, &verdict);
        let entry = HistoryEntry { at: now, by: by.to_owned(), via: via.to_owned(), what: said.act(), before };
        // What the CMS said need not be told to it.
        let call_back = (![VIA_AKISMET, VIA_CALLBACK].contains(&via)).then(|| call_back(id, &verdict)).flatten();
        let change = Change {
            entry,
            verdict: verdict.clone(),
            judged,
            comment: None,
            idempotency_key: None,
            fingerprint: None,
            event: Some(event),
            call_back,
            campaign,
            traces,
        };
        let is_news = timed(Verbs::Change, self.store.record_change(site.id, id, change)).await?;
        if is_news {
            self.decided(site, verdict.decision);
            if let Said::Label(label) = said {
                labelled(site, label, decided_by_checks);
            }
        }
        Ok((verdict, is_news))
    }

    /// Judges a comment again, with the model, rules and lists of now. The verdict that stands afterwards: a person's
    /// word is not touched. Endpoints are told if the decision changed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such comment.
    pub async fn recheck(&self, site: &Site, id: CommentId, by: &str, via: &str) -> Result<Verdict, StoreError> {
        let stored = self.existing(site, id).await?;
        let is_final = stored.has_a_persons_word();
        let before = match stored.status {
            Status::Decided { verdict } if is_final => return Ok(verdict),
            Status::Decided { verdict } => Some(verdict.decision),
            Status::Queued | Status::DeadLetter { .. } => None,
        };
        let (verdict, traces) = self.judge_traced(&stored.comment, site, Some(id)).await;
        let what = Act::Recheck(verdict.decision);
        let change = self.rejudged(site, id, &stored.comment, what, before, verdict.clone(), by, via);
        let change = Change { traces: Some(traces), ..change };
        if timed(Verbs::Change, self.store.record_change(site.id, id, change)).await? {
            self.decided(site, verdict.decision);
            return Ok(verdict);
        }
        // A person spoke in between.
        match self.existing(site, id).await?.status {
            Status::Decided { verdict } => Ok(verdict),
            Status::Queued | Status::DeadLetter { .. } => Ok(verdict),
        }
    }

    /// A comment that comes again, which the CMS says is `id`: judged anew as it reads now if its author edited it (what
    /// people said was about the old text), else as [`Pipeline::recheck`] does.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such comment.
    pub async fn again(
        &self,
        site: &Site,
        id: CommentId,
        submission: Submission,
        via: &str,
    ) -> Result<Verdict, StoreError> {
        let stored = self.existing(site, id).await?;
        if submission.comment.is_edit_of(&stored.comment) {
            self.edit(site, stored, submission, via).await
        } else {
            self.recheck(site, id, &site.name, via).await
        }
    }

    /// Puts another text in the place of a comment's and judges it.
    pub(super) async fn edit(
        &self,
        site: &Site,
        stored: StoredComment,
        submission: Submission,
        via: &str,
    ) -> Result<Verdict, StoreError> {
        let before = match &stored.status {
            Status::Decided { verdict } => Some(verdict.decision),
            Status::Queued | Status::DeadLetter { .. } => None,
        };
        let Submission { comment, idempotency_key, fingerprint, .. } = submission;
        let (verdict, traces) = self.judge_edited(&comment, &stored.comment, site, stored.id).await;
        let what = Act::Edit(verdict.decision);
        let change = self.rejudged(site, stored.id, &comment, what, before, verdict.clone(), &site.name, via);
        let traces = Some(traces);
        let change = Change { comment: Some(comment), idempotency_key, fingerprint, traces, ..change };
        timed(Verbs::Change, self.store.record_change(site.id, stored.id, change)).await?;
        self.decided(site, verdict.decision);
        // A label was about the old text.
        self.follow_labels().await?;
        Ok(verdict)
    }

    /// What follows from a verdict of the checks on a comment that was there before.
    #[expect(clippy::too_many_arguments, reason = "the parts of one record")]
    fn rejudged(
        &self,
        site: &Site,
        id: CommentId,
        comment: &Comment,
        what: Act,
        before: Option<Decision>,
        verdict: Verdict,
        by: &str,
        via: &str,
    ) -> Change {
        let kind = if before.is_some() { EventKind::Redecided } else { EventKind::Decided };
        let is_news = before != Some(verdict.decision) || matches!(what, Act::Edit(_));
        let event = is_news.then(|| outgoing(kind, site, id, comment, &verdict));
        let entry = HistoryEntry { at: verdict.decided_at, by: by.to_owned(), via: via.to_owned(), what, before };
        let call_back = (is_news && via != VIA_AKISMET).then(|| call_back(id, &verdict)).flatten();
        let judged = Some(verdict.decision);
        let (comment, idempotency_key, fingerprint) = (None, None, None);
        let (campaign, traces) = (None, None);
        Change { entry, judged, verdict, comment, idempotency_key, fingerprint, event, call_back, campaign, traces }
    }
}

/// A label was kept: counts it, and the mistake that it showed.
fn labelled(site: &Site, label: Label, decided_by_checks: Decision) {
    let name = site.name.clone();
    metrics::counter!("hamlet_labels_total", "site" => name, "label" => label.as_str()).increment(1);
    if let Some(mistake) = statistics::mistake(decided_by_checks, label) {
        let name = site.name.clone();
        metrics::counter!("hamlet_mistakes_total", "site" => name, "mistake" => mistake).increment(1);
    }
}
