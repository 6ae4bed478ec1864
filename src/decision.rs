//! The decision: from evidence to an act.
//!
//! Owns adding evidence up to a score, and comparing that score with a site's thresholds; no other module compares a
//! score with anything. Does not own where evidence comes from (`rules`, `classifier`, `lists`), how it is told
//! (`reason`), nor what happens next (`pipeline`, `store`).

mod country;
mod otherwise;

use jiff::Timestamp;

use crate::classifier::Classifier;
use crate::classifier::site::SiteCounts;
use crate::comment::Comment;
use crate::facts::Facts;
use crate::language::Language;
use crate::lists::{self, Lists};
use crate::reason::Voice;
use crate::rules::{Case, RuleSet};
use crate::site::{ListKind, Policy, Site};
use crate::text::Text;
use crate::verdict::{Decision, Evidence, Nats, Score, Thresholds, Verdict};

/// An allow list beats everything that rules, classifier and block lists can say together.
const ALLOW_LIST: f64 = -80.0;
/// A block list beats rules and classifier.
const BLOCK_LIST: f64 = 40.0;
/// The site's own staff is let through; a block list entry does not reach them either.
const ROLE_STAFF: f64 = -60.0;

/// Rules and classifier together: everything a verdict depends on besides the comment and its site.
#[derive(Debug)]
pub struct Judge {
    rules: RuleSet,
    classifier: Classifier,
}

impl Judge {
    pub fn new(rules: RuleSet, classifier: Classifier) -> Judge {
        Judge { rules, classifier }
    }

    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    pub fn classifier(&self) -> &Classifier {
        &self.classifier
    }

    /// The verdict when nothing else is known of the comment and the site has taught nothing; see [`Judge::judge_case`].
    pub fn judge(&self, comment: &Comment, site: &Site, lists: &Lists, now: Timestamp) -> Verdict {
        let case = Case { comment, text: &Text::of(comment), facts: &Facts::NONE, site };
        self.judge_case(&case, lists, &SiteCounts::default(), now)
    }

    /// The verdict on one comment. Any bytes get one: judging has no error case.
    ///
    /// `lists` are those of the case's site, made ready, and `taught` is what its labels taught. `Verdict::micros` is left
    /// at 0 for whoever holds the stopwatch.
    pub fn judge_case(&self, case: &Case<'_>, lists: &Lists, taught: &SiteCounts, now: Timestamp) -> Verdict {
        let Case { comment, text, facts, site } = *case;
        let mut opinion = self.classifier.opinion_of(comment, text, taught);

        let mut evidence = self.rules.fired(case);
        evidence.push(Evidence::new("PRIOR", self.classifier.prior(), ""));
        evidence.push(Evidence::new("BAYES", opinion.weight, bayes_note(opinion.coverage)));
        evidence.extend(opinion.of_site.map(|weight| Evidence::new("BAYES_SITE", weight, taught.note())));
        evidence.extend(staff(comment, &site.policy));
        for entry in lists.hits(comment, text, now) {
            let (symbol, weight) = match entry.list {
                ListKind::Allow => ("ALLOW_LIST", ALLOW_LIST),
                ListKind::Block => ("BLOCK_LIST", BLOCK_LIST),
            };
            // Two entries of one list say no more than one: the first speaks, the others are named with no weight.
            let is_repeat = evidence.iter().any(|piece| piece.symbol == symbol);
            let weight = if is_repeat { Nats::ZERO } else { Nats::clamped(weight) };
            evidence.push(Evidence::new(symbol, weight, lists::note(entry)));
        }
        // Before anything is added up: what is shown is what counted.
        evidence.iter_mut().for_each(|piece| piece.weight = piece.weight.rounded());
        opinion.tokens.iter_mut().for_each(|token| token.weight = token.weight.rounded());
        let (thresholds, max_blocked_ham) = site.policy.in_force();
        evidence.extend(country::policy(case, &evidence, thresholds.hold));
        bound(&mut evidence);
        evidence.sort_by(|a, b| b.weight.get().abs().total_cmp(&a.weight.get().abs()));

        let score = Score::of(&evidence);
        let judged = decide(score, &thresholds);
        let is_shadow = site.policy.shadow;
        let decision = if is_shadow { Decision::Approve } else { judged };
        let language = Language::of_site(site.policy.language, comment.lang.as_deref());
        let voice = Voice { language, rules: &self.rules };
        let otherwise = if is_shadow { None } else { otherwise::of(&evidence, judged, &thresholds, &self.rules) };
        Verdict {
            decision,
            score,
            reason: voice.reason(judged, &evidence, &opinion.tokens, is_shadow),
            otherwise: otherwise.and_then(|it| voice.otherwise(&it.without, it.decision)),
            not_sent: self.rules.not_sent(case).map(|field| field.as_str().into()).collect(),
            evidence,
            tokens: opinion.tokens,
            thresholds,
            max_blocked_ham,
            facts: facts.clone(),
            model: self.classifier.id().to_owned(),
            rules: self.rules.version().to_owned(),
            decided_at: now,
            micros: 0,
        }
    }
}

