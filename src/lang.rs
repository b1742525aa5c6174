//! Languages: the grammar registry, parsing, and what is read off a syntax tree (definitions, references, comments,
//! syntax errors).
//!
//! Definitions and references are described by the queries in `grammars/<language>/`; one row of [`LanguageSpec`]
//! registers a language. This room imports `text` only.

#[cfg(test)]
mod agreement_tests;
mod arity;
mod assertion;
mod code_pattern;
mod code_query;
mod definition;
mod doc;
mod extent;
mod extract;
#[cfg(test)]
mod fixture_tests;
mod import;
mod language;
mod matches;
mod member_fault;
mod name;
mod normal_form;
mod own_lines;
mod parse;
mod pattern;
mod predicate;
mod query;
mod registry;
mod scope;
mod sexpr;
mod spec;
mod stub;
mod table;
#[cfg(test)]
mod tests;
mod walk;
#[cfg(test)]
mod walk_tests;

pub use arity::{Arity, Call, Mismatch};
pub use assertion::{Assertion, is_literal};
pub use code_pattern::{CodeMatch, CodePattern, CodePatternError};
pub use code_query::{CodeQuery, CodeQueryError};
pub use definition::{Definition, NameUse, SymbolKind, UseKind};
pub use import::{ImportLine, KnownBy, imported_from};
pub use member_fault::{MemberFault, MemberFaultKind};
pub use normal_form::normal_form;
pub use parse::{Facts, MAX_SOURCE_BYTES, PARSE_BUDGET, ParseOutcome, ParsedFile, SyntaxError, SyntaxErrorKind};
pub use query::{Engine, QueryError, compile_queries};
pub use registry::Language;
pub use scope::{Binding, BoundBy, Scopes, UnboundName};
pub use spec::{Indentation, LanguageSpec};
pub use stub::skeleton;
