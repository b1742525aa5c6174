use std::collections::BTreeSet;
use std::path::Path;

use super::journal::{Journal, Phase, Record};
use super::lock::{FileLock, create_private_dir};
use super::placement::{Attributes, Staged};
use super::recovery::{self, MAX_WRITE_BYTES, Restore};
use super::repository::GitHandle;
use super::root::{DiskFile, Root};
use super::{FileContent, FileState, FileWrite, RepoError, Repository, admission};
use crate::text::RepoPath;

/// The only writer of a work tree.
///
/// A set of writes is carried out whole or not at all, also when the process dies on the way: preimages and a plan are
/// made durable first, new content is written beside its targets, and files change by rename. Whoever opens the
/// work tree next takes unfinished writes back. One process at a time holds the lock.
#[derive(Debug)]
pub struct WorkTree {
    root: Root,
    git: GitHandle,
    journal: Journal,
    recovered: Option<Undone>,
    _lock: FileLock,
}

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The label that the writes were applied under.
    pub label: String,
    /// The files, in the order of the writes.
    pub paths: Vec<RepoPath>,
}

/// What was applied, and can be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The label that the writes were applied under.
    pub label: String,
    /// The files, in the order of the writes.
    pub files: Vec<AppliedFile>,
}

/// One file that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedFile {
    /// The file.
    pub path: RepoPath,
    /// What it was before; `None` when there was none.
    pub before: Option<FileState>,
    /// What it became; `None` when it went away.
    pub after: Option<FileState>,
}

impl WorkTree {
    /// Takes the lock of the work tree, and takes back what an earlier process left unfinished.
    ///
    /// Locks and journals are kept in `state_dir`, under the key of the work tree.
    ///
    /// # Errors
    /// [`RepoError::Locked`], [`RepoError::RecoveryNeeded`], [`RepoError::Bare`], [`RepoError::StateDamaged`], I/O errors.
    pub fn open(repo: &Repository, state_dir: &Path) -> Result<Self, RepoError> {
        let root = repo.root()?;
        let dir = state_dir.join("worktrees").join(repo.key());
        create_private_dir(&dir).map_err(|e| RepoError::io(&dir, e))?;
        let lock_file = dir.join("lock");
        let lock = FileLock::try_exclusive(&lock_file).map_err(|e| RepoError::io(&lock_file, e))?;
        let Some(lock) = lock else {
            return Err(RepoError::Locked(lock_file));
        };
        let mut work_tree = Self {
            root,
            git: repo.git().clone(),
            journal: Journal::open(&dir)?,
            recovered: None,
            _lock: lock,
        };
        work_tree.recovered = work_tree.recover()?;
        Ok(work_tree)
    }

    /// Returns what opening the work tree took back, if an earlier process was cut short.
    pub fn recovered(&self) -> Option<&Undone> {
        self.recovered.as_ref()
    }

    /// Carries out all of `writes`, or none.
    ///
    /// Every preimage is checked before anything is written, and again just before its own file changes.
    ///
    /// # Errors
    /// [`RepoError::PreimageChanged`] names the first file that is not as it must be; a file that must not be written has a
    /// variant for each reason. After any error the files are as they were; where they cannot be brought back, the error
    /// is [`RepoError::RecoveryNeeded`], or [`RepoError::CutShort`] when the next process can try again.
    pub fn apply(&mut self, writes: &[FileWrite], label: &str) -> Result<(), RepoError> {
        self.recover()?;
        let preimages = self.check(writes)?;
        if writes.is_empty() {
            return Ok(());
        }
        let created_dirs = self.missing_dirs(writes)?;
        let files: Vec<_> = writes
            .iter()
            .zip(&preimages)
            .map(|(write, old)| {
                (
                    write.path.clone(),
                    old.as_ref(),
                    write.after.as_ref().map(FileContent::state),
                )
            })
            .collect();
        let mut record = self.journal.begin(label, &files, created_dirs)?;
        let mut done = 0;
        let result = self.carry_out(writes, &preimages, &record, &mut done);
        let result = result.and_then(|()| match record.enter(Phase::Applied) {
            Ok(()) => Ok(()),
            #[cfg(test)]
            Err(RepoError::Injected) => Err(RepoError::Injected),
            // The mark may have reached the disk. While it may, no file goes back.
            Err(error) => match record.enter(Phase::Applying) {
                Ok(()) => Err(error),
                Err(_) => Err(cut_short(&record, error)),
            },
        });
        match result {
            Ok(()) => Ok(()),
            #[cfg(test)]
            Err(RepoError::Injected) => Err(RepoError::Injected),
            Err(error @ RepoError::CutShort { .. }) => Err(error),
            Err(error) => {
                self.take_back(record, done)?;
                Err(error)
            }
        }
    }

