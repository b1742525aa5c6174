//! What skiff keeps of its runs: the proposals that wait for a person.
//!
//! Imports `text`, `patch` and `agent`.

mod error;
mod proposals;

pub use error::LedgerError;
pub use proposals::{Entry, ProposalId, ProposalState, ProposalStore};
