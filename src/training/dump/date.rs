//! Dates as dumps write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// The moment that `text` names: ISO 8601, `2024-05-01 12:00:00` as databases write it (UTC where no zone is given), a
/// day, RFC 2822, or seconds since 1970. `None` for anything else, and for MySQL's `0000-00-00 00:00:00`.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 || !text.bytes().any(|byte| byte.is_ascii_digit()) || text.starts_with("0000") {
        return None;
    }
    let civil = |moment: DateTime| TimeZone::UTC.to_timestamp(moment).ok();
    if let Ok(seconds) = text.parse::<f64>() {
        return of_seconds(seconds);
    }
    let moment = text.parse::<Timestamp>().ok();
    let moment = moment.or_else(|| text.parse::<DateTime>().ok().and_then(civil));
    let moment = moment.or_else(|| text.parse::<Date>().ok().and_then(|day| civil(day.at(0, 0, 0, 0))));
    moment.or_else(|| Some(rfc2822::parse(text).ok()?.timestamp()))
}

/// Seconds since 1970; a number as large as milliseconds would be is read as those. A year such as 2014 is no moment.
#[expect(clippy::cast_possible_truncation, reason = "`as` keeps within the type, and `Timestamp` checks")]
pub(super) fn of_seconds(seconds: f64) -> Option<Timestamp> {
    match seconds.abs() {
        ..=1e7 => None,
        ..1e11 => Timestamp::from_second(seconds as i64).ok(),
        _ => Timestamp::from_millisecond(seconds as i64).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(|moment| moment.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn dates_are_read_as_they_come() {
        check("2013-11-07T06:20:48", Some("2013-11-07T06:20:48Z"));
        check("2013-11-07 06:20:48", Some("2013-11-07T06:20:48Z"));
        check("2013-11-07T06:20:48+02:00", Some("2013-11-07T04:20:48Z"));
        check("2013-11-07", Some("2013-11-07T00:00:00Z"));
        check("1383805248", Some("2013-11-07T06:20:48Z"));
        check("1383805248000", Some("2013-11-07T06:20:48Z"));
        check("Thu, 07 Nov 2013 06:20:48 +0000", Some("2013-11-07T06:20:48Z"));
        check("0000-00-00 00:00:00", None);
        check("NULL", None);
        check("2013", None);
        check("", None);
    }
}
