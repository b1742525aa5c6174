use crate::cli::args::ModelCommand;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;

pub(super) fn run(_command: &ModelCommand, _context: &Context) -> anyhow::Result<ExitStatus> {
    anyhow::bail!("not yet wired")
}
