//! What the Akismet protocol tells of a key's use: key-sites, usage-limit, get-stats, get-key-stats.
//!
//! Owns the shapes of these answers. Does not own what is counted (`statistics`) nor who asks (`super`).
//!
//! `spam` is all that was not approved, for that is what a client was answered `true` for or keeps from the public;
//! a comment counts on the day on which it came.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::api::form::Form;
use crate::api::is_yes;
use crate::statistics::{Counted, Day, Kind, blog_name};

/// What a moderator is thought to need for one spam, seconds.
const SECONDS_A_SPAM: u64 = 20;
/// Sites of one report when nobody says how many (Akismet's own default), and at most.
const SITES_DEFAULT: usize = 500;
const SITES_MAX: usize = 10_000;

/// The numbers of a blog, a day or a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Numbers {
    spam: u64,
    ham: u64,
    missed_spam: u64,
    false_positives: u64,
}

impl Numbers {
    fn add(&mut self, counted: &Counted) {
        let place = match counted.kind {
            Kind::BlogSpam => &mut self.spam,
            Kind::BlogHam => &mut self.ham,
            Kind::BlogMissedSpam => &mut self.missed_spam,
            Kind::BlogFalsePositive => &mut self.false_positives,
            Kind::Decision | Kind::Mistake | Kind::Symbol | Kind::Language => return,
        };
        *place += counted.count;
    }

    fn calls(&self) -> u64 {
        self.spam + self.ham
    }

    /// Percent of the checks that nobody contradicted, as a text.
    fn accuracy(&self) -> String {
        let (calls, mistakes) = (self.calls(), self.missed_spam + self.false_positives);
        if calls == 0 {
            return "0".to_owned();
        }
        #[expect(clippy::cast_precision_loss, reason = "a percentage with two decimals")]
        let percent = 100.0 * calls.saturating_sub(mistakes) as f64 / calls as f64;
        format!("{percent:.2}")
    }
}

// ---- key-sites -----------------------------------------------------------------------------------------------------

/// What key-sites was asked; what makes no sense is as if it had not been said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SitesAsked {
    /// `2026-11`
    month: String,
    pub(super) from: Day,
    pub(super) to: Day,
    filter: String,
    is_csv: bool,
    order: Order,
    limit: usize,
    offset: usize,
    is_extended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Total,
    Spam,
    Ham,
    MissedSpam,
    FalsePositives,
}

#[derive(Serialize)]
struct SiteRow<'a> {
    site: &'a str,
    // Texts, as in the documented sample.
    api_calls: String,
    spam: String,
    ham: String,
    missed_spam: String,
    false_positives: String,
    is_revoked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl SitesAsked {
    pub(super) fn of(form: &Form<'_>, today: Day) -> SitesAsked {
        let named = form.filled("month").and_then(|month| format!("{month}-01").parse::<Day>().ok());
        let (from, to) = named.unwrap_or(today).month();
        let number = |name| form.filled(name).and_then(|text| text.parse::<usize>().ok());
        SitesAsked {
            month: from.to_string().chars().take("2026-11".len()).collect(),
            from,
            to,
            filter: form.filled("filter").unwrap_or_default().to_lowercase(),
            is_csv: form.filled("format").is_some_and(|format| format.eq_ignore_ascii_case("csv")),
            order: match form.filled("order").unwrap_or_default() {
                "spam" => Order::Spam,
                "ham" => Order::Ham,
                "missed_spam" => Order::MissedSpam,
                "false_positives" => Order::FalsePositives,
                _ => Order::Total,
            },
            limit: number("limit").filter(|limit| *limit > 0).map_or(SITES_DEFAULT, |limit| limit.min(SITES_MAX)),
            offset: number("offset").unwrap_or(0),
            is_extended: form.get("extended").is_some_and(is_yes),
        }
    }

    /// The answer and whether it is CSV.
    ///
    /// * `key`: as the caller sent it.
    pub(super) fn answer(&self, key: &str, counted: &[Counted]) -> (String, bool) {
        let mut blogs: BTreeMap<&str, Numbers> = BTreeMap::new();
        for one in counted {
            blogs.entry(&one.name).or_default().add(one);
        }
        let mut blogs: Vec<_> = blogs.into_iter().filter(|(name, _)| name.contains(&self.filter)).collect();
        blogs.sort_by_key(|(_, numbers)| {
            std::cmp::Reverse(match self.order {
                Order::Total => numbers.calls(),
                Order::Spam => numbers.spam,
                Order::Ham => numbers.ham,
                Order::MissedSpam => numbers.missed_spam,
                Order::FalsePositives => numbers.false_positives,
            })
        });
        let total = blogs.len();
        let page: Vec<SiteRow<'_>> =
            blogs.iter().skip(self.offset).take(self.limit).map(|(name, numbers)| self.row(name, numbers)).collect();
        if self.is_csv { (self.csv(key, &page, total), true) } else { (self.json(&page, total), false) }
    }

    fn row<'a>(&self, site: &'a str, numbers: &Numbers) -> SiteRow<'a> {
        SiteRow {
            site,
            api_calls: numbers.calls().to_string(),
            spam: numbers.spam.to_string(),
            ham: numbers.ham.to_string(),
            missed_spam: numbers.missed_spam.to_string(),
            false_positives: numbers.false_positives.to_string(),
            is_revoked: false,
            hash: self.is_extended.then(|| {
                let digest = Sha256::digest(site.as_bytes());
                digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
            }),
        }
    }

    fn json(&self, page: &[SiteRow<'_>], total: usize) -> String {
        let mut answer = json!({ "limit": self.limit, "offset": self.offset, "total": total });
        if let (Value::Object(members), Ok(page)) = (&mut answer, serde_json::to_value(page)) {
            members.insert(self.month.clone(), page);
        }
        answer.to_string()
    }

    fn csv(&self, key: &str, page: &[SiteRow<'_>], total: usize) -> String {
        let SitesAsked { month, limit, offset, .. } = self;
        let mut rows = csv::Writer::from_writer(Vec::new());
        for row in page {
            // Writing to memory does not fail.
            let _ = rows.write_record([
                row.site,
                &row.api_calls,
                &row.spam,
                &row.ham,
                &row.missed_spam,
                &row.false_positives,
                if row.is_revoked { "true" } else { "false" },
            ]);
        }
        let rows = rows.into_inner().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        format!(
            "Active sites for {key} during {month} (limit:{limit}, offset: {offset}, total: {total})\n\
             Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked\n{rows}"
        )
    }
}

// ---- usage-limit ---------------------------------------------------------------------------------------------------

/// There is no limit but the machine's own.
pub(super) fn usage_limit(form: &Form<'_>, this_month: &[Counted]) -> Value {
    let mut all = Numbers::default();
    this_month.iter().for_each(|counted| all.add(counted));
    let mut answer = json!({ "limit": "none", "usage": all.calls(), "percentage": "0", "throttled": false });
    if form.get("extended").is_some_and(is_yes)
        && let Value::Object(members) = &mut answer
    {
        members.insert("notice_level".to_owned(), json!("NOTICE_NONE"));
        members.insert("upgrade".to_owned(), json!(false));
    }
    answer
}

// ---- get-stats -----------------------------------------------------------------------------------------------------

/// Which days get-stats and get-key-stats tell of, and by what they part them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatsAsked {
    pub(super) from: Day,
    pub(super) to: Day,
    by_day: bool,
}

