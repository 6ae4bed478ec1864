//! How long judging takes: text, features, rules and decision, one thread, by language and by length.
//!
//!     cargo bench --bench judge
//!
//! Divan prints medians. `by_length` should grow in step with the length: ten times the text, ten times the time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on stops")]

#[path = "texts.rs"]
mod texts;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use hamlet::comment::Comment;
use hamlet::language::Language;
use hamlet::lists::Lists;
use hamlet::reason::Voice;
use hamlet::rules::RuleSet;
use hamlet::text::Text;
use hamlet::verdict::Verdict;
use jiff::Timestamp;
use texts::{ENGLISH, LANGUAGES, SPAM, as_they_come, judge, of_bytes, site};

fn main() {
    divan::main();
}

fn bench(bencher: Bencher<'_, '_>, comment: &Comment) {
    let (judge, site, lists) = (judge(), site(), Lists::default());
    bencher
        .counter(BytesCount::of_str(&comment.content))
        .bench_local(|| judge.judge(black_box(comment), &site, &lists, Timestamp::UNIX_EPOCH));
}

#[divan::bench(args = ["english", "arabic", "chinese", "spam"])]
fn of_500_bytes(bencher: Bencher<'_, '_>, name: &str) {
    let (_, text) = LANGUAGES.into_iter().find(|(language, _)| *language == name).unwrap();
    bench(bencher, &of_bytes(text, 500));
}

/// The sentence alone, of a verdict on spam.
#[divan::bench(args = ["en", "ar", "de"])]
fn reason_alone(bencher: Bencher<'_, '_>, language: &str) {
    let language: Language = language.parse().unwrap();
    let verdict = judge().judge(&of_bytes(SPAM, 500), &site(), &Lists::default(), Timestamp::UNIX_EPOCH);
    let Verdict { decision, evidence, tokens, .. } = verdict;
    bencher.bench_local(|| {
        Voice { language, rules: RuleSet::shipped() }.reason(decision, black_box(&evidence), &tokens, false)
    });
}

#[divan::bench(args = ["english", "arabic", "chinese", "spam"])]
fn text_alone_of_500_bytes(bencher: Bencher<'_, '_>, name: &str) {
    let (_, text) = LANGUAGES.into_iter().find(|(language, _)| *language == name).unwrap();
    let comment = of_bytes(text, 500);
    bencher.bench_local(|| Text::of(black_box(&comment)));
}

/// All comments as they come, one after the other: divided by their number, the cost of an ordinary one. 500 bytes of one text hide what
/// does not grow with its length.
#[divan::bench]
fn comments_as_they_come(bencher: Bencher<'_, '_>) {
    let (judge, site, lists, comments) = (judge(), site(), Lists::default(), as_they_come());
    bencher.counter(ItemsCount::new(comments.len())).bench_local(|| {
        for comment in &comments {
            black_box(judge.judge(black_box(comment), &site, &lists, Timestamp::UNIX_EPOCH));
        }
    });
}

#[divan::bench(args = [100, 1_000, 10_000, 100_000, 1_000_000])]
fn by_length(bencher: Bencher<'_, '_>, bytes: usize) {
    bench(bencher, &of_bytes(ENGLISH, bytes));
}
