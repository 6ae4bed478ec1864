//! Keeps the picture in `src/lib.rs` true: who may import whom, and where foreign things are allowed in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Regex;

/// A crate and the places (below `src/`) that may name it.
const AT_HOME: [(&str, &[&str]); 9] = [
    ("sqlx", &["store/"]),
    ("axum", &["http.rs", "http/", "api/"]),
    ("governor", &["api/limiter.rs"]),
    ("hickory_resolver", &["network/"]),
    ("reqwest", &["webhook.rs", "webhook/", "network/"]),
    ("linfa", &["training/fit.rs"]),
    ("linfa_bayes", &["training/fit.rs"]),
    ("clap", &["main.rs", "cli/"]),
    (
        "utoipa",
        &[
            "api/",
            "http",
            "budget.rs",
            "comment.rs",
            "event.rs",
            "facts.rs",
            "facts/",
            "key.rs",
            "language.rs",
            "site.rs",
            "site/",
            "statistics.rs",
            "store/",
            "verdict.rs",
        ],
    ),
];

/// What nothing below the line may name: files, environment, clock, async, chance.
const OUTSIDE: [&str; 8] =
    ["std::fs", "std::env", "std::process", "tokio::", "async fn", "Instant::now", "SystemTime", "rand::"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code of a file below `src/`: no comments, no tests. With its path from there.
fn code() -> Vec<(String, String)> {
    let src = root().join("src");
    let files = rust_files(&src).into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        (name, lines.collect::<Vec<_>>().join("\n"))
    });
    files.filter(|(name, _)| !name.ends_with("tests.rs")).collect()
}

/// The module that a file belongs to: `store` for `store/sqlite/mod.rs`.
fn module(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The picture: each module's band (0 is the lowest) and the arrows within bands.
#[derive(Debug)]
struct Picture {
    bands: BTreeMap<String, usize>,
    arrows: BTreeSet<(String, String)>,
    /// Bands below this one do no I/O.
    line: usize,
}

fn picture() -> Picture {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let drawn = text.split("```").nth(1).unwrap();
    let rows: Vec<&str> = drawn.lines().map(|row| row.trim_start_matches("//!").trim()).collect();
    let (mut bands, mut arrows, mut line, mut band) = (BTreeMap::new(), BTreeSet::new(), 0, 0);
    for row in rows.into_iter().rev() {
        if row.starts_with('─') {
            line = band;
        }
        let cells: Vec<&str> = row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        // The first cell names the band and the last says what it is for.
        let [_, cells @ .., _] = cells.as_slice() else { continue };
        for cell in cells {
            let steps: Vec<Vec<String>> = cell.split('→').map(names).collect();
            for (at, step) in steps.iter().enumerate() {
                bands.extend(step.iter().map(|name| (name.clone(), band)));
                for later in steps[at + 1..].iter().flatten() {
                    arrows.extend(step.iter().map(|name| (name.clone(), later.clone())));
                }
            }
        }
        band += 1;
    }
    Picture { bands, arrows, line }
}

fn names(step: &str) -> Vec<String> {
    let words = step.split([' ', ',', '{', '}']).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The modules of this crate that some code names.
fn imports(code: &str) -> BTreeSet<String> {
    let path = Regex::new(r"\b(?:crate|hamlet)::(?:(\w+)|\{([^;]*)\};)").unwrap();
    let inner = Regex::new(r"\{[^{}]*\}").unwrap();
    let mut found = BTreeSet::new();
    for captures in path.captures_iter(code) {
        if let Some(name) = captures.get(1) {
            found.insert(name.as_str().to_owned());
        }
        if let Some(list) = captures.get(2) {
            let list = inner.replace_all(list.as_str(), "").into_owned();
            let heads = list.split(',').filter_map(|item| item.trim().split("::").next().map(str::to_owned));
            found.extend(heads.filter(|head| !head.is_empty()));
        }
    }
    found
}

#[test]
fn modules_import_from_bands_below_or_along_an_arrow() {
    let picture = picture();
    let band = |module: &str| *picture.bands.get(module).unwrap_or_else(|| panic!("`{module}` is not in the picture"));
    let mut wrong = Vec::new();
    for (file, code) in code().iter().filter(|(file, _)| file != "lib.rs") {
        let from = module(file);
        for to in imports(code).iter().filter(|to| *to != from) {
            let drawn = picture.arrows.contains(&(from.to_owned(), to.clone()));
            if band(to) >= band(from) && !drawn {
                wrong.push(format!("src/{file} ({from}) imports `{to}`, which is neither below it nor along an arrow"));
            }
        }
    }
    assert!(wrong.is_empty(), "the picture in src/lib.rs says otherwise:\n{}", wrong.join("\n"));
}

#[test]
fn the_picture_is_read_as_it_is_drawn() {
    let picture = picture();
    let band = |module: &str| picture.bands[module];
    assert!(band("main") == band("http") && band("http") > band("api") && band("api") > band("pipeline"));
    assert!(band("pipeline") > band("store") && band("store") > band("decision") && band("text") > band("comment"));
    assert!(picture.line > band("text") && picture.line <= band("store"));
    let arrow = |from: &str, to: &str| picture.arrows.contains(&(from.to_owned(), to.to_owned()));
    assert!(arrow("decision", "rules") && arrow("decision", "text") && arrow("classifier", "text"));
    assert!(!arrow("rules", "classifier") && !arrow("store", "webhook") && !arrow("text", "decision"));
    let named = imports("use crate::{comment::{A, B}, store::Store};\nlet x = hamlet::cli::run();\nuse crate::text;");
    assert_eq!(Vec::from_iter(named), ["cli", "comment", "store", "text"]);
}

#[test]
fn each_foreign_thing_has_one_home() {
    let mut wrong = Vec::new();
    for (name, homes) in AT_HOME {
        let named = Regex::new(&format!(r"(?:\b{name}::|\buse {name}\b|#\[{name}\b)")).unwrap();
        let strays = code()
            .into_iter()
            .filter(|(file, code)| !homes.iter().any(|home| file.starts_with(home)) && named.is_match(code));
        wrong.extend(strays.map(|(file, _)| format!("src/{file} names `{name}`, whose home is {}", homes.join(", "))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn below_the_line_there_is_no_outside_world() {
    let picture = picture();
    let mut wrong = Vec::new();
    for (file, code) in code() {
        if picture.bands.get(module(&file)).is_some_and(|band| *band < picture.line) {
            let named = OUTSIDE.iter().filter(|name| code.contains(**name));
            wrong.extend(named.map(|name| format!("src/{file} names `{name}`")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_first_what_it_owns() {
    let files = rust_files(&root().join("src")).into_iter().chain(rust_files(&root().join("tests")));
    let silent: Vec<PathBuf> =
        files.filter(|path| !std::fs::read_to_string(path).unwrap().starts_with("//! ")).collect();
    assert!(silent.is_empty(), "these do not begin with `//!`: {silent:?}");
}

#[test]
fn every_metric_is_in_the_one_list() {
    let metric = Regex::new(r#"(?:counter|gauge|histogram)!\(\s*"(\w+)""#).unwrap();
    let code = code();
    let used: BTreeSet<&str> = code
        .iter()
        .flat_map(|(_, code)| metric.captures_iter(code).map(|captures| captures.get(1).unwrap().as_str()))
        .collect();
    let listed: BTreeSet<&str> = hamlet::telemetry::METRICS.iter().map(|(name, ..)| *name).collect();
    let unlisted: Vec<_> = used.difference(&listed).collect();
    assert!(unlisted.is_empty(), "not in telemetry::METRICS: {unlisted:?}");
}
