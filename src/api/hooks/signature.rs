//! Whether a message comes from whom it says: the signature schemes of inbound hooks.
//!
//! Owns what each scheme signs and how a refusal is told. Does not own Standard Webhooks' signature
//! (`webhook::signature`) nor where secrets come from (`config::hooks`). The body is looked at as bytes only: nothing
//! parses it before it is believed.
//!
//! Sources: GitHub, "Validating webhook deliveries"; Discourse, `emit_web_hook_event.rb`; Ghost,
//! `webhook-trigger.js`, which has signed body and time since July 2024, and only the body before.

use std::time::Duration;

use axum::http::HeaderMap;
use hmac::{Hmac, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use crate::api::problem::{Problem, Refusal};
use crate::config::hooks::{Key, Scheme};
use crate::webhook::signature::{self, Headers, VerifyError};

/// A message that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed {
    /// What tells it from any other message of its source; the same when it is sent again. `None` when nothing is signed.
    pub id: Option<String>,
}

/// Checks that somebody who holds one of the secrets of `scheme` sent `body`, if the scheme signs a time near `now`.
///
/// # Errors
/// [`Refusal::SignatureMissing`], [`Refusal::SignatureInvalid`] or [`Refusal::SignatureExpired`]; for a bearer's token
/// [`Refusal::KeyMissing`] or [`Refusal::KeyUnknown`].
pub fn believed(scheme: &Scheme, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Believed, Problem> {
    match scheme {
        Scheme::StandardWebhooks { secrets, tolerance } => {
            let [id, timestamp, signature] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
            let given = Headers {
                id: value(headers, id)?,
                timestamp: value(headers, timestamp)?,
                signature: value(headers, signature)?,
            };
            signature::verify(secrets, given, body, now, *tolerance).map_err(|error| match error {
                VerifyError::TooOld | VerifyError::TooNew => expired(*tolerance),
                VerifyError::Timestamp => unreadable(timestamp, "a number of seconds"),
                VerifyError::Signature => misfit(signature),
            })?;
            Ok(Believed { id: Some(given.id.to_owned()) })
        }
        Scheme::HmacSha256 { secrets, header, prefix } => {
            let given = value(headers, header)?.trim();
            let expected = format!("`{prefix}` and 64 hexadecimal digits");
            let claim = given.strip_prefix(prefix.as_str()).and_then(hexadecimal);
            let claim = claim.ok_or_else(|| unreadable(header, &expected))?;
            if !is_signed(secrets, &[body], &claim) {
                return Err(misfit(header));
            }
            Ok(Believed { id: Some(hex(&claim)) })
        }
        Scheme::Ghost { secrets, header, tolerance } => {
            let parts = ghost(value(headers, header)?);
            let (claim, time) = parts.ok_or_else(|| unreadable(header, "`sha256=…, t=…`"))?;
            let sent_at = time.parse().ok().and_then(|time| Timestamp::from_millisecond(time).ok());
            let sent_at = sent_at.ok_or_else(|| unreadable(header, "a time in milliseconds after `t=`"))?;
            let tolerated = SignedDuration::try_from(*tolerance).unwrap_or(SignedDuration::MAX);
            if now.duration_since(sent_at).abs() > tolerated {
                return Err(expired(*tolerance));
            }
            // What an older Ghost signs cannot be had from what a newer one signs: JSON followed by a number is no JSON.
            if !is_signed(secrets, &[body, time.as_bytes()], &claim) && !is_signed(secrets, &[body], &claim) {
                return Err(misfit(header));
            }
            Ok(Believed { id: Some(hex(&claim)) })
        }
        Scheme::Bearer { secrets, header, prefix } => {
            let given = headers.get(header).map(|value| value.as_bytes().trim_ascii());
            let token = given.and_then(|given| without_prefix(given, prefix.as_bytes())).ok_or_else(|| {
                let detail = format!("This hook needs its token: send the header `{header}: {prefix}<token>`.");
                Problem::new(Refusal::KeyMissing, detail)
            })?;
            if !secrets.iter().any(|secret| is_same(secret, token)) {
                let detail = format!("The token in `{header}` is not that of this hook; compare it with the settings.");
                return Err(Problem::new(Refusal::KeyUnknown, detail));
            }
            Ok(Believed { id: None })
        }
    }
}

/// The text of a header.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Problem> {
    let Some(given) = headers.get(name) else {
        let detail = format!("The header `{name}` is missing; give the CMS the secret that it is to sign with.");
        return Err(Problem::new(Refusal::SignatureMissing, detail));
    };
    given.to_str().map_err(|_| unreadable(name, "visible ASCII"))
}

