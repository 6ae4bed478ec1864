//! Made-up comments with a history, to fill a store with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hamlet::classifier::Classifier;
use hamlet::comment::Comment;
use hamlet::decision::Judge;
use hamlet::event::EventKind;
use hamlet::lists::Lists;
use hamlet::random;
use hamlet::rules::RuleSet;
use hamlet::site::{Policy, Site, SiteId};
use hamlet::store::{NewComment, Outgoing, Store, Traces, Trait};
use hamlet::text::{Fingerprint, Text};
use hamlet::verdict::Verdict;
use jiff::Timestamp;

/// While a store is filled, so that each commit holds as many as it may.
const FILLERS: u64 = 512;
/// Comments that are counted in one transaction.
pub const AT_ONCE: u32 = 256;

/// Fills `store` with `count` comments that look as `comment` says, each with the verdict that it gets, and counts them. What they are known by is each one's
/// own: see [`traces`].
pub async fn fill(store: &Arc<dyn Store>, site: SiteId, count: u64, comment: impl Fn(u64) -> Comment) {
    let next = Arc::new(AtomicU64::new(0));
    let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
    let judged = |comment: Comment| {
        let verdict = judge.judge(&comment, &of_site(site), &Lists::default(), at(0));
        (comment, verdict)
    };
    let made: Arc<Vec<(Comment, Verdict)>> = Arc::new((0..count.min(4_096)).map(comment).map(judged).collect());
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..FILLERS {
        let (store, next, made) = (Arc::clone(store), Arc::clone(&next), Arc::clone(&made));
        callers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                let received_at = at(number as i64 / 10);
                let (comment, verdict) = &made[number as usize % made.len()];
                let new = NewComment {
                    id: random::comment_id(received_at),
                    site,
                    comment: comment.clone(),
                    received_at,
                    idempotency_key: None,
                    fingerprint: None,
                    callback: None,
                    traces: traces(number),
                };
                store.admit_decided(new, verdict, event()).await.unwrap();
            }
        });
    }
    // Counting keeps up, as it does in the daemon.
    while !callers.is_empty() {
        store.remember(AT_ONCE).await.unwrap();
        while callers.try_join_next().is_some() {}
    }
    count_all(store).await;
}

fn of_site(id: SiteId) -> Site {
    let (name, url) = ("bench".to_owned(), "http://localhost/".to_owned());
    Site { id, name, url, policy: Policy::standard(), created_at: at(0) }
}

/// Counts what waits to be counted, to the last; how many there were.
pub async fn count_all(store: &Arc<dyn Store>) -> u64 {
    let mut all = 0;
    loop {
        match store.remember(AT_ONCE).await.unwrap() {
            0 => return all,
            counted => all += counted,
        }
    }
}

/// What the `number`th comment is known by: an author of many, a text of its own or one of a campaign's.
pub fn traces(number: u64) -> Traces {
    let author = mixed(number) % (number / 3 + 10);
    let own = if number.is_multiple_of(5) { mixed(number) % 3_000 } else { number + 1_000_000_000 };
    let words: Vec<String> = (0..40).map(|place| word(mixed(own * 64 + place) % 20_000)).collect();
    let text = Text::of(&Comment::of_text(words.join(" ")));
    let fingerprint = Fingerprint::of(&text, "", "");
    let ip = mixed(author);
    let email = format!("reader{author}@mail.example");
    Traces {
        identities: vec![
            (Trait::Email, email.clone()),
            (Trait::Ip, format!("{}.{}.{}.{}", ip & 255, ip >> 8 & 255, ip >> 16 & 255, ip >> 24 & 255)),
            (Trait::Network, format!("{}.{}.{}.0/24", ip & 255, ip >> 8 & 255, ip >> 16 & 255)),
            (Trait::Domain, format!("site{}.example", mixed(own) % 100_000)),
        ],
        email_spelling: Some(email.clone()),
        author: Some(email),
        post: Some(format!("/{}", number % 5_000)),
        is_short: fingerprint.is_none(),
        fingerprint,
        has_link: true,
    }
}

fn word(number: u64) -> String {
    let mut number = mixed(number);
    (0..6)
        .map(|_| {
            number /= 26;
            char::from(b'a' + (number % 26) as u8)
        })
        .collect()
}

pub fn mixed(number: u64) -> u64 {
    let number = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (number ^ (number >> 27)) >> 8
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub fn event() -> Outgoing {
    Outgoing { kind: EventKind::Decided, message_id: random::message_id(at(0)), body: "{}".into() }
}
