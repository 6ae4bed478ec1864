//! The model file: what training found out, in Hamlet's own format.
//!
//! Owns the bytes (magic, versions, checksum, compression) and the counts they carry. Does not own how features are
//! made (`features`), how a raw score becomes evidence (`calibration`), nor where files lie: bytes in, bytes out.
//!
//! ```text
//!   8  magic `HAMLETNB`
//!   4  format version        u32, little-endian like all numbers here
//!   4  features version      u32
//!   8  length of the body    u64, unpacked
//!   8  length of the body    u64, packed (zstd)
//!  32  SHA-256 of all of the above and of the packed body
//!   …  packed body: settings, occupied columns (gaps, counts in 1/64, weights), seen n-grams, card as JSON,
//!      groups learned from (their number and 1, gaps; 0 if that is not known)
//! ```
//!
//! Counts are what naive Bayes is made of, so training can go on from a file; no text can be read out of them.

use sha2::{Digest, Sha256};

use super::calibration::Calibration;
use super::features::{COLUMNS, FEATURES_VERSION, SEEN_BITS};
use super::learned::Learned;

const MAGIC: &[u8; 8] = b"HAMLETNB";
/// Raised whenever the meaning of a byte changes.
pub const FORMAT_VERSION: u32 = 4;
/// Did not say what it learned from; still read.
const FORMAT_WITHOUT_LEARNED: u32 = 3;
/// Had no [`Calibration::link_cut`] either; still read.
const FORMAT_WITHOUT_LINK_CUT: u32 = 2;
const HEADER_BYTES: usize = 64;
const CHECKSUM_AT: usize = 32;
/// No honest body is longer: every column occupied, every number at its widest, and room for the card.
const MAX_BODY_BYTES: usize = COLUMNS * 32 + SEEN_BITS / 8 + Learned::MAX_GROUPS * 5 + (1 << 22);
/// Counts are multiples of 1/64, so that a file keeps them exactly in few bytes; row weights are rounded to it.
pub const COUNT_UNIT: f64 = 1.0 / 64.0;

/// Why bytes are not a model that this program can serve. Each is one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    #[error("this is not a Hamlet model file")]
    NotAModel,
    #[error("the model file is cut short: copy it again")]
    Truncated,
    #[error("the model file is damaged (its checksum does not fit): copy it again or train anew")]
    Damaged,
    #[error("the model file has format {0}, and this program reads format {FORMAT_VERSION}: train anew")]
    OtherFormat(u32),
    #[error("the model was trained on features {0}, and this program makes features {FEATURES_VERSION}: train anew")]
    OtherFeatures(u32),
    #[error("the model file holds nonsense ({0}): train anew")]
    Nonsense(&'static str),
}

/// A trained model with all it needs to serve, to be explained and to go on learning.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Lidstone smoothing in pseudo-counts per occupied column, above 0.
    pub alpha: f64,
    /// Weighted rows of `[ham, spam]`.
    pub rows: [f64; 2],
    /// Weighted rows of `[ham, spam]` that had the feature of each column: `COLUMNS` of them, multiples of 1/64.
    pub counts: Vec<[f64; 2]>,
    /// What each column adds to the raw score: its log-ratio, re-weighted. `COLUMNS` of them, 0 where training met nothing.
    pub weights: Vec<f32>,
    /// One bit per hashed n-gram: training has met it in at least two rows. `SEEN_BITS / 64` words.
    pub seen: Vec<u64>,
    pub calibration: Calibration,
    /// What the model says of itself: data, licences, counts, figures.
    pub card: serde_json::Value,
    /// What it was trained on; `None` where that was more than is kept, or the file is older than such sets. What a base learned
    /// that does not say is missing.
    pub learned: Option<Learned>,
}

impl Model {
    /// ln P(feature | class) of a column, `[ham, spam]`; a column that training never met says nothing.
    fn log_probabilities(&self, log_totals: [f64; 2], column: usize) -> [f64; 2] {
        match self.counts.get(column) {
            Some([ham, spam]) if ham + spam > 0.0 => {
                [(ham + self.alpha).ln() - log_totals[0], (spam + self.alpha).ln() - log_totals[1]]
            }
            _ => [0.0, 0.0],
        }
    }

