//! Weights of rules, fitted to labelled comments beside what the classifier says of them.
//!
//! Owns the problem and its solver. Does not own which comments these are, nor what the classifier says (`rule_trial`).
//!
//! The log-odds of spam of a comment are what serves: the classifier's, which has not seen the comment, and for each
//! family of rules the sum of weight × strength over those that fired, cut at the family's cap. The classifier's part is
//! not free to give way, because where the weights will serve it does not either; so a rule earns only what the classifier
//! leaves unsaid, and the two do not count the same thing twice. Each fold of the classifier has an intercept of its own,
//! and a slope if asked for. Weights keep the side of their hand value, and are pulled towards it.
//!
//! The caps bend the loss, so it is not convex; the descent goes down from the hand values all the same, by Newton's steps
//! within the bounds, each halved until the loss falls.

use super::rule_stats::Hit;

/// One comment.
#[derive(Clone, Debug)]
pub struct Row {
    pub hits: Vec<Hit>,
    /// What the classifier says, with the prior, nats.
    pub bayes: f64,
    pub is_spam: bool,
    /// How many comments it counts as.
    pub weight: f64,
    /// Which of the classifiers spoke, from 0.
    pub fold: usize,
}

/// One rule, by its place in [`Hit::rule`].
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// The hand value, nats: where the fit begins and what it is pulled to.
    pub home: f64,
    /// Where it may go, nats; both ends are the hand value of a rule that is to keep it.
    pub least: f64,
    pub most: f64,
    /// Place of its family's cap.
    pub family: usize,
}

/// How the fit goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Half of this times the square of the distance from the hand value is a loss in nats: one comment is worth some 0.2
    /// of curvature, so 10 hold as some fifty hits do.
    pub ridge: f64,
    /// May the classifier's part be stretched? For looking: what serves cannot do so.
    pub is_slope_free: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { ridge: 10.0, is_slope_free: false }
    }
}

/// What a fold adds: log-odds are `intercept + slope × bayes` and the rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub intercept: f64,
    pub slope: f64,
}

impl Line {
    const IDENTITY: Line = Line { intercept: 0.0, slope: 1.0 };
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// One for each [`Term`], nats.
    pub weights: Vec<f64>,
    pub folds: Vec<Line>,
    /// Mean loss of a comment, nats, with the hand values and with the fitted ones; both with fitted lines.
    pub loss: [f64; 2],
}

/// How strongly a line is held at the identity: it cannot run away where a fold has one kind only.
const LINE_RIDGE: f64 = 1.0;
const MAX_STEPS: usize = 100;
/// Over the numbers sought, within one step.
const MAX_SWEEPS: usize = 1_000;

/// Log-odds that the rules add: each family's sum, cut at its cap.
pub fn said_by_rules(hits: &[Hit], weights: &[f64], families: impl Fn(usize) -> Option<usize>, caps: &[f64]) -> f64 {
    let mut totals = vec![0.0; caps.len()];
    for hit in hits {
        let rule = usize::from(hit.rule);
        if let (Some(weight), Some(total)) = (weights.get(rule), families(rule).and_then(|at| totals.get_mut(at))) {
            *total += weight * f64::from(hit.strength);
        }
    }
    totals.iter().zip(caps).map(|(total, cap)| total.clamp(-cap, *cap)).sum()
}

/// Fits the weights. `caps`: one for each family, nats, 0 or more.
///
/// Rows without a hit of any rule count too: they hold the intercepts.
pub fn fit(rows: &[Row], terms: &[Term], caps: &[f64], settings: Settings) -> Fitted {
    let folds = rows.iter().map(|row| row.fold + 1).max().unwrap_or(0);
    let problem = Problem { rows, terms, caps, settings, folds };
    let start = problem.start();
    // The lines are fitted to the hand values first: what weights are worth is measured from there.
    let lines_only: Vec<bool> = (0..start.len()).map(|place| place >= terms.len()).collect();
    let start = problem.descend(start, &lines_only);
    let end = problem.descend(start.clone(), &vec![true; start.len()]);
    let loss = [problem.mean_loss(&start), problem.mean_loss(&end)];
    let folds = (0..folds).map(|fold| problem.line(&end, fold)).collect();
    Fitted { weights: end.into_iter().take(terms.len()).collect(), folds, loss }
}

