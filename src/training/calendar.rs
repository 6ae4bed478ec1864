//! When comments were written, and from which day on the newest part of them was.
//!
//! Owns whether a set can be split by time at all. Does not own the split (`held_out`).

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use xxhash_rust::xxh3::xxh3_64;

use super::cross_fit::MAX_COMMENTS as MAX_SMALL;
use super::dump::Example;
use super::held_out::MAX_COMMENTS;
use crate::verdict::Label;

/// Days that are told apart at most: 270 years. Who has more has dates that mean nothing.
const MAX_DAYS: usize = 100_000;
/// Of each kind either part has at least this many: with fewer, `promotion` compares nothing.
const MIN_OF_EACH: u64 = 20;
/// A part of which the odds of spam are this many times those of all is of another source, not of a later time.
const MAX_SHIFT: f64 = 3.0;
/// A part of which less than this share is no copy of an older comment measures nothing: copies are left out of it.
const MIN_NEW: f64 = 0.1;
/// Comments that are looked at for copies.
const MAX_SAMPLE: usize = 1 << 16;

/// How much ham and spam was written on which day.
#[derive(Debug, Default)]
pub struct Calendar {
    /// UTC day to ham and spam.
    days: BTreeMap<Date, [u64; 2]>,
    undated: u64,
    /// Letters, as a hash, and day of the comments whose hash begins with `zeros` zeros: all copies of a text or none.
    sample: Vec<(u64, Date)>,
    zeros: u32,
}

impl Calendar {
    pub fn note(&mut self, example: &Example) {
        let day = example.comment.submitted_at.map(|at| TimeZone::UTC.to_datetime(at).date());
        let Some(day) = day.filter(|day| self.days.len() < MAX_DAYS || self.days.contains_key(day)) else {
            self.undated = self.undated.saturating_add(1);
            return;
        };
        let [ham, spam] = self.days.entry(day).or_default();
        *if example.label == Label::Ham { ham } else { spam } += 1;
        let letters = letters(&example.comment.content);
        if letters.leading_zeros() >= self.zeros {
            self.sample.push((letters, day));
        }
        if self.sample.len() > MAX_SAMPLE {
            self.zeros += 1;
            self.sample.retain(|(letters, _)| letters.leading_zeros() >= self.zeros);
        }
    }

    /// The beginning of the days in which about the newest `share` of the comments, 0 to 1, was written.
    ///
    /// `None` where a split by time would mean little: fewer than nineteen of twenty comments have a date, the set is so
    /// small that it is cross-fitted, one day holds too much of it, ham and spam are not of the same times, or nearly all that is
    /// new repeats what is old.
    pub fn newest(&self, share: f64) -> Option<Timestamp> {
        let all = sum(self.days.values());
        let dated = all.iter().sum::<u64>();
        if dated < self.undated.saturating_mul(19) || dated <= MAX_SMALL as u64 {
            return None;
        }
        let wanted = (as_float(dated) * share).min(as_float(MAX_COMMENTS as u64) / 2.0);
        let mut newest = [0_u64; 2];
        let mut days = self.days.iter().rev();
        let first = loop {
            let (day, [ham, spam]) = days.next()?;
            newest = [newest[0] + ham, newest[1] + spam];
            if as_float(newest.iter().sum()) >= wanted {
                break day;
            }
        };
        let rest = [all[0] - newest[0], all[1] - newest[1]];
        let has_both = newest.iter().chain(&rest).all(|count| *count >= MIN_OF_EACH);
        let is_small_enough = as_float(newest.iter().sum()) <= 2.0 * wanted;
        let shift = odds(newest) / odds(all);
        let is_alike = (1.0 / MAX_SHIFT..=MAX_SHIFT).contains(&shift);
        let start = || TimeZone::UTC.to_timestamp(first.at(0, 0, 0, 0)).ok();
        (has_both && is_small_enough && is_alike && self.share_new(*first) >= MIN_NEW).then(start).flatten()
    }

