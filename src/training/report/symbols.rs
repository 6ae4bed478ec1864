//! How often each symbol and each telling word was met in ham and in spam.

use std::collections::HashMap;

use crate::verdict::{Evidence, Symbol, Token};

/// Where something was met.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Met {
    pub ham: u64,
    pub spam: u64,
    /// Nats, added up over all comments.
    pub weight: f64,
}

impl Met {
    fn add(&mut self, is_spam: bool, weight: f64) {
        *(if is_spam { &mut self.spam } else { &mut self.ham }) += 1;
        self.weight += weight;
    }

    pub fn count(&self) -> u64 {
        self.ham + self.spam
    }

    #[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
    pub fn mean_weight(&self) -> f64 {
        self.weight / self.count().max(1) as f64
    }

    /// How much likelier it is in spam than in ham, half a comment added to each count.
    #[expect(clippy::cast_precision_loss, reason = "fewer comments than 2^53")]
    pub fn likelihood_ratio(&self, ham: u64, spam: u64) -> f64 {
        let share = |met: u64, all: u64| (met as f64 + 0.5) / (all as f64 + 1.0);
        share(self.spam, spam) / share(self.ham, ham)
    }
}

/// Symbols that fired.
#[derive(Debug, Default)]
pub(super) struct Symbols(HashMap<Symbol, Met>);

impl Symbols {
    pub fn add(&mut self, evidence: &[Evidence], is_spam: bool) {
        for piece in evidence {
            // These speak of every comment.
            if !matches!(piece.symbol.as_ref(), "BAYES" | "PRIOR" | "BOUND") {
                self.0.entry(piece.symbol.clone()).or_default().add(is_spam, piece.weight.get());
            }
        }
    }

    /// Most frequent first.
    pub fn sorted(&self) -> Vec<(&str, Met)> {
        let mut all: Vec<_> = self.0.iter().map(|(symbol, met)| (symbol.as_ref(), *met)).collect();
        all.sort_by(|left, right| right.1.count().cmp(&left.1.count()).then_with(|| left.0.cmp(right.0)));
        all
    }
}

/// Words and links that verdicts named.
#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<String, Met>);

impl Tokens {
    /// Words that are counted at once. When there are more, those met once so far are forgotten: what is frequent comes
    /// again.
    const MAX: usize = 200_000;

    pub fn add(&mut self, tokens: &[Token], is_spam: bool) {
        for token in tokens {
            self.0.entry(token.text.clone()).or_default().add(is_spam, token.weight.get());
        }
        let mut rare = 1;
        while self.0.len() > Tokens::MAX {
            self.0.retain(|_, met| met.count() > rare);
            rare += 1;
        }
    }

    /// Those met in at least `least` comments that told most in all: towards spam (`side` 1) or ham (-1).
    pub fn telling(&self, side: f64, least: u64, limit: usize) -> Vec<(&str, Met)> {
        let is_in = |met: &Met| met.count() >= least && met.weight * side > 0.0;
        let mut all: Vec<_> =
            self.0.iter().filter(|(_, met)| is_in(met)).map(|(text, met)| (text.as_str(), *met)).collect();
        all.sort_by(|left, right| {
            right.1.weight.abs().total_cmp(&left.1.weight.abs()).then_with(|| left.0.cmp(right.0))
        });
        all.truncate(limit);
        all
    }
}
