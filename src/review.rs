//! Showing a patch to a person: coloured, escaped text for a terminal.
//!
//! Imports `text` and `patch`. This room writes no files.

mod escape;
mod renderer;

pub use escape::{Escaped, escape, escape_line};
pub use renderer::Renderer;
