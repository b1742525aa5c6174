//! What a verb that changes something does to be recorded.

use super::context::{Context, now_unix_s};
use super::exit::ExitStatus;
use super::interrupt;
use crate::index::Index;
use crate::ledger::{FileChange, FileIdentity, Recorder, Setting, Verb};
use crate::model::{EnergyMeter, LanguageModel};
use crate::prompt::TEMPLATE_SOURCES;
use crate::repo::{Applied, FileState, Repository, Snapshot};

/// Does the work of a verb between the records of its beginning and its end.
///
/// # Errors
/// When the run cannot be recorded, and what the work returns.
pub(crate) fn recorded(
    verb: Verb,
    context: &Context,
    work: impl FnOnce(&Recorder) -> anyhow::Result<ExitStatus>,
) -> anyhow::Result<ExitStatus> {
    // A clock that cannot be read is refused here, so that it can be asked without a doubt later.
    now_unix_s()?;
    let setting = Setting {
        clock: || now_unix_s().unwrap_or_default(),
        texts: context.settings.ledger_texts,
        marking: context.settings.marking.clone(),
        role: context.confinement.role().as_str(),
        confinement: context.confinement.level().as_str(),
        landlock_abi: context.confinement.level().landlock_abi(),
        policy_sha256: context.settings.policy_sha256.clone(),
    };
    let meter = match verb {
        Verb::Edit | Verb::Batch => EnergyMeter::start(),
        Verb::Apply | Verb::Undo | Verb::Discard => None,
    };
    let recorder = Recorder::begin(context.ledger(), setting, verb)?.measured_by(meter);
    let outcome = work(&recorder);
    let status = match &outcome {
        _ if interrupt::requested() => ExitStatus::Interrupted,
        Ok(status) => *status,
        Err(error) => ExitStatus::of(error),
    };
    let ended = recorder.end(status.code());
    // What went wrong first is what there is to say.
    let status = outcome?;
    ended?;
    Ok(status)
}

/// Opens the repository around the directory, and notes which work tree it is.
///
/// # Errors
/// As [`Context::repository`].
pub(crate) fn repository(context: &Context, recorder: &Recorder) -> anyhow::Result<Repository> {
    let repository = context.repository()?;
    if let Some(work_dir) = repository.work_dir() {
        recorder.note_work_tree(&repository.key(), &work_dir.to_string_lossy());
    }
    Ok(repository)
}

/// Notes the files of the work tree, as the index has them.
pub(crate) fn note_index(recorder: &Recorder, index: &Index) {
    let files = index.files().iter();
    recorder.note_tree(files.map(|file| (&file.path, file.blob.to_string())));
}

/// Notes the weights, those of the draft model too, and the templates of what they are told.
pub(crate) fn note_model(recorder: &Recorder, model: &dyn LanguageModel) {
    recorder.note_model(model, TEMPLATE_SOURCES);
}

/// Notes the files that were read whole.
pub(crate) fn note_files(recorder: &Recorder, snapshot: &Snapshot) {
    let files = snapshot.files_read().into_iter();
    recorder.note_files(files.map(|(path, blob)| (path, blob.to_string())));
}

/// Returns what taking an apply back does to the files.
pub(crate) fn taken_back(applied: &Applied) -> Vec<FileChange> {
    let identity = |state: FileState| FileIdentity {
        blob: state.blob.to_string(),
        mode: state.mode.as_str().to_owned(),
    };
    let change = |file: &crate::repo::AppliedFile| FileChange {
        path: file.path.clone(),
        before: file.after.map(identity),
        after: file.before.map(identity),
    };
    applied.files.iter().map(change).collect()
}
