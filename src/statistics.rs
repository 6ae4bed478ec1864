//! What is counted of comments, by site and day.
//!
//! Owns what one comment counts for and what the counts add up to. Does not own where they are kept (`store`, which
//! adds them up in the transaction that keeps the comment, so that counts and comments always agree).
//!
//! A comment counts on the day on which it came, whatever is said of it later: so a day's mistakes are a share of that
//! day's comments, and taking a label back takes the mistake back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::comment::Comment;
use crate::site::SiteId;
use crate::verdict::{Decision, Evidence, Label};

/// Longest name of a blog that is counted, bytes.
const BLOG_BYTES: usize = 255;
/// Most letters of a language's code (BCP 47 has primary subtags of up to 8).
const LANGUAGE_LETTERS: usize = 8;

/// A day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Date)]
pub struct Day(pub Date);

impl Day {
    pub fn of(at: Timestamp) -> Day {
        Day(TimeZone::UTC.to_datetime(at).date())
    }

    /// Days since 1970-01-01.
    pub fn number(self) -> i64 {
        self.0.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
    }

    /// `None` beyond the calendar (years -9999 to 9999).
    pub fn from_number(number: i64) -> Option<Day> {
        let days = jiff::Span::new().try_days(number).ok()?;
        Date::constant(1970, 1, 1).checked_add(days).ok().map(Day)
    }

    /// The day so many days earlier; the calendar's first if there is none.
    pub fn days_before(self, days: i64) -> Day {
        Day::from_number(self.number().saturating_sub(days)).unwrap_or(Day(Date::MIN))
    }

    /// The first and the last day of the month.
    pub fn month(self) -> (Day, Day) {
        (Day(self.0.first_of_month()), Day(self.0.last_of_month()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Day, String> {
        text.parse().map(Day).map_err(|_| format!("`{text}` is no day; write it as 2026-11-24"))
    }
}

/// By what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What the checks decided: the names are those of [`Decision`].
    Decision,
    /// What a label showed to be wrong: [`MISSED_SPAM`], [`FALSE_POSITIVE`].
    Mistake,
    /// A symbol of the evidence.
    Symbol,
    /// Language as the CMS said it, its primary subtag; `und` when it said nothing.
    Language,
    /// By the `blog` of the Akismet protocol: a key may be used by several.
    BlogSpam,
    BlogHam,
    BlogMissedSpam,
    BlogFalsePositive,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::Decision,
        Kind::Mistake,
        Kind::Symbol,
        Kind::Language,
        Kind::BlogSpam,
        Kind::BlogHam,
        Kind::BlogMissedSpam,
        Kind::BlogFalsePositive,
    ];
    pub const OF_BLOGS: [Kind; 4] = [Kind::BlogSpam, Kind::BlogHam, Kind::BlogMissedSpam, Kind::BlogFalsePositive];

    /// As it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Decision => "decision",
            Kind::Mistake => "mistake",
            Kind::Symbol => "symbol",
            Kind::Language => "language",
            Kind::BlogSpam => "blog_spam",
            Kind::BlogHam => "blog_ham",
            Kind::BlogMissedSpam => "blog_missed_spam",
            Kind::BlogFalsePositive => "blog_false_positive",
        }
    }

    pub fn parse(text: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Approved, and a person said that it is spam.
pub const MISSED_SPAM: &str = "missed_spam";
/// Not approved, and a person said that it is ham.
pub const FALSE_POSITIVE: &str = "false_positive";

/// The mistake that a label shows the checks to have made, if it does.
pub fn mistake(judged: Decision, label: Label) -> Option<&'static str> {
    match (label, judged == Decision::Approve) {
        (Label::Spam, true) => Some(MISSED_SPAM),
        (Label::Ham, false) => Some(FALSE_POSITIVE),
        _ => None,
    }
}

