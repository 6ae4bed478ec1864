//! One decision for all comments of a campaign, and back.
//!
//! Owns the order: what is decided is kept first, so that comments which come meanwhile follow it; then each comment takes
//! the road of a person's word, page by page. Whatever ends it in the middle, doing it again finishes it. Does not own which
//! comments belong together (`store`).

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::history::foreign;
use super::telling::{call_back, outgoing};
use super::{Pipeline, Said};
use crate::event::EventKind;
use crate::site::Site;
use crate::store::{
    Act, Before, Campaign, CampaignDecision, CampaignId, CampaignWord, Change, HistoryEntry, Status, StoreError,
    StoredComment, Verbs, timed,
};
use crate::text::Text;
use crate::verdict::Decision;

/// Comments that are read at once.
const PAGE: u32 = 256;
/// Comments that are written at once, so that they share commits.
const AT_ONCE: usize = 64;
/// Comments that are read for what they have in common.
const SAMPLE: u32 = 100;

/// What became of a campaign's comments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CampaignChange {
    /// Those that were looked at, and those that another word stands for now.
    pub comments: u64,
    pub changed: u64,
}

/// What comments of a campaign have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// Domains to which a tenth of them or more lead, the most frequent first, with how many do.
    pub links: Vec<(String, u32)>,
    /// How many of them were read.
    pub read: u32,
}

impl Pipeline {
    /// Decides all comments of a campaign at `site`, and those that come later. As with a single comment, endpoints are told
    /// and a label is learned from.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such campaign.
    pub async fn decide_campaign(
        &self,
        site: &Site,
        id: CampaignId,
        word: CampaignWord,
        by: &str,
        via: &str,
    ) -> Result<CampaignChange, StoreError> {
        let decision = CampaignDecision { word, by: by.to_owned(), at: self.clock.now() };
        self.store.decide_campaign(site.id, id, Some(decision)).await?;
        let said = match word {
            CampaignWord::Label(label) => Said::Label(label),
            CampaignWord::Decision(decision) => Said::Decision(decision),
        };
        let mut change = CampaignChange::default();
        let mut after = None;
        loop {
            let page = self.store.campaign_comments(site.id, id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            change.comments += page.len() as u64;
            let said_of_each = stream::iter(page).map(|comment| async move {
                let stored = self.existing(site, comment).await?;
                self.record_word(site, stored, said, by, via, Some(id)).await.map(|(_, is_news)| is_news)
            });
            let news: Vec<bool> = said_of_each.buffer_unordered(AT_ONCE).try_collect().await?;
            change.changed += news.iter().filter(|is_news| **is_news).count() as u64;
            // What is taught is learned page by page: a daemon that is busy learning ten thousand labels judges nothing.
            self.follow_labels().await?;
        }
        Ok(change)
    }

    /// Takes back what was decided for a campaign: each comment that nobody has spoken of since stands as before, and those
    /// that came later are judged anew.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when `site` has no such campaign.
    pub async fn undo_campaign(
        &self,
        site: &Site,
        id: CampaignId,
        by: &str,
        via: &str,
    ) -> Result<CampaignChange, StoreError> {
        self.store.decide_campaign(site.id, id, None).await?;
        let mut change = CampaignChange::default();
        loop {
            let page = self.store.overruled(site.id, id, PAGE).await?;
            if page.is_empty() {
                break;
            }
            change.comments += page.len() as u64;
            let restored =
                stream::iter(page).map(|before| async move { self.restore(site, id, before, by, via).await });
            let news: Vec<bool> = restored.buffer_unordered(AT_ONCE).try_collect().await?;
            change.changed += news.iter().filter(|is_news| **is_news).count() as u64;
            self.follow_labels().await?;
        }
        let mut after = None;
        loop {
            let page = self.store.campaign_comments(site.id, id, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(change) };
            after = Some(*last);
            for comment in page {
                let stored = self.existing(site, comment).await?;
                if let Some(before) = followed(&stored) {
                    let verdict = self.recheck(site, comment, by, via).await?;
                    change.comments += 1;
                    change.changed += u64::from(verdict.decision != before);
                }
            }
        }
    }

    /// Makes a comment stand as it did before its campaign was decided; whether it did not already.
    async fn restore(
        &self,
        site: &Site,
        id: CampaignId,
        before: Before,
        by: &str,
        via: &str,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let Before { id: comment, mut verdict, .. } = before;
        let stored = self.existing(site, comment).await?;
        let replaced = match &stored.status {
            Status::Decided { verdict } => Some(verdict.decision),
            Status::Queued | Status::DeadLetter { .. } => None,
        };
        let decided_at = std::mem::replace(&mut verdict.decided_at, now);
        let event = outgoing(EventKind::Redecided, site, comment, &stored.comment, &verdict);
        let call_back = call_back(comment, &verdict);
        verdict.decided_at = decided_at;
        let what = Act::Undo(verdict.decision);
        let entry = HistoryEntry { at: now, by: by.to_owned(), via: via.to_owned(), what, before: replaced };
        let change = Change {
            entry,
            verdict,
            judged: None,
            comment: None,
            idempotency_key: None,
            fingerprint: None,
            event: Some(event),
            call_back,
            campaign: Some(id),
            traces: None,
        };
        timed(Verbs::Change, self.store.record_change(site.id, comment, change)).await
    }

    /// What the newest comments of a campaign have in common.
    pub async fn common(&self, site: &Site, campaign: &Campaign) -> Result<Common, StoreError> {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut read = 0;
        for id in self.store.campaign_comments(site.id, campaign.id, None, SAMPLE).await? {
            let stored = self.existing(site, id).await?;
            let text = Text::of(&stored.comment);
            foreign(&stored.comment, &text, site)
                .into_iter()
                .for_each(|domain| *counts.entry(domain).or_default() += 1);
            read += 1;
        }
        let mut links: Vec<(String, u32)> =
            counts.into_iter().filter(|(_, count)| *count >= 2 && count * 10 >= read).collect();
        links.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(Common { links, read })
    }
}

/// What was decided of a comment that followed its campaign's decision when it came.
fn followed(stored: &StoredComment) -> Option<Decision> {
    let Status::Decided { verdict } = &stored.status else { return None };
    let text = verdict.facts.history.as_ref()?.text.as_ref()?;
    let is_follower =
        text.campaign_decision.as_deref() == Some(verdict.decision.as_str()) && !stored.has_a_persons_word();
    is_follower.then_some(verdict.decision)
}
