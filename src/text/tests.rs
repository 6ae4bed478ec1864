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
    check_normal("خانه\u{200C}ها", "خانه ها");
    check_normal("مجموعه\u{200C}ا", "مجموعها");
    check_normal("كا\u{200C}زي\u{200C}نو", "كازينو");
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
fn disguised_words_read_as_what_they_look_like() {
    let words = |content: &str| text(content).skeleton_words().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words("play cаsіnо now"), ["casino"]);
    assert_eq!(text("ᴠᴇʀɪғʏ your account").normal(), "verify your account");
    assert_eq!(words("mоney tоdаy"), ["money", "today"]);
    assert_eq!(words("обычный русский текст про сор и рост"), [""; 0]);
    assert_eq!(words("plain English, naïve café"), [""; 0]);
    assert_eq!(words("تعليق عادي with English"), [""; 0]);
    assert!(text("купил iPhone'ом").disguises().is_empty());
    // Cyrillic with Latin letters in it: what can be nothing else, and what the text around tells.
    assert_eq!(words("игpaй в oнлaйн кaзинo"), ["играй", "онлайн", "казино"]);
    assert_eq!(words("лучшая cтaвкa сегодня"), ["ставка"]);
    assert_eq!(words("the best cтaвкa today"), ["ctabka"]);
    assert_eq!(words("sеnd mе уоur mоnеу"), ["send", "me", "your", "money"]);
    assert!(text("игpaй в кaзинo").disguises().iter().all(|disguise| disguise.is_mixed));
    assert!(text("игрaй в oнлайн").disguises().iter().all(|disguise| !disguise.is_mixed), "slips");
    assert_eq!(words("ελληνικo κείμενο, ok"), [""; 0]);
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
        let oddities = Oddities { idle_bytes: 0, ..text(content).oddities().clone() };
        assert_eq!(oddities, Oddities::default(), "{content}");
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
    assert_eq!(odd("ᵇᵘʸ ﬁ Ⅻ x²").compatibility, 5);
    assert_eq!(text("كَـ\u{200F}ا").bytes_read(), "كا".len());
}

#[test]
fn content_beyond_the_limit_is_not_judged() {
    let long = text(&"é".repeat(Text::MAX_BYTES));
    assert!(long.is_clipped() && long.raw().len() <= Text::MAX_BYTES);
    assert!(!text("short").is_clipped());
}

#[track_caller]
fn check_read(content: &str, expected: &str) {
    assert_eq!(text(content).normal(), expected);
}

#[test]
fn gaps_are_closed_where_they_are_a_habit() {
    check_read("best c.a.s.i.n.o here", "best casino here");
    check_read("b u y   v i a g r a   now", "buy viagra now");
    check_read("ك ا ز ي ن و للجميع", "كازينو للجميع");
    check_read("f-r-e-e s-l-o-t-s", "free slots");
    for ordinary in [
        "N.A.T.O. and the U.S.A.",
        "J. R. R. T. wrote it",
        "w w w w w",
        "나 는 너 를 사 랑 해",
        "0 5 0 1 2 3 4 5 6 7",
        "a - b - c - d - e",
        "مـحـمـد وأحـمـد",
        "I, a, o, u",
    ] {
        check_read(ordinary, &normalize(ordinary));
    }
    let spelled = text("a c.a.s.i.n.o").spelled().to_vec();
    assert!(text("مـحـمـد").spelled().is_empty(), "stretched for beauty");
    assert_eq!(spelled, [Spelled { written: "c.a.s.i.n.o".into(), word: "casino".into() }]);
}

#[test]
fn leet_is_read_where_it_is_a_habit() {
    check_read("v1s1t 0ur sh0p f0r b3st pr1c3s t0d4y", "visit our shop for best prices today");
    check_read("fr33 5p1n5 f0r 10 days, 5k w0rth", "free spins for 10 days, 5k worth");
    for ordinary in [
        "play c4s1n0 tonight",
        "ipv4, i18n, a11y and covid19 on win10",
        "ma3lesh ya 7abibi, el gaw 7elw",
        "gr8 2 c u 2nite m8",
        "order a1b2c3d4 and 0f3e1a come on the 1st",
    ] {
        check_read(ordinary, &normalize(ordinary));
    }
}

#[track_caller]
fn check_language(content: &str, expected: &str) {
    let found = text(content).language();
    assert_eq!(found.code, expected, "{content}: {found:?}");
}

