use std::fmt;

use super::Hunk;
use super::quote::quoted;
use crate::repo::FileMode;
use crate::text::RepoPath;

/// A unified diff as it was read: what it says about files, before anybody has looked at them.
///
/// [`UnifiedDiff::parse`] reads one, [`UnifiedDiff::place`] makes a patch for the files that are there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnifiedDiff {
    /// The files, in the order of the diff; no path is there twice.
    pub files: Vec<FileDiff>,
}

/// What a diff says about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// The file.
    pub path: RepoPath,
    /// What happens to it.
    pub change: DiffChange,
    /// The lines that change, in their order. What a diff says of the section of a hunk is not kept.
    pub hunks: Vec<Hunk>,
}

/// What a diff does with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffChange {
    /// It appears, with this mode.
    Create(FileMode),
    /// It goes.
    Delete,
    /// Its lines change.
    Modify,
    /// Its mode changes, and perhaps lines too.
    ChangeMode {
        /// The mode that it must have.
        old: FileMode,
        /// The mode that it gets.
        new: FileMode,
    },
}

/// The form of `git diff`, without the ids of blobs, which a diff need not say.
impl fmt::Display for UnifiedDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| file.fmt(f))
    }
}

impl fmt::Display for FileDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        let (a, b) = (quoted(&format!("a/{path}")), quoted(&format!("b/{path}")));
        writeln!(f, "diff --git {a} {b}")?;
        match self.change {
            DiffChange::Create(mode) => writeln!(f, "new file mode {mode}")?,
            DiffChange::Delete => writeln!(f, "deleted file mode {}", FileMode::Regular)?,
            DiffChange::Modify => {}
            DiffChange::ChangeMode { old, new } => writeln!(f, "old mode {old}\nnew mode {new}")?,
        }
        if self.hunks.is_empty() {
            return Ok(());
        }
        let (old, new) = match self.change {
            DiffChange::Create(_) => (None, Some(path)),
            DiffChange::Delete => (Some(path), None),
            DiffChange::Modify | DiffChange::ChangeMode { .. } => (Some(path), Some(path)),
        };
        write!(f, "--- {}\n+++ {}\n", side("a", old), side("b", new))?;
        self.hunks.iter().try_for_each(|hunk| hunk.fmt(f))
    }
}

/// Returns the name of one side of a file, as it stands above the hunks.
pub(super) fn side(prefix: &str, path: Option<&RepoPath>) -> String {
    let Some(path) = path else {
        return "/dev/null".to_owned();
    };
    // A tab marks the end of a name with spaces, so that none of them is taken for the start of a date.
    let tab = if path.as_str().contains(' ') { "\t" } else { "" };
    format!("{}{tab}", quoted(&format!("{prefix}/{path}")))
}
