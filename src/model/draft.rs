//! Drafts for speculative decoding: what is likely to be written next, so that many tokens are verified at once
//! (Leviathan et al. 2023, arXiv 2211.17192).
//!
//! A rewrite repeats most of what it rewrites, so its draft is the old text. Drafts never change what is written, only
//! how many tokens come of one pass through the model.

mod acceptance;
mod copy;
mod follow;
mod transform;

pub(super) use acceptance::{Acceptance, DraftPlan, Foreseen, Gain, Grounds};
pub use copy::CopyDrafter;
pub use follow::Evidence;
