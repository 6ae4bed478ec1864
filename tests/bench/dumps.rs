//! How fast dumps are read: megabytes a second of each format, on one core, reading alone.
//!
//! `cargo bench --bench dumps` makes up a dump of some 64 MB in each format, a third of it Arabic, keeps it in memory and
//! reads it several times; `-- MB` makes dumps of another size. The goals are those that reading is to reach.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on says so")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use hamlet::training::dump::{self, Options};

const DEFAULT_MB: usize = 64;
const RUNS: usize = 5;

/// A format: its name, what reading it is to reach in MB/s, its beginning, a comment, its end.
type Format = (&'static str, Option<f64>, fn() -> String, fn(&mut String, &Comment), &'static str);

const FORMATS: [Format; 7] = [
    ("JSON Lines", Some(60.0), String::new, json_line, ""),
    ("CSV (phpMyAdmin)", None, || format!("{}\n", COLUMNS.join(",")), csv_row, ""),
    ("TSV (mysql)", None, || format!("{}\n", COLUMNS.join("\t")), tsv_row, ""),
    ("SQL (mysqldump)", Some(40.0), String::new, sql_row, ""),
    ("WXR, comments", Some(40.0), || WXR.to_owned(), wxr_comment, "</item></channel></rss>"),
    ("WXR, posts and comments", Some(40.0), || WXR.to_owned(), wxr_post, "</item></channel></rss>"),
    (
        "Disqus",
        None,
        || "<?xml version=\"1.0\"?>\n<disqus xmlns:dsq=\"http://disqus.com/x\">\n".to_owned(),
        disqus_post,
        "</disqus>",
    ),
];

const COLUMNS: [&str; 15] = [
    "comment_ID",
    "comment_post_ID",
    "comment_author",
    "comment_author_email",
    "comment_author_url",
    "comment_author_IP",
    "comment_date",
    "comment_date_gmt",
    "comment_content",
    "comment_karma",
    "comment_approved",
    "comment_agent",
    "comment_type",
    "comment_parent",
    "user_id",
];
const WXR: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<rss version=\"2.0\" xmlns:wp=\"http://wordpress.org/export/1.2/\">\n\
                   <channel>\n<wp:wxr_version>1.2</wp:wxr_version>\n";
const AGENT: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36";
const DATE: &str = "2024-05-01 10:00:00";

fn main() {
    let megabytes = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(DEFAULT_MB);
    println!("{:<26}{:>8}{:>12}{:>10}{:>12}", "format", "MB", "comments", "MB/s", "goal");
    for (name, goal, head, write, tail) in FORMATS {
        let mut text = head();
        let mut comments = 0;
        while text.len() < megabytes * 1_000_000 {
            write(&mut text, &Comment::made_up(comments));
            comments += 1;
        }
        text.push_str(tail);
        let bytes: Arc<[u8]> = text.into_bytes().into();
        let mut speeds: Vec<f64> = (0..RUNS).map(|_| speed(&bytes, comments)).collect();
        speeds.sort_by(f64::total_cmp);
        let speed = speeds.get(RUNS / 2).copied().unwrap_or(f64::NAN);
        let goal =
            goal.map_or(String::new(), |goal| format!("≥ {goal} {}", if speed >= goal { "met" } else { "MISSED" }));
        println!("{name:<26}{:>8.1}{comments:>12}{speed:>10.0}{goal:>12}", bytes.len() as f64 / 1e6);
    }
}

/// Megabytes a second.
fn speed(bytes: &Arc<[u8]>, comments: u64) -> f64 {
    let (started, on_core) = (Instant::now(), core_seconds());
    let source = Shared { bytes: Arc::clone(bytes), at: 0 };
    let records = dump::read(Box::new(source), Path::new("dump"), &Options::default());
    let read = records.filter(|record| record.as_ref().expect("the dump is whole").is_ok()).count();
    let seconds = match (on_core, core_seconds()) {
        (Some(before), Some(after)) if after > before => after - before,
        _ => started.elapsed().as_secs_f64(),
    };
    assert_eq!(read as u64, comments, "every comment is read");
    bytes.len() as f64 / 1e6 / seconds
}

