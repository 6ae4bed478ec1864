//! What this store has seen of an author and of a text before.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Counts of what came before the comment, itself not counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct History {}
