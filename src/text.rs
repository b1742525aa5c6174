//! Repo-relative paths, half-open byte ranges and edits: the vocabulary every other room speaks.
//!
//! This room imports no other room.

mod change;
mod cut;
mod ignorable;
mod line;
mod path;
mod range;

pub use change::{EditError, FileChange, SourceChange, TextEdit};
pub use cut::{head, shortened};
pub use ignorable::is_default_ignorable;
pub use line::{Eol, LineIndex, lines_around};
pub use path::{PathError, RepoPath};
pub use range::TextRange;
