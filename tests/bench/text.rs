//! What reading one comment and asking all rules about it costs: `cargo bench --bench text`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that cannot run says so by panicking")]

use std::fmt;

use divan::Bencher;
use hamlet::comment::Comment;
use hamlet::facts::Facts;
use hamlet::rules::{Case, RuleSet};
use hamlet::site::{Policy, Site, SiteId};
use hamlet::text::Text;
use jiff::Timestamp;

fn main() {
    divan::main();
}

const ENGLISH: &str = "I read the whole piece twice and still think the council got this wrong. The old bridge \
    carries two hundred lorries a day, and closing it for a year without a ferry means that every one of them goes \
    through the village, past the school. My neighbour measured it last week: one every three minutes between seven \
    and nine. Nobody asked us. See https://council.example/minutes/2026-03 for what was said, and judge for yourself \
    whether \"consulted\" is the word. It isn't, as far as I'm concerned!";

const ARABIC: &str = "قرأت المقال مرتين وما زلت أعتقد أن البلدية أخطأت في قرارها. الجسر القديم تعبره مئتا شاحنة كل يوم، \
    وإغلاقه سنة كاملة من غير عبّارة يعني أن تمرّ كلها من وسط القرية بجانب المدرسة. جاري حسبها في الأسبوع الماضي: \
    شاحنة كل ثلاث دقائق بين السابعة والتاسعة. لم يسألنا أحد عن رأينا، وهذا ما يؤسف له حقا.";

const CHINESE: &str = "写得很好，不过第三段的数据好像是去年的，最新的统计上个月已经公布了。作者能不能补充一下来源？另外，我觉得文章里关于城市\
    交通的部分过于乐观，实际上早高峰的情况并没有明显改善，很多人还是选择开车上班。希望以后能看到更多这样的深度报道，也希望评论区的朋友们理性讨论，\
    不要互相攻击。谢谢编辑的辛苦工作。";

fn comment(content: &str) -> Comment {
    Comment::of_text(content)
}

fn site() -> Site {
    Site {
        id: SiteId(1),
        name: "default".to_owned(),
        url: "https://news.example/".to_owned(),
        policy: Policy::standard(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// An ordinary comment of some 500 bytes, shown by its name.
struct Ordinary(&'static str, &'static str);

impl fmt::Display for Ordinary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

const ORDINARY: [Ordinary; 3] =
    [Ordinary("english", ENGLISH), Ordinary("arabic", ARABIC), Ordinary("chinese", CHINESE)];

#[divan::bench(args = ORDINARY)]
fn ordinary(bencher: Bencher, content: &Ordinary) {
    let comment = comment(content.1);
    bencher.bench(|| Text::of(&comment));
}

#[divan::bench(args = ORDINARY)]
fn all_rules(bencher: Bencher, content: &Ordinary) {
    let comment = comment(content.1);
    let text = Text::of(&comment);
    let rules = RuleSet::embedded();
    let site = site();
    bencher.bench(|| rules.fired(&Case { comment: &comment, text: &text, facts: &Facts::NONE, site: &site }));
}

/// What only some rules ask for, and then once.
#[divan::bench(args = ORDINARY)]
fn language(bencher: Bencher, content: &Ordinary) {
    let comment = comment(content.1);
    bencher.with_inputs(|| Text::of(&comment)).bench_refs(|text| text.language());
}

#[divan::bench(args = ORDINARY)]
fn segments(bencher: Bencher, content: &Ordinary) {
    let comment = comment(content.1);
    bencher.with_inputs(|| Text::of(&comment)).bench_refs(|text| text.segments().count());
}

#[divan::bench(args = [10_000, 1_000_000])]
fn all_rules_long(bencher: Bencher, bytes: usize) {
    let comment = comment(&ENGLISH.repeat(bytes / ENGLISH.len() + 1));
    let text = Text::of(&comment);
    let rules = RuleSet::embedded();
    let site = site();
    bencher.bench(|| rules.fired(&Case { comment: &comment, text: &text, facts: &Facts::NONE, site: &site }));
}

#[divan::bench]
fn marked_up(bencher: Bencher) {
    let comment = comment(&format!("<p>{ENGLISH}</p><br /><a href=\"https://a.example/\">more</a> &amp; more"));
    bencher.bench(|| Text::of(&comment));
}

#[divan::bench(args = [1_000, 10_000, 100_000, 1_000_000])]
fn long(bencher: Bencher, bytes: usize) {
    let comment = comment(&ENGLISH.repeat(bytes / ENGLISH.len() + 1));
    bencher.bench(|| Text::of(&comment));
}
