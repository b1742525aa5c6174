use anyhow::bail;

use crate::cli::args::ApplyArgs;
use crate::cli::context::Context;
use crate::cli::dialogue::{self, Consent};
use crate::cli::exit::ExitStatus;
use crate::cli::interrupt::Uninterruptible;
use crate::cli::{message, record};
use crate::ledger::{Entry, FileHunks, Hunks, ProposalState, Recorder};
use crate::patch::{FilePatch, Hunk, Patch};
use crate::progress::Progress;
use crate::repo::Repository;

/// Applies one proposal, or the hunks of it that are chosen.
pub(super) fn run(args: &ApplyArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let repository = record::repository(context, recorder)?;
    let entry = context.proposals(&repository)?.get(super::proposal_id(args.id)?)?;
    if entry.state == ProposalState::Discarded {
        bail!("proposal {} is discarded", entry.id);
    }
    if !entry.proposal.passed() {
        message::warning("a gate or a check failed for this proposal; see `skiff show`");
    }
    let rest = entry.rest();
    let patch = match args.patch {
        true => dialogue::choose(context, &entry, &rest)?,
        false => rest,
    };
    let consent = match args.accept_flags {
        true => Consent::Given,
        false => Consent::Asked,
    };
    dialogue::ask_consent(&patch.flags(), consent)?;
    apply(context, &repository, &entry, &patch, recorder)
}

/// Writes a patch of a proposal to the work tree, all of it or nothing, and remembers that it is applied.
///
/// # Errors
/// When a file is not what it was when the proposal was made, or cannot be written; nothing is changed then.
pub(crate) fn apply(
    context: &Context,
    repository: &Repository,
    entry: &Entry,
    patch: &Patch,
    recorder: &Recorder,
) -> anyhow::Result<ExitStatus> {
    if patch.is_empty() {
        context
            .progress
            .note(&format!("nothing of proposal {} is applied", entry.id));
        return Ok(ExitStatus::NothingToChange);
    }
    let writing = Uninterruptible::enter()?;
    let mut work_tree = super::open_work_tree(context, repository, recorder)?;
    let rest = entry.rest();
    recorder.record_apply(entry.id, &rest, patch, hunks(&rest, patch))?;
    work_tree.apply(&patch.writes(), &super::label(entry.id, entry.next_part()))?;
    recorder.note_written();
    let state = context.proposals(repository)?.add_part(entry.id, patch)?;
    let stat = patch.stat();
    let what = match state {
        ProposalState::PartlyApplied => "part of proposal",
        ProposalState::Open | ProposalState::Applied | ProposalState::Discarded => "proposal",
    };
    context.progress.note(&format!(
        "applied {what} {}: {} files, +{} -{}; `skiff undo` takes it back",
        entry.id,
        stat.files.len(),
        stat.added,
        stat.removed
    ));
    if state == ProposalState::PartlyApplied {
        let said = format!("the rest waits: `skiff apply -p {0}`, or `skiff discard {0}`", entry.id);
        context.progress.note(&said);
    }
    drop(writing);
    Ok(ExitStatus::Done)
}

/// Says which hunks of what was proposed the chosen patch has, whole or in part.
fn hunks(proposed: &Patch, chosen: &Patch) -> Hunks {
    if proposed == chosen {
        return Hunks::All;
    }
    let files = chosen.files.iter().map(|file| {
        let taken = file.hunks();
        let whole = proposed.files.iter().find(|other| other.path == file.path);
        let offered = whole.map(FilePatch::hunks).unwrap_or_default();
        let meets = |hunk: &Hunk| {
            taken
                .iter()
                .any(|taken| taken.old.start < hunk.old.end && hunk.old.start < taken.old.end || taken.old == hunk.old)
        };
        FileHunks {
            path: file.path.clone(),
            hunks: (1..)
                .zip(&offered)
                .filter(|(_, hunk)| meets(hunk))
                .map(|(number, _)| number)
                .collect(),
        }
    });
    Hunks::Some(files.collect())
}
