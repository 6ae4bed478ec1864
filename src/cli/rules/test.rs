//! `hamlet rules test`: which rules fire in a text, and whether rules hit and miss what they must.

use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cli::Usage;
use crate::cli::dumps::DumpArgs;
use crate::cli::list::lint;
use crate::cli::screen::{self, Output};
use crate::clock::Clock;
use crate::comment::Comment;
use crate::facts::Facts;
use crate::rules::{Case, RuleSet};
use crate::site::{Policy, Site};
use crate::text::Text;
use crate::training::held_out::unnamed_site;
use crate::training::rule_stats::Probe;
use crate::verdict::Evidence;

/// Show which rules fire in a text or comment, run files of texts that must hit and miss, or try a list on labelled comments
///
/// A comment is JSON as for `POST /v1/comments`; `facts` may stand beside its fields. With --cases each file SYMBOL.txt of a
/// folder is run: a line is `hit` or `miss`, then a text or a comment; two blanks and `#` begin a remark. `policy` beside
/// the fields of a comment holds the site's `languages` and `staff_names`. With --list it is
/// shown which ham and spam of the dumps each entry of an allow or block list would meet, as `hamlet list test` does.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  hamlet rules test 'cheap watches https://bit.ly/x'
  hamlet rules test comment.json
  echo 'cheap watches' | hamlet rules test
  hamlet rules test --cases tests/data/rules
  hamlet rules test --list blocked.txt comments.jsonl.gz")]
