//! The index: symbols, references, text search and ranking, kept on disk by blob.
//!
//! Blobs are analysed once, each by itself, and collected in segments that never change ([`store`]); a view says which
//! files stand for which blobs now. Everything is read lazily. This room imports `text`, `lang`, `repo` and `progress`.

mod analysis;
mod build;
mod consolidation;
mod corpus;
mod counter;
mod grep;
mod hash;
mod intake;
mod keeper;
mod likeness;
mod lookup;
mod map;
mod name_use;
mod pagerank;
mod path_terms;
mod rank;
mod refresh;
mod search;
mod source;
mod store;
mod symbol;
mod terms;
#[cfg(test)]
mod tests;
mod vocabulary;

pub use build::{Index, IndexConfig, IndexError, IndexSummary, StoreLocation};
pub use grep::LineMatch;
pub use map::{MapFocus, MappedSymbol};
pub(crate) use rank::is_test_path;
pub use source::Source;
pub(crate) use store::read_damaged;
pub use symbol::{FileHit, Hit, IndexedFile, Reference, SkipReason, SkippedFile, Symbol, SymbolId};
