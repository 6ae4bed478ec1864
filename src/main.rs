//! The program: hands its arguments to the command line and turns an error into one sentence and an exit code.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use hamlet::cli::{Cli, Usage};
use hamlet::config::ConfigError;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads us has seen enough: `hamlet site list | head -1`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if this fails.
            let _ = writeln!(std::io::stderr(), "hamlet: {error:#}");
            let is_usage = error.chain().any(|cause| cause.is::<Usage>() || cause.is::<ConfigError>());
            ExitCode::from(if is_usage { 2 } else { 1 })
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    causes.any(|cause| cause.kind() == ErrorKind::BrokenPipe)
}
