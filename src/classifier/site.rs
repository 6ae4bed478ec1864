//! What a site's own labels have taught.
//!
//! Owns the counts of one site and the evidence that they give, over what the shared model says already. Does not own where
//! labels come from, nor when they are learned and taken back (`pipeline`).
//!
//! Naive Bayes again, over the shared model: what counts is how much more often than expected a feature was met in the
//! site's ham and in its spam. Expected is the rate that training found, raised by what both classes show together: the
//! common words of a site's language are no evidence, however many labels of one kind there are.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::features::Features;
use super::length_norm;
use crate::verdict::{Label, Nats};

/// How many labelled comments of one site there are, `[ham, spam]`, and how many of each had a column's feature.
///
/// Whole numbers, so that taking a label back is exact. They depend on the features alone and outlive any model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteCounts {
    rows: [u32; 2],
    columns: HashMap<u32, [u32; 2], BuildHasherDefault<Spread>>,
}

/// How much a site's labels say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// Sightings that are added to those counted and to those expected: few say little.
    pub pseudo: f64,
    /// Expected sightings at which half of what both classes show together is believed.
    pub shift: f64,
    /// Rate of a feature that training met less often, or never: of a language that the shared model does not know.
    pub least_rate: f64,
    /// Nats per unit of the sum over features, divided by [`length_norm`].
    pub slope: f64,
    /// Labels at which half of it counts.
    pub half: f64,
    /// Most nats while all labels are of one kind. Less than the prior: ham that is like all else must not be held
    /// because only spam was labelled.
    pub one_kind: f64,
    /// Most nats that any number of labels gives, so that rules and lists can still answer.
    pub most: f64,
}

impl Strength {
    /// Found by judging labelled sets in order, each comment before its label was learned: `cargo bench --bench learning`,
    /// where the first 200 labels took Turkish SMS from 26 to 90 % caught (blocked ham 0 to 2.1 %) and English SMS, on which
    /// nothing was chosen, from 50 to 79 % (2.9 to 2.3 %).
    /// Half or twice as much of any, a third or three times of `least_rate`, changes little, with two exceptions: twice the
    /// `slope` held up to 12 more of 100 ham, and two more nats of `one_kind` let labels of spam alone hold 91 of 100 ham
    /// of a language that the model does not know.
    pub const STANDARD: Strength =
        Strength { pseudo: 0.5, shift: 5.0, least_rate: 0.003, slope: 0.4, half: 2.0, one_kind: 1.0, most: 6.0 };
}

impl SiteCounts {
    /// `[ham, spam]` labels that these counts are made of.
    pub fn rows(&self) -> [u32; 2] {
        self.rows
    }

