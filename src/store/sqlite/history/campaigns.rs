//! Campaigns as a site sees them, and what a person decides for a whole one.

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::rows::{Packed, comment_id, id_bytes, micros, to_json};
use super::seen::{CampaignRow, seconds};
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::{Before, Campaign, CampaignDecision, CampaignId, StoreError};

macro_rules! whole {
    ($where:literal) => {
        concat!(
            "SELECT campaigns.cluster, campaigns.size, clusters.size AS anywhere, clusters.sketch, campaigns.first_at,
                    campaigns.last_at, comments.id, comments.comment, campaigns.decision
               FROM campaigns
               JOIN clusters ON clusters.id = campaigns.cluster
               JOIN comments ON comments.row = campaigns.last
              WHERE campaigns.size > 0 AND ",
            $where
        )
    };
}

/// See [`crate::store::Store::campaigns`].
pub async fn campaigns(
    readers: &SqlitePool,
    site: SiteId,
    least: u32,
    before: Option<(Timestamp, CampaignId)>,
    limit: u32,
) -> Result<Vec<Campaign>, StoreError> {
    let (at, id) = before.map_or((i64::MAX, i64::MAX), |(at, id)| (seconds(micros(at)), id.0));
    let rows: Vec<CampaignRow> = sqlx::query_as(whole!(
        "campaigns.site = ?1 AND (campaigns.last_at, campaigns.cluster) < (?2, ?3) AND campaigns.size >= ?4
           ORDER BY campaigns.last_at DESC, campaigns.cluster DESC LIMIT ?5"
    ))
    .bind(site.0)
    .bind(at)
    .bind(id)
    .bind(least)
    .bind(limit)
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(CampaignRow::into_campaign).collect()
}

/// See [`crate::store::Store::campaign`].
pub async fn campaign(readers: &SqlitePool, site: SiteId, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
    let row: Option<CampaignRow> = sqlx::query_as(whole!("campaigns.cluster = ? AND campaigns.site = ?"))
        .bind(id.0)
        .bind(site.0)
        .fetch_optional(readers)
        .await?;
    row.map(CampaignRow::into_campaign).transpose()
}

/// See [`crate::store::Store::campaign_comments`].
pub async fn comments(
    readers: &SqlitePool,
    site: SiteId,
    id: CampaignId,
    after: Option<CommentId>,
    limit: u32,
) -> Result<Vec<CommentId>, StoreError> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT comments.id FROM traces JOIN comments ON comments.row = traces.comment
          WHERE traces.cluster = ?1 AND traces.site = ?2
            AND traces.comment > coalesce((SELECT row FROM comments WHERE id = ?3), 0)
          ORDER BY traces.comment LIMIT ?4",
    )
    .bind(id.0)
    .bind(site.0)
    .bind(after.map(id_bytes))
    .bind(limit)
    .fetch_all(readers)
    .await?;
    rows.iter().map(|id| comment_id(id, "a comment")).collect()
}

/// See [`crate::store::Store::decide_campaign`].
pub async fn decide(
    conn: &mut SqliteConnection,
    site: SiteId,
    id: CampaignId,
    decision: Option<CampaignDecision>,
) -> Result<(), StoreError> {
    let changed = sqlx::query("UPDATE campaigns SET decision = ? WHERE cluster = ? AND site = ? AND size > 0")
        .bind(decision.as_ref().map(to_json).transpose()?)
        .bind(id.0)
        .bind(site.0)
        .execute(conn)
        .await?;
    if changed.rows_affected() == 0 {
        return Err(StoreError::NotFound(format!("campaign {id}")));
    }
    Ok(())
}

/// See [`crate::store::Store::overruled`].
pub async fn overruled(
    readers: &SqlitePool,
    site: SiteId,
    id: CampaignId,
    limit: u32,
) -> Result<Vec<Before>, StoreError> {
    let rows: Vec<(Vec<u8>, Option<String>, Packed)> = sqlx::query_as(
        "SELECT comments.id, comments.external_id, overruled.verdict
           FROM overruled JOIN comments ON comments.row = overruled.comment
          WHERE overruled.cluster = ? AND comments.site = ?
          ORDER BY overruled.comment LIMIT ?",
    )
    .bind(id.0)
    .bind(site.0)
    .bind(limit)
    .fetch_all(readers)
    .await?;
    rows.into_iter()
        .map(|(id, external_id, verdict)| {
            let id = comment_id(&id, "a comment")?;
            Ok(Before { id, external_id, verdict: verdict.read(format_args!("the verdict on comment {id}"))? })
        })
        .collect()
}
