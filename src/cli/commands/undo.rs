use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::interrupt::Uninterruptible;
use crate::ledger::ProposalState;
use crate::progress::Progress;

/// Takes the last apply back.
pub(super) fn run(context: &Context) -> anyhow::Result<ExitStatus> {
    let repository = context.repository()?;
    let writing = Uninterruptible::enter()?;
    let mut work_tree = super::open_work_tree(context, &repository)?;
    // What was cut short is the last apply, and is taken back already: the one before it is another undo's.
    let undone = match work_tree.recovered().cloned() {
        Some(recovered) => recovered,
        None => work_tree.undo()?,
    };
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
