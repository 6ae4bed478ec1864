//! What was seen of one thing: counts that fade, packed into a row.
//!
//! Owns the arithmetic of fading and of taking back. A clock that jumps back makes nothing older than it was.

use crate::facts::history::Seen;

/// Seconds since 1970.
pub type Seconds = i64;

const DAY: Seconds = 86_400;
/// After which time a count of comments, and of what people said, weighs half.
const HALF_LIFE: Seconds = 30 * DAY;
/// The same for the counts within a time.
const SPANS: [Seconds; 3] = [600, 3_600, DAY];

/// What the checks, or people, made of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Held,
    Blocked,
}

/// A comment as it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub at: Seconds,
    pub outcome: Outcome,
    pub is_short: bool,
    /// Of an e-mail: a hash of how it was written.
    pub spelling: Option<u32>,
}

/// What a person said of a comment.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    pub at: Seconds,
    pub is_approval: bool,
    /// The day on which the comment came, when it says something.
    pub day: Option<Seconds>,
    pub has_link: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trail {
    pub at: Seconds,
    first: Seconds,
    /// Passed, held, blocked.
    checks: [f32; 3],
    /// Approved, rejected.
    people: [f32; 2],
    spans: [f32; 3],
    short: f32,
    respelled: f32,
    spelling: u32,
    days: u32,
    last_day: u32,
    with_links: u32,
}

impl Trail {
    /// Counts as they are at `now`.
    fn fade(&mut self, now: Seconds) {
        let age = now.saturating_sub(self.at).max(0);
        if age > 0 {
            let slowly = faded(age, HALF_LIFE);
            self.checks.iter_mut().chain(&mut self.people).for_each(|count| *count *= slowly);
            for (count, span) in self.spans.iter_mut().zip(SPANS) {
                *count *= faded(age, span);
            }
            self.short *= faded(age, SPANS[1]);
            self.respelled *= slowly;
        }
        self.at = self.at.max(now);
    }

    pub fn see(&mut self, sight: Sight) {
        self.fade(sight.at);
        if self.first == 0 {
            self.first = sight.at;
        }
        add(self.checks.get_mut(sight.outcome as usize), 1.0);
        self.spans.iter_mut().for_each(|count| *count += 1.0);
        self.short += if sight.is_short { 1.0 } else { 0.0 };
        if let Some(spelling) = sight.spelling {
            if self.spelling != 0 && self.spelling != spelling {
                self.respelled += 1.0;
            }
            self.spelling = spelling;
        }
    }

    /// Forgets a comment that was counted at `sight.at`.
    pub fn unsee(&mut self, sight: Sight, now: Seconds) {
        self.fade(now);
        let age = self.at.saturating_sub(sight.at).max(0);
        add(self.checks.get_mut(sight.outcome as usize), -faded(age, HALF_LIFE));
        for (count, span) in self.spans.iter_mut().zip(SPANS) {
            add(Some(count), -faded(age, span));
        }
        if sight.is_short {
            add(Some(&mut self.short), -faded(age, SPANS[1]));
        }
    }

    /// Counts a comment again, which came at `sight.at`, after it was taken back at `now`.
    pub fn recount(&mut self, sight: Sight, now: Seconds) {
        self.fade(now);
        let age = self.at.saturating_sub(sight.at).max(0);
        add(self.checks.get_mut(sight.outcome as usize), faded(age, HALF_LIFE));
        for (count, span) in self.spans.iter_mut().zip(SPANS) {
            *count += faded(age, span);
        }
        if sight.is_short {
            self.short += faded(age, SPANS[1]);
        }
    }

    pub fn hear(&mut self, word: Word) {
        self.fade(word.at);
        if self.first == 0 {
            self.first = word.at;
        }
        add(self.people.get_mut(usize::from(!word.is_approval)), 1.0);
        if let (true, Some(day)) = (word.is_approval, word.day) {
            let day = u32::try_from(day.div_euclid(DAY)).unwrap_or_default();
            self.days = self.days.saturating_add(u32::from(day != self.last_day));
            self.last_day = day;
            self.with_links = self.with_links.saturating_add(u32::from(word.has_link));
        }
    }

    pub fn unhear(&mut self, word: Word, now: Seconds) {
        self.fade(now);
        let age = self.at.saturating_sub(word.at).max(0);
        add(self.people.get_mut(usize::from(!word.is_approval)), -faded(age, HALF_LIFE));
        if word.is_approval && word.day.is_some() {
            self.days = self.days.saturating_sub(1);
            self.last_day = 0;
            self.with_links = self.with_links.saturating_sub(u32::from(word.has_link));
        }
    }

    pub fn seen(mut self, now: Seconds) -> Seen {
        let (last, first) = (self.at, self.first);
        self.fade(now);
        let round = |count: f32| (count * 100.0).round() / 100.0;
        let ago = |then: Seconds| u32::try_from(now.saturating_sub(then).max(0)).unwrap_or(u32::MAX);
        let [passed, held, blocked] = self.checks.map(round);
        let [approved, rejected] = self.people.map(round);
        let [in_10_minutes, in_hour, in_day] = self.spans.map(round);
        Seen {
            passed,
            held,
            blocked,
            approved,
            rejected,
            days: self.days,
            with_links: self.with_links,
            in_10_minutes,
            in_hour,
            in_day,
            short_in_hour: round(self.short),
            respelled: round(self.respelled),
            first_seconds_ago: ago(first),
            last_seconds_ago: ago(last),
        }
    }

