//! The full-text index: filled in the background, asked by queries.
//!
//! Words come folded (`store::search`), so PostgreSQL need know no language. Each is kept under a letter for its field, and
//! the site is a word as well, by which other sites' comments are left out. Owns which comments are in it: those whose row
//! in `search` has words. Whoever changes such a comment puts it in anew in the same transaction; the others come in
//! by [`read`] and [`extend`].
//!
//! PostgreSQL remembers places up to the 16,383rd word, and 256 of them for one word: further on, words are found singly,
//! but not as parts of a phrase.

use std::fmt::Write as _;

use sqlx::{PgConnection, PgPool};

use super::failure::Outcome;
use crate::comment::Comment;
use crate::site::SiteId;
use crate::store::rows::{Packed, comment_id};
use crate::store::search::{Entry, Field, Query, Symbols, Term};

/// Bytes of one word that count; PostgreSQL takes 2,046.
const WORD_BYTES: usize = 500;
/// Bytes of all words of a comment that count; PostgreSQL takes a megabyte.
const WORDS_BYTES: usize = 600_000;
const PLACES_MAX: usize = 16_383;

#[derive(sqlx::FromRow)]
struct Row {
    row: i64,
    id: Vec<u8>,
    site: i64,
    comment: Packed,
    verdict: Option<Packed>,
    is_waiting: bool,
    version: String,
}

/// A comment and its state: `xmin` names the transaction that wrote a row.
macro_rules! rows {
    ($which:literal) => {
        concat!(
            "SELECT comments.row, comments.id, comments.site, comments.comment, verdicts.verdict,
                    verdicts.verdict IS NULL
                       AND EXISTS (SELECT 1 FROM jobs
                                    WHERE jobs.comment = comments.row AND kind = 'decide' AND finished_at IS NULL) AS is_waiting,
                    concat(comments.xmin, ' ', verdicts.xmin) AS version
               FROM search
               JOIN comments ON comments.row = search.comment
               LEFT JOIN verdicts ON verdicts.comment = search.comment
              WHERE ",
            $which
        )
    };
}

/// Comments that may be put in.
pub(super) struct Waiting(Vec<Row>);

impl Waiting {
    /// Finds their words, which is most of the work; no transaction is open meanwhile.
    pub(super) fn read(self) -> Stretch {
        stretch(self.0)
    }
}

/// Comments that are ready to be put in.
#[derive(Debug)]
pub(super) struct Stretch {
    comments: Vec<i64>,
    words: Vec<String>,
    versions: Vec<String>,
}

/// Reads the next comments that are not in the index yet, at most `limit`; `None` when there are none. It ends before the
/// first one that waits for its verdict, for that is a part of what is found.
pub(super) async fn read(pool: &PgPool, limit: u32) -> Outcome<Option<Waiting>> {
    let rows: Vec<Row> = sqlx::query_as(rows!("search.words IS NULL ORDER BY search.comment LIMIT $1"))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    let rows: Vec<Row> = rows.into_iter().take_while(|row| !row.is_waiting).collect();
    Ok((!rows.is_empty()).then_some(Waiting(rows)))
}

/// Puts in those that did not change meanwhile; how many. The others are read anew another time.
pub(super) async fn extend(conn: &mut PgConnection, stretch: &Stretch) -> Outcome<u64> {
    // Whoever changes a comment takes this lock too: what is compared next is what stands. One that is in already gets the same
    // words again; to leave it out would have the server look for it among all that wait.
    sqlx::query("SELECT FROM search WHERE comment = ANY($1) ORDER BY comment FOR UPDATE")
        .bind(&stretch.comments)
        .execute(&mut *conn)
        .await?;
    let extended = sqlx::query(
        "UPDATE search SET words = given.words::tsvector
           FROM UNNEST($1::bigint[], $2::text[], $3::text[]) AS given (comment, words, version)
           JOIN comments ON comments.row = given.comment
           LEFT JOIN verdicts ON verdicts.comment = given.comment
          WHERE search.comment = given.comment AND concat(comments.xmin, ' ', verdicts.xmin) = given.version",
    )
    .bind(&stretch.comments)
    .bind(&stretch.words)
    .bind(&stretch.versions)
    .execute(conn)
    .await?;
    Ok(extended.rows_affected())
}

