//! Gathers what is known besides the comment, before it is judged.
//!
//! Owns whom to ask. Does not own the shape of the answers (`facts`) nor what they mean (`rules`).

use super::Pipeline;
use crate::comment::{Comment, CommentId};
use crate::facts::Facts;
use crate::site::Site;
use crate::text::Text;

impl Pipeline {
    /// What is known of the comment; what cannot be had in time is absent. `id` is the comment's own, when it is stored
    /// already: it does not count as seen before.
    #[expect(clippy::unused_async, reason = "nobody is asked yet")]
    pub(super) async fn facts(&self, _comment: &Comment, _text: &Text, _site: &Site, _id: Option<CommentId>) -> Facts {
        Facts::NONE
    }
}
