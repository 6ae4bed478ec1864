//! The one integration-test binary: a file per subject, so that linking is paid for once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]
#![allow(clippy::indexing_slicing, clippy::print_stderr, reason = "tests know their data")]

mod accounts;
mod activation;
mod akismet;
mod api;
mod backlog;
mod backup;
mod budget;
mod campaigns;
mod cli;
mod comments;
mod config;
mod crash;
mod daemon;
mod daemons;
mod disguises;
mod disks;
mod doctor;
mod dumps;
mod evaluation;
mod faults;
mod following;
mod front;
mod harness;
mod hooks;
mod hostile;
mod learning;
mod limits;
mod lists;
mod many;
mod metrics;
mod muting;
mod network;
mod openapi;
mod overload;
mod postgres;
mod promotion;
mod receiver;
mod receivers;
mod replay;
mod retraining;
mod rule_fitting;
mod rules;
mod store;
mod store_history;
mod store_moving;
mod store_postgres;
mod store_sqlite;
mod systemd;
mod tidy;
mod training;
mod way;
mod webhook;
mod worker;
