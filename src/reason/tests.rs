//! Reasons as they are read, in three languages, and that none is missing.

use super::*;
use crate::rules::{Field, RuleSet, Weighed};
use crate::verdict::{Nats, Token};

fn voice(language: Language) -> Voice<'static> {
    Voice { language, rules: RuleSet::shipped() }
}

fn piece(symbol: &str, weight: f64, note: &str) -> Evidence {
    Evidence::new(symbol.to_owned(), Nats::clamped(weight), note)
}

/// The reason in English, Arabic and German; the isolates of quotations are written `⟨` and `⟩`.
#[track_caller]
fn check(judged: Decision, is_shadow: bool, evidence: &[(&'static str, f64, &str)], expected: [&str; 3]) {
    let evidence: Vec<Evidence> = evidence.iter().map(|&(symbol, weight, note)| piece(symbol, weight, note)).collect();
    let said = Language::ALL.map(|language| shown(&voice(language).reason(judged, &evidence, &[], is_shadow)));
    assert_eq!(said, expected);
}

fn shown(sentence: &str) -> String {
    sentence.replace('\u{2068}', "⟨").replace('\u{2069}', "⟩")
}

#[test]
fn nothing_is_missing_in_any_language() {
    let missing: Vec<String> = Language::ALL
        .into_iter()
        .flat_map(|language| {
            missing(language).into_iter().map(move |id| format!("config/reasons/{language}.ftl: {id}"))
        })
        .collect();
    assert!(missing.is_empty(), "{} messages are missing:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn a_hold_names_what_weighed_most() {
    check(
        Decision::Hold,
        false,
        &[
            ("PRIOR", -2.0, ""),
            ("URL_SHORTENER", 1.5, "bit.ly"),
            ("SPAM_CASINO", 1.2, "casino"),
            ("EMOJI_MANY", 0.05, "× 12"),
        ],
        [
            "Held for review: links through a shortening service (bit.ly) and words of gambling spam (\"casino\").",
            "أُحيل إلى المراجعة: روابط عبر خدمة لاختصار الروابط (⟨bit.ly⟩) وكلمات من إعلانات القمار المزعجة («⟨casino⟩»).",
            "Zur Prüfung zurückgehalten: Links über einen Kürzungsdienst (bit.ly) und Wörter aus Glücksspiel-Spam („casino“).",
        ],
    );
}

#[test]
fn spam_names_three_at_most() {
    check(
        Decision::Spam,
        false,
        &[
            ("SPAM_LOANS", 3.0, "قروض سريعه"),
            ("BAYES", 2.5, "87 % of its features are known"),
            ("LINKS_MANY", 1.0, "× 12"),
            ("SHOUTING", 0.9, ""),
        ],
        [
            "Marked as spam: words of loan spam (\"⟨قروض سريعه⟩\"), words that are common in spam and many links (× 12).",
            "صُنّف تعليقًا مزعجًا: كلمات من إعلانات القروض المزعجة («⟨قروض سريعه⟩») وكلمات شائعة في التعليقات المزعجة وروابط كثيرة (⟨× 12⟩).",
            "Als Spam eingestuft: Wörter aus Kredit-Spam („⟨قروض سريعه⟩“), für Spam typische Wörter und viele Links (× 12).",
        ],
    );
}

#[test]
fn an_approval_names_what_speaks_for_the_comment() {
    check(
        Decision::Approve,
        false,
        &[("PRIOR", -2.9, ""), ("BAYES", -1.4, ""), ("URL_SHORTENER", 0.9, "bit.ly")],
        [
            "Approved: words that are common in ordinary comments.",
            "قُبل: كلمات شائعة في التعليقات العادية.",
            "Freigegeben: für gewöhnliche Kommentare typische Wörter.",
        ],
    );
    check(
        Decision::Approve,
        false,
        &[("PRIOR", -2.9, "")],
        [
            "Approved: nothing in it looks like spam.",
            "قُبل: لا شيء فيه يشبه التعليقات المزعجة.",
            "Freigegeben: nichts darin sieht nach Spam aus.",
        ],
    );
}

#[test]
fn the_classifier_names_the_words_that_spoke_for_spam() {
    let token = |text: &str, weight| Token { text: text.to_owned(), weight: Nats::clamped(weight) };
    let tokens =
        [token("https", 2.0), token("bonus", 1.2), token("hello", -0.9), token("bit.ly", 0.8), token("win", 0.7)];
    let said = Language::ALL
        .map(|language| shown(&voice(language).reason(Decision::Spam, &[piece("BAYES", 3.0, "87 %")], &tokens, false)));
    assert_eq!(
        said,
        [
            "Marked as spam: words that are common in spam (\"bonus\" and bit.ly).",
            "صُنّف تعليقًا مزعجًا: كلمات شائعة في التعليقات المزعجة («⟨bonus⟩» و⟨bit.ly⟩).",
            "Als Spam eingestuft: für Spam typische Wörter („bonus“ und bit.ly).",
        ]
    );
    let approved = voice(Language::English).reason(Decision::Approve, &[piece("BAYES", -3.0, "")], &tokens, false);
    assert_eq!(approved, "Approved: words that are common in ordinary comments.");
}

#[test]
fn small_signs_add_up() {
    check(
        Decision::Hold,
        false,
        &[("SHOUTING", 0.09, ""), ("EMOJI_MANY", 0.08, "")],
        [
            "Held for review: small signs of spam add up.",
            "أُحيل إلى المراجعة: اجتمعت فيه علامات إزعاج صغيرة.",
            "Zur Prüfung zurückgehalten: kleine Anzeichen von Spam summieren sich.",
        ],
    );
}

#[test]
fn lists_and_staff_are_named_with_their_entry() {
    check(
        Decision::Spam,
        false,
        &[("BLOCK_LIST", 40.0, "domain:spam.example (three waves)")],
        [
            "Marked as spam: an entry of the block list: domain:spam.example (three waves).",
            "صُنّف تعليقًا مزعجًا: مدخل في قائمة الحظر: ⟨domain:spam.example (three waves)⟩.",
            "Als Spam eingestuft: ein Eintrag der Sperrliste: domain:spam.example (three waves).",
        ],
    );
    check(
        Decision::Approve,
        false,
        &[("ALLOW_LIST", -80.0, "email:ann@good.example"), ("ROLE_STAFF", -60.0, "editor")],
        [
            "Approved: an entry of the allow list: email:ann@good.example and an author who is trusted here (\"editor\").",
            "قُبل: مدخل في قائمة السماح: ⟨email:ann@good.example⟩ وكاتب موثوق به في هذا الموقع («⟨editor⟩»).",
            "Freigegeben: ein Eintrag der Positivliste: email:ann@good.example und ein hier als vertrauenswürdig geltender Verfasser („editor“).",
        ],
    );
}

#[test]
fn what_moderators_taught_is_told() {
    check(
        Decision::Hold,
        false,
        &[("BAYES_SITE", 1.4, "learned from 12 ham and 3 spam labels of this site")],
        [
            "Held for review: words of comments that this site's moderators called spam.",
            "أُحيل إلى المراجعة: كلمات من تعليقات عدّها مشرفو هذا الموقع مزعجة.",
            "Zur Prüfung zurückgehalten: Wörter aus hier als Spam markierten Kommentaren.",
        ],
    );
}

#[test]
fn shadow_mode_says_what_would_have_been() {
    check(
        Decision::Discard,
        true,
        &[("HONEYPOT_FILLED", 5.0, "x")],
        [
            "Let through in shadow mode; else: Discarded: a filled-in hidden field (\"x\").",
            "نُشر لأن الموقع في وضع المراقبة الصامتة، ولولا ذلك: حُذف: حقل خفي مُلئ («⟨x⟩»).",
            "Im Schattenmodus durchgelassen; sonst: Verworfen: ein ausgefülltes verstecktes Feld („x“).",
        ],
    );
}

#[test]
fn a_persons_word_is_told() {
    let said = |label| Language::ALL.map(|language| shown(&of_label(language, "Ann", label)));
    let expected = ["Ann said that this is spam.", "قال ⟨Ann⟩ إن هذا التعليق مزعج.", "Ann hat gesagt: Spam."];
    assert_eq!(said(Label::Spam), expected);
    let decided = Language::ALL.map(|language| shown(&of_decision(language, "رنا", Decision::Approve)));
    assert_eq!(decided, ["⟨رنا⟩ decided: approve.", "قرّر ⟨رنا⟩ قبول التعليق.", "⟨رنا⟩ hat entschieden: freigeben."]);
}

#[test]
fn the_word_for_a_whole_campaign_is_told() {
    let said = |decision| Language::ALL.map(|language| shown(&of_campaign(language, 12, decision)));
    assert_eq!(
        said(Decision::Spam),
        [
            "Marked as spam like all of campaign 12: a person decided so.",
            "صُنّف تعليقًا مزعجًا كسائر تعليقات الحملة رقم ⟨12⟩، بقرار من أحد المشرفين.",
            "Als Spam eingestuft wie die gesamte Kampagne 12 – so hat ein Mensch entschieden.",
        ]
    );
    for language in Language::ALL {
        let [approve, hold, spam, discard] = Decision::ALL.map(|decision| of_campaign(language, 12, decision));
        assert!(approve != hold && hold != spam && spam != discard && discard != approve, "{language}: {approve}");
    }
}

/// What stands in the middle of a list ends no sentence, breaks no line and is not told in letters of another language.
#[test]
fn what_a_symbol_says_is_part_of_a_sentence() {
    for language in Language::ALL {
        for Weighed { rule, weight } in RuleSet::shipped().iter() {
            let said = voice(language).says(&piece(rule.symbol, weight, ""));
            assert!(
                !said.ends_with(['.', '!', ' ', ',', '،']) && !said.contains([':', ';', '؛']),
                "{language}: {said}"
            );
            assert!(said.chars().count() <= 72, "{language}: {said}");
            let is_arabic = said.chars().any(crate::language::is_right_to_left);
            assert_eq!(is_arabic, language == Language::Arabic, "{said}");
        }
    }
}

#[test]
fn what_would_have_changed_it_is_told() {
    let (link, word) = (piece("URL_SHORTENER", 1.5, "bit.ly"), piece("SPAM_CASINO", 1.2, "casino"));
    let told = |without: &[&Evidence], decision| {
        Language::ALL.map(|language| shown(&voice(language).otherwise(without, decision).unwrap()))
    };
    assert_eq!(
        told(&[&link], Decision::Approve),
        [
            "Without links through a shortening service (bit.ly) it would have been approved.",
            "لولا ما يلي لقُبل التعليق: روابط عبر خدمة لاختصار الروابط (⟨bit.ly⟩).",
            "Ohne Folgendes wäre der Kommentar freigegeben worden: Links über einen Kürzungsdienst (bit.ly).",
        ]
    );
    assert_eq!(
        told(&[&link, &word], Decision::Hold)[0],
        "Without links through a shortening service (bit.ly) and words of gambling spam (\"casino\") it would have been \
         held for review."
    );
}

#[test]
fn fields_that_were_not_sent_are_named() {
    let fields: Vec<Cow<'static, str>> = [Field::Email, Field::FormSeconds].map(|field| field.as_str().into()).to_vec();
    assert_eq!(
        Language::ALL.map(|language| not_sent(language, &fields).unwrap()),
        [
            "Not sent: the author's e-mail address and the time taken to write.",
            "لم يُرسَل: بريد الكاتب الإلكتروني ومدة الكتابة.",
            "Nicht übermittelt: E-Mail-Adresse des Verfassers und Dauer des Schreibens.",
        ]
    );
    assert_eq!(not_sent(Language::English, &[]), None);
}

#[test]
fn who_wrote_it_hears_nothing_of_rules() {
    for language in Language::ALL {
        let told = Decision::ALL.map(|decision| for_commenter(language, decision));
        assert_eq!(told[2], told[3], "discarded and spam look alike");
        assert_ne!(told[0].message, told[1].message);
        for word in ["spam", "score", "link", "مزعج"] {
            assert!(told.iter().all(|it| !it.message.to_lowercase().contains(word)), "{told:?}");
        }
    }
    assert_eq!(for_commenter(Language::English, Decision::Hold).message, "Your comment is held for review.");
    assert_eq!(for_commenter(Language::Arabic, Decision::Hold).message, "تعليقك قيد المراجعة.");
}

#[test]
fn every_sentence_is_one_and_holds_its_quotations_together() {
    let hostile = "a\u{2069}\u{202E}ب\u{1b}[2J\n{ $because } . x\u{2067}";
    for language in Language::ALL {
        for weighed in RuleSet::shipped().iter() {
            let said = voice(language).reason(Decision::Spam, &[piece(weighed.rule.symbol, 2.0, hostile)], &[], false);
            assert!(said.ends_with('.') && !said.contains(['\n', '\u{1b}', '\u{202E}', '\u{2067}']), "{said:?}");
            let count = |c| said.matches(c).count();
            assert_eq!(count('\u{2068}'), count('\u{2069}'), "{said:?}");
            assert!(said.contains("{ $because }"), "a quotation is no message: {said:?}");
        }
    }
}

#[test]
fn what_a_language_lacks_is_said_in_english() {
    let unknown = piece("SOMETHING_NEW", 2.0, "");
    assert_eq!(voice(Language::English).says(&unknown), "SOMETHING_NEW");
    assert_eq!(voice(Language::Arabic).says(&unknown), "\u{2068}SOMETHING_NEW\u{2069}");
}

#[test]
fn what_an_operator_says_of_a_composite_is_said_in_every_language() {
    let file = "[composites]\nMINE = { when = \"PRAISE & LINK\", weight = 1, family = \"content\", says = \"robots\" }\n\
                PRAISE_PLUS_LINK = { says = \"flattery with a link\" }";
    let rules = RuleSet::parse(file, "my.toml").unwrap();
    for language in Language::ALL {
        let said = |symbol| shown(&Voice { language, rules: &rules }.says(&piece(symbol, 1.0, "")));
        assert!(said("MINE").contains("robots"), "{}", said("MINE"));
        assert!(said("PRAISE_PLUS_LINK").contains("flattery with a link"));
        assert_eq!(said("URL_SHORTENER"), shown(&voice(language).says(&piece("URL_SHORTENER", 1.0, ""))));
    }
}
