//! Looks at a SQLite file and changes nothing in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::failure::Trouble;
use super::opening::{is_expanded, newest, sentence};
use crate::store::{Examined, Schema, Settings, StoreError};

/// How many damaged places are told.
const TOLD: &str = "PRAGMA quick_check(5)";

/// See [`crate::store::examine`].
pub(in crate::store) async fn examine(
    file: PathBuf,
    settings: &Settings,
    read_up_to: u64,
) -> Result<Examined, StoreError> {
    let bytes = size(&file) + size(&beside(&file, "-wal"));
    // An empty file is what a first start leaves that was cut short.
    if bytes == 0 {
        return Ok(Examined { file, bytes, schema: Schema::Missing, damage: None });
    }
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .read_only(true)
        .busy_timeout(Duration::from_millis(settings.busy_timeout_ms))
        .disable_statement_logging();
    let mut conn = options.connect().await.map_err(|error| sentence(&file, &error))?;
    let schema = schema(&mut conn).await.map_err(|error| sentence(&file, &error))?;
    let damage = if bytes <= read_up_to { Some(damage(&mut conn).await) } else { None };
    // Nothing was written, so nothing can fail that anybody minds.
    let _ = conn.close().await;
    Ok(Examined { file, bytes, schema, damage })
}

async fn schema(conn: &mut SqliteConnection) -> Result<Schema, sqlx::Error> {
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_one(&mut *conn)
        .await?;
    if tables == 0 {
        return Ok(Schema::Foreign);
    }
    let version: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success").fetch_one(&mut *conn).await?;
    let (version, newest) = (version.unwrap_or(0), newest());
    Ok(match version.cmp(&newest) {
        std::cmp::Ordering::Less => Schema::Older { version, newest },
        std::cmp::Ordering::Equal => Schema::Present { version },
        std::cmp::Ordering::Greater if is_expanded(conn).await => Schema::Present { version },
        std::cmp::Ordering::Greater => Schema::Newer { version, newest },
    })
}

/// Every page and every index, as far as it can be read.
async fn damage(conn: &mut SqliteConnection) -> Vec<String> {
    match sqlx::query_scalar::<_, String>(TOLD).fetch_all(conn).await {
        Ok(said) => said.into_iter().filter(|line| line != "ok").collect(),
        Err(error) => match Trouble::of(&error) {
            // Somebody else is busy with it, which is no damage.
            Trouble::Locked => Vec::new(),
            _ => vec![error.to_string()],
        },
    }
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |found| found.len())
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
