//! What a site's ham says of its budget: gathers held-out ham, judges it and keeps the threshold that follows.
//!
//! Owns which comments are held-out ham, and with which score. Does not own the arithmetic (`budget`) nor when it is
//! done (`daemon::budgets`, `hamlet site set`).
//!
//! Ham is what a person labelled ham or let through, and what the checks let through without being contradicted for
//! [`SETTLED`], of the last [`WINDOW`], the newest [`MOST_HAM`] of it. What a trusted role, a list or the policy of
//! countries decided is left out: no threshold reaches it.
//!
//! Each is judged anew, as it would be if it came now. But the model, or what the site taught, may have learned from the
//! very comment when it has a label: a score on what was learned from is no held-out score. The stored verdict has the
//! score of the time before the label, and the higher of the two counts.
//!
//! Its limits: presumed ham holds spam that nobody noticed, which makes the threshold higher than it need be; a comment
//! that the operator trained with from a dump of the same site counts with its new score all the same; and ham that is
//! held and looked at by nobody is missing, which makes the threshold lower than it should be. The last is counted and
//! told ([`Measured::unreviewed`]).

use std::future::Future;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Pipeline;
use crate::budget::{MOST_HAM, Measured, choose, needed};
use crate::site::Site;
use crate::store::{HamComment, HamWord, StoreError};
use crate::verdict::{Evidence, Score};

/// How far back ham is looked for.
const WINDOW: SignedDuration = SignedDuration::from_hours(24 * 90);
/// How old a comment is before it counts: a person has had the time to contradict.
const SETTLED: SignedDuration = SignedDuration::from_hours(24 * 3);
/// Comments that are read and judged at once: some milliseconds.
const PAGE: u32 = 64;

impl Pipeline {
    /// Looks at the site's ham and keeps what it says of the site's budget; what was kept, `None` if there is no budget
    /// (any more), or another one by now.
    ///
    /// * `rest`: waits after each page, told how long that took.
    pub async fn measure_budget<F>(
        &self,
        site: &Site,
        rest: impl Fn(Duration) -> F,
    ) -> Result<Option<Measured>, StoreError>
    where
        F: Future<Output = ()>,
    {
        let Some(budget) = &site.policy.budget else { return Ok(None) };
        let (now, judge) = (self.clock.now(), self.current_judge());
        let (from, to) = (earlier(now, WINDOW), earlier(now, SETTLED));
        let mut scores: Vec<Score> = Vec::new();
        let mut before = None;
        loop {
            let started = self.clock.elapsed();
            let page = self.store.ham(site.id, from, to, before, PAGE).await?;
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            for ham in &page {
                scores.extend(self.held_out_score(ham, site));
            }
            if scores.len() >= MOST_HAM as usize {
                scores.truncate(MOST_HAM as usize);
                break;
            }
            rest(self.clock.elapsed().saturating_sub(started)).await;
        }
        let measured = Measured {
            ham: u32::try_from(scores.len()).unwrap_or(MOST_HAM),
            needed: needed(budget.max_blocked_ham),
            chosen: choose(scores, budget.max_blocked_ham),
            unreviewed: self.store.unreviewed(site.id, from, to).await?,
            model: judge.classifier().id().to_owned(),
            rules: judge.rules().version().to_owned(),
            at: now,
        };
        let is_kept = self.store.record_measured(site.id, budget.max_blocked_ham, measured.clone()).await?;
        Ok(is_kept.then_some(measured))
    }

    /// `None` for what is no held-out ham after all, or not the threshold's to decide.
    fn held_out_score(&self, ham: &HamComment, site: &Site) -> Option<Score> {
        // In shadow mode everything is let through: what would have been blocked is not presumed to be ham.
        let then = &ham.verdict;
        if ham.word == HamWord::Presumed && then.score >= then.thresholds.hold {
            return None;
        }
        // What was known then is what is known of a comment that comes; what people said of it since is not.
        let now = self.judge_anew(&ham.comment, site, &then.facts);
        if now.evidence.iter().any(decides_alone) {
            return None;
        }
        let learned_from = ham.word == HamWord::Labelled && !then.evidence.iter().any(decides_alone);
        Some(if learned_from && then.score > now.score { then.score } else { now.score })
    }
}

/// Evidence that beats whatever the threshold is.
fn decides_alone(evidence: &Evidence) -> bool {
    matches!(evidence.symbol.as_ref(), "ALLOW_LIST" | "BLOCK_LIST" | "ROLE_STAFF" | "COUNTRY_POLICY")
}

fn earlier(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_sub(by).unwrap_or(Timestamp::MIN)
}
