//! Comments as rows.

use super::{Document, Packed, comment_id, from_json, time, unreadable};
use crate::site::SiteId;
use crate::store::{HamComment, HamWord, LabelledComment, Status, StoreError, StoredComment};

#[derive(sqlx::FromRow)]
/// A comment with its open job, if there is one, and what happened to it.
pub(in crate::store) struct CommentRow {
    id: Vec<u8>,
    comment: Packed,
    received_at: i64,
    verdict: Option<Packed>,
    judged: Option<String>,
    state: Option<String>,
    attempts: Option<i64>,
    last_error: Option<String>,
    history: Document,
}

impl CommentRow {
    pub(in crate::store) fn into_comment(self, site: SiteId) -> Result<StoredComment, StoreError> {
        let id = comment_id(&self.id, "a comment")?;
        let named = format_args!("comment {id}");
        let status = match (self.verdict, self.state.as_deref()) {
            (Some(verdict), _) => Status::Decided { verdict: verdict.read(format_args!("the verdict on {named}"))? },
            (None, Some("pending")) => Status::Queued,
            (None, Some(_)) => Status::DeadLetter {
                attempts: self.attempts.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
                last_error: self.last_error.unwrap_or_default(),
            },
            (None, None) => {
                Status::DeadLetter { attempts: 0, last_error: "given up, and the dead letter was purged".to_owned() }
            }
        };
        Ok(StoredComment {
            id,
            site,
            comment: self.comment.read(named)?,
            received_at: time(self.received_at, named)?,
            status,
            judged: self.judged.and_then(|judged| judged.parse().ok()),
            history: from_json(&self.history, format_args!("the history of {named}"))?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct LabelledRow {
    id: Vec<u8>,
    site: i64,
    comment: Packed,
    label: String,
    labelled_at: i64,
}

impl LabelledRow {
    pub(in crate::store) fn into_comment(self) -> Result<LabelledComment, StoreError> {
        let id = comment_id(&self.id, "a labelled comment")?;
        let named = format_args!("comment {id}");
        Ok(LabelledComment {
            id,
            site: SiteId(self.site),
            comment: self.comment.read(named)?,
            label: self.label.parse().map_err(|error| unreadable(named, error))?,
            labelled_at: time(self.labelled_at, named)?,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(in crate::store) struct HamRow {
    id: Vec<u8>,
    comment: Packed,
    verdict: Packed,
    is_labelled: bool,
    is_decided: bool,
}

impl HamRow {
    pub(in crate::store) fn into_comment(self) -> Result<HamComment, StoreError> {
        let id = comment_id(&self.id, "a comment")?;
        let named = format_args!("comment {id}");
        Ok(HamComment {
            id,
            comment: self.comment.read(named)?,
            verdict: self.verdict.read(format_args!("the verdict on {named}"))?,
            word: match (self.is_labelled, self.is_decided) {
                (true, _) => HamWord::Labelled,
                (false, true) => HamWord::Approved,
                (false, false) => HamWord::Presumed,
            },
        })
    }
}