    /// How many columns any label has touched.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    pub fn learn(&mut self, features: &Features, label: Label) {
        add(of(&mut self.rows, label));
        for column in &features.columns {
            add(of(self.columns.entry(*column).or_default(), label));
        }
    }

    /// Takes back what [`SiteCounts::learn`] did with the same features and label.
    pub fn unlearn(&mut self, features: &Features, label: Label) {
        take(of(&mut self.rows, label));
        for column in &features.columns {
            let Some(counts) = self.columns.get_mut(column) else { continue };
            take(of(counts, label));
            if *counts == [0, 0] {
                self.columns.remove(column);
            }
        }
    }

    /// The nats that each of a comment's columns gives, before the bound; none while there is no label.
    ///
    /// * `columns`: all of the comment, distinct.
    /// * `rate`: the share of `[ham, spam]` in which training met a column.
    pub fn shares(&self, columns: &[u32], rate: impl Fn(u32) -> [f64; 2], strength: &Strength) -> Vec<f64> {
        let rows = self.rows.map(f64::from);
        let labels = rows[0] + rows[1];
        if labels == 0.0 {
            return Vec::new();
        }
        let Strength { pseudo, shift, least_rate, slope, half, .. } = *strength;
        let factor = slope * labels / (labels + half) / length_norm(columns.len());
        let share = |column: &u32| {
            let [ham, spam] = self.columns.get(column).copied().unwrap_or_default().map(f64::from);
            let [ham_rate, spam_rate] = rate(*column).map(|rate| rate.max(least_rate));
            let (ham_expected, spam_expected) = (rows[0] * ham_rate, rows[1] * spam_rate);
            let both = (ham + spam + shift) / (ham_expected + spam_expected + shift);
            let excess = |count: f64, expected: f64| (count + pseudo) / (expected * both + pseudo);
            factor * (excess(spam, spam_expected) / excess(ham, ham_expected)).ln()
        };
        columns.iter().map(share).collect()
    }

    /// What the shares of a comment's columns say together; `None` while there is no label.
    ///
    /// A kind of label gives no more nats than there are labels of it: ham alone makes nothing look like spam because it is
    /// new, and spam alone clears nothing.
    pub fn evidence(&self, shares: &[f64], strength: &Strength) -> Option<Nats> {
        if self.rows == [0, 0] {
            return None;
        }
        let Strength { half, one_kind, most, .. } = *strength;
        let [ham, spam] = self.rows.map(f64::from);
        let fewer = ham.min(spam);
        let bound = one_kind + (most - one_kind) * fewer / (fewer + half);
        Some(Nats::clamped(shares.iter().sum::<f64>().clamp(-bound.min(ham), bound.min(spam))))
    }

    /// What the evidence comes from, for people.
    pub fn note(&self) -> String {
        format!("learned from {} of this site", labels(self.rows.map(u64::from)))
    }
}

/// `12 ham and 3 spam labels`, for people.
pub fn labels([ham, spam]: [u64; 2]) -> String {
    let s = if ham + spam == 1 { "" } else { "s" };
    match (ham, spam) {
        (0, 0) => "no labels".to_owned(),
        (ham, 0) => format!("{ham} ham label{s}"),
        (0, spam) => format!("{spam} spam label{s}"),
        (ham, spam) => format!("{ham} ham and {spam} spam labels"),
    }
}

fn of([ham, spam]: &mut [u32; 2], label: Label) -> &mut u32 {
    match label {
        Label::Ham => ham,
        Label::Spam => spam,
    }
}

fn add(count: &mut u32) {
    *count = count.saturating_add(1);
}

fn take(count: &mut u32) {
    *count = count.saturating_sub(1);
}

