use crate::cli::args::DiscardArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::message::UsageError;
use crate::ledger::ProposalState;
use crate::progress::Progress;

/// Discards proposals; none of them when one cannot be.
pub(super) fn run(args: &DiscardArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let repository = context.repository()?;
    let store = context.proposals(&repository)?;
    let mut ids = Vec::new();
    for id in &args.ids {
        let entry = store.get(super::proposal_id(*id)?)?;
        if entry.state == ProposalState::Applied {
            return Err(UsageError(format!("proposal {id} is applied; `skiff undo` takes it back")).into());
        }
        ids.push(entry.id);
    }
    for id in ids {
        store.set_state(id, ProposalState::Discarded)?;
        context.progress.note(&format!("discarded proposal {id}"));
    }
    Ok(ExitStatus::Done)
}
