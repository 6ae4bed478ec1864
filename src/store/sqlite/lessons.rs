//! What people's labels teach, in the order in which they said it.
//!
//! Owns finding the text that a label was about. Does not own which acts teach what: `changes` writes that down with the
//! act.

use sqlx::SqlitePool;

use super::rows::{from_json, unreadable};
use crate::site::SiteId;
use crate::store::{Lesson, Lessons, StoreError};
use crate::verdict::Label;

#[derive(sqlx::FromRow)]
struct LessonRow {
    row: i64,
    site: i64,
    comment: Vec<u8>,
    unlearn: Option<String>,
    learn: Option<String>,
}

/// See [`crate::store::Store::lessons`]. One statement, so that acts and texts are of the same moment.
pub(super) async fn lessons(readers: &SqlitePool, after: i64, limit: u32) -> Result<Lessons, StoreError> {
    // What a comment read at an act is what the next edit replaced, that act included; else what it reads now.
    let rows: Vec<LessonRow> = sqlx::query_as(
        "SELECT acts.row, comments.site, acts.unlearn, acts.learn,
                coalesce((SELECT edit.replaced FROM acts AS edit
                           WHERE edit.comment = acts.comment AND edit.row >= acts.row AND edit.replaced IS NOT NULL
                           ORDER BY edit.row LIMIT 1),
                         comments.comment) AS comment
           FROM acts JOIN comments ON comments.row = acts.comment
          WHERE acts.row > ? AND (acts.unlearn IS NOT NULL OR acts.learn IS NOT NULL)
          ORDER BY acts.row
          LIMIT ?",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(readers)
    .await?;
    let up_to = rows.last().map_or(after, |row| row.row);
    let mut lessons = Vec::with_capacity(rows.len());
    for row in rows {
        match row.into_lesson() {
            Ok(lesson) => lessons.push(lesson),
            // Waiting for it would end all learning.
            Err(error) => tracing::warn!(%error, "a label is not learned from"),
        }
    }
    Ok(Lessons { lessons, up_to })
}

impl LessonRow {
    fn into_lesson(self) -> Result<Lesson, StoreError> {
        let named = format_args!("the label in act {}", self.row);
        let label = |word: Option<String>| {
            word.map(|word| word.parse::<Label>().map_err(|error| unreadable(named, error))).transpose()
        };
        Ok(Lesson {
            site: SiteId(self.site),
            comment: from_json(&self.comment, named)?,
            unlearn: label(self.unlearn)?,
            learn: label(self.learn)?,
        })
    }
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
