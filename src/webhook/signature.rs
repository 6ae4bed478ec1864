//! Signatures of Standard Webhooks, scheme `v1`: making and checking them.
//!
//! Owns the bytes that are signed and the form of a secret. Does not own which secrets an endpoint has (`store`), nor
//! where they come from (`random`).
//!
//! Source: Standard Webhooks 1.0.0, "Signature scheme"; the five minutes are those of its reference libraries.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

/// How far a message's timestamp may lie from now, both ways.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Signatures that are looked at in one header; a sender in the middle of a rotation has two or three.
const SIGNATURES_MAX: usize = 16;

/// The key that signs for one endpoint. Its text is `whsec_` and base64; the HMAC key is the decoded bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// Why a text is no secret. The text itself is not repeated: errors end up in logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("a webhook secret starts with `whsec_`")]
    Prefix,
    #[error("a webhook secret is `whsec_` and standard base64; this is not base64")]
    Base64,
    #[error("a webhook secret holds 24 to 64 bytes, not {0}")]
    Length(usize),
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Secret, SecretError> {
        let encoded = text.trim().strip_prefix("whsec_").ok_or(SecretError::Prefix)?;
        let key = STANDARD.decode(encoded).map_err(|_| SecretError::Base64)?;
        if (24..=64).contains(&key.len()) { Ok(Secret(key)) } else { Err(SecretError::Length(key.len())) }
    }
}

impl Secret {
    /// HMAC-SHA256 over `<id>.<timestamp>.<body>`.
    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        mac
    }
}

/// The value of `webhook-signature`: one `v1,…` for each secret, separated by spaces.
///
/// * `id`: the `webhook-id`; holds no dot.
/// * `timestamp`: the `webhook-timestamp`, Unix seconds of this attempt.
/// * `body`: the bytes exactly as they will be sent.
pub fn sign<'a>(secrets: impl IntoIterator<Item = &'a Secret>, id: &str, timestamp: i64, body: &[u8]) -> String {
    let timestamp = timestamp.to_string();
    let signatures = secrets
        .into_iter()
        .map(|secret| format!("v1,{}", STANDARD.encode(secret.mac(id, &timestamp, body).finalize().into_bytes())));
    signatures.collect::<Vec<_>>().join(" ")
}

/// The three headers of a message that came in.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub timestamp: &'a str,
    /// `webhook-signature`
    pub signature: &'a str,
}

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("webhook-timestamp is not a number of seconds")]
    Timestamp,
    #[error("webhook-timestamp lies too far in the past")]
    TooOld,
    #[error("webhook-timestamp lies too far in the future")]
    TooNew,
    #[error("no signature in webhook-signature fits")]
    Signature,
}

