//! From a URL to a pool of connections with the right schema, or one sentence on what is wrong.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Error, PgConnection, PgPool};
use url::Url;

use super::failure::{Trouble, code};
use crate::store::{Settings, StoreError};

static SCHEMA: Migrator = sqlx::migrate!("src/store/migrations/postgres");

/// A connection that lay idle for so long is asked whether it is still there before it is used.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long a transaction may wait for its next statement: a process that hangs must not keep the others from working.
const IDLE_IN_TRANSACTION_MS: u64 = 5_000;

/// The connections of this process.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    /// For what each comment asks of the store: statements that find rows by their keys, however many there are.
    pub(super) daily: PgPool,
    /// For everything else, which is planned by what the server knows of its tables.
    pub(super) other: PgPool,
}

impl Pools {
    pub(super) async fn close(&self) {
        tokio::join!(self.daily.close(), self.other.close());
    }
}

/// Opens the pools, and brings the schema up to date.
pub(super) async fn open(url: &str, settings: &Settings) -> Result<Pools, StoreError> {
    let shown = shown(url);
    let options = options(url, &shown)?;
    let patience = Duration::from_millis(settings.busy_timeout_ms.max(100));
    let unusable = |error: &Error| sentence(&shown, &options, error);
    let no_answer =
        || StoreError::Unusable(format!("{shown}: the server does not answer; see that its address is right"));
    let connecting = tokio::time::timeout(patience, options.connect());
    let mut first = connecting.await.map_err(|_| no_answer())?.map_err(|error| unusable(&error))?;
    let encoding: String =
        sqlx::query_scalar("SHOW server_encoding").fetch_one(&mut first).await.map_err(|error| unusable(&error))?;
    if encoding != "UTF8" {
        return Err(StoreError::Unusable(format!(
            "{shown}: the database keeps texts in {encoding}, and comments come in every script; make one with `createdb \
             --encoding=UTF8 --template=template0`"
        )));
    }
    migrate(&mut first, &shown).await?;
    let _ = first.close().await;

    // One of the others listens for news.
    let all = settings.connections.max(3);
    let others = all.div_ceil(3).max(2);
    let session = session(settings);
    let daily = pool(patience, format!("{session}; {BY_KEY}"), all - others);
    let other = pool(patience, session, others).min_connections(1).connect_with(options.clone());
    let other = other.await.map_err(|error| unusable(&error))?;
    // Commands ask for little that is daily.
    Ok(Pools { daily: daily.connect_lazy_with(options), other })
}

