use crate::patch::Patch;
pub use crate::sandbox::{CheckOutcome, Examples};

/// Why the checks could not be run: not that one failed.
pub type CheckFailure = Box<dyn std::error::Error + Send + Sync>;

/// The user's check commands, in their order.
pub trait Checks {
    /// Lets the commands run on a work tree with the patch applied, until one fails; returns what came of those that ran.
    /// The examples are for the command that tries them, where the user named it.
    ///
    /// # Errors
    /// When they could not be run.
    fn run(&self, patch: &Patch, examples: Option<&Examples>) -> Result<Vec<CheckOutcome>, CheckFailure>;

    /// Tells what the commands judge by.
    fn judge_by(&self) -> JudgeBy;
}

/// What check commands judge by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JudgeBy {
    /// What the user wrote.
    Commands,
    /// Examples alone: where there are none, nothing can fail.
    Examples,
    /// Both.
    CommandsAndExamples,
}

impl JudgeBy {
    /// Tells whether examples are looked for.
    pub fn takes_examples(self) -> bool {
        match self {
            Self::Examples | Self::CommandsAndExamples => true,
            Self::Commands => false,
        }
    }
}
