//! What can be said of a store without opening it for work: opening brings the schema up to date, looking must not.

use std::path::{Path, PathBuf};

use super::{Settings, StoreError, sqlite};

/// A store that is a file, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    pub file: PathBuf,
    /// Its size with its write-ahead log.
    pub bytes: u64,
    pub schema: Schema,
    /// What is damaged, nothing when it is sound; `None`: it was not read through.
    pub damage: Option<Vec<String>>,
}

/// Whose schema it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// There is no store yet.
    Missing,
    /// It is a database of something else.
    Foreign,
    /// That of this program.
    Present { version: i64 },
    /// One that opening would bring up to date.
    Older { version: i64, newest: i64 },
    /// One that this program does not know.
    Newer { version: i64, newest: i64 },
}

/// Looks at the store that `url` names, and reads it through for damage if it has `read_up_to` bytes at most.
///
/// `Ok(None)`: it is no file.
///
/// # Errors
/// [`StoreError::Unusable`] with the path, the fact and the mend.
pub async fn examine(
    url: &str,
    data_dir: &Path,
    settings: Settings,
    read_up_to: u64,
) -> Result<Option<Examined>, StoreError> {
    let file = match url.split_once(':') {
        None if url == "sqlite" => data_dir.join("hamlet.db"),
        Some(("sqlite", path)) => PathBuf::from(path.strip_prefix("//").unwrap_or(path)),
        _ => return Ok(None),
    };
    // `sqlite::memory:` and its like are refused when they are opened.
    if file.as_os_str().is_empty() || file.to_string_lossy().ends_with("memory:") {
        return Ok(None);
    }
    sqlite::examine(file, &settings, read_up_to).await.map(Some)
}
