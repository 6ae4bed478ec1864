//! What a batch of writes has to know before it starts: which sites there are and whom they tell. And the lock that keeps it
//! true until the batch is kept.
//!
//! Whoever writes comments holds the directory's lock shared; whoever changes sites, keys, endpoints or lists holds it
//! alone, from the start of its transaction. So no comment is kept for a site that is being removed, and nothing is queued
//! for an endpoint that is being disabled, without a lock on any row.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgConnection;

use super::failure::Outcome;
use super::news;
use crate::site::SiteId;
use crate::store::listeners::{Telling, Tenants};
use crate::store::tallies::Tallies;

/// What an earlier batch has seen; it is read again if the generation has risen since.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<Arc<Tenants>>);

/// Sites, listeners and counts of one transaction.
#[derive(Debug)]
pub(super) struct Ledger {
    tenants: Arc<Tenants>,
    /// What the batch counts; written down once, at its end.
    pub(super) tallies: Tallies,
}

impl Ledger {
    /// In a transaction that holds the directory.
    pub(super) async fn read(conn: &mut PgConnection, known: &Known) -> Outcome<Ledger> {
        let generation: i64 =
            sqlx::query_scalar("SELECT value FROM meta WHERE name = 'generation'").fetch_one(&mut *conn).await?;
        let seen = Arc::clone(&known.0.lock().unwrap_or_else(PoisonError::into_inner));
        if seen.generation == generation {
            return Ok(Ledger::of(seen));
        }
        let fresh = Arc::new(tenants(conn, generation).await?);
        *known.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(Ledger::of(fresh))
    }

    /// For a transaction that has changed the directory itself: what it sees may be rolled back, and is not remembered.
    pub(super) async fn read_anew(conn: &mut PgConnection) -> Outcome<Ledger> {
        Ok(Ledger::of(Arc::new(tenants(conn, 0).await?)))
    }

    fn of(tenants: Arc<Tenants>) -> Ledger {
        Ledger { tenants, tallies: Tallies::default() }
    }

    pub(super) fn has_site(&self, site: SiteId) -> bool {
        self.tenants.has_site(site)
    }

    pub(super) fn told(&self, telling: &Telling<'_>) -> Vec<i64> {
        self.tenants.told(telling)
    }
}

async fn tenants(conn: &mut PgConnection, generation: i64) -> Outcome<Tenants> {
    let sites: Vec<i64> = sqlx::query_scalar("SELECT id FROM sites").fetch_all(&mut *conn).await?;
    let enabled: Vec<(i64, i64, Option<String>)> = sqlx::query_as(
        "SELECT site, row, events FROM endpoints WHERE disabled IS NULL AND kind = 'webhook' ORDER BY row",
    )
    .fetch_all(conn)
    .await?;
    Ok(Tenants::new(generation, sites, enabled))
}

/// Says that sites, keys, endpoints or the champion have changed.
pub(super) async fn raise_generation(conn: &mut PgConnection) -> Outcome<()> {
    sqlx::query("UPDATE meta SET value = value + 1 WHERE name = 'generation'").execute(&mut *conn).await?;
    news::tell(conn).await
}
