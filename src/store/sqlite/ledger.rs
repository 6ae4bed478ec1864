//! What a batch of writes has to know before it starts: which rows come next, which sites there are, whom they tell.
//!
//! Only true inside a write transaction: nobody else can take a row number or remove a site meanwhile.

use std::sync::Arc;

use sqlx::SqliteConnection;

use crate::site::SiteId;
use crate::store::StoreError;
use crate::store::listeners::{Telling, Tenants};
use crate::store::tallies::Tallies;

/// Hands out row numbers within one transaction. Numbers that a rollback leaves unused do no harm.
#[derive(Debug)]
pub(super) struct Ledger {
    comment: i64,
    message: i64,
    job: i64,
    /// The last comment that is in the full-text index.
    indexed: i64,
    tenants: Arc<Tenants>,
    /// What the batch counts; written down once, at its end.
    pub(super) tallies: Tallies,
}

type Counters = (i64, i64, i64, i64, i64);

/// All that is needed from the file, in one message to SQLite's thread: each costs two changes of thread.
macro_rules! counters {
    ($before:literal) => {
        concat!(
            $before,
            "SELECT (SELECT coalesce(max(row), 0) FROM comments),
                    (SELECT coalesce(max(row), 0) FROM messages),
                    (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'jobs'),
                    (SELECT value FROM meta WHERE name = 'generation'),
                    (SELECT value FROM meta WHERE name = 'indexed')"
        )
    };
}

impl Ledger {
    /// Begins a write transaction and reads what there is to know: what is rolled back later must not be remembered.
    ///
    /// IMMEDIATE takes the write lock now, where waiting for another process is allowed, and not in the middle. `known`
    /// is what an earlier batch has seen; it is read again if the generation has risen since.
    pub(super) async fn begin(conn: &mut SqliteConnection, known: &mut Arc<Tenants>) -> Result<Ledger, StoreError> {
        let (comment, message, job, generation, indexed) =
            sqlx::query_as::<_, Counters>(counters!("BEGIN IMMEDIATE; ")).fetch_one(&mut *conn).await?;
        if known.generation != generation {
            let sites: Vec<i64> = sqlx::query_scalar("SELECT id FROM sites").fetch_all(&mut *conn).await?;
            let enabled: Vec<(i64, i64, Option<String>)> =
                sqlx::query_as("SELECT site, row, events FROM endpoints WHERE disabled IS NULL AND kind = 'webhook'")
                    .fetch_all(&mut *conn)
                    .await?;
            *known = Arc::new(Tenants::new(generation, sites, enabled));
        }
        Ok(Ledger { comment, message, job, indexed, tenants: Arc::clone(known), tallies: Tallies::default() })
    }

    /// For the rare verbs, which may follow upon changes within the same transaction: knows one site only.
    pub(super) async fn of_site(conn: &mut SqliteConnection, site: SiteId) -> Result<Ledger, StoreError> {
        let (comment, message, job, generation, indexed) =
            sqlx::query_as::<_, Counters>(counters!("")).fetch_one(&mut *conn).await?;
        let enabled: Vec<(i64, Option<String>)> = sqlx::query_as(
            "SELECT row, events FROM endpoints WHERE site = ? AND disabled IS NULL AND kind = 'webhook'",
        )
        .bind(site.0)
        .fetch_all(&mut *conn)
        .await?;
        let enabled = enabled.into_iter().map(|(row, events)| (site.0, row, events));
        let tenants = Tenants::new(generation, [site.0], enabled);
        Ok(Ledger { comment, message, job, indexed, tenants: Arc::new(tenants), tallies: Tallies::default() })
    }

    pub(super) fn has_site(&self, site: SiteId) -> bool {
        self.tenants.has_site(site)
    }

    pub(super) fn told(&self, telling: &Telling<'_>) -> Vec<i64> {
        self.tenants.told(telling)
    }

    pub(super) fn is_indexed(&self, comment: i64) -> bool {
        comment <= self.indexed
    }

    pub(super) fn next_comment(&mut self) -> i64 {
        self.comment += 1;
        self.comment
    }

    pub(super) fn next_message(&mut self) -> i64 {
        self.message += 1;
        self.message
    }

    pub(super) fn next_job(&mut self) -> i64 {
        self.job += 1;
        self.job
    }
}

/// Says that sites, keys, endpoints or the champion have changed.
pub(super) async fn raise_generation(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE meta SET value = value + 1 WHERE name = 'generation'").execute(conn).await?;
    Ok(())
}
