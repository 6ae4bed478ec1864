//! Word from other processes that the directory has changed.
//!
//! Only that is announced (LISTEN and NOTIFY), for it is rare: a commit that announces something waits for all others that do.
//! Nothing depends on it; who misses a word finds the generation risen a second later.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use tokio::sync::{Notify, OnceCell};
use tokio::time::sleep;

use super::failure::Outcome;

const CHANNEL: &str = "hamlet";
/// How long to wait before the server is asked again for a connection to listen at.
const PAUSE: Duration = Duration::from_secs(2);

/// The listening end. It begins to listen when it is first asked, for only a daemon asks.
#[derive(Debug, Default)]
pub(super) struct News {
    bell: OnceCell<Arc<Notify>>,
}

impl News {
    /// Returns when there was word since it was asked last.
    pub(super) async fn heard(&self, pool: &PgPool) {
        let begin = async || {
            let bell = Arc::new(Notify::new());
            tokio::spawn(listen(pool.clone(), Arc::clone(&bell)));
            bell
        };
        self.bell.get_or_init(begin).await.notified().await;
    }
}

/// Until the pool is closed.
async fn listen(pool: PgPool, bell: Arc<Notify>) {
    while !pool.is_closed() {
        if let Err(error) = ring(&pool, &bell).await {
            tracing::debug!(%error, "no word from other processes until the server is back");
        }
        tokio::select! {
            () = pool.close_event() => return,
            () = sleep(PAUSE) => {}
        }
    }
}

async fn ring(pool: &PgPool, bell: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.ignore_pool_close_event(false);
    listener.listen(CHANNEL).await?;
    // What was announced before it listened is not announced again.
    bell.notify_one();
    while listener.try_recv().await?.is_some() {
        bell.notify_one();
    }
    Ok(())
}

/// Tells the others, once the transaction is kept.
pub(super) async fn tell(conn: &mut PgConnection) -> Outcome<()> {
    sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(conn).await?;
    Ok(())
}
