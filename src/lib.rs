//! skiff: an air-gapped repository agent.
//!
//! The rooms of this library and what each may import are described in `docs/architecture.md`; `tests/tidy.rs`
//! enforces the table.

pub mod agent;
pub mod batch;
pub mod cli;
pub mod evidence;
#[doc(hidden)]
pub mod fuzz;
pub mod index;
pub mod lang;
pub mod ledger;
pub mod model;
pub mod patch;
pub mod progress;
pub mod prompt;
pub mod repo;
pub mod review;
pub mod sandbox;
pub mod text;
