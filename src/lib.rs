//! Hamlet judges comments: a queue receives them, naive Bayes and rules score them, a decision approves or holds
//! them, and the CMS hears the verdict.
//!
//! ```text
//!   SHELL      main → cli → daemon → { http, telemetry }               start, wire, stop
//!   EDGES      api         worker                                      one request or one job at a time
//!   FLOW       pipeline                                                async glue: comment in, verdict kept
//!   ADAPTERS   store   config → network → webhook   training   list_files   clock   random    one foreign thing each
//!   ──────────────────────── below this line: no I/O, no clock, no async, no randomness ─────────
//!   CORE       decision → reason → { rules, classifier, lists } → text          functions of their arguments
//!   WORDS      { event, statistics } → { comment, key } → site → budget → { verdict, object, language } → facts    plain data
//! ```
//!
//! A module imports from bands below its own; within a band only along an arrow drawn here. `tests/it/tidy.rs` keeps
//! the picture true. Start reading at [`pipeline`].

pub mod budget;
pub mod comment;
pub mod event;
pub mod facts;
pub mod key;
pub mod language;
pub mod object;
pub mod site;
pub mod statistics;
pub mod verdict;

pub mod classifier;
pub mod decision;
pub mod lists;
pub mod reason;
pub mod rules;
pub mod text;

pub mod clock;
pub mod config;
pub mod list_files;
pub mod network;
pub mod random;
pub mod store;
pub mod training;
pub mod webhook;

pub mod pipeline;

pub mod api;
pub mod worker;

pub mod cli;
pub mod daemon;
pub mod http;
pub mod telemetry;
