//! Symptoms made of others, as data: `PRAISE & (LINK | AUTHOR_URL)`.
//!
//! Owns the little language of `[composites]` in `config/rules.toml` and what an expression says of a comment. Does not own
//! the conditions that it may name besides symbols (`conditions`) nor the file's other tables (`weights`).
//!
//! ```text
//!   any   = all  ("|" all)*
//!   all   = one  ("&" one)*
//!   one   = "!" one  |  "(" any ")"  |  NAME
//! ```
//!
//! A name is a symbol, another composite or a condition. What could not be looked at is neither true nor false: a composite
//! says nothing where that decides.

use std::collections::BTreeMap;

use super::conditions::CONDITIONS;
use super::{Family, RULES};

/// Longest expression, bytes, and how deep its parentheses and negations may go.
const MAX_LENGTH: usize = 1_000;
const MAX_DEPTH: usize = 16;

/// What is known of a symptom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It was not looked at: a field or a fact is missing.
    Unknown,
    No,
    /// What gave it away; may be empty.
    Yes(String),
}

impl Held {
    pub fn when(is: bool) -> Held {
        if is { Held::Yes(String::new()) } else { Held::No }
    }
}

/// A symptom made of others.
#[derive(Clone, Debug)]
pub(super) struct Composite {
    pub symbol: String,
    pub family: Family,
    pub says: String,
    /// The expression as it was written.
    pub when: String,
    pub weight: f64,
    pub expression: Expression,
}

/// What a name stands for: its place in [`RULES`], among the composites before this one, or in [`CONDITIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf {
    Rule(usize),
    Composite(usize),
    Condition(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Is(Leaf),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

impl Expression {
    /// What holds, given what holds of each operand; the note is the first that an operand gives.
    ///
    /// # Source
    /// Kleene's strong logic of three values.
    pub fn held(&self, ask: &mut impl FnMut(Leaf) -> Held) -> Held {
        match self {
            Expression::Is(operand) => ask(*operand),
            Expression::Not(inner) => match inner.held(ask) {
                Held::Unknown => Held::Unknown,
                Held::No => Held::Yes(String::new()),
                Held::Yes(_) => Held::No,
            },
            Expression::All(parts) => {
                let mut all = Held::Yes(String::new());
                for part in parts {
                    match (part.held(ask), &mut all) {
                        (Held::No, _) => return Held::No,
                        (Held::Unknown, _) => all = Held::Unknown,
                        (Held::Yes(note), Held::Yes(first)) if first.is_empty() => *first = note,
                        (Held::Yes(_), _) => {}
                    }
                }
                all
            }
            Expression::Any(parts) => {
                let mut any = Held::No;
                for part in parts {
                    match part.held(ask) {
                        Held::Yes(note) => return Held::Yes(note),
                        Held::Unknown => any = Held::Unknown,
                        Held::No => {}
                    }
                }
                any
            }
        }
    }

    /// Calls `meet` with each operand.
    pub fn operands(&self, meet: &mut impl FnMut(Leaf)) {
        match self {
            Expression::Is(operand) => meet(*operand),
            Expression::Not(inner) => inner.operands(meet),
            Expression::All(parts) | Expression::Any(parts) => parts.iter().for_each(|part| part.operands(meet)),
        }
    }
}

/// One line of `[composites]`, or what an operator's file says anew of it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub when: Option<String>,
    pub weight: Option<f64>,
    pub family: Option<String>,
    pub says: Option<String>,
}

/// Reads all lines. Composites come out so that each stands after those that it names.
///
/// # Errors
/// The composite and what is wrong with it, with the mend.
pub(super) fn read(lines: &BTreeMap<String, Line>) -> Result<Vec<Composite>, (String, String)> {
    let mut read = Vec::with_capacity(lines.len());
    let mut open = Vec::new();
    for name in lines.keys() {
        add(name, lines, &mut read, &mut open).map_err(|message| (name.clone(), message))?;
    }
    Ok(read)
}

