//! What each verb may read and write on this machine, asked of the code that makes the rules for it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Parser as _;
use serde::Serialize;

use super::args::{Args, Command};
use crate::sandbox::{Role, system_folders};

/// What a verb may do to files in a role.
#[derive(Debug, Serialize)]
pub(crate) struct Flow {
    pub(crate) verbs: &'static str,
    pub(crate) role: &'static str,
    /// Besides the folders of the system and what may be written.
    pub(crate) reads: Vec<String>,
    pub(crate) writes: Vec<String>,
}

/// What the rules of a process are made of.
#[derive(Debug)]
pub(crate) struct Rights {
    pub(crate) reads: Vec<PathBuf>,
    pub(crate) writes: Vec<PathBuf>,
}

/// The verbs, those with the same rights together, each with a line that stands for all.
const VERBS: &[(&str, &str, Role)] = &[
    ("edit", "skiff edit REQUEST", Role::Brain),
    ("edit --check", "skiff edit REQUEST --check CMD", Role::Checker),
    ("batch", "skiff batch PLAN", Role::Brain),
    ("bundle create", "skiff bundle create DIR -o FILE", Role::Brain),
    ("bundle verify", "skiff bundle verify FILE", Role::Brain),
    ("apply, undo, edit --apply, bundle apply", "skiff apply 1", Role::Hand),
    ("discard", "skiff discard 1", Role::Hand),
    ("index, find, map, model bench", "skiff index", Role::Brain),
    ("list, show", "skiff list", Role::Brain),
    ("log, log stats, log verify, log export", "skiff log", Role::Brain),
    ("log key", "skiff log key", Role::Brain),
    (
        "model add, model verify, model remove",
        "skiff model add FILE",
        Role::Brain,
    ),
    ("model list", "skiff model list", Role::Brain),
    ("doctor", "skiff doctor", Role::Brain),
    ("evidence", "skiff evidence --output DIR", Role::Brain),
    ("completions, man", "skiff man", Role::Brain),
];

/// Returns the rights of every verb, where `rights` says what one reads and writes.
///
/// # Errors
/// When a line of the list above is no command line: a fault of this program.
pub(crate) fn flows(rights: &dyn Fn(Role, &Command) -> Rights) -> anyhow::Result<Vec<Flow>> {
    let system = system_folders();
    let of_system = |path: &Path| system.iter().any(|folder| path.starts_with(folder));
    VERBS
        .iter()
        .map(|(verbs, line, role)| {
            let args = Args::try_parse_from(line.split(' ')).with_context(|| format!("{line:?} is no command line"))?;
            let Rights { reads, writes } = rights(*role, &args.command);
            let writes = shown(writes);
            let mut reads: Vec<String> = shown(reads.into_iter().filter(|path| !of_system(path)).collect());
            reads.retain(|path| !writes.contains(path));
            Ok(Flow {
                verbs,
                role: role.as_str(),
                reads,
                writes,
            })
        })
        .collect()
}

fn shown(mut paths: Vec<PathBuf>) -> Vec<String> {
    paths.sort();
    paths.dedup();
    paths.iter().map(|path| path.display().to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_there() {
        let rights = |_: Role, _: &Command| Rights {
            reads: vec!["/etc/x".into(), "/b".into(), "/a".into()],
            writes: vec!["/a".into()],
        };
        let flows = flows(&rights).unwrap();
        assert_eq!(
            (&flows[0].reads[..], &flows[0].writes[..]),
            (&["/b".to_owned()][..], &["/a".to_owned()][..])
        );
        let named = |verb: &str| {
            flows
                .iter()
                .any(|flow| flow.verbs.split([',', ' ']).any(|word| word == verb))
        };
        for verb in crate::cli::command().get_subcommands() {
            assert!(named(verb.get_name()), "{}", verb.get_name());
        }
    }
}