/// One thing that a comment counts for.
pub type Count = (Kind, Cow<'static, str>);

/// All that a comment counts for.
///
/// * `judged`: what the checks decided, not what a person made of it;
/// * `evidence`: of the verdict; a symbol counts once however often it is there;
/// * `label`: what a person says is true, the newest word.
pub fn counts(comment: &Comment, judged: Decision, evidence: &[Evidence], label: Option<Label>) -> Vec<Count> {
    let is_spam = judged != Decision::Approve;
    let mistake = label.and_then(|label| mistake(judged, label));
    let mut counts = Vec::with_capacity(evidence.len() + 5);
    counts.push((Kind::Decision, Cow::Borrowed(judged.as_str())));
    counts.push((Kind::Language, language(comment)));
    counts.extend(mistake.map(|name| (Kind::Mistake, Cow::Borrowed(name))));
    if let Some(blog) = blog(comment) {
        let kind = if is_spam { Kind::BlogSpam } else { Kind::BlogHam };
        let of_mistake = |name| if name == MISSED_SPAM { Kind::BlogMissedSpam } else { Kind::BlogFalsePositive };
        counts.extend(mistake.map(|name| (of_mistake(name), Cow::Owned(blog.clone()))));
        counts.push((kind, Cow::Owned(blog)));
    }
    for (place, piece) in evidence.iter().enumerate() {
        let is_first = evidence.iter().take(place).all(|before| before.symbol != piece.symbol);
        if is_first {
            counts.push((Kind::Symbol, piece.symbol.clone()));
        }
    }
    counts
}

fn language(comment: &Comment) -> Cow<'static, str> {
    let primary = comment.lang.as_deref().and_then(|lang| lang.split(['-', '_']).next()).unwrap_or_default();
    let is_code = (2..=LANGUAGE_LETTERS).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_alphabetic());
    if is_code { Cow::Owned(primary.to_ascii_lowercase()) } else { Cow::Borrowed("und") }
}

/// The blog that the Akismet door keeps in `extra`.
fn blog(comment: &Comment) -> Option<String> {
    comment.extra.get("blog").and_then(|blog| blog_name(blog))
}

/// `https://News.example/` → `news.example`; as Akismet's reports name a site.
pub fn blog_name(address: &str) -> Option<String> {
    let address = address.trim();
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let mut name = host.to_lowercase();
    if let Some(path) = path {
        name.push('/');
        name.push_str(path);
    }
    name.truncate(name.floor_char_boundary(BLOG_BYTES));
    (!name.is_empty()).then_some(name)
}

/// One number as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    pub site: SiteId,
    pub day: Day,
    pub kind: Kind,
    pub name: String,
    pub count: u64,
}

/// What happened to comments, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Totals {
    /// Comments that were judged: the sum of the next four.
    pub checked: u64,
    pub approved: u64,
    pub held: u64,
    pub spam: u64,
    pub discarded: u64,
    /// Approved, and a person said that it is spam.
    pub missed_spam: u64,
    /// Not approved, and a person said that it is ham.
    pub false_positives: u64,
}

impl Totals {
    fn add(&mut self, counted: &Counted) {
        let place = match (counted.kind, counted.name.as_str()) {
            (Kind::Decision, "approve") => &mut self.approved,
            (Kind::Decision, "hold") => &mut self.held,
            (Kind::Decision, "spam") => &mut self.spam,
            (Kind::Decision, "discard") => &mut self.discarded,
            (Kind::Mistake, MISSED_SPAM) => &mut self.missed_spam,
            (Kind::Mistake, FALSE_POSITIVE) => &mut self.false_positives,
            _ => return,
        };
        *place += counted.count;
        if counted.kind == Kind::Decision {
            self.checked += counted.count;
        }
    }
}

/// One day's totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayTotals {
    pub day: Day,
    #[serde(flatten)]
    pub totals: Totals,
}

/// A name and how many comments it stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NamedCount)]
pub struct Named {
    pub name: String,
    pub count: u64,
}

/// The statistics of one site, or of several together.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Report {
    pub from: Day,
    pub to: Day,
    pub totals: Totals,
    /// Days on which something came, oldest first.
    pub days: Vec<DayTotals>,
    /// Most frequent first.
    pub symbols: Vec<Named>,
    /// Most frequent first.
    pub languages: Vec<Named>,
}