    /// The weight of a column; `None` where training met nothing.
    pub fn weight(&self, column: usize) -> Option<f32> {
        let [ham, spam] = self.counts.get(column)?;
        if ham + spam > 0.0 { self.weights.get(column).copied() } else { None }
    }

    fn log_totals(&self) -> [f64; 2] {
        let mut totals = [0.0; 2];
        for [ham, spam] in self.counts.iter().filter(|[ham, spam]| ham + spam > 0.0) {
            totals[0] += ham + self.alpha;
            totals[1] += spam + self.alpha;
        }
        totals.map(f64::ln)
    }

    /// ln P(class) + Σ ln P(feature | class) for `[ham, spam]`, over distinct columns: what linfa-bayes'
    /// `joint_log_likelihood` gives for the same row over the occupied columns.
    ///
    /// # Source
    /// Manning, Raghavan and Schütze, *Introduction to Information Retrieval* (2008), § 13.2.
    pub fn joint_log_likelihood(&self, columns: &[u32]) -> [f64; 2] {
        let totals = self.log_totals();
        let rows = self.rows[0] + self.rows[1];
        let mut sums = self.rows.map(|class| (class / rows).ln());
        for &column in columns {
            let [ham, spam] = self.log_probabilities(totals, column as usize);
            sums[0] += ham;
            sums[1] += spam;
        }
        sums
    }

    /// ln P(feature | spam) - ln P(feature | ham) of every column, unscaled; 0 where training met nothing.
    pub fn log_ratios(&self) -> Vec<f64> {
        let totals = self.log_totals();
        (0..self.counts.len())
            .map(|column| {
                let [ham, spam] = self.log_probabilities(totals, column);
                spam - ham
            })
            .collect()
    }

