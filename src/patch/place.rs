use super::diff::{DiffChange, FileDiff, UnifiedDiff};
use super::piece::carry_out;
use super::{FilePatch, FileSide, Hunk, LineKind, MisfitError, Patch};
use crate::repo::{FileContent, MAX_EDIT_BYTES, RepoError, WorkTreeReader};
use crate::text::{RepoPath, shortened};

/// The most characters of a line that an error shows.
const SHOWN_CHARS: usize = 80;

/// A diff that found its place in the files of a work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What it makes of them; files that stay as they are are left out.
    pub patch: Patch,
    /// The hunks that were found on other lines than the diff says.
    pub moved: Vec<Moved>,
}

/// A hunk that was found on another line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The file.
    pub path: RepoPath,
    /// Which hunk of the file, from 1.
    pub hunk: usize,
    /// The zero-based line on which the diff has it.
    pub stated: usize,
    /// The zero-based line on which it is.
    pub found: usize,
}

/// Why a diff cannot be applied to the files that are there.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A file is not of a kind that is changed, or cannot be read.
    #[error("cannot apply the patch")]
    Repo(#[from] RepoError),
    /// What the diff changes is not there.
    #[error("the patch changes {0}, which does not exist")]
    Missing(RepoPath),
    /// What the diff makes is there.
    #[error("the patch makes {0}, which exists already")]
    Exists(RepoPath),
    /// The mode that the diff changes is another one.
    #[error("the patch changes the mode of {path} from {expected}, and it is {found}")]
    Mode {
        path: RepoPath,
        expected: &'static str,
        found: &'static str,
    },
    /// A hunk fits on no line, or on several.
    #[error("hunk {hunk} of {path} {misplaced}")]
    Hunk {
        path: RepoPath,
        /// Its number in the file, from 1.
        hunk: usize,
        misplaced: Misplaced,
    },
    /// The file would not go, as it has lines that the diff does not remove.
    #[error("the patch deletes {0}, which holds more than the patch removes")]
    Remains(RepoPath),
    /// Hunks that were found do not go together.
    #[error("the hunks of {path} do not go together")]
    Misfit {
        path: RepoPath,
        #[source]
        source: MisfitError,
    },
}

impl PlaceError {
    /// Tells whether the diff was made for other files than there are, and nothing else is wrong.
    pub fn is_conflict(&self) -> bool {
        !matches!(self, Self::Repo(_))
    }
}

/// Why a hunk has no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    /// A line is another one, and there is no other place.
    #[error("does not fit: line {} is {found}, and the patch has {expected}", .line + 1)]
    Differs {
        /// The first zero-based line that differs, where the diff has the hunk.
        line: usize,
        /// The line, shortened and escaped.
        found: String,
        /// What the diff says, shortened and escaped.
        expected: String,
    },
    /// The file ends before the hunk does.
    #[error("does not fit: the file has {lines} lines, and the patch has {expected} on line {}", .line + 1)]
    Ended {
        /// The zero-based line that is not there.
        line: usize,
        /// How many lines there are.
        lines: usize,
        /// What the diff says, shortened and escaped.
        expected: String,
    },
    /// The hunk is for the end of a file, and there are more lines.
    #[error("has no lines after its change and so is for the end of the file, and line {} follows", .0 + 1)]
    NotLast(usize),
    /// The hunk adds to an empty file, and this one is not.
    #[error("has no line of the old file to be found by, and the file is not empty")]
    NoAnchor,
    /// There are several places.
    #[error("fits on {0} lines, and cannot be told to be meant for one of them")]
    Ambiguous(usize),
    /// The one place is before that of the hunk above it.
    #[error("fits on line {} alone, which is before the end of the hunk above", .0 + 1)]
    Order(usize),
}

impl UnifiedDiff {
    /// Finds the place of every hunk in the files that are there now: where the diff says, or where alone it fits. Every
    /// line must be the one of the file, to the byte.
    ///
    /// As with `git apply`, a hunk for the first line must stand at the beginning, and one without lines after its change
    /// at the end of the file.
    ///
    /// # Errors
    /// [`PlaceError`] names the first file and hunk without a place.
    pub fn place(&self, work_tree: &WorkTreeReader) -> Result<Placed, PlaceError> {
        let mut patch = Patch::default();
        let mut moved = Vec::new();
        for file in &self.files {
            let content = work_tree.content(&file.path, MAX_EDIT_BYTES)?;
            let old = content.map(|content| side(&file.path, content)).transpose()?;
            let new = file.carried_out(old.as_ref(), &mut moved)?;
            if old != new {
                let path = file.path.clone();
                patch.files.push(FilePatch { path, old, new });
            }
        }
        patch.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Placed { patch, moved })
    }
}

fn side(path: &RepoPath, content: FileContent) -> Result<FileSide, RepoError> {
    if content.bytes.contains(&0) {
        return Err(RepoError::Binary(path.clone()));
    }
    let text = String::from_utf8(content.bytes).map_err(|error| RepoError::NotUtf8 {
        path: path.clone(),
        offset: error.utf8_error().valid_up_to(),
    })?;
    Ok(FileSide::new(text, content.mode))
}

