//! Which symbols are muted for which site, for as long as this process lives.
//!
//! Owns the counts, and telling the operator. Does not own when a symbol has gone mad (`rules::mute`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Pipeline;
use super::callers::Callers;
use crate::rules::mute::{Seen, Watch};
use crate::site::{Site, SiteId};

/// Sites that are watched at most; some kilobytes each. Those beyond have nothing muted.
const MOST_SITES: usize = 10_000;

/// The watch over all sites.
#[derive(Debug, Default)]
pub(super) struct Muting(Mutex<HashMap<SiteId, Watch>>);

/// A symbol that weighs nothing for now.
#[derive(Clone, Debug, PartialEq)]
pub struct Muted {
    /// The site's name.
    pub site: String,
    pub symbol: &'static str,
    /// Of the site's last comments, those that carry it, 0 to 1.
    pub share: f32,
}

impl Muting {
    pub(super) fn of(&self, site: SiteId) -> Vec<String> {
        let watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watches.get(&site).map(|watch| watch.muted().map(|(symbol, _)| symbol.to_owned()).collect()).unwrap_or_default()
    }

    /// Counts a verdict that was kept.
    pub(super) fn observe(&self, site: &Site, seen: &Seen) {
        let changes = {
            let mut watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if watches.len() >= MOST_SITES && !watches.contains_key(&site.id) {
                return;
            }
            watches.entry(site.id).or_default().observe(seen)
        };
        for change in changes {
            let (name, symbol, share) = (site.name.as_str(), change.symbol, f64::from(change.share));
            let gauge = metrics::gauge!("hamlet_muted_symbols", "site" => site.name.clone(), "symbol" => symbol);
            if change.is_muted {
                gauge.set(1.0);
                tracing::warn!(
                    site = name,
                    symbol,
                    share,
                    "muted: it fires on much of what this site's readers write, and on harmless comments as well; \
                     is a page cache or the CMS at fault?"
                );
            } else {
                gauge.set(0.0);
                tracing::info!(site = name, symbol, share, "heard again: it fires as rarely as it used to");
            }
        }
    }

    /// Forgets sites that were removed.
    pub(super) fn forget_removed(&self, now: &Callers) {
        let mut watches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watches.retain(|site, _| now.site(*site).is_some());
    }
}

impl Pipeline {
    /// The symbols that are muted now, by site.
    pub fn muted(&self) -> Vec<Muted> {
        let callers = self.callers.load();
        let watches = self.muting.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_site = |(id, watch): (&SiteId, &Watch)| {
            let site = callers.site(*id).map(|site| site.name.clone()).unwrap_or_default();
            watch.muted().map(|(symbol, share)| Muted { site: site.clone(), symbol, share }).collect::<Vec<_>>()
        };
        let mut muted: Vec<Muted> = watches.iter().flat_map(of_site).collect();
        muted.sort_by(|a, b| (&a.site, a.symbol).cmp(&(&b.site, b.symbol)));
        muted
    }
}
