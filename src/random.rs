//! Everything that is left to chance: ids, keys, secrets, jitter.
//!
//! The one place that asks for randomness, so that all below it is a function of its arguments.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rand::Rng as _;
use ulid::Ulid;

use crate::comment::CommentId;

#[expect(clippy::disallowed_methods, reason = "the one place that asks for randomness")]
fn rng() -> rand::rngs::ThreadRng {
    rand::rng()
}

fn ulid_at(now: Timestamp) -> Ulid {
    let milliseconds = u64::try_from(now.as_millisecond()).unwrap_or(0);
    Ulid::from_parts(milliseconds, rng().random())
}

/// A fresh id for a comment that arrived at `now`.
pub fn comment_id(now: Timestamp) -> CommentId {
    CommentId(ulid_at(now))
}

/// A fresh webhook message id: `msg_` and a ULID; no dot, because the signature uses dots as delimiters.
pub fn message_id(now: Timestamp) -> String {
    format!("msg_{}", ulid_at(now))
}

/// An API key: 12 hex digits, because WordPress deletes every other character and refuses any other length.
pub fn api_key() -> String {
    format!("{:012x}", rng().random::<u64>() >> 16)
}

/// A key for administration: `hk_` and 256 bits in hexadecimal; nobody types it into a form of WordPress.
pub fn admin_key() -> String {
    let bytes: [u8; 32] = rng().random();
    bytes.iter().fold("hk_".to_owned(), |key, byte| format!("{key}{byte:02x}"))
}

/// A webhook secret: `whsec_` and base64 of 32 random bytes (Standard Webhooks asks for 24 to 64).
pub fn webhook_secret() -> String {
    format!("whsec_{}", STANDARD.encode(rng().random::<[u8; 32]>()))
}

/// A factor in [0.85, 1.15] for a retry's wait, so that endpoints which failed together do not return together.
pub fn jitter() -> f64 {
    rng().random_range(0.85..=1.15)
}

/// A name for one who holds a lease, which nobody else has.
pub fn holder() -> String {
    format!("{:032x}", rng().random::<u128>())
}

/// A fresh endpoint id: `ep_` and a ULID.
pub fn endpoint_id(now: Timestamp) -> String {
    format!("ep_{}", ulid_at(now))
}
