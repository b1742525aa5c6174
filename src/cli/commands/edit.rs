use crate::cli::args::EditArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;

/// Turns a request into a proposal.
pub(super) fn run(_args: &EditArgs, _context: &Context) -> anyhow::Result<ExitStatus> {
    anyhow::bail!("`skiff edit` is not in this build")
}
