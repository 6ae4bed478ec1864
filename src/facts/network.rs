//! What DNS lists and services answered about a comment's links and address.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answers that came within the time budget.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Answers {}
