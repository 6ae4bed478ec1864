//! The command line: one file per noun.

pub mod evaluate;
pub mod train;
