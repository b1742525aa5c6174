use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::interrupt::Uninterruptible;
use crate::cli::record;
use crate::ledger::{ProposalState, Recorder};
use crate::progress::Progress;

/// Takes the last apply back.
pub(super) fn run(context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let repository = record::repository(context, recorder)?;
    let writing = Uninterruptible::enter()?;
    let mut work_tree = super::open_work_tree(context, &repository, recorder)?;
    if let Some(applied) = work_tree.last_applied()? {
        recorder.record_undo(super::labelled(&applied.label), record::taken_back(&applied))?;
    }
    let undone = work_tree.undo()?;
    recorder.note_written();
    if let Some(id) = super::labelled(&undone.label) {
        context.proposals(&repository)?.set_state(id, ProposalState::Open)?;
    }
    context.progress.note(&format!("took back {}", undone.label));
    for path in &undone.paths {
        context.progress.note(&format!("  {path}"));
    }
    drop(writing);
    Ok(ExitStatus::Done)
}
