//! How long work reports what it does, and learns that it should stop.
//!
//! This room imports no other room; every room may import it.

/// A stretch of long work, for progress display.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Hashing a model file, in bytes.
    Hash,
    /// Loading weights, in thousandths.
    Load,
    /// Parsing and indexing files, in files.
    Index,
    /// Reading the prompt, in tokens.
    Prefill,
    /// Writing the answer, in tokens; the total is the most that may come.
    Decode,
    /// Computing the vectors of texts, in texts.
    Embed,
    /// Settling the places of a batch, in places.
    Batch,
}

/// Receives progress and says whether to stop.
///
/// Implementations must be cheap: decoding calls [`Progress::advance`] once a token.
pub trait Progress: Sync {
    /// Begins a phase of `total` units (0 when it is not known).
    fn begin(&self, phase: Phase, total: u64);
    /// Says that `done` units of the running phase are finished.
    fn advance(&self, phase: Phase, done: u64);
    /// Ends a phase.
    fn end(&self, phase: Phase);
    /// Says one line to the person watching: what was left out, what is tried next.
    fn note(&self, line: &str);
    /// Tells whether the work should stop; polled at least every 100 ms of work where the work allows it.
    fn cancelled(&self) -> bool;
}

/// The progress of work within a longer phase, which alone is shown.
#[derive(Clone, Copy)]
pub struct Within<'p>(pub &'p dyn Progress);

impl Progress for Within<'_> {
    fn begin(&self, _: Phase, _: u64) {}
    fn advance(&self, _: Phase, _: u64) {}
    fn end(&self, _: Phase) {}
    fn note(&self, line: &str) {
        self.0.note(line);
    }
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// Progress that nobody watches and nobody cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: Phase, _: u64) {}
    fn advance(&self, _: Phase, _: u64) {}
    fn end(&self, _: Phase) {}
    fn note(&self, _: &str) {}
    fn cancelled(&self) -> bool {
        false
    }
}
