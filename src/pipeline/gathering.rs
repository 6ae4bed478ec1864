//! Gathers what is known besides the comment, before it is judged.
//!
//! Owns whom to ask. Does not own the shape of the answers (`facts`) nor what they mean (`rules`).

use super::Pipeline;
use crate::comment::{Comment, CommentId};
use crate::facts::Facts;
use crate::site::Site;
use crate::store::Traces;
use crate::text::Text;

impl Pipeline {
    /// What is known of the comment; what cannot be had in time is absent. `id` is the comment's own, when it is stored
    /// already: it does not count as seen before.
    ///
    /// * `traces`: by what it is known again.
    pub(super) async fn facts(
        &self,
        comment: &Comment,
        text: &Text,
        site: &Site,
        id: Option<CommentId>,
        traces: &Traces,
    ) -> Facts {
        let (history, network) = tokio::join!(self.history(site, traces, id), self.answers(comment, text, site));
        Facts { history: history.map(Box::new), network, muted: self.muting.of(site.id) }
    }
}
