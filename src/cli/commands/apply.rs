use anyhow::{Context as _, bail};

use crate::cli::args::{ApplyArgs, ApplySource};
use crate::cli::context::Context;
use crate::cli::dialogue::{self, Consent};
use crate::cli::exit::ExitStatus;
use crate::cli::interrupt::Uninterruptible;
use crate::cli::message::UsageError;
use crate::cli::{input, message, record};
use crate::ledger::{Entry, FileHunks, Hunks, ProposalState, Recorder};
use crate::patch::{FilePatch, Hunk, MAX_PATCH_BYTES, Moved, Patch, UnifiedDiff};
use crate::progress::Progress;
use crate::repo::Repository;
use crate::review::Note;

/// Applies one proposal or a patch from a file, or the hunks of it that are chosen.
pub(super) fn run(args: &ApplyArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    match &args.source {
        ApplySource::Proposal(number) => apply_proposal(*number, args, context, recorder),
        ApplySource::File(file) => apply_diff(Some(&file.to_string_lossy()), args, context, recorder),
        ApplySource::Stdin if args.patch => {
            let asked = "--patch reads answers from stdin, so the patch must be in a file";
            Err(UsageError(asked.to_owned()).into())
        }
        ApplySource::Stdin => apply_diff(None, args, context, recorder),
    }
}

fn apply_proposal(number: u64, args: &ApplyArgs, context: &Context, recorder: &Recorder) -> anyhow::Result<ExitStatus> {
    let repository = record::repository(context, recorder)?;
    let entry = context.proposals(&repository)?.get(super::proposal_id(number)?)?;
    if entry.state == ProposalState::Discarded {
        bail!("proposal {} is discarded", entry.id);
    }
    if !entry.proposal.passed() {
        message::warning("a gate or a check failed for this proposal; see `skiff show`");
    }
    let rest = entry.rest();
    let patch = choose(args, context, &dialogue::notes(&entry), &rest)?;
    apply(context, &repository, &entry, &patch, recorder)
}

/// Applies a diff that somebody else made. No gate judges it: it was not a model that wrote it, and this process does not
/// parse source. It must fit to the byte instead.
fn apply_diff(
    name: Option<&str>,
    args: &ApplyArgs,
    context: &Context,
    recorder: &Recorder,
) -> anyhow::Result<ExitStatus> {
    let repository = record::repository(context, recorder)?;
    let bytes = input::read(context.input.as_ref(), MAX_PATCH_BYTES as u64 + 1)?;
    apply_bytes(name, &bytes, args, &repository, (context, recorder))
}

/// Applies a diff that was read.
///
/// # Errors
/// When it is none, does not fit, or may not be applied.
pub(super) fn apply_bytes(
    name: Option<&str>,
    bytes: &[u8],
    args: &ApplyArgs,
    repository: &Repository,
    (context, recorder): (&Context, &Recorder),
) -> anyhow::Result<ExitStatus> {
    recorder.note_patch(name, bytes);
    let shown = name.unwrap_or("the standard input");
    let diff = UnifiedDiff::parse(bytes).with_context(|| format!("{shown} is no patch for skiff"))?;
    let placed = diff.place(&repository.snapshot()?.reader())?;
    for moved in &placed.moved {
        context.progress.note(&said_of(moved));
    }
    let patch = choose(args, context, &[], &placed.patch)?;
    if patch.is_empty() {
        context.progress.note("nothing of the patch is applied");
        return Ok(ExitStatus::NothingToChange);
    }
    let writing = Uninterruptible::enter()?;
    let mut work_tree = super::open_work_tree(context, repository, recorder)?;
    recorder.record_apply(None, &placed.patch, &patch, hunks(&placed.patch, &patch))?;
    work_tree.apply(&patch.writes(), &super::patch_label(bytes))?;
    recorder.note_written();
    say_applied(context, "the patch", &patch);
    drop(writing);
    Ok(ExitStatus::Done)
}

/// Returns what is to be applied of a patch, after a yes where that has flags.
fn choose(args: &ApplyArgs, context: &Context, notes: &[Note], patch: &Patch) -> anyhow::Result<Patch> {
    let chosen = match args.patch {
        true => dialogue::choose(context, notes, patch)?,
        false => patch.clone(),
    };
    let consent = match args.accept_flags {
        true => Consent::Given,
        false => Consent::Asked,
    };
    dialogue::ask_consent(&chosen.flags(), consent)?;
    Ok(chosen)
}

fn said_of(moved: &Moved) -> String {
    let (down, up) = (
        moved.found.saturating_sub(moved.stated),
        moved.stated.saturating_sub(moved.found),
    );
    let offset = match (down, up) {
        (0, up) => format!("{up} above"),
        (down, _) => format!("{down} below"),
    };
    format!(
        "hunk {} of {} is on line {}, {offset} the one that the patch says",
        moved.hunk,
        moved.path,
        moved.found + 1
    )
}

fn say_applied(context: &Context, what: &str, patch: &Patch) {
    let stat = patch.stat();
    context.progress.note(&format!(
        "applied {what}: {} files, +{} -{}; `skiff undo` takes it back",
        stat.files.len(),
        stat.added,
        stat.removed
    ));
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
    recorder.record_apply(Some(entry.id), &rest, patch, hunks(&rest, patch))?;
    work_tree.apply(&patch.writes(), &super::label(entry.id, entry.next_part()))?;
    recorder.note_written();
    let state = context.proposals(repository)?.add_part(entry.id, patch)?;
    let what = match state {
        ProposalState::PartlyApplied => format!("part of proposal {}", entry.id),
        ProposalState::Open | ProposalState::Applied | ProposalState::Discarded => format!("proposal {}", entry.id),
    };
    say_applied(context, &what, patch);
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