/// Checks that somebody who holds one of `secrets` sent `body`, within `tolerance` of `now`.
///
/// Signatures of unknown versions are passed over. Each comparison takes the same time whatever differs.
pub fn verify<'a>(
    secrets: impl IntoIterator<Item = &'a Secret>,
    headers: Headers<'_>,
    body: &[u8],
    now: Timestamp,
    tolerance: Duration,
) -> Result<(), VerifyError> {
    let sent_at: Timestamp = headers
        .timestamp
        .parse()
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or(VerifyError::Timestamp)?;
    let tolerance = SignedDuration::try_from(tolerance).unwrap_or(SignedDuration::MAX);
    let age = now.duration_since(sent_at);
    if age > tolerance {
        return Err(VerifyError::TooOld);
    }
    if -age > tolerance {
        return Err(VerifyError::TooNew);
    }
    let claimed: Vec<Vec<u8>> = headers
        .signature
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|encoded| STANDARD.decode(encoded).ok())
        .take(SIGNATURES_MAX)
        .collect();
    let fits = secrets.into_iter().any(|secret| {
        let mac = secret.mac(headers.id, headers.timestamp, body);
        claimed.iter().any(|claim| mac.clone().verify_slice(claim).is_ok())
    });
    if fits { Ok(()) } else { Err(VerifyError::Signature) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // The vector of the reference library's own tests.
    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const SENT_AT: i64 = 1_649_367_553;
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    /// A secret of this many bytes, all alike.
    fn of_bytes(byte: u8, count: usize) -> String {
        format!("whsec_{}", STANDARD.encode(vec![byte; count]))
    }

    fn secret(text: &str) -> Secret {
        text.parse().unwrap()
    }

    #[test]
    fn the_reference_vector_is_signed_as_the_reference_signs_it() {
        assert_eq!(sign([&secret(SECRET)], ID, SENT_AT, BODY), SIGNATURE);
    }

    #[track_caller]
    fn check(timestamp: &str, signature: &str, body: &[u8], seconds_later: i64, expected: Result<(), VerifyError>) {
        let now = Timestamp::from_second(SENT_AT + seconds_later).unwrap();
        let headers = Headers { id: ID, timestamp, signature };
        assert_eq!(verify([&secret(SECRET)], headers, body, now, TOLERANCE), expected, "{timestamp} {signature}");
    }

    #[test]
    fn a_message_is_believed_only_whole_and_in_time() {
        let sent_at = &SENT_AT.to_string();
        let several = format!("v1a,AAAA v2,{} v1,AAAA {SIGNATURE}", &SIGNATURE[3..]);
        let other_version = SIGNATURE.replace("v1,", "v2,");
        check(sent_at, SIGNATURE, BODY, 0, Ok(()));
        check(sent_at, &several, BODY, 0, Ok(()));
        check(sent_at, SIGNATURE, BODY, 300, Ok(()));
        check(sent_at, SIGNATURE, BODY, -300, Ok(()));
        check(sent_at, SIGNATURE, BODY, 301, Err(VerifyError::TooOld));
        check(sent_at, SIGNATURE, BODY, -301, Err(VerifyError::TooNew));
        check(sent_at, SIGNATURE, b"{}", 0, Err(VerifyError::Signature));
        check(sent_at, &other_version, BODY, 0, Err(VerifyError::Signature));
        check(sent_at, "", BODY, 0, Err(VerifyError::Signature));
        check(sent_at, "v1,", BODY, 0, Err(VerifyError::Signature));
        check(sent_at, "v1,????  \u{0}", BODY, 0, Err(VerifyError::Signature));
        check("1649367554", SIGNATURE, BODY, 0, Err(VerifyError::Signature));
        check("", SIGNATURE, BODY, 0, Err(VerifyError::Timestamp));
        check("yesterday", SIGNATURE, BODY, 0, Err(VerifyError::Timestamp));
        check("9223372036854775807", SIGNATURE, BODY, 0, Err(VerifyError::Timestamp));
    }

    #[test]
    fn a_rotation_signs_with_both_secrets_and_each_is_enough() {
        let (old, new) = (of_bytes(1, 32), of_bytes(2, 32));
        let signature = sign([&secret(&new), &secret(&old)], ID, SENT_AT, BODY);
        assert_eq!(signature.split(' ').count(), 2);
        let headers = Headers { id: ID, timestamp: &SENT_AT.to_string(), signature: &signature };
        let now = Timestamp::from_second(SENT_AT).unwrap();
        for text in [&old, &new] {
            assert_eq!(verify([&secret(text)], headers, BODY, now, TOLERANCE), Ok(()));
        }
        let stranger = secret(&of_bytes(3, 32));
        assert_eq!(verify([&stranger], headers, BODY, now, TOLERANCE), Err(VerifyError::Signature));
    }

    #[test]
    fn a_bad_secret_is_an_error_that_does_not_repeat_it() {
        let of = |count: usize| of_bytes(7, count).parse::<Secret>();
        assert_eq!("".parse::<Secret>(), Err(SecretError::Prefix));
        assert_eq!("C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse::<Secret>(), Err(SecretError::Prefix));
        assert_eq!("whsec_not base64!".parse::<Secret>(), Err(SecretError::Base64));
        assert_eq!("whsec_".parse::<Secret>(), Err(SecretError::Length(0)));
        assert_eq!(of(23), Err(SecretError::Length(23)));
        assert!(of(24).is_ok() && of(64).is_ok());
        assert_eq!(of(65), Err(SecretError::Length(65)));
        assert_eq!(format!("{:?}", of(24).unwrap()), "Secret(…)");
    }

    proptest! {
        /// The reference crate signs the same and we believe it.
        #[test]
        fn the_reference_crate_agrees(key in prop::collection::vec(any::<u8>(), 24..=64), body in ".*", at in 0..4_102_444_800_i64) {
            let text = format!("whsec_{}", STANDARD.encode(key));
            let theirs = standardwebhooks::Webhook::new(&text).unwrap().sign(ID, at, body.as_bytes()).unwrap();
            let ours = secret(&text);
            prop_assert_eq!(&sign([&ours], ID, at, body.as_bytes()), &theirs);
            let headers = Headers { id: ID, timestamp: &at.to_string(), signature: &theirs };
            let now = Timestamp::from_second(at).unwrap();
            prop_assert_eq!(verify([&ours], headers, body.as_bytes(), now, TOLERANCE), Ok(()));
        }
    }
}
