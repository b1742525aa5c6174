//! What skiff keeps of its runs: the proposals that wait for a person, and the tamper-evident record of what was done.
//!
//! Imports `text`, `patch`, `model` and `agent`. A record is durable before what it is about is done.

mod bundle;
mod canonical;
mod chain;
mod checkpoint;
mod digest;
mod error;
pub mod event;
mod export;
mod hex;
mod identity;
mod key;
mod marking;
mod proposals;
mod record;
mod recorder;
mod run_stats;
mod run_summary;
mod segment;
#[cfg(test)]
mod tests;
mod verify;

pub use bundle::{Bundle, BundleCheck, BundleError, BundleFile, Manifest, excerpt};
pub use canonical::CanonicalError;
pub use chain::Ledger;
pub use digest::Digest;
pub use error::{Fault, LedgerError};
pub use event::{Cost, Decision, Event, FileChange, FileHunks, FileIdentity, Hunks, SettledAs, SiteSettled, Verb};
pub use identity::Person;
pub use key::PublicKey;
pub use marking::Marking;
pub use proposals::{Entry, ProposalId, ProposalState, ProposalStore};
pub use record::{Head, Record};
pub use recorder::{Recorder, Setting, Texts};
pub use run_stats::{LedgerStats, RunStats};
pub use run_summary::{RunCheck, RunCheckEnd, RunDecision, RunEnd, RunList, RunStep, RunSummary};
pub(crate) use verify::read_foreign;
pub use verify::{Expectation, Verified, verify_file};
