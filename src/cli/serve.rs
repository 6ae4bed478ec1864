//! `hamlet serve`: the daemon, in the foreground.

use anyhow::Context as _;

use super::Places;
use crate::daemon::{self, sockets};
use crate::telemetry;

/// Run the daemon: take comments, judge them, tell the CMS.
///
/// With no settings at all it works: an embedded store, the shipped model, and a site `default` whose API key is printed
/// once. SIGHUP reads settings, weights and hooks anew, SIGTERM finishes what is in hand and stops.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  hamlet serve
  hamlet serve --listen 127.0.0.1:9000 --data-dir ./data
  HAMLET_LOG__FORMAT=json hamlet serve")]
pub struct Args {
    /// Address and port to listen on [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

pub(super) fn run(places: &Places, args: &Args) -> anyhow::Result<()> {
    let config = places.config(&[("--listen", "listen", &args.listen)])?;
    let hooks = config.hooks()?;
    telemetry::start_logging(&config.log, std::env::var("RUST_LOG").ok().as_deref())?;
    // Before the runtime has threads.
    let inherited = sockets::inherited()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.context("the runtime cannot be started")?.block_on(daemon::run(config, hooks, inherited))?)
}
