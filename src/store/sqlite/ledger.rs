//! What a batch of writes has to know before it starts: which rows come next, which sites there are, whom they tell.
//!
//! Only true inside a write transaction: nobody else can take a row number or remove a site meanwhile.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::SqliteConnection;

use crate::site::SiteId;
use crate::store::StoreError;

/// Sites and their enabled endpoints, kept between batches until the generation rises.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    generation: i64,
    sites: HashSet<i64>,
    /// Rows of enabled endpoints by site.
    endpoints: HashMap<i64, Vec<i64>>,
}

/// Hands out row numbers within one transaction. Numbers that a rollback leaves unused do no harm.
#[derive(Debug)]
pub(super) struct Ledger {
    comment: i64,
    message: i64,
    job: i64,
    tenants: Arc<Tenants>,
}

const COUNTERS: &str = "SELECT (SELECT coalesce(max(row), 0) FROM comments),
                               (SELECT coalesce(max(row), 0) FROM messages),
                               (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'jobs'),
                               (SELECT value FROM meta WHERE name = 'generation')";

impl Ledger {
    /// `known` is what an earlier batch has seen; it is read again if the generation has risen since.
    ///
    /// To be called before anything is written: what is rolled back must not be remembered.
    pub(super) async fn open(conn: &mut SqliteConnection, known: &mut Arc<Tenants>) -> Result<Ledger, StoreError> {
        let (comment, message, job, generation) =
            sqlx::query_as::<_, (i64, i64, i64, i64)>(COUNTERS).fetch_one(&mut *conn).await?;
        if known.generation != generation {
            let sites = sqlx::query_scalar("SELECT id FROM sites").fetch_all(&mut *conn).await?;
            let enabled: Vec<(i64, i64)> =
                sqlx::query_as("SELECT site, row FROM endpoints WHERE disabled IS NULL").fetch_all(&mut *conn).await?;
            let mut endpoints: HashMap<i64, Vec<i64>> = HashMap::new();
            for (site, endpoint) in enabled {
                endpoints.entry(site).or_default().push(endpoint);
            }
            *known = Arc::new(Tenants { generation, sites: sites.into_iter().collect(), endpoints });
        }
        Ok(Ledger { comment, message, job, tenants: Arc::clone(known) })
    }

    /// For the rare verbs, which may follow upon changes within the same transaction: knows one site only.
    pub(super) async fn of_site(conn: &mut SqliteConnection, site: SiteId) -> Result<Ledger, StoreError> {
        let (comment, message, job, generation) =
            sqlx::query_as::<_, (i64, i64, i64, i64)>(COUNTERS).fetch_one(&mut *conn).await?;
        let enabled = sqlx::query_scalar("SELECT row FROM endpoints WHERE site = ? AND disabled IS NULL")
            .bind(site.0)
            .fetch_all(&mut *conn)
            .await?;
        let tenants =
            Tenants { generation, sites: HashSet::from([site.0]), endpoints: HashMap::from([(site.0, enabled)]) };
        Ok(Ledger { comment, message, job, tenants: Arc::new(tenants) })
    }

    pub(super) fn has_site(&self, site: SiteId) -> bool {
        self.tenants.sites.contains(&site.0)
    }

    /// The rows of the enabled endpoints of `site`.
    pub(super) fn endpoints(&self, site: SiteId) -> Vec<i64> {
        self.tenants.endpoints.get(&site.0).cloned().unwrap_or_default()
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

/// Splits `rows` into runs of 64, 32, 16 … 1: statements of few lengths, so that each is found prepared.
pub(super) fn runs<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = (1 << rows.len().checked_ilog2()?).min(64);
        let (run, rest) = rows.split_at_checked(length)?;
        rows = rest;
        Some(run)
    })
}

/// Says that sites, keys, endpoints or the champion have changed.
pub(super) async fn raise_generation(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE meta SET value = value + 1 WHERE name = 'generation'").execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_few_lengths_and_leave_nothing_out() {
        for (count, expected) in [(0, vec![]), (1, vec![1]), (7, vec![4, 2, 1]), (200, vec![64, 64, 64, 8])] {
            let rows: Vec<usize> = (0..count).collect();
            assert_eq!(runs(&rows).map(<[usize]>::len).collect::<Vec<_>>(), expected);
            assert_eq!(runs(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        }
    }
}
