//! The naive Bayes classifier as it serves: hashed features of a text to evidence in nats.
//!
//! Owns the tables that a verdict is read from and the opinion on one comment. Does not own what is looked at
//! (`features`), what a site's labels add (`site`), the file (`model`), nor how any of it is learned (`training`).

pub mod calibration;
pub mod features;
pub mod languages;
pub mod learned;
pub mod model;
pub mod site;

use std::ops::Range;

use crate::comment::Comment;
use crate::text::Text;
use crate::verdict::{Nats, Token};

use calibration::Calibration;
use features::{Features, Origin};
use languages::{HAM_CUT, Languages, WORD_CUT};
use model::{Model, ModelError};
use site::{SiteCounts, Strength};

/// Tokens that an opinion names.
const MAX_TOKENS: usize = 8;
/// A token that moves the odds by less than a tenth tells nobody anything.
const MIN_TOKEN: f64 = 0.1;
/// What the classifier says of one comment.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// Evidence of the text itself, calibrated and shrunk by coverage; the prior is apart.
    pub weight: Nats,
    /// Share of the comment's n-grams that training has seen, 0 to 1.
    pub coverage: f64,
    /// Evidence of what the site's labels taught; `None` while it has none.
    pub of_site: Option<Nats>,
    /// The most telling tokens of both, heaviest first.
    pub tokens: Vec<Token>,
}

/// A model that serves.
#[derive(Debug)]
pub struct Classifier {
    id: String,
    /// Weight of each column, `COLUMNS` of them. f32 halves what the cache must hold; its error, some
    /// 1e-7 of a weight, is far below what calibration can tell.
    weights: Vec<f32>,
    /// Share of `[ham, spam]` rows that had the feature of each column: what a site's labels are held against.
    rates: Vec<[f32; 2]>,
    seen: Vec<u64>,
    calibration: Calibration,
    /// `None` where the model tells of none.
    languages: Option<Languages>,
    card: serde_json::Value,
}

impl Classifier {
    /// The model compiled into the program.
    pub fn shipped() -> Classifier {
        Classifier::from_bytes(Classifier::shipped_bytes())
            .unwrap_or_else(|error| unreachable!("the shipped model is read in a test: {error}"))
    }

