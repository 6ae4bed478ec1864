//! From a path to connections with the right schema, or one sentence on what is wrong with the file.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use super::failure::Trouble;
use crate::store::{Settings, StoreError};

static SCHEMA: Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// What connections hold of the file, KiB (SQLite counts KiB as negative). What was seen before lies all over it, and each
/// comment touches a dozen pages.
const WRITER_CACHE: &str = "-32768";
const READER_CACHE: &str = "-8192";
/// Pages that the log may hold before they are copied into the file. A page that several commits change is copied once.
const CHECKPOINT_AFTER: &str = "8192";

/// Opens the writing connection and the reading ones, and brings the schema up to date.
pub(super) async fn open(file: &Path, settings: &Settings) -> Result<(SqliteConnection, SqlitePool), StoreError> {
    make_folder(file)?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(Duration::from_millis(settings.busy_timeout_ms))
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        // Statements carry comments, and comments are nobody's business (architecture, invariant 9).
        .disable_statement_logging();
    let writing = options
        .clone()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", CHECKPOINT_AFTER);
    let patience = Duration::from_millis(settings.busy_timeout_ms);
    let writer = connect(file, &writing, patience).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(settings.readers.max(1))
        .min_connections(1)
        .acquire_timeout(patience)
        // A file does not go away as a server does; asking each time costs as much as a look-up.
        .test_before_acquire(false)
        .connect_with(options.read_only(true).pragma("cache_size", READER_CACHE))
        .await
        .map_err(|error| sentence(file, &error))?;
    Ok((writer, readers))
}

/// Two processes that open a fresh file meet while it is turned to WAL, which SQLite's own waiting does not cover.
async fn connect(
    file: &Path,
    options: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqliteConnection, StoreError> {
    let started = Instant::now();
    loop {
        let outcome = match options.connect().await {
            Ok(mut conn) => match migrate(&mut conn, file).await {
                Ok(()) => return Ok(conn),
                Err(failure) => failure,
            },
            Err(error) => Failure::of(file, error),
        };
        match outcome {
            Failure::Locked(_) if started.elapsed() < patience => tokio::time::sleep(Duration::from_millis(20)).await,
            Failure::Locked(error) | Failure::Final(error) => return Err(error),
        }
    }
}

enum Failure {
    Locked(StoreError),
    Final(StoreError),
}

impl Failure {
    fn of(file: &Path, error: sqlx::Error) -> Failure {
        let told = sentence(file, &error);
        if Trouble::of(&error) == Trouble::Locked { Failure::Locked(told) } else { Failure::Final(told) }
    }
}

/// The number of this program's schema.
pub(super) fn newest() -> i64 {
    SCHEMA.iter().map(|step| step.version).max().unwrap_or(0)
}

/// Whether a newer program has only added to the schema, so that this one may go on with it.
pub(super) async fn is_expanded(conn: &mut SqliteConnection) -> bool {
    let oldest = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'oldest_schema'").fetch_optional(conn).await;
    oldest.is_ok_and(|oldest: Option<i64>| oldest.is_some_and(|oldest| oldest <= newest()))
}

/// Brings the schema up to date, under the write lock: of two processes one migrates, and the other finds it done.
async fn migrate(conn: &mut SqliteConnection, file: &Path) -> Result<(), Failure> {
    let path = file.display();
    let mut changes = conn.begin_with("BEGIN IMMEDIATE").await.map_err(|error| Failure::of(file, error))?;
    // `run` would do, but the compiler does not see that its future may move between threads.
    let mut outcome = SCHEMA.run_direct(None, &mut *changes, false).await;
    if matches!(outcome, Err(MigrateError::VersionMissing(_))) && is_expanded(&mut changes).await {
        let mut own = Migrator::with_migrations(SCHEMA.iter().cloned().collect());
        own.set_ignore_missing(true);
        outcome = own.run_direct(None, &mut *changes, false).await;
    }
    outcome.map_err(|error| match error {
        MigrateError::VersionMissing(_) => Failure::Final(StoreError::Unusable(format!(
            "{path} was written by a newer Hamlet; install that version, or name another data folder"
        ))),
        MigrateError::VersionMismatch(step) => Failure::Final(StoreError::Unusable(format!(
            "{path} was written by another build of Hamlet (step {step} of its schema differs); install that build, \
             or name another data folder"
        ))),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match Trouble::of(&error) {
            Trouble::Refused => Failure::Final(StoreError::Unusable(format!(
                "{path} is a database, but not one of Hamlet's ({error}); name another data folder"
            ))),
            _ => Failure::of(file, error),
        },
        other => {
            Failure::Final(StoreError::Unusable(format!("{path}: the schema cannot be brought up to date: {other}")))
        }
    })?;
    // SQLite opens a file that it may not write for reading, says nothing, and stays so. This changes nothing, but asks.
    sqlx::query("DELETE FROM meta WHERE name IS NULL")
        .execute(&mut *changes)
        .await
        .map_err(|error| Failure::of(file, error))?;
    changes.commit().await.map_err(|error| Failure::of(file, error))
}

fn make_folder(file: &Path) -> Result<(), StoreError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    // Comments are personal data: a folder that Hamlet makes is for its own user only.
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
        StoreError::Unusable(format!(
            "{}: the data folder cannot be made ({error}); make it and give it to Hamlet's user, or name another with \
             --data-dir",
            folder.display()
        ))
    })
}

/// What is wrong with the file, for an operator.
pub(super) fn sentence(file: &Path, error: &sqlx::Error) -> StoreError {
    let path = file.display();
    let mend = match Trouble::of(error) {
        Trouble::Locked => "is locked by another program; stop that program and start again".to_owned(),
        Trouble::Full => "cannot be written because the disk is full; make room and start again".to_owned(),
        Trouble::ReadOnly => "cannot be written; give the file and its folder to Hamlet's user, or name another data \
                              folder with --data-dir"
            .to_owned(),
        Trouble::CannotOpen => "cannot be opened; see that its folder is there and belongs to Hamlet's user, or name \
                                another with --data-dir"
            .to_owned(),
        Trouble::Damaged => format!("is damaged ({error}); put a backup in its place"),
        Trouble::NotSqlite => "is not a database; move it away, or name another data folder with --data-dir".to_owned(),
        Trouble::Refused | Trouble::Disk | Trouble::Away => format!("cannot be opened: {error}"),
    };
    StoreError::Unusable(format!("{path} {mend}"))
}
