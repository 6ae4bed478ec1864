//! What becomes of a comment that was admitted before: a person's word, a later check, an edit.

use sqlx::PgConnection;

use super::columns::key;
use super::failure::Outcome;
use super::fanout::{Telling, To, fan_out};
use super::history::{self, Hashed};
use super::ledger::{Known, Ledger};
use super::{search, tallies};
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::rows::{Packed, body_hash, id_bytes, micros, to_json};
use crate::store::standing::{Changed, Standing, Word};
use crate::store::{Act, Change, StoreError};
use crate::verdict::{Decision, Label};

/// A comment before it changes.
#[derive(sqlx::FromRow)]
struct Before {
    received_at: i64,
    comment: Packed,
    verdict: Option<Packed>,
    judged: Option<String>,
    said: Option<String>,
    label: Option<String>,
    labelled_at: Option<i64>,
    /// Of an enabled endpoint.
    callback: Option<i64>,
}

impl Before {
    fn standing(&self, id: CommentId) -> Result<Standing, StoreError> {
        let named = format_args!("comment {id}");
        let verdict = self.verdict.as_ref();
        Ok(Standing {
            comment: self.comment.read(named)?,
            verdict: verdict.map(|verdict| verdict.read(format_args!("the verdict on {named}"))).transpose()?,
            judged: self.judged.as_deref().and_then(|judged| judged.parse().ok()),
            word: Word {
                said: self.said.clone(),
                label: self.label.as_deref().and_then(|label| label.parse().ok()),
                labelled_at: self.labelled_at,
            },
        })
    }
}

/// See [`crate::store::Store::record_change`]. In a transaction that relies on the directory.
pub(super) async fn record(
    conn: &mut PgConnection,
    known: &Known,
    site: SiteId,
    id: CommentId,
    change: &Change,
    hashed: Option<&Hashed>,
) -> Outcome<bool> {
    let row = lock(conn, site, id).await?;
    let before = read(conn, row).await?;
    let standing = before.standing(id)?;
    let at = micros(change.entry.at);
    let what = change.entry.what;
    let restored = match (what, change.campaign) {
        (Act::Undo(_), Some(campaign)) => history::take_back(conn, campaign, row).await?.map(Word::from),
        _ => None,
    };
    let Some(changed) = standing.changed(change, restored, at)? else { return Ok(false) };

    let act = keep_act(conn, row, &before, change, &changed).await?;
    if let (Some(campaign), Act::Label(_) | Act::Decision(_)) = (change.campaign, what) {
        history::put_aside(conn, campaign, row, act).await?;
    }
    keep_edit(conn, site, row, change).await?;
    keep_verdict(conn, site, id, row, &before, change, &changed).await?;
    let followed = history::Change {
        row,
        site,
        received_at: before.received_at,
        at,
        judged: changed.judged,
        said: changed.word.decision()?,
        is_edit: matches!(what, Act::Edit(_)),
        traces: hashed,
    };
    history::follow(conn, followed).await?;
    sqlx::query("DELETE FROM jobs WHERE kind = 'decide' AND comment = $1").bind(row).execute(&mut *conn).await?;
    if matches!(what, Act::Recheck(_) | Act::Edit(_)) || before.verdict.is_none() {
        search::refresh(conn, &[row]).await?;
    }
    let mut ledger = Ledger::read(conn, known).await?;
    let comment = Some(row);
    let to_listeners =
        change.event.iter().map(|event| Telling { site, comment, event, verdict: None, at, to: To::Listeners });
    let to_the_cms = change.call_back.iter().zip(before.callback);
    let to_the_cms =
        to_the_cms.map(|(event, endpoint)| Telling { site, comment, event, verdict: None, at, to: To::One(endpoint) });
    fan_out(conn, &ledger, to_listeners.chain(to_the_cms)).await?;
    ledger.tallies.take_back(site, before.received_at, &changed.old_counts);
    ledger.tallies.add(site, before.received_at, &changed.new_counts);
    tallies::write(conn, &mut ledger.tallies).await?;
    Ok(true)
}

