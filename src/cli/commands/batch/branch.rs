use std::path::Path;

use crate::batch::{SeriesPatch, read_run, series};
use crate::cli::args::BatchArgs;
use crate::cli::context::{Context, now_unix_s};
use crate::cli::{mail, record};
use crate::ledger::Recorder;
use crate::progress::Progress as _;
use crate::repo::BranchBuilder;

/// Makes a branch of the series that a run has left in a folder, a commit for each patch.
///
/// # Errors
/// When the branch exists, a file is not as `HEAD` has it, or the repository cannot be written.
pub(crate) fn build(
    name: &str,
    folder: &Path,
    args: &BatchArgs,
    context: &Context,
    recorder: &Recorder,
) -> anyhow::Result<()> {
    let repository = record::repository(context, recorder)?;
    let snapshot = repository.snapshot()?;
    let (stamp, mut records) = read_run(folder)?;
    records.sort_by(|a, b| a.path.cmp(&b.path));
    let marking = context.settings.marking.as_ref();
    let date = now_unix_s()?;
    let mut branch = BranchBuilder::begin(&repository, name)?;
    let made = |patch: SeriesPatch<'_>| {
        let text = mail::commit_text(&patch, &stamp, marking, date);
        (patch.patch.writes(), text)
    };
    let group_by = args.group_by.into();
    series(&records, &snapshot, group_by, &made, &mut |(writes, text)| {
        branch.commit(&writes, &text)?;
        Ok(())
    })?;
    recorder.record_branch(name, &branch.base(), &branch.head(), branch.commits() as u64)?;
    let said = format!("branch {name}: {} commits on {}", branch.commits(), branch.base());
    branch.finish()?;
    context.progress.note(&said);
    Ok(())
}
