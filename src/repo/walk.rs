use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::FileStamp;
use super::exclusion::{EXCLUSION_FILE, LetterCase};
use super::recovery::TEMPORARY_PREFIX;
use crate::text::RepoPath;

/// More threads than this only wait for each other in the kernel.
const MOST_THREADS: usize = 8;

/// What a walk over a work tree finds.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// The regular files that git does not ignore, sorted: path, size, stamp.
    pub(super) files: Vec<(RepoPath, u64, FileStamp)>,
    /// What cannot be looked at, or has a name that is not UTF-8.
    pub(super) unreadable: Vec<PathBuf>,
    /// The directories that hold a file of exclusions.
    pub(super) exclusions: Vec<PathBuf>,
}

/// Walks a work tree: exactly `git ls-files --others --cached --exclude-standard`, as far as it is on disk and not
/// tracked against an ignore rule. No `.ignore` files, nothing from above the root.
///
/// What lies under a submodule that is not checked out is for the caller to leave out.
pub(super) fn walk(root: &Path, case: LetterCase) -> Walked {
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get().min(MOST_THREADS));
    let walk = WalkBuilder::new(root)
        .hidden(false)
        .ignore(false)
        .parents(false)
        .require_git(false)
        .ignore_case_insensitive(case == LetterCase::Ignored)
        .filter_entry(|entry| !is_foreign(entry))
        .threads(threads)
        .build_parallel();
    let (sender, receiver) = mpsc::channel();
    walk.run(|| {
        let sender = sender.clone();
        Box::new(move |entry| {
            let mut send = |found| drop(sender.send(found));
            look_at(root, entry, &mut send);
            WalkState::Continue
        })
    });
    drop(sender);
    let mut walked = Walked::default();
    for found in receiver {
        match found {
            Found::File(path, size_bytes, stamp) => walked.files.push((path, size_bytes, stamp)),
            Found::Unreadable(path) => walked.unreadable.push(path),
            Found::Exclusion(directory) => walked.exclusions.push(directory),
        }
    }
    walked.files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    walked.unreadable.sort_unstable();
    walked
}

enum Found {
    File(RepoPath, u64, FileStamp),
    Unreadable(PathBuf),
    Exclusion(PathBuf),
}

fn look_at(root: &Path, entry: Result<DirEntry, ignore::Error>, send: &mut impl FnMut(Found)) {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => {
            path_of(&error)
                .into_iter()
                .for_each(|path| send(Found::Unreadable(path)));
            return;
        }
    };
    let Some(kind) = entry.file_type() else {
        return;
    };
    if kind.is_dir() {
        let exclusion = fs::symlink_metadata(entry.path().join(EXCLUSION_FILE));
        if exclusion.is_ok_and(|meta| meta.is_file()) {
            send(Found::Exclusion(entry.into_path()));
        }
        return;
    }
    if !kind.is_file() {
        return;
    }
    match (repo_path(root, entry.path()), entry.metadata()) {
        (Some(path), Ok(meta)) => send(Found::File(path, meta.len(), FileStamp::of(&meta))),
        (None, _) | (_, Err(_)) => send(Found::Unreadable(entry.into_path())),
    }
}

/// Tells what the walk passes over: git's own directory, repositories inside this one, and what a writer that was cut
/// short left behind.
fn is_foreign(entry: &DirEntry) -> bool {
    let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
    entry.file_name() == ".git"
        || entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(TEMPORARY_PREFIX.as_bytes())
        || entry.depth() > 0 && is_dir && fs::symlink_metadata(entry.path().join(".git")).is_ok()
}

fn repo_path(root: &Path, path: &Path) -> Option<RepoPath> {
    RepoPath::new(path.strip_prefix(root).ok()?.to_str()?).ok()
}

fn path_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
    }
}
