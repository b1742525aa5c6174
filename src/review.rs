//! Showing a patch to a person: coloured, escaped text for a terminal and what to look at twice.
//!
//! Imports `text` and `patch`. This room writes no files.

mod escape;
mod flags;
mod renderer;

pub use escape::{Escaped, escape, escape_line};
pub use flags::{Flag, FlagKind};
pub use renderer::Renderer;
