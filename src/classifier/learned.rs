//! Which texts a model was trained on, so that nobody measures it on them.
//!
//! Owns the set and that it stays small. Does not own what counts as the same text (`training::corpus`) nor the file (`model`).
//! The numbers are hashes: no text can be read out of them, but whoever has a text can ask whether it, or a near-copy, was there.

/// Numbers of groups of near-copies that a model learned from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned(Vec<u32>);

impl Learned {
    /// The most that a file keeps, about two bytes each.
    pub const MAX_GROUPS: usize = 1 << 19;

    /// Of groups in any order; `None` when they are too many to be kept.
    pub fn of(mut groups: Vec<u32>) -> Option<Learned> {
        groups.sort_unstable();
        groups.dedup();
        (groups.len() <= Learned::MAX_GROUPS).then_some(Learned(groups))
    }

    /// Was the group of this number there? At the most that is kept, one stranger in eight thousand is taken for one that was.
    pub fn has(&self, group: u32) -> bool {
        self.0.binary_search(&group).is_ok()
    }

    /// In rising order, each once.
    pub fn groups(&self) -> &[u32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_what_it_was_made_of() {
        let learned = Learned::of(vec![7, u32::MAX, 0, 7]).unwrap();
        assert_eq!(learned.groups(), [0, 7, u32::MAX]);
        assert!(learned.has(0) && learned.has(u32::MAX) && !learned.has(8));
        assert!(!Learned::of(Vec::new()).unwrap().has(0));
    }

    #[test]
    fn more_than_a_file_keeps_are_not_kept() {
        let most = u32::try_from(Learned::MAX_GROUPS).unwrap();
        assert!(Learned::of((0..most).chain(0..most).collect()).is_some());
        assert_eq!(Learned::of((0..=most).collect()), None);
    }
}
