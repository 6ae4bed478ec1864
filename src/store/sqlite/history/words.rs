//! What became of a comment after it was first judged: people's words, later checks, an edit.

use sqlx::SqliteConnection;

use super::arrivals::{Arrival, keep};
use super::keys::{Hashed, Key};
use super::members::{Member, tell};
use super::trail::{Seconds, Sight, Word};
use super::trails::Trails;
use super::{LINKS, SAYS_SOMETHING, SHORT, seconds};
use crate::site::SiteId;
use crate::store::{CampaignId, StoreError};
use crate::verdict::Decision;

/// A comment that changes.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    pub row: i64,
    pub site: SiteId,
    pub received_at: i64,
    /// When it changes, microseconds.
    pub at: i64,
    /// What the checks say of it from now on, if they ever did.
    pub judged: Option<Decision>,
    /// What a person says from now on.
    pub said: Option<Decision>,
    /// Whether its text is another one from now on.
    pub is_edit: bool,
    /// What it leaves behind, when the checks have read it.
    pub traces: Option<&'a Hashed>,
}

impl Change<'_> {
    fn member(&self, cluster: i64) -> Member {
        Member { cluster, site: self.site.0, row: self.row, at: seconds(self.received_at) }
    }
}

/// What a comment left behind, as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Trace {
    pub at: Seconds,
    pub cluster: Option<i64>,
    pub flags: i64,
    pub checks: i64,
    pub people: i64,
    pub people_at: Seconds,
    pub keys: Vec<u8>,
    /// Until it is, the counts know nothing of it.
    pub is_counted: bool,
}

impl Trace {
    pub fn sight(&self) -> Sight {
        Sight { at: self.at, outcome: self.checks.into(), is_short: self.flags & SHORT != 0, spelling: None }
    }

    /// What a person said of it, if one did.
    pub fn word(&self) -> Option<Word> {
        Some(Word {
            at: self.people_at,
            is_approval: match self.people {
                1 => true,
                2 => false,
                _ => return None,
            },
            day: (self.flags & SAYS_SOMETHING != 0).then_some(self.at),
            has_link: self.flags & LINKS != 0,
        })
    }
}

/// Makes what was counted of a comment true again.
pub async fn follow(conn: &mut SqliteConnection, change: Change<'_>) -> Result<(), StoreError> {
    let mut before = trace(conn, change.row).await?;
    if change.is_edit
        && let (Some(trace), Some(_)) = (&before, change.traces)
    {
        forget(conn, &change, trace).await?;
        before = None;
    }
    if before.is_none()
        && let (Some(traces), Some(decision)) = (change.traces, change.judged)
    {
        let Change { row, site, received_at, .. } = change;
        keep(conn, &[Arrival { row, site, received_at, decision, traces }]).await?;
        before = trace(conn, change.row).await?;
    }
    let Some(before) = before else { return Ok(()) };
    let now = seconds(change.at);
    let mut after = before.clone();
    if let Some(judged) = change.judged {
        after.checks = super::Outcome::from(judged) as i64;
    }
    after.people = match change.said {
        Some(Decision::Approve) => 1,
        Some(Decision::Spam | Decision::Discard) => 2,
        Some(Decision::Hold) | None => 0,
    };
    let is_same_word = after.people == before.people;
    if is_same_word && after.checks == before.checks {
        return Ok(());
    }
    if !is_same_word {
        after.people_at = now;
    }
    if before.is_counted {
        recount(conn, &change, &before, &after).await?;
    }
    sqlx::query("UPDATE traces SET checks = ?, people = ?, people_at = ? WHERE comment = ?")
        .bind(after.checks)
        .bind(after.people)
        .bind(after.people_at)
        .bind(change.row)
        .execute(conn)
        .await?;
    Ok(())
}

/// Changes what was counted of a comment.
async fn recount(
    conn: &mut SqliteConnection,
    change: &Change<'_>,
    before: &Trace,
    after: &Trace,
) -> Result<(), StoreError> {
    let now = seconds(change.at);
    let keys = Key::read(&before.keys);
    let mut trails = Trails::read(conn, keys.iter().map(|key| key.hash)).await?;
    for key in keys {
        let trail = trails.of(key.hash);
        if key.is_seen() && after.checks != before.checks {
            trail.unsee(before.sight(), now);
            trail.recount(after.sight(), now);
        }
        if key.is_heard() && after.people != before.people {
            before.word().into_iter().for_each(|word| trail.unhear(word, now));
            after.word().into_iter().for_each(|word| trail.hear(word));
        }
    }
    trails.write(conn).await?;
    if let Some(cluster) = before.cluster {
        let is = |trace: &Trace, people: i64| i64::from(trace.people == people);
        let (ham, spam) = (is(after, 1) - is(before, 1), is(after, 2) - is(before, 2));
        tell(conn, change.member(cluster), ham, spam).await?;
    }
    Ok(())
}

