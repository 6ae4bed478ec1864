//! What became of a comment after it was first judged: people's words, later checks, an edit.

use sqlx::PgConnection;

use super::arrivals::keep;
use super::members::tell;
use super::seen::{Aside, Change, Kept, Trace};
use super::{lock, trails};
use crate::store::CampaignId;
use crate::store::postgres::failure::Outcome;

/// Makes what was counted of a comment true again.
pub async fn follow(conn: &mut PgConnection, change: Change<'_>) -> Outcome<()> {
    let Change { row, site, received_at, .. } = change;
    if change.traces.is_none() && trace(conn, row).await?.is_none() {
        return Ok(());
    }
    lock(conn).await?;
    let mut before = trace(conn, row).await?;
    if change.is_edit
        && let (Some(trace), Some(_)) = (&before, change.traces)
    {
        forget(conn, &change, trace).await?;
        before = None;
    }
    if before.is_none()
        && let (Some(traces), Some(decision)) = (change.traces, change.judged)
    {
        keep(conn, &[Kept { row, site, received_at, decision, traces }]).await?;
        before = trace(conn, row).await?;
    }
    let Some(before) = before else { return Ok(()) };
    let Some(after) = before.changed(&change) else { return Ok(()) };
    if before.is_counted {
        recount(conn, &change, &before, &after).await?;
    }
    let update = if before.is_counted {
        "UPDATE traces SET checks = $1, people = $2, people_at = $3 WHERE comment = $4"
    } else {
        "UPDATE arrivals SET checks = $1, people = $2, people_at = $3 WHERE comment = $4"
    };
    sqlx::query(update)
        .bind(after.checks)
        .bind(after.people)
        .bind(after.people_at)
        .bind(change.row)
        .execute(conn)
        .await?;
    Ok(())
}

/// Changes what was counted of a comment.
async fn recount(conn: &mut PgConnection, change: &Change<'_>, before: &Trace, after: &Trace) -> Outcome<()> {
    let mut counts = trails::read(conn, before.keys().into_iter().map(|key| key.hash)).await?;
    before.recount(&mut counts, after, change.at);
    trails::write(conn, &counts).await?;
    if let Some(cluster) = before.cluster {
        let ((was_ham, was_spam), (ham, spam)) = (before.ham_and_spam(), after.ham_and_spam());
        tell(conn, change.member(cluster), ham - was_ham, spam - was_spam).await?;
    }
    Ok(())
}

async fn trace(conn: &mut PgConnection, row: i64) -> Outcome<Option<Trace>> {
    let trace = sqlx::query_as(
        "SELECT at, cluster, flags, checks, people, people_at, keys, true AS is_counted FROM traces WHERE comment = $1
         UNION ALL
         SELECT at, NULL, flags, checks, people, people_at, keys, false FROM arrivals WHERE comment = $1",
    );
    Ok(trace.bind(row).fetch_optional(conn).await?)
}

/// Takes back what a comment left.
async fn forget(conn: &mut PgConnection, change: &Change<'_>, trace: &Trace) -> Outcome<()> {
    if !trace.is_counted {
        sqlx::query("DELETE FROM arrivals WHERE comment = $1").bind(change.row).execute(conn).await?;
        return Ok(());
    }
    sqlx::query("DELETE FROM traces WHERE comment = $1").bind(change.row).execute(&mut *conn).await?;
    let mut counts = trails::read(conn, trace.keys().into_iter().map(|key| key.hash)).await?;
    trace.uncount(&mut counts, change.at);
    trails::write(conn, &counts).await?;
    if let Some(cluster) = trace.cluster {
        let (ham, spam) = trace.ham_and_spam();
        tell(conn, change.member(cluster), -ham, -spam).await?;
        sqlx::query("UPDATE clusters SET size = greatest(0, size - 1) WHERE id = $1")
            .bind(cluster)
            .execute(&mut *conn)
            .await?;
        sqlx::query("UPDATE campaigns SET size = greatest(0, size - 1) WHERE cluster = $1 AND site = $2")
            .bind(cluster)
            .bind(change.site.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Keeps how a comment stands, before the campaign's decision replaces it. The first time only: what it stood like before
/// the first decision is what an undo restores.
pub async fn put_aside(conn: &mut PgConnection, campaign: CampaignId, row: i64, act: i64) -> Outcome<()> {
    // What a person said after an earlier decision is what stood before this one.
    sqlx::query(
        "DELETE FROM overruled
          WHERE cluster = $1 AND comment = $2
            AND EXISTS (SELECT 1 FROM acts
                         WHERE acts.comment = $2 AND acts.row > overruled.act AND acts.row < $3
                           AND acts.act::jsonb ->> 'recheck' IS NULL)",
    )
    .bind(campaign.0)
    .bind(row)
    .bind(act)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO overruled (cluster, comment, act, verdict, said, label, labelled_at)
         SELECT $1, comment, $3, verdict, said, label, labelled_at FROM verdicts WHERE comment = $2
         ON CONFLICT (cluster, comment) DO UPDATE SET act = excluded.act",
    )
    .bind(campaign.0)
    .bind(row)
    .bind(act)
    .execute(conn)
    .await?;
    Ok(())
}

/// How the comment stood before the campaign was decided, if nobody has spoken since. It can be asked once.
pub async fn take_back(conn: &mut PgConnection, campaign: CampaignId, row: i64) -> Outcome<Option<Aside>> {
    let aside: Option<Aside> = sqlx::query_as(
        "SELECT said, label, labelled_at FROM overruled
          WHERE cluster = $1 AND comment = $2
            AND NOT EXISTS (SELECT 1 FROM acts
                             WHERE acts.comment = $2 AND acts.row > overruled.act
                               AND acts.act::jsonb ->> 'recheck' IS NULL)",
    )
    .bind(campaign.0)
    .bind(row)
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM overruled WHERE cluster = $1 AND comment = $2")
        .bind(campaign.0)
        .bind(row)
        .execute(conn)
        .await?;
    Ok(aside)
}
