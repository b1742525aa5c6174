//! Showing a patch to a person: coloured, escaped text for a terminal, what to look at twice, and the choice of hunks.
//!
//! Imports `text` and `patch`. This room writes no files.

mod chooser;
mod escape;
mod flags;
#[cfg(test)]
mod hostile_tests;
mod hunk_text;
mod renderer;
mod words;

pub use chooser::{Chooser, EditedError, Note, Turn};
pub use escape::{Escaped, escape, escape_json, escape_line};
pub use flags::{Flag, FlagKind};
pub use hunk_text::HunkTextError;
pub use renderer::Renderer;
