use serde::{Deserialize, Serialize};

use crate::model::{EngineStamp, Sampling, Usage};
use crate::patch::Patch;
use crate::sandbox::CheckOutcome;
use crate::text::RepoPath;

use super::{CandidateReport, StepReport};

/// What a request came to: a patch that waits for a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// The request as it was asked.
    pub request: String,
    /// Which weights wrote the patch.
    pub model: ModelStamp,
    /// What computed with them; not known of proposals that older releases made.
    #[serde(default)]
    pub engine: EngineStamp,
    /// How tokens were chosen.
    pub sampling: Sampling,
    /// What was done, place by place, in the order of the work.
    pub regions: Vec<RegionReport>,
    /// The candidates that were drawn, in order; not known of proposals that older releases made.
    #[serde(default)]
    pub candidates: Vec<CandidateReport>,
    /// Tokens and time of all completions together.
    pub usage: Usage,
    /// What the processor packages took meanwhile, in millijoules; none where the machine does not tell.
    #[serde(default)]
    pub energy_mj: Option<u64>,
    /// What came of the user's check commands, up to the first that failed.
    #[serde(default)]
    pub checks: Vec<CheckOutcome>,
    /// The steps of the tool loop, in order; none where the workflow was followed.
    #[serde(default)]
    pub steps: Vec<StepReport>,
    /// The patch.
    pub patch: Patch,
}

impl Proposal {
    /// Tells whether every region passed its gates, and the patch its checks, and whether the work came to its end.
    pub fn passed(&self) -> bool {
        let passes_gates = self.regions.iter().all(|region| region.failure.is_none());
        passes_gates && self.failed_check().is_none() && self.is_finished()
    }

    /// Tells whether the work came to its end: a tool loop does where the model says so.
    pub fn is_finished(&self) -> bool {
        self.steps.last().is_none_or(StepReport::finishes)
    }

    /// Returns the check command that failed.
    pub fn failed_check(&self) -> Option<&CheckOutcome> {
        self.checks.iter().find(|check| !check.passed())
    }
}

/// The weights behind a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStamp {
    /// The registry's name, or the file's.
    pub name: String,
    /// SHA-256 of the file in hexadecimal, or `scripted`.
    pub sha256: String,
}

/// One place of a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionReport {
    /// The file.
    pub path: RepoPath,
    /// The symbol, where the place has one.
    pub symbol: Option<String>,
    /// What was done.
    pub action: Action,
    /// How often the model was asked for it.
    pub attempts: u32,
    /// What the gates said of the attempts that failed, one line each.
    pub gate_hits: Vec<String>,
    /// Why the place is left as it is, or does not pass; none when all is well.
    pub failure: Option<String>,
}

/// What can be done with a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The region is written anew.
    Rewrite,
    /// New code follows the region.
    InsertAfter,
    /// A new file appears.
    Create,
    /// The region, or the whole file, goes away.
    Delete,
}