/// Puts comments that have changed in anew, if they are in the index at all.
pub(super) async fn refresh(conn: &mut PgConnection, changed: &[i64]) -> Outcome<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let indexed: Vec<(i64, bool)> = sqlx::query_as(
        "SELECT comment, words IS NOT NULL FROM search WHERE comment = ANY($1) ORDER BY comment FOR UPDATE",
    )
    .bind(changed)
    .fetch_all(&mut *conn)
    .await?;
    let indexed: Vec<i64> = indexed.into_iter().filter(|(_, is_in)| *is_in).map(|(comment, _)| comment).collect();
    if indexed.is_empty() {
        return Ok(());
    }
    let rows: Vec<Row> = sqlx::query_as(rows!("search.comment = ANY($1)")).bind(&indexed).fetch_all(&mut *conn).await?;
    let Stretch { comments, words, .. } = stretch(rows);
    sqlx::query(
        "UPDATE search SET words = given.words::tsvector
           FROM UNNEST($1::bigint[], $2::text[]) AS given (comment, words)
          WHERE search.comment = given.comment",
    )
    .bind(comments)
    .bind(words)
    .execute(conn)
    .await?;
    Ok(())
}

/// A comment that cannot be read is found by nothing but its id; whoever asks for it is told.
fn stretch(rows: Vec<Row>) -> Stretch {
    let mut stretch = Stretch { comments: Vec::new(), words: Vec::new(), versions: Vec::new() };
    for row in rows {
        let Ok(id) = comment_id(&row.id, "a comment") else { continue };
        let comment: Comment = row.comment.read("a comment").unwrap_or_default();
        let verdict: Option<Symbols> = row.verdict.and_then(|verdict| verdict.read("a verdict").ok());
        stretch.comments.push(row.row);
        stretch.words.push(vector(SiteId(row.site), &Entry::of(id, &comment, verdict.as_ref())));
        stretch.versions.push(row.version);
    }
    stretch
}

/// An entry in the words of PostgreSQL: `'t:cheap':1 't:watches':2`. Words hold letters, digits and `_` only, so that
/// nothing need be escaped.
fn vector(site: SiteId, entry: &Entry) -> String {
    let mut vector = site_word(site);
    for field in Field::ALL {
        let words = match field {
            Field::Id => &entry.id,
            Field::Text => &entry.text,
            Field::Author => &entry.author,
            Field::Link => &entry.link,
            Field::Symbol => &entry.symbol,
        };
        for (place, word) in (1..).zip(words.split(' ').filter(|word| !word.is_empty())) {
            if vector.len() > WORDS_BYTES {
                return vector;
            }
            vector.push(' ');
            push_word(&mut vector, field, word);
            let _ = write!(vector, ":{}", place.min(PLACES_MAX));
        }
    }
    vector
}

fn site_word(site: SiteId) -> String {
    format!("'s:{site}'")
}

fn push_word(to: &mut String, field: Field, word: &str) {
    let word = word.get(..word.floor_char_boundary(WORD_BYTES)).unwrap_or_default();
    to.push('\'');
    to.push_str(match field {
        Field::Id => "i:",
        Field::Text => "t:",
        Field::Author => "a:",
        Field::Link => "l:",
        Field::Symbol => "e:",
    });
    to.push_str(word);
    to.push('\'');
}

/// The query in the words of PostgreSQL.
pub(super) fn expression(site: SiteId, query: &Query) -> String {
    let mut expression = site_word(site);
    for term in query.terms() {
        expression.push_str(if term.is_excluded { " & !(" } else { " & (" });
        let fields = term.field.map_or(Field::ALL.to_vec(), |field| vec![field]);
        for (number, field) in fields.into_iter().enumerate() {
            expression.push_str(if number > 0 { " | " } else { "" });
            push_phrase(&mut expression, field, term);
        }
        expression.push(')');
    }
    expression
}

fn push_phrase(to: &mut String, field: Field, term: &Term) {
    for (number, word) in term.words.iter().enumerate() {
        to.push_str(if number > 0 { " <-> " } else { "" });
        push_word(to, field, word);
    }
    to.push_str(if term.is_prefix { ":*" } else { "" });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_comments_meet_in_the_same_words() {
        let query = Query::parse("text:\"cheap watches\" -free link:x*").unwrap();
        let expected = "'s:3' & ('t:cheap' <-> 't:watches') & !('i:free' | 't:free' | 'a:free' | 'l:free' | 'e:free') \
                        & ('l:x':*)";
        assert_eq!(expression(SiteId(3), &query), expected);
        let entry = Entry {
            id: "7".into(),
            text: "cheap watches cheap".into(),
            author: String::new(),
            link: "x".into(),
            symbol: "url_shortener".into(),
        };
        let expected = "'s:3' 'i:7':1 't:cheap':1 't:watches':2 't:cheap':3 'l:x':1 'e:url_shortener':1";
        assert_eq!(vector(SiteId(3), &entry), expected);
    }

    #[test]
    fn a_long_comment_keeps_within_what_postgresql_takes() {
        let text = vec!["ü".repeat(2000); 9000].join(" ");
        let entry =
            Entry { id: String::new(), text, author: String::new(), link: String::new(), symbol: String::new() };
        let vector = vector(SiteId(1), &entry);
        assert!(vector.len() < WORDS_BYTES + 2 * WORD_BYTES && vector.starts_with("'s:1' 't:üü"));
    }
}
