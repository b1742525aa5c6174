//! One file per verb.

pub(crate) mod apply;
pub(crate) mod batch;
mod bundle;
mod completions;
mod discard;
mod doctor;
mod edit;
mod evidence;
mod find;
mod index;
mod list;
mod log;
mod man;
mod map;
mod model;
pub(crate) mod show;
mod undo;

use std::path::Path;

use super::args::{BundleCommand, Command};
use super::context::Context;
use super::exit::ExitStatus;
use super::{message, record::recorded};
use crate::ledger::{Digest, ProposalId, Recorder, Verb};
use crate::repo::{RepoError, Repository, WorkTree};
use crate::text::{RepoPath, head};

/// Does what the command says.
///
/// # Errors
/// What failed, with the room's own error in its chain.
pub(crate) fn run(command: &Command, context: &Context) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Edit(args) => recorded(Verb::Edit, context, |recorder| edit::run(args, context, recorder)),
        Command::Batch(args) => recorded(Verb::Batch, context, |recorder| batch::run(args, context, recorder)),
        Command::Bundle(BundleCommand::Create(args)) => bundle::create(args, context),
        Command::Bundle(BundleCommand::Verify(args)) => bundle::verify(args, context),
        Command::Bundle(BundleCommand::Apply(args)) => {
            recorded(Verb::Apply, context, |recorder| bundle::apply(args, context, recorder))
        }
        Command::Map(args) => map::run(args, context),
        Command::Index(args) => index::run(args, context),
        Command::Find(args) => find::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Discard(args) => recorded(Verb::Discard, context, |recorder| discard::run(args, context, recorder)),
        Command::Apply(args) => recorded(Verb::Apply, context, |recorder| apply::run(args, context, recorder)),
        Command::Undo(_) => recorded(Verb::Undo, context, |recorder| undo::run(context, recorder)),
        Command::Log(args) => log::run(args, context),
        Command::Model(command) => model::run(command, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Evidence(_) => evidence::run(context),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

/// The journal's name for an apply; [`labelled`] reads it back. Parts count from 1.
fn label(id: ProposalId, part: usize) -> String {
    match part {
        1 => format!("proposal {id}"),
        _ => format!("proposal {id}, part {part}"),
    }
}

/// The journal's name for an apply of a patch that is no proposal's, by its bytes.
fn patch_label(bytes: &[u8]) -> String {
    const MOST_DIGITS: usize = 12;
    let digest = Digest::of(bytes).to_string();
    format!("patch {}", head(&digest, MOST_DIGITS))
}

fn labelled(label: &str) -> Option<(ProposalId, usize)> {
    let named = label.strip_prefix("proposal ")?;
    let (id, part) = named.split_once(", part ").unwrap_or((named, "1"));
    Some((id.parse().ok()?, part.parse().ok()?))
}

fn proposal_id(number: u64) -> anyhow::Result<ProposalId> {
    Ok(number.to_string().parse()?)
}

/// Opens the work tree for writing, and says so when that first finished what an earlier run had left half-done.
fn open_work_tree(context: &Context, repository: &Repository, recorder: &Recorder) -> anyhow::Result<WorkTree> {
    let work_tree = WorkTree::open(repository, &context.directories.state)?;
    if let Some(recovered) = work_tree.recovered() {
        recorder.note_recovery(&recovered.label, &recovered.paths);
        message::warning(&format!("an earlier run was cut short; took back {}", recovered.label));
        if let Some((id, part)) = labelled(&recovered.label) {
            context.proposals(repository)?.take_back_part(id, part)?;
        }
    }
    Ok(work_tree)
}

/// Parses the paths; the root of the work tree stands for no restriction.
fn paths(repository: &Repository, context: &Context, typed: &[impl AsRef<Path>]) -> anyhow::Result<Vec<RepoPath>> {
    let mut paths = Vec::new();
    for typed in typed {
        match repository.relative(&context.directory, typed.as_ref()) {
            Ok(path) => paths.push(path),
            Err(RepoError::WorkTreeRoot(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_back() {
        let id = proposal_id(7).unwrap();
        for part in [1, 2, 30] {
            assert_eq!(labelled(&label(id, part)), Some((id, part)));
        }
        assert_eq!(label(id, 1), "proposal 7");
        assert_eq!(labelled("proposal 7, part x"), None);
        assert_eq!(labelled("something else"), None);
        assert_eq!(labelled(&patch_label(b"")), None);
        assert_eq!(patch_label(b""), "patch 38b060a751ac");
    }
}
