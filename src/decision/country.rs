//! What a site's policy says of countries: a person looks first at what comes from some of them.
//!
//! Owns whom it reaches. It is the operator's word and no evidence of spam, so that it weighs just what is missing for a
//! person to look, and never makes a comment spam.

use crate::rules::Case;
use crate::verdict::{Evidence, Nats, Score};

pub(super) const SYMBOL: &str = "COUNTRY_POLICY";

/// Whom moderators have let through here, and whom the operator trusts, may travel.
const TRUSTED: [&str; 4] = ["ALLOW_LIST", "ROLE_STAFF", "AUTHOR_APPROVED", "MOD_PINNED_HAM"];

/// `COUNTRY_POLICY`: the comment comes from a country that the site's policy wants looked at, and nothing else would hold it.
/// `None` where the country is not known.
///
/// * `evidence`: all other, rounded.
/// * `hold`: the threshold in force.
pub(super) fn policy(case: &Case<'_>, evidence: &[Evidence], hold: Score) -> Option<Evidence> {
    let country = case.facts.network.as_ref()?.country.as_deref()?;
    let policy = &case.site.policy;
    let is_listed = |codes: &[String]| codes.iter().any(|code| code == country);
    let is_foreign = !policy.countries.is_empty() && !is_listed(&policy.countries);
    if !is_foreign && !is_listed(&policy.hold_countries) {
        return None;
    }
    if evidence.iter().any(|piece| TRUSTED.contains(&piece.symbol.as_ref()) && piece.weight < Nats::ZERO) {
        return None;
    }
    let sum: Nats = evidence.iter().map(|piece| piece.weight).sum();
    let missing = hold.logit() - sum.get();
    // A millionth more: a sum of floats must not fall short of the threshold by the last bit.
    (missing > 0.0 && missing.is_finite())
        .then(|| Evidence::new(SYMBOL, Nats::clamped(missing + 1e-6).rounded(), country))
}

#[cfg(test)]
mod tests {
    use super::super::{Judge, decide};
    use super::*;
    use crate::classifier::Classifier;
    use crate::classifier::site::SiteCounts;
    use crate::comment::Comment;
    use crate::facts::Facts;
    use crate::lists::Lists;
    use crate::rules::RuleSet;
    use crate::site::{Policy, Site, SiteId};
    use crate::text::Text;
    use crate::verdict::{Decision, Verdict};
    use jiff::Timestamp;

    fn judged(content: &str, role: Option<&str>, country: Option<&str>, policy: Policy) -> Verdict {
        let site = Site {
            id: SiteId(1),
            name: "news".into(),
            url: "https://news.example/".into(),
            policy,
            created_at: Timestamp::UNIX_EPOCH,
        };
        let mut comment = Comment::of_text(content);
        comment.author.role = role.map(str::to_owned);
        let facts: Facts =
            serde_json::from_value(serde_json::json!({"network": {"asked": 1, "country": country}})).unwrap();
        let text = Text::of(&comment);
        let case = Case { comment: &comment, text: &text, facts: &facts, site: &site };
        let judge = Judge::new(RuleSet::embedded(), Classifier::shipped());
        let verdict = judge.judge_case(&case, &Lists::of(&[]), &SiteCounts::default(), Timestamp::UNIX_EPOCH);
        let sum: f64 = verdict.evidence.iter().map(|piece| piece.weight.get()).sum();
        assert!((sum - verdict.score.logit()).abs() < 1e-6, "{verdict:?}");
        assert_eq!(verdict.decision, decide(verdict.score, &verdict.thresholds));
        verdict
    }

    fn policy(countries: &[&str], hold_countries: &[&str]) -> Policy {
        let codes = |codes: &[&str]| codes.iter().map(|&code| code.to_owned()).collect();
        Policy { countries: codes(countries), hold_countries: codes(hold_countries), ..Policy::standard() }
    }

    const HAM: &str = "I read the second half of your report twice and still wonder where the figures of 2019 went.";

    #[track_caller]
    fn check(country: Option<&str>, policy: Policy, expected: Decision) {
        let verdict = judged(HAM, None, country, policy);
        assert_eq!(verdict.decision, expected, "{verdict:?}");
        let is_named = verdict.evidence.iter().any(|piece| piece.symbol == SYMBOL);
        assert_eq!(is_named, expected == Decision::Hold);
    }

    #[test]
    fn what_comes_from_a_country_that_is_looked_at_is_held_and_from_others_not() {
        use Decision::{Approve, Hold};
        check(Some("RU"), policy(&[], &[]), Approve);
        check(Some("RU"), policy(&["EG", "SA"], &[]), Hold);
        check(Some("EG"), policy(&["EG", "SA"], &[]), Approve);
        check(Some("RU"), policy(&[], &["RU"]), Hold);
        check(Some("EG"), policy(&["EG"], &["EG"]), Hold);
        check(None, policy(&["EG"], &["RU"]), Approve);
    }

    #[test]
    fn it_never_makes_spam_and_reaches_nobody_who_is_trusted() {
        let spam = "Buy cheap viagra online casino bonus https://bit.ly/x [url=http://casino.example]casino[/url]";
        let (here, there) = (policy(&[], &[]), policy(&["EG"], &[]));
        assert_eq!(judged(spam, None, Some("RU"), there.clone()).score, judged(spam, None, Some("RU"), here).score);
        assert_eq!(judged(HAM, Some("editor"), Some("RU"), there).decision, Decision::Approve);
    }

    #[test]
    fn only_the_policy_is_named_as_what_would_have_changed_the_verdict() {
        let verdict = judged("See https://bit.ly/x for the figures of 2019.", None, Some("RU"), policy(&["EG"], &[]));
        let otherwise = verdict.otherwise.unwrap();
        assert!(otherwise.contains("RU") && !otherwise.contains("bit.ly"), "{otherwise}");
    }
}
