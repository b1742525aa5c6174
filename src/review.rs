//! Showing a patch to a person: coloured, escaped text for a terminal.
//!
//! Imports `text` and `patch`. This room writes no files.

mod escape;

pub use escape::{Escaped, escape};
