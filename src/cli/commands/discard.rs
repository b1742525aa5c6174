use crate::cli::args::DiscardArgs;
use crate::cli::context::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::message::UsageError;
use crate::cli::record;
use crate::ledger::{ProposalState, Recorder};
use crate::progress::Progress;

/// Discards proposals; none of them when one cannot be.
pub(super) fn run(args: &DiscardArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let repository = record::repository(context, recorder)?;
    let store = context.proposals(&repository)?;
    let mut entries = Vec::new();
    for id in &args.ids {
        let entry = store.get(super::proposal_id(*id)?)?;
        if entry.state == ProposalState::Applied {
            return Err(UsageError(format!("proposal {id} is applied; `skiff undo` takes it back")).into());
        }
        entries.push(entry);
    }
    for entry in entries {
        recorder.record_discard(entry.id, &entry.proposal.patch)?;
        store.set_state(entry.id, ProposalState::Discarded)?;
        context.progress.note(&format!("discarded proposal {}", entry.id));
    }
    Ok(ExitStatus::Done)
}
