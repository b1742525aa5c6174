use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::interrupt::Uninterruptible;
use crate::cli::record;
use crate::ledger::Recorder;
use crate::progress::Progress;

/// Takes the last apply back.
pub(super) fn run(context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let repository = record::repository(context, recorder)?;
    let writing = Uninterruptible::enter()?;
    let mut work_tree = super::open_work_tree(context, &repository, recorder)?;
    if let Some(applied) = work_tree.last_applied()? {
        let proposal = super::labelled(&applied.label).map(|(id, _)| id);
        recorder.record_undo(proposal, record::taken_back(&applied))?;
    }
    let undone = work_tree.undo()?;
    recorder.note_written();
    if let Some((id, part)) = super::labelled(&undone.label) {
        context.proposals(&repository)?.take_back_part(id, part)?;
    }
    context.progress.note(&format!("took back {}", undone.label));
    for path in &undone.paths {
        context.progress.note(&format!("  {path}"));
    }
    drop(writing);
    Ok(ExitStatus::Done)
}
