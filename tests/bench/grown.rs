//! A store with millions of comments in minutes: a part of them is stored as the daemon stores them, and copied under other names.
//!
//! Each copy has ids, times, authors, texts and near copies of its own, so that every tree is as deep and as full as if all had come in one by
//! one. Only the full-text index is not copied: none of its words is looked for when a comment comes in.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::made::mixed;

/// Comments that are stored one by one at most.
const STORED: u64 = 250_000;
/// Seconds between the first of a copy and the first of the next.
const APART: i64 = 86_400;

/// How many comments of `count` are stored one by one, and how often they are copied.
pub fn parts(count: u64) -> (u64, u64) {
    let copies = count.saturating_sub(1) / STORED;
    (count / (copies + 1), copies)
}

/// Puts `copies` of the `stored` comments into the file beside them.
pub async fn grow(file: &Path, stored: u64, copies: u64) {
    if copies == 0 {
        return;
    }
    let options =
        SqliteConnectOptions::new().filename(file).pragma("cache_size", "-400000").pragma("synchronous", "OFF");
    let mut file = options.connect().await.unwrap();
    run(
        &mut file,
        "CREATE TEMP TABLE seen_once AS SELECT * FROM seen; CREATE TEMP TABLE bands_once AS SELECT * FROM bands",
    )
    .await;
    let clusters: i64 =
        sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM clusters").fetch_one(&mut file).await.unwrap();
    for copy in 1..=copies {
        let numbers = [copy * stored, stored].map(u64::cast_signed);
        let (later, behind) = (APART * copy.cast_signed(), clusters * copy.cast_signed());
        let [row, last] = numbers;
        // a ^ b is (a | b) - (a & b), and no sum that leaves 64 bits.
        let (other, turned) = (mixed(copy).cast_signed() << 7, mixed(copy) & 0xFFFF_FFFF);
        run(
            &mut file,
            &format!(
                "BEGIN;
                 INSERT INTO comments (row, id, site, received_at, comment, verdict, decision, judged)
                 SELECT row + {row}, unhex(printf('%012X%s', received_at / 1000 + {later} * 1000, hex(randomblob(10)))), site,
                        received_at + {later} * 1000000, comment, verdict, decision, judged
                   FROM comments WHERE row <= {last} ORDER BY row;
                 INSERT INTO traces (comment, site, at, cluster, flags, checks, people, people_at, keys)
                 SELECT comment + {row}, site, at + {later}, cluster + {behind}, flags, checks, people, people_at, keys
                   FROM traces WHERE comment <= {last} ORDER BY comment;
                 INSERT INTO clusters (id, first_at, last_at, size, signature, sketch)
                 SELECT id + {behind}, first_at + {later}, last_at + {later}, size, signature, sketch
                   FROM clusters WHERE id <= {clusters} ORDER BY id;
                 INSERT OR IGNORE INTO bands (band, cluster)
                 SELECT (band | {turned}) - (band & {turned}), cluster + {behind} FROM temp.bands_once ORDER BY 1;
                 INSERT OR IGNORE INTO seen (key, at, value)
                 SELECT (key | {other}) - (key & {other}), at + {later}, value FROM temp.seen_once ORDER BY 1;
                 COMMIT"
            ),
        )
        .await;
    }
    run(
        &mut file,
        "UPDATE meta SET value = (SELECT max(row) FROM comments) WHERE name = 'indexed'; PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .await;
    file.close().await.unwrap();
    println!(
        "{stored} comments were stored, and copied {copies} times, each time under other names; not in the full-text index"
    );
}

async fn run(file: &mut SqliteConnection, script: &str) {
    // Nothing but numbers and names.
    sqlx::raw_sql(sqlx::AssertSqlSafe(script.to_owned())).execute(file).await.unwrap();
}