    /// The file.
    ///
    /// # Errors
    /// When compression fails for want of memory, or the card is no JSON.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let body = self.body()?;
        let packed = zstd::bulk::compress(&body, 19)?;
        let mut file = Vec::with_capacity(HEADER_BYTES + packed.len());
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        file.extend_from_slice(&FEATURES_VERSION.to_le_bytes());
        file.extend_from_slice(&(body.len() as u64).to_le_bytes());
        file.extend_from_slice(&(packed.len() as u64).to_le_bytes());
        file.extend_from_slice(&checksum(&file, &packed));
        file.extend_from_slice(&packed);
        Ok(file)
    }

    fn body(&self) -> std::io::Result<Vec<u8>> {
        let card = serde_json::to_vec(&self.card)?;
        let occupied: Vec<(usize, &[f64; 2])> =
            self.counts.iter().enumerate().filter(|(_, [ham, spam])| ham + spam > 0.0).collect();
        let mut body = Vec::with_capacity(occupied.len() * 8 + card.len() + 1024);
        put_varint(&mut body, COLUMNS as u64);
        put_varint(&mut body, SEEN_BITS as u64);
        for number in [self.alpha, self.rows[0], self.rows[1]].into_iter().chain(self.calibration.to_numbers()) {
            body.extend_from_slice(&number.to_le_bytes());
        }
        // Like stands beside like: zstd packs four even streams better than one mixed one.
        put_varint(&mut body, occupied.len() as u64);
        let mut next = 0;
        for (column, _) in &occupied {
            put_varint(&mut body, (column - next) as u64);
            next = column + 1;
        }
        for class in 0..2 {
            for (_, counts) in &occupied {
                put_varint(&mut body, to_units(counts.get(class).copied().unwrap_or(0.0)));
            }
        }
        for (column, _) in &occupied {
            let weight = self.weights.get(*column).copied().unwrap_or(0.0);
            body.extend_from_slice(&weight.to_le_bytes());
        }
        for word in &self.seen {
            body.extend_from_slice(&word.to_le_bytes());
        }
        put_varint(&mut body, card.len() as u64);
        body.extend_from_slice(&card);
        put_varint(&mut body, self.learned.as_ref().map_or(0, |learned| learned.groups().len() as u64 + 1));
        let mut next = 0;
        for group in self.learned.iter().flat_map(Learned::groups).map(|&group| u64::from(group)) {
            put_varint(&mut body, group - next);
            next = group + 1;
        }
        Ok(body)
    }

    /// Reads a file; any bytes at all give a model or one sentence, in bounded memory.
    ///
    /// # Errors
    /// [`ModelError`], by what is wrong with the bytes.
    pub fn from_bytes(file: &[u8]) -> Result<Model, ModelError> {
        let magic = file.get(..MAGIC.len().min(file.len())).unwrap_or_default();
        if file.is_empty() || !MAGIC.starts_with(magic) {
            return Err(ModelError::NotAModel);
        }
        let mut header = Bytes(file.get(MAGIC.len()..HEADER_BYTES).ok_or(ModelError::Truncated)?);
        let format = header.u32()?;
        if !(FORMAT_WITHOUT_LINK_CUT..=FORMAT_VERSION).contains(&format) {
            return Err(ModelError::OtherFormat(format));
        }
        let features = header.u32()?;
        if features != FEATURES_VERSION {
            return Err(ModelError::OtherFeatures(features));
        }
        let (body_bytes, packed_bytes) = (header.u64()?, header.u64()?);
        let packed = file.get(HEADER_BYTES..).unwrap_or_default();
        match (packed.len() as u64).cmp(&packed_bytes) {
            std::cmp::Ordering::Less => return Err(ModelError::Truncated),
            std::cmp::Ordering::Greater => return Err(ModelError::Damaged),
            std::cmp::Ordering::Equal => {}
        }
        let head = file.get(..CHECKSUM_AT).unwrap_or_default();
        if checksum(head, packed).as_slice() != header.0 {
            return Err(ModelError::Damaged);
        }
        let body_bytes = usize::try_from(body_bytes).unwrap_or(usize::MAX);
        if body_bytes > MAX_BODY_BYTES {
            return Err(ModelError::Nonsense("its body would be too long"));
        }
        let body =
            zstd::bulk::decompress(packed, body_bytes).map_err(|_| ModelError::Nonsense("it does not unpack"))?;
        Model::from_body(&body, format)
    }

    fn from_body(body: &[u8], format: u32) -> Result<Model, ModelError> {
        let mut body = Bytes(body);
        if body.varint()? != COLUMNS as u64 || body.varint()? != SEEN_BITS as u64 {
            return Err(ModelError::Nonsense("another number of columns"));
        }
        let (alpha, rows) = (body.f64()?, [body.f64()?, body.f64()?]);
        let mut numbers = Calibration::default().to_numbers();
        let kept = Calibration::NUMBERS - usize::from(format == FORMAT_WITHOUT_LINK_CUT);
        for number in numbers.iter_mut().take(kept) {
            *number = body.f64()?;
        }
        let sound = |number: f64| number.is_finite() && number > 0.0;
        if ![alpha, rows[0], rows[1]].into_iter().all(sound) {
            return Err(ModelError::Nonsense("its settings"));
        }
        let calibration = Calibration::from_numbers(numbers).ok_or(ModelError::Nonsense("its calibration"))?;
        let occupied = body.varint()?;
        if occupied > COLUMNS as u64 {
            return Err(ModelError::Nonsense("more columns than there are"));
        }
        let mut columns = Vec::new();
        let mut next = 0_u64;
        for _ in 0..occupied {
            let column = next.saturating_add(body.varint()?);
            next = column.saturating_add(1);
            columns.push(usize::try_from(column).unwrap_or(usize::MAX));
        }
        if next > COLUMNS as u64 {
            return Err(ModelError::Nonsense("a column beyond the last"));
        }
        let mut counts = vec![[0.0; 2]; COLUMNS];
        for class in 0..2 {
            for &column in &columns {
                let count = from_units(body.varint()?);
                if let Some(cell) = counts.get_mut(column).and_then(|cells| cells.get_mut(class)) {
                    *cell = count;
                }
            }
        }
        let mut weights = vec![0.0; COLUMNS];
        for &column in &columns {
            let weight = f32::from_le_bytes(body.array()?);
            if !weight.is_finite() {
                return Err(ModelError::Nonsense("a weight that is no number"));
            }
            if let Some(cell) = weights.get_mut(column) {
                *cell = weight;
            }
        }
        let seen = (0..SEEN_BITS / 64).map(|_| body.u64()).collect::<Result<_, _>>()?;
        let card_bytes = usize::try_from(body.varint()?).unwrap_or(usize::MAX);
        let card = serde_json::from_slice(body.take(card_bytes)?).map_err(|_| ModelError::Nonsense("its card"))?;
        let learned = if format > FORMAT_WITHOUT_LEARNED { body.learned()? } else { None };
        if !body.0.is_empty() {
            return Err(ModelError::Nonsense("bytes after its end"));
        }
        Ok(Model { alpha, rows, counts, weights, seen, calibration, card, learned })
    }
}

