//! What Hamlet says to people of a verdict: one sentence, in the language of the site.
//!
//! Owns the wording, in every language, and that a quotation of strangers harms no sentence. Does not own what was
//! decided (`decision`) nor what a rule found; English says it in `rules::RULES` and in `[composites]` of
//! `config/rules.toml`, other languages in `config/reasons/`.
//!
//! **To add a language:** a line in `Language`, a file in `config/reasons/`. A test tells which messages are missing; for
//! those the English ones stand in.

mod messages;
mod quote;

use std::borrow::Cow;

pub use messages::missing;

use crate::event::{ForCommenter, PublicStatus};
use crate::language::Language;
use crate::rules::{self, RuleSet};
use crate::verdict::{Decision, Evidence, Label, Token};

/// Evidence named in a sentence at most; more is a list, which the verdict has anyway.
const MAX_NAMED: usize = 3;
/// Words that the classifier's evidence names at most.
const MAX_WORDS: usize = 2;
/// Evidence below this, in nats, explains nothing.
pub(crate) const LEAST_NAMED: f64 = 0.1;

/// Does it explain something to a person? What holds for every comment does not.
pub(crate) fn explains(piece: &Evidence) -> bool {
    !matches!(piece.symbol.as_ref(), "PRIOR" | "BOUND")
}

/// Who speaks of evidence: the language, and the rules, whose operator may have worded some.
#[derive(Clone, Copy, Debug)]
pub struct Voice<'a> {
    pub language: Language,
    pub rules: &'a RuleSet,
}

impl Voice<'_> {
    /// One plain sentence: what was decided, and the heaviest evidence on the side that won.
    ///
    /// * `judged`: the decision by the score, whatever shadow mode makes of it.
    /// * `evidence`, `tokens`: heaviest first.
    pub fn reason(self, judged: Decision, evidence: &[Evidence], tokens: &[Token], is_shadow: bool) -> String {
        let language = self.language;
        let side = if judged == Decision::Approve { -1.0 } else { 1.0 };
        let because: Vec<String> = evidence
            .iter()
            .filter(|piece| piece.weight.get() * side > LEAST_NAMED && explains(piece))
            .take(MAX_NAMED)
            .map(|piece| self.named(piece, tokens))
            .collect();
        let because = match (because.is_empty(), judged) {
            (false, _) => join(language, &because),
            (true, Decision::Approve) => messages::sentence(language, "nothing", &[]),
            (true, _) => messages::sentence(language, "small-signs", &[]),
        };
        let sentence = messages::sentence(language, judged.as_str(), &[("because", &because)]);
        if is_shadow && judged != Decision::Approve {
            messages::sentence(language, "shadow", &[("sentence", &sentence)])
        } else {
            sentence
        }
    }

    /// As [`Voice::says`]; the classifier's evidence names the words that spoke most for spam.
    fn named(self, piece: &Evidence, tokens: &[Token]) -> String {
        let language = self.language;
        let says = self.says(piece);
        if !matches!(piece.symbol.as_ref(), "BAYES" | "BAYES_SITE") || piece.weight.get() < 0.0 {
            return says;
        }
        // Every link has these: true, and no explanation.
        let is_of_any_link = |token: &&Token| matches!(token.text.as_str(), "http" | "https" | "www" | "com");
        let telling = tokens.iter().filter(|token| token.weight.get() > LEAST_NAMED && !is_of_any_link(token));
        let words = telling.take(MAX_WORDS);
        let words: Vec<String> = words.map(|token| quote::note(language, &token.text)).collect();
        if words.is_empty() {
            return says;
        }
        messages::sentence(language, "with-note", &[("says", &says), ("note", &join(language, &words))])
    }

    /// What one piece of evidence says and what exactly was found: a part of a sentence.
    pub fn says(self, piece: &Evidence) -> String {
        let Voice { language, rules } = self;
        let symbol = piece.symbol.as_ref();
        let for_it = piece.weight.get() < 0.0;
        let id = match symbol {
            "BAYES" if for_it => "BAYES-ham",
            "BAYES_SITE" if for_it => "BAYES_SITE-ham",
            _ => symbol,
        };
        // What the operator says is said in every language, for nobody translates it.
        let own = rules.says(symbol).filter(|own| rules::says(symbol) != Some(*own));
        let says = own.map_or_else(|| messages::plain(language, id), |_| None).unwrap_or_else(|| {
            let english = rules.says(symbol).map(Cow::Borrowed).or_else(|| messages::plain(Language::English, id));
            Cow::Owned(quote::isolated(language, english.unwrap_or(Cow::Borrowed(symbol)).into_owned()))
        });
        match symbol {
            // Their notes are for programs and for the curious.
            "PRIOR" | "BOUND" | "BAYES" | "BAYES_SITE" => says.into_owned(),
            _ if piece.note.is_empty() => says.into_owned(),
            "ALLOW_LIST" | "BLOCK_LIST" => {
                let note = quote::name(language, &piece.note);
                messages::sentence(language, "with-entry", &[("says", &says), ("note", &note)])
            }
            _ => {
                let note = quote::note(language, &piece.note);
                messages::sentence(language, "with-note", &[("says", &says), ("note", &note)])
            }
        }
    }

    /// What would have changed the verdict: without this evidence it would have been `decision`, which is milder.
    pub(crate) fn otherwise(self, without: &[&Evidence], decision: Decision) -> Option<String> {
        let language = self.language;
        let id = match decision {
            Decision::Approve => "otherwise-approve",
            Decision::Hold => "otherwise-hold",
            Decision::Spam => "otherwise-spam",
            Decision::Discard => return None,
        };
        let what: Vec<String> = without.iter().map(|piece| self.says(piece)).collect();
        Some(messages::sentence(language, id, &[("what", &join(language, &what))]))
    }
}

