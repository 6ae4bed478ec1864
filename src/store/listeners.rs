//! Who is told of what: the enabled webhooks of each site.

use std::collections::{HashMap, HashSet};

use std::borrow::Cow;

use super::Outgoing;
use crate::event::EventKind;
use crate::site::SiteId;

/// Sites and their enabled endpoints, kept between batches until the generation rises.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    pub(super) generation: i64,
    sites: HashSet<i64>,
    /// Enabled webhooks by site.
    endpoints: HashMap<i64, Vec<Listener>>,
}

/// A webhook, and what it wants to be told.
#[derive(Clone, Debug)]
struct Listener {
    row: i64,
    events: Option<Vec<EventKind>>,
}

impl Tenants {
    /// * `enabled`: of each enabled webhook its site, its row and the JSON of what it wants to be told.
    pub(super) fn new(
        generation: i64,
        sites: impl IntoIterator<Item = i64>,
        enabled: impl IntoIterator<Item = (i64, i64, Option<String>)>,
    ) -> Tenants {
        let mut endpoints: HashMap<i64, Vec<Listener>> = HashMap::new();
        for (site, row, events) in enabled {
            endpoints.entry(site).or_default().push(Listener::new(row, events.as_deref()));
        }
        Tenants { generation, sites: sites.into_iter().collect(), endpoints }
    }

    pub(super) fn has_site(&self, site: SiteId) -> bool {
        self.sites.contains(&site.0)
    }

    /// The rows of the endpoints that are to be told.
    pub(super) fn told(&self, telling: &Telling<'_>) -> Vec<i64> {
        match telling.to {
            To::One(endpoint) => vec![endpoint],
            To::Listeners => {
                let all = self.endpoints.get(&telling.site.0).map(Vec::as_slice).unwrap_or_default();
                all.iter().filter(|listener| listener.wants(telling.event.kind)).map(|listener| listener.row).collect()
            }
        }
    }
}

impl Listener {
    /// An event whose name this program does not know is one that it never tells.
    fn new(row: i64, events: Option<&str>) -> Listener {
        let names: Option<Vec<String>> = events.map(|json| serde_json::from_str(json).unwrap_or_default());
        Listener { row, events: names.map(|names| names.iter().filter_map(|name| name.parse().ok()).collect()) }
    }

    fn wants(&self, event: EventKind) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&event))
    }
}

/// An event on its way to whoever listens.
#[derive(Debug)]
pub(super) struct Telling<'a> {
    pub(super) site: SiteId,
    /// `comments.row`.
    pub(super) comment: Option<i64>,
    pub(super) event: &'a Outgoing,
    /// JSON of the verdict that is told of, where it was written along with the comment.
    pub(super) verdict: Option<&'a str>,
    /// When it happened, microseconds; the first attempt is due at once.
    pub(super) at: i64,
    pub(super) to: To,
}

impl Telling<'_> {
    pub(super) fn body(&self) -> Cow<'_, str> {
        self.event.body.text(self.verdict)
    }
}

/// Who is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// Every enabled webhook of the site that wants it.
    Listeners,
    /// This endpoint: `endpoints.row`.
    One(i64),
}
