//! What long lists cost: how much longer a comment is judged, how long a list takes to be made ready, and its memory.
//!
//!     cargo bench --bench lists
//!
//! Prints one table; each judged time is the median over rounds that take turns, so that a busy machine slows all alike.
//! Phrases are two or three words of the comments' own vocabulary, so that texts walk far into the trie. Beside it, the same
//! phrases in Aho-Corasick automata: they find a little faster, and take far longer to build.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that cannot go on stops"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use hamlet::classifier::Classifier;
use hamlet::comment::Comment;
use hamlet::decision::Judge;
use hamlet::list_files;
use hamlet::lists::{List, Lists};
use hamlet::rules::RuleSet;
use hamlet::site::{ListPattern, Policy, Site, SiteId};
use hamlet::text::{Text, normalize};
use jiff::Timestamp;

/// Memory of this process that is in use, bytes.
fn in_use() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

const ENGLISH: &str = "My grandmother used to tell this story a little differently: in her version the fox never returns, and the \
village keeps the lamp burning every winter. I would love to know where you found yours. Is it from the collection of 1931, or did \
you hear it from someone in the valley? Either way, thank you for writing it down; my children asked for it twice last night, and we \
looked at https://archive.example.org/tales/lamp for more of them, but found only two that we did not know already, sadly.";
const ARABIC: &str = "مقال ممتاز وشرح واضح، لكن أظن أن الأرقام في الجدول الثاني تحتاج إلى مراجعة لأن مجموعها لا يساوي مئة. هل يمكن \
نشر المصادر حتى نطلع عليها؟ لقد عانينا من هذه المشكلة سنوات طويلة ولم يسمعنا أحد من المسؤولين، والله المستعان على كل حال. شكرا لكم.";

/// Words of the comments, and made-up ones, in pairs and threes; all different.
fn phrases(count: usize) -> Vec<String> {
    let words: Vec<String> = [ENGLISH, ARABIC].iter().flat_map(|text| hamlet::text::words_of(text)).collect();
    let word = |number: usize| match number % 3 {
        0 => words[number / 3 % words.len()].clone(),
        1 => format!("word{}", number / 3 % 20_000),
        _ => words[number / 7 % words.len()].clone() + "s",
    };
    (0..count).map(|number| format!("{} {} x{number}", word(number), word(number.wrapping_mul(31) / 5))).collect()
}

fn list_of(phrases: &[String]) -> (List, Duration, usize) {
    let before = in_use();
    let (mut list, mut entry) = (List::default(), list_files::given(Timestamp::UNIX_EPOCH));
    let started = Instant::now();
    for phrase in phrases {
        entry.pattern = ListPattern::Phrase(phrase.clone());
        list.put(&entry, 0);
    }
    (list, started.elapsed(), in_use().saturating_sub(before))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Median time of one call of each, in turns.
fn in_turns(works: &[Box<dyn Fn() + '_>], rounds: usize, calls: u32) -> Vec<Duration> {
    let mut times = vec![Vec::with_capacity(rounds); works.len()];
    for _ in 0..rounds {
        for (work, times) in works.iter().zip(&mut times) {
            let started = Instant::now();
            (0..calls).for_each(|_| work());
            times.push(started.elapsed() / calls);
        }
    }
    times.into_iter().map(median).collect()
}

fn main() {
    let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
    let site = Site {
        id: SiteId(1),
        name: "bench".into(),
        url: "https://news.example/".into(),
        policy: Policy::standard(),
        created_at: Timestamp::UNIX_EPOCH,
    };
    let counts = [0, 1_000, 100_000, 1_000_000];
    let mut lists = Vec::new();
    for count in counts {
        let (list, built, bytes) = list_of(&phrases(count));
        println!("{count:>9} phrases: made ready in {built:>9.1?}, {:>6.1} MB", bytes as f64 / 1e6);
        lists.push(Lists::join([Arc::new(list)]));
    }
    for (name, text) in [("english", ENGLISH), ("arabic", ARABIC)] {
        let comment = Comment::of_text(text);
        let (judge, site, comment) = (&judge, &site, &comment);
        let works: Vec<Box<dyn Fn()>> = lists
            .iter()
            .map(|lists| -> Box<dyn Fn()> {
                Box::new(move || drop(black_box(judge.judge(black_box(comment), site, lists, Timestamp::UNIX_EPOCH))))
            })
            .collect();
        let times = in_turns(&works, 200, 50);
        for (count, time) in counts.iter().zip(&times) {
            let more = (time.as_secs_f64() / times[0].as_secs_f64() - 1.0) * 100.0;
            println!("{name}: judged with {count:>9} phrases in {time:>8.1?} ({more:+.1} %)");
        }
    }

    let normal: Vec<String> = phrases(100_000).iter().map(|phrase| normalize(phrase)).collect();
    let comment = Comment::of_text(ENGLISH);
    let text = Text::of(&comment);
    for kind in [AhoCorasickKind::ContiguousNFA, AhoCorasickKind::DFA] {
        let (before, started) = (in_use(), Instant::now());
        let automaton = AhoCorasick::builder().kind(Some(kind)).build(&normal).unwrap();
        let (built, bytes) = (started.elapsed(), in_use().saturating_sub(before));
        let find = || {
            black_box(automaton.find_overlapping_iter(black_box(text.normal())).count());
        };
        let trie = || drop(black_box(lists[2].hits(&comment, &text, Timestamp::UNIX_EPOCH)));
        let times = in_turns(&[Box::new(find), Box::new(trie)], 200, 50);
        println!(
            "{kind:?} of 100000 phrases: built in {built:.1?}, {:.1} MB, finds in {:.1?}; the trie in {:.1?}",
            bytes as f64 / 1e6,
            times[0],
            times[1]
        );
    }

    // Each phrase within the next, and a text of nothing else.
    let nested: Vec<String> = (1..=64).map(|length| "a ".repeat(length)).collect();
    let lists = Lists::join([Arc::new(list_of(&nested).0)]);
    for bytes in [10_000, 100_000, 1_000_000] {
        let comment = Comment::of_text("a ".repeat(bytes / 2));
        let text = Text::of(&comment);
        let started = Instant::now();
        let hits = lists.hits(&comment, &text, Timestamp::UNIX_EPOCH).len();
        println!("64 nested phrases in {bytes:>7} bytes of them: {hits} named, {:.1?}", started.elapsed());
    }
}
