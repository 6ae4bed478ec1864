//! By what a text's near copies are known: the form in which a fingerprint is kept.

use crate::text::{BANDS, Fingerprint, MINS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub mins: [u16; MINS],
    /// Half a hash each: the rows are many, and whatever shares one by chance is told apart by `mins`.
    pub bands: [u32; BANDS],
}

impl Signature {
    #[expect(clippy::cast_possible_truncation, reason = "half a hash is a hash")]
    pub fn of(print: &Fingerprint) -> Signature {
        Signature { mins: print.mins, bands: print.bands.map(|band| band as u32) }
    }

    /// The bands as they are asked for.
    pub fn bands(&self) -> impl Iterator<Item = i64> {
        self.bands.into_iter().map(i64::from)
    }

    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        mins_bytes(&self.mins).chain(self.bands.into_iter().flat_map(u32::to_le_bytes))
    }

    pub fn read(bytes: &[u8]) -> Option<Signature> {
        let (own, rest) = bytes.split_at_checked(2 * MINS)?;
        let mut bands = [0; BANDS];
        for (place, band) in bands.iter_mut().enumerate() {
            *band = u32::from_le_bytes(rest.get(4 * place..)?.first_chunk().copied()?);
        }
        Some(Signature { mins: read_mins(own), bands })
    }
}

pub(super) fn mins_bytes(mins: &[u16; MINS]) -> impl Iterator<Item = u8> {
    mins.iter().flat_map(|min| min.to_le_bytes())
}

/// Those that are not there are 0.
pub(super) fn read_mins(bytes: &[u8]) -> [u16; MINS] {
    let mut mins = [0; MINS];
    for (min, pair) in mins.iter_mut().zip(bytes.chunks_exact(2)) {
        *min = u16::from_le_bytes(pair.try_into().unwrap_or_default());
    }
    mins
}
