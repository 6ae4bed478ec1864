//! What the store says and hears of allow and block lists.

use serde::{Deserialize, Serialize};

use crate::site::{ListEntry, ListKind, ListPattern, SiteId};

/// Whose list: that of one site, or (`None`) the one that all sites share.
pub type ListOwner = Option<SiteId>;

/// Which entries are asked for; what is given must fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListFilter {
    pub list: Option<ListKind>,
    pub pattern: Option<ListPattern>,
}

/// An entry and its place in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedEntry {
    pub row: i64,
    pub entry: ListEntry,
}

/// What a change of a list came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListChange {
    pub added: u64,
    /// They spoke of a pattern that was on the list already.
    pub replaced: u64,
    pub removed: u64,
}