/// The comment's row, which nobody else changes now. Its open job first, as a verdict has it: so neither waits for the
/// other in a circle.
async fn lock(conn: &mut PgConnection, site: SiteId, id: CommentId) -> Outcome<i64> {
    sqlx::query(
        "SELECT FROM jobs JOIN comments ON comments.row = jobs.comment
          WHERE jobs.kind = 'decide' AND comments.id = $1
            FOR UPDATE OF jobs",
    )
    .bind(id_bytes(id))
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query_scalar("SELECT row FROM comments WHERE id = $1 AND site = $2 FOR UPDATE")
        .bind(id_bytes(id))
        .bind(site.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.ok_or_else(|| StoreError::NotFound(format!("comment {id}")))?)
}

/// A statement of its own: what is read after waiting for a lock is what was kept meanwhile.
async fn read(conn: &mut PgConnection, row: i64) -> Outcome<Before> {
    let before = sqlx::query_as(
        "SELECT comments.received_at, comments.comment, verdicts.verdict, verdicts.judged, verdicts.said, verdicts.label,
                verdicts.labelled_at,
                (SELECT row FROM endpoints WHERE endpoints.row = comments.callback AND disabled IS NULL) AS callback
           FROM comments LEFT JOIN verdicts ON verdicts.comment = comments.row
          WHERE comments.row = $1",
    )
    .bind(row)
    .fetch_one(conn)
    .await?;
    Ok(before)
}

/// What happened; an act that teaches is numbered under a lock, so that numbers come to light in their order.
async fn keep_act(
    conn: &mut PgConnection,
    row: i64,
    before: &Before,
    change: &Change,
    changed: &Changed,
) -> Outcome<i64> {
    let lesson: Option<i64> = if changed.unlearn.is_none() && changed.learn.is_none() {
        None
    } else {
        sqlx::query_scalar("UPDATE meta SET value = value + 1 WHERE name = 'lessons' RETURNING value")
            .fetch_optional(&mut *conn)
            .await?
    };
    let replaced =
        change.comment.as_ref().map(|_| before.comment.text(format_args!("comment row {row}"))).transpose()?;
    let act = sqlx::query_scalar(
        "INSERT INTO acts (comment, act, replaced, unlearn, learn, lesson) VALUES ($1, $2, $3, $4, $5, $6) RETURNING row",
    )
    .bind(row)
    .bind(to_json(&change.entry)?)
    .bind(replaced)
    .bind(changed.unlearn.map(Label::as_str))
    .bind(changed.learn.map(Label::as_str))
    .bind(lesson)
    .fetch_one(conn)
    .await?;
    Ok(act)
}

/// The comment as it reads now, and by what it is found.
async fn keep_edit(conn: &mut PgConnection, site: SiteId, row: i64, change: &Change) -> Outcome<()> {
    let comment = change.comment.as_ref().map(to_json).transpose()?;
    if let (Some(text), Some(comment)) = (&change.idempotency_key, &comment) {
        sqlx::query(
            "INSERT INTO edit_keys (site, idempotency_key, comment, body_hash) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(site.0)
        .bind(key(text))
        .bind(row)
        .bind(body_hash(comment))
        .execute(&mut *conn)
        .await?;
    }
    if comment.is_some() || change.fingerprint.is_some() {
        sqlx::query(
            "UPDATE comments SET comment = coalesce($2, comment), fingerprint = coalesce($3, fingerprint) WHERE row = $1",
        )
        .bind(row)
        .bind(comment.map(|json| Packed::of(&json).into_bytes()))
        .bind(change.fingerprint)
        .execute(conn)
        .await?;
    }
    Ok(())
}

async fn keep_verdict(
    conn: &mut PgConnection,
    site: SiteId,
    id: CommentId,
    row: i64,
    before: &Before,
    change: &Change,
    changed: &Changed,
) -> Outcome<()> {
    sqlx::query(
        "INSERT INTO verdicts (comment, site, received_at, verdict, decision, judged, said, label, labelled_at, labelled_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (comment) DO UPDATE
            SET verdict = excluded.verdict, decision = excluded.decision, judged = excluded.judged,
                said = excluded.said, label = excluded.label, labelled_at = excluded.labelled_at,
                labelled_id = excluded.labelled_id",
    )
    .bind(row)
    .bind(site.0)
    .bind(before.received_at)
    .bind(Packed::of(&to_json(&change.verdict)?).into_bytes())
    .bind(change.verdict.decision.as_str())
    .bind(changed.judged.map(Decision::as_str))
    .bind(&changed.word.said)
    .bind(changed.word.label.map(Label::as_str))
    .bind(changed.word.labelled_at)
    .bind(changed.word.label.map(|_| id_bytes(id)))
    .execute(conn)
    .await?;
    Ok(())
}
