//! What people's labels teach, in the order in which they said it.
//!
//! Owns finding the text that a label was about. Does not own which acts teach what: `changes` writes that down with the
//! act.

use sqlx::SqlitePool;

use super::rows::{Packed, from_json, unreadable};
use crate::site::SiteId;
use crate::store::seen::unhex;
use crate::store::{Lesson, Lessons, StoreError};
use crate::verdict::Label;

/// An act's row, its site, what it unlearns and learns, and the comment as it is kept, in hexadecimal digits.
type LessonRow = (i64, i64, Option<String>, Option<String>, String);

/// See [`crate::store::Store::lessons`]. One statement, so that acts and texts are of the same moment.
pub(super) async fn lessons(readers: &SqlitePool, after: i64, limit: u32) -> Result<Lessons, StoreError> {
    // What a comment read at an act is what the next edit replaced, that act included; else what it reads now. All in
    // one row: each row is a message between threads, which takes longer than counting what is in it.
    let rows: Vec<u8> = sqlx::query_scalar(
        "SELECT json_group_array(json_array(row, site, unlearn, learn, hex(comment)) ORDER BY row)
           FROM (SELECT acts.row, comments.site, acts.unlearn, acts.learn,
                        coalesce((SELECT edit.replaced FROM acts AS edit
                                   WHERE edit.comment = acts.comment AND edit.row >= acts.row AND edit.replaced IS NOT NULL
                                   ORDER BY edit.row LIMIT 1),
                                 comments.comment) AS comment
                   FROM acts JOIN comments ON comments.row = acts.comment
                  WHERE acts.row > ? AND (acts.unlearn IS NOT NULL OR acts.learn IS NOT NULL)
                  ORDER BY acts.row
                  LIMIT ?)",
    )
    .bind(after)
    .bind(limit)
    .fetch_one(readers)
    .await?;
    let rows: Vec<LessonRow> = from_json(&rows, "a label")?;
    let up_to = rows.last().map_or(after, |(row, ..)| *row);
    let mut lessons = Vec::with_capacity(rows.len());
    for row in rows {
        match lesson(row) {
            Ok(lesson) => lessons.push(lesson),
            // Waiting for it would end all learning.
            Err(error) => tracing::warn!(%error, "a label is not learned from"),
        }
    }
    Ok(Lessons { lessons, up_to })
}

fn lesson((row, site, unlearn, learn, comment): LessonRow) -> Result<Lesson, StoreError> {
    let named = format_args!("the label in act {row}");
    let label = |word: Option<String>| {
        word.map(|word| word.parse::<Label>().map_err(|error| unreadable(named, error))).transpose()
    };
    Ok(Lesson {
        site: SiteId(site),
        comment: Packed::from(unhex(&comment)).read(named)?,
        unlearn: label(unlearn)?,
        learn: label(learn)?,
    })
}

/// See [`crate::store::Store::label_counts`].
pub(super) async fn label_counts(readers: &SqlitePool, site: SiteId) -> Result<[u64; 2], StoreError> {
    let (ham, spam): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE label = 'ham'), count(*) FILTER (WHERE label = 'spam')
           FROM comments WHERE label IS NOT NULL AND site = ?",
    )
    .bind(site.0)
    .fetch_one(readers)
    .await?;
    Ok([ham, spam].map(i64::unsigned_abs))
}
