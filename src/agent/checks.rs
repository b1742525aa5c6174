use crate::patch::Patch;
pub use crate::sandbox::CheckOutcome;

/// Why the checks could not be run: not that one failed.
pub type CheckFailure = Box<dyn std::error::Error + Send + Sync>;

/// The user's check commands, in their order.
pub trait Checks {
    /// Lets the commands run on a work tree with the patch applied, until one fails; returns what came of those that ran.
    ///
    /// # Errors
    /// When they could not be run.
    fn run(&self, patch: &Patch) -> Result<Vec<CheckOutcome>, CheckFailure>;
}
