use anyhow::Context as _;
use clap::CommandFactory;

use crate::cli::args::{Args, ManArgs};
use crate::cli::exit::ExitStatus;
use crate::cli::message::UsageError;
use crate::cli::output;

/// Prints the manual page of skiff, or of one verb.
pub(super) fn run(args: &ManArgs) -> anyhow::Result<ExitStatus> {
    let mut command = Args::command();
    command.build();
    let page = match &args.verb {
        None => command,
        Some(verb) => command
            .find_subcommand(verb)
            .filter(|found| found.get_name() != "help")
            .cloned()
            .ok_or_else(|| UsageError(format!("there is no verb {verb:?}")))?,
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut roff)
        .context("cannot render the manual page")?;
    output::write_raw(&roff)?;
    Ok(ExitStatus::Done)
}