impl FileDiff {
    /// Returns what becomes of a file, and adds the hunks that were found elsewhere to `moved`.
    fn carried_out(&self, old: Option<&FileSide>, moved: &mut Vec<Moved>) -> Result<Option<FileSide>, PlaceError> {
        let path = || self.path.clone();
        let old = match (self.change, old) {
            (DiffChange::Create(_), Some(_)) => return Err(PlaceError::Exists(path())),
            (DiffChange::Create(mode), None) => {
                return Ok(Some(FileSide::new(self.text("", moved)?, mode)));
            }
            (_, None) => return Err(PlaceError::Missing(path())),
            (_, Some(old)) => old,
        };
        let mode = match self.change {
            DiffChange::ChangeMode { old: expected, .. } if expected != old.mode => {
                return Err(PlaceError::Mode {
                    path: path(),
                    expected: expected.as_str(),
                    found: old.mode.as_str(),
                });
            }
            DiffChange::ChangeMode { new, .. } => new,
            DiffChange::Create(_) | DiffChange::Delete | DiffChange::Modify => old.mode,
        };
        let text = self.text(&old.text, moved)?;
        match self.change {
            DiffChange::Delete if text.is_empty() => Ok(None),
            DiffChange::Delete => Err(PlaceError::Remains(path())),
            DiffChange::Create(_) | DiffChange::Modify | DiffChange::ChangeMode { .. } => {
                Ok(Some(FileSide::new(text, mode)))
            }
        }
    }

    fn text(&self, old: &str, moved: &mut Vec<Moved>) -> Result<String, PlaceError> {
        let lines: Vec<&str> = old.split_inclusive('\n').collect();
        let mut placed: Vec<(usize, &Hunk)> = Vec::with_capacity(self.hunks.len());
        let mut drift = Drift::None;
        for (number, hunk) in (1..).zip(&self.hunks) {
            let end = placed.last().map_or(0, |(at, last)| at + last.old.len());
            let found = find(&lines, hunk, drift).and_then(|found| match found < end {
                true => Err(Misplaced::Order(found)),
                false => Ok(found),
            });
            let found = found.map_err(|misplaced| PlaceError::Hunk {
                path: self.path.clone(),
                hunk: number,
                misplaced,
            })?;
            if found != hunk.old.start {
                drift = Drift::Some;
                moved.push(Moved {
                    path: self.path.clone(),
                    hunk: number,
                    stated: hunk.old.start,
                    found,
                });
            }
            placed.push((found, hunk));
        }
        carry_out(old, &placed).map_err(|source| PlaceError::Misfit {
            path: self.path.clone(),
            source,
        })
    }
}

/// Whether a hunk of the file was found on another line than the diff says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drift {
    None,
    /// The line that the diff says may then be one that only looks the same.
    Some,
}

/// Returns the zero-based line that a hunk begins at.
fn find(lines: &[&str], hunk: &Hunk, drift: Drift) -> Result<usize, Misplaced> {
    let of_old = hunk.lines.iter().filter(|line| line.kind != LineKind::Added);
    let needle: Vec<&str> = of_old.map(|line| line.text.as_str()).collect();
    if needle.is_empty() {
        return match (lines.is_empty(), hunk.old.start) {
            (true, 0) => Ok(0),
            _ => Err(Misplaced::NoAnchor),
        };
    }
    let first = hunk.old.start == 0;
    let last = hunk.lines.last().is_some_and(|line| line.kind != LineKind::Context);
    let anchored = |at: usize| (!first || at == 0) && (!last || at + needle.len() == lines.len());
    let stated = hunk.old.start;
    let fits = lines.get(stated..).is_some_and(|rest| rest.starts_with(&needle));
    if fits && anchored(stated) && drift == Drift::None {
        return Ok(stated);
    }
    let places: Vec<usize> = occurrences(lines, &needle)
        .into_iter()
        .filter(|at| anchored(*at))
        .collect();
    match places[..] {
        [place] => Ok(place),
        [] if fits && last => Err(Misplaced::NotLast(stated + needle.len())),
        [] => Err(difference(lines, &needle, stated)),
        _ => Err(Misplaced::Ambiguous(places.len())),
    }
}

/// Returns the lines on which `needle` begins, overlapping ones too (Knuth, Morris, Pratt 1977).
fn occurrences(lines: &[&str], needle: &[&str]) -> Vec<usize> {
    let mut borders = vec![0; needle.len()];
    let mut matched = 0;
    for at in 1..needle.len() {
        while matched > 0 && needle[at] != needle[matched] {
            matched = borders[matched - 1];
        }
        matched += usize::from(needle[at] == needle[matched]);
        borders[at] = matched;
    }
    let mut found = Vec::new();
    matched = 0;
    for (at, line) in lines.iter().enumerate() {
        while matched > 0 && (matched == needle.len() || *line != needle[matched]) {
            matched = borders[matched - 1];
        }
        matched += usize::from(*line == needle[matched]);
        if matched == needle.len() {
            found.push(at + 1 - needle.len());
        }
    }
    found
}

/// Says which line is the first that differs, where the diff has the hunk.
fn difference(lines: &[&str], needle: &[&str], stated: usize) -> Misplaced {
    let shown = |line: &str| format!("{:?}", shortened(line, SHOWN_CHARS));
    let differing = needle
        .iter()
        .enumerate()
        .find(|(nth, line)| lines.get(stated + nth) != Some(line));
    let (nth, expected) = differing.unwrap_or((0, &needle[0]));
    let (line, expected) = (stated + nth, shown(expected));
    match lines.get(line) {
        Some(found) => Misplaced::Differs {
            line,
            found: shown(found),
            expected,
        },
        None => Misplaced::Ended {
            line,
            lines: lines.len(),
            expected,
        },
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
