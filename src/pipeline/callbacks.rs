//! The call-backs that a site's CMS named: which endpoint stands for each, and what comes back by them.
//!
//! Owns remembering them, so that the store need not be asked each time. Does not own sending (`webhook::callback`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Pipeline, Said, VIA_CALLBACK, key_hash};
use crate::comment::CommentId;
use crate::key::KeyHash;
use crate::random;
use crate::site::{Site, SiteId};
use crate::store::{Endpoint, EndpointId, EndpointKind, EndpointSecret, StoreError};
use crate::verdict::Label;
use crate::webhook::Word;

/// How many are remembered; a site has one.
const KNOWN_MAX: usize = 10_000;

/// By site and address: the endpoint, and with which key it was seen last.
#[derive(Debug, Default)]
pub(super) struct CallBacks(Mutex<HashMap<(SiteId, String), (EndpointId, KeyHash)>>);

impl CallBacks {
    fn find(&self, name: &(SiteId, String), key: KeyHash) -> Option<EndpointId> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).filter(|(_, seen)| *seen == key).map(|(id, _)| id.clone())
    }

    fn remember(&self, name: (SiteId, String), id: EndpointId, key: KeyHash) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(name, (id, key));
    }
}

impl Pipeline {
    /// The endpoint that stands for the call-back of a site's CMS, which is made if it is not there.
    ///
    /// * `key`: the API key that the CMS uses, which its plugin wants to be shown.
    pub async fn callback(&self, site: &Site, url: &str, key: &str) -> Result<EndpointId, StoreError> {
        let (name, hash) = ((site.id, url.to_owned()), key_hash(key));
        if let Some(known) = self.call_backs.find(&name, hash) {
            return Ok(known);
        }
        let now = self.clock.now();
        let endpoint = Endpoint {
            id: random::endpoint_id(now),
            site: site.id,
            kind: EndpointKind::Callback,
            url: url.to_owned(),
            events: None,
            created_at: now,
            disabled: None,
            failing_since: None,
            secrets: vec![EndpointSecret { secret: key.to_ascii_lowercase(), expires_at: None }],
        };
        let id = self.store.callback_endpoint(endpoint).await?;
        self.call_backs.remember(name, id.clone(), hash);
        Ok(id)
    }

    /// A call-back came too late: a moderator had decided in the CMS, and that is the label.
    pub async fn heard_from_cms(&self, site: SiteId, guid: &str, word: Word) -> Result<(), StoreError> {
        let (Some(site), Some(id)) = (self.site(site), CommentId::of_guid(guid)) else { return Ok(()) };
        let label = match word {
            Word::Ham => Label::Ham,
            Word::Spam => Label::Spam,
        };
        match self.overrule(&site, id, Said::Label(label), "a moderator", VIA_CALLBACK).await {
            Err(StoreError::NotFound(_)) => Ok(()),
            done => done.map(drop),
        }
    }
}
