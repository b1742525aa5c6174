//! Ranking: a request against the files and symbols of an index.

mod bm25f;
mod corpus;
mod fusion;
mod mention;
mod module;
mod prior;
mod query;
mod trace;
mod weights;
mod zone;

pub(super) use corpus::{Corpus, Document, FIELDS, FileField, Occurrence, SymbolFacts, SymbolField, Totals};
pub(super) use fusion::{file_scores, symbol_scores};
pub(crate) use prior::is_test_path;
pub(super) use prior::of_symbol as prior_of_symbol;
pub(super) use weights::WEIGHTS;
