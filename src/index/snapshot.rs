use super::{Index, IndexConfig, IndexError, SkipReason, SkippedFile};
use crate::progress::Progress;
use crate::repo::{RepoError, Snapshot, SnapshotFile};
use crate::text::RepoPath;

impl Index {
    /// Indexes the text files of a work tree, as they are on disk now, in parallel.
    ///
    /// A file that cannot be taken in is no error: [`Index::skipped`] names it, and how many are left out for their size
    /// is said through `progress`.
    ///
    /// # Errors
    /// [`IndexError::Cancelled`] when `progress` says so.
    pub fn build(snapshot: &Snapshot, config: &IndexConfig, progress: &dyn Progress) -> Result<Self, IndexError> {
        let files: Vec<&SnapshotFile> = snapshot.files().iter().collect();
        let index = Self::collect(files, |file| read(snapshot, file, config), progress)?;
        let large = index
            .skipped()
            .iter()
            .filter(|file| file.reason == SkipReason::TooLarge);
        match large.count() {
            0 => {}
            count => progress.note(&format!(
                "{count} file(s) larger than {} bytes are not indexed",
                config.max_file_bytes
            )),
        }
        Ok(index)
    }
}

fn read(snapshot: &Snapshot, file: &SnapshotFile, config: &IndexConfig) -> Result<(RepoPath, String), SkippedFile> {
    let skipped = |reason| SkippedFile {
        path: file.path.clone(),
        reason,
    };
    if file.size_bytes > config.max_file_bytes {
        return Err(skipped(SkipReason::TooLarge));
    }
    let bytes = snapshot
        .read_bytes(&file.path, config.max_file_bytes)
        .map_err(|error| match error {
            RepoError::TooLarge { .. } => skipped(SkipReason::TooLarge),
            _ => skipped(SkipReason::Unreadable),
        })?;
    if bytes.contains(&0) {
        return Err(skipped(SkipReason::NotText));
    }
    let text = String::from_utf8(bytes).map_err(|_| skipped(SkipReason::NotText))?;
    Ok((file.path.clone(), text))
}