fn pool(patience: Duration, session: String, most: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(patience)
        .test_before_acquire(false)
        .before_acquire(|conn, met| {
            Box::pin(async move {
                if met.idle_for > TRUSTED {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |conn, _| {
            let session = session.clone();
            Box::pin(async move { sqlx::raw_sql(sqlx::AssertSqlSafe(session)).execute(conn).await.map(drop) })
        })
}

fn options(url: &str, shown: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| {
        let why = match &error {
            Error::Configuration(why) => why.to_string(),
            other => other.to_string(),
        };
        StoreError::Unusable(format!(
            "`{shown}` does not name a database ({why}); write postgres://user:password@host:5432/database"
        ))
    })?;
    let named = options.get_application_name().is_some();
    let options = if named { options } else { options.application_name("hamlet") };
    // Statements carry comments, and comments are nobody's business (architecture, invariant 9).
    Ok(options.disable_statement_logging())
}

/// What each connection is told first. Not as options of the connection, which a pooler between may refuse.
///
/// JIT costs more than the short statements here take; a commit that was answered must survive a crash, whatever the server's
/// default is.
fn session(settings: &Settings) -> String {
    format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS};
         SET jit = off; SET default_transaction_isolation = 'read committed'; SET client_min_messages = 'error';
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        settings.statement_timeout_ms, settings.busy_timeout_ms,
    )
}

/// How what is asked for each comment is planned: once, and by index. Left alone, the server plans for what it knows of the tables,
/// which in a young or busy store is nothing, or a minute old: it then reads all of a table that it takes for short, or all that waits
/// in a queue, at each comment; and as it finds that plan cheap for a few rows, it plans anew each time.
const BY_KEY: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off";

/// The number of this program's schema.
pub(super) fn newest() -> i64 {
    SCHEMA.iter().map(|step| step.version).max().unwrap_or(0)
}

/// Whether a newer program has only added to the schema, so that this one may go on with it.
async fn is_expanded(conn: &mut PgConnection) -> bool {
    let oldest = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'oldest_schema'").fetch_optional(conn).await;
    oldest.is_ok_and(|oldest: Option<i64>| oldest.is_some_and(|oldest| oldest <= newest()))
}

/// Brings the schema up to date, under a lock: of several processes one migrates, and the others find it done.
async fn migrate(conn: &mut PgConnection, shown: &str) -> Result<(), StoreError> {
    let unusable = |why: String| StoreError::Unusable(format!("{shown}{why}"));
    // `run` would do, but the compiler does not see that its future may move between threads.
    let mut outcome = SCHEMA.run_direct(None, conn, false).await;
    if matches!(outcome, Err(MigrateError::VersionMissing(_))) && is_expanded(conn).await {
        let mut own = Migrator::with_migrations(SCHEMA.iter().cloned().collect());
        own.set_ignore_missing(true);
        outcome = own.run_direct(None, conn, false).await;
    }
    outcome.map_err(|error| match error {
        MigrateError::VersionMissing(_) => {
            unusable(" was written by a newer Hamlet; install that version, or name another database".to_owned())
        }
        MigrateError::VersionMismatch(step) => unusable(format!(
            " was written by another build of Hamlet (step {step} of its schema differs); install that build, or name \
             another database"
        )),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match Trouble::of(&error) {
            Trouble::Forbidden => unusable(format!(
                ": Hamlet's role may not make its tables there ({error}); make the role owner of the database, or grant it \
                 CREATE and USAGE on the schema"
            )),
            Trouble::ReadOnly => unusable(": the server is read-only; name the primary".to_owned()),
            Trouble::Refused => unusable(format!(
                " has tables that are not Hamlet's ({error}); give Hamlet a database of its own"
            )),
            _ => unusable(format!(": the schema cannot be brought up to date: {error}")),
        },
        other => unusable(format!(": the schema cannot be brought up to date: {other}")),
    })
}

/// The URL of a store without its password, for people.
pub fn shown(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        let (scheme, _) = url.split_once("://").unwrap_or(("postgres", ""));
        return format!("{scheme}://…");
    };
    if parsed.password().is_some() {
        let _ = parsed.set_password(Some("***"));
    }
    let is_secret = |name: &str| name == "password";
    if parsed.query_pairs().any(|(name, _)| is_secret(&name)) {
        let pairs: Vec<(String, String)> = parsed
            .query_pairs()
            .map(|(name, value)| (name.to_string(), if is_secret(&name) { "***".into() } else { value.to_string() }))
            .collect();
        parsed.query_pairs_mut().clear().extend_pairs(pairs);
    }
    parsed.to_string()
}

/// What is wrong with the server or the way to it, for an operator.
fn sentence(shown: &str, options: &PgConnectOptions, error: &Error) -> StoreError {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    let role = options.get_username();
    let no_tls = |why: &dyn std::fmt::Display| {
        format!("no TLS with the server ({why}); see sslmode and sslrootcert in the URL, and the server's certificate")
    };
    let mend = match (code(error).as_deref(), error) {
        (Some("28P01"), _) => format!("the server refuses the password of role `{role}`; correct it in the URL"),
        (Some("28000"), _) => {
            format!(
                "the server will not let role `{role}` in ({error}); see that the role is there and pg_hba.conf lets it in"
            )
        }
        (Some("3D000"), _) => {
            format!(
                "there is no database `{database}` on that server; make it with `createdb --owner={role} {database}`"
            )
        }
        (Some("42501"), _) => format!("role `{role}` may not connect to database `{database}`; grant it CONNECT"),
        (Some("53300"), _) => {
            "the server has no connection left; lower store.connections or raise its max_connections".to_owned()
        }
        (Some("57P03"), _) => format!("the server is not ready ({error}); start Hamlet again when it is"),
        (_, Error::Tls(why)) => no_tls(why),
        // A certificate that is not believed is found out while the connection is read.
        (_, Error::Io(why)) if why.kind() == std::io::ErrorKind::InvalidData => no_tls(why),
        (_, Error::Io(why)) => {
            format!("no PostgreSQL server answers there ({why}); start it, or name another host and port")
        }
        _ => format!("it cannot be opened: {error}"),
    };
    StoreError::Unusable(format!("{shown}: {mend}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        for (url, expected) in [
            ("postgres://bob:geheim@db.example:5433/hamlet", "postgres://bob:***@db.example:5433/hamlet"),
            (
                "postgres://db.example/hamlet?user=bob&password=geheim",
                "postgres://db.example/hamlet?user=bob&password=***",
            ),
            ("postgres://bob:geheim@[::1/hamlet", "postgres://…"),
            ("postgres:///hamlet", "postgres:///hamlet"),
        ] {
            assert_eq!(shown(url), expected);
            assert!(!shown(url).contains("geheim"));
        }
    }
}
