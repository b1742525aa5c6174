use std::collections::BTreeMap;

use super::{RepoPath, TextRange};

/// One replacement inside a file: the bytes of `range` become `replacement`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// What is replaced; empty for an insertion.
    pub range: TextRange,
    /// What stands there afterwards, in the file's own line endings.
    pub replacement: String,
}

/// What happens to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// Some ranges are replaced. Sorted by start and disjoint once [`SourceChange::edit`] has taken them.
    Edit(Vec<TextEdit>),
    /// The file appears with this text.
    Create(String),
    /// The file goes away.
    Delete,
}

/// Everything that one proposal does to a repository, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceChange {
    files: BTreeMap<RepoPath, FileChange>,
}

/// Why a change cannot be combined or carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Two edits of one file share bytes.
    #[error("{path}: the edits {first} and {second} overlap")]
    Overlap {
        path: RepoPath,
        first: TextRange,
        second: TextRange,
    },
    /// A file is both edited and created or deleted, or created twice.
    #[error("{0}: the file is changed in two ways that do not go together")]
    Conflict(RepoPath),
    /// An edit reaches past the end of the text or cuts a character in two.
    #[error("the edit {0} does not fit the text")]
    OutOfBounds(TextRange),
}

impl SourceChange {
    /// Adds one edit of an existing file.
    ///
    /// # Errors
    /// [`EditError::Overlap`] when it shares bytes with an earlier edit (two insertions at one place count as such),
    /// [`EditError::Conflict`] when the file is created or deleted.
    pub fn edit(&mut self, path: RepoPath, edit: TextEdit) -> Result<(), EditError> {
        let change = self
            .files
            .entry(path.clone())
            .or_insert_with(|| FileChange::Edit(Vec::new()));
        let FileChange::Edit(edits) = change else {
            return Err(EditError::Conflict(path));
        };
        let clash = edits
            .iter()
            .find(|e| e.range.overlaps(edit.range) || e.range == edit.range);
        if let Some(other) = clash {
            return Err(EditError::Overlap {
                path,
                first: other.range,
                second: edit.range,
            });
        }
        let at = edits.partition_point(|e| e.range < edit.range);
        edits.insert(at, edit);
        Ok(())
    }

    /// Adds a new file.
    ///
    /// # Errors
    /// [`EditError::Conflict`] when the path is changed already.
    pub fn create(&mut self, path: RepoPath, text: String) -> Result<(), EditError> {
        self.insert_new(path, FileChange::Create(text))
    }

    /// Adds the removal of a file.
    ///
    /// # Errors
    /// [`EditError::Conflict`] when the path is changed already.
    pub fn delete(&mut self, path: RepoPath) -> Result<(), EditError> {
        self.insert_new(path, FileChange::Delete)
    }

    /// Takes back what was said of a file.
    pub fn forget(&mut self, path: &RepoPath) {
        self.files.remove(path);
    }

    /// Returns the changes, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&RepoPath, &FileChange)> {
        self.files.iter()
    }

    /// Tells whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn insert_new(&mut self, path: RepoPath, change: FileChange) -> Result<(), EditError> {
        if self.files.contains_key(&path) {
            return Err(EditError::Conflict(path));
        }
        self.files.insert(path, change);
        Ok(())
    }
}

impl TextEdit {
    /// Returns `text` with sorted, disjoint `edits` carried out.
    ///
    /// # Errors
    /// [`EditError::OutOfBounds`] for an edit that does not fit `text`.
    pub fn apply_all(text: &str, edits: &[TextEdit]) -> Result<String, EditError> {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for edit in edits {
            let kept = text.get(at..edit.range.start);
            let (Some(kept), true) = (kept, text.is_char_boundary(edit.range.end)) else {
                return Err(EditError::OutOfBounds(edit.range));
            };
            out.push_str(kept);
            out.push_str(&edit.replacement);
            at = edit.range.end;
        }
        out.push_str(&text[at..]);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, replacement: &str) -> TextEdit {
        TextEdit {
            range: TextRange::new(start, end),
            replacement: replacement.to_owned(),
        }
    }

    #[test]
    fn edits_are_sorted_and_carried_out() {
        let path = RepoPath::new("a").unwrap();
        let mut change = SourceChange::default();
        change.edit(path.clone(), edit(4, 5, "E")).unwrap();
        change.edit(path.clone(), edit(0, 1, "AA")).unwrap();
        change.edit(path.clone(), edit(1, 1, "-")).unwrap();
        let (_, FileChange::Edit(edits)) = change.files().next().unwrap() else {
            panic!()
        };
        assert_eq!(TextEdit::apply_all("abcde", edits).unwrap(), "AA-bcdE");
    }

    #[test]
    fn what_is_forgotten_can_be_said_anew() {
        let path = RepoPath::new("a").unwrap();
        let mut change = SourceChange::default();
        change.create(path.clone(), "one".to_owned()).unwrap();
        assert!(change.create(path.clone(), "two".to_owned()).is_err());
        change.forget(&path);
        assert!(change.is_empty());
        change.create(path, "two".to_owned()).unwrap();
    }

    #[test]
    fn overlaps_and_conflicts_are_refused() {
        let path = RepoPath::new("a").unwrap();
        let mut change = SourceChange::default();
        change.edit(path.clone(), edit(0, 3, "x")).unwrap();
        assert!(matches!(
            change.edit(path.clone(), edit(2, 4, "y")),
            Err(EditError::Overlap { .. })
        ));
        assert!(matches!(change.delete(path), Err(EditError::Conflict(_))));
    }

    #[test]
    fn edits_that_do_not_fit_are_refused() {
        assert!(TextEdit::apply_all("aü", &[edit(2, 3, "")]).is_err());
        assert!(TextEdit::apply_all("a", &[edit(1, 9, "")]).is_err());
        assert!(TextEdit::apply_all("abc", &[edit(0, 2, ""), edit(1, 3, "")]).is_err());
    }
}
