//! The index on disk: records by blob in segments, and what stands where in views. The same bytes serve in memory
//! where nothing can be kept.

mod block;
mod block_cache;
mod builder;
mod damage;
mod database;
mod encoding;
mod error;
mod fingerprint;
mod merge;
mod posting;
mod record;
mod segment;
mod units;
mod view;

pub(crate) use damage::read_damaged;

pub(super) use builder::SegmentBuilder;
pub(super) use database::{Database, Loaded, Opened};
pub(super) use error::StoreError;
pub(super) use merge::{Moved, merge, overdue};
pub(super) use posting::{Counts, FIELDS, Posting};
pub(super) use record::{StoredDefinition, encode_definitions};
pub(super) use segment::{BlobEntry, BlobState, Segment};
pub(super) use units::{Unit, UnitFlags, Units};
pub(super) use view::{View, ViewEntry};
