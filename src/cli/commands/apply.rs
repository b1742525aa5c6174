use anyhow::bail;

use crate::cli::args::ApplyArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::interrupt::Uninterruptible;
use crate::cli::{message, record};
use crate::ledger::{Entry, Hunks, ProposalState, Recorder};
use crate::progress::Progress;
use crate::repo::Repository;

/// Applies one proposal.
pub(super) fn run(args: &ApplyArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let repository = record::repository(context, recorder)?;
    let entry = context.proposals(&repository)?.get(super::proposal_id(args.id)?)?;
    if entry.state == ProposalState::Discarded {
        bail!("proposal {} is discarded", entry.id);
    }
    if !entry.proposal.passed() {
        message::warning("a gate or a check failed for this proposal; see `skiff show`");
    }
    apply(context, &repository, &entry, recorder)
}

/// Writes a proposal's patch to the work tree, all of it or nothing, and remembers that it is applied.
///
/// # Errors
/// When a file is not what it was when the proposal was made, or cannot be written; nothing is changed then.
pub(crate) fn apply(
    context: &Context,
    repository: &Repository,
    entry: &Entry,
    recorder: &Recorder,
) -> anyhow::Result<ExitStatus> {
    let patch = &entry.proposal.patch;
    if patch.is_empty() {
        context.progress.note(&format!("proposal {} changes nothing", entry.id));
        return Ok(ExitStatus::NothingToChange);
    }
    let writing = Uninterruptible::enter()?;
    let mut work_tree = super::open_work_tree(context, repository, recorder)?;
    recorder.record_apply(entry.id, patch, patch, Hunks::All)?;
    work_tree.apply(&patch.writes(), &super::label(entry.id))?;
    recorder.note_written();
    context
        .proposals(repository)?
        .set_state(entry.id, ProposalState::Applied)?;
    let stat = patch.stat();
    context.progress.note(&format!(
        "applied proposal {}: {} files, +{} -{}; `skiff undo` takes it back",
        entry.id,
        stat.files.len(),
        stat.added,
        stat.removed
    ));
    drop(writing);
    Ok(ExitStatus::Done)
}
