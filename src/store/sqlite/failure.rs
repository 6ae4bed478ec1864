//! What SQLite says, sorted by what the caller does next.
//!
//! Owns the meaning of engine errors while the store is open. Does not own what is wrong with a file that cannot be
//! opened at all (`opening`).

use crate::store::StoreError;

/// Primary result codes of SQLite that mean something to an operator (<https://www.sqlite.org/rescode.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another connection holds the lock: `BUSY`, `LOCKED`.
    Locked,
    /// `FULL`: no room is left on the disk.
    Full,
    /// `READONLY`, `PERM`, `AUTH`.
    ReadOnly,
    /// `CANTOPEN`.
    CannotOpen,
    /// `CORRUPT`: it is SQLite, and damaged.
    Damaged,
    /// `NOTADB`: it is something else.
    NotSqlite,
    /// Any other code: what was to be written cannot be, whoever writes it.
    Refused,
    /// `IOERR`: the file system did not do as asked.
    Disk,
    /// Not a word from SQLite, or one about the machine: `NOMEM`, a connection that is gone.
    Away,
}

impl Trouble {
    pub(super) fn of(error: &sqlx::Error) -> Trouble {
        let code = match error {
            sqlx::Error::Database(error) => error.code().and_then(|code| code.parse::<u32>().ok()),
            _ => None,
        };
        // The low byte of an extended code is the primary one.
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Trouble::Locked,
            Some(13) => Trouble::Full,
            Some(3 | 8 | 23) => Trouble::ReadOnly,
            Some(14) => Trouble::CannotOpen,
            Some(11) => Trouble::Damaged,
            Some(26) => Trouble::NotSqlite,
            Some(10) => Trouble::Disk,
            None | Some(7 | 9 | 15) => Trouble::Away,
            Some(_) => Trouble::Refused,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match (Trouble::of(&error), &error) {
            (Trouble::Damaged | Trouble::NotSqlite, _) => {
                StoreError::Unusable(format!("the database file is damaged ({error}); put a backup in its place"))
            }
            (Trouble::Locked, _) => StoreError::Unavailable("another program keeps the database locked".to_owned()),
            (Trouble::Full, _) => {
                StoreError::Unavailable("the disk is full; make room, and all goes on by itself".to_owned())
            }
            (Trouble::Disk, _) => StoreError::Unavailable(format!(
                "{error}; look whether the file system has become read-only and what the system's log says of the disk, and all \
                 goes on by itself once it is mended"
            )),
            (Trouble::ReadOnly, _) => StoreError::Unavailable(
                "the database has become read-only; give the file back to Hamlet's user, and start it again".to_owned(),
            ),
            (_, sqlx::Error::PoolClosed) => StoreError::Unavailable("it is closed".to_owned()),
            (_, sqlx::Error::PoolTimedOut) => StoreError::Unavailable("all readers are busy".to_owned()),
            (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => {
                StoreError::Unusable(format!("the database holds a row that cannot be read: {error}"))
            }
            (Trouble::Refused, _) => StoreError::Unusable(format!("the database refused what was to be kept: {error}")),
            (Trouble::CannotOpen | Trouble::Away, _) => StoreError::Unavailable(error.to_string()),
        }
    }
}