    /// Without [`Trail::at`], which has a column of its own: which of the numbers are not 0, then those. Most things are
    /// seen once, and have five.
    pub fn bytes(&self) -> Vec<u8> {
        let counts = self.checks.iter().chain(&self.people).chain(&self.spans).chain([&self.short, &self.respelled]);
        let counts = counts.map(|count| count.to_bits());
        let age = u32::try_from(self.at.saturating_sub(self.first)).unwrap_or(u32::MAX);
        let numbers = counts.chain([self.spelling, self.days, self.last_day, self.with_links, age]);
        let there = numbers.enumerate().filter(|(_, number)| *number != 0);
        let mask = there.clone().fold(0_u16, |mask, (place, _)| mask | 1 << place);
        mask.to_le_bytes().into_iter().chain(there.flat_map(|(_, number)| number.to_le_bytes())).collect()
    }

    /// What cannot be read is as if it were never seen.
    pub fn read(at: Seconds, bytes: &[u8]) -> Trail {
        let (there, numbers) = bytes.split_first_chunk().unwrap_or((&[0; 2], &[]));
        let mut there = u16::from_le_bytes(*there);
        let mut fours = numbers.chunks_exact(4).map(|four| <[u8; 4]>::try_from(four).unwrap_or_default());
        let mut number = || {
            let is_there = there & 1 == 1;
            there >>= 1;
            if is_there { u32::from_le_bytes(fours.next().unwrap_or_default()) } else { 0 }
        };
        let mut count = || {
            let count = f32::from_bits(number());
            if count.is_finite() { count.max(0.0) } else { 0.0 }
        };
        let (checks, people) = ([count(), count(), count()], [count(), count()]);
        let spans = [count(), count(), count()];
        let (short, respelled) = (count(), count());
        let (spelling, days, last_day, with_links) = (number(), number(), number(), number());
        let first = at.saturating_sub(number().into());
        Trail { at, first, checks, people, spans, short, respelled, spelling, days, last_day, with_links }
    }
}

fn add(count: Option<&mut f32>, by: f32) {
    if let Some(count) = count {
        *count = (*count + by).max(0.0);
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a factor from 0 to 1")]
fn faded(age: Seconds, half_life: Seconds) -> f32 {
    (-(age as f64) / half_life as f64).exp2() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(at: Seconds) -> Sight {
        Sight { at, outcome: Outcome::Passed, is_short: true, spelling: None }
    }

    fn word(at: Seconds) -> Word {
        Word { at, is_approval: true, day: Some(at), has_link: true }
    }

    #[test]
    fn counts_fade_and_come_back_from_their_bytes() {
        let mut trail = Trail::default();
        trail.see(sight(1_000_000));
        trail.hear(word(1_000_000));
        let later = 1_000_000 + HALF_LIFE;
        let seen = Trail::read(trail.at, &trail.bytes()).seen(later);
        assert_eq!((seen.passed, seen.approved, seen.days, seen.with_links), (0.5, 0.5, 1, 1));
        assert_eq!((seen.in_day, seen.short_in_hour), (0.0, 0.0));
        assert_eq!(i64::from(seen.first_seconds_ago), HALF_LIFE);
        assert_eq!(Trail::read(trail.at, &trail.bytes()), trail);
        assert!(Trail::read(0, &[255; 7]).seen(5).is_new() && Trail::read(0, &[1]).seen(5).is_new());
        assert_eq!(Trail::read(0, &Trail::default().bytes()), Trail::default());
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let mut trail = Trail::default();
        trail.see(sight(1_000_000));
        trail.see(sight(1_000_300));
        trail.hear(word(1_000_300));
        trail.unsee(sight(1_000_000), 1_003_000);
        trail.unsee(sight(1_000_300), 1_004_000);
        trail.unhear(word(1_000_300), 1_004_000);
        let seen = trail.seen(1_004_000);
        assert!(seen.is_new() && seen.in_day < 0.01 && seen.days == 0 && seen.with_links == 0, "{seen:?}");
    }

    #[test]
    fn a_clock_that_jumps_back_makes_no_negative_age() {
        let mut trail = Trail::default();
        trail.see(sight(2_000_000));
        trail.see(sight(1_000_000));
        let seen = trail.seen(500_000);
        assert_eq!((seen.passed, seen.in_10_minutes), (2.0, 2.0));
        assert_eq!((seen.first_seconds_ago, seen.last_seconds_ago), (0, 0));
    }

    #[test]
    fn bursts_are_counted_within_their_time() {
        let mut trail = Trail::default();
        (0..10).for_each(|minute| trail.see(sight(1_000_000 + 30 * minute)));
        let now = trail.seen(1_000_300);
        assert!(now.in_10_minutes > 7.5 && now.in_hour > 9.0, "{now:?}");
        let later = trail.seen(1_000_300 + 3_600);
        assert!(later.in_10_minutes < 0.2 && later.in_hour > 4.0 && later.in_hour < 5.0, "{later:?}");
    }
}
