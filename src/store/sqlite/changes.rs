//! What becomes of a comment that was admitted before: a person's word, a later check, an edit.

use sqlx::SqliteConnection;

use super::admission::body_hash;
use super::fanout::{Telling, To, fan_out};
use super::history::{self, Hashed};
use super::ledger::Ledger;
use super::rows::{Packed, id_bytes, micros, to_json};
use super::search;
use crate::comment::CommentId;
use crate::site::SiteId;
use crate::store::standing::{Standing, Word};
use crate::store::{Act, Change, StoreError};
use crate::verdict::{Decision, Label};

/// A comment before it changes.
#[derive(sqlx::FromRow)]
struct Before {
    row: i64,
    received_at: i64,
    comment: Packed,
    verdict: Option<Packed>,
    judged: Option<String>,
    said: Option<String>,
    label: Option<String>,
    labelled_at: Option<i64>,
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

/// See [`crate::store::Store::record_change`].
pub(super) async fn record(
    conn: &mut SqliteConnection,
    site: SiteId,
    id: CommentId,
    change: Change,
    hashed: Option<Hashed>,
) -> Result<bool, StoreError> {
    let before: Option<Before> = sqlx::query_as(
        "SELECT row, received_at, comment, verdict, judged, said, label, labelled_at,
                (SELECT row FROM endpoints WHERE endpoints.row = comments.callback AND disabled IS NULL) AS callback
           FROM comments WHERE id = ? AND site = ?",
    )
    .bind(id_bytes(id))
    .bind(site.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(before) = before else { return Err(StoreError::NotFound(format!("comment {id}"))) };
    let what = change.entry.what;
    let at = micros(change.entry.at);
    let restored = match (what, change.campaign) {
        (Act::Undo(_), Some(campaign)) => history::take_back(conn, campaign, before.row).await?.map(Word::from),
        _ => None,
    };
    let Some(changed) = before.standing(id)?.changed(&change, restored, at)? else { return Ok(false) };
    let mut ledger = Ledger::of_site(conn, site).await?;
    ledger.tallies.take_back(site, before.received_at, &changed.old_counts);
    ledger.tallies.add(site, before.received_at, &changed.new_counts);
    ledger.tallies.write(conn).await?;

    let replaced = change.comment.as_ref().map(|_| before.comment.text(format_args!("comment {id}"))).transpose()?;
    let act = sqlx::query("INSERT INTO acts (comment, act, replaced, unlearn, learn) VALUES (?, ?, ?, ?, ?)")
        .bind(before.row)
        .bind(to_json(&change.entry)?)
        .bind(replaced)
        .bind(changed.unlearn.map(Label::as_str))
        .bind(changed.learn.map(Label::as_str))
        .execute(&mut *conn)
        .await?
        .last_insert_rowid();
    if let (Some(campaign), Act::Label(_) | Act::Decision(_)) = (change.campaign, what) {
        history::put_aside(conn, campaign, before.row, act).await?;
    }
    if let (Some(key), Some(comment)) = (&change.idempotency_key, &change.comment) {
        sqlx::query("INSERT INTO edit_keys (site, idempotency_key, comment, body_hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(site.0)
            .bind(key)
            .bind(before.row)
            .bind(body_hash(&to_json(comment)?))
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query(
        "UPDATE comments
            SET verdict = ?2, decision = ?3, judged = ?4, said = ?5, label = ?6, labelled_at = ?7,
                comment = coalesce(?8, comment), fingerprint = coalesce(?9, fingerprint)
          WHERE row = ?1",
    )
    .bind(before.row)
    .bind(Packed::of(&to_json(&change.verdict)?).bytes())
    .bind(change.verdict.decision.as_str())
    .bind(changed.judged.map(Decision::as_str))
    .bind(&changed.word.said)
    .bind(changed.word.label.map(Label::as_str))
    .bind(changed.word.labelled_at)
    .bind(change.comment.as_ref().map(to_json).transpose()?.map(|json| Packed::of(&json)).as_ref().map(Packed::bytes))
    .bind(change.fingerprint)
    .execute(&mut *conn)
    .await?;
    let followed = history::Change {
        row: before.row,
        site,
        received_at: before.received_at,
        at,
        judged: changed.judged,
        said: changed.word.decision()?,
        is_edit: matches!(what, Act::Edit(_)),
        traces: hashed.as_ref(),
    };
    history::follow(conn, followed).await?;
    sqlx::query("DELETE FROM jobs WHERE comment = ? AND kind = 'decide'").bind(before.row).execute(&mut *conn).await?;
    if matches!(what, Act::Recheck(_) | Act::Edit(_)) || before.verdict.is_none() {
        search::refresh(conn, [before.row]).await?;
    }
    let comment = Some(before.row);
    let to_listeners =
        change.event.iter().map(|event| Telling { site, comment, event, verdict: None, at, to: To::Listeners });
    let to_the_cms = change.call_back.iter().zip(before.callback);
    let to_the_cms =
        to_the_cms.map(|(event, endpoint)| Telling { site, comment, event, verdict: None, at, to: To::One(endpoint) });
    fan_out(conn, &mut ledger, to_listeners.chain(to_the_cms)).await?;
    Ok(true)
}