fn bayes_note(coverage: f64) -> String {
    format!("{:.0} % of its features are known", coverage * 100.0)
}

/// Trusted only for a role that the site's policy names; the role is sent under the site's own key.
fn staff(comment: &Comment, policy: &Policy) -> Option<Evidence> {
    let trusted = |role: &&str| policy.trusted_roles.iter().any(|name| name.eq_ignore_ascii_case(role));
    let role = comment.author.roles().find(trusted)?;
    Some(Evidence::new("ROLE_STAFF", Nats::clamped(ROLE_STAFF), role))
}

/// Keeps the sum within ±[`Score::MAX_LOGIT`]; what is cut off is evidence too, so that the weights still add up.
fn bound(evidence: &mut Vec<Evidence>) {
    let sum: Nats = evidence.iter().map(|piece| piece.weight).sum();
    let bounded = sum.get().clamp(-Score::MAX_LOGIT, Score::MAX_LOGIT);
    if bounded != sum.get() {
        evidence.push(Evidence::new("BOUND", Nats::clamped(bounded - sum.get()), "no verdict is surer than this"));
    }
}

/// A threshold belongs to the harsher side.
fn decide(score: Score, thresholds: &Thresholds) -> Decision {
    if thresholds.discard.is_some_and(|discard| score >= discard) {
        Decision::Discard
    } else if score >= thresholds.spam {
        Decision::Spam
    } else if score >= thresholds.hold {
        Decision::Hold
    } else {
        Decision::Approve
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{ListEntry, SiteId};

    fn score(probability: f64) -> Score {
        Score::new(probability).unwrap()
    }

    #[track_caller]
    fn check(probability: f64, expected: Decision) {
        let thresholds = Thresholds { hold: score(0.5), spam: score(0.95), discard: Some(score(0.999)) };
        assert_eq!(decide(score(probability), &thresholds), expected, "score {probability}");
    }

    #[test]
    fn a_threshold_belongs_to_the_harsher_side() {
        check(0.0, Decision::Approve);
        check(0.499, Decision::Approve);
        check(0.500, Decision::Hold);
        check(0.949, Decision::Hold);
        check(0.950, Decision::Spam);
        check(0.999, Decision::Discard);
        check(1.0, Decision::Discard);
    }

    #[test]
    fn a_site_that_did_not_ask_never_discards() {
        let thresholds = Thresholds { hold: score(0.5), spam: score(0.95), discard: None };
        assert_eq!(decide(score(1.0), &thresholds), Decision::Spam);
    }

    fn site(lists: Vec<ListEntry>) -> (Site, Lists) {
        let site = Site {
            id: SiteId(1),
            name: "test".into(),
            url: "https://news.example/".into(),
            policy: Policy::standard(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        (site, Lists::of(&lists))
    }

    fn entry(list: ListKind, pattern: &str) -> ListEntry {
        ListEntry {
            list,
            pattern: pattern.parse().unwrap(),
            reason: "seen before".into(),
            added_by: String::new(),
            added_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
        }
    }

    fn judge(comment: &Comment, (site, lists): &(Site, Lists)) -> Verdict {
        let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
        let verdict = judge.judge(comment, site, lists, Timestamp::UNIX_EPOCH);
        let sum: f64 = verdict.evidence.iter().map(|piece| piece.weight.get()).sum();
        assert!((sum - verdict.score.logit()).abs() < 1e-6, "{sum} is not the logit of {:?}", verdict.score);
        verdict
    }

    const SPAM: &str = "Buy cheap viagra online casino bonus https://bit.ly/x [url=http://casino.example]casino[/url]";

    #[test]
    fn an_allow_list_beats_everything_and_a_block_list_beats_the_text() {
        let comment = Comment::of_text(SPAM);
        assert!(judge(&comment, &site(vec![])).decision >= Decision::Hold);
        let allowed = site(vec![entry(ListKind::Block, "domain:bit.ly"), entry(ListKind::Allow, "phrase:casino")]);
        let verdict = judge(&comment, &allowed);
        assert_eq!(verdict.decision, Decision::Approve);
        assert!(
            verdict.reason.contains("an entry of the allow list: phrase:casino (seen before)"),
            "{}",
            verdict.reason
        );

        let friendly = Comment::of_text("Thank you for this article, I learned a lot from the second part.");
        assert_eq!(judge(&friendly, &site(vec![])).decision, Decision::Approve);
        let blocked = judge(&friendly, &site(vec![entry(ListKind::Block, "phrase:this article")]));
        assert_eq!(blocked.decision, Decision::Spam);
        assert!(blocked.reason.starts_with("Marked as spam: an entry of the block list"), "{}", blocked.reason);
    }

    #[test]
    fn a_trusted_role_is_let_through_and_another_is_not() {
        let mut comment = Comment::of_text(SPAM);
        comment.author.role = Some("subscriber".into());
        assert!(judge(&comment, &site(vec![])).decision >= Decision::Hold);
        comment.author.role = Some("customer, Administrator".into());
        let verdict = judge(&comment, &site(vec![]));
        assert_eq!(verdict.decision, Decision::Approve);
        assert_eq!(verdict.evidence[0].symbol, "ROLE_STAFF");
    }

    #[test]
    fn a_site_in_shadow_mode_hears_approve_and_what_would_have_been() {
        let mut shadowed = site(vec![]);
        shadowed.0.policy.shadow = true;
        let verdict = judge(&Comment::of_text(SPAM), &shadowed);
        assert_eq!(verdict.decision, Decision::Approve);
        assert!(verdict.reason.starts_with("Let through in shadow mode"), "{}", verdict.reason);
        assert!(verdict.score >= score(0.5));
    }

    #[test]
    fn a_reason_is_in_the_language_of_the_site() {
        let mut comment = Comment::of_text(SPAM);
        comment.lang = Some("de-AT".into());
        assert!(judge(&comment, &site(vec![])).reason.starts_with("Als Spam eingestuft: "));
        let mut arabic = site(vec![]);
        arabic.0.policy.language = Some(Language::Arabic);
        assert!(judge(&comment, &arabic).reason.starts_with("صُنّف تعليقًا مزعجًا: "));
        comment.lang = Some("fr".into());
        assert!(judge(&comment, &site(vec![])).reason.starts_with("Marked as spam: "));
    }

    #[test]
    fn without_what_is_named_the_decision_would_have_been_milder() {
        let texts = [
            "Great post! cheap watches at https://bit.ly/x",
            "online casino bonus",
            "https://bit.ly/3xYzAbC",
            "Buy followers now, whatsapp +1 555 010 9999",
            "[url=http://a.example]a[/url] [b](http://b.example) <a href='http://c.example'>c</a>",
            SPAM,
        ];
        let mut named = 0;
        for text in texts {
            let verdict = judge(&Comment::of_text(text), &site(vec![]));
            let rules = RuleSet::embedded();
            let found = otherwise::of(&verdict.evidence, verdict.decision, &verdict.thresholds, &rules);
            assert_eq!(found.is_some(), verdict.otherwise.is_some(), "{text}");
            let Some(found) = found else { continue };
            named += 1;
            let is_left = |piece: &&Evidence| !found.without.contains(piece) && piece.symbol != "BOUND";
            let mut left: Vec<Evidence> = verdict.evidence.iter().filter(is_left).cloned().collect();
            bound(&mut left);
            let milder = decide(Score::of(&left), &verdict.thresholds);
            assert!(milder <= found.decision && found.decision < verdict.decision, "{text}: {milder} {found:?}");
        }
        assert!(named >= 3, "{named}");
    }

    #[test]
    fn what_was_not_sent_is_known() {
        let mut comment = Comment::of_text("hello");
        comment.author.email = Some(String::new());
        let verdict = judge(&comment, &site(vec![]));
        assert!(verdict.not_sent.contains(&"author.name".into()) && verdict.not_sent.contains(&"form_seconds".into()));
        assert!(!verdict.not_sent.contains(&"author.email".into()), "sent, though empty");
        assert_eq!(verdict.otherwise, None, "it is approved");
    }

    #[test]
    fn a_reason_is_one_sentence() {
        let verdict = judge(&Comment::of_text(""), &site(vec![]));
        assert!(verdict.reason.ends_with('.') && verdict.reason.contains(": "), "{}", verdict.reason);
    }
}
