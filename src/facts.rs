//! What was known besides the comment: what this store has seen before, and what others answered.
//!
//! Owns the shape of these facts, which are gathered before a comment is judged (`pipeline`) and kept with its verdict, so
//! that it can be replayed. Does not own what they mean (`rules::history`, `rules::network`).

pub mod history;
pub mod network;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use history::History;
pub use network::Answers;

/// What is absent was not asked, which is not the same as an answer that says nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Box<History>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Answers>,
    /// Symbols that were muted for the site: they had gone mad, and weigh nothing (`rules::mute`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub muted: Vec<String>,
}

impl Facts {
    /// Nothing was asked.
    pub const NONE: Facts = Facts { history: None, network: None, muted: Vec::new() };

    pub fn is_empty(&self) -> bool {
        *self == Facts::NONE
    }
}