fn unreadable(header: &str, expected: &str) -> Problem {
    let detail = format!("The header `{header}` is not as this hook's scheme has it: {expected}.");
    Problem::new(Refusal::SignatureInvalid, detail)
}

fn misfit(header: &str) -> Problem {
    let detail = format!(
        "The signature in `{header}` is not that of this body: the CMS and this hook have different secrets, or the body \
         was changed on its way."
    );
    Problem::new(Refusal::SignatureInvalid, detail)
}

fn expired(tolerance: Duration) -> Problem {
    let detail = format!(
        "The message was signed more than {} seconds before or after this server's time; set both clocks right, or raise \
         the hook's `tolerance_s`.",
        tolerance.as_secs()
    );
    Problem::new(Refusal::SignatureExpired, detail)
}

/// Whether `claim` is the HMAC-SHA256 of `parts` with one of the keys. Takes the same time whatever differs.
fn is_signed(keys: &[Key], parts: &[&[u8]], claim: &[u8]) -> bool {
    keys.iter().any(|key| mac(key.bytes(), parts).verify_slice(claim).is_ok())
}

/// Whether both are the same. The time that this takes tells nothing of where they differ.
fn is_same(secret: &Key, token: &[u8]) -> bool {
    const ANY_KEY: &[u8] = b"two texts are the same if they have the same code";
    mac(ANY_KEY, &[secret.bytes()]).verify_slice(&mac(ANY_KEY, &[token]).finalize().into_bytes()).is_ok()
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    for part in parts {
        mac.update(part);
    }
    mac
}

/// Signature and time of `sha256=<hexadecimal>, t=<milliseconds>`.
fn ghost(header: &str) -> Option<(Vec<u8>, &str)> {
    let part = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name));
    Some((hexadecimal(part("sha256=")?)?, part("t=")?))
}

/// `Bearer ` and the like are written in any case.
fn without_prefix<'a>(given: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = given.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| rest.trim_ascii())
}

/// The bytes of 64 hexadecimal digits.
fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.as_bytes().chunks_exact(2);
    let bytes =
        pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.last()?)?)).collect::<Option<Vec<u8>>>()?;
    (digits.len() == 64).then_some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_read_in_either_case_and_only_whole() {
        let digits = "0fA1".repeat(16);
        assert_eq!(hex(&hexadecimal(&digits).unwrap()), digits.to_lowercase());
        for wrong in ["", "0f", &"0f".repeat(33), &"0g".repeat(32), &"é".repeat(32), &format!("{}f", "0f".repeat(31))]
        {
            assert_eq!(hexadecimal(wrong), None, "{wrong}");
        }
    }

    /// Vectors of others: GitHub's documentation, and Discourse's own test of its webhooks.
    #[test]
    fn a_body_has_the_code_that_others_say_it_has() {
        for (secret, body, code) in [
            (
                "It's a Secret to Everybody",
                "Hello, World!",
                "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            ),
            (
                "my_lovely_secret_for_web_hook",
                "{\"ping\":\"OK\"}",
                "162f107f6b5022353274eb1a7197885cfd35744d8d08e5bcea025d309386b7d6",
            ),
        ] {
            assert_eq!(hex(&mac(secret.as_bytes(), &[body.as_bytes()]).finalize().into_bytes()), code);
            let (start, end) = body.split_at(5);
            assert_eq!(hex(&mac(secret.as_bytes(), &[start.as_bytes(), end.as_bytes()]).finalize().into_bytes()), code);
        }
    }

    #[test]
    fn ghosts_header_is_read_in_any_order() {
        let digits = "0f".repeat(32);
        for header in [format!("sha256={digits}, t=17"), format!("t=17,sha256={digits}")] {
            assert_eq!(ghost(&header).map(|(claim, time)| (claim.len(), time)), Some((32, "17")), "{header}");
        }
        for header in ["", "sha256=, t=17", "t=17", &format!("sha256={digits}"), &format!("{digits}, 17")] {
            assert_eq!(ghost(header), None, "{header}");
        }
    }
}
