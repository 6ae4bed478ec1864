//! Makes `models/documents.zdict`, by which the store packs comments and verdicts, and says what it saves.
//!
//!     cargo bench --bench dictionary                                 # what the one that ships saves
//!     cargo bench --bench dictionary -- --write models/new.zdict     # another one; what is packed by the old one needs the old one
//!
//! Made-up comments go through both doors of a real daemon, at sites of three languages, and are read out of a backup. Their words are
//! shuffled, so that the dictionary holds no sentence that anybody wrote. A fifth of them is held out; the figures are of that fifth.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a benchmark speaks to a terminal, reads the clock, and stops when something is wrong"
)]

#[path = "made.rs"]
#[expect(dead_code, reason = "no bench uses all of it")]
mod made;
mod rig;
#[path = "texts.rs"]
#[expect(dead_code, reason = "no bench uses all of it")]
mod texts;

use std::hint::black_box;
use std::io::Read as _;
use std::time::{Duration, Instant};

use made::mixed;
use rig::{Answer, Hamlet, comments, post};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use zstd::bulk::{Compressor, Decompressor};

const COMMENTS: u64 = 12_000;
/// Twice of it saves a hundredth more, and each context of zstd holds a copy.
const BYTES: usize = 32 * 1024;
/// The one that the store packs by (`store::rows::packed`), and zstd's own.
const LEVELS: [i32; 2] = [1, 3];
/// Numbers that are touched between two documents: 2 MiB, as much as a core's own caches hold.
const ELSEWHERE: usize = 1 << 18;
const SHIPPED: &[u8] = include_bytes!("../../models/documents.zdict");
const BROWSERS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/$.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_$ like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.$ Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/$.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:$.0) Gecko/20100101 Firefox/$.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:$.0) Gecko/20100101 Firefox/$.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.$ Safari/605.1.15",
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let out = arguments.iter().position(|argument| argument == "--write").and_then(|at| arguments.get(at + 1));
    let documents = tokio::runtime::Runtime::new().unwrap().block_on(documents());
    let (held_out, known): (Vec<_>, Vec<_>) = documents.into_iter().enumerate().partition(|(at, _)| at % 5 == 0);
    let (held_out, known) = (without_number(held_out), without_number(known));
    let dictionary = match out {
        None => SHIPPED.to_vec(),
        Some(path) => {
            let samples: Vec<&str> = known.iter().flat_map(|(comment, verdict)| [&**comment, &**verdict]).collect();
            let dictionary = zstd::dict::from_samples(&samples, BYTES).unwrap();
            std::fs::write(path, &dictionary).unwrap();
            dictionary
        }
    };
    println!(
        "{:<10} {:>5} {:>9} {:>9} {:>12} {:>12} {:>12}",
        "", "level", "bytes", "packed", "us to pack", "cache cold", "us to unpack"
    );
    for (name, of) in [("comments", 0), ("verdicts", 1)] {
        let documents: Vec<&[u8]> =
            held_out.iter().map(|pair| if of == 0 { pair.0.as_bytes() } else { pair.1.as_bytes() }).collect();
        for level in LEVELS {
            measure(name, &documents, &dictionary, level);
        }
    }
}

fn without_number<T>(numbered: Vec<(usize, T)>) -> Vec<T> {
    numbered.into_iter().map(|(_, one)| one).collect()
}

/// Packs one document after the other, and again as the daemon does it: between two of them it has read and written much else.
fn measure(name: &str, documents: &[&[u8]], dictionary: &[u8], level: i32) {
    let mut packer = Compressor::with_dictionary(level, dictionary).unwrap();
    let mut unpacker = Decompressor::with_dictionary(dictionary).unwrap();
    let count = documents.len() as f64;
    let started = Instant::now();
    let packed: Vec<Vec<u8>> = documents.iter().map(|document| packer.compress(document).unwrap()).collect();
    let packing = started.elapsed().as_secs_f64() * 1e6 / count;
    let mut elsewhere = vec![1_u64; ELSEWHERE];
    let mut cold = Duration::ZERO;
    for document in documents {
        elsewhere.iter_mut().for_each(|place| *place = black_box(place.wrapping_add(1)));
        let started = Instant::now();
        black_box(packer.compress(document).unwrap());
        cold += started.elapsed();
    }
    let cold = cold.as_secs_f64() * 1e6 / count;
    let started = Instant::now();
    for (packed, document) in packed.iter().zip(documents) {
        assert_eq!(unpacker.decompress(packed, document.len()).unwrap(), *document);
    }
    let unpacking = started.elapsed().as_secs_f64() * 1e6 / count;
    let mean = |sum: usize| sum as f64 / count;
    let (before, after) = (documents.iter().map(|one| one.len()).sum(), packed.iter().map(Vec::len).sum());
    println!(
        "{name:<10} {level:>5} {:>9.0} {:>9.0} {packing:>12.2} {cold:>12.2} {unpacking:>12.2}",
        mean(before),
        mean(after)
    );
}

