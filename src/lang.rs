//! Languages: the grammar registry, parsing, and what is read off a syntax tree (definitions, references, comments,
//! syntax errors).
//!
//! Definitions and references are described by the queries in `grammars/<language>/`; one row of [`LanguageSpec`]
//! registers a language. This room imports `text` only.

mod definition;
mod doc;
mod extent;
mod extract;
#[cfg(test)]
mod fixture_tests;
mod language;
mod parse;
mod query;
mod registry;
mod spec;
#[cfg(test)]
mod tests;

pub use definition::{Definition, NameUse, SymbolKind, UseKind};
pub use parse::{MAX_SOURCE_BYTES, PARSE_BUDGET, ParseOutcome, ParsedFile, SyntaxError, SyntaxErrorKind};
pub use query::{QueryError, compile_queries};
pub use registry::Language;
pub use spec::{Indentation, LanguageSpec};
