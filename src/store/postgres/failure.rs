//! What PostgreSQL says, sorted by what the caller does next.
//!
//! Owns the meaning of SQLSTATE codes. A verb fails by [`Failure`], so that a transaction that only lost a race can be told
//! from the others and done again; what leaves the engine is a [`StoreError`].

use sqlx::Error;

use crate::store::StoreError;

/// Why a verb did not come to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// An answer to the caller.
    Told(StoreError),
    Engine(Error),
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// Another transaction was in the way, and nothing is wrong: `serialization_failure`, `deadlock_detected`.
    pub(super) fn is_collision(&self) -> bool {
        matches!(self, Failure::Engine(error) if matches!(code(error).as_deref(), Some("40001" | "40P01")))
    }

    /// What was to be kept cannot be, whoever writes it.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Failure::Told(error) => matches!(error, StoreError::Unusable(_)),
            Failure::Engine(error) => Trouble::of(error) == Trouble::Refused,
        }
    }

    /// The connection is of no use any more, and another one may be.
    pub(super) fn is_connection_lost(&self) -> bool {
        match self {
            Failure::Told(_) => false,
            Failure::Engine(Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed | Error::BeginFailed) => true,
            Failure::Engine(error) => Trouble::of(error) == Trouble::GoingAway,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Told(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Engine(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> StoreError {
        let error = match failure {
            Failure::Told(error) => return error,
            Failure::Engine(error) => error,
        };
        let away = |why: String| StoreError::Unavailable(why);
        match (Trouble::of(&error), &error) {
            (_, Error::PoolClosed) => away("it is closed".to_owned()),
            (_, Error::PoolTimedOut) => {
                away("PostgreSQL gave no connection in time: it is away, or all connections are busy".to_owned())
            }
            (_, Error::ColumnDecode { .. } | Error::Decode(_) | Error::RowNotFound) => {
                StoreError::Unusable(format!("the database holds a row that cannot be read: {error}"))
            }
            (Trouble::TooSlow, _) => away("a statement took longer than store.statement_timeout_ms allows".to_owned()),
            (Trouble::Locked, _) => away("another program keeps the database locked".to_owned()),
            (Trouble::Collision, _) => away("it collided with other writers again and again".to_owned()),
            (Trouble::Full, _) => away(format!("the server has no room left ({error})")),
            (Trouble::ReadOnly, _) => away("the server is read-only; name the primary".to_owned()),
            (Trouble::Forbidden, _) => away(format!("Hamlet's role lacks a right ({error}); grant it")),
            (Trouble::Damaged, _) => StoreError::Unusable(format!("the database is damaged ({error})")),
            (Trouble::Refused, _) => StoreError::Unusable(format!("the database refused what was to be kept: {error}")),
            (Trouble::GoingAway | Trouble::Away, _) => away(error.to_string()),
        }
    }
}

/// SQLSTATE codes that mean something to an operator (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// `query_canceled`: beyond the statement timeout.
    TooSlow,
    /// `lock_not_available`: beyond the lock timeout.
    Locked,
    /// `serialization_failure`, `deadlock_detected`.
    Collision,
    /// `disk_full`, `out_of_memory`.
    Full,
    /// `read_only_sql_transaction`: a standby.
    ReadOnly,
    /// `insufficient_privilege`, and the server will not have this role or password (class 28).
    Forbidden,
    /// Class XX: the server's own files.
    Damaged,
    /// The server ends this connection: it stops, or was told to.
    GoingAway,
    /// Any other code: what was to be written cannot be, whoever writes it.
    Refused,
    /// Not a word from PostgreSQL, or one about the machine.
    Away,
}

impl Trouble {
    pub(super) fn of(error: &Error) -> Trouble {
        let Some(code) = code(error) else { return Trouble::Away };
        match code.as_str() {
            "57014" => Trouble::TooSlow,
            "55P03" => Trouble::Locked,
            "40001" | "40P01" => Trouble::Collision,
            "53100" | "53200" => Trouble::Full,
            "25006" => Trouble::ReadOnly,
            "42501" => Trouble::Forbidden,
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Trouble::GoingAway,
            _ => match code.get(..2) {
                Some("28") => Trouble::Forbidden,
                Some("XX") => Trouble::Damaged,
                Some("08") => Trouble::GoingAway,
                Some("53" | "57" | "58" | "3D") => Trouble::Away,
                _ => Trouble::Refused,
            },
        }
    }
}

pub(super) fn code(error: &Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code()).map(std::borrow::Cow::into_owned)
}