/// The numbers of one stretch of time.
#[derive(Serialize)]
struct Stretch {
    spam: u64,
    ham: u64,
    missed_spam: u64,
    false_positives: u64,
    /// How many blogs asked; for a whole key only.
    #[serde(skip_serializing_if = "Option::is_none")]
    blogs: Option<usize>,
    /// The day on which it begins.
    da: Day,
}

impl StatsAsked {
    /// `from`: `60-days`, `6-months`, or all.
    pub(super) fn of(form: &Form<'_>, today: Day) -> StatsAsked {
        let (from, by_day) = match form.filled("from").unwrap_or_default() {
            "60-days" => (today.days_before(59), true),
            // The present month and the five before it, however long they are.
            "6-months" => ((0..5).fold(today.month().0, |first, _| first.days_before(1).month().0), false),
            _ => (today.days_before(100 * 366), false),
        };
        StatsAsked { from, to: today, by_day }
    }

    /// * `blog`: whose numbers; those of the whole key when `None`.
    pub(super) fn answer(&self, counted: &[Counted], blog: Option<&str>) -> Value {
        let blog = blog.and_then(blog_name);
        let of_whole_key = blog.is_none();
        let mut all = Numbers::default();
        let mut stretches: BTreeMap<Day, (Numbers, BTreeSet<&str>)> = BTreeMap::new();
        for one in counted.iter().filter(|one| blog.as_ref().is_none_or(|blog| one.name == *blog)) {
            all.add(one);
            let begin = if self.by_day { one.day } else { one.day.month().0 };
            let (numbers, blogs) = stretches.entry(begin).or_default();
            numbers.add(one);
            blogs.insert(&one.name);
        }
        let breakdown: BTreeMap<String, Stretch> = stretches
            .into_iter()
            .map(|(da, (numbers, blogs))| {
                let Numbers { spam, ham, missed_spam, false_positives } = numbers;
                let blogs = of_whole_key.then_some(blogs.len());
                let period = da.to_string();
                let period = if self.by_day { period } else { period.chars().take("2026-11".len()).collect() };
                (period, Stretch { spam, ham, missed_spam, false_positives, blogs, da })
            })
            .collect();
        json!({
            "spam": all.spam,
            "ham": all.ham,
            "missed_spam": all.missed_spam,
            "false_positives": all.false_positives,
            "accuracy": all.accuracy(),
            "time_saved": all.spam * SECONDS_A_SPAM,
            "breakdown": breakdown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::SiteId;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn counted() -> Vec<Counted> {
        let of = |on: &str, kind, name: &str, count| Counted {
            site: SiteId(1),
            day: day(on),
            kind,
            name: name.to_owned(),
            count,
        };
        vec![
            of("2026-10-31", Kind::BlogHam, "a.example", 90),
            of("2026-10-31", Kind::BlogMissedSpam, "a.example", 1),
            of("2026-11-01", Kind::BlogSpam, "a.example", 5),
            of("2026-11-01", Kind::BlogHam, "a.example", 5),
            of("2026-11-02", Kind::BlogSpam, "b.example/\"x\",y", 20),
            of("2026-11-02", Kind::BlogFalsePositive, "b.example/\"x\",y", 2),
        ]
    }

    fn sites(query: &str) -> (String, bool) {
        let asked = SitesAsked::of(&Form::parse(query, b"", None), day("2026-11-24"));
        let month: Vec<_> = counted().into_iter().filter(|one| (asked.from..=asked.to).contains(&one.day)).collect();
        asked.answer("0123456789ab", &month)
    }

    #[test]
    fn key_sites_is_as_documented() {
        let (text, is_csv) = sites("");
        assert!(!is_csv);
        let row = |site: &str, calls: &str, spam: &str, ham: &str, wrong: &str| {
            json!({"site": site, "api_calls": calls, "spam": spam, "ham": ham, "missed_spam": "0",
                   "false_positives": wrong, "is_revoked": false})
        };
        let (a, b) = (row("a.example", "10", "5", "5", "0"), row("b.example/\"x\",y", "20", "20", "0", "2"));
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed, json!({"2026-11": [b, a], "limit": 500, "offset": 0, "total": 2}));
        assert!(text.starts_with("{\"2026-11\":"), "the month comes first");
        let ordered: Value = serde_json::from_str(&sites("order=ham&limit=1").0).unwrap();
        assert_eq!(ordered, json!({"2026-11": [a], "limit": 1, "offset": 0, "total": 2}));
        let nothing: Value = serde_json::from_str(&sites("month=2020-02&offset=9").0).unwrap();
        assert_eq!(nothing, json!({"2020-02": [], "limit": 500, "offset": 9, "total": 0}));
        let odd: Value = serde_json::from_str(&sites("month=soon&limit=-1&offset=x&order=y&filter=B.EX").0).unwrap();
        assert_eq!(odd, json!({"2026-11": [b], "limit": 500, "offset": 0, "total": 1}));
        let extended: Value = serde_json::from_str(&sites("extended=true&filter=a.").0).unwrap();
        assert_eq!(extended["2026-11"][0]["hash"].as_str().map(str::len), Some(32));
    }

    #[test]
    fn key_sites_has_a_table_too() {
        let (text, is_csv) = sites("format=csv&limit=10");
        assert!(is_csv);
        assert_eq!(
            text,
            "Active sites for 0123456789ab during 2026-11 (limit:10, offset: 0, total: 2)\n\
             Site,Total API Calls,Spam,Ham,Missed Spam,False Positives,Is Revoked\n\
             \"b.example/\"\"x\"\",y\",20,20,0,0,2,false\na.example,10,5,5,0,0,false\n"
        );
    }

    #[test]
    fn statistics_are_parted_by_day_or_month() {
        let ask = |query: &str, blog: Option<&str>| {
            let asked = StatsAsked::of(&Form::parse(query, b"", None), day("2026-11-24"));
            let counted: Vec<_> =
                counted().into_iter().filter(|one| (asked.from..=asked.to).contains(&one.day)).collect();
            asked.answer(&counted, blog)
        };
        let blog = ask("from=6-months", Some("https://a.example/"));
        assert_eq!(blog["spam"], 5);
        assert_eq!(blog["accuracy"], "99.00");
        assert_eq!(blog["time_saved"], 100);
        assert_eq!(
            blog["breakdown"],
            json!({
                "2026-10": {"spam": 0, "ham": 90, "missed_spam": 1, "false_positives": 0, "da": "2026-10-01"},
                "2026-11": {"spam": 5, "ham": 5, "missed_spam": 0, "false_positives": 0, "da": "2026-11-01"},
            })
        );
        let key = ask("from=all", None);
        assert_eq!(
            (&key["spam"], &key["ham"], &key["breakdown"]["2026-11"]["blogs"]),
            (&json!(25), &json!(95), &json!(2))
        );
        let days = ask("from=60-days", None);
        assert_eq!(days["breakdown"]["2026-11-02"]["spam"], 20);
        let nothing = ask("from=all", Some("nobody.example"));
        assert_eq!((&nothing["accuracy"], &nothing["breakdown"]), (&json!("0"), &json!({})));
        let six = StatsAsked::of(&Form::parse("from=6-months", b"", None), day("2026-03-31"));
        assert_eq!(six.from, day("2025-10-01"));
    }
}