pub struct Args {
    /// A file, or the text itself; `-` is standard input. With --list, labelled dumps
    #[arg(value_name = "FILE|TEXT", conflicts_with = "cases")]
    input: Vec<String>,
    /// Run the cases of this folder
    #[arg(long, value_name = "FOLDER")]
    cases: Option<PathBuf>,
    /// Try this allow or block list on the dumps
    #[arg(long, value_name = "FILE", requires = "input", conflicts_with = "cases")]
    list: Option<PathBuf>,
    /// With --list: show the ham that flagged entries would block
    #[arg(long, requires = "list")]
    texts: bool,
    #[command(flatten)]
    reading: DumpArgs,
    /// Address of the site: links to it are its own
    #[arg(long, value_name = "URL", default_value = "https://news.example/")]
    site_url: String,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Shows or runs what was asked for; texts are cut at `limit` bytes.
///
/// # Errors
/// A sentence, when the input cannot be read or a case fails.
pub(super) fn run(args: &Args, rules: &RuleSet, limit: usize) -> anyhow::Result<()> {
    if let Some(list) = &args.list {
        let lint = lint::Args {
            list: list.clone(),
            dumps: args.input.iter().map(PathBuf::from).collect(),
            format: None,
            texts: args.texts,
            reading: args.reading.clone(),
            output: Output { json: args.json },
        };
        return lint.run(Clock::System.now());
    }
    let site = Site { url: args.site_url.clone(), ..unnamed_site() };
    match &args.cases {
        Some(folder) => run_cases(folder, rules, &site, args.json),
        None => show(args, rules, &site, limit),
    }
}

fn show(args: &Args, rules: &RuleSet, site: &Site, limit: usize) -> anyhow::Result<()> {
    let (comment, facts, said) = parsed(&input(&args.input, limit)?)?;
    let site = &said.at(site);
    let text = Text::of(&comment);
    let case = Case { comment: &comment, text: &text, facts: &facts, site };
    let mut fired = rules.fired(&case);
    fired.sort_by(|a, b| b.weight.get().abs().total_cmp(&a.weight.get().abs()));
    let sum: f64 = fired.iter().map(|piece| piece.weight.get()).sum();
    let not_evaluated: Vec<&str> = rules.not_evaluated(&case).collect();
    let family = |symbol: &str| {
        let weighed = rules.iter().find(|weighed| weighed.rule.symbol == symbol);
        weighed.map_or("", |weighed| weighed.rule.family.as_str())
    };
    let says = |piece: &Evidence| rules.says(&piece.symbol).unwrap_or_default();
    if args.json {
        let shown = |piece: &Evidence| {
            json!({"symbol": piece.symbol, "family": family(&piece.symbol), "weight": piece.weight, "note": piece.note,
                "says": says(piece)})
        };
        let fired: Vec<Value> = fired.iter().map(shown).collect();
        return Ok(screen::json(&json!({"fired": fired, "sum": sum, "not_evaluated": not_evaluated}))?);
    }
    if fired.is_empty() {
        screen::line("no rule fires")?;
    } else {
        let row = |piece: &Evidence| {
            let note =
                if piece.note.is_empty() { String::new() } else { format!(": {}", screen::foreign(&piece.note, 100)) };
            let said = format!("{}{note}", says(piece));
            vec![piece.weight.to_string(), piece.symbol.to_string(), family(&piece.symbol).to_owned(), said]
        };
        let rows: Vec<_> = fired.iter().map(row).collect();
        screen::table(&["WEIGHT", "SYMBOL", "FAMILY", "FOUND"], &rows)?;
        screen::line(&format!("together {sum:+.2} nats: the odds of spam times {:.2}", sum.exp()))?;
    }
    if not_evaluated.is_empty() {
        return Ok(());
    }
    Ok(screen::line(&format!("\nnot evaluated, for what they look at was not sent:\n  {}", not_evaluated.join(", ")))?)
}

/// What stands in the file of this name, or the name itself when there is none.
fn input(names: &[String], limit: usize) -> anyhow::Result<String> {
    let name = match names {
        [] => "-",
        [name] => name.as_str(),
        _ => return Err(Usage("give one text or file; put a text in quotes".to_owned()).into()),
    };
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    if name == "-" {
        if io::stdin().is_terminal() {
            return Err(Usage("give a text, a file, or --cases FOLDER".to_owned()).into());
        }
        io::stdin().lock().take(limit).read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else if Path::new(name).is_file() {
        let file = fs::File::open(name).with_context(|| format!("{name} cannot be read"))?;
        file.take(limit).read_to_end(&mut bytes).with_context(|| format!("{name} cannot be read"))?;
    } else {
        return Ok(name.to_owned());
    }
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{FEFF}').to_owned())
}

/// A comment as JSON, with the facts beside it, or a text.
fn parsed(text: &str) -> anyhow::Result<(Comment, Facts, Said)> {
    if !text.trim_start().starts_with("{\"") {
        return Ok((Comment::of_text(text.trim_end_matches('\n')), Facts::NONE, Said::default()));
    }
    let mut fields: Map<String, Value> = serde_json::from_str(text).context("begins like JSON, and is none")?;
    fields.remove("label");
    let facts = fields.remove("facts").map(serde_json::from_value).transpose().context("`facts`")?;
    let said = fields.remove("policy").map(serde_json::from_value).transpose().context("`policy`")?;
    let comment = serde_json::from_value(fields.into()).context("not a comment")?;
    Ok((comment, facts.unwrap_or_default(), said.unwrap_or_default()))
}

/// What a case says of the site.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    languages: Vec<String>,
    staff_names: Vec<String>,
}

impl Said {
    fn at(self, site: &Site) -> Site {
        let Said { languages, staff_names } = self;
        Site { policy: Policy { languages, staff_names, ..site.policy.clone() }, ..site.clone() }
    }
}

/// How the files of a folder did.
#[derive(Default)]
struct Outcome {
    files: usize,
    cases: usize,
    wrong: Vec<String>,
}

fn run_cases(folder: &Path, rules: &RuleSet, site: &Site, as_json: bool) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    // What a rule weighs is not the question here, so one that is turned off is tested as well.
    let probe = Probe::of(rules);
    let mut outcome = Outcome::default();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "txt")) {
        let symbol = file.file_stem().unwrap_or_default().to_string_lossy();
        // `ham.txt` and the like are no rule's.
        if *symbol != symbol.to_uppercase() {
            continue;
        }
        ensure!(
            probe.rules().any(|weighed| weighed.rule.symbol == symbol),
            "{}: {}",
            file.display(),
            super::unknown(rules, &symbol)
        );
        let lines = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        outcome.files += 1;
        for (number, line) in (1_u64..).zip(lines.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let at = || format!("{}, line {number}", file.display());
            let (is_hit, comment, facts, said) = case(line).with_context(at)?;
            let fired = probe.symbols(&comment, &facts, &said.at(site));
            outcome.cases += 1;
            if fired.iter().any(|fired| *fired == symbol) != is_hit {
                let what = if is_hit { "should hit" } else { "should miss" };
                let text = screen::foreign(&comment.content, 80);
                outcome.wrong.push(format!("{}: {what}: {text}; fired: {}", at(), fired.join(", ")));
            }
        }
    }
    ensure!(
        outcome.files > 0,
        "{} holds no file of cases; they are named as the rule is: URL_SHORTENER.txt",
        folder.display()
    );
    let Outcome { files, cases, wrong } = outcome;
    if as_json {
        screen::json(&json!({"files": files, "cases": cases, "wrong": wrong}))?;
    } else {
        wrong.iter().try_for_each(|wrong| screen::line(wrong))?;
        screen::line(&format!("{cases} cases of {files} rules, {} wrong", wrong.len()))?;
    }
    if wrong.is_empty() { Ok(()) } else { bail!("{} cases are wrong", wrong.len()) }
}

/// One line of a file of cases.
fn case(line: &str) -> anyhow::Result<(bool, Comment, Facts, Said)> {
    let (expected, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.split("  # ").next().unwrap_or(rest).trim();
    let is_hit = match expected {
        "hit" => true,
        "miss" => false,
        other => bail!("`{other}` is neither hit nor miss"),
    };
    let (comment, facts, said) = parsed(rest)?;
    Ok((is_hit, comment, facts, said))
}
