use std::fmt;

use serde::{Deserialize, Serialize};

use super::quote::quoted;
use super::{LineKind, Patch};
use crate::text::RepoPath;

/// How much a patch changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchStat {
    /// The files, in the order of the patch.
    pub files: Vec<FileStat>,
    /// Lines added in all files.
    pub added: usize,
    /// Lines removed in all files.
    pub removed: usize,
}

/// How much a patch changes one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStat {
    /// The file.
    pub path: RepoPath,
    /// Lines added.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
}

impl Patch {
    /// Counts files and lines.
    pub fn stat(&self) -> PatchStat {
        let mut stat = PatchStat::default();
        for file in &self.files {
            let (mut added, mut removed) = (0, 0);
            for line in file.hunks().iter().flat_map(|hunk| &hunk.lines) {
                match line.kind {
                    LineKind::Added => added += 1,
                    LineKind::Removed => removed += 1,
                    LineKind::Context => {}
                }
            }
            stat.added += added;
            stat.removed += removed;
            let path = file.path.clone();
            stat.files.push(FileStat { path, added, removed });
        }
        stat
    }
}

/// The table that stands above a mailed patch, in the form of `git diff --stat`.
impl fmt::Display for PatchStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const GRAPH_COLUMNS: usize = 40;
        let names: Vec<String> = self.files.iter().map(|file| quoted(file.path.as_str())).collect();
        let width = names.iter().map(String::len).max().unwrap_or(0);
        let most = self.files.iter().map(|file| file.added + file.removed).max();
        let digits = most.unwrap_or(0).to_string().len();
        for (file, name) in self.files.iter().zip(&names) {
            let total = file.added + file.removed;
            let scale = |lines: usize| match most.unwrap_or(0) {
                most if most <= GRAPH_COLUMNS || lines == 0 => lines,
                most => (lines * GRAPH_COLUMNS / most).max(1),
            };
            let graph = "+".repeat(scale(file.added)) + &"-".repeat(scale(file.removed));
            writeln!(f, "{}", format!(" {name:width$} | {total:digits$} {graph}").trim_end())?;
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let files = self.files.len();
        write!(f, " {files} file{} changed", plural(files))?;
        if self.added > 0 || self.removed == 0 {
            write!(f, ", {} insertion{}(+)", self.added, plural(self.added))?;
        }
        if self.removed > 0 || self.added == 0 {
            write!(f, ", {} deletion{}(-)", self.removed, plural(self.removed))?;
        }
        writeln!(f)
    }
}