    /// The file of the model compiled into the program.
    pub fn shipped_bytes() -> &'static [u8] {
        include_bytes!("../../models/default.hamlet")
    }

    /// A model file.
    ///
    /// # Errors
    /// [`ModelError`] when the bytes are no model, are damaged, or are of another version.
    pub fn from_bytes(file: &[u8]) -> Result<Classifier, ModelError> {
        Ok(Classifier::new(model::id(file), Model::from_bytes(file)?))
    }

    /// The classifier that `model` makes, under the name `id`.
    pub fn new(id: String, model: Model) -> Classifier {
        #[expect(clippy::cast_possible_truncation, reason = "see `weights`")]
        let rate = |[ham, spam]: &[f64; 2]| [(ham / model.rows[0]) as f32, (spam / model.rows[1]) as f32];
        let rates = model.counts.iter().map(rate).collect();
        let Model { weights, seen, calibration, card, .. } = model;
        let languages = Languages::of(&card);
        Classifier { id, weights, rates, seen, calibration, languages, card }
    }

    /// Names the model in each verdict.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the model says of itself.
    pub fn card(&self) -> &serde_json::Value {
        &self.card
    }

    /// Log-odds of spam before anything is known of the comment: calibration's prior.
    pub fn prior(&self) -> Nats {
        Nats::clamped(self.calibration.prior)
    }

    /// What the text alone says. Linear in its length.
    pub fn opinion(&self, comment: &Comment, text: &Text) -> Opinion {
        self.opinion_of(comment, text, &SiteCounts::default())
    }

    /// What the text alone says, at a site that has taught this.
    pub fn opinion_of(&self, comment: &Comment, text: &Text, taught: &SiteCounts) -> Opinion {
        let features = Features::of(comment, text);
        let coverage = self.coverage(&features.grams);
        let weights = self.weights_of(&features);
        let sums = Sums::of(&features, &weights, self.most_of_word(features.columns.len()));
        let words = self.words(&sums, &features, text, coverage);
        let weight = self.calibrated(&sums, features.columns.len(), coverage, words.sum);
        let shares = taught.shares(&features.columns, |column| self.rate(column), &Strength::STANDARD);
        let of_site = taught.evidence(&shares, &Strength::STANDARD);
        let tokens = if weight == Nats::ZERO && of_site.is_none() {
            Vec::new()
        } else {
            let slope = self.calibration.slope / length_norm(features.columns.len());
            let trusted = slope * self.calibration.trust(coverage) * words.share;
            let of_links = slope * self.links(&sums, features.columns.len()).1;
            let weight_of = |origin, run: Range<usize>| {
                let sum = sum(&weights, run.clone());
                let weight = match origin {
                    Origin::Word(_) => trusted * sum.min(words.most),
                    Origin::Link(_) | Origin::Address(_) => of_links * sum,
                    Origin::Other => slope * sum,
                };
                weight + shares.get(run).unwrap_or_default().iter().sum::<f64>()
            };
            tokens(&features, text, weight_of)
        };
        Opinion { weight, coverage, of_site, tokens }
    }

    /// What a site's labels say of features; `None` while there is no label.
    pub fn evidence_of_site(&self, features: &Features, taught: &SiteCounts, strength: &Strength) -> Option<Nats> {
        taught.evidence(&taught.shares(&features.columns, |column| self.rate(column), strength), strength)
    }

    /// Evidence of the features of a text, calibrated and, as far as words give it, shrunk by coverage.
    pub fn evidence(&self, features: &Features, text: &Text) -> Nats {
        let columns = features.columns.len();
        let sums = Sums::of(features, &self.weights_of(features), self.most_of_word(columns));
        let coverage = self.coverage(&features.grams);
        self.calibrated(&sums, columns, coverage, self.words(&sums, features, text, coverage).sum)
    }

    /// What words say, within what they may say in the text's language.
    fn words(&self, sums: &Sums, features: &Features, text: &Text, coverage: f64) -> Words {
        let columns = features.columns.len();
        if self.is_foreign(sums, columns, text, coverage) {
            return Words { sum: sums.words_cut, most: self.most_of_word(columns), share: 1.0 };
        }
        let least = -self.raw(HAM_CUT, columns);
        if sums.words < least && leads_on(features, text) && self.lacks_spam(text) {
            return Words { sum: least, most: f64::INFINITY, share: least / sums.words };
        }
        Words { sum: sums.words, most: f64::INFINITY, share: 1.0 }
    }

    fn lacks_spam(&self, text: &Text) -> bool {
        self.languages.as_ref().is_some_and(|known| known.lacks_spam(|| text.language()))
    }

    /// Is the text in a language that the model does not know? Asked only where it matters, of a text that the cut could spare: telling a
    /// language takes longer than all the rest.
    fn is_foreign(&self, sums: &Sums, columns: usize, text: &Text, coverage: f64) -> bool {
        let level = self.calibration.coverage_level;
        let is_foreign = |known: &Languages| known.is_foreign(|| text.language(), coverage, level);
        sums.words_cut < sums.words
            && self.calibrated(sums, columns, coverage, sums.words) > Nats::ZERO
            && self.languages.as_ref().is_some_and(is_foreign)
    }

    /// [`WORD_CUT`] as a sum of weights.
    fn most_of_word(&self, columns: usize) -> f64 {
        self.raw(WORD_CUT, columns)
    }

    /// The sum of weights that says so many nats where all is known.
    fn raw(&self, nats: f64, columns: usize) -> f64 {
        nats * length_norm(columns) / self.calibration.slope.max(f64::MIN_POSITIVE)
    }

    /// * `columns`: how many there are.
    /// * `words`: [`Words::sum`].
    fn calibrated(&self, sums: &Sums, columns: usize, coverage: f64, words: f64) -> Nats {
        let norm = length_norm(columns);
        let (links, share) = self.links(sums, columns);
        self.calibration.evidence(words / norm, sums.rest / norm + links * share, coverage)
    }

    /// What addresses say, raw, and the share of it that counts: above [`Calibration::link_cut`] they are cut.
    fn links(&self, sums: &Sums, columns: usize) -> (f64, f64) {
        let links = sums.links / length_norm(columns);
        let most = self.calibration.link_cut / self.calibration.slope.max(f64::MIN_POSITIVE);
        (links, if links > most { most / links } else { 1.0 })
    }

    /// The weight of each column: the table is larger than a core's cache, so it is read once.
    fn weights_of(&self, features: &Features) -> Vec<f32> {
        let weight = |&column: &u32| self.weights.get(column as usize).copied().unwrap_or(0.0);
        features.columns.iter().map(weight).collect()
    }

    /// Share of n-grams that training has met in at least two rows; see [`share_seen`].
    pub fn coverage(&self, grams: &[u32]) -> f64 {
        let seen = |&&gram: &&u32| self.seen.get(gram as usize / 64).is_some_and(|word| word >> (gram % 64) & 1 == 1);
        share_seen(grams.iter().filter(seen).count(), grams.len())
    }

    /// `[ham, spam]` share of rows with the feature of `column`.
    #[inline]
    fn rate(&self, column: u32) -> [f64; 2] {
        self.rates.get(column as usize).copied().unwrap_or_default().map(f64::from)
    }
}

