use super::journal::{Entry, Record};
use super::placement::{Attributes, Staged};
use super::root::Root;
use super::{FileState, RepoError};
use crate::text::RepoPath;

/// The most bytes of a file that is compared with what was written: more than any edit can write.
pub(super) const MAX_WRITE_BYTES: u64 = 64 << 20;

/// How the names of temporary files in the work tree begin.
pub(super) const TEMPORARY_PREFIX: &str = ".skiff-tmp-";

/// Files to take back to their preimages, checked and staged.
pub(super) struct Restore<'a> {
    record: &'a Record,
    /// The entries whose files are new, with the preimage staged where there was one.
    steps: Vec<(&'a Entry, Option<Staged>)>,
}

impl<'a> Restore<'a> {
    /// Checks that every file of `entries` is old or new, and stages the preimages of those that are new.
    ///
    /// # Errors
    /// [`RepoError::PreimageChanged`] when a file is neither; no file has been touched then.
    pub(super) fn prepare(root: &Root, record: &'a Record, entries: &'a [Entry]) -> Result<Self, RepoError> {
        let mut steps = Vec::new();
        for entry in entries {
            let now = state(root, &entry.path)?;
            if now == entry.before.as_ref().map(|before| before.state()) {
                continue;
            }
            if now != entry.after {
                let path = entry.path.clone();
                return Err(RepoError::PreimageChanged { path });
            }
            steps.push((entry, None));
        }
        for (entry, staged) in &mut steps {
            if let Some(before) = &entry.before {
                let attributes = Attributes::Like {
                    permissions: before.permissions,
                    owner: before.owner,
                    mode: before.mode,
                };
                let bytes = record.preimage(before)?;
                *staged = Some(root.stage(&entry.path, &restored_name(record, entry), &bytes, attributes)?);
            }
        }
        Ok(Self { record, steps })
    }

    /// Puts the preimages in place, and takes away what was not there before.
    pub(super) fn finish(self, root: &Root) -> Result<(), RepoError> {
        for (entry, staged) in &self.steps {
            match (staged, entry.after) {
                (Some(staged), Some(after)) => root.replace(&entry.path, staged, after)?,
                (Some(staged), None) => root.create(&entry.path, staged)?,
                (None, Some(after)) => root.remove(&entry.path, &restored_name(self.record, entry), after)?,
                (None, None) => {}
            }
        }
        for dir in self.record.plan.created_dirs.iter().rev() {
            root.remove_empty_dir(dir)?;
        }
        Ok(())
    }
}

/// Removes the temporary files that a crash left behind. One that somebody wrote, and that was taken out of its place just
/// before the crash, goes back there instead.
pub(super) fn sweep(root: &Root, record: &Record) -> Result<(), RepoError> {
    for entry in &record.plan.entries {
        let before = entry.before.as_ref().map(|before| before.state());
        let now = state(root, &entry.path).ok();
        for (name, old, new) in [
            (staged_name(record, entry), before, entry.after),
            (restored_name(record, entry), entry.after, before),
        ] {
            if let Some(old) = old
                && now == Some(new)
                && new != Some(old)
            {
                root.put_back(&entry.path, &name, old, new)?;
            }
        }
        root.discard(&entry.path, &staged_name(record, entry))?;
        root.discard(&entry.path, &restored_name(record, entry))?;
    }
    Ok(())
}

/// Returns what is at `path` now; `None` where there is nothing.
///
/// # Errors
/// [`RepoError::PreimageChanged`] when it is not a regular file, or the way to it is not one of directories.
pub(super) fn state(root: &Root, path: &RepoPath) -> Result<Option<FileState>, RepoError> {
    match root.read(path, MAX_WRITE_BYTES) {
        Ok(file) => Ok(file.map(|file| file.state())),
        Err(
            RepoError::Symlink { .. }
            | RepoError::Directory(_)
            | RepoError::NotADirectory { .. }
            | RepoError::Special(_)
            | RepoError::Submodule { .. }
            | RepoError::TooLarge { .. },
        ) => Err(RepoError::PreimageChanged { path: path.clone() }),
        Err(error) => Err(error),
    }
}

/// Returns the name under which the new content of an entry is staged.
pub(super) fn staged_name(record: &Record, entry: &Entry) -> String {
    temporary_name(record, entry, "new")
}

fn restored_name(record: &Record, entry: &Entry) -> String {
    temporary_name(record, entry, "old")
}

fn temporary_name(record: &Record, entry: &Entry, side: &str) -> String {
    let plan = &record.plan;
    let number = plan.entries.iter().position(|other| other.path == entry.path);
    format!(
        ".skiff-tmp-{}-{}-{side}",
        plan.nonce,
        number.unwrap_or(plan.entries.len())
    )
}