#[test]
fn languages_are_told_apart() {
    check_language("I think the council got this wrong, nobody asked us.", "en");
    check_language("Das stimmt so nicht, abgestimmt wurde im März.", "de");
    check_language("هذا رأي كاتب محترم ولكنني لا أتفق معه", "ar");
    check_language("می\u{200C}خواهم بدانم این قانون از چه زمانی اجرا می\u{200C}شود", "fa");
    check_language("یہ مضمون بہت اچھا ہے، لکھنے والے کا شکریہ", "ur");
    // Letters that look like Arabic ones make no other language of it.
    check_language("ہذہ القصة رائعة جدا وہي من أجمل ما قرأت", "ar");
    check_language("مردم شما رو ميشناسن و ديگه كسي گول اينا رو نميخوره", "fa");
    check_language("همە بچەهای ما تو این خونە بزرگ شدن و چیزی نگفتن", "fa");
    check_language("ئەم وتارە زۆر باش بوو، سوپاس بۆ نووسەر", "ckb");
    check_language("Спасибо за статью, очень подробно.", "ru");
    check_language("Дякую за статтю, дуже цікаво і докладно.", "uk");
    check_language("Cảm ơn tác giả, bài viết rất hay.", "vi");
    check_language("Saya tidak setuju dengan paragraf terakhir.", "id");
    check_language("Son paragrafa katılmıyorum, rakamlar çok eski.", "tr");
    check_language("Não concordo com o último parágrafo.", "pt");
    check_language("写得很好，谢谢作者。", "zh");
    check_language("とても参考になりました。", "ja");
    check_language("좋은 글 감사합니다.", "ko");
    check_language("ขอบคุณสำหรับบทความ", "th");
    check_language("ma3lesh ya 7abibi, el mawdoo3 msh bel sahl keda", "ar-Latn");
    check_language("wallahi kalamak sa7, e7na 3andena nafs el moshkela", "ar-Latn");
    check_language("gr8 to see you 2nite, the 3rd bus was late m8", "en");
    check_language("12345 !!!", "und");
    check_language("", "und");
}

#[test]
fn words_without_spaces_are_parted() {
    let parted = |content: &str| text(content).segments().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(parted("我同意作者的看法"), ["我", "同意", "作者", "的", "看法"]);
    assert_eq!(parted("ขอบคุณสำหรับบทความ ok"), ["ขอบคุณ", "สำหรับ", "บทความ", "ok"]);
    assert_eq!(parted("plain words"), ["plain", "words"]);
    assert_eq!(parted("买iPhone手机"), ["买", "iphone", "手机"]);
    assert!(parted("この記事はとても参考になりました").len() >= 6);
    assert!(parted("").is_empty());
    let long = parted(&"漢字".repeat(50_000));
    assert_eq!(long.len(), 1, "a run that long is no sentence");
    assert_eq!((count_words("看这个 https://a.com/", 9), count_words("it's fine - really", 9)), (3, 3));
}

#[test]
fn unseen_characters_are_no_part_of_an_address() {
    check_links("see example.com\u{200F} now", &[("example.com", "example.com", Syntax::Bare)]);
    check_links("exam\u{200F}ple.com", &[("example.com", "example.com", Syntax::Bare)]);
    check_links("https://exa\u{AD}mple.com/x\u{200E}", &[("example.com", "example.com", Syntax::Bare)]);
}

#[test]
fn a_redirect_tells_where_it_leads() {
    let target = |url: &str| Link::of_url(url).target().map(|link| link.host().to_owned());
    assert_eq!(target("https://a.example/out?url=https%3A%2F%2Fbad.com%2Fx"), Some("bad.com".to_owned()));
    assert_eq!(target("https://www.google.com/url?q=http://bad.com/&sa=D"), Some("bad.com".to_owned()));
    assert_eq!(target("https://a.example/login?next=https://www.a.example/x"), None);
    assert_eq!(target("https://a.example/?q=http"), None);
}

#[test]
fn addresses_in_any_notation_of_numbers_are_found() {
    for url in [
        "http://3232235777/",
        "http://0xC0A80101/",
        "http://0300.0250.01.01/",
        "http://192.168.257/",
        "http://[::ffff:c0a8:101]/",
    ] {
        let link = Link::of_url(url);
        assert!(link.ip().is_some(), "{url}: {link:?}");
    }
}
