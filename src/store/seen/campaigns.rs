//! Campaigns as rows.

use super::sketch::Sketch;
use super::trail::Seconds;
use crate::comment::Comment;
use crate::store::rows::{Document, Packed, comment_id, from_json, time};
use crate::store::{Campaign, CampaignId, StoreError};

/// Characters of a comment that a list shows.
const EXCERPT: usize = 160;

#[derive(sqlx::FromRow)]
pub struct CampaignRow {
    cluster: i64,
    size: i64,
    anywhere: i64,
    sketch: Vec<u8>,
    first_at: Seconds,
    last_at: Seconds,
    id: Vec<u8>,
    comment: Packed,
    decision: Option<Document>,
}

impl CampaignRow {
    pub fn into_campaign(self) -> Result<Campaign, StoreError> {
        let named = format_args!("campaign {}", self.cluster);
        let moment = |at: Seconds| time(at.saturating_mul(1_000_000), named);
        let comment: Comment = self.comment.read(named)?;
        let Sketch { authors, posts, sites } = Sketch::read(&self.sketch);
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        Ok(Campaign {
            id: CampaignId(self.cluster),
            comments: count(self.size),
            comments_anywhere: count(self.anywhere),
            authors: authors.count(),
            posts: posts.count(),
            sites: sites.count(),
            first_seen: moment(self.first_at)?,
            last_seen: moment(self.last_at)?,
            example: comment_id(&self.id, named)?,
            excerpt: comment.content.chars().take(EXCERPT).collect(),
            decision: self.decision.map(|decision| from_json(&decision, named)).transpose()?,
        })
    }
}
