//! Statistics for a month of 5 million comments: how long the store takes to add them up, and the door to tell them.
//!
//!     cargo bench --bench statistics [-- ROUNDS]      # 200
//!
//! Counts are rolled up as comments come, so what is read is a row for each day and name, however many comments there
//! were. 5 million real admissions would take an hour; the rows that they leave are written down instead: for each day
//! each decision and mistake, 120 symbols (there are some 100 rules, and the classifier's own), 15 languages, and 50 blogs
//! that share the site's key. The table holds a year of such months, of this site and of three others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, reads the clock, and stops when it cannot go on"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hamlet::classifier::Classifier;
use hamlet::clock::Clock;
use hamlet::decision::Judge;
use hamlet::http;
use hamlet::pipeline::{Pipeline, key_hash};
use hamlet::random;
use hamlet::rules::RuleSet;
use hamlet::site::{Policy, SiteId};
use hamlet::statistics::{Day, FALSE_POSITIVE, Kind, MISSED_SPAM, Report};
use hamlet::store;
use sqlx::{Connection as _, SqliteConnection};

const COMMENTS_A_MONTH: i64 = 5_000_000;
const SITES: usize = 4;
const MONTHS: i64 = 12;
const SYMBOLS: usize = 120;
const BLOGS: usize = 50;
const LANGUAGES: [&str; 15] =
    ["ar", "en", "de", "fr", "es", "und", "ru", "tr", "fa", "pt", "it", "nl", "pl", "ja", "zh"];

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let rounds: usize = arguments.next().map_or(200, |rounds| rounds.parse().expect("a number of rounds"));
    tokio::runtime::Runtime::new().unwrap().block_on(run(rounds));
}

async fn run(rounds: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = store::open("sqlite", folder.path(), store::Settings::default()).await.unwrap();
    let clock = Clock::System;
    let key = random::api_key();
    for number in 0..SITES {
        let key = if number == 0 { key.clone() } else { random::api_key() };
        store.add_site(&format!("site {number}"), "", Policy::standard(), key_hash(&key), clock.now()).await.unwrap();
    }
    let to: Day = "2026-10-31".parse().unwrap();
    let (from, _) = to.month();
    let directory = store.directory().await.unwrap();
    let sites: Vec<SiteId> = directory.sites.iter().map(|site| site.id).collect();
    let rows = fill(&folder.path().join("hamlet.db"), &sites, to).await;
    println!("{rows} rows for {SITES} sites and {MONTHS} months; asked for one month of one site, medians of {rounds}");

    let kinds = [Kind::Decision, Kind::Mistake, Kind::Symbol, Kind::Language];
    let report = || async {
        let counted = store.statistics(Some(sites[0]), &kinds, from, to).await.unwrap();
        (counted.len(), Report::of(&counted, from, to))
    };
    let (read, shown) = report().await;
    assert_eq!(shown.totals.checked, u64::try_from(COMMENTS_A_MONTH).unwrap());
    tell(&format!("Store::statistics and Report::of ({read} rows)"), rounds, || async { drop(report().await) }).await;

    let pipeline = Pipeline::new(Arc::clone(&store), clock, Judge::new(RuleSet::embedded(), Classifier::shipped()));
    pipeline.set_directory(directory);
    let base = serve(Arc::new(pipeline)).await;
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = format!("/v1/stats?from={from}&to={to}");
    let akismet = "/1.2/key-sites?month=2026-10&api_key=";
    for (name, url) in
        [("GET /v1/stats", format!("{base}{path}")), ("GET /1.2/key-sites", format!("{base}{akismet}{key}"))]
    {
        tell(name, rounds, || async {
            let answer = client.get(&url).bearer_auth(&key).send().await.unwrap().error_for_status().unwrap();
            assert!(answer.bytes().await.unwrap().len() > 1_000);
        })
        .await;
    }
}

/// Asks `rounds` times, one after the other, and tells how long that took.
async fn tell<F: Future<Output = ()>>(name: &str, rounds: usize, ask: impl Fn() -> F) {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        ask().await;
        times.push(started.elapsed());
    }
    times.sort();
    let at = |share: usize| times[(rounds - 1) * share / 100].as_secs_f64() * 1e3;
    println!("{name:<52} {:>8.2} ms   p99 {:>8.2} ms", at(50), at(99));
}

/// The doors on the loopback, until the bench ends; where they are.
async fn serve(pipeline: Arc<Pipeline>) -> String {
    let settings = http::Settings::default();
    let router = http::router(pipeline, &settings, None);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { http::serve(listener, router, &settings, std::future::pending()).await });
    format!("http://{address}")
}

/// Writes down what the months up to that of `to` leave; how many rows.
async fn fill(file: &Path, sites: &[SiteId], to: Day) -> u64 {
    let mut conn = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let mut changes = conn.begin().await.unwrap();
    let (mut rows, mut month) = (0, to.month());
    for _ in 0..MONTHS {
        let days = i64::from(month.1.0.day());
        for (number, day) in (month.0.number()..=month.1.number()).enumerate() {
            for (kind, name, millionths) in counts_of_a_day() {
                let month_count = COMMENTS_A_MONTH * millionths / 1_000_000;
                // What does not divide evenly falls on the first day, so that the month adds up.
                let count = month_count / days + if number == 0 { month_count % days } else { 0 };
                for site in sites {
                    sqlx::query("INSERT INTO statistics (site, kind, day, name, count) VALUES (?, ?, ?, ?, ?)")
                        .bind(site.0)
                        .bind(kind.as_str())
                        .bind(day)
                        .bind(&name)
                        .bind(count)
                        .execute(&mut *changes)
                        .await
                        .unwrap();
                    rows += 1;
                }
            }
        }
        month = month.0.days_before(1).month();
    }
    changes.commit().await.unwrap();
    conn.close().await.unwrap();
    rows
}

/// What there is of each day: kind, name and its share of the comments in millionths.
fn counts_of_a_day() -> Vec<(Kind, String, i64)> {
    let mut counts: Vec<(Kind, String, i64)> = Vec::new();
    for (name, share) in [("approve", 180_000), ("hold", 20_000), ("spam", 700_000), ("discard", 100_000)] {
        counts.push((Kind::Decision, name.to_owned(), share));
    }
    counts.push((Kind::Mistake, MISSED_SPAM.to_owned(), 300));
    counts.push((Kind::Mistake, FALSE_POSITIVE.to_owned(), 100));
    counts.extend((0..SYMBOLS).map(|number| (Kind::Symbol, format!("SYMBOL_OF_RULE_{number}"), 1_000)));
    counts.extend(LANGUAGES.map(|language| (Kind::Language, language.to_owned(), 66_666)));
    for number in 0..BLOGS {
        let blog = format!("blog-{number}.network.example/section");
        let of_blog = [(Kind::BlogSpam, 16_400), (Kind::BlogHam, 3_600)];
        let wrong = [(Kind::BlogMissedSpam, 6), (Kind::BlogFalsePositive, 2)];
        counts.extend(of_blog.into_iter().chain(wrong).map(|(kind, share)| (kind, blog.clone(), share)));
    }
    counts
}
