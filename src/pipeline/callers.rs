//! Who may knock: sites and keys as the store has them, ready for look-ups.
//!
//! Owns the hash by which keys are known. Does not own what a key may be used for (`key`, `api::caller`).

use std::collections::HashMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::key::{Key, KeyHash};
use crate::site::{Site, SiteId};
use crate::store::Directory;

/// The hash under which a key is stored and looked up. Keys are case-insensitive: host names carry them lower-cased.
pub fn key_hash(key: &str) -> KeyHash {
    Sha256::digest(key.trim().to_ascii_lowercase().as_bytes()).into()
}

/// A key and the site it speaks for; `None`: every site.
#[derive(Clone, Debug)]
pub struct Known {
    pub key: Arc<Key>,
    pub site: Option<Arc<Site>>,
}

/// The directory. Swapped whole when the store's generation rises.
#[derive(Debug, Default)]
pub(super) struct Callers {
    generation: u64,
    by_key: HashMap<KeyHash, Known>,
    by_id: HashMap<SiteId, Arc<Site>>,
}

impl Callers {
    pub(super) fn of(directory: Directory) -> Callers {
        let by_id: HashMap<_, _> = directory.sites.into_iter().map(|site| (site.id, site)).collect();
        let site_of = |id| by_id.get(&id).cloned();
        let known = |key: Arc<Key>| {
            // A key whose site is gone must not become one of every site.
            let site = match key.site {
                Some(id) => Some(site_of(id)?),
                None => None,
            };
            Some((key.hash, Known { key, site }))
        };
        let by_key = directory.keys.into_iter().filter_map(known).collect();
        Callers { generation: directory.generation, by_key, by_id }
    }

    pub(super) fn is_newer_than(&self, other: &Callers) -> bool {
        self.generation > other.generation
    }

    /// Hashes are looked up, not keys: how long it takes says nothing of a key that is nearly right.
    pub(super) fn known(&self, key: &str) -> Option<&Known> {
        self.by_key.get(&key_hash(key))
    }

    pub(super) fn site(&self, id: SiteId) -> Option<&Arc<Site>> {
        self.by_id.get(&id)
    }

    pub(super) fn site_named(&self, name: &str) -> Option<&Arc<Site>> {
        self.by_id.values().find(|site| site.name == name)
    }

    pub(super) fn sites(&self) -> impl Iterator<Item = &Arc<Site>> {
        self.by_id.values()
    }
}
