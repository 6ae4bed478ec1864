//! The program: hands its arguments to the command line and turns an error into one sentence and an exit code.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use hamlet::cli::{Cli, Usage};
use hamlet::config::ConfigError;
use hamlet::daemon::DaemonError;

/// Many small strings per comment, freed on another thread than they were made on: mimalloc does that in a third of
/// the time of the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads us has seen enough: `hamlet site list | head -1`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = writeln!(std::io::stderr(), "hamlet: {}", sentence(&error));
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

/// What happened and why, in one line; a cause that an error has told already is not told twice.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match said.as_str() {
        "" => cause,
        _ if said.contains(&cause) => said,
        _ => format!("{said}: {cause}"),
    })
}

/// Wrong usage or configuration, which trying again does not mend.
fn is_usage(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let daemon = cause.downcast_ref::<DaemonError>();
        cause.is::<Usage>() || cause.is::<ConfigError>() || matches!(daemon, Some(DaemonError::Settings(_)))
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
