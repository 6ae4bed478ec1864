//! How many different authors, posts and sites a cluster has, in a bounded number of bytes.
//!
//! Keeps the 64 least of their hashes: exact up to there, an estimate beyond (±13 %).
//!
//! # Source
//! Bar-Yossef et al., *Counting distinct elements in a data stream* (2002), § 2.

/// Hashes kept of one kind.
const MOST: usize = 64;

/// Different things of one kind, by the hashes of their names; 0 is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distinct(Vec<u32>);

impl Distinct {
    pub fn add(&mut self, hash: u32) {
        if hash == 0 {
            return;
        }
        if let Err(place) = self.0.binary_search(&hash)
            && place < MOST
        {
            self.0.insert(place, hash);
            self.0.truncate(MOST);
        }
    }

    pub fn count(&self) -> u64 {
        match self.0.last() {
            Some(&greatest) if self.0.len() >= MOST => {
                ((MOST as u64 - 1) * u64::from(u32::MAX)) / u64::from(greatest.max(1))
            }
            _ => self.0.len() as u64,
        }
    }

    /// How many there are besides `hash`.
    pub fn others(&self, hash: u32) -> u64 {
        let is_there = self.0.binary_search(&hash).is_ok();
        self.count().saturating_sub(u64::from(is_there))
    }
}

/// The three kinds that are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    pub authors: Distinct,
    pub posts: Distinct,
    pub sites: Distinct,
}

impl Sketch {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(3 + 4 * (self.authors.0.len() + self.posts.0.len() + self.sites.0.len()));
        for kind in [&self.authors, &self.posts, &self.sites] {
            bytes.push(u8::try_from(kind.0.len()).unwrap_or(u8::MAX));
            bytes.extend(kind.0.iter().flat_map(|hash| hash.to_le_bytes()));
        }
        bytes
    }

    /// What cannot be read counts nobody.
    pub fn read(bytes: &[u8]) -> Sketch {
        let mut rest = bytes;
        let mut kind = || {
            let Some((&length, after)) = rest.split_first() else { return Distinct::default() };
            let end = after.len().min(4 * usize::from(length));
            let (own, others) = after.split_at(end);
            rest = others;
            let mut kind = Distinct::default();
            own.chunks_exact(4).for_each(|four| kind.add(u32::from_le_bytes(four.try_into().unwrap_or_default())));
            kind
        };
        Sketch { authors: kind(), posts: kind(), sites: kind() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[expect(clippy::cast_possible_truncation, reason = "half a hash is a hash")]
    fn hash(number: u32) -> u32 {
        xxh3_64(&number.to_le_bytes()) as u32
    }

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        let mut sketch = Sketch::default();
        for number in 0..40 {
            sketch.authors.add(hash(number));
            sketch.authors.add(hash(number));
            sketch.posts.add(hash(number % 3));
        }
        sketch.sites.add(0);
        let sketch = Sketch::read(&sketch.bytes());
        assert_eq!((sketch.authors.count(), sketch.posts.count(), sketch.sites.count()), (40, 3, 0));
        assert_eq!((sketch.authors.others(hash(7)), sketch.authors.others(hash(99))), (39, 40));
        let mut many = Distinct::default();
        (0..10_000).for_each(|number| many.add(hash(number)));
        assert!((7_000..13_000).contains(&many.count()), "{}", many.count());
        Sketch::read(&[9, 1, 2]);
    }
}