impl Report {
    pub fn of(counted: &[Counted], from: Day, to: Day) -> Report {
        let mut totals = Totals::default();
        let (mut days, mut symbols, mut languages) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for one in counted {
            totals.add(one);
            days.entry(one.day).or_insert_with(Totals::default).add(one);
            match one.kind {
                Kind::Symbol => *symbols.entry(one.name.as_str()).or_insert(0) += one.count,
                Kind::Language => *languages.entry(one.name.as_str()).or_insert(0) += one.count,
                _ => {}
            }
        }
        let days = days.into_iter().map(|(day, totals)| DayTotals { day, totals }).collect();
        Report { from, to, totals, days, symbols: ranked(symbols), languages: ranked(languages) }
    }
}

fn ranked(counts: BTreeMap<&str, u64>) -> Vec<Named> {
    let mut named: Vec<_> = counts.into_iter().map(|(name, count)| Named { name: name.to_owned(), count }).collect();
    named.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Nats;

    #[test]
    fn days_have_numbers_and_months() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        assert_eq!(day("1970-01-01").number(), 0);
        assert_eq!(day("2026-11-24").number(), 20_781);
        assert_eq!(Day::from_number(20_781), Some(day("2026-11-24")));
        assert_eq!(day("1969-12-31").number(), -1);
        assert_eq!(Day::of("2026-11-24T23:59:59Z".parse().unwrap()), day("2026-11-24"));
        assert_eq!(day("2026-03-01").days_before(1), day("2026-02-28"));
        assert_eq!(day("2028-02-10").month(), (day("2028-02-01"), day("2028-02-29")));
        assert_eq!(Day::from_number(i64::MAX), None);
        assert!("24.11.2026".parse::<Day>().is_err());
    }

    #[track_caller]
    fn check(judged: Decision, label: Option<Label>, expected: &[(Kind, &str)]) {
        let mut comment = Comment::of_text("x");
        comment.lang = Some("ar-SA".to_owned());
        comment.extra.insert("blog".to_owned(), "https://News.example/blog/".to_owned());
        let evidence = ["BAYES", "LINKS_MANY", "BAYES"].map(|symbol| Evidence::new(symbol, Nats::ZERO, ""));
        let mut counted = counts(&comment, judged, &evidence, label);
        counted.sort();
        let mut expected: Vec<Count> =
            expected.iter().map(|(kind, name)| (*kind, Cow::Owned((*name).to_owned()))).collect();
        expected.extend([(Kind::Symbol, "BAYES".into()), (Kind::Symbol, "LINKS_MANY".into())]);
        expected.push((Kind::Language, "ar".into()));
        expected.sort();
        assert_eq!(counted, expected);
    }

    #[test]
    fn a_label_that_contradicts_the_checks_is_a_mistake() {
        let blog = "news.example/blog";
        let spam = [(Kind::Decision, "spam"), (Kind::BlogSpam, blog)];
        check(Decision::Spam, None, &spam);
        check(Decision::Spam, Some(Label::Spam), &spam);
        let ham = [(Kind::Decision, "approve"), (Kind::BlogHam, blog)];
        check(Decision::Approve, Some(Label::Ham), &ham);
        let missed = [(Kind::Mistake, MISSED_SPAM), (Kind::BlogMissedSpam, blog)];
        check(Decision::Approve, Some(Label::Spam), &[ham.as_slice(), &missed].concat());
        let wrong = [(Kind::Mistake, FALSE_POSITIVE), (Kind::BlogFalsePositive, blog)];
        check(
            Decision::Hold,
            Some(Label::Ham),
            &[&[(Kind::Decision, "hold"), (Kind::BlogSpam, blog)], wrong.as_slice()].concat(),
        );
    }

    #[test]
    fn names_are_tamed() {
        for (lang, expected) in
            [("en_US", "en"), ("AR", "ar"), ("", "und"), ("x", "und"), ("<b>", "und"), ("zh-Hant", "zh")]
        {
            let comment = Comment { lang: Some(lang.to_owned()), ..Comment::of_text("") };
            assert_eq!(language(&comment), expected, "{lang}");
        }
        assert_eq!(blog_name("http://B.example:8080"), Some("b.example:8080".to_owned()));
        assert_eq!(blog_name("b.example/"), Some("b.example".to_owned()));
        assert_eq!(blog_name("https://"), None);
        assert_eq!(blog_name(&"ä".repeat(1000)).map(|name| name.len()), Some(254));
    }
}
