use super::{FilePatch, FileSide, Patch, PatchError};
use crate::repo::{FileContent, FileMode, FileState, FileWrite, Snapshot};
use crate::text::{FileChange, RepoPath, SourceChange, TextEdit};

impl Patch {
    /// Carries `change` out on the bytes of the work tree, in memory; files whose text does not change are dropped.
    ///
    /// # Errors
    /// When a file may not be edited, created or deleted, or an edit does not fit its text.
    pub fn build(change: &SourceChange, snapshot: &Snapshot) -> Result<Self, PatchError> {
        let mut files = Vec::new();
        for (path, change) in change.files() {
            let (old, new) = sides(path, change, snapshot)?;
            if new.as_ref().is_some_and(|side| side.text.contains('\0')) {
                return Err(PatchError::Nul(path.clone()));
            }
            if old != new {
                let path = path.clone();
                files.push(FilePatch { path, old, new });
            }
        }
        Ok(Self { files })
    }

    /// Tells whether no file changes.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns what the writer of the work tree needs.
    pub fn writes(&self) -> Vec<FileWrite> {
        let write = |file: &FilePatch| FileWrite {
            path: file.path.clone(),
            before: file.old.as_ref().map(|side| FileState {
                blob: side.blob,
                mode: side.mode,
            }),
            after: file.new.as_ref().map(|side| FileContent {
                bytes: side.text.clone().into_bytes(),
                mode: side.mode,
            }),
        };
        self.files.iter().map(write).collect()
    }
}

fn sides(
    path: &RepoPath,
    change: &FileChange,
    snapshot: &Snapshot,
) -> Result<(Option<FileSide>, Option<FileSide>), PatchError> {
    if let FileChange::Create(text) = change {
        snapshot.vacant(path)?;
        return Ok((None, Some(FileSide::new(text.clone(), FileMode::Regular))));
    }
    let source = snapshot.read(path)?;
    let new = match change {
        FileChange::Edit(edits) => {
            let text = TextEdit::apply_all(&source.text, edits).map_err(|error| PatchError::Edit {
                path: path.clone(),
                source: error,
            })?;
            Some(FileSide::new(text, source.mode))
        }
        FileChange::Create(_) | FileChange::Delete => None,
    };
    let old = FileSide {
        text: source.text,
        blob: source.blob,
        mode: source.mode,
    };
    Ok((Some(old), new))
}