    /// Returns what [`WorkTree::undo`] would take back.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_applied(&self) -> Result<Option<Applied>, RepoError> {
        let record = self.journal.newest()?;
        Ok(record.map(|record| Applied {
            files: record.plan.entries.iter().map(applied_file).collect(),
            label: record.plan.label,
        }))
    }

    /// Takes the last apply back; called again, the one before it.
    ///
    /// # Errors
    /// [`RepoError::NothingToUndo`]; [`RepoError::PreimageChanged`] when a file has been changed since, and then nothing is.
    pub fn undo(&mut self) -> Result<Undone, RepoError> {
        self.recover()?;
        let Some(mut record) = self.journal.newest()? else {
            return Err(RepoError::NothingToUndo);
        };
        for entry in &record.plan.entries {
            if recovery::state(&self.root, &entry.path)? != entry.after {
                let path = entry.path.clone();
                return Err(RepoError::PreimageChanged { path });
            }
        }
        if let Err(error) = record.enter(Phase::Undoing) {
            // Where the mark reached the disk all the same and cannot be taken away, the next run finishes the undo.
            #[cfg(test)]
            if matches!(error, RepoError::Injected) {
                return Err(error);
            }
            return match record.enter(Phase::Applied) {
                Ok(()) => Err(error),
                Err(_) => Err(cut_short(&record, error)),
            };
        }
        let restore = match Restore::prepare(&self.root, &record, &record.plan.entries) {
            Ok(restore) => restore,
            #[cfg(test)]
            Err(RepoError::Injected) => return Err(RepoError::Injected),
            Err(error) => {
                // No file has changed yet, so the record is what it was. What was staged may not go away, though.
                let swept = recovery::sweep(&self.root, &record);
                return match swept.and_then(|()| record.enter(Phase::Applied)) {
                    Ok(()) => Err(error),
                    Err(_) => Err(cut_short(&record, error)),
                };
            }
        };
        restore.finish(&self.root).map_err(|error| unfinished(&record, error))?;
        let undone = undone(&record);
        record.remove()?;
        Ok(undone)
    }

    /// Reads the preimages and refuses those that are not as they must be.
    fn check(&self, writes: &[FileWrite]) -> Result<Vec<Option<DiskFile>>, RepoError> {
        let mut seen = BTreeSet::new();
        let mut preimages = Vec::with_capacity(writes.len());
        for write in writes {
            if !seen.insert(&write.path) {
                return Err(RepoError::WrittenTwice(write.path.clone()));
            }
            if let Some(new) = &write.after
                && new.bytes.len() as u64 > MAX_WRITE_BYTES
            {
                return Err(RepoError::TooLarge {
                    path: write.path.clone(),
                    size_bytes: new.bytes.len() as u64,
                    limit_bytes: MAX_WRITE_BYTES,
                });
            }
            let file = self.root.read(&write.path, MAX_WRITE_BYTES)?;
            if file.as_ref().map(DiskFile::state) != write.before {
                return Err(changed(&write.path));
            }
            admission::refuse_file(&self.git, &self.root, &write.path, file.as_ref())?;
            preimages.push(file);
        }
        admission::refuse_bare_repositories(&self.root, writes)?;
        Ok(preimages)
    }

    /// Returns the directories that the writes will make, the outermost first.
    fn missing_dirs(&self, writes: &[FileWrite]) -> Result<Vec<RepoPath>, RepoError> {
        let mut missing = BTreeSet::new();
        for write in writes {
            missing.extend(self.root.deepest(&write.path)?.1);
        }
        Ok(missing.into_iter().collect())
    }

    /// Writes everything beside its target, then changes file by file; `done` counts the files that may have changed.
    fn carry_out(
        &self,
        writes: &[FileWrite],
        preimages: &[Option<DiskFile>],
        record: &Record,
        done: &mut usize,
    ) -> Result<(), RepoError> {
        let mut staged = Vec::with_capacity(writes.len());
        for (at, (write, old)) in writes.iter().zip(preimages).enumerate() {
            let name = recovery::staged_name(record, &record.plan.entries[at]);
            let file = write.after.as_ref().map(|new| {
                let attributes = attributes(new, old.as_ref());
                self.root.stage(&write.path, &name, &new.bytes, attributes)
            });
            staged.push(file.transpose()?);
        }
        for (at, (write, staged)) in writes.iter().zip(&staged).enumerate() {
            let name = recovery::staged_name(record, &record.plan.entries[at]);
            self.place(write, staged.as_ref(), &name)?;
            *done += 1;
        }
        for write in writes.iter().filter(|write| write.after.is_none()) {
            self.root.prune_parents(&write.path)?;
        }
        Ok(())
    }

    fn place(&self, write: &FileWrite, staged: Option<&Staged>, temporary: &str) -> Result<(), RepoError> {
        let path = &write.path;
        if recovery::state(&self.root, path)? != write.before {
            return Err(changed(path));
        }
        match (staged, write.before) {
            (Some(staged), Some(before)) => self.root.replace(path, staged, before),
            (Some(staged), None) => self.root.create(path, staged),
            (None, Some(before)) => self.root.remove(path, temporary, before),
            (None, None) => Ok(()),
        }
    }

    /// Takes an apply back that failed after `done` files; the file that it failed on may have changed or not.
    fn take_back(&self, record: Record, done: usize) -> Result<(), RepoError> {
        let entries = &record.plan.entries;
        let (placed, rest) = entries.split_at(done);
        // Of the files not reached, only the first can be new: its rename went through and a later step failed.
        let next = rest
            .first()
            .filter(|next| matches!(recovery::state(&self.root, &next.path), Ok(now) if now == next.after));
        let reached = if next.is_some() { &entries[..=done] } else { placed };
        self.restore(&record, reached)?;
        record.remove()
    }

    /// Takes back what is not finished.
    fn recover(&mut self) -> Result<Option<Undone>, RepoError> {
        let Some(record) = self.journal.newest()? else {
            return Ok(None);
        };
        if record.plan.phase == Phase::Applied {
            return Ok(None);
        }
        self.restore(&record, &record.plan.entries)?;
        let undone = undone(&record);
        record.remove()?;
        Ok(Some(undone))
    }

    fn restore(&self, record: &Record, entries: &[super::journal::Entry]) -> Result<(), RepoError> {
        let restore = || {
            recovery::sweep(&self.root, record)?;
            Restore::prepare(&self.root, record, entries)?.finish(&self.root)
        };
        restore().map_err(|error| unfinished(record, error))
    }
}

