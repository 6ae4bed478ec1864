//! What happens at each threshold, and how scores lie: the numbers that are drawn.

use crate::training::evaluation::Judged;

/// Thresholds from 0.001 to 0.999, in steps of a tenth of a nat, and how many comments reach each.
#[derive(Debug)]
pub(super) struct Curve {
    pub ham: u64,
    pub spam: u64,
    /// Rising.
    pub steps: Vec<Step>,
    /// For the lines: false and true positives from none to all, thinned.
    pub path: Vec<(u64, u64)>,
    /// Ten bins of scores that are alike wide.
    pub bins: [Bin; 10],
    /// Rising, each with whether it is spam's.
    scores: Vec<(f64, bool)>,
}

/// Comments whose scores lie together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bin {
    pub rows: u64,
    pub spam: u64,
    /// Scores, added up.
    pub scores: f64,
}

/// How many comments have at least this score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub threshold: f64,
    pub ham: u64,
    pub spam: u64,
}

/// Steps of the curve to either side of even odds.
const STEPS: i32 = 70;
/// Points of a line: more than a screen has columns for.
const PATH_POINTS: u64 = 400;

fn odds(nats: f64) -> f64 {
    1.0 / (1.0 + (-nats).exp())
}

/// Of ham, of spam.
fn count(rows: &[(f64, bool)]) -> (u64, u64) {
    let spam = rows.iter().filter(|row| row.1).count() as u64;
    (rows.len() as u64 - spam, spam)
}

impl Curve {
    pub fn of<'a>(rows: impl Iterator<Item = &'a Judged>) -> Curve {
        let mut scores: Vec<(f64, bool)> = rows.map(|row| (row.score(), row.is_spam)).collect();
        scores.sort_by(|left, right| left.0.total_cmp(&right.0));
        let (ham, spam) = count(&scores);
        let mut steps = Vec::new();
        let (mut at, mut below) = (0, (0, 0));
        for step in -STEPS..=STEPS {
            let threshold = odds(f64::from(step) / 10.0);
            let rest = scores.get(at..).unwrap_or_default();
            let end = rest.partition_point(|row| row.0 < threshold);
            let here = count(rest.get(..end).unwrap_or_default());
            below = (below.0 + here.0, below.1 + here.1);
            at += end;
            steps.push(Step { threshold, ham: ham - below.0, spam: spam - below.1 });
        }
        // Walked from the highest score down; equal scores are one point, for no threshold parts them.
        let mut path = vec![(0, 0)];
        let (mut reached, mut last) = ((0, 0), (0, 0));
        let far = |from: (u64, u64), to: (u64, u64)| {
            (to.0 - from.0) * PATH_POINTS > 2 * ham || (to.1 - from.1) * PATH_POINTS > 2 * spam
        };
        #[expect(clippy::float_cmp, reason = "ties are exact")]
        for equals in scores.chunk_by(|left, right| left.0 == right.0).rev() {
            let here = count(equals);
            reached = (reached.0 + here.0, reached.1 + here.1);
            if far(last, reached) {
                path.push(reached);
                last = reached;
            }
        }
        path.push((ham, spam));
        let mut bins = [Bin::default(); 10];
        for &(score, is_spam) in &scores {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a score lies in [0, 1]")]
            if let Some(bin) = bins.get_mut(((score * 10.0) as usize).min(9)) {
                bin.rows += 1;
                bin.spam += u64::from(is_spam);
                bin.scores += score;
            }
        }
        Curve { ham, spam, steps, path, bins, scores }
    }

    /// Ham and spam by score, in steps of half a nat; the outermost hold all beyond.
    pub fn histogram(&self) -> Vec<(u64, u64)> {
        let mut edges: Vec<(u64, u64)> = self.steps.iter().step_by(5).map(|step| (step.ham, step.spam)).collect();
        if let Some(first) = edges.first_mut() {
            *first = (self.ham, self.spam);
        }
        if let Some(last) = edges.last_mut() {
            *last = (0, 0);
        }
        edges
            .windows(2)
            .filter_map(|pair| Some((pair.first()?, pair.last()?)))
            .map(|(a, b)| (a.0 - b.0, a.1 - b.1))
            .collect()
    }

    /// How many comments reach this threshold, whether it is one of the steps or not.
    pub fn at(&self, threshold: f64) -> Step {
        let from = self.scores.partition_point(|row| row.0 < threshold);
        let (ham, spam) = count(self.scores.get(from..).unwrap_or_default());
        Step { threshold, ham, spam }
    }
}
