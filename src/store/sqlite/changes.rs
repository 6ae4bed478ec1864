//! What becomes of a comment that was admitted before: a person's word, a later check, an edit.

use sqlx::SqliteConnection;

use super::admission::body_hash;
use super::fanout::{Telling, To, fan_out};
use super::history::{self, Hashed};
use super::ledger::Ledger;
use super::rows::{from_json, id_bytes, micros, to_json};
use super::search;
use crate::comment::{Comment, CommentId};
use crate::site::SiteId;
use crate::statistics::{Count, counts};
use crate::store::{Act, Change, StoreError};
use crate::verdict::{Decision, Label, Verdict};

/// A comment before it changes.
#[derive(sqlx::FromRow)]
struct Before {
    row: i64,
    received_at: i64,
    comment: Vec<u8>,
    verdict: Option<Vec<u8>>,
    judged: Option<String>,
    said: Option<String>,
    label: Option<String>,
    callback: Option<i64>,
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
        "SELECT row, received_at, comment, verdict, judged, said, label,
                (SELECT row FROM endpoints WHERE endpoints.row = comments.callback AND disabled IS NULL) AS callback
           FROM comments WHERE id = ? AND site = ?",
    )
    .bind(id_bytes(id))
    .bind(site.0)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(before) = before else { return Err(StoreError::NotFound(format!("comment {id}"))) };
    let what = change.entry.what;
    let mut said = match what {
        Act::Label(_) | Act::Decision(_) => Some(to_json(&what)?),
        Act::Recheck(_) | Act::Edit(_) | Act::Undo(_) => None,
    };
    let mut restored = None;
    if let (Act::Undo(_), Some(campaign)) = (what, change.campaign) {
        // A person has spoken since, or there is nothing to be undone.
        let Some(aside) = history::take_back(conn, campaign, before.row).await? else { return Ok(false) };
        said.clone_from(&aside.said);
        restored = Some(aside);
    }
    let is_idle = match what {
        Act::Label(_) | Act::Decision(_) => before.said == said,
        Act::Recheck(_) => before.said.is_some(),
        Act::Edit(_) => false,
        Act::Undo(_) => restored.is_none(),
    };
    if is_idle {
        return Ok(false);
    }

    let old_comment: Comment = from_json(&before.comment, format_args!("comment {id}"))?;
    let old_label: Option<Label> = before.label.as_deref().and_then(|label| label.parse().ok());
    // A decision says nothing about what is true; a label was about the text that an edit replaces.
    let label = match what {
        Act::Label(label) => Some(label),
        Act::Decision(_) | Act::Recheck(_) => old_label,
        Act::Edit(_) => None,
        Act::Undo(_) => restored.as_ref().and_then(|aside| aside.label.as_ref()?.parse().ok()),
    };
    let comment = change.comment.as_ref().unwrap_or(&old_comment);
    let old_judged: Option<Decision> = before.judged.as_deref().and_then(|judged| judged.parse().ok());
    let judged = change.judged.or(old_judged);

    let old_counts = match (&before.verdict, old_judged) {
        (Some(verdict), Some(judged)) => {
            let verdict: Verdict = from_json(verdict, format_args!("the verdict on comment {id}"))?;
            counts(&old_comment, judged, &verdict.evidence, old_label)
        }
        _ => Vec::new(),
    };
    let new_counts: Vec<Count> =
        judged.map(|judged| counts(comment, judged, &change.verdict.evidence, label)).unwrap_or_default();
    let mut ledger = Ledger::of_site(conn, site).await?;
    ledger.tallies.take_back(site, before.received_at, &old_counts);
    ledger.tallies.add(site, before.received_at, &new_counts);
    ledger.tallies.write(conn).await?;

    let at = micros(change.entry.at);
    let replaced = change.comment.as_ref().map(|_| before.comment.as_slice());
    let (unlearn, learn) = if old_label == label { (None, None) } else { (old_label, label) };
    let act =
        sqlx::query("INSERT INTO acts (comment, act, replaced, unlearn, learn) VALUES (?, ?, CAST(? AS TEXT), ?, ?)")
            .bind(before.row)
            .bind(to_json(&change.entry)?)
            .bind(replaced)
            .bind(unlearn.map(Label::as_str))
            .bind(learn.map(Label::as_str))
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
            SET verdict = ?2, decision = ?3, judged = ?4,
                said = CASE WHEN ?5 IS NOT NULL OR ?8 OR ?11 THEN ?5 ELSE said END,
                labelled_at = CASE WHEN ?11 THEN ?12 WHEN label IS ?6 THEN labelled_at WHEN ?6 IS NULL THEN NULL ELSE ?7 END,
                label = ?6,
                comment = CASE WHEN ?8 THEN ?9 ELSE comment END,
                fingerprint = coalesce(?10, fingerprint)
          WHERE row = ?1",
    )
    .bind(before.row)
    .bind(to_json(&change.verdict)?)
    .bind(change.verdict.decision.as_str())
    .bind(judged.map(Decision::as_str))
    .bind(&said)
    .bind(label.map(Label::as_str))
    .bind(at)
    .bind(matches!(what, Act::Edit(_)))
    .bind(to_json(comment)?)
    .bind(change.fingerprint)
    .bind(restored.is_some())
    .bind(restored.as_ref().and_then(|aside| aside.labelled_at))
    .execute(&mut *conn)
    .await?;
    let stands = if matches!(what, Act::Edit(_)) { None } else { said.or(before.said) };
    let stands = if restored.is_some() { restored.and_then(|aside| aside.said) } else { stands };
    let stands = stands.map(|said| from_json::<Act>(said.as_bytes(), format_args!("what was said of comment {id}")));
    let followed = history::Change {
        row: before.row,
        site,
        received_at: before.received_at,
        at,
        judged,
        said: stands.transpose()?.and_then(Act::decision_of_a_person),
        is_edit: matches!(what, Act::Edit(_)),
        traces: hashed.as_ref(),
    };
    history::follow(conn, followed).await?;
    sqlx::query("DELETE FROM jobs WHERE comment = ? AND kind = 'decide'").bind(before.row).execute(&mut *conn).await?;
    if matches!(what, Act::Recheck(_) | Act::Edit(_)) || before.verdict.is_none() {
        search::refresh(conn, [before.row]).await?;
    }
    let comment = Some(before.row);
    let to_listeners = change.event.iter().map(|event| Telling { site, comment, event, at, to: To::Listeners });
    let to_the_cms = change.call_back.iter().zip(before.callback);
    let to_the_cms = to_the_cms.map(|(event, endpoint)| Telling { site, comment, event, at, to: To::One(endpoint) });
    fan_out(conn, &mut ledger, to_listeners.chain(to_the_cms)).await?;
    Ok(true)
}
