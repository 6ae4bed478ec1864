//! Comments that benchmarks judge, and a judge with what ships.

use hamlet::classifier::Classifier;
use hamlet::comment::Comment;
use hamlet::decision::Judge;
use hamlet::rules::RuleSet;
use hamlet::site::{Policy, Site, SiteId};
use jiff::Timestamp;

pub const ENGLISH: &str = "My grandmother used to tell this story a little differently: in her version the fox never returns, and the \
village keeps the lamp burning every winter. I would love to know where you found yours. Is it from the collection of 1931, or did \
you hear it from someone in the valley? Either way, thank you for writing it down; my children asked for it twice last night, and we \
looked at https://archive.example.org/tales/lamp for more of them, but found only two that we did not know already, sadly.";
pub const ARABIC: &str = "مقال ممتاز وشرح واضح، لكن أظن أن الأرقام في الجدول الثاني تحتاج إلى مراجعة لأن مجموعها لا يساوي مئة. هل يمكن \
نشر المصادر حتى نطلع عليها؟ لقد عانينا من هذه المشكلة سنوات طويلة ولم يسمعنا أحد من المسؤولين، والله المستعان على كل حال. شكرا لكم.";
pub const CHINESE: &str = "写得很好，不过第三段的数据好像是去年的，最新的统计上个月已经公布了。作者能不能补充一下来源？另外，我觉得文章里关于城市\
交通的部分过于乐观，实际上早高峰的情况并没有明显改善，很多人还是选择开车上班。希望以后能看到更多这样的深度报道，也希望评论区的朋友们理性讨论，不要互相\
攻击。谢谢编辑的辛苦工作。";
pub const SPAM: &str = "Buy cheap viagra and cialis online without prescription!!! Discreet shipping worldwide, visit \
http://cheap-pills.example/buy now and get 20% off <a href=\"http://cheap-pills.example/buy\">cheap viagra</a> [url=http://kazino.example]\
casino bonus[/url] contact us on WhatsApp +1 555 010 9999 or Telegram t.me/pills_example, v1agra c.a.s.i.n.o best price guaranteed";

pub fn judge() -> Judge {
    Judge::new(RuleSet::embedded(), Classifier::shipped())
}

pub fn site() -> Site {
    Site {
        id: SiteId(1),
        name: "bench".into(),
        url: "https://news.example/".into(),
        policy: Policy::standard(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

pub fn of_bytes(text: &str, bytes: usize) -> Comment {
    let mut content = text.repeat(bytes / text.len() + 1);
    content.truncate(content.floor_char_boundary(bytes));
    let mut comment = Comment::of_text(content);
    comment.author.name = Some("Gita".into());
    comment.author.email = Some("gita@mail.example".into());
    comment
}

/// The comments that the load generator sends unless it is given others, as people write them: short ones most of all, of many
/// languages, one in three spam.
#[allow(dead_code, reason = "not every bench that shares this file judges them")]
pub fn as_they_come() -> Vec<Comment> {
    let comment = |line: &str| {
        let sent: serde_json::Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| sent.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let mut comment = Comment::of_text(field("content"));
        comment.author.name = Some(field("author"));
        comment.author.email = Some("gita@mail.example".into());
        comment
    };
    include_str!("comments.jsonl").lines().map(comment).collect()
}

pub const LANGUAGES: [(&str, &str); 4] =
    [("english", ENGLISH), ("arabic", ARABIC), ("chinese", CHINESE), ("spam", SPAM)];
