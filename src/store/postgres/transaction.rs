//! How a transaction begins, how long it may take, and when it is done again.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, PgTransaction, Postgres};
use tokio::time::timeout;

use super::failure::{Failure, Outcome};
use crate::store::{Settings, StoreError};

/// How often a transaction that collides with others is done at most.
const TRIES: u32 = 6;

/// How a verb's transaction begins. The locks are PostgreSQL's advisory locks, under a number of Hamlet's own; they end with
/// the transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Begin {
    /// It is one statement, which is a transaction by itself.
    Not,
    Plain,
    /// It relies on the directory: see `ledger`.
    Shared,
    /// It changes the directory.
    Alone,
}

impl Begin {
    /// A statement of its own, for what is read after it has to be what others kept before. Not sent along with
    /// BEGIN, for sqlx leaves the transaction open when that fails.
    fn lock(self) -> Option<&'static str> {
        match self {
            Begin::Not | Begin::Plain => None,
            Begin::Shared => Some("SELECT pg_advisory_xact_lock_shared(7235400691)"),
            Begin::Alone => Some("SELECT pg_advisory_xact_lock(7235400691)"),
        }
    }
}

/// What a verb writes by. Dropped, nothing of it is kept.
#[derive(Debug)]
pub(super) enum Changes {
    Statement(PoolConnection<Postgres>),
    Transaction(PgTransaction<'static>),
}

impl Changes {
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        match self {
            Changes::Statement(connection) => connection,
            Changes::Transaction(transaction) => transaction,
        }
    }

    pub(super) async fn keep(self) -> Outcome<()> {
        match self {
            Changes::Statement(_) => Ok(()),
            Changes::Transaction(transaction) => Ok(transaction.commit().await?),
        }
    }
}

/// How long a verb waits for the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Beyond what the server itself keeps to: then it is out of reach, and no word will come.
    pub(super) limit: Duration,
    connections: u32,
}

impl Patience {
    pub(super) fn new(settings: &Settings) -> Patience {
        let millis = settings.busy_timeout_ms.saturating_add(settings.statement_timeout_ms).saturating_mul(2);
        Patience { limit: Duration::from_millis(millis.max(1000)), connections: settings.connections.max(1) }
    }

    /// A server that was restarted leaves connections in the pool that are gone: each of them is found out here, where
    /// nothing has been done yet.
    pub(super) async fn begin(&self, pool: &PgPool, begin: Begin) -> Outcome<Changes> {
        if let Begin::Not = begin {
            return Ok(Changes::Statement(pool.acquire().await?));
        }
        let mut tries = 0;
        let mut transaction = loop {
            match pool.begin().await.map_err(Failure::from) {
                Err(failure) if failure.is_connection_lost() && tries < self.connections => tries += 1,
                outcome => break outcome?,
            }
        };
        if let Some(lock) = begin.lock() {
            sqlx::query(lock).execute(&mut *transaction).await?;
        }
        Ok(Changes::Transaction(transaction))
    }

    /// How `attempt` ended; `None` when it collided with others and is to be done again.
    pub(super) async fn last<T>(
        &self,
        attempt: impl Future<Output = Outcome<T>>,
        tries: &mut u32,
    ) -> Option<Outcome<T>> {
        match timeout(self.limit, attempt).await {
            Ok(Err(failure)) if failure.is_collision() && self.has_another(tries).await => None,
            outcome => Some(outcome.unwrap_or_else(|_| Err(self.lost()))),
        }
    }

    /// Whether to do it again, after a while in which the others may end.
    async fn has_another(&self, tries: &mut u32) -> bool {
        *tries += 1;
        tokio::time::sleep(Duration::from_millis(u64::from(*tries) * 5)).await;
        *tries < TRIES
    }

    /// The server did not answer in time.
    pub(super) fn lost(&self) -> Failure {
        let limit = self.limit.as_secs();
        Failure::Told(StoreError::Unavailable(format!("the server has not answered for {limit} s")))
    }
}

/// Keeps or undoes what was done since `SAVEPOINT verb`. An answer that is no refusal ends the whole transaction.
pub(super) async fn end<T>(conn: &mut PgConnection, outcome: Outcome<T>) -> Outcome<Result<T, StoreError>> {
    match outcome {
        Ok(answer) => {
            sqlx::raw_sql("RELEASE verb").execute(conn).await?;
            Ok(Ok(answer))
        }
        Err(failure) if failure.is_refusal() => {
            sqlx::raw_sql("ROLLBACK TO verb; RELEASE verb").execute(conn).await?;
            Ok(Err(failure.into()))
        }
        Err(failure) => Err(failure),
    }
}