/// Adds one composite after those that it needs; `open` are those that wait for it.
fn add<'a>(
    name: &'a str,
    lines: &'a BTreeMap<String, Line>,
    read: &mut Vec<Composite>,
    open: &mut Vec<&'a str>,
) -> Result<(), String> {
    if read.iter().any(|composite| composite.symbol == name) {
        return Ok(());
    }
    if open.contains(&name) {
        return Err(format!("it needs itself: {} → {name}; take one of them out", open.join(" → ")));
    }
    let Some(line) = lines.get(name) else { return Ok(()) };
    let is_symbol = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_symbol) {
        return Err("a symbol has capitals A to Z, digits and `_`; write it so".to_owned());
    }
    if is_rule(name) || CONDITIONS.iter().any(|condition| condition.name == name) {
        return Err("this is the name of a rule or condition already; choose another".to_owned());
    }
    let missing = |what: &str| format!("it has no `{what}`; write {what} = …");
    let when = line.when.clone().ok_or_else(|| missing("when"))?;
    let weight = line.weight.ok_or_else(|| missing("weight"))?;
    if !(-super::weights::MAX_WEIGHT..=super::weights::MAX_WEIGHT).contains(&weight) {
        return Err(format!("its weight is {weight}; write a number within ±20 nats"));
    }
    let says = line.says.clone().ok_or_else(|| missing("says"))?;
    let given = line.family.as_deref().ok_or_else(|| missing("family"))?;
    let family = Family::ALL.into_iter().find(|family| family.as_str() == given).ok_or_else(|| {
        let near = nearest(given, Family::ALL.into_iter().map(Family::as_str));
        format!("there is no family `{given}`{near}")
    })?;
    let tree = Parser::new(&when)?.whole()?;
    open.push(name);
    for needed in tree.names() {
        if let Some((needed, _)) = lines.get_key_value(needed) {
            add(needed, lines, read, open)?;
        }
    }
    open.pop();
    let expression = tree.resolved(&|name| {
        let place = |found: Option<usize>, operand: fn(usize) -> Leaf| found.map(operand);
        place(RULES.iter().position(|rule| rule.symbol == name), Leaf::Rule)
            .or_else(|| place(read.iter().position(|composite| composite.symbol == name), Leaf::Composite))
            .or_else(|| place(CONDITIONS.iter().position(|condition| condition.name == name), Leaf::Condition))
            .ok_or_else(|| {
                let known = RULES.iter().map(|rule| rule.symbol).chain(CONDITIONS.iter().map(|it| it.name));
                format!(
                    "there is no symbol or condition `{name}`{}",
                    nearest(name, known.chain(lines.keys().map(String::as_str)))
                )
            })
    })?;
    read.push(Composite { symbol: name.to_owned(), family, says, when, weight, expression });
    Ok(())
}

