use serde::{Deserialize, Serialize};

use super::call::Tool;
use crate::model::Usage;

/// One step of the tool loop: an action and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Counted from one.
    pub number: u32,
    /// What was done; none where the model named no action.
    pub action: Option<Tool>,
    /// The place that it was about, as the model was shown it.
    pub target: Option<String>,
    /// What the model said in the action in its own words: a query, what to write, a new name, a summary.
    pub words: Option<String>,
    /// What came of it.
    pub outcome: StepOutcome,
    /// How many results of earlier steps were left out of the conversation before this one.
    pub evicted: u32,
    /// Tokens and time of the action and of the code that was written for it.
    pub usage: Usage,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// It was carried out.
    Done,
    /// It was carried out, and there was nothing to see, or the code stayed as it was.
    Nothing,
    /// The code that was written did not pass its gates, or a check failed.
    Failed,
    /// It was not carried out: it cannot be.
    Refused,
    /// It was not carried out: it was the step before.
    Repeated,
}

impl StepOutcome {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Nothing => "nothing",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Repeated => "repeated",
        }
    }
}

impl StepReport {
    /// Tells whether this step ended the work, as the model wished.
    pub fn finishes(&self) -> bool {
        self.action == Some(Tool::Finish) && self.outcome == StepOutcome::Done
    }
}

/// Is told of every step when it was made.
pub trait StepWitness {
    /// Takes note of a step.
    fn stepped(&self, step: &StepReport);
}
