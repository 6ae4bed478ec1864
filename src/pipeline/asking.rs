//! Asking the network about a comment, where the operator turned that on.
//!
//! Owns who holds the network. Does not own whom it asks (`network`).

use std::sync::Arc;

use super::Pipeline;
use crate::comment::Comment;
use crate::facts::Answers;
use crate::network::Network;
use crate::site::Site;
use crate::text::Text;

impl Pipeline {
    /// Puts another network in place; `None`: nobody is asked anything.
    pub fn set_network(&self, network: Option<Network>) {
        self.network.store(network.map(Arc::new));
    }

    pub fn network(&self) -> Option<Arc<Network>> {
        self.network.load_full()
    }

    /// What the network says; `None` when it is off, or when there was nothing to ask.
    pub(super) async fn answers(&self, comment: &Comment, text: &Text, site: &Site) -> Option<Answers> {
        let network = self.network()?;
        // Boxed, because most daemons ask nobody and its future is most of what a verdict's holds: what a request's future holds is
        // moved for each.
        Box::pin(network.look_up(comment, text, site, self.clock.now(), self.clock.elapsed())).await
    }
}