/// What the columns of a comment weigh together, by whose they are.
#[derive(Debug, Default)]
struct Sums {
    words: f64,
    /// The same, each word cut at what one may say in a language that is not known.
    words_cut: f64,
    /// Of addresses, and of how many there are.
    links: f64,
    rest: f64,
}

/// What words say within what they may say.
#[derive(Clone, Copy, Debug)]
struct Words {
    /// All together, raw.
    sum: f64,
    /// The most that one says.
    most: f64,
    /// The share of each that counts.
    share: f64,
}

/// Does the text bring its reader anywhere: by a link, an e-mail, or digits enough for a telephone? Offers do.
fn leads_on(features: &Features, text: &Text) -> bool {
    const PHONE: u32 = 7;
    features.has_address() || text.scripts().digits >= PHONE || !text.emails().is_empty()
}

impl Sums {
    /// * `weights`: of each column.
    /// * `most`: where a word is cut.
    fn of(features: &Features, weights: &[f32], most: f64) -> Sums {
        let mut sums = Sums::default();
        for (origin, run) in features.runs() {
            let sum = sum(weights, run);
            match origin {
                Origin::Word(_) => {
                    sums.words += sum;
                    sums.words_cut += sum.min(most);
                }
                Origin::Link(_) | Origin::Address(_) => sums.links += sum,
                Origin::Other => sums.rest += sum,
            }
        }
        sums
    }
}

/// What the columns of a run weigh together.
fn sum(weights: &[f32], run: Range<usize>) -> f64 {
    weights.get(run).unwrap_or_default().iter().copied().map(f64::from).sum()
}

/// The words and links that moved the evidence most, each with all features that it brought first.
///
/// * `weight_of`: nats of a run of columns.
fn tokens(features: &Features, text: &Text, weight_of: impl Fn(Origin, Range<usize>) -> f64) -> Vec<Token> {
    let mut heaviest: Vec<(f64, Origin)> = Vec::with_capacity(MAX_TOKENS + 1);
    let mut keep = |weight: f64, origin| {
        if weight.abs() < MIN_TOKEN || matches!(origin, Origin::Other | Origin::Address(None)) {
            return;
        }
        if heaviest.len() == MAX_TOKENS && heaviest.last().is_some_and(|(last, _)| weight.abs() <= last.abs()) {
            return;
        }
        let at = heaviest.partition_point(|(other, _)| other.abs() >= weight.abs());
        heaviest.insert(at, (weight, origin));
        heaviest.truncate(MAX_TOKENS);
    };
    features.runs().for_each(|(origin, run)| keep(weight_of(origin, run), origin));
    heaviest.into_iter().filter_map(|(weight, origin)| named(weight, origin, text)).collect()
}

fn named(weight: f64, origin: Origin, text: &Text) -> Option<Token> {
    const MAX_CHARS: usize = 40;
    let name = match origin {
        Origin::Word(index) | Origin::Address(Some(index)) => text.word(index)?.chars().take(MAX_CHARS).collect(),
        Origin::Link(index) => text.links().get(index)?.host().to_owned(),
        Origin::Address(None) | Origin::Other => return None,
    };
    Some(Token { text: name, weight: Nats::clamped(weight) })
}

