//! Columns to domain values and back, the same for every engine.
//!
//! Owns how an id, a time or a document looks in a row, and what rows are made of that every engine reads alike. A row
//! that cannot be read is an error that names it, never a panic: a database may come from anywhere.

mod comments;
mod endpoints;
mod jobs;
mod models;
mod packed;
mod sites;

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Postgres, Sqlite, Type};
use ulid::Ulid;
use xxhash_rust::xxh3::xxh3_64;

use crate::comment::CommentId;
use crate::store::StoreError;

pub(super) use self::comments::{CommentRow, HamRow, LabelledRow};
pub(super) use self::endpoints::{AttemptRow, DeliveryRow, EndpointRow, state_word};
pub(super) use self::jobs::{ClaimedComment, ClaimedDelivery, DeadRow, StatusRow};
pub(super) use self::models::ModelRow;
pub(super) use self::packed::Packed;
pub(super) use self::sites::{KeyRow, ListRow, SiteRow, placed};

/// JSON in a column of text; comments and verdicts are [`Packed`]. As bytes, because a damaged row need not even be UTF-8.
#[derive(Debug)]
pub(super) struct Document(Vec<u8>);

impl Deref for Document {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Type<Sqlite> for Document {
    fn type_info() -> <Sqlite as Database>::TypeInfo {
        <Vec<u8> as Type<Sqlite>>::type_info()
    }

    fn compatible(column: &<Sqlite as Database>::TypeInfo) -> bool {
        <Vec<u8> as Type<Sqlite>>::compatible(column)
    }
}

impl<'r> Decode<'r, Sqlite> for Document {
    fn decode(value: <Sqlite as Database>::ValueRef<'r>) -> Result<Document, BoxDynError> {
        <Vec<u8> as Decode<Sqlite>>::decode(value).map(Document)
    }
}

impl Type<Postgres> for Document {
    fn type_info() -> <Postgres as Database>::TypeInfo {
        <String as Type<Postgres>>::type_info()
    }

    fn compatible(column: &<Postgres as Database>::TypeInfo) -> bool {
        <String as Type<Postgres>>::compatible(column)
    }
}

impl<'r> Decode<'r, Postgres> for Document {
    fn decode(value: <Postgres as Database>::ValueRef<'r>) -> Result<Document, BoxDynError> {
        Ok(Document(value.as_bytes()?.to_vec()))
    }
}

/// Microseconds since 1970.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The same, `wait` later.
pub(super) fn later(at: Timestamp, wait: Duration) -> i64 {
    micros(at).saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
}

pub(super) fn time(micros: i64, row: impl fmt::Display) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| unreadable(row, error))
}

pub(super) fn id_bytes(id: CommentId) -> Vec<u8> {
    id.0.to_bytes().to_vec()
}

pub(super) fn comment_id(bytes: &[u8], row: impl fmt::Display) -> Result<CommentId, StoreError> {
    <[u8; 16]>::try_from(bytes)
        .map(|bytes| CommentId(Ulid::from_bytes(bytes)))
        .map_err(|_| unreadable(row, format_args!("an id of {} bytes", bytes.len())))
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, StoreError> {
    let refused = |error: &dyn fmt::Display| StoreError::Unusable(format!("this cannot be kept as JSON: {error}"));
    // As long as most verdicts are: from serde_json's 128 bytes on, it would be moved three times.
    let mut json = Vec::with_capacity(1024);
    serde_json::to_writer(&mut json, value).map_err(|error| refused(&error))?;
    String::from_utf8(json).map_err(|error| refused(&error))
}

/// `text` as bytes, because a damaged row need not even be UTF-8.
pub(super) fn from_json<T: DeserializeOwned>(text: &[u8], row: impl fmt::Display) -> Result<T, StoreError> {
    serde_json::from_slice(text).map_err(|error| unreadable(row, error))
}

/// A JSON array of numbers: many parameters in one, whatever their count, under one prepared statement.
pub(super) fn json_array(numbers: impl IntoIterator<Item = i64>) -> String {
    let mut text = String::from("[");
    for number in numbers {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&number.to_string());
    }
    text.push(']');
    text
}

pub(super) fn unreadable(row: impl fmt::Display, why: impl fmt::Display) -> StoreError {
    StoreError::Unusable(format!("{row} in the database cannot be read: {why}"))
}

/// Tells a repeat from an idempotency key that was used twice; `comment` is its JSON.
pub(super) fn body_hash(comment: &str) -> i64 {
    xxh3_64(comment.as_bytes()).cast_signed()
}
