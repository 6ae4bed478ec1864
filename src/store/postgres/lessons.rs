//! What people's labels teach, in the order in which they said it.
//!
//! Owns finding the text that a label was about. Does not own which acts teach what: `changes` writes that down with the
//! act.

use sqlx::PgPool;

use super::failure::Outcome;
use crate::site::SiteId;
use crate::store::rows::{Packed, unreadable};
use crate::store::{Lesson, Lessons, StoreError};
use crate::verdict::Label;

/// The number of a lesson, its site, what it unlearns and learns, and the comment.
type LessonRow = (i64, i64, Option<String>, Option<String>, Packed);

/// See [`crate::store::Store::lessons`]. One statement, so that acts and texts are of the same moment. Lessons are numbered in
/// the order of their commits: none comes to light behind one that was read.
pub(super) async fn lessons(pool: &PgPool, after: i64, limit: u32) -> Outcome<Lessons> {
    // What a comment read at an act is what the next edit replaced, that act included; else what it reads now.
    let rows: Vec<LessonRow> = sqlx::query_as(
        "SELECT acts.lesson, comments.site, acts.unlearn, acts.learn,
                coalesce((SELECT convert_to(edit.replaced, 'UTF8') FROM acts AS edit
                           WHERE edit.comment = acts.comment AND edit.row >= acts.row AND edit.replaced IS NOT NULL
                           ORDER BY edit.row LIMIT 1),
                         comments.comment) AS comment
           FROM acts JOIN comments ON comments.row = acts.comment
          WHERE acts.lesson > $1
          ORDER BY acts.lesson
          LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await?;
    let up_to = rows.last().map_or(after, |(number, ..)| *number);
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

fn lesson((number, site, unlearn, learn, comment): LessonRow) -> Result<Lesson, StoreError> {
    let named = format_args!("lesson {number}");
    let label = |word: Option<String>| {
        word.map(|word| word.parse::<Label>().map_err(|error| unreadable(named, error))).transpose()
    };
    Ok(Lesson { site: SiteId(site), comment: comment.read(named)?, unlearn: label(unlearn)?, learn: label(learn)? })
}

/// See [`crate::store::Store::label_counts`].
pub(super) async fn label_counts(pool: &PgPool, site: SiteId) -> Outcome<[u64; 2]> {
    let (ham, spam): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE label = 'ham'), count(*) FILTER (WHERE label = 'spam')
           FROM verdicts WHERE label IS NOT NULL AND site = $1",
    )
    .bind(site.0)
    .fetch_one(pool)
    .await?;
    Ok([ham, spam].map(i64::unsigned_abs))
}