fn is_rule(name: &str) -> bool {
    RULES.iter().any(|rule| rule.symbol == name)
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let distance = |candidate: &&str| strsim::levenshtein(name, candidate);
    let nearest = known.min_by_key(distance).filter(|nearest| distance(nearest) <= nearest.len().max(6) / 2);
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// An expression whose names are not looked up yet.
enum Tree<'a> {
    Name(&'a str),
    Not(Box<Tree<'a>>),
    All(Vec<Tree<'a>>),
    Any(Vec<Tree<'a>>),
}

impl<'a> Tree<'a> {
    fn names(&self) -> Vec<&'a str> {
        match self {
            Tree::Name(name) => vec![name],
            Tree::Not(inner) => inner.names(),
            Tree::All(parts) | Tree::Any(parts) => parts.iter().flat_map(Tree::names).collect(),
        }
    }

    fn resolved(&self, place: &impl Fn(&str) -> Result<Leaf, String>) -> Result<Expression, String> {
        let all = |parts: &[Tree<'a>]| parts.iter().map(|part| part.resolved(place)).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Tree::Name(name) => Expression::Is(place(name)?),
            Tree::Not(inner) => Expression::Not(Box::new(inner.resolved(place)?)),
            Tree::All(parts) => Expression::All(all(parts)?),
            Tree::Any(parts) => Expression::Any(all(parts)?),
        })
    }
}

/// Recursive descent over the text of an expression, at most [`MAX_DEPTH`] deep.
struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Parser<'a>, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("its expression is longer than {MAX_LENGTH} bytes; make two composites of it"));
        }
        Ok(Parser { rest: text, depth: 0 })
    }

    fn whole(mut self) -> Result<Tree<'a>, String> {
        let tree = self.any()?;
        match self.peek() {
            None => Ok(tree),
            Some(other) => Err(format!("`{other}` stands where `&`, `|` or the end is expected")),
        }
    }

    fn any(&mut self) -> Result<Tree<'a>, String> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.take('|') {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Tree::Any(parts) })
    }

    fn all(&mut self) -> Result<Tree<'a>, String> {
        let first = self.one()?;
        let mut parts = vec![first];
        while self.take('&') {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Tree::All(parts) })
    }

    fn one(&mut self) -> Result<Tree<'a>, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("its expression is nested more than {MAX_DEPTH} deep; make two composites of it"));
        }
        let tree = if self.take('!') {
            Tree::Not(Box::new(self.one()?))
        } else if self.take('(') {
            let inner = self.any()?;
            if !self.take(')') {
                return Err("a parenthesis is not closed; write `)`".to_owned());
            }
            inner
        } else {
            self.name()?
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn name(&mut self) -> Result<Tree<'a>, String> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if name.is_empty() {
            let found = self.peek().map_or("its expression ends".to_owned(), |other| format!("`{other}` stands"));
            return Err(format!("{found} where a symbol is expected"));
        }
        self.rest = rest;
        Ok(Tree::Name(name))
    }

    fn peek(&self) -> Option<char> {
        self.rest.trim_start().chars().next()
    }

    fn take(&mut self, sign: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> BTreeMap<String, Line> {
        toml::from_str(text).expect("TOML")
    }

    fn composite(name: &str, when: &str) -> String {
        format!("{name} = {{ when = \"{when}\", weight = 1, family = \"content\", says = \"a test\" }}\n")
    }

    #[track_caller]
    fn refuses(text: &str, expected: &str) {
        let (_, message) = read(&lines(text)).expect_err("refused");
        assert_eq!(message, expected);
    }

    /// What `when` says where LINKS_MANY holds, WORD_REPEAT does not and UA_BOT was not looked at.
    #[track_caller]
    fn check(when: &str, expected: Held) {
        let read = read(&lines(&composite("TEST", when))).expect("good");
        let held = read[0].expression.held(&mut |operand| {
            let Leaf::Rule(place) = operand else { panic!("a rule") };
            match RULES[place].symbol {
                "LINKS_MANY" => Held::Yes("× 5".to_owned()),
                "WORD_REPEAT" => Held::No,
                _ => Held::Unknown,
            }
        });
        assert_eq!(held, expected, "{when}");
    }

    #[test]
    fn three_values_are_combined_as_kleene_does() {
        let yes = || Held::Yes("× 5".to_owned());
        let silent = || Held::Yes(String::new());
        check("LINKS_MANY", yes());
        check("!LINKS_MANY", Held::No);
        check("! WORD_REPEAT", silent());
        check("LINKS_MANY & WORD_REPEAT", Held::No);
        check("LINKS_MANY & !WORD_REPEAT", yes());
        check("!WORD_REPEAT & LINKS_MANY", yes());
        check("WORD_REPEAT | LINKS_MANY", yes());
        check("UA_BOT", Held::Unknown);
        check("!UA_BOT", Held::Unknown);
        check("LINKS_MANY & UA_BOT", Held::Unknown);
        check("WORD_REPEAT & UA_BOT", Held::No);
        check("UA_BOT & WORD_REPEAT", Held::No);
        check("UA_BOT | LINKS_MANY", yes());
        check("UA_BOT | WORD_REPEAT", Held::Unknown);
        check("WORD_REPEAT & UA_BOT | LINKS_MANY", yes());
        check("WORD_REPEAT & (UA_BOT | LINKS_MANY)", Held::No);
        check(&format!("{}LINKS_MANY{}", "(".repeat(15), ")".repeat(15)), yes());
    }

    #[test]
    fn an_error_says_how_to_mend_it() {
        refuses(&composite("TEST", ""), "its expression ends where a symbol is expected");
        refuses(&composite("TEST", "LINKS_MANY &"), "its expression ends where a symbol is expected");
        refuses(&composite("TEST", "LINKS_MANY && UA_BOT"), "`&` stands where a symbol is expected");
        refuses(&composite("TEST", "LINKS_MANY UA_BOT"), "`U` stands where `&`, `|` or the end is expected");
        refuses(&composite("TEST", "(LINKS_MANY"), "a parenthesis is not closed; write `)`");
        refuses(&composite("TEST", "LINKS_MANY)"), "`)` stands where `&`, `|` or the end is expected");
        refuses(&composite("TEST", "كازينو"), "`ك` stands where a symbol is expected");
        refuses(
            &composite("TEST", "LINK_MANY"),
            "there is no symbol or condition `LINK_MANY`; did you mean `LINKS_MANY`?",
        );
        refuses(&composite("TEST", "TEST"), "it needs itself: TEST → TEST; take one of them out");
        refuses(
            &(composite("A", "LINK & B") + &composite("B", "C") + &composite("C", "!A")),
            "it needs itself: A → B → C → A; take one of them out",
        );
        refuses(&composite("UA_BOT", "LINK"), "this is the name of a rule or condition already; choose another");
        refuses(&composite("test", "LINK"), "a symbol has capitals A to Z, digits and `_`; write it so");
        refuses("A = { when = \"LINK\", family = \"content\", says = \"x\" }", "it has no `weight`; write weight = …");
        refuses(
            &composite("A", "LINK").replace("weight = 1", "weight = 21"),
            "its weight is 21; write a number within ±20 nats",
        );
        refuses(
            &composite("A", "LINK").replace("content", "contents"),
            "there is no family `contents`; did you mean `content`?",
        );
        let deep = format!("{}LINK{}", "(".repeat(200), ")".repeat(200));
        refuses(&composite("A", &deep), "its expression is nested more than 16 deep; make two composites of it");
        refuses(
            &composite("A", &"!".repeat(2_000)),
            "its expression is longer than 1000 bytes; make two composites of it",
        );
    }

    #[test]
    fn a_composite_stands_after_those_that_it_names() {
        let read =
            read(&lines(&(composite("A", "C & LINK") + &composite("B", "LINK") + &composite("C", "B")))).expect("good");
        let order: Vec<_> = read.iter().map(|composite| composite.symbol.as_str()).collect();
        assert_eq!(order, ["B", "C", "A"]);
        assert_eq!(read[1].expression, Expression::Is(Leaf::Composite(0)));
    }
}
