//! What a batch of writes has to know before it starts: which rows come next, which sites there are, whom they tell.
//!
//! Only true inside a write transaction: nobody else can take a row number or remove a site meanwhile.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::SqliteConnection;

use super::tallies::Tallies;
use crate::event::EventKind;
use crate::site::SiteId;
use crate::store::StoreError;

/// Sites and their enabled endpoints, kept between batches until the generation rises.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    generation: i64,
    sites: HashSet<i64>,
    /// Enabled webhooks by site.
    endpoints: HashMap<i64, Vec<Listener>>,
}

/// A webhook, and what it wants to be told.
#[derive(Clone, Debug)]
struct Listener {
    row: i64,
    events: Option<Vec<EventKind>>,
}

impl Listener {
    /// An event whose name this program does not know is one that it never tells.
    fn new(row: i64, events: Option<&str>) -> Listener {
        let names: Option<Vec<String>> = events.map(|json| serde_json::from_str(json).unwrap_or_default());
        Listener { row, events: names.map(|names| names.iter().filter_map(|name| name.parse().ok()).collect()) }
    }

    fn wants(&self, event: EventKind) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&event))
    }
}

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
            let sites = sqlx::query_scalar("SELECT id FROM sites").fetch_all(&mut *conn).await?;
            let enabled: Vec<(i64, i64, Option<String>)> =
                sqlx::query_as("SELECT site, row, events FROM endpoints WHERE disabled IS NULL AND kind = 'webhook'")
                    .fetch_all(&mut *conn)
                    .await?;
            let mut endpoints: HashMap<i64, Vec<Listener>> = HashMap::new();
            for (site, row, events) in enabled {
                endpoints.entry(site).or_default().push(Listener::new(row, events.as_deref()));
            }
            *known = Arc::new(Tenants { generation, sites: sites.into_iter().collect(), endpoints });
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
        let enabled = enabled.into_iter().map(|(row, events)| Listener::new(row, events.as_deref())).collect();
        let tenants =
            Tenants { generation, sites: HashSet::from([site.0]), endpoints: HashMap::from([(site.0, enabled)]) };
        Ok(Ledger { comment, message, job, indexed, tenants: Arc::new(tenants), tallies: Tallies::default() })
    }

    pub(super) fn has_site(&self, site: SiteId) -> bool {
        self.tenants.sites.contains(&site.0)
    }

    /// The rows of the enabled webhooks of `site` that want `event`.
    pub(super) fn endpoints(&self, site: SiteId, event: EventKind) -> Vec<i64> {
        let all = self.tenants.endpoints.get(&site.0).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|listener| listener.wants(event)).map(|listener| listener.row).collect()
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
