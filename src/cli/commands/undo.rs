use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::interrupt::Uninterruptible;
use crate::cli::record;
use crate::ledger::Recorder;
use crate::progress::Progress;
use crate::repo::{Repository, Undone, WorkTree};

/// Takes the last apply back.
pub(super) fn run(context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let repository = record::repository(context, recorder)?;
    let writing = Uninterruptible::enter()?;
    let mut work_tree = super::open_work_tree(context, &repository, recorder)?;
    // What was cut short is the last apply, and is taken back already: the one before it is another undo's.
    let undone = match work_tree.recovered().cloned() {
        Some(recovered) => recovered,
        None => undo(context, &repository, &mut work_tree, recorder)?,
    };
    context.progress.note(&format!("took back {}", undone.label));
    for path in &undone.paths {
        context.progress.note(&format!("  {path}"));
    }
    drop(writing);
    Ok(ExitStatus::Done)
}

/// Takes back what the newest record of the journal says, after the ledger has it.
fn undo(
    context: &Context,
    repository: &Repository,
    work_tree: &mut WorkTree,
    recorder: &Recorder,
) -> anyhow::Result<Undone> {
    if let Some(applied) = work_tree.last_applied()? {
        let proposal = super::labelled(&applied.label).map(|(id, _)| id);
        recorder.record_undo(proposal, record::taken_back(&applied))?;
    }
    let undone = work_tree.undo()?;
    recorder.note_written();
    if let Some((id, part)) = super::labelled(&undone.label) {
        context.proposals(repository)?.take_back_part(id, part)?;
    }
    Ok(undone)
}
