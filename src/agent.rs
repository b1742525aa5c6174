//! The loop from a request to a proposal.
//!
//! Imports `text`, `index`, `patch`, `model`, `prompt`, `progress`, and of `repo` only what reads.

mod proposal;

pub use proposal::{Action, ModelStamp, Proposal, RegionReport};