/// What a sum over `features` columns is divided by: √(n + 20).
///
/// Naive Bayes takes each column for news of its own, so raw sums grow with length; the root takes that back. The 20 keeps
/// a word or two from weighing as much as a whole comment.
#[expect(clippy::cast_precision_loss, reason = "a comment has fewer features than 2^53")]
pub fn length_norm(features: usize) -> f64 {
    (features as f64 + 20.0).sqrt()
}

/// Coverage from counts of n-grams, as if two more were there that nobody knows.
///
/// The two keep a text of a word or two, `Hi` or `+1`, from being taken for well known: so little tells nothing.
#[expect(clippy::cast_precision_loss, reason = "a comment has fewer n-grams than 2^53")]
pub fn share_seen(seen: usize, all: usize) -> f64 {
    seen as f64 / (all as f64 + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, is_held: bool) {
        let classifier = shipped();
        let comment = Comment::of_text(content);
        let opinion = classifier.opinion(&comment, &Text::of(&comment));
        let logit = opinion.weight.get() + classifier.prior().get();
        assert_eq!(logit >= 0.0, is_held, "{content}: {logit}, {opinion:?}");
    }

    fn shipped() -> &'static Classifier {
        static SHIPPED: std::sync::LazyLock<Classifier> = std::sync::LazyLock::new(Classifier::shipped);
        &SHIPPED
    }

    #[test]
    fn the_shipped_model_lets_ham_through() {
        check("I think the second half of the article misses the point: rents rose long before that law.", false);
        check("شكرا على المقال، لكن الأرقام في الجدول الثاني تبدو غير صحيحة", false);
        check("Schade, dass niemand über die Folgen für die Dörfer spricht.", false);
        check("昨天的节目很好看，主持人问的问题很到位", false);
        check("노래가 너무 좋아요 ㅠㅠ", false);
        check("خیلی ممنون، عالی بود", false);
        check("مقال ممتاز وشرح واضح، شكرا لكم", false);
        check("Great post, thank you!", false);
        check("I agree with the author, this was also reported here: https://www.bbc.com/news/world-12345678", false);
        check("أتفق مع الكاتب، وقد نشر الخبر أيضا https://www.bbc.com/arabic/articles/c1234", false);
        check("المصدر https://www.aljazeera.net/news/2026/1/2/abc", false);
        check("Source: https://en.wikipedia.org/wiki/Cairo", false);
        for short in ["", "Hi", "Hello", "Thanks!", "👍", "شكرا", "Danke", "+1", "lol", "OK", "?"] {
            check(short, false);
        }
    }

    #[test]
    fn the_shipped_model_holds_spam() {
        check(
            "Check out my new channel!!! Subscribe please, free iPhones every day https://tube.example/c/phone",
            true,
        );
        check("Buy cheap viagra and cialis online, no prescription http://pills.example/buy", true);
        check("منتج طبيعي لإنقاص الوزن 15 كيلو خلال شهر، التوصيل مجاني، للطلب واتساب", true);
        check("ذا علكه مشهيه جنسي مثل فياجرا", true);
        check("ذا علکہ مشہیہ جنسی مثل فیاجرا", true);
    }

    #[test]
    fn what_training_never_saw_is_near_the_prior() {
        let comment = Comment::of_text("ქართული ენა ძალიან ლამაზია და საინტერესო");
        let opinion = shipped().opinion(&comment, &Text::of(&comment));
        // Its words say nothing; that it has no link and an ordinary shape speaks for it.
        assert!(opinion.coverage < 0.1 && opinion.tokens.is_empty(), "{opinion:?}");
        assert!((-1.0..=0.0).contains(&opinion.weight.get()), "{opinion:?}");
        assert!(shipped().prior().get() < 0.0);
    }

    #[test]
    fn one_word_holds_nothing_in_a_language_that_is_not_known() {
        let promo = Features::of(&Comment::default(), &Text::of(&Comment::of_text("promocode")));
        let mut weights = vec![0.0; features::COLUMNS];
        let in_word = promo.runs().filter(|(origin, _)| matches!(origin, Origin::Word(_)));
        in_word.flat_map(|(_, run)| promo.columns[run].to_vec()).for_each(|column| weights[column as usize] = 1.0);
        let of_word = |languages: serde_json::Value, content: &str| {
            let card = serde_json::json!({"languages": languages});
            // Three of four n-grams are known: enough to count in full, and too few to be sure of the language.
            let seen = vec![0x7777_7777_7777_7777; features::SEEN_BITS / 64];
            let counts = vec![[1.0; 2]; features::COLUMNS];
            let calibration = Calibration { coverage_level: 0.65, ..Calibration::default() };
            let weights = weights.clone();
            let model = Model { alpha: 1.0, rows: [100.0; 2], counts, weights, seen, calibration, card, learned: None };
            let comment = Comment::of_text(content);
            let (classifier, text) = (Classifier::new(String::new(), model), Text::of(&comment));
            let opinion = classifier.opinion(&comment, &text);
            assert_eq!(opinion.weight, classifier.evidence(&Features::of(&comment, &text), &text), "{content}");
            let said: f64 = opinion.tokens.iter().map(|token| token.weight.get()).sum();
            assert!((said - opinion.weight.get()).abs() < 0.2, "what the tokens say adds up: {opinion:?}");
            opinion.weight.get()
        };
        let known = serde_json::json!(["en"]);
        let english = "I did not like what they said about the promocode of the new shop";
        let portuguese = "eu não gostei do que eles disseram sobre o promocode da loja nova";
        assert!(of_word(known.clone(), english) > 1.6, "the language is known");
        let cut = of_word(known, portuguese);
        assert!((cut - WORD_CUT).abs() < 0.1, "{cut}");
        assert!(of_word(serde_json::json!([]), portuguese) > 1.6, "a model that tells of no language cuts no word");
        assert!(of_word(serde_json::json!(["pt"]), portuguese) > 1.6, "the language is known");
    }

    #[test]
    fn words_say_little_for_ham_where_no_spam_of_the_language_is_known() {
        let opinion = |content: &str| {
            let comment = Comment::of_text(content);
            let (text, opinion) = (Text::of(&comment), shipped().opinion(&comment, &Text::of(&comment)));
            assert_eq!(opinion.weight, shipped().evidence(&Features::of(&comment, &text), &text), "{content}");
            let of_words = opinion.tokens.iter().map(|token| token.weight.get()).filter(|weight| *weight < 0.0);
            (opinion.weight.get(), of_words.sum::<f64>())
        };
        let german =
            "Der Bericht über die Sitzung des Stadtrats war sehr gut, aber die Zahlen der letzten Jahre fehlen noch";
        assert!(opinion(german).0 < -4.0, "it brings nobody anywhere");
        let (weight, of_words) = opinion(&format!("{german} auf WhatsApp +49 170 1234567"));
        assert!(weight > -HAM_CUT - 0.5 && of_words >= -HAM_CUT - 0.5, "{weight} {of_words}");
        assert!(opinion(&format!("{german} an peter.mueller@mail.example")).0 > -HAM_CUT - 0.5, "by e-mail");
        assert!(opinion(&format!("@peter {german}")).0 < -4.0, "a name that is spoken to leads nowhere");
        let english =
            "I think that the second half of the article was much better, as they said on 01.02.2025 and 03.04.2026";
        assert!(opinion(english).0 < -HAM_CUT - 1.0, "English spam is known");
    }

    #[test]
    fn tokens_are_named_heaviest_first() {
        let comment = Comment::of_text("Please subscribe to my channel, free iPhones https://tube.example/c/phone");
        let tokens = shipped().opinion(&comment, &Text::of(&comment)).tokens;
        assert!(tokens.iter().any(|token| token.text == "subscribe" && token.weight.get() > 0.0), "{tokens:?}");
        assert!(tokens.is_sorted_by(|a, b| a.weight.get().abs() >= b.weight.get().abs()), "{tokens:?}");
        assert!(tokens.len() <= MAX_TOKENS);
    }

    #[test]
    fn any_text_gets_an_opinion() {
        for content in
            ["\0\u{feff}\u{202e}", &"a".repeat(1 << 20), &"漢".repeat(1 << 18), &"http://a.b ".repeat(50_000)]
        {
            let comment = Comment::of_text(content);
            let opinion = shipped().opinion(&comment, &Text::of(&comment));
            assert!(opinion.weight.get().abs() <= calibration::MAX_EVIDENCE && (0.0..=1.0).contains(&opinion.coverage));
        }
    }
}