    /// The share of the comments written from `first` on whose text was not written before.
    fn share_new(&self, first: Date) -> f64 {
        let mut written = HashMap::new();
        for &(letters, day) in &self.sample {
            let earliest = written.entry(letters).or_insert(day);
            *earliest = day.min(*earliest);
        }
        let newer = || self.sample.iter().filter(|(_, day)| *day >= first);
        let new =
            newer().filter(|(letters, _)| written.get(letters).is_some_and(|earliest| *earliest >= first)).count();
        as_float(new as u64) / as_float(newer().count().max(1) as u64)
    }
}

/// Letters that texts are told apart by.
const LETTERS: usize = 64;

/// A hash of the first letters of a text, without its links: nearly what [`Group`](super::corpus::Group) goes by, at little cost.
fn letters(content: &str) -> u64 {
    let words = content.split_whitespace().filter(|word| !word.contains("://") && !word.starts_with("www."));
    let letters = words.flat_map(str::chars).filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase);
    xxh3_64(letters.take(LETTERS).collect::<String>().as_bytes())
}

fn sum<'a>(counts: impl Iterator<Item = &'a [u64; 2]>) -> [u64; 2] {
    counts.fold([0, 0], |sum, count| [sum[0] + count[0], sum[1] + count[1]])
}

fn odds([ham, spam]: [u64; 2]) -> f64 {
    as_float(spam) / as_float(ham)
}

#[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comment::Comment;

    /// `number` comments a day for `days` days, every third of them spam.
    fn written(calendar: &mut Calendar, days: i64, number: u64, is_spam: impl Fn(u64) -> bool) {
        for day in 0..days {
            let at = Timestamp::from_second(day * 86_400 + 3_600).unwrap();
            for n in 0..number {
                // Each a text of its own.
                let word = format!("{:b}", day * 1_000 + n as i64).replace('0', "o").replace('1', "i");
                let comment = Comment { submitted_at: Some(at), ..Comment::of_text(word) };
                let label = if is_spam(n) { Label::Spam } else { Label::Ham };
                calendar.note(&Example { comment, label, source: None });
            }
        }
    }

    fn undated(calendar: &mut Calendar, number: usize) {
        for _ in 0..number {
            calendar.note(&Example { comment: Comment::of_text("x"), label: Label::Ham, source: None });
        }
    }

    #[test]
    fn the_newest_tenth_begins_with_a_day() {
        let mut calendar = Calendar::default();
        written(&mut calendar, 100, 60, |n| n % 3 == 0);
        let start = calendar.newest(0.1).unwrap();
        assert_eq!(start, Timestamp::from_second(90 * 86_400).unwrap());
        undated(&mut calendar, 300);
        assert_eq!(calendar.newest(0.1), Some(start), "a few have no date");
        undated(&mut calendar, 100);
        assert_eq!(calendar.newest(0.1), None, "many have none");
    }

    #[test]
    fn what_time_does_not_part_is_not_parted_by_time() {
        let mut small = Calendar::default();
        written(&mut small, 10, 100, |n| n % 2 == 0);
        assert_eq!(small.newest(0.3), None, "a small set is cross-fitted");

        let mut repeated = Calendar::default();
        for (day, content) in
            (0..100).flat_map(|day| (0..60).map(move |n| (day, format!("Call {n} now! https://{n}.example"))))
        {
            let at = Timestamp::from_second(day * 86_400).unwrap();
            let comment = Comment { submitted_at: Some(at), ..Comment::of_text(content) };
            let label = if day % 3 == 0 { Label::Spam } else { Label::Ham };
            repeated.note(&Example { comment, label, source: None });
        }
        assert_eq!(repeated.newest(0.1), None, "all that is new repeats what is old");

        let mut one_day = Calendar::default();
        written(&mut one_day, 1, 5_000, |n| n % 2 == 0);
        assert_eq!(one_day.newest(0.1), None, "nothing is older");

        let mut parted = Calendar::default();
        written(&mut parted, 100, 60, |_| false);
        let (_, [_, spam]) = parted.days.iter_mut().next_back().unwrap();
        *spam = 200;
        assert_eq!(parted.newest(0.1), None, "all spam is of the last day");
    }
}