async fn trace(conn: &mut SqliteConnection, row: i64) -> Result<Option<Trace>, StoreError> {
    let trace = sqlx::query_as(
        "SELECT at, cluster, flags, checks, people, people_at, keys, waiting IS NULL AS is_counted
           FROM traces WHERE comment = ?",
    );
    Ok(trace.bind(row).fetch_optional(conn).await?)
}

/// Takes back what a comment left.
async fn forget(conn: &mut SqliteConnection, change: &Change<'_>, trace: &Trace) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM traces WHERE comment = ?").bind(change.row).execute(&mut *conn).await?;
    if !trace.is_counted {
        return Ok(());
    }
    let now = seconds(change.at);
    let keys = Key::read(&trace.keys);
    let mut trails = Trails::read(conn, keys.iter().map(|key| key.hash)).await?;
    for key in keys {
        let trail = trails.of(key.hash);
        if key.is_seen() {
            trail.unsee(trace.sight(), now);
        }
        if key.is_heard() {
            trace.word().into_iter().for_each(|word| trail.unhear(word, now));
        }
    }
    trails.write(conn).await?;
    if let Some(cluster) = trace.cluster {
        tell(conn, change.member(cluster), -i64::from(trace.people == 1), -i64::from(trace.people == 2)).await?;
        sqlx::query("UPDATE clusters SET size = max(0, size - 1) WHERE id = ?")
            .bind(cluster)
            .execute(&mut *conn)
            .await?;
        sqlx::query("UPDATE campaigns SET size = max(0, size - 1) WHERE cluster = ? AND site = ?")
            .bind(cluster)
            .bind(change.site.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// How a comment stood before a campaign's decision: verdict, what a person had said, the label.
#[derive(Debug, sqlx::FromRow)]
pub struct Aside {
    pub said: Option<String>,
    pub label: Option<String>,
    pub labelled_at: Option<i64>,
}

/// Keeps how a comment stands, before the campaign's decision replaces it. The first time only: what it stood like before
/// the first decision is what an undo restores.
pub async fn put_aside(
    conn: &mut SqliteConnection,
    campaign: CampaignId,
    row: i64,
    act: i64,
) -> Result<(), StoreError> {
    // What a person said after an earlier decision is what stood before this one.
    sqlx::query(
        "DELETE FROM overruled
          WHERE cluster = ?1 AND comment = ?2
            AND EXISTS (SELECT 1 FROM acts
                         WHERE acts.comment = ?2 AND acts.row > overruled.act AND acts.row < ?3
                           AND acts.act ->> 'recheck' IS NULL)",
    )
    .bind(campaign.0)
    .bind(row)
    .bind(act)
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO overruled (cluster, comment, act, verdict, said, label, labelled_at)
         SELECT ?1, row, ?3, verdict, said, label, labelled_at FROM comments WHERE row = ?2 AND verdict IS NOT NULL
         ON CONFLICT DO UPDATE SET act = excluded.act",
    )
    .bind(campaign.0)
    .bind(row)
    .bind(act)
    .execute(conn)
    .await?;
    Ok(())
}

/// How the comment stood before the campaign was decided, if nobody has spoken since. It can be asked once.
pub async fn take_back(
    conn: &mut SqliteConnection,
    campaign: CampaignId,
    row: i64,
) -> Result<Option<Aside>, StoreError> {
    let aside: Option<Aside> = sqlx::query_as(
        "SELECT said, label, labelled_at FROM overruled
          WHERE cluster = ?1 AND comment = ?2
            AND NOT EXISTS (SELECT 1 FROM acts
                             WHERE acts.comment = ?2 AND acts.row > overruled.act
                               AND acts.act ->> 'recheck' IS NULL)",
    )
    .bind(campaign.0)
    .bind(row)
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM overruled WHERE cluster = ? AND comment = ?")
        .bind(campaign.0)
        .bind(row)
        .execute(conn)
        .await?;
    Ok(aside)
}
