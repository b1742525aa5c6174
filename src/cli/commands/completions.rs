use clap::CommandFactory;

use crate::cli::args::{Args, CompletionsArgs};
use crate::cli::exit::ExitStatus;
use crate::cli::output;

/// Prints the completion script of a shell.
pub(super) fn run(args: &CompletionsArgs) -> anyhow::Result<ExitStatus> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "skiff", &mut script);
    output::write_raw(&script)?;
    Ok(ExitStatus::Done)
}
