//! The index: symbols, references, text search and ranking, in memory.
//!
//! Symbols own what they say of the source, and nothing in them points into it, so that a store on disk can keep them
//! by blob. This room imports `text`, `lang`, `repo` and `progress`.

mod analysis;
mod bm25;
mod build;
mod lookup;
mod map;
mod mention;
mod pagerank;
mod search;
mod snapshot;
mod symbol;
mod terms;
#[cfg(test)]
mod tests;

pub use build::{Index, IndexConfig, IndexError};
pub use map::{MapFocus, MappedSymbol};
pub use symbol::{FileHit, Hit, IndexedFile, Reference, SkipReason, SkippedFile, Symbol, SymbolId};
