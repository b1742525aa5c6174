use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::interrupt::Uninterruptible;
use crate::progress::Progress;

/// Takes the last apply back.
pub(super) fn run(context: &Context) -> anyhow::Result<ExitStatus> {
    let repository = context.repository()?;
    let writing = Uninterruptible::enter()?;
    let undone = super::open_work_tree(context, &repository)?.undo()?;
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