/// Columns are hashes already; one multiplication spreads them over the bits that the table looks at.
#[derive(Clone, Debug, Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, column: u32) {
        self.0 = (self.0 ^ u64::from(column)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classifier::Classifier;
    use crate::comment::Comment;
    use crate::text::Text;

    fn shipped() -> &'static Classifier {
        static SHIPPED: std::sync::LazyLock<Classifier> = std::sync::LazyLock::new(Classifier::shipped);
        &SHIPPED
    }

    fn features(content: &str) -> Features {
        let comment = Comment::of_text(content);
        Features::of(&comment, &Text::of(&comment))
    }

    fn taught(ham: &[&str], spam: &[&str]) -> SiteCounts {
        let mut counts = SiteCounts::default();
        ham.iter().for_each(|content| counts.learn(&features(content), Label::Ham));
        spam.iter().for_each(|content| counts.learn(&features(content), Label::Spam));
        counts
    }

    fn evidence(counts: &SiteCounts, content: &str) -> f64 {
        shipped().evidence_of_site(&features(content), counts, &Strength::STANDARD).map_or(0.0, Nats::get)
    }

    const HAM: [&str; 6] = [
        "شكرا على المقال الجميل، قرأته مع أولادي هذا الصباح",
        "لا أتفق مع الكاتب في ما قاله عن المدارس في هذه المدينة",
        "هل يمكن أن تكتبوا أكثر عن تاريخ هذا الجسر القديم؟",
        "والله كلام صحيح، المشكلة في الإدارة وليست في المعلمين",
        "في رأيي أن الحل هو أن تجلس الحكومة مع الناس وتسمع منهم",
        "الحمد لله على السلامة، وعقبال العودة إلى البيت مع العائلة",
    ];
    const SPAM: &str = "للبيع منتج طبيعي لإنقاص الوزن في أسبوع مع التوصيل المجاني، للطلب واتساب";

    #[test]
    fn one_label_moves_near_copies_and_hardly_anything_else() {
        let carpets = "hand-knotted carpets from our workshop, ask for the catalogue";
        for (counts, sign) in [(taught(&[], &[carpets]), 1.0), (taught(&[carpets], &[]), -1.0)] {
            assert!(evidence(&counts, "hand-knotted carpets from our own workshop, ask for a catalogue") * sign > 0.5);
            let other = evidence(&counts, "The mayor opened the bridge on Sunday, and nobody came.");
            assert!(other.abs() < 0.25, "{other}");
        }
    }

    #[test]
    fn ham_alone_does_not_let_the_spam_of_its_language_pass() {
        let counts = taught(&HAM, &[]);
        let (spam, ham) = (evidence(&counts, SPAM), evidence(&counts, HAM[0]));
        assert!(ham < -0.5 && spam > -0.5, "ham {ham}, spam {spam}");
        let many: Vec<&str> = HAM.iter().copied().cycle().take(600).collect();
        assert!(evidence(&taught(&many, &[]), SPAM) > -0.5);
    }

    #[test]
    fn what_is_new_to_a_site_is_no_spam_for_that() {
        let many: Vec<&str> = HAM.iter().copied().cycle().take(600).collect();
        let other = "The mayor opened the bridge on Sunday, and nobody came.";
        assert!(evidence(&taught(&many, &[]), other) <= 0.0);
        assert!(evidence(&taught(&many, &[SPAM]), other) <= 1.0);
        assert!(evidence(&taught(&[], &[SPAM; 600]), other) >= 0.0);
    }

    #[test]
    fn labels_of_one_kind_never_outweigh_the_prior() {
        let counts = taught(&[], &["buy carpets now"; 500]);
        assert!(evidence(&counts, "buy carpets now") <= Strength::STANDARD.one_kind);
        assert!(Strength::STANDARD.one_kind < -shipped().prior().get());
    }

    #[test]
    fn labels_of_both_kinds_say_more_and_stay_within_the_bound() {
        let counts = taught(&["my carpet has moths"; 200], &["buy carpets now"; 200]);
        let (spam, ham) = (evidence(&counts, "buy carpets now"), evidence(&counts, "my carpet has moths"));
        assert!(spam > 3.0 && ham < -3.0 && spam <= Strength::STANDARD.most && ham >= -Strength::STANDARD.most);
        let huge = evidence(&counts, &"buy carpets now ".repeat(50_000));
        assert!(huge.abs() <= Strength::STANDARD.most, "{huge}");
    }

    #[test]
    fn what_is_unlearned_leaves_nothing_behind() {
        let mut counts = taught(&[HAM[0]], &[SPAM]);
        counts.unlearn(&features(SPAM), Label::Spam);
        assert_eq!(counts, taught(&[HAM[0]], &[]));
        counts.unlearn(&features(HAM[0]), Label::Ham);
        assert_eq!((&counts, counts.columns()), (&SiteCounts::default(), 0));
        assert_eq!(shipped().evidence_of_site(&features(SPAM), &counts, &Strength::STANDARD), None);
    }

    #[test]
    fn labels_are_counted_in_words() {
        let counted = [[0, 0], [1, 0], [0, 2], [12, 3]].map(labels);
        assert_eq!(counted, ["no labels", "1 ham label", "2 spam labels", "12 ham and 3 spam labels"]);
    }
}
