//! Asking the network about a comment, where the operator turned that on.
//!
//! Owns who holds the network, and which judgements ask it anew. Does not own whom it asks (`network`).

use std::sync::Arc;

use super::Pipeline;
use crate::comment::{Comment, CommentId};
use crate::facts::{Answers, Facts};
use crate::network::Network;
use crate::site::Site;
use crate::text::Text;
use crate::verdict::Verdict;

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
        network.look_up(comment, text, site, self.clock.now(), self.clock.elapsed()).await
    }

    /// The verdict on a comment that was judged before, as [`Pipeline::judge`], but with the answers that the network gave
    /// then: who judges many again, or the same twice, asks nobody for it.
    pub async fn judge_again(&self, comment: &Comment, site: &Site, id: Option<CommentId>, then: &Facts) -> Verdict {
        self.judge_with(comment, site, id, Some(then.network.clone())).await
    }
}
