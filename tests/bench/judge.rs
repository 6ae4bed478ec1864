//! How long judging takes: text, features, rules and decision, one thread, by language and by length.
//!
//!     cargo bench --bench judge
//!
//! Divan prints medians. `by_length` should grow in step with the length: ten times the text, ten times the time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on stops")]

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use hamlet::classifier::Classifier;
use hamlet::comment::Comment;
use hamlet::decision::Judge;
use hamlet::language::Language;
use hamlet::lists::Lists;
use hamlet::reason::Voice;
use hamlet::rules::RuleSet;
use hamlet::site::{Policy, Site, SiteId};
use hamlet::text::Text;
use hamlet::verdict::Verdict;
use jiff::Timestamp;

fn main() {
    divan::main();
}

const ENGLISH: &str = "My grandmother used to tell this story a little differently: in her version the fox never returns, and the \
village keeps the lamp burning every winter. I would love to know where you found yours. Is it from the collection of 1931, or did \
you hear it from someone in the valley? Either way, thank you for writing it down; my children asked for it twice last night, and we \
looked at https://archive.example.org/tales/lamp for more of them, but found only two that we did not know already, sadly.";
const ARABIC: &str = "مقال ممتاز وشرح واضح، لكن أظن أن الأرقام في الجدول الثاني تحتاج إلى مراجعة لأن مجموعها لا يساوي مئة. هل يمكن \
نشر المصادر حتى نطلع عليها؟ لقد عانينا من هذه المشكلة سنوات طويلة ولم يسمعنا أحد من المسؤولين، والله المستعان على كل حال. شكرا لكم.";
const CHINESE: &str = "写得很好，不过第三段的数据好像是去年的，最新的统计上个月已经公布了。作者能不能补充一下来源？另外，我觉得文章里关于城市\
交通的部分过于乐观，实际上早高峰的情况并没有明显改善，很多人还是选择开车上班。希望以后能看到更多这样的深度报道，也希望评论区的朋友们理性讨论，不要互相\
攻击。谢谢编辑的辛苦工作。";
const SPAM: &str = "Buy cheap viagra and cialis online without prescription!!! Discreet shipping worldwide, visit \
http://cheap-pills.example/buy now and get 20% off <a href=\"http://cheap-pills.example/buy\">cheap viagra</a> [url=http://kazino.example]\
casino bonus[/url] contact us on WhatsApp +1 555 010 9999 or Telegram t.me/pills_example, v1agra c.a.s.i.n.o best price guaranteed";

fn judge() -> Judge {
    Judge::new(RuleSet::embedded(), Classifier::shipped())
}

fn site() -> Site {
    Site {
        id: SiteId(1),
        name: "bench".into(),
        url: "https://news.example/".into(),
        policy: Policy::standard(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn of_bytes(text: &str, bytes: usize) -> Comment {
    let mut content = text.repeat(bytes / text.len() + 1);
    content.truncate(content.floor_char_boundary(bytes));
    let mut comment = Comment::of_text(content);
    comment.author.name = Some("Gita".into());
    comment.author.email = Some("gita@mail.example".into());
    comment
}

fn bench(bencher: Bencher<'_, '_>, comment: &Comment) {
    let (judge, site, lists) = (judge(), site(), Lists::default());
    bencher
        .counter(BytesCount::of_str(&comment.content))
        .bench_local(|| judge.judge(black_box(comment), &site, &lists, Timestamp::UNIX_EPOCH));
}

const LANGUAGES: [(&str, &str); 4] = [("english", ENGLISH), ("arabic", ARABIC), ("chinese", CHINESE), ("spam", SPAM)];

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

#[divan::bench(args = [100, 1_000, 10_000, 100_000, 1_000_000])]
fn by_length(bencher: Bencher<'_, '_>, bytes: usize) {
    bench(bencher, &of_bytes(ENGLISH, bytes));
}
