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

pub(super) use corpus::{Corpus, FileField, Postings, SymbolFacts, SymbolField};
pub(super) use fusion::{file_scores, symbol_scores};
pub(super) use weights::WEIGHTS;