struct Problem<'a> {
    rows: &'a [Row],
    terms: &'a [Term],
    caps: &'a [f64],
    settings: Settings,
    folds: usize,
}

/// Gradient and curvature of the loss.
struct Bend {
    gradient: Vec<f64>,
    /// Row by row.
    curve: Vec<Vec<f64>>,
}

/// What is sought: the weights, then the intercept and the slope of each fold.
impl Problem<'_> {
    fn start(&self) -> Vec<f64> {
        let lines = (0..self.folds).flat_map(|_| [Line::IDENTITY.intercept, Line::IDENTITY.slope]);
        self.terms.iter().map(|term| term.home).chain(lines).collect()
    }

    fn line(&self, at: &[f64], fold: usize) -> Line {
        let place = self.terms.len() + 2 * fold;
        let number = |place: usize, usual: f64| at.get(place).copied().unwrap_or(usual);
        Line { intercept: number(place, 0.0), slope: number(place + 1, 1.0) }
    }

    /// Where a number is pulled to, how strongly, and within which bounds it stays.
    fn pull(&self, place: usize) -> (f64, f64, f64, f64) {
        match (self.terms.get(place), (place - self.terms.len().min(place)).is_multiple_of(2)) {
            (Some(term), _) => (term.home, self.settings.ridge, term.least, term.most),
            (None, true) => (0.0, LINE_RIDGE, f64::NEG_INFINITY, f64::INFINITY),
            (None, false) if self.settings.is_slope_free => (1.0, LINE_RIDGE, f64::NEG_INFINITY, f64::INFINITY),
            (None, false) => (1.0, LINE_RIDGE, 1.0, 1.0),
        }
    }

    /// The sums of the families before the cut, and the log-odds.
    fn logit(&self, row: &Row, at: &[f64], totals: &mut [f64]) -> f64 {
        totals.fill(0.0);
        for hit in &row.hits {
            let rule = usize::from(hit.rule);
            if let (Some(term), Some(weight)) = (self.terms.get(rule), at.get(rule))
                && let Some(total) = totals.get_mut(term.family)
            {
                *total += weight * f64::from(hit.strength);
            }
        }
        let line = self.line(at, row.fold);
        line.intercept
            + line.slope * row.bayes
            + totals.iter().zip(self.caps).map(|(total, cap)| total.clamp(-cap, *cap)).sum::<f64>()
    }

    fn data_loss(&self, at: &[f64]) -> f64 {
        let mut totals = vec![0.0; self.caps.len()];
        self.rows.iter().map(|row| row.weight * log_loss(self.logit(row, at, &mut totals), row.is_spam)).sum()
    }

    fn mean_loss(&self, at: &[f64]) -> f64 {
        let weight: f64 = self.rows.iter().map(|row| row.weight).sum();
        if weight > 0.0 { self.data_loss(at) / weight } else { 0.0 }
    }

    fn loss(&self, at: &[f64]) -> f64 {
        let pull = |(place, number): (usize, &f64)| {
            let (home, ridge, ..) = self.pull(place);
            ridge / 2.0 * (number - home).powi(2)
        };
        self.data_loss(at) + at.iter().enumerate().map(pull).sum::<f64>()
    }

    /// Goes down to where the loss falls no more, with the numbers that `may_move`.
    fn descend(&self, mut at: Vec<f64>, may_move: &[bool]) -> Vec<f64> {
        let mut loss = self.loss(&at);
        for _ in 0..MAX_STEPS {
            let step = self.step(&at, may_move);
            // Halve the step until the loss falls; when no step helps, this is the place.
            let lengths = std::iter::successors(Some(1.0_f64), |length| Some(length / 2.0)).take(20);
            let tried = lengths.map(|length| {
                let there: Vec<f64> = at.iter().zip(&step).map(|(number, step)| number + length * step).collect();
                (self.loss(&there), there)
            });
            let Some((less, there)) = tried.into_iter().find(|(less, _)| *less < loss) else { break };
            let gain = loss - less;
            (loss, at) = (less, there);
            if gain < 1e-9 * loss.max(1.0) {
                break;
            }
        }
        at
    }

    /// Newton's step within the bounds, by coordinate descent on the loss as it bends here.
    fn step(&self, at: &[f64], may_move: &[bool]) -> Vec<f64> {
        let Bend { mut gradient, curve } = self.bend(at);
        let mut step = vec![0.0; at.len()];
        let free: Vec<usize> = (0..at.len())
            .filter(|&place| {
                let (_, _, least, most) = self.pull(place);
                least < most && may_move.get(place).copied().unwrap_or(false)
            })
            .collect();
        for _ in 0..MAX_SWEEPS {
            let mut farthest = 0.0_f64;
            for &place in &free {
                let (_, _, least, most) = self.pull(place);
                let (Some(curve), Some(number)) = (curve.get(place), at.get(place)) else { continue };
                let (Some(&own), Some(&slope)) = (curve.get(place), gradient.get(place)) else { continue };
                let Some(slot) = step.get_mut(place) else { continue };
                let moved = (number + *slot - slope / own).clamp(least, most) - number - *slot;
                if moved == 0.0 {
                    continue;
                }
                *slot += moved;
                farthest = farthest.max(moved.abs());
                gradient.iter_mut().zip(curve).for_each(|(slope, curve)| *slope += curve * moved);
            }
            if farthest < 1e-7 {
                break;
            }
        }
        step
    }

    fn bend(&self, at: &[f64]) -> Bend {
        let mut bend = Bend { gradient: vec![0.0; at.len()], curve: vec![vec![0.0; at.len()]; at.len()] };
        for (place, number) in at.iter().enumerate() {
            let (home, ridge, ..) = self.pull(place);
            if let (Some(slope), Some(own)) =
                (bend.gradient.get_mut(place), bend.curve.get_mut(place).and_then(|row| row.get_mut(place)))
            {
                *slope = ridge * (number - home);
                *own = ridge + 1e-9;
            }
        }
        let mut totals = vec![0.0; self.caps.len()];
        let mut moves: Vec<(usize, f64)> = Vec::new();
        for row in self.rows {
            let probability = sigmoid(self.logit(row, at, &mut totals));
            let error = row.weight * (probability - f64::from(u8::from(row.is_spam)));
            let curve = row.weight * probability * (1.0 - probability);
            let line = self.terms.len() + 2 * row.fold;
            moves.clear();
            moves.extend([(line, 1.0), (line + 1, row.bayes)]);
            moves.extend(row.hits.iter().filter_map(|hit| {
                let rule = usize::from(hit.rule);
                let family = self.terms.get(rule)?.family;
                // What lies beyond the cap says the same wherever the weight goes.
                let is_free = totals.get(family)?.abs() <= *self.caps.get(family)?;
                is_free.then_some((rule, f64::from(hit.strength)))
            }));
            for &(place, amount) in &moves {
                if let Some(slope) = bend.gradient.get_mut(place) {
                    *slope += error * amount;
                }
                let Some(bent) = bend.curve.get_mut(place) else { continue };
                for &(other, by) in &moves {
                    if let Some(cell) = bent.get_mut(other) {
                        *cell += curve * amount * by;
                    }
                }
            }
        }
        bend
    }
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// -ln of what the true label is given, nats.
fn log_loss(logit: f64, is_spam: bool) -> f64 {
    let against = if is_spam { -logit } else { logit };
    against.max(0.0) + (-against.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Term = Term { home: 1.0, least: 0.0, most: 20.0, family: 0 };
    const HAND: Settings = Settings { ridge: 0.0, is_slope_free: false };

    fn rows(rules: &[u16], is_spam: bool, count: usize) -> Vec<Row> {
        let hits = rules.iter().map(|&rule| Hit { rule, strength: 1.0 }).collect();
        vec![Row { hits, bayes: 0.0, is_spam, weight: 1.0, fold: 0 }; count]
    }

    /// Two by two: (hit spam, hit ham, other spam, other ham), many times over so that the line's own pull is nothing.
    fn table(counts: [usize; 4]) -> Vec<Row> {
        let [hit_spam, hit_ham, spam, ham] = counts.map(|count| count * 100);
        [rows(&[0], true, hit_spam), rows(&[0], false, hit_ham), rows(&[], true, spam), rows(&[], false, ham)].concat()
    }

    #[test]
    fn one_rule_alone_gets_the_log_odds_ratio_of_its_table() {
        // By hand: logit of a hit is ln(30/10), of the rest ln(20/40); the weight is their difference, ln 6 = 1.7918.
        let fitted = fit(&table([30, 10, 20, 40]), &[FREE], &[9.0], HAND);
        assert!((fitted.weights[0] - 6.0_f64.ln()).abs() < 0.01, "{fitted:?}");
        assert!((fitted.folds[0].intercept - 0.5_f64.ln()).abs() < 0.01, "{fitted:?}");
        assert!(fitted.loss[1] < fitted.loss[0], "{fitted:?}");
        // The same where the classifier has said it all: nothing is left for the rule.
        let mut said = table([30, 10, 20, 40]);
        for row in &mut said {
            row.bayes = if row.hits.is_empty() { 0.5_f64.ln() } else { 3.0_f64.ln() };
        }
        let fitted = fit(&said, &[FREE], &[9.0], HAND);
        assert!(fitted.weights[0].abs() < 0.01, "{fitted:?}");
    }

    #[test]
    fn a_weight_keeps_its_side_and_its_bounds() {
        let ham = table([10, 30, 40, 20]);
        assert!(fit(&ham, &[FREE], &[9.0], HAND).weights[0].abs() < 1e-9, "a rule that hits ham says nothing");
        let trust = Term { home: -0.5, least: -20.0, most: 0.0, family: 0 };
        let fitted = fit(&ham, &[trust], &[9.0], HAND);
        assert!((fitted.weights[0] + 6.0_f64.ln()).abs() < 0.01, "{fitted:?}");
        let kept = Term { least: 1.0, most: 1.0, ..FREE };
        assert!((fit(&ham, &[kept], &[9.0], HAND).weights[0] - 1.0).abs() < 1e-12);
        let bounded = Term { most: 1.25, ..FREE };
        assert!((fit(&table([30, 10, 20, 40]), &[bounded], &[9.0], HAND).weights[0] - 1.25).abs() < 1e-9);
    }

    #[test]
    fn few_hits_hardly_move_a_weight_and_many_do() {
        let settings = Settings { ridge: 10.0, ..HAND };
        let few = [rows(&[0], true, 5), rows(&[], true, 500), rows(&[], false, 500)].concat();
        let moved = fit(&few, &[FREE], &[9.0], settings).weights[0] - 1.0;
        // Five spams at σ(1) miss by 0.269 each: 5 × 0.269 / (10 + 5 × 0.197) = 0.12 to a first order.
        assert!((0.08..0.14).contains(&moved), "{moved}");
        let many = [rows(&[0], true, 5_000), rows(&[], true, 500), rows(&[], false, 5_500)].concat();
        assert!(fit(&many, &[FREE], &[9.0], settings).weights[0] > 4.0);
    }

    #[test]
    fn two_rules_that_fire_together_share_what_one_would_say() {
        // Without a pull only the sum is told; with one, both move alike.
        let both =
            [rows(&[0, 1], true, 3_000), rows(&[0, 1], false, 1_000), rows(&[], true, 1_000), rows(&[], false, 1_000)];
        let settings = Settings { ridge: 1.0, ..HAND };
        let fitted = fit(&both.concat(), &[FREE, FREE], &[9.0], settings);
        assert!((fitted.weights[0] - fitted.weights[1]).abs() < 0.01, "{fitted:?}");
        assert!((fitted.weights[0] + fitted.weights[1] - 3.0_f64.ln()).abs() < 0.02, "{fitted:?}");
        // Under a cap of 0.6 the sum says 0.6 whatever it is, and the pull brings both back to the hand value.
        let capped = fit(&both.concat(), &[FREE, FREE], &[0.6], settings);
        assert!(capped.weights.iter().all(|weight| (weight - 1.0).abs() < 1e-6), "{capped:?}");
    }

    #[test]
    fn a_fold_that_is_too_sure_is_stretched_when_that_is_allowed() {
        let mut all = Vec::new();
        for (bayes, spam, ham) in [(4.0, 880, 120), (-4.0, 120, 880)] {
            // ln(880/120) = 1.992, half of what is said.
            all.extend(rows(&[], true, spam).into_iter().chain(rows(&[], false, ham)).map(|row| Row { bayes, ..row }));
        }
        let lines = fit(&all, &[], &[], Settings { is_slope_free: true, ..HAND }).folds;
        assert!((lines[0].slope - 0.5).abs() < 0.01 && lines[0].intercept.abs() < 0.01, "{lines:?}");
        let lines = fit(&all, &[], &[], HAND).folds;
        assert!((lines[0].slope - 1.0).abs() < 1e-12, "{lines:?}");
    }
}