/// The model's name: the first 12 hex digits of its file's SHA-256, so that one id is one file.
pub fn id(file: &[u8]) -> String {
    Sha256::digest(file).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn checksum(head: &[u8], packed: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(head).chain_update(packed).finalize().into()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, and a count is above 0"
)]
fn to_units(count: f64) -> u64 {
    (count / COUNT_UNIT).round() as u64
}

/// Exact up to 2^53 units, some 10^14 rows.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn from_units(units: u64) -> f64 {
    units as f64 * COUNT_UNIT
}

/// LEB128: seven bits a byte, lowest first.
fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ModelError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(ModelError::Nonsense("it ends too early"))?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(ModelError::Nonsense("it ends too early"))?;
        self.0 = tail;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, ModelError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ModelError> {
        self.array().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64, ModelError> {
        self.array().map(f64::from_le_bytes)
    }

    fn varint(&mut self) -> Result<u64, ModelError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(ModelError::Nonsense("a number without an end"))
    }

    fn learned(&mut self) -> Result<Option<Learned>, ModelError> {
        let Some(count) = self.varint()?.checked_sub(1) else { return Ok(None) };
        if count > Learned::MAX_GROUPS as u64 {
            return Err(ModelError::Nonsense("more groups than a file keeps"));
        }
        let (mut groups, mut next) = (Vec::new(), 0_u64);
        for _ in 0..count {
            let group = next.saturating_add(self.varint()?);
            groups.push(u32::try_from(group).map_err(|_| ModelError::Nonsense("a group beyond the last"))?);
            next = group + 1;
        }
        Ok(Learned::of(groups))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn model() -> Model {
        let mut counts = vec![[0.0; 2]; COLUMNS];
        for (step, cell) in counts.iter_mut().step_by(997).enumerate() {
            *cell = [step as f64, 3.25];
        }
        let mut weights = vec![0.0; COLUMNS];
        weights[997] = 0.375;
        let mut seen = vec![0; SEEN_BITS / 64];
        seen[3] = 0b1011;
        let calibration = Calibration { slope: 0.4, intercept: 0.3, prior: -1.0, coverage_level: 0.5, link_cut: 2.5 };
        let (card, learned) = (json!({"data": "made up"}), Learned::of(vec![0, 300, u32::MAX]));
        Model { alpha: 0.5, rows: [10.0, 4.5], counts, weights, seen, calibration, card, learned }
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut Vec<u8>), expected: &ModelError) {
        let mut file = model().to_bytes().unwrap();
        change(&mut file);
        let error = Model::from_bytes(&file).unwrap_err();
        assert_eq!(&error, expected, "{error}");
    }

    #[test]
    fn a_model_comes_back_as_it_went() {
        let file = model().to_bytes().unwrap();
        assert_eq!(Model::from_bytes(&file).unwrap(), model());
        assert_eq!(model().to_bytes().unwrap(), file, "the same model is the same file");
        assert_eq!(id(&file).len(), 12);
    }

    #[test]
    fn what_it_learned_from_may_be_unknown_or_nothing() {
        for learned in [None, Learned::of(Vec::new())] {
            let model = Model { learned, ..model() };
            assert_eq!(Model::from_bytes(&model.to_bytes().unwrap()).unwrap(), model);
        }
    }

    #[test]
    fn a_model_of_the_formats_before_is_read() {
        let mut body = Model { learned: None, ..model() }.body().unwrap();
        assert_eq!(body.pop(), Some(0));
        let read = Model::from_body(&body, FORMAT_WITHOUT_LEARNED).unwrap();
        assert_eq!(read, Model { learned: None, ..model() });
        // Behind the numbers of columns and bits: the smoothing, the rows, four numbers of calibration, and the new one.
        let at = 3 + 4 + 7 * 8;
        body.drain(at..at + 8);
        let read = Model::from_body(&body, FORMAT_WITHOUT_LINK_CUT).unwrap();
        let expected = Calibration { link_cut: Calibration::LINK_CUT, ..model().calibration };
        assert_eq!(read, Model { calibration: expected, learned: None, ..model() });
    }

    #[test]
    fn what_is_no_model_is_refused_with_a_sentence() {
        refused(Vec::clear, &ModelError::NotAModel);
        refused(|file| *file = b"{\"content\":\"hello\"}".to_vec(), &ModelError::NotAModel);
        refused(|file| file.truncate(5), &ModelError::Truncated);
        refused(|file| file.truncate(HEADER_BYTES), &ModelError::Truncated);
        refused(|file| file.truncate(file.len() - 1), &ModelError::Truncated);
        refused(|file| file.push(0), &ModelError::Damaged);
        refused(|file| file[200] ^= 1, &ModelError::Damaged);
        refused(|file| file[8] = 9, &ModelError::OtherFormat(9));
        refused(|file| file[12] = 77, &ModelError::OtherFeatures(77));
    }

    /// Whoever can make a right checksum can still not make a body that costs more than a model.
    #[test]
    fn a_well_signed_lie_is_refused() {
        let lie = |body: &[u8], claimed: u64| {
            let packed = zstd::bulk::compress(body, 1).unwrap();
            let mut file = MAGIC.to_vec();
            file.extend(FORMAT_VERSION.to_le_bytes());
            file.extend(FEATURES_VERSION.to_le_bytes());
            file.extend(claimed.to_le_bytes());
            file.extend((packed.len() as u64).to_le_bytes());
            file.extend(checksum(&file, &packed));
            file.extend(packed);
            Model::from_bytes(&file).unwrap_err()
        };
        let body = model().body().unwrap();
        assert_eq!(lie(&body, u64::MAX), ModelError::Nonsense("its body would be too long"));
        assert_eq!(lie(&body, 10), ModelError::Nonsense("it does not unpack"));
        assert_eq!(lie(&body[..body.len() - 1], body.len() as u64), ModelError::Nonsense("it ends too early"));
        assert_eq!(lie(&vec![0xff; 4096], 4096), ModelError::Nonsense("a number without an end"));
        let mut many = Model { learned: None, ..model() }.body().unwrap();
        many.pop();
        let one = many.clone();
        put_varint(&mut many, Learned::MAX_GROUPS as u64 + 2);
        assert_eq!(lie(&many, many.len() as u64), ModelError::Nonsense("more groups than a file keeps"));
        let far = [one, vec![2, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
        assert_eq!(lie(&far, far.len() as u64), ModelError::Nonsense("a group beyond the last"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_as_a_body_are_a_model_or_an_error(body in prop::collection::vec(any::<u8>(), 0..2048)) {
            let _ = Model::from_body(&body, FORMAT_VERSION);
        }

        #[test]
        fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), change in 1_u8..) {
            static FILE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| model().to_bytes().unwrap());
            let mut file = FILE.clone();
            let at = at.index(file.len());
            file[at] ^= change;
            prop_assert!(Model::from_bytes(&file).is_err());
        }

        #[test]
        fn a_changed_body_never_panics(at in any::<prop::sample::Index>(), change in 1_u8..) {
            static BODY: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| model().body().unwrap());
            let mut body = BODY.clone();
            let at = at.index(body.len());
            body[at] ^= change;
            let _ = Model::from_body(&body, FORMAT_VERSION);
        }
    }
}