/// Says what an error means that left some files new and some old.
fn unfinished(record: &Record, error: RepoError) -> RepoError {
    match error {
        RepoError::PreimageChanged { path } => RepoError::RecoveryNeeded {
            path,
            saved: record.dir().to_path_buf(),
        },
        #[cfg(test)]
        RepoError::Injected => RepoError::Injected,
        other => cut_short(record, other),
    }
}

fn cut_short(record: &Record, source: RepoError) -> RepoError {
    RepoError::CutShort {
        saved: record.dir().to_path_buf(),
        source: Box::new(source),
    }
}

fn attributes(new: &FileContent, old: Option<&DiskFile>) -> Attributes {
    match old {
        None => Attributes::Fresh(new.mode),
        Some(old) => Attributes::Like {
            permissions: old.permissions,
            owner: old.owner,
            mode: new.mode,
        },
    }
}

fn applied_file(entry: &super::journal::Entry) -> AppliedFile {
    AppliedFile {
        path: entry.path.clone(),
        before: entry.before.as_ref().map(super::journal::Preimage::state),
        after: entry.after,
    }
}

fn undone(record: &Record) -> Undone {
    Undone {
        label: record.plan.label.clone(),
        paths: record.plan.entries.iter().map(|entry| entry.path.clone()).collect(),
    }
}

fn changed(path: &RepoPath) -> RepoError {
    RepoError::PreimageChanged { path: path.clone() }
}
