//! One file per verb.

pub(crate) mod apply;
mod completions;
mod discard;
mod doctor;
mod edit;
mod find;
mod index;
mod list;
mod man;
mod map;
mod model;
pub(crate) mod show;
mod undo;

use std::path::Path;

use super::args::Command;
use super::context::Context;
use super::exit::ExitStatus;
use super::message;
use crate::ledger::{ProposalId, ProposalState};
use crate::repo::{RepoError, Repository, WorkTree};
use crate::text::RepoPath;

/// Does what the command says.
///
/// # Errors
/// What failed, with the room's own error in its chain.
pub(crate) fn run(command: &Command, context: &Context) -> anyhow::Result<ExitStatus> {
    match command {
        Command::Edit(args) => edit::run(args, context),
        Command::Map(args) => map::run(args, context),
        Command::Index(args) => index::run(args, context),
        Command::Find(args) => find::run(args, context),
        Command::List(args) => list::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Discard(args) => discard::run(args, context),
        Command::Apply(args) => apply::run(args, context),
        Command::Undo(_) => undo::run(context),
        Command::Model(command) => model::run(command, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

/// The journal's name for an apply; [`labelled`] reads it back.
fn label(id: ProposalId) -> String {
    format!("proposal {id}")
}

fn labelled(label: &str) -> Option<ProposalId> {
    label.strip_prefix("proposal ")?.parse().ok()
}

fn proposal_id(number: u64) -> anyhow::Result<ProposalId> {
    Ok(number.to_string().parse()?)
}

/// Opens the work tree for writing, and says so when that first finished what an earlier run had left half-done.
fn open_work_tree(context: &Context, repository: &Repository) -> anyhow::Result<WorkTree> {
    let work_tree = WorkTree::open(repository, &context.directories.state)?;
    if let Some(recovered) = work_tree.recovered() {
        message::warning(&format!("an earlier run was cut short; took back {}", recovered.label));
        if let Some(id) = labelled(&recovered.label) {
            context.proposals(repository)?.set_state(id, ProposalState::Open)?;
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
