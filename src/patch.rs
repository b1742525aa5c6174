//! From a change to a patch: hunks, unified diffs, mail; and back from the diffs that others wrote.
//!
//! Imports `text`, `lang` and `repo`. A patch keeps both texts of every file, so what is shown, what is mailed and what
//! is written are all derived from the same bytes.

mod build;
mod cursor;
mod diff;
mod error;
pub mod gate;
mod header;
mod hunk;
mod mail;
mod mbox;
mod parse;
mod piece;
mod place;
mod quote;
mod stat;
mod unified;

use serde::{Deserialize, Serialize};

use crate::repo::{BlobId, FileMode};
use crate::text::RepoPath;

pub use diff::{DiffChange, FileDiff, UnifiedDiff};
pub use error::PatchError;
pub use hunk::{Hunk, HunkLine, LineKind};
pub use mbox::Envelope;
pub use parse::{MAX_PATCH_BYTES, ParseError, ParseFault};
pub use piece::{MisfitError, Piece, PieceChange};
pub use place::{Misplaced, Moved, PlaceError, Placed};
pub use stat::{FileStat, PatchStat};

/// The texts before and after, file by file, sorted by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// The files that change.
    pub files: Vec<FilePatch>,
}

/// One file of a patch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePatch {
    /// The file.
    pub path: RepoPath,
    /// What is there before; `None` for a new file.
    pub old: Option<FileSide>,
    /// What is there afterwards; `None` for a deleted file.
    pub new: Option<FileSide>,
}

/// One side of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedSide")]
pub struct FileSide {
    /// All of the text, byte-exact.
    pub text: String,
    /// The id of the text's bytes.
    pub blob: BlobId,
    /// The mode.
    pub mode: FileMode,
}

impl FileSide {
    /// Makes a side from a text; computes its id.
    pub fn new(text: String, mode: FileMode) -> Self {
        let blob = BlobId::of(text.as_bytes());
        Self { text, blob, mode }
    }
}

/// A side as it is read from a file: a text that is not the one of its id must not be shown for it.
#[derive(Deserialize)]
struct UncheckedSide {
    text: String,
    blob: BlobId,
    mode: FileMode,
}

impl TryFrom<UncheckedSide> for FileSide {
    type Error = String;

    fn try_from(side: UncheckedSide) -> Result<Self, String> {
        let checked = Self::new(side.text, side.mode);
        if checked.blob == side.blob {
            return Ok(checked);
        }
        Err(format!("the text has the blob id {}, not {}", checked.blob, side.blob))
    }
}

/// What the unit tests of several rooms build patches of.
#[cfg(test)]
pub(crate) mod fixture {
    use super::{FilePatch, FileSide};
    use crate::repo::FileMode;
    use crate::text::RepoPath;

    /// Returns the change of a regular file from one text, if any, to another.
    pub(crate) fn file(path: &str, old: Option<&str>, new: Option<&str>) -> FilePatch {
        let side = |text: &str| FileSide::new(text.to_owned(), FileMode::Regular);
        FilePatch {
            path: RepoPath::new(path).unwrap(),
            old: old.map(side),
            new: new.map(side),
        }
    }
}
