//! Columns to domain values and back.
//!
//! Owns how an id, a time or a document looks in a row. A row that cannot be read is an error that names it, never a
//! panic: the file may come from anywhere.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ulid::Ulid;

use crate::comment::CommentId;
use crate::store::StoreError;

/// Microseconds since 1970.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
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
    serde_json::to_string(value).map_err(|error| StoreError::Unusable(format!("this cannot be kept as JSON: {error}")))
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
