//! Reading a comment once: what matching, words and links are made of.

use super::*;

fn text(content: &str) -> Text {
    Text::of(&Comment::of_text(content))
}

#[track_caller]
fn check_normal(content: &str, expected: &str) {
    assert_eq!(normalize(content), expected);
}

#[test]
fn equal_words_look_equal() {
    check_normal("  Hello,\n\tWORLD!!!!! ", "hello, world!!");
    check_normal("ｖｉａｇｒａ 𝓑𝓾𝔂 ①", "viagra buy 1");
    check_normal("via\u{200B}gra \u{AD}x", "viagra x");
    check_normal("كـــازيـنـو كَازِينُو", "كازينو كازينو");
    check_normal("أإآٱ ى ة ک ی ہ ھ", "اااا ي ه ك ي ه ه".replace("اااا", "اا").as_str());
    check_normal("می\u{200C}خواهم", "مي خواهم");
    check_normal("٠٥٥ ۰۵۵ 0555555", "055 055 0555555");
    check_normal("ههههههه sooooo", "هه soo");
    check_normal("صلى ﷺ", "صلي ﷺ");
    check_normal("ﻛﺎﺯﻳﻨﻮ", "كازينو");
    check_normal("cafe\u{301} CAFÉ h\u{337}i", "café café hi");
    check_normal("ΣΊΣΥΦΟΣ İstanbul", "σίσυφοσ istanbul");
    check_normal("أ ا\u{654}", "ا ا");
    check_normal("", "");
    check_normal("👨\u{200D}👩\u{200D}👧 ❤\u{FE0F}", "👨👩👧 ❤");
}

#[test]
fn folding_twice_changes_nothing() {
    for content in ["Hello\u{200C} ﷺ", "ⅷ ﷼ ſ K Å", "aͣ\u{FE0F}b\u{0345}", "ﬃ…… ½ ″′"] {
        let once = normalize(content);
        assert_eq!(normalize(&once), once, "{content}");
    }
}

#[track_caller]
fn check_words(content: &str, expected: &[&str]) {
    assert_eq!(text(content).words().collect::<Vec<_>>(), expected);
}

#[test]
fn words_are_runs_of_letters() {
    check_words("It's 2nd-rate, no?", &["it", "s", "2nd", "rate", "no"]);
    check_words("واتساب: ٠٥٥", &["واتساب", "055"]);
    check_words("买iPhone手机", &["买", "iphone", "手机"]);
    check_words("हिन्दी में", &["हिन्दी", "में"]);
    check_words("ภาษาไทย ok", &["ภาษาไทย", "ok"]);
    check_words("...", &[]);
}

#[track_caller]
fn check_visible(content: &str, expected: &str) {
    assert_eq!(text(content).visible(), expected);
}

#[test]
fn readers_see_no_markup() {
    check_visible("plain", "plain");
    check_visible("a<br />b &amp; c&#8203;d &lt;3", "a\nb & c\u{200B}d <3");
    check_visible("I <3 you & 1 < 2 > 0 [1]", "I <3 you & 1 < 2 > 0 [1]");
    check_visible("<b>bo<i>ld</i></b><script>alert('<b>')</script>!", "bold!");
    check_visible("<!-- <b> -->x<!-- y", "xy".replace("xy", "x<!-- y").as_str());
    check_visible("<a href=\"http://x.example/?a=1&amp;b=2\" title='>'>here</a>", "here");
    check_visible("[url=http://x.example]here[/url] [b]bold[/b] [x]", "here bold [x]");
    check_visible("see [my page](https://x.example/a) now", "see my page now");
    check_visible("arr[0](x) [a](b)", "arr[0](x) [a](b)");
}

#[track_caller]
fn check_links(content: &str, expected: &[(&str, &str, Syntax)]) {
    let text = text(content);
    let found: Vec<_> = text.links().iter().map(|link| (link.host(), link.domain(), link.syntax)).collect();
    assert_eq!(found, expected, "{content}");
}

#[test]
fn links_are_found_however_they_are_written() {
    use Syntax::{Bare, BbCode, Html, Markdown};
    check_links("go to HTTP://WWW.Example.CO.UK/a?b now", &[("www.example.co.uk", "example.co.uk", Bare)]);
    check_links("t.me/abc and example.com", &[("t.me", "t.me", Bare), ("example.com", "example.com", Bare)]);
    check_links("<a href='https://a.example/'>https://a.example/</a>", &[("a.example", "a.example", Html)]);
    check_links("[url]http://b.example/x[/url]", &[("b.example", "b.example", BbCode)]);
    check_links(
        "[x](http://c.example) http://d.example",
        &[("c.example", "c.example", Markdown), ("d.example", "d.example", Bare)],
    );
    check_links("hxxps://bad.com/x", &[("bad.com", "bad.com", Bare)]);
    check_links(
        "visit example[.]com or cheap dot com",
        &[("example.com", "example.com", Bare), ("cheap.com", "cheap.com", Bare)],
    );
    check_links("زوروا موقعناexample.com", &[("example.com", "example.com", Bare)]);
    check_links(
        "http://موقع.وزارة-الاتصالات.مصر/",
        &[("xn--4gbrim.xn----ymcbaaajlc6dj7bxne2c.xn--wgbh1c", "xn----ymcbaaajlc6dj7bxne2c.xn--wgbh1c", Bare)],
    );
    check_links(
        "http://127.0.0.1/ http://3232235777/",
        &[("127.0.0.1", "127.0.0.1", Bare), ("192.168.1.1", "192.168.1.1", Bare)],
    );
    for ham in [
        "the end.Next one",
        "that.is it",
        "notes.md main.rs",
        "3.5 1.000.000",
        "a dot on the map",
        "a@b.com",
        "e.g. this",
        "...",
    ] {
        check_links(ham, &[]);
    }
}

