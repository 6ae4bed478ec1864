//! Campaigns as a site sees them, and what a person decides for a whole one.

use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};

use super::seen::{CampaignRow, seconds};
use crate::comment::{Comment, CommentId};
use crate::site::SiteId;
use crate::store::postgres::failure::Outcome;
use crate::store::rows::{Packed, comment_id, id_bytes, micros, to_json};
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
    pool: &PgPool,
    site: SiteId,
    least: u32,
    before: Option<(Timestamp, CampaignId)>,
    limit: u32,
) -> Outcome<Vec<Campaign>> {
    let (at, id) = before.map_or((i64::MAX, i64::MAX), |(at, id)| (seconds(micros(at)), id.0));
    let rows: Vec<CampaignRow> = sqlx::query_as(whole!(
        "campaigns.site = $1 AND (campaigns.last_at, campaigns.cluster) < ($2, $3) AND campaigns.size >= $4
           ORDER BY campaigns.last_at DESC, campaigns.cluster DESC LIMIT $5"
    ))
    .bind(site.0)
    .bind(at)
    .bind(id)
    .bind(i64::from(least))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(CampaignRow::into_campaign).collect::<Result<_, _>>()?)
}

/// See [`crate::store::Store::campaign`].
pub async fn campaign(pool: &PgPool, site: SiteId, id: CampaignId) -> Outcome<Option<Campaign>> {
    let row: Option<CampaignRow> = sqlx::query_as(whole!("campaigns.cluster = $1 AND campaigns.site = $2"))
        .bind(id.0)
        .bind(site.0)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(CampaignRow::into_campaign).transpose()?)
}

/// See [`crate::store::Store::campaign_comments`].
pub async fn comments(
    pool: &PgPool,
    site: SiteId,
    id: CampaignId,
    after: Option<CommentId>,
    limit: u32,
) -> Outcome<Vec<CommentId>> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT comments.id FROM traces JOIN comments ON comments.row = traces.comment
          WHERE traces.cluster = $1 AND traces.site = $2
            AND traces.comment > coalesce((SELECT row FROM comments WHERE id = $3), 0)
          ORDER BY traces.comment LIMIT $4",
    )
    .bind(id.0)
    .bind(site.0)
    .bind(after.map(id_bytes))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    Ok(rows.iter().map(|id| comment_id(id, "a comment")).collect::<Result<_, _>>()?)
}

/// See [`crate::store::Store::decide_campaign`].
pub async fn decide(
    conn: &mut PgConnection,
    site: SiteId,
    id: CampaignId,
    decision: Option<&CampaignDecision>,
) -> Outcome<()> {
    let changed = sqlx::query("UPDATE campaigns SET decision = $1 WHERE cluster = $2 AND site = $3 AND size > 0")
        .bind(decision.map(to_json).transpose()?)
        .bind(id.0)
        .bind(site.0)
        .execute(conn)
        .await?;
    if changed.rows_affected() == 0 {
        return Err(StoreError::NotFound(format!("campaign {id}")).into());
    }
    Ok(())
}

/// See [`crate::store::Store::overruled`].
pub async fn overruled(pool: &PgPool, site: SiteId, id: CampaignId, limit: u32) -> Outcome<Vec<Before>> {
    // The CMS's own id as it was sent: the column has a key.
    let rows: Vec<(Vec<u8>, Packed, Packed)> = sqlx::query_as(
        "SELECT comments.id, comments.comment, overruled.verdict
           FROM overruled JOIN comments ON comments.row = overruled.comment
          WHERE overruled.cluster = $1 AND comments.site = $2
          ORDER BY overruled.comment LIMIT $3",
    )
    .bind(id.0)
    .bind(site.0)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, comment, verdict)| {
            let id = comment_id(&id, "a comment")?;
            let named = format_args!("comment {id}");
            let Comment { external_id, .. } = comment.read(named)?;
            Ok(Before { id, external_id, verdict: verdict.read(format_args!("the verdict on {named}"))? })
        })
        .collect()
}
