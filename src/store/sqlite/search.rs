//! The full-text index (FTS5): filled in the background, asked by queries.
//!
//! Owns which comments are in it: all up to a row that `meta` remembers. Whoever changes a comment up to that row puts
//! it in anew in the same transaction; later ones come in by [`extend`].

use sqlx::{SqliteConnection, SqlitePool};

use super::many::{MOST, many};
use super::rows::{Packed, comment_id, json_array};
use crate::comment::Comment;
use crate::site::SiteId;
use crate::store::StoreError;
use crate::store::search::{Entry, Query, Symbols, Term};

#[derive(sqlx::FromRow)]
struct Row {
    row: i64,
    id: Vec<u8>,
    site: i64,
    comment: Packed,
    verdict: Option<Packed>,
    is_waiting: bool,
}

const ROWS: &str = "SELECT row, id, site, comment, verdict,
        verdict IS NULL AND EXISTS (SELECT 1 FROM jobs WHERE jobs.comment = comments.row AND kind = 'decide'
                                       AND state = 'pending') AS is_waiting
   FROM comments";

/// What was read of a stretch of comments; if it is different when they are put in, they were changed meanwhile.
const MARK: &str = "SELECT (SELECT value FROM meta WHERE name = 'indexed'),
        (SELECT count(*) FROM acts WHERE comment IN (SELECT value FROM json_each(?1))),
        (SELECT count(verdict) FROM comments WHERE row IN (SELECT value FROM json_each(?1)))";

type Mark = (i64, i64, i64);

/// Comments that are ready to be put in.
pub(super) struct Stretch {
    rows: String,
    entries: Vec<(i64, i64, Entry)>,
    last: i64,
    mark: Mark,
}

/// Reads the next comments that are not in the index yet, at most `limit`, and finds their words: work that the writer
/// need not do. It ends before the first one that waits for its verdict, for that is a part of what is found.
pub(super) async fn read(readers: &SqlitePool, limit: u32) -> Result<Option<Stretch>, StoreError> {
    let mut moment = readers.begin().await?;
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{ROWS} WHERE row > (SELECT value FROM meta WHERE name = 'indexed') ORDER BY row LIMIT ?"
    )))
    .bind(limit)
    .fetch_all(&mut *moment)
    .await?;
    let rows: Vec<Row> = rows.into_iter().take_while(|row| !row.is_waiting).collect();
    let Some(last) = rows.last().map(|row| row.row) else { return Ok(None) };
    let numbers = json_array(rows.iter().map(|row| row.row));
    let mark = sqlx::query_as(MARK).bind(&numbers).fetch_one(&mut *moment).await?;
    moment.commit().await?;
    Ok(Some(Stretch { rows: numbers, entries: entries(rows), last, mark }))
}

/// Puts them in; how many. None when one of them was changed meanwhile: then they are read anew another time.
pub(super) async fn extend(conn: &mut SqliteConnection, stretch: Stretch) -> Result<u64, StoreError> {
    let mark: Mark = sqlx::query_as(MARK).bind(&stretch.rows).fetch_one(&mut *conn).await?;
    if mark != stretch.mark {
        return Ok(0);
    }
    insert(conn, &stretch.entries).await?;
    sqlx::query("UPDATE meta SET value = ? WHERE name = 'indexed'").bind(stretch.last).execute(&mut *conn).await?;
    Ok(stretch.entries.len() as u64)
}

/// Puts comments that have changed in anew, if they are in the index at all.
pub(super) async fn refresh(
    conn: &mut SqliteConnection,
    changed: impl IntoIterator<Item = i64>,
) -> Result<(), StoreError> {
    let changed = json_array(changed);
    if changed == "[]" {
        return Ok(());
    }
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{ROWS} WHERE row IN (SELECT value FROM json_each(?))
                  AND row <= (SELECT value FROM meta WHERE name = 'indexed')"
    )))
    .bind(&changed)
    .fetch_all(&mut *conn)
    .await?;
    if rows.is_empty() {
        return Ok(());
    }
    remove(conn, &json_array(rows.iter().map(|row| row.row))).await?;
    insert(conn, &entries(rows)).await
}

/// Takes the comments of a site out.
pub(super) async fn forget_site(conn: &mut SqliteConnection, site: SiteId) -> Result<(), StoreError> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "SELECT row FROM comments WHERE site = ? AND row <= (SELECT value FROM meta WHERE name = 'indexed')",
    )
    .bind(site.0)
    .fetch_all(&mut *conn)
    .await?;
    for run in rows.chunks(1000) {
        remove(conn, &json_array(run.iter().copied())).await?;
    }
    Ok(())
}

async fn remove(conn: &mut SqliteConnection, rows: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM search WHERE rowid IN (SELECT value FROM json_each(?))").bind(rows).execute(conn).await?;
    Ok(())
}

/// A comment that cannot be read is found by nothing but its id; whoever asks for it is told.
fn entries(rows: Vec<Row>) -> Vec<(i64, i64, Entry)> {
    let entry = |row: Row| {
        let id = comment_id(&row.id, "a comment").ok()?;
        let comment: Comment = row.comment.read("a comment").unwrap_or_default();
        let verdict: Option<Symbols> = row.verdict.and_then(|verdict| verdict.read("a verdict").ok());
        Some((row.row, row.site, Entry::of(id, &comment, verdict.as_ref())))
    };
    rows.into_iter().filter_map(entry).collect()
}

async fn insert(conn: &mut SqliteConnection, entries: &[(i64, i64, Entry)]) -> Result<(), StoreError> {
    for run in entries.chunks(MOST) {
        let mut insert = many(
            "INSERT INTO search (rowid, site, id, text, author, link, symbol) SELECT * FROM",
            7,
            run.len(),
            "WHERE column1 IS NOT NULL",
        );
        for (row, site, entry) in run {
            insert = insert
                .bind(row)
                .bind(site_word(SiteId(*site)))
                .bind(entry.id.as_str())
                .bind(entry.text.as_str())
                .bind(entry.author.as_str())
                .bind(entry.link.as_str())
                .bind(entry.symbol.as_str());
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}

/// By which the index leaves other sites' comments out before it looks at a word.
fn site_word(site: SiteId) -> String {
    format!("s{site}")
}

/// The query in the words of FTS5. Words hold letters and digits only, so that nothing need be escaped.
pub(super) fn expression(site: SiteId, query: &Query) -> String {
    let phrase = |term: &Term| {
        let field = term.field.map_or("{id text author link symbol}", |field| field.as_str());
        let more = if term.is_prefix { " *" } else { "" };
        format!("{field} : \"{}\"{more}", term.words.join(" "))
    };
    let (without, with): (Vec<&Term>, Vec<&Term>) = query.terms().iter().partition(|term| term.is_excluded);
    let mut expression = format!("site : \"{}\"", site_word(site));
    for term in with {
        expression = format!("{expression} AND {}", phrase(term));
    }
    for term in without {
        expression = format!("({expression}) NOT ({})", phrase(term));
    }
    expression
}
