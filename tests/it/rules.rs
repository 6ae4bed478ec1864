//! The rules: each against texts it must and must not hit, all of them against what must never be held, and against hostile input.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hamlet::classifier::Classifier;
use hamlet::comment::{Author, Comment};
use hamlet::decision::Judge;
use hamlet::facts::Facts;
use hamlet::lists::Lists;
use hamlet::rules::{Case, Family, RULES, RuleSet, says};
use hamlet::site::{Policy, Site, SiteId};
use hamlet::text::Text;
use hamlet::verdict::{Decision, Evidence};
use jiff::Timestamp;
use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};

fn site() -> Site {
    Site {
        id: SiteId(1),
        name: "default".to_owned(),
        url: "https://news.example/".to_owned(),
        policy: Policy::standard(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn fired(comment: &Comment) -> Vec<Evidence> {
    fired_knowing(comment, &Facts::NONE)
}

fn fired_knowing(comment: &Comment, facts: &Facts) -> Vec<Evidence> {
    fired_on(comment, facts, &site())
}

fn fired_on(comment: &Comment, facts: &Facts, site: &Site) -> Vec<Evidence> {
    let text = Text::of(comment);
    RuleSet::embedded().fired(&Case { comment, text: &text, facts, site })
}

/// What an operator said of the site of one case.
#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    languages: Vec<String>,
    staff_names: Vec<String>,
}

impl Said {
    fn site(self) -> Site {
        let mut site = site();
        site.policy.languages = self.languages;
        site.policy.staff_names = self.staff_names;
        site
    }
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rules")
}

/// One line of a case file: `hit` or `miss`, then a text or a comment as JSON, whose `facts` are what is known besides and
/// whose `policy` is what the site's says of languages and staff; two blanks and `#` begin a comment.
fn case(line: &str) -> (bool, Comment, Facts, Site) {
    let (expected, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.split("  # ").next().unwrap_or(rest).trim();
    let (comment, facts, said) = if rest.starts_with("{\"") {
        let mut fields: serde_json::Map<_, _> =
            serde_json::from_str(rest).unwrap_or_else(|error| panic!("{error}: {line}"));
        let facts = fields.remove("facts").map(serde_json::from_value).transpose();
        let facts = facts.unwrap_or_else(|error| panic!("{error}: {line}")).unwrap_or_default();
        let said = fields.remove("policy").map(serde_json::from_value).transpose();
        let said: Said = said.unwrap_or_else(|error| panic!("{error}: {line}")).unwrap_or_default();
        let comment = serde_json::from_value(fields.into()).unwrap_or_else(|error| panic!("{error}: {line}"));
        (comment, facts, said)
    } else {
        (Comment::of_text(rest), Facts::NONE, Said::default())
    };
    match expected {
        "hit" => (true, comment, facts, said.site()),
        "miss" => (false, comment, facts, said.site()),
        _ => panic!("neither hit nor miss: {line}"),
    }
}

#[test]
fn each_rule_hits_and_misses_its_texts() {
    let mut wrong = Vec::new();
    let rules = RuleSet::embedded();
    for rule in rules.iter().map(|weighed| weighed.rule) {
        let file = data().join(format!("{}.txt", rule.symbol));
        let Ok(lines) = fs::read_to_string(&file) else { continue };
        let (mut hits, mut misses) = (0, 0);
        for line in lines.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            let (expected, comment, facts, site) = case(line);
            *(if expected { &mut hits } else { &mut misses }) += 1;
            let evidence = fired_on(&comment, &facts, &site);
            if evidence.iter().any(|piece| piece.symbol == rule.symbol) != expected {
                let symbols: Vec<_> = evidence.iter().map(|piece| piece.symbol.as_ref()).collect();
                wrong.push(format!("{}: {line}\n        fired: {symbols:?}", rule.symbol));
            }
        }
        if hits < 3 || misses < 3 {
            wrong.push(format!("{}: {hits} hits and {misses} misses; three of each are wanted", rule.symbol));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_three_lists_of_rules_are_equal() {
    let rules: BTreeSet<String> = RULES.iter().map(|rule| rule.symbol.to_owned()).collect();
    assert_eq!(rules.len(), RULES.len(), "a symbol stands twice");
    let table: toml::Table = include_str!("../../config/rules.toml").parse().expect("TOML");
    let keys = |table: &toml::Value| table.as_table().expect("a table").keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(keys(&table["weights"]), rules, "config/rules.toml and RULES differ");
    let rules: BTreeSet<String> = rules.union(&keys(&table["composites"])).cloned().collect();
    let listed: BTreeSet<String> = RuleSet::embedded().iter().map(|it| it.rule.symbol.to_owned()).collect();
    assert_eq!(listed, rules);
    let caps: BTreeSet<&str> = table["caps"].as_table().expect("a table").keys().map(String::as_str).collect();
    assert_eq!(caps, Family::ALL.into_iter().map(Family::as_str).collect(), "config/rules.toml and Family differ");
    let tested: BTreeSet<String> = fs::read_dir(data())
        .expect("tests/data/rules")
        .map(|entry| entry.expect("entry").path().file_stem().expect("name").to_string_lossy().into_owned())
        .collect();
    let tested: BTreeSet<String> = tested.into_iter().filter(|name| name == &name.to_uppercase()).collect();
    assert_eq!(tested, rules, "tests/data/rules and RULES differ");
    let is_entry = |line: &&str| line.contains(" = ") && !line.starts_with('#');
    for line in include_str!("../../config/rules.toml").lines().filter(is_entry) {
        assert!(line.contains(" # "), "config/rules.toml says nothing about: {line}");
    }
}

#[test]
fn symbols_and_sentences_are_written_alike() {
    let rules = RuleSet::embedded();
    for rule in rules.iter().map(|weighed| weighed.rule) {
        assert!(
            rule.symbol.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'),
            "{}",
            rule.symbol
        );
        assert!(rule.says.len() >= 8 && !rule.says.ends_with('.') && !rule.says.contains('\n'), "{}", rule.symbol);
        assert_eq!(says(rule.symbol), Some(rule.says));
        assert_eq!(rules.says(rule.symbol), Some(rule.says));
    }
    assert_eq!(says("NO_SUCH_RULE"), None);
}

/// Weights of the comment's evidence, summed.
fn total(comment: &Comment) -> f64 {
    fired(comment).iter().map(|piece| piece.weight.get()).sum()
}

/// Ham of many languages and habits: no rule may speak against `0`, all that speak against `mild` stay at one nat or below together,
/// and the verdict with the shipped model lets both through. What ends with `!` is held all the same: known, and not as it should be.
#[test]
fn ham_keeps_its_innocence() {
    let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
    let lines = fs::read_to_string(data().join("ham.txt")).expect("ham.txt");
    for line in lines.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (limit, text) = line.split_once(char::is_whitespace).expect("a limit and a text");
        let (_, comment, ..) = case(&format!("miss {}", text.trim()));
        let evidence = fired(&comment);
        let expected = if limit.ends_with('!') { Decision::Hold } else { Decision::Approve };
        let most = match limit.trim_end_matches('!') {
            "0" => 0.0,
            "mild" => 1.0,
            _ => panic!("neither 0 nor mild: {line}"),
        };
        // What speaks for the comment does not make up for what speaks against it.
        let against: f64 = evidence.iter().map(|piece| piece.weight.get().max(0.0)).sum();
        assert!(against <= most + 1e-9, "{line}\n{evidence:?}");
        let verdict = judge.judge(&comment, &site(), &Lists::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(verdict.decision, expected, "{line}\n{:?}", verdict.evidence);
    }
}

/// What one sign makes of an ordinary comment.
type Sign = Box<dyn Fn(Comment) -> Comment>;

/// What lists of spam signs blame and what readers do: ordinary words with one such sign are never held, with the shipped model
/// and its prior.
#[test]
fn one_mild_sign_is_never_held() {
    let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
    let ordinary = [
        "I read the whole piece and still think the council got this wrong. The old bridge was never repaired.",
        "قرأت المقال كله وما زلت أعتقد أن البلدية أخطأت في قرارها، فالجسر القديم لم يصلحه أحد منذ سنوات.",
        "Ich habe den ganzen Artikel gelesen und finde immer noch, dass die Stadt sich irrt. Die Brücke war nie sicher.",
    ];
    let author = |author: Author| move |comment: Comment| Comment { author: author.clone(), ..comment };
    let named = |name: &str| Author { name: Some(name.to_owned()), ..Author::default() };
    let signs: Vec<(&str, Sign)> = vec![
        ("nothing", Box::new(|comment| comment)),
        (
            "a link",
            Box::new(|comment| Comment { content: comment.content + " https://www.bbc.co.uk/news/1234", ..comment }),
        ),
        (
            "praise",
            Box::new(|comment| Comment { content: "Great post, thank you! ".to_owned() + &comment.content, ..comment }),
        ),
        ("a long Arabic name", Box::new(author(named("عبد الرحمن بن محمد بن عبد العزيز آل الشيخ")))),
        ("a hosting address", Box::new(author(Author { ip: "185.220.101.4".parse().ok(), ..named("Anna") }))),
        ("no referrer", Box::new(|comment| Comment { referrer: Some(String::new()), ..comment })),
        (
            "a foreign referrer",
            Box::new(|comment| Comment { referrer: Some("https://reader.example.org/".to_owned()), ..comment }),
        ),
        ("no browser name", Box::new(author(Author { user_agent: Some(String::new()), ..named("Anna") }))),
        (
            "an address of one's own",
            Box::new(author(Author { url: Some("https://anna.example.org/".to_owned()), ..named("Anna") })),
        ),
        ("a tab open over night", Box::new(|comment| Comment { form_seconds: Some(100_000.0), ..comment })),
        ("an e-mail that is none", Box::new(author(Author { email: Some("x@x".to_owned()), ..named("Anna") }))),
        (
            "no script",
            Box::new(|comment| Comment { extra: [("POST_ak_js".to_owned(), "7".to_owned())].into(), ..comment }),
        ),
    ];
    for content in ordinary {
        for (name, sign) in &signs {
            let comment = sign(Comment::of_text(content));
            assert!(total(&comment) <= 1.0 + 1e-9, "{name}: {:?}", fired(&comment));
            // Of links in ham the shipped model has seen few: no rule may speak against one besides.
            assert!(*name != "a link" || fired(&comment).is_empty(), "{:?}", fired(&comment));
            let verdict = judge.judge(&comment, &site(), &Lists::default(), Timestamp::UNIX_EPOCH);
            assert_eq!(verdict.decision, Decision::Approve, "{name}: {}", verdict.reason);
        }
    }
}

/// What a reader may add without meaning harm must not raise a good comment above one nat; what a spammer adds to hide
/// must not lower a bad one.
#[test]
fn disguises_help_nobody() {
    let ham = "هذا رأي كاتب محترم، ولكنني لا أتفق معه في كل ما قال عن المدارس";
    let decorate = |mark: &str| ham.split(' ').map(|word| format!("{word}{mark}")).collect::<Vec<_>>().join(" ");
    for mark in ["\u{200F}", "\u{200C}", "\u{064B}", "ـ"] {
        let comment = Comment::of_text(decorate(mark));
        assert!(total(&comment) <= 1.0, "{mark:?}: {:?}", fired(&comment));
    }
    let plain = total(&Comment::of_text("best online casino, free spins! https://example.com/x"));
    for hidden in [
        "best on\u{200B}line ca\u{200B}sino, free spins! https://example.com/x",
        "best оnline саsіnо, free spins! https://example.com/x",
        "best 𝗼𝗻𝗹𝗶𝗻𝗲 𝗰𝗮𝘀𝗶𝗻𝗼, free spins! https://example.com/x",
        "best online casino&#8203;, <b>free</b> spins! https://example.com/x",
    ] {
        let disguised = total(&Comment::of_text(hidden));
        assert!(disguised >= plain - 1e-9, "{disguised} < {plain}: {hidden} {:?}", fired(&Comment::of_text(hidden)));
    }
}

/// Four words may be a joke; a text full of them hides something.
#[test]
fn leet_weighs_by_how_much_of_it_there_is() {
    let weight = |content: &str| -> f64 {
        let evidence = fired(&Comment::of_text(content));
        evidence.iter().filter(|piece| piece.symbol == "LEET_WORD").map(|piece| piece.weight.get()).sum()
    };
    let listed = weight("best c4s1n0");
    assert!(listed > 0.0);
    assert!((weight("m4ny g00d th1ngs f0r all of us") - listed / 2.0).abs() < 1e-9);
    assert!((weight("m4ny g00d th1ngs c0m3 f0r y0u and us") - listed).abs() < 1e-9);
    assert!(weight("h4x0r and w00t").abs() < 1e-9);
}

#[test]
fn a_field_that_was_not_sent_is_not_an_empty_one() {
    let site = site();
    let unsent = |comment: &Comment| {
        let text = Text::of(comment);
        let case = Case { comment, text: &text, facts: &Facts::NONE, site: &site };
        RuleSet::embedded().not_evaluated(&case).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let named = |symbols: &[&str]| symbols.iter().map(|symbol| (*symbol).to_owned()).collect::<BTreeSet<_>>();
    let bare = Comment::of_text("hello");
    let of_fields =
        named(&["HONEYPOT_FILLED", "FORM_TOO_FAST", "NAME_IS_URL", "UA_MISSING", "OFF_TOPIC", "LANG_MISMATCH"]);
    assert!(unsent(&bare).is_superset(&of_fields));
    // A composite is as unknown as what decides it.
    assert!(unsent(&bare).contains("GIBBERISH_ALL") && !unsent(&bare).contains("FAST_PLUS_LINK"));
    assert!(unsent(&Comment::of_text("http://a.com")).contains("FAST_PLUS_LINK"));
    let ping = Comment { kind: "pingback".to_owned(), referrer: Some(String::new()), ..bare.clone() };
    assert!(
        unsent(&ping).contains("NO_REFERRER")
            && !unsent(&Comment { kind: "reply".to_owned(), ..ping }).contains("NO_REFERRER")
    );
    assert!(!unsent(&bare).contains("LINKS_MANY"));
    let author = Author { name: Some(String::new()), user_agent: Some(String::new()), ..Author::default() };
    let empty = Comment { honeypot: Some(String::new()), form_seconds: Some(60.0), author, ..bare };
    assert!(unsent(&empty).is_disjoint(&named(&["HONEYPOT_FILLED", "FORM_TOO_FAST", "NAME_IS_URL", "UA_MISSING"])));
    assert_eq!(fired(&empty).iter().map(|piece| piece.symbol.as_ref()).collect::<Vec<_>>(), ["UA_MISSING"]);
}

#[track_caller]
fn check_caps(comment: &Comment) -> Vec<Evidence> {
    let rules = RuleSet::embedded();
    let policy = Said { languages: vec!["ar".to_owned()], staff_names: vec!["Anna".to_owned()] };
    let evidence = fired_on(comment, &Facts::NONE, &policy.site());
    for family in Family::ALL {
        let of_family = |piece: &&Evidence| {
            rules.iter().any(|weighed| weighed.rule.symbol == piece.symbol && weighed.rule.family == family)
        };
        let total: f64 = evidence.iter().filter(of_family).map(|piece| piece.weight.get()).sum();
        assert!(total.abs() <= rules.cap(family) + 1e-9, "{}: {total}", family.as_str());
    }
    evidence
}

#[test]
fn a_family_speaks_up_to_its_cap() {
    let links: String = (0..20)
        .map(|n| format!("[url=http://{n}.example{n}.top:81/]x[/url] [y](http://{n}.com) http://1.2.3.{n}/ "))
        .collect();
    let evidence = check_caps(&Comment::of_text(links));
    let total: f64 = evidence.iter().map(|piece| piece.weight.get()).sum();
    assert!(evidence.len() > 5 && total > 2.9, "{evidence:?}");
}

/// 64 kB of each nuisance, all rules: bounded time, no panic. The bound is generous: this runs unoptimised on busy machines.
#[test]
fn hostile_input_costs_its_length() {
    let many = |unit: &str| unit.repeat(65_536 / unit.len());
    let nasties = [
        many("a"),
        many("\u{301}"),
        many("a\u{301}"),
        many("\u{202E}"),
        many("\u{200B}a"),
        many("ﷺ\u{64B}"),
        many("\u{FDFA}"),
        many("<"),
        many("<a "),
        many("<a href=\""),
        many("<a href=\"x\" "),
        many("<div>"),
        many("<!--"),
        many("<script>"),
        many("</"),
        many("<a \"<a' "),
        many("<b =\"<'"),
        many("[url="),
        many("[url=http://a.com]"),
        many("["),
        many("]("),
        many("[a](b.c)"),
        many("[a](http://b.c/)"),
        many("&"),
        many("&#"),
        many("&amp"),
        many("&amp;"),
        many("&#8203;a"),
        many("http://a.com "),
        many("http://"),
        many("://"),
        many("a.b."),
        many("a@"),
        many("a@b.c "),
        many("hxxp://a[.]com "),
        many(" dot com"),
        many("[.]"),
        many("{a|b|"),
        many("{|"),
        many("<?php"),
        many("`<?php"),
        many("1"),
        many("1 "),
        many("+1"),
        many("0-"),
        many("casino "),
        many("casino"),
        many("v i a g r a "),
        many("c4s1n0 "),
        many("نقل عفش "),
        many("وال"),
        many("а"),
        many("аb "),
        many("ᴠ"),
        many("𝓑"),
        many("a\u{200F}\u{200F}"),
        many("#a "),
        many("😀"),
        many("👨\u{200D}"),
        many(","),
        many("a,b c,"),
        many("\0"),
        many("\n"),
        many("漢字"),
        many("ไทย"),
        many("xn--a.com "),
        many("http://xn--80ak6aa92e.com/ "),
        many("http://user@1.2.3.4:81/?url=http://x "),
        many("!"),
        many("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 "),
        many("a."),
        many("a "),
        many("a.b.c.d.e "),
        many("c4s1n0 f0r "),
        many("ᵇᵘʸ "),
        many("ع\u{200C}"),
        many("می\u{200C}"),
        many("\u{202B}\u{2067}ع\u{202A}a"),
        many("7abibi ma3lesh "),
        many("日本語の文章"),
        many("ကမြန်မာ"),
        many("http://a.com/?url=http://b.com/?url=http%3A//c.com "),
        many("http://a\u{200F}.com\u{200F} "),
        many("http://a.com/wp-content/"),
        many("۰۹"),
        format!("ع{}", many("\u{64B}")),
        format!("a{}", many("\u{301}")),
        many("asdfghjkl "),
        many("xkjqwzpt"),
        many("a1b2"),
        many("a3b "),
        many("$1 "),
        many("1 dollar "),
        many("★\n"),
        many("★ a\n"),
        many("═"),
        many("the same line again\n"),
        many("at gmail dot com "),
        many("(at)gmail"),
        many("great post "),
        many("اللهم "),
        many("ههههه "),
        many("contact him now "),
        many("the "),
        many("a.b@"),
        many("en;q=1,"),
        many("<strong>a</strong>\n"),
        many("Chrome/"),
    ];
    for nasty in nasties {
        let shown: String = nasty.chars().take(20).collect();
        let started = Instant::now();
        let name = Some(nasty.clone());
        let author = Author {
            name: name.clone(),
            url: name.clone(),
            email: name.clone(),
            user_agent: name.clone(),
            role: name.clone(),
            ..Author::default()
        };
        let comment = Comment {
            author,
            referrer: name.clone(),
            honeypot: name.clone(),
            post_title: name.clone(),
            context: vec![nasty.clone(); 3],
            extra: ["HTTP_ACCEPT_LANGUAGE", "POST_ak_bkpc", "POST_ak_js", "recheck_reason"]
                .map(|key| (key.to_owned(), nasty.clone()))
                .into(),
            permalink: name,
            ..Comment::of_text(nasty)
        };
        check_caps(&comment);
        let took = started.elapsed();
        assert!(took < Duration::from_millis(1_500), "{shown:?} took {took:?}");
        check_caps(&Comment { kind: "trackback".to_owned(), ..comment });
    }
}

/// Twice the text is at most some three times the work, whatever it is made of.
#[test]
fn the_limit_of_a_megabyte_is_reached_in_time() {
    for unit in [
        "a",
        "\u{301}",
        "<a href=\"x\" ",
        "<b =\"<'",
        "[a](http://b.c/) ",
        "http://a.com ",
        "casino ",
        "а b ",
        "&amp;",
        "漢字かな",
        "a.b.c.",
        "c4s1n0 ",
        "\u{202E}\u{2067}",
        "ก",
    ] {
        let comment = Comment::of_text(unit.repeat(Text::MAX_BYTES / unit.len() + 10));
        let started = Instant::now();
        check_caps(&comment);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(15), "{unit:?} took {took:?}");
    }
}

/// Pieces that make trouble, in any order.
fn troubled_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "<a href=\"",
            "http://",
            "[url=",
            "](",
            "&#x",
            ";",
            "\u{202E}",
            "\u{200B}",
            "\u{301}",
            "ـ",
            "كازينو",
            "casino",
            "кaзинo",
            "\0",
            " ",
            "}",
            "{",
            "|",
            "٠٥٥",
            "+966",
            "@",
            ".com",
            "xn--",
            "</script>",
            "<script>",
            "<!--",
            "-->",
            "[.]",
            " dot ",
            "ﷺ",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_gets_evidence_within_the_caps(content in troubled_text(), name in troubled_text(), seconds in any::<f64>()) {
        let author = Author { name: Some(name.clone()), email: Some(name.clone()), url: Some(name.clone()), ..Author::default() };
        let comment = Comment { author, referrer: Some(name), form_seconds: Some(seconds), ..Comment::of_text(content) };
        check_caps(&comment);
    }

    #[test]
    fn folding_is_done_once_and_for_all(text in troubled_text()) {
        let once = hamlet::text::normalize(&text);
        let twice = hamlet::text::normalize(&once);
        assert_eq!(hamlet::text::normalize(&twice), twice);
    }

    #[test]
    fn words_and_links_lie_within_the_text(content in troubled_text()) {
        let text = Text::of(&Comment::of_text(content));
        assert!(text.words().all(|word| !word.is_empty() && text.normal().contains(word)));
        assert!(text.links().len() <= text.link_count());
        // In ASCII, or all Cyrillic: a look-alike that mixes them is no reading.
        assert!(text.skeleton_words().all(|word| word.is_ascii() || !word.contains(|c: char| c.is_ascii_alphabetic())));
    }
}
