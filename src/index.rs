//! The index: symbols, references, text search and ranking, in memory.
//!
//! Symbols own what they say of the source, and nothing in them points into it, so that a store on disk can keep them
//! by blob. This room imports `text`, `lang`, `repo` and `progress`.

mod analysis;
mod build;
mod lookup;
mod rank;
mod search;
mod snapshot;
mod symbol;
mod term_index;
mod terms;
#[cfg(test)]
mod tests;

pub use build::{Index, IndexConfig, IndexError};
pub use symbol::{FileHit, Hit, IndexedFile, Reference, SkipReason, SkippedFile, Symbol, SymbolId};