/// Comments and their verdicts, as a backup has them.
async fn documents() -> Vec<(String, String)> {
    let names = ["english", "arabic", "german"];
    let (hamlet, keys) = Hamlet::start("sqlite", &[], &names).await;
    for (name, language) in names.iter().zip(["en", "ar", "de"]) {
        hamlet.beside(&["site", "set", name, "--language", language]);
    }
    let sources: Vec<Vec<String>> = comments()
        .iter()
        .map(|comment| comment["content"].as_str().unwrap())
        .chain(texts::LANGUAGES.iter().map(|(_, text)| *text))
        .map(|text| text.split_whitespace().map(str::to_owned).collect())
        .collect();
    let mut stream = TcpStream::connect(hamlet.address).await.unwrap();
    let mut answer = Answer::default();
    for number in 0..COMMENTS {
        let key = &keys[chance(number, 0, keys.len())];
        let comment = comment(number, &sources);
        let request = if chance(number, 1, 2) == 0 {
            post("/v1/comments/check", key, &comment)
        } else {
            form(number, key, &comment)
        };
        stream.write_all(&request).await.unwrap();
        answer.read(&mut stream).await.unwrap();
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(answer.body()));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hamlet.backup");
    hamlet.beside(&["backup", file.to_str().unwrap()]);
    let mut backup = String::new();
    zstd::Decoder::new(std::fs::File::open(file).unwrap()).unwrap().read_to_string(&mut backup).unwrap();
    let lines = backup.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines = lines.skip_while(|line| line["table"]["name"] != "comments");
    let columns = lines.next().unwrap()["table"]["columns"].clone();
    let place = |name: &str| columns.as_array().unwrap().iter().position(|column| column == name).unwrap();
    let (comment, verdict) = (place("comment"), place("verdict"));
    let text = |row: &Value, at: usize| row[at].as_str().unwrap().to_owned();
    lines.take_while(Value::is_array).map(|row| (text(&row, comment), text(&row, verdict))).collect()
}

/// One of `below`, ever the same for this comment and purpose.
fn chance(number: u64, purpose: u64, below: usize) -> usize {
    mixed(number * 64 + purpose) as usize % below
}

fn comment(number: u64, sources: &[Vec<String>]) -> Value {
    let words = &sources[chance(number, 2, sources.len())];
    let word = |purpose: u64| words[chance(number, purpose, words.len())].as_str();
    let length = 3 + chance(number, 3, 50);
    let mut content: Vec<String> = (0..length as u64).map(|at| word(1_000 + at).to_owned()).collect();
    if chance(number, 4, 5) == 0 {
        content.push(format!("https://{}.example/{}", mixed(number), number % 97));
    }
    let (name, post) = (format!("{} {}", word(5), word(6)), chance(number, 7, 3_000));
    let browser = BROWSERS[chance(number, 8, BROWSERS.len())].replace('$', &(118 + chance(number, 9, 32)).to_string());
    let ip: Vec<String> = (0..4).map(|at| chance(number % 3_000, 10 + at, 256).to_string()).collect();
    let mut comment = json!({
        "content": content.join(" "), "permalink": format!("https://news.example/2026/{post}/"),
        "author": {"name": name, "ip": ip.join("."), "user_agent": browser},
    });
    if chance(number, 20, 2) == 0 {
        comment["author"]["email"] = format!("{:x}@mail.example", mixed(number % 3_000)).into();
    }
    if chance(number, 21, 4) == 0 {
        comment["author"]["url"] = format!("https://{:x}.example/", mixed(number)).into();
    }
    if chance(number, 22, 3) == 0 {
        comment["external_id"] = number.to_string().into();
        comment["post_title"] = format!("{} {} {}", word(23), word(24), word(25)).into();
    }
    comment
}

/// The same as WordPress' plugin sends it.
fn form(number: u64, key: &str, comment: &Value) -> Vec<u8> {
    let of = |pointer: &str| comment.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (time, post) = (1_790_000_000_000 + number * 7_919, chance(number, 7, 3_000).to_string());
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("api_key", key)
        .append_pair("blog", "https://news.example")
        .append_pair("blog_lang", ["en_US", "ar", "de_DE"][chance(number, 30, 3)])
        .append_pair("blog_charset", "UTF-8")
        .append_pair("comment_type", "comment")
        .append_pair("comment_post_ID", &post)
        .append_pair("comment_author", of("/author/name"))
        .append_pair("comment_author_email", of("/author/email"))
        .append_pair("comment_author_url", of("/author/url"))
        .append_pair("comment_content", of("/content"))
        .append_pair("permalink", of("/permalink"))
        .append_pair("user_ip", of("/author/ip"))
        .append_pair("user_agent", of("/author/user_agent"))
        .append_pair("referrer", of("/permalink"))
        .append_pair("user_role", "")
        .append_pair("comment_post_modified_gmt", "2026-11-02 08:04:05")
        .append_pair("POST_ak_js", &time.to_string())
        .append_pair("POST_ak_hp_textarea", "")
        .append_pair("POST_ak_bib", &(time - 9_000).to_string())
        .append_pair("POST_ak_bfs", &(time - 4_000).to_string())
        .append_pair("POST_ak_bkpc", &chance(number, 31, 90).to_string())
        .append_pair("POST_ak_bmc", &format!("{};{},", chance(number, 32, 200), chance(number, 33, 900)))
        .append_pair("HTTP_ACCEPT", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
        .append_pair("HTTP_ACCEPT_ENCODING", "gzip, deflate, br, zstd")
        .append_pair("HTTP_ACCEPT_LANGUAGE", ["en-US,en;q=0.5", "ar,en;q=0.7", "de,en;q=0.5"][chance(number, 30, 3)])
        .append_pair("HTTP_ORIGIN", "https://news.example")
        .append_pair("REMOTE_ADDR", of("/author/ip"))
        .finish();
    let length = body.len();
    format!(
        "POST /1.1/comment-check HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