/// Seconds that this thread has had a core, as Linux counts them: what else the machine does is left out.
fn core_seconds() -> Option<f64> {
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(counts.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}

struct Shared {
    bytes: Arc<[u8]>,
    at: usize,
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

/// What is written of a comment.
struct Comment {
    id: u64,
    name: &'static str,
    text: String,
    approved: &'static str,
}

impl Comment {
    /// About forty words; every third is Arabic, every fifth spam.
    fn made_up(id: u64) -> Comment {
        const LATIN: [&str; 12] = [
            "the council's",
            "rent",
            "went",
            "up again",
            "because",
            "\"nobody\"",
            "asked",
            "us;",
            "see",
            "<b>there</b>",
            "https://news.example/a?b=1&amp;c=2",
            "and\r\nthen",
        ];
        const ARABIC: [&str; 12] =
            ["السلام", "عليكم", "شكرا", "على", "المقال", "«الجميل»", "ولكن", "لماذا", "ارتفع", "الإيجار", "مرة", "أخرى؟"];
        let (words, name) = if id.is_multiple_of(3) { (ARABIC, "سلمى") } else { (LATIN, "Ann O'Hara") };
        let mut state = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut text = String::new();
        for _ in 0..20 + id % 40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let word = usize::try_from(state >> 33).unwrap_or(0) % words.len();
            text.push_str(words.get(word).copied().unwrap_or_default());
            text.push(' ');
        }
        Comment { id, name, text, approved: if id.is_multiple_of(5) { "spam" } else { "1" } }
    }

    fn cells(&self) -> [String; 15] {
        let id = self.id.to_string();
        let mail = format!("reader{}@mail.example", self.id % 1_000);
        [
            &id,
            "7",
            self.name,
            &mail,
            "",
            "192.0.2.1",
            DATE,
            DATE,
            &self.text,
            "0",
            self.approved,
            AGENT,
            "comment",
            "0",
            "0",
        ]
        .map(str::to_owned)
    }
}

fn json_line(to: &mut String, comment: &Comment) {
    let label = if comment.approved == "spam" { "spam" } else { "ham" };
    let row = serde_json::json!({
        "id": comment.id, "content": comment.text, "label": label, "lang": "ar", "date": DATE,
        "author": {"name": comment.name, "email": "reader@mail.example", "ip": "192.0.2.1", "user_agent": AGENT},
    });
    let _ = writeln!(to, "{row}");
}

fn csv_row(to: &mut String, comment: &Comment) {
    let cells = comment.cells().map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
    let _ = writeln!(to, "{}", cells.join(","));
}

fn tsv_row(to: &mut String, comment: &Comment) {
    let cells = comment.cells().map(|cell| cell.replace('\\', "\\\\").replace('\n', "\\n"));
    let _ = writeln!(to, "{}", cells.join("\t"));
}

/// A statement of five hundred rows, as mysqldump writes them.
fn sql_row(to: &mut String, comment: &Comment) {
    let escape = |cell: &String| {
        cell.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\'', "\\'").replace('"', "\\\"")
    };
    let is_first = comment.id.is_multiple_of(500);
    if is_first {
        // The last statement is closed by the next; the one at the end may go without.
        to.push_str(if comment.id == 0 { "" } else { ";\n" });
        to.push_str("INSERT INTO `wp_comments` VALUES ");
    }
    let cells = comment.cells();
    let cells: Vec<String> = cells.iter().map(|cell| format!("'{}'", escape(cell))).collect();
    let _ = write!(to, "{}({})", if is_first { "" } else { "," }, cells.join(","));
}

fn wxr_comment(to: &mut String, comment: &Comment) {
    if comment.id.is_multiple_of(20) {
        to.push_str(if comment.id == 0 { "" } else { "</item>\n" });
        to.push_str("<item>\n<title>A story</title>\n<link>https://news.example/a-story</link>\n");
    }
    let _ = writeln!(to, "\t\t<wp:comment>\n\t\t\t<wp:comment_id>{}</wp:comment_id>", comment.id);
    for (name, cell) in COLUMNS.iter().zip(comment.cells()).skip(2).take(12) {
        let _ = writeln!(to, "\t\t\t<wp:{name}><![CDATA[{cell}]]></wp:{name}>");
    }
    to.push_str("\t\t\t<wp:comment_user_id>0</wp:comment_user_id>\n\t\t</wp:comment>\n");
}

/// The same with the text of the post, which is most of a real export.
fn wxr_post(to: &mut String, comment: &Comment) {
    wxr_comment(to, comment);
    if comment.id % 20 == 10 {
        let text: String = (0..20).map(|more| Comment::made_up(comment.id + more).text).collect();
        let _ = writeln!(to, "<content:encoded><![CDATA[{text}]]></content:encoded>");
    }
}

fn disqus_post(to: &mut String, comment: &Comment) {
    let Comment { id, name, text, approved } = comment;
    let _ = write!(
        to,
        "<post dsq:id=\"{id}\">\n<id />\n<message><![CDATA[<p>{text}</p>]]></message>\n<createdAt>2024-05-01T10:00:00Z</createdAt>\n\
         <isDeleted>false</isDeleted>\n<isSpam>{}</isSpam>\n<author>\n<name>{name}</name>\n<isAnonymous>true</isAnonymous>\n</author>\n\
         <thread dsq:id=\"7\" />\n</post>\n",
        *approved == "spam"
    );
}
