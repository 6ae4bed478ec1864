//! Rotating an endpoint's secrets: the old one signs along for a while.

use std::time::Duration;

use jiff::Timestamp;

use super::EndpointSecret;

/// A receiver need not switch in the same instant: the old secret signs along for a day (as Svix does).
const OVERLAP: Duration = Duration::from_secs(24 * 3600);
/// Secrets of one endpoint that sign at once; a signature each makes the header longer.
const SECRETS: usize = 3;

/// The new secret first, then those that still sign along.
pub fn rotated(secrets: Vec<EndpointSecret>, new: String, now: Timestamp) -> Vec<EndpointSecret> {
    let until = now.checked_add(OVERLAP).unwrap_or(now);
    let retire = |old: EndpointSecret| EndpointSecret { expires_at: old.expires_at.or(Some(until)), ..old };
    let old = secrets.into_iter().map(retire).filter(|old| old.expires_at.is_some_and(|at| at > now));
    std::iter::once(EndpointSecret { secret: new, expires_at: None }).chain(old).take(SECRETS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_secret_signs_along_for_a_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let names = |secrets: &[EndpointSecret]| secrets.iter().map(|secret| secret.secret.clone()).collect::<Vec<_>>();
        let secrets = rotated(Vec::new(), "a".to_owned(), at("2026-05-01T00:00:00Z"));
        let secrets = rotated(secrets, "b".to_owned(), at("2026-05-01T01:00:00Z"));
        assert_eq!(names(&secrets), ["b", "a"]);
        assert_eq!(secrets[1].expires_at, Some(at("2026-05-02T01:00:00Z")));
        let hurried = rotated(secrets.clone(), "c".to_owned(), at("2026-05-01T02:00:00Z"));
        assert_eq!(names(&rotated(hurried, "d".to_owned(), at("2026-05-01T03:00:00Z"))), ["d", "c", "b"]);
        assert_eq!(names(&rotated(secrets, "e".to_owned(), at("2026-05-02T01:00:00Z"))), ["e", "b"]);
    }
}