#[test]
fn the_parts_of_a_link_are_told_apart() {
    let text = text("http://user:pw@e.example:8080/p?q=1 <a href=\"http://f.example\">click</a> a@b.com hxxp://g.com");
    let [first, second, third] = text.links() else { panic!("{:?}", text.links()) };
    assert!(first.has_userinfo() && first.odd_port() == Some(8080) && first.path() == "/p" && first.query() == "q=1");
    assert_eq!((second.shown.as_str(), second.written.as_str()), ("click", "http://f.example"));
    assert!(third.is_defanged && !first.is_defanged);
    assert_eq!(text.emails(), ["a@b.com"]);
    assert_eq!(Link::of_url("example.com:80/x").host(), "example.com");
    assert_eq!(Link::of_url("javascript:alert(1)").scheme(), "javascript");
    assert_eq!(Link::of_url("").host(), "");
}

#[test]
fn disguised_words_read_latin() {
    let words = |content: &str| text(content).skeleton_words().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words("play cаsіnо now"), ["casino"]);
    assert_eq!(words("ᴠᴇʀɪғʏ your account"), ["verify"]);
    assert_eq!(words("mоney tоdаy"), ["money", "today"]);
    assert_eq!(words("обычный русский текст про сор и рост"), [""; 0]);
    assert_eq!(words("plain English, naïve café"), [""; 0]);
    assert_eq!(words("تعليق عادي with English"), [""; 0]);
    assert!(text("купил iPhone'ом").disguises().is_empty());
    assert!(text("cаsіnо").disguises().iter().all(|disguise| disguise.is_mixed));
    assert!(text("из-за COVIDом тут").disguises().iter().all(|disguise| !disguise.is_mixed));
}

#[test]
fn scripts_are_counted() {
    let text = text("Hi ДА مرحبا 123 👨\u{200D}👩\u{200D}👧 🇸🇦 #tag");
    let scripts = text.scripts();
    assert_eq!(scripts.count(Script::Latin), 5);
    assert_eq!(scripts.count(Script::Cyrillic), 2);
    assert_eq!(scripts.count(Script::Arabic), 5);
    assert_eq!((scripts.uppercase, scripts.digits, scripts.emoji), (3, 3, 2));
    assert_eq!(text.oddities().hashtags, 1);
}

#[test]
fn ordinary_text_has_no_oddities() {
    for content in [
        "می\u{200C}خواهم بروم",
        "👨\u{200D}👩\u{200D}👧 ❤\u{FE0F} 🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        "العربية\u{200F} (HTML)\u{200E} نص",
        "\u{2066}@name an isolate that its telephone left open",
        "صلى الله عليه وسلم ﷺ ﷽",
        "Việt Nam, naïve, Ελληνικά, हिन्दी, 日本語, 한국어",
    ] {
        assert_eq!(text(content).oddities(), &Oddities::default(), "{content}");
    }
}

#[test]
fn oddities_are_counted() {
    let odd = |content: &str| text(content).oddities().clone();
    assert_eq!(odd("via\u{200B}gra ci\u{AD}al\u{2060}is").zero_width_words, 2);
    assert_eq!(odd("\u{202E}gpj.exe").bidi_overrides, 1);
    assert_eq!(odd("\u{202A}open").bidi_unbalanced, 1);
    assert_eq!(odd("ca\u{200F}\u{200F}sino").bidi_mark_runs, 1);
    assert_eq!(odd("𝓑𝓾𝔂 Ⓐ").styled_letters, 4);
    assert_eq!(odd("ｖｉａ").fullwidth, 3);
    assert_eq!(odd("h\u{337}\u{321}\u{322}\u{31B}\u{301}i").stacked_marks, 1);
    assert_eq!(odd("a\u{E0041}\u{E0042}").tag_characters, 2);
    assert_eq!(odd("😀\u{FE00}\u{FE01}\u{FE02}").stray_selectors, 2);
    assert_eq!(odd("\u{E000}\u{E001}").private_use, 2);
    assert_eq!(odd("كـا زيـنـو").tatweel_words, 2);
    assert_eq!(odd("كُُُُازينو").stray_arabic_marks, 3);
    assert_eq!(odd("ﻛﺎﺯﻳﻨﻮ").presentation_forms, 6);
}

#[test]
fn content_beyond_the_limit_is_not_judged() {
    let long = text(&"é".repeat(Text::MAX_BYTES));
    assert!(long.is_clipped() && long.raw().len() <= Text::MAX_BYTES);
    assert!(!text("short").is_clipped());
}
