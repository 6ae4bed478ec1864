//! The page: HTML around the plots.
//!
//! Everything from outside passes through [`escaped`]; its direction is left to the browser (`dir="auto"`), and figures are
//! isolated, so that Arabic and Latin may stand in one line. The policy in the page's head allows exactly the style and
//! the script that are in it, by their hashes, and no address at all.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::curve::{Curve, Step};
use super::svg::{Plot, quarters};
use super::words::Words;
use super::worst::Mistake;
use super::{Gathered, Heading};
use crate::training::evaluation::{Evaluation, Figures, Measure, Report};
use crate::training::interval::wilson;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Words that are shown of each side.
const TOKENS: usize = 20;
/// Comments that must have had a word before it is shown without its texts.
const TOKEN_COMMENTS: u64 = 5;
/// Where the explorer starts: the standard policy's threshold.
const STANDARD_THRESHOLD: f64 = 0.5;

/// Text for HTML, between tags as well as in an attribute. Control characters, which HTML does not allow, are shown as �.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    let is_odd = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || c.is_control();
    if !text.contains(is_odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\r' => {}
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A stranger's words, with a direction of their own.
fn foreign(text: &str) -> String {
    format!(r#"<bdi dir="auto">{}</bdi>"#, escaped(text))
}

/// Figures read from left to right everywhere.
fn figure(text: impl std::fmt::Display) -> String {
    format!(r#"<bdi dir="ltr">{text}</bdi>"#)
}

/// `template` with `{0}`, `{1}` … replaced; the values are HTML.
fn fill(template: &str, values: &[String]) -> String {
    let parts = values.iter().enumerate();
    parts.fold(template.to_owned(), |text, (at, value)| text.replace(&format!("{{{at}}}"), value))
}

/// 12,345
fn thousands(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

#[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
fn share(part: u64, whole: u64) -> Option<Measure> {
    wilson(part as f64, whole as f64, whole as f64)
}

/// In per cent, with as many digits as tell something.
fn percent(value: f64) -> String {
    let percent = value * 100.0;
    let digits = if percent == 0.0 || percent >= 9.95 { 1 } else { 2 };
    let text = format!("{percent:.digits$}");
    if text == "100.0" { "100".to_owned() } else { text }
}

/// `12.3 (10.1–14.4)`, in per cent.
fn ranged(measure: Measure) -> String {
    let Measure { value, low, high } = measure;
    figure(format_args!(r#"{} <span class="range">({}–{})</span>"#, percent(value), percent(low), percent(high)))
}

fn plain(measure: Measure) -> String {
    let Measure { value, low, high } = measure;
    figure(format_args!(r#"{value:.3} <span class="range">({low:.3}–{high:.3})</span>"#))
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

/// The whole page.
pub(super) fn page(gathered: &Gathered, heading: &Heading, evaluation: &Evaluation, report: &Report) -> String {
    let words = heading.language.words();
    let curve = Curve::of(evaluation.rows());
    let all = &report.all;
    let mut body = head(words, heading, all);
    body.push_str(&headline(words, all));
    body.push_str(&figures(words, all));
    body.push_str(&confusion(words, evaluation));
    let worth = evaluation.worth();
    body.push_str(&explorer(words, &curve, worth));
    body.push_str(&plots(words, &curve));
    for (what, title) in [("lang", words.by_lang), ("source", words.by_source)] {
        if let Some(names) = report.by.get(what) {
            let _ = write!(body, "<section><h2>{title}</h2>{}</section>", by_name(words, names.iter()));
        }
    }
    body.push_str(&mistakes(words, gathered));
    body.push_str(&symbols(words, gathered, all));
    let _ = write!(body, "<section><h2>{}</h2><p>{}</p></section>", words.how, escaped(words.how_says));
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'",
        hash(STYLE),
        hash(SCRIPT)
    );
    format!(
        r#"<!doctype html>
<html lang="{}" dir="{}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
<script type="application/json" id="steps">{}</script>
<script>{SCRIPT}</script>
</body>
</html>
"#,
        words.lang,
        words.direction,
        escaped(words.title),
        steps(&curve, worth)
    )
}

/// For the script: how many comments reach each threshold. Numbers only.
fn steps(curve: &Curve, worth: [f64; 2]) -> String {
    let of = |number: fn(&Step) -> u64| curve.steps.iter().map(number).collect::<Vec<_>>();
    let thresholds: Vec<f64> = curve.steps.iter().map(|step| (step.threshold * 1e5).round() / 1e5).collect();
    json!({
        "thresholds": thresholds,
        "ham": of(|step| step.ham),
        "spam": of(|step| step.spam),
        "hams": curve.ham,
        "spams": curve.spam,
        "worth": worth,
    })
    .to_string()
}

fn head(words: &Words, heading: &Heading, all: &Figures) -> String {
    let counts = [all.ham + all.spam, all.ham, all.spam].map(|count| figure(thousands(count)));
    let dumps = heading.dumps.iter().map(|dump| foreign(dump)).collect::<Vec<_>>().join(words.comma);
    let day = jiff::tz::TimeZone::UTC.to_datetime(heading.made_at).date();
    let model = figure(format_args!("<code>{}</code>", escaped(&heading.model)));
    let made = fill(words.made, &[model, dumps, figure(day)]);
    let rules = if heading.is_bayes_only { format!(" {}", words.bayes_only) } else { String::new() };
    let seen = if heading.is_seen_counted { words.counted } else { words.left_out };
    let seen =
        if heading.seen > 0 { format!(" {}", fill(seen, &[figure(thousands(heading.seen))])) } else { String::new() };
    format!(
        "<header><p class=\"mark\">Hamlet</p><h1>{}</h1><p>{}. {made}{rules}{seen}</p></header>",
        escaped(words.title),
        fill(words.of_comments, &counts)
    )
}

fn headline(words: &Words, all: &Figures) -> String {
    let card = |class: &str, name: &str, value: Option<Measure>, says: &str, is_share: bool| {
        let number = |number: f64| if is_share { percent(number) } else { format!("{number:.3}") };
        let Some(Measure { value, low, high }) = value else {
            return format!(
                r#"<div class="card {class}"><h3>{name}</h3><p class="big">–</p><p>{}</p></div>"#,
                words.untold
            );
        };
        let unit = if is_share { " %" } else { "" };
        let range = figure(format_args!("({}–{})", number(low), number(high)));
        // A hundred comments with a decimal are no comments; the sentence says what the number means.
        let told = format!("<strong>{}</strong> {range}", figure(number(value)));
        format!(
            r#"<div class="card {class}"><h3>{name}</h3><p class="big">{}</p><p>{}</p></div>"#,
            figure(format_args!("{}{unit}", number(value))),
            if is_share { fill(says, &[told]) } else { format!("{says} {range}") }
        )
    };
    let cards = [
        card("is-ham", words.blocked_ham, all.blocked_ham, words.blocked_of_100, true),
        card("is-spam", words.caught_spam, all.caught_spam, words.caught_of_100, true),
        card("", words.precision, all.precision, words.precision_of_100, true),
        card("", words.mcc, all.mcc, words.mcc_says, false),
    ];
    format!(
        r#"<section><h2>{}</h2><div class="cards">{}</div><p class="note">{}</p></section>"#,
        words.headline,
        cards.concat(),
        words.interval_note
    )
}

/// The nine figures: name, what it is of [`Figures`], and whether it is a share that is told in per cent.
fn nine(words: &Words, figures: &Figures) -> [(&'static str, Option<Measure>, bool); 9] {
    [
        (words.accuracy, figures.accuracy, true),
        (words.caught_spam, figures.caught_spam, true),
        (words.blocked_ham, figures.blocked_ham, true),
        (words.precision, figures.precision, true),
        (words.f1, figures.f1, true),
        (words.mcc, figures.mcc, false),
        (words.roc_auc, figures.roc_auc, false),
        (words.log_loss, figures.log_loss, false),
        (words.calibration_error, figures.calibration_error, false),
    ]
}

fn figures(words: &Words, all: &Figures) -> String {
    let rows = nine(words, all).map(|(name, measure, is_share)| {
        let number = |number: f64| if is_share { format!("{} %", percent(number)) } else { format!("{number:.3}") };
        let value = or_dash(measure.map(|measure| figure(number(measure.value))));
        let ends = |Measure { low, high, .. }| match is_share {
            true => format!("{}–{} %", percent(low), percent(high)),
            false => format!("{low:.3}–{high:.3}"),
        };
        let range = or_dash(measure.map(|measure| figure(ends(measure))));
        format!(r#"<tr><th scope="row">{name}</th><td>{value}</td><td>{range}</td></tr>"#)
    });
    format!(
        r#"<section><h2>{}</h2><table class="figures"><thead><tr><th scope="col">{}</th><th scope="col">{}</th><th scope="col">{}</th></tr></thead><tbody>{}</tbody></table></section>"#,
        words.figures,
        words.figure,
        words.value,
        words.interval,
        rows.concat()
    )
}

fn confusion(words: &Words, evaluation: &Evaluation) -> String {
    let mut counts = [[0_u64; 2]; 2];
    for row in evaluation.rows() {
        if let Some(count) =
            counts.get_mut(usize::from(row.is_spam)).and_then(|of| of.get_mut(usize::from(row.is_blocked)))
        {
            *count += 1;
        }
    }
    let [[passed, blocked], [missed, caught]] = counts;
    let cell = |count: u64, of: u64, is_right: bool| {
        let (class, mark, word) = if is_right { ("right", "✓", words.right) } else { ("wrong", "✗", words.wrong) };
        let shown = or_dash(share(count, of).map(|share| figure(format_args!("{} %", percent(share.value)))));
        format!(
            r#"<td class="{class}"><strong>{}</strong><span>{shown}</span><small><span aria-hidden="true">{mark}</span> {word}</small></td>"#,
            figure(thousands(count))
        )
    };
    format!(
        r#"<section><h2>{}</h2><table class="confusion"><thead><tr><td></td><th scope="col">{}</th><th scope="col">{}</th></tr></thead><tbody><tr><th scope="row">{}</th>{}{}</tr><tr><th scope="row">{}</th>{}{}</tr></tbody></table></section>"#,
        words.confusion,
        words.approved,
        words.blocked,
        words.was_ham,
        cell(passed, passed + blocked, true),
        cell(blocked, passed + blocked, false),
        words.was_spam,
        cell(missed, missed + caught, false),
        cell(caught, missed + caught, true),
    )
}

#[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
fn explorer(words: &Words, curve: &Curve, [ham_worth, spam_worth]: [f64; 2]) -> String {
    const SHOWN: [f64; 13] = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];
    let rows = SHOWN.into_iter().map(|threshold| curve.at(threshold)).map(|step| {
        let size = |ham: u64, spam: u64| ham as f64 * ham_worth + spam as f64 * spam_worth;
        let cell = |part: u64, of: [u64; 2]| {
            or_dash(wilson(part as f64, (of[0] + of[1]) as f64, size(of[0], of[1])).map(ranged))
        };
        let class = if (step.threshold - STANDARD_THRESHOLD).abs() < 1e-9 { r#" class="now""# } else { "" };
        format!(
            r#"<tr{class}><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>"#,
            figure(format_args!("{:.2}", step.threshold)),
            cell(step.spam, [0, curve.spam]),
            cell(step.ham, [curve.ham, 0]),
            cell(step.spam, [step.ham, step.spam])
        )
    });
    let percents = [words.caught_spam, words.blocked_ham, words.precision].map(|name| format!("{name}, %"));
    let heads = [words.threshold].into_iter().chain(percents.iter().map(String::as_str));
    let now = curve.steps.iter().position(|step| step.threshold >= STANDARD_THRESHOLD - 1e-9).unwrap_or(0);
    let output = |id: &str, name: &str, class: &str| {
        format!(
            r#"<div class="card {class}"><h3>{name}</h3><p class="big"><output for="threshold"><bdi id="{id}" dir="ltr"></bdi></output></p><p class="range"><bdi id="{id}-range" dir="ltr"></bdi></p></div>"#
        )
    };
    format!(
        r#"<section><h2>{}</h2><p>{}</p><div id="explorer" hidden><label for="threshold">{}: <output id="at" for="threshold" dir="ltr"></output></label><input id="threshold" type="range" min="0" max="{}" step="1" value="{now}" dir="ltr"><div class="cards">{}{}{}</div></div><details id="table" open><summary>{}</summary><div class="wide" tabindex="0"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div></details></section>"#,
        words.explorer,
        words.explorer_says,
        words.threshold,
        curve.steps.len().saturating_sub(1),
        output("caught", words.caught_spam, "is-spam"),
        output("blocked", words.blocked_ham, "is-ham"),
        output("precision", words.precision, ""),
        words.table_of_thresholds,
        heads.map(|head| format!(r#"<th scope="col">{head}</th>"#)).collect::<String>(),
        rows.collect::<String>()
    )
}

#[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
fn plots(words: &Words, curve: &Curve) -> String {
    let of = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let now = curve.at(STANDARD_THRESHOLD);
    let mut roc = Plot::new(words.blocked_axis, words.caught_axis, &quarters(), &quarters());
    roc.line("chance", [(0.0, 0.0), (1.0, 1.0)].into_iter());
    roc.line("curve", curve.path.iter().map(|(ham, spam)| (of(*ham, curve.ham), of(*spam, curve.spam))));
    let mut pr = Plot::new(words.caught_axis, words.precision_axis, &quarters(), &quarters());
    let base = of(curve.spam, curve.ham + curve.spam);
    pr.line("chance", [(0.0, base), (1.0, base)].into_iter());
    let reached = curve.path.iter().filter(|(ham, spam)| ham + spam > 0);
    pr.line("curve", reached.map(|(ham, spam)| (of(*spam, curve.spam), of(*spam, ham + spam))));
    roc.moving_dot("roc-now", (of(now.ham, curve.ham), of(now.spam, curve.spam)));
    pr.moving_dot("pr-now", (of(now.spam, curve.spam), of(now.spam, now.ham + now.spam)));

    let mut reliability = Plot::new(words.score_linear, words.share_of_spam, &quarters(), &quarters());
    reliability.line("chance", [(0.0, 0.0), (1.0, 1.0)].into_iter());
    for bin in curve.bins.iter().filter(|bin| bin.rows > 0) {
        let score = bin.scores / bin.rows as f64;
        let Some(Measure { value, low, high }) = share(bin.spam, bin.rows) else { continue };
        let radius = (3.0 + 6.0 * of(bin.rows, curve.ham + curve.spam).sqrt()).min(9.0);
        reliability.line("whisker", [(score, low), (score, high)].into_iter());
        let says = format!(
            "{} %: {} % ({}–{}), n = {}",
            percent(score),
            percent(value),
            percent(low),
            percent(high),
            thousands(bin.rows)
        );
        reliability.dot("dot", (score, value), radius, &says);
    }

    let counts = curve.histogram();
    let width = 1.0 / counts.len().max(1) as f64;
    let top = counts.iter().map(|(ham, spam)| of(*ham, curve.ham).max(of(*spam, curve.spam))).fold(0.05, f64::max);
    let tick = |nats: f64, text: &str| ((nats + 7.0) / 14.0, text.to_owned());
    let ticks =
        [(-6.907, "0.1"), (-4.595, "1"), (-2.197, "10"), (0.0, "50"), (2.197, "90"), (4.595, "99"), (6.907, "99.9")];
    let ticks = ticks.map(|(nats, text)| tick(nats, text));
    let label = format!("{:.0}", top * 100.0);
    let heights = [(0.04, label.clone()), (0.5, "0".to_owned()), (0.96, label)];
    let mut histogram = Plot::new(words.score_axis, words.share_of_kind, &ticks, &heights);
    for (at, (ham, spam)) in counts.iter().enumerate() {
        let (left, right) = (at as f64 * width, (at + 1) as f64 * width);
        let height = |count, all| of(count, all) / top * 0.46;
        let says =
            |name: &str, count: u64, all: u64| format!("{name}: {} ({} %)", thousands(count), percent(of(count, all)));
        if *ham > 0 {
            histogram.bar(
                "ham",
                (left, 0.5),
                (right, 0.5 + height(*ham, curve.ham)),
                &says(words.ham, *ham, curve.ham),
            );
        }
        if *spam > 0 {
            let title = says(words.spam, *spam, curve.spam);
            histogram.bar("spam", (left, 0.5), (right, 0.5 - height(*spam, curve.spam)), &title);
            histogram.bar("over", (left, 0.5), (right, 0.5 - height(*spam, curve.spam)), &title);
        }
    }
    histogram.word("ham-word", (0.98, 0.93), "end", words.ham);
    histogram.word("spam-word", (0.02, 0.04), "start", words.spam);
    histogram.marker("histogram-now", 0.5);

    let figures = [
        (histogram, "histogram", words.histogram, words.histogram_says),
        (roc, "roc", words.roc, words.roc_says),
        (pr, "pr", words.pr, words.pr_says),
        (reliability, "reliability", words.reliability, words.reliability_says),
    ];
    let figures = figures.map(|(plot, id, title, says)| {
        format!("<figure><h3>{title}</h3>{}<figcaption>{says}</figcaption></figure>", plot.svg(id, title, says))
    });
    format!(r#"<section><h2>{}</h2><div class="plots">{}</div></section>"#, words.plots, figures.concat())
}

fn by_name<'a>(words: &Words, names: impl Iterator<Item = (&'a String, &'a Figures)>) -> String {
    let mut names: Vec<_> = names.collect();
    names.sort_by_key(|(name, figures)| (std::cmp::Reverse(figures.ham + figures.spam), *name));
    let mut heads = vec![words.name, words.ham, words.spam];
    let rows = names.into_iter().map(|(name, of)| {
        let figures = nine(words, of).map(|(_, measure, is_share)| {
            format!("<td>{}</td>", or_dash(measure.map(if is_share { ranged } else { plain })))
        });
        let [ham, spam] = [of.ham, of.spam].map(|count| figure(thousands(count)));
        format!(r#"<tr><th scope="row">{}</th><td>{ham}</td><td>{spam}</td>{}</tr>"#, foreign(name), figures.concat())
    });
    let rows: String = rows.collect();
    let percents = |name: &'static str, is_share: bool| if is_share { format!("{name}, %") } else { name.to_owned() };
    let empty = Figures::of(Vec::new());
    let figure_heads = nine(words, &empty).map(|(name, _, is_share)| percents(name, is_share));
    let heads: String = heads
        .drain(..)
        .map(str::to_owned)
        .chain(figure_heads)
        .map(|head| format!(r#"<th scope="col">{head}</th>"#))
        .collect();
    format!(
        r#"<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"#
    )
}

fn mistakes(words: &Words, gathered: &Gathered) -> String {
    let list = |title: &str, mistakes: &mut dyn Iterator<Item = &Mistake>| {
        let items: String = mistakes.map(|mistake| one_mistake(words, mistake)).collect();
        let items = if items.is_empty() { format!("<p>{}</p>", words.none) } else { format!("<ol>{items}</ol>") };
        format!("<details><summary>{title}</summary>{items}</details>")
    };
    let note = if gathered.shows_texts { String::new() } else { format!(r#"<p class="note">{}</p>"#, words.no_texts) };
    format!(
        "<section><h2>{}</h2>{note}{}{}</section>",
        words.mistakes,
        list(words.blocked_hams, &mut gathered.blocked_ham.iter()),
        list(words.missed_spam, &mut gathered.missed_spam.iter())
    )
}

fn one_mistake(words: &Words, mistake: &Mistake) -> String {
    let place = fill(words.place, &[foreign(&mistake.file), figure(thousands(mistake.number))]);
    let about = [&mistake.lang, &mistake.source].into_iter().flatten().map(|text| format!(" · {}", foreign(text)));
    let evidence = mistake.evidence.iter().map(|piece| {
        let note = if piece.note.is_empty() { String::new() } else { format!(" {}", foreign(&piece.note)) };
        let weight = figure(format_args!("<code>{}</code> {:+.2}", escaped(&piece.symbol), piece.weight.get()));
        format!("<li>{weight}{note}</li>")
    });
    let text = mistake.text.as_deref().map(|text| format!(r#"<blockquote dir="auto">{}</blockquote>"#, escaped(text)));
    format!(
        r#"<li><p><strong>{}</strong> · {place}{}</p>{}<ul class="evidence">{}</ul></li>"#,
        figure(format_args!("{:.3}", mistake.score)),
        about.collect::<String>(),
        text.unwrap_or_default(),
        evidence.collect::<String>()
    )
}

fn symbols(words: &Words, gathered: &Gathered, all: &Figures) -> String {
    let count = |met: u64, of: u64| {
        let part = share(met, of).map_or_else(String::new, |share| format!(" ({} %)", percent(share.value)));
        figure(format_args!(r#"{}<span class="range">{part}</span>"#, thousands(met)))
    };
    let ratio = |met: &super::symbols::Met| {
        let ratio = met.likelihood_ratio(all.ham, all.spam);
        figure(if ratio >= 10.0 { format!("×{ratio:.0}") } else { format!("×{ratio:.2}") })
    };
    let row = |name: String, met: &super::symbols::Met| {
        format!(
            r#"<tr><th scope="row">{name}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"#,
            count(met.ham, all.ham),
            count(met.spam, all.spam),
            figure(format_args!("{:+.2}", met.mean_weight())),
            ratio(met)
        )
    };
    let table = |name: &str, rows: String| {
        if rows.is_empty() {
            return format!("<p>{}</p>", words.none);
        }
        let heads = [name, words.in_ham, words.in_spam, words.weight, words.ratio];
        let heads = heads.map(|head| format!(r#"<th scope="col">{head}</th>"#)).concat();
        format!(
            r#"<div class="wide" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"#
        )
    };
    let fired = gathered.symbols.sorted();
    let fired = fired.iter().map(|(symbol, met)| row(figure(format_args!("<code>{}</code>", escaped(symbol))), met));
    let least = if gathered.shows_texts { 1 } else { TOKEN_COMMENTS };
    let telling = |side| {
        let tokens = gathered.tokens.telling(side, least, TOKENS);
        table(words.word, tokens.iter().map(|(text, met)| row(foreign(text), met)).collect())
    };
    format!(
        "<section><h2>{}</h2><p>{}</p>{}</section><section><h2>{}</h2><p>{}</p><h3>{}</h3>{}<h3>{}</h3>{}</section>",
        words.symbols,
        words.symbols_says,
        table(words.symbol, fired.collect()),
        words.tokens,
        words.tokens_says,
        words.for_spam,
        telling(1.0),
        words.for_ham,
        telling(-1.0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_cannot_become_markup() {
        assert_eq!(
            escaped("<script>alert('&\"')</script>"),
            "&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"
        );
        assert_eq!(escaped("a\0b\u{1b}[31m\u{85}"), "a\u{fffd}b\u{fffd}[31m\u{fffd}");
        assert_eq!(escaped("مرحبا\nبكم"), "مرحبا\nبكم");
    }

    #[test]
    fn numbers_are_written_to_be_read() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 0.004, 0.0994, 0.5, 1.0].map(percent), ["0.0", "0.40", "9.94", "50.0", "100"]);
    }

    #[test]
    fn the_words_of_both_languages_take_the_same_figures() {
        use super::super::Language;
        let [english, arabic] = [Language::English, Language::Arabic].map(Language::words);
        let takes = |template: &str| (0..4).filter(|at| template.contains(&format!("{{{at}}}"))).count();
        for template in [
            |words: &Words| words.of_comments,
            |words: &Words| words.made,
            |words: &Words| words.left_out,
            |words: &Words| words.counted,
            |words: &Words| words.blocked_of_100,
            |words: &Words| words.caught_of_100,
            |words: &Words| words.precision_of_100,
            |words: &Words| words.place,
        ] {
            assert_eq!(takes(template(english)), takes(template(arabic)), "{}", template(english));
        }
    }
}