/// The reason of a verdict that a person's label stands for.
pub fn of_label(language: Language, by: &str, label: Label) -> String {
    let id = match label {
        Label::Ham => "said-ham",
        Label::Spam => "said-spam",
    };
    messages::sentence(language, id, &[("by", &quote::name(language, by))])
}

/// The reason of a verdict that a person decided.
pub fn of_decision(language: Language, by: &str, decision: Decision) -> String {
    let id = match decision {
        Decision::Approve => "decided-approve",
        Decision::Hold => "decided-hold",
        Decision::Spam => "decided-spam",
        Decision::Discard => "decided-discard",
    };
    messages::sentence(language, id, &[("by", &quote::name(language, by))])
}

/// The reason of a verdict that follows what a person decided for the whole campaign.
pub fn of_campaign(language: Language, campaign: i64, decision: Decision) -> String {
    let id = match decision {
        Decision::Approve => "campaign-approve",
        Decision::Hold => "campaign-hold",
        Decision::Spam => "campaign-spam",
        Decision::Discard => "campaign-discard",
    };
    messages::sentence(language, id, &[("campaign", &quote::name(language, &campaign.to_string()))])
}

/// Which fields were not sent, in one sentence; `None` when all were.
pub fn not_sent(language: Language, fields: &[Cow<'static, str>]) -> Option<String> {
    let named = |field: &Cow<'static, str>| {
        let id = messages::of_field(field);
        let name = messages::plain(language, &id).or_else(|| messages::plain(Language::English, &id));
        name.unwrap_or_else(|| field.clone()).into_owned()
    };
    let fields: Vec<String> = fields.iter().map(named).collect();
    (!fields.is_empty()).then(|| messages::sentence(language, "not-sent", &[("fields", &join(language, &fields))]))
}

/// What may be told to who wrote the comment: nothing of how it was judged.
pub fn for_commenter(language: Language, decision: Decision) -> ForCommenter {
    let (status, id) = match decision {
        Decision::Approve => (PublicStatus::Approved, "commenter-approved"),
        Decision::Hold => (PublicStatus::Held, "commenter-held"),
        Decision::Spam | Decision::Discard => (PublicStatus::Rejected, "commenter-rejected"),
    };
    ForCommenter { status, language, message: messages::sentence(language, id, &[]) }
}

/// `a, b and c`.
fn join(language: Language, parts: &[String]) -> String {
    let [first, rest @ ..] = parts else { return String::new() };
    let last = rest.len();
    rest.iter().zip(1..).fold(first.clone(), |head, (next, number)| {
        let id = if number == last { "and-last" } else { "and" };
        messages::sentence(language, id, &[("head", &head), ("next", next)])
    })
}

#[cfg(test)]
mod tests;
