//! The allow and block lists in force, made ready: those of the store, each read again only when it changed, and those of
//! files, which the daemon hands over.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use super::Pipeline;
use crate::lists::{List, Lists};
use crate::site::SiteId;
use crate::store::{Directory, ListFilter, ListOwner, Store, StoreError};

/// Entries that are read from the store at once.
const PAGE: u32 = 10_000;

/// What notes call the list that all sites share.
const SHARED: &str = "shared";

#[derive(Debug, Default)]
pub(super) struct Shelf {
    of_store: ArcSwap<HashMap<ListOwner, Ready>>,
    of_files: ArcSwap<Vec<Arc<List>>>,
    /// Who reads lists holds it: two who saw the same change read them once. The generation that was followed last.
    reading: Mutex<u64>,
}

#[derive(Clone, Debug)]
struct Ready {
    /// The generation at which the list changed last.
    generation: u64,
    list: Arc<List>,
}

impl Shelf {
    fn lists(&self, site: SiteId) -> Lists {
        let (of_store, of_files) = (self.of_store.load(), self.of_files.load());
        let of = |owner: ListOwner| of_store.get(&owner).map(|ready| Arc::clone(&ready.list));
        Lists::join(of(Some(site)).into_iter().chain(of(None)).chain(of_files.iter().cloned()))
    }
}

impl Pipeline {
    /// All lists that speak of a site.
    pub fn lists(&self, site: SiteId) -> Lists {
        self.shelf.lists(site)
    }

    /// Puts the lists of files in place of those there were.
    pub fn set_list_files(&self, lists: Vec<Arc<List>>) {
        self.shelf.of_files.store(Arc::new(lists));
    }

    /// Reads those lists anew that have changed since they were read.
    pub async fn follow_lists(&self, directory: &Directory) -> Result<(), StoreError> {
        let mut followed = self.shelf.reading.lock().await;
        if directory.generation < *followed {
            // Someone was quicker with a later directory, which may know lists that this one does not.
            return Ok(());
        }
        let known = self.shelf.of_store.load_full();
        let is_known = |(owner, generation): &(ListOwner, u64)| {
            known.get(owner).is_some_and(|ready| ready.generation >= *generation)
        };
        if known.len() == directory.lists.len() && directory.lists.iter().all(is_known) {
            *followed = directory.generation;
            return Ok(());
        }
        let mut all = HashMap::with_capacity(directory.lists.len());
        for &(owner, generation) in &directory.lists {
            let ready = match known.get(&owner).filter(|ready| ready.generation >= generation) {
                Some(ready) => ready.clone(),
                None => Ready { generation, list: Arc::new(read(&*self.store, owner).await?) },
            };
            all.insert(owner, ready);
        }
        self.shelf.of_store.store(Arc::new(all));
        *followed = directory.generation;
        Ok(())
    }
}

async fn read(store: &dyn Store, owner: ListOwner) -> Result<List, StoreError> {
    let mut list = List::named(if owner.is_none() { SHARED } else { "" });
    let mut after = Some(0);
    while let Some(row) = after {
        let (entries, next) = store.list_entries(owner, &ListFilter::default(), row, PAGE).await?;
        for placed in &entries {
            list.put(&placed.entry, 0);
        }
        after = next;
    }
    Ok(list)
}
