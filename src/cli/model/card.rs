//! A model's card, for a person to read.
//!
//! Cards of earlier versions, and of other programs, have less or more in them: what is known is shown, the rest is left
//! to `--json`.

use std::fmt::Write as _;

use serde_json::Value;

use crate::classifier::languages::Languages;
use crate::cli::evaluate::table;
use crate::cli::screen;
use crate::training::evaluation::Report;

/// What the card tells, a line each, and the figures as tables.
pub(super) fn told(card: &Value) -> String {
    let mut said = String::new();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(said, "{name:<12} {value}");
        }
    };
    let text = |key: &str| card.get(key).and_then(Value::as_str).map(|text| screen::foreign(text, 500));
    line("what", text("description"));
    line("made by", text("program"));
    line("comments", pair(card.get("comments")));
    line("counting as", pair(card.get("rows")));
    line("smoothing", card.get("alpha").and_then(Value::as_f64).map(|alpha| format!("{alpha} per column")));
    let known = Languages::of(card);
    let codes = |class: usize| {
        let codes = known.as_ref()?.codes().get(class).copied().flatten()?;
        Some(screen::foreign(&codes.join(", "), 500))
    };
    line("languages", codes(0).map(|known| format!("{known}; elsewhere no single word holds a comment")));
    line("its spam", codes(1).map(|known| format!("{known}; elsewhere words speak for ham with a nat at most")));
    let calibrated = card.get("calibration_rows").and_then(Value::as_u64);
    line("calibrated", calibrated.map(|rows| format!("on {rows} comments, each scored without having been seen")));
    line("measured", split(card.get("split")));
    for (at, source) in card.get("sources").and_then(Value::as_array).into_iter().flatten().enumerate() {
        line(if at == 0 { "data" } else { "" }, Some(source_told(source)));
    }
    let report = card.get("held_out").and_then(|report| serde_json::from_value::<Report>(report.clone()).ok());
    let Some(report) = report.filter(|report| report.all.ham + report.all.spam > 0) else {
        said.push_str("figures      none: nothing was held out\n");
        return said;
    };
    let _ = write!(said, "\n{}", table("on comments it never saw", &[("all".to_owned(), report.all)]));
    for (what, figures) in report.by {
        let figures: Vec<_> = figures.into_iter().map(|(name, of)| (screen::foreign(&name, 60), of)).collect();
        let _ = write!(said, "\n{}", table(&format!("by {}", screen::foreign(&what, 20)), &figures));
    }
    said
}

/// One of the figures on comments that the model never saw; `-` where the card has none.
pub(super) fn key_figure(card: &Value, name: &str, scale: f64) -> String {
    let measure = card.get("held_out").and_then(|of| of.get("all")?.get(name)).filter(|measure| !measure.is_null());
    let number = |end: &str| measure.and_then(|measure| measure.get(end)?.as_f64()).map(|number| number * scale);
    match (number("value"), number("low"), number("high")) {
        (Some(value), Some(low), Some(high)) if scale > 1.0 => format!("{value:.1} ({low:.1}-{high:.1})"),
        (Some(value), Some(low), Some(high)) => format!("{value:.3} ({low:.3}-{high:.3})"),
        _ => "-".to_owned(),
    }
}

fn pair(counts: Option<&Value>) -> Option<String> {
    let count = |kind: &str| counts.and_then(|counts| counts.get(kind)?.as_f64());
    Some(format!("{:.0} ham, {:.0} spam", count("ham")?, count("spam")?))
}

fn split(split: Option<&Value>) -> Option<String> {
    let split = split?;
    if let Some(share) = split.get("share").and_then(Value::as_f64) {
        return Some(format!("on {} % of the comments, held out by their text", share * 100.0));
    }
    let folds = split.get("folds").and_then(Value::as_u64)?;
    Some(format!("by {folds}-fold cross-fitting: each comment by a model that did not see it"))
}

fn source_told(source: &Value) -> String {
    let text = |key: &str| source.get(key).and_then(Value::as_str).map(|text| screen::foreign(text, 200));
    let name = text("file").or_else(|| Some(format!("labels of {}", text("labels")?)));
    let counts = source.get("counts_as").and_then(Value::as_f64).map(|rows| format!("counts as {rows}"));
    let licence = text("licence").map(|licence| format!("licence: {licence}"));
    [name, counts, licence].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_of_any_kind_is_told() {
        let card = json!({"description": "news\u{1b}[31m", "comments": {"ham": 10, "spam": 3}, "languages": ["ar", "en"], "sources": [
            {"file": "a.csv", "licence": "MIT"}, {"labels": "all sites"}, 7], "split": {"share": 0.1}});
        let said = told(&card);
        for part in [
            "news [31m",
            "10 ham, 3 spam",
            "ar, en;",
            "a.csv; licence: MIT",
            "labels of all sites",
            "10 %",
            "figures      none",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        for odd in [json!(null), json!([1]), json!({"held_out": 3, "split": [], "sources": {"a": 1}})] {
            assert!(told(&odd).contains("none"), "{odd}");
            assert_eq!(key_figure(&odd, "mcc", 1.0), "-");
        }
    }
}
